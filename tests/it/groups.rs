//! Groups: round trips, how large ones are answered, what each key sees of them.

use std::slice;

use muster::limits;
use muster::scim::urn::GROUP;
use serde_json::{Value, json};

use crate::steps::{ids, patch_op, texts, with_query};
use crate::support::{Acme, ORIGIN};

#[test]
fn a_group_round_trips() {
    let mut acme = Acme::new();
    let ada = acme.user("ada");
    let body = json!({
        "schemas": [GROUP],
        "externalId": "g-1",
        "displayName": "Crew",
        "members": [{ "value": ada }],
    });
    let reply = acme.scim("POST", "/Groups", &body);
    let created = reply.json();
    let id = created["id"].as_str().expect("an id").to_owned();
    let path = format!("/Groups/{id}");
    assert_eq!(
        (reply.status, &reply.headers["location"]),
        (201, &format!("{ORIGIN}/t/acme/scim/v2{path}"))
    );
    assert_eq!(created["meta"]["location"], json!(reply.headers["location"]));
    assert_eq!(acme.get(&path), created);
    assert_eq!(acme.get("/Groups")["Resources"], json!([created]));
    for filter in [r#"displayName eq "CREW""#, r#"externalId eq "g-1""#] {
        assert_eq!(acme.found("/Groups", filter), slice::from_ref(&id), "{filter}");
    }

    let rename = json!([{ "op": "Replace", "value": { "id": id, "displayName": "Team" } }]);
    let renamed = acme.patch(&path, &rename).json();
    assert_eq!(
        (&renamed["displayName"], &renamed["members"]),
        (&json!("Team"), &created["members"])
    );
    assert_eq!(acme.found("/Groups", r#"displayName eq "Crew""#), Vec::<String>::new());
    let replaced =
        acme.put(&path, &json!({ "displayName": "Team", "members": created["members"] }));
    assert_eq!((replaced.get("externalId"), &replaced["members"]), (None, &created["members"]));

    acme.delete(&path);
    acme.refused("GET", &path, &Value::Null, (404, "", "there is no such resource"));
    assert_eq!(acme.get("/Groups")["totalResults"], 0);
    let returned = acme.post("/Groups", &body);
    assert_ne!(returned["id"], json!(id));
}

#[test]
fn groups_may_share_a_name() {
    let mut acme = Acme::new();
    let same = [acme.group("crew", &[]), acme.group("Crew", &[])];
    assert_eq!(acme.found("/Groups", r#"displayName eq "CREW""#), same);
}

#[test]
fn a_group_needs_a_name() {
    let mut acme = Acme::new();
    let error = (400, "invalidValue", "`displayName` is required");
    acme.refused("POST", "/Groups", &json!({ "members": [] }), error);
}

#[test]
fn members_are_left_out_where_they_are_not_asked_for() {
    let mut acme = Acme::new();
    let ada = acme.user("ada");
    let path = format!("/Groups/{}", acme.group("crew", &[&ada]));
    for query in ["excludedAttributes=members", "attributes=displayName", "attributes=id,schemas"] {
        assert_eq!(acme.get(&format!("{path}?{query}")).get("members"), None, "{query}");
        let listed = acme.get(&format!("/Groups?{query}"));
        assert_eq!(listed["Resources"][0].get("members"), None, "{query}");
    }
    let shown = acme.get(&format!("{path}?attributes=members.value"));
    assert_eq!(shown["members"], json!([{ "value": ada }]));
    assert_eq!(shown.get("displayName"), None);
}

#[test]
fn a_patch_answers_with_the_group_unless_it_is_large() {
    let mut acme = Acme::new();
    let most = usize::try_from(limits::PATCH_SHOWN_MEMBERS).expect("a count");
    let users = acme.populate(most + 1);
    let members: Vec<&str> = users.iter().map(String::as_str).collect();
    let path = format!("/Groups/{}", acme.group("crew", &members[..most]));
    let rename = |name: &str| json!([{ "op": "replace", "path": "displayName", "value": name }]);
    let reply = acme.patch(&path, &rename("team"));
    assert_eq!((reply.status, texts(&reply.json()["members"], "value").len()), (200, most));
    let add = json!([{ "op": "add", "path": "members", "value": [{ "value": users[most] }] }]);
    let reply = acme.patch(&path, &add);
    assert_eq!((reply.status, reply.body.len()), (204, 0));
    assert_eq!(reply.headers["etag"], "W/\"3\"");
    let remove = json!([{ "op": "remove", "path": "members", "value": [{ "value": users[0] }] }]);
    assert_eq!(acme.patch(&path, &remove).status, 200);
}

#[test]
fn an_entra_connection_is_answered_204_to_every_patch() {
    let mut acme = Acme::new();
    let key = acme.connect("entra");
    let (user, group) = (acme.user("ada"), acme.group("crew", &[]));
    let paths =
        [(format!("/Users/{user}"), "nickName"), (format!("/Groups/{group}"), "displayName")];
    for (path, attribute) in paths {
        for value in ["x", "x"] {
            let operations = json!([{ "op": "Replace", "path": attribute, "value": value }]);
            let reply = acme.scim_with("PATCH", &path, &patch_op(&operations), &key, &[]);
            assert_eq!((reply.status, reply.body.len()), (204, 0), "{path}");
        }
    }
}

#[test]
fn a_client_may_prefer_a_minimal_answer() {
    let mut acme = Acme::new();
    let (key, path) = (acme.key.clone(), format!("/Users/{}", acme.user("ada")));
    let operations = json!([{ "op": "replace", "path": "title", "value": "Poet" }]);
    let put = json!({ "userName": "ada", "title": "Analyst" });
    for (prefer, status) in [
        ("return=minimal", 204),
        ("respond-async, Return=Minimal", 204),
        ("return=representation", 200),
    ] {
        for (method, body) in [("PATCH", patch_op(&operations)), ("PUT", put.clone())] {
            let reply = acme.scim_with(method, &path, &body, &key, &[("Prefer", prefer)]);
            assert_eq!(reply.status, status, "{method} {prefer}");
        }
    }
    assert_eq!(acme.get(&path)["title"], "Analyst");
}

#[test]
fn a_large_group_is_shown_whole_and_in_order() {
    let mut acme = Acme::new();
    let count = limits::MEMBERS_STEP * 2 + 1_000;
    let users = acme.populate(count);
    let path = format!("/Groups/{}", acme.group("all", &[]));
    // In two requests and not in order.
    let (some, others): (Vec<_>, Vec<_>) = users.iter().rev().partition(|id| id.ends_with('7'));
    for part in [some, others] {
        let value: Value = part.iter().map(|id| json!({ "value": id })).collect();
        acme.patch(&path, &json!([{ "op": "add", "path": "members", "value": value }]));
    }
    assert_eq!(texts(&acme.get(&path)["members"], "value"), users);
    let excluded = acme.get(&format!("{path}?excludedAttributes=members"));
    assert_eq!(excluded.get("members"), None);

    // Steps end exactly with the last member.
    let value: Value =
        users[limits::MEMBERS_STEP * 2..].iter().map(|id| json!({ "value": id })).collect();
    acme.patch(&path, &json!([{ "op": "remove", "path": "members", "value": value }]));
    assert_eq!(texts(&acme.get(&path)["members"], "value"), users[..limits::MEMBERS_STEP * 2]);
}

#[test]
fn a_key_sees_what_its_scopes_open() {
    let mut acme = Acme::new();
    let ada = acme.made("/Users", &json!({ "userName": "ada", "displayName": "Ada L." }));
    let crew = acme.group("crew", &[&ada]);
    let team = json!({ "displayName": "team", "members": [{ "value": ada, "display": "Sent" }] });
    acme.post("/Groups", &team);
    let users_only = acme.mint(&["scim.users:read"]);
    let groups_only = acme.mint(&["scim.groups:write"]);
    let ask = |acme: &mut Acme, path: &str, key: &str| {
        acme.scim_with("GET", path, &Value::Null, key, &[])
    };

    let both = acme.get(&format!("/Users/{ada}"));
    assert_eq!(texts(&both["groups"], "display"), ["crew", "team"]);
    for path in
        [format!("/Users/{ada}"), format!("/Users/{ada}?attributes=groups"), "/Users".to_owned()]
    {
        let reply = ask(&mut acme, &path, &users_only);
        assert_eq!(reply.status, 200);
        assert!(!reply.json().to_string().contains("groups"), "{path}: {}", reply.json());
    }
    let filter = with_query("/Users", &[("filter", r#"groups.display eq "crew""#)]);
    assert_eq!(ask(&mut acme, &filter, &users_only).json()["totalResults"], 0);
    assert_eq!(acme.get(&filter)["totalResults"], 1);

    for path in [format!("/Groups/{crew}"), "/Groups".to_owned()] {
        let shown = ask(&mut acme, &path, &groups_only).json().to_string();
        assert!(shown.contains(&ada), "{path}: {shown}");
        for name in ["Ada", "ada", "Sent"] {
            assert!(!shown.contains(name), "{path}: {shown}");
        }
    }
    let filter = with_query("/Groups", &[("filter", r#"members.display eq "Sent""#)]);
    assert_eq!(ask(&mut acme, &filter, &groups_only).json()["totalResults"], 0);
    assert_eq!(acme.get(&filter)["totalResults"], 1);
    // Nor does removing by name tell whether there is such a name.
    let by_name = json!([{ "op": "remove", "path": r#"members[display sw "Ada"]"# }]);
    let reply =
        acme.scim_with("PATCH", &format!("/Groups/{crew}"), &patch_op(&by_name), &groups_only, &[]);
    assert_eq!(texts(&reply.json()["members"], "value"), [ada]);

    for (path, key) in [("/Groups", &users_only), ("/Users", &groups_only)] {
        assert_eq!(ask(&mut acme, path, key).status, 403, "{path}");
    }
    let all = acme.scim_with("POST", "/.search", &json!({}), &groups_only, &[]).json();
    assert_eq!(ids(&all)[0], crew);
    assert_eq!(all["totalResults"], 2);
}
