//! The policy document in the tenant's record, as the edge brings it.
//!
//! It counts where its version is higher than that of the policies here, and what it does not mention
//! stays as it is. One that is refused leaves all as it was.

use super::policies::outdated;
use super::work::{Answer, Failure, Work};
use super::{Call, Tenant, wake};
use crate::http::{ConfigStep, Problem, ProblemCode, Refusal, Response, json_object};
use crate::registry::ConfigTag;
use crate::scim::schema::Fault;
use crate::store::{self, Sql};

impl Tenant {
    /// Does one step by which the document comes here; the principal is the administrator, whose word
    /// the record is.
    ///
    /// 1. An offer is answered by what is here: 200, 204, 404.
    /// 2. The document is applied, or all stays as it is, down to there being no tables: 204, or what
    ///    stands against it.
    /// 3. One that the edge has found in the record is remembered where it is refused, so that it is
    ///    asked for no more, and the log is told, once.
    pub fn configure(&mut self, sql: &dyn Sql, call: &mut Call<'_>, step: &ConfigStep) -> Response {
        let answer = match step {
            ConfigStep::Offer { tag, founds } => self.offered(sql, tag, *founds), // (1)
            ConfigStep::Bring { tag, sent } => self.brought(sql, call, tag, *sent), // (2)
        };
        if answer.is_err() {
            self.memory = None; // It may be of tables that are gone again.
        }
        let failure = match answer {
            Ok(response) => return response,
            Err(failure) => failure,
        };
        let response = failure.into_response(false, None);
        match step {
            ConfigStep::Bring { tag, sent: false } if response.cause.is_none() => {
                let again = self.refused.replace(tag.clone()).as_ref() == Some(tag); // (3)
                let cause = (!again).then(|| said(&response));
                Response { cause, ..response }
            }
            _ => response,
        }
    }

    fn offered(&mut self, sql: &dyn Sql, tag: &ConfigTag, founds: bool) -> Answer {
        if self.memory.is_none() && !store::has_tables(sql)? {
            return Ok(Response::empty(if founds { 200 } else { 404 }));
        }
        let memory = wake(&mut self.memory, sql)?;
        if memory.is_erasing() {
            return Ok(Response::empty(404)); // Whoever asks for something is told.
        }
        let held = memory.policy.version;
        let wants = tag.version > held && self.refused.as_ref() != Some(tag);
        Ok(Response::empty(if wants { 200 } else { 204 }))
    }

    fn brought(
        &mut self,
        sql: &dyn Sql,
        call: &mut Call<'_>,
        tag: &ConfigTag,
        sent: bool,
    ) -> Answer {
        let (memory, ring, uses) = (&mut self.memory, &self.ring, &self.uses);
        let bring = || {
            let memory = wake(memory, sql)?;
            if memory.is_erasing() {
                return Ok(Refusal::being_deleted().to_response(false));
            }
            memory.log.sow(&mut *call.random)?;
            let registry = memory.registry.clone();
            let mut work = Work::new(sql, (memory, ring, uses), &registry, call, None);
            work.settled(|work| work.take_config(tag, sent))
        };
        store::transacted(sql, bring, Result::is_ok)?
    }
}

impl Work<'_, '_> {
    /// Takes the document.
    ///
    /// 1. It must be right and fit what is here: 409, 413, 422 with its faults.
    /// 2. One of no later version than the policies changes nothing; where it was sent here and would
    ///    change something, that is 409.
    /// 3. It is written, and the policies have its version.
    fn take_config(&mut self, tag: &ConfigTag, sent: bool) -> Answer {
        let held = self.memory.policy.version;
        if tag.version <= held && !sent {
            return Ok(Response::empty(204)); // (2)
        }
        let malformed = |detail| Problem::new(ProblemCode::Malformed, detail);
        let document = json_object(self.request().body).map_err(malformed)?;
        let plan = self.plan(&document).map_err(|failure| match failure {
            Failure::Problem(problem) => {
                problem.moved(|fault: Fault| fault.below("/config")).into()
            }
            other => other,
        }); // (1)
        let mut plan = plan?;
        if tag.version > held {
            plan.policy.version = tag.version;
            self.enact(plan, true)?; // (3)
        } else if !plan.changed.is_empty() {
            return Err(outdated(held, "`config` needs a later `version`")); // (2)
        }
        Ok(Response::empty(204))
    }
}

/// What the log is told of a refusal.
fn said(response: &Response) -> String {
    let body = String::from_utf8_lossy(&response.body);
    format!("`config` of the tenant's record in KV is refused: {body}")
}
