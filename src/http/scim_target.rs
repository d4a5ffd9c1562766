//! What a path below a tenant's SCIM base names.

use super::Method;
use super::route_part::decode;
use crate::auth::Scope;
use crate::scim::schema::{Registry, ScopesOf};

/// What a path below a SCIM base names (RFC 7644 §3.2). A resource type is given by its number.
#[derive(Clone, Debug, Eq, PartialEq)]
#[expect(missing_docs, reason = "the names are the RFC's endpoints")]
pub enum ScimTarget {
    ServiceProviderConfig,
    ResourceTypes,
    ResourceType(String),
    Schemas,
    Schema(String),
    Collection(u8),
    Resource(u8, String),
    Search(Option<u8>),
    Bulk,
    /// RFC 9967 §2.5.1: what became of a request that is answered later.
    Async(String),
    Me,
}

impl ScimTarget {
    pub(super) fn parse(rest: &[&str]) -> Option<Self> {
        // Whether the tenant has the type, its object knows.
        let registry = Registry::whole();
        let number = |segment: &str| Some(registry.type_at(segment)?.resource_type.number);
        match rest {
            ["ServiceProviderConfig"] => Some(Self::ServiceProviderConfig),
            ["ResourceTypes"] => Some(Self::ResourceTypes),
            ["ResourceTypes", id] => Some(Self::ResourceType(decode(id)?)),
            ["Schemas"] => Some(Self::Schemas),
            ["Schemas", urn] => Some(Self::Schema(decode(urn)?)),
            ["Me"] => Some(Self::Me),
            ["Bulk"] => Some(Self::Bulk),
            ["Async", id] => Some(Self::Async(decode(id)?)),
            [".search"] => Some(Self::Search(None)),
            [collection, ".search"] => Some(Self::Search(Some(number(collection)?))),
            [collection] => Some(Self::Collection(number(collection)?)),
            [collection, id] => Some(Self::Resource(number(collection)?, decode(id)?)),
            _ => None,
        }
    }

    /// Reads a path below the SCIM base by itself, as an operation of a Bulk request has it (RFC
    /// 7644 §3.7); `None` is 404.
    pub fn relative(path: &str) -> Option<Self> {
        let path = path.strip_prefix('/').unwrap_or(path);
        Self::parse(&path.strip_suffix('/').unwrap_or(path).split('/').collect::<Vec<_>>())
    }

    /// The number of the resource type that it is about, if it is about one.
    pub const fn type_number(&self) -> Option<u8> {
        match self {
            Self::Collection(number) | Self::Resource(number, _) | Self::Search(Some(number)) => {
                Some(*number)
            }
            _ => None,
        }
    }

    /// Whether it tells what the server can do (RFC 7644 §4).
    pub const fn is_discovery(&self) -> bool {
        matches!(
            self,
            Self::ServiceProviderConfig
                | Self::ResourceTypes
                | Self::ResourceType(_)
                | Self::Schemas
                | Self::Schema(_)
        )
    }

    /// The scopes of which one opens the endpoint; none where every key of the tenant does.
    pub fn scopes(&self, method: Method) -> &'static [Scope] {
        let (number, writes) = match self {
            Self::Collection(number) | Self::Resource(number, _) => (*number, !method.is_safe()),
            Self::Search(Some(number)) => (*number, false),
            // Each operation asks for its own.
            Self::Bulk | Self::Async(_) => return &[Scope::UsersWrite, Scope::GroupsWrite],
            Self::Search(None) => return &[Scope::UsersRead, Scope::GroupsRead],
            _ => return &[],
        };
        let of = Registry::whole().type_numbered(number).map(|schema| schema.resource_type.scopes);
        match (of, writes) {
            (None | Some(ScopesOf::Users), false) => &[Scope::UsersRead],
            (None | Some(ScopesOf::Users), true) => &[Scope::UsersWrite],
            (Some(ScopesOf::Groups), false) => &[Scope::GroupsRead],
            (Some(ScopesOf::Groups), true) => &[Scope::GroupsWrite],
        }
    }
}
