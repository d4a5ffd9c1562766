//! What a tenant does: every request that passed the gate, against the tenant's own rows.
//!
//! Synchronous from here down, inside one transaction a request: a request commits whole or leaves
//! nothing. Time and randomness are arguments. One file per family of requests.

mod bulk;
mod connections;
mod discovery;
mod document;
mod events;
mod export;
mod health;
mod idempotency;
mod import;
mod keys;
mod list;
mod lookups;
mod members;
mod memory;
mod naming;
mod plan;
mod policies;
mod redaction;
mod render;
mod requests;
mod resources;
mod ring;
mod schemas;
mod stored_policy;
mod sweep;
mod work;

use std::mem;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::auth::{JtiDigest, KeyRing, Principal};
use crate::http::{Method, Problem, ProblemCode, Refusal, Request, Response, Route, ScimTarget};
use crate::scim::compat::Compat;
use crate::scim::schema::Registry;
use crate::scim::{ErrorKind, ScimError};
use crate::store::{self, Sql, StoreError, Verdict};
use memory::{Memory, OrderBookmarks};
use ring::Ring;
use work::{Answer, Failure, Work};

/// A tenant's state in memory: what is read once when the object wakes. It is dropped, and read
/// anew, whenever a request fails that had begun to change it.
#[derive(Debug, Default)]
pub struct Tenant {
    memory: Option<Memory>,
    ring: Ring,
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
    /// Signs new keys.
    pub key_ring: &'a KeyRing,
}

impl Tenant {
    /// Answers one request.
    ///
    /// 1. The first request after the object woke migrates the tables and reads what is kept in
    ///    memory: 500.
    /// 2. The key must be live: 401; its connection must not be disabled: 403; this version must
    ///    know its rules: 503.
    /// 3. The family does its work; a request that may write runs in a transaction, which a failure
    ///    rolls back.
    pub fn handle(&mut self, sql: &dyn Sql, call: &mut Call<'_>) -> Response {
        let scim = matches!(call.request.route, Route::Scim { .. });
        let accept = call.request.headers.accept.clone();
        let answer = self.answer(sql, call);
        let noted = self.memory.as_mut().map(|memory| mem::take(&mut memory.noted));
        let connection = self.connection_of(call.principal);
        let touched = self.memory.as_ref().is_some_and(|memory| memory.touched);
        let stale = self.memory.as_ref().is_some_and(|memory| memory.stale);
        if stale || answer.is_err() && touched || matches!(answer, Err(Failure::Store(_))) {
            self.memory = None;
        }
        let response =
            answer.unwrap_or_else(|failure| failure.into_response(scim, accept.as_deref()));
        self.ring.keep(call, &response, connection.as_deref(), noted.unwrap_or_default());
        response
    }

    /// The connection that a principal's key is bound to, live or not.
    fn connection_of(&self, principal: &Principal) -> Option<String> {
        let Principal::Key(key) = principal else { return None };
        self.memory.as_ref()?.keys.get(&key.id)?.connection.clone()
    }

    fn answer(&mut self, sql: &dyn Sql, call: &mut Call<'_>) -> Answer {
        let (memory, ring) = self.wake(sql)?; // (1)
        memory.touched = false;
        let bound = match admit(memory, call.principal, call.now) {
            Ok(bound) => bound,
            Err(refusal) => {
                let scim = matches!(call.request.route, Route::Scim { .. });
                return Ok(refusal.to_response(scim)); // (2)
            }
        };
        let reads = call.request.reads();
        let registry = Arc::clone(&memory.registry);
        let mut work = Work::new(sql, (memory, ring), &registry, call, bound);
        if reads { work.run() } else { work.run_once() } // (3)
    }

    /// The state in memory, read if it is not there.
    fn wake(&mut self, sql: &dyn Sql) -> Result<(&mut Memory, &mut Ring), StoreError> {
        let memory = match self.memory.take() {
            Some(memory) => memory,
            None => {
                let mut loaded = Err(StoreError::new("the transaction did not run"));
                sql.transaction(&mut || {
                    loaded = store::migrate(sql).and_then(|()| Memory::load(sql));
                    if loaded.is_ok() { Verdict::Commit } else { Verdict::RollBack }
                })?;
                loaded?
            }
        };
        let memory = self.memory.insert(memory);
        self.ring.wake(sql)?;
        Ok((memory, &mut self.ring))
    }

    /// Milliseconds from now at which the object wants its alarm, if it has put something off: at
    /// once for rows to be swept, within a minute for what is known of recent requests.
    pub fn alarm_in_milliseconds(&self, now: DateTime<Utc>) -> Option<i64> {
        let sweeping = self.memory.as_ref().is_some_and(|memory| memory.sweeping);
        if sweeping { Some(0) } else { self.ring.due_in(now) }
    }

    /// Does one bounded step of what was put off; [`Self::alarm_in_milliseconds`] then tells
    /// whether more is left.
    ///
    /// # Errors
    /// The cause, for the log; nothing was written.
    pub fn alarm(&mut self, sql: &dyn Sql, now: DateTime<Utc>) -> Result<(), StoreError> {
        let (memory, ring) = self.wake(sql)?;
        let flushes = ring.due_in(now) == Some(0);
        let mut swept = Err(StoreError::new("the transaction did not run"));
        sql.transaction(&mut || {
            swept = put_off(sql, flushes.then_some(&*ring), now);
            if swept.is_ok() { Verdict::Commit } else { Verdict::RollBack }
        })?;
        memory.sweeping = swept?;
        if flushes {
            ring.flushed();
        }
        // A step changes groups, and records no event.
        memory.order_bookmarks = OrderBookmarks::default();
        Ok(())
    }
}

/// Does one step of what was put off; whether rows are left to be swept.
fn put_off(sql: &dyn Sql, ring: Option<&Ring>, now: DateTime<Utc>) -> Result<bool, StoreError> {
    if let Some(ring) = ring {
        ring.flush(sql)?;
        store::idempotency::forget_expired(sql, now.timestamp())?;
    }
    sweep::step(sql, now)
}

/// What a live key is bound to: the connection's id and what it is forgiven.
type Bound = Option<(String, Compat)>;

/// Whether the principal's key is live here.
fn admit(memory: &Memory, principal: &Principal, now: DateTime<Utc>) -> Result<Bound, Refusal> {
    let Principal::Key(key) = principal else { return Ok(None) };
    let row = memory
        .keys
        .get(&key.id)
        .filter(|row| JtiDigest::stored(&row.jti) == key.jti && row.expires > now.timestamp())
        .ok_or(Refusal::InvalidToken("the key has been revoked"))?;
    let Some(id) = &row.connection else { return Ok(None) };
    let connection = memory.connections.get(id);
    let connection = connection.ok_or(Refusal::InvalidToken("the key's connection is gone"))?;
    if connection.row.state == connections::DISABLED {
        return Err(Refusal::ConnectionDisabled);
    }
    let unknown = || Refusal::Unavailable("a connection has rules that are not known".to_owned());
    Ok(Some((id.clone(), connection.compat.ok_or_else(unknown)?)))
}

impl<'a, 'c> Work<'a, 'c> {
    fn new(
        sql: &'a dyn Sql,
        (memory, ring): (&'a mut Memory, &'a Ring),
        registry: &'a Registry,
        call: &'a mut Call<'c>,
        bound: Bound,
    ) -> Self {
        let (connection, compat) = bound.unzip();
        let origin = connection.as_ref().map_or("admin".to_owned(), |id| format!("scim:{id}"));
        Self {
            sql,
            memory,
            ring,
            registry,
            call,
            compat: compat.unwrap_or(Compat::GENERIC),
            connection,
            origin,
            evaluated: 0,
        }
    }

    /// Does the request in a transaction, which a failure rolls back.
    fn run_whole(&mut self) -> Answer {
        let sql = self.sql;
        let mut answer = Err(Failure::Store(StoreError::new("the transaction did not run")));
        sql.transaction(&mut || {
            answer = self.run();
            if answer.is_ok() { Verdict::Commit } else { Verdict::RollBack }
        })?;
        answer
    }

    /// Hands the request to its family. The gate has seen to it that route and method fit; here it
    /// is asked again, since a request that is taken for another must not write.
    fn run(&mut self) -> Answer {
        let route: &'c Route = self.call.request.route;
        match (route, self.call.request.method) {
            (Route::Scim { target, .. }, method) => self.scim_target(target, method),
            (Route::Keys(_), Method::Get) => self.list_keys(),
            (Route::Keys(_), Method::Post) => self.create_key(),
            (Route::Key(_, id), Method::Get) => self.read_key(id),
            (Route::Key(_, id), Method::Delete) => self.revoke_key(id),
            (Route::Connections(_), Method::Get) => self.list_connections(),
            (Route::Connections(_), Method::Post) => self.create_connection(),
            (Route::Connection(_, id), Method::Get) => self.read_connection(id),
            (Route::ConnectionHealth(_, id), Method::Get) => self.health(id),
            (Route::ConnectionTest(_, id), Method::Post) => self.test_connection(id),
            (Route::Requests(_), Method::Get) => self.read_requests(),
            (Route::Events(_), Method::Get) => self.read_events(),
            (Route::Export(_), Method::Get) => self.export(),
            (Route::Import(_), Method::Post) => self.import(),
            (Route::Policies(_), Method::Get) => Ok(self.read_policies()),
            (Route::Policies(_), Method::Put) => self.amend_policies(),
            (Route::Schemas(_), Method::Get) => self.list_declared(),
            (Route::Schemas(_), Method::Put) => self.replace_all_declared(),
            (Route::Schemas(_), Method::Post) => self.declare(),
            (Route::Schema(_, urn), Method::Get) => self.read_declared(urn),
            (Route::Schema(_, urn), Method::Put) => self.replace_declared(urn),
            (Route::Schema(_, urn), Method::Delete) => self.withdraw_declared(urn),
            _ => Err(Problem::from(ProblemCode::MethodNotAllowed).into()),
        }
    }

    fn scim_target(&mut self, target: &ScimTarget, method: Method) -> Answer {
        if !self.memory.policy.features.scim && !target.is_discovery() {
            let detail = "SCIM is switched off for this tenant";
            return Err(ScimError::new(ErrorKind::Forbidden, detail).into());
        }
        // The route knows all types that there are; this tenant may not have that one.
        if let Some(number) = target.type_number() {
            self.schema_of(number)?;
        }
        match (target, method) {
            (ScimTarget::Collection(number), Method::Get) => self.list(Some(*number)),
            (ScimTarget::Collection(number), Method::Post) => self.create(*number),
            (ScimTarget::Resource(number, id), Method::Get) => self.read(*number, id),
            (ScimTarget::Resource(number, id), Method::Put) => self.replace(*number, id),
            (ScimTarget::Resource(number, id), Method::Patch) => self.patch(*number, id),
            (ScimTarget::Resource(number, id), Method::Delete) => self.delete(*number, id),
            (ScimTarget::Search(number), Method::Post) => self.search(*number),
            (ScimTarget::ServiceProviderConfig, Method::Get) => self.service_provider_config(),
            (ScimTarget::ResourceTypes, Method::Get) => self.resource_types(),
            (ScimTarget::ResourceType(id), Method::Get) => self.resource_type(id),
            (ScimTarget::Schemas, Method::Get) => self.schemas(),
            (ScimTarget::Schema(urn), Method::Get) => self.schema(urn),
            (ScimTarget::Bulk, Method::Post) if self.memory.policy.features.bulk => self.bulk(),
            (ScimTarget::Bulk, Method::Post) => Err(ErrorKind::NotImplemented.into()),
            (ScimTarget::Me, _) => Err(ErrorKind::NotImplemented.into()),
            _ => Err(ErrorKind::MethodNotAllowed.into()),
        }
    }
}
