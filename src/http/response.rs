//! A response as a value, complete with every header.

use serde_json::{Value, json};

use super::{Method, Problem};
use crate::limits;
use crate::scim::ScimError;

/// What is answered, and what only the operator's log is told.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// The headers, names in lower case.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// Why the request failed within the service; for the log alone.
    pub cause: Option<String>,
}

const SCIM: &str = "application/scim+json";
const JSON: &str = "application/json";
/// The media type of lines of JSON.
pub const NDJSON: &str = "application/x-ndjson";
const PROBLEM: &str = "application/problem+json";

impl Response {
    /// A response without a body.
    pub fn empty(status: u16) -> Self {
        Self { status, ..Self::default() }.with("cache-control", "no-store")
    }

    /// A SCIM body (RFC 7644 §3.1). `accept` decides between its two media types.
    pub fn scim(status: u16, body: Vec<u8>, accept: Option<&str>) -> Self {
        let asked = |accept: &str| {
            let accept = accept.to_ascii_lowercase();
            accept.contains(JSON) && !accept.contains(SCIM)
        };
        let media_type = if accept.is_some_and(asked) { JSON } else { SCIM };
        Self { body, ..Self::empty(status) }.with("content-type", media_type)
    }

    /// A body of the admin API.
    pub fn json(status: u16, body: &Value) -> Self {
        Self { body: body.to_string().into_bytes(), ..Self::empty(status) }
            .with("content-type", JSON)
    }

    /// Public keys (RFC 7517 §5), which may be kept for some minutes.
    pub fn key_set(keys: &[Value]) -> Self {
        let body = json!({ "keys": keys }).to_string().into_bytes();
        let kept = format!("public, max-age={}", limits::KEY_SET_SECONDS);
        Self { status: 200, body, ..Self::default() }
            .with("cache-control", kept)
            .with("content-type", JSON)
    }

    /// Lines of JSON.
    pub fn lines<'v>(lines: impl IntoIterator<Item = &'v Value>) -> Self {
        Self::written_lines(lines.into_iter().map(|line| format!("{line}\n")).collect())
    }

    /// Lines of JSON that are written already.
    pub fn written_lines(lines: String) -> Self {
        Self { body: lines.into_bytes(), ..Self::empty(200) }.with("content-type", NDJSON)
    }

    /// An error below a SCIM base.
    pub fn scim_error(error: &ScimError, accept: Option<&str>) -> Self {
        Self::scim(error.kind().status(), error.to_body(), accept)
    }

    /// An error below `/v1`.
    pub fn problem(problem: &Problem) -> Self {
        Self { body: problem.to_body(), ..Self::empty(problem.status()) }
            .with("content-type", PROBLEM)
    }

    /// A problem that somebody else has told, passed on.
    pub fn problem_told(status: u16, body: Vec<u8>) -> Self {
        Self { body, ..Self::empty(status) }.with("content-type", PROBLEM)
    }

    /// The response with one more header.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The response in the place of another one that was made for the same request: with those of its
    /// headers that it has not itself, and what the log is told of it.
    #[must_use]
    pub fn in_place_of(mut self, first: Self) -> Self {
        for (name, value) in first.headers {
            if self.header(name).is_none() {
                self.headers.push((name, value));
            }
        }
        self.cause = self.cause.or(first.cause);
        self
    }

    /// The response with the methods that the endpoint takes (RFC 9110 §15.5.6).
    #[must_use]
    pub fn allowing(self, methods: &[Method]) -> Self {
        let named = |method: &Method| match method {
            Method::Get => "GET, HEAD",
            _ => method.name(),
        };
        let names: Vec<&str> = methods.iter().map(named).collect();
        self.with("allow", names.join(", "))
    }

    /// Whether the service failed, and not the client.
    pub const fn has_failed(&self) -> bool {
        self.cause.is_some() || matches!(self.status, 500 | 503)
    }

    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| *n == name).map(|(_, value)| value.as_str())
    }
}
