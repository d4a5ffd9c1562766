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
    within_both(inbound, &format!("{tenant}/{}", key.id), tenant.as_str()).await
}

/// Lets a request for a token pass, which anybody may send: of these an address has as many as a key has
/// requests, and a tenant as many as of others.
///
/// # Errors
/// As above.
pub(super) async fn pass_for_token(inbound: &Inbound<'_>, tenant: &Slug) -> Result<(), Exceeded> {
    let address = inbound.request.headers().text("cf-connecting-ip").unwrap_or_default();
    within_both(inbound, &format!("token/{address}"), &format!("{tenant}/token")).await
}

/// Asks the narrow limit and then the wide one. What the narrow one refuses does not count for the
/// tenant, whose other clients would else suffer.
async fn within_both(inbound: &Inbound<'_>, by_key: &str, by_tenant: &str) -> Result<(), Exceeded> {
    if !inbound.deployment.rate_limits {
        return Ok(());
    }
    let env = inbound.env;
    within(asked(env.key_limit(), by_key), limits::KEY_LIMIT_REQUESTS).await?;
    within(asked(env.tenant_limit(), by_tenant), limits::TENANT_LIMIT_REQUESTS).await
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
