//! Whatever is sent to a tenant: an answer in the format of its path, never a failure, in no more
//! statements than the request is long, and the tenant is as well as before.

use std::collections::BTreeMap;

use muster::http::Url;
use muster::scim::urn;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{BoxedStrategy, Just, Strategy, any, prop_oneof, proptest};
use proptest::sample::select;
use serde_json::{Value, json};

use crate::corpus::{SENT, TEXTS, body, damaged, like, text};
use crate::scenario::Reply;
use crate::support::{ADMIN, Acme, ORIGIN};

const METHODS: [&str; 8] = ["GET", "POST", "POST", "PUT", "PATCH", "PATCH", "DELETE", "BREW"];

/// One request; `{{user_id}}`, `{{group_id}}` and `{{cursor}}` in it are filled in when it is sent.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    method: &'static str,
    path: String,
    query: Vec<(&'static str, String)>,
    headers: BTreeMap<String, String>,
    body: String,
}

fn path() -> BoxedStrategy<String> {
    let known = select(vec![
        "/Users",
        "/Groups",
        "/Users/{{user_id}}",
        "/Groups/{{group_id}}",
        "/Users/{{group_id}}",
        "/.search",
        "/Users/.search",
        "/Groups/.search",
        "/Bulk",
        "/Schemas",
        "/ResourceTypes/User",
        "/ServiceProviderConfig",
        "/Me",
        "/v1/keys",
        "/v1/keys/x",
        "/v1/connections",
        "/v1/connections/x",
        "/v1/events",
    ])
    .prop_map(str::to_owned);
    prop_oneof![8 => known.clone(), 1 => damaged(known, &TEXTS)].boxed()
}

fn query() -> BoxedStrategy<Vec<(&'static str, String)>> {
    let name = select(vec![
        "filter",
        "filter",
        "sortBy",
        "sortOrder",
        "startIndex",
        "count",
        "cursor",
        "attributes",
        "excludedAttributes",
        "after",
        "limit",
        "type",
    ]);
    let plain = select(vec![
        "",
        "0",
        "1",
        "-1",
        "2",
        "1e3",
        "99999999999999999999",
        "{{cursor}}",
        "descending",
        "title",
        "meta.created",
        "emails",
        "userName",
        "user.created",
    ])
    .prop_map(str::to_owned);
    let value = prop_oneof![3 => plain.clone(), 1 => damaged(plain, &TEXTS), 3 => text()];
    let walked = (Just("cursor"), select(&["", "{{cursor}}", "{{cursor}}A", "A{{cursor}}"][..]));
    let walked = walked.prop_map(|(name, value)| (name, value.to_owned()));
    vec(prop_oneof![5 => (name, value), 1 => walked], 0..4).boxed()
}

fn headers() -> BoxedStrategy<BTreeMap<String, String>> {
    let name = select(vec!["content-type", "accept", "if-match", "if-none-match", "prefer"]);
    let value = select(vec![
        "application/scim+json",
        "application/json; charset=utf-8",
        "text/html",
        "*",
        "W/\"1\"",
        "W/\"2\", \"x\"",
        "return=minimal",
        "\"",
    ]);
    option::weighted(0.2, (name, value))
        .prop_map(|header| {
            header.map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter().collect()
        })
        .boxed()
}

/// The body of a search, or of a Bulk request of what else is sent.
fn message() -> BoxedStrategy<String> {
    let search = query().prop_map(|query| {
        let fields = query.into_iter().map(|(name, value)| (name.to_owned(), value.into()));
        Value::Object(fields.collect()).to_string()
    });
    let data = body().prop_map(|body| serde_json::from_str(&body).unwrap_or(Value::Null));
    let place = select(vec![
        "/Users",
        "/Groups",
        "/Users/{{user_id}}",
        "/Groups/{{group_id}}",
        "/Users/bulkId:a",
        "/x",
    ]);
    let operation = (select(&METHODS[..]), place, data, option::of(select(&["a", "b"][..])))
        .prop_map(|(method, path, data, id)| {
            json!({ "method": method, "path": path, "bulkId": id, "data": data })
        });
    let bulk = (vec(operation, 0..5), option::of(0..3)).prop_map(|(operations, fail)| {
        json!({ "schemas": [urn::BULK_REQUEST], "Operations": operations, "failOnErrors": fail })
            .to_string()
    });
    prop_oneof![1 => search, 1 => bulk, 3 => body()].boxed()
}

/// Requests of every kind.
pub(crate) fn asked() -> BoxedStrategy<Asked> {
    let with = |method: &'static str, path: &str, body: String| Asked {
        method,
        path: path.to_owned(),
        query: Vec::new(),
        headers: BTreeMap::new(),
        body,
    };
    let sent = select(SENT.as_slice())
        .prop_flat_map(|(method, path, body)| {
            (select(&METHODS[..]), Just(method), Just(path), like(body.to_string()))
        })
        .prop_map(move |(other, method, path, body)| {
            let method = METHODS.into_iter().find(|name| *name == method).unwrap_or(other);
            with(method, &path, body)
        });
    let any = (select(&METHODS[..]), path(), query(), headers(), message()).prop_map(
        |(method, path, query, headers, body)| Asked { method, path, query, headers, body },
    );
    let listed = (select(&["/Users", "/Groups", "/v1/events"][..]), query())
        .prop_map(move |(path, query)| Asked { query, ..with("GET", path, String::new()) });
    let posted = (select(&["/.search", "/Users/.search", "/Bulk", "/Bulk"][..]), message())
        .prop_map(move |(path, body)| with("POST", path, body));
    let patch = (select(&["/Users/{{user_id}}", "/Groups/{{group_id}}"][..]), operations())
        .prop_map(move |(path, body)| with("PATCH", path, body));
    prop_oneof![4 => sent, 2 => any, 2 => listed, 2 => posted, 2 => patch].boxed()
}

/// A PATCH whose paths and values are from anywhere.
fn operations() -> BoxedStrategy<String> {
    let values: Vec<Value> = SENT.iter().map(|(_, _, body)| body.clone()).collect();
    let part = (select(values), any::<bool>()).prop_map(|(value, inner)| match value {
        Value::Object(fields) if inner => fields.into_iter().next().map(|(_, value)| value).into(),
        value => value,
    });
    let path = prop_oneof![
        select(vec![
            "members",
            "members[value eq \"{{user_id}}\"]",
            "emails[type eq \"work\"].value",
            "name",
            "displayName"
        ])
        .prop_map(str::to_owned),
        text(),
    ];
    let operation = (select(&["add", "remove", "replace"][..]), option::of(path), part)
        .prop_map(|(op, path, value)| json!({ "op": op, "path": path, "value": value }));
    vec(operation, 1..4)
        .prop_map(|operations| {
            json!({ "schemas": [urn::PATCH_OP], "Operations": operations }).to_string()
        })
        .boxed()
}

/// A tenant that is asked, and what requests refer to.
pub(crate) struct Subject {
    pub(crate) acme: Acme,
    key: String,
    user: String,
    group: String,
    cursor: String,
}

impl Subject {
    pub(crate) fn new(preset: Option<&str>) -> Self {
        let mut acme = Acme::new();
        let user = acme.user("ada");
        acme.user("bob");
        let group = acme.group("all", &[&user]);
        let key = match preset {
            None => acme.key.clone(),
            Some(preset) => acme.connect(preset),
        };
        Self { acme, key, user, group, cursor: String::new() }
    }

    fn filled(&self, text: &str) -> String {
        let text = text.replace("{{user_id}}", &self.user).replace("{{group_id}}", &self.group);
        text.replace("{{cursor}}", &self.cursor)
    }

    /// Sends a request, unless its URL is none.
    pub(crate) fn ask(&mut self, asked: &Asked) -> Option<Reply> {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(asked.query.iter().map(|(name, value)| (name, self.filled(value))));
        let (base, path, bearer) = match asked.path.strip_prefix("/v1") {
            Some(path) if path.starts_with('/') => ("/v1/tenants/acme", path, ADMIN),
            _ => ("/t/acme/scim/v2", asked.path.as_str(), self.key.as_str()),
        };
        let joint = if path.contains('?') { '&' } else { '?' };
        let url = format!("{ORIGIN}{base}{}{joint}{}", self.filled(path), query.finish());
        Url::split(&url)?;
        let (body, bearer) = (self.filled(&asked.body), bearer.to_owned());
        let _ = self.acme.sql.statements();
        let reply = self.acme.fetch(asked.method, &url, &asked.headers, body.as_bytes(), &bearer);
        let statements = self.acme.sql.statements().len();
        assert!(statements <= 100 + body.len() / 4, "{statements} statements: {asked:?}");
        check(&reply, base.starts_with("/t/"));
        if let Some(cursor) = reply.json()["nextCursor"].as_str() {
            cursor.clone_into(&mut self.cursor);
        }
        Some(reply)
    }

    /// The tenant still lists, takes and tells everything.
    pub(crate) fn is_well(&mut self) {
        for path in ["/Users?count=1000", "/Groups?count=1000", "/Users?sortBy=userName&cursor="] {
            let reply = self.acme.scim("GET", path, &Value::Null);
            assert_eq!(reply.status, 200, "{path}: {}", reply.json());
        }
        self.acme.user("a name that nobody has sent");
        let seqs = self.acme.events().into_iter().map(|event| event["data"]["seq"].as_u64());
        assert!(seqs.eq((1..).map(Some).take(self.acme.rows("events") as usize)));
    }
}

/// RFC 7644 §3.12 below the SCIM base, RFC 9457 elsewhere.
fn check(reply: &Reply, is_scim: bool) {
    assert_ne!(reply.status, 500, "{}", reply.json());
    if reply.body.is_empty() {
        assert!([204, 304, 412].contains(&reply.status), "{}", reply.status);
        return;
    }
    let body: Value = serde_json::from_slice(&reply.body).expect("JSON");
    let media_type = reply.headers["content-type"].as_str();
    match (reply.status, is_scim) {
        (200 | 201, _) => assert!(body.is_object(), "{body}"),
        (status, true) => {
            assert_eq!(body["schemas"], json!([urn::ERROR]), "{body}");
            assert_eq!(body["status"], status.to_string(), "{body}");
        }
        (status, false) => {
            assert_eq!(media_type, "application/problem+json");
            assert_eq!(body["status"], status, "{body}");
        }
    }
}

proptest! {
    #[test]
    fn any_requests_are_answered_and_the_tenant_is_well(
        preset in prop_oneof![2 => Just(None), 1 => select(&["entra", "strict"][..]).prop_map(Some)],
        requests in vec(asked(), 1..8),
    ) {
        let mut subject = Subject::new(preset);
        requests.iter().for_each(|asked| drop(subject.ask(asked)));
        subject.is_well();
    }
}
