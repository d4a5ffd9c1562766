//! The variables and secrets of the deployment, parsed once per isolate.

use std::cell::RefCell;
use std::rc::Rc;

use wasm_bindgen::JsValue;
use worker::js_sys::Promise;

use super::answer::Spent;
use super::js;
use super::rescue::rescue;
use crate::auth::{AdminTokens, KeyRing};
use crate::http::{Gate, Outbound, Refusal};

/// What `wrangler.toml` and `wrangler secret` say.
pub(super) struct Deployment {
    /// Whether plain http is taken, and what only production offers is done without.
    pub(super) allow_http: bool,
    /// Whether servers on this machine may be asked.
    allow_loopback: bool,
    cost_headers: bool,
    gate: Result<Gate, String>,
    /// What answers when an object throws: below `/v1`, and below a SCIM base.
    rescues: [js::Rescue; 2],
    sources: [JsValue; 5],
}

impl Deployment {
    /// The deployment as the bindings have it now: what was parsed last, unless one has changed.
    pub(super) fn of(env: &js::Env) -> Rc<Self> {
        thread_local! {
            static LAST: RefCell<Option<Rc<Deployment>>> = const { RefCell::new(None) };
        }
        let sources = [
            env.allow_http(),
            env.allow_loopback_receivers(),
            env.cost_headers(),
            env.key_ring(),
            env.admin_token(),
        ];
        LAST.with_borrow_mut(|last| match last {
            Some(known) if known.sources == sources => Rc::clone(known),
            _ => Rc::clone(last.insert(Rc::new(Self::parse(sources)))),
        })
    }

    /// The gate.
    ///
    /// # Errors
    /// When a secret cannot be used; the cause says which and why.
    pub(super) fn gate(&self) -> Result<&Gate, Refusal> {
        self.gate.as_ref().map_err(|cause| Refusal::Unavailable(cause.clone()))
    }

    /// Which servers may be asked, by a deployment that is called by an origin.
    pub(super) const fn outbound<'a>(&self, own_origin: &'a str) -> Outbound<'a> {
        Outbound { loopback: self.allow_loopback, own_origin }
    }

    /// What a request cost, if answers tell it.
    pub(super) fn told(&self, spent: Spent) -> Option<Spent> {
        self.cost_headers.then_some(spent)
    }

    /// The promise of an object's response; when the object throws, of the answer to that.
    pub(super) fn rescued(&self, response: Promise, scim: bool) -> Promise {
        let [v1, below_scim] = &self.rescues;
        js::rescued(response, if scim { below_scim } else { v1 })
    }

    fn parse(sources: [JsValue; 5]) -> Self {
        let [allow_http, allow_loopback, cost_headers, key_ring, admin_token] = &sources;
        let cost_headers = cost_headers == "1";
        Self {
            allow_http: allow_http == "1",
            allow_loopback: allow_loopback == "1",
            cost_headers,
            gate: gate(key_ring, admin_token),
            rescues: [false, true].map(|scim| rescue(scim, cost_headers)),
            sources,
        }
    }
}

fn gate(key_ring: &JsValue, admin_token: &JsValue) -> Result<Gate, String> {
    let key_ring = key_ring.as_string().ok_or("KEY_RING is not set")?;
    let admin_token = admin_token.as_string().ok_or("ADMIN_TOKEN is not set")?;
    Ok(Gate {
        key_ring: KeyRing::parse(&key_ring).map_err(|error| error.to_string())?,
        admin_tokens: AdminTokens::parse(&admin_token).map_err(|error| error.to_string())?,
    })
}
