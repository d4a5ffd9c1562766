//! `GET …/streams/{s}/deliveries`: what has become of each event of a stream, as far as rows and its
//! place in the log tell.

use serde_json::Value;

use super::Stream;
use super::plan::behind;
use crate::event::token;
use crate::http::{Problem, ProblemCode, Response};
use crate::policy::{FormerTypes, Types, hint};
use crate::store::deliveries::{self, DELIVERED, DeliveryRow, FAILED, HELD, RETRYING};
use crate::store::events::EventRow;
use crate::store::streams::ENABLED;
use crate::tenant::document::{moment, object};
use crate::tenant::page::page_until;
use crate::tenant::work::{Answer, Work};

/// What a delivery may be.
const STATUSES: [&str; 6] = [WAITING, HELD, RETRYING, FAILED, DELIVERED, UNKNOWN];
/// The status of what was not looked at yet.
const WAITING: &str = "waiting";
/// The status of what may have failed.
pub(in crate::tenant) const UNKNOWN: &str = "unknown";

/// What has become of an event.
pub(in crate::tenant) enum Progress<'p> {
    /// It waits, and was never tried.
    Waiting,
    /// As a row tells.
    Row(&'p DeliveryRow),
    /// It went well at once: at this time, in milliseconds since the epoch, or before.
    Done(Option<i64>),
    /// It went well, or has failed so long ago that it is forgotten.
    Unknown,
}

impl Stream {
    /// Its id.
    pub(in crate::tenant) fn id(&self) -> &str {
        &self.row.id
    }

    /// Whether it hands events over.
    pub(in crate::tenant) fn is_enabled(&self) -> bool {
        self.row.state == ENABLED
    }

    /// Whether an event is one of its: of its types, and of those that it had when it came to it.
    pub(in crate::tenant) fn takes(&self, event: &EventRow) -> bool {
        event.seq > self.row.since
            && Types::stored(&self.row.types).take(&event.kind)
            && FormerTypes::stored(&self.row.former_types).took(event.seq, &event.kind)
            && (!self.tells_tokens() || token::uri(&event.kind).is_some())
    }

    /// What has become of an event, given the rows.
    pub(in crate::tenant) fn progress<'p>(
        &self,
        seq: i64,
        rows: &'p [DeliveryRow],
    ) -> Progress<'p> {
        match rows.iter().find(|row| row.seq == seq) {
            Some(row) => Progress::Row(row),
            None if seq > self.after => Progress::Waiting,
            None if seq <= self.row.forgotten => Progress::Unknown,
            None => {
                let step = self.steps.iter().find(|(_, until)| *until >= seq);
                Progress::Done(step.or(self.steps.first()).map(|(at, _)| *at))
            }
        }
    }
}

impl Work<'_, '_> {
    /// `GET …/streams/{s}/deliveries?status=&after=&cursor=&limit=`, in the order of the feed. A page
    /// looks at so many events at most, so that it may be empty and still have a `next`.
    pub(super) fn list_deliveries(&self, id: &str) -> Answer {
        let stream = self.stream(id)?;
        let query = &self.request().query;
        let status = query.value("status").filter(|status| !status.is_empty());
        if status.is_some_and(|status| !STATUSES.contains(&status)) {
            let detail = "`status` is none that a delivery has";
            return Err(Problem::new(ProblemCode::Malformed, detail).into());
        }
        let cursor = query.whole("cursor")?.or(query.whole("after")?).unwrap_or(0);
        let limit = query.items_limit()?;
        let after = cursor.max(stream.row.since);
        let (events, until) = behind(self.sql, after, self.memory.last_seq)?;
        let rows = deliveries::between(self.sql, id, (after, until))?;
        let (mut items, mut reached) = (Vec::new(), until);
        for event in events.iter().filter(|event| stream.takes(event)) {
            let item = delivery_shown(stream, self.tenant(), event, &rows);
            if status.is_some_and(|status| item.get("status") != Some(&status.into())) {
                continue;
            }
            items.push(item);
            if items.len() >= limit {
                reached = event.seq;
                break;
            }
        }
        Ok(Response::json(200, &page_until(items, reached, self.memory.last_seq)))
    }
}

fn delivery_shown(stream: &Stream, tenant: &str, event: &EventRow, rows: &[DeliveryRow]) -> Value {
    let progress = &stream.progress(event.seq, rows);
    let status = match progress {
        Progress::Waiting => WAITING,
        Progress::Row(row) => row.state.as_str(),
        Progress::Done(_) => DELIVERED,
        Progress::Unknown => UNKNOWN,
    };
    let mut shown = vec![
        ("seq", event.seq.into()),
        ("type", event.kind.as_str().into()),
        ("webhookId", stream.message_id(tenant, event).into()),
        ("status", status.into()),
    ];
    match progress {
        Progress::Waiting | Progress::Unknown => {}
        Progress::Done(at) => shown.push(("deliveredAt", at.and_then(moment).into())),
        Progress::Row(row) => {
            let last: Value = row.last.and_then(moment).into();
            shown.push(("attempts", row.attempts.into()));
            shown.push(("firstAttemptAt", row.first.and_then(moment).into()));
            match status {
                DELIVERED => shown.push(("deliveredAt", last.clone())),
                // What is tried at once, or when it is asked for, has no time.
                RETRYING if row.due > 0 => shown.push(("nextAttemptAt", moment(row.due).into())),
                _ => {}
            }
            shown.push(("lastAttemptAt", last));
            if let Some(reason) = &row.reason {
                shown.push(("reason", reason.as_str().into()));
                shown.push(("hint", hint(reason).into()));
                shown.push(("answer", row.answer.as_deref().into()));
            }
        }
    }
    object(shown).into()
}
