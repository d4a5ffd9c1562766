//! What a tenant's object that throws is answered with.

use wasm_bindgen::{JsCast as _, JsValue};

use super::answer::{Spent, deliver};
use super::js;
use crate::http::Refusal;

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
