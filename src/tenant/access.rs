//! What users may do: computed anew, in the transaction of a change, for those whom it touches.
//!
//! What counts is stored as rows, so that a difference is seen, recorded as one event a user, and read
//! at once. What touches more users than a request can see to is seen to by alarm, in steps.

mod change;
mod dirty;
mod guards;
mod joined;
mod known;
mod places;
mod preview;
mod recompute;
mod shown;
mod steps;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use self::change::Change;
pub(super) use self::dirty::Dirty;
pub(super) use self::guards::unless_guarded;
pub(super) use self::known::Known;
pub(super) use self::shown::{mapped_of, shown_document};
pub(super) use self::steps::step;
use super::changes::Refused;
use super::memory::{Author, Memory};
use super::ring::GUARD_REFUSED;
use super::work::{Failure, Work};
use crate::event::{Event, EventKind};
use crate::gather::Gather as _;
use crate::http::{Method, Problem, ProblemCode, Route};
use crate::limits;
use crate::policy::{
    Access, Granted, Guard, Held, Holders, Mapping, Policy, ScopePath, Successor, Trigger,
};
use crate::scim::resource::Resource;
use crate::scim::schema::{GROUP, USER};
use crate::scim::{ErrorKind, ScimError};
use crate::store::grants::{self, GrantRow};
use crate::store::{Pos, Sql, StoreError};

/// Where users' access is computed, and by whose doing.
pub(super) struct Settling<'s> {
    pub(super) sql: &'s dyn Sql,
    pub(super) memory: &'s mut Memory,
    pub(super) author: Author<'s>,
}

/// Why the access of those whom a request has touched is not what it makes of it.
#[derive(Debug)]
enum Unsettled {
    /// A guard refuses it.
    Guard(Guard),
    /// Rows cannot be read or written.
    Store(StoreError),
}

impl From<StoreError> for Unsettled {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// What a computation comes to.
struct Computed {
    known: Known,
    access: Access,
}

impl Work<'_, '_> {
    /// Pulls a trigger for a user of a connection, or of none: what its mappings grant stays.
    pub(super) fn pull(
        &mut self,
        trigger: Trigger,
        pos: Pos,
        user: &Resource,
        connection: Option<&str>,
    ) {
        if pos.type_number() != USER || trigger == Trigger::IdentityLinked && connection.is_none() {
            return;
        }
        let rules = &self.memory.policy.access;
        let mappings = rules.triggered(trigger, connection, user.as_map());
        let grants: Vec<Held> = mappings.flat_map(Mapping::held).collect();
        self.memory.dirty.trigger(pos, grants);
    }

    /// Does something, and sees to the access of all whom that has touched.
    pub(super) fn settled<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let done = work(self)?;
        self.settle()?;
        Ok(done)
    }

    /// Sees to the access of all whom the request has touched.
    pub(super) fn settle(&mut self) -> Result<(), Failure> {
        let intent = self.memory.dirty.intent.take();
        self.deciding(|settling| settling.settle()).map_err(|unsettled| match unsettled {
            Unsettled::Store(error) => error.into(),
            Unsettled::Guard(guard) => {
                let refused = self.guarded(&guard);
                if self.connection.is_some() {
                    self.memory.noted.warned.insert(GUARD_REFUSED);
                }
                let of = |(user, action)| Refused { user, action, guard };
                self.memory.refused = intent.map(of);
                refused
            }
        })
    }

    /// How a guard refuses: 400 `mutability`, and 409 for a DELETE; below `/v1`, 409.
    pub(super) fn guarded(&self, guard: &Guard) -> Failure {
        let detail = guard.demand();
        match (self.request().route, self.request().method) {
            (Route::Scim { .. }, Method::Delete) => {
                ScimError::new(ErrorKind::Conflict, detail).into()
            }
            (Route::Scim { .. } | Route::Imports(_) | Route::UserImport(..), _) => {
                ScimError::new(ErrorKind::Mutability, detail).into()
            }
            _ => Problem::new(ProblemCode::Conflict, detail).into(),
        }
    }
}

impl Settling<'_> {
    /// Sees to the access of all whom what was done has touched.
    ///
    /// # Errors
    /// When a guarded role would have too few holders, and fewer than before.
    fn settle(&mut self) -> Result<(), Unsettled> {
        let dirty = std::mem::take(&mut self.memory.dirty);
        let put_off = self.settle_unguarded(&dirty)?;
        if self.memory.policy.guards.is_empty() { Ok(()) } else { self.guard(&dirty, put_off) }
    }

    /// The same for what no guard can refuse.
    pub(super) fn settle_by_alarm(&mut self) -> Result<(), StoreError> {
        let dirty = std::mem::take(&mut self.memory.dirty);
        self.settle_unguarded(&dirty)?;
        self.memory.dirty = Dirty::default(); // Which weighs roles, for guards.
        Ok(())
    }

    /// Whether it is put off to alarms.
    fn settle_unguarded(&mut self, dirty: &Dirty) -> Result<bool, StoreError> {
        if dirty.everybody {
            self.memory.renew_copies(self.sql)?;
        }
        if !self.memory.decides_on_access() {
            return self.touch_copies(dirty).map(|()| false);
        }
        let put_off = self.recompute_touched(dirty)?;
        self.write_joins()?;
        Ok(put_off)
    }

    /// Has those copied anew whom something else has touched than groups and events that name them.
    fn touch_copies(&mut self, dirty: &Dirty) -> Result<(), StoreError> {
        let is_untold = |user: &&Pos| !dirty.is_told(**user) && !dirty.joined.contains(*user);
        let untold = dirty.users.iter().filter(is_untold);
        untold
            .filter(|_| !dirty.everybody)
            .try_for_each(|user| self.memory.touch_copy(self.sql, *user))
    }

    fn recompute_touched(&mut self, dirty: &Dirty) -> Result<bool, StoreError> {
        match self.touched(dirty)? {
            Some(users) => {
                let how = |user: Pos| {
                    let by_group = users.get(&user) == Some(&true);
                    (dirty.triggered(user), by_group && !dirty.judged.contains(&user))
                };
                if dirty.everybody {
                    self.look_for_places();
                }
                self.memory.dirty.lost.extend(dirty.balance.keys().cloned()); // By who was deleted.
                self.fill_up(&how)?;
                for user in users.keys() {
                    let told = self.memory.last_seq;
                    let (triggered, is_reviewed) = how(*user);
                    self.recompute(*user, triggered, is_reviewed)?;
                    if self.memory.last_seq == told && !dirty.everybody && !dirty.is_told(*user) {
                        self.memory.touch_copy(self.sql, *user)?;
                    }
                    self.fill_up(&how)?;
                }
                Ok(false)
            }
            None => {
                self.begin(dirty)?;
                Ok(true)
            }
        }
    }

    /// The users whom it has touched, each with whether that was by a group; none where they are too
    /// many.
    fn touched(&self, dirty: &Dirty) -> Result<Option<BTreeMap<Pos, bool>>, StoreError> {
        let most = limits::ACCESS_USERS;
        let live = usize::try_from(self.memory.count(USER).live).unwrap_or(usize::MAX);
        if dirty.everybody && live > most {
            return Ok(None);
        }
        let of = |user: &Pos| (*user, dirty.joined.contains(user));
        let mut users: BTreeMap<Pos, bool> = dirty.users.iter().map(of).gathered();
        if dirty.everybody {
            let first = Pos::range(USER).0;
            let all = crate::store::recomputation::users_after(self.sql, first, most)?;
            return Ok(Some(all.iter().chain(&dirty.users).map(|user| (*user, false)).collect()));
        }
        for name in dirty.names.iter().filter(|_| self.memory.any_joined) {
            let granted = grants::granted_group(self.sql, name, most.saturating_add(1))?;
            users.extend(granted.into_iter().map(|user| (user, false)));
        }
        let mut waiting: Vec<Pos> = dirty.groups.iter().copied().collect();
        let mut seen: BTreeSet<Pos> = dirty.groups.clone();
        while let Some(group) = waiting.pop() {
            let members = grants::members_of(self.sql, group, most.saturating_add(1))?;
            if members.len() > most || seen.len() > most {
                return Ok(None);
            }
            for member in members {
                match member.type_number() {
                    USER => drop(users.insert(member, true)),
                    GROUP if seen.insert(member) => waiting.push(member),
                    _ => {}
                }
            }
        }
        Ok((users.len() <= most).then_some(users))
    }

    /// Computes what a user may do, and writes what is different. What is reviewed, since a connection
    /// has done it by a group, may be held instead.
    pub(super) fn recompute(
        &mut self,
        user: Pos,
        triggered: &[Held],
        is_reviewed: bool,
    ) -> Result<(), StoreError> {
        let Some(mut computed) = self.compute(user, triggered)? else { return Ok(()) };
        if is_reviewed && self.review_membership(user, &computed.known, &computed.access)? {
            let Some(held) = self.compute(user, triggered)? else { return Ok(()) };
            computed = held;
        }
        let Computed { known, access } = computed;
        let change = Change::between(&known, &access, self.memory.last_seq);
        self.weigh(&known.held(), &access.grants);
        self.write(user, &change)?;
        if self.memory.any_joined {
            self.note_joins(user, &access)?;
        }
        if !change.granted.is_empty() || !change.revoked.is_empty() {
            self.record(&known, &access, &change)?;
        }
        let lost = change.revoked.iter().filter_map(|held| held.granted.role());
        self.memory.dirty.lost.extend(lost.map(str::to_owned));
        Ok(())
    }

    fn write(&mut self, user: Pos, change: &Change) -> Result<(), StoreError> {
        for row in &change.gone {
            grants::delete(self.sql, user, row)?;
        }
        if change.written.is_empty() {
            return Ok(());
        }
        let counted = counted(&self.memory.policy);
        for row in &change.written {
            grants::put(self.sql, user, row, is_counted(&counted, row))?;
        }
        self.memory.touched = true;
        self.memory.any_grants = true;
        self.memory.any_joined |= change.written.iter().any(|row| row.scope.is_empty());
        Ok(())
    }

    /// What a user may do; nothing of one that is not there.
    fn compute(&self, user: Pos, triggered: &[Held]) -> Result<Option<Computed>, StoreError> {
        let Some(mut known) = Known::at(self.sql, self.memory, user)? else { return Ok(None) };
        known.add_triggered(triggered, self.memory.last_seq);
        let access = known.access(self.sql, self.memory)?;
        Ok(Some(Computed { known, access }))
    }

    fn record(
        &mut self,
        known: &Known,
        access: &Access,
        change: &Change,
    ) -> Result<(), StoreError> {
        let (cascaded, revoked): (Vec<&Held>, Vec<&Held>) =
            change.revoked.iter().partition(|held| is_below_another(held, &change.revoked));
        let list = |all: Vec<&Held>| -> Value { all.into_iter().map(to_json).collect() };
        let event = Event::new(EventKind::UserAccessChanged, known.id.as_str())
            .with("status", access.status().name())
            .with("granted", list(change.granted.iter().collect()))
            .with("revoked", list(revoked))
            .with("cascaded", list(cascaded));
        self.memory.record(self.sql, &event, self.author)
    }
}

/// What is counted: roles with a quota, those that are given in the place of one, and those by which
/// guards and succession go.
pub(super) fn counted(policy: &Policy) -> BTreeSet<String> {
    let limited = policy.access.roles.iter().filter(|role| role.max.is_some());
    let names = limited.flat_map(|role| [Some(role.value.clone()), role.overflow.clone()]);
    let guarded = policy.guards.iter().map(|guard| Some(guard.role.clone()));
    let succeeding = policy.succession.iter().map(|successor| match successor {
        Successor::Role(role) => Some(role.clone()),
        Successor::Manager => None,
    });
    names.chain(guarded).chain(succeeding).flatten().gathered()
}

/// Whether it is counted who holds what a row says.
pub(super) fn is_counted(counted: &BTreeSet<String>, row: &GrantRow) -> bool {
    !row.scope.is_empty() && counted.contains(&row.role)
}

/// Whether a grant lies below the scope of another.
fn is_below_another(held: &Held, others: &[Held]) -> bool {
    let Some(scope) = held.granted.scope() else { return false };
    let mut others = others.iter().filter_map(|other| other.granted.scope());
    others.any(|other| other != scope && other.covers(scope))
}

/// The holders of roles, as rows tell them.
struct RowHolders<'s> {
    sql: &'s dyn Sql,
    user: Pos,
}

impl Holders for RowHolders<'_> {
    type Error = StoreError;

    fn others(&mut self, role: &str) -> Result<u32, StoreError> {
        grants::others(self.sql, role, self.user)
    }
}

/// The grant that a row says.
pub(super) fn held_of(row: &GrantRow) -> Held {
    let granted = match row.scope.as_str() {
        "" => Granted::Group(row.role.clone()),
        scope => Granted::Role { role: row.role.clone(), scope: ScopePath::stored(scope) },
    };
    Held { granted, source: row.source.clone() }
}

/// The row of a grant, which neither stands nor is held, nor waits.
pub(super) fn row_of(held: &Held, since: i64) -> GrantRow {
    let (role, scope) = match &held.granted {
        Granted::Role { role, scope } => (role.clone(), scope.to_string()),
        Granted::Group(name) => (name.clone(), String::new()),
    };
    let source = held.source.clone();
    GrantRow { role, scope, source, standing: false, held: false, waiting: false, since }
}

/// What a request says of a grant.
pub(super) fn to_json(held: &Held) -> Value {
    let mut shown = held.granted.to_json();
    if let Some(fields) = shown.as_object_mut() {
        fields.insert("source".to_owned(), held.source.as_str().into());
    }
    shown
}
