//! Changes as they move to another tenant, so that what awaits approval there is what did here.

use chrono::DateTime;
use serde_json::{Map, Value, json};

use super::{approved_of, hold_of, parsed};
use crate::event::EventKind;
use crate::policy::{Action, Actions};
use crate::store::StoreError;
use crate::store::changes::{self, BRAKE, ChangeRow, GUARD, PENDING, REJECTED, REVIEW};
use crate::tenant::access::Settling;

/// A change's line: its row without its number, which is of the tenant's own events.
pub(in crate::tenant) fn change_moved(row: &ChangeRow) -> Result<Value, StoreError> {
    Ok(json!({
        "kind": "change",
        "user": row.user,
        "action": row.action,
        "actions": row.actions,
        "status": row.status,
        "cause": row.cause,
        "connection": row.connection,
        "actor": row.actor,
        "time": row.time,
        "approved": parsed(&row.approved)?,
        "about": parsed(&row.about)?,
        "decision": row.decision.as_deref().map(parsed).transpose()?,
    }))
}

/// The row of a line, still without a number, if there could be such a one.
pub(in crate::tenant) fn change_of_line(line: &Map<String, Value>) -> Option<ChangeRow> {
    let text = |name: &str| line.get(name).and_then(Value::as_str).map(str::to_owned);
    let object =
        |name: &str| line.get(name).filter(|value| value.is_object()).map(Value::to_string);
    let row = ChangeRow {
        id: 0,
        user: text("user")?,
        action: text("action")?,
        actions: u8::try_from(line.get("actions")?.as_u64()?).ok()?,
        status: text("status")?,
        cause: text("cause")?,
        connection: text("connection"),
        actor: text("actor")?,
        time: line.get("time")?.as_i64()?,
        approved: line.get("approved").filter(|value| value.is_array())?.to_string(),
        about: object("about")?,
        decision: object("decision"),
    };
    let action = Action::of(&row.action)?;
    let unknown = Action::ALL.into_iter().fold(Actions::stored(row.actions), Actions::without);
    let is_held = hold_of(&row).actions.has(action) && row.cause != GUARD;
    let fits = unknown == Actions::default()
        && [GUARD, BRAKE, REVIEW].contains(&row.cause.as_str())
        && match row.status.as_str() {
            PENDING => is_held || row.cause == GUARD && row.actions == 0,
            status => status == REJECTED,
        }
        && DateTime::from_timestamp_millis(row.time).is_some()
        && approved_of(&row).is_ok();
    fits.then_some(row)
}

impl Settling<'_> {
    /// Takes a change of another tenant; whether there was none like it.
    pub(in crate::tenant) fn move_in(&mut self, row: ChangeRow) -> Result<bool, StoreError> {
        let is_like = |own: &ChangeRow| {
            let is_same = own.action == row.action && own.time == row.time;
            (own.cause == GUARD) == (row.cause == GUARD)
                && (is_same || own.actions != 0 && row.actions != 0)
        };
        if changes::of_user(self.sql, &row.user)?.iter().any(is_like) {
            return Ok(false);
        }
        let row = ChangeRow { id: self.memory.last_seq.saturating_add(1), ..row };
        changes::put(self.sql, &row)?;
        self.memory.any_changes = true;
        let is_pending = row.status == PENDING;
        let kind = if is_pending { EventKind::ChangePending } else { EventKind::ChangeRejected };
        self.tell(kind, &row, json!({ "imported": true }))?;
        Ok(true)
    }
}
