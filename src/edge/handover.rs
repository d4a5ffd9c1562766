//! From the edge to a tenant's object: which object, and what it is sent.

use wasm_bindgen::JsValue;
use worker::js_sys::Promise;

use super::crossings::hand_on;
use super::inbound::Inbound;
use super::js;
use super::rescue::refusal;
use crate::auth::Principal;
use crate::http::{Errand, Headers, Method, Refusal, Trace};
use crate::registry::{Slug, TenantRecord};

/// The header that tells the object who asks, and all else that it is told: an [`Errand`]. The edge
/// alone writes it; of what was sent, no header goes with the request.
pub(super) const PRINCIPAL: &str = "x-muster-principal";

/// The errand of a request, as the object and the log's rescue take it.
pub(super) fn errand(
    inbound: &Inbound<'_>,
    record: &TenantRecord,
    principal: Principal,
    trace: Option<Trace>,
) -> JsValue {
    let headers = Headers::read(|name| inbound.beginning.header(name).map(str::to_owned));
    let confined = record.jurisdiction.is_some();
    JsValue::from_str(&Errand { principal, trace, headers, config: None, confined }.encode())
}

/// Sends a request on to its tenant's object: the URL, the method, the body and the errand.
///
/// # Errors
/// 500 or 503 when the object cannot be addressed. What it throws later rejects the promise.
pub(super) fn hand_over(
    inbound: &Inbound<'_>,
    tenant: &Slug,
    record: &TenantRecord,
    errand: &JsValue,
    body: &JsValue,
) -> Result<Promise, Refusal> {
    let headers = js::Fields::new();
    #[cfg(debug_assertions)]
    if let Some(order) = inbound.request.headers().value(super::fault::PANIC) {
        headers.put(super::fault::PANIC, &order);
    }
    headers.put(PRINCIPAL, errand);
    let object = object(inbound, tenant, record)?;
    hand_on(inbound.request, &object, &headers, body).map_err(|e| refusal(&e))
}

/// Sends a request of the edge's own to a tenant's object: to change the tenant.
///
/// # Errors
/// As [`hand_over`].
pub(super) fn send(
    inbound: &Inbound<'_>,
    tenant: &Slug,
    record: &TenantRecord,
    errand: &Errand,
    body: &JsValue,
) -> Result<Promise, Refusal> {
    let headers = js::Fields::new();
    headers.put(PRINCIPAL, &JsValue::from_str(&errand.encode()));
    let init = js::Fields::new();
    init.put("method", &JsValue::from_str(Method::Put.name()));
    init.put("headers", &headers);
    init.put("body", body);
    let url = format!("{}/v1/tenants/{tenant}", inbound.url.origin);
    object(inbound, tenant, record)?.fetch(&url, &init).map_err(|e| refusal(&e))
}

/// A tenant's object. The jurisdiction is part of its identity, the location a wish at its birth.
fn object(
    inbound: &Inbound<'_>,
    tenant: &Slug,
    record: &TenantRecord,
) -> Result<js::Stub, Refusal> {
    let namespace = inbound.env.tenant();
    let namespace = match record.jurisdiction {
        None => namespace,
        Some(jurisdiction) => match namespace.jurisdiction(jurisdiction.name()) {
            Ok(restricted) => restricted,
            // The runtime on a developer's machine has no jurisdictions.
            Err(_) if inbound.deployment.allow_http => namespace,
            Err(exception) => return Err(Refusal::Unavailable(js::message(&exception))),
        },
    };
    let options = record.location.map(|location| {
        let options = js::Fields::new();
        options.put("locationHint", &JsValue::from_str(location.name()));
        options
    });
    namespace.object(&tenant.object_name(), options.as_ref()).map_err(|e| refusal(&e))
}
