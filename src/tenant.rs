//! What a tenant does: every request that passed the gate, against the tenant's own rows.
//!
//! Synchronous from here down, inside one transaction a request: a request commits whole or leaves
//! nothing. Time and randomness are arguments. One file per family of requests.

mod access;
mod admission;
mod adopt;
mod alarm;
mod async_requests;
mod bookmarks;
mod bucket;
mod bulk;
mod changes;
mod config;
mod connections;
mod copies;
mod decisions;
mod departure;
mod diagnostics;
mod discovery;
mod dispatch;
mod document;
mod drift;
mod duration;
mod erasure;
mod events;
mod export;
mod health;
mod hidden;
mod idempotency;
mod import;
mod imports;
mod keys;
mod links;
mod list;
mod log;
mod lookups;
mod matches;
mod members;
mod memory;
mod naming;
mod page;
mod plan;
mod policies;
mod policy_parts;
mod redaction;
mod render;
mod requests;
mod resources;
mod ring;
mod schemas;
mod secrets;
mod snapshot;
mod stale;
mod stored_policy;
mod streams;
mod succession;
mod suspensions;
mod sweep;
mod targets;
mod timeline;
mod token;
mod tombstones;
mod trusts;
mod uses;
mod waiters;
mod work;

use std::mem;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::auth::{KeyPair, KeyRing, Principal, TokenPair};
use crate::http::{OAuthError, Outbound, Refusal, Request, Response, Route};
use crate::policy::{Copying, RateLimit};
use crate::registry::ConfigTag;
use crate::scim::compat::Compat;
use crate::scim::schema::Registry;
use crate::store::members::origin_of;
use crate::store::{self, Sql, StoreError};
use admission::{Bound, admit, held_to};
use adopt::Adopt;
pub use async_requests::Means;
pub use bucket::{Bucket, Taken};
pub use copies::Batch;
use memory::Memory;
use ring::Ring;
use streams::Flights;
pub use streams::{Batch as StreamBatch, Delivery, Poll};
use uses::Uses;
pub use waiters::{Seat, Waiters};
use work::{Answer, Failure, Work};

/// A tenant's state in memory: what is read once when the object wakes. It is dropped, and read
/// anew, whenever a request fails that had begun to change it. What is left of the tenant's rate limit,
/// the uses of keys and recent requests are kept apart, since a request counts that fails.
#[derive(Debug, Default)]
pub struct Tenant {
    memory: Option<Memory>,
    bucket: Bucket,
    default_rate_limit: Option<RateLimit>,
    ring: Ring,
    uses: Uses,
    /// Until when copies are on their way to KV, in milliseconds since the epoch, if they are.
    copying_until: Option<i64>,
    /// What streams hand over.
    flights: Flights,
    /// The policy document of the tenant's record that was refused last.
    refused: Option<ConfigTag>,
}

/// That a request for events has found none, and waits for some.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Waits {
    /// The place in the log up to which it has looked.
    pub looked: i64,
    /// For how long it waits.
    pub milliseconds: i64,
}

/// What a request has come to.
#[derive(Clone, Debug)]
pub struct Handled {
    /// The answer.
    pub response: Response,
    /// The connection to which the key is bound that asked, live or not.
    pub connection: Option<String>,
    /// What is to be sent before, and what came of it is the answer: [`Delivery::tested`].
    pub delivery: Option<Delivery>,
    /// What is to be signed before, which is the answer then: [`Poll::answered`].
    pub poll: Option<Poll>,
    /// That the answer is one of nothing yet; the same call may be handled again, from where this one has
    /// looked.
    pub waits: Option<Waits>,
}

/// One request and everything it may use.
pub struct Call<'a> {
    /// The request.
    pub request: Request<'a>,
    /// Who asks.
    pub principal: &'a Principal,
    /// When.
    pub now: DateTime<Utc>,
    /// Fills a buffer with random bytes, or says why it cannot.
    pub random: &'a mut dyn FnMut(&mut [u8]) -> Result<(), String>,
    /// The compatible form of a text (Unicode's NFKC).
    pub normalize: &'a dyn Fn(&str) -> String,
    /// Signs new keys.
    pub key_ring: &'a KeyRing,
    /// Which addresses may be fetched from outside.
    pub outbound: Outbound<'a>,
    /// Pairs of keys for a stream, of each sort one, where one may be made.
    pub key_pairs: Option<(KeyPair, TokenPair)>,
    /// Whether the tenant's users can be copied to KV.
    pub copying: Copying,
    /// How far an earlier look of the same request has come, if it has waited since. It counts once.
    pub looked: Option<i64>,
}

impl Tenant {
    /// A tenant that is held to a rate limit where it has not chosen another.
    pub fn limited(default_rate_limit: Option<RateLimit>) -> Self {
        Self { default_rate_limit, ..Self::default() }
    }

    /// Answers one request.
    ///
    /// 1. The first request after the object woke migrates the tables and reads what is kept in
    ///    memory: 500. Where there are no tables, there is no key and no client: 401, and nothing is
    ///    written; the administrator alone makes them. A tenant that is being deleted: 503.
    /// 2. The key must be live: 401.
    /// 3. What is left of the tenant's rate limit must be enough for the request, whatever it asks
    ///    for and comes to: 429. The administrator is not held to it.
    /// 4. The key's connection must not be disabled: 403; this version must know its rules: 503.
    /// 5. The family does its work; a request that may write runs in a transaction, which a failure
    ///    rolls back.
    pub fn handle(&mut self, sql: &dyn Sql, call: &mut Call<'_>) -> Handled {
        let scim = matches!(call.request.route, Route::Scim { .. });
        let accept = call.request.headers.accept.clone();
        let mut taken = None;
        let answer = match self.is_born(sql, call) {
            Ok(true) => self.answer(sql, call, &mut taken),
            Ok(false) => return unborn(call, scim).into(), // (1)
            Err(error) => Err(error.into()),
        };
        let noted = self.memory.as_mut().map(|memory| mem::take(&mut memory.noted));
        let connection = self.connection_of(call.principal);
        let touched = self.memory.as_ref().is_some_and(|memory| memory.touched);
        let stale = self.memory.as_ref().is_some_and(|memory| memory.stale);
        if stale || answer.is_err() && touched || matches!(answer, Err(Failure::Store(_))) {
            self.memory = None;
        }
        let response =
            answer.unwrap_or_else(|failure| failure.into_response(scim, accept.as_deref()));
        let response = match taken {
            // A refusal tells it by itself.
            Some(taken) if taken.granted => taken.quota.tell(response),
            _ => response,
        };
        let noted = noted.unwrap_or_default();
        let waits = noted.waits;
        self.ring.keep(call, &response, connection.as_deref(), noted);
        let delivery = self.memory.as_mut().and_then(|memory| memory.outgoing.take());
        let poll = self.memory.as_mut().and_then(|memory| memory.polled.take());
        Handled { response, connection, waits, delivery, poll }
    }

    /// The place of the last event, as far as that is known without a look.
    pub fn last_seq(&self) -> Option<i64> {
        self.memory.as_ref().map(|memory| memory.last_seq)
    }

    /// Whether there are tables, or the administrator is here to make them.
    fn is_born(&self, sql: &dyn Sql, call: &Call<'_>) -> Result<bool, StoreError> {
        // Who has waited meanwhile comes to make nothing.
        let makes = *call.principal == Principal::Admin && call.looked.is_none();
        Ok(self.memory.is_some() || makes || store::has_tables(sql)?)
    }

    fn answer(&mut self, sql: &dyn Sql, call: &mut Call<'_>, taken: &mut Option<Taken>) -> Answer {
        let slept = self.memory.is_none();
        let memory = wake(&mut self.memory, sql)?; // (1)
        if slept {
            let tenant = call.request.route.tenant().map_or("", |tenant| tenant.as_str());
            memory.compare_names(call.key_ring, tenant);
        }
        self.ring.wake(sql)?;
        memory.begin();
        let scim = matches!(call.request.route, Route::Scim { .. });
        if memory.is_erasing() {
            return Ok(Refusal::being_deleted().to_response(scim)); // (1)
        }
        let admitted = admit(memory, call.principal, call.now);
        if let Err(refusal @ Refusal::InvalidToken(_)) = &admitted {
            return Ok(refusal.to_response(scim)); // (2)
        }
        if matches!(call.principal, Principal::Key(_)) {
            self.flights.resume(); // The edge lets none of a suspended tenant pass.
        }
        let first = call.looked.is_none();
        if let (Ok(_), Principal::Key(key), true) = (&admitted, call.principal, first) {
            self.uses.note(&key.id, call.now);
        }
        let limit = held_to(memory, call.principal, self.default_rate_limit);
        if let Some(limit) = limit.filter(|_| first) {
            let taken = taken.insert(self.bucket.take(limit, call.now.timestamp_millis()));
            if !taken.granted {
                return Ok(Refusal::TooManyRequests(taken.exceeded()).to_response(scim)); // (3)
            }
        }
        let bound = match admitted {
            Ok(bound) => bound,
            Err(refusal) => return Ok(refusal.to_response(scim)), // (4)
        };
        let reads = call.request.reads();
        if !reads {
            memory.log.sow(&mut *call.random)?;
        }
        let registry = Arc::clone(&memory.registry);
        let known = (memory, &self.ring, &self.uses);
        let mut work = Work::new(sql, known, &registry, call, bound);
        if reads { work.run() } else { work.run_once() } // (5)
    }

    /// The connection for which a principal's key was made, live or not, as long as it is there and
    /// not leaving.
    fn connection_of(&self, principal: &Principal) -> Option<String> {
        let Principal::Key(key) = principal else { return None };
        let (id, known) =
            self.memory.as_ref()?.connections.get_key_value(key.connection.as_deref()?)?;
        known.departure.is_none().then(|| id.clone())
    }
}

/// What is answered where there are no tables: what any key or client is told that is not known.
fn unborn(call: &Call<'_>, scim: bool) -> Response {
    match (call.principal, call.request.route) {
        (_, Route::KeySet(_)) => Response::key_set(&[]),
        (Principal::Client, _) => OAuthError::InvalidClient.to_response(),
        (Principal::Admin, _) => Refusal::NoTenant.to_response(scim),
        _ => Refusal::InvalidToken("the key has been revoked").to_response(scim),
    }
}

impl From<Response> for Handled {
    fn from(response: Response) -> Self {
        Self { response, connection: None, waits: None, delivery: None, poll: None }
    }
}

/// The state in memory, read if it is not there.
fn wake<'m>(memory: &'m mut Option<Memory>, sql: &dyn Sql) -> Result<&'m mut Memory, StoreError> {
    let awake = match memory.take() {
        Some(memory) => memory,
        None => {
            let load = || store::migrate(sql).and_then(|()| Memory::load(sql));
            store::transacted(sql, load, Result::is_ok)??
        }
    };
    Ok(memory.insert(awake))
}

impl<'a, 'c> Work<'a, 'c> {
    fn new(
        sql: &'a dyn Sql,
        (memory, ring, uses): (&'a mut Memory, &'a Ring, &'a Uses),
        registry: &'a Registry,
        call: &'a mut Call<'c>,
        bound: Bound,
    ) -> Self {
        let (connection, rules) = bound.unzip();
        let compat = rules.map_or(Compat::GENERIC, |rules| rules.compat);
        let adopt = rules.map_or(Adopt::default(), |rules| rules.adopt);
        let said = rules.and_then(|rules| rules.options.match_existing);
        let full = rules.map(|rules| rules.options.groups.unwrap_or(memory.policy.groups));
        let groups = full.unwrap_or_default();
        let origin = origin_of(connection.as_deref());
        // Who is bound to none sees every row, whoever is there.
        let there = memory.connections.keys().filter(|_| connection.is_some());
        let present: Value = there.map(|id| origin_of(Some(id))).collect();
        Self {
            sql,
            memory,
            ring,
            uses,
            registry,
            call,
            compat,
            adopt,
            match_existing: adopt.matching(said),
            groups,
            connection,
            speaks_for: None,
            origin,
            present: present.to_string(),
            evaluated: 0,
        }
    }

    /// Does the request in a transaction, which a failure rolls back. What a guard has refused is noted
    /// then.
    fn run_whole(&mut self) -> Answer {
        let (sql, before) = (self.sql, self.before_refusal());
        let answer = store::transacted(sql, || self.settled(Self::run), Result::is_ok)?;
        self.note_refused(before)?;
        if !matches!(answer, Err(Failure::Store(_))) {
            self.keep_proposed()?;
        }
        answer
    }
}
