//! The law of queues: whatever happened, nobody comes to hold what somebody else waits for who has waited
//! longer, unless together with a place of another role.

use muster::store::{Row, Sql as _};
use proptest::collection::vec;
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_oneof, proptest};

use crate::access_laws::{Step, World, step};

/// A role, since when it is held or waited for, and by whom.
type Place = (String, i64, i64);

/// Steps by which queues come and go, among all others.
fn queuing() -> impl Strategy<Value = Step> {
    let (user, op) = (|| 0..4_usize, prop_oneof![Just("add"), Just("remove")]);
    prop_oneof![
        6 => (user(), prop_oneof![Just("suspend"), Just("restore")])
            .prop_map(|(user, action)| Step::Suspend(user, action)),
        4 => prop_oneof![Just(3), Just(9), Just(10), Just(11)].prop_map(Step::Policy),
        4 => (op, 0..2_usize, user(), any::<bool>())
            .prop_map(|(op, group, user, pushed)| Step::Member(op, group, user, pushed)),
        2 => (user(), any::<bool>()).prop_map(|(user, on)| Step::Active(user, on, false)),
        2 => step(),
    ]
}

impl World {
    /// Those who wait, who has waited longest first, and those who are counted.
    fn queues(&self) -> [Vec<Place>; 2] {
        ["waiting", "counted"].map(|column| {
            let statement = format!(
                "SELECT role, since, pos FROM grants WHERE {column} = 1 ORDER BY since, pos"
            );
            let rows = self.acme.sql.query(&statement, &[]).unwrap();
            let read = |row: &Row| {
                let role = row.text(0).unwrap().to_owned();
                (role, row.integer(1).unwrap(), row.integer(2).unwrap())
            };
            rows.iter().map(read).collect()
        })
    }

    fn check_queues(&self, [waited, held]: &[Vec<Place>; 2], step: &Step) {
        let [waiting, holding] = self.queues();
        let is_new = |one: &&Place| !held.iter().any(|had| (&had.0, had.2) == (&one.0, one.2));
        let came: Vec<&Place> = holding.iter().filter(is_new).collect();
        for (role, _, user) in &came {
            let is_it = |one: &&Place| one.0 == *role && one.2 == *user;
            // Who is given a place of one role is given what else is free then.
            if came.iter().any(|one| one.0 != *role && one.2 == *user) {
                continue;
            }
            let queue = waited.iter().filter(|one| one.0 == *role);
            let in_front = queue.take_while(|one| !is_it(one));
            let passed_over: Vec<&Place> = in_front.filter(|one| waiting.contains(one)).collect();
            assert!(passed_over.is_empty(), "{step:?}: {user} before {passed_over:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn nobody_is_passed_over(steps in vec(queuing(), 1..40)) {
        let mut world = World::new();
        let all = (0..4).map(|user| Step::Member("add", 0, user, false));
        for step in [Step::State("activate"), Step::Policy(9)].into_iter().chain(all) {
            world.take(step);
        }
        for step in steps {
            let before = world.queues();
            world.take(step.clone());
            world.check_queues(&before, &step);
        }
    }
}
