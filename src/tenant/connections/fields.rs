//! A connection as the API reads and shows it: its fields, what a patch makes of them, and what of
//! them another tenant may be given.

use serde_json::{Map, Value, json};

use super::options::{MATCH_EXISTING, Options};
use super::{ACTIVE, STATES};
use crate::http::{IMPORT, Problem, ProblemCode};
use crate::limits;
use crate::registry::Slug;
use crate::scim::compat::{PRESETS, Preset};
use crate::scim::schema::Fault;
use crate::store::connections::ConnectionRow;
use crate::tenant::adopt::{Adopt, MatchExisting};
use crate::tenant::document::{moment, object};
use crate::tenant::memory::Connection;

/// Reads a connection.
///
/// # Errors
/// 400 with the first field that is not right; 422 with the fault, where two of them contradict each
/// other.
pub(in crate::tenant) fn read(
    body: Map<String, Value>,
    created: i64,
) -> Result<ConnectionRow, Problem> {
    let row = read_each(body, created).map_err(|faults| {
        let said = |fault: &Fault| format!("`{}` {}", name_of(&fault.path), fault.detail);
        Problem::new(ProblemCode::Malformed, faults.first().map(said).unwrap_or_default())
    })?;
    match contradiction(&row) {
        None => Ok(row),
        Some(fault) => Err(Problem::faulty(vec![fault])),
    }
}

/// Reads a connection.
///
/// # Errors
/// Every fault with its place.
pub(super) fn read_whole(
    body: Map<String, Value>,
    created: i64,
) -> Result<ConnectionRow, Vec<Fault>> {
    let row = read_each(body, created)?;
    match contradiction(&row) {
        None => Ok(row),
        Some(fault) => Err(vec![fault]),
    }
}

/// What a connection says to no effect, since another of its fields says otherwise.
fn contradiction(row: &ConnectionRow) -> Option<Fault> {
    let said = Options::read(&row.options).ok()?.match_existing?;
    let takes_up = Adopt::of(&row.adopt) == Some(Adopt::OnCreate);
    let is_idle = said != MatchExisting::Never && !takes_up;
    is_idle.then(|| Fault::within("", MATCH_EXISTING, "finds nobody unless `adopt` is onCreate"))
}

/// Reads the fields of a connection, each by itself.
fn read_each(mut body: Map<String, Value>, created: i64) -> Result<ConnectionRow, Vec<Fault>> {
    let mut faults = Vec::new();
    let mut text = |name: &str, default: Option<&str>| {
        let (value, detail) = match (body.shift_remove(name), default) {
            (Some(Value::String(text)), _) => (text, None),
            (Some(_), _) => (String::new(), Some("is not a text")),
            (None, Some(default)) => (default.to_owned(), None),
            (None, None) => (String::new(), Some("is missing")),
        };
        faults.extend(detail.map(|detail| Fault::new(format!("/{name}"), detail)));
        value
    };
    let id = text("id", None);
    let display_name = text("displayName", None).trim().to_owned();
    let kind = text("kind", Some(KIND));
    let preset = text("preset", Some("generic"));
    let state = text("state", Some("draft"));
    let adopt = text("adopt", Some("onWrite"));
    let in_scope = match body.shift_remove("inScope") {
        None | Some(Value::Null) => None,
        Some(Value::String(filter)) => Some(filter),
        Some(_) => {
            faults.push(Fault::new("/inScope", "is not a text"));
            None
        }
    };
    let compat = match body.shift_remove("compat") {
        None => Map::new(),
        Some(Value::Object(rules)) => rules,
        Some(_) => {
            faults.push(Fault::new("/compat", "is not an object"));
            Map::new()
        }
    };
    let options = Options::taken(&mut body);
    let unknown = |name: &String| Fault::within("", name, NO_FIELD);
    faults.extend(body.keys().map(unknown));
    if let Err((name, detail)) = Options::read(&options) {
        faults.push(Fault::new(format!("/{name}"), detail));
    }
    let row = ConnectionRow {
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
    };
    faults.extend(faults_of(&row, &kind, &faults));
    if faults.is_empty() { Ok(row) } else { Err(faults) }
}

/// What is wrong with values that are texts; of others it has been told.
fn faults_of(row: &ConnectionRow, kind: &str, told: &[Fault]) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut must = |holds: bool, path: &str, detail: &str| {
        if !holds && !told.iter().any(|fault| fault.path == path) {
            faults.push(Fault::new(path, detail));
        }
    };
    let is_id = Slug::parse(&row.id).is_some() && row.id != IMPORT;
    must(is_id, "/id", "is not of the form [a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?, or is reserved");
    let is_name = (1..=limits::NAME_CHARACTERS).contains(&row.display_name.chars().count());
    must(is_name, "/displayName", "is not a text of 1 to 200 characters");
    must(kind == KIND, "/kind", "is not scim");
    let is_state = STATES.contains(&row.state.as_str());
    must(is_state, "/state", "is none of draft, pending, active, disabled");
    must(Adopt::of(&row.adopt).is_some(), "/adopt", "is none of onWrite, onCreate, never");
    match Preset::of(&row.preset) {
        None => {
            let names = PRESETS.map(|preset| preset.id).join(", ");
            must(false, "/preset", &format!("is none of {names}"));
        }
        Some(preset) => {
            let rules = preset.compat.with(&row.compat);
            faults.extend(rules.err().map(Fault::from));
        }
    }
    faults
}

/// A place as a text names it: the parts of its JSON pointer (RFC 6901) with dots between them.
fn name_of(path: &str) -> String {
    let parts = path.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~"));
    parts.collect::<Vec<_>>().join(".")
}

/// What a merge patch (RFC 7396) makes of a connection.
///
/// # Errors
/// 422 when it would change what cannot change, 400 with the field that is not right.
pub(super) fn patched(
    row: &ConnectionRow,
    patch: Map<String, Value>,
) -> Result<ConnectionRow, Problem> {
    if let Some(name) = changed_for_good(row, &patch).first() {
        let detail = format!("`{name}` of a connection cannot be changed");
        return Err(Problem::new(ProblemCode::Contradictory, detail));
    }
    let after = read(merged(row, patch), row.created)?;
    Ok(ConnectionRow { activated: row.activated || after.activated, ..after })
}

/// The fields that a patch would change and that cannot change.
pub(super) fn changed_for_good(
    row: &ConnectionRow,
    patch: &Map<String, Value>,
) -> Vec<&'static str> {
    let mut fields = fields(row);
    fields.insert("createdAt".to_owned(), moment(row.created).into());
    let changes =
        |name: &&str| patch.get(*name).is_some_and(|sent| fields.get(*name) != Some(sent));
    ["id", "kind", "createdAt"].into_iter().filter(changes).collect()
}

/// A connection's fields with a merge patch applied (RFC 7396).
pub(super) fn merged(row: &ConnectionRow, patch: Map<String, Value>) -> Map<String, Value> {
    let mut fields = fields(row);
    merge(&mut fields, patch);
    fields.shift_remove("createdAt");
    fields
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
    fields.insert("createdAt".to_owned(), moment(connection.row.created).into());
    if let Some(departure) = &connection.departure {
        let mut progress = json!({ "users": departure.users, "done": departure.done });
        if let (Some(why), Some(progress)) = (&departure.stopped, progress.as_object_mut()) {
            progress.insert("stopped".to_owned(), why.as_str().into());
        }
        fields.insert("deletion".to_owned(), progress);
    }
    Value::Object(fields)
}

/// A connection as another tenant may be given it: no secret is in it.
pub(super) fn exported(row: &ConnectionRow) -> Value {
    Value::Object(fields(row))
}

fn fields(row: &ConnectionRow) -> Map<String, Value> {
    let mut fields = object(vec![
        ("id", row.id.as_str().into()),
        ("displayName", row.display_name.as_str().into()),
        ("kind", KIND.into()),
        ("preset", row.preset.as_str().into()),
        ("compat", row.compat.clone().into()),
        ("adopt", row.adopt.as_str().into()),
        ("inScope", row.in_scope.clone().into()),
        ("state", row.state.as_str().into()),
    ]);
    fields.extend(row.options.clone());
    fields
}

const KIND: &str = "scim";
const NO_FIELD: &str = "is no field of a connection";
