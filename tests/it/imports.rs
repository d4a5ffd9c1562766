//! Imports of users from elsewhere: lines of JSON and tables, in parts, tried first and sent again.

use std::collections::BTreeMap;
use std::slice::from_ref;

use muster::http::Route;
use muster::limits;
use muster::registry::Slug;
use muster::scim::urn;
use serde_json::{Value, json};

use crate::scenario::Reply;
use crate::steps::check_problem;
use crate::support::{ADMIN, Acme, ORIGIN};

const NDJSON: &str = "application/x-ndjson";

impl Acme {
    fn send_part(&mut self, path: &str, media_type: &str, body: &str, key: &str) -> Reply {
        let url = format!("{ORIGIN}/v1/tenants/{}/imports{path}", self.slug());
        let headers = [("Content-Type".to_owned(), media_type.to_owned())];
        self.fetch("POST", &url, &BTreeMap::from(headers), body.as_bytes(), key)
    }

    /// Begins an import, or goes on with one, and what it came to.
    #[track_caller]
    pub(crate) fn imports(&mut self, path: &str, media_type: &str, body: &str) -> Value {
        let reply = self.send_part(path, media_type, body, ADMIN);
        let expected = if path.is_empty() { 201 } else { 200 };
        assert_eq!(reply.status, expected, "{path}: {}", reply.json());
        reply.json()
    }

    /// The same of lines of JSON; how many were created, updated, unchanged and refused.
    #[track_caller]
    fn counts(&mut self, lines: &[Value]) -> [u64; 4] {
        counts_of(&self.imports("", NDJSON, &text(lines)))
    }
}

fn text(lines: &[Value]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

fn counts_of(import: &Value) -> [u64; 4] {
    ["created", "updated", "unchanged", "failed"]
        .map(|name| import[name].as_u64().expect("a count"))
}

/// Which lines were refused, and how.
fn errors(import: &Value) -> Vec<(u64, String, String)> {
    let errors = import["errors"].as_array().expect("errors").iter();
    let text = |error: &Value, name: &str| error[name].as_str().unwrap_or_default().to_owned();
    let error = |one: &Value| {
        assert_eq!(one["error"]["schemas"], json!([urn::ERROR]));
        let line = one["line"].as_u64().expect("a line");
        (line, text(&one["error"], "scimType"), text(&one["error"], "detail"))
    };
    errors.map(error).collect()
}

fn person(number: usize) -> Value {
    json!({
        "userName": format!("u{number}"), "externalId": format!("E{number}"),
        "name": { "givenName": "U", "familyName": number.to_string() },
        "emails": [{ "value": format!("u{number}@acme.test"), "type": "work" }],
    })
}

#[test]
fn jb_07_ten_thousand_rows_twice_are_ten_thousand_unchanged() {
    let mut acme = Acme::new();
    let rows: Vec<Value> = (0..10_000).map(person).collect();
    let parts: Vec<String> = rows.chunks(limits::IMPORT_ROWS).map(text).collect();
    for expected in [[10_000, 0, 0, 0], [0, 0, 10_000, 0]] {
        let events = acme.rows("events");
        let mut import = acme.imports("", NDJSON, &parts[0]);
        let id = import["id"].as_str().unwrap().to_owned();
        for (number, part) in (2..).zip(&parts[1..]) {
            import = acme.imports(&format!("/{id}?part={number}"), NDJSON, part);
        }
        assert_eq!(counts_of(&import), expected);
        assert_eq!((&import["parts"], &import["errors"]), (&json!(10), &json!([])));
        assert_eq!(acme.rows("events") - events, i64::try_from(expected[0]).unwrap());
    }
    assert_eq!(acme.rows("resources"), 10_000);
}

#[test]
fn a_row_makes_a_user_of_the_imports_origin_that_nobody_manages() {
    let mut acme = Acme::new();
    let import = acme.imports("", NDJSON, &text(&[person(1), person(2)]));
    assert_eq!(counts_of(&import), [2, 0, 0, 0]);
    assert_eq!(import["createdAt"], "2026-09-21T14:13:20.000Z");
    let list = acme.list("/Users", &[("filter", "userName eq \"U1\"")]);
    let user = &list["Resources"][0];
    let origin = format!("import:{}", import["id"].as_str().unwrap());
    assert_eq!(user[urn::MUSTER_USER], json!({ "origin": origin }));
    assert_eq!(user["name"], person(1)["name"]);
    assert_eq!(acme.event_types(1)[..], ["user.created", "user.created"]);
    let found = format!("{}:origin eq \"{origin}\"", urn::MUSTER_USER);
    assert_eq!(acme.found("/Users", &found).len(), 2);
}

#[test]
fn what_a_row_does_not_mention_stays() {
    let mut acme = Acme::new();
    assert_eq!(acme.counts(&[person(1)]), [1, 0, 0, 0]);
    let before = acme.list("/Users", &[])["Resources"][0].clone();
    let row = json!({ "userName": "U1", "title": "Dev", "name": { "givenName": "Ada" },
        "id": "another", "groups": [{ "value": "g" }], "meta": { "version": "x" }, "nickName": null });
    assert_eq!(acme.counts(from_ref(&row)), [0, 1, 0, 0]);
    let after = acme.list("/Users", &[])["Resources"][0].clone();
    assert_eq!(after["name"], json!({ "givenName": "Ada", "familyName": "1" }));
    assert_eq!((&after["title"], &after["userName"]), (&json!("Dev"), &json!("U1")));
    for name in ["id", "emails", "externalId", urn::MUSTER_USER] {
        assert_eq!(after[name], before[name], "{name}");
    }
    assert_eq!(acme.counts(&[row]), [0, 0, 1, 0]);
    let clears = json!({ "userName": "U1", "title": null });
    assert_eq!(acme.counts(&[clears]), [0, 1, 0, 0]);
    assert_eq!(acme.list("/Users", &[])["Resources"][0].get("title"), None);
}

#[test]
fn a_table_has_columns_that_are_paths() {
    let mut acme = Acme::new();
    let head = format!(
        "userName,name.givenName,\"emails[type eq \"\"work\"\"].value\",externalId,active,{}:department\r\n",
        urn::ENTERPRISE_USER
    );
    let table = format!(
        "\u{feff}{head}ada,Ada,ada@acme.test,E1,true,\"R&D, \"\"new\"\"\r\nhall\"\r\n\r\nbob,,,,False,\r\n"
    );
    let import = acme.imports("", "text/csv; charset=utf-8", &table);
    assert_eq!((counts_of(&import), errors(&import)), ([2, 0, 0, 0], vec![]));
    let list = acme.list("/Users", &[]);
    let (ada, bob) = (&list["Resources"][0], &list["Resources"][1]);
    assert_eq!(ada["emails"], json!([{ "value": "ada@acme.test", "type": "work" }]));
    assert_eq!(ada[urn::ENTERPRISE_USER]["department"], "R&D, \"new\"\r\nhall");
    assert_eq!((&ada["active"], &bob["active"]), (&json!(true), &json!(false)));
    assert_eq!(bob.get("name"), None);
    assert_eq!(counts_of(&acme.imports("", "text/csv", &table)), [0, 0, 2, 0]);
    // Another address stays; an empty field says nothing.
    let home = json!({ "userName": "ada", "emails": [
        { "value": "ada@acme.test", "type": "work" }, { "value": "a@home.test", "type": "home" }] });
    assert_eq!(acme.counts(&[home]), [0, 1, 0, 0]);
    let moved = format!("{head}ada,,ada@new.test,,,\n");
    assert_eq!(counts_of(&acme.imports("", "text/csv", &moved)), [0, 1, 0, 0]);
    let ada = acme.list("/Users", &[])["Resources"][0].clone();
    assert_eq!(crate::steps::texts(&ada["emails"], "value"), ["ada@new.test", "a@home.test"]);
    assert_eq!((&ada["externalId"], &ada["name"]["givenName"]), (&json!("E1"), &json!("Ada")));
}

#[test]
fn a_row_that_is_refused_is_told_by_its_line_and_leaves_the_others() {
    let mut acme = Acme::new();
    acme.user("taken");
    acme.policy(&json!({ "matching": ["externalId"] }));
    let lines = [
        person(1).to_string(),
        String::new(),
        "no JSON of ada@acme.test".to_owned(),
        "[]".to_owned(),
        json!({ "externalId": "E" }).to_string(),
        json!({ "userName": "x", "active": "perhaps" }).to_string(),
        json!({ "userName": "TAKEN", "externalId": "E9" }).to_string(),
        person(2).to_string(),
    ];
    let import = acme.imports("", NDJSON, &lines.join("\n"));
    assert_eq!(counts_of(&import), [2, 0, 0, 5]);
    let told = |line, kind: &str, detail: &str| (line, kind.to_owned(), detail.to_owned());
    let expected = [
        told(3, "invalidSyntax", "the line is no JSON object"),
        told(4, "invalidSyntax", "the line is no JSON object"),
        told(5, "invalidValue", "`userName` is required"),
        told(6, "invalidValue", "`active` must be a boolean"),
        told(7, "uniqueness", "another resource has this `userName`"),
    ];
    assert_eq!(errors(&import), expected);
    assert_eq!(acme.found("/Users", "userName pr").len(), 3);
    let id = import["id"].as_str().unwrap();
    assert_eq!(acme.admin("GET", &format!("/imports/{id}"), &Value::Null).json(), import);
    let table = "userName,title\nada\nbob,Dev\n\"eve,Dev\n";
    let import = acme.imports("", "text/csv", table);
    let detail = "the row has other fields than the header, or quotes that do not close";
    assert_eq!(counts_of(&import), [1, 0, 0, 2]);
    let expected = [told(2, "invalidSyntax", detail), told(4, "invalidSyntax", detail)];
    assert_eq!(errors(&import), expected);
}

#[test]
fn rows_are_taken_for_users_by_what_the_tenant_says() {
    let mut acme = Acme::new();
    let address = |address: &str| json!([{ "value": address }]);
    acme.post("/Users", &json!({ "userName": "ada", "emails": address("a@x") }));
    acme.post("/Users", &json!({ "userName": "bob", "emails": address("b@x") }));
    acme.post("/Users", &json!({ "userName": "eve", "emails": address("b@x"), "externalId": "E" }));
    let moved = json!({ "userName": "ada2", "emails": address("A@x") });
    assert_eq!(acme.counts(from_ref(&moved)), [1, 0, 0, 0], "by names alone where nothing is said");
    let second = acme.found("/Users", "userName eq \"ada2\"").remove(0);
    acme.delete(&format!("/Users/{second}"));
    let keys = json!({ "matching": ["emails.VALUE", "externalId", "userName"] });
    acme.policy(&keys);
    assert_eq!(acme.counts(&[moved]), [0, 1, 0, 0], "renamed");
    let both = json!({ "userName": "x", "emails": address("b@x") });
    let import = acme.imports("", NDJSON, &text(&[both]));
    let several = (1, "uniqueness".to_owned(), "several users have this `emails.value`".to_owned());
    assert_eq!(errors(&import), [several]);
    let by_id = json!({ "userName": "eva", "externalId": "E", "emails": address("new@x") });
    assert_eq!(acme.counts(&[by_id]), [0, 1, 0, 0]);
    assert_eq!(acme.counts(&[json!({ "userName": "BOB", "title": "x" })]), [0, 1, 0, 0]);
    for (keys, path) in [
        (json!(["title"]), "/matching/0"),
        (json!(["userName", "username"]), "/matching/1"),
        (json!("userName"), "/matching"),
    ] {
        let reply = acme.admin("PUT", "/policies", &json!({ "matching": keys }));
        assert_eq!((reply.status, &reply.json()["faults"][0]["path"]), (422, &json!(path)));
    }
}

#[test]
fn an_import_is_the_word_of_a_key_without_a_connection() {
    let mut acme = Acme::new();
    let okta = acme.connect("okta");
    let ada = acme
        .with_key(&okta, |acme| acme.post("/Users", &json!({ "userName": "ada", "title": "Dev" })));
    acme.policy(&json!({ "authority": { "title": "idp" } }));
    assert_eq!(acme.counts(&[json!({ "userName": "ada", "nickName": "A" })]), [0, 1, 0, 0]);
    let import = acme.imports("", NDJSON, &text(&[json!({ "userName": "ada", "title": "Boss" })]));
    let detail = "`title` is what connection `okta` says it is".to_owned();
    assert_eq!(errors(&import), [(1, "mutability".to_owned(), detail)]);
    let user = acme.get(&format!("/Users/{}", ada["id"].as_str().unwrap()));
    assert_eq!(user[urn::MUSTER_USER], json!({ "origin": "scim:okta", "managedBy": "okta" }));
}

#[test]
fn a_dry_run_tells_the_same_and_leaves_nothing() {
    let mut acme = Acme::new();
    acme.counts(&[person(1), person(2)]);
    let lines = [person(1), json!({ "userName": "u2", "title": "x" }), person(3), json!({})];
    let before = acme.dump();
    let reply = acme.send_part("?dryRun=true", NDJSON, &text(&lines), ADMIN);
    let tried = reply.json();
    assert_eq!((reply.status, counts_of(&tried)), (200, [1, 1, 1, 1]));
    assert_eq!((&tried["dryRun"], tried.get("id")), (&json!(true), None));
    assert_eq!(acme.dump(), before);
    assert_eq!(acme.get("/Users")["totalResults"], 2);
    let done = acme.imports("", NDJSON, &text(&lines));
    assert_eq!((counts_of(&done), &done["errors"]), ([1, 1, 1, 1], &tried["errors"]));
    let id = done["id"].as_str().unwrap();
    let before = acme.dump();
    let path = format!("/{id}?part=2&dryRun=true");
    assert_eq!(counts_of(&acme.imports(&path, NDJSON, &text(&[person(4)]))), [2, 1, 1, 1]);
    assert_eq!(acme.dump(), before);
    let reply = acme.send_part("?dryRun=1", NDJSON, "", ADMIN);
    check_problem(&reply, (400, "malformed", "`dryRun` is neither true nor false"), "");
}

#[test]
fn a_part_is_done_once_and_in_its_turn() {
    let mut acme = Acme::new();
    let import = acme.imports("", NDJSON, &text(&[person(1)]));
    let id = import["id"].as_str().unwrap().to_owned();
    acme.sleep();
    let second = acme.imports(&format!("/{id}?part=2"), NDJSON, &text(&[person(2)]));
    assert_eq!((counts_of(&second), &second["parts"]), ([2, 0, 0, 0], &json!(2)));
    acme.policy(&json!({ "deprovision": { "relink": "never" } }));
    let gone = acme.found("/Users", "userName eq \"u2\"").remove(0);
    acme.delete(&format!("/Users/{gone}"));
    let before = acme.dump();
    for part in [1, 2] {
        let again = acme.imports(&format!("/{id}?part={part}"), NDJSON, &text(&[person(2)]));
        assert_eq!(again, second, "{part}");
    }
    for part in ["0", "4"] {
        let reply = acme.send_part(&format!("/{id}?part={part}"), NDJSON, "", ADMIN);
        check_problem(&reply, (409, "conflict", "the next part of this import is 3"), part);
    }
    let reply = acme.send_part(&format!("/{id}"), NDJSON, "", ADMIN);
    check_problem(&reply, (400, "malformed", "`part` is missing"), "");
    let reply = acme.send_part("/nothing?part=2", NDJSON, "", ADMIN);
    check_problem(&reply, (404, "not_found", "there is no such import"), "");
    assert_eq!(acme.dump(), before);
    let list = acme.admin("GET", "/imports", &Value::Null).json();
    let mut shown = second;
    shown.as_object_mut().unwrap().shift_remove("errors");
    assert_eq!(list, json!({ "items": [shown] }));
}

#[test]
fn the_bounds_of_imports() {
    let mut acme = Acme::new();
    let rows = |count| vec![json!({}); count];
    let import = acme.imports("", NDJSON, &text(&rows(limits::IMPORT_ROWS)));
    assert_eq!(import["failed"], limits::IMPORT_ROWS);
    assert_eq!(import["errors"].as_array().unwrap().len(), limits::IMPORT_ERRORS);
    let reply = acme.send_part("", NDJSON, &text(&rows(limits::IMPORT_ROWS + 1)), ADMIN);
    let detail = "a part of an import has at most 1000 rows";
    check_problem(&reply, (413, "payload_too_large", detail), "");
    for _ in 0..limits::IMPORTS + 5 {
        acme.wait(1);
        acme.imports("", NDJSON, "");
    }
    let list = acme.admin("GET", "/imports?limit=1000", &Value::Null).json();
    let items = list["items"].as_array().unwrap();
    assert_eq!(items.len(), limits::IMPORTS);
    assert!(items.iter().all(|item| item["id"] != import["id"]));
    let body = b"{\"userName\":\"\xff\"}";
    let url = format!("{ORIGIN}/v1/tenants/acme/imports");
    let headers = [("Content-Type".to_owned(), NDJSON.to_owned())];
    let reply = acme.fetch("POST", &url, &BTreeMap::from(headers), body, ADMIN);
    check_problem(&reply, (400, "malformed", "the body is not UTF-8"), "");
}

#[test]
fn what_is_no_table_of_users_is_refused_without_repeating_it() {
    let mut acme = Acme::new();
    let before = acme.dump();
    for (table, detail) in [
        ("", "the body has no header"),
        ("\"userName\n", "the body has no header"),
        ("userName,ada@acme.test\n", ""),
        ("userName,password\n", ""),
        ("userName,groups\n", ""),
        ("userName,USERNAME\n", ""),
    ] {
        let reply = acme.send_part("", "text/csv", table, ADMIN);
        let of_column =
            "column 2 of the header is no attribute of users that is kept, or is there twice";
        let detail = if detail.is_empty() { of_column } else { detail };
        check_problem(&reply, (400, "malformed", detail), table);
    }
    let wide =
        (0..=limits::IMPORT_COLUMNS).map(|n| format!("\"emails[type eq \"\"{n}\"\"].value\","));
    let reply = acme.send_part("", "text/csv", &(wide.collect::<String>() + "\n"), ADMIN);
    check_problem(&reply, (400, "malformed", "the header has more than 200 columns"), "wide");
    for media_type in ["application/json", "text/plain", ""] {
        let reply = acme.send_part("", media_type, "", ADMIN);
        assert_eq!(reply.status, 415, "{media_type}");
    }
    assert_eq!(acme.dump(), before);
}

#[test]
fn who_imports_may_configure_and_write_users() {
    let mut acme = Acme::new();
    acme.connect("okta");
    let line = text(&[person(1)]);
    let lacks = acme.mint(&["config:write"]);
    let reply = acme.send_part("", NDJSON, &line, &lacks);
    let detail = "an import needs scim.users:write, too";
    check_problem(&reply, (403, "insufficient_scope", detail), "");
    let scopes = ["config:write", "scim.users:write"];
    let bound = json!({ "name": "k", "scopes": scopes, "connection": "okta" });
    let bound = acme.mint_with(&bound);
    let reply = acme.send_part("", NDJSON, &line, &bound);
    let detail = "the key of a connection imports nobody";
    check_problem(&reply, (403, "insufficient_scope", detail), "");
    let key = acme.mint(&["scim"]);
    assert_eq!(acme.send_part("", NDJSON, &line, &key).status, 403);
    let key = acme.mint(&scopes);
    assert_eq!(acme.send_part("", NDJSON, &line, &key).status, 201);
    assert_eq!(acme.ask("GET", "/v1/tenants/acme/imports", &Value::Null, &lacks).status, 200);
}

#[test]
fn imports_have_paths_of_their_own() {
    let acme = || Slug::parse("acme").unwrap();
    let route = |path: &str| Route::parse(&format!("/v1/tenants/acme{path}"));
    assert_eq!(route("/imports"), Some(Route::Imports(acme())));
    assert_eq!(route("/imports/i%2D1/"), Some(Route::UserImport(acme(), "i-1".to_owned())));
    assert_eq!(route("/imports/i-1/x"), None);
}

#[test]
fn rows_are_held_to_guards() {
    let mut acme = Acme::new();
    let ada = acme.user("ada");
    let policies = json!({ "guards": [{ "role": "owner", "min": 1 }] });
    acme.policy(&policies);
    acme.admin("POST", &format!("/users/{ada}/grants"), &json!({ "role": "owner" }));
    let rows = [json!({ "userName": "ada", "active": false }), json!({ "userName": "bob" })];
    let import = acme.imports("", NDJSON, &text(&rows));
    assert_eq!(counts_of(&import), [1, 0, 0, 1]);
    assert_eq!(errors(&import)[0].1, "mutability");
    assert_eq!(acme.get(&format!("/Users/{ada}")).get("active"), None);
}

#[test]
fn a_part_that_fails_at_any_statement_leaves_nothing() {
    let (mut acme, lines) = (Acme::new(), text(&[person(1), json!({}), person(2)]));
    let before = acme.dump();
    let send = |acme: &mut Acme| acme.send_part("", NDJSON, &lines, ADMIN);
    let (reply, _) = acme.failing_everywhere(send, |acme, statements, reply| {
        assert_eq!((reply.status, acme.dump() == before), (500, true), "at {statements}");
    });
    assert_eq!(counts_of(&reply.json()), [2, 0, 0, 1]);
}
