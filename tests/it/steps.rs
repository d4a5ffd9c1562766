//! What tests of a tenant's users, groups and lists do again and again.

use std::collections::{BTreeMap, BTreeSet};

use muster::scim::urn;
use muster::store::{Row, Sql as _};
use serde_json::{Value, json};

use crate::scenario::Reply;
use crate::support::Acme;

/// Every table with its rows.
pub(crate) type Dump = BTreeMap<String, Vec<Row>>;

/// How a request is refused: status, `scimType` (empty where there is none) or code, detail.
pub(crate) type Refused<'a> = (u16, &'a str, &'a str);

impl Acme {
    /// What is at a path.
    #[track_caller]
    pub(crate) fn get(&mut self, path: &str) -> Value {
        let reply = self.scim("GET", path, &Value::Null);
        assert_eq!(reply.status, 200, "GET {path}: {}", reply.json());
        reply.json()
    }

    /// What a POST makes.
    #[track_caller]
    pub(crate) fn post(&mut self, path: &str, body: &Value) -> Value {
        let reply = self.scim("POST", path, body);
        assert_eq!(reply.status, 201, "POST {path} {body}: {}", reply.json());
        reply.json()
    }

    /// The id of what a POST makes.
    #[track_caller]
    pub(crate) fn made(&mut self, path: &str, body: &Value) -> String {
        self.post(path, body)["id"].as_str().expect("an id").to_owned()
    }

    /// What a PUT leaves.
    #[track_caller]
    pub(crate) fn put(&mut self, path: &str, body: &Value) -> Value {
        let reply = self.scim("PUT", path, body);
        assert_eq!(reply.status, 200, "PUT {path} {body}: {}", reply.json());
        reply.json()
    }

    /// The answer to a PATCH that succeeds.
    #[track_caller]
    pub(crate) fn patch(&mut self, path: &str, operations: &Value) -> Reply {
        let reply = self.scim("PATCH", path, &patch_op(operations));
        assert!([200, 204].contains(&reply.status), "PATCH {path} {operations}: {}", reply.json());
        reply
    }

    /// Deletes what is at a path.
    #[track_caller]
    pub(crate) fn delete(&mut self, path: &str) {
        let reply = self.scim("DELETE", path, &Value::Null);
        assert_eq!((reply.status, reply.body.len()), (204, 0), "DELETE {path}: {}", reply.json());
    }

    /// A list.
    #[track_caller]
    pub(crate) fn list(&mut self, path: &str, query: &[(&str, &str)]) -> Value {
        self.get(&with_query(path, query))
    }

    /// The ids of all resources that a filter finds.
    #[track_caller]
    pub(crate) fn found(&mut self, path: &str, filter: &str) -> Vec<String> {
        let list = self.list(path, &[("filter", filter), ("count", "1000")]);
        let found = ids(&list);
        assert_eq!(list["totalResults"], found.len(), "{filter}");
        found
    }

    /// Sends a request that is refused, and leaves every row as it was.
    #[track_caller]
    pub(crate) fn refused(&mut self, method: &str, path: &str, body: &Value, error: Refused<'_>) {
        let before = self.dump();
        let reply = self.scim(method, path, body);
        check_error(&reply, error, &format!("{method} {path} {body}"));
        assert_eq!(self.dump(), before, "{method} {path} {body} wrote");
    }

    /// Sends a request that is done and leaves every row as it was.
    #[track_caller]
    pub(crate) fn changes_nothing(&mut self, method: &str, path: &str, body: &Value) {
        let before = self.dump();
        let reply = self.scim(method, path, body);
        assert!(reply.status < 300, "{method} {path} {body}: {}", reply.json());
        assert!(self.dump() == before, "{method} {path} {body} wrote");
    }

    /// Sends a request of the administrator that is refused, and leaves every row as it was.
    #[track_caller]
    pub(crate) fn admin_refused(
        &mut self,
        method: &str,
        path: &str,
        body: &Value,
        problem: Refused<'_>,
    ) {
        let before = self.dump();
        let reply = self.admin(method, path, body);
        check_problem(&reply, problem, &format!("{method} {path} {body}"));
        assert_eq!(self.dump(), before, "{method} {path} {body} wrote");
    }

    /// A tenant whose key is bound to a connection with a preset.
    pub(crate) fn connected(preset: &str) -> Self {
        let mut acme = Self::new();
        acme.key = acme.connect(preset);
        acme
    }

    /// A key that is bound to a new connection.
    #[track_caller]
    pub(crate) fn connect(&mut self, preset: &str) -> String {
        self.connect_as(&json!({ "id": preset, "displayName": preset, "preset": preset }))
    }

    /// The same with a connection as asked for.
    #[track_caller]
    pub(crate) fn connect_as(&mut self, connection: &Value) -> String {
        let reply = self.admin("POST", "/connections", connection);
        assert_eq!(reply.status, 201, "{}", reply.json());
        let id = &connection["id"];
        self.mint_with(&json!({ "name": id, "scopes": ["scim"], "connection": id }))
    }

    /// Does something with another key.
    pub(crate) fn with_key<T>(&mut self, key: &str, what: impl FnOnce(&mut Self) -> T) -> T {
        let own = std::mem::replace(&mut self.key, key.to_owned());
        let done = what(self);
        self.key = own;
        done
    }

    /// Adds users `u1`, `u2` … by their rows, which is faster than asking; their ids.
    pub(crate) fn populate(&mut self, count: usize) -> Vec<String> {
        let numbers = format!(
            "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {count}),
             u (pos, id, name) AS
                (SELECT n + (1 << 40), printf('{POPULATED}-%012x', n), 'u' || n FROM n)"
        );
        for statement in [
            format!(
                "{numbers} INSERT INTO resources (pos, id, rev, origin, members, doc)
                 SELECT pos, id, 1, 'admin', 0,
                 json_object('schemas', json_array('{}'), 'id', id, 'userName', name,
                    'meta', json_object('resourceType', 'User',
                        'created', '2026-01-01T00:00:00.000Z',
                        'lastModified', '2026-01-01T00:00:00.000Z', 'version', 'W/\"1\"'))
                 FROM u",
                urn::USER
            ),
            format!("{numbers} INSERT INTO lookups SELECT 257, name, pos FROM u"),
            format!("{numbers} INSERT INTO lookups SELECT 386, '', pos FROM u"),
            format!("{numbers} INSERT INTO lookups SELECT 388, '', pos FROM u"),
            format!("INSERT INTO types (number, live, last) VALUES (1, {count}, {count})"),
        ] {
            self.sql.query(&statement, &[]).expect("SQLite writes");
        }
        self.sleep();
        (1..=count).map(|number| format!("{POPULATED}-{number:012x}")).collect()
    }

    /// All rows of all tables.
    pub(crate) fn dump(&self) -> Dump {
        let read = |statement: &str| self.sql.query(statement, &[]).expect("SQLite reads");
        let tables = read("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name");
        let names = tables.iter().map(|row| row.text(0).expect("a name").to_owned());
        names.map(|name| (name.clone(), read(&format!("SELECT * FROM {name}")))).collect()
    }

    /// How many rows a table has.
    pub(crate) fn rows(&self, table: &str) -> i64 {
        let rows = self.sql.query(&format!("SELECT count(*) FROM {table}"), &[]);
        rows.expect("SQLite counts")[0].integer(0).expect("a count")
    }
}

/// What the ids of users begin with that are added by their rows.
const POPULATED: &str = "01900000-0000-7000-8000";

/// The body of a PATCH.
pub(crate) fn patch_op(operations: &Value) -> Value {
    json!({ "schemas": [urn::PATCH_OP], "Operations": operations })
}

/// A resource as bytes, without what tells its versions apart.
pub(crate) fn state(mut resource: Value) -> String {
    if let Some(meta) = resource.get_mut("meta").and_then(Value::as_object_mut) {
        meta.retain(|name, _| !["version", "created", "lastModified"].contains(&name.as_str()));
    }
    resource.to_string()
}

/// A path with a query.
pub(crate) fn with_query(path: &str, query: &[(&str, &str)]) -> String {
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
    format!("{path}?{query}")
}

/// The texts of one field of all resources of a list, or of all values of an attribute.
pub(crate) fn texts(list: &Value, field: &str) -> Vec<String> {
    let values = list.get("Resources").unwrap_or(list).as_array();
    let text = |value: &Value| value[field].as_str().unwrap_or_default().to_owned();
    values.map(|values| values.iter().map(text).collect()).unwrap_or_default()
}

/// The ids of a list's resources.
pub(crate) fn ids(list: &Value) -> Vec<String> {
    texts(list, "id")
}

/// Follows events: who is in a group by what they tell of it. A deleted user leaves without a word
/// about its memberships; `other` judges the types of all other events.
pub(crate) fn follow(events: &[Value], told: &mut BTreeSet<String>, other: impl Fn(&str)) {
    for event in events {
        let data = &event["data"];
        let listed = data["members"].as_array().cloned().unwrap_or_default();
        let listed = listed.iter().map(|id| id.as_str().expect("an id").to_owned());
        match event["type"].as_str().expect("a type") {
            "group.member.added" => {
                listed.for_each(|id| assert!(told.insert(id), "added anew: {data}"));
            }
            "group.member.removed" => {
                listed.for_each(|id| assert!(told.remove(&id), "was there: {data}"));
            }
            "user.deleted" => drop(told.remove(data["id"].as_str().expect("an id"))),
            kind => other(kind),
        }
    }
}

/// The body of an error is RFC 7644 §3.12's, byte for byte.
#[track_caller]
pub(crate) fn check_error(reply: &Reply, (status, scim_type, detail): Refused<'_>, of: &str) {
    let mut error = json!({ "schemas": [urn::ERROR], "status": status.to_string() });
    if !scim_type.is_empty() {
        error["scimType"] = scim_type.into();
    }
    error["detail"] = detail.into();
    assert_eq!(String::from_utf8_lossy(&reply.body), error.to_string(), "{of}");
    assert_eq!(reply.status, status, "{of}");
    assert_eq!(reply.headers["content-type"], "application/scim+json", "{of}");
}

/// What a problem of the admin API says.
#[track_caller]
pub(crate) fn check_problem(reply: &Reply, (status, code, detail): Refused<'_>, of: &str) {
    let body = reply.json();
    let said = (&body["status"], &body["code"], body["detail"].as_str().unwrap_or_default());
    assert_eq!(said, (&status.into(), &code.into(), detail), "{of}");
    assert_eq!(reply.status, status, "{of}");
    assert_eq!(reply.headers["content-type"], "application/problem+json", "{of}");
}
