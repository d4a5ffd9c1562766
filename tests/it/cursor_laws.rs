//! RFC 9865: a walk by cursor loses and repeats nothing while others add and delete.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::{Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};
use proptest::sample::select;
use proptest::test_runner::{Config, TestCaseError};
use serde_json::json;

use crate::steps::{ids, texts, with_query};
use crate::support::Acme;

/// What others do between two pages.
#[derive(Clone, Debug)]
enum Step {
    Create(usize),
    /// One of those that are there.
    Delete(usize),
    /// The one that was shown last, at which the cursor stands.
    DeleteShown,
    Sleep,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..TITLES.len()).prop_map(Step::Create),
        3 => any::<usize>().prop_map(Step::Delete),
        2 => any::<bool>().prop_map(|_| Step::DeleteShown),
        1 => any::<bool>().prop_map(|_| Step::Sleep),
    ]
}

const TITLES: [&str; 5] = ["a", "B", "b", "c", "Z"];

/// What is walked: path, filter, and whether in an order of values.
const LISTS: [(&str, &str, &str); 11] = [
    ("/Users", "", ""),
    ("/Users", "title gt \"a\"", ""),
    ("/Users", "userName sw \"n\"", ""),
    ("/Users", "", "title"),
    ("/Users", "", "displayName"),
    ("/Users", "", "externalId"),
    ("/Users", "", "meta.created"),
    ("/Users", "", "id"),
    ("/Users", "title gt \"a\"", "userName"),
    ("/.search", "", ""),
    ("/.search", "id pr", "displayName"),
];

struct Walk {
    acme: Acme,
    created: usize,
    live: Vec<String>,
    shown: Vec<String>,
}

impl Walk {
    fn new() -> Self {
        let mut walk = Self { acme: Acme::new(), created: 0, live: Vec::new(), shown: Vec::new() };
        (0..16).for_each(|number| walk.create(number));
        walk
    }

    fn create(&mut self, title: usize) {
        self.created += 1;
        let (name, title) = (format!("n{}", self.created), TITLES[title % TITLES.len()]);
        let created = match self.created % 5 {
            0 => self.acme.post("/Groups", &json!({ "displayName": name })),
            _ => self
                .acme
                .post("/Users", &json!({ "userName": name, "title": title, "displayName": title })),
        };
        self.live.push(created["meta"]["location"].as_str().expect("a location").to_owned());
    }

    fn delete(&mut self, index: usize) {
        let location = self.live.remove(index);
        let path = location.strip_prefix("https://muster.test/t/acme/scim/v2").expect("a path");
        self.acme.delete(path);
    }

    fn take(&mut self, step: &Step) {
        match *step {
            Step::Create(title) => self.create(title),
            Step::Delete(_) if self.live.is_empty() => {}
            Step::Delete(which) => self.delete(which % self.live.len()),
            Step::DeleteShown => {
                let index = self.live.iter().position(|one| Some(one) == self.shown.last());
                index.into_iter().for_each(|index| self.delete(index));
            }
            Step::Sleep => self.acme.sleep(),
        }
    }

    /// Goes to a list's last page, of one resource, and notes it as shown; the cursor of the page
    /// before it.
    fn last_page(&mut self, (path, filter, sort): (&str, &str, &str)) -> String {
        let mut body = json!({ "filter": filter, "sortBy": sort, "cursor": "", "count": 1 });
        loop {
            let page = self.acme.scim("POST", &search(path), &body).json();
            match page.get("nextCursor") {
                Some(next) => body["cursor"] = next.clone(),
                None => {
                    self.shown = locations(&page);
                    return page["previousCursor"].as_str().expect("a cursor").to_owned();
                }
            }
        }
    }

    /// What a list consists of now, by location.
    fn listed(&mut self, (path, filter, sort): (&str, &str, &str)) -> Vec<String> {
        let body = json!({ "filter": filter, "sortBy": sort, "count": 1000 });
        let list = self.acme.scim("POST", &search(path), &body).json();
        locations(&list)
    }
}

fn search(path: &str) -> String {
    if path == "/.search" { path.to_owned() } else { format!("{path}/.search") }
}

fn locations(list: &serde_json::Value) -> Vec<String> {
    let resources = list["Resources"].as_array().unwrap_or_else(|| panic!("{list}"));
    texts(&resources.iter().map(|resource| resource["meta"].clone()).collect(), "location")
}

/// Walks a list forth, or from its end back.
fn check(
    list: (&str, &str, &str),
    back: bool,
    counts: &[usize],
    between: &[Vec<Step>],
) -> Result<(), TestCaseError> {
    let (path, filter, sort) = list;
    let mut walk = Walk::new();
    // What is there from the first page to the last must be shown.
    let mut throughout: BTreeSet<String> = walk.listed(list).into_iter().collect();
    let (mut cursor, mut counts) = (String::new(), counts.iter().cycle());
    let mut between = between.iter();
    let direction = if back { "previousCursor" } else { "nextCursor" };
    if back {
        cursor = walk.last_page(list);
    }
    loop {
        let now: BTreeSet<String> = walk.listed(list).into_iter().collect();
        throughout = throughout.intersection(&now).cloned().collect();
        let count = counts.next().expect("a count");
        let body = json!({ "filter": filter, "sortBy": sort, "cursor": cursor, "count": count });
        let page = walk.acme.scim("POST", &search(path), &body).json();
        let shown = locations(&page);
        prop_assert!(shown.len() <= *count && page["totalResults"] == now.len(), "{}", page);
        prop_assert!(shown.iter().all(|one| now.contains(one)), "{}", page);
        walk.shown.extend(shown);
        prop_assert!(walk.shown.len() < 500, "the walk does not end");
        let Some(next) = page.get(direction) else { break };
        cursor = next.as_str().expect("a cursor").to_owned();
        for step in between.next().into_iter().flatten() {
            walk.take(step);
        }
    }
    let once: BTreeSet<String> = walk.shown.iter().cloned().collect();
    prop_assert_eq!(once.len(), walk.shown.len(), "shown twice: {:?}", walk.shown);
    let lost: Vec<&String> = throughout.difference(&once).collect();
    prop_assert!(lost.is_empty(), "lost: {:?}", lost);
    Ok(())
}

proptest! {
    #![proptest_config(Config { failure_persistence: None, cases: 160, ..Config::default() })]

    #[test]
    fn a_walk_loses_and_repeats_nothing(
        list in select(&LISTS[..]),
        back in any::<bool>(),
        counts in vec(1..6_usize, 1..4),
        between in vec(vec(step(), 0..4), 0..20),
    ) {
        check(list, back, &counts, &between)?;
    }
}

#[test]
fn a_page_anywhere_costs_three_statements_and_no_offset() {
    let mut acme = Acme::new();
    let users = acme.populate(3_000);
    let (mut cursor, mut seen) = (String::new(), Vec::new());
    loop {
        acme.sleep();
        acme.get("/Users?count=0");
        acme.sql.statements();
        let page = acme.get(&with_query("/Users", &[("cursor", &cursor), ("count", "250")]));
        let statements = acme.sql.statements();
        assert!(statements.len() <= 3, "{statements:#?}");
        assert!(!statements[0].contains("OFFSET"), "{statements:#?}");
        seen.extend(ids(&page));
        let Some(next) = page.get("nextCursor") else { break };
        cursor = next.as_str().expect("a cursor").to_owned();
    }
    assert_eq!(seen, users);
}
