//! Who may touch whom: a resource is managed by one connection or by nobody.
//!
//! A key without a connection changes everything. One that is bound to a connection changes what the
//! connection manages; what nobody manages it takes up by writing it, where the connection does
//! that; what another connection manages it leaves alone. Everybody reads everything but who is in a
//! group by whose word: that is [`Work::seen`], whoever manages the group.

use super::{Added, New, Subject, updated};
use crate::event::{Event, EventKind, Verb};
use crate::policy::Trigger;
use crate::scim::resource::{Resource, changed};
use crate::scim::{ErrorKind, ScimError};
use crate::store::StoreError;
use crate::store::resources::ResourceRow;
use crate::tenant::adopt::Adopt;
use crate::tenant::work::{Failure, Work};

impl<'a> Work<'a, '_> {
    /// Refuses what another connection manages.
    pub(super) fn not_anothers(&self, row: &ResourceRow) -> Result<(), ScimError> {
        match (&self.connection, &row.manager) {
            (Some(own), Some(manager)) if own != manager => {
                Err(forbidden("another connection manages this resource"))
            }
            _ => Ok(()),
        }
    }

    /// Whether the key is bound to a connection, and the resource is nobody's.
    pub(super) fn is_nobodys(&self, row: &ResourceRow) -> bool {
        self.connection.is_some() && row.manager.is_none()
    }

    /// Refuses to delete what the connection does not manage.
    pub(super) fn may_delete(&self, row: &ResourceRow) -> Result<(), ScimError> {
        self.may_make_and_delete(row.pos.type_number())?;
        if self.is_nobodys(row) {
            return Err(forbidden("no connection manages this resource, so none deletes it"));
        }
        Ok(())
    }

    /// Takes up what nobody manages, if that is what a write comes to: any of a user, one that
    /// changes attributes of a group. Members of a group are rows of their own.
    pub(super) fn take_up(
        &self,
        subject: &mut Subject<'_>,
        after: &Resource,
    ) -> Result<(), ScimError> {
        let before = &subject.document.resource;
        let has_rows = subject.schema.resource_type.rows.is_some();
        if !self.is_nobodys(&subject.row)
            || (has_rows && changed(before, after, subject.schema).is_empty())
        {
            return Ok(());
        }
        if updated(before, after) == Verb::Deactivated {
            return Err(forbidden("no connection manages this resource, so none deactivates it"));
        }
        if self.adopt == Adopt::Never {
            return Err(forbidden("this connection does not take up what it did not make"));
        }
        subject.row.manager.clone_from(&self.connection);
        subject.taken_up = true;
        Ok(())
    }

    /// Notes that a resource was taken up; what else its write changes is another fact.
    pub(super) fn record_taken_up(&mut self, subject: &Subject<'_>) -> Result<(), StoreError> {
        let kind = EventKind::Resource(subject.row.pos.type_number(), Verb::Linked);
        let linked = subject.row.manager.as_deref();
        self.pull(Trigger::IdentityLinked, subject.row.pos, &subject.document.resource, linked);
        self.record_about(&Event::new(kind, subject.document.id.as_str()), linked)
    }

    /// Does what a POST asks: adds a resource or, where it means one that is there, makes that what the
    /// POST says.
    pub(in crate::tenant) fn add_or_take_up(&mut self, mut new: New<'a>) -> Result<Added, Failure> {
        if let Some(subject) = self.meant(&new)? {
            let id = subject.document.id.clone();
            let row = self.replace_by(subject, new.resource, new.members)?;
            return Ok(Added { row, id, grouped: true });
        }
        let delta = self.membership(None, new.joined())?;
        let added = self.add(new, None, &delta)?;
        self.added(added)
    }

    /// What was added, as it is once it is seen to who is in which group by that.
    pub(in crate::tenant) fn added(&mut self, added: Added) -> Result<Added, Failure> {
        let Added { row, id, grouped } = added;
        let grouped = grouped || self.memory.joins_groups();
        Ok(Added { row: self.rejoined(row)?, id, grouped })
    }
}

/// RFC 7644 §3.12: 403. It names nobody.
fn forbidden(detail: &'static str) -> ScimError {
    ScimError::new(ErrorKind::Forbidden, detail)
}
