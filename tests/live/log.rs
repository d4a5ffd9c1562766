//! The log: one line a request, which finds its answer and names nobody.

use std::fs;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::ask::Ask;
use crate::deployment::deployment;
use crate::tenant::Tenant;
use crate::wire::exchange;

/// All that the Worker has printed. `wrangler dev` adds a line of its own for each request, which is
/// none of the Worker's.
fn printed() -> String {
    let log = fs::read(&deployment().log).expect("the log is there");
    let log = String::from_utf8_lossy(&log);
    let lines = log.lines().filter(|line| !line.starts_with("[wrangler:info] "));
    lines.collect::<Vec<_>>().join("\n")
}

/// The lines of a request by its id, once there is one.
pub(crate) fn lines(id: &str) -> Vec<Value> {
    assert!(id.len() >= 16, "`{id}` is an id");
    for _ in 0..LOG_SECONDS_MAX * 10 {
        let printed = printed();
        let own: Vec<&str> = printed.lines().filter(|line| line.contains(id)).collect();
        if !own.is_empty() {
            return own.iter().map(|line| read(line)).collect();
        }
        thread::sleep(Duration::from_millis(100));
    }
    panic!("no line in the log has the id {id}");
}

fn read(line: &str) -> Value {
    // `wrangler dev` puts colors around that of a failure.
    let json = line.find('{').zip(line.rfind('}')).and_then(|(from, to)| line.get(from..=to));
    let json = json.expect("a line of the log is JSON");
    serde_json::from_str(json).unwrap_or_else(|error| panic!("{error}: {line}"))
}

#[test]
fn every_request_has_an_id_on_its_answer_and_one_line_in_the_log() {
    let acme = Tenant::connected("log", "okta");
    let slug = acme.slug.as_str();
    let id = acme.user("ada");
    let gone = Tenant::new("log-gone").slug;
    for (route, ask) in [
        ("health", Ask::new("GET", "/healthz")),
        ("scim.User.list", acme.scim("GET", "/Users")),
        ("scim.User", acme.scim("GET", &format!("/Users/{id}"))),
        ("scim.User", acme.scim("GET", "/Users/nobody")),
        ("scim.User.list", acme.scim("GET", "/Users?filter=x")),
        ("scim.User.list", acme.scim("DELETE", "/Users")),
        ("scim.User.list", acme.scim("POST", "/Users").header("content-encoding", "br").body("x")),
        ("scim.User.list", acme.anonymous("GET", "/Users")),
        ("", acme.scim("GET", "/Nothing")),
        ("tenants", Ask::admin("GET", "/v1/tenants")),
        ("tenant", Ask::admin("DELETE", &format!("/v1/tenants/{gone}?confirm={gone}"))),
        ("presets", Ask::admin("GET", "/v1/presets")),
        ("events", acme.admin("GET", "/events")),
    ] {
        let reply = ask.send();
        let found = lines(reply.header("x-request-id"));
        let [line] = found.as_slice() else { panic!("{route}: {found:?}") };
        assert_eq!(line["status"], reply.status, "{line}");
        assert_eq!(line["route"].as_str().unwrap_or_default(), route, "{line}");
        assert_eq!(line["level"], "info");
        assert!(line["durationMs"].is_u64(), "{line}");
    }
    let reply = acme.scim("GET", &format!("/Users/{id}")).is(200);
    let line = &lines(reply.header("x-request-id"))[0];
    assert_eq!((&line["tenant"], &line["connection"]), (&json!(slug), &json!("okta")), "{line}");
    assert_eq!((&line["method"], line["key"].is_string()), (&json!("GET"), true), "{line}");
    assert_eq!(line["rowsRead"], reply.cost().read, "{line}");
    let ray = "00deadbeef00cafe-FRA";
    let reply = acme.scim("GET", "/Schemas").header("cf-ray", ray).is(200);
    assert_eq!(reply.header("x-request-id"), ray);
    assert_eq!(lines(ray).len(), 1);
}

/// A text that is nowhere but where this test puts it.
const MARK: &str = "lovelace7";

#[test]
fn nothing_personal_and_no_secret_is_ever_printed() {
    let acme = Tenant::new("silent");
    let name = format!("{MARK}@example.com");
    let user = json!({
        "userName": name, "name": { "familyName": MARK }, "emails": [{ "value": name }],
        MARK: MARK, "password": MARK,
    });
    let made = acme.scim("POST", "/Users").json(&user).is(201);
    let path = format!("/Users/{}", made.id());
    acme.scim("POST", "/Users").json(&user).is(409);
    acme.scim("PUT", &path).json(&json!({ "userName": [MARK] })).send();
    acme.patch(&path, &json!({ "op": "add", "path": MARK, "value": MARK })).send();
    acme.group(MARK, &[&made.id()]);
    for path in [
        format!("/Users/{MARK}"),
        format!("/{MARK}"),
        format!("/Schemas/{MARK}"),
        format!("/Users?filter=userName%20eq%20%22{MARK}%22"),
        format!("/Users?filter={MARK}&{MARK}={MARK}"),
        format!("/Users?cursor={MARK}"),
    ] {
        acme.scim("GET", &path).send();
        acme.anonymous("GET", &path).is(401);
    }
    for header in [
        "user-agent",
        "accept",
        "if-match",
        "prefer",
        "cookie",
        "cf-ray",
        "x-request-id",
        "x-muster-trace",
        "x-muster-principal",
        "content-type",
    ] {
        acme.scim("GET", &path).header(header, MARK).send();
        acme.scim("PUT", &path).header(header, MARK).json(&user).send();
    }
    let unknown = format!("/t/{MARK}/scim/v2/Users");
    Ask::new("GET", &unknown).is(401);
    Ask::new("GET", &unknown).bearer(&acme.key).is(401);
    Ask::new("GET", &unknown).bearer(MARK).is(401);
    Ask::new("GET", "/scim/v2/Users").header("host", format!("users-{MARK}.example.com")).is(401);
    exchange(&format!("{} {unknown}", MARK.to_uppercase()), &[], b"");
    Ask::admin("POST", "/v1/tenants").json(&json!({ "id": MARK.to_uppercase() })).is(400);
    acme.admin("PUT", "/policies").json(&json!({ MARK: MARK })).is(422);
    acme.scim("POST", "/Bulk").body(format!("{{\"{MARK}\"")).send();
    let last = acme.scim("GET", &path).is(200);
    lines(last.header("x-request-id"));

    let printed = printed();
    let deployment = deployment();
    let secrets = [acme.key.as_str(), &deployment.admin_token];
    let key_ring = deployment.key_ring.split([',', ':']).filter(|part| part.len() > 20);
    for word in secrets.into_iter().chain(key_ring).chain([MARK]) {
        let line = printed
            .lines()
            .find(|line| line.to_ascii_lowercase().contains(&word.to_ascii_lowercase()));
        assert_eq!(line, None, "the log has what it must not have");
    }
}

const LOG_SECONDS_MAX: u32 = 30;
