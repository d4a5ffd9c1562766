//! Streams: who is told of events, each with its place in the log.
//!
//! After the commit, an alarm asks here what is due; `edge` hands it over, several events of a stream at
//! once, but for those about the same thing, and says what came of it; only then does the stream's place
//! move. Whoever is not told that events went well hands them over again, under the same ids. Only what
//! has failed has rows, and what is held behind it.

mod batch;
mod fields;
mod flights;
mod keys;
mod land;
mod plan;
mod poll;
mod routes;
mod shown;
mod tokens;

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde_json::Value;

pub use self::batch::{Batch, Delivery};
pub(super) use self::flights::Flights;
pub(super) use self::plan::behind;
pub use self::poll::Poll;
pub(super) use self::shown::{Progress, UNKNOWN};
use super::memory::Memory;
use super::{Tenant, wake};
use crate::auth::KeyRing;
use crate::http::Outbound;
use crate::limits;
use crate::policy::{FormerTypes, Signature, StreamKind};
use crate::registry::Slug;
use crate::store::followers::{self, FollowerRow};
use crate::store::streams::{self, ENABLED, StreamRow};
use crate::store::{self, Sql, StoreError, deliveries};

/// A stream, and how far it has come.
#[derive(Clone, Debug)]
pub(super) struct Stream {
    row: StreamRow,
    kind: StreamKind,
    signature: Signature,
    /// As it is stored.
    follower: FollowerRow,
    /// The place in the log up to which it has seen to everything, of which rows may not know yet.
    after: i64,
    /// When its last steps were done, in milliseconds since the epoch, and how far they had come.
    steps: Vec<(i64, i64)>,
    /// How many events are tried again, or held behind such.
    unfinished: usize,
    /// The bytes of the ids that these are about.
    unfinished_bytes: usize,
    /// When the first of them can be tried, in milliseconds since the epoch.
    ready: Option<i64>,
}

/// All streams, in the order of their ids: a few.
#[derive(Clone, Debug, Default)]
pub(super) struct Streams(Vec<Stream>);

impl Streams {
    pub(super) fn all(&self) -> &[Stream] {
        &self.0
    }

    pub(super) fn get(&self, id: &str) -> Option<&Stream> {
        self.0.iter().find(|stream| stream.row.id == id)
    }

    fn get_mut(&mut self, id: &str) -> Option<&mut Stream> {
        self.0.iter_mut().find(|stream| stream.row.id == id)
    }

    /// Puts a stream in the place of that of its id, if there is one.
    fn put(&mut self, stream: Stream) {
        match self.get_mut(&stream.row.id) {
            Some(known) => *known = stream,
            None => {
                let place = self.0.partition_point(|known| known.row.id < stream.row.id);
                self.0.insert(place, stream);
            }
        }
    }

    fn remove(&mut self, id: &str) {
        self.0.retain(|stream| stream.row.id != id);
    }
}

/// What a stream's place is kept under.
fn follower_of(stream: &str) -> String {
    format!("stream:{stream}")
}

/// All streams, as rows tell.
pub(super) fn load(sql: &dyn Sql) -> Result<Streams, StoreError> {
    let load = |row: StreamRow| {
        let name = follower_of(&row.id);
        let follower = followers::read(sql, &name)?.unwrap_or_default();
        let steps = followers::steps(sql, &name)?;
        let steps = steps.and_then(|text| serde_json::from_str::<Value>(&text).ok());
        let steps = steps.as_ref().and_then(Value::as_array).into_iter().flatten();
        let pair = |step: &Value| Some((step.get(0)?.as_i64()?, step.get(1)?.as_i64()?));
        let mut stream = Stream::of_rows(row, follower)?;
        stream.steps = steps.filter_map(pair).collect();
        stream.count(sql)?;
        Ok(stream)
    };
    streams::all(sql)?.into_iter().map(load).collect::<Result<_, _>>().map(Streams)
}

impl Stream {
    /// A stream of these rows, of whose events nothing is known.
    fn of_rows(row: StreamRow, follower: FollowerRow) -> Result<Self, StoreError> {
        let malformed = || StoreError::new("a stream is malformed");
        Ok(Self {
            kind: StreamKind::of(&row.kind).ok_or_else(malformed)?,
            signature: Signature::of(&row.signature).ok_or_else(malformed)?,
            after: follower.after,
            steps: Vec::new(),
            unfinished: 0,
            unfinished_bytes: 0,
            ready: None,
            row,
            follower,
        })
    }

    /// When something is due, in milliseconds since the epoch, if anything is.
    fn due(&self, last_seq: i64) -> Option<i64> {
        let is_behind = self.has_room() && self.after < last_seq;
        let due = if is_behind { Some(0) } else { self.ready };
        let is_told = self.row.state == ENABLED && self.kind != StreamKind::SetPoll;
        due.filter(|_| is_told).map(|due| due.max(self.follower.due))
    }

    /// Notes that it took these types up to where it is.
    fn note_types(&mut self, types: &str) {
        let mut former = FormerTypes::stored(&self.row.former_types);
        let forgotten = former.add(self.after, types).unwrap_or(0);
        self.row.former_types = former.to_stored();
        self.row.forgotten = self.row.forgotten.max(forgotten);
    }

    /// Forgets what is too much of what had failed at first.
    fn forget_finished(&mut self, sql: &dyn Sql) -> Result<(), StoreError> {
        let failed = deliveries::forget_finished(sql, &self.row.id, limits::DELIVERIES_KEPT)?;
        if let Some(failed) = failed.filter(|failed| *failed > self.row.forgotten) {
            self.row.forgotten = failed;
            streams::put(sql, &self.row)?;
        }
        Ok(())
    }

    /// Whether another of its events may be unfinished.
    pub(super) const fn has_room(&self) -> bool {
        self.unfinished < limits::DELIVERIES_UNFINISHED
            && self.unfinished_bytes < limits::DELIVERIES_UNFINISHED_BYTES
    }

    /// Notes which of its events are unfinished.
    fn count(&mut self, sql: &dyn Sql) -> Result<(), StoreError> {
        let unfinished = deliveries::open(sql, &self.row.id)?;
        self.unfinished = unfinished.len();
        self.unfinished_bytes = unfinished.iter().map(|(_, ids)| ids.len()).sum();
        let mut before = BTreeSet::new();
        let mut ready: Option<i64> = None;
        for (due, ids) in &unfinished {
            if !ids.split_ascii_whitespace().any(|id| before.contains(id)) {
                ready = Some(ready.map_or(*due, |ready| ready.min(*due)));
            }
            before.extend(ids.split_ascii_whitespace());
        }
        self.ready = ready;
        Ok(())
    }

    /// Has it go on at once, where its receiver has put it off.
    fn end_pause(&mut self, sql: &dyn Sql) -> Result<(), StoreError> {
        if self.follower.due == 0 {
            return Ok(());
        }
        self.follower.due = 0;
        self.write_place(sql)
    }

    /// Whether it has passed over so many events since its place was written that it is to be written.
    const fn has_passed_many(&self) -> bool {
        self.after.saturating_sub(self.follower.after) >= limits::PASSED_OVER
    }

    /// Writes how far it is.
    fn write_place(&mut self, sql: &dyn Sql) -> Result<(), StoreError> {
        self.follower.after = self.after;
        let first = self.steps.len().saturating_sub(limits::ACKNOWLEDGEMENTS);
        self.steps.drain(..first);
        let steps: Value =
            self.steps.iter().map(|(at, until)| Value::from(vec![*at, *until])).collect();
        followers::write_steps(sql, &follower_of(&self.row.id), self.follower, &steps.to_string())
    }
}

impl Memory {
    /// Milliseconds from now at which a stream is due, if it is.
    fn stream_due_in(&self, flights: &Flights, stream: &Stream, now: i64) -> Option<i64> {
        let due = stream.due(self.last_seq)?.max(flights.until(&stream.row.id));
        Some(due.saturating_sub(now).max(0))
    }

    /// The stream that is due and whose last step began longest ago, so that none waits for good behind
    /// others that always are. None is that has begun one now.
    fn next_stream(&self, flights: &Flights, now: i64) -> Option<String> {
        let is_due = |stream: &&Stream| self.stream_due_in(flights, stream, now) == Some(0);
        let due = self.streams.all().iter().filter(|_| !self.is_erasing()).filter(is_due);
        let next = due.min_by_key(|stream| flights.began(stream.id()))?;
        Some(next.row.id.clone())
    }
}

impl Tenant {
    /// Milliseconds from now at which streams are due.
    pub(super) fn streams_due_in(&self, now: DateTime<Utc>) -> Option<i64> {
        let memory = self.memory.as_ref()?;
        let now = now.timestamp_millis();
        let due = |stream| memory.stream_due_in(&self.flights, stream, now);
        memory.streams.all().iter().filter_map(due).min()
    }

    /// What is to be handed over, if anything is due: a bounded step of each stream, which has to be told
    /// to [`Self::delivered`]. There is one of a stream at a time; one of which nothing is heard is taken
    /// for lost after [`limits::BATCH_LOST_MILLISECONDS`]. Of `outbound` the origin is not looked at: each
    /// stream has its own.
    ///
    /// Beside it, why not all that is due is there, for the log: of a stream that has failed nothing was
    /// written, and it is tried again as late as that.
    pub fn deliveries(
        &mut self,
        sql: &dyn Sql,
        now: DateTime<Utc>,
        key_ring: &KeyRing,
        outbound: Outbound<'_>,
        tenant: &Slug,
        random: &mut dyn FnMut(&mut [u8]) -> Result<(), String>,
    ) -> (Vec<Batch>, Result<(), StoreError>) {
        let millis = now.timestamp_millis();
        let (mut batches, mut planned, mut events) = (Vec::new(), Ok(()), 0_usize);
        while events < limits::ALARM_EVENTS && !batches.iter().any(Batch::is_large) {
            let (memory, id) = match self.turn(sql, millis, random) {
                Ok(Some(turn)) => turn,
                Ok(None) => break,
                Err(error) => return (batches, Err(error)),
            };
            let plan = || {
                plan::Plan { sql, memory, key_ring, outbound, tenant: tenant.as_str(), now }
                    .batch(&id)
            };
            match store::transacted(sql, plan, Result::is_ok).flatten() {
                Ok(Some(batch)) => {
                    events = events.saturating_add(batch.len());
                    batches.push(batch);
                }
                Ok(None) => drop(self.flights.end(&id, millis)),
                Err(error) => {
                    self.memory = None; // It may think that something was recorded.
                    planned = planned.and(Err(error)); // Others go on.
                }
            }
        }
        (batches, planned)
    }

    /// The stream whose turn it is, if it is anybody's: its step begins.
    fn turn(
        &mut self,
        sql: &dyn Sql,
        now: i64,
        random: &mut dyn FnMut(&mut [u8]) -> Result<(), String>,
    ) -> Result<Option<(&mut Memory, String)>, StoreError> {
        if self.memory.is_none() && !store::has_tables(sql)? {
            return Ok(None); // It is of a tenant that was deleted.
        }
        let memory = wake(&mut self.memory, sql)?;
        let Some(id) = memory.next_stream(&self.flights, now) else { return Ok(None) };
        self.flights.begin(&id, now);
        memory.log.sow(random)?;
        Ok(Some((memory, id)))
    }

    /// Whether a step that is on its way goes on: its stream is there, enabled and has the address that it
    /// had.
    pub fn still_hands_over(&self, batch: &Batch) -> bool {
        let memory = self.memory.as_ref().filter(|memory| !memory.is_erasing());
        let stream = memory.and_then(|memory| memory.streams.get(batch.stream()));
        stream.is_some_and(|stream| batch.is_of(stream))
    }

    /// Whether a stream is due, so that whoever may not send should say so.
    pub fn hands_over(&self, now: DateTime<Utc>) -> bool {
        let is_erasing = self.memory.as_ref().is_some_and(Memory::is_erasing);
        !is_erasing && self.streams_due_in(now) == Some(0)
    }

    /// Has no stream begin a step for [`limits::SUSPENDED_MILLISECONDS`], or until a request of a key
    /// comes: the tenant is suspended.
    pub fn hold_streams(&mut self, now: DateTime<Utc>) {
        let until = now.timestamp_millis().saturating_add(limits::SUSPENDED_MILLISECONDS);
        self.flights.hold(until);
    }

    /// Has no stream begin a step for as long as one may take, or until a request of a key comes.
    pub fn pause_streams(&mut self, now: DateTime<Utc>) {
        let until = now.timestamp_millis().saturating_add(limits::BATCH_LOST_MILLISECONDS);
        self.flights.hold(until); // Those that are on their way go on.
    }

    /// Notes what has become of such a step.
    ///
    /// # Errors
    /// The cause, for the log; nothing was written, and the step comes again, as late as one of which
    /// nothing is heard.
    pub fn delivered(
        &mut self,
        sql: &dyn Sql,
        now: DateTime<Utc>,
        batch: &Batch,
        random: &mut dyn FnMut(&mut [u8]) -> Result<(), String>,
    ) -> Result<(), StoreError> {
        if !self.flights.end(batch.stream(), batch.began()) {
            return Ok(());
        }
        let landed = self.land(sql, now, batch, random);
        if landed.is_err() {
            self.memory = None;
            self.flights.begin(batch.stream(), batch.began());
        }
        landed
    }

    fn land(
        &mut self,
        sql: &dyn Sql,
        now: DateTime<Utc>,
        batch: &Batch,
        random: &mut dyn FnMut(&mut [u8]) -> Result<(), String>,
    ) -> Result<(), StoreError> {
        if self.memory.is_none() && !store::has_tables(sql)? {
            return Ok(()); // It is of a tenant that was deleted.
        }
        let memory = wake(&mut self.memory, sql)?;
        memory.log.sow(random)?;
        let land = || land::land(sql, memory, batch, now, random);
        store::transacted(sql, land, Result::is_ok).flatten()
    }
}
