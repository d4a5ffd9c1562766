//! The feed: `GET …/events?after=&limit=&type=&actor=&format=&chain=`, in order, as the log has it.

mod proof;

use chrono::DateTime;
use serde_json::{Value, json};

use super::document::timestamp;
use super::page::fitting;
use super::work::{Answer, Failure, Work};
use crate::http::{Problem, ProblemCode, Response};
use crate::limits;
use crate::store::events::{self, EventRow, Span};

/// What is asked of the feed.
struct Asked<'q> {
    span: Span<'q>,
    limit: usize,
    format: Format,
}

/// How events are answered.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Format {
    Json,
    Lines,
    /// Lines that prove themselves.
    Chain,
}

impl Work<'_, '_> {
    /// The events behind `after`, at most `limit` and about a page's bytes; 410 where the log begins
    /// later.
    ///
    /// `next` is the `after` of the following page. As lines, the last one has it, or tells that
    /// there is none. A page of one type or actor looks at so many events at
    /// most, so that it may be empty and still have a `next`.
    pub(super) fn read_events(&self) -> Answer {
        let last = self.memory.last_seq;
        let Asked { span, limit, format } = self.asked_events()?;
        let until = page_end(&events::sizes(self.sql, span, limit)?, limit).unwrap_or(span.until);
        let ends = match until < last {
            true => json!({ "next": until.to_string() }),
            false => json!({ "end": true, "seq": last }),
        };
        if format == Format::Chain {
            return self.proven(span.after, until, &ends);
        }
        let rows = events::read(self.sql, Span { until, ..span })?;
        let events: Vec<Value> = rows.iter().map(|row| self.event(row)).collect();
        if format == Format::Lines {
            return Ok(Response::lines(events.iter().chain([&ends])));
        }
        let mut page = json!({ "items": events });
        if let (true, Some(fields)) = (until < last, page.as_object_mut()) {
            fields.insert("next".to_owned(), until.to_string().into());
        }
        Ok(Response::json(200, &page))
    }

    /// What a request asks of the feed: 400, 410.
    fn asked_events(&self) -> Result<Asked<'_>, Failure> {
        let query = &self.request().query;
        let malformed = |detail| Failure::from(Problem::new(ProblemCode::Malformed, detail));
        let begins = self.memory.log.anchor;
        let after = query.whole("after")?.unwrap_or(begins);
        let format = match (query.value("format"), query.flag("chain")?) {
            (Some("ndjson"), true) => Format::Chain,
            (Some("ndjson"), false) => Format::Lines,
            (None | Some("" | "json"), false) => Format::Json,
            (None | Some("" | "json"), true) => {
                return Err(malformed("`chain` wants the `format` ndjson"));
            }
            _ => return Err(malformed("`format` is neither json nor ndjson")),
        };
        let (kind, actor) = (query.value("type"), query.value("actor"));
        if format == Format::Chain && (kind.is_some() || actor.is_some()) {
            return Err(malformed("`chain` is of all events, not of one `type` or `actor`"));
        }
        let limit = query.items_limit()?;
        if after < begins {
            return Err(Problem::gone(begins.saturating_add(1)).into());
        }
        let until = after.saturating_add(limits::EVENTS_SCANNED).min(self.memory.last_seq);
        Ok(Asked { span: Span { after, until, kind, actor }, limit, format })
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
