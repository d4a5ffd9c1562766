//! A Bulk request that is answered later (RFC 9967 §2.5.1.2): taken, and worked off part by part.
//!
//! What its operations do, and in which order, is what they would do in a request that is answered at
//! once; each part is a transaction. Between two of them all that is known of it is in rows.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Done, Job};
use crate::event::{Event, EventKind};
use crate::http::{RESPOND_ASYNC, Response, ScimTarget, is_uuid, json_fields};
use crate::limits;
use crate::scim::bulk::{BulkOperation, Outline, Part};
use crate::scim::{ErrorKind, ScimError};
use crate::store::StoreError;
use crate::store::async_requests::{self, AsyncRow, Kind};
use crate::tenant::work::{Answer, Failure, Work};

impl Work<'_, '_> {
    /// `POST /Bulk` with `Prefer: respond-async`.
    ///
    /// 1. The body must be JSON of a media type that is taken: 415, 400 `invalidSyntax`.
    /// 2. It must be a Bulk request, and not too long: 400, 413.
    /// 3. Where the client would wait for a while, and it is one that can be done at once, it is: 200.
    /// 4. There must not be too many such requests under way: 429.
    /// 5. It is kept, and done by alarms: 202.
    pub(in crate::tenant) fn bulk_later(&mut self) -> Answer {
        if !self.request().is_json() {
            return Err(ErrorKind::UnsupportedMediaType.into()); // (1)
        }
        let fields = json_fields(self.call.request.body); // (1)
        let fields = fields.map_err(|detail| ScimError::new(ErrorKind::InvalidSyntax, detail))?;
        let outline = Outline::parse(&fields, &self.compat)?; // (2)
        let is_small = outline.operations() <= limits::BULK_OPERATIONS
            && self.request().body.len() <= limits::BODY_BYTES;
        if is_small && self.request().headers.prefers_to_wait() {
            return self.bulk(); // (3)
        }
        let parts = outline.parts(&self.compat)?; // (2)
        if self.memory.later.under_way >= limits::ASYNC_REQUESTS {
            let detail = "too many requests of this tenant are still to be answered later";
            let error = ScimError::new(ErrorKind::TooManyRequests, detail);
            let response = Response::scim_error(&error, self.request().headers.accept.as_deref());
            return Ok(response.with("retry-after", RETRY_AFTER_SECONDS)); // (4)
        }
        let txn = self.next_id()?;
        let mut count = 0;
        for (number, part) in (0..).zip(parts) {
            async_requests::put(self.sql, &txn, Kind::Operations, number, part.as_bytes())?;
            count = i64::saturating_add(number, 1);
        }
        let asker = serde_json::to_string(self.call.principal);
        let row = AsyncRow {
            asker: asker.map_err(|_| StoreError::new("a principal is no JSON"))?,
            connection: self.connection.clone(),
            operations: i64::try_from(outline.operations()).unwrap_or(i64::MAX),
            fail_on_errors: outline.fail_on_errors.and_then(|most| i64::try_from(most).ok()),
            parts: count,
            ids: Part::no_ids(outline.operations()),
            txn,
            ..AsyncRow::default()
        };
        async_requests::write(self.sql, &row)?; // (5)
        self.memory.later.read(self.sql)?;
        let location = format!("{}/Async/{}", self.request().base, row.txn);
        Ok(Response::empty(202)
            .with("set-txn", row.txn)
            .with("preference-applied", RESPOND_ASYNC)
            .with("location", location)) // (5)
    }

    /// Does the next part of a request, the last of which ends it.
    pub(in crate::tenant) fn do_part(&mut self, row: &mut AsyncRow) -> Result<(), Failure> {
        let part = self.next_part(row)?;
        let mut job = Job {
            operations: &part.operations,
            misnamed: part.misnamed.clone(),
            ids: part.known(&row.ids),
            outcomes: BTreeMap::new(),
        };
        let mut is_over = false;
        for step in &part.steps {
            let failed = job.outcomes.values().filter(|outcome| outcome.is_err()).count();
            let errors = row.errors.saturating_add(i64::try_from(failed).unwrap_or(i64::MAX));
            is_over = row.fail_on_errors.is_some_and(|most| errors >= most);
            if is_over {
                break;
            }
            self.run_step(&mut job, step)?;
        }
        self.keep_outcomes(row, &part, &job)?;
        if is_over || row.next >= row.parts {
            return self.end(row, 200);
        }
        async_requests::write(self.sql, row)?;
        Ok(())
    }

    /// Ends a request that may not go on: the first of the operations that are left is answered so, and
    /// those behind it are not run.
    pub(in crate::tenant) fn stop(
        &mut self,
        row: &mut AsyncRow,
        error: &ScimError,
    ) -> Result<(), Failure> {
        let part = self.next_part(row)?;
        let mut outcomes = BTreeMap::new();
        if let Some(place) = part.steps.first().and_then(|step| step.places().first()) {
            outcomes.insert(*place, Err(error.clone()));
        }
        let job = Job {
            operations: &part.operations,
            misnamed: BTreeMap::new(),
            ids: part.known(&row.ids),
            outcomes,
        };
        self.keep_outcomes(row, &part, &job)?;
        self.end(row, error.kind().status())
    }

    /// The operations that are next; none where there are none at all.
    fn next_part(&self, row: &AsyncRow) -> Result<Part, StoreError> {
        if row.next >= row.parts {
            return Ok(Part::default());
        }
        let stored = async_requests::part(self.sql, &row.txn, Kind::Operations, row.next)?;
        Part::decode(&stored)
            .ok_or_else(|| StoreError::new("a request that is answered later is malformed"))
    }

    /// Keeps and tells what has become of operations, and goes on to the next part.
    fn keep_outcomes(
        &mut self,
        row: &mut AsyncRow,
        part: &Part,
        job: &Job<'_>,
    ) -> Result<(), StoreError> {
        let mut results = String::new();
        for (local, outcome) in &job.outcomes {
            let Some((place, operation)) = part.places.get(*local).zip(job.operations.get(*local))
            else {
                continue;
            };
            let answer = self.answer_to(job, *local, outcome);
            self.record(&completed(&row.txn, *place, operation, &answer, outcome))?;
            results.push_str(&format!("{place} {answer}\n"));
            row.done = row.done.saturating_add(1);
            match outcome {
                Ok(done) => {
                    let made = done.made.as_ref();
                    made.into_iter().for_each(|(id, _)| part.note(&mut row.ids, *local, id));
                }
                Err(_) => row.errors = row.errors.saturating_add(1),
            }
        }
        if !results.is_empty() {
            async_requests::put(self.sql, &row.txn, Kind::Results, row.next, results.as_bytes())?;
        }
        async_requests::remove_part(self.sql, &row.txn, row.next)?;
        row.next = row.next.saturating_add(1);
        row.failures = 0;
        Ok(())
    }

    /// A request is over: its result is kept for a while.
    fn end(&mut self, row: &mut AsyncRow, status: u16) -> Result<(), Failure> {
        let life = limits::ASYNC_RESULT_SECONDS.saturating_mul(1_000);
        row.expires = Some(self.now().timestamp_millis().saturating_add(life));
        row.ids.clear();
        async_requests::remove_operations(self.sql, &row.txn)?;
        async_requests::write(self.sql, row)?;
        if let Some(txn) = async_requests::behind(self.sql, limits::ASYNC_RESULTS)? {
            async_requests::forget(self.sql, &txn)?;
        }
        let event = Event::new(EventKind::AsyncCompleted, row.txn.as_str())
            .with("txn", row.txn.as_str())
            .with("method", "POST")
            .with("status", status.to_string())
            .with("location", format!("/Async/{}", row.txn))
            .with("operations", row.done)
            .with("errors", row.errors);
        self.record(&event)?;
        self.memory.later.read(self.sql)?;
        Ok(())
    }
}

/// RFC 9967 §2.5.1.2: each operation is told of by itself, in the words of its answer. An event names
/// nobody but by an id: neither what an error says of values nor the client's own `bulkId` is in it.
fn completed(
    txn: &str,
    place: usize,
    operation: &BulkOperation,
    answer: &Value,
    outcome: &Result<Done, ScimError>,
) -> Event {
    let is_of_resource = |location: &&str| {
        let target = ScimTarget::relative(location);
        matches!(target, Some(ScimTarget::Resource(_, id)) if is_uuid(&id))
    };
    let text = |name: &str| answer.get(name).and_then(Value::as_str);
    let mut event = Event::new(EventKind::AsyncCompleted, txn)
        .with("txn", format!("{txn}:{place}"))
        .with("method", operation.method.name());
    for (name, value) in [
        ("status", text("status")),
        ("location", text("location").filter(is_of_resource)),
        ("version", text("version")),
    ] {
        if let Some(value) = value {
            event = event.with(name, value);
        }
    }
    match outcome {
        Ok(_) => event,
        Err(error) => event.with("response", ScimError::from(error.kind()).to_json()),
    }
}

/// After so many seconds another attempt may help.
const RETRY_AFTER_SECONDS: &str = "10";
