//! Access that is suspended by hand, and the SCIM record that has nothing of it.

use muster::http::{AccessAction, Route};
use muster::registry::Slug;
use muster::store::suspensions::{self, Cause};
use serde_json::{Value, json};

use crate::steps::check_problem;
use crate::support::Acme;

fn ask(acme: &mut Acme, id: &str, action: &str, key: &str) -> crate::scenario::Reply {
    let path = format!("/v1/tenants/{}/users/{id}/{action}", acme.slug());
    acme.ask("POST", &path, &Value::Null, key)
}

#[test]
fn a_user_is_suspended_and_restored_and_the_record_stays_as_it_was() {
    let mut acme = Acme::new();
    let ada = acme.user("ada");
    let key = acme.mint(&["changes:decide"]);
    let record = acme.get(&format!("/Users/{ada}"));
    let seen = acme.events().len();
    for (action, suspended) in [("suspend", true), ("restore", false), ("suspend", true)] {
        // Twice is as once.
        for _ in 0..2 {
            let reply = ask(&mut acme, &ada, action, &key);
            assert_eq!(
                (reply.status, reply.json()),
                (200, json!({ "id": ada, "suspended": suspended }))
            );
            assert_eq!(suspensions::of(&acme.sql, &ada), Ok(suspended.then_some(Cause::Hand)));
            acme.sleep();
        }
    }
    assert_eq!(acme.get(&format!("/Users/{ada}")), record);
    assert_eq!(acme.event_types(seen), ["user.access.changed"; 3]);
    let events = acme.events();
    let said: Vec<&Value> =
        events[seen..].iter().map(|event| &event["data"]["suspended"]).collect();
    assert_eq!(said, [&json!(true), &json!(false), &json!(true)]);
    assert_eq!(events[seen]["data"]["id"], ada);
}

#[test]
fn a_decision_has_a_path_of_its_own() {
    let acme = || Slug::parse("acme").unwrap();
    for (segment, action) in
        [("suspend", AccessAction::Suspend), ("restore", AccessAction::Restore)]
    {
        let expected = Route::AccessDecision(acme(), "u-1".to_owned(), action);
        let path = format!("/v1/tenants/acme/users/u-1/{segment}");
        assert_eq!(Route::parse(&path), Some(expected));
    }
    for path in ["/v1/tenants/acme/users/u-1", "/v1/tenants/acme/users/u-1/Suspend"] {
        assert_eq!(Route::parse(path), None);
    }
}

#[test]
fn who_is_no_user_is_not_suspended() {
    let mut acme = Acme::new();
    let group = acme.group("g", &[]);
    for id in ["nobody", &group] {
        let reply = ask(&mut acme, id, "suspend", crate::support::ADMIN);
        check_problem(&reply, (404, "not_found", "there is no such user"), id);
    }
    assert_eq!(acme.rows("suspensions"), 0);
}

#[test]
fn a_key_of_a_connection_decides_of_its_own_alone() {
    let mut acme = Acme::new();
    let okta = acme.connect("okta");
    let bob = acme.user("bob");
    let own = acme.scim_with("POST", "/Users", &json!({ "userName": "ada" }), &okta, &[]).json();
    let body = json!({ "name": "k", "scopes": ["changes:decide"], "connection": "okta" });
    let key = acme.mint_with(&body);
    let detail = "the key's connection does not manage this user";
    let refused = ask(&mut acme, &bob, "suspend", &key);
    check_problem(&refused, (403, "insufficient_scope", detail), "nobody's");
    assert_eq!(ask(&mut acme, own["id"].as_str().unwrap(), "suspend", &key).status, 200);
    assert_eq!(ask(&mut acme, &bob, "suspend", &okta).status, 403, "another scope");
}

#[test]
fn who_comes_back_comes_back_suspended_and_who_is_forgotten_is_forgotten() {
    let mut acme = Acme::new();
    let (ada, bob) = (acme.user("ada"), acme.user("bob"));
    for id in [&ada, &bob] {
        assert_eq!(ask(&mut acme, id, "suspend", crate::support::ADMIN).status, 200);
        acme.delete(&format!("/Users/{id}"));
    }
    assert_eq!(acme.user("ada"), ada);
    assert_eq!(suspensions::of(&acme.sql, &ada), Ok(Some(Cause::Hand)));
    acme.wait(muster::limits::RETAIN_SECONDS_DEFAULT);
    acme.alarms();
    assert_eq!((acme.rows("tombstones"), acme.rows("suspensions")), (0, 1));
    assert_eq!(suspensions::of(&acme.sql, &bob), Ok(None));
    acme.policy(&json!({ "deprovision": { "retain": "PT0S" } }));
    acme.delete(&format!("/Users/{ada}"));
    assert_eq!(acme.rows("suspensions"), 0);
}
