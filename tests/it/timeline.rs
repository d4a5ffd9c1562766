//! The timeline of a user: requests and events in one list.

use muster::limits;
use serde_json::{Value, json};

use crate::scenario::Reply;
use crate::steps::patch_op;
use crate::support::Acme;

fn timeline(acme: &mut Acme, id: &str, query: &str) -> Reply {
    acme.admin("GET", &format!("/users/{id}/timeline{query}"), &Value::Null)
}

/// What it tells, the latest last, each in a few words.
fn told(acme: &mut Acme, id: &str) -> Vec<String> {
    let page = timeline(acme, id, "").json();
    let text = |item: &Value, name: &str| item[name].as_str().unwrap_or_default().to_owned();
    let words = |item: &Value| match item["kind"].as_str() {
        Some("event") => text(item, "type"),
        _ => format!("{} {} {}", text(item, "method"), text(item, "route"), item["status"]),
    };
    page["items"].as_array().unwrap().iter().rev().map(words).collect()
}

/// Looks for a user as identity providers do.
fn look_for(acme: &mut Acme, key: &str, filter: &str) {
    let reply = acme.with_key(key, |acme| acme.list("/Users", &[("filter", filter)]));
    assert!(reply["totalResults"].is_u64());
}

#[test]
fn bz_05_one_read_shows_what_pushing_one_user_did() {
    let mut acme = Acme::new();
    let key = acme.connect("entra");
    look_for(&mut acme, &key, "userName eq \"Ada@acme.example\"");
    look_for(&mut acme, &key, "userName eq \"eve@acme.example\"");
    acme.wait(1);
    let ada = json!({ "userName": "ada@acme.example", "externalId": "E-1", "active": true });
    let made = acme.with_key(&key, |acme| acme.post("/Users", &ada));
    let id = made["id"].as_str().unwrap().to_owned();
    acme.wait(1);
    let path = format!("/Users/{id}");
    acme.scim_with("GET", &path, &Value::Null, &key, &[]);
    let expected =
        ["GET scim.User.list 200", "POST scim.User.list 201", "user.created", "GET scim.User 200"];
    assert_eq!(told(&mut acme, &id), expected);
    let page = timeline(&mut acme, &id, "").json().to_string();
    assert!(!page.contains("acme.example"), "{page}");

    acme.wait(1);
    let off = json!([{ "op": "replace", "path": "active", "value": "maybe" }]);
    acme.scim_with("PATCH", &path, &patch_op(&off), &key, &[]);
    look_for(&mut acme, &key, "externalId eq \"E-1\"");
    acme.wait(limits::FLUSH_MILLISECONDS / 1_000);
    acme.alarms();
    acme.sleep();
    let told = told(&mut acme, &id);
    assert_eq!(told[4..], ["PATCH scim.User 400", "GET scim.User.list 200"], "read from its rows");
}

#[test]
fn a_timeline_tells_of_groups_and_of_decisions_and_outlives_the_user() {
    let mut acme = Acme::new();
    let (ada, eve) = (acme.user("ada"), acme.user("eve"));
    acme.group("Builders", &[&ada]);
    acme.wait(1);
    acme.admin("POST", &format!("/users/{ada}/suspend"), &json!({}));
    let both = told(&mut acme, &ada);
    assert!(both.contains(&"group.member.added".to_owned()), "{both:?}");
    assert!(both.iter().any(|line| line.starts_with("POST user.suspend 2")), "{both:?}");
    assert_eq!(told(&mut acme, &eve), ["POST scim.User.list 201", "user.created"]);
    acme.wait(1);
    acme.delete(&format!("/Users/{ada}"));
    let after = told(&mut acme, &ada);
    assert_eq!(after[after.len() - 2..], ["DELETE scim.User 204", "user.deleted"]);
}

#[test]
fn a_timeline_tells_what_was_there_before_to_who_reads_users() {
    let mut acme = Acme::new();
    let id = acme.user("ada");
    let named = json!({ "userName": "ada", "name": { "givenName": "Ada" } });
    acme.scim("PUT", &format!("/Users/{id}"), &named);
    acme.scim("PUT", &format!("/Users/{id}"), &json!({ "userName": "eve" }));
    let mut previous = |scopes: &[&str]| {
        let key = acme.mint(scopes);
        let path = format!("/v1/tenants/acme/users/{id}/timeline");
        let page = acme.ask("GET", &path, &Value::Null, &key).json();
        let items = page["items"].as_array().unwrap().clone();
        let updated: Vec<Value> =
            items.into_iter().filter(|item| item["type"] == "user.updated").collect();
        assert_eq!(updated.len(), 2, "{scopes:?}");
        updated[0]["data"].get("previous").cloned()
    };
    assert_eq!(previous(&["access:read"]), None);
    assert_eq!(previous(&["access:read", "scim.groups:read"]), None);
    let told = previous(&["access:read", "scim.users:read"]).unwrap();
    assert_eq!(told["userName"], "ada");
}

#[test]
fn a_timeline_has_a_limit_and_is_of_somebody() {
    let mut acme = Acme::new();
    let id = acme.user("ada");
    let page = timeline(&mut acme, &id, "?limit=1").json();
    assert_eq!(page["items"].as_array().unwrap().len(), 1);
    assert_eq!(timeline(&mut acme, "nobody", "").status, 404);
    let group = acme.group("Builders", &[]);
    assert_eq!(timeline(&mut acme, &group, "").status, 404, "a group is nobody");
}

#[test]
fn of_a_filter_with_many_values_a_few_are_kept() {
    let mut acme = Acme::new();
    let key = acme.connect("okta");
    let names: Vec<String> = (0..=limits::LOOKED_FOR).map(|n| format!("ada{n}")).collect();
    let ids: Vec<String> = names.iter().map(|name| acme.user(name)).collect();
    let one = |name: &String| format!("userName eq \"{name}\"");
    let filter = names.iter().map(one).collect::<Vec<_>>().join(" or ");
    look_for(&mut acme, &key, &filter);
    let seen = |acme: &mut Acme, id: &String| {
        told(acme, id).contains(&"GET scim.User.list 200".to_owned())
    };
    let seen: Vec<bool> = ids.iter().map(|id| seen(&mut acme, id)).collect();
    assert_eq!(seen, [true, true, false]);
}
