//! Places of quotas: one that is free goes to who has waited for it longest, before anybody else's access
//! is looked at.

use super::Settling;
use crate::limits;
use crate::policy::Held;
use crate::store::{Pos, StoreError, grants};

/// What triggers have granted to a user, and whether what becomes of that user is reviewed.
pub(super) type How<'h> = dyn Fn(Pos) -> (&'h [Held], bool) + 'h;

impl Settling<'_> {
    /// Computes the access of users in the order of their positions, who lie behind one. What a connection
    /// has done by a group to those who have not had their turn yet may be held.
    pub(super) fn recompute_in_turn(
        &mut self,
        users: &[Pos],
        after: Pos,
    ) -> Result<(), StoreError> {
        self.look_for_places();
        self.fill_up(&|first| (&[], first > after))?;
        for user in users {
            self.recompute(*user, &[], true)?;
            self.fill_up(&|first| (&[], first > *user))?;
        }
        Ok(())
    }

    /// Has all roles looked at of which only so many may be held: of some there may be more places than
    /// before.
    pub(super) fn look_for_places(&mut self) {
        let roles = self.memory.policy.access.roles.iter().filter(|role| role.max.is_some());
        self.memory.dirty.lost.extend(roles.map(|role| role.value.clone()));
    }

    /// Gives the places of those roles that somebody has lost to those who have waited for them longest,
    /// each computed as `how` says, to [`limits::ACCESS_USERS`] in a request or a step of an alarm.
    pub(super) fn fill_up(&mut self, how: &How<'_>) -> Result<(), StoreError> {
        while let Some(name) = self.memory.dirty.lost.pop_first() {
            let Some(max) = self.memory.policy.access.quota_of(&name) else { continue };
            while self.memory.dirty.moved_up < limits::ACCESS_USERS {
                let Some(first) = grants::first_waiting(self.sql, &name)? else { break };
                if grants::others(self.sql, &name, first)? >= max {
                    break;
                }
                self.memory.dirty.moved_up = self.memory.dirty.moved_up.saturating_add(1);
                let (triggered, is_reviewed) = how(first);
                self.recompute(first, triggered, is_reviewed)?;
            }
        }
        Ok(())
    }
}
