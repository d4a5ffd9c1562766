//! The store by itself: tables, positions, pages as bytes, transactions.

use muster::store::hidden::Veil;
use muster::store::members::{self, MemberView, Seen};
use muster::store::resources::{self, ResourceRow, TypeCount};
use muster::store::{Cell, Groups, Page, PageView, Param, Pos, Row, Source, Sql, Verdict, migrate};
use proptest::prelude::{prop_assert, prop_assert_eq, proptest};
use proptest::test_runner::Config;
use serde_json::{Value, json};

use crate::sqlite::Sqlite;
use crate::support::Acme;

const BASE: &str = "https://muster.test/scim";

fn view(base: &str, groups: Groups) -> PageView<'_> {
    PageView {
        base,
        endpoint: "/Users",
        groups,
        seen: Seen::All,
        provenance: false,
        veil: Veil::default(),
    }
}

fn migrated() -> Sqlite {
    let sql = Sqlite::new();
    migrate(&sql).expect("the tables are made");
    sql
}

/// What the database consists of: the statements that made it, and the migrations done.
fn made(sql: &Sqlite) -> Vec<Row> {
    let read = |statement: &str| sql.query(statement, &[]).expect("SQLite reads");
    let mut made = read("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name");
    if !made.is_empty() {
        made.extend(read("SELECT number FROM migrations ORDER BY number"));
    }
    made
}

/// A resource whose document has some bytes of title.
fn insert(sql: &Sqlite, number: u8, place: i64, title_bytes: usize) -> Pos {
    let (pos, id) = (Pos::new(number, place), format!("id-{number}-{place}"));
    let title = "ü".repeat(title_bytes / 2);
    let doc = json!({ "id": id, "title": title, "meta": { "version": "1" } });
    let row =
        ResourceRow { pos, rev: 1, members: 0, manager: None, doc: doc.to_string().into_bytes() };
    let count = TypeCount { live: place, last: place };
    resources::insert(sql, &row, &id, "admin", &[(1, format!("key-{place}"))], count)
        .expect("the row is written");
    pos
}

#[test]
fn migrating_again_changes_nothing() {
    let sql = migrated();
    let before = made(&sql);
    migrate(&sql).expect("nothing is to do");
    assert_eq!(made(&sql), before);
    let mut acme = Acme::new();
    acme.user("ada");
    let before = acme.dump();
    acme.sleep();
    acme.get("/Users");
    assert_eq!(acme.dump(), before);
}

#[test]
fn a_migration_that_fails_leaves_nothing() {
    let sql = Sqlite::new();
    for statements in 0.. {
        sql.fail_after(Some(statements));
        let mut done = Ok(());
        sql.transaction(&mut || {
            done = migrate(&sql);
            if done.is_ok() { Verdict::Commit } else { Verdict::RollBack }
        })
        .expect("SQLite rolls back");
        sql.fail_after(None);
        if done.is_ok() {
            break;
        }
        assert_eq!(made(&sql), [], "at {statements}");
    }
    assert_eq!(made(&sql), made(&migrated()));
}

#[test]
fn a_transaction_leaves_all_or_nothing_and_nests() {
    let sql = migrated();
    let sweeps = || sql.query("SELECT pos FROM sweeps ORDER BY pos", &[]).expect("SQLite reads");
    let write = |pos: i64| {
        let written = sql.query("INSERT INTO sweeps (pos) VALUES (?1)", &[Param::Integer(pos)]);
        written.expect("SQLite writes");
    };
    let nested = |outer: Verdict, inner: Verdict| {
        sql.query("DELETE FROM sweeps", &[]).expect("SQLite deletes");
        sql.transaction(&mut || {
            write(1);
            sql.transaction(&mut || {
                write(2);
                inner
            })
            .expect("the inner one ends");
            write(3);
            outer
        })
        .expect("the outer one ends");
        sweeps().iter().map(|row| row.integer(0).expect("a number")).collect::<Vec<_>>()
    };
    assert_eq!(nested(Verdict::Commit, Verdict::Commit), [1, 2, 3]);
    assert_eq!(nested(Verdict::Commit, Verdict::RollBack), [1, 3]);
    assert!(nested(Verdict::RollBack, Verdict::Commit).is_empty());
    assert!(nested(Verdict::RollBack, Verdict::RollBack).is_empty());
}

proptest! {
    #![proptest_config(Config { failure_persistence: None, ..Config::default() })]

    #[test]
    fn a_position_is_a_type_and_a_place(
        number in 1..u8::MAX,
        place in 1..1_i64 << 40,
        next in 1..1_i64 << 40,
    ) {
        let pos = Pos::new(number, place);
        let (low, high) = Pos::range(number);
        prop_assert_eq!(pos.type_number(), number);
        prop_assert_eq!(Pos::stored(pos.value()), pos);
        prop_assert!(low < pos && pos < high);
        prop_assert_eq!(place.cmp(&next), pos.cmp(&Pos::new(number, next)));
        prop_assert!(Pos::new(number - 1, next) < pos);
        // The runtime carries integers as doubles.
        prop_assert_eq!(pos.value() as f64 as i64, pos.value());
    }
}

#[test]
fn a_page_is_documents_with_their_location() {
    let sql = migrated();
    let positions = [insert(&sql, 1, 1, 10), insert(&sql, 1, 2, 0), insert(&sql, 2, 1, 6)];
    let read = |source: Source<'_>| {
        let page = Page::read(&sql, source, view(BASE, Groups::Hidden)).expect("a page");
        let shown = page.iter().map(|(entry, open)| {
            let body = [open, b"}"].concat();
            let resource: Value = serde_json::from_slice(&body).expect("an object");
            assert_eq!(
                resource["meta"]["location"],
                format!("{BASE}/Users/{}", resource["id"].as_str().expect("an id"))
            );
            (entry.pos, entry.rev, resource["title"].as_str().expect("a text").chars().count())
        });
        shown.collect::<Vec<_>>()
    };
    let [first, second, other] = positions;
    let low = Pos::range(1).0;
    assert_eq!(read(Source::Id("id-1-2")), [(second, 1, 0)]);
    assert_eq!(read(Source::Id("id-1-3")), []);
    assert_eq!(read(Source::At(&[other, first])), [(other, 1, 3), (first, 1, 5)]);
    assert_eq!(read(Source::At(&[Pos::new(1, 9), second])), [(second, 1, 0)]);
    assert_eq!(read(Source::At(&[])), []);
    assert_eq!(read(Source::After(low, 9)), [(first, 1, 5), (second, 1, 0)]);
    assert_eq!(read(Source::After(low, 1)), [(first, 1, 5)]);
    assert_eq!(read(Source::After(second, 9)), []);
}

#[test]
fn a_page_that_does_not_fit_into_one_value_is_halved() {
    let sql = migrated();
    let large: Vec<Pos> = (1..=5).map(|place| insert(&sql, 1, place, 700_000)).collect();
    let low = Pos::range(1).0;
    for (source, expected) in [
        (Source::After(low, 5), &large[..2]),
        (Source::After(low, 2), &large[..2]),
        (Source::After(large[3], 9), &large[4..]),
        (Source::At(&large), &large[..2]),
        (Source::At(&large[2..]), &large[2..3]),
        (Source::Id("id-1-4"), &large[3..4]),
    ] {
        let page = Page::read(&sql, source, view(BASE, Groups::Direct)).expect("a page");
        let read: Vec<Pos> = page.iter().map(|(entry, _)| entry.pos).collect();
        assert_eq!(read, expected, "{source:?}");
        assert!(page.iter().all(|(_, body)| body.len() > 700_000));
    }
}

#[test]
fn members_are_shown_in_steps_that_fit_into_one_value() {
    let sql = migrated();
    let group = insert(&sql, 2, 1, 0);
    let users: Vec<Pos> = (1..=40).map(|place| insert(&sql, 1, place, 0)).collect();
    let display = Some("x".repeat(150_000));
    let rows: Vec<_> = users.iter().map(|pos| (pos.value(), display.clone())).collect();
    members::add(&sql, group, "admin", &rows).expect("members are written, in halves");
    for part in rows.chunks(7) {
        members::add(&sql, group, "scim:okta", part).expect("and once more by another's word");
    }
    let view = MemberView { base: BASE, names: true, seen: Seen::All };
    let shown = members::shown(&sql, group, view).expect("members are read");
    let shown: Value =
        serde_json::from_slice(&[b"[", shown.as_slice(), b"]"].concat()).expect("a list");
    let ids: Vec<&str> = shown
        .as_array()
        .expect("a list")
        .iter()
        .map(|m| m["value"].as_str().expect("an id"))
        .collect();
    let expected: Vec<String> = (1..=40).map(|place| format!("id-1-{place}")).collect();
    assert_eq!(ids, expected);
}

#[test]
fn a_user_of_more_groups_than_fit_into_one_value_shows_them_all() {
    let sql = migrated();
    let user = insert(&sql, 1, 1, 0);
    let groups: Vec<Pos> = (1..=9_000).map(|place| insert(&sql, 2, place, 0)).collect();
    for group in &groups {
        members::add(&sql, *group, "admin", &[(user.value(), None)]).expect("a member");
    }
    let base = format!("{BASE}/{}", "x".repeat(300));
    for groups_shown in [Groups::Direct, Groups::Nested] {
        let page = Page::read(&sql, Source::Id("id-1-1"), view(&base, groups_shown));
        let page = page.expect("a page");
        let (_, open) = page.iter().next().expect("the user");
        assert!(open.len() > 2_000_000, "it does not fit into one value");
        let shown: Value = serde_json::from_slice(&[open, b"}"].concat()).expect("an object");
        let shown = shown["groups"].as_array().expect("groups");
        let ids: Vec<&str> = shown.iter().map(|g| g["value"].as_str().expect("an id")).collect();
        let expected: Vec<String> = (1..=9_000).map(|place| format!("id-2-{place}")).collect();
        assert_eq!(ids, expected);
    }
}

#[test]
fn ids_are_resolved_in_their_order_however_many_and_long_they_are() {
    let sql = migrated();
    let [first, second] = [1, 2].map(|place| insert(&sql, 1, place, 0));
    let long = "x".repeat(900_000);
    let longest = "x".repeat(3_000_000);
    let ids = ["id-1-2", &long, "id-1-1", &long, &longest, "id-1-2", "", &long];
    let expected = [Some(second), None, Some(first), None, None, Some(second), None, None];
    assert_eq!(members::resolve(&sql, &ids), Ok(expected.to_vec()));
    assert_eq!(members::resolve(&sql, &[]), Ok(vec![]));
}

#[test]
fn a_prefix_finds_the_keys_that_begin_with_it() {
    let sql = migrated();
    let keys = [
        "a",
        "ab",
        "abc",
        "ab\u{7f}",
        "ab\u{d7ff}",
        "ab\u{e000}",
        "ab\u{fffd}",
        "ab\u{10ffff}",
        "ab\u{10ffff}z",
        "\u{10ffff}\u{10ffff}",
        "ac",
        "b",
        "é",
        "éa",
    ];
    for (place, key) in (1..).zip(keys) {
        resources::add_keys(&sql, Pos::new(1, place), &[(4, key.to_owned())]).expect("a key");
        // Of another attribute, and of another type.
        resources::add_keys(&sql, Pos::new(1, place), &[(3, key.to_owned())]).expect("a key");
        resources::add_keys(&sql, Pos::new(2, place), &[(4, key.to_owned())]).expect("a key");
    }
    let ends = ["ab\u{d7ff}", "ab\u{fffd}", "ab\u{10ffff}", "\u{10ffff}", "\u{10fffd}"];
    for prefix in ["", "a", "ab", "abc", "abcd", "é"].into_iter().chain(ends) {
        let found = resources::find_prefix(&sql, 1, &(4, prefix.to_owned()), 100).expect("places");
        let mut found: Vec<i64> = found.iter().map(|pos| pos.value() & 0xff).collect();
        found.sort_unstable();
        let matching = (1..).zip(keys).filter(|(_, key)| key.starts_with(prefix));
        assert_eq!(found, matching.map(|(place, _)| place).collect::<Vec<_>>(), "{prefix}");
    }
    let few = resources::find_prefix(&sql, 1, &(4, "a".to_owned()), 3).expect("places");
    assert_eq!(few.len(), 3);
}

#[test]
fn a_column_is_what_its_reader_expects_or_an_error() {
    let row =
        Row(vec![Cell::Null, Cell::Integer(7), Cell::Text("x".to_owned()), Cell::Blob(vec![1])]);
    assert_eq!((row.integer(1), row.text(2), row.bytes(3)), (Ok(7), Ok("x"), Ok(&[1_u8][..])));
    assert_eq!((row.text_or_null(0), row.text_or_null(2)), (Ok(None), Ok(Some("x"))));
    assert_eq!(row.bytes(0), Ok(&[][..]));
    let message = |error: muster::store::StoreError| error.to_string();
    for (error, expected) in [
        (row.integer(0).map_err(message).err(), "storage: column 0 holds null"),
        (row.integer(2).map_err(message).err(), "storage: column 2 holds a text"),
        (row.text(1).map_err(message).err(), "storage: column 1 holds an integer"),
        (row.text(3).map_err(message).err(), "storage: column 3 holds bytes"),
        (row.bytes(2).map_err(message).err(), "storage: column 2 holds a text"),
        (row.text_or_null(9).map_err(message).err(), "storage: column 9 holds nothing"),
    ] {
        assert_eq!(error.as_deref(), Some(expected));
    }
}
