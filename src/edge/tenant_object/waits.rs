//! A request for events of which there is none yet: it waits, and is looked at again.

use super::super::now;
use super::{Object, Served};
use crate::http::{Exceeded, Refusal};
use crate::tenant::{Call, Waits};

impl Object {
    /// Answers a request as soon as there is what it waits for, or as it would have been at once where
    /// that does not come in time: 429 where too many wait.
    pub(super) async fn wait(
        &self,
        call: &mut Call<'_>,
        mut served: Served,
        mut waits: Waits,
    ) -> Result<Served, Refusal> {
        let Some(_seat) = self.polls.admit() else {
            return Err(Refusal::TooManyRequests(Exceeded::by_polls(call.now)));
        };
        let until = call.now.timestamp_millis().saturating_add(waits.milliseconds);
        loop {
            let left = until.saturating_sub(now().timestamp_millis());
            if left <= 0 {
                return Ok(served);
            }
            self.polls.wait(left).await;
            if self.tenant.borrow().last_seq() == Some(waits.looked) {
                continue;
            }
            call.now = now();
            call.looked = Some(waits.looked);
            let Served { spent, response: first, .. } = served;
            served = self.handle(call, None);
            served.spent = served.spent.and(spent);
            served.response = served.response.in_place_of(first);
            match served.waits {
                Some(again) => waits = again,
                None => return Ok(served),
            }
        }
    }
}
