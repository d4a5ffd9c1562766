//! Laws of access: whatever happened, computing it anew finds nothing different, the events replay to
//! what rows say, users are members by mappings of the groups that they are granted, and a guarded role
//! has holders.

use std::collections::{BTreeMap, BTreeSet};

use muster::store::Sql as _;
use proptest::prelude::{
    Just, ProptestConfig, Strategy, prop_assert, prop_assert_eq, prop_oneof, proptest,
};
use serde_json::{Value, json};

use crate::access_policies::{POLICIES, policy};
use crate::steps::patch_op;
use crate::support::Acme;

const USERS: usize = 4;
const GROUPS: usize = 3;

/// One step of a history.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Member(&'static str, usize, usize, bool),
    Nest(usize, usize),
    Rename(usize, &'static str),
    Kind(usize, &'static str),
    Remake(usize, &'static str),
    Active(usize, bool, bool),
    Title(usize, &'static str, bool),
    Delete(usize, bool),
    Again(usize),
    Decide(usize, &'static str),
    Release(&'static str),
    Suspend(usize, &'static str),
    Grant(usize, &'static str, bool),
    Link(usize, bool),
    State(&'static str),
    Source(Option<&'static str>),
    Policy(usize),
    Sleep,
}

fn name() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just("A"), Just("a"), Just("B"), Just("C")]
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
    let title = prop_oneof![Just("Lead"), Just("lead"), Just("")];
    prop_oneof![
        6 => (prop_oneof![Just("add"), Just("remove")], 0..GROUPS, 0..USERS, proptest::bool::ANY)
            .prop_map(|(op, group, user, pushed)| Step::Member(op, group, user, pushed)),
        1 => (0..GROUPS, 0..GROUPS).prop_map(|(outer, inner)| Step::Nest(outer, inner)),
        1 => (0..GROUPS, name()).prop_map(|(group, name)| Step::Rename(group, name)),
        1 => (0..GROUPS, prop_oneof![Just("app"), Just("role")])
            .prop_map(|(group, kind)| Step::Kind(group, kind)),
        1 => (0..GROUPS, name()).prop_map(|(group, name)| Step::Remake(group, name)),
        4 => (0..USERS, proptest::bool::ANY, proptest::bool::ANY)
            .prop_map(|(user, on, pushed)| Step::Active(user, on, pushed)),
        3 => (0..USERS, title, proptest::bool::ANY)
            .prop_map(|(user, title, pushed)| Step::Title(user, title, pushed)),
        2 => (0..USERS, proptest::bool::ANY).prop_map(|(user, pushed)| Step::Delete(user, pushed)),
        2 => (0..2 * USERS).prop_map(Step::Again),
        4 => (0..USERS, prop_oneof![Just("approve"), Just("reject"), Just("retry")])
            .prop_map(|(change, action)| Step::Decide(change, action)),
        1 => prop_oneof![Just("approve"), Just("reject")].prop_map(Step::Release),
        1 => (0..USERS, prop_oneof![Just("suspend"), Just("restore")])
            .prop_map(|(user, action)| Step::Suspend(user, action)),
        2 => (0..USERS, prop_oneof![Just("r1"), Just("hand")], proptest::bool::ANY)
            .prop_map(|(user, role, on)| Step::Grant(user, role, on)),
        2 => (0..USERS, proptest::bool::ANY).prop_map(|(user, on)| Step::Link(user, on)),
        1 => prop_oneof![Just("activate"), Just("disable")].prop_map(Step::State),
        1 => prop_oneof![Just(Some("local")), Just(Some("idp")), Just(None)].prop_map(Step::Source),
        3 => (0..POLICIES).prop_map(Step::Policy),
        1 => Just(Step::Sleep),
    ]
}

/// A tenant with a history.
pub(crate) struct World {
    pub(crate) acme: Acme,
    key: String,
    users: Vec<String>,
    groups: Vec<String>,
    /// Those who were deleted, or are to be.
    left: Vec<String>,
    made: usize,
}

impl World {
    pub(crate) fn new() -> Self {
        let mut acme = Acme::new();
        acme.policy(&policy(0));
        let key = acme.connection_key("okta", "pending");
        let groups = ["A", "B", "C"].map(|name| acme.group(name, &[])).to_vec();
        let mut world = Self { acme, key, users: Vec::new(), groups, left: Vec::new(), made: 0 };
        for _ in 0..USERS {
            let user = world.user();
            world.users.push(user);
        }
        world
    }

    /// A new user, of the connection or of nobody by turns.
    fn user(&mut self) -> String {
        self.made += 1;
        let title = if self.made.is_multiple_of(2) { "Lead" } else { "x" };
        let body = json!({ "userName": format!("u{}", self.made), "title": title, "active": true });
        match self.made % 3 {
            0 => self.acme.made("/Users", &body),
            _ => self.acme.pushed(&self.key.clone(), &body),
        }
    }

    pub(crate) fn take(&mut self, step: Step) {
        let acme = &mut self.acme;
        let patch =
            |path: &str, value: Value| json!([{ "op": "replace", "path": path, "value": value }]);
        match step {
            // What is hidden, nobody's, or guarded is refused.
            Step::Active(user, on, pushed) => {
                let key = if pushed { self.key.clone() } else { acme.key.clone() };
                let body = patch_op(&patch("active", json!(on)));
                acme.scim_with("PATCH", &format!("/Users/{}", self.users[user]), &body, &key, &[]);
            }
            Step::Title(user, title, pushed) => {
                let key = if pushed { self.key.clone() } else { acme.key.clone() };
                let body = patch_op(&patch("title", json!(title)));
                acme.scim_with("PATCH", &format!("/Users/{}", self.users[user]), &body, &key, &[]);
            }
            Step::Delete(user, pushed) => {
                let key = if pushed { self.key.clone() } else { acme.key.clone() };
                let path = format!("/Users/{}", self.users[user]);
                if acme.scim_with("DELETE", &path, &Value::Null, &key, &[]).status == 204 {
                    self.left.push(self.users[user].clone());
                    self.users[user] = self.user();
                }
            }
            Step::Again(number) => {
                let body =
                    json!({ "userName": format!("u{}", number % self.made + 1), "active": true });
                acme.scim_with("POST", "/Users", &body, &self.key.clone(), &[]);
            }
            Step::Grant(user, role, true) => {
                acme.admin(
                    "POST",
                    &format!("/users/{}/grants", self.users[user]),
                    &json!({ "role": role }),
                );
            }
            Step::Grant(user, role, false) => {
                let path = format!("/users/{}/grants?role={role}", self.users[user]);
                acme.admin("DELETE", &path, &Value::Null);
            }
            Step::Link(user, on) => {
                let action = if on { "link" } else { "unlink" };
                let path = format!("/users/{}/{action}", self.users[user]);
                acme.admin("POST", &path, &json!({ "connection": "okta" }));
            }
            Step::State(action) => {
                let active = acme.admin("GET", "/connections/okta", &Value::Null).json()["state"]
                    == "active";
                // Once it is disabled its keys open nothing.
                let path = format!("/connections/okta/{action}");
                if action == "activate" || active {
                    acme.admin("POST", &path, &Value::Null);
                    acme.admin("POST", "/connections/okta/activate", &Value::Null);
                }
            }
            Step::Source(source) => {
                let body = json!({ "groupSource": source });
                acme.admin("PATCH", "/connections/okta", &body);
            }
            Step::Policy(number) => drop(acme.admin("PUT", "/policies", &policy(number))),
            Step::Sleep => acme.sleep(),
            other => self.regroup(other),
        }
    }

    /// What is done to groups.
    fn regroup(&mut self, step: Step) {
        let acme = &mut self.acme;
        let patch =
            |path: &str, value: Value| json!([{ "op": "replace", "path": path, "value": value }]);
        match step {
            Step::Member(op, group, user, pushed) => {
                let value = json!([{ "value": self.users[user] }]);
                let body = patch_op(&json!([{ "op": op, "path": "members", "value": value }]));
                let path = format!("/Groups/{}", self.groups[group]);
                let key = if pushed { self.key.clone() } else { acme.key.clone() };
                acme.scim_with("PATCH", &path, &body, &key, &[]);
            }
            Step::Nest(outer, inner) if outer != inner => {
                let (outer, inner) = (self.groups[outer].clone(), self.groups[inner].clone());
                let value = json!([{ "value": inner }]);
                let body = patch_op(&json!([{ "op": "add", "path": "members", "value": value }]));
                acme.scim("PATCH", &format!("/Groups/{outer}"), &body);
            }
            Step::Nest(..) => {}
            Step::Rename(group, name) => {
                let body = patch_op(&patch("displayName", json!(name)));
                acme.scim("PATCH", &format!("/Groups/{}", self.groups[group]), &body);
            }
            Step::Kind(group, kind) => {
                let path = format!("/Groups/{}", self.groups[group]);
                acme.patch(&path, &patch("urn:muster:scim:1.0:Group:kind", json!(kind)));
            }
            Step::Remake(group, name) => {
                let path = format!("/Groups/{}", self.groups[group]);
                // A guard may demand what the group grants.
                if acme.scim("DELETE", &path, &Value::Null).status == 204 {
                    self.groups[group] = acme.group(name, &[]);
                }
            }
            decision => self.decide(decision),
        }
    }

    /// What an administrator decides.
    fn decide(&mut self, step: Step) {
        let acme = &mut self.acme;
        match step {
            Step::Decide(number, action) => {
                if let Some(change) = acme.changes("").get(number) {
                    acme.decide(change["id"].as_str().unwrap(), action);
                }
            }
            Step::Release(action) => {
                let body = json!({ "connection": "okta" });
                acme.admin("POST", &format!("/changes/{action}"), &body);
            }
            Step::Suspend(user, action) => {
                let path = format!("/users/{}/{action}", self.users[user]);
                acme.admin("POST", &path, &Value::Null);
            }
            _ => {}
        }
    }

    /// That users are members by mappings of the groups that they are granted and of no others.
    fn check_joined(&mut self) {
        let groups: Vec<Value> =
            self.groups.clone().iter().map(|id| self.acme.get(&format!("/Groups/{id}"))).collect();
        let is_app = |group: &Value| group["urn:muster:scim:1.0:Group"]["kind"] == "app";
        for user in self.users.clone() {
            let access = self.acme.access(&user);
            let grants = access["grants"].as_array().unwrap();
            for group in &groups {
                let is_called = |other: &&Value| other["displayName"] == group["displayName"];
                let is_meant = is_app(group) || !groups.iter().filter(is_called).any(is_app);
                let granted = grants.iter().any(|grant| grant["group"] == group["displayName"]);
                let members = group["members"].as_array().into_iter().flatten();
                let by_mapping = members
                    .filter(|one| one["value"] == user.as_str())
                    .any(|one| one["origin"].as_array().unwrap().contains(&json!("mapping")));
                assert_eq!(by_mapping, granted && is_meant, "{user} in {group}: {access}");
            }
        }
    }

    /// The members of each group, and those that events say.
    fn members(&mut self) -> [BTreeMap<String, BTreeSet<String>>; 2] {
        let ids = |list: &Value| -> Vec<String> {
            let list = list.as_array().into_iter().flatten();
            list.map(|id| id.as_str().unwrap().to_owned()).collect()
        };
        let mut replayed: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for event in self.acme.events() {
            let (data, members) = (&event["data"], ids(&event["data"]["members"]));
            let id = data["id"].as_str().unwrap_or_default().to_owned();
            match event["type"].as_str().unwrap_or_default() {
                "group.member.added" => {
                    let group = replayed.entry(id).or_default();
                    members.into_iter().for_each(|one| assert!(group.insert(one), "{event}"));
                }
                "group.member.removed" => {
                    let group = replayed.entry(id).or_default();
                    members.iter().for_each(|one| assert!(group.remove(one), "{event}"));
                }
                "group.deleted" | "user.deleted" => {
                    replayed.remove(&id);
                    for group in replayed.values_mut() {
                        group.remove(&id);
                    }
                }
                _ => {}
            }
        }
        replayed.retain(|_, members| !members.is_empty());
        let mut there = BTreeMap::new();
        for id in self.groups.clone() {
            let group = self.acme.get(&format!("/Groups/{id}"));
            let members = group["members"].as_array().into_iter().flatten();
            let members: BTreeSet<String> =
                members.map(|one| one["value"].as_str().unwrap().to_owned()).collect();
            there.insert(id, members);
        }
        there.retain(|_, members| !members.is_empty());
        [there, replayed]
    }

    /// How many hold the role that a guard keeps, where one does.
    fn guarded(&mut self) -> Option<i64> {
        let policies = self.acme.admin("GET", "/policies", &Value::Null).json();
        policies["guards"].as_array()?.first()?;
        let statement =
            "SELECT count(DISTINCT pos) FROM grants WHERE held = 1 AND role = 'r2' AND scope <> ''";
        let rows = self.acme.sql.query(statement, &[]).unwrap();
        Some(rows[0].integer(0).unwrap())
    }

    /// What events say that each user holds.
    fn replayed(&mut self) -> BTreeMap<String, BTreeSet<String>> {
        let mut held: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for event in self.acme.events() {
            let data = &event["data"];
            let id = data["id"].as_str().unwrap_or_default().to_owned();
            let list = |name: &str| data[name].as_array().cloned().unwrap_or_default();
            match event["type"].as_str().unwrap_or_default() {
                "user.deleted" => drop(held.remove(&id)),
                "user.access.changed" => {
                    let held = held.entry(id).or_default();
                    for grant in list("revoked").iter().chain(&list("cascaded")) {
                        assert!(held.remove(&grant.to_string()), "{grant} was not held");
                    }
                    for grant in list("granted") {
                        assert!(held.insert(grant.to_string()), "{grant} was held");
                    }
                }
                _ => {}
            }
        }
        held
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn computing_anew_finds_nothing_different(steps in proptest::collection::vec(step(), 1..30)) {
        let mut world = World::new();
        for step in steps {
            let before = world.guarded();
            world.take(step.clone());
            if let Some((before, after)) = before.zip(world.guarded()) {
                prop_assert!(after >= before.min(1), "after {:?} nobody holds it", step);
            }
            let reply = world.acme.admin("POST", "/recompute?dryRun=true", &Value::Null).json();
            prop_assert_eq!(&reply["differences"], &json!([]), "after {:?}", step);
        }
        world.check_joined();
        let [members, told] = world.members();
        prop_assert_eq!(members, told);
        let mut replayed = world.replayed();
        for user in world.users.clone().into_iter().chain(world.left.clone()) {
            if world.acme.admin("GET", &format!("/users/{user}/access"), &Value::Null).status == 404 {
                continue;
            }
            let mut grants = world.acme.access(&user)["grants"].clone();
            for grant in grants.as_array_mut().unwrap() {
                grant.as_object_mut().unwrap().remove("missing"); // It is no fact of the user's.
            }
            let held: BTreeSet<String> = grants.as_array().unwrap().iter().map(Value::to_string).collect();
            prop_assert_eq!(replayed.remove(&user).unwrap_or_default(), held);
        }
    }

    /// Copies for the edge follow, whatever happened, however far they came in between, and however often
    /// KV has failed.
    #[test]
    fn copies_answer_what_the_tenant_would(
        steps in proptest::collection::vec((step(), proptest::option::of(0..6_usize), 0..4_usize), 1..30),
    ) {
        let mut world = World::new();
        world.acme.edge_reads(true);
        for (step, fails_after, copied) in steps {
            world.take(step);
            world.acme.kv.fails_after = fails_after;
            for _ in 0..copied {
                world.acme.wait(1_000);
                world.acme.copy(world.acme.now);
            }
        }
        world.acme.kv.fails_after = None;
        world.acme.get("/Users?count=0"); // Which wakes it, as its alarm would.
        world.acme.settle();
        world.acme.check_copies();
    }
}
