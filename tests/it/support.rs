//! A tenant in this process: the whole way of a request but the runtime, against real SQLite.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use muster::auth::{AdminTokens, Assertion, KeyRing, Principal};
use muster::http::{
    ClientCredentials, ConfigStep, Gate, Headers, Method, Outbound, Query, Request, Response,
    Route, TokenRequest, TokenStep, Url,
};
use muster::policy::Copying;
use muster::registry::Slug;
use muster::tenant::{Call, Delivery, Handled, Tenant, Waits};
use serde_json::{Value, json};
use unicode_normalization::UnicodeNormalization as _;

use crate::hooks::{PAIR, token_pair};
use crate::kv::Kv;
use crate::scenario::{Reply, Server};
use crate::sqlite::Sqlite;

/// A tenant `acme` with a key for everything.
pub(crate) struct Acme {
    pub(crate) sql: Sqlite,
    pub(crate) tenant: Tenant,
    pub(crate) now: DateTime<Utc>,
    pub(crate) key: String,
    /// The connection of the key that asked last, as the log is told it.
    pub(crate) connection: Option<String>,
    /// What a test of a stream sends.
    pub(crate) delivery: Option<Delivery>,
    /// Whether its users can be copied to KV.
    pub(crate) copying: Copying,
    /// How many pairs of keys for tokens were made.
    pub(crate) pairs: u8,
    /// For what the last request waits.
    pub(crate) waits: Option<Waits>,
    /// How far the next request has looked before.
    pub(crate) looked: Option<i64>,
    pub(crate) kv: Kv,
    slug: &'static str,
    pub(crate) gate: Gate,
    /// How many lots have been drawn of each length.
    pub(crate) random: BTreeMap<usize, u64>,
}

/// The administrator of the tests' deployment.
pub(crate) const ADMIN: &str = "the-administrator-of-these-tests-0123456789";
/// The secret that signs the tests' keys.
pub(crate) const KEY_RING: &str = "k1:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE";
/// Where the tests' tenant is.
pub(crate) const ORIGIN: &str = "https://muster.test";

/// The gate of the tests' deployment.
pub(crate) fn gate() -> Gate {
    Gate {
        key_ring: KeyRing::parse(KEY_RING).expect("a key ring"),
        admin_tokens: AdminTokens::parse(ADMIN).expect("a token"),
    }
}

impl Acme {
    pub(crate) fn new() -> Self {
        Self::named("acme")
    }

    /// The same for a tenant of another name.
    pub(crate) fn named(slug: &'static str) -> Self {
        let mut acme = Self {
            sql: Sqlite::new(),
            tenant: Tenant::default(),
            now: DateTime::from_timestamp(1_790_000_000, 0).expect("a time"),
            key: String::new(),
            connection: None,
            delivery: None,
            copying: Copying::Possible,
            pairs: 0,
            waits: None,
            looked: None,
            kv: Kv::default(),
            slug,
            gate: gate(),
            random: BTreeMap::new(),
        };
        acme.key = acme.mint(&["scim", "events:read", "keys:write", "config:write"]);
        acme
    }

    pub(crate) fn slug(&self) -> &'static str {
        self.slug
    }

    /// A new key with scopes.
    pub(crate) fn mint(&mut self, scopes: &[&str]) -> String {
        self.mint_with(&json!({ "name": "test", "scopes": scopes }))
    }

    /// A new key as asked for.
    pub(crate) fn mint_with(&mut self, body: &Value) -> String {
        let reply = self.admin("POST", "/keys", body);
        assert_eq!(reply.status, 201, "{}", reply.json());
        reply.json()["key"].as_str().expect("a key").to_owned()
    }

    /// A request of the administrator below `/v1/tenants/acme`.
    pub(crate) fn admin(&mut self, method: &str, path: &str, body: &Value) -> Reply {
        self.ask(method, &format!("/v1/tenants/{}{path}", self.slug), body, ADMIN)
    }

    /// A request with JSON by its path from the root, with any bearer.
    pub(crate) fn ask(&mut self, method: &str, path: &str, body: &Value, bearer: &str) -> Reply {
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        self.fetch(method, &format!("{ORIGIN}{path}"), &BTreeMap::new(), &body, bearer)
    }

    /// A SCIM request with JSON and the tenant's key.
    pub(crate) fn scim(&mut self, method: &str, path: &str, body: &Value) -> Reply {
        let key = self.key.clone();
        self.scim_with(method, path, body, &key, &[])
    }

    /// A SCIM request with JSON, another key, and headers.
    pub(crate) fn scim_with(
        &mut self,
        method: &str,
        path: &str,
        body: &Value,
        key: &str,
        headers: &[(&str, &str)],
    ) -> Reply {
        let url = format!("{}{path}", self.base());
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let headers = headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        self.fetch(method, &url, &headers, &body, key)
    }

    /// Any request: the edge's steps without its I/O, then the tenant.
    pub(crate) fn fetch(
        &mut self,
        method: &str,
        url: &str,
        headers: &BTreeMap<String, String>,
        body: &[u8],
        bearer: &str,
    ) -> Reply {
        let url = Url::split(url).expect("a URL");
        let route = Route::parse(url.path);
        let method = Method::parse(method);
        let authorization = format!("Bearer {bearer}");
        let admitted = self.gate.admit(route.as_ref(), method, Some(&authorization), self.now);
        let principal = match admitted {
            Ok(Some(principal)) => principal,
            Ok(None) => panic!("no test asks the tenant for what is public"),
            Err(refusal) => return reply(refusal.to_response(url.is_scim())),
        };
        let route = route.expect("what was admitted has a route");
        assert_eq!(route.tenant(), Slug::parse(self.slug).as_ref());
        if let Err(refusal) = principal.enter(&route) {
            return reply(refusal.to_response(url.is_scim()));
        }
        self.handle(method, url, headers, body, &principal)
    }

    /// A client's request for a token, with the edge's steps; of an assertion the first, which tells
    /// how it is to be verified.
    pub(crate) fn token(&mut self, headers: &[(&str, &str)], form: &str) -> Reply {
        let header = |name| headers.iter().find(|(n, _)| *n == name).map(|(_, value)| *value);
        let tenant = Slug::parse(self.slug).expect("a slug");
        let (authorization, content_type) = (header("authorization"), header("content-type"));
        let content_type = content_type.or(Some("application/x-www-form-urlencoded"));
        let parsed = TokenRequest::parse(&tenant, authorization, content_type, form.as_bytes());
        let TokenRequest { credentials, scope } = match parsed {
            Ok(request) => request,
            Err(error) => return reply(error.to_response()),
        };
        match credentials {
            ClientCredentials::Secret { connection, digest } => {
                self.token_step(&TokenStep::Secret { connection, digest, scope })
            }
            ClientCredentials::Assertion { connection, assertion } => {
                let Assertion { issuer, subject, .. } = assertion;
                self.token_step(&TokenStep::Trust { connection, issuer, subject })
            }
        }
    }

    /// What the edge asks on a client's behalf.
    pub(crate) fn token_step(&mut self, step: &TokenStep) -> Reply {
        let path = format!("{ORIGIN}/t/{}/oauth/token", self.slug);
        let url = Url::split(&path).expect("a URL");
        let (headers, body) = (BTreeMap::new(), step.encode());
        self.handle(Method::Post, url, &headers, body.as_bytes(), &Principal::Client)
    }

    /// A request of anybody, by its path below the tenant's.
    pub(crate) fn public(&mut self, path: &str) -> Reply {
        let url = format!("{ORIGIN}/t/{}{path}", self.slug);
        let url = Url::split(&url).expect("a URL");
        self.handle(Method::Get, url, &BTreeMap::new(), &[], &Principal::Client)
    }

    /// A step by which the edge tells the tenant of the policy document in its record.
    pub(crate) fn configure(&mut self, step: &ConfigStep, document: &str) -> Response {
        let path = format!("{ORIGIN}/v1/tenants/{}", self.slug);
        let url = Url::split(&path).expect("a URL");
        let headers = BTreeMap::new();
        self.call(Method::Put, url, &headers, document.as_bytes(), &Principal::Admin, |it, call| {
            it.0.configure(it.1, call, step)
        })
    }

    /// What the edge has let pass, answered by the tenant.
    fn handle(
        &mut self,
        method: Method,
        url: Url<'_>,
        headers: &BTreeMap<String, String>,
        body: &[u8],
        principal: &Principal,
    ) -> Reply {
        let Handled { response, connection, waits, delivery, poll } =
            self.call(method, url, headers, body, principal, |it, call| it.0.handle(it.1, call));
        self.connection = connection;
        self.delivery = delivery;
        let response = match poll {
            Some(poll) => poll.answered(poll.claims().map(str::to_owned).collect(), response),
            None => response,
        };
        self.waits = waits;
        // A tenant that is unavailable has a cause too, and the database none.
        let failed = response.cause.is_some() && response.status != 503;
        assert_eq!(failed, self.sql.has_failed(), "{:?}", response.cause);
        reply(response)
    }

    /// What a tenant, with its database, makes of a call.
    fn call<T>(
        &mut self,
        method: Method,
        url: Url<'_>,
        headers: &BTreeMap<String, String>,
        body: &[u8],
        principal: &Principal,
        answer: impl FnOnce((&mut Tenant, &Sqlite), &mut Call<'_>) -> T,
    ) -> T {
        let route = Route::parse(url.path).expect("what was admitted has a route");
        let header = |name: &str| {
            let found = headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.clone())
        };
        let headers = Headers::read(header);
        let base = route.scim_base(url.origin);
        self.pairs = self.pairs.wrapping_add(1);
        let random = &mut self.random;
        let mut call = Call {
            request: Request {
                method,
                route: &route,
                base: &base,
                query: Query::parse(url.query),
                headers: &headers,
                body,
            },
            principal,
            now: self.now,
            random: &mut |bytes| fill(random, bytes),
            normalize: &|text| text.nfkc().collect(),
            key_ring: &self.gate.key_ring,
            outbound: Outbound { loopback: false, own_origin: ORIGIN, tenant_host: None },
            copying: self.copying,
            key_pairs: Some((PAIR, token_pair(self.pairs))),
            looked: self.looked.take(),
        };
        answer((&mut self.tenant, &self.sql), &mut call)
    }

    /// Adds a user by name; its id.
    pub(crate) fn user(&mut self, name: &str) -> String {
        self.made("/Users", &json!({ "userName": name }))
    }

    /// Adds a group with members; its id.
    pub(crate) fn group(&mut self, name: &str, members: &[&str]) -> String {
        let members: Vec<Value> = members.iter().map(|id| json!({ "value": id })).collect();
        let body = json!({ "displayName": name, "members": members });
        self.made("/Groups", &body)
    }

    /// All events of the tenant.
    pub(crate) fn events(&mut self) -> Vec<Value> {
        let reply = self.admin("GET", "/events?limit=1000", &Value::Null);
        reply.json()["items"].as_array().expect("items").clone()
    }

    /// The types of the events behind a number of them.
    pub(crate) fn event_types(&mut self, behind: usize) -> Vec<String> {
        let events = self.events();
        events.iter().skip(behind).map(|e| e["type"].as_str().expect("a type").to_owned()).collect()
    }

    /// The object falls asleep; the next request wakes it.
    pub(crate) fn sleep(&mut self) {
        self.tenant = Tenant::default();
    }

    /// Time passes.
    pub(crate) fn wait(&mut self, seconds: i64) {
        self.now += TimeDelta::seconds(seconds);
    }
}

/// Other bytes each time, as often as that many have been drawn.
pub(crate) fn fill(random: &mut BTreeMap<usize, u64>, bytes: &mut [u8]) -> Result<(), String> {
    let drawn = random.entry(bytes.len()).or_default();
    *drawn += 1;
    let fresh = drawn.to_be_bytes().into_iter().cycle();
    bytes.iter_mut().zip(fresh).for_each(|(byte, fresh)| *byte = fresh);
    Ok(())
}

impl Server for Acme {
    fn base(&self) -> String {
        format!("{ORIGIN}/t/{}/scim/v2", self.slug)
    }

    fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &BTreeMap<String, String>,
        body: &[u8],
    ) -> Reply {
        let url = format!("{}{path}", self.base());
        let bearer = headers.get("Authorization").and_then(|value| value.strip_prefix("Bearer "));
        let key = bearer.unwrap_or(&self.key).to_owned();
        self.fetch(method, &url, headers, body, &key)
    }

    fn client(&mut self) -> (String, String) {
        let connection = json!({ "id": "gallery", "displayName": "Gallery", "preset": "entra" });
        assert_eq!(self.admin("POST", "/connections", &connection).status, 201);
        let reply = self.admin("POST", "/connections/gallery/secrets", &Value::Null).json();
        let text = |name: &str| reply[name].as_str().expect("a text").to_owned();
        (text("clientId"), text("clientSecret"))
    }

    fn request_token(&mut self, headers: &BTreeMap<String, String>, body: &[u8]) -> Reply {
        let headers: Vec<(String, &str)> =
            headers.iter().map(|(n, v)| (n.to_ascii_lowercase(), v.as_str())).collect();
        let headers: Vec<(&str, &str)> = headers.iter().map(|(n, v)| (n.as_str(), *v)).collect();
        self.token(&headers, std::str::from_utf8(body).expect("a form"))
    }
}

fn reply(response: Response) -> Reply {
    let headers = response.headers.into_iter().map(|(name, value)| (name.to_owned(), value));
    Reply { status: response.status, headers: headers.collect(), body: response.body }
}
