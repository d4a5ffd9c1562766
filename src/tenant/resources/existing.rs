//! Whom a POST means who is there already.
//!
//! A connection that takes up on create finds the user by one key, and takes up the one whom nobody
//! manages. Where the key finds somebody else as well, or somebody who is linked, the POST is refused:
//! nobody is guessed, and nobody is made twice.

use serde_json::Value;

use super::{New, Subject};
use crate::scim::resource::Resource;
use crate::scim::schema::{TypeSchema, USER};
use crate::scim::{ErrorKind, ScimError};
use crate::store::resources::{self, LookupKey, ResourceRow};
use crate::store::{Pos, StoreError};
use crate::tenant::adopt::MatchExisting;
use crate::tenant::document::Document;
use crate::tenant::lookups::{key_for, keys_of, new_keys};
use crate::tenant::work::{Failure, Work};

impl<'a> Work<'a, '_> {
    /// The resource that a POST takes up: one that is nobody's, where the connection does that; one
    /// that somebody has matched with what the connection tells; or one that it has deleted, where
    /// that is not decided yet.
    ///
    /// # Errors
    /// 409 `uniqueness` where the connection's key finds a user who cannot be taken up, or several.
    pub(super) fn meant(&mut self, new: &New<'a>) -> Result<Option<Subject<'a>>, Failure> {
        let is_expected = self.awaits_accepted() || self.hidden().is_some();
        if self.match_existing == MatchExisting::Never && !is_expected {
            return Ok(None);
        }
        let schema = new.schema;
        let keys = new_keys(&new.resource, schema)?;
        let mut row = None;
        if self.match_existing == MatchExisting::UserName || is_expected {
            row = self.named(schema, &keys)?;
        }
        if row.is_none() {
            row = self.identified(new, &keys)?;
        }
        let Some(row) = row else { return Ok(None) };
        let document = Document::decode(&row.doc)?;
        Ok(Some(Subject { schema, row, document, taken_up: false, replaced: false }))
    }

    /// By its name.
    fn named(
        &mut self,
        schema: TypeSchema<'_>,
        keys: &[LookupKey],
    ) -> Result<Option<ResourceRow>, Failure> {
        let Some(key) = keys_of(schema, "userName", keys).next() else { return Ok(None) };
        let found = resources::find(self.sql, schema.resource_type.number, key, 1)?;
        let row = found.first().map(|pos| resources::at(self.sql, *pos)).transpose()?;
        let Some(row) = row.flatten() else { return Ok(None) };
        let by_name = self.match_existing == MatchExisting::UserName;
        let is_meant = by_name && self.is_free(schema, &row, keys)?
            || self.was_accepted(&row)?
            || self.takes_deletion_back(&row)?;
        Ok(is_meant.then_some(row))
    }

    /// By what else the connection goes by.
    fn identified(
        &mut self,
        new: &New<'_>,
        keys: &[LookupKey],
    ) -> Result<Option<ResourceRow>, Failure> {
        let found = self.existing(new, keys)?;
        for row in &found {
            let is_only = found.len() == 1;
            if self.was_accepted(row)? || is_only && self.takes_deletion_back(row)? {
                return Ok(Some(row.clone()));
            }
        }
        match found.as_slice() {
            [] => Ok(None),
            [row] if self.is_free(new.schema, row, keys)? && self.agrees(new, row)? => {
                Ok(Some(row.clone()))
            }
            _ => {
                self.propose(new.schema, keys)?;
                Err(taken().into())
            }
        }
    }

    /// Refuses a POST that means a user who is there, where it can only make one.
    pub(in crate::tenant) fn means_nobody(&self, new: &New<'_>) -> Result<(), Failure> {
        let keys = new_keys(&new.resource, new.schema)?;
        if self.existing(new, &keys)?.is_empty() { Ok(()) } else { Err(taken().into()) }
    }

    /// The users whom the connection's key finds, unless that is the name: two at most, and of an
    /// `externalId`, which another connection may have for somebody else, its own and nobody's.
    fn existing(&self, new: &New<'_>, keys: &[LookupKey]) -> Result<Vec<ResourceRow>, StoreError> {
        let schema = new.schema;
        let found: Vec<Pos> = match self.match_existing {
            _ if schema.resource_type.number != USER => Vec::new(),
            MatchExisting::Never | MatchExisting::UserName => Vec::new(),
            MatchExisting::VerifiedEmail => match main_address(&new.resource, schema) {
                Some(key) => resources::find(self.sql, USER, &key, 2)?,
                None => Vec::new(),
            },
            MatchExisting::ExternalId => match keys_of(schema, EXTERNAL_ID, keys).next() {
                Some(key) => {
                    let own = self.connection.as_deref();
                    let own = resources::managed_by(self.sql, USER, key, own)?;
                    [own, resources::managed_by(self.sql, USER, key, None)?].concat()
                }
                None => Vec::new(),
            },
        };
        let rows = found.into_iter().map(|pos| resources::at(self.sql, pos));
        Ok(rows.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
    }

    /// Whether a user may be taken up by what a POST says: one that is nobody's, and that nobody has
    /// parted from the connection by hand; who is linked by hand then. The connection must not have
    /// another user under the same id.
    fn is_free(
        &self,
        schema: TypeSchema<'_>,
        row: &ResourceRow,
        keys: &[LookupKey],
    ) -> Result<bool, StoreError> {
        if !self.is_nobodys(row) || self.hides(row.pos) {
            return Ok(false);
        }
        for key in keys_of(schema, EXTERNAL_ID, keys) {
            let own = self.connection.as_deref();
            if !resources::managed_by(self.sql, schema.resource_type.number, key, own)?.is_empty() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether the address by which a user was found is that user's main one.
    fn agrees(&self, new: &New<'_>, row: &ResourceRow) -> Result<bool, Failure> {
        if self.match_existing != MatchExisting::VerifiedEmail {
            return Ok(true);
        }
        let existing = Document::decode(&row.doc)?.resource;
        Ok(main_address(&existing, new.schema) == main_address(&new.resource, new.schema))
    }
}

/// The e-mail address that is primary, or the only one, as it is found.
fn main_address(user: &Resource, schema: TypeSchema<'_>) -> Option<LookupKey> {
    let all = user.value("emails")?.as_array()?;
    let is_primary = |one: &&Value| one.get("primary") == Some(&Value::Bool(true));
    let main = match all.as_slice() {
        [only] => Some(only),
        all => all.iter().find(is_primary),
    };
    key_for(schema, "emails.value", main?.get("value")?.as_str()?)
}

/// RFC 7644 §3.3: 409. It names nobody.
fn taken() -> ScimError {
    let detail = "`matchExisting` finds a user who cannot be taken up, or several";
    ScimError::new(ErrorKind::Uniqueness, detail)
}

const EXTERNAL_ID: &str = "externalId";
