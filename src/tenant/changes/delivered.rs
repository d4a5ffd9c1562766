//! What becomes of a user's changes that need nobody's approval: who has acknowledged them, as each
//! stream's place in the log and its rows tell.

use serde_json::{Value, json};

use super::shown::{PROVISIONED, change_shown};
use crate::policy::hint;
use crate::store::changes::{self, PENDING, REJECTED, Sought};
use crate::store::deliveries::{self, DELIVERED, DeliveryRow, FAILED, RETRYING};
use crate::store::events::{self, EventRow};
use crate::tenant::document::{moment, object};
use crate::tenant::page::page_until;
use crate::tenant::streams::{Progress, Stream, UNKNOWN, behind};
use crate::tenant::work::{Failure, Work, conflict};

/// Streams, each with its rows.
type Streams<'s> = Vec<(&'s Stream, Vec<DeliveryRow>)>;

/// What a type of event means for a user's access elsewhere: the action, and what the change is called
/// until it is acknowledged.
fn meaning(kind: &str) -> Option<(&'static str, &'static str)> {
    Some(match kind {
        "user.created" => ("create", "provisioning"),
        "user.updated" | "user.access.changed" => ("update", "modifying"),
        "user.activated" => ("reactivate", "modifying"),
        "user.deactivated" => ("deactivate", "modifying"),
        "user.deleted" => ("delete", "deleting"),
        _ => return None,
    })
}

/// Whether an event of a type is a change of a user.
pub(in crate::tenant) fn is_change(kind: &str) -> bool {
    meaning(kind).is_some()
}

impl Work<'_, '_> {
    /// What is looked for, of that which has rows and of what events tell, in their order. A page looks
    /// at so many events at most, so that it may be empty and still have one behind it.
    pub(super) fn with_delivered(
        &self,
        sought: Sought<'_>,
        stream: Option<&str>,
        limit: usize,
    ) -> Result<Value, Failure> {
        let streams = match stream {
            Some(id) => vec![self.stream(id)?],
            None => self.memory.streams.all().iter().filter(|stream| stream.is_enabled()).collect(),
        };
        let (events, until) = behind(self.sql, sought.after, self.memory.last_seq)?;
        let mut rows = match stream {
            None => changes::list(self.sql, sought, limit)?,
            Some(_) => Vec::new(),
        }
        .into_iter()
        .filter(|row| row.id <= until)
        .peekable();
        let mut found = Vec::new();
        let streams = self.with_rows(streams, (sought.after, until))?;
        let is_decided = [Some(PENDING), Some(REJECTED)].contains(&sought.status);
        for event in events.iter().filter(|event| !is_decided && event.time > sought.since) {
            while let Some(row) = rows.next_if(|row| row.id < event.seq) {
                found.push((row.id, change_shown(&row)?));
            }
            let change = self.delivered_change(event, &streams, stream);
            found.extend(change.filter(|one| is_sought(one, sought)).map(|one| (event.seq, one)));
        }
        for row in rows {
            found.push((row.id, change_shown(&row)?));
        }
        found.truncate(limit);
        let last = found.last().filter(|_| found.len() == limit);
        let reached = last.map_or(until, |(last, _)| *last);
        let items = found.into_iter().map(|(_, change)| change).collect();
        Ok(page_until(items, reached, self.memory.last_seq))
    }

    fn with_rows<'s>(
        &self,
        streams: Vec<&'s Stream>,
        span: (i64, i64),
    ) -> Result<Streams<'s>, Failure> {
        let with =
            |stream: &'s Stream| Ok((stream, deliveries::between(self.sql, stream.id(), span)?));
        streams.into_iter().map(with).collect()
    }

    /// The change that an event is, if it is one, and one of the stream's where one is meant.
    fn delivered_change(
        &self,
        event: &EventRow,
        streams: &Streams<'_>,
        meant: Option<&str>,
    ) -> Option<Value> {
        let (action, open) = meaning(&event.kind)?;
        let takers = || streams.iter().filter(|(stream, _)| stream.takes(event));
        if meant.is_some() && takers().next().is_none() {
            return None;
        }
        let data: Value = serde_json::from_str(&event.data).ok()?;
        let of_event = |name: &str| data.get(name).cloned().unwrap_or_default();
        let (mut acked, mut is_open, mut is_unknown, mut failed) = (None, false, false, None);
        for (stream, rows) in takers() {
            match stream.progress(event.seq, rows) {
                Progress::Done(at) => acked = acked.max(at),
                Progress::Row(row) if row.state == DELIVERED => acked = acked.max(row.last),
                Progress::Row(row) if row.state == FAILED => failed = Some((stream.id(), row)),
                Progress::Row(row) => {
                    is_open = true;
                    failed = failed.or(row.reason.is_some().then_some((stream.id(), row)));
                }
                Progress::Waiting => is_open = true,
                Progress::Unknown => is_unknown = true,
            }
        }
        let is_lost = failed.is_some_and(|(_, row)| row.state == FAILED);
        let status = match (is_lost, is_open, is_unknown) {
            (true, ..) => FAILED,
            (_, true, _) => open,
            (_, _, true) => UNKNOWN,
            _ => PROVISIONED,
        };
        let mut change = vec![
            ("id", event.seq.to_string().into()),
            ("user", of_event("id")),
            ("action", action.into()),
            ("status", status.into()),
            ("cause", "event".into()),
            ("connection", of_event("connection")),
            ("actor", of_event("actor")),
            ("createdAt", moment(event.time).into()),
        ];
        if let (Some(at), PROVISIONED) = (acked.and_then(moment), status) {
            change.push(("ackedAt", at.into()));
        }
        if let Some((stream, row)) = failed {
            let reason = row.reason.as_deref().unwrap_or_default();
            change.push(("stream", stream.into()));
            change.push(("reason", reason.into()));
            change.push(("hint", hint(reason).into()));
            change.push(("attempts", row.attempts.into()));
            change.push(("answer", row.answer.as_deref().into()));
        }
        Some(object(change).into())
    }

    /// Has what streams could not deliver of an event tried again, from the start and at once; the change,
    /// if there is such a one: 409 where a stream tries as many again as it may.
    pub(super) fn retry_deliveries(&mut self, id: &str) -> Result<Option<Value>, Failure> {
        let Ok(seq) = id.parse::<i64>() else { return Ok(None) };
        let failed = deliveries::failed_of(self.sql, seq)?;
        if failed.is_empty() {
            return Ok(None);
        }
        let is_full = |id: &str| self.stream(id).is_ok_and(|stream| !stream.has_room());
        if failed.iter().any(|(stream, row)| row.state == FAILED && is_full(stream)) {
            return Err(conflict("the stream has as many events that are tried again as it may"));
        }
        for (stream, row) in failed {
            let row = DeliveryRow { state: RETRYING.to_owned(), attempts: 0, due: 0, ..row };
            deliveries::put(self.sql, &stream, &row)?;
            self.try_again(&stream)?;
        }
        let streams =
            self.memory.streams.all().iter().filter(|stream| stream.is_enabled()).collect();
        let streams = self.with_rows(streams, (seq.saturating_sub(1), seq))?;
        let event = events::at(self.sql, seq)?;
        let change = event.and_then(|event| self.delivered_change(&event, &streams, None));
        Ok(Some(change.unwrap_or_else(|| json!({ "id": id }))))
    }
}

/// Whether a change is one that is looked for.
fn is_sought(change: &Value, sought: Sought<'_>) -> bool {
    let wanted = [
        ("user", sought.user),
        ("action", sought.action),
        ("status", sought.status),
        ("connection", sought.connection),
    ];
    let is = |(name, wanted): &(&str, Option<&str>)| {
        wanted.is_none_or(|wanted| change.get(*name).and_then(Value::as_str) == Some(wanted))
    };
    wanted.iter().all(is)
}
