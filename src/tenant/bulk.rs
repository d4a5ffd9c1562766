//! `POST /Bulk`, RFC 7644 §3.7: many operations in one request.
//!
//! The request is one transaction, and each operation a savepoint in it: one that is refused leaves
//! nothing and the others stay. POSTs that refer to each other in a circle share a savepoint. What
//! an operation does is what the request for it alone does, by the same functions.

mod later;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::document::version;
use super::members::Delta;
use super::resources::Added;
use super::work::{Answer, Failure, Work};
use crate::http::{Method, Refusal, ScimTarget};
use crate::scim::bulk::{BulkIds, BulkMethod, BulkOperation, BulkRequest, Step, resolved};
use crate::scim::resource::MemberOp;
use crate::scim::{ErrorKind, ScimError, urn};
use crate::store::transacted;

/// A request of which some operations have run.
struct Job<'r> {
    operations: &'r [BulkOperation],
    misnamed: BTreeMap<usize, ScimError>,
    /// The ids of what was made so far.
    ids: BulkIds,
    /// What each operation came to, by its place in the request.
    outcomes: BTreeMap<usize, Result<Done, ScimError>>,
}

/// What an operation did.
struct Done {
    status: u16,
    /// The id and type of what a POST made.
    made: Option<(String, u8)>,
    rev: Option<i64>,
}

/// Which operation of a step failed, and how.
type Failed = (usize, Failure);

impl Work<'_, '_> {
    /// `POST /Bulk`, RFC 7644 §3.7.
    ///
    /// 1. The body must be JSON of a media type that is taken: 415, 400 `invalidSyntax`.
    /// 2. It must be a Bulk request, and not too long: 400, 413.
    /// 3. Its operations run, until there are as many errors as `failOnErrors` says.
    /// 4. Each that ran has its answer, in the request's order: 200.
    pub(super) fn bulk(&mut self) -> Answer {
        let body = self.scim_body()?; // (1)
        let request = BulkRequest::parse(body, &self.compat)?; // (2)
        let mut job = Job {
            operations: &request.operations,
            misnamed: request.misnamed(&self.compat),
            ids: BulkIds::new(),
            outcomes: BTreeMap::new(),
        };
        for step in request.steps() {
            let errors = job.outcomes.values().filter(|outcome| outcome.is_err()).count();
            if request.fail_on_errors.is_some_and(|most| errors >= most) {
                break;
            }
            self.run_step(&mut job, &step)?; // (3)
        }
        let answers: Vec<Value> = job
            .outcomes
            .iter()
            .map(|(place, outcome)| self.answer_to(&job, *place, outcome))
            .collect();
        let body = json!({ "schemas": [urn::BULK_RESPONSE], "Operations": answers });
        Ok(self.scim(200, body.to_string().into_bytes())) // (4)
    }

    /// Runs the operations of a step, all or none of them. A failure of the store is the request's.
    fn run_step(&mut self, job: &mut Job<'_>, step: &Step) -> Result<(), Failure> {
        let (sql, before) = (self.sql, self.memory.checkpoint());
        let places = step.places();
        let run = || {
            let done = match step {
                Step::One(place) => self.one(job, *place).map_err(|failure| (*place, failure)),
                Step::Circle(places) => self.circle(job, places),
            }?;
            let first = places.first().copied().unwrap_or_default();
            self.settle().map_err(|failure| (first, failure))?;
            Ok(done)
        };
        match transacted(sql, run, Result::is_ok)? {
            Ok(done) => job.outcomes.extend(places.iter().copied().zip(done.into_iter().map(Ok))),
            Err((failed, Failure::Scim(error))) => {
                self.memory.restore(before);
                self.keep_proposed()?;
                let restored = self.before_refusal();
                self.note_refused(restored)?;
                for place in places {
                    job.forget(*place);
                    let outcome = if *place == failed { error.clone() } else { broken_circle() };
                    job.outcomes.insert(*place, Err(outcome));
                }
            }
            Err((_, failure)) => return Err(failure),
        }
        Ok(())
    }

    /// Runs one operation.
    fn one(&mut self, job: &mut Job<'_>, place: usize) -> Result<Vec<Done>, Failure> {
        let (operation, target) = self.admitted(job, place)?;
        let done = match target {
            ScimTarget::Collection(number) => {
                let name = operation.bulk_id.clone();
                let new = self.parse_new(number, operation.into_body()?)?;
                let added = self.add_or_take_up(new)?;
                job.ids.extend(name.map(|name| (name, added.id.clone())));
                Done::made(added)
            }
            ScimTarget::Resource(number, id) => self.change_one(operation, number, &id)?,
            _ => return Err(ErrorKind::MethodNotAllowed.into()),
        };
        Ok(vec![done])
    }

    /// PUT, PATCH or DELETE of what is there.
    fn change_one(
        &mut self,
        operation: BulkOperation,
        number: u8,
        id: &str,
    ) -> Result<Done, Failure> {
        let subject = self.subject(number, id, operation.version.as_deref())?;
        let (status, rev) = match operation.method {
            BulkMethod::Put => (200, Some(self.replace_with(subject, operation.into_body()?)?.rev)),
            BulkMethod::Patch => {
                let after = self.patch_with(subject, operation.into_body()?)?;
                (if self.shows_no_patch(&after) { 204 } else { 200 }, Some(after.rev))
            }
            BulkMethod::Delete => {
                self.remove(subject)?;
                (204, None)
            }
            BulkMethod::Post => return Err(ErrorKind::MethodNotAllowed.into()),
        };
        Ok(Done { status, made: None, rev })
    }

    /// RFC 7644 §3.7.1: POSTs that refer to each other. All get their ids, then all are added, then
    /// groups get their members; to a reader it is as if each had been added with them.
    fn circle(&mut self, job: &mut Job<'_>, places: &[usize]) -> Result<Vec<Done>, Failed> {
        for place in places {
            let name = job.operations.get(*place).and_then(|operation| operation.bulk_id.clone());
            let id = self.next_id().map_err(|error| (*place, error.into()))?;
            job.ids.extend(name.map(|name| (name, id)));
        }
        let mut added = Vec::with_capacity(places.len());
        for place in places {
            added.push(self.add_alone(job, *place).map_err(|failure| (*place, failure))?);
        }
        let mut filled = Vec::with_capacity(places.len());
        for (place, (added, joined)) in places.iter().zip(added) {
            self.fill(&added, joined).map_err(|failure| (*place, failure))?;
            filled.push((place, added));
        }
        let done = filled.into_iter().map(|(place, added)| {
            self.added(added).map(Done::made).map_err(|failure| (*place, failure))
        });
        done.collect()
    }

    /// Adds what a POST of a circle makes, with the id that it was given; its members are left.
    fn add_alone(
        &mut self,
        job: &Job<'_>,
        place: usize,
    ) -> Result<(Added, Vec<MemberOp>), Failure> {
        let (operation, target) = self.admitted(job, place)?;
        let ScimTarget::Collection(number) = target else {
            return Err(ErrorKind::MethodNotAllowed.into());
        };
        let id = operation.bulk_id.as_ref().and_then(|name| job.ids.get(name)).cloned();
        let mut new = self.parse_new(number, operation.into_body()?)?;
        let joined = new.joined();
        self.means_nobody(&new)?;
        Ok((self.add(new, id, &Delta::default())?, joined))
    }

    /// An operation and what it is of, if it may run, with ids for all that it refers to.
    ///
    /// 1. The path must be one: 404.
    /// 2. It must be one that a Bulk request takes with the method: 405.
    /// 3. The key must have the scope: 403.
    /// 4. A POST must have a `bulkId` of its own, if any: 400 `invalidValue`.
    /// 5. What it refers to must have been made: 409.
    fn admitted(
        &self,
        job: &Job<'_>,
        place: usize,
    ) -> Result<(BulkOperation, ScimTarget), Failure> {
        let operation = job.operations.get(place).ok_or(ErrorKind::Internal)?;
        let target = ScimTarget::relative(&operation.path); // (1)
        let target =
            target.ok_or_else(|| ScimError::new(ErrorKind::NotFound, "there is no such path"))?;
        let of_collection = matches!(target, ScimTarget::Collection(_));
        let of_resource = matches!(target, ScimTarget::Resource(..));
        if !(if operation.method == BulkMethod::Post { of_collection } else { of_resource }) {
            let detail = "a bulk request takes POST of a type, PUT, PATCH and DELETE of a resource";
            return Err(ScimError::new(ErrorKind::MethodNotAllowed, detail).into()); // (2)
        }
        let method = Method::parse(operation.method.name());
        let scopes = target.scopes(method);
        if !scopes.iter().any(|scope| self.may(*scope)) {
            return Err(Refusal::InsufficientScope(scopes).to_scim_error().into()); // (3)
        }
        if let Some(error) = job.misnamed.get(&place) {
            return Err(error.clone().into()); // (4)
        }
        let target = match target {
            ScimTarget::Resource(number, id) => {
                let id = resolved(&id, &job.ids)?.unwrap_or(id);
                ScimTarget::Resource(number, id)
            }
            target => target,
        };
        Ok((operation.resolved(&job.ids)?, target)) // (5)
    }

    /// RFC 7644 §3.7: the entry of the answer. What was made is not repeated in it.
    fn answer_to(&self, job: &Job<'_>, place: usize, outcome: &Result<Done, ScimError>) -> Value {
        let Some(operation) = job.operations.get(place) else { return Value::Null };
        let done = outcome.as_ref().ok();
        let made = done.and_then(|done| done.made.as_ref());
        let location = match made {
            Some((id, number)) => self.location_of(*number, id),
            None => self.location_asked(job, operation),
        };
        let status = match outcome {
            Ok(done) => done.status,
            Err(error) => error.kind().status(),
        };
        let mut entry = Map::new();
        let mut put = |name: &str, value: Option<Value>| {
            entry.extend(value.map(|value| (name.to_owned(), value)));
        };
        put("location", location.map(Value::from));
        put("method", Some(operation.method.name().into()));
        put("bulkId", operation.bulk_id.as_deref().map(Value::from));
        put("version", done.and_then(|done| done.rev).map(|rev| version(rev).into()));
        put("status", Some(status.to_string().into()));
        put("response", outcome.as_ref().err().map(ScimError::to_json));
        Value::Object(entry)
    }

    /// RFC 7644 §3.7: where an operation looked; a POST that failed has no place.
    fn location_asked(&self, job: &Job<'_>, operation: &BulkOperation) -> Option<String> {
        if operation.method == BulkMethod::Post {
            return None;
        }
        let resource = match ScimTarget::relative(&operation.path) {
            Some(ScimTarget::Resource(number, id)) => {
                resolved(&id, &job.ids).ok().flatten().and_then(|id| self.location_of(number, &id))
            }
            _ => None,
        };
        let as_sent = || format!("{}/{}", self.request().base, operation.path.trim_matches('/'));
        Some(resource.unwrap_or_else(as_sent))
    }

    fn location_of(&self, number: u8, id: &str) -> Option<String> {
        Some(self.location(self.registry().type_numbered(number)?, id))
    }
}

impl Job<'_> {
    /// What an operation was to make is not there.
    fn forget(&mut self, place: usize) {
        if self.misnamed.contains_key(&place) {
            return;
        }
        let operation = self.operations.get(place).filter(|o| o.method == BulkMethod::Post);
        if let Some(name) = operation.and_then(|operation| operation.bulk_id.as_ref()) {
            self.ids.remove(name);
        }
    }
}

impl Done {
    fn made(Added { id, row, .. }: Added) -> Self {
        let made = Some((id, row.pos.type_number()));
        Self { status: 201, made, rev: Some(row.rev) }
    }
}

/// RFC 7644 §3.7.1: 409 where a circle cannot be resolved.
fn broken_circle() -> ScimError {
    let detail = "the operation refers in a circle to one that failed";
    ScimError::new(ErrorKind::Conflict, detail)
}
