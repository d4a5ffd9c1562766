//! A member of a group has a row for each origin that has named it: who sees it, what it is called,
//! and who removes it.

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

/// By whose word each member of a group is there, as a key without a connection is shown.
fn origins(acme: &mut Acme, path: &str) -> Value {
    let group = acme.get(path);
    let members = group["members"].as_array().cloned().unwrap_or_default();
    members.iter().map(|member| member["origin"].clone()).collect()
}

#[test]
fn a_connection_adds_and_removes_rows_of_its_own_and_no_others() {
    let mut acme = Acme::new();
    let [ada, bob, cyd] = ["ada", "bob", "cyd"].map(|name| acme.user(name));
    let path = format!("/Groups/{}", acme.group("g", &[&ada]));
    let [first, second] = ["onelogin", "generic"].map(|preset| acme.connect(preset));
    acme.with_key(&first, |acme| acme.patch(&path, &members("add", &bob)));
    acme.with_key(&second, |acme| acme.patch(&path, &members("add", &cyd)));
    assert_eq!(shown(&mut acme, &path), [ada.clone(), bob.clone(), cyd.clone()]);
    let of_each = [["admin"], ["scim:onelogin"], ["scim:generic"]];
    assert_eq!(origins(&mut acme, &path), json!(of_each));
    acme.with_key(&first, |acme| assert_eq!(shown(acme, &path), [bob.as_str()]));
    // What others have named is not there for it to remove.
    for operations in [
        members("remove", &ada),
        members("remove", &cyd),
        members("add", &bob),
        json!([{ "op": "remove", "path": format!("members[value eq \"{ada}\"]") }]),
        json!([{ "op": "remove", "path": format!("members[value ne \"{bob}\"]") }]),
        json!([{ "op": "replace", "path": "members", "value": [{ "value": bob }] }]),
    ] {
        let body = patch_op(&operations);
        acme.with_key(&first, |acme| acme.changes_nothing("PATCH", &path, &body));
    }
    let body = json!({ "displayName": "g", "members": [{ "value": bob }] });
    acme.with_key(&first, |acme| acme.changes_nothing("PUT", &path, &body));
    // It names them by rows of its own.
    let all = json!([{ "value": ada }, { "value": bob }, { "value": cyd, "display": "C" }]);
    let body = json!({ "displayName": "g", "members": all });
    let put = |acme: &mut Acme| acme.put(&path, &body)["members"].clone();
    let seen = acme.with_key(&first, put);
    assert_eq!(texts(&seen, "display"), ["ada", "bob", "C"]);
    assert!(seen.as_array().unwrap().iter().all(|member| member.get("origin").is_none()));
    acme.with_key(&first, |acme| acme.changes_nothing("PUT", &path, &body));
    acme.with_key(&first, |acme| {
        acme.patch(&path, &json!([{ "op": "remove", "path": "members" }]))
    });
    acme.with_key(&first, |acme| assert_eq!(shown(acme, &path), Vec::<String>::new()));
    assert_eq!(shown(&mut acme, &path), [ada.clone(), cyd.clone()]);
    assert_eq!(texts(&acme.get(&path)["members"], "display"), ["ada", "cyd"]);
    // A member that a key without a connection removes goes whole.
    acme.with_key(&first, |acme| acme.patch(&path, &members("add", &cyd)));
    acme.patch(&path, &members("remove", &cyd));
    assert_eq!(shown(&mut acme, &path), [ada]);
}

#[test]
fn bd_18_a_member_by_hand_and_by_scim_stays_when_the_identity_provider_removes_her() {
    let mut acme = Acme::new();
    let key = acme.connect("okta");
    let path = format!("/Groups/{}", acme.with_key(&key, |acme| acme.group("role", &[])));
    let ada = acme.user("ada");
    acme.patch(&path, &members("add", &ada));
    let version = |acme: &mut Acme| acme.get(&path)["meta"]["version"].clone();
    let before = version(&mut acme);
    let behind = acme.events().len();
    acme.with_key(&key, |acme| acme.patch(&path, &members("add", &ada)));
    assert_ne!(version(&mut acme), before);
    assert_eq!(origins(&mut acme, &path), json!([["admin", "scim:okta"]]), "and she is shown once");
    let user = format!("/Users/{ada}");
    assert_eq!(texts(&acme.get(&user)["groups"], "display"), ["role"]);
    let filter = format!("members.value eq \"{ada}\"");
    acme.with_key(&key, |acme| {
        assert_eq!(acme.found("/Groups", &filter).len(), 1);
        let path = path.as_str();
        acme.changes_nothing("PATCH", path, &patch_op(&members("add", &ada)));
        acme.patch(path, &members("remove", &ada));
        acme.changes_nothing("PATCH", path, &patch_op(&members("remove", &ada)));
        assert_eq!(shown(acme, path), Vec::<String>::new());
        assert_eq!(acme.get(&user).get("groups"), None);
        assert_eq!(acme.found("/Groups", &filter), Vec::<String>::new());
        assert_eq!(acme.found("/Groups", "members pr"), Vec::<String>::new());
    });
    assert_eq!(shown(&mut acme, &path), [ada.as_str()]);
    assert_eq!(texts(&acme.get(&user)["groups"], "display"), ["role"]);
    assert_eq!((acme.found("/Groups", &filter).len(), acme.rows("members")), (1, 1));
    // What has come and gone has changed nobody's membership.
    let told = acme.events().split_off(behind);
    assert_eq!(texts(&json!(told), "type"), ["group.member.added", "group.member.removed"]);
    for event in told {
        let data = &event["data"];
        assert_eq!((&data["members"], &data["stillMembers"]), (&json!([]), &json!([ada])));
    }
}

#[test]
fn a_key_without_a_connection_writes_back_what_it_read_and_adds_by_its_own_word() {
    let mut acme = Acme::new();
    let key = acme.connect("okta");
    let [ada, bob] = ["ada", "bob"].map(|name| acme.user(name));
    let members_of = |ids: &[&String]| -> Value {
        ids.iter().map(|id| json!({ "value": id, "display": "D" })).collect()
    };
    let made = json!({ "displayName": "g", "members": members_of(&[&ada, &bob]) });
    let id = acme.with_key(&key, |acme| acme.post("/Groups", &made)["id"].clone());
    let path = format!("/Groups/{}", id.as_str().unwrap());
    let read = acme.get(&path);
    acme.changes_nothing("PUT", &path, &read);
    let replace = json!([{ "op": "replace", "path": "members", "value": read["members"] }]);
    acme.changes_nothing("PATCH", &path, &patch_op(&replace));
    let refused = json!([{ "op": "replace", "path": "members.origin", "value": "admin" }]);
    let reply = acme.scim("PATCH", &path, &patch_op(&refused));
    assert_eq!((reply.status, &reply.json()["scimType"]), (400, &json!("mutability")));
    acme.patch(&path, &json!([{ "op": "add", "path": "members", "value": read["members"][0] }]));
    assert_eq!(origins(&mut acme, &path), json!([["admin", "scim:okta"], ["scim:okta"]]));
    let by = |origin: &str| format!("members[origin eq \"{origin}\"]");
    assert_eq!(acme.found("/Groups", &by("admin")).len(), 1);
    assert_eq!(acme.found("/Groups", &by("scim:entra")).len(), 0);
    acme.put(&path, &json!({ "displayName": "g", "members": [read["members"][0]] }));
    assert_eq!(origins(&mut acme, &path), json!([["admin", "scim:okta"]]));
}

#[test]
fn indirect_groups_are_those_of_rows_that_the_connection_sees() {
    let mut acme = Acme::new();
    let key = acme.connect("okta");
    let ada = acme.user("ada");
    let user = format!("/Users/{ada}");
    let inner = acme.with_key(&key, |acme| acme.group("inner", &[&ada]));
    acme.group("outer", &[&inner]);
    let groups = |acme: &mut Acme| texts(&acme.get(&user)["groups"], "display");
    assert_eq!(groups(&mut acme), ["inner", "outer"]);
    acme.with_key(&key, |acme| assert_eq!(groups(acme), ["inner"]));
    acme.with_key(&key, |acme| acme.group("own", &[&inner]));
    acme.with_key(&key, |acme| assert_eq!(groups(acme), ["inner", "own"]));
}

#[test]
fn texts_have_rows_of_each_origin_too() {
    let mut acme = Acme::new();
    let path = format!("/Groups/{}", acme.group("g", &[]));
    let [first, second] = ["onelogin", "entra"].map(|preset| acme.connect(preset));
    let behind = acme.events().len();
    let ask = |acme: &mut Acme, key: &str, op: &str| {
        acme.with_key(key, |acme| {
            let reply = acme.scim("PATCH", &path, &patch_op(&members(op, "ghost")));
            assert!(reply.status < 300, "{}", reply.json());
            let body = patch_op(&members(op, "ghost"));
            acme.changes_nothing("PATCH", &path, &body);
        });
    };
    ask(&mut acme, &second, "remove");
    ask(&mut acme, &first, "add");
    ask(&mut acme, &second, "add");
    assert_eq!(origins(&mut acme, &path), json!([["scim:entra", "scim:onelogin"]]));
    ask(&mut acme, &first, "remove");
    acme.with_key(&first, |acme| assert_eq!(shown(acme, &path), Vec::<String>::new()));
    assert_eq!(shown(&mut acme, &path), ["ghost"]);
    acme.with_key(&first, |acme| {
        assert_eq!(acme.found("/Groups", "members.value eq \"ghost\""), Vec::<String>::new());
    });
    let none = json!([{ "op": "replace", "path": "members", "value": [] }]);
    ask(&mut acme, &first, "add");
    acme.patch(&path, &none);
    assert_eq!((acme.rows("members"), acme.rows("dangling")), (0, 0));
    let told = acme.events().split_off(behind);
    let told: Vec<_> = told.iter().map(|event| event["data"]["keptAsSent"].as_u64()).collect();
    assert_eq!(told, [Some(1), None, None, None, Some(1)]);
}

#[test]
fn a_text_becomes_a_member_by_the_word_of_each_who_sent_it() {
    let mut acme = Acme::new();
    let path = format!("/Groups/{}", acme.group("g", &[]));
    let keys = ["onelogin", "entra"].map(|preset| acme.connect(preset));
    for key in &keys {
        let add = members("add", "ada");
        acme.with_key(key, |acme| acme.scim("PATCH", &path, &patch_op(&add)));
    }
    let behind = acme.events().len();
    let ada = acme.user("ada");
    assert_eq!(origins(&mut acme, &path), json!([["scim:entra", "scim:onelogin"]]));
    for key in &keys {
        acme.with_key(key, |acme| assert_eq!(shown(acme, &path), [ada.as_str()]));
    }
    let told = acme.events().split_off(behind);
    let of = |name: &str| told.iter().map(|event| event["data"][name].clone()).collect::<Vec<_>>();
    assert_eq!(of("members"), [Value::Null, json!([ada]), json!([])]);
    assert_eq!(of("keptAsSent"), [Value::Null, Value::Null, json!(1)]);
}

#[test]
fn what_a_connection_that_has_left_had_named_every_connection_sees_and_may_remove() {
    let mut acme = Acme::new();
    let ada = acme.user("ada");
    let path = format!("/Groups/{}", acme.group("g", &[]));
    let [first, second] = ["onelogin", "generic"].map(|preset| acme.connect(preset));
    acme.with_key(&first, |acme| acme.patch(&path, &members("add", &ada)));
    let remove = patch_op(&members("remove", &ada));
    acme.with_key(&second, |acme| acme.changes_nothing("PATCH", &path, &remove));
    let gone = acme.admin("DELETE", "/connections/onelogin?users=keep", &Value::Null);
    assert_eq!(gone.status, 204);
    let third = acme.connect("entra");
    for key in [&second, &third] {
        acme.with_key(key, |acme| assert_eq!(shown(acme, &path), [ada.as_str()]));
    }
    // Whoever names her has a row of its own, which others do not remove with that.
    acme.with_key(&second, |acme| acme.patch(&path, &members("add", &ada)));
    acme.with_key(&third, |acme| acme.scim("PATCH", &path, &remove));
    assert_eq!(origins(&mut acme, &path), json!([["scim:generic"]]));
    acme.with_key(&second, |acme| acme.patch(&path, &members("remove", &ada)));
    assert_eq!(shown(&mut acme, &path), Vec::<String>::new());
}

#[test]
fn another_connection_of_the_same_id_has_the_rows_of_the_one_that_left() {
    let mut acme = Acme::new();
    let ada = acme.user("ada");
    let path = format!("/Groups/{}", acme.group("g", &[]));
    let [first, second] = ["onelogin", "generic"].map(|preset| acme.connect(preset));
    acme.with_key(&first, |acme| acme.patch(&path, &members("add", &ada)));
    acme.admin("DELETE", "/connections/onelogin?users=keep", &Value::Null);
    let again = acme.connect("onelogin");
    acme.with_key(&second, |acme| assert_eq!(shown(acme, &path), Vec::<String>::new()));
    acme.with_key(&again, |acme| assert_eq!(shown(acme, &path), [ada]));
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
