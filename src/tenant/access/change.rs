//! What of a user's access is different from what is stored.

use super::known::Known;
use super::{held_of, row_of};
use crate::policy::{Access, Held};
use crate::store::grants::GrantRow;

/// What is different from what rows say.
pub(super) struct Change {
    pub(super) written: Vec<GrantRow>,
    pub(super) gone: Vec<GrantRow>,
    pub(super) granted: Vec<Held>,
    pub(super) revoked: Vec<Held>,
}

impl Change {
    /// `seq` is the last event's place.
    pub(super) fn between(known: &Known, access: &Access, seq: i64) -> Self {
        let mut change = Self {
            written: Vec::new(),
            gone: Vec::new(),
            granted: Vec::new(),
            revoked: Vec::new(),
        };
        let stored: Vec<Held> = known.rows.iter().map(held_of).collect();
        for (row, held) in known.rows.iter().zip(&stored) {
            let is_wanted = access.grants.contains(held);
            let waiting = access.waiting.contains(held);
            if row.held && !is_wanted {
                change.revoked.push(held.clone());
            } else if !row.held && is_wanted {
                change.granted.push(held.clone());
            }
            if !is_wanted && !waiting && !row.standing {
                change.gone.push(row.clone());
            } else if row.held != is_wanted || row.waiting != waiting {
                let is_old = if is_wanted { row.held } else { row.waiting || !waiting };
                let since = if is_old { row.since } else { seq };
                change.written.push(GrantRow { held: is_wanted, waiting, since, ..row.clone() });
            } else if known.is_new(row) {
                change.written.push(row.clone());
            }
        }
        for held in access.grants.iter().filter(|held| !stored.contains(held)) {
            change.granted.push(held.clone());
            let row = row_of(held, seq);
            change.written.push(GrantRow { held: true, ..row });
        }
        for held in access.waiting.iter().filter(|held| !stored.contains(held)) {
            let row = row_of(held, seq);
            change.written.push(GrantRow { waiting: true, ..row });
        }
        change
    }
}
