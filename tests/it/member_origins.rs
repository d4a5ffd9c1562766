//! A member of a group has one row, whoever named it: by whose word it is there, what it is called,
//! and who may remove it.

use serde_json::{Value, json};

use crate::steps::{patch_op, texts};
use crate::support::Acme;

fn members(op: &str, id: &str) -> Value {
    json!([{ "op": op, "path": "members", "value": [{ "value": id }] }])
}

/// The members that a group shows.
fn shown(acme: &mut Acme, path: &str) -> Vec<String> {
    texts(&acme.get(path)["members"], "value")
}

#[test]
fn in_a_group_that_is_nobodys_a_connection_removes_what_it_added_and_no_more() {
    let mut acme = Acme::new();
    let [ada, bob, cyd] = ["ada", "bob", "cyd"].map(|name| acme.user(name));
    let path = format!("/Groups/{}", acme.group("g", &[&ada]));
    let [first, second] = ["onelogin", "generic"].map(|preset| acme.connect(preset));
    acme.with_key(&first, |acme| acme.patch(&path, &members("add", &bob)));
    acme.with_key(&second, |acme| acme.patch(&path, &members("add", &cyd)));
    let all = shown(&mut acme, &path);
    assert_eq!(all, [ada.clone(), bob.clone(), cyd.clone()]);
    // What others have named is not there for it: neither to remove, nor to name anew or otherwise.
    for operations in [
        members("remove", &ada),
        members("remove", &cyd),
        members("add", &ada),
        json!([{ "op": "add", "path": "members", "value": [{ "value": cyd, "display": "C" }] }]),
        json!([{ "op": "remove", "path": format!("members[value eq \"{ada}\"]") }]),
        json!([{ "op": "replace", "path": "members", "value": [{ "value": bob }] }]),
    ] {
        let body = patch_op(&operations);
        acme.with_key(&first, |acme| acme.changes_nothing("PATCH", &path, &body));
    }
    let body = json!({ "displayName": "g", "members": [{ "value": bob }] });
    acme.with_key(&first, |acme| acme.changes_nothing("PUT", &path, &body));
    acme.with_key(&first, |acme| {
        acme.patch(&path, &json!([{ "op": "remove", "path": "members" }]))
    });
    assert_eq!(shown(&mut acme, &path), [ada.clone(), cyd.clone()]);
    // Keys without a connection change all of it.
    acme.patch(&path, &members("remove", &cyd));
    assert_eq!(shown(&mut acme, &path), [ada]);
}

#[test]
fn in_a_group_that_it_manages_a_connection_removes_whom_it_likes() {
    let mut acme = Acme::new();
    let ada = acme.user("ada");
    let key = acme.connect("generic");
    let path = format!("/Groups/{}", acme.with_key(&key, |acme| acme.group("g", &[])));
    acme.patch(&path, &members("add", &ada));
    acme.with_key(&key, |acme| acme.patch(&path, &members("remove", &ada)));
    assert_eq!(shown(&mut acme, &path), Vec::<String>::new());
    // Nor does it have to manage it before the request by which it begins to.
    let path = format!("/Groups/{}", acme.group("other", &[&ada]));
    let body = json!({ "displayName": "renamed" });
    acme.with_key(&key, |acme| acme.put(&path, &body));
    assert_eq!(shown(&mut acme, &path), Vec::<String>::new());
}

#[test]
fn texts_are_removed_by_whom_they_are_of() {
    let mut acme = Acme::new();
    let path = format!("/Groups/{}", acme.group("g", &[]));
    let [first, second] = ["onelogin", "entra"].map(|preset| acme.connect(preset));
    acme.with_key(&first, |acme| acme.patch(&path, &members("add", "ghost")));
    for op in ["remove", "add"] {
        let body = patch_op(&members(op, "ghost"));
        acme.with_key(&second, |acme| acme.changes_nothing("PATCH", &path, &body));
    }
    let none = json!([{ "op": "replace", "path": "members", "value": [] }]);
    acme.with_key(&second, |acme| acme.changes_nothing("PATCH", &path, &patch_op(&none)));
    acme.patch(&path, &none);
    assert_eq!((acme.rows("members"), acme.rows("dangling")), (0, 0));
}

#[test]
fn what_a_connection_that_has_left_had_named_is_anyones_to_remove() {
    let mut acme = Acme::new();
    let ada = acme.user("ada");
    let path = format!("/Groups/{}", acme.group("g", &[]));
    let [first, second] = ["onelogin", "generic"].map(|preset| acme.connect(preset));
    acme.with_key(&first, |acme| acme.patch(&path, &members("add", &ada)));
    let remove = patch_op(&members("remove", &ada));
    acme.with_key(&second, |acme| acme.changes_nothing("PATCH", &path, &remove));
    let gone = acme.admin("DELETE", "/connections/onelogin?users=keep", &Value::Null);
    assert_eq!(gone.status, 204);
    acme.with_key(&second, |acme| acme.patch(&path, &members("remove", &ada)));
    assert_eq!(shown(&mut acme, &path), Vec::<String>::new());
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
