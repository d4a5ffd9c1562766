//! What an isolate remembers of tenants' records. Reading them is `edge`'s business.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::{Slug, TenantRecord};
use crate::limits;

/// A record that was read, and whether the tenant's object knows of the policy document in it.
#[derive(Debug, Default, Eq, PartialEq)]
pub struct Known {
    /// The record.
    pub record: TenantRecord,
    /// Whether the object has been told: it holds that document or a later one, or refuses it.
    pub told: Cell<bool>,
}

impl From<TenantRecord> for Known {
    fn from(record: TenantRecord) -> Self {
        Self { told: Cell::new(record.config.is_none()), record }
    }
}

/// Records that were read of late. That a tenant does not exist is never kept.
#[derive(Debug, Default)]
pub struct RecordCache {
    /// Each with the time at which it was read, in milliseconds since the epoch.
    kept: BTreeMap<Slug, (i64, Rc<Known>)>,
    /// How often something was forgotten.
    forgotten: u64,
}

/// That a record is being read: what it says is kept unless something was forgotten meanwhile.
#[derive(Clone, Copy, Debug)]
pub struct Reading(u64);

impl RecordCache {
    /// A tenant's record, if one was read at most [`limits::TENANT_RECORD_TTL_MILLISECONDS`] ago.
    pub fn look(&self, tenant: &Slug, now: i64) -> Option<Rc<Known>> {
        let (read, record) = self.kept.get(tenant)?;
        // What was read before the clock stepped back would else be kept until it is there again.
        let age = now.saturating_sub(*read);
        (0..limits::TENANT_RECORD_TTL_MILLISECONDS).contains(&age).then(|| Rc::clone(record))
    }

    /// A record is about to be read.
    pub const fn reading(&self) -> Reading {
        Reading(self.forgotten)
    }

    /// Keeps what was read, at a time in milliseconds since the epoch; unless it may be what has been
    /// written over since the reading began.
    pub fn keep(&mut self, reading: Reading, tenant: &Slug, record: Rc<Known>, now: i64) {
        if reading.0 != self.forgotten {
            return;
        }
        if self.kept.len() >= limits::TENANT_RECORDS && !self.kept.contains_key(tenant) {
            self.kept.clear();
        }
        self.kept.insert(tenant.clone(), (now, record));
    }

    /// Forgets a tenant's record: it has been written, or is gone.
    pub fn forget(&mut self, tenant: &Slug) {
        self.forgotten = self.forgotten.wrapping_add(1);
        self.kept.remove(tenant);
    }
}
