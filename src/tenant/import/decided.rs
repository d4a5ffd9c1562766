//! What people decided of users, or are still to decide, as an import takes it: what was granted to them
//! whatever mappings say, that their access is suspended, changes, whom connections do not see, and who
//! has the places of quotas. Each is taken once: what has become of it since is this tenant's to say.

use chrono::DateTime;
use serde_json::{Map, Value, json};

use super::lines::{GrantLine, SuspensionLine};
use super::{Outcome, conflict, faulty};
use crate::event::{Event, EventKind};
use crate::limits;
use crate::policy::{Action, Granted, Held};
use crate::scim::schema::USER;
use crate::store::changes::{ChangeRow, GUARD};
use crate::store::grants::{self, GrantRow};
use crate::store::resources::{self, ResourceRow};
use crate::store::suspensions::{self, Cause};
use crate::store::{Pos, StoreError, transfer};
use crate::tenant::access::{counted, held_of, is_counted, row_of, to_json};
use crate::tenant::changes::{change_of_line, hold_of};
use crate::tenant::work::{Failure, Work};

impl Work<'_, '_> {
    /// Something that stands whatever mappings say; whether it is honoured is computed behind the import.
    pub(super) fn import_grant(
        &mut self,
        number: usize,
        line: &GrantLine,
    ) -> Result<Outcome, Failure> {
        let held = held(line).ok_or_else(|| faulty(number, "is no grant"))?;
        let Some(user) = self.moved_user(&line.user)? else { return Ok(Outcome::Skipped) };
        let is_new = self.takes(user.pos, "grant", &to_json(&held))?;
        let rows = grants::of_user(self.sql, user.pos)?;
        let own = rows.iter().find(|row| held_of(row) == held);
        if !is_new || own.is_some_and(|row| row.standing) {
            return Ok(Outcome::Unchanged);
        }
        if rows.iter().filter(|row| row.standing).count() >= limits::GRANTS_BY_HAND {
            return Err(conflict("a user has too many grants"));
        }
        let row = own.cloned().unwrap_or_else(|| row_of(&held, self.memory.last_seq));
        let counted = is_counted(&counted(&self.memory.policy), &row);
        grants::put(self.sql, user.pos, &GrantRow { standing: true, ..row }, counted)?;
        Ok(Outcome::Imported)
    }

    /// That a user holds a role of which only so many may be held, so that nobody else is given the place
    /// when access is computed. Once it was, a place is nobody's whom there is none for.
    pub(super) fn import_place(
        &mut self,
        number: usize,
        line: &GrantLine,
    ) -> Result<Outcome, Failure> {
        let Some(Scarce { user, held, max, since }) = self.scarce(number, line)? else {
            return Ok(Outcome::Skipped);
        };
        let is_new = self.takes(user, "place", &to_json(&held))?;
        let row = self.row_like(user, &held)?;
        if !is_new || row.held {
            return Ok(Outcome::Unchanged);
        }
        if transfer::has_ended(self.sql)? && grants::others(self.sql, &row.role, user)? >= max {
            return Ok(Outcome::Skipped);
        }
        let row = GrantRow { held: true, waiting: false, since, ..row };
        grants::put(self.sql, user, &row, true)?;
        let event = Event::new(EventKind::UserAccessChanged, line.user.as_str());
        self.record(&event.with("granted", vec![to_json(&held)]).with("imported", true))?;
        Ok(Outcome::Imported)
    }

    /// That a user waits for such a place, and for how long.
    pub(super) fn import_wait(
        &mut self,
        number: usize,
        line: &GrantLine,
    ) -> Result<Outcome, Failure> {
        let Some(Scarce { user, held, since, .. }) = self.scarce(number, line)? else {
            return Ok(Outcome::Skipped);
        };
        let is_new = self.takes(user, "wait", &to_json(&held))?;
        let row = self.row_like(user, &held)?;
        if !is_new || row.held || row.waiting {
            return Ok(Outcome::Unchanged);
        }
        grants::put(self.sql, user, &GrantRow { waiting: true, since, ..row }, false)?;
        Ok(Outcome::Imported)
    }

    /// What a line says of a role of which only so many may be held; nothing where there is no such user,
    /// or no such role.
    fn scarce(&self, number: usize, line: &GrantLine) -> Result<Option<Scarce>, Failure> {
        let since = line.since.map_or(Some(self.memory.last_seq), moved_since);
        let held = granted(line).map(|granted| Held { granted, source: line.source.clone() });
        let (held, since) =
            held.zip(since).ok_or_else(|| faulty(number, "is no place of a quota"))?;
        let Some(user) = self.moved_user(&line.user)? else { return Ok(None) };
        let max = held.granted.role().and_then(|role| self.memory.policy.access.quota_of(role));
        Ok(max.map(|max| Scarce { user: user.pos, held, max, since }))
    }

    /// The row of a grant of a user, be it a new one.
    fn row_like(&self, user: Pos, held: &Held) -> Result<GrantRow, StoreError> {
        let own = grants::of_user(self.sql, user)?.into_iter().find(|row| held_of(row) == *held);
        Ok(own.unwrap_or_else(|| row_of(held, self.memory.last_seq)))
    }

    /// That a user's access is suspended, and since when.
    pub(super) fn import_suspension(
        &mut self,
        number: usize,
        line: &SuspensionLine,
    ) -> Result<Outcome, Failure> {
        if DateTime::from_timestamp_millis(line.since).is_none() {
            return Err(faulty(number, "is no suspension"));
        }
        let Some(user) = self.moved_user(&line.user)? else { return Ok(Outcome::Skipped) };
        let is_new = self.takes(user.pos, "suspension", &line.since.into())?;
        if !is_new || suspensions::of(self.sql, &line.user)?.is_some() {
            return Ok(Outcome::Unchanged);
        }
        let cause = if line.stale { Cause::Stale } else { Cause::Hand };
        suspensions::add(self.sql, &line.user, line.since, cause)?;
        let event = Event::new(EventKind::UserAccessChanged, line.user.as_str());
        self.record(&event.with("suspended", true).with("imported", true))?;
        Ok(Outcome::Imported)
    }

    /// What awaits approval, or was denied it.
    pub(super) fn import_change(
        &mut self,
        number: usize,
        line: &Map<String, Value>,
    ) -> Result<Outcome, Failure> {
        let is_known = |row: &ChangeRow| match row.connection.as_deref() {
            Some(id) => self.memory.connections.contains_key(id),
            None => true,
        };
        let row = change_of_line(line).filter(is_known);
        let row = row.ok_or_else(|| faulty(number, "is no change"))?;
        let Some(user) = self.moved_user(&row.user)? else { return Ok(Outcome::Skipped) };
        let is_refused = row.cause == GUARD;
        let said = json!([is_refused, row.time, row.action, row.actions]);
        let is_new = self.takes(user.pos, "change", &said)?
            && self.deciding(|settling| settling.move_in(row))?;
        Ok(if is_new { Outcome::Imported } else { Outcome::Unchanged })
    }

    /// That a connection does not see a user.
    pub(super) fn import_hidden(
        &mut self,
        number: usize,
        connection: &str,
        user: &str,
    ) -> Result<Outcome, Failure> {
        if !self.memory.connections.contains_key(connection) {
            return Err(faulty(number, "is of a connection that is not there"));
        }
        let Some(row) = self.moved_user(user)? else { return Ok(Outcome::Skipped) };
        let is_new = self.takes(row.pos, "hidden", &connection.into())?;
        let held = self.memory.change_held(self.sql, user)?;
        let goes = held.is_some_and(|change| {
            let is_its = change.connection.as_deref() == Some(connection);
            is_its && hold_of(&change).actions.has(Action::Delete)
        });
        let is_hidden =
            self.memory.hidden.of(connection).is_some_and(|users| users.contains(&row.pos));
        if is_hidden || !is_new && !goes {
            return Ok(Outcome::Unchanged);
        }
        self.memory.hide(self.sql, connection, row.pos)?;
        Ok(Outcome::Imported)
    }

    /// Notes what a line says of a user; whether no import has taken it before.
    fn takes(&self, user: Pos, kind: &str, said: &Value) -> Result<bool, StoreError> {
        transfer::note_moved(self.sql, user, &json!([kind, said]).to_string())
    }

    fn moved_user(&self, id: &str) -> Result<Option<ResourceRow>, Failure> {
        Ok(resources::by_id(self.sql, id)?.filter(|row| row.pos.type_number() == USER))
    }
}

/// What a line says of a role of which only so many may be held.
struct Scarce {
    user: Pos,
    held: Held,
    max: u32,
    since: i64,
}

/// Where something began in another tenant's log: in front of all that begins here, in the order there.
fn moved_since(since: i64) -> Option<i64> {
    let moved = since.saturating_sub(limits::IMPORT_EVENTS);
    (-limits::WHOLE_NUMBER..=0).contains(&moved).then_some(moved)
}

/// The grant of a line, if it is one that somebody, or a trigger, could have made.
fn held(line: &GrantLine) -> Option<Held> {
    let (granted, source) = (granted(line)?, &line.source);
    let named = |prefix: &str, most: usize| {
        source.strip_prefix(prefix).is_some_and(|name| (1..=most).contains(&name.len()))
    };
    // A group is granted by triggers alone.
    let by_hand = source == "admin" || named("scim:", limits::SLUG_CHARACTERS);
    let fits =
        named("mapping:", limits::MAPPING_ID_CHARACTERS) || by_hand && granted.group().is_none();
    fits.then(|| Held { granted, source: source.clone() })
}

/// What a line grants, if it is something that there could be.
fn granted(GrantLine { role, scope, group, .. }: &GrantLine) -> Option<Granted> {
    let fields = [("role", role), ("scope", scope), ("group", group)].into_iter();
    let fields = fields.filter_map(|(name, text)| Some((name.to_owned(), text.clone()?.into())));
    Granted::parse(&Value::Object(fields.collect::<Map<_, _>>())).ok()
}
