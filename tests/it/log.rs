//! The log proves itself: no event is changed, left out or moved without its hash telling.

use muster::limits;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::steps::{check_problem, patch_op};
use crate::support::Acme;

/// What the chain begins with.
const ROOT: &str = "0000000000000000000000000000000000000000000000000000000000000000";

impl Acme {
    /// Walks through the log as lines that prove themselves; the lines, as few on a page as told.
    pub(crate) fn proof(&mut self, from: &str, limit: usize) -> Vec<String> {
        let (mut lines, mut after) = (Vec::new(), from.to_owned());
        loop {
            let path = format!("/events?format=ndjson&chain=true&limit={limit}&after={after}");
            let reply = self.admin("GET", &path, &Value::Null);
            let text = String::from_utf8(reply.body).expect("text");
            assert_eq!(reply.status, 200, "{text}");
            lines.extend(text.lines().map(str::to_owned));
            let last: Value = serde_json::from_str(lines.last().expect("a line")).expect("JSON");
            match last["next"].as_str() {
                Some(next) => after = next.to_owned(),
                None => {
                    assert_eq!(last["end"], true);
                    return lines;
                }
            }
        }
    }
}

/// A text in hexadecimal digits.
fn bytes(hex: &Value) -> Vec<u8> {
    let hex = hex.as_str().expect("a text");
    let byte = |place| u8::from_str_radix(&hex[place..place + 2], 16).expect("a byte");
    (0..hex.len()).step_by(2).map(byte).collect()
}

/// What lines prove: how many events are proven, and how many are older than the chain.
pub(crate) fn proven(lines: &[String]) -> Result<(usize, usize), String> {
    let (mut place, mut hash, mut proven, mut older) = (None, vec![0; 32], 0, 0);
    for line in lines {
        let value: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
        let data = &value["data"];
        if let Some(anchor) = value.get("anchor") {
            let seen = (anchor["seq"].as_i64(), bytes(&anchor["hash"]));
            if place.is_some_and(|place| seen != (Some(place), hash.clone())) {
                return Err(format!("{line} begins elsewhere"));
            }
            (place, hash) = seen;
            continue;
        }
        if data.is_null() {
            continue;
        }
        place = place.map(|place| place + 1);
        if data["seq"].as_i64() != place {
            return Err(format!("{line} is no event {place:?}"));
        }
        let Some(chain) = value.get("chain") else {
            older += 1;
            continue;
        };
        let digest = match chain.get("salt") {
            Some(salt) => {
                let stored = line.split_once(&format!("\"seq\":{},", data["seq"])).expect("data").1;
                let stored = stored.rsplit_once("},\"chain\":").expect("a chain").0;
                let time = value["timestamp"].as_str().expect("a time");
                Sha256::digest(
                    [&bytes(salt), time.as_bytes(), b"{", stored.as_bytes(), b"}"].concat(),
                )
                .to_vec()
            }
            None => bytes(&chain["digest"]),
        };
        let place = place.expect("a place").to_be_bytes();
        let kind = value["type"].as_str().expect("a type").as_bytes();
        hash = Sha256::digest([&hash, &place[..], &digest, kind].concat()).to_vec();
        if hash != bytes(&chain["hash"]) {
            return Err(format!("{line} has another hash"));
        }
        proven += 1;
    }
    Ok((proven, older))
}

/// A tenant in whose log there is something of all sorts.
fn given() -> Acme {
    let mut acme = Acme::new();
    let ada = acme.user("ada ß \"quoted\" \\ \u{1f600}");
    let path = format!("/Users/{ada}");
    acme.patch(&path, &json!([{ "op": "replace", "path": "title", "value": "},\"chain\":{" }]));
    acme.patch(&path, &json!([{ "op": "replace", "path": "title", "value": "Poet" }]));
    acme.group("crew", &[&ada]);
    acme.sleep();
    acme.wait(-5);
    acme.delete(&path);
    acme.alarms();
    acme.user("bob");
    acme
}

#[test]
fn ol_06_an_update_names_what_changed_and_what_was_there() {
    let mut acme = Acme::new();
    let ada = acme.post("/Users", &json!({ "userName": "ada", "title": "Dev" }));
    let path = format!("/Users/{}", ada["id"].as_str().expect("an id"));
    acme.patch(&path, &json!([{ "op": "replace", "path": "title", "value": "Lead" }]));
    let event = acme.events().pop().expect("an event");
    assert_eq!(event["type"], "user.updated");
    assert_eq!(event["data"]["changed"], json!(["title"]));
    assert_eq!(event["data"]["previous"], json!({ "title": "Dev" }));
    assert_eq!(event["data"]["id"], ada["id"]);
    let before = acme.events().len();
    acme.patch(&path, &json!([{ "op": "replace", "path": "title", "value": "Lead" }]));
    assert_eq!(acme.events().len(), before, "what changes nothing is no event");
}

#[test]
fn the_log_proves_itself_on_pages_of_any_size() {
    let mut acme = given();
    let count = acme.events().len();
    for limit in [1, 2, 3, 1_000] {
        let lines = acme.proof("0", limit);
        assert_eq!(proven(&lines), Ok((count, 0)), "{limit} on a page");
    }
    let anchor: Value = serde_json::from_str(&acme.proof("0", 9)[0]).unwrap();
    assert_eq!(anchor, json!({ "anchor": { "seq": 0, "hash": ROOT } }));
    assert_eq!(proven(&acme.proof("4", 2)), Ok((count - 4, 0)), "from any place");
    assert_eq!(acme.proof(&count.to_string(), 9).len(), 2, "behind the last there is nothing");
    let lines = acme.proof("0", 1_000);
    let salts: std::collections::BTreeSet<String> = lines[1..=count]
        .iter()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["chain"]["salt"].to_string())
        .collect();
    assert_eq!(salts.len(), count, "each event has a salt of its own");
}

#[test]
fn a_line_that_is_changed_moved_or_left_out_is_found() {
    let mut acme = given();
    let lines = acme.proof("0", 1_000);
    for place in 1..lines.len() - 1 {
        let mut left_out = lines.clone();
        left_out.remove(place);
        // Of the last, the line at the end tells, which this reader does not ask.
        assert!(proven(&left_out).is_err() || place == lines.len() - 2, "without {place}");
        let mut changed = lines.clone();
        changed[place] = changed[place].replace("\"actor\":\"", "\"actor\":\"x");
        assert!(proven(&changed).is_err(), "{place} by another actor");
        let mut renamed = lines.clone();
        renamed[place] = renamed[place].replacen("\"type\":\"", "\"type\":\"x", 1);
        assert!(proven(&renamed).is_err(), "{place} of another type");
    }
    let mut moved = lines.clone();
    moved.swap(2, 3);
    assert!(proven(&moved).is_err());
}

#[test]
fn a_request_that_is_undone_leaves_no_gap_in_the_chain() {
    let mut acme = given();
    let before = acme.events().len();
    let taken =
        json!({ "method": "POST", "path": "/Users", "bulkId": "b", "data": { "userName": "bob" } });
    let fresh =
        json!({ "method": "POST", "path": "/Users", "bulkId": "c", "data": { "userName": "cyd" } });
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": [fresh, taken],
    });
    assert_eq!(acme.scim("POST", "/Bulk", &body).status, 200);
    acme.failing_everywhere(
        |acme| acme.scim("POST", "/Users", &json!({ "userName": "dan" })).status,
        |_, _, status| assert_eq!(status, 500),
    );
    let lines = acme.proof("0", 1_000);
    assert_eq!(proven(&lines), Ok((before + 2, 0)));
}

#[test]
fn the_chain_begins_behind_events_that_are_older() {
    let mut acme = given();
    let older = acme.events().len();
    acme.unchain();
    acme.user("cyd");
    acme.user("dan");
    let lines = acme.proof("0", 2);
    assert_eq!(proven(&lines), Ok((2, older)));
    assert!(!lines[1].contains("chain"), "{}", lines[1]);
    let mut changed = lines.clone();
    let place = changed.iter().position(|line| line.contains("\"chain\":{\"salt")).expect("a line");
    changed[place] = changed[place].replace("user.created", "user.deleted");
    assert!(proven(&changed).is_err());
}

#[test]
fn a_proof_is_of_all_events_as_lines() {
    let mut acme = given();
    for (query, detail) in [
        ("chain=true", "`chain` wants the `format` ndjson"),
        ("chain=yes&format=ndjson", "`chain` is neither true nor false"),
        ("chain=true&format=xml", "`format` is neither json nor ndjson"),
        (
            "chain=true&format=ndjson&type=user.created",
            "`chain` is of all events, not of one `type` or `actor`",
        ),
        (
            "chain=true&format=ndjson&actor=admin",
            "`chain` is of all events, not of one `type` or `actor`",
        ),
    ] {
        let reply = acme.admin("GET", &format!("/events?{query}"), &Value::Null);
        check_problem(&reply, (400, "malformed", detail), query);
    }
}

#[test]
fn a_proof_begins_with_no_event_that_is_not_there() {
    let mut acme = given();
    let last = acme.events().len();
    let ask = |acme: &mut Acme, after: usize, chain: bool| {
        let query = format!("format=ndjson&chain={chain}&after={after}");
        acme.admin("GET", &format!("/events?{query}"), &Value::Null)
    };
    let end = String::from_utf8(ask(&mut acme, last, true).body).expect("text");
    let [anchor, end] = end.lines().collect::<Vec<_>>().try_into().expect("two lines");
    assert!(!anchor.contains(ROOT) && end.contains("\"end\":true"), "{anchor}");
    let beyond = ask(&mut acme, last + 1, true);
    check_problem(&beyond, (422, "contradictory", "`after` is behind the last event"), "beyond");
}

#[test]
fn what_was_there_is_left_out_where_it_is_too_large() {
    let mut acme = Acme::new();
    let path = format!("/Users/{}", acme.user("ada"));
    let large = "x".repeat(limits::PREVIOUS_BYTES);
    let write = |title: &str, nick: &str| {
        patch_op(&json!([{ "op": "replace", "value": { "title": title, "nickName": nick } }]))
    };
    for (title, nick) in [(large.as_str(), "a"), ("b", "c"), ("d", &large[1..]), ("e", "f")] {
        assert_eq!(acme.scim("PATCH", &path, &write(title, nick)).status, 200);
    }
    let events = acme.events().split_off(2);
    let told = |number: usize, name: &str| events[number]["data"][name].clone();
    for (number, previous, omitted) in [
        (0, json!({ "title": null, "nickName": null }), Value::Null),
        (1, json!({ "nickName": "a" }), json!(["title"])),
        (2, json!({ "title": "b", "nickName": "c" }), Value::Null),
        (3, json!({ "title": "d" }), json!(["nickName"])),
    ] {
        assert_eq!(told(number, "previous"), previous, "{number}");
        assert_eq!(told(number, "previousOmitted"), omitted, "{number}");
        assert_eq!(told(number, "changed").as_array().map(Vec::len), Some(2), "{number}");
    }
}
