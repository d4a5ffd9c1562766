//! `POST /t/{t}/oauth/token` at the edge: what needs no tenant is judged before one is woken.

use wasm_bindgen::{JsCast as _, JsValue};
use worker::js_sys::Promise;

use super::assertion::is_signed;
use super::body::{Body, collect};
use super::handover::{errand, hand_over};
use super::inbound::Inbound;
use super::rescue::refusal;
use super::{config, js, now, rate_limits, registry};
use crate::auth::{Assertion, Principal};
use crate::http::{
    ClientCredentials, OAuthError, Refusal, TokenRequest, TokenStep, Trace, TrustedIssuer,
};
use crate::limits;
use crate::registry::{Slug, Status};

/// Why there is no token.
pub(super) enum Failure {
    OAuth(OAuthError),
    /// The tenant's record is malformed, which the log alone is told: the client would learn that
    /// there is one.
    Record(String),
    Refusal(Refusal),
}

/// Asks a tenant's object for a token.
///
/// 1. The form must be right, and `client_id` of this tenant: 400, 401, 413.
/// 2. The tenant must be there and active, and its record right, or it is 401 as for a wrong secret.
/// 3. There must not have been too many such requests for the tenant: 429.
/// 4. The tenant's object answers, once it knows of the policy document in the record.
/// 5. Of an assertion it says first whose keys verify it, if anybody trusts its issuer: 401, 500.
/// 6. It must be for this server, for now, and signed: 401; 503 when the issuer's keys cannot be read.
///
/// # Errors
/// What is answered instead.
pub(super) async fn answer(
    inbound: &Inbound<'_>,
    tenant: &Slug,
    body: Body,
) -> Result<Promise, Failure> {
    let header = |name| inbound.beginning.header(name);
    let (authorization, content_type) = (header("authorization"), header("content-type"));
    let bytes = body.into_bytes(limits::TOKEN_REQUEST_BYTES).await;
    let bytes = bytes.map_err(|refusal| match refusal {
        Refusal::BodyTooLarge => OAuthError::TooLarge.into(), // (1)
        other => Failure::from(other),
    })?;
    let request = TokenRequest::parse(tenant, authorization, content_type, &bytes)?; // (1)
    let known = match registry::record(inbound.env, tenant).await {
        Ok(known) if known.record.status == Status::Suspended => {
            return Err(OAuthError::InvalidClient.into()); // (2)
        }
        Err(Refusal::NoTenant) => return Err(OAuthError::InvalidClient.into()), // (2)
        Err(Refusal::Unavailable(cause)) => {
            return Err(Failure::Record(format!("{tenant}: {cause}"))); // (2)
        }
        other => other?,
    };
    let passed = rate_limits::pass_for_token(inbound, tenant).await;
    passed.map_err(OAuthError::TooManyRequests)?; // (3)
    config::tell(inbound, tenant, &known, false).await?; // (4)
    let ask = |step: &TokenStep, errand: &JsValue| {
        let body = JsValue::from_str(&step.encode());
        hand_over(inbound, tenant, &known.record, errand, &body)
    };
    // The step whose answer is the client's is the one of which the log is told by the object.
    let finally = |step: &TokenStep| -> Result<Promise, Failure> {
        let handed = Some(now().timestamp_millis());
        let trace = Trace { handed, ..inbound.trace.clone() };
        let errand = errand(inbound, &known.record, Principal::Client, Some(trace));
        Ok(inbound.deployment.rescued(ask(step, &errand)?, &errand))
    };
    let scope = request.scope;
    match request.credentials {
        ClientCredentials::Secret { connection, digest } => {
            finally(&TokenStep::Secret { connection, digest, scope }) // (4)
        }
        ClientCredentials::Assertion { connection, assertion } => {
            let Assertion { issuer, subject, .. } = assertion.clone();
            let step = TokenStep::Trust { connection, issuer, subject };
            let answer = ask(&step, &errand(inbound, &known.record, Principal::Client, None))?; // (5)
            let answer = answer.await.map_err(|exception| refusal(&exception))?;
            let response: &js::Response = answer.unchecked_ref();
            match response.status() {
                200 => {}
                401 => return Err(OAuthError::InvalidClient.into()), // (5)
                status => {
                    let cause = format!("the object answered who is trusted with {status}");
                    return Err(Refusal::Internal(cause).into()); // (5)
                }
            }
            let trusted = trusted_issuer(response).await?;
            let own = format!("{}/t/{tenant}/oauth/token", inbound.url.origin);
            let audience = trusted.audience.as_deref().unwrap_or(&own);
            let guard = inbound.deployment.outbound(inbound.url.origin);
            let holds = assertion.holds(audience, now());
            if !holds || !is_signed(guard, &trusted, &assertion).await? {
                return Err(OAuthError::InvalidClient.into()); // (6)
            }
            finally(&TokenStep::Trusted { trust: trusted.trust, scope }) // (4)
        }
    }
}

/// What the object says of an assertion's issuer.
async fn trusted_issuer(response: &js::Response) -> Result<TrustedIssuer, Refusal> {
    let unread = || Refusal::Internal("an answer of the object cannot be read".to_owned());
    let stream = response.body().ok_or_else(unread)?;
    let bytes = collect(&stream, limits::BODY_BYTES, 0).await?;
    serde_json::from_slice(&bytes).map_err(|_| unread())
}

impl From<OAuthError> for Failure {
    fn from(error: OAuthError) -> Self {
        Self::OAuth(error)
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refusal(refusal)
    }
}
