//! RFC 7644 §3.12: what a client is told when a request fails.
//!
//! Status and `scimType` are functions of the kind, so that no error can carry the wrong pair.
//! What an operator needs to know (the cause of an `Internal`) is kept elsewhere.

use std::borrow::Cow;
use std::fmt;

use serde_json::{Value, json};

/// An error as it crosses the wire.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ScimError {
    kind: ErrorKind,
    detail: Cow<'static, str>,
}

/// The kinds of failure: RFC 7644 Table 9 in its order, what RFC 9865 §2.1 adds to it, then those
/// that are a status only.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(missing_docs, reason = "the names are the RFC's; `default_detail` says what each means")]
pub enum ErrorKind {
    InvalidFilter,
    TooMany,
    Uniqueness,
    Mutability,
    InvalidSyntax,
    InvalidPath,
    NoTarget,
    InvalidValue,
    InvalidVers,
    Sensitive,
    InvalidCursor,
    ExpiredCursor,
    InvalidCount,
    BadRequest,
    Unauthorized,
    Forbidden,
    NotFound,
    MethodNotAllowed,
    Conflict,
    PreconditionFailed,
    PayloadTooLarge,
    UriTooLong,
    UnsupportedMediaType,
    PreconditionRequired,
    TooManyRequests,
    Internal,
    NotImplemented,
    Unavailable,
}

impl ErrorKind {
    /// The HTTP status of this kind.
    pub const fn status(self) -> u16 {
        match self {
            Self::InvalidFilter
            | Self::TooMany
            | Self::Mutability
            | Self::InvalidSyntax
            | Self::InvalidPath
            | Self::NoTarget
            | Self::InvalidValue
            | Self::InvalidVers
            | Self::InvalidCursor
            | Self::ExpiredCursor
            | Self::InvalidCount
            | Self::BadRequest => 400,
            Self::Unauthorized => 401,
            Self::Sensitive | Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::Uniqueness | Self::Conflict => 409,
            Self::PreconditionFailed => 412,
            Self::PayloadTooLarge => 413,
            Self::UriTooLong => 414,
            Self::UnsupportedMediaType => 415,
            // RFC 6585 §3.
            Self::PreconditionRequired => 428,
            Self::TooManyRequests => 429,
            Self::Internal => 500,
            Self::NotImplemented => 501,
            Self::Unavailable => 503,
        }
    }

    /// The `scimType` of RFC 7644 Table 9 and RFC 9865 §2.1, for the kinds that have one.
    pub const fn scim_type(self) -> Option<&'static str> {
        Some(match self {
            Self::InvalidFilter => "invalidFilter",
            Self::TooMany => "tooMany",
            Self::Uniqueness => "uniqueness",
            Self::Mutability => "mutability",
            Self::InvalidSyntax => "invalidSyntax",
            Self::InvalidPath => "invalidPath",
            Self::NoTarget => "noTarget",
            Self::InvalidValue => "invalidValue",
            Self::InvalidVers => "invalidVers",
            Self::Sensitive => "sensitive",
            Self::InvalidCursor => "invalidCursor",
            Self::ExpiredCursor => "expiredCursor",
            Self::InvalidCount => "invalidCount",
            _ => return None,
        })
    }

    /// What is said when nothing more specific is known.
    const fn default_detail(self) -> &'static str {
        match self {
            Self::InvalidFilter => "the filter is malformed, or compares what cannot be compared",
            Self::TooMany => "the request asks for more than this server computes at once",
            Self::Uniqueness => "a value that must be unique is already in use",
            Self::Mutability => "the attribute cannot be changed",
            Self::InvalidSyntax => "the body is malformed or does not fit its schema",
            Self::InvalidPath => "the path is malformed",
            Self::NoTarget => "the path selects no attribute that the operation could act on",
            Self::InvalidValue => "a value is missing or does not fit its attribute",
            Self::InvalidVers => "this version of SCIM is not supported",
            Self::Sensitive => "the request URI would carry sensitive information",
            Self::InvalidCursor => "the cursor was not given to this client for this query",
            Self::ExpiredCursor => "the cursor has expired, start again with an empty one",
            Self::InvalidCount => "the count is not above 0",
            Self::BadRequest => "the request is malformed",
            Self::Unauthorized => "the request carries no valid key",
            Self::Forbidden => "the key does not permit this",
            Self::NotFound => "there is no such resource",
            Self::MethodNotAllowed => "the endpoint does not take this method",
            Self::Conflict => "the request conflicts with what is there",
            Self::PreconditionFailed => "the resource has changed since the version given",
            Self::PayloadTooLarge => "the body is larger than this server takes",
            Self::UriTooLong => "the URI is longer than this server takes",
            Self::UnsupportedMediaType => {
                "the body must be application/scim+json or application/json"
            }
            Self::PreconditionRequired => {
                "send the version to be changed in `If-Match`, in a bulk request as `version`"
            }
            Self::TooManyRequests => "too many requests, try again later",
            Self::Internal => "the request could not be completed",
            Self::NotImplemented => "this operation is not supported",
            Self::Unavailable => "the tenant cannot be served now, try again later",
        }
    }
}

impl ScimError {
    /// An error with a detail of its own: lower-case start, no full stop, no secrets.
    pub fn new(kind: ErrorKind, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, detail: detail.into() }
    }

    /// The kind, and with it status and `scimType`.
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The human-readable part.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The body of RFC 7644 §3.12.
    pub fn to_body(&self) -> Vec<u8> {
        self.to_json().to_string().into_bytes()
    }

    /// The body as a value; `status` is a string there.
    pub fn to_json(&self) -> Value {
        let mut body =
            json!({ "schemas": [super::urn::ERROR], "status": self.kind.status().to_string() });
        if let (Some(scim_type), Some(fields)) = (self.kind.scim_type(), body.as_object_mut()) {
            fields.insert("scimType".to_owned(), scim_type.into());
        }
        if let Some(fields) = body.as_object_mut() {
            fields.insert("detail".to_owned(), self.detail.as_ref().into());
        }
        body
    }
}

impl From<ErrorKind> for ScimError {
    fn from(kind: ErrorKind) -> Self {
        Self { kind, detail: Cow::Borrowed(kind.default_detail()) }
    }
}

impl fmt::Display for ScimError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind.scim_type() {
            Some(scim_type) => write!(f, "{} {scim_type}: {}", self.kind.status(), self.detail),
            None => write!(f, "{}: {}", self.kind.status(), self.detail),
        }
    }
}

impl std::error::Error for ScimError {}
