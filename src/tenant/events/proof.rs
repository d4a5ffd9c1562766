//! The log as lines that prove themselves: each with its salt and its hash, behind the hash before the
//! first of them.
//!
//! A payload is hashed as its text is, so the text of `data` goes into the line as it is stored, behind
//! the tenant and the place.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::event::chain::{ROOT, hex};
use crate::http::Response;
use crate::store::StoreError;
use crate::store::events::{self, Chained};
use crate::tenant::document::moment;
use crate::tenant::work::{Answer, Work};

impl Work<'_, '_> {
    /// The events behind one place, up to another.
    pub(super) fn proven(&self, after: i64, until: i64, ends: &Value) -> Answer {
        let before = self.hash_of(after)?.unwrap_or_else(|| ROOT.to_vec());
        let mut lines = json!({ "anchor": { "seq": after, "hash": hex(&before) } }).to_string();
        for event in events::chained(self.sql, after, until)? {
            lines.push('\n');
            lines.push_str(&line(self.tenant(), &event));
        }
        let _ = writeln!(lines, "\n{ends}");
        Ok(Response::written_lines(lines))
    }

    /// The hash of the event at a place, be it the last of those that are forgotten.
    fn hash_of(&self, seq: i64) -> Result<Option<Vec<u8>>, StoreError> {
        if seq == self.memory.log.anchor {
            return Ok(events::anchor(self.sql)?.and_then(|anchor| anchor.hash));
        }
        events::hash_at(self.sql, seq)
    }
}

fn line(tenant: &str, Chained { event, salt, digest, hash }: &Chained) -> String {
    let time = moment(event.time).unwrap_or_default();
    let (seq, kind) = (event.seq, &event.kind);
    let fields = event.data.strip_prefix('{').unwrap_or_default();
    let event = format!(
        r#"{{"type":"{kind}","timestamp":"{time}","data":{{"tenant":"{tenant}","seq":{seq},{fields}"#
    );
    let Some(hash) = hash.as_deref().map(hex) else { return event + "}" };
    let (name, bytes) = match (salt, digest) {
        (Some(salt), _) => ("salt", hex(salt)),
        (None, digest) => ("digest", digest.as_deref().map(hex).unwrap_or_default()),
    };
    format!(r#"{event},"chain":{{"{name}":"{bytes}","hash":"{hash}"}}}}"#)
}
