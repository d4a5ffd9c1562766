//! RFC 9457: errors of the admin and application API.

use std::borrow::Cow;

use serde_json::{Value, json};

use crate::limits;
use crate::scim::schema::Fault;

/// A problem; its `type` is `urn:muster:problem:{code}`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Problem {
    code: ProblemCode,
    detail: Cow<'static, str>,
    faults: Vec<Fault>,
    first: Option<i64>,
}

/// What went wrong. 400 is malformed, 422 contradictory, 409 in conflict with what is there.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(missing_docs, reason = "`title` says what each means")]
pub enum ProblemCode {
    Malformed,
    Unauthorized,
    InsufficientScope,
    TenantSuspended,
    ConnectionDisabled,
    NotFound,
    MethodNotAllowed,
    Conflict,
    Gone,
    PreconditionFailed,
    PayloadTooLarge,
    UriTooLong,
    UnsupportedMediaType,
    TooManyRequests,
    Contradictory,
    GroupSourceConflict,
    Faulty,
    Internal,
    Unavailable,
}

impl ProblemCode {
    const fn parts(self) -> (u16, &'static str, &'static str) {
        match self {
            Self::Malformed => (400, "malformed", "The request is malformed"),
            Self::Unauthorized => (401, "unauthorized", "The request carries no valid key"),
            Self::InsufficientScope => (403, "insufficient_scope", "The key does not permit this"),
            Self::TenantSuspended => (403, "tenant_suspended", "The tenant is suspended"),
            Self::ConnectionDisabled => (403, "connection_disabled", "The connection is disabled"),
            Self::NotFound => (404, "not_found", "There is no such thing"),
            Self::MethodNotAllowed => {
                (405, "method_not_allowed", "The endpoint does not take this method")
            }
            Self::Conflict => (409, "conflict", "The request conflicts with what is there"),
            Self::Gone => (410, "gone", "It is no longer there"),
            Self::PreconditionFailed => {
                (412, "precondition_failed", "It is not as the request expects it to be")
            }
            Self::PayloadTooLarge => (413, "payload_too_large", "The body is too large"),
            Self::UriTooLong => (414, "uri_too_long", "The URI is too long"),
            Self::UnsupportedMediaType => {
                (415, "unsupported_media_type", "The body must be application/json")
            }
            Self::TooManyRequests => {
                (429, "too_many_requests", "There have been too many requests")
            }
            Self::Contradictory => (422, "contradictory", "The request contradicts itself"),
            Self::GroupSourceConflict => {
                (422, "group_source_conflict", "The connection's groups are to decide on access")
            }
            Self::Faulty => (422, "faulty", "The document is refused whole"),
            Self::Internal => (500, "internal", "The request could not be completed"),
            Self::Unavailable => (503, "unavailable", "The tenant cannot be served now"),
        }
    }
}

impl Problem {
    /// A problem with a detail of its own.
    pub fn new(code: ProblemCode, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { code, detail: detail.into(), faults: Vec::new(), first: None }
    }

    /// That a part of the log is no longer there; the place of the first event that is.
    pub fn gone(first: i64) -> Self {
        let detail = "events are kept for so long; begin anew with a snapshot";
        Self { first: Some(first), ..Self::new(ProblemCode::Gone, detail) }
    }

    /// A document that is refused, with the places of its faults, as many as are told at once.
    pub fn faulty(mut faults: Vec<Fault>) -> Self {
        faults.truncate(limits::FAULTS);
        Self { faults, ..ProblemCode::Faulty.into() }
    }

    /// A problem of one place in the body.
    pub fn at(code: ProblemCode, fault: Fault) -> Self {
        Self { faults: vec![fault], ..Self::new(code, "") }
    }

    /// The same problem with its faults told as being elsewhere.
    #[must_use]
    pub fn moved(mut self, moved: impl Fn(Fault) -> Fault) -> Self {
        self.faults = self.faults.into_iter().map(moved).collect();
        self
    }

    /// The HTTP status.
    pub const fn status(&self) -> u16 {
        self.code.parts().0
    }

    /// What is said of it, if anything is.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The body of RFC 9457 §3.
    pub fn to_body(&self) -> Vec<u8> {
        let (status, code, title) = self.code.parts();
        let mut body = json!({
            "type": format!("urn:muster:problem:{code}"),
            "title": title,
            "status": status,
            "code": code,
        });
        let fault = |fault: &Fault| json!({ "path": fault.path, "detail": fault.detail });
        if let Some(fields) = body.as_object_mut() {
            if !self.detail.is_empty() {
                fields.insert("detail".to_owned(), self.detail.as_ref().into());
            }
            if let Some(first) = self.first {
                fields.insert("firstSeq".to_owned(), first.into());
            }
            if !self.faults.is_empty() {
                let faults: Vec<Value> = self.faults.iter().map(fault).collect();
                fields.insert("faults".to_owned(), faults.into());
            }
        }
        body.to_string().into_bytes()
    }
}

impl From<ProblemCode> for Problem {
    fn from(code: ProblemCode) -> Self {
        Self::new(code, "")
    }
}
