//! The policy document on its way from a tenant's record to its object: told of once for each time
//! that the record is read, and brought where the object wants it. All of it is a request of the
//! edge's own ahead of a client's; once the object knows, a request costs nothing more.

use wasm_bindgen::{JsCast as _, JsValue};

use super::body::collect;
use super::handover::send;
use super::inbound::Inbound;
use super::js;
use super::rescue::refusal;
use crate::auth::Principal;
use crate::http::{ConfigStep, Errand, Headers, Refusal, Response};
use crate::limits;
use crate::registry::{Config, Known, Slug, TenantRecord};

/// Sees to it that a tenant's object knows of the document in the record. One that is refused lets
/// requests pass: the object has told the log, and the tenant keeps what it had. `founds` says that the
/// administrator asks, whose word alone begins a tenant's tables.
///
/// # Errors
/// 500 or 503 when the object does not answer.
pub(super) async fn tell(
    inbound: &Inbound<'_>,
    tenant: &Slug,
    known: &Known,
    founds: bool,
) -> Result<(), Refusal> {
    let Some(config) = known.record.config.as_ref().filter(|_| !known.told.get()) else {
        return Ok(());
    };
    let offer = ConfigStep::Offer { tag: config.tag(), founds };
    let answer = step(inbound, tenant, &known.record, offer, &JsValue::UNDEFINED).await?;
    match answer.status() {
        200 => {
            let _ = bring(inbound, tenant, &known.record, config, false).await?;
        }
        204 => {}
        404 => return Ok(()),
        status => return Err(unexpected(status)),
    }
    known.told.set(true);
    Ok(())
}

/// Brings a document; what it is refused with, if it is. `sent` says that the administrator has sent
/// it, and not KV had it.
///
/// # Errors
/// 500 or 503 when the object does not answer.
pub(super) async fn bring(
    inbound: &Inbound<'_>,
    tenant: &Slug,
    record: &TenantRecord,
    config: &Config,
    sent: bool,
) -> Result<Option<Response>, Refusal> {
    let bring = ConfigStep::Bring { tag: config.tag(), sent };
    let document = JsValue::from_str(&config.to_text());
    let answer = step(inbound, tenant, record, bring, &document).await?;
    match answer.status() {
        204 => Ok(None),
        status @ 400..500 => {
            let body = match answer.body() {
                Some(stream) => collect(&stream, limits::BODY_BYTES, 0).await?,
                None => Vec::new(),
            };
            Ok(Some(Response::problem_told(status, body)))
        }
        status => Err(unexpected(status)),
    }
}

async fn step(
    inbound: &Inbound<'_>,
    tenant: &Slug,
    record: &TenantRecord,
    step: ConfigStep,
    body: &JsValue,
) -> Result<js::Response, Refusal> {
    let errand = Errand {
        principal: Principal::Admin,
        trace: None,
        headers: Headers::default(),
        config: Some(step),
        confined: record.jurisdiction.is_some(),
    };
    let answer = send(inbound, tenant, record, &errand, body)?;
    Ok(answer.await.map_err(|exception| refusal(&exception))?.unchecked_into())
}

fn unexpected(status: u16) -> Refusal {
    let cause = format!("the object answered the policy document with {status}");
    if status == 503 { Refusal::Busy(cause) } else { Refusal::Internal(cause) }
}
