//! `POST /t/{t}/oauth/token` at the edge: what needs no tenant is judged before one is woken.

use wasm_bindgen::JsValue;
use worker::js_sys::Promise;

use super::body::Body;
use super::handover::hand_over;
use super::inbound::Inbound;
use super::registry;
use crate::auth::Principal;
use crate::http::{ClientCredentials, OAuthError, Refusal, TokenRequest, TokenStep};
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
    let ClientCredentials::Secret { connection, digest } = request.credentials;
    let step = TokenStep::Secret { connection, digest, scope: request.scope };
    let body = JsValue::from_str(&step.encode());
    Ok(hand_over(inbound, tenant, &record, &Principal::Client, &body)?) // (3)
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
