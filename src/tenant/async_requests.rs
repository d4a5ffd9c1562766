//! Requests that are answered later, by alarms: RFC 9967 §2.5.1.
//!
//! One part of one of them at a time, the oldest first, each a transaction. Before each it is asked anew
//! whether who sent the request may still send it.

use std::mem;
use std::str::from_utf8;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::{Value, from_str, json};

use super::admission::{Bound, admit};
use super::memory::Memory;
use super::work::{Answer, Failure, Work};
use super::{Call, Tenant, wake};
use crate::auth::{KeyRing, Principal};
use crate::http::{Headers, Method, Outbound, Query, Refusal, Request, Route, ScimTarget};
use crate::limits;
use crate::policy::Copying;
use crate::registry::Slug;
use crate::scim::{ErrorKind, ScimError, urn};
use crate::store::async_requests::{self, AsyncRow, Kind};
use crate::store::{self, Sql, StoreError};

/// What is known of them while the object is awake.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Later {
    /// How many are under way.
    pub(super) under_way: usize,
    /// When the first result is to be forgotten, in milliseconds since the epoch.
    first_expires: Option<i64>,
}

/// What a tenant may use that nobody has asked anything.
pub struct Means<'a> {
    /// When it is.
    pub now: DateTime<Utc>,
    /// Fills a buffer with random bytes, or says why it cannot.
    pub random: &'a mut dyn FnMut(&mut [u8]) -> Result<(), String>,
    /// The compatible form of a text (Unicode's NFKC).
    pub normalize: &'a dyn Fn(&str) -> String,
    /// Signs new keys.
    pub key_ring: &'a KeyRing,
}

impl Later {
    pub(super) fn load(sql: &dyn Sql) -> Result<Self, StoreError> {
        let mut later = Self::default();
        later.read(sql)?;
        Ok(later)
    }

    /// Reads it anew, once rows have changed.
    pub(super) fn read(&mut self, sql: &dyn Sql) -> Result<(), StoreError> {
        let (under_way, first_expires) = async_requests::standing(sql)?;
        *self = Self { under_way: usize::try_from(under_way).unwrap_or(0), first_expires };
        Ok(())
    }

    /// In how many milliseconds there is something to be done.
    pub(super) fn due_in(self, now: DateTime<Utc>) -> Option<i64> {
        if self.under_way > 0 {
            return Some(0);
        }
        self.first_expires.map(|expires| expires.saturating_sub(now.timestamp_millis()).max(0))
    }
}

/// Forgets a result whose time has come, if there is one.
pub(super) fn forget(
    sql: &dyn Sql,
    memory: &mut Memory,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let now = now.timestamp_millis();
    if memory.later.first_expires.is_some_and(|expires| expires <= now)
        && let Some(txn) = async_requests::expired(sql, now)?
    {
        async_requests::forget(sql, &txn)?;
        memory.later.read(sql)?;
    }
    Ok(())
}

/// Forgets what a connection has asked for.
pub(super) fn forget_of(
    sql: &dyn Sql,
    memory: &mut Memory,
    connection: &str,
) -> Result<(), StoreError> {
    while let Some(txn) = async_requests::of_connection(sql, connection)? {
        async_requests::forget(sql, &txn)?;
    }
    memory.later.read(sql)
}

impl Tenant {
    /// Whether a request is still to be worked off, or a decision to be carried out.
    pub fn is_working_off(&self) -> bool {
        let memory = self.memory.as_ref().filter(|memory| !memory.is_erasing());
        memory.is_some_and(|memory| memory.later.under_way > 0 || memory.is_deciding())
    }

    /// Does the next part of the first request that is under way or, where there is none, of a decision.
    /// `refused` is why the tenant would be refused any request, if it would.
    ///
    /// # Errors
    /// The cause, for the log; nothing was written but that it failed.
    pub fn work_off(
        &mut self,
        sql: &dyn Sql,
        tenant: &Slug,
        means: &mut Means<'_>,
        refused: Option<&Refusal>,
    ) -> Result<(), StoreError> {
        let done = self.work_off_part(sql, tenant, means, refused);
        if done.is_err() {
            self.memory = None;
            // Why it failed is told, whatever becomes of this.
            let _ = async_requests::note_failure(sql);
        }
        done
    }

    fn work_off_part(
        &mut self,
        sql: &dyn Sql,
        tenant: &Slug,
        means: &mut Means<'_>,
        refused: Option<&Refusal>,
    ) -> Result<(), StoreError> {
        if self.memory.is_none() && !store::has_tables(sql)? {
            return Ok(()); // It is of a tenant that was deleted.
        }
        let memory = wake(&mut self.memory, sql)?;
        if memory.is_erasing() {
            return Ok(());
        }
        self.ring.wake(sql)?;
        memory.begin();
        let Some(mut row) = async_requests::first(sql)? else {
            self.decide_further(sql, tenant, means)?;
            // What it did, no request of a connection did.
            let _ = self.memory.as_mut().map(|memory| mem::take(&mut memory.noted));
            return Ok(());
        };
        let principal: Principal = from_str(&row.asker)
            .map_err(|_| StoreError::new("who asked for a request is malformed"))?;
        let admitted = match refused {
            Some(refusal) => Err(refusal.clone()),
            None => admit(memory, &principal, means.now),
        };
        let (bound, refusal) = match admitted {
            Ok(bound) => (bound, None),
            Err(refusal) => (None, Some(refusal.to_scim_error())),
        };
        // What is kept names no tenant.
        let route =
            Route::Scim { tenant: tenant.clone(), base: String::new(), target: ScimTarget::Bulk };
        let connection = row.connection.clone();
        self.in_name_of(sql, (&route, &principal), means, bound, &mut |work| {
            work.connection.clone_from(&connection);
            work.go_on(&mut row, refusal.as_ref())
        })?;
        let noted = self.memory.as_mut().map(|memory| mem::take(&mut memory.noted));
        if let Some((connection, noted)) = connection.as_deref().zip(noted) {
            self.ring.learn(connection, noted, means.now);
        }
        if self.memory.as_ref().is_some_and(|memory| memory.stale) {
            self.memory = None;
        }
        Ok(())
    }

    /// Does something in the name of one who has asked for it before, and sees to the access of all whom
    /// that touches; or leaves nothing of it.
    pub(super) fn in_name_of(
        &mut self,
        sql: &dyn Sql,
        (route, principal): (&Route, &Principal),
        means: &mut Means<'_>,
        bound: Bound,
        work: &mut dyn FnMut(&mut Work<'_, '_>) -> Result<(), Failure>,
    ) -> Result<(), StoreError> {
        let memory = wake(&mut self.memory, sql)?;
        memory.log.sow(&mut *means.random)?;
        let mut call = Call {
            request: Request {
                method: Method::Post,
                route,
                base: "",
                query: Query::parse(""),
                headers: &Headers::default(),
                body: &[],
            },
            principal,
            now: means.now,
            random: &mut *means.random,
            normalize: means.normalize,
            key_ring: means.key_ring,
            // Nothing of it fetches anything, or has anything copied.
            outbound: Outbound { loopback: false, own_origin: "", tenant_host: None },
            copying: Copying::Unbound,
            key_pairs: None,
            looked: None,
        };
        let registry = Arc::clone(&memory.registry);
        let known = (memory, &self.ring, &self.uses);
        let mut all = Work::new(sql, known, &registry, &mut call, bound);
        let part = || all.settled(|all| work(all));
        store::transacted(sql, part, Result::is_ok)?.map_err(|failure| match failure {
            Failure::Store(error) => error,
            _ => StoreError::new("what was asked for before is refused as a whole"),
        })
    }
}

impl Work<'_, '_> {
    /// Does the next part of a request, or ends it where it may not go on, or has failed too often.
    fn go_on(&mut self, row: &mut AsyncRow, refusal: Option<&ScimError>) -> Result<(), Failure> {
        let may = match refusal {
            Some(error) => Err(error.clone().into()),
            None if row.failures >= limits::ASYNC_ATTEMPTS => Err(ErrorKind::Internal.into()),
            None => self.scim_is_on().and_then(|()| self.bulk_is_on()),
        };
        match may {
            Ok(()) => self.do_part(row)?,
            Err(Failure::Scim(error)) => self.stop(row, &error)?,
            Err(failure) => return Err(failure),
        }
        Ok(self.keep_proposed()?)
    }

    /// `GET /Async/{txn}`: what became of a request that is answered later.
    ///
    /// 1. There must be one, and the key's connection, if it has one, must have asked for it: 404.
    /// 2. As long as it is under way, it is told how far it has come: 202.
    /// 3. Then what it would have been answered at once: 200.
    pub(super) fn read_async(&self, txn: &str) -> Answer {
        let now = self.now().timestamp_millis();
        let is_shown = |row: &AsyncRow| {
            let is_own = self.connection.is_none() || row.connection == self.connection;
            is_own && row.expires.is_none_or(|expires| expires > now)
        };
        let row = async_requests::of(self.sql, txn)?.filter(is_shown);
        let row = row.ok_or(ErrorKind::NotFound)?; // (1)
        if row.expires.is_none() {
            let body = json!({
                "schemas": [urn::ASYNC_PROGRESS],
                "txn": row.txn,
                "operations": row.operations,
                "done": row.done,
                "errors": row.errors,
            });
            let response = self.scim(202, body.to_string().into_bytes());
            return Ok(response.with("retry-after", "1")); // (2)
        }
        Ok(self.scim(200, self.async_result(&row)?)) // (3)
    }

    /// The answers to the operations that ran, in the order of the request. They are kept without the
    /// base that they are shown with.
    fn async_result(&self, row: &AsyncRow) -> Result<Vec<u8>, StoreError> {
        let malformed = || StoreError::new("what became of a request is malformed");
        let mut answers = vec![String::new(); usize::try_from(row.operations).unwrap_or(0)];
        for part in 0..row.next {
            let part = async_requests::part(self.sql, &row.txn, Kind::Results, part)?;
            for line in from_utf8(&part).map_err(|_| malformed())?.lines() {
                let (place, answer) = line.split_once(' ').ok_or_else(malformed)?;
                let answer = from_str(answer).map_err(|_| malformed())?;
                let place = place.parse().ok().and_then(|place: usize| answers.get_mut(place));
                *place.ok_or_else(malformed)? = self.with_base(answer).to_string();
            }
        }
        answers.retain(|answer| !answer.is_empty());
        let answers = answers.join(",");
        let urn = urn::BULK_RESPONSE;
        Ok(format!("{{\"schemas\":[\"{urn}\"],\"Operations\":[{answers}]}}").into_bytes())
    }

    fn with_base(&self, mut answer: Value) -> Value {
        if let Some(Value::String(location)) = answer.get_mut("location") {
            location.insert_str(0, self.request().base);
        }
        answer
    }
}
