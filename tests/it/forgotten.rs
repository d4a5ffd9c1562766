//! Who is forgotten is in no row of the log any more, nor in what receivers and requests have left, by
//! whatever they were called there, and the chain holds.

use muster::policy::Delivered;
use muster::scim::urn::ENTERPRISE_USER;
use muster::store::Cell;
use proptest::collection::vec;
use proptest::prelude::{prop_assert, prop_assert_eq, proptest};
use proptest::test_runner::Config;
use serde_json::{Value, json};

use crate::access::mapping;
use crate::bulk::bulk_request;
use crate::costs::check_plan;
use crate::hooks::{Sent, URL};
use crate::log::proven;
use crate::steps::patch_op;
use crate::support::Acme;

const DAY: i64 = 86_400;
const TABLES: [&str; 4] = ["events", "deliveries", "async_requests", "async_pieces"];

/// A tenant in which somebody is, who is called many things by many.
struct Story {
    acme: Acme,
    connection: String,
    /// User name, what it was before, external id, display, what it was before, and e-mail address.
    names: [String; 6],
    bob: String,
    agent: String,
    crew: String,
    ada: Option<String>,
}

impl Story {
    fn new(words: &[String]) -> Self {
        let mut acme = Acme::new();
        acme.policy(&json!({ "features": { "agents": true } }));
        let connection = acme.connect("entra");
        let hook = json!({ "id": "crm", "kind": "setPoll", "audience": "crm" });
        acme.stream(&hook);
        let word = |number: usize| words[number].clone();
        let mail = format!("{}@example.com", words[5]);
        let names = [word(0), word(1), word(2), word(3), word(4), mail];
        let bob = acme.user("bob");
        let agent = acme.made("/Agents", &json!({ "name": "scribe" }));
        let crew = acme.group("crew", &[&bob]);
        Self { acme, connection, names, bob, agent, crew, ada: None }
    }

    /// A PATCH by the connection, whatever comes of it.
    fn patch(&mut self, path: &str, operation: &Value) {
        let key = self.connection.clone();
        let body = patch_op(&json!([operation]));
        self.acme.with_key(&key, |acme| drop(acme.scim("PATCH", path, &body)));
    }

    fn member(&mut self, op: &str, number: usize) {
        let member = json!([{ "value": self.names[number], "display": self.names[3] }]);
        let path = format!("/Groups/{}", self.crew);
        self.patch(&path, &json!({ "op": op, "path": "members", "value": member }));
    }

    fn born(&mut self) -> String {
        if let Some(ada) = &self.ada {
            return ada.clone();
        }
        let [name, _, external, display, _, mail] = &self.names;
        let body = json!({ "userName": name, "externalId": external, "displayName": display,
            "name": { "formatted": display }, "emails": [{ "value": mail }] });
        let key = self.connection.clone();
        let made = self.acme.scim_with("POST", "/Users", &body, &key, &[]);
        assert_eq!(made.status, 201, "{}", made.json());
        let id = made.json()["id"].as_str().expect("an id").to_owned();
        self.ada = Some(id.clone());
        id
    }

    fn step(&mut self, step: usize) {
        let manager = format!("{ENTERPRISE_USER}:manager");
        let bob = format!("/Users/{}", self.bob);
        let of_bob = |value: &str, display: &str| {
            let manager = json!({ "value": value, "displayName": display });
            json!({ "op": "replace", "value": { ENTERPRISE_USER: { "manager": manager } } })
        };
        match step {
            0 | 1 => self.member(["add", "remove"][step], 0),
            2 | 3 => self.member(["add", "remove"][step - 2], 2),
            4 => self.member("add", 5),
            5 => {
                let operation = of_bob(&self.names[2], &self.names[3]);
                self.patch(&bob, &operation);
            }
            6 => {
                let ada = self.born();
                let operation = of_bob(&ada, &self.names[4]);
                self.patch(&bob, &operation);
            }
            7 => self.patch(&bob, &json!({ "op": "remove", "path": manager })),
            8 => {
                let path = format!("/Users/{}", self.born());
                self.names.swap(0, 1);
                self.names.swap(3, 4);
                let [name, _, _, display, ..] = &self.names;
                let renamed = json!({ "userName": name, "displayName": display });
                self.patch(&path, &json!({ "op": "replace", "value": renamed }));
            }
            9 => {
                let owner = json!({ "value": self.names[2], "display": self.names[3] });
                let owned = json!({ "op": "add", "path": "owners", "value": [owner] });
                self.acme.patch(&format!("/Agents/{}", self.agent), &json!([owned]));
            }
            10 => {
                let owner = json!([{ "value": self.born(), "display": self.names[3] }]);
                let owned = json!([{ "op": "replace", "path": "owners", "value": owner }]);
                self.acme.patch(&format!("/Agents/{}", self.agent), &owned);
            }
            11 => self.refuse(),
            _ => {
                let path = format!("/Users/{}", self.born());
                let title = json!([{ "op": "add", "path": "title", "value": self.names[3] }]);
                let patched = json!({ "method": "PATCH", "path": path, "bulkId": self.names[0],
                    "data": patch_op(&title) });
                let made = json!({ "method": "POST", "path": "/Users", "bulkId": self.names[5],
                    "data": { "userName": self.names[0] } });
                let later = [("Prefer", "respond-async")];
                let body = bulk_request(&json!([patched, made]));
                let key = self.connection.clone();
                let reply = self.acme.scim_with("POST", "/Bulk", &body, &key, &later);
                assert_eq!(reply.status, 202);
                self.acme.alarms();
            }
        }
    }

    /// A receiver refuses all that there is, and says of whom it knows nothing.
    fn refuse(&mut self) {
        let polled = |acme: &mut Acme, body: Value| {
            acme.admin("POST", "/streams/crm/poll", &body).json()["sets"].clone()
        };
        let sets = polled(&mut self.acme, json!({ "returnImmediately": true }));
        let told = format!("nobody knows {}", self.names[3]);
        let told = json!({ "err": self.names[3], "description": told });
        let errors: Value = sets
            .as_object()
            .expect("sets")
            .iter()
            .filter(|(_, claims)| {
                self.ada.as_ref().is_some_and(|id| claims.to_string().contains(id))
            })
            .map(|(jti, _)| (jti.clone(), told.clone()))
            .collect::<serde_json::Map<_, _>>()
            .into();
        polled(&mut self.acme, json!({ "returnImmediately": true, "setErrs": errors }));
    }

    /// The tables in which she is still called something.
    fn known_in(&self) -> Vec<String> {
        let dump = self.acme.dump();
        let is_in = |cell: &Cell, name: &str| match cell {
            Cell::Text(cell) => cell.contains(name),
            Cell::Blob(cell) => String::from_utf8_lossy(cell).contains(name),
            _ => false,
        };
        let knows = |table: &&str| {
            let mut cells = dump[*table].iter().flat_map(|row| row.0.iter());
            cells.any(|cell| self.names.iter().any(|name| is_in(cell, name)))
        };
        TABLES.into_iter().filter(knows).map(str::to_owned).collect()
    }
}

proptest! {
    #![proptest_config(Config { failure_persistence: None, cases: 24, ..Config::default() })]

    #[test]
    fn by_whatever_name_nobody_who_is_forgotten_is_left(
        words in vec("[a-z]{14}", 6),
        steps in vec(0_usize..13, 0..30),
    ) {
        let mut story = Story::new(&words);
        for step in &steps {
            story.step(*step);
        }
        let ada = story.born();
        story.step(11);
        let key = story.connection.clone();
        let gone = story.acme.scim_with("DELETE", &format!("/Users/{ada}"), &Value::Null, &key, &[]);
        prop_assert_eq!(gone.status, 204);
        story.step(7);
        story.acme.wait(31 * DAY);
        story.acme.settle();
        prop_assert_eq!(story.known_in(), Vec::<String>::new());
        prop_assert_eq!(story.acme.rows("erasures"), 0);
        prop_assert!(proven(&story.acme.proof("0", 50)).is_ok());
    }
}

/// What a receiver has against anything.
fn words(_: &Sent) -> Delivered {
    let body = "ada@acme.example still owns something".to_owned();
    Delivered::Answered { status: 422, retry_after: None, body }
}

/// Events that name a user, each by another way, and one that does not: of each there is a stream.
const NAMING: [&str; 7] = [
    "group.created",
    "group.member.added",
    "group.member.removed",
    "user.access.changed",
    "user.created",
    "user.deleted",
    "user.updated",
];

fn switch(acme: &mut Acme, state: &str) {
    for kind in NAMING {
        let path = format!("/streams/{}", kind.replace('.', "-"));
        let reply = acme.admin("PATCH", &path, &json!({ "state": state }));
        assert_eq!(reply.status, 200, "{}", reply.json());
    }
}

/// The types of the events to which it is known what a receiver has said.
fn answered(acme: &Acme) -> Vec<String> {
    let statement = "SELECT DISTINCT e.type FROM deliveries d JOIN events e ON e.seq = d.seq
         WHERE d.answer LIKE '%ada@acme.example%' ORDER BY e.type";
    acme.sql_texts(statement)
}

#[test]
fn what_receivers_say_of_somebody_who_is_forgotten_is_not_kept() {
    for retain in ["P0D", "P30D"] {
        let mut acme = Acme::new();
        let crew = mapping("m", "groups.display eq \"crew\"", &["member"]);
        acme.policy(&json!({ "deprovision": { "retain": retain }, "mappings": [crew] }));
        for kind in NAMING {
            let id = kind.replace('.', "-");
            acme.stream(&json!({ "id": id, "url": URL, "types": [kind] }));
        }
        switch(&mut acme, "disabled");
        let ada = acme.user("ada");
        let manager = format!("{ENTERPRISE_USER}:manager");
        let given = json!({ ENTERPRISE_USER: { "manager": { "value": ada } } });
        let body = json!({ "userName": "bob", ENTERPRISE_USER: given[ENTERPRISE_USER] });
        let bob = format!("/Users/{}", acme.made("/Users", &body));
        acme.patch(&bob, &json!([{ "op": "remove", "path": manager }]));
        let crew = format!("/Groups/{}", acme.group("crew", &[]));
        let member = json!([{ "value": ada }]);
        for op in ["add", "remove", "add"] {
            acme.patch(&crew, &json!([{ "op": op, "path": "members", "value": member }]));
        }
        assert_eq!(acme.scim("DELETE", &format!("/Users/{ada}"), &Value::Null).status, 204);
        let cyd = format!("/Users/{}", acme.user("cyd"));
        acme.patch(&cyd, &json!([{ "op": "add", "path": "title", "value": "x" }]));
        acme.alarms();
        switch(&mut acme, "enabled");
        acme.sql.statements();
        acme.deliver(words);
        acme.sql.statements().iter().for_each(|statement| check_plan(&acme, statement));
        // What is said to events that name others alone is kept.
        let others = ["group.created", "user.created", "user.updated"];
        let kept: &[&str] = if retain == "P0D" { &others } else { &NAMING };
        assert_eq!(answered(&acme), kept, "{retain}");
        let kept = acme.sql_texts(
            "SELECT e.data FROM deliveries d JOIN events e ON e.seq = d.seq
             WHERE d.answer IS NOT NULL",
        );
        assert!(retain != "P0D" || kept.iter().all(|data| !data.contains(&ada)));
        switch(&mut acme, "disabled");
        acme.wait(31 * DAY);
        acme.settle();
        assert_eq!(answered(&acme), others, "{retain}");
    }
}

#[test]
fn what_receivers_have_said_goes_with_the_event() {
    let mut acme = Acme::new();
    acme.stream(&json!({ "id": "crm", "url": URL, "types": ["user.created"] }));
    acme.user("ada");
    acme.deliver(words);
    assert_eq!(answered(&acme), ["user.created"]);
    acme.policy(&json!({ "retainEvents": "P7D" }));
    acme.wait(45 * DAY);
    let mut batches = acme.batches().expect("a step");
    acme.sql.statements();
    acme.alarms();
    let of_rows = |statement: &String| statement.contains("UPDATE deliveries");
    let statements = acme.sql.statements().into_iter().filter(of_rows);
    statements.for_each(|statement| check_plan(&acme, &statement));
    assert_eq!((acme.rows("deliveries"), acme.rows("events")), (1, 0));
    let said = "SELECT answer FROM deliveries WHERE answer IS NOT NULL";
    assert_eq!(acme.sql_texts(said), Vec::<String>::new());
    // Nor is it kept what is said later.
    assert_eq!(acme.hand_over(&mut batches[0], &mut words).len(), 1);
    acme.land(&batches[0]).expect("it is noted");
    assert_eq!((acme.rows("deliveries"), acme.sql_texts(said).len()), (1, 0));
}

#[test]
fn of_others_an_event_tells_ids_and_says_what_it_does_not() {
    let mut story = Story::new(&["a", "b", "c", "d", "e", "f"].map(|word| word.repeat(9)));
    let ada = story.born();
    let manager = format!("{ENTERPRISE_USER}:manager.value");
    let last = |story: &mut Story| {
        let event = story.acme.events().pop().expect("an event");
        (event["data"]["previous"].clone(), event["data"]["previousOmitted"].clone())
    };
    story.step(5);
    assert_eq!(last(&mut story), (json!({ &manager: null }), Value::Null));
    story.step(6);
    assert_eq!(last(&mut story), (json!({}), json!([manager])));
    story.step(7);
    assert_eq!(last(&mut story), (json!({ &manager: ada }), Value::Null));
    story.step(9);
    assert_eq!(last(&mut story), (json!({ "owners": null }), Value::Null));
    story.step(10);
    assert_eq!(last(&mut story), (json!({}), json!(["owners"])));
    let path = format!("/Agents/{}", story.agent);
    story.acme.patch(&path, &json!([{ "op": "remove", "path": "owners" }]));
    assert_eq!(last(&mut story), (json!({ "owners": [{ "value": ada }] }), json!(["owners"])));
}

#[test]
fn a_text_that_is_kept_as_sent_is_counted_and_not_told() {
    let mut story = Story::new(&["a", "b", "c", "d", "e", "f"].map(|word| word.repeat(9)));
    for (step, kind) in [(0, "group.member.added"), (1, "group.member.removed")] {
        story.step(step);
        let event = story.acme.events().pop().expect("an event");
        let data = &event["data"];
        let told = (&event["type"], &data["members"], &data["keptAsSent"]);
        assert_eq!(told, (&json!(kind), &json!([]), &json!(1)));
    }
}
