//! Databases of earlier versions, with data in them, become what they would be had they been made by
//! this version.

use muster::store::{Row, Sql as _, migrate};
use serde_json::{Value, json};

use crate::sqlite::Sqlite;
use crate::steps::{ids, texts};
use crate::support::Acme;

/// The tables of version 1.
const VERSION_1: &str = include_str!("snapshots/tables_1.sql");

/// What is in a database that its tables and indexes show, in an order of its own.
fn rows(sql: &Sqlite, statement: &str) -> Vec<Row> {
    sql.query(statement, &[]).expect("SQLite reads")
}

/// A tenant with users and groups of all sorts.
fn given() -> Acme {
    let mut acme = Acme::new();
    for (name, more) in [
        (
            "ada",
            json!({ "displayName": "Ada", "emails": [{ "value": "A@x" }, { "value": "b@x" }] }),
        ),
        ("bob", json!({ "externalId": "B" })),
        ("eve", json!({ "displayName": "K", "externalId": "b" })),
    ] {
        acme.wait(1);
        let mut body = more;
        body["userName"] = name.into();
        acme.post("/Users", &body);
    }
    acme.wait(-2);
    acme.post("/Groups", &json!({ "displayName": "crew" }));
    acme.post("/Groups", &json!({ "displayName": "Ada", "externalId": "x" }));
    acme.unchain();
    acme
}

/// What undoes each migration from the second on.
const UNDONE: &[&[&str]] = &[
    &["DROP INDEX dangling_by_key", "ALTER TABLE dangling DROP COLUMN key"],
    &["DROP TABLE policies"],
    &["ALTER TABLE connections DROP COLUMN compat"],
    &[
        "DELETE FROM lookups WHERE attribute & 128",
        "UPDATE lookups SET attribute = attribute & 127",
        "DROP INDEX resources_by_created",
        "DROP INDEX resources_by_modified",
    ],
    &["DELETE FROM lookups WHERE attribute & 128 AND pos >> 40 > 2"],
    &[
        "ALTER TABLE resources DROP COLUMN manager",
        "ALTER TABLE connections DROP COLUMN adopt",
        "ALTER TABLE connections DROP COLUMN rev",
        "DROP TABLE departures",
    ],
    &["ALTER TABLE keys DROP COLUMN used", "ALTER TABLE keys DROP COLUMN life"],
    &["DROP TABLE secrets"],
    &["DROP TABLE trusts"],
    &["DROP TABLE idempotency"],
    &["DROP TABLE requests", "DROP TABLE traffic", "DROP TABLE warnings"],
    &[
        "DROP TABLE grants",
        "DROP TABLE recomputation",
        "ALTER TABLE connections DROP COLUMN in_scope",
        "ALTER TABLE connections DROP COLUMN activated",
    ],
    &["ALTER TABLE connections DROP COLUMN options"],
    &["DROP TABLE tombstones", "DROP TABLE salts"],
    &["DROP TABLE suspensions"],
    &["DROP TABLE drifts"],
    &["DROP INDEX grants_of_groups", "DROP INDEX members_by_mapping"],
    &["DROP TABLE decisions"],
    &[
        "DROP INDEX resources_by_seen",
        "ALTER TABLE resources DROP COLUMN last_seen",
        "DROP TABLE staleness",
        "ALTER TABLE suspensions DROP COLUMN stale",
    ],
    &["DROP TABLE imports"],
    &["DROP TABLE hidden"],
    &["DROP TABLE matches"],
    &["DROP TABLE followers", "DROP TABLE directory", "DROP TABLE copies", "DROP TABLE touches"],
    &[
        "DROP TABLE changes",
        "DROP TABLE brakes",
        "ALTER TABLE recomputation DROP COLUMN connection",
    ],
    &["ALTER TABLE tombstones DROP COLUMN grants"],
    &["ALTER TABLE directory DROP COLUMN since"],
    &["DROP TABLE brake_users"],
    &["ALTER TABLE decisions DROP COLUMN connection"],
    &[
        "ALTER TABLE events DROP COLUMN salt",
        "ALTER TABLE events DROP COLUMN digest",
        "ALTER TABLE events DROP COLUMN hash",
        "DROP TABLE anchor",
        "DROP TABLE erasures",
        "DROP TABLE erasing",
    ],
    &["DROP TABLE streams", "DROP TABLE deliveries", "ALTER TABLE followers DROP COLUMN steps"],
    &["DROP TABLE async_requests", "DROP TABLE async_pieces"],
    &["ALTER TABLE streams DROP COLUMN audience", "ALTER TABLE streams DROP COLUMN authorization"],
    &["ALTER TABLE streams DROP COLUMN former_types", "ALTER TABLE streams DROP COLUMN forgotten"],
    &["DROP INDEX grants_waiting", "ALTER TABLE grants DROP COLUMN waiting"],
    &["ALTER TABLE departures DROP COLUMN stopped"],
    &["ALTER TABLE brakes DROP COLUMN deciding"],
    &["ALTER TABLE streams DROP COLUMN attribute_map"],
    &["DROP TABLE moved"],
];

/// This version.
fn last() -> i64 {
    1 + i64::try_from(UNDONE.len()).expect("few migrations")
}

impl Acme {
    /// Makes the events that there are older than the chain.
    pub(crate) fn unchain(&mut self) {
        rows(&self.sql, "UPDATE events SET salt = NULL, hash = NULL");
        self.sleep();
    }

    /// Makes the tables what they were at an earlier version, with their rows in them.
    pub(crate) fn back_to(&mut self, version: i64) {
        let later = |(number, _): &(i64, _)| *number > version;
        let undone: Vec<_> = (2_i64..).zip(UNDONE).filter(later).collect();
        for (number, statements) in undone.into_iter().rev() {
            let forget = format!("DELETE FROM migrations WHERE number = {number}");
            for statement in statements.iter().copied().chain([forget.as_str()]) {
                rows(&self.sql, statement);
            }
        }
        self.sleep();
    }
}

#[test]
fn a_database_of_any_version_is_brought_up_to_date() {
    for version in 1..=last() {
        let mut acme = given();
        assert_eq!(rows(&acme.sql, "SELECT max(number) FROM migrations")[0].integer(0), Ok(last()));
        let before = acme.dump();
        acme.back_to(version);
        acme.get("/Users");
        assert_eq!(acme.dump(), before, "from {version}");
    }
}

/// The types behind features are as old as the policies that switch them on, which are of version 3.
#[test]
fn resources_of_types_behind_features_are_brought_up_to_date() {
    let mut acme = given();
    let features = json!({ "features": { "roles": true, "agents": true } });
    acme.policy(&features);
    for (endpoint, name) in [
        ("/Roles", "value"),
        ("/Entitlements", "value"),
        ("/Agents", "name"),
        ("/AgenticApplications", "name"),
    ] {
        acme.post(endpoint, &json!({ name: "bare" }));
        acme.post(
            endpoint,
            &json!({ name: "full", "externalId": "x", "display": "d",
            "displayName": "d", "subject": "s" }),
        );
    }
    acme.unchain();
    let before = acme.dump();
    for version in 3..=last() {
        acme.back_to(version);
        for (path, both) in [
            ("/Roles?sortBy=display", ["full", "bare"]),
            ("/Entitlements?sortBy=externalId", ["full", "bare"]),
        ] {
            assert_eq!(texts(&acme.get(path), "value"), both, "{path} from {version}");
        }
        for path in [
            "/Agents?sortBy=displayName",
            "/Agents?sortBy=subject",
            "/Agents?sortBy=externalId",
            "/AgenticApplications?sortBy=displayName",
        ] {
            assert_eq!(texts(&acme.get(path), "name"), ["full", "bare"], "{path} from {version}");
        }
        assert_eq!(acme.dump(), before, "from {version}");
    }
}

#[test]
fn a_database_of_version_1_is_brought_up_to_date() {
    let mut acme = given();
    let before = acme.dump();
    acme.back_to(1);
    let statement = "SELECT sql || ';' FROM sqlite_schema WHERE sql <> '' ORDER BY rowid";
    let made = rows(&acme.sql, statement);
    let made: String =
        made.iter().map(|row| row.text(0).expect("a text").to_owned() + " ").collect();
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(words(&made), words(VERSION_1));
    assert_ne!(acme.dump(), before);
    for (query, names) in [
        (vec![("filter", "userName eq \"ADA\"")], ["ada"].as_slice()),
        (vec![("filter", "emails.value sw \"b\"")], &["ada"]),
        (vec![("filter", "meta.lastModified ge \"2026-09-21T14:13:22Z\"")], &["bob", "eve"]),
        (vec![("sortBy", "displayName")], &["ada", "eve", "bob"]),
        (vec![("sortBy", "externalId"), ("sortOrder", "descending")], &["ada", "eve", "bob"]),
        (vec![("sortBy", "meta.created"), ("sortOrder", "descending")], &["eve", "bob", "ada"]),
    ] {
        assert_eq!(texts(&acme.list("/Users", &query), "userName"), names, "{query:?}");
    }
    assert_eq!(ids(&acme.get("/Groups?sortBy=externalId")).len(), 2);
    assert_eq!(acme.dump(), before);
}

#[test]
fn an_empty_database_of_version_1_is_brought_up_to_date() {
    let sql = Sqlite::new();
    for statement in VERSION_1.split_terminator(";\n") {
        rows(&sql, statement);
    }
    rows(&sql, "INSERT INTO migrations (number) VALUES (1)");
    migrate(&sql).expect("the tables are changed");
    let made = "SELECT name, sql FROM sqlite_schema ORDER BY name";
    assert_eq!(rows(&sql, made), rows(&Acme::new().sql, made));
    let mut acme = Acme::new();
    acme.sql = sql;
    acme.sleep();
    assert_eq!(acme.admin("GET", "/events", &Value::Null).json()["items"], json!([]));
}
