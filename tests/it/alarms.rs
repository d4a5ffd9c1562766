//! What a tenant has put off, done by alarm; and requests and alarms that fail half-way.

use chrono::{DateTime, TimeDelta, Utc};
use muster::store::StoreError;

use crate::support::Acme;

impl Acme {
    /// Whether an alarm is wanted at once.
    pub(crate) fn sweeps(&self) -> bool {
        self.tenant.alarm_in_milliseconds(self.now) == Some(0)
    }

    /// Runs alarms until none is wanted at once.
    pub(crate) fn alarms(&mut self) {
        while self.sweeps() {
            self.ring(self.now);
        }
    }

    /// Runs alarms, each when it is wanted, until none is.
    pub(crate) fn settle(&mut self) {
        while let Some(delay) = self.tenant.alarm_in_milliseconds(self.now) {
            let then = self.now + TimeDelta::milliseconds(delay);
            self.ring(then);
        }
    }

    /// An alarm: the step of the tenant, and then what is to be copied.
    fn ring(&mut self, now: DateTime<Utc>) {
        self.alarm_at(now).expect("the alarm does its step");
        self.work_off(now, None).expect("the alarm does a part");
        self.copy(now);
    }

    /// The step of an alarm.
    pub(crate) fn alarm(&mut self) -> Result<(), StoreError> {
        self.alarm_at(self.now)
    }

    /// The lots that it draws depend on the time alone, so that it does not matter how often it rings.
    fn alarm_at(&mut self, now: DateTime<Utc>) -> Result<(), StoreError> {
        let seed = now.timestamp_millis().to_be_bytes();
        self.tenant.alarm(&self.sql, now, &mut |bytes| {
            bytes.iter_mut().zip(seed.into_iter().cycle()).for_each(|(byte, lot)| *byte = lot);
            Ok(())
        })
    }

    /// Lets something fail at its first statement, then at its second, and so on until all have run;
    /// `failed` looks at what each failure came to and left. What it came to in the end, and the
    /// number of statements.
    pub(crate) fn failing_everywhere<T>(
        &mut self,
        mut what: impl FnMut(&mut Self) -> T,
        mut failed: impl FnMut(&mut Self, usize, T),
    ) -> (T, usize) {
        let mut statements = 0;
        loop {
            self.sql.fail_after(Some(statements));
            let done = what(self);
            let has_failed = self.sql.has_failed();
            self.sql.fail_after(None);
            if !has_failed {
                return (done, statements);
            }
            failed(self, statements, done);
            statements += 1;
        }
    }

    /// The same of an alarm, which is wanted at once again whenever it has failed; the number of
    /// statements.
    pub(crate) fn alarm_failing_everywhere(
        &mut self,
        mut failed: impl FnMut(&mut Self, usize),
    ) -> usize {
        let (done, count) = self.failing_everywhere(Self::alarm, |acme, statements, done| {
            assert!(done.is_err(), "at {statements}");
            failed(acme, statements);
            assert!(acme.sweeps(), "it is tried again");
        });
        done.expect("the alarm does its step");
        count
    }
}
