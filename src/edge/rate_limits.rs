//! Rate limits before any object is woken: the runtime's own, by tenant and by key.
//!
//! They are counted per location and not exactly; they keep a flood from an object, which holds its
//! tenant to the exact number. The administrator passes.

use wasm_bindgen::JsValue;
use worker::js_sys::Promise;

use super::inbound::Inbound;
use super::js;
use crate::auth::Principal;
use crate::http::Refusal;
use crate::registry::Slug;

/// The period over which `wrangler.toml` counts.
const PERIOD_SECONDS: u64 = 10;

/// Lets a request pass that is within the limits. Those that are not bound, or do not answer, let
/// everything pass, and with `RATE_LIMITS="off"` none is asked.
///
/// # Errors
/// 429.
pub(super) async fn pass(
    inbound: &Inbound<'_>,
    tenant: &Slug,
    principal: &Principal,
) -> Result<(), Refusal> {
    let Principal::Key(key) = principal else { return Ok(()) };
    if !inbound.deployment.rate_limits {
        return Ok(());
    }
    let by_tenant = asked(inbound.env.tenant_limit(), tenant.as_str());
    let by_key = asked(inbound.env.key_limit(), &format!("{tenant}/{}", key.id));
    for answer in [by_tenant, by_key].into_iter().flatten() {
        let within = answer.await.map_or(true, |outcome| !outcome.success().is_falsy());
        if !within {
            return Err(Refusal::TooManyRequests(PERIOD_SECONDS));
        }
    }
    Ok(())
}

fn asked(limit: Option<js::RateLimit>, key: &str) -> Option<Promise<js::LimitOutcome>> {
    let options = js::Fields::new();
    options.put("key", &JsValue::from_str(key));
    limit?.limit(&options).ok()
}
