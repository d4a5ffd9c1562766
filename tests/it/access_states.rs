//! Access in the states of users and roles: quotas, triggers, grants by hand, steps by alarm, previews.

use muster::limits;
use serde_json::{Value, json};

use crate::access::{builders, check_refused, mapping};
use crate::steps::patch_op;
use crate::support::Acme;

#[test]
fn a_group_within_a_group_and_a_new_name_of_one_count() {
    let mut acme = Acme::new();
    acme.policy(&builders());
    let ada = acme.user("ada");
    let inner = acme.group("Inner", &[&ada]);
    let outer = acme.group("Outer", &[]);
    acme.member("add", &outer, &inner);
    assert_eq!(acme.held(&ada), Vec::<String>::new());
    acme.patch(
        &format!("/Groups/{outer}"),
        &json!([{ "op": "replace", "path": "displayName", "value": "Builders" }]),
    );
    assert_eq!(acme.held(&ada), ["builder@company"]);
    acme.check_recomputed();
    acme.delete(&format!("/Groups/{outer}"));
    assert_eq!(acme.held(&ada), Vec::<String>::new());
    acme.alarms();
    acme.check_recomputed();
}

#[test]
fn bz_09_a_user_that_is_not_active_may_do_nothing() {
    let mut acme = Acme::new();
    acme.policy(&json!({ "mappings": [mapping("m", "userName pr", &["user"])] }));
    let key = acme.connection_key("okta", "active");
    let ada = acme.pushed(&key, &json!({ "userName": "ada", "active": false }));
    let access = acme.access(&ada);
    assert_eq!((&access["status"], &access["grants"]), (&json!("suspended"), &json!([])));
    assert_eq!(access["withheld"][0]["reason"], "inactive");
    let active =
        |value: bool| patch_op(&json!([{ "op": "replace", "path": "active", "value": value }]));
    for (value, held) in [(true, vec!["user@company"]), (false, vec![])] {
        acme.scim_with("PATCH", &format!("/Users/{ada}"), &active(value), &key, &[]);
        assert_eq!(acme.held(&ada), held);
    }
    acme.check_recomputed();
}

#[test]
fn bz_22_of_a_role_so_many_are_held_and_others_get_another() {
    for rebalance in [false, true] {
        let mut acme = Acme::new();
        let role =
            json!({ "value": "modeler", "max": 2, "overflow": "reader", "rebalance": rebalance });
        acme.policy(
            &json!({ "roles": [role], "mappings": [mapping("m", "active eq true", &["modeler"])] }),
        );
        let users: Vec<String> = (0..4)
            .map(|n| acme.made("/Users", &json!({ "userName": format!("u{n}"), "active": true })))
            .collect();
        let held =
            |acme: &mut Acme| users.iter().map(|user| acme.held(user).join("")).collect::<Vec<_>>();
        assert_eq!(
            held(&mut acme),
            ["modeler@company", "modeler@company", "reader@company", "reader@company"]
        );
        assert_eq!(acme.access(&users[3])["withheld"][0]["reason"], "quota");
        acme.check_recomputed();
        acme.patch(
            &format!("/Users/{}", users[0]),
            &json!([{ "op": "replace", "path": "active", "value": false }]),
        );
        let third = if rebalance { "modeler@company" } else { "reader@company" };
        assert_eq!(
            held(&mut acme),
            ["", "modeler@company", third, "reader@company"],
            "{rebalance}"
        );
        acme.check_recomputed();
        acme.patch(
            &format!("/Users/{}", users[0]),
            &json!([{ "op": "replace", "path": "active", "value": true }]),
        );
        let first = if rebalance { "reader@company" } else { "modeler@company" };
        assert_eq!(acme.held(&users[0]), [first], "{rebalance}");
        acme.check_recomputed();
    }
}

#[test]
fn jb_19_at_first_nobody_may_do_anything() {
    let mut acme = Acme::new();
    let ada = acme.user("ada");
    let access = acme.access(&ada);
    assert_eq!(
        access,
        json!({ "id": ada, "status": "none", "grants": [], "withheld": [], "reasons": [] })
    );
    assert_eq!(acme.rows("grants"), 0);
}

#[test]
fn jb_20_a_mapping_for_everybody_is_warned_of() {
    let mut acme = Acme::new();
    let ada = acme.user("ada");
    let items = json!({ "items": [mapping("m", "groups.display eq \"everyone\"", &["user"])] });
    let put = acme.admin("PUT", "/mappings", &items).json();
    assert_eq!(put["warnings"], json!([{ "code": "applies_to_all_users", "ids": ["m"] }]));
    assert_eq!(acme.held(&ada), ["user@company"]);
    let shown = acme.get(&format!("/Users/{ada}"));
    assert!(shown.get("groups").is_none(), "it is no group of the directory");
}

#[test]
fn jb_21_who_is_made_is_granted_what_stays() {
    let mut acme = Acme::new();
    let before = acme.user("before");
    let trigger = json!({ "id": "m", "trigger": "user.created", "grants": [{ "role": "member" }] });
    acme.policy(&json!({ "mappings": [trigger] }));
    let key = acme.connection_key("okta", "active");
    let (by_hand, by_scim) = (acme.user("ada"), acme.pushed(&key, &json!({ "userName": "bob" })));
    let source = |acme: &mut Acme, id: &str| acme.access(id)["grants"][0]["source"].clone();
    assert_eq!(
        [source(&mut acme, &by_hand), source(&mut acme, &by_scim)],
        ["mapping:m", "mapping:m"]
    );
    assert_eq!(acme.held(&before), Vec::<String>::new());
    acme.policy(&json!({ "mappings": [], "unmapped": "revoke" }));
    assert_eq!(acme.held(&by_hand), ["member@company"], "it stays");
    assert_eq!(acme.held(&by_scim), ["member@company"], "nobody decided it by hand");
    acme.check_recomputed();
}

#[test]
fn jb_22_who_comes_by_a_connection_is_granted_what_is_for_its_users() {
    let mut acme = Acme::new();
    let linked = json!({ "id": "m", "trigger": "identity.linked", "connection": "c1", "grants": [{ "role": "guest" }] });
    acme.policy(&json!({ "mappings": [linked] }));
    let (c1, c2) = (acme.connection_key("c1", "active"), acme.connection_key("c2", "active"));
    let by_one = acme.pushed(&c1, &json!({ "userName": "one" }));
    let by_other = acme.pushed(&c2, &json!({ "userName": "two" }));
    let by_hand = acme.user("three");
    assert_eq!(acme.held(&by_one), ["guest@company"]);
    for other in [&by_other, &by_hand] {
        assert_eq!(acme.held(other), Vec::<String>::new());
    }
    let body = patch_op(&json!([{ "op": "replace", "path": "title", "value": "x" }]));
    acme.scim_with("PATCH", &format!("/Users/{by_hand}"), &body, &c1, &[]);
    assert_eq!(acme.held(&by_hand), ["guest@company"], "it was taken up");
    acme.check_recomputed();
}

#[test]
fn jb_25_what_is_for_all_and_what_is_for_some_add_up() {
    let mut acme = Acme::new();
    acme.policy(&json!({ "mappings": [
        { "id": "a", "trigger": "user.created", "grants": [{ "role": "member" }] },
        { "id": "b", "connection": "c1", "condition": "userName pr", "grants": [{ "role": "member" }] },
    ] }));
    let key = acme.connection_key("c1", "active");
    let ada = acme.pushed(&key, &json!({ "userName": "ada" }));
    let access = acme.access(&ada);
    let sources: Vec<&Value> =
        access["grants"].as_array().unwrap().iter().map(|g| &g["source"]).collect();
    assert_eq!(sources, ["mapping:a", "mapping:b"]);
}

#[test]
fn what_was_granted_by_hand_is_listed_and_taken() {
    let mut acme = Acme::new();
    let ada = acme.user("ada");
    let path = format!("/users/{ada}/grants");
    for (body, status) in [
        (json!({ "role": "x", "group": "y" }), 422),
        (json!({ "role": "" }), 422),
        (json!({ "role": "x", "scope": "/x" }), 422),
        (json!({}), 422),
        (json!({ "role": "x" }), 201),
    ] {
        assert_eq!(acme.admin("POST", &path, &body).status, status, "{body}");
    }
    let grant = json!({ "role": "x", "scope": "company", "source": "admin" });
    assert_eq!(acme.admin("GET", &path, &Value::Null).json(), json!({ "items": [grant] }));
    let key = acme.mint(&["access:read"]);
    let refused = acme.ask("DELETE", &format!("/v1/tenants/acme{path}?role=x"), &Value::Null, &key);
    assert_eq!(refused.status, 403);
    assert_eq!(acme.admin("DELETE", &format!("{path}?role=x"), &Value::Null).status, 204);
    assert_eq!(acme.admin("DELETE", &format!("{path}?role=x"), &Value::Null).status, 404);
    assert_eq!((acme.held(&ada).len(), acme.rows("grants")), (0, 0));
    for number in 0..limits::GRANTS_BY_HAND {
        assert_eq!(acme.admin("POST", &path, &json!({ "role": format!("r{number}") })).status, 201);
    }
    let more = acme.admin("POST", &path, &json!({ "role": "more" }));
    check_refused(&more, 409, "conflict");
    acme.delete(&format!("/Users/{ada}"));
    assert_eq!(acme.rows("grants"), 0);
}

#[test]
fn what_touches_many_is_computed_by_alarm_and_goes_on_after_waking() {
    let mut acme = Acme::new();
    let users = acme.populate(limits::ACCESS_USERS + 1);
    acme.policy(&json!({ "mappings": [mapping("m", "userName pr", &["user"])] }));
    assert_eq!(acme.admin("GET", "/recompute", &Value::Null).json()["recomputing"], true);
    let (first, last) = (&users[0], &users[users.len() - 1]);
    assert_eq!(acme.access(last)["recomputing"], true);
    acme.alarm().expect("the alarm does its step");
    assert_eq!((acme.held(first).len(), acme.held(last).len()), (1, 0));
    acme.sleep();
    let read = acme.admin("GET", "/recompute", &Value::Null).json();
    assert_eq!(
        read,
        json!({ "recomputing": true, "done": limits::ACCESS_STEP, "total": users.len() })
    );
    acme.alarms();
    assert_eq!((acme.held(first).len(), acme.held(last).len()), (1, 1));
    assert_eq!(acme.rows("recomputation"), 0);
    assert_eq!(
        acme.admin("GET", "/recompute", &Value::Null).json(),
        json!({ "recomputing": false })
    );
}

#[test]
fn what_a_change_would_do_is_told_before_it_is_made() {
    let mut acme = Acme::new();
    acme.policy(&json!({ "mappings": [mapping("m", "userName pr", &["user"])] }));
    let key = acme.connection_key("okta", "pending");
    let (ada, bob) = (acme.user("ada"), acme.pushed(&key, &json!({ "userName": "bob" })));
    let before = acme.dump();
    let tried = acme.admin("POST", "/connections/okta/activate?dryRun=true", &Value::Null).json();
    assert_eq!((&tried["access"]["users"], &tried["access"]["granted"]), (&json!(1), &json!(1)));
    assert_eq!(tried["access"]["examples"][0]["id"], bob.as_str());
    let other = json!({ "mappings": [mapping("n", "userName eq \"ada\"", &["n", "user"])] });
    let tried = acme.admin("PUT", "/policies?dryRun=true", &other).json();
    let access = &tried["access"];
    assert_eq!(
        [&access["users"], &access["of"], &access["granted"], &access["revoked"]],
        [1, 2, 2, 1]
    );
    assert_eq!(acme.dump(), before);
    assert_eq!(acme.held(&ada), ["user@company"]);
    assert_eq!(acme.access(&bob)["status"], "pending");
    let told = (0..limits::PREVIEW_EXAMPLES + 1).map(|n| acme.user(&format!("u{n}"))).count();
    let tried = acme.admin("PUT", "/policies?dryRun=true", &json!({ "mappings": [] })).json();
    assert_eq!(tried["access"]["users"], told + 1);
    assert_eq!(tried["access"]["examples"].as_array().unwrap().len(), limits::PREVIEW_EXAMPLES);
}

#[test]
fn who_is_suspended_by_hand_may_do_nothing_until_restored() {
    let mut acme = Acme::new();
    acme.policy(&json!({ "mappings": [mapping("m", "userName pr", &["user"])] }));
    let ada = acme.user("ada");
    let decide = |acme: &mut Acme, action: &str| {
        let path = format!("/users/{ada}/{action}");
        assert_eq!(acme.admin("POST", &path, &Value::Null).status, 200);
    };
    decide(&mut acme, "suspend");
    let access = acme.access(&ada);
    assert_eq!((&access["status"], &access["grants"]), (&json!("suspended"), &json!([])));
    assert_eq!(access["reasons"], json!(["suspended"]));
    acme.check_recomputed();
    decide(&mut acme, "restore");
    assert_eq!(acme.held(&ada), ["user@company"]);
    acme.check_recomputed();
}

#[test]
fn ol_09_what_a_deactivation_and_a_deletion_mean_is_the_tenants_choice() {
    let mut acme = Acme::new();
    acme.policy(&json!({ "mappings": [mapping("m", "userName pr", &["user"])] }));
    let ada = acme.user("ada");
    acme.patch(
        &format!("/Users/{ada}"),
        &json!([{ "op": "replace", "path": "active", "value": false }]),
    );
    for (fate, status, count) in
        [("suspend", "suspended", 0), ("keep", "granted", 1), ("delete", "deprovisioned", 0)]
    {
        acme.policy(&json!({ "deprovision": { "deactivated": fate } }));
        let access = acme.access(&ada);
        assert_eq!(access["status"], status, "{fate}");
        assert_eq!(access["grants"].as_array().unwrap().len(), count, "{fate}");
        acme.check_recomputed();
    }
    acme.delete(&format!("/Users/{ada}"));
    let access = acme.access(&ada);
    assert_eq!((&access["status"], &access["grants"]), (&json!("deprovisioned"), &json!([])));
}

#[test]
fn access_is_computed_where_a_tenant_has_moved() {
    let mut acme = Acme::new();
    acme.policy(&builders());
    let ada = acme.user("ada");
    acme.group("Builders", &[&ada]);
    let mut globex = Acme::named("globex");
    for page in acme.export(100) {
        let reply = globex.import(&page);
        assert_eq!(reply.status, 200, "{}", reply.json());
    }
    assert_eq!(globex.access(&ada)["recomputing"], true);
    globex.alarms();
    assert_eq!(globex.held(&ada), ["builder@company"]);
    globex.check_recomputed();
}
