//! The feed: `GET …/events?after=&limit=&type=`, in order, as the log has it.

use chrono::DateTime;
use serde_json::{Value, json};

use super::document::timestamp;
use super::work::{Answer, Work};
use crate::http::Response;
use crate::store::events::{self, EventRow};

impl Work<'_, '_> {
    /// The events behind `after`, at most `limit`; `next` is the `after` of the following page.
    pub(super) fn read_events(&self) -> Answer {
        let after = self.request().query.whole("after")?.unwrap_or(0);
        let limit = self.request().query.items_limit()?;
        let kind = self.request().query.value("type");
        let rows = events::after(self.sql, after, kind, limit.saturating_add(1))?;
        let more = rows.len() > limit;
        let shown = rows.get(..limit).unwrap_or(&rows);
        let mut page =
            json!({ "items": shown.iter().map(|row| self.event(row)).collect::<Vec<_>>() });
        if let (true, Some(last), Some(fields)) = (more, shown.last(), page.as_object_mut()) {
            fields.insert("next".to_owned(), last.seq.to_string().into());
        }
        Ok(Response::json(200, &page))
    }

    /// An event as every consumer sees it.
    fn event(&self, row: &EventRow) -> Value {
        let tenant = self.request().route.tenant().map_or("", |tenant| tenant.as_str());
        let mut data = json!({ "tenant": tenant, "seq": row.seq });
        if let (Some(fields), Ok(Value::Object(stored))) =
            (data.as_object_mut(), serde_json::from_str(&row.data))
        {
            fields.extend(stored);
        }
        let time = DateTime::from_timestamp_millis(row.time).map(timestamp);
        json!({ "type": row.kind, "timestamp": time, "data": data })
    }
}
