//! `GET …/requests`: what was asked of the tenant recently, newest first.

use serde_json::{Value, json};

use super::document::moment;
use super::ring::Entry;
use super::work::{Answer, Work};
use crate::http::{Problem, ProblemCode, Response, page_of};

impl Work<'_, '_> {
    /// The ring, or what of it has a connection and a status (`404`, or `4xx` for all such).
    pub(super) fn read_requests(&self) -> Answer {
        let query = &self.request().query;
        let limit = query.items_limit()?;
        let before = query.whole("cursor")?.unwrap_or(i64::MAX);
        let status = query.value("status").filter(|text| !text.is_empty());
        let status = status.map(statuses).transpose()?;
        let connection = query.value("connection").filter(|text| !text.is_empty());
        let wanted = |(number, entry): &(i64, Entry)| {
            let is_status = status.is_none_or(|(low, high)| (low..=high).contains(&entry.status));
            let is_of = connection.is_none_or(|id| entry.connection.as_deref() == Some(id));
            *number < before && is_status && is_of
        };
        let entries = self.ring.entries(self.sql)?;
        let found = entries.iter().rev().filter(|one| wanted(one)).take(limit.saturating_add(1));
        let found = found.map(|(number, entry)| (number.to_string(), described(entry)));
        Ok(Response::json(200, &page_of(found.collect(), limit)))
    }
}

/// The least and the greatest status that a text names.
fn statuses(text: &str) -> Result<(u16, u16), Problem> {
    let class = text.strip_suffix("xx").and_then(|class| class.parse::<u16>().ok());
    let range = match class {
        Some(class) => class.checked_mul(100).map(|low| (low, low.saturating_add(99))),
        None => text.parse::<u16>().ok().map(|status| (status, status)),
    };
    let possible = range.filter(|(low, high)| *low >= 100 && *high < 600);
    let detail = "`status` is neither a status such as 404 nor a class such as 4xx";
    possible.ok_or_else(|| Problem::new(ProblemCode::Malformed, detail))
}

/// A request as the API shows it.
pub(super) fn described(entry: &Entry) -> Value {
    let Entry { time, method, route, status, error, connection, key, query, body, .. } = entry;
    json!({
        "time": moment(*time),
        "method": method,
        "route": route,
        "status": status,
        "error": error,
        // The runtime's clock stands still while a request is served.
        "duration": 0,
        "connection": connection,
        "key": key,
        "query": query,
        "body": body,
    })
}
