//! A connection as the API reads and shows it: its fields, what a patch makes of them, and what of
//! them another tenant may be given.

use chrono::DateTime;
use serde_json::{Map, Value, json};

use super::options::Options;
use super::{ACTIVE, STATES};
use crate::http::{IMPORT, Problem, ProblemCode};
use crate::limits;
use crate::registry::Slug;
use crate::scim::compat::{PRESETS, Preset};
use crate::store::connections::ConnectionRow;
use crate::tenant::adopt::Adopt;
use crate::tenant::document::timestamp;
use crate::tenant::memory::Connection;
use crate::tenant::work::only_fields;

/// Reads a connection.
///
/// # Errors
/// 400 with the field that is not right.
pub(in crate::tenant) fn read(
    mut body: Map<String, Value>,
    created: i64,
) -> Result<ConnectionRow, Problem> {
    let malformed = |detail: String| Problem::new(ProblemCode::Malformed, detail);
    let mut text = |name: &str, default: Option<&str>| match body.shift_remove(name) {
        None => default.map(str::to_owned).ok_or_else(|| malformed(format!("`{name}` is missing"))),
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(malformed(format!("`{name}` is not a text"))),
    };
    let id = text("id", None)?;
    let display_name = text("displayName", None)?.trim().to_owned();
    let kind = text("kind", Some(KIND))?;
    let preset = text("preset", Some("generic"))?;
    let state = text("state", Some("draft"))?;
    let adopt = text("adopt", Some("onWrite"))?;
    let in_scope = match body.shift_remove("inScope") {
        None | Some(Value::Null) => None,
        Some(Value::String(filter)) => Some(filter),
        Some(_) => return Err(malformed("`inScope` is not a text".to_owned())),
    };
    let compat = match body.shift_remove("compat") {
        None => Map::new(),
        Some(Value::Object(rules)) => rules,
        Some(_) => return Err(malformed("`compat` is not an object".to_owned())),
    };
    let options = Options::taken(&mut body);
    only_fields(&body, &[], "a connection")?;
    let fault = if Slug::parse(&id).is_none() || id == IMPORT {
        "`id` is not of the form [a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?, or is reserved".to_owned()
    } else if !(1..=limits::NAME_CHARACTERS).contains(&display_name.chars().count()) {
        "`displayName` is not a text of 1 to 200 characters".to_owned()
    } else if kind != KIND {
        "`kind` is not scim".to_owned()
    } else if !STATES.contains(&state.as_str()) {
        "`state` is none of draft, pending, active, disabled".to_owned()
    } else if Adopt::of(&adopt).is_none() {
        "`adopt` is none of onWrite, onCreate, never".to_owned()
    } else {
        let Some(of_preset) = Preset::of(&preset) else {
            let names = PRESETS.map(|preset| preset.id).join(", ");
            return Err(malformed(format!("`preset` is none of {names}")));
        };
        of_preset.compat.with(&compat).map_err(|error| malformed(error.to_string()))?;
        Options::read(&options).map_err(|fault| malformed(fault.to_owned()))?;
        return Ok(ConnectionRow {
            id,
            display_name,
            preset,
            compat,
            activated: state == ACTIVE,
            state,
            adopt,
            in_scope,
            options,
            rev: 1,
            created,
        });
    };
    Err(malformed(fault))
}

/// What a merge patch (RFC 7396) makes of a connection.
///
/// # Errors
/// 422 when it would change what cannot change, 400 with the field that is not right.
pub(super) fn patched(
    row: &ConnectionRow,
    patch: Map<String, Value>,
) -> Result<ConnectionRow, Problem> {
    let mut fields = fields(row);
    fields.insert("createdAt".to_owned(), created_at(row));
    for name in ["id", "kind", "createdAt"] {
        if patch.get(name).is_some_and(|value| fields.get(name) != Some(value)) {
            let detail = format!("`{name}` of a connection cannot be changed");
            return Err(Problem::new(ProblemCode::Contradictory, detail));
        }
    }
    merge(&mut fields, patch);
    fields.shift_remove("createdAt");
    let after = read(fields, row.created)?;
    Ok(ConnectionRow { activated: row.activated || after.activated, ..after })
}

/// RFC 7396 §2.
fn merge(target: &mut Map<String, Value>, patch: Map<String, Value>) {
    for (name, value) in patch {
        match (value, target.get_mut(&name)) {
            (Value::Null, _) => {
                target.shift_remove(&name);
            }
            (Value::Object(patch), Some(Value::Object(inner))) => merge(inner, patch),
            (Value::Object(patch), _) => {
                let mut fresh = Map::new();
                merge(&mut fresh, patch);
                target.insert(name, fresh.into());
            }
            (value, _) => {
                target.insert(name, value);
            }
        }
    }
}

/// The fields that differ, with what they were before.
pub(super) fn changed(before: &ConnectionRow, after: &ConnectionRow) -> Map<String, Value> {
    let (before, after) = (fields(before), fields(after));
    let gained = after.keys().filter(|name| !before.contains_key(*name));
    let gained = gained.map(|name| (name.clone(), Value::Null)).collect::<Vec<_>>();
    let differs = |(name, value): &(String, Value)| after.get(name) != Some(value);
    before.into_iter().filter(differs).chain(gained).collect()
}

/// A connection as the API shows it.
pub(super) fn described(connection: &Connection) -> Value {
    let mut fields = fields(&connection.row);
    fields.insert("createdAt".to_owned(), created_at(&connection.row));
    if let Some(departure) = &connection.departure {
        let progress = json!({ "users": departure.users, "done": departure.done });
        fields.insert("deletion".to_owned(), progress);
    }
    Value::Object(fields)
}

/// A connection as another tenant may be given it: no secret is in it.
pub(super) fn exported(row: &ConnectionRow) -> Value {
    Value::Object(fields(row))
}

fn fields(row: &ConnectionRow) -> Map<String, Value> {
    let fields = [
        ("id", row.id.as_str().into()),
        ("displayName", row.display_name.as_str().into()),
        ("kind", KIND.into()),
        ("preset", row.preset.as_str().into()),
        ("compat", row.compat.clone().into()),
        ("adopt", row.adopt.as_str().into()),
        ("inScope", row.in_scope.clone().into()),
        ("state", row.state.as_str().into()),
    ];
    let fields = fields.map(|(name, value): (&str, Value)| (name.to_owned(), value));
    fields.into_iter().chain(row.options.clone()).collect()
}

fn created_at(row: &ConnectionRow) -> Value {
    DateTime::from_timestamp_millis(row.created).map(timestamp).into()
}

const KIND: &str = "scim";
