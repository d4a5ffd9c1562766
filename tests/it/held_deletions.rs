//! Deletions that await approval: the connection sees the user no more, and all others do.

use serde_json::{Value, json};

use crate::changes::{ada, reviewed};
use crate::steps::{ids, patch_op};

#[test]
fn ol_19_a_deletion_is_held_and_the_connection_sees_nobody() {
    let (mut acme, key) = reviewed(&json!({ "delete": "manual" }));
    let (id, bob) = (acme.pushed(&key, &ada()), acme.pushed(&key, &json!({ "userName": "bob" })));
    let group = acme.with_key(&key, |acme| acme.group("g", &[&id, &bob]));
    acme.delete_by(&key, &id);
    acme.sleep();
    acme.check_access(&id, "granted", &["user"], &["change_pending"]);
    let path = format!("/Users/{id}");
    for (method, body) in [("GET", Value::Null), ("PUT", ada()), ("DELETE", Value::Null)] {
        assert_eq!(acme.scim_with(method, &path, &body, &key, &[]).status, 404, "{method}");
    }
    acme.with_key(&key, |acme| {
        for list in ["/Users", "/Users?cursor=", "/Users?sortBy=userName", "/Users?startIndex=1"] {
            let list = acme.get(list);
            assert_eq!(
                (&list["totalResults"], ids(&list)),
                (&json!(1), vec![bob.clone()]),
                "{list}"
            );
        }
        for filter in
            ["userName eq \"ada\"", "externalId eq \"e1\"", "userName sw \"a\"", "title pr"]
        {
            assert_eq!(acme.found("/Users", filter), Vec::<String>::new(), "{filter}");
        }
        assert_eq!(acme.get("/Users?startIndex=2")["Resources"], json!([]));
    });
    assert_eq!(acme.get("/Users")["totalResults"], 2, "others see it");
    let group = format!("/Groups/{group}");
    assert_eq!(acme.get(&group)["members"].as_array().unwrap().len(), 2);
    acme.with_key(&key, |acme| {
        assert_eq!(acme.get(&group)["members"][0]["value"], bob);
        let add = json!([{ "op": "add", "path": "members", "value": [{ "value": id }] }]);
        assert_eq!(acme.scim("PATCH", &group, &patch_op(&add)).status, 400, "it is nobody");
    });
    assert_eq!(acme.changes("")[0]["action"], "delete");
    acme.decide_only("approve");
    assert_eq!(acme.scim("GET", &path, &Value::Null).status, 404);
    assert_eq!(acme.access(&id)["status"], "deprovisioned");
    let seen = acme.events().len();
    assert_eq!(acme.event_types(seen - 2), ["change.approved", "user.deleted"]);
    assert_eq!(["changes", "hidden"].map(|table| acme.rows(table)), [0, 0]);
    acme.with_key(&key, |acme| assert_eq!(acme.get("/Users")["totalResults"], 1));
    assert_eq!(acme.pushed(&key, &ada()), id, "it comes back under the old id");
}

#[test]
fn a_deletion_that_is_rejected_leaves_the_user_there_and_nobodys() {
    let (mut acme, key) = reviewed(&json!({ "delete": "manual" }));
    let id = acme.pushed(&key, &ada());
    acme.delete_by(&key, &id);
    let change = acme.decide_only("reject");
    assert_eq!(change["status"], "rejected");
    let shown = acme.with_key(&key, |acme| acme.get(&format!("/Users/{id}")));
    assert!(shown["urn:muster:scim:1.0:User"].get("managedBy").is_none(), "{shown}");
    acme.check_access(&id, "granted", &["user"], &[]);
    acme.decide_only("retry");
    assert_eq!(acme.scim_with("GET", &format!("/Users/{id}"), &Value::Null, &key, &[]).status, 404);
    acme.decide_only("approve");
    assert_eq!(acme.get("/Users")["totalResults"], 0);
}

#[test]
fn who_is_made_again_before_the_deletion_is_decided_is_the_same() {
    let (mut acme, key) = reviewed(&json!({ "delete": "manual", "update": "manual" }));
    let id = acme.pushed(&key, &ada());
    acme.delete_by(&key, &id);
    let seen = acme.events().len();
    assert_eq!(acme.pushed(&key, &ada()), id);
    assert_eq!(acme.event_types(seen), ["change.rejected"]);
    assert_eq!(["changes", "hidden"].map(|table| acme.rows(table)), [0, 0]);
    acme.delete_by(&key, &id);
    let lead = json!({ "userName": "ADA", "active": true, "title": "Lead" });
    let bulk = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": [{ "method": "POST", "path": "/Users", "bulkId": "a", "data": lead }],
    });
    let reply = acme.scim_with("POST", "/Bulk", &bulk, &key, &[]).json();
    assert_eq!(reply["Operations"][0]["status"], "201", "{reply}");
    assert_eq!(acme.with_key(&key, |acme| acme.get(&format!("/Users/{id}")))["title"], "Lead");
    acme.check_access(&id, "granted", &["user"], &["change_pending"]);
    assert_eq!(acme.changes("")[0]["action"], "update");
    // One that another key deletes is gone, and what awaited approval with it.
    acme.delete_by(&acme.key.clone(), &id);
    assert_eq!(acme.rows("changes"), 0);
}

#[test]
fn who_was_never_approved_is_deleted_at_once() {
    let (mut acme, key) = reviewed(&json!({ "create": "manual", "delete": "manual" }));
    let id = acme.pushed(&key, &ada());
    acme.delete_by(&key, &id);
    assert_eq!(["changes", "hidden"].map(|table| acme.rows(table)), [0, 0]);
    assert_eq!(acme.scim("GET", &format!("/Users/{id}"), &Value::Null).status, 404);
}

#[test]
fn a_connection_that_leaves_takes_with_it_what_it_hid() {
    for users in ["keep", "suspend", "delete"] {
        let review = json!({ "delete": "manual", "deactivate": "manual" });
        let (mut acme, key) = reviewed(&review);
        let (id, bob) =
            (acme.pushed(&key, &ada()), acme.pushed(&key, &json!({ "userName": "bob" })));
        acme.delete_by(&key, &id);
        acme.replace_by(&key, &bob, "active", json!(false));
        let path = format!("/connections/okta?users={users}");
        assert_eq!(acme.admin("DELETE", &path, &Value::Null).status, 204);
        assert_eq!(acme.rows("hidden"), 0, "{users}");
        let (changes, held) = match users {
            "keep" => (1, 2), // Who was deleted is nobody's, and stays.
            _ => (0, 0),
        };
        assert_eq!(acme.rows("changes"), changes, "{users}");
        assert_eq!(acme.rows("grants"), held, "{users}");
        acme.check_recomputed();
        acme.sleep();
        acme.check_recomputed();
        if users == "keep" {
            for change in acme.changes("") {
                assert_eq!(acme.decide(change["id"].as_str().unwrap(), "approve").status, 200);
            }
            acme.check_recomputed();
        }
    }
}

#[test]
fn a_sorted_list_leaves_out_who_is_hidden() {
    let (mut acme, key) = reviewed(&json!({ "delete": "manual" }));
    let user = |acme: &mut crate::support::Acme, n: usize| {
        let name = ["x", "y"][n % 2];
        acme.pushed(&key, &json!({ "userName": format!("u{n}"), "displayName": name }))
    };
    let users: Vec<String> = (0..6).map(|n| user(&mut acme, n)).collect();
    for hidden in [0, 3, 5] {
        acme.delete_by(&key, &users[hidden]);
    }
    let [u1, u2, u4] = [1, 2, 4].map(|n| users[n].clone());
    acme.with_key(&key, |acme| {
        for (by, expected) in [
            ("userName", [&u1, &u2, &u4]),
            ("id", [&u1, &u2, &u4]),
            ("meta.created", [&u1, &u2, &u4]),
            ("displayName", [&u2, &u4, &u1]),
            ("title", [&u1, &u2, &u4]),
        ] {
            let path = format!("/Users?sortBy={by}");
            let list = acme.get(&path);
            assert_eq!(
                (list["totalResults"].as_i64(), ids(&list)),
                (Some(3), expected.map(String::clone).to_vec())
            );
            for (start, one) in (1..).zip(expected) {
                let page = acme.get(&format!("{path}&count=1&startIndex={start}"));
                assert_eq!(ids(&page), [one.as_str()], "{path} from {start}");
            }
            let (mut walked, mut cursor) = (Vec::new(), String::new());
            loop {
                let page = acme.get(&format!("{path}&count=2&cursor={cursor}"));
                walked.extend(ids(&page));
                match page["nextCursor"].as_str() {
                    Some(next) => cursor = next.to_owned(),
                    None => break,
                }
            }
            assert_eq!(walked, ids(&list), "{path}");
        }
    });
}
