//! The lines of an export, and what of them no export could have written. The values of a resource that
//! was taken once are not judged again.

use std::collections::BTreeMap;

use chrono::DateTime;
use serde::Deserialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::http::{Problem, ProblemCode};
use crate::limits;
use crate::scim::schema::{Attribute, AttributeType, Fault, TypeSchema};
use crate::store::Pos;
use crate::store::connections::ConnectionRow;
use crate::tenant::connections;
use crate::tenant::document::{Document, object, timestamp, version};

/// A line of an export.
#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub(super) enum Line {
    Settings {
        policies: Map<String, Value>,
        numbers: BTreeMap<String, u8>,
    },
    Connection(ConnectionLine),
    Resource(ResourceLine),
    Member(MemberLine),
    Dangling(MemberLine),
    Grant(GrantLine),
    Suspension(SuspensionLine),
    /// What awaits approval, or was denied it.
    Change(Map<String, Value>),
    /// Whom a connection does not see.
    Hidden {
        connection: String,
        user: String,
    },
    /// Who holds a role of which only so many may be held.
    Place(GrantLine),
    /// Who waits for one.
    Wait(GrantLine),
    /// The last line of the last page.
    #[serde(skip)]
    End,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ConnectionLine {
    pub(super) id: String,
    pub(super) display_name: String,
    pub(super) preset: String,
    pub(super) compat: Map<String, Value>,
    pub(super) state: String,
    pub(super) adopt: String,
    #[serde(default)]
    pub(super) in_scope: Option<String>,
    /// Which earlier versions did not have.
    #[serde(default)]
    pub(super) options: Map<String, Value>,
    pub(super) version: i64,
    pub(super) created: i64,
}

#[derive(Debug, Deserialize)]
pub(super) struct ResourceLine {
    pub(super) position: i64,
    pub(super) version: i64,
    pub(super) origin: String,
    pub(super) manager: Option<String>,
    pub(super) document: Map<String, Value>,
}

#[derive(Debug, Deserialize)]
pub(super) struct MemberLine {
    pub(super) group: String,
    pub(super) member: String,
    pub(super) origin: String,
    pub(super) display: Option<String>,
}

/// What stands whatever mappings say.
#[derive(Debug, Deserialize)]
pub(super) struct GrantLine {
    pub(super) user: String,
    pub(super) role: Option<String>,
    pub(super) scope: Option<String>,
    pub(super) group: Option<String>,
    pub(super) source: String,
    /// Of places, the last event before it began, which earlier versions did not tell.
    #[serde(default)]
    pub(super) since: Option<i64>,
}

#[derive(Debug, Deserialize)]
pub(super) struct SuspensionLine {
    pub(super) user: String,
    pub(super) since: i64,
    pub(super) stale: bool,
}

/// The lines of a body with their numbers. That a page ends says nothing, but that there is more; without
/// such a line at its end, the body was cut.
pub(super) fn read(body: &[u8]) -> Result<Vec<(usize, Line)>, Problem> {
    let (mut lines, mut is_whole) = (Vec::new(), false);
    for (number, line) in (1..).zip(body.split(|byte| *byte == b'\n')) {
        if line.trim_ascii().is_empty() {
            continue;
        }
        if number > limits::IMPORT_LINES {
            let detail = format!("an import has more than {} lines", limits::IMPORT_LINES);
            return Err(Problem::new(ProblemCode::PayloadTooLarge, detail));
        }
        let fault =
            || Problem::faulty(vec![Fault::new(format!("/{number}"), "is no line of an export")]);
        let value: Value = serde_json::from_slice(line).map_err(|_| fault())?;
        is_whole = value.get("kind").is_none() && ends_page(&value);
        if !is_whole {
            lines.push((number, serde_json::from_value(value).map_err(|_| fault())?));
        } else if value.get("end").is_some() {
            lines.push((number, Line::End));
        }
    }
    if !is_whole {
        let detail = "the body was cut: its last line does not end a page of an export";
        return Err(Problem::new(ProblemCode::Malformed, detail));
    }
    Ok(lines)
}

/// The connection of a line, if it is one that could have been made.
pub(super) fn connection(line: ConnectionLine) -> Option<ConnectionRow> {
    let ConnectionLine { id, display_name, preset, compat, state, adopt, .. } = line;
    let ConnectionLine { in_scope, options: mut fields, version, created, .. } = line;
    fields.extend(object(vec![
        ("id", id.into()),
        ("displayName", display_name.into()),
        ("preset", preset.into()),
        ("compat", compat.into()),
        ("state", state.into()),
        ("adopt", adopt.into()),
        ("inScope", in_scope.into()),
    ]));
    let row = connections::read(fields, created).ok()?;
    let fits = (1..=limits::IMPORT_VERSION).contains(&version)
        && DateTime::from_timestamp_millis(created).is_some();
    // One that is disabled may have been active, and what it said may count.
    let activated = matches!(row.state.as_str(), "active" | "disabled");
    fits.then_some(ConnectionRow { rev: version, activated, ..row })
}

/// The document of a line, if it is one of its type and says of itself what the line says.
pub(super) fn document(line: &ResourceLine, schema: TypeSchema<'_>) -> Option<(Document, Vec<u8>)> {
    let doc = serde_json::to_vec(&line.document).ok()?;
    let document = Document::decode(&doc).ok()?;
    let says = line.document.get("meta")?.get("version")?.as_str()?;
    let id = Uuid::parse_str(&document.id).ok()?;
    let fits = says == version(line.version)
        && (1..=limits::IMPORT_VERSION).contains(&line.version)
        && id.hyphenated().to_string() == document.id
        && document.resource_type == schema.resource_type.id
        && (1..=limits::IMPORT_PLACE).contains(&Pos::stored(line.position).place())
        && doc.len() <= limits::RESOURCE_BYTES
        && is_moment(&document.created)
        && line.document.get("meta")?.get("lastModified")?.as_str().is_some_and(is_moment)
        && is_kept(document.resource.as_map(), schema);
    fits.then_some((document, doc))
}

/// Whether a text is a moment in the one form in which documents have them, whose order is that of time.
fn is_moment(text: &str) -> bool {
    DateTime::parse_from_rfc3339(text).is_ok_and(|moment| timestamp(moment.to_utc()) == text)
}

/// Whether a type's resources may keep all of these attributes: each is one of its schemas' that a
/// client writes and that is stored, and a name by which users are found is there.
fn is_kept(resource: &Map<String, Value>, schema: TypeSchema<'_>) -> bool {
    let keeps = |urn: Option<&str>, name: &str| {
        schema.attribute(urn, name).is_some_and(|found| {
            found.attribute.mutability.keeps_values()
                && found.attribute.name == name
                && found.extension == urn
        })
    };
    let is_named = |(name, value): (&String, &Value)| match (schema.extension(name), value) {
        (Some(_), Value::Object(fields)) => fields.keys().all(|field| keeps(Some(name), field)),
        _ => name == "schemas" || keeps(None, name),
    };
    let required = schema.core().iter().filter(|attribute| {
        attribute.required && attribute.kind == AttributeType::String && !attribute.multi_valued
    });
    let has_text = |attribute: &Attribute| {
        resource.get(&attribute.name).and_then(Value::as_str).is_some_and(|text| !text.is_empty())
    };
    resource.iter().all(is_named) && required.into_iter().all(has_text)
}

fn ends_page(line: &Value) -> bool {
    ["next", "end"].iter().any(|name| line.get(name).is_some())
}
