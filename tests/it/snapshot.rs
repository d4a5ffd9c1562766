//! A snapshot: what there is, as of a place in the log, to a key for what it may read.

use muster::limits;
use serde_json::{Value, json};

use crate::steps::check_problem;
use crate::support::{ADMIN, Acme};

impl Acme {
    /// A page of a snapshot by a key.
    fn snapshot_page(&mut self, query: &str, key: &str) -> Value {
        let path = format!("/v1/tenants/acme/snapshot?{query}");
        let reply = self.ask("GET", &path, &Value::Null, key);
        assert_eq!(reply.status, 200, "{query}: {}", reply.json());
        reply.json()
    }

    /// All items that a key sees, so many on a page.
    fn snapshot(&mut self, limit: usize, key: &str) -> Vec<Value> {
        let (mut items, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = self.snapshot_page(&format!("limit={limit}&cursor={cursor}"), key);
            let found = page["items"].as_array().expect("items");
            assert!(found.len() <= limit, "{page}");
            items.extend(found.iter().cloned());
            match page["next"].as_str() {
                Some(next) => next.clone_into(&mut cursor),
                None => return items,
            }
        }
    }
}

/// The scopes for all that a snapshot has.
const ALL: [&str; 4] = ["events:read", "scim.users:read", "scim.groups:read", "access:read"];

/// A tenant with two users and two groups, one of them in the other.
fn given() -> (Acme, [String; 4]) {
    let mut acme = Acme::new();
    let mapping =
        json!({ "id": "m", "condition": "title eq \"Lead\"", "grants": [{ "role": "r" }] });
    acme.policy(&json!({ "mappings": [mapping], "features": { "roles": true } }));
    let ada = acme.post("/Users", &json!({ "userName": "ada", "title": "Lead" }));
    let ada = ada["id"].as_str().expect("an id").to_owned();
    let bob = acme.user("bob");
    let inner = acme.group("inner", &[&ada, &bob]);
    let outer = acme.group("outer", &[&inner, &bob]);
    acme.post("/Roles", &json!({ "value": "admin" }));
    acme.post("/Users", &json!({ "userName": "gone" }));
    let gone = acme.list("/Users", &[("filter", "userName eq \"gone\"")]);
    let gone = gone["Resources"][0]["id"].as_str().expect("an id").to_owned();
    acme.delete(&format!("/Users/{gone}"));
    (acme, [ada, bob, inner, outer])
}

#[test]
fn a_snapshot_has_resources_and_then_memberships() {
    let (mut acme, [ada, bob, inner, outer]) = given();
    let key = acme.mint(&ALL);
    let last = acme.tenant.last_seq();
    let page = acme.snapshot_page("", &key);
    assert_eq!(page["seq"].as_i64(), last);
    for limit in [1, 2, 3, 1_000] {
        let mut items = acme.snapshot(limit, &key);
        let members = items.split_off(5);
        let shown: Vec<(&str, &str)> = items
            .iter()
            .map(|item| {
                let name = ["userName", "displayName", "value"]
                    .into_iter()
                    .find_map(|name| item["document"][name].as_str());
                (item["resourceType"].as_str().expect("a type"), name.expect("a name"))
            })
            .collect();
        let expected = [
            ("User", "ada"),
            ("User", "bob"),
            ("Group", "inner"),
            ("Group", "outer"),
            ("Role", "admin"),
        ];
        assert_eq!(shown, expected);
        assert_eq!(items[0]["id"], ada.as_str());
        assert_eq!(items[0]["document"]["id"], ada.as_str());
        assert_eq!(items[0]["access"]["grants"][0]["role"], "r");
        assert_eq!(items[1]["access"]["grants"], json!([]));
        assert_eq!(items[2].get("access"), None);
        assert_eq!(
            (items[2]["document"].get("members"), items[0]["document"].get("groups")),
            (None, None)
        );
        let mut told: Vec<(&str, &str)> = members
            .iter()
            .flat_map(|item| {
                let group = item["id"].as_str().expect("an id");
                let members = item["members"].as_array().expect("members").iter();
                members.map(move |member| (group, member.as_str().expect("an id")))
            })
            .collect();
        told.sort_unstable();
        let mut expected = [
            (inner.as_str(), ada.as_str()),
            (inner.as_str(), bob.as_str()),
            (outer.as_str(), bob.as_str()),
            (outer.as_str(), inner.as_str()),
        ];
        expected.sort_unstable();
        assert_eq!(told, expected, "{limit} on a page");
    }
}

#[test]
fn a_key_sees_of_it_what_it_may_read() {
    let (mut acme, _) = given();
    let of_type = |items: &[Value], name: &str, field: &str| {
        items.iter().any(|item| item["resourceType"] == name && item.get(field).is_some())
    };
    for (scopes, users, groups, access) in [
        (&["events:read"][..], false, false, false),
        (&["events:read", "scim.users:read"], true, false, false),
        (&["events:read", "scim.groups:read"], false, true, false),
        (&["events:read", "access:read"], false, false, true),
        (&["events:read", "scim.users:write", "access:read"], true, false, true),
        (&ALL, true, true, true),
    ] {
        let key = acme.mint(scopes);
        let items = acme.snapshot(100, &key);
        assert_eq!(items.iter().filter(|item| item["resourceType"] == "User").count(), 2);
        let seen = (
            of_type(&items, "User", "document"),
            of_type(&items, "Group", "document"),
            of_type(&items, "User", "access"),
        );
        assert_eq!(seen, (users, groups, access), "{scopes:?}");
        assert_eq!(of_type(&items, "Group", "members"), groups, "{scopes:?}");
        let text = Value::from(items).to_string();
        assert_eq!(text.contains("Lead"), users, "{scopes:?}");
    }
    for scopes in [&["scim", "access:read"][..], &["data:export"]] {
        let key = acme.mint(scopes);
        let reply = acme.ask("GET", "/v1/tenants/acme/snapshot", &Value::Null, &key);
        assert_eq!(reply.status, 403, "{scopes:?}");
    }
}

#[test]
fn a_cursor_is_of_its_key_for_an_hour() {
    let (mut acme, _) = given();
    let (key, other) = (acme.mint(&ALL), acme.mint(&ALL));
    let first = acme.snapshot_page("limit=1", &key);
    let next = first["next"].as_str().expect("a cursor").to_owned();
    acme.user("late");
    acme.sleep();
    let second = acme.snapshot_page(&format!("limit=1&cursor={next}"), &key);
    assert_eq!(second["seq"], first["seq"], "the place is that of the first page");
    let invalid = "`cursor` is none of a snapshot for this key";
    let refuse = |acme: &mut Acme, cursor: &str, key: &str, detail: &str| {
        let path = format!("/v1/tenants/acme/snapshot?cursor={cursor}");
        let reply = acme.ask("GET", &path, &Value::Null, key);
        check_problem(&reply, (400, "malformed", detail), cursor);
    };
    refuse(&mut acme, &next, &other, invalid);
    let changed = format!("B{}", &next[1..]);
    for cursor in
        [changed.as_str(), &next[4..], "x", "%20", &"x".repeat(limits::CURSOR_CHARACTERS + 1)]
    {
        refuse(&mut acme, cursor, &key, invalid);
    }
    acme.wait(limits::CURSOR_TTL_SECONDS - 1);
    acme.snapshot_page(&format!("cursor={next}"), &key);
    acme.wait(1);
    refuse(&mut acme, &next, &key, "`cursor` has expired");
}

#[test]
fn a_cursor_of_a_tenant_that_was_is_none_of_the_one_that_is() {
    let (mut acme, _) = given();
    let page = acme.snapshot_page("limit=1", ADMIN);
    let path = format!("/snapshot?cursor={}", page["next"].as_str().expect("a cursor"));
    assert_eq!(acme.admin("GET", &path, &Value::Null).status, 200);
    let detail = "`cursor` is none of a snapshot for this key";
    let refused = Acme::new().admin("GET", &path, &Value::Null);
    check_problem(&refused, (400, "malformed", detail), "another log");
}

#[test]
fn a_page_has_so_many_resources_or_memberships() {
    let mut acme = Acme::new();
    let users = acme.populate(limits::SNAPSHOT_RESOURCES + 1);
    let members: Vec<&str> = users.iter().map(String::as_str).collect();
    acme.group("all", &members);
    let key = acme.mint(&ALL);
    let mut sizes = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = acme.snapshot_page(&format!("limit=1000&cursor={cursor}"), &key);
        let items = page["items"].as_array().expect("items");
        let members = items.iter().filter_map(|item| item["members"].as_array()).map(Vec::len);
        sizes.push((items.len(), members.sum::<usize>()));
        let Some(next) = page["next"].as_str() else { break };
        next.clone_into(&mut cursor);
    }
    let most = limits::SNAPSHOT_RESOURCES;
    assert_eq!(sizes, [(most, 0), (2, 0), (0, 0), (1, most), (1, 1)]);
}
