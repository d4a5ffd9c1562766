//! What a request on a resource is about: its type, where it is, what of it is asked for.

use crate::scim::ErrorKind;
use crate::scim::projection::Projection;
use crate::scim::schema::{TypeSchema, USER};
use crate::store::StoreError;
use crate::store::resources::{self, ResourceRow};
use crate::tenant::work::{Failure, Work, missing};

impl<'a> Work<'a, '_> {
    /// Where a resource is.
    pub(in crate::tenant) fn location(&self, schema: TypeSchema<'_>, id: &str) -> String {
        format!("{}{}/{id}", self.request().base, schema.resource_type.endpoint)
    }

    /// The attributes that the client asked for, RFC 7644 §3.9.
    pub(in crate::tenant) fn projection(&self) -> Result<Projection, Failure> {
        let query = &self.request().query;
        Ok(Projection::parse(query.value("attributes"), query.value("excludedAttributes"))?)
    }

    /// A resource type; that it exists, the route has seen to.
    pub(in crate::tenant) fn schema_of(&self, number: u8) -> Result<TypeSchema<'a>, Failure> {
        Ok(self.registry().type_numbered(number).ok_or(ErrorKind::NotFound)?)
    }

    /// The user of an id: 404.
    pub(in crate::tenant) fn user(&self, id: &str) -> Result<ResourceRow, Failure> {
        Ok(self.find_user(id)?.ok_or_else(|| missing("there is no such user"))?)
    }

    /// The user of an id, if there is one.
    pub(in crate::tenant) fn find_user(&self, id: &str) -> Result<Option<ResourceRow>, StoreError> {
        Ok(resources::by_id(self.sql, id)?.filter(|row| row.pos.type_number() == USER))
    }

    /// RFC 7240 §4.2.
    pub(in crate::tenant) fn prefers_minimal(&self) -> bool {
        self.request().headers.prefer.as_deref().is_some_and(|prefer| {
            prefer.split([',', ';']).any(|p| p.trim().eq_ignore_ascii_case("return=minimal"))
        })
    }
}
