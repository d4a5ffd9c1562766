//! A user becomes a connection's by somebody's decision and not by its own writing.

use serde_json::{Map, Value};

use super::Subject;
use crate::http::ProblemCode;
use crate::scim::compat::Compat;
use crate::scim::schema::USER;
use crate::store::resources::{self, ResourceRow};
use crate::tenant::document::Document;
use crate::tenant::lookups::{keys_of, new_keys};
use crate::tenant::members::Delta;
use crate::tenant::work::{Failure, Work, conflict};

impl Work<'_, '_> {
    /// Gives a user who is nobody's, or the connection's own, to a connection, which sees it from now
    /// on; under the connection's id for it, if that is said. If anything changes, there are events.
    ///
    /// # Errors
    /// 409 where the connection manages another user of that id, 422 where the user cannot have it.
    pub(in crate::tenant) fn link(
        &mut self,
        row: ResourceRow,
        connection: &str,
        external_id: Option<&str>,
    ) -> Result<(), Failure> {
        let schema = self.schema_of(USER)?;
        let document = Document::decode(&row.doc)?;
        let told = external_id.map(|id| (EXTERNAL_ID.to_owned(), Value::from(id)));
        let told: Map<String, Value> = told.into_iter().collect();
        let says_id = !told.is_empty();
        let after = document.resource.clone().overlaid(told, schema, &Compat::GENERIC);
        let after = after.map_err(|error| unfit(error.into()))?.resource;
        let keys = new_keys(&after, schema).map_err(|error| unfit(error.into()))?;
        for key in keys_of(schema, EXTERNAL_ID, &keys).filter(|_| says_id) {
            let own = resources::managed_by(self.sql, USER, key, Some(connection))?;
            if own.iter().any(|pos| *pos != row.pos) {
                return Err(conflict("the connection manages another user of this `externalId`"));
            }
        }
        self.deciding(|settling| settling.ends_deletion(&document.id))?;
        let was_hidden = self.memory.unhide(self.sql, connection, row.pos)?;
        let named = if was_hidden { Some(document.id.as_str()) } else { None };
        let named_by = self.named_by(schema, named, &[])?;
        let (pos, id) = (row.pos, document.id.clone());
        let taken_up = row.manager.is_none();
        let row = ResourceRow { manager: Some(connection.to_owned()), ..row };
        let subject = Subject { schema, row, document, taken_up, replaced: false };
        self.change(&subject, after, &Delta::default()).map_err(unfit)?;
        // As a member, it may have been named while it was not seen.
        self.bind(pos, &id, named_by)?;
        Ok(())
    }
}

/// What a user cannot have, in the words of the admin API.
fn unfit(failure: Failure) -> Failure {
    failure.into_problem(ProblemCode::Contradictory)
}

const EXTERNAL_ID: &str = "externalId";
