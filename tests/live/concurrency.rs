//! Many clients at once: what must be once is once, and nothing is lost.

use std::collections::BTreeSet;
use std::thread;

use serde_json::{Value, json};

use crate::ask::Ask;
use crate::tenant::Tenant;

const CLIENTS: usize = 64;

/// Does something as many clients at once; what each got, in order.
fn at_once<T: Send>(each: impl Fn(usize) -> T + Sync) -> Vec<T> {
    thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| {
                scope.spawn({
                    let each = &each;
                    move || each(client)
                })
            })
            .collect();
        clients.into_iter().map(|client| client.join().expect("a client is served")).collect()
    })
}

#[test]
fn one_of_many_clients_gets_a_name() {
    let acme = Tenant::new("same-name");
    for round in 0..3 {
        let replies = at_once(|client| {
            let name = if client % 2 == 0 { format!("ada{round}") } else { format!("ADA{round}") };
            acme.scim("POST", "/Users").json(&json!({ "userName": name })).send()
        });
        let made = replies.iter().filter(|reply| reply.status == 201).count();
        let refused = replies.iter().filter(|reply| reply.status == 409).count();
        assert_eq!((made, refused), (1, CLIENTS - 1));
        for reply in replies.iter().filter(|reply| reply.status != 201) {
            assert_eq!(reply.status, 409, "{}", reply.text());
            reply.is_scim_error("uniqueness");
        }
    }
    assert_eq!(acme.scim("GET", "/Users").is(200).json()["totalResults"], 3);
}

#[test]
fn no_member_is_lost_when_many_clients_change_a_group() {
    let acme = Tenant::new("same-group");
    let users = at_once(|client| acme.user(&format!("user{client}")));
    let group = acme.group("Builders", &[]);
    let path = format!("/Groups/{group}");
    let members = || {
        let body = acme.scim("GET", &path).is(200).json();
        let members = body["members"].as_array().cloned().unwrap_or_default();
        let ids = members.iter().map(|member| member["value"].as_str().expect("an id").to_owned());
        ids.collect::<BTreeSet<String>>()
    };

    let add = |id: &str| json!({ "op": "add", "path": "members", "value": [{ "value": id }] });
    at_once(|client| acme.patch(&path, &add(&users[client])).is(200));
    assert_eq!(members(), users.iter().cloned().collect());

    let remove =
        |id: &str| json!({ "op": "remove", "path": format!("members[value eq \"{id}\"]") });
    at_once(|client| match client % 2 {
        0 => acme.patch(&path, &remove(&users[client])).is(200),
        _ => acme.patch(&path, &add(&users[client])).is(200),
    });
    assert_eq!(members(), users.iter().skip(1).step_by(2).cloned().collect());
}

#[test]
fn every_client_gets_an_id_and_a_place_of_its_own() {
    let acme = Tenant::new("own-id");
    let made = at_once(|client| acme.user(&format!("user{client}")));
    let ids: BTreeSet<&String> = made.iter().collect();
    assert_eq!(ids.len(), CLIENTS);
    let listed = acme.scim("GET", "/Users?count=1000").is(200).json();
    let listed = listed["Resources"].as_array().expect("a list has resources").clone();
    let listed: Vec<&str> = listed.iter().filter_map(|user| user["id"].as_str()).collect();
    assert!(listed.is_sorted(), "the order of ids is the order of creation");
    assert_eq!(listed.len(), CLIENTS);

    let events = acme.admin("GET", "/events?type=user.created&limit=1000").is(200).json();
    let events = events["items"].as_array().expect("a page has items").clone();
    let seqs: BTreeSet<u64> =
        events.iter().filter_map(|event: &Value| event["data"]["seq"].as_u64()).collect();
    assert_eq!(seqs.len(), CLIENTS, "each event has a place of its own");
}

#[test]
fn one_of_many_clients_changes_a_version() {
    let acme = Tenant::new("same-version");
    let path = format!("/Users/{}", acme.user("ada"));
    let etag = acme.scim("GET", &path).is(200).header("etag").to_owned();
    let replies = at_once(|client| {
        let body = json!({ "userName": "ada", "title": format!("title {client}") });
        acme.scim("PUT", &path).header("if-match", etag.as_str()).json(&body).send()
    });
    let changed = replies.iter().filter(|reply| reply.status == 200).count();
    let refused = replies.iter().filter(|reply| reply.status == 412).count();
    assert_eq!((changed, refused), (1, CLIENTS - 1));
}

#[test]
fn a_tenant_that_is_purged_in_full_use_is_empty_when_it_returns() {
    let acme = Tenant::new("purged");
    let statuses = at_once(|client| {
        if client == CLIENTS / 2 {
            acme.admin("DELETE", &format!("?confirm={}", acme.slug)).is(204);
        }
        let body = json!({ "userName": format!("user{client}") });
        acme.scim("POST", "/Users").json(&body).send().status
    });
    for status in statuses {
        // Before; after the data went; after the record went.
        assert!([201, 401, 404].contains(&status), "{status}");
    }
    let record = json!({ "id": acme.slug });
    Ask::admin("POST", "/v1/tenants").json(&record).is(201);
    acme.scim("GET", "/Users").is(401);
    let again = Tenant::of(acme.slug);
    assert_eq!(again.scim("GET", "/Users").is(200).json()["totalResults"], 0);
}
