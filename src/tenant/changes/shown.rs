//! `GET …/changes`, `GET …/users/{id}/changes` and `GET …/streams/{s}/changes`: what awaits approval, what
//! was denied it, and, where there are streams, what has become of the rest.

use chrono::DateTime;
use serde_json::{Value, json};

use super::parsed;
use crate::http::{Problem, ProblemCode, Response, page_of};
use crate::policy::Action;
use crate::store::StoreError;
use crate::store::changes::{self, ChangeRow, Sought};
use crate::store::deliveries::FAILED;
use crate::tenant::document::moment;
use crate::tenant::streams::UNKNOWN;
use crate::tenant::work::{Answer, Failure, Work};

/// The status of what counts, and was acknowledged by whoever is told of it.
pub(super) const PROVISIONED: &str = "provisioned";

/// What a change may be; what is none of the first two has no row.
const STATUSES: [&str; 8] = [
    changes::PENDING,
    changes::REJECTED,
    "provisioning",
    "modifying",
    PROVISIONED,
    FAILED,
    "deleting",
    UNKNOWN,
];

impl Work<'_, '_> {
    /// `GET …/changes?user=&stream=&action=&status=&connection=&after=&cursor=&limit=`, in the order of
    /// events. `after` is the place of an event or a time. Of one user, or stream, there must be such a
    /// one: 404. Where there are streams, what they deliver is among it.
    pub(in crate::tenant) fn list_changes(
        &self,
        user: Option<&str>,
        stream: Option<&str>,
    ) -> Answer {
        user.map(|id| self.user(id)).transpose()?;
        let query = &self.request().query;
        let value = |name: &str| query.value(name).filter(|text| !text.is_empty());
        let (action, status) = (value("action"), value("status"));
        if action.is_some_and(|name| Action::of(name).is_none()) {
            return Err(malformed("`action` is none that a change has"));
        }
        if status.is_some_and(|name| !STATUSES.contains(&name)) {
            return Err(malformed("`status` is none that a change has"));
        }
        let (after, since) = self.changes_after()?;
        let cursor = query.whole("cursor")?.unwrap_or(0);
        let sought = Sought {
            user: user.or(value("user")),
            action,
            status,
            connection: value("connection"),
            after: after.max(cursor),
            since,
        };
        let limit = query.items_limit()?;
        let stream = stream.or(value("stream"));
        if stream.is_some() || !self.memory.streams.all().is_empty() {
            return Ok(Response::json(200, &self.with_delivered(sought, stream, limit)?));
        }
        let rows = changes::list(self.sql, sought, limit.saturating_add(1))?;
        let shown = rows.iter().map(|row| Ok((row.id.to_string(), change_shown(row)?)));
        Ok(Response::json(200, &page_of(shown.collect::<Result<_, StoreError>>()?, limit)))
    }

    /// Behind which event, and behind which moment, a list begins.
    fn changes_after(&self) -> Result<(i64, i64), Failure> {
        let query = &self.request().query;
        let text = query.value("after").unwrap_or_default();
        if text.is_empty() || text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Ok((query.whole("after")?.unwrap_or(0), 0));
        }
        match DateTime::parse_from_rfc3339(text) {
            Ok(time) => Ok((0, time.timestamp_millis())),
            Err(_) => Err(malformed("`after` is neither a place in the feed nor a time")),
        }
    }
}

fn malformed(detail: &'static str) -> Failure {
    Problem::new(ProblemCode::Malformed, detail).into()
}

/// A change as it is shown.
pub(in crate::tenant) fn change_shown(row: &ChangeRow) -> Result<Value, StoreError> {
    let mut shown = json!({
        "id": row.id.to_string(),
        "user": row.user,
        "action": row.action,
        "status": row.status,
        "cause": row.cause,
        "connection": row.connection,
        "actor": row.actor,
        "createdAt": moment(row.time),
    });
    let decision = row.decision.as_deref().map(parsed).transpose()?;
    if let Some(fields) = shown.as_object_mut() {
        for more in [Some(parsed(&row.about)?), decision].into_iter().flatten() {
            fields.extend(more.as_object().cloned().unwrap_or_default());
        }
    }
    Ok(shown)
}
