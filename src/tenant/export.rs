//! `GET …/export`: a tenant as lines of JSON, in pages that go on where the last one ended.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::changes::change_moved;
use super::page::fitting;
use super::stored_policy::to_row;
use super::work::{Answer, Failure, Work, conflict};
use crate::http::{Problem, ProblemCode, Response};
use crate::limits;
use crate::store::StoreError;
use crate::store::changes::{self, Sought};
use crate::store::connections::ConnectionRow;
use crate::store::transfer::{
    self, GrantPlace, HiddenPlace, MovedGrant, MovedMember, MovedResource, Place, Which,
};

/// Where an export stands. A cursor is this, encoded: it says no more than the lines do.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) enum Stage {
    /// Policies and connections.
    Settings,
    /// Resources behind a position.
    Resources(i64),
    /// Memberships behind a place.
    Members(Place<i64>),
    /// Members that no resource is, behind a place.
    Dangling(Place<String>),
    /// What stands whatever mappings say, behind a place.
    Grants(GrantPlace),
    /// Suspensions of the users behind an id.
    Suspensions(String),
    /// Changes behind a number.
    Changes(i64),
    /// Whom connections do not see, behind a place.
    Hidden(HiddenPlace),
    /// Who holds roles of which only so many may be held, behind a place.
    Places(GrantPlace),
    /// Who waits for such a role, behind a place.
    Waits(GrantPlace),
}

/// A page: its lines, and where the next one begins; none behind the last.
struct Lines {
    lines: Vec<Value>,
    next: Option<Stage>,
}

impl Stage {
    fn encode(&self) -> String {
        let text = serde_json::to_string(self).unwrap_or_default();
        Base64UrlUnpadded::encode_string(text.as_bytes())
    }

    fn decode(cursor: &str) -> Option<Self> {
        serde_json::from_slice(&Base64UrlUnpadded::decode_vec(cursor).ok()?).ok()
    }
}

impl Work<'_, '_> {
    /// A page of at most `limit` lines and about a page's bytes. Its last line is
    /// `{"next":cursor}`, or `{"end":true,"seq":…}` with the place of the last event. 409 while a
    /// connection is leaving: what becomes of its users is no line.
    pub(super) fn export(&self) -> Answer {
        if self.memory.departures().next().is_some() {
            return Err(conflict("a connection is being deleted"));
        }
        let query = &self.request().query;
        let limit = query.limit_or(limits::ITEMS)?;
        let stage = match query.value("cursor").filter(|cursor| !cursor.is_empty()) {
            None => Stage::Settings,
            Some(cursor) => Stage::decode(cursor).ok_or_else(|| {
                Problem::new(ProblemCode::Malformed, "`cursor` is none of an export")
            })?,
        };
        let Lines { lines, next } = self.lines(stage, limit)?;
        let last = match next {
            Some(next) => json!({ "next": next.encode() }),
            None => json!({ "end": true, "seq": self.memory.last_seq }),
        };
        Ok(Response::lines(lines.iter().chain([&last])))
    }

    fn lines(&self, stage: Stage, limit: usize) -> Result<Lines, Failure> {
        Ok(match stage {
            Stage::Settings => {
                let policy = to_row(&self.memory.policy);
                let numbers: Value = serde_json::from_str(&policy.numbers).unwrap_or_default();
                let settings = json!({
                    "kind": "settings",
                    "policies": self.memory.policy.to_json(),
                    "numbers": numbers,
                });
                let connections = self.memory.connections.values().map(|one| connection(&one.row));
                let lines = [settings].into_iter().chain(connections).collect();
                Lines { lines, next: Some(Stage::Resources(0)) }
            }
            Stage::Resources(after) => self.resource_lines(after, limit)?,
            Stage::Members(place) => {
                let rows = transfer::members(self.sql, &place, limit)?;
                let Lines { lines, next } = member_lines("member", &rows, limit, Stage::Members);
                let behind = Stage::Dangling((0, String::new(), String::new()));
                Lines { lines, next: next.or(Some(behind)) }
            }
            Stage::Dangling(place) => {
                let rows = transfer::dangling(self.sql, &place, limit)?;
                let Lines { lines, next } = member_lines("dangling", &rows, limit, Stage::Dangling);
                Lines { lines, next: next.or_else(|| Some(Stage::Grants(GrantPlace::default()))) }
            }
            Stage::Grants(place) => {
                let rows = transfer::grants(self.sql, Which::Standing, &place, limit)?;
                let next = behind(&rows, limit, Stage::Grants);
                let next = next.or_else(|| Some(Stage::Suspensions(String::new())));
                Lines { lines: rows.iter().map(|row| grant("grant", row)).collect(), next }
            }
            Stage::Suspensions(after) => {
                let rows = transfer::suspensions(self.sql, &after, limit)?;
                let last = rows.last().filter(|_| rows.len() >= limit);
                let next = last.map(|(user, ..)| Stage::Suspensions(user.clone()));
                let next = next.or(Some(Stage::Changes(0)));
                Lines { lines: rows.iter().map(suspension).collect(), next }
            }
            Stage::Changes(after) => {
                let rows = changes::list(self.sql, Sought { after, ..Sought::default() }, limit)?;
                let last = rows.last().filter(|_| rows.len() >= limit);
                let next = last.map(|row| Stage::Changes(row.id));
                let next = next.or_else(|| Some(Stage::Hidden(HiddenPlace::default())));
                let lines = rows.iter().map(change_moved);
                Lines { lines: lines.collect::<Result<_, _>>()?, next }
            }
            Stage::Hidden(place) => {
                let rows = transfer::hidden(self.sql, &place, limit)?;
                let last = rows.last().filter(|_| rows.len() >= limit);
                let next = last.map(|(_, place)| Stage::Hidden(place.clone()));
                let next = next.or_else(|| Some(Stage::Places(GrantPlace::default())));
                Lines { lines: rows.iter().map(hidden).collect(), next }
            }
            Stage::Places(place) => {
                let Lines { lines, next } =
                    self.place_lines(("place", Which::Counted), &place, limit, Stage::Places)?;
                Lines { lines, next: next.or_else(|| Some(Stage::Waits(GrantPlace::default()))) }
            }
            Stage::Waits(place) => {
                self.place_lines(("wait", Which::Waiting), &place, limit, Stage::Waits)?
            }
        })
    }

    /// The lines of what is held or waited for of roles of which only so many may be held.
    fn place_lines(
        &self,
        (kind, which): (&str, Which),
        place: &GrantPlace,
        limit: usize,
        stage: fn(GrantPlace) -> Stage,
    ) -> Result<Lines, StoreError> {
        let rows = transfer::grants(self.sql, which, place, limit)?;
        let rules = &self.memory.policy.access;
        let scarce = rows.iter().filter(|(_, place, _)| rules.quota_of(&place.1).is_some());
        let lines = scarce.map(|row| {
            let mut line = grant(kind, row);
            if let Some(fields) = line.as_object_mut() {
                fields.insert("since".to_owned(), row.2.into());
            }
            line
        });
        Ok(Lines { lines: lines.collect(), next: behind(&rows, limit, stage) })
    }

    fn resource_lines(&self, after: i64, limit: usize) -> Result<Lines, StoreError> {
        let sizes = transfer::sizes(self.sql, after, limit)?;
        let Some((until, _)) = fitting(&sizes).last() else {
            let first = Stage::Members((0, 0, String::new()));
            return Ok(Lines { lines: Vec::new(), next: Some(first) });
        };
        let rows = transfer::resources(self.sql, after, *until)?;
        let lines = rows.iter().map(resource).collect::<Result<_, _>>()?;
        Ok(Lines { lines, next: Some(Stage::Resources(*until)) })
    }
}

/// A connection's line. It has no secrets: keys are of the deployment, and are made anew.
fn connection(row: &ConnectionRow) -> Value {
    json!({
        "kind": "connection",
        "id": row.id,
        "displayName": row.display_name,
        "preset": row.preset,
        "compat": row.compat,
        "state": row.state,
        "adopt": row.adopt,
        "inScope": row.in_scope,
        "options": row.options,
        "version": row.rev,
        "created": row.created,
    })
}

fn resource(row: &MovedResource) -> Result<Value, StoreError> {
    let document: Value = serde_json::from_slice(&row.doc)
        .map_err(|_| StoreError::new("a stored document is malformed"))?;
    Ok(json!({
        "kind": "resource",
        "position": row.pos.value(),
        "version": row.rev,
        "origin": row.origin,
        "manager": row.manager,
        "document": document,
    }))
}

/// The lines of memberships; a page that is full goes on behind its last one.
fn member_lines<M: Clone>(
    kind: &str,
    rows: &[MovedMember<M>],
    limit: usize,
    stage: fn(Place<M>) -> Stage,
) -> Lines {
    let last = rows.last().filter(|_| rows.len() >= limit);
    Lines {
        lines: rows.iter().map(|row| member(kind, row)).collect(),
        next: last.map(|row| stage(row.place.clone())),
    }
}

/// Where the next page goes on behind grants, if this one is full.
fn behind(rows: &[MovedGrant], limit: usize, stage: fn(GrantPlace) -> Stage) -> Option<Stage> {
    rows.last().filter(|_| rows.len() >= limit).map(|(_, place, _)| stage(place.clone()))
}

fn grant(kind: &str, (user, (_, role, scope, source), _): &MovedGrant) -> Value {
    match scope.as_str() {
        "" => json!({ "kind": kind, "user": user, "group": role, "source": source }),
        _ => json!({ "kind": kind, "user": user, "role": role, "scope": scope, "source": source }),
    }
}

fn suspension((user, since, stale): &(String, i64, bool)) -> Value {
    json!({ "kind": "suspension", "user": user, "since": since, "stale": stale })
}

fn hidden((user, (connection, _)): &(String, HiddenPlace)) -> Value {
    json!({ "kind": "hidden", "connection": connection, "user": user })
}

fn member<M>(kind: &str, row: &MovedMember<M>) -> Value {
    json!({
        "kind": kind,
        "group": row.group,
        "member": row.member,
        "origin": row.place.2,
        "display": row.display,
    })
}
