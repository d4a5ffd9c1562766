//! `POST /t/{t}/oauth/token` at the edge: what needs no tenant is judged before one is woken.

use wasm_bindgen::{JsCast as _, JsValue};
use worker::js_sys::Promise;

use super::assertion::is_signed;
use super::body::{Body, collect};
use super::handover::hand_over;
use super::inbound::Inbound;
use super::rescue::refusal;
use super::{js, now, registry};
use crate::auth::{Assertion, Principal};
use crate::http::{ClientCredentials, OAuthError, Refusal, TokenRequest, TokenStep, TrustedIssuer};
use crate::limits;
use crate::registry::{Slug, Status};

/// Why there is no token.
pub(super) enum Failure {
    OAuth(OAuthError),
    Refusal(Refusal),
}

/// Asks a tenant's object for a token.
///
/// 1. The form must be right, and `client_id` of this tenant: 400, 401, 413.
/// 2. The tenant must be there and active, or it is 401 as for a wrong secret.
/// 3. The tenant's object answers.
/// 4. Of an assertion it says first whose keys verify it, if anybody trusts its issuer: 401.
/// 5. It must be for this server, for now, and signed: 401; 503 when the issuer's keys cannot be read.
///
/// # Errors
/// What is answered instead.
pub(super) async fn answer(
    inbound: &Inbound<'_>,
    tenant: &Slug,
    body: Body,
) -> Result<Promise, Failure> {
    let header = |name| inbound.headers.text(name);
    let (authorization, content_type) = (header("authorization"), header("content-type"));
    let bytes = body.into_bytes().await?;
    let request =
        TokenRequest::parse(tenant, authorization.as_deref(), content_type.as_deref(), &bytes)?; // (1)
    let record = match registry::record(inbound.env, tenant).await {
        Ok(record) if record.status == Status::Suspended => {
            return Err(OAuthError::InvalidClient.into()); // (2)
        }
        Err(Refusal::NoTenant) => return Err(OAuthError::InvalidClient.into()), // (2)
        other => other?,
    };
    let ask = |step: &TokenStep, trace: &JsValue| {
        let body = JsValue::from_str(&step.encode());
        hand_over(inbound, tenant, &record, &Principal::Client, trace, &body)
    };
    // The step that answers the client is the one of which the log is told.
    let finally = |step: &TokenStep| -> Result<Promise, Failure> {
        let trace = JsValue::from_str(&inbound.trace.encode());
        Ok(inbound.deployment.rescued(ask(step, &trace)?, &trace))
    };
    let scope = request.scope;
    match request.credentials {
        ClientCredentials::Secret { connection, digest } => {
            finally(&TokenStep::Secret { connection, digest, scope }) // (3)
        }
        ClientCredentials::Assertion { connection, assertion } => {
            let Assertion { issuer, subject, .. } = assertion.clone();
            let step = TokenStep::Trust { connection, issuer, subject };
            let answer = ask(&step, &JsValue::UNDEFINED)?; // (4)
            let answer = answer.await.map_err(|exception| refusal(&exception))?;
            let response: &js::Response = answer.unchecked_ref();
            if response.status() != 200 {
                return finally(&step); // (4)
            }
            let trusted = trusted_issuer(response).await?;
            let own = format!("{}/t/{tenant}/oauth/token", inbound.url.origin);
            let audience = trusted.audience.as_deref().unwrap_or(&own);
            let guard = inbound.deployment.outbound(inbound.url.origin);
            let holds = assertion.holds(audience, now());
            if !holds || !is_signed(guard, &trusted, &assertion).await? {
                return Err(OAuthError::InvalidClient.into()); // (5)
            }
            finally(&TokenStep::Trusted { trust: trusted.trust, scope }) // (3)
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
