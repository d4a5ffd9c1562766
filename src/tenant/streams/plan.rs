//! Which events of a stream are due.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::batch::{Batch, Item, Receiver};
use super::{Stream, land};
use crate::auth::KeyRing;
use crate::http::Outbound;
use crate::limits;
use crate::store::deliveries::{self, DeliveryRow};
use crate::store::events::{self, EventRow, Span};
use crate::store::{Sql, StoreError};
use crate::tenant::access::mapped_of;
use crate::tenant::events::event_of;
use crate::tenant::memory::Memory;
use crate::tenant::page::fitting;

/// A step that is being made up.
pub(super) struct Plan<'p> {
    pub(super) sql: &'p dyn Sql,
    pub(super) memory: &'p mut Memory,
    pub(super) key_ring: &'p KeyRing,
    pub(super) outbound: Outbound<'p>,
    pub(super) tenant: &'p str,
    pub(super) now: DateTime<Utc>,
}

impl Plan<'_> {
    /// The step of a stream; none where nothing of what has happened is of its types. A stream whose
    /// address may not be asked any more, or of which nobody can open what is sealed, ends here.
    pub(super) fn batch(self, id: &str) -> Result<Option<Batch>, StoreError> {
        let Some(mut stream) = self.memory.streams.get(id).cloned() else { return Ok(None) };
        let receiver = match self.receiver(&mut stream)? {
            Ok(receiver) => receiver,
            Err(why) => {
                return land::disable(self.sql, self.memory, stream, why, self.now).map(|()| None);
            }
        };
        let mut batch = Batch {
            stream: id.to_owned(),
            created: stream.row.created,
            after: stream.after,
            until: stream.after,
            began: self.now.timestamp_millis(),
            types: stream.row.types.clone(),
            receiver,
            blocked: BTreeSet::new(),
            items: Vec::new(),
            is_over: false,
        };
        self.again(&mut stream, &mut batch)?;
        self.further(&stream, &mut batch)?;
        if batch.items.is_empty() {
            stream.after = batch.until;
            if stream.has_passed_many() {
                stream.write_place(self.sql)?;
            }
            stream.count(self.sql)?;
            self.memory.streams.put(stream);
            return Ok(None);
        }
        if stream.after != stream.follower.after {
            // What memory alone knows would be forgotten with it, and this step not be known again.
            stream.write_place(self.sql)?;
        }
        self.memory.streams.put(stream);
        Ok(Some(batch))
    }

    /// To whom a stream's messages go, or why they can go nowhere.
    fn receiver(&self, stream: &mut Stream) -> Result<Result<Receiver, &'static str>, StoreError> {
        let outbound = Outbound { own_origin: &stream.row.origin, ..self.outbound };
        if !outbound.permits(&stream.row.url) {
            return Ok(Err("its url may not be asked any more"));
        }
        stream.reseal(self.sql, self.key_ring, self.tenant)?;
        Ok(stream.receiver(self.key_ring, self.tenant, self.now))
    }

    /// An event for a stream's receiver: of a user, with the attributes that the user has now as the
    /// receiver calls them, if the stream has a map for that and somebody may still be asked for.
    fn item(
        &self,
        stream: &Stream,
        event: &EventRow,
        row: Option<DeliveryRow>,
    ) -> Result<Item, StoreError> {
        let mut shown = event_of(self.tenant, event);
        let maps = &self.memory.policy.attributes.maps;
        let map = stream.row.attribute_map.as_deref().and_then(|id| maps.get(id));
        if let (Some(map), Some(data)) = (map, shown.get_mut("data").and_then(Value::as_object_mut))
            && let Some(id) = user_of(data)
        {
            data.extend(mapped_of(self.sql, self.memory, map, id)?);
        }
        Ok(Item::new(stream, self.tenant, event, shown, row))
    }

    /// What is tried again. What is not, holds back all that is about the same.
    fn again(&self, stream: &mut Stream, batch: &mut Batch) -> Result<(), StoreError> {
        if stream.unfinished == 0 {
            return Ok(());
        }
        let mut is_known = true;
        for row in deliveries::unfinished(self.sql, &batch.stream)? {
            let has_room = batch.items.len() < limits::BATCH_EVENTS && !batch.is_large();
            let is_due = row.due <= batch.began && has_room;
            let ids: Vec<String> = row.ids.split_ascii_whitespace().map(str::to_owned).collect();
            let is_free = !ids.iter().any(|id| batch.blocked.contains(id));
            if !(is_due && is_free) {
                batch.blocked.extend(ids);
                continue;
            }
            match events::at(self.sql, row.seq)? {
                Some(event) => batch.items.push(self.item(stream, &event, Some(row))?),
                // Nobody knows any more what it was.
                None => {
                    deliveries::delete(self.sql, &batch.stream, row.seq)?;
                    is_known = false;
                }
            }
        }
        if is_known { Ok(()) } else { stream.count(self.sql) }
    }

    /// What has happened since.
    fn further(&self, stream: &Stream, batch: &mut Batch) -> Result<(), StoreError> {
        let unfinished = limits::DELIVERIES_UNFINISHED.saturating_sub(stream.unfinished);
        let room = limits::BATCH_EVENTS.saturating_sub(batch.items.len()).min(unfinished);
        if room == 0 || !stream.has_room() {
            return Ok(());
        }
        let most = batch.items.len().saturating_add(room);
        let mut bytes = stream.unfinished_bytes; // Each may fail.
        let (events, until) = behind(self.sql, stream.after, self.memory.last_seq)?;
        batch.until = until;
        for event in &events {
            let is_full = bytes >= limits::DELIVERIES_UNFINISHED_BYTES || batch.is_large();
            if batch.items.len() >= most || is_full {
                batch.until = event.seq.saturating_sub(1);
                break;
            }
            if stream.takes(event) {
                let item = self.item(stream, event, None)?;
                bytes = bytes.saturating_add(item.ids.iter().map(String::len).sum());
                batch.items.push(item);
            }
        }
        Ok(())
    }
}

/// The user whom an event is about, if it is about one.
fn user_of(data: &Map<String, Value>) -> Option<&str> {
    let is_user = data.get("resourceType").and_then(Value::as_str) == Some("User");
    data.get("id").and_then(Value::as_str).filter(|_| is_user)
}

/// The events behind a place, up to another, as many as are read at once, and where they end.
pub(in crate::tenant) fn behind(
    sql: &dyn Sql,
    after: i64,
    last: i64,
) -> Result<(Vec<EventRow>, i64), StoreError> {
    let span = Span { after, until: last, kind: None, actor: None };
    let sizes = events::sizes(sql, span, limits::BATCH_SCANNED)?;
    let page = fitting(&sizes);
    let is_whole = page.len() == sizes.len() && sizes.len() < limits::BATCH_SCANNED;
    let until = page.last().filter(|_| !is_whole).map_or(last, |(seq, _)| *seq);
    Ok((events::read(sql, Span { until, ..span })?, until))
}
