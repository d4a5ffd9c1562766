//! What has become of users' changes, as the streams have acknowledged them.

use serde_json::{Value, json};

use crate::changes::reviewed;
use crate::hooks::{URL, status};
use crate::streams_delivery::{given, retitle};
use crate::support::Acme;

impl Acme {
    /// The changes that a path lists, page by page.
    fn listed_changes(&mut self, path: &str) -> Vec<Value> {
        let (mut all, mut cursor) = (Vec::new(), String::new());
        let sign = if path.contains('?') { '&' } else { '?' };
        loop {
            let page = self.admin("GET", &format!("{path}{sign}cursor={cursor}"), &Value::Null);
            assert_eq!(page.status, 200, "{}", page.json());
            all.extend(page.json()["items"].as_array().expect("items").clone());
            match page.json()["next"].as_str() {
                Some(next) => next.clone_into(&mut cursor),
                None => return all,
            }
        }
    }

    /// The last change of a user, which has a status.
    #[track_caller]
    fn check_status(&mut self, user: &str, expected: &str) -> Value {
        let last = self.listed_changes(&format!("/changes?user={user}")).pop().expect("a change");
        assert_eq!(last["status"], expected, "{last}");
        last
    }
}

#[test]
fn ol_30_what_is_not_acknowledged_is_provisioning() {
    let mut acme = given();
    let ada = acme.user("ada");
    let change = acme.check_status(&ada, "provisioning");
    assert_eq!(
        (&change["action"], &change["cause"], &change["id"]),
        (&json!("create"), &json!("event"), &json!("3"))
    );
    acme.deliver(|_| muster::policy::Delivered::TimedOut);
    let change = acme.check_status(&ada, "provisioning");
    assert_eq!(
        (&change["reason"], &change["attempts"]),
        (&json!("no answer within 15 seconds"), &json!(1))
    );
}

#[test]
fn ol_31_an_update_is_modifying_and_ol_34_a_deletion_deleting() {
    let mut acme = given();
    let ada = acme.user("ada");
    acme.deliver(|_| status(204));
    retitle(&mut acme, &ada, "x");
    acme.check_status(&ada, "modifying");
    acme.deliver(|_| status(204));
    acme.check_status(&ada, "provisioned");
    assert_eq!(acme.scim("DELETE", &format!("/Users/{ada}"), &Value::Null).status, 204);
    acme.check_status(&ada, "deleting");
    acme.deliver(|_| status(204));
    let gone = acme.check_status(&ada, "provisioned");
    assert_eq!(gone["action"], "delete");
}

#[test]
fn ol_32_every_stream_has_to_acknowledge_it() {
    let mut acme = given();
    acme.hook("erp");
    acme.stream(&json!({ "id": "groups", "url": URL, "types": ["group.*"] }));
    let ada = acme.user("ada");
    let only = |url: &'static str| {
        move |one: &crate::hooks::Sent| status(if one.url.ends_with(url) { 204 } else { 500 })
    };
    acme.deliver(only("crm"));
    let change = acme.check_status(&ada, "provisioning");
    assert_eq!(change["stream"], "erp");
    let of =
        |acme: &mut Acme, id: &str| acme.listed_changes(&format!("/streams/{id}/changes")).pop();
    assert_eq!(of(&mut acme, "crm").expect("a change")["status"], "provisioned");
    assert_eq!(of(&mut acme, "erp").expect("a change")["status"], "provisioning");
    assert_eq!(of(&mut acme, "groups"), None);
    acme.deliver_for(60, |_| status(204));
    for sleeps in [false, true] {
        if sleeps {
            acme.sleep();
        }
        let change = acme.check_status(&ada, "provisioned");
        assert!(change["ackedAt"].as_str().expect("a time") > "2026-09-21T14:13:24", "{change}");
    }
}

#[test]
fn ol_33_what_was_tried_too_often_has_failed_and_is_retried() {
    let mut acme = given();
    let ada = acme.user("ada");
    acme.deliver_for(4 * 86_400, |_| muster::policy::Delivered::Answered {
        status: 401,
        retry_after: None,
        body: "who are you".to_owned(),
    });
    let change = acme.check_status(&ada, "failed");
    assert_eq!(change["reason"], "401 invalid authentication");
    assert_eq!(
        (&change["answer"], &change["stream"], &change["attempts"]),
        (&json!("who are you"), &json!("crm"), &json!(10))
    );
    assert!(change["hint"].as_str().is_some_and(|hint| hint.contains("retry")), "{change}");
    assert_eq!(acme.listed_changes("/changes?status=failed").len(), 1);
    // Mended.
    let path = format!("/changes/{}/retry", change["id"].as_str().unwrap());
    let retried = acme.admin("POST", &path, &Value::Null);
    assert_eq!((retried.status, &retried.json()["status"]), (200, &json!("provisioning")));
    let sent = acme.deliver_for(2, |_| status(204));
    assert!(sent.iter().any(|one| one.about() == ada && one.kind() == "user.created"));
    let change = acme.check_status(&ada, "provisioned");
    assert_eq!(change.get("reason"), None);
    let detail = "nothing of the change awaits a decision or has failed";
    acme.admin_refused("POST", &path, &Value::Null, (409, "conflict", detail));
    for id in ["0", "x", "99999"] {
        assert_eq!(acme.admin("POST", &format!("/changes/{id}/retry"), &Value::Null).status, 404);
    }
}

#[test]
fn ol_27_ol_28_changes_are_found_by_user_stream_status_and_place() {
    let (mut acme, key) = reviewed(&json!({ "update": "manual" }));
    acme.hook("crm");
    acme.hook("erp");
    let ada = acme.pushed(&key, &json!({ "userName": "ada", "title": "Lead" }));
    let bob = acme.user("bob");
    acme.deliver(|one| {
        status(if one.url.ends_with("erp") && one.about() == bob { 500 } else { 204 })
    });
    acme.replace_by(&key, &ada, "title", json!("Dev"));
    let shown = |acme: &mut Acme, path: &str| -> Vec<(String, String, String)> {
        let changes = acme.listed_changes(path);
        let ids: Vec<i64> =
            changes.iter().map(|one| one["id"].as_str().unwrap().parse().unwrap()).collect();
        assert!(ids.is_sorted(), "{path}");
        let name = |one: &Value| if one["user"] == *ada { "ada" } else { "bob" };
        let text = |one: &Value, of: &str| one[of].as_str().unwrap().to_owned();
        changes
            .iter()
            .map(|one| (name(one).to_owned(), text(one, "action"), text(one, "status")))
            .collect()
    };
    let all = shown(&mut acme, "/changes");
    assert_eq!(shown(&mut acme, "/changes?limit=1"), all, "page by page");
    let has = |user: &str, action: &str, status: &str| {
        all.contains(&(user.to_owned(), action.to_owned(), status.to_owned()))
    };
    assert!(has("ada", "create", "provisioned") && has("ada", "update", "modifying"), "{all:?}");
    assert!(has("ada", "update", "pending") && has("bob", "create", "provisioning"), "{all:?}");
    let only = |all: &[(String, String, String)],
                keep: &dyn Fn(&(String, String, String)) -> bool| {
        all.iter().filter(|one| keep(one)).cloned().collect::<Vec<_>>()
    };
    let of_ada = only(&all, &|one| one.0 == "ada");
    assert_eq!(shown(&mut acme, &format!("/changes?user={ada}")), of_ada);
    assert_eq!(shown(&mut acme, &format!("/users/{ada}/changes")), of_ada);
    for status in ["pending", "provisioning", "modifying", "provisioned"] {
        let expected = only(&all, &|one| one.2 == status);
        assert!(!expected.is_empty(), "{status}");
        assert_eq!(shown(&mut acme, &format!("/changes?status={status}")), expected, "{status}");
    }
    let of_crm = shown(&mut acme, "/streams/crm/changes");
    assert_eq!(shown(&mut acme, "/changes?stream=crm"), of_crm);
    assert!(of_crm.contains(&("bob".to_owned(), "create".to_owned(), "provisioned".to_owned())));
    assert!(of_crm.iter().all(|one| one.2 != "pending"), "what awaits approval is no stream's");
    let both = format!("/changes?stream=erp&status=provisioning&user={bob}");
    assert_eq!(shown(&mut acme, &both).len(), 1);
    assert_eq!(shown(&mut acme, "/changes?connection=okta&action=create&stream=crm").len(), 1);
    let seq = acme.events().len();
    assert!(shown(&mut acme, &format!("/changes?after={seq}")).is_empty());
    assert_eq!(acme.admin("GET", "/changes?stream=none", &Value::Null).status, 404);
}

#[test]
fn a_disabled_stream_holds_nothing_up() {
    let mut acme = given();
    acme.admin("PATCH", "/streams/crm", &json!({ "state": "disabled" }));
    let ada = acme.user("ada");
    let change = acme.check_status(&ada, "provisioned");
    assert_eq!(change.get("ackedAt"), None, "nobody was asked");
}
