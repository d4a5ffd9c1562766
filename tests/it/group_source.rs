//! `groupSource`: whether a connection's groups or the tenant's own grants give its users access.

use serde_json::{Value, json};

use crate::access::builders;
use crate::scenario::Reply;
use crate::steps::{check_problem, patch_op};
use crate::support::Acme;

fn linked(connection: &str) -> Value {
    let grants = json!([{ "role": "guest" }]);
    json!({ "id": "m", "trigger": "identity.linked", "connection": connection, "grants": grants })
}

/// Refused for one place.
#[track_caller]
fn conflicts(reply: &Reply, path: &str, detail: &str) {
    check_problem(reply, (422, "group_source_conflict", ""), path);
    assert_eq!(reply.json()["faults"], json!([{ "path": path, "detail": detail }]));
}

const FOR_USERS: &str = "is not for users of a connection whose `groupSource` is idp";
const GRANTS: &str = "cannot be idp: mapping `m` grants by identity.linked";

impl Acme {
    fn says_source(&mut self, source: Value) -> Reply {
        self.admin("PATCH", "/connections/okta", &json!({ "groupSource": source }))
    }
}

#[test]
fn jb_24_a_connection_whose_groups_decide_has_no_grants_for_coming_from_it() {
    let mut acme = Acme::new();
    acme.connection_key("okta", "active");
    assert_eq!(acme.says_source(json!("idp")).json()["groupSource"], "idp");
    acme.sleep();
    let (before, items) = (acme.dump(), json!([linked("okta")]));
    let document = json!({ "mappings": items });
    for (path, body) in [
        ("/policies", &document),
        ("/policies?dryRun=true", &document),
        ("/mappings", &json!({ "items": items })),
    ] {
        conflicts(&acme.admin("PUT", path, body), "/mappings/0/trigger", FOR_USERS);
    }
    let mut both = json!({ "connections": { "entra": { "groupSource": "idp" } } });
    both["mappings"] = json!([linked("entra")]);
    let reply = acme.admin("PUT", "/policies", &both);
    conflicts(&reply, "/connections/entra/groupSource", GRANTS);
    assert_eq!(acme.dump(), before);
    // Others give what they give.
    let mut of_all = linked("okta");
    of_all["trigger"] = "user.created".into();
    let condition = json!({ "id": "n", "connection": "okta", "grants": [{ "role": "r" }] });
    acme.policy(&json!({ "mappings": [of_all, condition] }));
    acme.policy(&json!({ "mappings": [linked("ping")] }));
}

#[test]
fn jb_24_a_connection_with_grants_for_coming_from_it_has_no_groups_that_decide() {
    let mut acme = Acme::new();
    acme.connection_key("okta", "active");
    acme.policy(
        &json!({ "mappings": [linked("ping"), { "id": "x", "grants": [{ "role": "r" }] }] }),
    );
    acme.policy(&json!({ "mappings": [linked("okta")] }));
    let before = acme.dump();
    conflicts(&acme.says_source(json!("idp")), "/groupSource", GRANTS);
    let declared = json!({ "connections": { "okta": { "groupSource": "idp" } } });
    let reply = acme.admin("PUT", "/policies", &declared);
    conflicts(&reply, "/connections/okta/groupSource", GRANTS);
    assert_eq!(acme.dump(), before);
    let odd = acme.says_source(json!("scim"));
    check_problem(&odd, (400, "malformed", "`groupSource` is neither local nor idp"), "");
    assert_eq!(acme.says_source(json!("local")).status, 200);
    assert_eq!(acme.says_source(Value::Null).json().get("groupSource"), None);
    // One that is not there yet.
    acme.policy(&json!({ "mappings": [linked("ping")] }));
    let ping = json!({ "id": "ping", "displayName": "Ping", "groupSource": "idp" });
    conflicts(&acme.admin("POST", "/connections", &ping), "/groupSource", GRANTS);
    assert_eq!(acme.says_source(json!("idp")).status, 200);
    // One document may change its mind about both.
    let mut turned = declared;
    turned["connections"]["okta"]["groupSource"] = "local".into();
    turned["mappings"] = json!([linked("okta")]);
    acme.policy(&turned);
}

#[test]
fn jb_24_an_export_that_contradicts_itself_is_not_imported() {
    let mut acme = Acme::new();
    acme.connection_key("okta", "active");
    acme.policy(&json!({ "mappings": [linked("okta")] }));
    let mut lines: Vec<Value> =
        acme.export(1_000)[0].lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |lines: &[Value], kind: &str| lines.iter().position(|line| line["kind"] == kind);
    let (connection, policies) =
        (of(&lines, "connection").unwrap(), of(&lines, "settings").unwrap());
    lines[connection]["options"] = json!({ "groupSource": "idp", "matchExisting": "never" });
    let page = |places: &[usize]| -> String {
        places.iter().map(|place| format!("{}\n", lines[*place])).collect()
    };
    for (order, path) in [
        ([policies, connection], "/2/options/groupSource"),
        ([connection, policies], "/2/policies/mappings/0/trigger"),
    ] {
        let mut globex = Acme::named("globex");
        let body = globex.refuses_import(&page(&order), (422, "group_source_conflict"));
        assert_eq!(body["faults"][0]["path"], path);
    }
    lines[connection]["options"]["groupSource"] = "local".into();
    let mut globex = Acme::named("globex");
    let page: String =
        [policies, connection].iter().map(|at| format!("{}\n", lines[*at])).collect();
    globex.takes(&page);
    let made = globex.admin("GET", "/connections/okta", &Value::Null).json();
    assert_eq!((&made["groupSource"], &made["matchExisting"]), (&json!("local"), &json!("never")));
}

#[test]
fn jb_24_groups_of_a_local_connection_give_nobody_access() {
    let mut acme = Acme::new();
    acme.policy(&builders());
    let key = acme.connection_key("okta", "active");
    let ada = acme.pushed(&key, &json!({ "userName": "ada" }));
    let group = acme.group("Builders", &[]);
    let inner = acme.group("Inner", &[]);
    let adds = |acme: &mut Acme, key: &str, group: &str, member: &str| {
        let members = json!([{ "op": "add", "path": "members", "value": [{ "value": member }] }]);
        let reply =
            acme.scim_with("PATCH", &format!("/Groups/{group}"), &patch_op(&members), key, &[]);
        assert!(reply.status < 300, "{}", reply.json());
    };
    adds(&mut acme, &key, &inner, &ada);
    adds(&mut acme, &key, &group, &inner);
    let result = |acme: &mut Acme| {
        let path = format!("/users/{ada}/access?explain=true");
        acme.admin("GET", &path, &Value::Null).json()["mappings"][0]["result"].clone()
    };
    for (source, held) in [
        (json!("local"), false),
        (json!("idp"), true),
        (json!("local"), false),
        (Value::Null, true),
        (json!("local"), false),
    ] {
        let behind = acme.events().len();
        assert_eq!(acme.says_source(source).status, 200);
        assert_eq!(acme.event_types(behind), ["connection.updated", "user.access.changed"]);
        let expected: &[&str] = if held { &["builder@company"] } else { &[] };
        assert_eq!(acme.held(&ada), expected);
        assert_eq!(result(&mut acme), if held { "matched" } else { "condition" });
        acme.sleep();
        acme.check_recomputed();
        // What it says is there all the same.
        let shown = acme.get(&format!("/Users/{ada}"));
        assert_eq!(shown["groups"].as_array().unwrap().len(), 2, "{shown}");
    }
    // Nor does what it says from now on, and what others say does.
    let behind = acme.events().len();
    adds(&mut acme, &key, &group, &ada);
    assert_eq!(acme.event_types(behind), ["group.member.added"]);
    assert_eq!(acme.held(&ada), Vec::<String>::new());
    let own = acme.key.clone();
    adds(&mut acme, &own, &group, &ada);
    assert_eq!(acme.held(&ada), ["builder@company"]);
    acme.check_recomputed();
}

#[test]
fn jb_24_what_counts_is_read_by_the_same_statements() {
    let mut acme = Acme::new();
    acme.policy(&builders());
    acme.connection_key("okta", "active");
    let ada = acme.user("ada");
    let reads = |acme: &mut Acme| {
        acme.sql.statements();
        acme.access(&ada);
        acme.sql.statements()
    };
    let before = reads(&mut acme);
    acme.says_source(json!("local"));
    assert_eq!(reads(&mut acme), before);
    assert!(before.iter().all(|one| !one.contains("m.origin") || !one.contains("json_each")));
}
