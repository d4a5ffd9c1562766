//! Rate limits before any object is woken: the runtime's own, by tenant and by key.
//!
//! They are counted per location and not exactly; they keep a flood from an object, which holds its
//! tenant to the exact number. The administrator passes.

use wasm_bindgen::JsValue;
use worker::js_sys::Promise;

use super::inbound::Inbound;
use super::{js, now};
use crate::auth::Principal;
use crate::http::Exceeded;
use crate::limits;
use crate::registry::Slug;

/// Lets a request pass that is within the limits of its tenant and its key.
///
/// # Errors
/// That of a limit that the request is beyond.
pub(super) async fn pass(
    inbound: &Inbound<'_>,
    tenant: &Slug,
    principal: &Principal,
) -> Result<(), Exceeded> {
    let Principal::Key(key) = principal else { return Ok(()) };
    if !inbound.deployment.rate_limits {
        return Ok(());
    }
    // What a key may not send does not count for the tenant, whose other keys would else suffer.
    let by_key = asked(inbound.env.key_limit(), &format!("{tenant}/{}", key.id));
    within(by_key, limits::KEY_LIMIT_REQUESTS).await?;
    let by_tenant = asked(inbound.env.tenant_limit(), tenant.as_str());
    within(by_tenant, limits::TENANT_LIMIT_REQUESTS).await
}

/// Lets a request for a token pass, which anybody may send: of these an address has as many as a key has
/// requests, and a tenant as many as of others.
///
/// # Errors
/// As above.
pub(super) async fn pass_for_token(inbound: &Inbound<'_>, tenant: &Slug) -> Result<(), Exceeded> {
    if !inbound.deployment.rate_limits {
        return Ok(());
    }
    let address = inbound.headers.text("cf-connecting-ip").unwrap_or_default();
    let by_address = asked(inbound.env.key_limit(), &format!("token/{address}"));
    within(by_address, limits::KEY_LIMIT_REQUESTS).await?;
    let by_tenant = asked(inbound.env.tenant_limit(), &format!("{tenant}/token"));
    within(by_tenant, limits::TENANT_LIMIT_REQUESTS).await
}

/// Asks a limit. One that is not bound, or does not answer, lets everything pass.
fn asked(limit: Option<js::RateLimit>, key: &str) -> Option<Promise<js::LimitOutcome>> {
    let options = js::Fields::new();
    options.put("key", &JsValue::from_str(key));
    limit?.limit(&options).ok()
}

async fn within(answer: Option<Promise<js::LimitOutcome>>, limit: u32) -> Result<(), Exceeded> {
    let Some(answer) = answer else { return Ok(()) };
    let within = answer.await.map_or(true, |outcome| !outcome.success().is_falsy());
    if within { Ok(()) } else { Err(Exceeded::at_the_edge(limit, now())) }
}
