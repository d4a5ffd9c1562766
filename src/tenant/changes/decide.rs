//! `POST …/changes/{id}/approve|reject|retry`.

use serde_json::{Map, Value, json};

use super::delivered::is_change;
use super::shown::PROVISIONED;
use super::{change_shown, hold_of};
use crate::event::EventKind;
use crate::http::{ChangeAction, Problem, ProblemCode, Response};
use crate::limits;
use crate::policy::Action;
use crate::scim::schema::USER;
use crate::store::changes::{self, ChangeRow, GUARD, PENDING, REJECTED};
use crate::store::events;
use crate::store::resources;
use crate::tenant::document::timestamp;
use crate::tenant::drift;
use crate::tenant::members::Delta;
use crate::tenant::work::{Answer, Failure, Work, conflict, missing, only_fields, permitted};

impl Work<'_, '_> {
    /// Decides on one change `{"reason"?}`.
    ///
    /// 1. A key of a connection decides nothing: 403. A reason is a text of a bounded length: 400.
    /// 2. There must be such a change, 404, which nobody has decided yet: 409.
    /// 3. What was approved happens, 409 where a guard does not let it; what is rejected stays undone.
    ///    An event says who decided, and why: 200. What streams could not deliver is tried again: 200.
    pub(in crate::tenant) fn decide_change(&mut self, id: &str, action: ChangeAction) -> Answer {
        let body = self.decision_body(&["reason"])?; // (1)
        let reason = self.decision_reason(&body)?;
        if action == ChangeAction::Retry
            && let Some(change) = self.retry_deliveries(id)?
        {
            return Ok(Response::json(200, &change)); // (3)
        }
        let row = self.change_of(id)?; // (2)
        let is_guards = row.cause == GUARD;
        // (3)
        match (action, row.status.as_str()) {
            (ChangeAction::Approve, PENDING) => self.approve(row, reason.as_deref()),
            // What a guard has refused is tried again, and again.
            (ChangeAction::Retry, PENDING) if is_guards => self.approve(row, reason.as_deref()),
            (ChangeAction::Reject, PENDING) => self.reject(row, reason.as_deref()),
            (ChangeAction::Retry, REJECTED) => self.reopen(row, reason.as_deref()),
            (ChangeAction::Retry, _) => Err(conflict("the change awaits its approval")),
            _ => Err(conflict("the change was rejected; `retry` brings it up again")),
        }
    }

    /// Lets a change happen: what is held counts from now on, what was refused is done now.
    pub(super) fn approve(&mut self, row: ChangeRow, reason: Option<&str>) -> Answer {
        let decided = self.decision(reason);
        changes::delete(self.sql, row.id)?;
        self.deciding(|settling| settling.tell(EventKind::ChangeApproved, &row, decided.clone()))?;
        let subject = self.subject(USER, &row.user, None)?;
        let (actions, pos) = (hold_of(&row).actions, subject.pos());
        if actions.has(Action::Delete) && is_anothers(subject.manager(), &row) {
            return Err(conflict("another connection manages this user"));
        }
        let is_guards = row.cause == GUARD;
        self.memory.dirty.touch_untold(pos);
        if actions.has(Action::Delete) || is_guards && row.action == Action::Delete.name() {
            self.remove(subject)?;
        } else if is_guards {
            let after = subject.resource().clone().deactivated(subject.schema());
            self.speaks_for.clone_from(&row.connection);
            let changed = self.change(&subject, after, &Delta::default());
            self.speaks_for = None;
            changed?;
        }
        let row = ChangeRow {
            status: PROVISIONED.to_owned(),
            decision: Some(decided.to_string()),
            ..row
        };
        Ok(Response::json(200, &change_shown(&row)?))
    }

    /// Leaves a change undone: the user's access stays what it was. Whose deletion is rejected is there
    /// again for everybody, and nobody's.
    pub(super) fn reject(&mut self, row: ChangeRow, reason: Option<&str>) -> Answer {
        let decided = self.decision(reason);
        self.deciding(|settling| settling.tell(EventKind::ChangeRejected, &row, decided.clone()))?;
        let mut actions = hold_of(&row).actions;
        let user = resources::by_id(self.sql, &row.user)?;
        if let Some(user) = user {
            self.memory.dirty.touch_untold(user.pos);
            if actions.has(Action::Delete) {
                actions = actions.without(Action::Delete);
                let connection = row.connection.as_deref().unwrap_or_default();
                self.show_again(connection, user.pos, &row.user)?;
                if !is_anothers(user.manager.as_deref(), &row) {
                    resources::set_manager(self.sql, user.pos, None)?;
                    drift::forget(self.sql, self.memory, user.pos)?;
                }
            }
        }
        let row = ChangeRow {
            status: REJECTED.to_owned(),
            actions: actions.bits(),
            decision: Some(decided.to_string()),
            ..row
        };
        changes::put(self.sql, &row)?;
        Ok(Response::json(200, &change_shown(&row)?))
    }

    /// Has what was rejected await its approval again.
    fn reopen(&mut self, row: ChangeRow, reason: Option<&str>) -> Answer {
        let decided = self.decision(reason);
        let subject = self.subject(USER, &row.user, None)?;
        let mut actions = hold_of(&row).actions;
        if row.action == Action::Delete.name() && row.cause != GUARD {
            let connection = row.connection.as_deref().unwrap_or_default();
            let held = self.memory.change_held(self.sql, &row.user)?;
            if held.is_some_and(|held| held.id != row.id)
                || is_anothers(subject.manager(), &row)
                || !self.has_connection(connection)
            {
                return Err(conflict("the user or the connection is not what it was"));
            }
            actions = actions.with(Action::Delete);
            resources::set_manager(self.sql, subject.pos(), Some(connection))?;
            self.memory.hide(self.sql, connection, subject.pos())?;
        }
        self.memory.dirty.touch_untold(subject.pos());
        let row = ChangeRow {
            status: PENDING.to_owned(),
            actions: actions.bits(),
            decision: None,
            ..row
        };
        changes::put(self.sql, &row)?;
        self.deciding(|settling| settling.tell(EventKind::ChangePending, &row, decided))?;
        Ok(Response::json(200, &change_shown(&row)?))
    }

    /// The change of a number: 404. One that was decided, or awaits nobody's approval, has no row; its
    /// event is still there: 409.
    fn change_of(&self, id: &str) -> Result<ChangeRow, Failure> {
        let number: Option<i64> = id.parse().ok();
        let number = number.filter(|number| (1..=self.memory.last_seq).contains(number));
        let number = number.ok_or_else(|| missing("there is no such change"))?;
        if let Some(row) = changes::by_id(self.sql, number)? {
            return Ok(row);
        }
        let event = events::at(self.sql, number)?;
        if event.as_ref().is_some_and(|event| is_change(&event.kind)) {
            return Err(conflict("nothing of the change awaits a decision or has failed"));
        }
        if event.is_none_or(|event| event.kind != EventKind::ChangePending.name()) {
            return Err(missing("there is no such change").into());
        }
        Err(conflict("the change has been decided"))
    }

    pub(super) fn decision_body(&self, fields: &[&str]) -> Result<Map<String, Value>, Failure> {
        permitted(self.connection.is_none(), "a key of a connection decides of no changes")?;
        let body = self.body_or_nothing()?;
        only_fields(&body, fields, "a decision")?;
        Ok(body)
    }

    pub(super) fn decision_reason(
        &self,
        body: &Map<String, Value>,
    ) -> Result<Option<String>, Failure> {
        let most = limits::REASON_CHARACTERS;
        match body.get("reason") {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if text.chars().count() <= most => Ok(Some(text.clone())),
            Some(_) => {
                let detail = format!("`reason` is not a text of at most {most} characters");
                Err(Problem::new(ProblemCode::Malformed, detail).into())
            }
        }
    }

    /// Who decides, and why, as an event and a row say it.
    fn decision(&self, reason: Option<&str>) -> Value {
        let by = self.call.principal.actor();
        json!({ "decidedAt": timestamp(self.now()), "decidedBy": by, "reason": reason })
    }
}

/// Whether a user has become another connection's than the one whose change it is.
fn is_anothers(manager: Option<&str>, row: &ChangeRow) -> bool {
    manager.is_some() && manager != row.connection.as_deref()
}
