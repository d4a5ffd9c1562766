//! The feed of events over HTTP.

use serde_json::{Value, json};

use crate::ask::Ask;
use crate::scenario::Reply;
use crate::tenant::Tenant;

/// A page of the feed, read with a key that may read nothing else.
fn feed(acme: &Tenant, key: &str, query: &str) -> Reply {
    acme.ask_by(key, "GET", &format!("/events{query}")).is(200)
}

fn items(page: &Reply) -> Vec<Value> {
    page.json()["items"].as_array().expect("a page has items").clone()
}

fn types(items: &[Value]) -> Vec<&str> {
    items.iter().map(|event| event["type"].as_str().expect("a type")).collect()
}

#[test]
fn every_recorded_fact_is_one_event_without_gaps() {
    let acme = Tenant::new("feed");
    let key = acme.mint(&["events:read"]);
    let begun = items(&feed(&acme, &key, "")).len();
    let ada = acme.user("ada");
    let user = format!("/Users/{ada}");
    let group = acme.group("Builders", &[&ada]);
    let replace =
        |path: &str, value: Value| json!({ "op": "replace", "path": path, "value": value });
    acme.patch(&user, &replace("title", json!("Engineer"))).is(200);
    acme.patch(&user, &replace("title", json!("Engineer"))).is(200);
    acme.patch(&user, &replace("active", json!(false))).is(200);
    acme.patch(&user, &replace("active", json!(true))).is(200);
    acme.patch(&format!("/Groups/{group}"), &json!({ "op": "remove", "path": "members" })).is(200);
    acme.scim("DELETE", &user).is(204);
    acme.scim("DELETE", &format!("/Groups/{group}")).is(204);
    acme.scim("POST", "/Users").json(&json!({})).is(400);

    let all = items(&feed(&acme, &key, "?limit=1000"));
    let expected = [
        "user.created",
        "group.created",
        "group.member.added",
        "user.updated",
        "user.deactivated",
        "user.activated",
        "group.member.removed",
        "user.deleted",
        "group.deleted",
    ];
    assert_eq!(types(&all)[begun..], expected);
    for (position, event) in (1_u64..).zip(&all) {
        assert_eq!(event["data"]["seq"], position, "{event}");
        assert_eq!(event["data"]["tenant"], acme.slug, "{event}");
        assert!(event["timestamp"].as_str().is_some_and(|time| time.ends_with('Z')), "{event}");
    }
    let added = &all[begun + 2]["data"];
    assert_eq!((&added["id"], &added["members"]), (&json!(group), &json!([ada])));
    let updated = &all[begun + 3]["data"];
    assert_eq!(updated["changed"], json!(["title"]));
    assert_eq!(updated["previous"], json!({ "title": null }));
    assert!(updated["actor"].as_str().is_some_and(|actor| actor.starts_with("key:")), "{updated}");
}

#[test]
fn the_feed_is_read_in_pages_from_any_place_and_by_type() {
    let acme = Tenant::new("feed-pages");
    let key = acme.mint(&["events:read"]);
    for name in ["a", "b", "c", "d", "e"] {
        acme.user(name);
    }
    let whole = items(&feed(&acme, &key, ""));
    let mut walked = Vec::new();
    let mut after = "0".to_owned();
    loop {
        let page = feed(&acme, &key, &format!("?limit=2&after={after}"));
        assert!(items(&page).len() <= 2);
        walked.extend(items(&page));
        let Some(next) = page.json()["next"].as_str().map(str::to_owned) else { break };
        after = next;
    }
    assert_eq!(walked, whole);
    let created = items(&feed(&acme, &key, "?type=user.created"));
    assert_eq!(types(&created), ["user.created"; 5]);
    let last = whole.len();
    assert_eq!(items(&feed(&acme, &key, &format!("?after={last}"))), Vec::<Value>::new());
    for query in ["?after=x", "?after=-1", "?limit=many"] {
        acme.ask_by(&key, "GET", &format!("/events{query}")).is(400).is_problem("malformed");
    }
}

#[test]
fn the_feed_opens_to_its_scope_alone() {
    let acme = Tenant::new("feed-scope");
    let key = acme.mint(&["events:read"]);
    acme.anonymous("GET", "/Users").bearer(&key).is(403);
    let scim = acme.mint(&["scim", "keys:write", "config:write"]);
    acme.ask_by(&scim, "GET", "/events").is(403).is_problem("insufficient_scope");
    let path = format!("/v1/tenants/{}/events", acme.slug);
    Ask::new("GET", &path).is(401).is_problem("unauthorized");
    acme.admin("GET", "/events").is(200);
}
