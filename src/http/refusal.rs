//! Why a request is not handed to its tenant's object, and what its sender is told.

use std::borrow::Cow;

use super::{Exceeded, Method, Problem, ProblemCode, Response};
use crate::auth::Scope;
use crate::scim::{ErrorKind, ScimError};

/// Why a request goes no further than the edge.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Refusal {
    /// Plain http, where only https is taken (400).
    PlainHttp,
    /// A URL above [`limits::URL_BYTES`](crate::limits::URL_BYTES) (414).
    UriTooLong,
    /// A body above [`limits::BODY_BYTES`](crate::limits::BODY_BYTES) (413).
    BodyTooLarge,
    /// A Bulk request above [`limits::ASYNC_BODY_BYTES`](crate::limits::ASYNC_BODY_BYTES) that is to be
    /// answered later (413).
    BulkTooLarge,
    /// A body that is compressed (415).
    BodyEncoded,
    /// A body that breaks off before its end (400).
    BodyIncomplete,
    /// No credentials (401).
    NoKey,
    /// Credentials that are no valid key here (401).
    InvalidToken(&'static str),
    /// A valid key without the scope (403).
    InsufficientScope(&'static [Scope]),
    /// The administrator's token where a tenant's key is due (403).
    AdminOnScim,
    /// A valid key of a connection that is switched off (403).
    ConnectionDisabled,
    /// A request to an object that the edge did not send (403).
    NotFromTheEdge,
    /// A valid key, but no such path (404).
    NotFound,
    /// A valid key, but not this method; those that the path takes (405).
    MethodNotAllowed(&'static [Method]),
    /// A valid key, but no such tenant (404).
    NoTenant,
    /// A tenant that is not served (403).
    Suspended,
    /// More requests than the tenant or the key may send (429).
    TooManyRequests(Exceeded),
    /// A failure that another attempt would meet again, and its cause for the log (500).
    Internal(String),
    /// A failure that an operator has to mend, and its cause for the log (503).
    Unavailable(String),
    /// A failure that passes by itself, and its cause for the log (503 with `Retry-After`).
    Busy(String),
}

const RETRY_AFTER_SECONDS: &str = "1";

impl Refusal {
    /// What an object that threw is answered with, by what the runtime says of it: that it has more
    /// to do than it can, or that another try may help, or neither.
    pub fn thrown(cause: String, overloaded: bool, retryable: bool) -> Self {
        if overloaded || retryable { Self::Busy(cause) } else { Self::Internal(cause) }
    }

    /// What is answered as long as a tenant is being deleted.
    pub fn being_deleted() -> Self {
        Self::Busy("the tenant is being deleted, and copies of its users are left".to_owned())
    }

    /// The answer, in the error format of SCIM or of the admin API.
    pub fn to_response(&self, scim: bool) -> Response {
        let ((_, code, _), detail) = (self.parts(), self.detail());
        let mut response = if scim {
            Response::scim_error(&self.to_scim_error(), None)
        } else {
            Response::problem(&Problem::new(code, detail))
        };
        response.cause = self.cause().map(str::to_owned);
        match self {
            Self::MethodNotAllowed(methods) => response.allowing(methods),
            Self::Busy(_) => response.with("retry-after", RETRY_AFTER_SECONDS),
            Self::TooManyRequests(exceeded) => exceeded.tell(response),
            _ => match self.challenge() {
                Some(challenge) => response.with("www-authenticate", challenge),
                None => response,
            },
        }
    }

    /// The same as an error of SCIM.
    pub fn to_scim_error(&self) -> ScimError {
        let (kind, ..) = self.parts();
        ScimError::new(kind, self.detail())
    }

    /// What its sender is told; of a missing scope, which.
    fn detail(&self) -> Cow<'static, str> {
        let names = |scopes: &[Scope]| -> Vec<String> {
            scopes.iter().map(|scope| format!("`{}`", scope.name())).collect()
        };
        match self {
            Self::InsufficientScope([]) => Cow::Borrowed("this is the administrator's alone"),
            Self::InsufficientScope(scopes) => {
                Cow::Owned(format!("the key lacks the scope {}", names(scopes).join(" or ")))
            }
            _ => Cow::Borrowed(self.parts().2),
        }
    }

    const fn parts(&self) -> (ErrorKind, ProblemCode, &'static str) {
        use {ErrorKind as Kind, ProblemCode as Code};
        match self {
            Self::PlainHttp => {
                (Kind::BadRequest, Code::Malformed, "plain http is refused, use https")
            }
            Self::UriTooLong => {
                (Kind::UriTooLong, Code::UriTooLong, "the URI is longer than this server takes")
            }
            Self::BodyTooLarge => (
                Kind::PayloadTooLarge,
                Code::PayloadTooLarge,
                // RFC 7644 §3.7.4: the answer names the limit.
                "the body has more than 4194304 bytes",
            ),
            Self::BulkTooLarge => (
                Kind::PayloadTooLarge,
                Code::PayloadTooLarge,
                "the body has more than 16777216 bytes",
            ),
            Self::BodyEncoded => (
                Kind::UnsupportedMediaType,
                Code::UnsupportedMediaType,
                "the body must be sent without a content encoding",
            ),
            Self::BodyIncomplete => {
                (Kind::BadRequest, Code::Malformed, "the body breaks off before its end")
            }
            Self::NoKey => {
                (Kind::Unauthorized, Code::Unauthorized, "send `Authorization: Bearer` and a key")
            }
            Self::InvalidToken(detail) => (Kind::Unauthorized, Code::Unauthorized, detail),
            Self::InsufficientScope(_) => {
                (Kind::Forbidden, Code::InsufficientScope, "the key lacks the scope")
            }
            Self::AdminOnScim => (
                Kind::Forbidden,
                Code::InsufficientScope,
                "the admin token does not open SCIM; make a key for the tenant",
            ),
            Self::ConnectionDisabled => {
                (Kind::Forbidden, Code::ConnectionDisabled, "the key's connection is disabled")
            }
            Self::NotFromTheEdge => {
                (Kind::Forbidden, Code::InsufficientScope, "the request did not pass the gate")
            }
            Self::NotFound => (Kind::NotFound, Code::NotFound, "there is no such path"),
            Self::MethodNotAllowed(_) => (
                Kind::MethodNotAllowed,
                Code::MethodNotAllowed,
                "the endpoint does not take this method",
            ),
            Self::NoTenant => (Kind::NotFound, Code::NotFound, "there is no such tenant"),
            Self::Suspended => (Kind::Forbidden, Code::TenantSuspended, "the tenant is suspended"),
            Self::TooManyRequests(_) => {
                (Kind::TooManyRequests, Code::TooManyRequests, "too many requests, try again later")
            }
            Self::Internal(_) => {
                (Kind::Internal, Code::Internal, "the request could not be completed")
            }
            Self::Unavailable(_) => {
                (Kind::Unavailable, Code::Unavailable, "the service cannot answer now")
            }
            Self::Busy(_) => (
                Kind::Unavailable,
                Code::Unavailable,
                "what this needs is busy or out of reach; try again later",
            ),
        }
    }

    /// What only the operator's log is told.
    pub fn cause(&self) -> Option<&str> {
        match self {
            Self::Internal(cause) | Self::Unavailable(cause) | Self::Busy(cause) => Some(cause),
            _ => None,
        }
    }

    /// RFC 6750 §3: the challenge for 401 and for a missing scope.
    fn challenge(&self) -> Option<String> {
        const REALM: &str = "Bearer realm=\"muster\"";
        match self {
            Self::NoKey => Some(REALM.to_owned()),
            Self::InvalidToken(detail) => {
                Some(format!("{REALM}, error=\"invalid_token\", error_description=\"{detail}\""))
            }
            Self::InsufficientScope(scopes) => {
                let names: Vec<&str> = scopes.iter().map(|scope| scope.name()).collect();
                let wanted = match names.as_slice() {
                    [] => String::new(),
                    names => format!(", scope=\"{}\"", names.join(" ")),
                };
                Some(format!("{REALM}, error=\"insufficient_scope\"{wanted}"))
            }
            _ => None,
        }
    }
}
