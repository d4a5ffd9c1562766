//! How long the log keeps what: events by the tenant's word, and of people what is theirs to have
//! forgotten.

use muster::limits;
use muster::store::{Cell, Param, Sql as _};
use serde_json::{Value, json};

use crate::log::proven;
use crate::steps::check_problem;
use crate::support::Acme;

const DAY: i64 = 86_400;

impl Acme {
    fn run(&self, statement: &str, params: &[Param<'_>]) {
        self.sql.query(statement, params).expect("SQLite writes");
    }

    /// Whether any row holds a text.
    fn knows(&self, text: &str) -> bool {
        let holds = |cell: &Cell| match cell {
            Cell::Text(cell) => cell.contains(text),
            Cell::Blob(cell) => String::from_utf8_lossy(cell).contains(text),
            _ => false,
        };
        self.dump().values().flatten().any(|row| row.0.iter().any(holds))
    }

    /// The events that are erased.
    fn erased(&mut self) -> Vec<Value> {
        let mut events = self.events();
        events.retain(|event| event["data"]["erased"] == true);
        events
    }
}

/// A tenant that keeps events for a week, with so many that are older.
fn old(count: usize) -> Acme {
    let mut acme = Acme::new();
    acme.policy(&json!({ "retainEvents": "P7D" }));
    (0..count).for_each(|number| drop(acme.user(&format!("u{number}"))));
    acme.wait(9 * DAY);
    acme
}

#[test]
fn events_are_kept_for_ever_unless_the_tenant_says_for_how_long() {
    let mut acme = Acme::new();
    acme.user("ada");
    acme.wait(20 * 365 * DAY);
    acme.settle();
    assert_eq!(acme.rows("events"), 2);
    for (given, shown) in [
        (json!("P7D"), json!("P7D")),
        (json!("P1Y"), json!("P365D")),
        (json!("P10Y"), json!("P3650D")),
        (Value::Null, Value::Null),
    ] {
        acme.policy(&json!({ "retainEvents": given }));
        let policies = acme.admin("GET", "/policies", &Value::Null).json();
        assert_eq!(policies["retainEvents"], shown);
    }
    let bounds = [limits::RETAIN_EVENTS_SECONDS_LEAST - 1, limits::RETAIN_SECONDS + 1];
    let beyond = bounds.map(|seconds| json!(format!("PT{seconds}S")));
    for bad in beyond.into_iter().chain([json!(7), json!("a week"), json!(true)]) {
        let reply = acme.admin("PUT", "/policies", &json!({ "retainEvents": bad }));
        assert_eq!(reply.status, 422, "{bad}");
        assert_eq!(reply.json()["faults"][0]["path"], "/retainEvents");
    }
}

#[test]
fn what_is_older_is_forgotten_and_the_chain_goes_on_behind_an_anchor() {
    let mut acme = old(5);
    let last = acme.rows("events");
    acme.user("new");
    acme.alarms();
    assert_eq!(acme.rows("events"), 1);
    for asleep in [false, true] {
        if asleep {
            acme.sleep();
        }
        let reply = acme.admin("GET", &format!("/events?after={}", last - 1), &Value::Null);
        let detail = "events are kept for so long; begin anew with a snapshot";
        check_problem(&reply, (410, "gone", detail), "before the anchor");
        assert_eq!(reply.json()["firstSeq"], last + 1);
        assert_eq!(acme.events()[0]["data"]["seq"], last + 1, "without `after`, from the first");
        let page = acme.admin("GET", &format!("/events?after={last}"), &Value::Null).json();
        assert_eq!(page["items"].as_array().map(Vec::len), Some(1));
        assert_eq!(proven(&acme.proof("", 9)), Ok((1, 0)));
    }
    // Where nothing is left, the places go on all the same.
    acme.wait(9 * DAY);
    acme.sleep();
    acme.get("/Users");
    acme.alarms();
    assert_eq!(acme.rows("events"), 0);
    acme.sleep();
    acme.user("newer");
    assert_eq!(acme.events()[0]["data"]["seq"], last + 2);
    assert_eq!(proven(&acme.proof("", 9)), Ok((1, 0)));
}

#[test]
fn a_step_forgets_so_many_events_and_one_that_fails_none() {
    let mut acme = old(1);
    let last = acme.rows("events");
    let statement = "WITH RECURSIVE n (seq) AS (SELECT ?1 UNION ALL SELECT seq + 1 FROM n LIMIT +?2)
         INSERT INTO events (seq, time, type, data) SELECT seq, 0, 'user.updated', '{\"id\":\"x\"}' FROM n";
    let more = i64::try_from(limits::PRUNED_EVENTS).unwrap();
    acme.run(statement, &[Param::Integer(last + 1), Param::Integer(more)]);
    acme.sleep();
    acme.get("/Users");
    assert!(acme.sweeps());
    acme.alarm_failing_everywhere(|acme, statements| {
        assert_eq!(acme.rows("events"), last + more, "at {statements}");
    });
    assert_eq!(acme.rows("events"), last);
    acme.alarms();
    assert_eq!(acme.rows("events"), 0);
}

#[test]
fn who_follows_the_log_is_waited_for_and_not_for_ever() {
    let mut acme = old(5);
    let last = acme.rows("events");
    let follow = |acme: &Acme, name: &str, after: i64| {
        let statement = "INSERT INTO followers (name, after, failures, due) VALUES (?1, ?2, 0, 0)
             ON CONFLICT (name) DO UPDATE SET after = ?2";
        acme.run(statement, &[Param::Text(name), Param::Integer(after)]);
    };
    follow(&acme, "someone", 3);
    acme.alarms();
    assert_eq!(acme.rows("events"), last - 3);
    acme.alarms();
    assert!(!acme.sweeps(), "it is not tried again at once");
    follow(&acme, "directory", 4);
    acme.wait(limits::FOLLOWER_GRACE_MILLISECONDS / 1_000);
    acme.alarms();
    assert_eq!(acme.rows("events"), last - 4, "copies are waited for, whoever else is not");
    follow(&acme, "directory", last);
    acme.wait(DAY);
    acme.alarms();
    assert_eq!(acme.rows("events"), 0);
}

/// A tenant in whose log somebody is who was deleted 30 days ago, and somebody else.
fn deleted() -> (Acme, String) {
    let mut acme = Acme::new();
    let lovelace = json!({ "givenName": "Ada", "familyName": "Lovelace" });
    let ada = acme.post("/Users", &json!({ "userName": "lovelace@example.com", "name": lovelace }));
    let ada = ada["id"].as_str().expect("an id").to_owned();
    let bob = acme.user("bob");
    acme.group("crew", &[&ada, &bob]);
    for title in ["Countess", "Poet", "Engineer"] {
        for id in [&ada, &bob] {
            let title = json!([{ "op": "replace", "path": "title", "value": title }]);
            acme.patch(&format!("/Users/{id}"), &title);
        }
    }
    let name = json!([{ "op": "replace", "path": "name.familyName", "value": "King" }]);
    acme.patch(&format!("/Users/{ada}"), &name);
    acme.delete(&format!("/Users/{ada}"));
    acme.alarms();
    (acme, ada)
}

#[test]
fn who_is_forgotten_is_forgotten_by_the_log_and_the_chain_holds() {
    let (mut acme, ada) = deleted();
    let (before, count) = (acme.events(), acme.events().len());
    assert!(acme.knows("Lovelace"));
    acme.wait(30 * DAY);
    acme.settle();
    let about =
        |event: &&Value| event["data"]["id"] == ada.as_str() && event["type"] != "user.deleted";
    let told = before.iter().filter(about).count();
    assert_eq!(told, 5);
    let erased = acme.erased();
    assert_eq!(erased.len(), told);
    for event in erased {
        let data = event["data"].as_object().expect("data");
        let names: Vec<&str> = data.keys().map(String::as_str).collect();
        assert_eq!(names, ["tenant", "seq", "resourceType", "id", "erased"]);
        assert_eq!((&data["id"], &data["resourceType"]), (&json!(ada), &json!("User")));
    }
    let after = acme.events();
    let others: Vec<&Value> = after.iter().filter(|event| !about(event)).collect();
    let kept: Vec<&Value> = before.iter().filter(|event| !about(event)).collect();
    assert_eq!(others, kept, "what befell others is told, the members of groups by their ids");
    assert!(!acme.knows("Lovelace") && !acme.knows("lovelace"));
    let lines = acme.proof("0", 3);
    assert_eq!(proven(&lines), Ok((count, 0)));
    let line = lines.iter().find(|line| line.contains("erased")).expect("an erased event");
    assert!(line.contains("\"digest\"") && !line.contains("\"salt\""), "{line}");
    assert_eq!((acme.rows("erasures"), acme.rows("erasing")), (0, 0));
}

#[test]
fn without_retention_that_is_so_at_once() {
    let mut acme = Acme::new();
    acme.policy(&json!({ "deprovision": { "retain": "P0D" } }));
    let ada = acme.user("lovelace");
    let path = format!("/Users/{ada}");
    acme.patch(&path, &json!([{ "op": "replace", "path": "userName", "value": "ada" }]));
    assert!(acme.knows("lovelace"));
    acme.delete(&path);
    acme.alarms();
    assert_eq!(acme.erased().len(), 2);
    assert!(!acme.knows("lovelace"));
    assert!(proven(&acme.proof("0", 9)).is_ok());
}

#[test]
fn those_are_forgotten_whom_a_connection_deletes_that_leaves() {
    let mut acme = Acme::new();
    let key = acme.connect("generic");
    let body = json!({ "userName": "lovelace" });
    assert_eq!(acme.scim_with("POST", "/Users", &body, &key, &[]).status, 201);
    assert_eq!(acme.admin("DELETE", "/connections/generic?users=delete", &Value::Null).status, 204);
    acme.alarms();
    assert_eq!(acme.erased().len(), 1);
    assert!(!acme.knows("lovelace"));
}

#[test]
fn forgetting_goes_on_where_it_stopped() {
    let (mut acme, ada) = deleted();
    let count = i64::try_from(limits::ERASED_EVENTS + 100).unwrap();
    let statement = "WITH RECURSIVE n (seq) AS (SELECT max(seq) + 1 FROM events
            UNION ALL SELECT seq + 1 FROM n LIMIT +?2)
         INSERT INTO events (seq, time, type, data)
         SELECT seq, 0, 'user.updated', json_object('id', ?1, 'title', 'Lovelace') FROM n";
    acme.run(statement, &[Param::Text(&ada), Param::Integer(count)]);
    let others = limits::EVENTS_SCANNED + 100;
    acme.run(statement, &[Param::Text("nobody"), Param::Integer(others)]);
    acme.run(statement, &[Param::Text(&ada), Param::Integer(1)]);
    acme.run(
        "INSERT INTO erasures (user, taken)
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT +?1)
         SELECT printf('a%05d', i), 0 FROM n",
        &[Param::Integer(i64::try_from(limits::ERASED_AT_ONCE).unwrap())],
    );
    acme.wait(30 * DAY);
    acme.sleep();
    acme.get("/Users");
    let mut steps = 0;
    while acme.sweeps() {
        acme.alarm_failing_everywhere(|_, _| {});
        acme.sleep();
        acme.get("/Users");
        steps += 1;
        assert!(steps < 20);
    }
    assert!(steps > 4, "{steps} steps");
    assert_eq!(acme.rows("erasures"), 0);
    let left = acme.sql.query("SELECT count(*) FROM events WHERE data LIKE '%erased%'", &[]);
    assert_eq!(left.unwrap()[0].integer(0), Ok(5 + count + 1));
}

#[test]
fn who_is_brought_back_by_an_import_is_not_forgotten() {
    let mut acme = Acme::new();
    acme.policy(&json!({ "deprovision": { "retain": "P0D" } }));
    let path = format!("/Users/{}", acme.user("lovelace"));
    let exported = acme.admin("GET", "/export?limit=9", &Value::Null);
    let next = String::from_utf8(exported.body).expect("text");
    let next: Value = serde_json::from_str(next.lines().last().expect("a line")).expect("JSON");
    let next = next["next"].as_str().expect("a cursor").to_owned();
    let resources = acme.admin("GET", &format!("/export?cursor={next}"), &Value::Null).body;
    acme.delete(&path);
    let reply = acme.import(&String::from_utf8(resources).expect("text"));
    assert_eq!(reply.status, 200, "{}", reply.json());
    acme.alarms();
    assert_eq!((acme.erased(), acme.rows("erasures")), (Vec::new(), 0));
    assert_eq!(acme.get(&path)["userName"], "lovelace");
}
