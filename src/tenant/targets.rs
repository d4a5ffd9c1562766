//! Requests of SCIM, each handed to what does it by what it is aimed at.

use super::work::{Answer, Failure, Work};
use crate::http::{Method, ScimTarget};
use crate::scim::{ErrorKind, ScimError};

impl Work<'_, '_> {
    /// Does a request of SCIM, which has to be switched on: 403; discovery is answered all the same.
    pub(super) fn scim_target(&mut self, target: &ScimTarget, method: Method) -> Answer {
        if !target.is_discovery() {
            self.scim_is_on()?;
        }
        // The route knows all types that there are; this tenant may not have that one.
        if let Some(number) = target.type_number() {
            self.schema_of(number)?;
        }
        match (target, method) {
            (ScimTarget::Collection(number), Method::Get) => self.list(Some(*number)),
            (ScimTarget::Collection(number), Method::Post) => self.create(*number),
            (ScimTarget::Resource(number, id), Method::Get) => self.read(*number, id),
            (ScimTarget::Resource(number, id), Method::Put) => self.replace(*number, id),
            (ScimTarget::Resource(number, id), Method::Patch) => self.patch(*number, id),
            (ScimTarget::Resource(number, id), Method::Delete) => self.delete(*number, id),
            (ScimTarget::Search(number), Method::Post) => self.search(*number),
            (ScimTarget::ServiceProviderConfig, Method::Get) => self.service_provider_config(),
            (ScimTarget::ResourceTypes, Method::Get) => self.resource_types(),
            (ScimTarget::ResourceType(id), Method::Get) => self.resource_type(id),
            (ScimTarget::Schemas, Method::Get) => self.schemas(),
            (ScimTarget::Schema(urn), Method::Get) => self.schema(urn),
            (ScimTarget::Bulk, Method::Post) => {
                self.bulk_is_on()?;
                if self.request().headers.prefers_async() { self.bulk_later() } else { self.bulk() }
            }
            (ScimTarget::Async(txn), Method::Get) => self.read_async(txn),
            (ScimTarget::Me, _) => Err(ErrorKind::NotImplemented.into()),
            _ => Err(ErrorKind::MethodNotAllowed.into()),
        }
    }

    /// SCIM may be switched off: 403.
    pub(super) fn scim_is_on(&self) -> Result<(), Failure> {
        if self.memory.policy.features.scim {
            return Ok(());
        }
        let detail = "SCIM is switched off for this tenant";
        Err(ScimError::new(ErrorKind::Forbidden, detail).into())
    }

    /// Bulk may be switched off: 501.
    pub(super) fn bulk_is_on(&self) -> Result<(), Failure> {
        if self.memory.policy.features.bulk {
            Ok(())
        } else {
            Err(ErrorKind::NotImplemented.into())
        }
    }
}
