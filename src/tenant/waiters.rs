//! Those who wait for events: how many they are, and what they have been told. How they wait is `edge`'s.

use std::cell::Cell;
use std::rc::Rc;

use crate::limits;

/// Those who wait in a tenant's object.
#[derive(Debug, Default)]
pub struct Waiters {
    seats: Rc<Cell<usize>>,
    /// The last event's place, as far as they have been told; none where the tenant had forgotten it.
    told: Cell<Option<i64>>,
}

/// That somebody may wait, until this is dropped: also while they look for what they were woken for.
#[derive(Debug)]
pub struct Seat(Rc<Cell<usize>>);

impl Waiters {
    /// Lets somebody wait, unless [`limits::WAITING_POLLS`] do.
    pub fn admit(&self) -> Option<Seat> {
        let taken = self.seats.get();
        if taken >= limits::WAITING_POLLS {
            return None;
        }
        self.seats.set(taken.saturating_add(1));
        Some(Seat(Rc::clone(&self.seats)))
    }

    /// Whether there may be something that they have not seen, given the last event's place: another one
    /// than they were told; or none, since the tenant has forgotten it, as it does behind an import.
    pub fn may_see(&self, last: Option<i64>) -> bool {
        self.told.replace(last) != last
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.set(self.0.get().saturating_sub(1));
    }
}
