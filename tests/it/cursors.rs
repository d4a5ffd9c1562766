//! RFC 9865: lists walked by cursor, and cursors that are refused.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use muster::limits;
use muster::scim::urn::LIST_RESPONSE;
use serde_json::{Value, json};

use crate::steps::{Refused, check_error, ids, texts, with_query};
use crate::support::{Acme, KEY_RING};

const INVALID: Refused<'static> =
    (400, "invalidCursor", "the cursor was not given to this client for this query");
const EXPIRED: Refused<'static> =
    (400, "expiredCursor", "the cursor has expired, start again with an empty one");

/// Users `u1` to `u10`.
fn ten() -> Acme {
    let mut acme = Acme::new();
    acme.populate(10);
    acme
}

/// Walks a list from its start to its end, the object asleep between pages; its pages.
#[track_caller]
fn walk(acme: &mut Acme, path: &str, query: &[(&str, &str)]) -> Vec<Value> {
    go_on(acme, path, query, "", "nextCursor")
}

/// Walks a list from a cursor on, in the direction of a field of the answers.
#[track_caller]
fn go_on(
    acme: &mut Acme,
    path: &str,
    query: &[(&str, &str)],
    cursor: &str,
    direction: &str,
) -> Vec<Value> {
    let (mut pages, mut cursor) = (Vec::new(), cursor.to_owned());
    loop {
        let query: Vec<_> = query.iter().copied().chain([("cursor", cursor.as_str())]).collect();
        let page = if path.ends_with(".search") {
            let body: Value = query.iter().map(|(name, value)| (*name, *value)).collect();
            acme.scim("POST", path, &body).json()
        } else {
            acme.list(path, &query)
        };
        assert_eq!(page["schemas"], json!([LIST_RESPONSE]), "{path} {query:?}: {page}");
        assert_eq!(page["itemsPerPage"], ids(&page).len(), "{path} {query:?}");
        assert_eq!(page.get("startIndex"), None, "{path} {query:?}");
        let next = page.get(direction).map(|next| next.as_str().expect("a text").to_owned());
        pages.push(page);
        assert!(pages.len() < 50, "{path} {query:?} does not end");
        match next {
            None => return pages,
            Some(next) => cursor = next,
        }
        acme.sleep();
    }
}

/// The cursor of the second page.
#[track_caller]
fn next(acme: &mut Acme, path: &str, query: &[(&str, &str)]) -> String {
    let query = [&[("cursor", ""), ("count", "2")], query].concat();
    acme.list(path, &query)["nextCursor"].as_str().expect("a cursor").to_owned()
}

#[test]
fn a_walk_shows_everything_once() {
    let mut acme = ten();
    acme.group("u1", &[]);
    acme.group("u0", &[]);
    let creation = ["u1", "u2", "u3", "u4", "u5", "u6", "u7", "u8", "u9", "u10"];
    let by_name = ["u1", "u10", "u2", "u3", "u4", "u5", "u6", "u7", "u8", "u9"];
    for (query, expected) in [
        (vec![], creation),
        (vec![("filter", "title eq null")], creation),
        (vec![("filter", r#"userName sw "u""#)], creation),
        (vec![("sortBy", "userName")], by_name),
        (vec![("sortBy", "userName"), ("filter", "title eq null")], by_name),
        (vec![("sortBy", "title"), ("sortOrder", "descending")], creation),
    ] {
        for count in [1, 3, 5, 9, 10, 11, 1_000] {
            let text = count.to_string();
            let query = [&query[..], &[("count", text.as_str())]].concat();
            for path in ["/Users", "/Users/.search"] {
                let pages = walk(&mut acme, path, &query);
                let sizes: Vec<usize> = pages.iter().map(|page| ids(page).len()).collect();
                assert_eq!(sizes.len(), 10_usize.div_ceil(count), "{path} {query:?}");
                assert!(pages.iter().all(|page| page["totalResults"] == 10), "{path} {query:?}");
                let names: Vec<String> =
                    pages.iter().flat_map(|page| texts(page, "userName")).collect();
                assert_eq!(names, expected, "{path} {query:?}");
            }
        }
    }
    assert_eq!(walk(&mut acme, "/Users", &[("filter", "title pr")]).len(), 1);
    assert_eq!(walk(&mut acme, "/Users", &[("startIndex", "1")]).len(), 1);
}

#[test]
fn a_walk_over_all_types_goes_from_one_to_the_next() {
    let mut acme = ten();
    let groups = [acme.group("u1", &[]), acme.group("u0", &[])];
    let users = ids(&acme.get("/Users"));
    let all = [&users[..], &groups[..]].concat();
    for count in ["1", "3", "10", "11", "12"] {
        for (query, expected) in [
            (vec![], all.clone()),
            (vec![("filter", "id pr")], all.clone()),
            (vec![("filter", "displayName pr")], groups.to_vec()),
            (vec![("filter", "userName pr")], users.clone()),
            (vec![("filter", "displayName pr"), ("sortBy", "displayName")], {
                vec![groups[1].clone(), groups[0].clone()]
            }),
        ] {
            let query = [&query[..], &[("count", count)]].concat();
            let pages = walk(&mut acme, "/.search", &query);
            let seen: Vec<String> = pages.iter().flat_map(ids).collect();
            assert_eq!(seen, expected, "{query:?}");
        }
    }
}

/// The ids of each page.
fn paged(pages: &[Value]) -> Vec<Vec<String>> {
    pages.iter().map(ids).collect()
}

#[test]
fn a_walk_goes_back_page_by_page() {
    let mut acme = ten();
    acme.group("u1", &[]);
    acme.group("u0", &[]);
    for (path, query) in [
        ("/Users", vec![]),
        ("/Users/.search", vec![("filter", "title eq null")]),
        ("/Users", vec![("sortBy", "userName")]),
        ("/Users", vec![("sortBy", "title"), ("sortOrder", "descending")]),
        ("/.search", vec![]),
        ("/.search", vec![("filter", "id pr")]),
        ("/.search", vec![("sortBy", "displayName")]),
    ] {
        for count in ["1", "3", "4", "10", "100"] {
            let query = [&query[..], &[("count", count)]].concat();
            let there = walk(&mut acme, path, &query);
            assert_eq!(there[0].get("previousCursor"), None, "{path} {query:?}");
            assert_eq!(
                there.iter().skip(1).filter(|p| p.get("previousCursor").is_none()).count(),
                0
            );
            let all: Vec<String> = paged(&there).concat();
            let Some(last) = there.get(1).and(there.last()) else { continue };
            let previous = last["previousCursor"].as_str().expect("a cursor");
            let mut back = go_on(&mut acme, path, &query, previous, "previousCursor");
            // The first page may be a shorter one, since the last was.
            back.reverse();
            let seen = [paged(&back).concat(), ids(last)].concat();
            assert_eq!(seen, all, "{path} {query:?}");
            assert_eq!(back.len() + 1, there.len(), "{path} {query:?}");
            // From there, it goes forth again.
            let next = back[0]["nextCursor"].as_str().expect("a cursor");
            let forth = go_on(&mut acme, path, &query, next, "nextCursor");
            assert_eq!([ids(&back[0]), paged(&forth).concat()].concat(), all, "{path} {query:?}");
        }
    }
}

#[test]
fn a_walk_back_to_where_nothing_is_left_may_turn() {
    for sort in [vec![], vec![("sortBy", "userName")]] {
        let mut acme = ten();
        let cursor = next(&mut acme, "/Users", &sort);
        let with = |cursor: &str| {
            [&[("cursor", cursor)], &sort[..]]
                .concat()
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect::<Vec<_>>()
        };
        let mut list = |cursor: &str, delete: &[String]| {
            delete.iter().for_each(|id| acme.delete(&format!("/Users/{id}")));
            let query = with(cursor);
            let query: Vec<_> = query.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
            (acme.list("/Users", &query), ids(&acme.list("/Users", &sort)))
        };
        let (second, all) = list(&cursor, &[]);
        assert_eq!(ids(&second), all[2..]);
        let previous = second["previousCursor"].as_str().expect("a cursor");
        let (empty, all) = list(previous, &all[..2]);
        assert_eq!((ids(&empty).len(), empty.get("previousCursor")), (0, None));
        let next = empty["nextCursor"].as_str().expect("a cursor");
        assert_eq!(ids(&list(next, &[]).0), all, "{sort:?}");
    }
}

#[test]
fn without_a_cursor_a_list_is_paged_by_index() {
    let mut acme = ten();
    for query in [vec![("count", "2")], vec![("startIndex", "1"), ("count", "2")]] {
        let list = acme.list("/Users", &query);
        assert_eq!((&list["startIndex"], list.get("nextCursor")), (&json!(1), None));
    }
    let list = acme.get("/Users?cursor&count=2");
    assert!(list["nextCursor"].is_string() && list.get("startIndex").is_none());
    let null = acme.scim("POST", "/Users/.search", &json!({ "cursor": null })).json();
    assert_eq!(null["startIndex"], 1);
}

#[test]
fn a_page_of_large_resources_is_cut_and_the_walk_goes_on_behind_it() {
    let mut acme = Acme::new();
    for number in 0..5 {
        let title = "x".repeat(limits::RESOURCE_BYTES - 1_000);
        acme.post("/Users", &json!({ "userName": format!("u{number}"), "title": title }));
    }
    let all = ids(&acme.get("/Users?attributes=id"));
    for query in [vec![], vec![("filter", "title pr")], vec![("sortBy", "userName")]] {
        let pages = walk(&mut acme, "/Users", &query);
        assert_eq!(pages.len(), 5, "{query:?}");
        assert_eq!(paged(&pages).concat(), all, "{query:?}");
        let previous = pages[4]["previousCursor"].as_str().expect("a cursor");
        let mut back = go_on(&mut acme, "/Users", &query, previous, "previousCursor");
        back.reverse();
        assert_eq!(paged(&back).concat(), all[..4], "{query:?}");
    }
}

#[test]
fn a_cursor_is_of_use_to_its_client_for_its_list_alone() {
    let mut acme = ten();
    acme.group("a", &[]);
    let cursor = next(&mut acme, "/Users", &[]);
    let with =
        |more: &[(&'static str, &'static str)]| [&[("cursor", cursor.as_str())], more].concat();
    for (path, more) in [
        ("/Groups", vec![]),
        ("/Users", vec![("filter", "title eq null")]),
        ("/Users", vec![("sortBy", "userName")]),
        ("/Users", vec![("sortBy", "id"), ("sortOrder", "descending")]),
    ] {
        acme.refused("GET", &with_query(path, &with(&more)), &Value::Null, INVALID);
    }
    acme.refused("POST", "/.search", &json!({ "cursor": cursor }), INVALID);
    // Another key of the tenant, and the same key of another.
    let path = with_query("/Users", &with(&[]));
    let key = std::mem::take(&mut acme.key);
    acme.key = acme.mint(&["scim"]);
    acme.refused("GET", &path, &Value::Null, INVALID);
    let mut other = Acme::named("other");
    other.populate(10);
    other.refused("GET", &path, &Value::Null, INVALID);
    // What is shown, and how much of it, may change on the way.
    acme.key = key;
    let list = acme.list("/Users", &with(&[("count", "3"), ("attributes", "userName")]));
    assert_eq!(texts(&list, "userName"), ["u3", "u4", "u5"]);
    let list = acme.scim("POST", "/Users/.search", &json!({ "cursor": cursor })).json();
    assert_eq!(ids(&list).len(), 8);
    // The same filter and order, written in another way, are the same.
    let query = [("filter", "title  eq null"), ("sortBy", "userName"), ("sortOrder", "Ascending")];
    let cursor = next(&mut acme, "/Users", &query);
    let query = [("cursor", cursor.as_str()), ("filter", "title EQ null"), ("sortBy", "userName")];
    assert_eq!(ids(&acme.list("/Users", &query)).len(), 8);
}

#[test]
fn a_cursor_that_was_not_given_is_refused() {
    let mut acme = ten();
    for sort in [vec![], vec![("sortBy", "userName")]] {
        let cursor = next(&mut acme, "/Users", &sort);
        let bytes = Base64UrlUnpadded::decode_vec(&cursor).expect("base64url");
        let mut forged =
            vec!["x".to_owned(), "é".to_owned(), cursor.clone() + "A", cursor.clone() + "="];
        for place in 0..bytes.len() {
            let mut other = bytes.clone();
            other[place] ^= 1;
            forged.push(Base64UrlUnpadded::encode_string(&other));
            forged.push(Base64UrlUnpadded::encode_string(&bytes[..place]));
        }
        forged.retain(|text| !text.is_empty());
        forged.push("A".repeat(limits::CURSOR_CHARACTERS));
        forged.push("A".repeat(limits::CURSOR_CHARACTERS + 1));
        let before = acme.dump();
        for text in forged {
            let query = [&[("cursor", text.as_str())], &sort[..]].concat();
            let reply = acme.scim("GET", &with_query("/Users", &query), &Value::Null);
            check_error(&reply, INVALID, &text);
        }
        assert_eq!(acme.dump(), before);
    }
    let error = (400, "invalidValue", "`cursor` is not a text");
    acme.refused("POST", "/Users/.search", &json!({ "cursor": 7 }), error);
    let error = (400, "invalidValue", "`cursor` and `startIndex` exclude each other");
    acme.refused("GET", "/Users?cursor=&startIndex=2", &Value::Null, error);
    let error = (400, "invalidCount", "the count is not above 0");
    acme.refused("GET", "/Users?cursor=&count=0", &Value::Null, error);
    acme.refused("GET", "/Users?cursor=&count=-1", &Value::Null, error);
}

#[test]
fn a_cursor_expires() {
    let mut acme = ten();
    let cursor = next(&mut acme, "/Users", &[]);
    let path = with_query("/Users", &[("cursor", &cursor)]);
    acme.wait(limits::CURSOR_TTL_SECONDS - 1);
    assert_eq!(ids(&acme.get(&path)).len(), 8);
    acme.wait(1);
    acme.refused("GET", &path, &Value::Null, EXPIRED);
}

#[test]
fn a_walk_outlives_a_new_secret() {
    let mut acme = ten();
    let fresh = "k2:OTg3NjU0MzIxMDk4NzY1NDMyMTA5ODc2NTQzMjEwOTg";
    for sort in [vec![], vec![("sortBy", "userName")]] {
        acme.rotate(KEY_RING);
        let cursor = next(&mut acme, "/Users", &sort);
        let path = with_query("/Users", &[&[("cursor", cursor.as_str())], &sort[..]].concat());
        acme.rotate(&format!("{fresh},{KEY_RING}"));
        assert_eq!(ids(&acme.get(&path)).len(), 8, "{sort:?}");
    }
}

#[test]
fn a_cursor_holds_nothing_that_a_person_is_known_by() {
    let mut acme = Acme::new();
    for name in ["ada", "augusta", "lovelace"] {
        acme.post("/Users", &json!({ "userName": name, "title": name }));
    }
    for sort in ["userName", "title"] {
        let cursor = next(&mut acme, "/Users", &[("sortBy", sort)]);
        let bytes = Base64UrlUnpadded::decode_vec(&cursor).expect("base64url");
        // When it expires, a direction, two places with the beginning of a tag each, and a tag.
        assert_eq!(bytes.len(), 8 + 1 + 2 * 16 + 32);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        assert!(!text.contains("ada") && !text.contains("augusta"), "{text}");
        // What is digested is bound to its place: equal values do not look equal.
        assert_ne!(bytes[17..25], bytes[33..41]);
        let unreserved = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
        assert!(cursor.chars().all(unreserved), "{cursor}");
    }
}

#[test]
fn a_sorted_walk_finds_its_place_again_or_says_that_it_is_lost() {
    let mut acme = Acme::new();
    let users = acme.populate(limits::CURSOR_ANCHORS + 10);
    let shown = limits::CURSOR_ANCHORS + 5;
    let count = shown.to_string();
    let query = [("sortBy", "id"), ("count", count.as_str())];
    let first = acme.list("/Users", &[&query[..], &[("cursor", "")]].concat());
    let cursor = first["nextCursor"].as_str().expect("a cursor").to_owned();
    assert!(cursor.len() <= limits::CURSOR_CHARACTERS, "{}", cursor.len());
    let path = with_query("/Users", &[&query[..], &[("cursor", cursor.as_str())]].concat());
    let rest = &users[shown..];
    for id in users[..shown].iter().rev().take(limits::CURSOR_ANCHORS - 1) {
        assert_eq!(ids(&acme.get(&path)), rest);
        acme.delete(&format!("/Users/{id}"));
    }
    assert_eq!(ids(&acme.get(&path)), rest);
    acme.delete(&format!("/Users/{}", users[shown - limits::CURSOR_ANCHORS]));
    let detail = "the resources around the cursor have changed, start again";
    acme.refused("GET", &path, &Value::Null, (400, "expiredCursor", detail));
}

#[test]
fn a_sorted_walk_does_not_follow_a_resource_that_moves() {
    let mut acme = ten();
    let query = [("sortBy", "userName"), ("count", "3")];
    let first = acme.list("/Users", &[&query[..], &[("cursor", "")]].concat());
    assert_eq!(texts(&first, "userName"), ["u1", "u10", "u2"]);
    let moved = format!("/Users/{}", ids(&first)[2]);
    acme.patch(&moved, &json!([{ "op": "replace", "path": "userName", "value": "z" }]));
    let cursor = first["nextCursor"].as_str().expect("a cursor").to_owned();
    let second = acme.list("/Users", &[&query[..], &[("cursor", cursor.as_str())]].concat());
    assert_eq!(texts(&second, "userName"), ["u3", "u4", "u5"]);
}
