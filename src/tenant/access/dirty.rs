//! Whose access a request may have changed.

use std::collections::{BTreeMap, BTreeSet};

use super::joined::Joins;
use crate::policy::{Action, Held};
use crate::scim::schema::{GROUP, USER};
use crate::store::Pos;

/// Those whom it has touched.
#[derive(Clone, Debug, Default)]
pub(in crate::tenant) struct Dirty {
    pub(super) users: BTreeSet<Pos>,
    /// Groups of whose members that is so.
    pub(super) groups: BTreeSet<Pos>,
    /// The names of groups that have come, gone or changed: of those who are granted such a group.
    pub(super) names: BTreeSet<String>,
    /// Users who have come into a group, or left it.
    pub(super) joined: BTreeSet<Pos>,
    /// Users of whom it was decided whether what a connection says of them awaits approval.
    pub(super) judged: BTreeSet<Pos>,
    pub(super) everybody: bool,
    /// Users and groups that an event of the request names.
    told: BTreeSet<Pos>,
    /// By how many users each role has more holders, or fewer.
    pub(super) balance: BTreeMap<String, i64>,
    /// The roles that somebody has lost.
    pub(super) lost: BTreeSet<String>,
    /// How many users were computed because they had waited longest.
    pub(super) moved_up: usize,
    /// What is to become of memberships by mappings.
    pub(super) joins: BTreeMap<Pos, Joins>,
    /// What triggers have granted.
    triggered: BTreeMap<Pos, Vec<Held>>,
    /// The id of the user whom the request is about, and what it does to that one.
    pub(super) intent: Option<(String, Action)>,
}

impl Dirty {
    /// Notes that a resource has changed, as an event tells.
    pub(in crate::tenant) fn touch(&mut self, pos: Pos) {
        self.told.insert(pos);
        self.touch_untold(pos);
    }

    /// Whether an event tells that a resource has changed.
    pub(super) fn is_told(&self, pos: Pos) -> bool {
        self.told.contains(&pos)
    }

    /// Notes that a resource has changed, or whose member it is, and no event names it.
    pub(in crate::tenant) fn touch_untold(&mut self, pos: Pos) {
        match pos.type_number() {
            USER => drop(self.users.insert(pos)),
            GROUP => drop(self.groups.insert(pos)),
            _ => {}
        }
    }

    /// Notes that a resource has come into a group, or left it.
    pub(in crate::tenant) fn touch_member(&mut self, pos: Pos) {
        if pos.type_number() == USER {
            self.joined.insert(pos);
        }
        self.touch_untold(pos);
    }

    /// Notes that what a connection says of a user awaits approval, or does not.
    pub(in crate::tenant) fn judge(&mut self, user: Pos) {
        self.judged.insert(user);
    }

    /// Notes what the request does to a user, which a guard may refuse.
    pub(in crate::tenant) fn intend(&mut self, user: &str, action: Action) {
        self.intent = Some((user.to_owned(), action));
    }

    /// Notes that anybody's access may be another.
    pub(in crate::tenant) fn touch_everybody(&mut self) {
        self.everybody = true;
    }

    /// Notes what a trigger has granted to a user.
    pub(in crate::tenant) fn trigger(&mut self, user: Pos, grants: Vec<Held>) {
        if !grants.is_empty() {
            self.users.insert(user);
            self.triggered.entry(user).or_default().extend(grants);
        }
    }

    /// Notes that a role has a holder more, or one fewer.
    pub(super) fn weigh(&mut self, role: &str, change: i64) {
        let balance = self.balance.entry(role.to_owned()).or_default();
        *balance = balance.saturating_add(change);
    }

    /// What triggers have granted to a user.
    pub(super) fn triggered(&self, user: Pos) -> &[Held] {
        self.triggered.get(&user).map_or(&[], Vec::as_slice)
    }

    /// All of whom triggers have granted something, and what.
    pub(super) fn all_triggered(&self) -> impl Iterator<Item = (Pos, &[Held])> {
        self.triggered.iter().map(|(user, held)| (*user, held.as_slice()))
    }
}
