//! An object may be put to sleep between any two requests: what it answers and writes does not tell.

use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};
use proptest::sample::select;
use proptest::test_runner::{Config, TestCaseError};
use serde_json::Value;

use crate::fuzz_requests::{Asked, Subject, asked};
use crate::scenario::Reply;

/// What happens to a tenant.
#[derive(Clone, Debug)]
enum Step {
    Ask(Asked),
    /// Alarms ring for what was put off.
    Alarms,
    /// Seconds pass.
    Wait(i64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => asked().prop_map(Step::Ask),
        2 => Just(Step::Alarms),
        1 => (0..3_i64).prop_map(Step::Wait),
    ]
}

impl Subject {
    fn take(&mut self, step: &Step) -> Option<Reply> {
        match step {
            Step::Ask(asked) => return self.ask(asked),
            Step::Alarms => self.ring(),
            Step::Wait(seconds) => self.acme.wait(*seconds),
        }
        None
    }

    /// The alarm rings, asleep or not, and again as long as it is wanted at once.
    fn ring(&mut self) {
        self.acme.alarm().expect("the alarm does its step");
        self.acme.alarms();
    }
}

/// An answer without the one thing that sleep may lose: the last minute's uses of keys.
fn shown(reply: Reply) -> (u16, Vec<(String, String)>, Value, usize) {
    let mut body = reply.json();
    let items = body["items"].as_array_mut().into_iter().flatten();
    items.filter_map(Value::as_object_mut).for_each(|item| drop(item.shift_remove("lastUsedAt")));
    let length = if body["items"].is_array() { 0 } else { reply.body.len() };
    (reply.status, reply.headers.into_iter().collect(), body, length)
}

/// Two tenants of one history: one that never sleeps, and one that does before some of the steps.
fn check(preset: Option<&str>, history: &[(Step, bool)]) -> Result<(), TestCaseError> {
    let (mut awake, mut sleeper) = (Subject::new(preset), Subject::new(preset));
    for (step, sleeps) in history {
        if *sleeps {
            sleeper.acme.sleep();
        }
        let answers = (awake.take(step).map(shown), sleeper.take(step).map(shown));
        prop_assert_eq!(answers.0, answers.1, "{:?}", step);
        prop_assert!(awake.acme.dump() == sleeper.acme.dump(), "the rows differ after {:?}", step);
    }
    awake.is_well();
    sleeper.is_well();
    Ok(())
}

proptest! {
    #![proptest_config(Config { failure_persistence: None, cases: 48, ..Config::default() })]

    #[test]
    fn a_tenant_that_sleeps_before_every_request_answers_as_one_that_never_does(
        preset in select(&[None, Some("entra"), Some("strict")][..]),
        history in vec(step(), 1..10),
    ) {
        let history: Vec<(Step, bool)> = history.into_iter().map(|step| (step, true)).collect();
        check(preset, &history)?;
    }

    #[test]
    fn a_tenant_that_sleeps_now_and_then_answers_as_one_that_never_does(
        preset in select(&[None, Some("entra")][..]),
        history in vec((step(), any::<bool>()), 1..16),
    ) {
        check(preset, &history)?;
    }
}
