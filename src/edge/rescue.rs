//! What a tenant's object that throws is answered with.
//!
//! The edge waits for an object as long as the runtime does: of a write that it had given up, nobody
//! could say whether it is done. It is the object that does not begin what has waited for longer than
//! [`limits::WAIT_MILLISECONDS`](crate::limits::WAIT_MILLISECONDS).

use wasm_bindgen::{JsCast as _, JsValue};

use super::answer::{Spent, Telling, deliver};
use super::js;
use crate::http::{Errand, Refusal};

/// What an object that throws is answered with. The runtime says whether another try may help.
pub(super) fn refusal(exception: &JsValue) -> Refusal {
    let cause = js::message(exception);
    let error: &js::StubError = exception.unchecked_ref();
    let is = |flag: fn(&js::StubError) -> JsValue| exception.is_object() && flag(error).is_truthy();
    Refusal::thrown(cause, is(js::StubError::overloaded), is(js::StubError::retryable))
}

/// That answer as a function of JavaScript. It is made once per isolate, so that the object's
/// response passes by it untouched and a request that succeeds never comes back into wasm.
pub(super) fn rescue(telling: Telling) -> js::Rescue {
    js::Rescue::new(move |errand: JsValue, exception: JsValue| {
        let errand = errand.as_string().and_then(|text| Errand::decode(&text));
        let trace = errand.and_then(|errand| errand.trace).unwrap_or_default();
        let response = refusal(&exception).to_response(trace.scim);
        deliver(response, &trace, Spent::default(), None, telling)
    })
}
