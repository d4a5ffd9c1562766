//! Laws of membership, on generated requests: what is shown is what was asked for, and the log
//! tells the same.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, prop_assert_eq, prop_oneof, proptest};
use proptest::test_runner::{Config, TestCaseError};
use serde_json::{Value, json};

use crate::steps::{follow, patch_op, texts};
use crate::support::Acme;

/// Users by their number.
type Numbers = Vec<usize>;

/// One operation on members.
#[derive(Clone, Debug)]
enum Operation {
    Add(Numbers),
    Remove(Numbers),
    RemoveByFilter(Numbers),
    RemoveAllBut(usize),
    Replace(Numbers),
    Clear,
}

/// What happens to the group.
#[derive(Clone, Debug)]
enum Step {
    Patch(Vec<Operation>),
    Put(Numbers),
    DeleteUser(usize),
    Alarm,
    Sleep,
}

const USERS: usize = 8;

fn operation() -> impl Strategy<Value = Operation> {
    let numbers = || vec(0..USERS, 0..5);
    prop_oneof![
        4 => numbers().prop_map(Operation::Add),
        3 => numbers().prop_map(Operation::Remove),
        2 => vec(0..USERS, 1..3).prop_map(Operation::RemoveByFilter),
        1 => (0..USERS).prop_map(Operation::RemoveAllBut),
        1 => numbers().prop_map(Operation::Replace),
        1 => Just(Operation::Clear),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => vec(operation(), 1..4).prop_map(Step::Patch),
        2 => vec(0..USERS, 0..5).prop_map(Step::Put),
        1 => (0..USERS).prop_map(Step::DeleteUser),
        1 => Just(Step::Alarm),
        1 => Just(Step::Sleep),
    ]
}

/// A group, who should be in it, and who is by what the log tells.
struct Group {
    acme: Acme,
    path: String,
    users: Vec<String>,
    deleted: BTreeSet<usize>,
    members: BTreeSet<usize>,
    told: BTreeSet<String>,
    events: usize,
}

impl Group {
    fn new() -> Self {
        let mut acme = Acme::new();
        let users = (0..USERS).map(|number| acme.user(&format!("n{number}"))).collect();
        let path = format!("/Groups/{}", acme.group("crew", &[]));
        let events = acme.events().len();
        let (deleted, members, told) = Default::default();
        Self { acme, path, users, deleted, members, told, events }
    }

    fn values(&self, numbers: &Numbers) -> Value {
        numbers.iter().map(|number| json!({ "value": self.users[*number] })).collect()
    }

    /// An operation as it is sent, and its effect on who should be there.
    fn operation(&self, operation: &Operation, members: &mut BTreeSet<usize>) -> Value {
        let (op, path, value) = match operation {
            Operation::Add(numbers) => {
                members.extend(numbers);
                ("add", "members".to_owned(), Some(self.values(numbers)))
            }
            Operation::Remove(numbers) => {
                members.retain(|number| !numbers.contains(number));
                ("remove", "members".to_owned(), Some(self.values(numbers)))
            }
            Operation::RemoveByFilter(numbers) => {
                members.retain(|number| !numbers.contains(number));
                let each = numbers.iter().map(|n| format!("value eq \"{}\"", self.users[*n]));
                ("remove", format!("members[{}]", each.collect::<Vec<_>>().join(" or ")), None)
            }
            Operation::RemoveAllBut(number) => {
                members.retain(|other| other == number);
                ("remove", format!("members[value ne \"{}\"]", self.users[*number]), None)
            }
            Operation::Replace(numbers) => {
                *members = numbers.iter().copied().collect();
                ("replace", "members".to_owned(), Some(self.values(numbers)))
            }
            Operation::Clear => {
                members.clear();
                ("remove", "members".to_owned(), None)
            }
        };
        let mut sent = json!({ "op": op, "path": path });
        if let Some(value) = value {
            sent["value"] = value;
        }
        sent
    }

    /// Sends a request that names members; one that names a deleted user is refused.
    fn send(&mut self, method: &str, body: &Value, named: &[usize], members: BTreeSet<usize>) {
        let reply = self.acme.scim(method, &self.path, body);
        if named.iter().any(|number| self.deleted.contains(number)) {
            assert_eq!(reply.status, 400, "{body}");
        } else {
            assert_eq!(reply.status, 200, "{body}: {}", reply.json());
            self.members = members;
        }
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Patch(operations) => {
                let mut members = self.members.clone();
                let sent: Vec<Value> =
                    operations.iter().map(|one| self.operation(one, &mut members)).collect();
                let named = operations.iter().flat_map(|one| match one {
                    Operation::Add(numbers) | Operation::Replace(numbers) => numbers.clone(),
                    _ => Vec::new(),
                });
                let named: Numbers = named.collect();
                self.send("PATCH", &patch_op(&json!(sent)), &named, members);
            }
            Step::Put(numbers) => {
                let body = json!({ "displayName": "crew", "members": self.values(numbers) });
                self.send("PUT", &body, numbers, numbers.iter().copied().collect());
            }
            Step::DeleteUser(number) => {
                if self.deleted.insert(*number) {
                    self.acme.delete(&format!("/Users/{}", self.users[*number]));
                    self.members.remove(number);
                }
            }
            Step::Alarm => self.acme.alarms(),
            Step::Sleep => self.acme.sleep(),
        }
    }

    /// Follows the log, which tells of nothing else.
    fn listen(&mut self) {
        let events = self.acme.events();
        follow(&events[self.events..], &mut self.told, |other| {
            panic!("{other} is of nothing that happened");
        });
        self.events = events.len();
    }

    fn check(&mut self) -> Result<(), TestCaseError> {
        let expected: Vec<&String> = self.members.iter().map(|n| &self.users[*n]).collect();
        let shown = texts(&self.acme.get(&self.path)["members"], "value");
        prop_assert_eq!(shown.iter().collect::<Vec<_>>(), expected.clone());
        prop_assert_eq!(self.told.iter().collect::<Vec<_>>(), expected);
        Ok(())
    }
}

proptest! {
    #![proptest_config(Config { failure_persistence: None, cases: 64, ..Config::default() })]

    #[test]
    fn what_is_shown_is_what_was_asked_for_and_the_log_tells_the_same(
        steps in vec(step(), 1..24),
        times in 1..3,
    ) {
        let mut group = Group::new();
        for step in &steps {
            // What is asked for twice is done once.
            for _ in 0..times {
                group.take(step);
                group.listen();
            }
            group.check()?;
        }
        group.acme.alarms();
        group.check()?;
        assert_eq!(group.acme.rows("members") as usize, group.members.len());
    }
}
