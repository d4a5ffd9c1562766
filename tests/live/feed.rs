//! Those who follow the feed over HTTP: they wait for events, begin with a snapshot, and keep a log that
//! proves itself.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc;
use std::time::Duration;
use std::{env, fs, thread};

use serde_json::{Value, json};

use crate::ask::{Ask, Cost};
use crate::deployment::{deployment, unix_seconds};
use crate::scenario::Reply;
use crate::tenant::Tenant;

/// Requests of a tenant that may wait.
const WAITING: usize = 100;

fn feed(acme: &Tenant, query: &str) -> Ask {
    acme.admin("GET", &format!("/events?{query}"))
}

fn items(reply: &Reply) -> Vec<Value> {
    reply.json()["items"].as_array().expect("a page has items").clone()
}

/// The place of the last event.
fn last(acme: &Tenant) -> u64 {
    let items = items(&feed(acme, "limit=1000").is(200));
    items.last().expect("an event")["data"]["seq"].as_u64().expect("a place")
}

#[test]
fn a_request_that_waits_is_answered_at_once_and_others_are_meanwhile() {
    let acme = Tenant::new("poll");
    let last = last(&acme);
    thread::scope(|scope| {
        let poll = scope
            .spawn(|| feed(&acme, &format!("after={last}&wait=20&type=group.created")).is(200));
        thread::sleep(Duration::from_millis(500));
        acme.user("ada");
        acme.scim("GET", "/Users").is(200);
        assert!(!poll.is_finished(), "an event of another type is none that it waits for");
        let begun = unix_seconds();
        let group = acme.group("crew", &[]);
        let events = items(&poll.join().expect("an answer"));
        assert!(unix_seconds() - begun < 10, "it is answered at once");
        assert_eq!((events.len(), &events[0]["data"]["id"]), (1, &json!(group)));
    });
}

#[test]
fn a_request_that_waits_for_nothing_reads_nothing() {
    let acme = Tenant::new("poll-nothing");
    let query = format!("after={}&wait=3", last(&acme));
    let begun = unix_seconds();
    let reply = feed(&acme, &query).is(200);
    assert!(unix_seconds() - begun >= 2, "it waits");
    assert_eq!(reply.json(), json!({ "items": [] }));
    assert_eq!(reply.cost(), Cost::default());
}

#[test]
fn so_many_requests_wait_and_an_event_wakes_all_of_them() {
    const MORE: usize = 5;
    let acme = Tenant::new("poll-many");
    let query = format!("after={}&wait=25", last(&acme));
    let (told, answers) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..WAITING + MORE {
            let (told, acme, query) = (told.clone(), &acme, &query);
            scope.spawn(move || told.send(feed(acme, query).send()).expect("it is heard"));
        }
        for _ in 0..MORE {
            let refused = answers.recv().expect("an answer");
            assert_eq!(refused.status, 429, "{}", refused.text());
            refused.is_problem("too_many_requests");
            assert_eq!(refused.header("retry-after"), "1");
        }
        acme.user("ada");
        for _ in 0..WAITING {
            let reply = answers.recv().expect("an answer");
            assert_eq!((reply.status, items(&reply).len()), (200, 1), "{}", reply.text());
        }
    });
}

#[test]
fn an_import_wakes_who_waits() {
    let (acme, other) = (Tenant::new("poll-export"), Tenant::new("poll-import"));
    acme.user("ada");
    let settings = acme.admin("GET", "/export").is(200).text();
    let line: Value = serde_json::from_str(settings.lines().last().expect("a line")).expect("JSON");
    let path = format!("/export?cursor={}", text(&line["next"]));
    let users = acme.admin("GET", &path).is(200).body;
    let query = format!("after={}&wait=20", last(&other));
    thread::scope(|scope| {
        let poll = scope.spawn(|| feed(&other, &query).is(200));
        thread::sleep(Duration::from_millis(500));
        let begun = unix_seconds();
        let import = other.admin("POST", "/import").header("content-type", "application/x-ndjson");
        import.body(users).is(200);
        let events = items(&poll.join().expect("an answer"));
        assert!(unix_seconds() - begun < 10, "it is answered at once");
        assert_eq!(events[0]["type"], "user.created");
    });
}

#[test]
fn who_has_waited_is_told_what_is_left_of_a_rate_limit() {
    let acme = Tenant::new("poll-limit");
    let limit = json!({ "rateLimit": { "perSecond": 50, "burst": 200 } });
    acme.admin("PUT", "/policies").json(&limit).is(200);
    let key = acme.mint(&["events:read"]);
    let path = format!("/events?after={}&wait=20", last(&acme));
    thread::scope(|scope| {
        let poll = scope.spawn(|| acme.ask_by(&key, "GET", &path).is(200));
        thread::sleep(Duration::from_millis(500));
        acme.user("ada");
        let reply = poll.join().expect("an answer");
        assert_eq!(items(&reply).len(), 1);
        assert_eq!(reply.header("x-rate-limit-limit"), "200");
    });
}

/// All of a tenant's log, with what proves it.
fn proof(acme: &Tenant) -> String {
    let (mut text, mut after) = (String::new(), String::new());
    loop {
        let query = format!("format=ndjson&chain=true&limit=3&after={after}");
        text += &feed(acme, &query).is(200).text();
        let line: Value = serde_json::from_str(text.lines().last().expect("a line")).expect("JSON");
        match line["next"].as_str() {
            Some(next) => next.clone_into(&mut after),
            None => return text,
        }
    }
}

#[test]
fn a_log_is_verified_by_a_script_that_finds_any_change_of_it() {
    let acme = Tenant::new("verify");
    let ada = acme.user("ada ß");
    let title = json!({ "op": "replace", "path": "title", "value": "\"}},\"chain\":{\"salt\":\"" });
    acme.patch(&format!("/Users/{ada}"), &title).is(200);
    acme.group("crew", &[&ada]);
    acme.patch(&format!("/Users/{ada}"), &json!({ "op": "remove", "path": "title" })).is(200);
    let first = proof(&acme);
    acme.scim("DELETE", &format!("/Users/{ada}")).is(204);
    let whole = proof(&acme);
    let file = env::temp_dir().join(format!("{}.ndjson", acme.slug));
    let verify = |text: &[u8], noted: &[&str]| {
        fs::write(&file, text).expect("a file");
        let file = file.to_str().expect("a path");
        deployment().node(&[&[".dev/verify.mjs", file], noted].concat())
    };
    let (is_good, said) = verify(whole.as_bytes(), &[]);
    assert!(is_good && said.contains("Nothing is missing or changed"), "{said}");
    let (_, said) = verify(first.as_bytes(), &[]);
    let noted = said.split_whitespace().last().expect("a hash").to_owned();
    assert!(verify(whole.as_bytes(), &[&noted]).0, "it goes on from what was noted");
    assert!(!verify(whole.as_bytes(), &[&noted.replace(['0', '1', '2'], "f")]).0);
    // One byte of each line is another, in turn at each of some places of it.
    for (number, line) in whole.lines().enumerate() {
        let begins: usize = whole.lines().take(number).map(|line| line.len() + 1).sum();
        for part in [1, 3, 5, 7] {
            let place = begins + line.len() * part / 8;
            let mut changed = whole.clone().into_bytes();
            changed[place] ^= 1;
            let (is_good, said) = verify(&changed, &[]);
            assert!(!is_good, "{number} at {place}: {line}");
            // What a page begins or ends with may be told by the line behind.
            let lines = [number + 1, number + 2].map(|line| format!("line {line} "));
            assert!(lines.iter().any(|line| said.starts_with(line)), "{number}: {said}");
        }
    }
    let cut = whole.lines().count() - 2;
    let cut: Vec<&str> = whole.lines().take(cut).collect();
    let (is_good, said) = verify(cut.join("\n").as_bytes(), &[]);
    assert!(!is_good && said.contains("breaks off"), "{said}");
    fs::remove_file(file).expect("the file is there");
}

/// What a reader knows of a tenant: users by their titles, and who is in which group.
type Known = (BTreeMap<String, Value>, BTreeSet<(String, String)>);

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

/// What the tenant itself says.
fn truth(acme: &Tenant, group: &str) -> Known {
    let users = acme.scim("GET", "/Users?count=1000").is(200).json()["Resources"].clone();
    let users = users.as_array().expect("users").iter();
    let group = acme.scim("GET", &format!("/Groups/{group}")).is(200).json();
    let members = group["members"].as_array().into_iter().flatten();
    (
        users.map(|user| (text(&user["id"]), user["title"].clone())).collect(),
        members.map(|member| (text(&group["id"]), text(&member["value"]))).collect(),
    )
}

fn follow(acme: &Tenant, (users, members): &mut Known, event: &Value) {
    let data = &event["data"];
    let id = text(&data["id"]);
    let listed = data["members"].as_array().cloned().unwrap_or_default();
    let listed = listed.iter().map(|member| (id.clone(), text(member)));
    match event["type"].as_str().expect("a type") {
        "group.member.added" => members.extend(listed),
        "group.member.removed" => {
            for member in listed {
                members.remove(&member);
            }
        }
        "user.deleted" => {
            users.remove(&id);
            members.retain(|(_, member)| *member != id);
        }
        "user.created" | "user.updated" => {
            let reply = acme.scim("GET", &format!("/Users/{id}")).send();
            if reply.status == 200 {
                users.insert(id, reply.json()["title"].clone());
            }
        }
        _ => {}
    }
}

#[test]
fn a_reader_that_begins_while_others_write_misses_nothing() {
    let acme = Tenant::new("snapshot");
    let ids: Vec<String> = (0..12).map(|number| acme.user(&format!("u{number}"))).collect();
    let group = acme.group("crew", &[&ids[0], &ids[1]]);
    let path = format!("/Groups/{group}");
    let mut known = Known::default();
    let seq = thread::scope(|scope| {
        scope.spawn(|| {
            for (number, id) in ids.iter().enumerate() {
                let value = json!([{ "value": id }]);
                let op = if number < 2 { "remove" } else { "add" };
                let path_of = format!("members[value eq \"{id}\"]");
                let operation = match op {
                    "remove" => json!({ "op": op, "path": path_of }),
                    _ => json!({ "op": op, "path": "members", "value": value }),
                };
                acme.patch(&path, &operation).is(200);
                let user = format!("/Users/{id}");
                let title = json!({ "op": "add", "path": "title", "value": number.to_string() });
                acme.patch(&user, &title).is(200);
                if number % 3 == 0 {
                    acme.scim("DELETE", &user).is(204);
                    acme.user(&format!("new{number}"));
                }
            }
        });
        let (mut cursor, mut seq) = (String::new(), None);
        loop {
            let page = acme.admin("GET", &format!("/snapshot?limit=2&cursor={cursor}")).is(200);
            for item in items(&page) {
                let id = text(&item["id"]);
                for member in item["members"].as_array().into_iter().flatten() {
                    known.1.insert((id.clone(), text(member)));
                }
                if item["resourceType"] == "User" {
                    known.0.insert(id, item["document"]["title"].clone());
                }
            }
            let page = page.json();
            assert_eq!(&page["seq"], seq.get_or_insert_with(|| page["seq"].clone()));
            match page["next"].as_str() {
                Some(next) => next.clone_into(&mut cursor),
                None => return page["seq"].to_string(),
            }
        }
    });
    for event in items(&feed(&acme, &format!("limit=1000&after={seq}")).is(200)) {
        follow(&acme, &mut known, &event);
    }
    assert_eq!(known, truth(&acme, &group));
}
