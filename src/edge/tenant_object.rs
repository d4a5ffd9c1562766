//! The Durable Object of one tenant: where a request meets the tenant's rows.
//!
//! The only place that takes the time and random numbers. What has to be waited for comes first;
//! from the call of the tenant on nothing waits, so that no other request comes in between and no
//! lock is needed. `streams` hands over what streams tell, `copies` copies what the edge reads, `later`
//! does requests that are answered later, and in `waits` they wait for events.

mod copies;
mod later;
mod streams;
mod waits;

use std::cell::{Cell, RefCell};
use std::mem;
use std::rc::Rc;

use chrono::{DateTime, Utc};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use super::answer::{Spent, bare, deliver, log, request_id};
use super::deployment::Deployment;
use super::handover::PRINCIPAL;
use super::polls::Polls;
use super::sql::ObjectSql;
use super::waiting::{self, settled};
use super::{Outcome, body, js, now, webhooks};
use crate::auth::Principal;
use crate::http::{
    ConfigStep, Done, Errand, Method, Query, Refusal, Request, RequestId, Response, Route,
    StreamAction, Trace, Url,
};
use crate::limits;
use crate::policy::{Delivered, RateLimit};
use crate::registry::Slug;
use crate::store::Sql as _;
use crate::tenant::{Call, Delivery, Handled, Poll, Tenant, Waits};

/// The class that `wrangler.toml` names.
#[wasm_bindgen]
pub struct TenantObject(Rc<Object>);

struct Object {
    env: js::Env,
    storage: js::Storage,
    sql: ObjectSql,
    /// Whose object this is, by its name.
    slug: Option<Slug>,
    tenant: RefCell<Tenant>,
    alarm: Cell<Alarm>,
    polls: Polls,
    /// Whether there is a namespace for copies.
    directory: bool,
}

/// What is known of the object's one alarm.
#[derive(Clone, Copy, PartialEq)]
enum Alarm {
    /// Nothing: the object has just woken.
    Unknown,
    Unset,
    /// Due at a time, in milliseconds since the epoch.
    Set(f64),
}

#[wasm_bindgen]
impl TenantObject {
    /// Wakes the object. Nothing is read yet.
    #[wasm_bindgen(constructor)]
    pub fn new(state: &js::ObjectState, env: js::Env) -> Self {
        Self(Rc::new(Object {
            storage: state.storage(),
            sql: ObjectSql::new(state.storage()),
            slug: state.id().name().as_deref().and_then(Slug::of_object),
            tenant: RefCell::new(Tenant::limited(default_rate_limit(&env))),
            alarm: Cell::new(Alarm::Unknown),
            polls: Polls::default(),
            directory: env.directory().is_some(),
            env,
        }))
    }

    /// Answers a request that the edge has let pass.
    pub fn fetch(&self, request: js::Request) -> Outcome {
        waiting::run(answer(Rc::clone(&self.0), request))
    }

    /// Does one step of what was put off. The runtime tries again, later and later, what throws.
    pub fn alarm(&self) -> Outcome {
        waiting::run(ring(Rc::clone(&self.0)))
    }
}

/// An alarm: a step of what is done at once, one of a request that is answered later, one of streams, and
/// one of copies. Who is slow to take events is not waited for, so that nobody else has to.
async fn ring(object: Rc<Object>) -> Outcome {
    let stepped = object.step();
    let worked = object.work_off().await;
    let streams = streams::begin(&object).await;
    object.copy().await;
    streams::wait(&streams).await;
    if object.tenant.borrow().is_erased()
        && let Err(refusal) = object.purge().await
    {
        let id = object.complain("deletion", &refusal.to_response(false));
        // Thrown, so that the runtime rings again: the alarm that was set is gone.
        return Err(JsValue::from_str(&format!(
            "the deletion failed, see request {}",
            id.as_str()
        )));
    }
    stepped.and(worked)?;
    object.arm(&object.tenant.borrow(), now())?;
    Ok(JsValue::UNDEFINED)
}

async fn answer(object: Rc<Object>, request: js::Request) -> Outcome {
    let deployment = Deployment::of(&object.env);
    let raw_url = request.url();
    let url = Url::split(&raw_url).unwrap_or_default();
    let errand = request.headers().text(PRINCIPAL).and_then(|header| Errand::decode(&header));
    let served = match &errand {
        Some(errand) => object.serve(&request, &deployment, url, errand).await,
        None => Err(Refusal::NotFromTheEdge),
    };
    let Served { response, spent, connection, .. } =
        served.unwrap_or_else(|refusal| Served::from(refusal.to_response(url.is_scim())));
    let config = errand.as_ref().is_some_and(|errand| errand.config.is_some());
    let what = if config { "config" } else { "edge" };
    match errand.and_then(|errand| errand.trace) {
        Some(trace) => deliver(response, &trace, spent, connection, deployment.telling),
        None => {
            if response.has_failed() {
                object.complain(what, &response);
            }
            bare(response, spent, deployment.telling)
        }
    }
}

/// A response, and what is told of it.
struct Served {
    response: Response,
    spent: Spent,
    /// The connection that the key is bound to.
    connection: Option<String>,
    /// That there is nothing yet, and for what it waits.
    waits: Option<Waits>,
    /// What is to be sent before it is answered.
    delivery: Option<Delivery>,
    /// What is to be signed before.
    poll: Option<Poll>,
}

impl From<Response> for Served {
    fn from(response: Response) -> Self {
        Self {
            response,
            spent: Spent::default(),
            connection: None,
            waits: None,
            delivery: None,
            poll: None,
        }
    }
}

impl Object {
    /// Serves one request.
    ///
    /// 1. It must be of this tenant: 404.
    /// 2. The body is read: 400.
    /// 3. An object that has just woken learns whether its alarm is set: 500.
    /// 4. It must not have waited for too long behind others: 503.
    /// 5. The administrator deletes the tenant: 204, or 202 where that takes longer.
    /// 6. All else is the tenant's to answer, a step of the edge's own by which the policy document comes
    ///    among it.
    /// 7. What a test of a stream sends is sent, and what came of it is the answer: 200.
    /// 8. What waits for events is asked again until there are some, or it has waited for long enough;
    ///    where too many wait already: 429.
    /// 9. What a poll answers is signed: 200.
    async fn serve(
        &self,
        request: &js::Request,
        deployment: &Deployment,
        url: Url<'_>,
        Errand { principal, trace, headers, config, confined }: &Errand,
    ) -> Result<Served, Refusal> {
        // The edge's own requests have the path by which every host has its tenants.
        let hosts = if config.is_some() { None } else { deployment.tenant_host()? };
        let route = Route::of(&url, hosts).ok_or(Refusal::NotFound)?; // (1)
        if self.slug.is_some() && self.slug.as_ref() != route.tenant() {
            return Err(Refusal::NotFound); // (1)
        }
        let method = Method::parse(&request.method());
        let body = body::inner(request, method).await?; // (2)
        self.learn_of_alarm().await?; // (3)
        if trace.as_ref().is_some_and(|trace| trace.is_late(now().timestamp_millis())) {
            return Err(Refusal::Busy("it has waited for too long in the object".to_owned())); // (4)
        }
        if let (Method::Delete, Route::Tenant(_), Principal::Admin) = (method, &route, principal) {
            return Ok(Response::empty(self.delete().await?).into()); // (5)
        }
        let key_pairs = match (&route, method) {
            (Route::Streams(_), Method::Post)
            | (Route::StreamAction(_, _, StreamAction::RotateSecret), _) => {
                Some(webhooks::new_pairs().await.map_err(failed)?)
            }
            _ => None,
        };
        let call = &mut Call {
            request: Request {
                method,
                route: &route,
                base: &route.scim_base(url.origin),
                query: Query::parse(url.query),
                headers,
                body: &body,
            },
            principal,
            now: now(),
            random: &mut random,
            normalize: &js::normalized,
            key_ring: &deployment.gate()?.key_ring,
            outbound: deployment.outbound(url.origin),
            copying: self.copying(*confined),
            key_pairs,
            looked: None,
        };
        #[cfg(debug_assertions)]
        super::fault::take_order(&request.headers());
        let mut served = self.handle(call, config.as_ref()); // (6)
        #[cfg(debug_assertions)]
        super::fault::forget_order();
        if let Some(delivery) = served.delivery.take() {
            // (7)
            let (came, cause) = match webhooks::send(&delivery).await {
                Ok(came) => (came, None),
                Err(cause) => (Delivered::Unsigned, Some(cause)),
            };
            let mut first = mem::take(&mut served.response);
            first.cause = cause.or(first.cause);
            served.response = delivery.tested(&came, first);
        }
        if let Some(waits) = served.waits {
            served = self.wait(call, served, waits).await?; // (8)
        }
        if let Some(poll) = served.poll.take() {
            // (9)
            served.response = webhooks::answered(&poll, served.response).await.map_err(failed)?;
        }
        Ok(served)
    }

    fn handle(&self, call: &mut Call<'_>, config: Option<&ConfigStep>) -> Served {
        let before = self.sql.cost();
        let mut tenant = self.tenant.borrow_mut();
        let Handled { mut response, connection, waits, delivery, poll } = match config {
            Some(step) => tenant.configure(&self.sql, call, step).into(),
            None => tenant.handle(&self.sql, call),
        };
        self.polls.tell(tenant.last_seq());
        let alarms = self.arm(&tenant, call.now).unwrap_or_else(|exception| {
            response.cause.get_or_insert(js::message(&exception));
            0
        });
        let spent = Spent { rows: self.sql.cost().since(before), alarms };
        Served { response, spent, connection, waits, delivery, poll }
    }

    async fn learn_of_alarm(&self) -> Result<(), Refusal> {
        if self.alarm.get() == Alarm::Unknown {
            let due = settled(self.storage.alarm().map_err(failed)?).await;
            let alarm = match due.as_f64() {
                Some(due) => Alarm::Set(due),
                None if due.is_null() => Alarm::Unset,
                None => return Err(failed(due)),
            };
            self.alarm.set(alarm);
        }
        Ok(())
    }

    /// Sets the alarm that the tenant wants, unless one is set that is due by then; returns how many
    /// were.
    fn arm(&self, tenant: &Tenant, now: DateTime<Utc>) -> Result<u32, JsValue> {
        let Some(delay) = tenant.alarm_in_milliseconds(now) else { return Ok(0) };
        #[expect(clippy::cast_precision_loss, reason = "milliseconds are far below 2^53")]
        let due = now.timestamp_millis().saturating_add(delay) as f64;
        if matches!(self.alarm.get(), Alarm::Set(earlier) if earlier <= due) {
            return Ok(0);
        }
        // It is committed with the rows; the runtime holds the answer back until both are safe.
        let _ = self.storage.set_alarm(due)?;
        self.alarm.set(Alarm::Set(due));
        Ok(1)
    }

    fn step(&self) -> Result<(), JsValue> {
        self.alarm.set(Alarm::Unset);
        let now = now();
        let mut tenant = self.tenant.borrow_mut();
        let done = tenant.alarm(&self.sql, now, &mut random);
        done.map_err(|error| self.failed_alarm("alarm", error.to_string()))?;
        self.polls.tell(tenant.last_seq());
        Ok(())
    }

    /// Tells the log of an alarm that has failed; what is thrown then.
    fn failed_alarm(&self, what: &str, cause: String) -> JsValue {
        let id = self.complain_of(what, cause);
        JsValue::from_str(&format!("the alarm failed, see request {}", id.as_str()))
    }

    /// Deletes the tenant, the copies of its users first; the status. What a request does not get to,
    /// alarms do.
    async fn delete(&self) -> Result<u16, Refusal> {
        let erases = self.tenant.borrow_mut().erase(&self.sql);
        if erases.map_err(|error| Refusal::Internal(error.to_string()))? {
            for _ in 0..limits::COPY_STEPS_OF_DELETION {
                self.copy().await;
            }
            if !self.tenant.borrow().is_erased() {
                self.arm(&self.tenant.borrow(), now()).map_err(failed)?;
                return Ok(202);
            }
        }
        self.purge().await?;
        Ok(204)
    }

    /// Tells the log of a failure in what nobody from outside has asked for; returns its id there.
    fn complain(&self, what: &str, response: &Response) -> RequestId {
        let now = now().timestamp_millis();
        let trace = Trace {
            id: request_id(None),
            began: now,
            route: Some(what.to_owned()),
            tenant: self.slug.as_ref().map(|slug| slug.as_str().to_owned()),
            ..Trace::default()
        };
        log(&trace, response, &Done { ended: now, ..Done::default() });
        trace.id
    }

    /// The same, where nobody is answered.
    fn complain_of(&self, what: &str, cause: String) -> RequestId {
        self.complain(what, &Response { cause: Some(cause), ..Response::empty(500) })
    }

    /// Deletes everything: rows, alarm, and what memory holds of them.
    async fn purge(&self) -> Result<(), Refusal> {
        let alarm = self.storage.delete_alarm().map_err(failed)?;
        let rows = self.storage.delete_all().map_err(failed)?;
        self.tenant.replace(Tenant::limited(default_rate_limit(&self.env)));
        self.alarm.set(Alarm::Unset);
        self.polls.wake();
        for promise in [alarm, rows] {
            let deleted = settled(promise).await;
            if !deleted.is_undefined() {
                return Err(failed(deleted));
            }
        }
        Ok(())
    }
}

/// What a tenant is held to that has not chosen its own rate limit.
fn default_rate_limit(env: &js::Env) -> Option<RateLimit> {
    Deployment::of(env).rate_limits.then_some(RateLimit::DEFAULT)
}

fn random(buffer: &mut [u8]) -> Result<(), String> {
    getrandom::fill(buffer).map_err(|error| error.to_string())
}

#[expect(clippy::needless_pass_by_value, reason = "what `map_err` hands over")]
fn failed(exception: JsValue) -> Refusal {
    Refusal::Internal(js::message(&exception))
}
