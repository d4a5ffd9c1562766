//! How filters are answered: by an index or by reading all, the same resources are found as by
//! asking the filter of each.

use std::cell::RefCell;

use muster::limits;
use muster::scim::compat::Compat;
use muster::scim::filter::Filter;
use muster::scim::schema::{Registry, TypeSchema};
use muster::scim::urn::ENTERPRISE_USER;
use proptest::collection::vec;
use proptest::prelude::{Strategy, any, prop_assert_eq, prop_oneof, proptest};
use proptest::sample::select;
use proptest::test_runner::Config;
use serde_json::{Value, json};

use crate::steps::{ids, with_query};
use crate::support::Acme;

/// Values that differ in case, share beginnings, fold to each other, or need an escape.
const TEXTS: [&str; 12] =
    ["a", "A", "ab", "aB", "b", "ss", "ß", "Straße", "STRASSE", "a\"b", "a b", "%_"];
/// What the users' ids begin with, for the filter's text.
const HOME: [&str; 2] = ["home", "Work"];
const USER_ID: &str = "{user}";
const GROUP_ID: &str = "{group}";

/// Users with few and many attributes, groups with members of all kinds, two of them nested.
fn given() -> Acme {
    let mut acme = Acme::new();
    let mut users = Vec::new();
    for (number, text) in TEXTS.iter().enumerate() {
        let other = TEXTS[(number * 5 + 3) % TEXTS.len()];
        let active = [Value::Null, true.into(), false.into()];
        let emails = json!([
            { "value": text, "type": "work", "primary": number % 2 == 0 },
            { "value": other, "type": HOME[number % 2] },
        ]);
        let body = json!({
            "userName": format!("{text}{}", ["", "x", "y"][number % 3]) + &"!".repeat(number),
            "externalId": (number % 4 != 0).then_some(text),
            "displayName": (number % 3 != 0).then_some(other),
            "title": (number % 2 == 0).then_some(text),
            "active": active[number % 3],
            "emails": emails.as_array().expect("two")[number % 3..],
            ENTERPRISE_USER: (number % 2 == 1).then(|| json!({ "department": other })),
        });
        acme.wait(1);
        users.push(acme.made("/Users", &body));
    }
    let inner = acme.group("ß", &[&users[0], &users[1]]);
    acme.group("SS", &[&users[1], &users[2], &inner]);
    acme.post("/Groups", &json!({ "displayName": "a", "externalId": "A" }));
    let key = acme.connect("onelogin");
    let members =
        json!([{ "value": "a b", "display": "A" }, { "value": users[3], "display": "ab" }]);
    let body = json!({ "displayName": "ab", "members": members });
    assert_eq!(acme.scim_with("POST", "/Groups", &body, &key, &[]).status, 201);
    acme
}

const USER_PATHS: [&str; 18] = [
    "id",
    "userName",
    "externalId",
    "emails.value",
    "emails",
    "displayName",
    "title",
    "active",
    "emails.type",
    "department",
    "groups",
    "groups.display",
    "groups.type",
    "meta.version",
    "meta.resourceType",
    "meta.location",
    "meta.created",
    "meta.lastModified",
];
const GROUP_PATHS: [&str; 9] = [
    "id",
    "displayName",
    "externalId",
    "members",
    "members.value",
    "members.display",
    "members.type",
    "meta.created",
    "meta.lastModified",
];
/// Moments around those at which users are made: exact ones, between milliseconds, far away.
const MOMENTS: [&str; 8] = [
    "2026-09-21T14:13:20Z",
    "2026-09-21T14:13:22.000Z",
    "2026-09-21T16:13:24+02:00",
    "2026-09-21T14:13:24.0004Z",
    "2026-09-21T14:13:23.9996Z",
    "2026-09-21T14:13:26.123456789Z",
    "0000-01-01T00:00:00Z",
    "9999-12-31T23:59:60.999Z",
];
const OPERATORS: [&str; 9] = ["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"];

fn condition(
    paths: &'static [&'static str],
    element: &'static str,
) -> impl Strategy<Value = String> {
    let texts =
        || select([&TEXTS[..], &["", "work", "direct", "User", USER_ID, GROUP_ID]].concat());
    let test = (select(&OPERATORS[..]), texts());
    let test = test.prop_map(|(op, text)| format!("{op} {}", json!(text)));
    let other = select(&["pr", "eq null", "ne null", "eq true"][..]).prop_map(str::to_owned);
    let test = prop_oneof![8 => test, 1 => other];
    let part = (select(&["value", "type", "display"][..]), test.clone());
    let part = part.prop_map(|(part, test)| format!("{part} {test}"));
    let moment = (select(&["meta.created", "meta.lastModified"][..]), select(&MOMENTS[..]));
    let moment = (moment, select(&["eq", "ne", "gt", "ge", "lt", "le"][..]));
    prop_oneof![
        4 => (select(paths), test).prop_map(|(path, test)| format!("{path} {test}")),
        1 => moment.prop_map(|((path, moment), op)| format!("{path} {op} \"{moment}\"")),
        1 => (vec(part, 1..3), any::<bool>(), any::<bool>()).prop_map(move |(parts, all, negated)| {
            let parts = parts.join(if all { " and " } else { " or " });
            let parts = if negated { format!("not ({parts})") } else { parts };
            format!("{element}[{parts}]")
        }),
    ]
}

fn filter(paths: &'static [&'static str], element: &'static str) -> impl Strategy<Value = String> {
    condition(paths, element).prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 2..4).prop_map(|parts| format!("({})", parts.join(" and "))),
            vec(inner.clone(), 2..4).prop_map(|parts| format!("({})", parts.join(" or "))),
            inner.prop_map(|part| format!("not ({part})")),
        ]
    })
}

/// The ids of the resources for which a filter holds; `None` where it means nothing here.
fn asked_of_each(filter: &str, schema: TypeSchema<'_>, all: &Value) -> Option<Vec<String>> {
    let predicate =
        Filter::parse(filter, &Compat::GENERIC).ok()?.bind(schema, &Compat::GENERIC).ok()?;
    let all = all["Resources"].as_array().expect("resources");
    let holds = |resource: &&Value| predicate.matches(resource.as_object().expect("a resource"));
    Some(ids(&json!(all.iter().filter(holds).collect::<Vec<_>>())))
}

thread_local! {
    /// The tenant is the same for all filters, for none of them changes it.
    static GIVEN: RefCell<Acme> = RefCell::new(given());
}

fn check(path: &str, filter: &str) -> (Option<Vec<String>>, Option<Vec<String>>) {
    GIVEN.with_borrow_mut(|acme| {
        let all = [acme.get("/Users?count=1000"), acme.get("/Groups?count=1000")];
        let filter = filter.replace(USER_ID, &ids(&all[0])[1]).replace(GROUP_ID, &ids(&all[1])[0]);
        let schema = Registry::builtin().type_at(&path[1..]).expect("a type");
        let expected = asked_of_each(&filter, schema, &all[usize::from(path == "/Groups")]);
        let query = with_query(path, &[("filter", &filter), ("count", "1000")]);
        let reply = acme.scim("GET", &query, &Value::Null);
        let found = match reply.status {
            200 => Some(ids(&reply.json())),
            status => {
                assert_eq!((status, &reply.json()["scimType"]), (400, &json!("invalidFilter")));
                None
            }
        };
        (found, expected)
    })
}

proptest! {
    #![proptest_config(Config { failure_persistence: None, ..Config::default() })]

    #[test]
    fn a_filter_finds_the_users_for_which_it_holds(filter in filter(&USER_PATHS, "emails")) {
        let (found, expected) = check("/Users", &filter);
        prop_assert_eq!(found, expected, "{}", filter);
    }

    #[test]
    fn a_filter_finds_the_groups_for_which_it_holds(filter in filter(&GROUP_PATHS, "members")) {
        let (found, expected) = check("/Groups", &filter);
        prop_assert_eq!(found, expected, "{}", filter);
    }
}

#[test]
fn the_filters_that_clients_send_find_what_they_should() {
    for (path, filter, count) in [
        ("/Users", r#"emails[type eq "work" and value eq "A"]"#, 2),
        ("/Users", r#"emails[type eq "work"].value eq "a""#, 2),
        ("/Users", r#"emails.value eq "strasse""#, 1),
        ("/Users", r#"userName sw "STRASS""#, 2),
        ("/Users", r#"userName sw "s""#, 4),
        ("/Users", r#"emails.value sw "A""#, 5),
        ("/Users", r#"emails[value sw "a" and type eq "work"]"#, 4),
        ("/Users", r#"externalId sw "a""#, 4),
        ("/Users", r#"groups.value eq "{group}""#, 2),
        ("/Users", r#"groups.type eq "indirect""#, 1),
        ("/Users", r#"id eq "{user}" and groups.display eq "SS""#, 1),
        ("/Users", r#"id eq "{group}""#, 0),
        ("/Groups", r#"members.value eq "{user}""#, 2),
        ("/Groups", r#"members[value eq "{user}"]"#, 2),
        ("/Groups", r#"members eq "{group}""#, 1),
        ("/Groups", r#"members.value eq "a b""#, 1),
        ("/Groups", r#"members[value eq "a b" and display eq "a"]"#, 1),
        ("/Groups", r#"displayName eq "ss" and members pr"#, 2),
        ("/Groups", r#"externalId eq "a""#, 0),
    ] {
        let (found, expected) = check(path, filter);
        assert_eq!(found, expected, "{filter}");
        assert_eq!(found.map(|found| found.len()), Some(count), "{filter}");
    }
}

#[test]
fn a_filter_that_would_need_too_much_reading_is_too_many() {
    let mut acme = Acme::new();
    let users = acme.populate(limits::SCAN_CANDIDATES + 1);
    let scans =
        ["title eq null", r#"title ne "x" or userName eq "u1""#, "groups pr", r#"userName sw "u""#];
    let detail = format!(
        "no index serves this filter, and more than {} resources would have to be searched, more \
         than {} evaluated, or too many bytes",
        limits::PREFILTER_DOCUMENTS,
        limits::SCAN_CANDIDATES
    );
    for filter in scans {
        for (method, path, body) in [
            ("GET", with_query("/Users", &[("filter", filter), ("count", "1")]), Value::Null),
            ("POST", "/.search".to_owned(), json!({ "filter": filter })),
        ] {
            let reply = acme.scim(method, &path, &body);
            assert_eq!(reply.status, 400, "{filter}");
            assert_eq!(reply.json()["scimType"], "tooMany", "{filter}");
            assert_eq!(reply.json()["detail"], detail, "{filter}");
        }
    }
    assert_eq!(acme.found("/Users", r#"userName eq "u20001""#), users[limits::SCAN_CANDIDATES..]);
    assert_eq!(acme.found("/Users", r#"userName sw "U2000" and title eq null"#).len(), 3);
    let all = acme.get("/Users?count=1");
    assert_eq!(all["totalResults"], limits::SCAN_CANDIDATES + 1);

    acme.delete(&format!("/Users/{}", users[0]));
    for filter in ["title eq null", r#"userName sw "u""#] {
        let total = limits::SCAN_CANDIDATES;
        let list = acme.list("/Users", &[("filter", filter), ("count", "1")]);
        assert_eq!(list["totalResults"], total, "{filter}");
    }
}

#[test]
fn where_one_index_finds_too_many_another_may_do_or_else_a_scan() {
    let mut acme = Acme::new();
    let users = acme.populate(limits::SCAN_CANDIDATES + 1);
    let last = &users[limits::SCAN_CANDIDATES];
    let title = json!([{ "op": "add", "path": "title", "value": "Engineer" }]);
    acme.patch(&format!("/Users/{last}"), &title);
    let both = [users[0].clone(), last.clone()];
    for (filter, found, scans) in [
        // All but one were changed on the first day of the year.
        ("userName sw \"u\" and meta.lastModified gt \"2026-01-02T00:00:00Z\"", &both[1..], false),
        ("meta.lastModified ge \"2026-01-01T00:00:00Z\" and userName eq \"U1\"", &both[..1], false),
        (
            "userName eq \"u20001\" or meta.lastModified gt \"2026-02-01T00:00:00Z\"",
            &both[1..],
            false,
        ),
        ("userName eq \"u20001\" or (userName sw \"u1\" and id eq \"{user}\")", &both[..], false),
        ("userName sw \"u\" and title eq \"engineer\"", &both[1..], true),
        ("meta.created lt \"2026-01-02T00:00:00Z\" and title co \"gin\"", &both[1..], true),
    ] {
        acme.sql.statements();
        let filter = filter.replace(USER_ID, &users[0]);
        assert_eq!(acme.found("/Users", &filter), found, "{filter}");
        let scanned = acme.sql.statements().iter().any(|statement| statement.contains("lower(doc"));
        assert_eq!(scanned, scans, "{filter}");
    }
    for filter in ["meta.created lt \"2026-01-02T00:00:00Z\"", "userName sw \"u\" or id pr"] {
        let reply = acme.scim("GET", &with_query("/Users", &[("filter", filter)]), &Value::Null);
        assert_eq!(reply.json()["scimType"], "tooMany", "{filter}");
    }
}

#[test]
fn a_scan_goes_on_from_step_to_step() {
    let mut acme = Acme::new();
    let users = acme.populate(limits::SCAN_STEP + 1);
    for filter in ["title eq null", r#"userName sw "u" and title eq null"#] {
        acme.sql.statements();
        assert_eq!(acme.found("/Users", filter), users, "{filter}");
        let mut pages = acme.sql.statements();
        pages.retain(|statement| statement.contains("VALUES"));
        let steps = users.len().div_ceil(limits::POSITIONS_STEP);
        let all = if filter.contains("and") { 2 * steps } else { steps };
        assert_eq!(pages.len(), all, "{filter}");
    }
}
