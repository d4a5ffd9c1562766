//! Walks by cursor (RFC 9865) while other clients write: who is there all the time is shown once.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::{Value, json};

use crate::tenant::Tenant;

const STAYING: usize = 60;
const PAGE: usize = 7;

/// The names of the users that a walk shows, in its order.
fn walk(acme: &Tenant, query: &str) -> Vec<String> {
    let mut shown = Vec::new();
    let mut cursor = String::new();
    loop {
        let path = format!("/Users?count={PAGE}&cursor={cursor}{query}");
        let page = acme.scim("GET", &path).is(200).json();
        let users = page["Resources"].as_array().expect("a page has resources");
        shown
            .extend(users.iter().map(|user| user["userName"].as_str().expect("a name").to_owned()));
        match page["nextCursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => return shown,
        }
    }
}

/// Adds users whose names lie between those of the others, changes and removes them again, until
/// told to stop; how often.
fn write(acme: &Tenant, writer: usize, stop: &AtomicBool) -> usize {
    let places = (0..STAYING).cycle().step_by(37);
    let rounds = (0_usize..).zip(places).take_while(|_| !stop.load(Ordering::Relaxed));
    rounds
        .map(|(round, place)| {
            let name = |suffix: &str| format!("u{place:03}-{writer}-{round}-{suffix}");
            let made = ["a", "b"].map(|suffix| format!("/Users/{}", acme.user(&name(suffix))));
            let title = json!({ "op": "replace", "path": "title", "value": "going" });
            acme.patch(&made[0], &title).is(200);
            for path in made {
                acme.scim("DELETE", &path).is(204);
            }
        })
        .count()
}

#[test]
fn a_walk_loses_and_repeats_nobody_while_others_write() {
    let acme = Tenant::new("walks");
    let operation = |n: usize| {
        let data = json!({ "userName": format!("u{n:03}"), "title": "staying" });
        json!({ "method": "POST", "path": "/Users", "bulkId": format!("b{n}"), "data": data })
    };
    let operations: Vec<Value> = (0..STAYING).map(operation).collect();
    let schema = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
    let body = json!({ "schemas": [schema], "Operations": operations });
    acme.scim("POST", "/Bulk").json(&body).is(200);
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let writers = [0, 1, 2].map(|writer| {
            let (acme, stop) = (&acme, &stop);
            scope.spawn(move || write(acme, writer, stop))
        });
        for query in [
            "",
            "&sortBy=userName",
            "&sortBy=userName&sortOrder=descending",
            "&sortBy=meta.created&sortOrder=descending",
            "&filter=title%20sw%20%22s%22",
            "&filter=title%20pr&sortBy=userName",
        ] {
            let shown = walk(&acme, query);
            let once: BTreeSet<&String> = shown.iter().collect();
            assert_eq!(once.len(), shown.len(), "{query}: {shown:?}");
            let staying = once.iter().filter(|name| name.len() == 4).count();
            assert_eq!(staying, STAYING, "{query}: {shown:?}");
        }
        stop.store(true, Ordering::Relaxed);
        let writes = writers.map(|writer| writer.join().expect("a writer ends"));
        assert!(writes.iter().all(|writes| *writes > 0), "nobody wrote: {writes:?}");
    });
}
