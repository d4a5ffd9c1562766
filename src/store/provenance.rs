//! What rows know of a user and its document does not say: the extension in which it is shown by
//! whose word it is there, and who manages it.
//!
//! A document begins with its `schemas`, whose URNs have no bracket in them, so that the extension's
//! is put in front of the first that closes.

use crate::scim::urn::MUSTER_USER;

/// By whose word a user is there, and which connection manages it.
#[derive(Clone, Copy, Debug)]
pub struct Provenance<'a> {
    /// Its origin.
    pub origin: &'a str,
    /// The connection, if one does.
    pub manager: Option<&'a str>,
}

/// An expression: the document of the resource `r` without its last two braces, with the extension's
/// URN; [`spliced`] does the same.
pub(super) fn start() -> String {
    format!(
        "substr(r.doc, 1, instr(r.doc, ']') - 1) || ',\"{MUSTER_USER}\"'
            || substr(r.doc, instr(r.doc, ']'), length(r.doc) - instr(r.doc, ']') - 1)"
    )
}

/// An expression: the extension, to stand behind a field of the resource `r`.
pub(super) fn extension() -> String {
    format!(
        "',\"{MUSTER_USER}\":{{\"origin\":' || json_quote(r.origin)
            || iif(r.manager IS NULL, '', ',\"managedBy\":' || json_quote(r.manager))
            || iif(r.last_seen IS NULL, '', ',\"lastSeenAt\":' || json_quote(r.last_seen)) || '}}'"
    )
}

/// The column that has what a document does not, as the JSON text of the attribute of a name; none
/// where nothing is stored of it.
pub(super) fn column(name: &str) -> &'static str {
    match name {
        "origin" => "json_quote(origin)",
        "managedBy" => "iif(manager IS NULL, NULL, json_quote(manager))",
        "lastSeenAt" => "iif(last_seen IS NULL, NULL, json_quote(last_seen))",
        _ => "NULL",
    }
}

/// A document that is open, with the extension's URN among its schemas, and what is behind it.
pub(super) fn spliced(open: &[u8], behind: &[&[u8]]) -> Vec<u8> {
    let end = open.iter().position(|byte| *byte == b']').unwrap_or_default();
    let (schemas, rest) = open.split_at_checked(end).unwrap_or((open, b""));
    let urn = [b",\"", MUSTER_USER.as_bytes(), b"\""];
    [&[schemas], &urn[..], &[rest], behind].concat().concat()
}

impl Provenance<'_> {
    /// The extension as [`extension`] has it, of a user who is new and was never seen.
    pub(super) fn extension(self) -> String {
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        let manager = self.manager.map(|id| format!(",\"managedBy\":{}", quoted(id)));
        format!(
            ",\"{MUSTER_USER}\":{{\"origin\":{}{}}}",
            quoted(self.origin),
            manager.unwrap_or_default()
        )
    }
}
