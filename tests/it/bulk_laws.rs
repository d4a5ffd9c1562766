//! Laws of Bulk, on generated requests: the order is one in which every reference can be resolved,
//! and what is left is what the operations leave when they are sent one by one in that order.

use std::collections::{BTreeMap, BTreeSet};

use muster::limits;
use muster::scim::bulk::{BulkRequest, Step};
use muster::scim::compat::Compat;
use muster::scim::urn;
use muster::store::Sql as _;
use proptest::collection::{btree_set, vec};
use proptest::prelude::{Strategy, any, prop_assert, prop_assert_eq, proptest};
use proptest::sample::Index;
use proptest::test_runner::Config;
use serde_json::{Value, json};

use crate::bulk::{bulk_request, group, id_of, post};
use crate::steps::{patch_op, texts};
use crate::support::Acme;

/// What each operation refers to, by places in the request.
pub(crate) type Edges = Vec<BTreeSet<usize>>;

fn edges() -> impl Strategy<Value = Edges> {
    (1_usize..12).prop_flat_map(|count| vec(btree_set(0..count, 0..4), count))
}

/// The order of POSTs that refer to each other.
fn steps(edges: &[BTreeSet<usize>]) -> Vec<Step> {
    let posts = edges.iter().enumerate().map(|(place, to)| {
        let named: Vec<String> = to.iter().map(|to| format!("bulkId:{to}")).collect();
        post("/Groups", &place.to_string(), json!({ "members": named }))
    });
    let Value::Object(body) = bulk_request(&posts.collect()) else { panic!("an object") };
    BulkRequest::parse(body, &Compat::STRICT).expect("a request").steps()
}

/// What can be reached from where.
fn reach(edges: &[BTreeSet<usize>], from: usize) -> BTreeSet<usize> {
    let mut reached = BTreeSet::new();
    let mut left: Vec<usize> = edges[from].iter().copied().collect();
    while let Some(place) = left.pop() {
        if reached.insert(place) {
            left.extend(&edges[place]);
        }
    }
    reached
}

/// The order of a request by its definition: each in its place, behind what it refers to.
fn in_order(edges: &[BTreeSet<usize>]) -> Vec<usize> {
    fn visit(place: usize, edges: &[BTreeSet<usize>], order: &mut Vec<usize>) {
        if !order.contains(&place) {
            edges[place].iter().for_each(|to| visit(*to, edges, order));
            order.push(place);
        }
    }
    let mut order = Vec::new();
    (0..edges.len()).for_each(|place| visit(place, edges, &mut order));
    order
}

#[test]
fn a_request_runs_in_the_order_that_its_references_ask_for() {
    use Step::{Circle, One};
    for (edges, expected) in [
        (vec![vec![], vec![], vec![]], vec![One(0), One(1), One(2)]),
        (vec![vec![2], vec![], vec![]], vec![One(2), One(0), One(1)]),
        (vec![vec![3, 1], vec![2], vec![], vec![]], vec![One(2), One(1), One(3), One(0)]),
        (vec![vec![0]], vec![Circle(vec![0])]),
        (vec![vec![1], vec![0]], vec![Circle(vec![0, 1])]),
        (vec![vec![3], vec![], vec![0, 1], vec![2]], vec![One(1), Circle(vec![0, 2, 3])]),
        (vec![vec![1], vec![2], vec![1], vec![0]], vec![Circle(vec![1, 2]), One(0), One(3)]),
    ] {
        let edges: Edges = edges.into_iter().map(BTreeSet::from_iter).collect();
        assert_eq!(steps(&edges), expected, "{edges:?}");
    }
    let most = limits::BULK_OPERATIONS;
    let chain: Edges = (1..most).map(|to| BTreeSet::from([to])).chain([BTreeSet::new()]).collect();
    assert!(steps(&chain).into_iter().eq((0..most).rev().map(One)));
    let ring: Edges = (0..most).map(|place| BTreeSet::from([(place + 1) % most])).collect();
    assert_eq!(steps(&ring), [Circle((0..most).collect())]);
    let all: Edges = vec![(0..300).collect(); 300];
    assert_eq!(steps(&all), [Circle((0..300).collect())]);
}

/// One operation of a request, whose references go where `edges` says.
pub(crate) fn operation(
    place: usize,
    kind: Index,
    to: &BTreeSet<usize>,
    posts: &BTreeSet<usize>,
) -> Value {
    let name = place.to_string();
    let to: Vec<&usize> = to.iter().collect();
    let named: Vec<Value> =
        to.iter().map(|to| json!({ "value": format!("bulkId:{to}") })).collect();
    let of = to.first().map_or("/Groups/none".to_owned(), |to| format!("/Groups/bulkId:{to}"));
    let body = json!({ "displayName": format!("by {place}"), "members": named });
    match (posts.contains(&place), kind.index(6)) {
        // Some names are taken, so that operations fail and take others along.
        (true, kind @ 0..2) => {
            let user_name = if kind == 0 { "x" } else { &name };
            post("/Users", &name, json!({ "userName": user_name, "emails": named }))
        }
        (true, _) => post("/Groups", &name, body),
        (false, 0) => json!({ "method": "DELETE", "path": of }),
        (false, 1 | 2) => json!({ "method": "PUT", "path": of, "data": body }),
        (false, _) => {
            let add = json!([{ "op": "add", "path": "members", "value": named }]);
            json!({ "method": "PATCH", "path": of, "data": patch_op(&add) })
        }
    }
}

/// A text with ids in place of references; `None` where one is to nothing.
fn resolved(text: &str, ids: &BTreeMap<String, String>) -> Option<String> {
    let mut parts = text.split("bulkId:");
    let mut whole = parts.next()?.to_owned();
    for part in parts {
        let end = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
        whole += &format!("{}{}", ids.get(&part[..end])?, &part[end..]);
    }
    Some(whole)
}

proptest! {
    #![proptest_config(Config { failure_persistence: None, cases: 128, ..Config::default() })]

    #[test]
    fn what_an_operation_refers_to_comes_before_it_or_in_one_circle_with_it(edges in edges()) {
        let mut before = BTreeSet::new();
        for step in steps(&edges) {
            let places: BTreeSet<usize> = step.places().iter().copied().collect();
            for place in &places {
                prop_assert!(edges[*place].iter().all(|to| before.contains(to) || places.contains(to)));
                let circular = reach(&edges, *place);
                prop_assert!(matches!(step, Step::One(_)) != circular.contains(place));
                prop_assert!(places.len() == 1 || places.is_subset(&circular));
            }
            before.extend(places);
        }
        prop_assert_eq!(before, (0..edges.len()).collect());
    }

    #[test]
    fn a_request_leaves_what_its_operations_leave_one_by_one(
        edges in edges(),
        ranks in vec(any::<u8>(), 12),
        kinds in vec(any::<Index>(), 12),
        posts in btree_set(0_usize..12, 4..12),
    ) {
        // Without circles: references go up in rank, to POSTs.
        let rank = |place: usize| (ranks[place], place);
        let edges: Edges = edges.iter().enumerate().map(|(place, to)| {
            let up = |to: &&usize| rank(**to) > rank(place) && posts.contains(*to);
            // A DELETE refers to what it deletes, and to nothing else.
            let deletes = !posts.contains(&place) && kinds[place].index(6) == 0;
            let most = if deletes { 1 } else { to.len() };
            to.iter().filter(up).take(most).copied().collect()
        }).collect();
        let operations: Vec<Value> = edges.iter().enumerate()
            .map(|(place, to)| operation(place, kinds[place], to, &posts)).collect();
        let (mut one, mut other) = (Acme::new(), Acme::new());
        let answers = one.bulk(&json!(operations));
        let mut ids = BTreeMap::new();
        for place in in_order(&edges) {
            let Some(text) = resolved(&operations[place].to_string(), &ids) else {
                prop_assert_eq!(&answers[place]["status"], "409");
                continue;
            };
            let sent: Value = serde_json::from_str(&text).unwrap();
            let text = |name: &str| sent[name].as_str().unwrap_or_default().to_owned();
            let reply = other.scim(&text("method"), &text("path"), &sent["data"]);
            prop_assert_eq!(&answers[place]["status"], &reply.status.to_string(), "{}", sent);
            if reply.status == 201 {
                let id = reply.json()["id"].as_str().unwrap().to_owned();
                prop_assert_eq!(id_of(&answers[place]), id.as_str());
                ids.insert(text("bulkId"), id);
            }
            if reply.status >= 400 {
                prop_assert_eq!(&answers[place]["response"], &reply.json());
            } else if let Some(etag) = reply.headers.get("etag") {
                prop_assert_eq!(&answers[place]["version"], etag);
            }
        }
        // Salts are of the lots that each request draws.
        [&mut one, &mut other].into_iter().for_each(Acme::unchain);
        prop_assert_eq!(one.dump(), other.dump());
        prop_assert_eq!(one.get("/Groups"), other.get("/Groups"));
    }

    #[test]
    fn circles_leave_what_groups_leave_that_are_filled_one_by_one(edges in edges()) {
        let edges: Edges = edges.iter().enumerate()
            .map(|(place, to)| to.iter().filter(|to| **to != place).copied().collect()).collect();
        let names: Vec<String> = (0..edges.len()).map(|place| place.to_string()).collect();
        let groups = edges.iter().enumerate().map(|(place, to)| {
            group(&names[place], &to.iter().map(|to| names[*to].as_str()).collect::<Vec<_>>())
        });
        let mut acme = Acme::new();
        let before = acme.events().len();
        let answers = acme.bulk(&groups.collect());
        let ids: Vec<String> = answers.iter().map(id_of).collect();
        for (place, to) in edges.iter().enumerate() {
            prop_assert_eq!((&answers[place]["status"], &answers[place]["version"]), (&json!("201"), &json!("W/\"1\"")));
            let shown = acme.get(&format!("/Groups/{}", ids[place]));
            let members: BTreeSet<String> = texts(&shown["members"], "value").into_iter().collect();
            prop_assert_eq!(members, to.iter().map(|to| ids[*to].clone()).collect());
            prop_assert_eq!(&shown["meta"]["version"], "W/\"1\"");
        }
        let mut told: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for event in &acme.events()[before..] {
            let id = event["data"]["id"].as_str().unwrap().to_owned();
            if event["type"] == "group.created" {
                prop_assert!(told.insert(id, BTreeSet::new()).is_none());
            } else {
                let members = event["data"]["members"].as_array().unwrap().iter();
                let members = members.map(|id| id.as_str().unwrap().to_owned()).collect::<Vec<_>>();
                prop_assert!(members.iter().all(|id| told.contains_key(id)), "told before it was there");
                prop_assert!(told.get_mut(&id).unwrap().is_empty(), "told at once");
                told.insert(id, members.into_iter().collect());
            }
        }
        let expected = edges.iter().enumerate()
            .map(|(place, to)| (ids[place].clone(), to.iter().map(|to| ids[*to].clone()).collect()));
        prop_assert_eq!(told, expected.collect());
        let counted = acme.sql.query("SELECT sum(members) FROM resources", &[]).unwrap();
        prop_assert_eq!(counted[0].integer(0).unwrap(), acme.rows("members"));
        prop_assert_eq!(acme.rows("members") as usize, edges.iter().map(BTreeSet::len).sum::<usize>());
    }
}

#[test]
fn as_many_as_a_request_may_hold_are_made_in_a_circle() {
    let mut acme = Acme::new();
    let most = limits::BULK_OPERATIONS;
    let ring = (0..most).map(|place| {
        let next = ((place + 1) % most).to_string();
        json!({ "method": "POST", "path": "/Groups", "bulkId": place.to_string(),
            "data": { "schemas": [urn::GROUP], "displayName": "g", "members": [{ "value": format!("bulkId:{next}") }] } })
    });
    let answers = acme.bulk(&ring.collect());
    assert!(answers.iter().all(|answer| answer["status"] == "201"));
    assert_eq!((acme.rows("resources"), acme.rows("members")), (most as i64, most as i64));
}
