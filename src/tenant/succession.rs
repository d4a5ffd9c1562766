//! Who takes over from a user who is deactivated or deleted, so that what the user owned has an owner.

use std::collections::BTreeSet;

use super::document::Document;
use super::lookups::key_for;
use super::memory::Memory;
use super::work::Work;
use crate::event::Verb;
use crate::limits;
use crate::policy::Successor;
use crate::scim::schema::USER;
use crate::scim::urn;
use crate::store::resources::{self, ResourceRow};
use crate::store::{Pos, Sql, StoreError, grants};

/// Among whom a successor is looked for.
pub(super) struct Heirs<'s> {
    pub(super) sql: &'s dyn Sql,
    pub(super) memory: &'s Memory,
    /// The connection all of whose users go.
    pub(super) leaving: Option<&'s str>,
}

impl Work<'_, '_> {
    /// Among whom it is looked for when one user goes.
    pub(super) fn heirs(&self) -> Heirs<'_> {
        Heirs { sql: self.sql, memory: self.memory, leaving: None }
    }
}

impl Heirs<'_> {
    /// The id of the one who takes over, and the rule that found that one: the first of the policy's
    /// ways that leads to another active user; nobody, unless the user goes.
    pub(super) fn successor(
        &self,
        verb: Verb,
        pos: Pos,
        user: &Document,
    ) -> Result<Option<(String, String)>, StoreError> {
        if pos.type_number() != USER || !matches!(verb, Verb::Deactivated | Verb::Deleted) {
            return Ok(None);
        }
        for way in &self.memory.policy.succession {
            let found = match way {
                Successor::Manager => self.manager_of(pos, user)?,
                Successor::Role(role) => self.other_holder(pos, role)?,
            };
            if let Some(id) = found {
                return Ok(Some((id, way.name())));
            }
        }
        Ok(None)
    }

    /// The user's manager or, where that one is not active, that one's, and so on; nobody where they
    /// lead in a circle.
    fn manager_of(&self, pos: Pos, user: &Document) -> Result<Option<String>, StoreError> {
        let mut seen = BTreeSet::from([pos]);
        let mut named = manager(user);
        for _ in 0..limits::SUCCESSION_STEPS {
            let Some(name) = named else { return Ok(None) };
            let Some(row) = self.named_user(&name)?.filter(|row| seen.insert(row.pos)) else {
                return Ok(None);
            };
            let document = Document::decode(&row.doc)?;
            if self.stays(&row, &document) {
                return Ok(Some(document.id));
            }
            named = manager(&document);
        }
        Ok(None)
    }

    /// The user of an id or, as identity providers name managers too, of an `externalId` that one
    /// alone has.
    fn named_user(&self, name: &str) -> Result<Option<ResourceRow>, StoreError> {
        let by_id = resources::by_id(self.sql, name)?;
        if let Some(row) = by_id.filter(|row| row.pos.type_number() == USER) {
            return Ok(Some(row));
        }
        let schema = self.memory.registry.type_numbered(USER);
        let Some(key) = schema.and_then(|schema| key_for(schema, "externalId", name)) else {
            return Ok(None);
        };
        match resources::find(self.sql, USER, &key, 2)?.as_slice() {
            [only] => resources::at(self.sql, *only),
            _ => Ok(None),
        }
    }

    /// The one of the other holders of a role who has held it longest.
    fn other_holder(&self, pos: Pos, role: &str) -> Result<Option<String>, StoreError> {
        let most = limits::SUCCESSION_STEPS;
        let found = match self.leaving {
            None => grants::holders(self.sql, role, most)?,
            Some(connection) => grants::holders_but_of(self.sql, role, connection, most)?,
        };
        for holder in found {
            let row = resources::at(self.sql, holder)?.filter(|row| row.pos != pos);
            let Some(row) = row else { continue };
            let document = Document::decode(&row.doc)?;
            if self.stays(&row, &document) {
                return Ok(Some(document.id));
            }
        }
        Ok(None)
    }

    /// Whether a user is active, and does not go with a connection.
    fn stays(&self, row: &ResourceRow, user: &Document) -> bool {
        let goes = self.leaving.is_some() && row.manager.as_deref() == self.leaving;
        user.resource.is_active() && !goes
    }
}

fn manager(user: &Document) -> Option<String> {
    let enterprise = user.resource.as_map().get(urn::ENTERPRISE_USER)?;
    let name = enterprise.get("manager")?.get("value")?.as_str()?;
    (!name.is_empty()).then(|| name.to_owned())
}
