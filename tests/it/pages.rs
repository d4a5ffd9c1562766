//! Pages of whole types: exact while resources come and go, and cut before they are too large.

use std::slice;

use muster::limits;
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_assert_eq, prop_oneof, proptest};
use proptest::test_runner::{Config, TestCaseError};
use serde_json::{Value, json};

use crate::steps::{ids, texts, with_query};
use crate::support::Acme;

/// What may happen between two pages.
#[derive(Clone, Debug)]
enum Step {
    Create,
    /// One of those that are there.
    Delete(usize),
    /// A page anywhere.
    Jump(usize, usize),
    /// The page behind the last one.
    Next(usize),
    /// A request that is refused, so that what is kept in memory is read again.
    Refuse,
    Sleep,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => Just(Step::Create),
        3 => any::<usize>().prop_map(Step::Delete),
        2 => (1..40_usize, 0..8_usize).prop_map(|(start, count)| Step::Jump(start, count)),
        6 => (1..6_usize).prop_map(Step::Next),
        1 => Just(Step::Refuse),
        1 => Just(Step::Sleep),
    ]
}

/// A tenant, and the ids of its users and of its groups as they should be listed.
struct Walk {
    acme: Acme,
    listed: [Vec<String>; 2],
    start: [usize; 2],
    created: usize,
}

const PATHS: [&str; 2] = ["/Users", "/Groups"];

impl Walk {
    fn new() -> Self {
        let mut walk =
            Self { acme: Acme::new(), listed: [vec![], vec![]], start: [1, 1], created: 0 };
        for kind in [0, 1] {
            (0..20).for_each(|_| walk.create(kind));
        }
        walk
    }

    fn create(&mut self, kind: usize) {
        self.created += 1;
        let name = format!("n{}", self.created);
        let id = if kind == 0 { self.acme.user(&name) } else { self.acme.group(&name, &[]) };
        self.listed[kind].push(id);
    }

    fn page(&mut self, kind: usize, start: usize, count: usize) -> Result<(), TestCaseError> {
        let (from, most) = (start.to_string(), count.to_string());
        let list = self.acme.list(PATHS[kind], &[("startIndex", &from), ("count", &most)]);
        let listed = &self.listed[kind];
        let first = (start - 1).min(listed.len());
        let expected = &listed[first..(first + count).min(listed.len())];
        prop_assert_eq!(ids(&list), expected, "{} from {}", count, start);
        prop_assert_eq!(&list["totalResults"], &json!(listed.len()));
        self.start[kind] = start + count;
        Ok(())
    }

    fn take(&mut self, kind: usize, step: &Step) -> Result<(), TestCaseError> {
        match *step {
            Step::Create => self.create(kind),
            Step::Delete(_) if self.listed[kind].is_empty() => {}
            Step::Delete(which) => {
                let index = which % self.listed[kind].len();
                let id = self.listed[kind].remove(index);
                self.acme.delete(&format!("{}/{id}", PATHS[kind]));
            }
            Step::Jump(start, count) => self.page(kind, start, count)?,
            Step::Next(count) => self.page(kind, self.start[kind], count)?,
            Step::Refuse => {
                let body = json!({ "displayName": "x", "members": ["nobody"] });
                let refused = self.acme.scim("POST", PATHS[kind], &body);
                assert_eq!(refused.status, 400, "{}", refused.json());
            }
            Step::Sleep => self.acme.sleep(),
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(Config { failure_persistence: None, cases: 48, ..Config::default() })]

    #[test]
    fn every_page_is_the_slice_at_its_offset(steps in vec((0..2_usize, step()), 1..80)) {
        let mut walk = Walk::new();
        for (kind, step) in &steps {
            walk.take(*kind, step)?;
        }
    }
}

#[test]
fn a_walk_remembers_more_places_than_there_is_room_for() {
    let mut acme = Acme::new();
    let users = acme.populate(limits::BOOKMARKS * 3);
    for (number, id) in users.iter().enumerate() {
        let start = (number + 1).to_string();
        let list = acme.list("/Users", &[("startIndex", &start), ("count", "1")]);
        assert_eq!(ids(&list), slice::from_ref(id));
    }
    acme.delete(&format!("/Users/{}", users[0]));
    for start in [1, 2, limits::BOOKMARKS, limits::BOOKMARKS * 3 - 1] {
        let list = acme.list("/Users", &[("startIndex", &start.to_string()), ("count", "1")]);
        assert_eq!(ids(&list), [users[start].clone()]);
    }
}

/// Walks a list page by page; the ids of all, and how many pages there were.
#[track_caller]
fn walk(acme: &mut Acme, path: &str, filter: &str) -> (Vec<String>, usize) {
    let (mut seen, mut pages) = (Vec::new(), 0);
    loop {
        let start = (seen.len() + 1).to_string();
        let query = [("startIndex", start.as_str()), ("count", "1000"), ("filter", filter)];
        let reply = acme.scim("GET", &with_query(path, &query), &Value::Null);
        let list = reply.json();
        let page = ids(&list);
        assert_eq!(list["itemsPerPage"], page.len(), "{path} {filter}");
        if page.is_empty() {
            assert_eq!(list["totalResults"], seen.len(), "{path} {filter}");
            return (seen, pages);
        }
        // What surrounds the resources is not counted; one that is larger by itself is shown.
        assert!(
            page.len() == 1 || reply.body.len() < limits::PAGE_BYTES + 1_000,
            "{path} {filter}"
        );
        seen.extend(page);
        pages += 1;
    }
}

#[test]
fn a_page_of_large_resources_is_cut_and_tells_so() {
    for (title_bytes, count, pages) in [(200_000, 20, 3), (limits::RESOURCE_BYTES - 1_000, 4, 4)] {
        let mut acme = Acme::new();
        let create = |acme: &mut Acme, number: usize| {
            let title = "é".repeat(title_bytes / 2);
            acme.post("/Users", &json!({ "userName": format!("u{number}"), "title": title }))
        };
        let users: Vec<Value> = (0..count).map(|number| create(&mut acme, number)).collect();
        let users = texts(&json!(users), "id");
        for filter in ["", r#"userName sw "u""#, "title pr", "meta.created pr"] {
            assert_eq!(walk(&mut acme, "/Users", filter), (users.clone(), pages), "{filter}");
        }
        // What is not shown takes no room.
        let names = acme.get("/Users?attributes=userName");
        assert_eq!(ids(&names), users);
        let search = acme.scim("POST", "/.search", &json!({ "startIndex": count })).json();
        assert_eq!(ids(&search), users[count - 1..]);
    }
}

#[test]
fn a_filter_is_asked_of_all_that_an_index_finds_however_large_they_are() {
    let mut acme = Acme::new();
    let create = |number: usize| {
        let (name, title) = (format!("u{number}"), "x".repeat(limits::RESOURCE_BYTES - 1_000));
        acme.post("/Users", &json!({ "userName": name, "title": title, "displayName": "same" }))
    };
    let users = texts(&(0..5).map(create).collect(), "id");
    for more in ["meta.created pr", "meta.version eq \"W/\\\"1\\\"\"", "not (groups pr)"] {
        let filter = format!("displayName eq \"same\" and {more}");
        assert_eq!(walk(&mut acme, "/Users", &filter), (users.clone(), 5), "{filter}");
    }
}

#[test]
fn groups_that_are_gone_do_not_hide_those_behind_them() {
    let mut acme = Acme::new();
    let ada = acme.user("ada");
    let groups: Vec<String> =
        (0..=limits::SCAN_STEP).map(|_| acme.group("crew", &[&ada])).collect();
    for id in &groups[..limits::SCAN_STEP] {
        acme.delete(&format!("/Groups/{id}"));
    }
    for more in ["", " and displayName pr", " and meta.created pr"] {
        let filter = format!("members.value eq \"{ada}\"{more}");
        assert_eq!(acme.found("/Groups", &filter), groups[limits::SCAN_STEP..], "{filter}");
    }
}

#[test]
fn a_page_of_large_groups_is_cut_and_tells_so() {
    let mut acme = Acme::new();
    let users = acme.populate(5_000);
    let members: Vec<&str> = users.iter().map(String::as_str).collect();
    let groups = [(); 3].map(|()| acme.group("large", &members)).to_vec();
    for filter in ["", r#"displayName eq "large""#] {
        assert_eq!(walk(&mut acme, "/Groups", filter), (groups.clone(), 3), "{filter}");
    }
    assert_eq!(ids(&acme.get("/Groups?excludedAttributes=members")), groups);
}
