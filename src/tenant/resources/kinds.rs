//! Kinds of groups: what a group is to the application is said by keys without a connection, in the
//! extension `urn:muster:scim:1.0:Group`. A connection reads it, and may see the groups of some kinds
//! alone.

use super::rules::Written;
use crate::policy::{GroupKind, GroupKinds};
use crate::scim::filter::{Filter, Predicate};
use crate::scim::resource::Resource;
use crate::scim::schema::{GROUP, TypeSchema};
use crate::scim::{ErrorKind, ScimError};
use crate::store::resources::{self, ResourceRow};
use crate::tenant::document::Document;
use crate::tenant::work::{Failure, Work};

/// The attribute that says it.
const KIND: &str = "urn:muster:scim:1.0:Group:kind";

impl Work<'_, '_> {
    /// A group with the kind that it may get: 400 `invalidValue` for one that is not known. RFC 7644
    /// §3.3, §3.5.1: what is readOnly, as it is for connections, is ignored in a POST and a PUT; in a
    /// PATCH it is 400 `mutability`.
    pub(super) fn of_a_kind(
        &self,
        schema: TypeSchema<'_>,
        written: Written<'_>,
        after: Resource,
    ) -> Result<Resource, ScimError> {
        let before = written.before();
        let is_kept = after.value(KIND) == before.and_then(|before| before.value(KIND));
        match (written, &self.connection) {
            _ if is_kept => return Ok(after),
            (Written::In(_), Some(_)) => {
                let detail = format!("`{KIND}` is readOnly for this connection");
                return Err(ScimError::new(ErrorKind::Mutability, detail));
            }
            (_, Some(_)) => return Ok(after.keeping(KIND, before, schema)),
            (_, None) => {}
        }
        match after.text(KIND).map(GroupKind::of) {
            Some(None) => {
                let detail = format!("`{KIND}` is none of directory, provider, role, app");
                Err(ScimError::new(ErrorKind::InvalidValue, detail))
            }
            _ => Ok(after),
        }
    }

    /// The kinds of groups that the client sees, where it does not see all.
    fn visible(&self) -> Option<GroupKinds> {
        let connection = self.memory.connections.get(self.connection.as_deref()?)?;
        connection.rules.and_then(|rules| rules.options.visible)
    }

    /// What a list of a type asks of its resources beyond what the client asks.
    pub(in crate::tenant) fn asked_of_all(
        &self,
        schema: TypeSchema<'_>,
    ) -> Result<Option<Predicate>, Failure> {
        let Some(kinds) = self.visible().filter(|_| schema.resource_type.number == GROUP) else {
            return Ok(None);
        };
        let asked = kinds.iter().flat_map(|kind| {
            let absent = (kind == GroupKind::Directory).then(|| format!("not ({KIND} pr)"));
            absent.into_iter().chain([format!("{KIND} eq \"{}\"", kind.name())])
        });
        let text = asked.collect::<Vec<_>>().join(" or ");
        let filter = Filter::parse(&text, &self.compat);
        let bound = filter.and_then(|filter| filter.bind(schema, &self.compat));
        Ok(Some(bound.map_err(|error| error.into_filter_error())?))
    }

    /// Whether the client sees a resource.
    pub(super) fn shows(&self, row: &ResourceRow) -> bool {
        let Some(kinds) = self.visible().filter(|_| row.pos.type_number() == GROUP) else {
            return !self.hides(row.pos);
        };
        let Ok(document) = Document::decode(&row.doc) else { return false };
        kind_of(&document.resource).is_some_and(|kind| kinds.has(kind))
    }

    /// That the client sees groups of the kind that it asks for: 404.
    pub(super) fn may_see_kind(&self, number: u8, id: &str) -> Result<(), Failure> {
        if number != GROUP || self.visible().is_none() {
            return Ok(());
        }
        let row = resources::by_id(self.sql, id)?.filter(|row| self.shows(row));
        Ok(row.map(|_| ()).ok_or(ErrorKind::NotFound)?)
    }
}

/// What a group is to the application; none of a kind that this version does not know.
pub(in crate::tenant) fn kind_of(group: &Resource) -> Option<GroupKind> {
    group.text(KIND).map_or(Some(GroupKind::Directory), GroupKind::of)
}
