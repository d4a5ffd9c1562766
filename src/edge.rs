//! The Worker and its Durable Object: the only module that knows the runtime, waits for anything,
//! tells the time or draws lots.
//!
//! `fetch` answers requests from outside and hands those that pass to their tenant's object
//! (`handover`, or `rescue` when it throws); `tenant_object` answers there, with `sql` as its
//! database, `waiting` for what it has to wait for and `polls` for requests that wait for events.
//! `oauth` sees to requests for tokens, for which `assertion` verifies what other issuers say, to those
//! for public keys `jwks`, and `outbound` asks their servers. `registry` keeps tenants' records in KV,
//! `config` brings the policy documents in them to the objects, `directory` has the copies that the
//! edge reads, `webhooks` sends what streams tell, `rate_limits` asks the runtime's limits,
//! `deployment` has variables and secrets, `body` reads what is sent, `answer` makes the runtime's
//! response and tells the log, and `js` binds what the runtime offers; what every request wants of it
//! is one call each in `crossings`, partly in JavaScript. Debug builds have `fault` as well, by which a
//! test has them panic.
//!
//! A panic, or an exception of JavaScript that passes through wasm, resets every object of the
//! isolate. So nothing here unwraps, and every binding that may throw says `catch`.

mod answer;
mod assertion;
mod body;
mod config;
mod crossings;
mod deployment;
mod directory;
#[cfg(debug_assertions)]
mod fault;
mod fetch;
mod handover;
mod inbound;
mod js;
mod jwks;
mod oauth;
mod outbound;
mod polls;
mod rate_limits;
mod registry;
mod rescue;
mod sql;
mod tenant_object;
mod waiting;
mod webhooks;

use std::future::Future;
use std::task::{Context, Poll, Waker};

use chrono::{DateTime, Utc};
use wasm_bindgen::JsValue;
use worker::js_sys;
use worker::wasm_bindgen_futures::future_to_promise;

pub use fetch::fetch;
pub use tenant_object::TenantObject;

/// What the runtime is given: a response or a promise of one; or what to throw.
type Outcome = Result<JsValue, JsValue>;

/// Runs as far as that goes at once, and only what then has to wait as a promise. A read never has
/// to, neither at the edge that knows its tenant nor in the object, which waits by [`waiting`].
fn eagerly(answer: impl Future<Output = Outcome> + 'static) -> Outcome {
    let mut answer = Box::pin(answer);
    match answer.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(outcome) => outcome,
        Poll::Pending => Ok(future_to_promise(answer).into()),
    }
}

/// The time. It stands still while a request computes.
fn now() -> DateTime<Utc> {
    #[expect(clippy::cast_possible_truncation, reason = "a whole number far below 2^53")]
    let milliseconds = js_sys::Date::now() as i64;
    DateTime::from_timestamp_millis(milliseconds).unwrap_or_default()
}
