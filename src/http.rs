//! Requests and responses as values: what a URL means, who may ask for it, what is answered.
//!
//! In scope: parsing the raw URL once, the gate that every request passes before any storage is
//! touched, and the two error formats (RFC 7644 §3.12 below a SCIM base, RFC 9457 below `/v1`).

mod audience;
mod copy;
mod errand;
mod gate;
mod host;
mod oauth;
mod openapi;
mod outbound;
mod presets;
mod problem;
mod query;
mod rate_limit;
mod refusal;
mod response;
mod route;
mod route_name;
mod route_part;
mod scim_target;
mod trace;
mod url;

use std::collections::BTreeMap;

pub use copy::CopyRequest;
pub use errand::{ConfigStep, Errand};
pub use gate::Gate;
pub use host::TenantHost;
pub use oauth::{ClientCredentials, OAuthError, TokenRequest, TokenStep, TrustedIssuer};
pub use openapi::openapi;
pub use outbound::{Outbound, configuration_of, host_of};
pub use presets::presets;
pub use problem::{Problem, ProblemCode};
pub use query::{Query, foreign_cursor, is_slug, is_uuid, page, page_of};
pub use rate_limit::{Exceeded, Quota};
pub use refusal::Refusal;
pub use response::{NDJSON, Response};
pub use route::{IMPORT, Route};
pub use route_part::{
    AccessAction, ChangeAction, ConnectionAction, LinkAction, MatchAction, PolicyPart, StreamAction,
};
pub use scim_target::ScimTarget;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
pub use trace::{Done, RequestId, Trace};
pub use url::Url;

use crate::limits;

/// The methods that some route takes; all others are `Other`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(missing_docs, reason = "the names are HTTP's")]
pub enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
    Other,
}

/// A request whose body has been read and whose route has been parsed.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// The method.
    pub method: Method,
    /// What the URL names.
    pub route: &'a Route,
    /// The base URL of the tenant's SCIM endpoints in the form that was called, or would be.
    pub base: &'a str,
    /// The query.
    pub query: Query,
    /// The headers that matter.
    pub headers: &'a Headers,
    /// The body.
    pub body: &'a [u8],
}

/// The headers that the edge lets through to the object.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Headers {
    /// `Content-Type`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// `Accept`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accept: Option<String>,
    /// `If-Match`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub if_match: Option<String>,
    /// `If-None-Match`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub if_none_match: Option<String>,
    /// `Prefer`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefer: Option<String>,
    /// `Idempotency-Key`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
}

/// Names of the headers in [`Headers`], in its order.
pub const FORWARDED: [&str; 6] =
    ["content-type", "accept", "if-match", "if-none-match", "prefer", "idempotency-key"];

impl Method {
    /// Reads a method; its name is case-sensitive (RFC 9110 §9.1). `HEAD` asks for what `GET` does, and the
    /// runtime leaves the body out of the answer (§9.3.2).
    pub fn parse(name: &str) -> Self {
        match name {
            "GET" | "HEAD" => Self::Get,
            "POST" => Self::Post,
            "PUT" => Self::Put,
            "PATCH" => Self::Patch,
            "DELETE" => Self::Delete,
            _ => Self::Other,
        }
    }

    /// The method's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
            Self::Other => "",
        }
    }

    /// Whether a request with this method changes nothing.
    pub const fn is_safe(self) -> bool {
        matches!(self, Self::Get)
    }
}

impl Headers {
    /// Collects the headers by asking for each name once.
    pub fn read(mut header: impl FnMut(&'static str) -> Option<String>) -> Self {
        let [content_type, accept, if_match, if_none_match, prefer, idempotency_key] =
            FORWARDED.map(|name| header(name).filter(|value| !value.is_empty()));
        Self { content_type, accept, if_match, if_none_match, prefer, idempotency_key }
    }

    /// Whether the client would rather not wait for the answer (RFC 7240 §4.1).
    pub fn prefers_async(&self) -> bool {
        self.prefer.as_deref().is_some_and(prefers_async)
    }

    /// Whether the client would rather wait for a while than be answered later (RFC 7240 §4.3).
    pub fn prefers_to_wait(&self) -> bool {
        let seconds = |one: &str| {
            let (name, seconds) = essence(one).split_once('=')?;
            let seconds = seconds.trim().trim_matches('"').parse::<u32>().ok();
            seconds.filter(|_| name.trim().eq_ignore_ascii_case("wait"))
        };
        let preferences = self.prefer.as_deref().unwrap_or_default();
        preferences.split(',').find_map(seconds).is_some_and(|seconds| seconds > 0)
    }

    /// Whether none of them was sent.
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Route {
    /// How many bytes the body of a request may have; `prefer` tells its `Prefer`.
    pub fn body_bytes(&self, prefer: impl FnOnce() -> Option<String>) -> usize {
        let is_bulk = matches!(self, Self::Scim { target: ScimTarget::Bulk, .. });
        if is_bulk && prefer().is_some_and(|prefer| prefers_async(&prefer)) {
            limits::ASYNC_BODY_BYTES
        } else {
            limits::BODY_BYTES
        }
    }
}

impl Request<'_> {
    /// Whether the request changes nothing.
    pub fn reads(&self) -> bool {
        self.method.is_safe()
            || matches!(
                self.route,
                Route::Scim { target: ScimTarget::Search(_), .. } | Route::Token(_)
            )
    }

    /// The body's media type without its parameters, if it says one.
    pub fn media_type(&self) -> &str {
        self.headers.content_type.as_deref().map(essence).unwrap_or_default()
    }

    /// Whether the body's media type is one that is taken.
    pub fn is_json(&self) -> bool {
        is_json(self.headers.content_type.as_deref())
    }
}

/// A media type without its parameters (RFC 9110 §8.3.1).
fn essence(content_type: &str) -> &str {
    content_type.split(';').next().unwrap_or_default().trim()
}

/// Whether a media type is one that is taken; a body without one passes as JSON.
pub fn is_json(content_type: Option<&str>) -> bool {
    let Some(content_type) = content_type else { return true };
    let essence = essence(content_type);
    ["application/scim+json", "application/json"].iter().any(|t| t.eq_ignore_ascii_case(essence))
}

/// Whether a `Prefer` asks for an answer later.
fn prefers_async(prefer: &str) -> bool {
    let preferences = prefer.split(',').map(essence);
    preferences.into_iter().any(|one| one.eq_ignore_ascii_case(RESPOND_ASYNC))
}

/// Reads a JSON object.
///
/// # Errors
/// A text with the place of the fault and nothing of the content.
pub fn json_object(body: &[u8]) -> Result<Map<String, Value>, String> {
    match serde_json::from_slice(without_mark(body)) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => Err(NO_OBJECT.to_owned()),
        Err(error) => Err(no_json(&error)),
    }
}

/// Reads a JSON object whose fields stay texts.
///
/// # Errors
/// As [`json_object`].
pub fn json_fields(body: &[u8]) -> Result<BTreeMap<String, &RawValue>, String> {
    serde_json::from_slice(without_mark(body)).map_err(|error| match error.is_data() {
        true => NO_OBJECT.to_owned(),
        false => no_json(&error),
    })
}

/// RFC 8259 §8.1: a byte order mark may be passed over.
fn without_mark(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body)
}

fn no_json(error: &serde_json::Error) -> String {
    let (line, column) = (error.line(), error.column());
    // What is JSON by RFC 8259, and beyond what is read here (§9), is told by words alone.
    let words = error.to_string();
    let what = if words.starts_with("recursion limit exceeded") {
        "is nested too deeply"
    } else if words.starts_with("number out of range") {
        "has a number that is out of range"
    } else {
        "is not JSON"
    };
    format!("the body {what} at line {line}, column {column}")
}

/// RFC 7240 §4.1.
pub const RESPOND_ASYNC: &str = "respond-async";
const NO_OBJECT: &str = "the body is not a JSON object";
