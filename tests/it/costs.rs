//! How many statements a request runs, and that each finds its rows by an index.

use muster::limits;
use muster::store::Sql as _;
use serde_json::{Value, json};

use crate::steps::{patch_op, with_query};
use crate::support::Acme;

fn body() -> Value {
    let emails = json!([{ "value": "a@b", "type": "work" }]);
    json!({ "userName": "ada", "externalId": "a", "emails": emails })
}

/// A tenant of some size: users, each of whom is in one group of all and one of a few.
pub(crate) fn given() -> (Acme, String, [String; 2]) {
    let mut acme = Acme::new();
    let users = acme.populate(300);
    let members: Vec<&str> = users.iter().map(String::as_str).collect();
    let groups = [acme.group("all", &members), acme.group("few", &members[100..102])];
    let ada = acme.made("/Users", &body());
    (acme, ada, groups)
}

/// Sends a request that runs at most so many statements; the statements.
#[track_caller]
pub(crate) fn check(
    acme: &mut Acme,
    method: &str,
    path: &str,
    body: &Value,
    most: usize,
) -> Vec<String> {
    acme.sql.statements();
    let reply = acme.scim(method, path, body);
    let statements = acme.sql.statements();
    assert!(reply.status < 300, "{method} {path}: {}", reply.json());
    let count = statements.len();
    assert!(count <= most, "{method} {path}: {count} statements: {statements:#?}");
    statements
}

/// The statement reads no table from one end to the other.
#[track_caller]
pub(crate) fn check_plan(acme: &Acme, statement: &str) {
    for step in acme.sql.plan(statement) {
        // Read whole: what was bound, a subquery, what a recursion found. Of `sweeps`, `decisions`,
        // `touches` and `erasures`, the first.
        let own = [
            "VIRTUAL TABLE",
            "SCAN (subquery",
            "SCAN up",
            "CONSTANT ROW",
            "VALUES CLAUSE",
            "SCAN j",
            "sweeps",
            "decisions",
            "touches",
            "erasures",
        ];
        let reads_all = step.starts_with("SCAN") && !own.iter().any(|own| step.contains(own));
        assert!(!reads_all, "{step}: {statement}");
    }
}

#[test]
fn a_request_runs_few_statements_and_each_by_an_index() {
    let (mut acme, ada, [all, few]) = given();
    let user = format!("/Users/{ada}");
    let group = format!("/Groups/{all}");
    let filtered = |path: &str, filter: &str| with_query(path, &[("filter", filter)]);
    let replace = |path: &str, value: Value| {
        patch_op(&json!([{ "op": "replace", "path": path, "value": value }]))
    };
    let member =
        |op: &str| patch_op(&json!([{ "op": op, "path": "members", "value": [{ "value": ada }] }]));
    let nothing = Value::Null;
    let bob = json!({ "userName": "bob", "externalId": "b", "emails": [{ "value": "b@b" }] });
    let cyd = json!({ "userName": "cyd", "externalId": "c", "emails": [{ "value": "c@c" }] });
    let mut statements = Vec::new();
    for (method, path, body, most) in [
        ("GET", user.clone(), &nothing, 1),
        ("GET", format!("{group}?excludedAttributes=members"), &nothing, 1),
        ("GET", format!("/Groups/{few}"), &nothing, 3),
        ("GET", filtered("/Users", "userName eq \"ADA\""), &nothing, 1),
        ("GET", filtered("/Users", "externalId eq \"a\""), &nothing, 2),
        ("GET", filtered("/Users", "emails.value eq \"a@b\""), &nothing, 2),
        ("GET", filtered("/Users", "emails[type eq \"work\"].value eq \"a@b\""), &nothing, 3),
        ("GET", filtered("/Users", "userName eq \"ada\" and active ne false"), &nothing, 3),
        ("GET", filtered("/Users", "userName sw \"ad\""), &nothing, 3),
        ("GET", filtered("/Users", &format!("id eq \"{ada}\"")), &nothing, 2),
        ("GET", filtered("/Groups", "displayName eq \"few\""), &nothing, 4),
        ("GET", filtered("/Groups", &format!("members.value eq \"{ada}\"")), &nothing, 2),
        ("GET", filtered("/Groups", "members.value eq \"nobody\""), &nothing, 2),
        ("GET", filtered("/Users", "userName eq \"ada\" or externalId eq \"a\""), &nothing, 3),
        ("GET", filtered("/Users", BETWEEN), &nothing, 2),
        ("GET", filtered("/Users", "meta.created gt \"2026-08-01T00:00:00Z\""), &nothing, 3),
        ("GET", "/Users?count=0".to_owned(), &nothing, 0),
        ("GET", "/Users?count=100".to_owned(), &nothing, 1),
        ("GET", "/Users?startIndex=101&count=100".to_owned(), &nothing, 1),
        ("GET", "/Users?startIndex=250&count=10".to_owned(), &nothing, 2),
        ("GET", "/Users?startIndex=301&count=100".to_owned(), &nothing, 3),
        ("GET", "/Users?cursor=&count=100".to_owned(), &nothing, 2),
        ("GET", "/Users?cursor=&count=301".to_owned(), &nothing, 2),
        ("GET", "/Users?sortBy=title&count=10".to_owned(), &nothing, 3),
        ("POST", "/Users".to_owned(), &bob, 6),
        ("PUT", user.clone(), &body(), 2),
        ("PATCH", user.clone(), &replace("externalId", json!("a")), 2),
        ("PATCH", user.clone(), &replace("active", json!(false)), 4),
        ("PATCH", user.clone(), &replace("userName", json!("eve")), 7),
        ("PATCH", group.clone(), &member("add"), 6),
        ("PATCH", group.clone(), &member("add"), 3),
        ("PATCH", group.clone(), &member("remove"), 6),
        ("PATCH", group.clone(), &member("remove"), 3),
        ("PATCH", group.clone(), &replace("displayName", json!("ALL")), 5),
        // The first that is deleted brings the salt of tombstones.
        ("DELETE", user, &nothing, 11),
        ("DELETE", format!("/Groups/{few}"), &nothing, 7),
        ("POST", "/Users".to_owned(), &cyd, 9),
    ] {
        statements.extend(check(&mut acme, method, &path, body, most));
    }
    acme.alarms();
    acme.events();
    statements.extend(acme.sql.statements());
    statements.sort();
    statements.dedup();
    assert!(statements.len() > 20);
    for statement in statements {
        check_plan(&acme, &statement);
    }
}

#[test]
fn a_change_of_a_member_costs_the_same_in_a_group_of_100_000() {
    const MEMBERS: usize = 100_000;
    let mut acme = Acme::new();
    let users = acme.populate(MEMBERS + 1);
    let group = acme.group("all", &[]);
    for statement in [
        format!(
            "INSERT INTO members SELECT (2 << 40) + 1, pos, 'admin', NULL FROM resources
             WHERE pos <= (1 << 40) + {MEMBERS}"
        ),
        format!("UPDATE resources SET members = {MEMBERS} WHERE pos = (2 << 40) + 1"),
    ] {
        acme.sql.query(&statement, &[]).expect("SQLite writes");
    }
    let path = format!("/Groups/{group}");
    let (member, other) = (&users[MEMBERS / 2], &users[MEMBERS]);
    let listed = |op: &str, id: &str| {
        patch_op(&json!([{ "op": op, "path": "members", "value": [{ "value": id }] }]))
    };
    let filtered = |id: &str| {
        patch_op(&json!([{ "op": "remove", "path": format!("members[value eq \"{id}\"]") }]))
    };
    let nothing = Value::Null;
    let holds = with_query(
        "/Groups",
        &[("filter", &format!("members.value eq \"{other}\"")), ("excludedAttributes", "members")],
    );
    let mut statements = Vec::new();
    for (method, path, body, most) in [
        ("PATCH", &path, &listed("add", other), 6),
        ("PATCH", &path, &listed("add", other), 3),
        ("GET", &holds, &nothing, 3),
        ("PATCH", &path, &listed("remove", other), 6),
        ("PATCH", &path, &filtered(other), 3),
        ("PATCH", &path, &filtered(member), 6),
        ("GET", &format!("{path}?excludedAttributes=members"), &nothing, 1),
        ("GET", &format!("/Users/{member}"), &nothing, 1),
    ] {
        statements.extend(check(&mut acme, method, path, body, most));
    }
    for statement in statements {
        check_plan(&acme, &statement);
    }
    assert_eq!(acme.rows("members"), MEMBERS as i64 - 1);
}

#[test]
fn a_key_of_a_connection_costs_no_more() {
    let (mut acme, ada, [all, few]) = given();
    let keys = ["okta", "google"].map(|preset| acme.connect(preset));
    let add = json!([{ "op": "add", "path": "members", "value": [{ "value": ada }] }]);
    for key in &keys {
        acme.with_key(key, |acme| acme.patch(&format!("/Groups/{all}"), &add));
    }
    acme.patch(
        &format!("/Groups/{all}"),
        &json!([{ "op": "add", "path": "members", "value": [{ "value": few }] }]),
    );
    let [remove, remove_all] = [
        json!([{ "op": "remove", "path": format!("members[value eq \"{ada}\"]") }]),
        json!([{ "op": "remove", "path": "members" }]),
    ]
    .map(|operations| patch_op(&operations));
    let (group, nothing) = (format!("/Groups/{all}"), Value::Null);
    let holds = with_query("/Groups", &[("filter", &format!("members.value eq \"{ada}\""))]);
    acme.key = keys[0].clone();
    for (method, path, body, most) in [
        ("GET", &format!("/Users/{ada}"), &nothing, 1),
        ("GET", &"/Users?count=100".to_owned(), &nothing, 1),
        ("GET", &group, &nothing, 3),
        ("GET", &holds, &nothing, 5),
        ("PATCH", &group, &remove, 6),
        ("PATCH", &group, &patch_op(&add), 6),
        ("PATCH", &group, &remove_all, 8),
    ] {
        for statement in check(&mut acme, method, path, body, most) {
            check_plan(&acme, &statement);
        }
    }
}

#[test]
fn a_page_by_cursor_is_found_by_an_index_in_either_direction() {
    let (mut acme, ..) = given();
    let mut cursor = String::new();
    let [next, previous] = ["nextCursor", "previousCursor"];
    for direction in [next, next, previous, previous, previous] {
        let path = with_query("/Users", &[("cursor", &cursor), ("count", "100")]);
        for statement in check(&mut acme, "GET", &path, &Value::Null, 5) {
            check_plan(&acme, &statement);
        }
        cursor = acme.get(&path)[direction].as_str().unwrap_or_default().to_owned();
    }
    assert_eq!(cursor, "", "the walk is back at its start");
}

/// A range in which there is nobody.
const BETWEEN: &str = r#"meta.lastModified ge "2026-02-01T00:00:00Z" and meta.lastModified lt "2026-02-02T00:00:00Z""#;

#[test]
fn a_sorted_page_is_read_as_an_index_has_it() {
    let (mut acme, ..) = given();
    let attributes =
        ["userName", "displayName", "externalId", "id", "meta.created", "meta.lastModified"];
    for (by, order) in attributes.iter().flat_map(|by| [(by, "ascending"), (by, "descending")]) {
        let mut cursor = String::new();
        for direction in ["nextCursor", "nextCursor", "previousCursor"] {
            let query = [("sortBy", *by), ("sortOrder", order), ("count", "100")];
            let with = |more: [(&'static str, &str); 1]| {
                with_query("/Users", &[&query[..], &more[..]].concat())
            };
            let pages = [
                (with([("startIndex", "1")]), 4),
                (with([("startIndex", "101")]), 5),
                (with([("startIndex", "150")]), 9),
                (with([("cursor", &cursor)]), 9),
            ];
            for (path, most) in &pages {
                for statement in check(&mut acme, "GET", path, &Value::Null, *most) {
                    check_plan(&acme, &statement);
                    let steps = acme.sql.plan(&statement);
                    assert!(
                        !steps.iter().any(|step| step.contains("TEMP")),
                        "{statement}: {steps:?}"
                    );
                }
            }
            cursor = acme.get(&pages[3].0)[direction].as_str().expect("a cursor").to_owned();
        }
    }
}

#[test]
fn an_alarm_that_changes_no_resource_forgets_no_place_in_an_order() {
    let (mut acme, ..) = given();
    let page = |start: usize| format!("/Users?sortBy=userName&count=100&startIndex={start}");
    let mut costs = |between: fn(&mut Acme)| {
        acme.get(&page(1));
        between(&mut acme);
        check(&mut acme, "GET", &page(101), &Value::Null, 9).len()
    };
    let walked = costs(|_| ());
    let rung = costs(Acme::settle);
    let written = costs(|acme| drop(acme.post("/Users", &json!({ "userName": "zoe" }))));
    assert_eq!(rung, walked);
    assert!(written > walked, "{written} statements, and {walked} where the place is known");
}

#[test]
fn moments_are_found_in_an_index_alone() {
    let (mut acme, ..) = given();
    for (path, index) in
        [("meta.created", "resources_by_created"), ("meta.lastModified", "resources_by_modified")]
    {
        let filter = format!("{path} lt \"2020-01-01T00:00:00Z\"");
        let query = with_query("/Users", &[("filter", &filter)]);
        let statements = check(&mut acme, "GET", &query, &Value::Null, 1);
        let steps = acme.sql.plan(&statements[0]).join(", ");
        assert!(steps.contains(&format!("USING COVERING INDEX {index}")), "{steps}");
    }
}

#[test]
fn nested_groups_are_found_by_an_index() {
    let (mut acme, ada, [all, few]) = given();
    let add = |id: &str| json!([{ "op": "add", "path": "members", "value": [{ "value": id }] }]);
    acme.patch(&format!("/Groups/{few}"), &add(&ada));
    acme.patch(&format!("/Groups/{all}"), &add(&few));
    for path in [format!("/Users/{ada}"), "/Users?count=100".to_owned()] {
        let statements = check(&mut acme, "GET", &path, &Value::Null, 1);
        assert!(statements[0].contains("RECURSIVE"), "{statements:?}");
        check_plan(&acme, &statements[0]);
    }
}

#[test]
fn where_nothing_awaits_approval_nothing_is_paid_for_it() {
    let (mut acme, ..) = given();
    let key = acme.connect("okta");
    let [active, title] = [("active", json!(false)), ("title", json!("x"))]
        .map(|(path, value)| patch_op(&json!([{ "op": "replace", "path": path, "value": value }])));
    acme.key = key;
    acme.sql.statements();
    let bob = acme.user("bob");
    let path = format!("/Users/{bob}");
    for (method, path, body) in [
        ("PATCH", path.as_str(), &title),
        ("PATCH", &path, &active),
        ("GET", &path, &Value::Null),
        ("GET", "/Users?count=10", &Value::Null),
        ("DELETE", &path, &Value::Null),
    ] {
        assert!(acme.scim(method, path, body).status < 300, "{method} {path}");
    }
    let asks = |statement: &&String| {
        ["changes", "hidden", "brakes"].iter().any(|table| statement.contains(table))
    };
    let statements = acme.sql.statements();
    assert_eq!(statements.iter().find(asks), None, "of {}", statements.len());
}

#[test]
fn who_is_hidden_is_left_out_by_an_index() {
    let (mut acme, ..) = given();
    acme.key = acme.connect("okta");
    let policy = json!({ "review": { "delete": "manual" } });
    acme.policy(&policy);
    let bob = acme.user("bob");
    acme.delete(&format!("/Users/{bob}"));
    let name = with_query("/Users", &[("filter", "userName eq \"bob\"")]);
    for (path, most) in [
        ("/Users?count=100", 2),
        ("/Users?startIndex=201&count=100", 2),
        ("/Users?cursor=&count=100", 2),
        (&name, 2),
        ("/Users?count=1&sortBy=id", 3),
    ] {
        for statement in check(&mut acme, "GET", path, &Value::Null, most) {
            check_plan(&acme, &statement);
        }
    }
}

#[test]
fn a_scan_reads_what_is_there_once() {
    let mut acme = Acme::new();
    acme.populate(limits::SCAN_STEP * 2 + 1);
    acme.get("/Users?count=0");
    let scan = with_query("/Users", &[("filter", "title pr")]);
    check(&mut acme, "GET", &scan, &Value::Null, 4);
}
