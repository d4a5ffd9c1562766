//! Lists in the order of an index: the same as sorted in memory, at the cost of a page.

use std::cell::RefCell;

use muster::limits;
use muster::scim::schema::Registry;
use muster::store::Sql as _;
use muster::store::resources::ABSENT;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Strategy, any, prop_assert_eq, proptest};
use proptest::sample::select;
use proptest::test_runner::{Config, TestCaseError};
use serde_json::{Value, json};

use crate::steps::{ids, with_query};
use crate::support::Acme;

/// Values that fold to each other, sort differently by bytes and by UTF-16, or are equal.
const TEXTS: [&str; 14] =
    ["a", "A", "ab", "a b", "B", "ss", "ß", "K", "\u{212a}", "ö", "\u{ffff}", "😀", "~", "\u{0}"];
const ATTRIBUTES: [&str; 6] =
    ["userName", "displayName", "externalId", "id", "meta.created", "meta.lastModified"];

/// A user's values, how far the clock is moved before it, and whether it is changed later.
type User = (usize, Option<usize>, Option<usize>, i64, bool);

fn user() -> impl Strategy<Value = User> {
    let text = || 0..TEXTS.len();
    (text(), option::of(text()), option::of(text()), -2..3_i64, any::<bool>())
}

fn given(users: &[User]) -> Acme {
    let mut acme = Acme::new();
    let mut changed = Vec::new();
    for (number, (name, display, external, seconds, changes)) in users.iter().enumerate() {
        acme.wait(*seconds);
        let text = |index: &Option<usize>| index.map(|index| TEXTS[index]);
        let body = json!({
            "userName": format!("{}{number}", TEXTS[*name]),
            "displayName": text(display),
            "externalId": text(external),
        });
        let id = acme.made("/Users", &body);
        acme.post("/Groups", &json!({ "displayName": TEXTS[*name], "externalId": text(external) }));
        changed.extend(changes.then_some((id, TEXTS[*name])));
    }
    for (id, text) in changed {
        acme.wait(1);
        let value = json!({ "displayName": text });
        acme.patch(&format!("/Users/{id}"), &json!([{ "op": "add", "value": value }]));
    }
    acme
}

/// All pages by `startIndex`.
fn by_index(acme: &mut Acme, query: &[(&str, &str)], counts: &[usize]) -> Vec<String> {
    let (mut listed, mut counts) = (Vec::new(), counts.iter().cycle());
    loop {
        let start = (listed.len() + 1).to_string();
        let count = counts.next().expect("a count").to_string();
        let page = [("startIndex", start.as_str()), ("count", count.as_str())];
        let page = ids(&acme.list("/Users", &[query, &page[..]].concat()));
        if page.is_empty() {
            return listed;
        }
        listed.extend(page);
    }
}

/// All pages by cursor to the end, and back from there.
fn by_cursor(acme: &mut Acme, query: &[(&str, &str)], counts: &[usize]) -> [Vec<String>; 2] {
    let mut counts = counts.iter().cycle();
    let (mut there, mut back, mut cursor) = (Vec::new(), Vec::new(), String::new());
    let mut page = |cursor: &str| {
        let count = counts.next().expect("a count").to_string();
        let page = [("cursor", cursor), ("count", count.as_str())];
        acme.list("/Users", &[query, &page[..]].concat())
    };
    let last = loop {
        let list = page(&cursor);
        there.extend(ids(&list));
        match list.get("nextCursor") {
            Some(next) => cursor = next.as_str().expect("a cursor").to_owned(),
            None => break list,
        }
    };
    back.push(ids(&last));
    let mut previous = last.get("previousCursor").cloned();
    while let Some(cursor) = previous {
        let list = page(cursor.as_str().expect("a cursor"));
        back.push(ids(&list));
        previous = list.get("previousCursor").cloned();
    }
    back.reverse();
    [there, back.concat()]
}

fn check(users: &[User], by: &str, order: &str, counts: &[usize]) -> Result<(), TestCaseError> {
    let mut acme = given(users);
    let query = [("sortBy", by), ("sortOrder", order)];
    // A filter, though all match it, makes the list be sorted in memory.
    let sorted = [&query[..], &[("filter", "id pr"), ("count", "1000")]].concat();
    let expected = ids(&acme.list("/Users", &sorted));
    prop_assert_eq!(expected.len(), users.len());
    prop_assert_eq!(&by_index(&mut acme, &query, counts), &expected);
    for walked in by_cursor(&mut acme, &query, counts) {
        prop_assert_eq!(&walked, &expected);
    }
    for start in 1..=users.len() {
        acme.sleep();
        let start_index = start.to_string();
        let page = [("startIndex", start_index.as_str()), ("count", "2")];
        let page = ids(&acme.list("/Users", &[&query[..], &page[..]].concat()));
        let end = (start + 1).min(users.len());
        prop_assert_eq!(&page[..], &expected[start - 1..end], "from {}", start);
    }
    Ok(())
}

proptest! {
    #![proptest_config(Config { failure_persistence: None, cases: 96, ..Config::default() })]

    #[test]
    fn the_order_of_an_index_is_that_of_sorting(
        users in vec(user(), 1..24),
        by in select(&ATTRIBUTES[..]),
        order in select(&["ascending", "descending"][..]),
        counts in vec(1..9_usize, 1..4),
    ) {
        check(&users, by, order, &counts)?;
    }
}

#[test]
fn the_number_of_an_attribute_tells_values_from_their_absence() {
    for schema in Registry::builtin().types() {
        for lookup in &schema.resource_type.lookups {
            assert!(lookup.number < ABSENT, "{}", lookup.path);
        }
    }
}

/// More users than are sorted in memory, half of them called the same; the last has no name.
fn many() -> Acme {
    let mut acme = Acme::new();
    let count = limits::SCAN_CANDIDATES + 5_000;
    acme.populate(count);
    let change = |statement: String| acme.sql.query(&statement, &[]).expect("SQLite writes");
    let doc = "json_set(json_remove(doc, '$.meta'), '$.displayName',
            iif(pos % 2 = 0, 'same', 'name ' || pos), '$.meta', json(doc->'$.meta'))";
    change(format!("UPDATE resources SET doc = {doc} WHERE doc->>'$.userName' <> 'u{count}'"));
    change("DELETE FROM lookups WHERE attribute = 388".to_owned());
    change(
        "INSERT INTO lookups SELECT iif(doc->>'$.displayName' IS NULL, 388, 260),
            coalesce(doc->>'$.displayName', ''), pos FROM resources"
            .to_owned(),
    );
    acme.sleep();
    acme.get("/Users?count=0");
    acme
}

thread_local! {
    /// No list changes it.
    static MANY: RefCell<Acme> = RefCell::new(many());
}

#[test]
fn a_page_of_a_large_list_costs_what_it_shows() {
    MANY.with_borrow_mut(|acme| {
        let total = limits::SCAN_CANDIDATES + 5_000;
        for (by, order) in [
            ("displayName", "ascending"),
            ("displayName", "descending"),
            ("meta.lastModified", "descending"),
            ("id", "descending"),
        ] {
            let query = [("sortBy", by), ("sortOrder", order)];
            let (mut listed, mut cursor) = ([Vec::new(), Vec::new()], String::new());
            for page in 0.. {
                let start = (page * 1_000 + 1).to_string();
                let starts = [("startIndex", start.as_str()), ("cursor", cursor.as_str())];
                let mut next = Value::Null;
                for (listed, start) in listed.iter_mut().zip(starts) {
                    acme.sql.statements();
                    let page = [start, ("count", "1000")];
                    let list = acme.list("/Users", &[&query[..], &page[..]].concat());
                    assert_eq!(list["totalResults"], total);
                    // At most: the place, equal values, those beyond, equal values again, and the
                    // same in the other direction.
                    let mut statements = acme.sql.statements();
                    statements.retain(|statement| !statement.contains("VALUES"));
                    assert!(statements.len() <= 7, "{by} {order}: {statements:#?}");
                    assert!(!statements.iter().any(|text| text.contains("count(*)")), "{by}");
                    listed.extend(ids(&list));
                    next = list["nextCursor"].clone();
                }
                match next.as_str() {
                    Some(next) => cursor = next.to_owned(),
                    None => break,
                }
            }
            let [by_index, by_cursor] = listed;
            assert_eq!(by_index.len(), total, "{by} {order}");
            assert!(by_index == by_cursor, "{by} {order}");
        }
    });
}

#[test]
fn a_large_list_is_entered_anywhere() {
    MANY.with_borrow_mut(|acme| {
        for (order, start, expected) in [
            ("ascending", limits::SCAN_CANDIDATES + 5_000, "u25000"),
            ("ascending", limits::SCAN_CANDIDATES + 4_999, "u24998"),
            ("ascending", 12_501, "u2"),
            ("ascending", 12_500, "u24999"),
            ("descending", 1, "u25000"),
            ("descending", 2, "u2"),
            ("descending", 3, "u4"),
            ("descending", 12_500, "u24998"),
            ("descending", 12_501, "u24999"),
            ("descending", limits::SCAN_CANDIDATES + 5_000, "u1"),
        ] {
            let start = start.to_string();
            let query = [("sortBy", "displayName"), ("sortOrder", order), ("count", "1")];
            let query = [&query[..], &[("startIndex", start.as_str())]].concat();
            let list = acme.list("/Users", &query);
            assert_eq!(list["Resources"][0]["userName"], expected, "{order} {start}");
        }
        let beyond = [("sortBy", "displayName"), ("startIndex", "25001")];
        assert_eq!(ids(&acme.list("/Users", &beyond)).len(), 0);
    });
}

#[test]
fn what_is_written_between_two_pages_is_not_missed() {
    let mut acme = Acme::new();
    let names = ["b", "d", "f", "h"];
    let users: Vec<String> = names.iter().map(|name| acme.user(name)).collect();
    let page = |acme: &mut Acme, start: &str| {
        let query = [("sortBy", "userName"), ("startIndex", start), ("count", "2")];
        ids(&acme.list("/Users", &query))
    };
    assert_eq!(page(&mut acme, "1"), users[..2]);
    let first = acme.user("a");
    assert_eq!(page(&mut acme, "3"), users[1..3]);
    acme.delete(&format!("/Users/{first}"));
    assert_eq!(page(&mut acme, "3"), users[2..]);
    let rename = json!([{ "op": "replace", "path": "userName", "value": "z" }]);
    acme.patch(&format!("/Users/{}", users[0]), &rename);
    assert_eq!(page(&mut acme, "3"), [users[3].clone(), users[0].clone()]);
    // A group that a deleted user leaves by alarm has changed then.
    let groups = ["x", "y"].map(|name| acme.group(name, &[&users[1]]));
    acme.wait(1);
    let crew = acme.group("z", &[]);
    acme.delete(&format!("/Users/{}", users[1]));
    let page = |acme: &mut Acme, start: &str| {
        let query = [("sortBy", "meta.lastModified"), ("startIndex", start), ("count", "1")];
        ids(&acme.list("/Groups", &query))
    };
    assert_eq!(page(&mut acme, "1"), groups[..1]);
    acme.wait(1);
    acme.alarms();
    assert_eq!(page(&mut acme, "1"), [crew]);
    assert_eq!(page(&mut acme, "2"), groups[..1]);
}

#[test]
fn a_cursor_in_the_order_of_an_index_holds_no_values() {
    MANY.with_borrow_mut(|acme| {
        let query = [("sortBy", "displayName"), ("cursor", ""), ("count", "1")];
        let path = with_query("/Users", &query);
        let cursor = acme.get(&path)["nextCursor"].as_str().expect("a cursor").to_owned();
        // When it expires, a direction, a place with the beginning of a tag, and a tag.
        assert_eq!(cursor.len(), (8 + 1 + 16 + 32_usize) * 4 / 3);
    });
}
