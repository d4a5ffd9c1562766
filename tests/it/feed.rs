//! What who follows a tenant can rely on, by the rows of the mission that name it.

use serde_json::{Value, json};

use crate::steps::patch_op;
use crate::support::Acme;

/// The events behind some, each by its type and what is special to it.
fn behind(acme: &mut Acme, count: usize) -> Vec<(String, Value)> {
    let events = acme.events().split_off(count);
    let told = |event: Value| {
        let mut data = event["data"].clone();
        let fields = data.as_object_mut().expect("data");
        for name in ["tenant", "seq", "connection", "actor"] {
            assert!(fields.shift_remove(name).is_some(), "{event}");
        }
        (event["type"].as_str().expect("a type").to_owned(), data)
    };
    events.into_iter().map(told).collect()
}

#[test]
fn bd_25_new_and_deleted_users_changed_details_and_changed_membership_are_told() {
    let mut acme = Acme::new();
    let (ada, bob) = (acme.user("ada"), acme.user("bob"));
    let crew = acme.group("crew", &[]);
    let members = |op: &str, id: &str| {
        patch_op(&json!([{ "op": op, "path": "members", "value": [{ "value": id }] }]))
    };
    let title = patch_op(&json!([{ "op": "add", "path": "title", "value": "Dev" }]));
    let (user, group) = (format!("/Users/{ada}"), format!("/Groups/{crew}"));
    for (method, path, body, kind, data) in [
        (
            "PATCH",
            user.as_str(),
            title,
            "user.updated",
            json!({ "resourceType": "User", "id": ada, "previous": { "title": null }, "changed": ["title"] }),
        ),
        (
            "PATCH",
            group.as_str(),
            members("add", &bob),
            "group.member.added",
            json!({ "resourceType": "Group", "id": crew, "members": [bob] }),
        ),
        (
            "PATCH",
            group.as_str(),
            members("remove", &bob),
            "group.member.removed",
            json!({ "resourceType": "Group", "id": crew, "members": [bob] }),
        ),
        (
            "DELETE",
            user.as_str(),
            Value::Null,
            "user.deleted",
            json!({ "resourceType": "User", "id": ada }),
        ),
    ] {
        let count = acme.events().len();
        assert!(acme.scim(method, path, &body).status < 300, "{kind}");
        assert_eq!(behind(&mut acme, count), [(kind.to_owned(), data)]);
    }
    let count = acme.events().len();
    let cyd = acme.user("cyd");
    let data = json!({ "resourceType": "User", "id": cyd, "changed": ["userName"] });
    assert_eq!(behind(&mut acme, count), [("user.created".to_owned(), data)]);
}

#[test]
fn bd_24_a_second_sync_that_says_the_same_is_no_event_and_no_new_version() {
    let mut acme = Acme::new();
    let key = acme.connect("entra");
    let body = |number: usize| {
        json!({ "userName": format!("u{number}@acme.com"), "externalId": format!("e{number}"),
            "active": true, "title": "Dev", "emails": [{ "value": format!("u{number}@acme.com") }] })
    };
    let sync = |acme: &mut Acme, ids: &mut Vec<String>| {
        for number in 0..20 {
            let body = body(number);
            let reply = match ids.get(number) {
                None => acme.scim_with("POST", "/Users", &body, &key, &[]),
                Some(id) => acme.scim_with("PUT", &format!("/Users/{id}"), &body, &key, &[]),
            };
            assert!(reply.status < 300, "{}", reply.json());
            if ids.len() == number {
                ids.push(reply.json()["id"].as_str().expect("an id").to_owned());
            }
        }
        let members: Value = ids.iter().take(20).map(|id| json!({ "value": id })).collect();
        let group = json!({ "displayName": "all", "members": members });
        let reply = match ids.get(20) {
            None => acme.scim_with("POST", "/Groups", &group, &key, &[]),
            Some(id) => acme.scim_with("PUT", &format!("/Groups/{id}"), &group, &key, &[]),
        };
        assert!(reply.status < 300, "{}", reply.json());
        if ids.len() == 20 {
            ids.push(reply.json()["id"].as_str().expect("an id").to_owned());
        }
    };
    let versions = |acme: &mut Acme| -> Vec<Value> {
        let lists = ["/Users?count=100", "/Groups?count=100"].map(|path| acme.get(path));
        let resources = lists.iter().flat_map(|list| list["Resources"].as_array().expect("a list"));
        resources.map(|resource| resource["meta"].clone()).collect()
    };
    let mut ids = Vec::new();
    sync(&mut acme, &mut ids);
    let (events, before) = (acme.events().len(), versions(&mut acme));
    assert_eq!(before.len(), 21);
    for _ in 0..2 {
        acme.wait(2_400);
        sync(&mut acme, &mut ids);
    }
    assert_eq!((acme.events().len(), versions(&mut acme)), (events, before));
}
