//! Laws of membership by several origins, on generated histories of a key without a connection and
//! of connections, of which some leave: the rows are a model's, each origin sees its own, and whoever
//! follows the log has the union.

use std::collections::{BTreeMap, BTreeSet};

use muster::store::Sql as _;
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, prop_assert, prop_assert_eq, prop_oneof, proptest};
use proptest::test_runner::{Config, TestCaseError};
use serde_json::{Value, json};

use crate::steps::{follow, patch_op, texts};
use crate::support::Acme;

/// Users by their number.
type Numbers = Vec<usize>;

/// What somebody does to the members of the group.
#[derive(Clone, Debug)]
enum Deed {
    Add(Numbers),
    Remove(Numbers),
    RemoveByFilter(Numbers),
    RemoveAllBut(usize),
    Replace(Numbers),
    Put(Numbers),
    Clear,
}

/// What happens: a deed by the origin of a number, or something else.
#[derive(Clone, Debug)]
enum Step {
    Deed(usize, Deed),
    Leave(usize),
    DeleteUser(usize),
    Alarm,
    Sleep,
}

const USERS: usize = 5;
const ORIGINS: [&str; 4] = ["admin", "scim:okta", "scim:generic", "scim:google"];

impl Deed {
    fn names(&self) -> Numbers {
        match self {
            Self::Add(numbers)
            | Self::Remove(numbers)
            | Self::RemoveByFilter(numbers)
            | Self::Replace(numbers)
            | Self::Put(numbers) => numbers.clone(),
            Self::RemoveAllBut(number) => vec![*number],
            Self::Clear => Vec::new(),
        }
    }
}

fn deed() -> impl Strategy<Value = Deed> {
    let numbers = || vec(0..USERS, 0..4);
    prop_oneof![
        5 => numbers().prop_map(Deed::Add),
        3 => numbers().prop_map(Deed::Remove),
        1 => vec(0..USERS, 1..3).prop_map(Deed::RemoveByFilter),
        1 => (0..USERS).prop_map(Deed::RemoveAllBut),
        1 => numbers().prop_map(Deed::Replace),
        1 => numbers().prop_map(Deed::Put),
        1 => Just(Deed::Clear),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        24 => (0..ORIGINS.len(), deed()).prop_map(|(who, deed)| Step::Deed(who, deed)),
        1 => (1..ORIGINS.len()).prop_map(Step::Leave),
        1 => (0..USERS).prop_map(Step::DeleteUser),
        1 => Just(Step::Alarm),
        1 => Just(Step::Sleep),
    ]
}

/// A group that nobody manages, what rows it should have, and who is in it by what the log tells.
struct Group {
    acme: Acme,
    path: String,
    users: Vec<String>,
    /// The keys of those who are there, by the number of their origin.
    keys: BTreeMap<usize, String>,
    /// Users by number, and the numbers of origins.
    rows: BTreeSet<(usize, usize)>,
    told: BTreeSet<String>,
    events: usize,
}

impl Group {
    fn new() -> Self {
        let mut acme = Acme::new();
        let users = (0..USERS).map(|number| acme.user(&format!("n{number}"))).collect();
        let path = format!("/Groups/{}", acme.group("crew", &[]));
        let mut keys = BTreeMap::from([(0, acme.key.clone())]);
        for (number, origin) in ORIGINS.iter().enumerate().skip(1) {
            keys.insert(number, acme.connect(&origin["scim:".len()..]));
        }
        let events = acme.events().len();
        let (rows, told) = Default::default();
        Self { acme, path, users, keys, rows, told, events }
    }

    fn sees(&self, who: usize, origin: usize) -> bool {
        who == 0 || who == origin || (origin != 0 && !self.keys.contains_key(&origin))
    }

    /// The users whom somebody sees in the group, by number.
    fn seen(&self, who: usize) -> BTreeSet<usize> {
        let seen = self.rows.iter().filter(|(_, origin)| self.sees(who, *origin));
        seen.map(|(user, _)| *user).collect()
    }

    fn leave(&mut self, who: usize, goes: impl Fn(usize) -> bool) {
        let stays = |(user, origin): &(usize, usize)| !goes(*user) || !self.sees(who, *origin);
        self.rows = self.rows.iter().copied().filter(stays).collect();
    }

    fn replace(&mut self, who: usize, numbers: &Numbers) {
        self.leave(who, |user| !numbers.contains(&user));
        for user in numbers {
            if who != 0 || !self.rows.iter().any(|(other, _)| other == user) {
                self.rows.insert((*user, who));
            }
        }
    }

    fn values(&self, numbers: &Numbers) -> Value {
        numbers.iter().map(|number| json!({ "value": self.users[*number] })).collect()
    }

    /// What is sent, once the model has it.
    fn request(&mut self, who: usize, deed: &Deed) -> (&'static str, Value) {
        let value = |group: &Self, op: &str, numbers: &Numbers| {
            let value = group.values(numbers);
            patch_op(&json!([{ "op": op, "path": "members", "value": value }]))
        };
        let at = |path: String| patch_op(&json!([{ "op": "remove", "path": path }]));
        match deed {
            Deed::Add(numbers) => {
                self.rows.extend(numbers.iter().map(|user| (*user, who)));
                ("PATCH", value(self, "add", numbers))
            }
            Deed::Remove(numbers) => {
                self.leave(who, |user| numbers.contains(&user));
                ("PATCH", value(self, "remove", numbers))
            }
            Deed::RemoveByFilter(numbers) => {
                self.leave(who, |user| numbers.contains(&user));
                let each = numbers.iter().map(|n| format!("value eq \"{}\"", self.users[*n]));
                ("PATCH", at(format!("members[{}]", each.collect::<Vec<_>>().join(" or "))))
            }
            Deed::RemoveAllBut(number) => {
                self.leave(who, |user| user != *number);
                ("PATCH", at(format!("members[value ne \"{}\"]", self.users[*number])))
            }
            Deed::Replace(numbers) => {
                self.replace(who, numbers);
                ("PATCH", value(self, "replace", numbers))
            }
            Deed::Put(numbers) => {
                self.replace(who, numbers);
                ("PUT", json!({ "displayName": "crew", "members": self.values(numbers) }))
            }
            Deed::Clear => {
                self.leave(who, |_| true);
                ("PATCH", at("members".to_owned()))
            }
        }
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Deed(who, deed) => {
                let Some(key) = self.keys.get(who).cloned() else { return };
                if deed.names().iter().any(|user| self.users[*user].is_empty()) {
                    return;
                }
                let (method, body) = self.request(*who, deed);
                let path = self.path.clone();
                let reply = self.acme.scim_with(method, &path, &body, &key, &[]);
                assert_eq!(reply.status, 200, "{body}: {}", reply.json());
                self.acme.with_key(&key, |acme| acme.changes_nothing(method, &path, &body));
            }
            Step::Leave(who) => {
                if self.keys.remove(who).is_some() {
                    let id = &ORIGINS[*who]["scim:".len()..];
                    let path = format!("/connections/{id}?users=keep");
                    assert_eq!(self.acme.admin("DELETE", &path, &Value::Null).status, 204);
                }
            }
            Step::DeleteUser(number) => {
                let id = std::mem::take(&mut self.users[*number]);
                if !id.is_empty() {
                    self.acme.delete(&format!("/Users/{id}"));
                    self.rows.retain(|(user, _)| user != number);
                }
            }
            Step::Alarm => self.acme.alarms(),
            Step::Sleep => self.acme.sleep(),
        }
    }

    /// Follows the log: of whom it says that nothing changed, it has told before.
    fn listen(&mut self) -> Result<(), TestCaseError> {
        let events = self.acme.events();
        for event in &events[self.events..] {
            let still = texts_of(&event["data"]["stillMembers"]);
            prop_assert!(still.iter().all(|id| self.told.contains(id)), "{event}");
            let one = std::slice::from_ref(event);
            follow(one, &mut self.told, |other| assert_eq!(other, "connection.deleted"));
            prop_assert!(still.iter().all(|id| self.told.contains(id)), "{event}");
        }
        self.events = events.len();
        Ok(())
    }

    fn ids(&self, numbers: impl IntoIterator<Item = usize>) -> Vec<String> {
        numbers.into_iter().map(|number| self.users[number].clone()).collect()
    }

    fn check(&mut self) -> Result<(), TestCaseError> {
        for (who, key) in self.keys.clone() {
            let expected = self.ids(self.seen(who));
            let path = self.path.clone();
            let group = self.acme.with_key(&key, |acme| acme.get(&path));
            prop_assert_eq!(texts(&group["members"], "value"), expected.clone(), "{}", who);
            for user in self.users.clone().iter().filter(|id| !id.is_empty()) {
                let is_in = expected.contains(user);
                let filter = format!("members.value eq \"{user}\"");
                let found = self.acme.with_key(&key, |acme| {
                    (acme.found("/Groups", &filter).len(), acme.get(&format!("/Users/{user}")))
                });
                prop_assert_eq!(found.0, usize::from(is_in));
                prop_assert_eq!(found.1.get("groups").is_some(), is_in);
            }
        }
        let told: Vec<String> = self.told.iter().cloned().collect();
        prop_assert_eq!(told, self.ids(self.seen(0)));
        let statement = "SELECT r.id, m.origin FROM members m JOIN resources r ON r.pos = m.member
             ORDER BY m.member, m.origin";
        let rows = self.acme.sql.query(statement, &[]).expect("SQLite reads");
        let text = |row: &muster::store::Row, at| row.text(at).expect("a text").to_owned();
        let rows: BTreeSet<_> = rows.iter().map(|row| (text(row, 0), text(row, 1))).collect();
        let model = |(user, origin): &(usize, usize)| {
            (self.users[*user].clone(), ORIGINS[*origin].to_owned())
        };
        prop_assert_eq!(rows, self.rows.iter().map(model).collect::<BTreeSet<_>>());
        Ok(())
    }
}

fn texts_of(list: &Value) -> Vec<String> {
    let list = list.as_array().cloned().unwrap_or_default();
    list.iter().map(|id| id.as_str().expect("an id").to_owned()).collect()
}

proptest! {
    #![proptest_config(Config { failure_persistence: None, cases: 48, ..Config::default() })]

    #[test]
    fn rows_are_of_each_origin_and_the_log_tells_their_union(steps in vec(step(), 1..32)) {
        let mut group = Group::new();
        for step in &steps {
            group.take(step);
            group.listen()?;
            group.check()?;
        }
        group.acme.alarms();
        group.check()?;
        let statement = "SELECT members FROM resources WHERE members > 0";
        let counts = group.acme.sql.query(statement, &[]).expect("SQLite counts");
        let count = counts.first().map_or(0, |row| row.integer(0).expect("a count"));
        prop_assert_eq!(count as usize, group.rows.len());
        prop_assert_eq!(group.acme.rows("members") as usize, group.rows.len());
    }
}
