//! The feed: `GET …/events?after=&limit=&type=&actor=&format=`, in order, as the log has it.

use chrono::DateTime;
use serde_json::{Value, json};

use super::document::timestamp;
use super::page::fitting;
use super::work::{Answer, Work};
use crate::http::{Problem, ProblemCode, Response};
use crate::limits;
use crate::store::events::{self, EventRow, Span};

impl Work<'_, '_> {
    /// The events behind `after`, at most `limit` and about a page's bytes.
    ///
    /// `next` is the `after` of the following page. As lines, the last one has it, or tells that
    /// there is none. A page of one type or actor looks at so many events at
    /// most, so that it may be empty and still have a `next`.
    pub(super) fn read_events(&self) -> Answer {
        let query = &self.request().query;
        let after = query.whole("after")?.unwrap_or(0);
        let as_lines = match query.value("format") {
            None | Some("" | "json") => false,
            Some("ndjson") => true,
            Some(_) => {
                let detail = "`format` is neither json nor ndjson";
                return Err(Problem::new(ProblemCode::Malformed, detail).into());
            }
        };
        let limit = query.items_limit()?;
        let last = self.memory.last_seq;
        let until = after.saturating_add(limits::EVENTS_SCANNED).min(last);
        let span = Span { after, until, kind: query.value("type"), actor: query.value("actor") };
        let until = page_end(&events::sizes(self.sql, span, limit)?, limit).unwrap_or(until);
        let rows = events::read(self.sql, Span { until, ..span })?;
        let events: Vec<Value> = rows.iter().map(|row| self.event(row)).collect();
        if as_lines {
            let next = json!({ "next": until.to_string() });
            let end = json!({ "end": true, "seq": last });
            let ends = if until < last { next } else { end };
            return Ok(Response::lines(events.iter().chain([&ends])));
        }
        let mut page = json!({ "items": events });
        if let (true, Some(fields)) = (until < last, page.as_object_mut()) {
            fields.insert("next".to_owned(), until.to_string().into());
        }
        Ok(Response::json(200, &page))
    }

    /// An event as every consumer sees it.
    pub(super) fn event(&self, row: &EventRow) -> Value {
        event_of(self.tenant(), row)
    }
}

/// An event of a tenant as every consumer sees it.
pub(super) fn event_of(tenant: &str, row: &EventRow) -> Value {
    let mut data = json!({ "tenant": tenant, "seq": row.seq });
    if let (Some(fields), Ok(Value::Object(stored))) =
        (data.as_object_mut(), serde_json::from_str(&row.data))
    {
        fields.extend(stored);
    }
    let time = DateTime::from_timestamp_millis(row.time).map(timestamp);
    json!({ "type": row.kind, "timestamp": time, "data": data })
}

/// Where a page ends that has so many events, or as many bytes as a page may have; `None` where it
/// ends with the span.
fn page_end(sizes: &[(i64, i64)], limit: usize) -> Option<i64> {
    let page = fitting(sizes);
    let is_full = page.len() < sizes.len() || sizes.len() >= limit;
    page.last().filter(|_| is_full).map(|(seq, _)| *seq)
}
