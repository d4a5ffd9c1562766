//! RFC 7644 §3.3 to §3.6 on users: what is stored, what is shown, what identifies a user.

use std::slice;

use muster::scim::urn::{ENTERPRISE_USER, MUSTER_USER, USER};
use serde_json::{Value, json};

use crate::steps::{ids, patch_op, texts};
use crate::support::{Acme, ORIGIN};

/// A user with everything that a test of round trips asks for.
fn ada() -> Value {
    json!({
        "schemas": [USER, ENTERPRISE_USER],
        "externalId": "e-1",
        "userName": "ada@example.com",
        "name": { "familyName": "Lovelace", "givenName": "Ada" },
        "title": "Analyst",
        "active": true,
        "emails": [{ "value": "ada@example.com", "type": "work", "primary": true }],
        ENTERPRISE_USER: { "employeeNumber": "42", "department": "Engines" },
    })
}

/// What a client wrote, without what the server adds.
fn written(mut user: Value) -> Value {
    let fields = user.as_object_mut().expect("a user");
    fields.retain(|name, _| !["id", "meta", "groups", MUSTER_USER].contains(&name.as_str()));
    fields["schemas"].as_array_mut().expect("URNs").retain(|urn| urn != MUSTER_USER);
    user
}

#[test]
fn a_user_round_trips_with_its_enterprise_extension() {
    let mut acme = Acme::new();
    let reply = acme.scim("POST", "/Users", &ada());
    let created = reply.json();
    assert_eq!((reply.status, written(created.clone())), (201, ada()));
    let id = created["id"].as_str().expect("an id");
    let location = format!("{ORIGIN}/t/acme/scim/v2/Users/{id}");
    assert_eq!(
        (&created["meta"]["location"], &reply.headers["location"]),
        (&json!(location), &location)
    );
    assert_eq!(created["meta"]["version"], json!(reply.headers["etag"]));
    assert_eq!(created["meta"]["created"], created["meta"]["lastModified"]);
    assert_eq!(acme.get(&format!("/Users/{id}")), created);
    assert_eq!(acme.get("/Users")["Resources"], json!([created]));

    acme.wait(60);
    let mut wanted = ada();
    wanted["title"] = "Programmer".into();
    let replaced = acme.put(&format!("/Users/{id}"), &wanted);
    assert_eq!(written(replaced.clone()), wanted);
    assert_eq!(replaced["meta"]["created"], created["meta"]["created"]);
    assert_ne!(replaced["meta"]["lastModified"], created["meta"]["lastModified"]);

    let path = format!("{ENTERPRISE_USER}:department");
    let operations = json!([{ "op": "replace", "path": path, "value": "Poetry" }]);
    let patched = acme.patch(&format!("/Users/{id}"), &operations).json();
    wanted[ENTERPRISE_USER]["department"] = "Poetry".into();
    assert_eq!(written(patched.clone()), wanted);
    acme.sleep();
    assert_eq!(acme.get(&format!("/Users/{id}")), patched);

    acme.delete(&format!("/Users/{id}"));
    for method in ["GET", "PUT", "PATCH", "DELETE"] {
        let absent = (404, "", "there is no such resource");
        acme.refused(method, &format!("/Users/{id}"), &ada(), absent);
    }
    assert_eq!(acme.get("/Users")["totalResults"], 0);
    assert_eq!(acme.rows("resources") + acme.rows("lookups"), 0);
}

#[test]
fn the_location_is_in_the_form_that_was_called() {
    let mut acme = Acme::new();
    let id = acme.user("ada");
    let key = acme.key.clone();
    for base in ["/t/acme/scim/v2", "/scim/v2/acme"] {
        let user = acme.ask("GET", &format!("{base}/Users/{id}"), &Value::Null, &key).json();
        assert_eq!(user["meta"]["location"], format!("{ORIGIN}{base}/Users/{id}"));
    }
}

#[test]
fn ids_are_version_7_in_lower_case_and_rise_even_when_the_clock_steps_back() {
    let mut acme = Acme::new();
    let mut last = String::new();
    for (number, seconds) in [0, 0, 1, -3_600, 0, 86_400, -86_400].into_iter().enumerate() {
        acme.wait(seconds);
        if seconds < 0 {
            acme.sleep();
        }
        let id = acme.user(&format!("user-{number}"));
        let parsed = uuid::Uuid::parse_str(&id).expect("a UUID");
        assert_eq!((parsed.get_version_num(), parsed.hyphenated().to_string()), (7, id.clone()));
        assert!(id > last, "{id} is not above {last}");
        last = id;
    }
    let listed = ids(&acme.get("/Users"));
    assert!(listed.is_sorted(), "the order of creation is the order of ids");
}

#[test]
fn a_user_that_returns_is_a_new_one_where_the_tenant_says_so() {
    let mut acme = Acme::new();
    acme.policy(&json!({ "deprovision": { "relink": "never" } }));
    let first = acme.post("/Users", &ada());
    acme.delete(&format!("/Users/{}", first["id"].as_str().expect("an id")));
    let second = acme.post("/Users", &ada());
    assert_ne!(first["id"], second["id"]);
    assert_eq!(acme.found("/Users", "userName eq \"ada@example.com\""), ids(&json!([second])));
}

#[test]
fn a_user_name_is_taken_in_any_case_of_unicode() {
    let error = (409, "uniqueness", "another resource has this `userName`");
    let mut acme = Acme::new();
    let table = [
        ("ada", "ADA"),
        ("ärger", "ÄRGER"),
        ("straße", "STRASSE"),
        ("ὀδυσσεύς", "ὈΔΥΣΣΕΎΣ"),
        ("ﬁnn", "FINN"),
    ];
    for (name, other) in table {
        acme.user(name);
        let events = acme.events().len();
        for taken in [name, other] {
            acme.refused("POST", "/Users", &json!({ "userName": taken }), error);
            let filter = format!("userName eq \"{taken}\"");
            assert_eq!(acme.list("/Users", &[("filter", &filter)])["totalResults"], 1, "{taken}");
        }
        assert_eq!(acme.event_types(events), Vec::<String>::new());
    }
}

#[test]
fn a_user_takes_a_new_name_that_is_free_and_its_own_in_another_case() {
    let mut acme = Acme::new();
    let (ada, _) = (acme.user("ada"), acme.user("bob"));
    let path = format!("/Users/{ada}");
    let error = (409, "uniqueness", "another resource has this `userName`");
    let rename = |name: &str| json!([{ "op": "replace", "path": "userName", "value": name }]);
    acme.refused("PUT", &path, &json!({ "userName": "Bob" }), error);
    acme.refused("PATCH", &path, &patch_op(&rename("BOB")), error);
    assert_eq!(acme.patch(&path, &rename("ADA")).json()["userName"], "ADA");
    assert_eq!(acme.put(&path, &json!({ "userName": "Ada" }))["userName"], "Ada");
    assert_eq!(acme.put(&path, &json!({ "userName": "eve" }))["userName"], "eve");
    assert_eq!(acme.found("/Users", "userName eq \"ada\""), Vec::<String>::new());
    assert_eq!(acme.found("/Users", "userName eq \"EVE\""), [ada]);
    acme.user("Ada");
}

#[test]
fn a_change_that_changes_nothing_writes_nothing() {
    let mut acme = Acme::new();
    let created = acme.post("/Users", &ada());
    let path = format!("/Users/{}", created["id"].as_str().expect("an id"));
    acme.wait(60);
    let before = acme.dump();
    let mut shuffled = ada();
    shuffled["USERNAME"] = shuffled["userName"].take();
    shuffled["password"] = "correct horse".into();
    shuffled["active"] = "True".into();
    shuffled["id"] = "another".into();
    for body in [ada(), created.clone(), shuffled] {
        assert_eq!(acme.put(&path, &body), created);
    }
    for operation in [
        json!({ "op": "replace", "path": "title", "value": "Analyst" }),
        json!({ "op": "Replace", "value": { "active": true, "id": "another" } }),
        json!({ "op": "add", "path": "emails", "value": ada()["emails"] }),
        json!({ "op": "remove", "path": "nickName" }),
        json!({ "op": "replace", "path": "password", "value": "correct horse" }),
        json!({ "op": "replace", "path": "favouriteColour", "value": "green" }),
    ] {
        assert_eq!(acme.patch(&path, &json!([operation])).json(), created, "{operation}");
    }
    let there_and_back = json!([
        { "op": "replace", "path": "title", "value": "Poet" },
        { "op": "replace", "path": "title", "value": "Analyst" },
    ]);
    assert_eq!(acme.patch(&path, &there_and_back).json(), created);
    assert_eq!(acme.dump(), before);
}

#[test]
fn a_replacement_clears_what_it_omits() {
    let mut acme = Acme::new();
    let id = acme.made("/Users", &ada());
    let replaced = acme.put(&format!("/Users/{id}"), &json!({ "userName": "ada@example.com" }));
    let left = json!({
        "schemas": [USER],
        "userName": "ada@example.com",
    });
    assert_eq!(written(replaced), left);
    for cleared in [r#"externalId eq "e-1""#, r#"emails eq "ada@example.com""#, "title pr"] {
        assert_eq!(acme.found("/Users", cleared), Vec::<String>::new(), "{cleared}");
    }
}

#[test]
fn a_password_is_accepted_and_neither_stored_nor_returned() {
    let mut acme = Acme::new();
    let secret = "correct horse battery staple";
    let mut body = ada();
    body["password"] = secret.into();
    let created = acme.post("/Users", &body);
    let path = format!("/Users/{}", created["id"].as_str().expect("an id"));
    body["title"] = "Poet".into();
    let replaced = acme.put(&path, &body);
    let operations = json!([
        { "op": "replace", "path": "password", "value": secret },
        { "op": "replace", "value": { "password": secret, "title": "Analyst" } },
    ]);
    let patched = acme.patch(&path, &operations).json();
    let asked = acme.get(&format!("{path}?attributes=password,userName"));
    for shown in [created, replaced, patched, asked, json!(acme.events())] {
        assert!(!shown.to_string().contains("horse") && !shown.to_string().contains("password"));
    }
    assert!(!format!("{:?}", acme.dump()).contains("horse"));
    let error = (400, "invalidFilter", "`password` cannot be filtered at position 0");
    acme.refused("GET", "/Users?filter=password+pr", &Value::Null, error);
}

#[test]
fn an_external_id_may_be_shared_and_finds_all_who_have_it() {
    let mut acme = Acme::new();
    let names = ["ada", "bob", "eve"];
    for (name, external_id) in names.into_iter().zip(["x", "x", "X"]) {
        acme.post("/Users", &json!({ "userName": name, "externalId": external_id }));
    }
    let shared = acme.list("/Users", &[("filter", "externalId eq \"x\"")]);
    assert_eq!(texts(&shared, "userName"), ["ada", "bob"]);
}

#[test]
fn a_user_that_is_not_active_stays_findable() {
    let mut acme = Acme::new();
    let id = acme.made("/Users", &ada());
    let deactivate = json!([{ "op": "replace", "value": { "active": false } }]);
    acme.patch(&format!("/Users/{id}"), &deactivate);
    assert_eq!(acme.get(&format!("/Users/{id}"))["active"], false);
    for filter in ["active eq false", "userName eq \"ADA@example.com\"", "externalId eq \"e-1\""] {
        assert_eq!(acme.found("/Users", filter), slice::from_ref(&id), "{filter}");
    }
}
