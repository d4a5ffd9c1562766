//! `GET /t/{t}/.well-known/jwks.json` at the edge, for anybody.

use wasm_bindgen::JsValue;

use super::answer::Answered;
use super::handover::{errand, hand_over};
use super::inbound::Inbound;
use super::{now, rate_limits, registry};
use crate::auth::Principal;
use crate::http::{Refusal, Response, Trace};
use crate::registry::Slug;

/// Asks a tenant's object for the keys that verify its tokens. Nobody learns by it that there is no such
/// tenant: that has no keys either.
///
/// # Errors
/// 429 for too many such requests, counted with those for tokens; 503 for a record that cannot be used.
pub(super) async fn answer(inbound: &mut Inbound<'_>, tenant: &Slug) -> Result<Answered, Refusal> {
    let known = match registry::record(inbound.env, tenant).await {
        Err(Refusal::NoTenant) => return Ok(Answered::Edge(Response::key_set(&[]))),
        other => other?,
    };
    let passed = rate_limits::pass_for_token(inbound, tenant).await;
    passed.map_err(Refusal::TooManyRequests)?;
    let trace = Trace { handed: Some(now().timestamp_millis()), ..inbound.trace.clone() };
    let errand = errand(inbound, &known.record, Principal::Client, Some(trace));
    let answer = hand_over(inbound, tenant, &known.record, &errand, &JsValue::UNDEFINED)?;
    Ok(Answered::Object(inbound.deployment.rescued(answer, &errand)))
}
