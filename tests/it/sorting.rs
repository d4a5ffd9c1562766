//! RFC 7644 §3.4.2.3: lists in the order of an attribute's values.

use std::cell::RefCell;
use std::cmp::Ordering;

use muster::limits;
use muster::scim::fold::fold;
use muster::scim::urn::{ENTERPRISE_USER, USER};
use proptest::collection::vec;
use proptest::prelude::{Strategy, any, prop_assert_eq, proptest};
use proptest::sample::select;
use proptest::test_runner::Config;
use serde_json::{Value, json};

use crate::steps::{ids, texts, with_query};
use crate::support::Acme;

/// Users with values of all kinds, by name.
fn given() -> Acme {
    let mut acme = Acme::new();
    for (name, more) in [
        ("d", json!({ "title": "Äpfel", "active": true, "externalId": "b" })),
        ("a", json!({ "title": "apple", "active": false, "externalId": "B" })),
        ("C", json!({ "title": "Zebra", "externalId": "a" })),
        ("b", json!({ "active": true, "name": { "familyName": "Zuse" } })),
        ("e", json!({ "title": "APPLE", "name": { "familyName": "ada" }, "externalId": "A" })),
        ("f", json!({ "name": { "givenName": "x" }, ENTERPRISE_USER: { "department": "Two" } })),
        ("g", json!({ ENTERPRISE_USER: { "department": "one", "manager": { "value": "9" } } })),
        (
            "h",
            json!({ "emails": [{ "value": "z@x", "type": "home" },
                               { "value": "B@x", "type": "work", "primary": true }] }),
        ),
        ("i", json!({ "emails": [{ "value": "c@x" }, { "value": "a@x" }] })),
        ("j", json!({ "emails": [{ "value": "A@x", "primary": false }] })),
    ] {
        let mut body = more;
        body["userName"] = name.into();
        acme.wait(1);
        acme.post("/Users", &body);
    }
    acme
}

/// The names in an order, asked for by a query and by `.search`.
#[track_caller]
fn check(acme: &mut Acme, query: &[(&str, &str)], expected: &str) {
    let body: Value = query.iter().map(|(name, value)| (*name, *value)).collect();
    let search = acme.scim("POST", "/Users/.search", &body);
    assert_eq!(search.status, 200, "{body}: {}", search.json());
    for list in [acme.list("/Users", query), search.json()] {
        assert_eq!(texts(&list, "userName").concat(), expected, "{query:?}");
        assert_eq!(list["itemsPerPage"], expected.len(), "{query:?}");
    }
}

#[test]
fn values_are_ordered_by_their_type_and_what_has_none_is_last_or_first() {
    let mut acme = given();
    let enterprise = format!("{ENTERPRISE_USER}:department");
    let core = format!("{USER}:USERNAME");
    for (by, ascending, descending) in [
        // Case does not matter, and what is equal stays in the order of creation.
        ("userName", "abCdefghij", "jihgfedCba"),
        (core.as_str(), "abCdefghij", "jihgfedCba"),
        ("title", "aeCdbfghij", "bfghijdCae"),
        // Case matters.
        ("externalId", "eaCdbfghij", "bfghijdCae"),
        // `false` comes before `true`.
        ("active", "adbCefghij", "Cefghijdba"),
        ("name.familyName", "ebdaCfghij", "daCfghijbe"),
        ("department", "gfdaCbehij", "daCbehijfg"),
        (enterprise.as_str(), "gfdaCbehij", "daCbehijfg"),
        ("manager", "gdaCbefhij", "daCbefhijg"),
        // The primary value, or else the first.
        ("emails.value", "jhidaCbefg", "daCbefgihj"),
        ("emails", "jhidaCbefg", "daCbefgihj"),
        ("emails.type", "hdaCbefgij", "daCbefgijh"),
        ("id", "daCbefghij", "jihgfebCad"),
        ("meta.created", "daCbefghij", "jihgfebCad"),
        ("meta.lastModified", "daCbefghij", "jihgfebCad"),
        ("schemas", "daCbefghij", "daCbefghij"),
        ("groups.display", "daCbefghij", "daCbefghij"),
    ] {
        check(&mut acme, &[("sortBy", by)], ascending);
        check(&mut acme, &[("sortby", by), ("SORTORDER", "Ascending")], ascending);
        check(&mut acme, &[("sortBy", by), ("sortOrder", "descending")], descending);
    }
    check(&mut acme, &[("sortBy", ""), ("sortOrder", "")], "daCbefghij");
    // Without an attribute there is no order to turn round.
    check(&mut acme, &[("sortOrder", "descending")], "daCbefghij");
}

#[test]
fn a_sorted_list_is_filtered_paged_and_projected() {
    let mut acme = given();
    let by_title = ("sortBy", "title");
    check(&mut acme, &[by_title, ("startIndex", "2"), ("count", "3")], "eCd");
    check(&mut acme, &[by_title, ("startIndex", "10"), ("count", "3")], "j");
    check(&mut acme, &[by_title, ("startIndex", "11")], "");
    check(&mut acme, &[by_title, ("count", "0")], "");
    check(&mut acme, &[by_title, ("attributes", "userName")], "aeCdbfghij");
    for filter in ["title pr", r#"title sw "a" or title ge "z""#] {
        check(&mut acme, &[by_title, ("filter", filter)], "aeCd");
        check(&mut acme, &[by_title, ("filter", filter), ("startIndex", "3")], "Cd");
    }
    let by_name = [("sortBy", "userName"), ("sortOrder", "descending")];
    let one = [("filter", r#"userName eq "A""#)];
    check(&mut acme, &[by_name, [one[0]; 2]].concat(), "a");
}

#[test]
fn derived_values_and_moments_are_ordered_too() {
    let mut acme = given();
    let users = acme.get("/Users");
    let id = |name: &str| {
        let users = users["Resources"].as_array().expect("users");
        let user = users.iter().find(|user| user["userName"] == name).expect("a user");
        user["id"].as_str().expect("an id").to_owned()
    };
    let (a, b) = (id("a"), id("b"));
    acme.group("zoo", &[&a]);
    acme.group("crew", &[&b]);
    check(&mut acme, &[("sortBy", "groups.display"), ("count", "3")], "bad");
    acme.wait(60);
    let title = json!([{ "op": "add", "path": "title", "value": "x" }]);
    acme.patch(&format!("/Users/{b}"), &title);
    let latest = [("sortBy", "meta.lastModified"), ("sortOrder", "descending"), ("count", "3")];
    check(&mut acme, &latest, "bji");
}

#[test]
fn a_search_over_all_types_is_in_one_order() {
    let mut acme = Acme::new();
    let ada = acme.post("/Users", &json!({ "userName": "ada", "displayName": "b" }));
    let bob = acme.user("bob");
    let groups = ["C", "a", "B"].map(|name| acme.group(name, &[&bob]));
    let ada = ada["id"].as_str().expect("an id").to_owned();
    let [c, a, b] = groups;
    let mut search = |body: Value| {
        let reply = acme.scim("POST", "/.search", &body);
        assert_eq!(reply.status, 200, "{body}: {}", reply.json());
        assert_eq!(reply.json()["totalResults"], 5);
        ids(&reply.json())
    };
    let all = [&a, &ada, &b, &c, &bob].map(String::clone);
    assert_eq!(search(json!({ "sortBy": "displayName" })), all);
    let part = json!({ "sortBy": "displayName", "startIndex": 2, "count": 2 });
    assert_eq!(search(part), all[1..3]);
    // Groups have no `userName`, so they are as those without a value.
    let names = [&c, &a, &b, &bob, &ada].map(String::clone);
    assert_eq!(search(json!({ "sortBy": "userName", "sortOrder": "descending" })), names);
    let unknown = (400, "invalidValue", "`sortBy` names the unknown attribute `colour`");
    acme.refused("POST", "/.search", &json!({ "sortBy": "colour" }), unknown);
}

#[test]
fn what_cannot_be_sorted_by_is_refused() {
    let mut acme = given();
    for (by, order, detail) in [
        ("colour", "", "`sortBy` names the unknown attribute `colour`"),
        ("name.colour", "", "`sortBy` names the unknown attribute `name.colour`"),
        (ENTERPRISE_USER, "", "`sortBy` names the unknown attribute"),
        ("userName desc", "", "`sortBy` is no attribute path"),
        ("emails[type eq \"work\"].value", "", "`sortBy` is no attribute path"),
        ("name", "", "`sortBy` `name` needs a sub-attribute"),
        ("meta", "", "`sortBy` `meta` needs a sub-attribute"),
        ("password", "", "`sortBy` cannot be `password`"),
        ("userName", "desc", "`sortOrder` is neither `ascending` nor `descending`"),
    ] {
        let detail = match by {
            ENTERPRISE_USER => format!("{detail} `{by}`"),
            _ => detail.to_owned(),
        };
        let error = (400, "invalidValue", detail.as_str());
        let query = with_query("/Users", &[("sortBy", by), ("sortOrder", order)]);
        acme.refused("GET", &query, &Value::Null, error);
        let body = json!({ "sortBy": by, "sortOrder": order });
        acme.refused("POST", "/Users/.search", &body, error);
    }
    for name in ["sortBy", "sortOrder"] {
        let detail = format!("`{name}` is not a text");
        let error = (400, "invalidValue", detail.as_str());
        acme.refused("POST", "/Users/.search", &json!({ name: 7 }), error);
    }
}

#[test]
fn only_so_much_is_sorted() {
    let mut acme = Acme::new();
    let users = acme.populate(limits::SCAN_CANDIDATES + 1);
    let by_title = with_query("/Users", &[("sortBy", "title"), ("count", "2")]);
    let detail = format!("more than {} resources would have to be sorted", limits::SCAN_CANDIDATES);
    acme.refused("GET", &by_title, &Value::Null, (400, "tooMany", &detail));
    acme.delete(&format!("/Users/{}", users[0]));
    assert_eq!(texts(&acme.get(&by_title), "userName"), ["u2", "u3"]);
}

#[test]
fn only_so_much_text_is_compared() {
    let mut acme = Acme::new();
    let bytes = limits::RESOURCE_BYTES - 1_000;
    for number in 0..=limits::SORT_BYTES / bytes {
        let title = "x".repeat(bytes);
        acme.post("/Users", &json!({ "userName": format!("u{number}"), "title": title }));
    }
    let detail = format!("more than {} bytes of text would have to be sorted", limits::SORT_BYTES);
    let query = with_query("/Users", &[("sortBy", "title"), ("count", "1")]);
    acme.refused("GET", &query, &Value::Null, (400, "tooMany", &detail));
    acme.get("/Users?sortBy=userName&count=1");
}

/// Values that differ in case, share beginnings or fold to each other.
const TEXTS: [&str; 9] = ["a", "A", "ab", "aB", "ss", "ß", "Straße", "ö", ""];

thread_local! {
    /// Users of all sorts; no list changes them.
    static MANY: RefCell<Acme> = RefCell::new({
        let mut acme = Acme::new();
        for number in 0..40_usize {
            let text = |step: usize| TEXTS.get((number * step + 3) % 12);
            acme.post("/Users", &json!({
                "userName": format!("{}{number}", TEXTS[number % TEXTS.len()]),
                "title": text(5),
                "name": { "familyName": text(7) },
                "emails": [{ "value": text(11), "primary": number % 3 == 0 }, { "value": "m" }],
            }));
        }
        acme
    });
}

/// The value that counts, as the resource shows it.
fn shown(user: &Value, by: &str) -> Option<String> {
    let value = match by {
        "emails.value" => {
            let emails = user["emails"].as_array()?;
            let primary = emails.iter().find(|email| email["primary"] == true);
            &primary.or_else(|| emails.first())?["value"]
        }
        "name.familyName" => &user["name"]["familyName"],
        by => &user[by],
    };
    value.as_str().map(fold)
}

fn compare(one: &Option<String>, other: &Option<String>) -> Ordering {
    match (one, other) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Greater,
        (Some(_), None) => Ordering::Less,
        (Some(one), Some(other)) => one.cmp(other),
    }
}

proptest! {
    #![proptest_config(Config { failure_persistence: None, ..Config::default() })]

    #[test]
    fn pages_are_the_slices_of_one_order(
        by in select(&["userName", "title", "name.familyName", "emails.value"][..]),
        descending in any::<bool>(),
        filter in select(&["", "title pr", r#"userName sw "a""#, r#"title ne "ß""#][..]),
        counts in vec(1..15_usize, 1..5).prop_map(|counts| counts.into_iter().cycle()),
    ) {
        let order = if descending { "descending" } else { "ascending" };
        let query = [("sortBy", by), ("sortOrder", order), ("filter", filter)];
        let (mut expected, listed) = MANY.with_borrow_mut(|acme| {
            let all = acme.list("/Users", &[("filter", filter)])["Resources"].clone();
            let (mut listed, mut counts) = (Vec::new(), counts);
            loop {
                let start = (listed.len() + 1).to_string();
                let count = counts.next().expect("a count").to_string();
                let page = [("startIndex", start.as_str()), ("count", count.as_str())];
                let page = ids(&acme.list("/Users", &[&query[..], &page[..]].concat()));
                if page.is_empty() {
                    return (all.as_array().expect("users").clone(), listed);
                }
                listed.extend(page);
            }
        });
        expected.sort_by(|one, other| {
            let order = compare(&shown(one, by), &shown(other, by));
            if descending { order.reverse() } else { order }
        });
        prop_assert_eq!(listed, ids(&json!(expected)));
    }
}
