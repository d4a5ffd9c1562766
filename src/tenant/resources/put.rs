//! A user who is told of from elsewhere: made, or brought up to date where the tenant's `matching`
//! takes it for one who is there.

use serde_json::{Map, Value};

use super::rules::Written;
use super::{New, Subject};
use crate::scim::compat::Compat;
use crate::scim::resource::Resource;
use crate::scim::schema::{TypeSchema, USER};
use crate::scim::{ErrorKind, ScimError};
use crate::store::Pos;
use crate::store::resources::{self, LookupKey};
use crate::tenant::document::Document;
use crate::tenant::lookups::{keys_of, new_keys};
use crate::tenant::members::Delta;
use crate::tenant::work::{Failure, Work};

/// What has become of one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::tenant) enum Put {
    Created,
    Updated,
    Unchanged,
}

impl Work<'_, '_> {
    /// Makes a user, or of one who is there what a body says of it; what it does not mention stays.
    ///
    /// 1. It must be a user as a POST has one: 400.
    /// 2. No attribute may take it for several: 409 `uniqueness`.
    /// 3. As with a POST or a PATCH: 400, 409, 413.
    pub(in crate::tenant) fn put_user(&mut self, body: Map<String, Value>) -> Result<Put, Failure> {
        let schema = self.schema_of(USER)?;
        let told = Resource::parse(body.clone(), schema, &Compat::GENERIC)?; // (1)
        let keys = new_keys(&told.resource, schema)?;
        self.memory.noted.dropped.extend(told.dropped);
        let Some(pos) = self.taken_for(schema, &keys)? else {
            let new = New { schema, resource: told.resource, members: None };
            self.add(new, None, &Delta::default())?; // (3)
            return Ok(Put::Created);
        };
        let row = resources::at(self.sql, pos)?.ok_or(ErrorKind::Internal)?;
        let document = Document::decode(&row.doc)?;
        let after = document.resource.clone().overlaid(body, schema, &Compat::GENERIC)?.resource;
        let subject = Subject { schema, row, document, taken_up: false, replaced: false };
        after.succeeds(&subject.document.resource, schema)?; // (3)
        let after = self.obeyed(schema, Written::In(&subject), after)?;
        let rev = self.change(&subject, after, &Delta::default())?.rev;
        Ok(if rev == subject.row.rev { Put::Unchanged } else { Put::Updated })
    }

    /// The user whom the first attribute finds that finds anybody.
    fn taken_for(
        &self,
        schema: TypeSchema<'_>,
        keys: &[LookupKey],
    ) -> Result<Option<Pos>, Failure> {
        for path in self.memory.policy.attributes.matching.paths() {
            let mut found: Vec<Pos> = Vec::new();
            for key in keys_of(schema, path, keys) {
                found.extend(resources::find(self.sql, USER, key, 2)?);
            }
            found.sort_unstable();
            found.dedup();
            match found.as_slice() {
                [] => {}
                [one] => return Ok(Some(*one)),
                _ => {
                    let detail = format!("several users have this `{path}`");
                    return Err(ScimError::new(ErrorKind::Uniqueness, detail).into());
                }
            }
        }
        Ok(None)
    }
}
