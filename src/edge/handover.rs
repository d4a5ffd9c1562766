//! From the edge to a tenant's object: which object, what it is sent, and what it may throw.

use wasm_bindgen::{JsCast as _, JsValue};
use worker::js_sys::Promise;

use super::answer::{Spent, deliver};
use super::fetch::Inbound;
use super::js;
use crate::auth::Principal;
use crate::http::{FORWARDED, Refusal};
use crate::registry::{Slug, TenantRecord};

/// The header that tells the object who asks. The edge alone writes it, over whatever was sent.
pub(super) const PRINCIPAL: &str = "x-muster-principal";

/// Sends a request on to its tenant's object: the URL, the method, the body, the headers that an
/// object knows, and who asks.
///
/// # Errors
/// 500 or 503 when the object cannot be addressed. What it throws later rejects the promise.
pub(super) fn hand_over(
    inbound: &Inbound<'_>,
    tenant: &Slug,
    record: &TenantRecord,
    principal: &Principal,
    body: &JsValue,
) -> Result<Promise, Refusal> {
    let headers = js::Fields::new();
    for name in FORWARDED {
        if let Some(value) = inbound.headers.value(name) {
            headers.put(name, &value);
        }
    }
    headers.put(PRINCIPAL, &JsValue::from_str(&principal.encode()));
    let init = js::Fields::new();
    init.put("method", &JsValue::from_str(inbound.method.name()));
    init.put("headers", &headers);
    init.put("body", body);
    object(inbound, tenant, record)?.fetch(inbound.raw_url, &init).map_err(|e| refusal(&e))
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

/// What an object that throws is answered with. The runtime says whether another try may help.
pub(super) fn refusal(exception: &JsValue) -> Refusal {
    let cause = js::message(exception);
    let error: &js::StubError = exception.unchecked_ref();
    if exception.is_object() && (error.overloaded().is_truthy() || error.retryable().is_truthy()) {
        Refusal::Busy(cause)
    } else {
        Refusal::Internal(cause)
    }
}

/// That answer as a function of JavaScript. It is made once per isolate, so that the object's
/// response passes by it untouched and a request that succeeds never comes back into wasm.
pub(super) fn rescue(scim: bool, cost_headers: bool) -> js::Rescue {
    js::Rescue::new(move |exception: JsValue| {
        let response = refusal(&exception).to_response(scim);
        deliver(response, cost_headers.then(Spent::default), None)
    })
}
