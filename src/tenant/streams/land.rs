//! What is noted once a step of a stream is done.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::Stream;
use super::batch::{Batch, Item, State, is_held};
use crate::event::{Event, EventKind};
use crate::limits;
use crate::policy::Delivered;
use crate::store::deliveries::{self, DELIVERED, DeliveryRow, FAILED, HELD, RETRYING};
use crate::store::streams::{self, DISABLED};
use crate::store::{Sql, StoreError};
use crate::tenant::changes::is_change;
use crate::tenant::memory::{Author, Memory};

/// What a step came to.
#[derive(Default)]
struct Tally {
    is_gone: bool,
    succeeded: bool,
    failed: bool,
    /// Whether rows were written of which something, or nothing, is to come.
    wrote: bool,
    pause: i64,
    lost: Vec<Lost>,
}

/// A user's change that has failed for good: the place of its event, and why.
pub(super) struct Lost {
    seq: i64,
    user: String,
    reason: String,
}

impl Lost {
    /// What is lost with an event of a type and about these ids; nothing where that changes no user.
    pub(super) fn of(seq: i64, kind: &str, ids: &[String], reason: &str) -> Option<Self> {
        let user = ids.first().filter(|_| is_change(kind))?.clone();
        Some(Self { seq, user, reason: reason.to_owned() })
    }

    /// What the log tells of it.
    pub(super) fn event(self, stream: &str) -> Event {
        Event::new(EventKind::ChangeFailed, self.user)
            .with("change", self.seq.to_string())
            .with("stream", stream)
            .with("reason", self.reason)
    }
}

/// Notes what has become of a step: where the stream is now, what is tried again and when, what is held
/// behind that, and what has failed for good. A step of a stream that is another one by now, or was set
/// back, counts as not done.
pub(super) fn land(
    sql: &dyn Sql,
    memory: &mut Memory,
    batch: &Batch,
    now: DateTime<Utc>,
    random: &mut dyn FnMut(&mut [u8]) -> Result<(), String>,
) -> Result<(), StoreError> {
    let is_same =
        |stream: &&Stream| (stream.row.created, stream.after) == (batch.created, batch.after);
    let Some(stream) = memory.streams.get(batch.stream()).filter(is_same) else { return Ok(()) };
    let mut stream = stream.clone();
    let was_whole = stream.unfinished == 0;
    let mut tally = Tally::default();
    let after = settle(sql, batch, &mut tally, random)?;
    let millis = now.timestamp_millis();
    if after > stream.after || tally.pause > 0 {
        stream.after = after;
        stream.follower.due = if tally.pause > 0 { millis.saturating_add(tally.pause) } else { 0 };
        stream.steps.push((millis, after));
        stream.write_place(sql)?;
    }
    if tally.wrote {
        stream.forget_finished(sql)?;
        stream.count(sql)?;
    }
    let failing = match (tally.succeeded, tally.failed) {
        (true, _) => None,
        // Where nothing was unfinished, there was nothing to fail since then.
        (false, true) => stream.row.failing.filter(|_| !was_whole).or(Some(millis)),
        (false, false) => stream.row.failing,
    };
    let takes_others = batch.types != stream.row.types;
    if takes_others {
        stream.note_types(&batch.types); // It was changed meanwhile.
    }
    if takes_others || failing != stream.row.failing {
        stream.row.failing = failing;
        streams::put(sql, &stream.row)?;
    }
    let has_failed_for = failing.map_or(0, |since| millis.saturating_sub(since));
    memory.streams.put(stream.clone());
    for lost in tally.lost {
        memory.record(sql, &lost.event(batch.stream()), Author::system(now))?;
    }
    if tally.is_gone {
        return disable(sql, memory, stream, "410 gone", now);
    }
    if has_failed_for >= limits::FAILING_MILLISECONDS {
        return disable(sql, memory, stream, "nothing has reached the receiver for five days", now);
    }
    Ok(())
}

/// Disables a stream, and tells why.
pub(super) fn disable(
    sql: &dyn Sql,
    memory: &mut Memory,
    mut stream: Stream,
    why: &str,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    if stream.row.state == DISABLED {
        return Ok(());
    }
    stream.row.state = DISABLED.to_owned();
    stream.row.why = Some(why.to_owned());
    streams::put(sql, &stream.row)?;
    let event = Event::new(EventKind::StreamDisabled, stream.row.id.as_str()).with("reason", why);
    memory.streams.put(stream);
    memory.record(sql, &event, Author::system(now))
}

/// Writes what has become of each event; up to where nothing is left to be looked at.
fn settle(
    sql: &dyn Sql,
    batch: &Batch,
    tally: &mut Tally,
    random: &mut dyn FnMut(&mut [u8]) -> Result<(), String>,
) -> Result<i64, StoreError> {
    let mut before = BTreeSet::new();
    let came = |item: &&Item| matches!(item.state, State::Came(..));
    let last_sent = batch.items.iter().filter(came).map(|item| item.seq).max().unwrap_or(0);
    for item in &batch.items {
        let row = match &item.state {
            State::Came(delivered, at) => came_to(item, delivered, *at, tally, random)?,
            _ if item.row.is_some() => item.row.clone(),
            _ if item.seq < last_sent
                || !batch.is_over && is_held(&item.ids, &batch.blocked, &before) =>
            {
                Some(fresh(item, HELD))
            }
            // It was not its turn, nor that of anything behind it.
            _ => return Ok(item.seq.saturating_sub(1)),
        };
        let Some(row) = row else { continue };
        if [RETRYING, HELD].contains(&row.state.as_str()) {
            before.extend(item.ids.iter().map(String::as_str));
        }
        if item.row.as_ref() != Some(&row) {
            deliveries::put(sql, batch.stream(), &row)?;
            tally.wrote = true;
        }
    }
    Ok(batch.until)
}

fn fresh(item: &Item, state: &str) -> DeliveryRow {
    DeliveryRow {
        seq: item.seq,
        state: state.to_owned(),
        attempts: 0,
        due: 0,
        first: None,
        last: None,
        reason: None,
        answer: None,
        ids: item.ids.join(" "),
    }
}

/// The row of an event that was tried; none where it went well at once.
fn came_to(
    item: &Item,
    delivered: &Delivered,
    at: i64,
    tally: &mut Tally,
    random: &mut dyn FnMut(&mut [u8]) -> Result<(), String>,
) -> Result<Option<DeliveryRow>, StoreError> {
    let before = item.row.clone();
    if delivered.is_success() {
        tally.succeeded = true;
        let went_well = |row: DeliveryRow| DeliveryRow {
            state: DELIVERED.to_owned(),
            attempts: row.attempts.saturating_add(1),
            first: row.first.or(Some(at)),
            last: Some(at),
            reason: None,
            answer: None,
            ..row
        };
        return Ok(before.map(went_well));
    }
    tally.failed = true;
    tally.is_gone |= delivered.is_gone();
    tally.pause = tally.pause.max(delivered.pause().unwrap_or(0));
    let before = before.unwrap_or_else(|| fresh(item, RETRYING));
    let attempts = before.attempts.saturating_add(1);
    let mut chance = [0];
    random(&mut chance).map_err(|cause| StoreError::new(format!("no random numbers: {cause}")))?;
    let [chance] = chance;
    let pause = delivered.retry_in(usize::try_from(attempts).unwrap_or(usize::MAX), chance);
    let reason = delivered.reason();
    if pause.is_none() {
        tally.lost.extend(Lost::of(item.seq, &item.kind, &item.ids, &reason));
    }
    Ok(Some(DeliveryRow {
        state: if pause.is_some() { RETRYING } else { FAILED }.to_owned(),
        attempts,
        due: pause.map_or(0, |pause| at.saturating_add(pause)),
        first: before.first.or(Some(at)),
        last: Some(at),
        reason: Some(reason),
        answer: Some(delivered.answer().to_owned()).filter(|answer| !answer.is_empty()),
        ..before
    }))
}
