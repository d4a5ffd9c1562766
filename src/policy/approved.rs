//! A user's access while something that a connection did awaits approval, or was denied it: what was
//! approved last.

use super::access::{Access, Held, Reason};
use super::review::{Action, Hold};

/// What was approved last, and what was not.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Approved {
    /// What is held.
    pub hold: Hold,
    /// What the user held before.
    pub grants: Vec<Held>,
}

impl Approved {
    /// Why there is no more than that.
    pub const fn reason(&self) -> Reason {
        if self.hold.rejected { Reason::ChangeDenied } else { Reason::ChangePending }
    }
}

impl Access {
    /// What counts in the place of what would be, were all approved. What a person decides counts at
    /// once: that the user is suspended or unlinked, and what is granted by hand; so does a deactivation that is
    /// not held itself.
    #[must_use]
    pub fn approved(self, approved: &Approved, standing_grants: &[Held]) -> Self {
        let is_held = approved.hold.actions.has(Action::Deactivate);
        let barred = self.barred.filter(|reason| match reason {
            Reason::Suspended | Reason::Stale | Reason::Unlinked => true,
            Reason::Inactive | Reason::Deprovisioned => !is_held,
            _ => false,
        });
        let stands = |held: &&Held| !held.is_by_hand() || standing_grants.contains(held);
        let by_hand = self.grants.iter().filter(|held| held.is_by_hand());
        let mut kept: Vec<Held> =
            approved.grants.iter().filter(stands).chain(by_hand).cloned().collect();
        kept.sort();
        kept.dedup();
        let reason = approved.reason();
        let more = self.grants.into_iter().map(|held| (held, reason)).chain(self.withheld);
        let mut withheld: Vec<(Held, Reason)> =
            more.filter(|(held, _)| !kept.contains(held)).collect();
        let grants = match barred {
            Some(reason) => {
                withheld.extend(kept.into_iter().map(|held| (held, reason)));
                Vec::new()
            }
            None => kept,
        };
        withheld.sort();
        Self { grants, withheld, barred, held: Some(reason), ..Self::default() }
    }
}

impl Held {
    /// Whether a person has granted it, or may have.
    fn is_by_hand(&self) -> bool {
        !self.source.starts_with("mapping:") && self.source != "unmapped"
    }
}
