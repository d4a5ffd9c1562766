//! The prefilter of a scan: it lets every document through that a filter matches, and not many more.

use muster::limits;
use muster::scim::compat::Compat;
use muster::scim::filter::Filter;
use muster::scim::schema::Registry;
use muster::scim::urn::ENTERPRISE_USER;
use muster::store::resources::{self, ResourceRow, TypeCount};
use muster::store::{Pos, Prefilter, Sql as _, migrate};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Just, Strategy, any, prop_assert, prop_oneof, proptest};
use proptest::sample::select;
use proptest::test_runner::{Config, TestCaseError};
use serde_json::{Map, Value, json};

use crate::sqlite::Sqlite;
use crate::steps::with_query;
use crate::support::Acme;

/// Texts that fold to each other, that JSON escapes, that look like other JSON, or end too early.
const TEXTS: [&str; 28] = [
    "",
    "a",
    "A",
    "ab",
    "aB",
    "b",
    "k",
    "K",
    "\u{212a}",
    "s",
    "ſ",
    "ss",
    "ß",
    "ẞ",
    "É",
    "a\"b",
    "\"",
    "\\",
    "a\\",
    "a\u{0}b",
    "\u{0}",
    "\n",
    "/",
    "null",
    "true",
    "[",
    "{\"value\":\"a\"}",
    "%_*?",
];

/// Few texts, of which both the users and the filters of a case are made: so they meet.
fn palette() -> impl Strategy<Value = Vec<String>> {
    let text = prop_oneof![
        6 => select(&TEXTS[..]).prop_map(str::to_owned),
        1 => vec(any::<char>(), 0..4).prop_map(|text| text.into_iter().collect()),
        1 => (select(&TEXTS[..]), select(&TEXTS[..])).prop_map(|(one, other)| format!("{one}{other}")),
    ];
    vec(text, 1..4)
}

fn text(palette: &[String]) -> impl Strategy<Value = String> + use<> {
    select(palette.to_vec())
}

/// A value as a resource has it, or as none should.
fn value(palette: &[String]) -> impl Strategy<Value = Value> + use<> {
    let text = || text(palette);
    prop_oneof![
        8 => text().prop_map(Value::from),
        1 => any::<bool>().prop_map(Value::from),
        1 => (-2..2_i64).prop_map(Value::from),
        1 => Just(Value::Null),
        1 => vec(text().prop_map(Value::from), 0..3).prop_map(Value::from),
        1 => text().prop_map(|text| json!({ "value": text, "familyName": text })),
    ]
}

fn user(palette: &[String]) -> impl Strategy<Value = Map<String, Value>> + use<> {
    let part = || option::of(value(palette));
    let email = (part(), part(), part()).prop_map(
        |(value, kind, primary)| json!({ "value": value, "type": kind, "primary": primary }),
    );
    let fields = (part(), part(), part(), part(), part(), part(), option::of(vec(email, 0..3)));
    fields.prop_map(|(title, name, external_id, active, family_name, department, emails)| {
        let mut user = Map::new();
        for (name, value) in [
            ("userName", name),
            ("title", title),
            ("externalId", external_id),
            ("active", active),
            ("name", family_name.map(|name| json!({ "familyName": name }))),
            (ENTERPRISE_USER, department.map(|department| json!({ "department": department }))),
            ("emails", emails.map(Value::from)),
        ] {
            user.extend(value.map(|value| (name.to_owned(), value)));
        }
        user
    })
}

fn condition(palette: &[String]) -> impl Strategy<Value = String> + use<> {
    const PATHS: [&str; 12] = [
        "userName",
        "title",
        "externalId",
        "active",
        "name",
        "name.familyName",
        "department",
        "emails",
        "emails.type",
        "emails.primary",
        "groups.display",
        "meta.version",
    ];
    const OPERATORS: [&str; 9] = ["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"];
    let test = || {
        let test = (select(&OPERATORS[..]), text(palette));
        let test = test.prop_map(|(op, text)| format!("{op} {}", json!(text)));
        let others = ["pr", "eq null", "ne null", "eq true", "ne true", "eq false", "ne false"];
        prop_oneof![3 => test, 2 => select(others.to_vec()).prop_map(str::to_owned)]
    };
    let part = (select(vec!["value", "type", "primary"]), test(), any::<bool>());
    let part =
        part.prop_map(
            |(name, test, not)| {
                if not { format!("not ({name} {test})") } else { format!("{name} {test}") }
            },
        );
    prop_oneof![
        4 => (select(&PATHS[..]), test()).prop_map(|(path, test)| format!("{path} {test}")),
        1 => (vec(part, 1..3), any::<bool>()).prop_map(|(parts, all)| {
            format!("emails[{}]", parts.join(if all { " and " } else { " or " }))
        }),
    ]
}

fn filter(palette: &[String]) -> impl Strategy<Value = String> + use<> {
    condition(palette).prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 2..4).prop_map(|parts| format!("({})", parts.join(" and "))),
            vec(inner.clone(), 2..4).prop_map(|parts| format!("({})", parts.join(" or "))),
            inner.prop_map(|part| format!("not ({part})")),
        ]
    })
}

/// A database with these users at the places from 1.
fn given(users: &[Map<String, Value>]) -> Sqlite {
    let sql = Sqlite::new();
    migrate(&sql).expect("the tables are made");
    for (place, user) in (1..).zip(users) {
        let doc = Value::Object(user.clone()).to_string().into_bytes();
        let row = ResourceRow { pos: Pos::new(1, place), rev: 1, members: 0, manager: None, doc };
        let count = TypeCount { live: place, last: place };
        resources::insert(&sql, &row, &format!("id-{place}"), "admin", &[], count).expect("a row");
    }
    sql
}

fn prefilter(filter: &str) -> Option<Prefilter> {
    let schema = Registry::builtin().type_numbered(1).expect("users");
    let filter = Filter::parse(filter, &Compat::GENERIC).expect("a filter");
    Prefilter::of(&filter.bind(schema, &Compat::GENERIC).expect("a filter of users"))
}

/// The users that a filter lets through; all where it tells nothing.
fn candidates(users: &[Map<String, Value>], filter: &str) -> Vec<Pos> {
    let all = || (1..).zip(users).map(|(place, _)| Pos::new(1, place)).collect::<Vec<_>>();
    let sql = given(users);
    prefilter(filter).map_or_else(all, |prefilter| {
        let scanned = prefilter.step(&sql, Pos::range(1).0).expect("SQLite reads");
        assert_eq!(scanned.last, all().last().copied());
        scanned.candidates
    })
}

fn check(users: &[Map<String, Value>], text: &str) -> Result<(), TestCaseError> {
    let schema = Registry::builtin().type_numbered(1).expect("users");
    let filter = Filter::parse(text, &Compat::GENERIC).expect("a filter");
    let Ok(predicate) = filter.bind(schema, &Compat::GENERIC) else { return Ok(()) };
    let found = candidates(users, text);
    for (place, user) in (1..).zip(users) {
        let missed = predicate.matches(user) && !found.contains(&Pos::new(1, place));
        prop_assert!(!missed, "{} misses {}", text, json!(user));
    }
    Ok(())
}

proptest! {
    #![proptest_config(Config { failure_persistence: None, cases: 1_500, ..Config::default() })]

    #[test]
    fn every_match_is_let_through(
        (users, filter) in palette().prop_flat_map(|palette| {
            (vec(user(&palette), 1..12), filter(&palette))
        }),
    ) {
        check(&users, &filter)?;
    }
}

#[test]
fn what_cannot_match_is_not_let_through() {
    let user = |title: &str, more: Value| {
        let mut user = json!({ "userName": "x", "title": title });
        user.as_object_mut().expect("a user").extend(more.as_object().cloned().unwrap_or_default());
        user.as_object().cloned().expect("a user")
    };
    let users = [
        user("Engineer", json!({ "active": true, "emails": [{ "value": "A@work.example" }] })),
        user("engineering", json!({ "active": false, ENTERPRISE_USER: { "department": "Tours" } })),
        user("Software", json!({ "name": { "familyName": "Engineer" } })),
        user("", json!({})),
    ];
    for (filter, expected) in [
        ("title eq \"engineer\"", &[1][..]),
        ("title sw \"ENGINEER\"", &[1, 2]),
        ("title ew \"WARE\"", &[3]),
        ("title co \"gin\"", &[1, 2]),
        ("title eq \"\"", &[4]),
        ("not (title ne \"engineer\")", &[1]),
        ("not (title pr)", &[4]),
        ("title pr and name.familyName eq \"engineer\"", &[3]),
        ("name.familyName eq \"engineer\" or department co \"our\"", &[2, 3]),
        ("department pr", &[2]),
        ("emails pr", &[1]),
        ("emails.value ew \"work.example\"", &[1]),
        ("emails[type ne \"work\" and value sw \"a@\"]", &[1]),
        ("active eq true", &[1]),
        ("active ne true", &[2, 3, 4]),
        ("not (active eq false or title pr)", &[4]),
        ("not (not (active eq true))", &[1]),
        ("active eq true and groups.display eq \"x\"", &[1]),
    ] {
        let expected: Vec<Pos> = expected.iter().map(|place| Pos::new(1, *place)).collect();
        assert_eq!(candidates(&users, filter), expected, "{filter}");
    }
    for filter in ["groups pr", "meta.version eq \"x\"", "title ne \"x\"", "title pr or members pr"]
    {
        let schema = Registry::builtin().types().find(|schema| {
            Filter::parse(filter, &Compat::GENERIC)
                .expect("a filter")
                .bind(*schema, &Compat::GENERIC)
                .is_ok()
        });
        assert!(schema.is_none_or(|_| prefilter(filter).is_none()), "{filter}");
    }
}

#[test]
fn the_longest_and_deepest_filter_is_within_the_limits_of_the_database() {
    let users = [json!({ "title": "x" }).as_object().cloned().expect("a user")];
    let conditions: Vec<String> =
        (0..limits::FILTER_COMPARISONS).map(|n| format!("department co \"{n}\"")).collect();
    for (joint, found) in [(" or ", 0), (" and ", 0)] {
        assert_eq!(candidates(&users, &conditions.join(joint)).len(), found);
    }
    // As deep as parentheses may be, each with as many parts as there may be.
    let mut deep = "title co \"x\"".to_owned();
    for level in 1..limits::FILTER_DEPTH {
        let joint = if level % 2 == 0 { "and" } else { "or" };
        deep = format!("(userName co \"{level}\" {joint} title eq \"x\" {joint} {deep})");
    }
    assert_eq!(candidates(&users, &deep).len(), 1, "{deep}");
}

#[test]
fn a_scan_looks_at_so_many_documents_and_evaluates_so_many() {
    let mut acme = Acme::new();
    let users = acme.populate(limits::SCAN_CANDIDATES + 500);
    let few = "not (userName co \"1\") and userName ew \"0\"";
    assert_eq!(acme.list("/Users", &[("filter", few)])["totalResults"], 765);
    let title = json!([{ "op": "add", "path": "title", "value": "Engineer" }]);
    acme.patch(&format!("/Users/{}", users[20_400]), &title);
    acme.sql.statements();
    assert_eq!(acme.found("/Users", "title eq \"engineer\""), users[20_400..20_401]);
    let mut scans = acme.sql.statements();
    scans.retain(|statement| statement.contains("lower(doc"));
    let steps = acme.sql.plan(&scans[0]).join(", ");
    assert!(steps.contains("INTEGER PRIMARY KEY (rowid>? AND rowid<?)"), "{steps}");
    assert!(steps.contains("CO-ROUTINE") && !steps.contains("TEMP"), "{steps}");
    assert_eq!(scans.len(), (limits::SCAN_CANDIDATES + 500).div_ceil(limits::PREFILTER_STEP) + 1);

    let detail = format!(
        "no index serves this filter, and more than {} resources would have to be searched, more \
         than {} evaluated, or too many bytes",
        limits::PREFILTER_DOCUMENTS,
        limits::SCAN_CANDIDATES
    );
    let error = (400, "tooMany", detail.as_str());
    let many = with_query("/Users", &[("filter", "userName co \"u\"")]);
    acme.refused("GET", &many, &Value::Null, error);
    let live = format!("UPDATE types SET live = {}", limits::PREFILTER_DOCUMENTS);
    let found = |acme: &mut Acme, live: &str| {
        acme.sql.query(live, &[]).expect("a count");
        acme.sleep();
        let query = with_query("/Users", &[("filter", "title eq \"engineer\"")]);
        acme.scim("GET", &query, &Value::Null)
    };
    assert_eq!(found(&mut acme, &live).json()["totalResults"], 1);
    assert_eq!(found(&mut acme, &format!("{live} + 1")).json()["scimType"], "tooMany");
}
