//! How a tenant's object waits: the rest of a request is the handler of the promise that it waits for.
//!
//! A panic resets the instance. The runtime throws it at the handler, so that the request is answered
//! with 500 and those that wait beside it are too; a task of an executor would be gone without a word,
//! and whoever asked would wait forever. At the edge the runtime sees that nothing will come, and says
//! so; an object might still be woken by another request.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use wasm_bindgen::JsValue;
use worker::js_sys::Promise;

use super::{Outcome, js};

thread_local! {
    /// What the request that has just stopped waits for.
    static AWAITED: Cell<Option<Promise>> = const { Cell::new(None) };
    /// What came of that which the request that goes on has waited for.
    static SETTLED: Cell<JsValue> = const { Cell::new(JsValue::UNDEFINED) };
}

/// Runs a request as far as that goes at once, and what then has to wait as a promise.
pub(super) fn run(answer: impl Future<Output = Outcome> + 'static) -> Outcome {
    go_on(Box::pin(answer))
}

/// What a promise is fulfilled or rejected with; its type has to tell which. Only for what [`run`]
/// runs, which waits for nothing else.
pub(super) fn settled(promise: Promise) -> impl Future<Output = JsValue> {
    let mut promise = Some(promise);
    poll_fn(move |_| match promise.take() {
        Some(promise) => {
            AWAITED.set(Some(promise));
            Poll::Pending
        }
        None => Poll::Ready(SETTLED.replace(JsValue::UNDEFINED)),
    })
}

fn go_on(mut answer: Pin<Box<dyn Future<Output = Outcome>>>) -> Outcome {
    match answer.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(outcome) => outcome,
        Poll::Pending => {
            let nothing = || JsValue::from_str("a request waits for nothing");
            let promise = AWAITED.take().ok_or_else(nothing)?;
            let handled = js::then(promise, move |value| {
                SETTLED.set(value);
                go_on(answer)
            });
            Ok(handled.into())
        }
    }
}
