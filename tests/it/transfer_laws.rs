//! The law of moving, on generated histories: what a tenant has become answers what it was.

use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, prop_assert, prop_assert_eq, prop_oneof, proptest};
use proptest::test_runner::{Config, TestCaseError};
use serde_json::{Value, json};

use crate::steps::patch_op;
use crate::support::Acme;

/// One step of a tenant's history.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    User(u8),
    Group(u8, Vec<u8>),
    Join(u8, Vec<u8>),
    Leave(u8, u8),
    /// Members by names that nobody may have.
    Dangling(u8, u8),
    Change(u8, u8),
    Delete(u8),
    Wait,
}

fn history() -> impl Strategy<Value = Vec<Step>> {
    let some = || vec(0..12_u8, 0..4);
    let step = prop_oneof![
        4 => (0..9_u8).prop_map(Step::User),
        2 => (0..4_u8, some()).prop_map(|(name, members)| Step::Group(name, members)),
        3 => (0..12_u8, some()).prop_map(|(group, members)| Step::Join(group, members)),
        1 => (0..12_u8, 0..12_u8).prop_map(|(group, member)| Step::Leave(group, member)),
        2 => (0..12_u8, 0..9_u8).prop_map(|(group, name)| Step::Dangling(group, name)),
        3 => (0..12_u8, 0..9_u8).prop_map(|(one, value)| Step::Change(one, value)),
        1 => (0..12_u8).prop_map(Step::Delete),
        2 => Just(Step::Wait),
    ];
    vec(step, 0..30)
}

/// A tenant with a history, and the ids of all that ever was in it.
pub(crate) fn lived(steps: &[Step]) -> (Acme, Vec<String>) {
    let mut acme = Acme::new();
    let entra = acme.connect("entra");
    acme.admin("POST", "/schemas", &staff());
    let mut ids: Vec<String> = Vec::new();
    for step in steps {
        let id = |number: &u8| ids.get(usize::from(*number)).cloned().unwrap_or("none".to_owned());
        let listed = |numbers: &[u8]| -> Value {
            numbers.iter().map(|number| json!({ "value": id(number) })).collect()
        };
        let add =
            |value: Value| patch_op(&json!([{ "op": "add", "path": "members", "value": value }]));
        let (method, path, body) = match step {
            Step::User(number) => {
                let body = json!({
                    "userName": format!("u{number}"), "externalId": format!("x{}", number % 3),
                    "displayName": format!("Ü \"{number}\"\n"), STAFF: { "badge": format!("b{number}"), "share": 0.1 },
                });
                ("POST", "/Users".to_owned(), body)
            }
            Step::Group(number, members) => {
                let body =
                    json!({ "displayName": format!("g{number}"), "members": listed(members) });
                ("POST", "/Groups".to_owned(), body)
            }
            Step::Join(group, members) => {
                ("PATCH", format!("/Groups/{}", id(group)), add(listed(members)))
            }
            Step::Leave(group, member) => {
                let path = format!("members[value eq \"{}\"]", id(member));
                let body = patch_op(&json!([{ "op": "remove", "path": path }]));
                ("PATCH", format!("/Groups/{}", id(group)), body)
            }
            Step::Dangling(group, number) => {
                let member = json!([{ "value": format!("u{number}"), "display": "D" }]);
                ("PATCH", format!("/Groups/{}", id(group)), add(member))
            }
            Step::Change(one, value) => {
                let body = json!([{ "op": "replace", "path": "displayName", "value": format!("d{value}") }]);
                let path = if value % 2 == 0 { "Users" } else { "Groups" };
                ("PATCH", format!("/{path}/{}", id(one)), patch_op(&body))
            }
            Step::Delete(one) => {
                let path = if one % 3 == 0 { "Groups" } else { "Users" };
                ("DELETE", format!("/{path}/{}", id(one)), Value::Null)
            }
            Step::Wait => {
                acme.wait(7);
                continue;
            }
        };
        let reply = acme.scim_with(method, &path, &body, &entra, &[]);
        if reply.status == 201 {
            ids.push(reply.json()["id"].as_str().expect("an id").to_owned());
        }
    }
    // A group's version changes with its members, also where these have been deleted.
    acme.settle();
    (acme, ids)
}

const STAFF: &str = "urn:acme:scim:extension:staff:1.0:User";

fn staff() -> Value {
    let attributes = json!([
        { "name": "badge", "type": "string", "searchable": true },
        { "name": "share", "type": "decimal" },
    ]);
    json!({ "id": STAFF, "name": "Staff", "resourceTypes": ["User"], "attributes": attributes })
}

fn check_move(steps: &[Step], limit: usize, sends_twice: bool) -> Result<(), TestCaseError> {
    let (mut acme, ids) = lived(steps);
    acme.policy(&json!({ "features": { "roles": true } }));
    acme.post("/Roles", &json!({ "value": "modeler", "display": "Modeler" }));
    for id in &ids {
        let grants = format!("/users/{id}/grants");
        acme.admin("POST", &grants, &json!({ "role": "owner", "scope": "org/x" }));
        acme.admin("POST", &grants, &json!({ "role": "clerk" }));
        acme.admin("POST", &format!("/users/{id}/suspend"), &Value::Null);
    }
    for id in ids.iter().step_by(2) {
        acme.admin("POST", &format!("/users/{id}/restore"), &Value::Null);
    }
    let before = acme.dump();
    let pages = acme.export(limit);
    prop_assert!(acme.dump() == before, "an export writes nothing");
    let mut other = Acme::named("other");
    for page in &pages {
        prop_assert!(page.lines().count() <= limit.max(2) + 1);
        other.takes(page);
        other.sleep();
        if sends_twice {
            let there = other.dump();
            let [imported, _, skipped] = other.takes(page);
            prop_assert_eq!((imported, skipped), (0, 0));
            prop_assert!(other.dump() == there, "what is there is not written again");
        }
    }
    prop_assert_eq!(other.answers(&ids), acme.answers(&ids));
    other.alarms();
    for id in &ids {
        let path = format!("/users/{id}/access");
        let access = |acme: &mut Acme| acme.admin("GET", &path, &Value::Null);
        let (moved, own) = (access(&mut other), access(&mut acme));
        if own.status == 200 && own.json()["status"] != "deprovisioned" {
            prop_assert_eq!(moved.json(), own.json());
        }
    }
    // And so does what the second tenant exports, but for its own events.
    let lines = |pages: &[String]| -> Vec<String> {
        let lines = pages.iter().flat_map(|page| page.lines()).map(str::to_owned);
        lines.filter(|line| !line.starts_with("{\"end\"")).collect()
    };
    prop_assert_eq!(lines(&other.export(limit)), lines(&pages));
    // It lives on: what is made next is behind all that was moved.
    let made = other.user("later");
    prop_assert!(ids.iter().all(|id| *id < made));
    let list = other.get("/Users?count=1000");
    let last = list["Resources"].as_array().expect("users").last().expect("a user");
    prop_assert_eq!(&last["id"], &json!(made));
    Ok(())
}

proptest! {
    #![proptest_config(Config { cases: 24, ..Config::default() })]

    #[test]
    fn a_tenant_that_has_moved_answers_as_before(steps in history(), limit in 1..40_usize, sends_twice in 0..2_u8) {
        check_move(&steps, limit, sends_twice == 1)?;
    }
}
