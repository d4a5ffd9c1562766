//! Previews: what a dry run tells of access is what then happens, quotas and guards included.

use muster::limits;
use proptest::option::of;
use proptest::prelude::{Just, ProptestConfig, Strategy, prop_oneof, proptest};
use serde_json::{Value, json};

use crate::access::mapping;
use crate::support::Acme;

/// What of a user's access is told: the id, the status, the grants, and what quotas withhold.
type Seen = (String, Value, Vec<Value>, Vec<Value>);

const WORDS: &str = "a guard of the role `owner` demands that at least 1 active users hold it";

impl Acme {
    fn seen(&mut self, users: &[String]) -> Vec<Seen> {
        let one = |acme: &mut Self, id: &String| {
            let access = acme.access(id);
            let list = |name: &str| access[name].as_array().unwrap().clone();
            let mut grants = list("grants");
            for grant in &mut grants {
                grant.as_object_mut().unwrap().remove("missing");
            }
            let mut withheld = list("withheld");
            withheld.retain(|one| one["reason"] == "quota");
            (id.clone(), access["status"].clone(), grants, withheld)
        };
        users.iter().map(|id| one(self, id)).collect()
    }

    /// Tries something, does it, and compares what was told with what has happened; what was told.
    #[track_caller]
    fn tries(&mut self, users: &[String], (method, path): (&str, &str), body: &Value) -> Value {
        let (rows, before) = (self.dump(), self.seen(users));
        let told = self.admin(method, &format!("{path}?dryRun=true"), body);
        assert_eq!(told.status, 200, "{}", told.json());
        let access = told.json()["access"].clone();
        assert_eq!(self.dump(), rows, "a dry run writes nothing");
        assert_eq!(self.seen(users), before);
        let done = self.admin(method, path, body);
        if let Some(words) = access["refused"].as_str() {
            assert_eq!((done.status, done.json()["detail"].as_str()), (409, Some(words)));
            return access;
        }
        assert_eq!(done.status, 200, "{body}: {} {access}", done.json());
        self.alarms();
        let mut expected = Vec::new();
        for (before, after) in before.iter().zip(self.seen(users)) {
            let without = |all: &[Value], others: &[Value]| -> Vec<Value> {
                all.iter().filter(|one| !others.contains(one)).cloned().collect()
            };
            let granted = without(&after.2, &before.2);
            let revoked = without(&before.2, &after.2);
            let withheld = without(&after.3, &before.3);
            if granted.len() + revoked.len() + withheld.len() > 0 {
                expected.push(json!({
                    "id": after.0, "status": after.1,
                    "granted": granted, "revoked": revoked, "withheld": withheld,
                }));
            }
        }
        if access.is_null() {
            assert!(expected.is_empty(), "nothing was told of {body}");
            return access;
        }
        assert_eq!(access["examples"], json!(expected), "{body}");
        assert_eq!(
            (&access["users"], &access["of"]),
            (&json!(expected.len()), &json!(users.len()))
        );
        for name in ["granted", "revoked", "withheld"] {
            let count: usize = expected.iter().map(|one| one[name].as_array().unwrap().len()).sum();
            assert_eq!(access[name], count);
        }
        access
    }
}

#[test]
fn bb_15_a_preview_tells_whom_a_quota_lets_in_and_whom_it_keeps_out() {
    for (overflow, counts) in [(json!("reader"), [3, 2]), (Value::Null, [1, 2])] {
        let mut acme = Acme::new();
        let users = ["ada", "bob", "eve"].map(|name| acme.user(name));
        let mut role = json!({ "value": "modeler", "max": 1, "overflow": overflow });
        if overflow.is_null() {
            role.as_object_mut().unwrap().remove("overflow");
        }
        let document =
            json!({ "roles": [role], "mappings": [mapping("m", "userName pr", &["modeler"])] });
        let access = acme.tries(&users, ("PUT", "/policies"), &document);
        assert_eq!([&access["granted"], &access["withheld"]], counts);
        assert_eq!((&access["users"], access.get("partial")), (&json!(3), None));
        let second = &access["examples"][1];
        assert_eq!(second["id"], users[1].as_str());
        assert_eq!(second["withheld"][0]["reason"], "quota");
        let got = second["granted"].as_array().unwrap().first().map(|grant| &grant["role"]);
        assert_eq!(got, overflow.as_str().map(|_| &overflow));
        // Whoever has a place keeps it, though another would come first.
        let other = json!({ "mappings": [mapping("m", "userName ne \"ada\"", &["modeler"])] });
        let access = acme.tries(&users, ("PUT", "/policies"), &other);
        assert_eq!(access["examples"][0]["revoked"][0]["role"], "modeler");
    }
}

#[test]
fn bb_15_a_preview_has_the_words_of_the_guard_that_would_refuse() {
    let mut acme = Acme::new();
    let users = ["ada", "bob"].map(|name| acme.user(name));
    let owners = |name: &str| json!({ "mappings": [mapping("m", &format!("userName eq \"{name}\""), &["owner"])] });
    acme.policy(&owners("ada"));
    acme.policy(&json!({ "guards": [{ "role": "owner" }] }));
    let nobody = acme.tries(&users, ("PUT", "/mappings"), &json!({ "items": [] }));
    assert_eq!((&nobody["refused"], &nobody["revoked"]), (&json!(WORDS), &json!(1)));
    let other = acme.tries(&users, ("PUT", "/policies"), &owners("bob"));
    assert_eq!(other.get("refused"), None, "another takes the place");
}

#[test]
fn bb_15_beyond_what_one_request_computes_a_preview_is_partial() {
    let mut acme = Acme::new();
    let users = acme.populate(limits::ACCESS_USERS + 1);
    let last = users.last().unwrap();
    acme.policy(&json!({ "mappings": [mapping("m", "userName eq \"u7\"", &["owner"])],
        "guards": [{ "role": "owner" }] }));
    acme.alarms();
    let roles = json!([{ "value": "r", "max": 2 }]);
    let all = |owner: &str| {
        json!({ "roles": roles, "mappings": [
        mapping("m", &format!("userName eq \"{owner}\""), &["owner"]), mapping("r", "userName pr", &["r"]),
    ] })
    };
    let rows = acme.dump();
    let told = acme.admin("PUT", "/policies?dryRun=true", &all("nobody")).json();
    let access = &told["access"];
    assert_eq!((&access["partial"], &access["refused"]), (&json!(true), &json!(WORDS)));
    let told = acme.admin("PUT", "/policies?dryRun=true", &all("u7")).json();
    let access = &told["access"];
    assert_eq!((&access["partial"], access.get("refused")), (&json!(true), None));
    let most = limits::ACCESS_USERS;
    let counts = ["of", "users", "granted", "withheld"].map(|name| access[name].clone());
    assert_eq!(counts, [most, most, 2, most - 2]);
    assert_eq!(acme.dump(), rows);
    assert!(!acme.sweeps(), "nothing is put off");
    assert_eq!(acme.admin("PUT", "/policies", &all("nobody")).json()["detail"], WORDS);
    acme.policy(&all("u7"));
    acme.alarms();
    assert_eq!((acme.held(&users[0]).len(), acme.held(last).len()), (1, 0));
}

#[test]
fn a_preview_of_a_document_tells_what_its_connections_do() {
    let mut acme = Acme::new();
    acme.policy(&json!({ "mappings": [mapping("m", "userName pr", &["user"])] }));
    let key = acme.connection_key("okta", "pending");
    let users = ["ada", "bob"].map(|name| acme.pushed(&key, &json!({ "userName": name })));
    let document = json!({ "connections": {
        "okta": { "state": "active", "inScope": "userName eq \"ada\"" }, "new": { "preset": "okta" },
    } });
    let access = acme.tries(&users, ("PUT", "/policies"), &document);
    assert_eq!((&access["users"], &access["granted"]), (&json!(1), &json!(1)));
}

const USERS: usize = 9;

/// What an edit of policies may be made of.
fn edit() -> impl Strategy<Value = Value> {
    let mappings = prop_oneof![
        Just(json!([mapping("m", "title eq \"A\"", &["r1"])])),
        Just(json!([
            mapping("m", "userName pr", &["r1"]),
            mapping("n", "title eq \"A\"", &["r2"])
        ])),
        Just(json!([mapping("g", "groups.display eq \"G\"", &["r1", "r2"])])),
        Just(json!([mapping("b", "title eq \"B\"", &["r2"]),
            { "id": "j", "condition": "title eq \"A\"", "grants": [{ "group": "G" }] }])),
        Just(json!([])),
    ];
    let roles = prop_oneof![
        Just(json!([])),
        Just(json!([{ "value": "r1", "max": 2, "overflow": "r2", "rebalance": true }])),
        Just(json!([{ "value": "r1", "max": 1, "overflow": "r2" }, { "value": "r2", "max": 2 }])),
        Just(json!([{ "value": "r1", "max": 2 }, { "value": "r2", "max": 1, "overflow": "r3" }])),
    ];
    let guards = prop_oneof![2 => Just(json!([])), 1 => Just(json!([{ "role": "r1" }, { "role": "r2", "min": 2 }]))];
    let fate = prop_oneof![Just("suspend"), Just("delete"), Just("keep")];
    let unmapped = prop_oneof![Just("keep"), Just("revoke"), Just("r3")];
    let scope = prop_oneof![Just("title pr"), Just("title eq \"B\"")];
    (of(mappings), of(roles), of(guards), of(fate), of(unmapped), of(scope)).prop_map(
        |(mappings, roles, guards, fate, unmapped, scope)| {
            let deprovision = fate.map(|fate| json!({ "deactivated": fate }));
            let connections = scope.map(|scope| json!({ "okta": { "inScope": scope } }));
            let parts = [
                ("mappings", mappings),
                ("roles", roles),
                ("guards", guards),
                ("deprovision", deprovision),
                ("unmapped", unmapped.map(Value::from)),
                ("connections", connections),
            ];
            parts.into_iter().filter_map(|(name, part)| Some((name.to_owned(), part?))).collect()
        },
    )
}

/// A user: of which connection, with which title, whether active, in the group, granted `r1` by hand, and
/// suspended.
type Person = (usize, &'static str, bool, bool, bool, bool);

fn person() -> impl Strategy<Value = Person> {
    let title = prop_oneof![Just("A"), Just("B"), Just("")];
    let rarely = || proptest::bool::weighted(0.2);
    (0..3_usize, title, proptest::bool::weighted(0.8), proptest::bool::ANY, rarely(), rarely())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn bb_15_what_a_preview_tells_is_what_then_happens(
        people in proptest::collection::vec(person(), 1..USERS),
        edits in proptest::collection::vec(edit(), 1..6),
    ) {
        let mut acme = Acme::new();
        let keys = [acme.key.clone(), acme.connection_key("okta", "active"), acme.connection_key("new", "pending")];
        let mut users: Vec<(usize, String)> = Vec::new();
        for (number, (from, title, active, ..)) in people.iter().enumerate() {
            let body = json!({ "userName": format!("u{number}"), "title": title, "active": active });
            users.push((number, acme.pushed(&keys[*from], &body)));
        }
        let members: Vec<&str> =
            users.iter().filter(|(number, _)| people[*number].3).map(|(_, id)| id.as_str()).collect();
        acme.group("G", &members);
        for (number, id) in &users {
            if people[*number].4 {
                acme.admin("POST", &format!("/users/{id}/grants"), &json!({ "role": "r1" }));
            }
            if people[*number].5 {
                acme.admin("POST", &format!("/users/{id}/suspend"), &Value::Null);
            }
        }
        let users: Vec<String> = users.into_iter().map(|(_, id)| id).collect();
        let half = edits.len() / 2;
        for (number, edit) in edits.iter().enumerate() {
            acme.tries(&users, ("PUT", "/policies"), edit);
            if number == half {
                acme.tries(&users, ("POST", "/connections/new/activate"), &Value::Null);
            }
        }
    }
}
