//! When keys were last used: noted in memory, so that a read writes nothing, and written by an alarm.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::limits;

/// The uses of keys that no row tells yet.
#[derive(Debug, Default)]
pub(super) struct Uses {
    /// By the keys' ids, in seconds since the epoch.
    last: BTreeMap<String, i64>,
    /// When they are to be written, in milliseconds since the epoch.
    due: i64,
}

impl Uses {
    /// Notes that a key is used.
    pub(super) fn note(&mut self, id: &str, now: DateTime<Utc>) {
        if self.last.is_empty() {
            let delay = limits::KEY_USES_FLUSH_SECONDS.saturating_mul(1_000);
            self.due = now.timestamp_millis().saturating_add(delay);
        }
        match self.last.get_mut(id) {
            Some(last) => *last = now.timestamp(),
            None => drop(self.last.insert(id.to_owned(), now.timestamp())),
        }
    }

    /// When a key was used, if no row tells yet.
    pub(super) fn of(&self, id: &str) -> Option<i64> {
        self.last.get(id).copied()
    }

    /// Forgets all of them, and says which they were.
    pub(super) fn take(&mut self) -> BTreeMap<String, i64> {
        std::mem::take(&mut self.last)
    }

    /// All of them.
    pub(super) const fn unwritten(&self) -> &BTreeMap<String, i64> {
        &self.last
    }

    /// In how many milliseconds they are to be written, if there are any; at once where a clock that
    /// has stepped back would put it off.
    pub(super) fn flush_in_milliseconds(&self, now: DateTime<Utc>) -> Option<i64> {
        let left = self.due.saturating_sub(now.timestamp_millis());
        let most = limits::KEY_USES_FLUSH_SECONDS.saturating_mul(1_000);
        (!self.last.is_empty()).then_some(if left > most { 0 } else { left.max(0) })
    }
}
