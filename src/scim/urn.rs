//! The URNs of RFC 7643 §10.3 and RFC 7644 §8, each in one place.

/// RFC 7643 §4.1.
pub const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// RFC 7643 §4.2.
pub const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
/// RFC 7643 §4.3.
pub const ENTERPRISE_USER: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
/// Of this product: where a user comes from.
pub const MUSTER_USER: &str = "urn:muster:scim:1.0:User";
/// SCIM 1.1 §5 and §6: users and groups.
pub const SCIM_1_CORE: &str = "urn:scim:schemas:core:1.0";
/// SCIM 1.1 §7.
pub const SCIM_1_ENTERPRISE_USER: &str = "urn:scim:schemas:extension:enterprise:1.0";
/// What a group is to the application.
pub const GROUP_KIND: &str = "urn:muster:scim:1.0:Group";
/// RFC 7643 §5.
pub const SERVICE_PROVIDER_CONFIG: &str =
    "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig";
/// RFC 7643 §6.
pub const RESOURCE_TYPE: &str = "urn:ietf:params:scim:schemas:core:2.0:ResourceType";
/// RFC 7643 §7.
pub const SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:Schema";
/// RFC 7644 §3.4.2.
pub const LIST_RESPONSE: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
/// RFC 7644 §3.4.3.
pub const SEARCH_REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";
/// RFC 7644 §3.5.2.
pub const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
/// RFC 7644 §3.12.
pub const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";
/// RFC 7644 §3.7.
pub const BULK_REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
/// Of this product: how far a request has come that is answered later.
pub const ASYNC_PROGRESS: &str = "urn:muster:scim:1.0:AsyncProgress";
/// RFC 7644 §3.7.
pub const BULK_RESPONSE: &str = "urn:ietf:params:scim:api:messages:2.0:BulkResponse";
