//! What users may do: mappings, grants by hand, what keeps them back, and why.

use serde_json::{Value, json};

use crate::scenario::Reply;
use crate::steps::patch_op;
use crate::support::Acme;

impl Acme {
    /// Puts a policy document.
    #[track_caller]
    pub(crate) fn policy(&mut self, document: &Value) -> Value {
        let reply = self.admin("PUT", "/policies", document);
        assert_eq!(reply.status, 200, "{document}: {}", reply.json());
        reply.json()
    }

    /// A user's access.
    #[track_caller]
    pub(crate) fn access(&mut self, id: &str) -> Value {
        let reply = self.admin("GET", &format!("/users/{id}/access"), &Value::Null);
        assert_eq!(reply.status, 200, "{}", reply.json());
        reply.json()
    }

    /// What a user holds, as `role@scope`.
    pub(crate) fn held(&mut self, id: &str) -> Vec<String> {
        let access = self.access(id);
        let grants = access["grants"].as_array().unwrap().clone();
        let name = |grant: &Value| {
            let role = grant["role"].as_str().unwrap_or_default();
            format!("{role}@{}", grant["scope"].as_str().unwrap_or_default())
        };
        grants.iter().map(name).collect()
    }

    /// Adds a member to a group, or removes it.
    #[track_caller]
    pub(crate) fn member(&mut self, op: &str, group: &str, user: &str) {
        let operation = json!([{ "op": op, "path": "members", "value": [{ "value": user }] }]);
        self.patch(&format!("/Groups/{group}"), &operation);
    }

    /// What `user.access.changed` has told of a user behind a place in the log.
    pub(crate) fn access_events(&mut self, id: &str) -> Vec<Value> {
        let is_it =
            |event: &Value| event["type"] == "user.access.changed" && event["data"]["id"] == id;
        self.events().into_iter().filter(is_it).map(|event| event["data"].clone()).collect()
    }

    /// An active connection and a key of it.
    pub(crate) fn connection_key(&mut self, id: &str, state: &str) -> String {
        self.connect_as(&json!({ "id": id, "displayName": id, "state": state }))
    }

    /// A user that a connection makes.
    #[track_caller]
    pub(crate) fn pushed(&mut self, key: &str, body: &Value) -> String {
        self.with_key(key, |acme| acme.made("/Users", body))
    }

    /// Nothing would be computed otherwise.
    #[track_caller]
    pub(crate) fn check_recomputed(&mut self) {
        let reply = self.admin("POST", "/recompute?dryRun=true", &Value::Null);
        assert_eq!(reply.json(), json!({ "dryRun": true, "differences": [] }));
    }
}

/// Refused with a status and a code.
#[track_caller]
pub(crate) fn check_refused(reply: &Reply, status: u16, code: &str) {
    assert_eq!((reply.status, &reply.json()["code"]), (status, &json!(code)), "{}", reply.json());
}

/// A mapping of a condition to roles of the company.
pub(crate) fn mapping(id: &str, condition: &str, roles: &[&str]) -> Value {
    let grants: Vec<Value> = roles.iter().map(|role| json!({ "role": role })).collect();
    json!({ "id": id, "condition": condition, "grants": grants })
}

pub(crate) fn builders() -> Value {
    json!({ "mappings": [mapping("m1", "groups.display eq \"Builders\"", &["builder"])] })
}

#[test]
fn bb_01_a_member_of_the_group_holds_the_role_and_no_longer_when_removed() {
    let mut acme = Acme::new();
    acme.policy(&builders());
    let (ada, group) = (acme.user("ada"), acme.group("Builders", &[]));
    assert_eq!(acme.access(&ada)["status"], "none");
    acme.member("add", &group, &ada);
    let access = acme.access(&ada);
    let grant = json!({ "role": "builder", "scope": "company", "source": "mapping:m1" });
    assert_eq!((&access["status"], &access["grants"]), (&json!("granted"), &json!([grant])));
    acme.check_recomputed();
    acme.member("remove", &group, &ada);
    assert_eq!(acme.access(&ada)["grants"], json!([]));
    let events = acme.access_events(&ada);
    assert_eq!(events.len(), 2);
    assert!(events[0]["seq"].as_i64() < events[1]["seq"].as_i64());
    assert_eq!((&events[0]["granted"], &events[1]["revoked"]), (&json!([grant]), &json!([grant])));
    assert_eq!(acme.rows("grants"), 0);
    acme.check_recomputed();
}

#[test]
fn bb_02_access_needs_no_sign_in() {
    let mut acme = Acme::new();
    acme.policy(&json!({ "mappings": [mapping("m", "title eq \"Lead\"", &["lead"])] }));
    let ada = acme.post("/Users", &json!({ "userName": "ada", "title": "Lead" }));
    assert_eq!(acme.held(ada["id"].as_str().unwrap()), ["lead@company"]);
}

#[test]
fn bb_03_a_grant_has_a_scope_and_is_asked_for_by_it() {
    let mut acme = Acme::new();
    let grants = json!([
        { "role": "admin", "scope": "org/finance" }, { "role": "dev", "scope": "org/finance/app/crm" },
        { "role": "other", "scope": "org/financeless" }, { "role": "member", "scope": "company" },
    ]);
    acme.policy(
        &json!({ "mappings": [{ "id": "m", "condition": "userName pr", "grants": grants }] }),
    );
    let ada = acme.user("ada");
    assert_eq!(acme.held(&ada).len(), 4);
    let path = format!("/users/{ada}/access?scope=org/finance");
    let scoped = acme.admin("GET", &path, &Value::Null).json();
    let roles: Vec<&Value> =
        scoped["grants"].as_array().unwrap().iter().map(|g| &g["role"]).collect();
    assert_eq!(roles, ["admin", "dev"]);
    let refused = acme.admin("GET", &format!("/users/{ada}/access?scope=org//x"), &Value::Null);
    check_refused(&refused, 400, "malformed");
}

#[test]
fn bb_05_only_who_may_configure_changes_mappings() {
    let mut acme = Acme::new();
    let reader = acme.mint(&["access:read", "events:read", "config:read"]);
    let body = json!({ "items": [] });
    let refused = acme.ask("PUT", "/v1/tenants/acme/mappings", &body, &reader);
    assert_eq!(refused.status, 403);
    let (writer, applied) = (acme.mint(&["config:write"]), builders()["mappings"].clone());
    let body = json!({ "items": applied });
    assert_eq!(acme.ask("PUT", "/v1/tenants/acme/mappings", &body, &writer).status, 200);
    let event = acme.events().pop().unwrap();
    assert_eq!(
        (&event["type"], &event["data"]["changed"]),
        (&json!("tenant.updated"), &json!(["mappings"]))
    );
    assert!(event["data"]["actor"].as_str().unwrap().starts_with("key:"));
}

#[test]
fn bb_06_conditions_ask_for_attributes_and_groups() {
    let mut acme = Acme::new();
    let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    let sales = acme.made("/Groups", &json!({ "displayName": "Sales", "externalId": "g-1" }));
    acme.policy(&json!({ "mappings": [
        mapping("a", &format!("{enterprise}:department eq \"Sales\""), &["a"]),
        mapping("b", "title co \"Lead\"", &["b"]),
        mapping("c", "groups.externalId eq \"g-1\"", &["c"]),
        mapping("d", &format!("groups.value eq \"{sales}\""), &["d"]),
        mapping("e", "groups[display eq \"Sales\" and type eq \"direct\"]", &["e"]),
        mapping("f", "not (active eq false) and emails[type eq \"work\" and value ew \"@acme.com\"]", &["f"]),
    ] }));
    let ada = acme.made(
        "/Users",
        &json!({
            "userName": "ada", "title": "Team Lead", enterprise: { "department": "Sales" },
            "emails": [{ "value": "ada@acme.com", "type": "work" }],
        }),
    );
    acme.member("add", &sales, &ada);
    assert_eq!(
        acme.held(&ada).join(" "),
        "a@company b@company c@company d@company e@company f@company"
    );
    let faulty =
        json!({ "mappings": [mapping("a", "title co", &["a"]), mapping("b", "nickname eq", &[])] });
    let refused = acme.admin("PUT", "/policies", &faulty);
    check_refused(&refused, 422, "faulty");
    let faults = refused.json()["faults"].clone();
    let paths: Vec<&Value> =
        faults.as_array().unwrap().iter().map(|fault| &fault["path"]).collect();
    assert_eq!(paths, ["/mappings/0/condition", "/mappings/1/grants", "/mappings/1/condition"]);
    assert!(faults[0]["detail"].as_str().unwrap().contains("position"), "{faults}");
    acme.check_recomputed();
}

#[test]
fn bb_15_ol_21_before_a_connection_is_activated_nothing_of_it_counts() {
    let mut acme = Acme::new();
    let mut document = builders();
    document["mappings"]
        .as_array_mut()
        .unwrap()
        .push(json!({ "id": "all", "trigger": "user.created", "grants": [{ "role": "member" }] }));
    acme.policy(&document);
    let key = acme.connection_key("okta", "pending");
    let users: Vec<String> =
        (0..100).map(|n| acme.pushed(&key, &json!({ "userName": format!("u{n}") }))).collect();
    let group = acme.scim_with(
        "POST",
        "/Groups",
        &json!({
            "displayName": "Builders", "members": [{ "value": users[0] }],
        }),
        &key,
        &[],
    );
    assert_eq!(group.status, 201);
    for user in &users {
        let access = acme.access(user);
        assert_eq!((&access["status"], &access["grants"]), (&json!("pending"), &json!([])));
        assert_eq!(acme.access_events(user), Vec::<Value>::new());
    }
    assert_eq!(acme.admin("POST", "/connections/okta/activate", &Value::Null).status, 200);
    assert_eq!(acme.held(&users[0]), ["builder@company", "member@company"]);
    assert_eq!(acme.held(&users[99]), ["member@company"]);
    assert_eq!(acme.access_events(&users[99]).len(), 1);
    acme.check_recomputed();
    assert_eq!(acme.admin("POST", "/connections/okta/disable", &Value::Null).status, 200);
    assert_eq!(acme.held(&users[99]), ["member@company"], "what it has said stands");
    acme.sleep();
    acme.check_recomputed();
}

#[test]
fn what_a_pending_connection_says_of_groups_changes_nobodys_access() {
    let mut acme = Acme::new();
    acme.policy(&builders());
    let (ada, group) = (acme.user("ada"), acme.group("Builders", &[]));
    let key = acme.connection_key("okta", "draft");
    let add = patch_op(&json!([{ "op": "add", "path": "members", "value": [{ "value": ada }] }]));
    let added = acme.scim_with("PATCH", &format!("/Groups/{group}"), &add, &key, &[]);
    assert!(added.status < 300, "{}", added.json());
    assert_eq!(acme.held(&ada), Vec::<String>::new());
    acme.admin("POST", "/connections/okta/disable", &Value::Null);
    acme.sleep();
    assert_eq!(acme.held(&ada), Vec::<String>::new(), "it has never been active");
    acme.admin("POST", "/connections/okta/activate", &Value::Null);
    assert_eq!(acme.held(&ada), ["builder@company"]);
    acme.check_recomputed();
}

#[test]
fn bb_17_near_miss_case() {
    let mut acme = Acme::new();
    acme.policy(
        &json!({ "mappings": [mapping("m1", "groups.display eq \"Finance Team-A\"", &["f"])] }),
    );
    let ada = acme.user("ada");
    for (name, reason) in [
        ("finance Team-A", "case"),
        (" Finance  Team-A", "space"),
        ("Finance Team\u{2013}A", "dash"),
        ("\u{FF26}inance Team-A", "unicode"),
        ("Finance\u{200B} Team-A\u{FEFF}", "unicode"),
        ("finance  team-a", "case"),
    ] {
        let group = acme.group(name, &[&ada]);
        let read = acme.admin("GET", "/mappings/m1/diagnostics", &Value::Null).json();
        let miss = json!({ "path": "groups.display", "value": name, "reason": reason });
        assert_eq!(read, json!({ "nearMisses": [miss], "matched": 0 }));
        acme.delete(&format!("/Groups/{group}"));
        acme.alarms();
    }
    acme.group("finance team-a", &[&ada]);
    let mut folded = mapping("m1", "groups.display eq \"Finance Team-A\"", &["f"]);
    folded["caseExact"] = json!(false);
    acme.policy(&json!({ "mappings": [folded] }));
    assert_eq!(acme.held(&ada), ["f@company"]);
    let read = acme.admin("GET", "/mappings/m1/diagnostics", &Value::Null).json();
    assert_eq!(read, json!({ "nearMisses": [], "matched": 1 }));
    check_refused(&acme.admin("GET", "/mappings/m2/diagnostics", &Value::Null), 404, "not_found");
}

#[test]
fn a_near_miss_is_found_in_attributes_of_users_too() {
    let mut acme = Acme::new();
    acme.policy(&json!({ "mappings": [mapping("m1", "emails.type eq \"Work\" or title eq \"Lead\"", &["f"])] }));
    acme.post(
        "/Users",
        &json!({ "userName": "a", "title": "lead", "emails": [
        { "value": "a@b", "type": "work" }, { "value": "b@b", "type": "home" }] }),
    );
    let read = acme.admin("GET", "/mappings/m1/diagnostics", &Value::Null).json();
    let misses: Vec<&Value> =
        read["nearMisses"].as_array().unwrap().iter().map(|m| &m["value"]).collect();
    assert_eq!(misses, ["work", "lead"]);
}

#[test]
fn bb_18_without_a_mapping_what_was_granted_by_hand_goes_or_stays() {
    let mut acme = Acme::new();
    let key = acme.connection_key("okta", "active");
    let ada = acme.pushed(&key, &json!({ "userName": "ada" }));
    let grant = json!({ "role": "clerk", "scope": "org/finance" });
    let path = format!("/users/{ada}/grants");
    assert_eq!(acme.admin("POST", &path, &grant).status, 201);
    assert_eq!(acme.admin("POST", &path, &grant).status, 200, "it is so already");
    assert_eq!(acme.held(&ada), ["clerk@org/finance"], "`keep` is the default");
    acme.policy(&json!({ "unmapped": { "org/finance": "revoke" } }));
    let access = acme.access(&ada);
    assert_eq!(
        (&access["status"], &access["reasons"]),
        (&json!("revoked"), &json!(["no_mapping"]))
    );
    let event = acme.access_events(&ada).pop().unwrap();
    assert_eq!(event["revoked"][0]["role"], "clerk");
    acme.policy(&json!({ "mappings": [{ "id": "m", "condition": "userName eq \"ada\"",
        "grants": [{ "role": "viewer", "scope": "org/finance/app" }] }] }));
    assert_eq!(acme.held(&ada), ["clerk@org/finance", "viewer@org/finance/app"]);
    acme.policy(
        &json!({ "mappings": [], "unmapped": { "default": "guest", "org/finance": "keep" } }),
    );
    assert_eq!(acme.held(&ada), ["clerk@org/finance", "guest@company"]);
    let bob = acme.user("bob");
    assert_eq!(acme.held(&bob), Vec::<String>::new(), "nobody manages him");
    acme.check_recomputed();
}

#[test]
fn bb_19_what_lies_below_goes_too_and_one_event_says_so() {
    let mut acme = Acme::new();
    let key = acme.connection_key("okta", "active");
    let ada = acme.pushed(&key, &json!({ "userName": "ada" }));
    for (role, scope) in
        [("clerk", "org/finance"), ("developer", "org/finance/app/crm"), ("x", "org/it")]
    {
        let body = json!({ "role": role, "scope": scope });
        assert_eq!(acme.admin("POST", &format!("/users/{ada}/grants"), &body).status, 201);
    }
    let before = acme.access_events(&ada).len();
    acme.policy(&json!({ "unmapped": { "org/finance": "revoke" } }));
    let events = acme.access_events(&ada);
    assert_eq!(events.len(), before + 1);
    let names = |list: &Value| {
        list.as_array().unwrap().iter().map(|g| g["role"].clone()).collect::<Vec<_>>()
    };
    let event = events.last().unwrap();
    assert_eq!(
        (names(&event["revoked"]), names(&event["cascaded"])),
        (vec![json!("clerk")], vec![json!("developer")])
    );
    assert_eq!(acme.held(&ada), ["x@org/it"]);
}
