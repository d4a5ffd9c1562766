//! The feed: `GET …/events?after=&limit=&type=&actor=&format=&chain=&wait=`, in order, as the log has it.

mod proof;

use serde_json::{Value, json};

use super::Waits;
use super::document::moment;
use super::page::{fitting, page_until};
use super::work::{Answer, Failure, Work};
use crate::event::is_type;
use crate::http::{Problem, ProblemCode, Response};
use crate::limits;
use crate::store::events::{self, EventRow, Span};

/// What is asked of the feed.
struct Asked<'q> {
    span: Span<'q>,
    limit: usize,
    format: Format,
    /// For how many seconds it waits for the first event.
    wait: i64,
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
    /// there is none. A page of one type, family of types or actor looks at so many events at
    /// most, so that it may be empty and still have a `next`. An empty one without is noted to wait, if
    /// the client has said so; where it has looked before, it looks behind that.
    pub(super) fn read_events(&mut self) -> Answer {
        let last = self.memory.last_seq;
        let Asked { span, limit, format, wait } = self.asked_events()?;
        let is_some = span.after < span.until;
        let sizes = if is_some { events::sizes(self.sql, span, limit)? } else { Vec::new() };
        let until = page_end(&sizes, limit).unwrap_or(span.until);
        let ends = match until < last {
            true => json!({ "next": until.to_string() }),
            false => json!({ "end": true, "seq": last }),
        };
        if format == Format::Chain {
            return self.proven(span.after, until, &ends);
        }
        let rows = if sizes.is_empty() {
            Vec::new()
        } else {
            events::read(self.sql, Span { until, ..span })?
        };
        if rows.is_empty() && until >= last && wait > 0 {
            let milliseconds = wait.saturating_mul(1_000);
            self.memory.noted.waits = Some(Waits { looked: last, milliseconds });
        }
        let events: Vec<Value> = rows.iter().map(|row| self.event(row)).collect();
        if format == Format::Lines {
            return Ok(Response::lines(events.iter().chain([&ends])));
        }
        Ok(Response::json(200, &page_until(events, until, last)))
    }

    /// What a request asks of the feed: 400, 410 for a place before the log, 422 for one behind it.
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
        let kind = query.value("type").filter(|kind| !kind.is_empty());
        let actor = query.value("actor");
        if format == Format::Chain && (kind.is_some() || actor.is_some()) {
            return Err(malformed("`chain` is of all events, not of one `type` or `actor`"));
        }
        if kind.is_some_and(|kind| !is_type(kind)) {
            let detail = "`type` is neither a type of events nor a family of them such as `user.*`";
            return Err(malformed(detail));
        }
        let limit = query.items_limit()?;
        if after < begins {
            return Err(Problem::gone(begins.saturating_add(1)).into());
        }
        if after > self.memory.last_seq {
            let detail = "`after` is behind the last event";
            return Err(Problem::new(ProblemCode::Contradictory, detail).into());
        }
        let after = after.max(self.call.looked.unwrap_or(0));
        let until = after.saturating_add(limits::EVENTS_SCANNED).min(self.memory.last_seq);
        let wait = query.whole("wait")?.unwrap_or(0).min(limits::POLL_SECONDS);
        Ok(Asked { span: Span { after, until, kind, actor }, limit, format, wait })
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
    json!({ "type": row.kind, "timestamp": moment(row.time), "data": data })
}

/// Where a page ends that has so many events, or as many bytes as a page may have; `None` where it
/// ends with the span.
fn page_end(sizes: &[(i64, i64)], limit: usize) -> Option<i64> {
    let page = fitting(sizes);
    let is_full = page.len() < sizes.len() || sizes.len() >= limit;
    page.last().filter(|_| is_full).map(|(seq, _)| *seq)
}
