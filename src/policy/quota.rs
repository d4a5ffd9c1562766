//! Quotas: of some roles only so many users hold one, and the others another in its place.

use super::access::{Access, Held, Reason};
use super::granted::Granted;
use super::role::Role;

/// What is asked of those who know who holds what.
pub trait Holders {
    /// Why it cannot be said.
    type Error;

    /// How many users hold a role, this one not counted.
    ///
    /// # Errors
    /// When rows cannot be read.
    fn others(&mut self, role: &str) -> Result<u32, Self::Error>;
}

impl Access {
    /// Holds the grants to the quotas of their roles. What the user holds already stays; who has been
    /// given another role in the place of one keeps that, unless the role is to be filled up again.
    ///
    /// # Errors
    /// As [`Holders::others`].
    pub fn within_quotas<H: Holders>(
        mut self,
        roles: &[Role],
        present: &[Held],
        holders: &mut H,
    ) -> Result<Self, H::Error> {
        if roles.iter().all(|role| role.max.is_none()) {
            return Ok(self);
        }
        let mut within = Vec::new();
        for held in std::mem::take(&mut self.grants) {
            let mut wanted = held;
            // Each step leads to another role: none leads back.
            for _ in 0..=roles.len() {
                let Some((role, max)) = limited(roles, &wanted) else { break };
                let next = overflow(role, &wanted);
                let has_next = next.as_ref().is_some_and(|next| present.contains(next));
                let keeps = holds(present, &role.value) || holds(&within, &role.value);
                let waits = has_next && !role.rebalance;
                if keeps || !waits && holders.others(&role.value)? < max {
                    break;
                }
                self.withheld.push((wanted.clone(), Reason::Quota));
                match next {
                    Some(next) => wanted = next,
                    None => break,
                }
            }
            if !self.withheld.contains(&(wanted.clone(), Reason::Quota)) {
                within.push(wanted);
            }
        }
        within.sort();
        within.dedup();
        self.grants = within;
        self.withheld.sort();
        self.waiting = self.waits(roles);
        Ok(self)
    }

    /// What of that which quotas withhold is granted once there is a place for it. Who has another role
    /// instead is content with that, unless the role is to be filled up again.
    fn waits(&self, roles: &[Role]) -> Vec<Held> {
        let beyond = self.withheld.iter().filter(|(_, reason)| *reason == Reason::Quota);
        let waits = |held: &&Held| {
            limited(roles, held).is_some_and(|(role, _)| {
                let next = overflow(role, held);
                role.rebalance || next.is_none_or(|next| !self.grants.contains(&next))
            })
        };
        beyond.map(|(held, _)| held).filter(waits).cloned().collect()
    }
}

impl Access {
    /// The same as it was decided when it was last computed: where that is being done for all users, there
    /// may be a place that is nobody's yet.
    #[must_use]
    pub fn as_decided(mut self, roles: &[Role], present: &[Held]) -> Self {
        let waits = |held: &Held| limited(roles, held).is_some() && !present.contains(held);
        let (kept_out, grants) = self.grants.into_iter().partition(waits);
        let kept_out: Vec<Held> = kept_out;
        self.withheld.extend(kept_out.into_iter().map(|held| (held, Reason::Quota)));
        self.withheld.sort();
        Self { grants, ..self }
    }
}

/// The role of a grant and how many may hold it, if there is a limit.
fn limited<'r>(roles: &'r [Role], held: &Held) -> Option<(&'r Role, u32)> {
    let role = roles.iter().find(|role| held.granted.role() == Some(&role.value))?;
    Some((role, role.max?))
}

/// What is granted in the place of a role that is full.
fn overflow(role: &Role, held: &Held) -> Option<Held> {
    let (role, scope) = (role.overflow.clone()?, held.granted.scope()?.clone());
    let granted = Granted::Role { role, scope };
    Some(Held { granted, source: held.source.clone() })
}

fn holds(grants: &[Held], role: &str) -> bool {
    grants.iter().any(|held| held.granted.role() == Some(role))
}
