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
    acme
}

/// Makes a database what it was in version 1.
fn downgrade(sql: &Sqlite) {
    for statement in [
        "DELETE FROM migrations WHERE number > 1",
        "DELETE FROM lookups WHERE attribute & 128",
        "UPDATE lookups SET attribute = attribute & 127",
        "DROP INDEX resources_by_created",
        "DROP INDEX resources_by_modified",
    ] {
        rows(sql, statement);
    }
    let made = rows(sql, "SELECT sql || ';' FROM sqlite_schema WHERE sql <> '' ORDER BY rowid");
    let made: String =
        made.iter().map(|row| row.text(0).expect("a text").to_owned() + "\n").collect();
    assert_eq!(made, VERSION_1);
}

#[test]
fn a_database_of_version_1_is_brought_up_to_date() {
    let mut acme = given();
    let before = acme.dump();
    downgrade(&acme.sql);
    assert_ne!(acme.dump(), before);
    acme.sleep();
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
