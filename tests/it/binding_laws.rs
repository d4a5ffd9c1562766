//! Laws of members that are named before they are there, on generated requests: in whatever order
//! names and users appear, a name that a user has is the user, and the log tells the same.

use std::collections::{BTreeMap, BTreeSet};

use muster::store::Sql as _;
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_assert_eq, prop_oneof, proptest};
use proptest::test_runner::{Config, TestCaseError};
use serde_json::{Value, json};

use crate::steps::{follow, patch_op, texts};
use crate::support::Acme;

/// A name, and whether it is written in capitals.
type Text = (usize, bool);

/// What happens.
#[derive(Clone, Debug)]
enum Step {
    Add(Vec<Text>),
    Remove(Vec<Text>),
    Replace(Vec<Text>),
    Create(Text),
    Rename(usize, Text),
    Delete(usize),
    Alarm,
    Sleep,
}

const NAMES: usize = 4;

fn step() -> impl Strategy<Value = Step> {
    let text = || (0..NAMES, any::<bool>());
    let list = move || vec(text(), 0..4);
    prop_oneof![
        4 => list().prop_map(Step::Add),
        3 => list().prop_map(Step::Remove),
        1 => list().prop_map(Step::Replace),
        4 => text().prop_map(Step::Create),
        3 => (0..NAMES, text()).prop_map(|(from, to)| Step::Rename(from, to)),
        2 => (0..NAMES).prop_map(Step::Delete),
        1 => Just(Step::Alarm),
        1 => Just(Step::Sleep),
    ]
}

fn written((name, capitals): Text) -> String {
    if capitals { format!("N{name}") } else { format!("n{name}") }
}

/// A group, the users by their names, and what the group should show and does by the log.
struct Group {
    acme: Acme,
    key: String,
    path: String,
    users: BTreeMap<usize, String>,
    members: BTreeSet<String>,
    told: BTreeSet<String>,
    events: usize,
    /// How many texts the log tells of.
    sent: i64,
}

impl Group {
    fn new() -> Self {
        let mut acme = Acme::new();
        let key = acme.connect("onelogin");
        let path = format!("/Groups/{}", acme.group("crew", &[]));
        let events = acme.events().len();
        let (users, members, told) = Default::default();
        Self { acme, key, path, users, members, told, events, sent: 0 }
    }

    /// What a text is shown as.
    fn shown(&self, text: Text) -> String {
        self.users.get(&text.0).cloned().unwrap_or_else(|| written(text))
    }

    /// A user has a name: the texts that were it are the user.
    fn named(&mut self, name: usize, id: String) {
        let before = self.members.len();
        self.members.retain(|text| text.to_lowercase() != format!("n{name}"));
        if self.members.len() < before {
            self.members.insert(id.clone());
        }
        self.users.insert(name, id);
    }

    fn change(&mut self, op: &str, list: &[Text]) {
        let value: Value = list.iter().map(|text| json!({ "value": written(*text) })).collect();
        let operations = json!([{ "op": op, "path": "members", "value": value }]);
        let body = patch_op(&operations);
        let reply = self.acme.scim_with("PATCH", &self.path, &body, &self.key, &[]);
        assert_eq!(reply.status, 200, "{}", reply.json());
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Add(list) => {
                self.change("add", list);
                self.members.extend(list.iter().map(|text| self.shown(*text)).collect::<Vec<_>>());
            }
            Step::Remove(list) => {
                self.change("remove", list);
                for text in list {
                    let shown = self.shown(*text);
                    self.members.remove(&shown);
                }
            }
            Step::Replace(list) => {
                self.change("replace", list);
                self.members = list.iter().map(|text| self.shown(*text)).collect();
            }
            Step::Create(text) if !self.users.contains_key(&text.0) => {
                let id = self.acme.user(&written(*text));
                self.named(text.0, id);
            }
            Step::Rename(from, to) if !self.users.contains_key(&to.0) => {
                if let Some(id) = self.users.remove(from) {
                    self.acme.put(&format!("/Users/{id}"), &json!({ "userName": written(*to) }));
                    self.named(to.0, id);
                }
            }
            Step::Delete(name) => {
                if let Some(id) = self.users.remove(name) {
                    self.acme.delete(&format!("/Users/{id}"));
                    self.members.remove(&id);
                }
            }
            Step::Create(_) | Step::Rename(..) => {}
            Step::Alarm => self.acme.alarms(),
            Step::Sleep => self.acme.sleep(),
        }
    }

    /// Follows the log.
    fn listen(&mut self) {
        let events = self.acme.events();
        for event in &events[self.events..] {
            let sent = event["data"]["keptAsSent"].as_i64().unwrap_or_default();
            self.sent += if event["type"] == "group.member.added" { sent } else { -sent };
        }
        follow(&events[self.events..], &mut self.told, |other| {
            assert!(other.starts_with("user."), "{other}");
        });
        self.events = events.len();
    }

    fn check(&mut self) -> Result<(), TestCaseError> {
        let shown: BTreeSet<String> =
            texts(&self.acme.get(&self.path)["members"], "value").into_iter().collect();
        prop_assert_eq!(&shown, &self.members);
        // Texts are counted, and told to nobody.
        let ids: BTreeSet<String> = self
            .members
            .iter()
            .filter(|one| !one.to_lowercase().starts_with('n'))
            .cloned()
            .collect();
        prop_assert_eq!(self.sent, (self.members.len() - ids.len()) as i64);
        prop_assert_eq!(&self.told, &ids);
        for id in self.users.values().cloned().collect::<Vec<_>>() {
            let groups = self.acme.get(&format!("/Users/{id}"))["groups"].clone();
            prop_assert_eq!(groups.is_array(), self.members.contains(&id));
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(Config { failure_persistence: None, cases: 64, ..Config::default() })]

    #[test]
    fn a_name_that_a_user_has_is_the_user_in_whatever_order_they_appear(
        steps in vec(step(), 1..24),
    ) {
        let mut group = Group::new();
        for step in &steps {
            group.take(step);
            group.listen();
            group.check()?;
        }
        group.acme.alarms();
        group.check()?;
        let rows = group.acme.rows("members") + group.acme.rows("dangling");
        let counted = "SELECT members FROM resources WHERE pos >> 40 = 2";
        let counted = group.acme.sql.query(counted, &[]).expect("SQLite reads")[0].integer(0);
        let members = group.members.len() as i64;
        assert_eq!((rows, counted), (members, Ok(members)));
    }
}
