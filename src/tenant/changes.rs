//! What connections do to users that awaits somebody's approval, by the tenant's review or since it is
//! too much at once, and what guards have refused.
//!
//! SCIM is answered as if it were done, and the record is what the connection said; the user's access
//! stays what was approved last. What keys without a connection do is a person's word, and awaits
//! nobody's. A user has one row at most for what is held, and another for what a guard has refused.

mod brake;
mod decide;
mod decide_many;
mod delivered;
mod hidden;
mod moved;
mod refused;
mod shown;

use std::collections::BTreeSet;

use serde_json::{Value, json};

pub(super) use self::brake::{Brakes, load as brakes};
pub(super) use self::decide_many::is_under_way;
pub(super) use self::delivered::is_change;
pub(super) use self::moved::{change_moved, change_of_line};
pub(super) use self::refused::Refused;
pub(super) use self::shown::change_shown;
use super::access::{Known, Settling, held_of, to_json};
use super::memory::{Author, Memory};
use super::work::Work;
use crate::event::{Event, EventKind, Verb};
use crate::gather::Gather as _;
use crate::policy::{Access, Action, Actions, Approved, Granted, Held, Hold};
use crate::scim::schema::USER;
use crate::store::changes::{self, BRAKE, ChangeRow, PENDING, REJECTED, REVIEW};
use crate::store::{Pos, Sql, StoreError};

/// Why something is held, and what is told of that.
type Cause = (&'static str, Value);

impl Settling<'_> {
    /// Holds what a connection has done to a user, as far as that awaits approval; what is held then.
    /// `ends` where it takes away all that the user may do.
    pub(super) fn review(
        &mut self,
        user: Pos,
        id: &str,
        done: &[Action],
        ends: bool,
    ) -> Result<Hold, StoreError> {
        let row = self.memory.change_held(self.sql, id)?;
        let before = row.as_ref().map(hold_of).unwrap_or_default();
        if before.actions.has(Action::Create) {
            return Ok(before); // Nothing of the user has been approved yet.
        }
        let (mut after, mut cause) = (before, None);
        for action in done {
            let found = self.cause(id, *action, ends)?;
            after = after.then(*action, found.is_some());
            cause = cause.or(found);
        }
        if after != before {
            self.hold(user, id, row, after, cause)?;
        }
        Ok(after)
    }

    /// Holds what a connection has done to a user by a group, where it makes a difference and awaits
    /// approval; whether what is held is another than before.
    pub(super) fn review_membership(
        &mut self,
        user: Pos,
        known: &Known,
        access: &Access,
    ) -> Result<bool, StoreError> {
        let policy = &self.memory.policy;
        let is_asked = policy.review.has(Action::Update) || policy.brake.is_some();
        if self.author.connection.is_none() || !is_asked && known.change.is_none() {
            return Ok(false);
        }
        let before = known.change.as_ref().map(hold_of).unwrap_or_default();
        let held = known.held();
        let is_same: bool =
            held.iter().gathered::<BTreeSet<_>>() == access.grants.iter().gathered::<BTreeSet<_>>();
        if before == Hold::default() && is_same {
            return Ok(false);
        }
        let ends = before == Hold::default() && !held.is_empty() && access.grants.is_empty();
        Ok(self.review(user, &known.id, &[Action::Update], ends)? != before)
    }

    /// Why something that a connection does is held, if it is.
    fn cause(
        &mut self,
        user: &str,
        action: Action,
        ends: bool,
    ) -> Result<Option<Cause>, StoreError> {
        let Some(connection) = self.author.connection else { return Ok(None) };
        if self.memory.policy.review.has(action) {
            return Ok(Some((REVIEW, json!({}))));
        }
        let gone = action == Action::Delete;
        let ends = ends || gone || action == Action::Deactivate;
        if ends { self.brake(connection, user, gone) } else { Ok(None) }
    }

    /// Writes what is held of a user's from now on. What awaits approval again is another change.
    fn hold(
        &mut self,
        user: Pos,
        id: &str,
        row: Option<ChangeRow>,
        hold: Hold,
        cause: Option<Cause>,
    ) -> Result<(), StoreError> {
        let name = hold.actions.first().map(Action::name);
        let (row, is_new) = match (row, name) {
            (Some(row), None) => return self.superseded(&row),
            (Some(row), _) if row.status == status_of(hold) => (self.joined_by(row, cause), false),
            (None, None) => return Ok(()),
            (old, Some(name)) => {
                let approved = match &old {
                    Some(old) => old.approved.clone(),
                    None => held_now(self.sql, self.memory, user)?,
                };
                if let Some(old) = old {
                    changes::delete(self.sql, old.id)?;
                }
                (self.new_row(id, name, cause.unwrap_or((REVIEW, json!({}))), approved), true)
            }
        };
        let name = name.unwrap_or_default();
        let is_another = row.action != name;
        let row = ChangeRow { action: name.to_owned(), actions: hold.actions.bits(), ..row };
        changes::put(self.sql, &row)?;
        self.memory.touched = true;
        self.memory.any_changes = true;
        if is_new || is_another && !hold.rejected {
            self.tell(EventKind::ChangePending, &row, json!({}))?;
        }
        Ok(())
    }

    /// A row with something more that is held: it is whose that is and, where a brake holds it, for that
    /// reason, lest the brake not see that it holds anything. Where somebody has decided about all that
    /// the brake holds, it is none of that any more.
    fn joined_by(&self, row: ChangeRow, cause: Option<Cause>) -> ChangeRow {
        let (cause, about) = match cause {
            None => return row,
            Some((_, about)) if self.is_being_decided(&row) => {
                (REVIEW.to_owned(), about.to_string())
            }
            Some((BRAKE, about)) => (BRAKE.to_owned(), about.to_string()),
            Some(_) => (row.cause, row.about),
        };
        let connection = self.author.connection.map(str::to_owned);
        ChangeRow { cause, about, connection, actor: self.author.actor.to_owned(), ..row }
    }

    fn is_being_decided(&self, row: &ChangeRow) -> bool {
        row.connection.as_ref().is_some_and(|id| self.memory.decides_on(id))
    }

    /// A row that is pending; its number is the place of the event that tells of it.
    fn new_row(
        &self,
        user: &str,
        action: &str,
        (cause, about): Cause,
        approved: String,
    ) -> ChangeRow {
        ChangeRow {
            id: self.memory.last_seq.saturating_add(1),
            user: user.to_owned(),
            action: action.to_owned(),
            actions: 0,
            status: PENDING.to_owned(),
            cause: cause.to_owned(),
            connection: self.author.connection.map(str::to_owned),
            actor: self.author.actor.to_owned(),
            time: self.author.now.timestamp_millis(),
            approved,
            about: about.to_string(),
            decision: None,
        }
    }

    /// Takes back a deletion of a user that is held, since somebody has decided whose the user is;
    /// whether there was one.
    pub(super) fn ends_deletion(&mut self, id: &str) -> Result<bool, StoreError> {
        let held = self.memory.change_held(self.sql, id)?;
        let Some(held) = held.filter(|row| hold_of(row).actions.has(Action::Delete)) else {
            return Ok(false);
        };
        let rest = hold_of(&held).actions.without(Action::Delete);
        match rest.first() {
            None => self.superseded(&held)?,
            Some(action) => changes::put(
                self.sql,
                &ChangeRow { action: action.name().to_owned(), actions: rest.bits(), ..held },
            )?,
        }
        Ok(true)
    }

    /// Removes a row of which nothing is left to decide.
    fn superseded(&mut self, row: &ChangeRow) -> Result<(), StoreError> {
        changes::delete(self.sql, row.id)?;
        self.tell(EventKind::ChangeRejected, row, json!({ "superseded": true }))
    }

    /// Records what has become of a change.
    fn tell(&mut self, kind: EventKind, row: &ChangeRow, more: Value) -> Result<(), StoreError> {
        let mut event = Event::new(kind, row.user.as_str())
            .with("change", row.id.to_string())
            .with("action", row.action.as_str())
            .with("cause", row.cause.as_str());
        for object in [parsed(&row.about)?, more] {
            event.details.extend(object.as_object().cloned().unwrap_or_default());
        }
        let author = Author { connection: row.connection.as_deref(), ..self.author };
        self.memory.record(self.sql, &event, author)
    }
}

impl Work<'_, '_> {
    /// Does something to changes and access in the name of the one who asks.
    pub(super) fn deciding<T>(&mut self, work: impl FnOnce(&mut Settling<'_>) -> T) -> T {
        let actor = self.call.principal.actor();
        let author =
            Author { actor: &actor, connection: self.connection.as_deref(), now: self.call.now };
        work(&mut Settling { sql: self.sql, memory: self.memory, author })
    }

    /// Holds what the request has done to a user, as far as that awaits approval; what is held then.
    pub(super) fn review(
        &mut self,
        user: Pos,
        id: &str,
        done: &[Action],
    ) -> Result<Hold, StoreError> {
        if user.type_number() != USER || done.is_empty() {
            return Ok(Hold::default());
        }
        if self.connection.is_some() {
            self.memory.dirty.judge(user);
        }
        self.deciding(|settling| settling.review(user, id, done, false))
    }

    /// The same of a write of its attributes.
    pub(super) fn review_write(
        &mut self,
        user: Pos,
        id: &str,
        verb: Verb,
        changed: &[String],
        taken_up: bool,
    ) -> Result<(), StoreError> {
        let flipped = match verb {
            Verb::Deactivated => Some(Action::Deactivate),
            Verb::Activated => Some(Action::Reactivate),
            _ => None,
        };
        let others = taken_up || changed.iter().any(|path| path != "active");
        let done: Vec<Action> =
            flipped.into_iter().chain(others.then_some(Action::Update)).collect();
        if flipped == Some(Action::Deactivate) && user.type_number() == USER {
            self.memory.dirty.intend(id, Action::Deactivate);
            self.deciding(|settling| settling.no_more_refused(id))?;
        }
        self.review(user, id, &done).map(|_| ())
    }
}

impl Memory {
    /// The change of a user that is held, if one is.
    pub(super) fn change_held(
        &self,
        sql: &dyn Sql,
        user: &str,
    ) -> Result<Option<ChangeRow>, StoreError> {
        if self.any_changes { changes::held(sql, user) } else { Ok(None) }
    }

    /// Forgets what is kept of a user who is deleted: the event of that says it.
    pub(super) fn forget_changes(&self, sql: &dyn Sql, id: &str) -> Result<(), StoreError> {
        if self.any_changes { changes::delete_of(sql, id) } else { Ok(()) }
    }
}

/// What a row holds.
pub(super) fn hold_of(row: &ChangeRow) -> Hold {
    Hold { actions: Actions::stored(row.actions), rejected: row.status == REJECTED }
}

/// What a row says was approved last.
pub(super) fn approved_of(row: &ChangeRow) -> Result<Approved, StoreError> {
    let malformed = || StoreError::new("what was approved is malformed");
    let list = parsed(&row.approved)?;
    let read = |value: &Value| {
        let mut granted = value.clone();
        let source = granted.as_object_mut()?.shift_remove("source")?;
        let granted = Granted::parse(&granted).ok()?;
        Some(Held { granted, source: source.as_str()?.to_owned() })
    };
    let grants: Option<Vec<Held>> = list.as_array().into_iter().flatten().map(read).collect();
    Ok(Approved { hold: hold_of(row), grants: grants.ok_or_else(malformed)? })
}

/// What a user holds, for a row.
fn held_now(sql: &dyn Sql, memory: &Memory, user: Pos) -> Result<String, StoreError> {
    let rows = memory.grants_of(sql, user)?;
    let held = rows.iter().filter(|row| row.held).map(|row| to_json(&held_of(row)));
    Ok(held.collect::<Value>().to_string())
}

const fn status_of(hold: Hold) -> &'static str {
    if hold.rejected { REJECTED } else { PENDING }
}

fn parsed(text: &str) -> Result<Value, StoreError> {
    serde_json::from_str(text).map_err(|_| StoreError::new("a stored change is malformed"))
}
