//! Groups that mappings grant: who is a member of which by that, and who may change it.

use muster::scim::urn;
use serde_json::{Value, json};

use crate::access::check_refused;
use crate::costs;
use crate::steps::patch_op;
use crate::support::Acme;

const TEAM: &str = "Sales and Marketing";

impl Acme {
    /// The members of a group, each as `userName: origins`.
    pub(crate) fn joined(&mut self, group: &str) -> Vec<String> {
        let shown = self.get(&format!("/Groups/{group}"));
        let members = shown["members"].as_array().cloned().unwrap_or_default();
        let told = |member: &Value| {
            let origins = member["origin"].as_array().cloned().unwrap_or_default();
            let origins: Vec<&str> = origins.iter().filter_map(Value::as_str).collect();
            format!("{}: {}", member["display"].as_str().unwrap_or_default(), origins.join(", "))
        };
        members.iter().map(told).collect()
    }

    /// Events of a group's members, behind a place in the log: `added` or `removed` with ids.
    pub(crate) fn member_events(&mut self, group: &str, behind: usize) -> Vec<(String, Value)> {
        let events = self.events().into_iter().skip(behind);
        let told = |event: Value| {
            let kind = event["type"].as_str()?.strip_prefix("group.member.")?.to_owned();
            (event["data"]["id"] == group).then(|| (kind, event["data"]["members"].clone()))
        };
        events.filter_map(told).collect()
    }

    fn in_department(&mut self, name: &str, department: &str) -> String {
        let body = json!({ "userName": name, urn::ENTERPRISE_USER: { "department": department } });
        self.made("/Users", &body)
    }

    fn move_to(&mut self, user: &str, department: &str) {
        let path = format!("{}:department", urn::ENTERPRISE_USER);
        self.replace_in(&format!("/Users/{user}"), &path, json!(department));
    }

    fn replace_in(&mut self, of: &str, path: &str, value: Value) {
        self.patch(of, &json!([{ "op": "replace", "path": path, "value": value }]));
    }
}

/// A mapping of a department to a group.
fn to_group(id: &str, department: &str, group: &str) -> Value {
    let condition = format!("{}:department eq \"{department}\"", urn::ENTERPRISE_USER);
    json!({ "id": id, "condition": condition, "grants": [{ "group": group }] })
}

/// A tenant that grants a group to each of two departments.
fn given() -> Acme {
    let mut acme = Acme::new();
    acme.policy(
        &json!({ "mappings": [to_group("s", "Sales", TEAM), to_group("l", "Legal", "Law")] }),
    );
    acme
}

#[test]
fn ol_07_a_mapping_makes_users_members_of_an_app_group() {
    let mut acme = given();
    let (team, ada) = (acme.group(TEAM, &[]), acme.in_department("ada", "Sales"));
    acme.in_department("bob", "Finance");
    assert_eq!(acme.joined(&team), ["ada: mapping"]);
    assert_eq!(acme.get(&format!("/Users/{ada}"))["groups"][0]["value"], team);
    let grant = json!({ "group": TEAM, "source": "mapping:s" });
    let access = acme.access(&ada);
    assert_eq!((&access["status"], &access["grants"]), (&json!("granted"), &json!([grant])));
    assert_eq!(acme.access_events(&ada)[0]["granted"], json!([grant]));
    assert_eq!(acme.member_events(&team, 0), [("added".to_owned(), json!([ada]))]);
    acme.check_recomputed();
}

#[test]
fn ol_08_another_department_is_another_group_in_one_transaction() {
    let mut acme = given();
    let (team, law) = (acme.group(TEAM, &[]), acme.group("Law", &[]));
    let ada = acme.in_department("ada", "Sales");
    let behind = acme.events().len();
    let path = format!("/Users/{ada}");
    let body = patch_op(&json!([{ "op": "replace", "value": "Legal",
        "path": format!("{}:department", urn::ENTERPRISE_USER) }]));
    acme.failing_everywhere(
        |acme| acme.scim("PATCH", &path, &body).status,
        |acme, statements, status| {
            assert_eq!(status, 500, "at {statements}");
            assert_eq!((acme.joined(&team).len(), acme.joined(&law).len()), (1, 0));
        },
    );
    assert_eq!((acme.joined(&team), acme.joined(&law)), (vec![], vec!["ada: mapping".to_owned()]));
    let types =
        ["user.updated", "user.access.changed", "group.member.removed", "group.member.added"];
    assert_eq!(acme.event_types(behind), types);
    assert_eq!(acme.member_events(&team, behind), [("removed".to_owned(), json!([ada]))]);
    assert_eq!(acme.member_events(&law, behind), [("added".to_owned(), json!([ada]))]);
    acme.check_recomputed();
}

#[test]
fn a_group_has_its_members_when_it_is_made_and_what_is_answered_has_them() {
    let mut acme = given();
    let (ada, law) = (acme.in_department("ada", "Sales"), acme.group("Law", &[]));
    let grant = json!({ "group": TEAM, "source": "mapping:s", "missing": true });
    assert_eq!(acme.access(&ada)["grants"], json!([grant]));
    let made = acme.post("/Groups", &json!({ "displayName": TEAM }));
    let team = made["id"].as_str().unwrap().to_owned();
    assert_eq!(made["members"][0]["value"], ada);
    let path = format!("/Groups/{team}");
    assert_eq!(made, acme.get(&path));
    acme.replace_in(&path, "displayName", json!("Sales"));
    assert_eq!(acme.joined(&team), [""; 0]);
    let rename = patch_op(&json!([{ "op": "replace", "path": "displayName", "value": TEAM }]));
    let renamed = acme.scim("PATCH", &format!("/Groups/{law}"), &rename).json();
    assert_eq!(renamed["members"][0]["value"], ada);
    assert_eq!(renamed, acme.get(&format!("/Groups/{law}")));
    let bob = json!({ "userName": "bob", urn::ENTERPRISE_USER: { "department": "Sales" } });
    assert_eq!(acme.post("/Users", &bob)["groups"][0]["value"], law);
    acme.delete(&format!("/Groups/{law}"));
    assert_eq!(acme.access(&ada)["grants"], json!([grant]));
    acme.check_recomputed();
}

#[test]
fn a_bulk_request_is_answered_with_the_versions_that_there_are() {
    let mut acme = given();
    acme.in_department("ada", "Sales");
    let body = json!({ "schemas": [urn::BULK_REQUEST], "Operations": [
        { "method": "POST", "path": "/Groups", "bulkId": "t",
            "data": { "displayName": TEAM, "members": [{ "value": "bulkId:u" }] } },
        { "method": "POST", "path": "/Groups", "bulkId": "u",
            "data": { "displayName": "Law", "members": [{ "value": "bulkId:t" }] } },
        { "method": "POST", "path": "/Groups", "bulkId": "v", "data": { "displayName": TEAM } },
    ] });
    let reply = acme.scim("POST", "/Bulk", &body).json();
    for operation in reply["Operations"].as_array().unwrap() {
        assert_eq!(operation["status"], "201", "{operation}");
        let id = operation["location"].as_str().unwrap().rsplit('/').next().unwrap();
        let there = acme.get(&format!("/Groups/{id}"))["meta"]["version"].clone();
        assert_eq!(operation["version"], there);
    }
    acme.check_recomputed();
}

#[test]
fn of_several_groups_of_a_name_those_of_the_kind_app_are_meant() {
    let mut acme = given();
    acme.in_department("ada", "Sales");
    let (plain, other) = (acme.group(TEAM, &[]), acme.group(&TEAM.to_lowercase(), &[]));
    assert_eq!((acme.joined(&plain).len(), acme.joined(&other).len()), (1, 0));
    let body = json!({ "displayName": TEAM, urn::GROUP_KIND: { "kind": "app" } });
    let app = acme.made("/Groups", &body);
    assert_eq!((acme.joined(&plain).len(), acme.joined(&app).len()), (0, 1));
    let path = format!("/Groups/{app}");
    acme.replace_in(&path, "urn:muster:scim:1.0:Group:kind", json!("role"));
    assert_eq!((acme.joined(&plain).len(), acme.joined(&app).len()), (1, 1));
    acme.check_recomputed();
}

#[test]
fn nobody_removes_by_hand_what_follows_from_a_mapping() {
    let mut acme = given();
    let (team, ada) = (acme.group(TEAM, &[]), acme.in_department("ada", "Sales"));
    let key = acme.connection_key("okta", "active");
    let path = format!("/Groups/{team}");
    let before = acme.get(&path);
    let written = acme.scim("PUT", &path, &before);
    assert_eq!((written.status, &written.json()), (200, &before));
    for operations in [
        json!([{ "op": "remove", "path": format!("members[value eq \"{ada}\"]") }]),
        json!([{ "op": "remove", "path": "members" }]),
        json!([{ "op": "replace", "path": "members", "value": [] }]),
    ] {
        acme.patch(&path, &operations);
        acme.with_key(&key, |acme| {
            acme.patch(&path, &operations);
        });
        assert_eq!(acme.get(&path), before, "{operations}");
    }
    acme.with_key(&key, |acme| {
        let seen = acme.get(&path);
        assert_eq!(seen["members"], Value::Null);
        acme.member("add", &team, &ada);
        assert_eq!(acme.get(&format!("/Users/{ada}"))["groups"][0]["value"], team);
    });
    assert_eq!(acme.joined(&team), ["ada: mapping, scim:okta"]);
    acme.move_to(&ada, "Legal");
    assert_eq!(acme.joined(&team), ["ada: scim:okta"]);
    let left = acme.events().pop().unwrap();
    let told = (&left["data"]["members"], &left["data"]["stillMembers"]);
    assert_eq!(told, (&json!([]), &json!([ada])), "{left}");
}

#[test]
fn who_is_inactive_suspended_or_deleted_is_no_member_by_a_mapping() {
    let mut acme = given();
    let team = acme.group(TEAM, &[]);
    let ada = acme.in_department("ada", "Sales");
    let path = format!("/Users/{ada}");
    acme.replace_in(&path, "active", json!(false));
    assert_eq!(acme.joined(&team), [""; 0]);
    let withheld = json!([{ "group": TEAM, "source": "mapping:s", "reason": "inactive" }]);
    assert_eq!(acme.access(&ada)["withheld"], withheld);
    acme.replace_in(&path, "active", json!(true));
    assert_eq!(acme.joined(&team).len(), 1);
    for (action, members) in [("suspend", 0), ("restore", 1)] {
        acme.admin("POST", &format!("/users/{ada}/{action}"), &Value::Null);
        assert_eq!(acme.joined(&team).len(), members, "{action}");
    }
    acme.delete(&path);
    assert_eq!(acme.joined(&team), [""; 0]);
    acme.alarms();
    assert_eq!((acme.rows("members"), acme.rows("grants")), (0, 0));
    acme.check_recomputed();
}

#[test]
fn no_condition_sees_what_a_mapping_grants() {
    let mut acme = Acme::new();
    acme.policy(&json!({ "mappings": [
        { "id": "a", "condition": "not (groups.display eq \"B\")", "grants": [{ "group": "A" }] },
        { "id": "b", "condition": "groups.display eq \"A\"", "grants": [{ "group": "B" }] },
    ] }));
    let (a, b, ada) = (acme.group("A", &[]), acme.group("B", &[]), acme.user("ada"));
    assert_eq!((acme.joined(&a).len(), acme.joined(&b).len()), (1, 0));
    acme.member("add", &a, &ada);
    assert_eq!(
        (acme.joined(&a), acme.joined(&b)),
        (vec!["ada: admin, mapping".to_owned()], vec!["ada: mapping".to_owned()])
    );
    acme.check_recomputed();
}

#[test]
fn a_group_that_a_trigger_grants_stays_until_it_is_taken() {
    let mut acme = Acme::new();
    let mapping = json!({ "id": "t", "trigger": "user.created", "grants": [{ "group": "New" }] });
    acme.policy(&json!({ "mappings": [mapping] }));
    let ada = acme.user("ada");
    acme.policy(&json!({ "mappings": [] }));
    acme.sleep();
    let group = acme.group("New", &[]);
    assert_eq!(acme.joined(&group), ["ada: mapping"]);
    let path = format!("/users/{ada}/grants");
    let by_hand = acme.admin("POST", &path, &json!({ "group": "New" }));
    check_refused(&by_hand, 422, "faulty");
    assert_eq!(acme.admin("DELETE", &format!("{path}?group=New"), &Value::Null).status, 204);
    assert_eq!(acme.joined(&group), [""; 0]);
    assert_eq!((acme.rows("members"), acme.rows("grants")), (0, 0));
}

#[test]
fn groups_are_nothing_to_quotas_and_to_what_is_unmapped() {
    let mut acme = Acme::new();
    acme.policy(&json!({
        "mappings": [{ "id": "m", "connection": "okta", "grants": [{ "group": "clerk" }] }],
        "unmapped": { "default": "revoke", "org/x": "guest" },
        "roles": [{ "value": "clerk", "max": 1, "overflow": "guest" }],
    }));
    let group = acme.group("clerk", &[]);
    let key = acme.connection_key("okta", "active");
    let [ada, bob] = ["ada", "bob"].map(|name| acme.pushed(&key, &json!({ "userName": name })));
    assert_eq!(acme.joined(&group).len(), 2);
    acme.admin("POST", &format!("/users/{ada}/grants"), &json!({ "role": "clerk" }));
    assert_eq!(acme.access(&ada)["withheld"][0]["reason"], "no_mapping");
    let guest = json!({ "role": "guest", "scope": "org/x", "source": "unmapped" });
    let grants = json!([{ "group": "clerk", "source": "mapping:m" }, guest]);
    assert_eq!(acme.access(&bob)["grants"], grants);
    let scoped = acme.admin("GET", &format!("/users/{bob}/access?scope=org/x"), &Value::Null);
    assert_eq!(scoped.json()["grants"], json!([guest]));
    acme.check_recomputed();
}

#[test]
fn a_preview_tells_of_groups() {
    let mut acme = given();
    let ada = acme.in_department("ada", "Sales");
    let reply = acme.admin("PUT", "/policies?dryRun=true", &json!({ "mappings": [] })).json();
    let gone = json!([{ "group": TEAM, "source": "mapping:s" }]);
    assert_eq!(reply["access"]["examples"][0]["revoked"], gone, "{reply}");
    let team = acme.group(TEAM, &[]);
    acme.policy(&json!({ "mappings": [] }));
    assert_eq!(acme.joined(&team), [""; 0]);
    assert_eq!(acme.access(&ada)["status"], "none");
}

#[test]
fn many_users_join_and_leave_by_alarm() {
    let mut acme = given();
    acme.populate(1_200);
    let team = acme.group("Everybody", &[]);
    let all = json!({ "id": "all", "grants": [{ "group": "Everybody" }] });
    acme.policy(&json!({ "mappings": [all] }));
    acme.alarms();
    let count = |acme: &Acme| acme.rows("members");
    assert_eq!(count(&acme), 1_200);
    let most =
        acme.member_events(&team, 0).iter().map(|(_, ids)| ids.as_array().unwrap().len()).max();
    assert!(most.is_some_and(|most| most <= muster::limits::ACCESS_STEP));
    acme.replace_in(&format!("/Groups/{team}"), "displayName", json!("Nobody"));
    acme.alarms();
    assert_eq!(count(&acme), 0);
    let anew = acme.admin("POST", "/recompute?dryRun=true", &Value::Null).json();
    assert_eq!(anew["differences"], json!([]));
}

#[test]
fn a_tenant_that_moves_takes_them_along() {
    let mut acme = given();
    let (team, _) = (acme.group(TEAM, &[]), acme.in_department("ada", "Sales"));
    let version = acme.get(&format!("/Groups/{team}"))["meta"]["version"].clone();
    let mut other = Acme::named("other");
    for page in acme.export(muster::limits::ITEMS) {
        assert_eq!(other.import(&page).status, 200);
    }
    other.get("/Users?count=0");
    other.alarms();
    assert_eq!(other.joined(&team), ["ada: mapping"]);
    assert_eq!(other.get(&format!("/Groups/{team}"))["meta"]["version"], version);
    other.check_recomputed();
}

#[test]
fn a_group_in_a_grant_is_named_alone() {
    let mut acme = Acme::new();
    let at = |grants: Value| json!({ "mappings": [{ "id": "m", "grants": [grants] }] });
    for (grant, path) in [
        (json!({ "group": "a", "role": "b" }), "/mappings/0/grants/0"),
        (json!({ "group": "a", "scope": "org" }), "/mappings/0/grants/0/scope"),
        (json!({ "group": "" }), "/mappings/0/grants/0/group"),
        (
            json!({ "group": "x".repeat(muster::limits::ROLE_CHARACTERS + 1) }),
            "/mappings/0/grants/0/group",
        ),
        (json!({ "scope": "org" }), "/mappings/0/grants/0"),
    ] {
        let reply = acme.admin("PUT", "/policies", &at(grant.clone()));
        check_refused(&reply, 422, "faulty");
        assert_eq!(reply.json()["faults"][0]["path"], path, "{grant}");
    }
}

#[test]
fn of_many_groups_of_a_name_the_first_are_looked_at() {
    let mut acme = given();
    acme.in_department("ada", "Sales");
    for _ in 0..=muster::limits::GROUPS_CALLED {
        acme.group(TEAM, &[]);
    }
    assert_eq!(acme.rows("members"), muster::limits::GROUPS_CALLED as i64);
    acme.check_recomputed();
}

#[test]
fn a_change_of_groups_costs_the_same_among_many_users() {
    let mut acme = given();
    acme.populate(500);
    let (team, ada) = (acme.group(TEAM, &[]), acme.in_department("ada", "Sales"));
    acme.group("Law", &[]);
    let replace = |path: &str, value: &str| {
        patch_op(&json!([{ "op": "replace", "path": path, "value": value }]))
    };
    let department = format!("{}:department", urn::ENTERPRISE_USER);
    let (user, group) = (format!("/Users/{ada}"), format!("/Groups/{team}"));
    for (path, body, most) in [
        (&user, replace("title", "x"), 10),
        (&user, replace(&department, "Legal"), 27),
        (&user, replace(&department, "Sales"), 27),
        (&group, replace("displayName", "x"), 25),
        (&group, replace("displayName", TEAM), 25),
    ] {
        for statement in costs::check(&mut acme, "PATCH", path, &body, most) {
            costs::check_plan(&acme, &statement);
        }
    }
    acme.move_to(&ada, "Finance");
    acme.sleep();
    acme.sql.statements();
    acme.get(&user);
    let woken = acme.sql.statements();
    for (what, index) in [
        ("FROM grants WHERE scope", "grants_of_groups"),
        ("FROM members WHERE origin", "members_by_mapping"),
    ] {
        let found = woken.iter().find(|one| one.contains(what)).expect(what);
        assert!(acme.sql.plan(found).join("").contains(index), "{found}");
    }
}
