//! The variables and secrets of the deployment, parsed once per isolate.

use std::cell::RefCell;
use std::rc::Rc;

use wasm_bindgen::JsValue;
use worker::js_sys::Promise;

use super::answer::Telling;
use super::js;
use super::rescue::rescue;
use crate::auth::{AdminTokens, KeyRing};
use crate::http::{Gate, Outbound, Refusal, TenantHost};

/// What `wrangler.toml` and `wrangler secret` say.
pub(super) struct Deployment {
    /// Whether plain http is taken, and what only production offers is done without.
    pub(super) allow_http: bool,
    /// Whether servers on this machine may be asked.
    allow_loopback: bool,
    /// Whether rate limits count that no tenant has chosen.
    pub(super) rate_limits: bool,
    /// What is told of requests.
    pub(super) telling: Telling,
    tenant_host: Result<Option<TenantHost>, String>,
    gate: Result<Gate, String>,
    /// What answers when an object throws.
    rescue: js::Rescue,
    /// All the bindings, and those of them that were parsed.
    env: JsValue,
    sources: Sources,
}

/// Variables and secrets as the runtime has them.
type Sources = [JsValue; 8];

impl Deployment {
    /// The deployment as the bindings have it now: what was parsed last, unless one has changed.
    pub(super) fn of(env: &js::Env) -> Rc<Self> {
        thread_local! {
            static LAST: RefCell<Option<Rc<Deployment>>> = const { RefCell::new(None) };
        }
        let whole: &JsValue = env.as_ref();
        let known = LAST.with_borrow(|last| last.clone().filter(|known| known.env == *whole));
        if let Some(known) = known {
            return known; // An isolate's requests have one and the same, and nothing in it changes.
        }
        let sources = [
            env.allow_http(),
            env.allow_loopback_receivers(),
            env.cost_headers(),
            env.log(),
            env.rate_limits(),
            env.tenant_host(),
            env.key_ring(),
            env.admin_token(),
        ];
        LAST.with_borrow_mut(|last| match last {
            Some(known) if known.sources == sources => Rc::clone(known),
            _ => Rc::clone(last.insert(Rc::new(Self::parse(whole.clone(), sources)))),
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
    pub(super) fn outbound<'a>(&'a self, own_origin: &'a str) -> Outbound<'a> {
        let tenant_host = self.tenant_host.as_ref().ok().and_then(Option::as_ref);
        Outbound { loopback: self.allow_loopback, own_origin, tenant_host }
    }

    /// The pattern of tenants' hosts, if they have hosts.
    ///
    /// # Errors
    /// When the pattern cannot be used; the cause says why.
    pub(super) fn tenant_host(&self) -> Result<Option<&TenantHost>, Refusal> {
        let host = self.tenant_host.as_ref();
        host.map(Option::as_ref).map_err(|cause| Refusal::Unavailable(cause.clone()))
    }

    /// The promise of an object's response; when the object throws, of the answer to that.
    pub(super) fn rescued(&self, response: Promise, errand: &JsValue) -> Promise {
        js::rescued(response, &self.rescue, errand)
    }

    fn parse(env: JsValue, sources: Sources) -> Self {
        let [
            allow_http,
            allow_loopback,
            cost_headers,
            log,
            rate_limits,
            host,
            key_ring,
            admin_token,
        ] = &sources;
        let telling = Telling { costs: cost_headers == "1", requests: log != "failures" };
        Self {
            allow_http: allow_http == "1",
            allow_loopback: allow_loopback == "1",
            rate_limits: rate_limits != "off",
            telling,
            tenant_host: tenant_host(host),
            gate: gate(key_ring, admin_token),
            rescue: rescue(telling),
            env,
            sources,
        }
    }
}

fn tenant_host(pattern: &JsValue) -> Result<Option<TenantHost>, String> {
    if pattern.is_undefined() {
        return Ok(None);
    }
    let pattern = pattern.as_string().ok_or("TENANT_HOST is no text")?;
    Ok(Some(TenantHost::parse(&pattern)?))
}

fn gate(key_ring: &JsValue, admin_token: &JsValue) -> Result<Gate, String> {
    let key_ring = key_ring.as_string().ok_or("KEY_RING is not set")?;
    let admin_token = admin_token.as_string().ok_or("ADMIN_TOKEN is not set")?;
    Ok(Gate {
        key_ring: KeyRing::parse(&key_ring).map_err(|error| error.to_string())?,
        admin_tokens: AdminTokens::parse(&admin_token).map_err(|error| error.to_string())?,
    })
}
