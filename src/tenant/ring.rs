//! The ring of recent requests, kept in memory and written in batches by alarm, so that a read
//! writes nothing. It holds names and shapes, and nothing that a client sent.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::redaction;
use super::timeline;
use super::{Call, Waits};
use crate::auth::Principal;
use crate::event::{EventKind, Verb};
use crate::gather::Gather as _;
use crate::http::{Method, Response, Route, ScimTarget, StreamAction};
use crate::limits;
use crate::scim::schema::USER;
use crate::store::requests::{self, Batch, Traffic, Warning};
use crate::store::{Sql, StoreError};

/// What a client of a connection has to be able to do, each a bit of [`Traffic::seen`].
pub(super) const LOOKUP: i64 = 1;
pub(super) const CREATE: i64 = 2;
pub(super) const CHANGE: i64 = 4;
pub(super) const DEACTIVATE: i64 = 8;

/// What is warned of where users come without an `externalId`. No path of an attribute looks so.
pub(super) const EXTERNAL_ID_MISSING: &str = "#externalId_missing";
/// What is warned of where a connection writes attributes that are not its own.
pub(super) const AUTHORITY_IGNORED: &str = "#authority_ignored";
/// What is warned of where a guard has refused what a connection does.
pub(super) const GUARD_REFUSED: &str = "#guard_refused";

/// A request of which only what may be told is left.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Entry {
    /// When, in milliseconds since the epoch.
    pub(super) time: i64,
    pub(super) method: String,
    /// The name of the route.
    pub(super) route: String,
    pub(super) status: u16,
    /// The `scimType` or the code of the problem that was answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
    pub(super) connection: Option<String>,
    /// The id of the key; none for the administrator.
    pub(super) key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) query: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) body: Option<Value>,
    /// Whom it is about: ids, and tags of what it looks for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) about: Vec<String>,
    /// What it was, as a bit of [`Traffic::seen`]; 0 for anything else.
    pub(super) step: i64,
}

/// What a request noted about itself on its way.
#[derive(Clone, Debug, Default)]
pub(super) struct Noted {
    /// Attributes that no schema knows, as sent.
    pub(super) dropped: BTreeSet<String>,
    /// What there is to warn of besides, by its code.
    pub(super) warned: BTreeSet<&'static str>,
    /// What it did beside what its route says, as bits of [`Traffic::seen`].
    pub(super) did: i64,
    /// The connection that it deleted, of which nothing is known any more.
    pub(super) deleted: Option<String>,
    /// That it has found no event yet, and waits for some.
    pub(super) waits: Option<Waits>,
}

/// The ring, as far as it is in memory.
#[derive(Debug, Default)]
pub(super) struct Ring {
    /// The number of the last request that is stored; none while that is unknown.
    stored: Option<i64>,
    /// Those behind it.
    pending: VecDeque<Entry>,
    traffic: BTreeMap<String, Traffic>,
    warnings: BTreeMap<(String, String), i64>,
    /// Warnings that have been written since the object woke.
    warned: BTreeSet<(String, String)>,
    /// When all of it is to be written.
    due: Option<i64>,
}

impl Entry {
    fn of(call: &Call<'_>, response: &Response, connection: Option<&str>) -> Self {
        let request = &call.request;
        let is_scim = matches!(request.route, Route::Scim { .. });
        let error = (response.status >= 400)
            .then(|| serde_json::from_slice::<Map<String, Value>>(&response.body).ok())
            .flatten();
        let code = |error: Map<String, Value>| {
            error.get(if is_scim { "scimType" } else { "code" })?.as_str().map(str::to_owned)
        };
        Self {
            time: call.now.timestamp_millis(),
            method: request.method.name().to_owned(),
            route: request.route.name().into_owned(),
            status: response.status,
            error: error.and_then(code),
            connection: connection.map(str::to_owned),
            key: match call.principal {
                Principal::Admin | Principal::Client => None,
                Principal::Key(key) => Some(key.id.clone()),
            },
            query: redaction::query(&request.query),
            body: redaction::shape(request.body),
            about: timeline::about(call, response),
            step: step(request.route, request.method),
        }
    }

    /// Whether the client did not get what it wanted. Who looks for what is not there has been told.
    pub(super) fn failed(&self) -> bool {
        self.status >= 400 && (self.status, self.method.as_str()) != (404, "GET")
    }
}

/// What a request is of the things that a client has to be able to do.
fn step(route: &Route, method: Method) -> i64 {
    let Route::Scim { target, .. } = route else { return 0 };
    match (target, method) {
        (ScimTarget::Collection(_) | ScimTarget::Resource(..), Method::Get)
        | (ScimTarget::Search(_), _) => LOOKUP,
        (ScimTarget::Collection(USER), Method::Post) => CREATE,
        (ScimTarget::Resource(USER, _), Method::Put | Method::Patch) => CHANGE,
        (ScimTarget::Resource(USER, _), Method::Delete) => DEACTIVATE,
        _ => 0,
    }
}

/// The same of what an event tells.
pub(super) const fn did(kind: EventKind) -> i64 {
    match kind {
        EventKind::Resource(USER, Verb::Created) => CREATE,
        EventKind::Resource(USER, Verb::Updated | Verb::Activated) => CHANGE,
        EventKind::Resource(USER, Verb::Deactivated | Verb::Deleted) => DEACTIVATE,
        _ => 0,
    }
}

/// Whether a request is kept: all of SCIM, and what may change something. Who watches is not part of
/// what is watched, nor is a request for a token, which writes nothing.
fn is_kept(call: &Call<'_>) -> bool {
    match call.request.route {
        Route::Scim { .. } => true,
        Route::Token(_) | Route::StreamAction(_, _, StreamAction::Poll) => false,
        _ => !call.request.method.is_safe(),
    }
}

impl Ring {
    /// Learns where the stored part ends.
    pub(super) fn wake(&mut self, sql: &dyn Sql) -> Result<(), StoreError> {
        if self.stored.is_none() {
            self.stored = Some(requests::last(sql)?.map_or(0, Batch::end));
        }
        Ok(())
    }

    /// Whether it has learnt that, of a tenant that is there.
    pub(super) const fn is_awake(&self) -> bool {
        self.stored.is_some()
    }

    /// Keeps a request that has been answered.
    pub(super) fn keep(
        &mut self,
        call: &Call<'_>,
        response: &Response,
        connection: Option<&str>,
        noted: Noted,
    ) {
        if let Some(deleted) = noted.deleted.as_ref().filter(|_| response.status < 400) {
            self.forget(deleted);
        }
        if !is_kept(call) {
            return;
        }
        let entry = Entry::of(call, response, connection);
        let now = entry.time;
        self.due.get_or_insert(now.saturating_add(limits::FLUSH_MILLISECONDS));
        if let Some(connection) = connection {
            let traffic = self.traffic.entry(connection.to_owned()).or_default();
            if entry.failed() {
                traffic.last_failure = Some(now);
            } else {
                traffic.last_success = Some(now);
                traffic.seen |= entry.step | noted.did;
            }
            self.warn(connection, noted, now);
        }
        if self.pending.len() >= limits::REQUESTS {
            self.pending.pop_front();
            self.stored = self.stored.map(|stored| stored.saturating_add(1));
        }
        self.pending.push_back(entry);
    }

    /// Learns what a connection did that nobody waits for.
    pub(super) fn learn(&mut self, connection: &str, noted: Noted, now: DateTime<Utc>) {
        let now = now.timestamp_millis();
        self.due.get_or_insert(now.saturating_add(limits::FLUSH_MILLISECONDS));
        self.traffic.entry(connection.to_owned()).or_default().seen |= noted.did;
        self.warn(connection, noted, now);
    }

    fn warn(&mut self, connection: &str, noted: Noted, now: i64) {
        let codes = noted.warned.into_iter().map(str::to_owned);
        let paths = noted.dropped.iter().map(|path| redaction::attribute_path(path));
        for what in paths.chain(codes) {
            let warning = (connection.to_owned(), what);
            let known = self.warned.len().saturating_add(self.warnings.len());
            if known < limits::WARNINGS && !self.warned.contains(&warning) {
                self.warnings.entry(warning).or_insert(now);
            }
        }
    }

    /// Forgets what is known of a connection, lest another of its id inherit it.
    fn forget(&mut self, connection: &str) {
        disown(self.pending.iter_mut(), connection);
        self.traffic.remove(connection);
        self.warnings.retain(|(of, _), _| of != connection);
        self.warned.retain(|(of, _)| of != connection);
    }

    /// Milliseconds until something is to be written, if there is anything; none are left where a
    /// clock that has stepped back would put it off.
    pub(super) fn due_in(&self, now: DateTime<Utc>) -> Option<i64> {
        let left = self.due?.saturating_sub(now.timestamp_millis());
        Some(if left > limits::FLUSH_MILLISECONDS { 0 } else { left.max(0) })
    }

    /// Writes what is pending, one row a batch; it stays pending until [`Self::flushed`].
    pub(super) fn flush(&self, sql: &dyn Sql) -> Result<(), StoreError> {
        let mut number = self.stored.unwrap_or(0).saturating_add(1);
        let mut last = requests::last(sql)?.filter(|batch| batch.end().saturating_add(1) == number);
        let mut rest = self.pending.iter();
        loop {
            let room =
                last.map_or(0, |batch| limits::REQUESTS_PER_BATCH.saturating_sub(batch.count));
            let size = if room > 0 { room } else { limits::REQUESTS_PER_BATCH };
            let entries: Vec<&Entry> =
                rest.by_ref().take(usize::try_from(size).unwrap_or(0)).collect();
            let count = i64::try_from(entries.len()).unwrap_or(0);
            if count == 0 {
                break;
            }
            let lines = lines(&entries)?;
            match last.filter(|_| room > 0) {
                Some(batch) => requests::extend(sql, batch.first, count, &lines)?,
                None => requests::insert(sql, Batch { first: number, count }, &lines)?,
            }
            last = None;
            number = number.saturating_add(count);
        }
        let kept = i64::try_from(limits::REQUESTS).unwrap_or(i64::MAX);
        let kept = kept.saturating_add(limits::REQUESTS_PER_BATCH);
        requests::forget_before(sql, number.saturating_sub(kept))?;
        for (connection, traffic) in &self.traffic {
            requests::add_traffic(sql, connection, *traffic)?;
        }
        for ((connection, path), first) in &self.warnings {
            let warning = Warning { path: path.clone(), first: *first };
            requests::warn(sql, connection, &warning, limits::WARNINGS_PER_CONNECTION)?;
        }
        Ok(())
    }

    /// Notes that what was pending has been written.
    pub(super) fn flushed(&mut self) {
        let count = i64::try_from(self.pending.len()).unwrap_or(0);
        self.stored = self.stored.map(|stored| stored.saturating_add(count));
        self.pending.clear();
        self.traffic.clear();
        self.warned.extend(std::mem::take(&mut self.warnings).into_keys());
        self.due = None;
    }

    /// The last requests with their numbers, in order.
    pub(super) fn entries(&self, sql: &dyn Sql) -> Result<Vec<(i64, Entry)>, StoreError> {
        let mut entries = Vec::new();
        for (first, lines) in requests::all(sql)? {
            entries.extend((first..).zip(read(&lines)?));
        }
        let behind = self.stored.unwrap_or(0).saturating_add(1);
        entries.extend((behind..).zip(self.pending.iter().cloned()));
        let surplus = entries.len().saturating_sub(limits::REQUESTS);
        Ok(entries.split_off(surplus))
    }

    /// What is known of a connection's requests.
    pub(super) fn traffic(&self, sql: &dyn Sql, connection: &str) -> Result<Traffic, StoreError> {
        let stored = requests::traffic(sql, connection)?;
        let new = self.traffic.get(connection).copied().unwrap_or_default();
        Ok(Traffic {
            last_success: new.last_success.or(stored.last_success),
            last_failure: new.last_failure.or(stored.last_failure),
            seen: new.seen | stored.seen,
        })
    }

    /// The attributes that a connection sends and no schema knows.
    pub(super) fn warnings(
        &self,
        sql: &dyn Sql,
        connection: &str,
    ) -> Result<Vec<Warning>, StoreError> {
        let mut warnings = requests::warnings(sql, connection)?;
        let stored: BTreeSet<String> = warnings.iter().map(|one| one.path.clone()).gathered();
        let new = self
            .warnings
            .iter()
            .filter(|((of, path), _)| of == connection && !stored.contains(path));
        warnings
            .extend(new.map(|((_, path), first)| Warning { path: path.clone(), first: *first }));
        warnings.truncate(limits::WARNINGS_PER_CONNECTION);
        Ok(warnings)
    }
}

/// The same of what is written of it.
pub(super) fn forget_written(sql: &dyn Sql, connection: &str) -> Result<(), StoreError> {
    for (first, batch) in requests::all(sql)? {
        let mut entries = read(&batch)?;
        if disown(entries.iter_mut(), connection) {
            requests::replace(sql, first, &lines(&entries.iter().collect::<Vec<_>>())?)?;
        }
    }
    requests::forget(sql, connection)
}

/// Makes the requests of a connection nobody's; whether there are any. The key stays with each.
fn disown<'e>(entries: impl Iterator<Item = &'e mut Entry>, connection: &str) -> bool {
    let mut any = false;
    for entry in entries.filter(|entry| entry.connection.as_deref() == Some(connection)) {
        entry.connection = None;
        any = true;
    }
    any
}

/// The requests of a batch.
fn read(lines: &str) -> Result<Vec<Entry>, StoreError> {
    let malformed = |_| StoreError::new("a stored request is malformed");
    lines.lines().map(|line| serde_json::from_str(line).map_err(malformed)).collect()
}

/// Requests as a batch holds them, one line each.
fn lines(entries: &[&Entry]) -> Result<String, StoreError> {
    let mut lines = String::new();
    for entry in entries {
        let line = serde_json::to_string(entry);
        lines += &line.map_err(|_| StoreError::new("a request is not to be written as JSON"))?;
        lines.push('\n');
    }
    Ok(lines)
}
