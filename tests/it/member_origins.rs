//! A member of a group has one row, whoever named it: by whose word it is there, what it is called,
//! and who may remove it.

use serde_json::json;

use crate::steps::patch_op;
use crate::support::Acme;

#[test]
fn a_member_that_another_origin_added_is_removed_like_any_other() {
    let mut acme = Acme::new();
    let ada = acme.user("ada");
    let path = format!("/Groups/{}", acme.group("g", &[&ada]));
    let connected = acme.connect("onelogin");
    let own = acme.key.clone();
    let add = patch_op(&json!([{ "op": "add", "path": "members", "value": [{ "value": ada }] }]));
    let remove =
        patch_op(&json!([{ "op": "remove", "path": "members", "value": [{ "value": ada }] }]));
    for key in [&connected, &own] {
        let before = acme.dump();
        acme.scim_with("PATCH", &path, &add, key, &[]);
        assert_eq!(acme.dump(), before, "one row a member");
        let reply = acme.scim_with("PATCH", &path, &remove, key, &[]);
        assert_eq!((reply.status, reply.json().get("members")), (200, None));
        acme.scim_with("PATCH", &path, &add, key, &[]);
    }
    let ghost = json!([{ "op": "add", "path": "members", "value": [{ "value": "ghost" }] }]);
    acme.scim_with("PATCH", &path, &patch_op(&ghost), &connected, &[]);
    let replace = json!([{ "op": "replace", "path": "members", "value": [] }]);
    let reply = acme.scim_with("PATCH", &path, &patch_op(&replace), &own, &[]);
    assert_eq!((reply.status, reply.json().get("members")), (200, None));
    assert_eq!((acme.rows("members"), acme.rows("dangling")), (0, 0));
}

#[test]
fn a_member_takes_the_display_that_was_sent_last() {
    let mut acme = Acme::new();
    let ada = acme.user("ada");
    let path = format!("/Groups/{}", acme.group("g", &[&ada]));
    let shown = |acme: &mut Acme| {
        let group = acme.get(&path);
        let field = |name: &str| group["members"][0][name].as_str().expect("a text").to_owned();
        (field("display"), group["meta"]["version"].as_str().expect("a version").to_owned())
    };
    let member = |display: &str| json!([{ "value": ada, "display": display }]);
    let add = |display: &str| json!([{ "op": "add", "path": "members", "value": member(display) }]);
    let remove = json!({ "op": "remove", "path": "members", "value": [{ "value": ada }] });
    let bare = json!([{ "op": "add", "path": "members", "value": [{ "value": ada }] }]);
    let both = json!([remove, add("Cyd")[0]]);
    for (operations, display, version) in [
        (json!([]), "ada", 1),
        (add("Ada"), "Ada", 2),
        (add("Ada"), "Ada", 2),
        (bare, "Ada", 2),
        (json!([{ "op": "replace", "path": "members", "value": member("Bob") }]), "Bob", 3),
        (both, "Cyd", 4),
    ] {
        let before = acme.events().len();
        if operations != json!([]) {
            acme.patch(&path, &operations);
        }
        let expected = (display.to_owned(), format!("W/\"{version}\""));
        assert_eq!(shown(&mut acme), expected, "{operations}");
        let changed = acme.event_types(before);
        assert!(changed.iter().all(|kind| kind == "group.updated"), "{changed:?}");
    }
    assert_eq!(acme.event_types(0).iter().filter(|kind| *kind == "group.updated").count(), 3);
    assert_eq!(acme.rows("members"), 1);
}
