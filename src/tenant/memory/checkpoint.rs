//! What of the state a savepoint brings back.

use std::collections::BTreeMap;

use super::Memory;
use crate::store::recomputation::RecomputationRow;
use crate::store::resources::TypeCount;
use crate::tenant::access::Dirty;
use crate::tenant::async_requests::Later;
use crate::tenant::bookmarks::Bookmarks;
use crate::tenant::changes::Brakes;
use crate::tenant::copies::Directory;
use crate::tenant::hidden::Hidden;
use crate::tenant::log::Log;
use crate::tenant::stale::Sightings;
use crate::tenant::tombstones::Tombstones;

/// The state at a savepoint.
#[derive(Debug)]
pub(in crate::tenant) struct Checkpoint {
    counts: BTreeMap<u8, TypeCount>,
    last_id: u128,
    last_seq: i64,
    log: Log,
    nested_groups: bool,
    dangling: bool,
    sweeping: bool,
    brakes: Brakes,
    recomputation: Option<RecomputationRow>,
    dirty: Dirty,
    tombstones: Tombstones,
    sightings: Sightings,
    hidden: Hidden,
    directory: Option<Directory>,
    later: Later,
    bookmarks: Bookmarks,
}

impl Memory {
    /// What a savepoint must bring back. No operation that has one changes keys,
    /// connections, policies or streams.
    pub(in crate::tenant) fn checkpoint(&self) -> Checkpoint {
        let Self {
            counts,
            last_id,
            last_seq,
            log,
            keys: _,
            secrets: _,
            trusts: _,
            connections: _,
            policy: _,
            registry: _,
            nested_groups,
            dangling,
            sweeping,
            any_grants: _,
            any_drift: _,
            any_joined: _,
            any_changes: _,
            any_moved: _,
            brakes,
            refused: _,
            recomputation,
            dirty,
            tombstones,
            sightings,
            hidden,
            matches: _,
            directory,
            streams: _,
            outgoing: _,
            later,
            polled: _,
            bookmarks,
            order_bookmarks: _,
            stale: _,
            noted: _,
            touched: _,
        } = self;
        Checkpoint {
            counts: counts.clone(),
            last_id: *last_id,
            last_seq: *last_seq,
            log: log.clone(),
            nested_groups: *nested_groups,
            dangling: *dangling,
            sweeping: *sweeping,
            brakes: brakes.clone(),
            recomputation: recomputation.clone(),
            dirty: dirty.clone(),
            tombstones: tombstones.clone(),
            sightings: sightings.clone(),
            hidden: hidden.clone(),
            directory: directory.clone(),
            later: *later,
            bookmarks: bookmarks.clone(),
        }
    }

    /// Undoes what was done since a savepoint.
    pub(in crate::tenant) fn restore(&mut self, checkpoint: Checkpoint) {
        let Checkpoint {
            counts,
            last_id,
            last_seq,
            log,
            nested_groups,
            dangling,
            sweeping,
            hidden,
            brakes,
            recomputation,
            dirty,
            tombstones,
            sightings,
            directory,
            later,
            bookmarks,
        } = checkpoint;
        self.counts = counts;
        self.last_id = last_id;
        self.last_seq = last_seq;
        self.log = log;
        self.nested_groups = nested_groups;
        self.dangling = dangling;
        self.sweeping = sweeping;
        self.brakes = brakes;
        self.recomputation = recomputation;
        self.dirty = dirty;
        self.tombstones = tombstones;
        self.sightings = sightings;
        self.hidden = hidden;
        self.directory = directory;
        self.later = later;
        self.bookmarks = bookmarks;
    }
}
