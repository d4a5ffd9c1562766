//! Who may touch whom, over random histories of two connections and a key without one: no connection
//! ever changes what it must not.

use std::collections::{BTreeMap, BTreeSet};

use muster::store::{Row, Sql as _};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::steps::patch_op;
use crate::support::Acme;

/// A request: by which key, of which kind, of which resource.
type Deed = (usize, u8, usize);

const NAMES: [&str; 3] = ["ada", "bob", "cyd"];
const ADOPTS: [&str; 3] = ["onWrite", "onCreate", "never"];

/// What is kept of a resource and of a group's members, by what tells them apart.
#[derive(Debug, Eq, PartialEq)]
struct State {
    /// Of each id: manager, document.
    resources: BTreeMap<String, (Option<String>, String)>,
    /// Of each group and member: by whose words.
    members: BTreeSet<(String, String, String)>,
}

fn state(acme: &Acme) -> State {
    let read = |statement: &str| acme.sql.query(statement, &[]).expect("SQLite reads");
    let text = |row: &Row, column| row.text(column).expect("a text").to_owned();
    let resources = read("SELECT id, manager, doc FROM resources");
    let members = read(
        "SELECT g.id, r.id, m.origin FROM members m
         JOIN resources g ON g.pos = m.grp JOIN resources r ON r.pos = m.member",
    );
    let manager = |row: &Row| row.text_or_null(1).expect("a text or nothing").map(str::to_owned);
    State {
        resources: resources.iter().map(|r| (text(r, 0), (manager(r), text(r, 2)))).collect(),
        members: members.iter().map(|r| (text(r, 0), text(r, 1), text(r, 2))).collect(),
    }
}

/// What a key does; `None` where there is nothing to do it to.
fn request(acme: &mut Acme, (_, kind, which): Deed) -> Option<(&'static str, String, Value)> {
    let ids = |acme: &mut Acme, path: &str| crate::steps::ids(&acme.get(path));
    let (users, groups) = (ids(acme, "/Users"), ids(acme, "/Groups"));
    let pick = |ids: &[String]| ids.get(which % ids.len().max(1)).cloned();
    let user = || pick(&users).map(|id| format!("/Users/{id}"));
    let group = || pick(&groups).map(|id| format!("/Groups/{id}"));
    let name = NAMES[which % NAMES.len()];
    let set = |path: &str, value: Value| {
        patch_op(&json!([{ "op": "replace", "path": path, "value": value }]))
    };
    let member = pick(&users).unwrap_or_default();
    let members = |op: &str| {
        patch_op(&json!([{ "op": op, "path": "members", "value": [{ "value": member }] }]))
    };
    Some(match kind {
        0 => ("POST", "/Users".to_owned(), json!({ "userName": name })),
        1 => ("PUT", user()?, json!({ "userName": name, "title": "put" })),
        2 => ("PATCH", user()?, set("active", json!(which % 2 == 0))),
        3 => ("PATCH", user()?, set("title", json!(which.to_string()))),
        4 => ("DELETE", user()?, Value::Null),
        5 => (
            "POST",
            "/Groups".to_owned(),
            json!({ "displayName": "g", "members": [{ "value": member }] }),
        ),
        6 => ("PATCH", group()?, members("add")),
        7 => ("PATCH", group()?, members("remove")),
        8 => ("PATCH", group()?, set("displayName", json!(which.to_string()))),
        9 => ("PUT", group()?, json!({ "displayName": "g", "members": [] })),
        10 => ("DELETE", group()?, Value::Null),
        _ => ("PATCH", group()?, patch_op(&json!([{ "op": "remove", "path": "members" }]))),
    })
}

fn is_active(doc: &str) -> bool {
    let doc: Value = serde_json::from_str(doc).expect("a document is JSON");
    doc["active"] != json!(false)
}

/// What a connection must not have done.
fn check(own: &str, adopt: &str, before: &State, after: &State) -> Result<(), TestCaseError> {
    for (id, (manager, doc)) in &before.resources {
        let now = after.resources.get(id);
        match manager.as_deref() {
            Some(manager) if manager == own => {
                let still = now.is_none_or(|(now, _)| now.as_deref() == Some(own));
                prop_assert!(still, "what it manages it goes on to manage");
            }
            Some(_) => prop_assert_eq!(now.map(|now| &now.0), Some(manager), "another's"),
            None => {
                let Some((now, changed)) = now else {
                    return Err(TestCaseError::fail("it deleted what is nobody's"));
                };
                prop_assert!(is_active(changed) || !is_active(doc), "it deactivated nobody's");
                let is_taken_up = now.as_deref() == Some(own);
                prop_assert!(is_taken_up || now.is_none());
                prop_assert!(!is_taken_up || adopt != "never");
            }
        }
        if manager.as_deref().is_some_and(|manager| manager != own) {
            prop_assert_eq!(now.map(|now| &now.1), Some(doc), "another's document");
        }
    }
    for (id, (manager, _)) in &after.resources {
        let is_new = !before.resources.contains_key(id);
        prop_assert!(!is_new || manager.as_deref() == Some(own), "what it makes it manages");
    }
    let origin = format!("scim:{own}");
    for (group, member, by) in before.members.difference(&after.members) {
        // A membership ends with its member, whoever had named it.
        let there = |id| after.resources.contains_key(id);
        prop_assert!(!there(group) || !there(member) || *by == origin, "it removed another's row");
    }
    for (group, _, by) in after.members.difference(&before.members) {
        prop_assert_eq!(by, &origin);
        let manager = after.resources[group].0.as_deref();
        prop_assert!(manager.is_none_or(|manager| manager == own), "in another's group");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn no_connection_changes_what_it_must_not(
        adopts in proptest::array::uniform2(0..ADOPTS.len()),
        deeds in proptest::collection::vec((0..3_usize, 0..12_u8, 0..7_usize), 1..40),
    ) {
        let mut acme = Acme::new();
        let mut keys = vec![(None, acme.key.clone())];
        for (id, adopt) in ["okta", "entra"].into_iter().zip(adopts) {
            let key = acme.connect(id);
            acme.admin("PATCH", &format!("/connections/{id}"), &json!({ "adopt": ADOPTS[adopt] }));
            keys.push((Some((id, ADOPTS[adopt])), key));
        }
        for deed in deeds {
            let Some((method, path, body)) = request(&mut acme, deed) else { continue };
            let (who, key) = &keys[deed.0];
            let before = state(&acme);
            let reply = acme.scim_with(method, &path, &body, key, &[]);
            let after = state(&acme);
            prop_assert!(reply.status != 500, "{method} {path}");
            if reply.status >= 400 {
                prop_assert_eq!(&before, &after);
            }
            match who {
                Some((own, adopt)) => check(own, adopt, &before, &after)?,
                // A key without a connection is refused nothing on that account.
                None => prop_assert_ne!(reply.status, 403),
            }
        }
    }
}
