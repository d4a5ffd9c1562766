//! Under which names KV holds copies for the edge: tags of identifiers, so that whoever lists them
//! learns none.

use base64ct::{Base64UrlUnpadded, Encoding as _};

use super::KeyRing;

/// What a copy is found by.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CopyName {
    /// The id of a user.
    Id,
    /// A `userName`, folded.
    UserName,
    /// An `externalId` of a user.
    ExternalId,
    /// The id of a group.
    Group,
}

/// What the tags of names are for.
const NAME: &str = "muster copy name 1";

impl CopyName {
    const fn kind(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::UserName => "userName",
            Self::ExternalId => "externalId",
            Self::Group => "group",
        }
    }
}

impl KeyRing {
    /// The name of a tenant's copy; the ring's first secret gives it, so that another one in front
    /// gives others. `None` for no secret.
    pub fn copy_name(&self, tenant: &str, name: CopyName, identifier: &str) -> Option<String> {
        self.name_of(&[tenant, name.kind(), identifier])
    }

    /// What tells which secret gives the names of a tenant's copies.
    pub fn copies_of(&self, tenant: &str) -> Option<String> {
        self.name_of(&[tenant])
    }

    fn name_of(&self, parts: &[&str]) -> Option<String> {
        let parts: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).collect();
        Some(Base64UrlUnpadded::encode_string(&self.tag(NAME, &parts)?))
    }
}
