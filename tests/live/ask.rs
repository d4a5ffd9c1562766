//! Asking the Worker, and what is always checked of its answers.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use ureq::{AsSendBody, Body, http};

use crate::deployment::{ANSWER_TIME_MAX, deployment};
use crate::scenario::Reply;

/// A request that is being put together.
#[derive(Clone)]
pub(crate) struct Ask {
    method: String,
    url: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
    answer_within: Duration,
}

/// What a request cost, in rows as the database counts them.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Cost {
    pub(crate) read: u64,
    pub(crate) written: u64,
}

impl Ask {
    /// A request for a path of the Worker.
    pub(crate) fn new(method: &str, path: &str) -> Self {
        let url = format!("{}{path}", deployment().url);
        Self {
            method: method.to_owned(),
            url,
            headers: Vec::new(),
            body: Vec::new(),
            answer_within: ANSWER_TIME_MAX,
        }
    }

    /// A request of the deployment's administrator.
    pub(crate) fn admin(method: &str, path: &str) -> Self {
        Self::new(method, path).bearer(&deployment().admin_token)
    }

    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header("authorization", format!("Bearer {token}"))
    }

    pub(crate) fn header(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub(crate) fn body(self, body: impl Into<Vec<u8>>) -> Self {
        Self { body: body.into(), ..self }
    }

    /// The request with a body of JSON.
    pub(crate) fn json(self, body: &Value) -> Self {
        self.header("content-type", "application/json").body(body.to_string())
    }

    /// The request, whose answer may take no longer than this.
    pub(crate) fn within(self, answer_within: Duration) -> Self {
        Self { answer_within, ..self }
    }

    /// Sends the request.
    pub(crate) fn send(self) -> Reply {
        let records = &deployment().records;
        let _together = self.writes_a_record().then(|| records.read().expect("wrangler is done"));
        let Self { method, url, headers, body, answer_within } = self;
        let mut request = http::Request::builder().method(method.as_str()).uri(&url);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let sent = if body.is_empty() && !["POST", "PUT", "PATCH"].contains(&method.as_str()) {
            run(request.body(()), answer_within)
        } else {
            run(request.body(body), answer_within)
        };
        let mut answer = sent.unwrap_or_else(|error| panic!("{method} {url}: {error}"));
        let headers = answer.headers().iter().map(|(name, value)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        });
        let headers: BTreeMap<String, String> = headers.collect();
        let body = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_vec();
        let body = body.unwrap_or_else(|error| panic!("{method} {url}: {error}"));
        let reply = Reply { status: answer.status().as_u16(), headers, body };
        reply.is_dressed(&url);
        reply
    }

    fn writes_a_record(&self) -> bool {
        let tenants = self.url.split_once("/v1/tenants").map(|(_, behind)| behind);
        let is_tenant = tenants.is_some_and(|behind| behind.matches('/').count() < 2);
        is_tenant && self.method != "GET"
    }

    /// Sends the request, whose answer must have a status.
    pub(crate) fn is(self, status: u16) -> Reply {
        let asked = format!("{} {}", self.method, self.url);
        let reply = self.send();
        assert_eq!(reply.status, status, "{asked}: {}", reply.text());
        reply
    }
}

impl Reply {
    /// What every answer has, and what none has over plain http.
    fn is_dressed(&self, url: &str) {
        assert_eq!(self.header("cache-control"), "no-store", "{} {url}", self.status);
        assert!(self.header("x-request-id").len() >= 16, "{} {url}", self.status);
        assert_eq!(self.header("strict-transport-security"), "", "{} {url}", self.status);
    }

    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header's value; empty when it is not there.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// A text in the body.
    pub(crate) fn field(&self, pointer: &str) -> String {
        let json = self.json();
        let found = json.pointer(pointer).and_then(Value::as_str);
        found.unwrap_or_else(|| panic!("no text at {pointer} in {json}")).to_owned()
    }

    /// The `id` in the body.
    pub(crate) fn id(&self) -> String {
        self.field("/id")
    }

    /// What the request cost; every answer says so.
    pub(crate) fn cost(&self) -> Cost {
        let header = self.header("server-timing");
        let number = |name: &str| {
            let (_, behind) = header.split_once(&format!("{name};desc=\""))?;
            behind.split('"').next()?.parse().ok()
        };
        let (read, written) = (number("rows-read"), number("rows-written"));
        match (read, written) {
            (Some(read), Some(written)) => Cost { read, written },
            _ => panic!("{}: Server-Timing is `{header}`: {}", self.status, self.text()),
        }
    }

    /// The answer must be an error of RFC 7644 §3.12; `scim_type` is empty where there is none.
    pub(crate) fn is_scim_error(&self, scim_type: &str) -> &Self {
        let body = self.json();
        assert_eq!(body["schemas"], serde_json::json!([SCIM_ERROR]), "{}", self.text());
        assert_eq!(body["status"], self.status.to_string(), "{body}");
        assert_eq!(body["scimType"].as_str().unwrap_or_default(), scim_type, "{body}");
        assert!(body["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{body}");
        assert_eq!(self.header("content-type"), "application/scim+json");
        self.cost();
        self
    }

    /// The answer must be a problem of RFC 9457.
    pub(crate) fn is_problem(&self, code: &str) -> &Self {
        let body = self.json();
        assert_eq!(body["type"], format!("urn:muster:problem:{code}"), "{}", self.text());
        assert_eq!(body["code"], code, "{body}");
        assert_eq!(body["status"], self.status, "{body}");
        assert!(body["title"].is_string(), "{body}");
        assert_eq!(self.header("content-type"), "application/problem+json");
        self.cost();
        self
    }
}

fn run(
    request: http::Result<http::Request<impl AsSendBody>>,
    answer_within: Duration,
) -> Result<http::Response<Body>, ureq::Error> {
    let agent = &deployment().agent;
    let request = agent.configure_request(request.expect("the request is HTTP"));
    agent.run(request.timeout_global(Some(answer_within)).build())
}

const SCIM_ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";
const ANSWER_BYTES_MAX: u64 = 64 * 1024 * 1024;
