//! A replica that is made of a snapshot and the feed is the tenant in the end, whatever happens while it
//! is made: nothing is missed, and nothing that is heard twice does harm.

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::vec;
use proptest::prelude::{ProptestConfig, prop_assert_eq, proptest};
use serde_json::{Value, json};

use crate::access_laws::{Step, World, step};
use crate::support::Acme;

/// What somebody knows of a tenant who asks for nothing but the snapshot, the feed, and resources that
/// events name.
#[derive(Debug, Default, Eq, PartialEq)]
struct Replica {
    resources: BTreeMap<String, (String, Value)>,
    members: BTreeSet<(String, String)>,
    grants: BTreeMap<String, BTreeSet<String>>,
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

fn list(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_default()
}

/// A resource without what depends on others, or on who asks.
fn bare(mut document: Value) -> Value {
    let fields = document.as_object_mut().expect("an object");
    for name in ["schemas", "meta", "groups", "members", "urn:muster:scim:1.0:User"] {
        fields.remove(name);
    }
    document
}

/// A grant as a fact: whether the group is there that it names, is none of it.
fn grant(mut grant: Value) -> String {
    grant.as_object_mut().expect("a grant").remove("missing");
    grant.to_string()
}

impl Replica {
    fn show(&mut self, item: &Value) {
        let id = text(&item["id"]);
        for member in list(&item["members"]) {
            self.members.insert((id.clone(), text(&member)));
        }
        if let Some(document) = item.get("document") {
            let kind = text(&item["resourceType"]);
            self.resources.insert(id.clone(), (kind, bare(document.clone())));
        }
        if let Some(access) = item.get("access") {
            self.grants.insert(id, list(&access["grants"]).into_iter().map(grant).collect());
        }
    }

    fn follow(&mut self, acme: &mut Acme, event: &Value) {
        let data = &event["data"];
        let (id, kind) = (text(&data["id"]), text(&data["resourceType"]));
        match event["type"].as_str().expect("a type") {
            "group.member.added" => {
                let members = list(&data["members"]).into_iter();
                self.members.extend(members.map(|member| (id.clone(), text(&member))));
            }
            "group.member.removed" => {
                for member in list(&data["members"]) {
                    self.members.remove(&(id.clone(), text(&member)));
                }
            }
            "user.deleted" | "group.deleted" => self.forget(&id),
            "user.access.changed" => {
                let held = self.grants.entry(id).or_default();
                for gone in list(&data["revoked"]).into_iter().chain(list(&data["cascaded"])) {
                    held.remove(&grant(gone));
                }
                held.extend(list(&data["granted"]).into_iter().map(grant));
            }
            _ if kind == "User" || kind == "Group" => self.read(acme, &id, kind),
            _ => {}
        }
    }

    /// Reads a resource that an event names. Of one that is gone a later event tells.
    fn read(&mut self, acme: &mut Acme, id: &str, kind: String) {
        let reply = acme.scim("GET", &format!("/{kind}s/{id}"), &Value::Null);
        if reply.status == 200 {
            self.resources.insert(id.to_owned(), (kind, bare(reply.json())));
        }
    }

    fn forget(&mut self, id: &str) {
        self.resources.remove(id);
        self.grants.remove(id);
        self.members.retain(|(group, member)| group != id && member != id);
    }

    /// What the tenant itself says, asked by other ways.
    fn of(acme: &mut Acme) -> Self {
        let mut all = Self::default();
        for (path, kind) in [("/Users", "User"), ("/Groups", "Group")] {
            for resource in list(&acme.list(path, &[("count", "1000")])["Resources"]) {
                let id = text(&resource["id"]);
                for member in list(&resource["members"]) {
                    all.members.insert((id.clone(), text(&member["value"])));
                }
                if kind == "User" {
                    let grants = list(&acme.access(&id)["grants"]).into_iter().map(grant);
                    all.grants.insert(id.clone(), grants.collect());
                }
                all.resources.insert(id, (kind.to_owned(), bare(resource)));
            }
        }
        all
    }

    /// Follows the feed from a place to its end.
    fn catch_up(&mut self, acme: &mut Acme, mut after: String) {
        loop {
            let page = acme.admin("GET", &format!("/events?limit=7&after={after}"), &Value::Null);
            let page = page.json();
            list(&page["items"]).iter().for_each(|event| self.follow(acme, event));
            let Some(next) = page["next"].as_str() else { break };
            next.clone_into(&mut after);
        }
        // Whose grants end with the user, or were none.
        let known = &self.resources;
        self.grants.retain(|id, _| known.contains_key(id));
        for (id, (kind, _)) in known {
            if kind == "User" {
                self.grants.entry(id.clone()).or_default();
            }
        }
    }
}

/// Reads a snapshot page by page while a history goes on; the replica, and the place.
fn bootstrap(
    world: &mut World,
    limit: usize,
    steps: &mut impl Iterator<Item = Step>,
) -> (Replica, String) {
    let (mut replica, mut cursor) = (Replica::default(), String::new());
    loop {
        let path = format!("/snapshot?limit={limit}&cursor={cursor}");
        let page = world.acme.admin("GET", &path, &Value::Null).json();
        list(&page["items"]).iter().for_each(|item| replica.show(item));
        steps.by_ref().take(2).for_each(|step| world.take(step));
        let Some(next) = page["next"].as_str() else {
            return (replica, page["seq"].to_string());
        };
        next.clone_into(&mut cursor);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn a_replica_is_the_tenant_in_the_end(
        before in vec(step(), 0..12),
        during in vec(step(), 0..40),
        limit in 1..6_usize,
    ) {
        let mut world = World::new();
        before.into_iter().for_each(|step| world.take(step));
        let mut during = during.into_iter();
        let (mut replica, seq) = bootstrap(&mut world, limit, &mut during);
        during.for_each(|step| world.take(step));
        world.acme.alarms();
        replica.catch_up(&mut world.acme, seq.clone());
        prop_assert_eq!(&replica, &Replica::of(&mut world.acme));
        // Heard again, all of it changes nothing.
        replica.catch_up(&mut world.acme, seq);
        prop_assert_eq!(&replica, &Replica::of(&mut world.acme));
    }
}

#[test]
fn a_replica_follows_who_is_deleted_returns_and_is_forgotten() {
    let mut world = World::new();
    let acme = &mut world.acme;
    acme.policy(&json!({ "deprovision": { "retain": "P30D", "relink": "always" } }));
    let body = json!({ "userName": "back", "active": true });
    let back = acme.post("/Users", &body)["id"].as_str().expect("an id").to_owned();
    let gone = acme.user("gone");
    let crew = acme.group("crew", &[&back, &gone]);
    let (mut replica, seq) = bootstrap(&mut world, 2, &mut std::iter::empty());
    let acme = &mut world.acme;
    let title = json!([{ "op": "replace", "path": "title", "value": "Poet" }]);
    acme.patch(&format!("/Users/{gone}"), &title);
    acme.delete(&format!("/Users/{back}"));
    acme.delete(&format!("/Users/{gone}"));
    assert_eq!(acme.post("/Users", &body)["id"], back.as_str());
    let add = json!([{ "op": "add", "path": "members", "value": [{ "value": back }] }]);
    acme.patch(&format!("/Groups/{crew}"), &add);
    acme.wait(31 * 86_400);
    acme.settle();
    let told = acme.admin("GET", &format!("/events?after={seq}"), &Value::Null).json();
    let is_erased = |event: &Value| event["data"]["erased"] == true;
    assert!(list(&told["items"]).iter().any(is_erased), "the log has forgotten somebody");
    replica.catch_up(acme, seq);
    assert_eq!(replica, Replica::of(acme));
    assert!(replica.members.contains(&(crew, back)));
}
