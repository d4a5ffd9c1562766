//! What a request makes of a resource that is there: rows, keys, memberships, events.

use super::Subject;
use super::rows::{encoded, updated};
use crate::event::{Event, EventKind};
use crate::policy::Action;
use crate::scim::resource::{Resource, changed};
use crate::store::resources::{self, ResourceRow};
use crate::tenant::document::Document;
use crate::tenant::lookups::{lookup_keys, missing_from, new_keys};
use crate::tenant::members::Delta;
use crate::tenant::work::{Failure, Work};

impl Work<'_, '_> {
    /// Writes a resource's new state, if it is one: row, keys, memberships, events. Everything that
    /// may refuse comes first.
    pub(in crate::tenant) fn change(
        &mut self,
        subject: &Subject<'_>,
        resource: Resource,
        delta: &Delta,
    ) -> Result<ResourceRow, Failure> {
        let Subject { schema, row, document: before, taken_up, replaced } = subject;
        self.takes_refusals_back(before, &resource)?;
        let changed = changed(&before.resource, &resource, *schema);
        if changed.is_empty() && delta.is_empty() {
            if *taken_up {
                resources::set_manager(self.sql, row.pos, row.manager.as_deref())?;
                self.record_taken_up(subject)?;
                self.memory.dirty.touch(row.pos);
                self.review(row.pos, &before.id, &[Action::Update])?;
            }
            return Ok(row.clone());
        }
        let old_keys = lookup_keys(&before.resource, *schema);
        let new_keys = new_keys(&resource, *schema)?;
        let gained = missing_from(&new_keys, &old_keys);
        self.unused(*schema, &gained)?;
        let named_by = self.named_by(*schema, None, &gained)?;
        let document = Document { resource, ..before.clone() };
        let rev = row.rev.saturating_add(1);
        let after = ResourceRow {
            pos: row.pos,
            rev,
            members: row.members.saturating_add(delta.growth()).max(0),
            manager: row.manager.clone(),
            doc: encoded(&document, rev, self)?,
        };
        resources::update(self.sql, &after)?;
        resources::remove_keys(self.sql, row.pos, &missing_from(&old_keys, &new_keys))?;
        resources::add_keys(self.sql, row.pos, &gained)?;
        if *taken_up {
            self.record_taken_up(subject)?;
        }
        let verb = updated(&before.resource, &document.resource);
        if *taken_up || !changed.is_empty() {
            self.memory.dirty.touch(row.pos);
        }
        if !changed.is_empty() {
            self.memory.touch_name(row.pos, &before.resource);
            self.memory.touch_name(row.pos, &document.resource);
            let kind = EventKind::Resource(row.pos.type_number(), verb);
            let successor = self.heirs().successor(verb, row.pos, &document)?;
            let event = Event::new(kind, document.id.as_str()).succeeded(successor);
            let event = self
                .drifting(row, &changed, event)?
                .previously(before.resource.told(&changed, *schema))
                .with("changed", changed.clone());
            self.record(&if *replaced { event.with("replaced", true) } else { event })?;
        }
        if *taken_up || !changed.is_empty() {
            self.review_write(row.pos, &document.id, verb, &changed, *taken_up)?;
        }
        self.join(row.pos, &document.id, delta)?;
        self.bind(row.pos, &document.id, named_by)?;
        Ok(after)
    }
}
