//! Streams of a tenant's object: their steps run beside its requests, which wait for none of them.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use wasm_bindgen::JsValue;
use worker::js_sys::Array;

use super::{Object, random};
use crate::edge::deployment::Deployment;
use crate::edge::waiting::{self, settled};
use crate::edge::{Outcome, js, now, webhooks};
use crate::http::Refusal;
use crate::limits;
use crate::policy::Delivered;
use crate::tenant::StreamBatch;

/// How long an alarm waits for receivers: a step that is noted by then needs no alarm of its own for the
/// case that it is lost.
const DELIVERIES_WAITED_MILLISECONDS: u32 = 1_000;

/// Begins the steps of streams that are due: what each comes to, as promises. A tenant that is suspended
/// sends nothing.
pub(super) async fn begin(object: &Rc<Object>) -> Array {
    let (batches, planned) = match object.may_send().await {
        Ok(true) => object.next_deliveries(),
        Ok(false) => (Vec::new(), Ok(())),
        Err(cause) => (Vec::new(), Err(cause)),
    };
    if let Err(cause) = planned {
        object.complain_of("streams", cause);
    }
    let hands_of = |batch: StreamBatch| {
        let hands = batch.len().min(limits::DELIVERIES_AT_ONCE);
        let shared = Rc::new(Shared { batch: RefCell::new(batch), hands: Cell::new(hands) });
        (0..hands).map(move |_| {
            let promise = waiting::run(hand_over(Rc::clone(object), Rc::clone(&shared)));
            promise.unwrap_or_else(|exception| exception)
        })
    };
    batches.into_iter().flat_map(hands_of).collect()
}

/// A step of a stream, and how many are at it.
struct Shared {
    batch: RefCell<StreamBatch>,
    hands: Cell<usize>,
}

/// Hands over one event of a step after the other; who is last notes what has become of all.
async fn hand_over(object: Rc<Object>, shared: Rc<Shared>) -> Outcome {
    loop {
        if !object.tenant.borrow().still_hands_over(&shared.batch.borrow()) {
            break;
        }
        let next = shared.batch.borrow_mut().next_delivery(now());
        let Some(delivery) = next else { break };
        let came = webhooks::send(&delivery).await.unwrap_or_else(|cause| {
            object.complain_of("streams", cause);
            Delivered::Unsigned
        });
        shared.batch.borrow_mut().note(&delivery, came, now());
    }
    let left = shared.hands.get().saturating_sub(1);
    shared.hands.set(left);
    if left == 0 {
        object.landed(&shared.batch.borrow());
    }
    Ok(JsValue::UNDEFINED)
}

/// Waits for steps, but not for long.
pub(super) async fn wait(steps: &Array) {
    if steps.length() > 0 {
        let paused = js::wait(DELIVERIES_WAITED_MILLISECONDS);
        settled(js::race(&Array::of2(&js::all_settled(steps), &paused))).await;
    }
}

impl Object {
    /// Whether a stream is due whose tenant is served.
    async fn may_send(&self) -> Result<bool, String> {
        if !self.tenant.borrow().hands_over(now()) {
            return Ok(false);
        }
        let refusal = self.refusal().await;
        let mut tenant = self.tenant.borrow_mut();
        match &refusal {
            Ok(None) => {}
            // KV may not know a tenant yet that was just made.
            Ok(Some(Refusal::NoTenant)) | Err(_) => tenant.pause_streams(now()),
            Ok(Some(_)) => tenant.hold_streams(now()),
        }
        refusal.map(|refusal| refusal.is_none())
    }

    fn next_deliveries(&self) -> (Vec<StreamBatch>, Result<(), String>) {
        let mut tenant = self.tenant.borrow_mut();
        let deployment = Deployment::of(&self.env);
        let (Ok(gate), Some(slug)) = (deployment.gate(), &self.slug) else {
            tenant.pause_streams(now());
            let cause = "streams want secrets, and an object with a name".to_owned();
            return (Vec::new(), Err(cause));
        };
        let outbound = deployment.outbound("");
        let sql = &self.sql;
        let (batches, planned) =
            tenant.deliveries(sql, now(), &gate.key_ring, outbound, slug, &mut random);
        self.polls.tell(tenant.last_seq());
        (batches, planned.map_err(|error| error.to_string()))
    }

    /// Notes what has become of a step of a stream.
    fn landed(&self, batch: &StreamBatch) {
        let mut tenant = self.tenant.borrow_mut();
        let noted = tenant.delivered(&self.sql, now(), batch, &mut random);
        let noted = noted.map_err(|error| error.to_string());
        self.polls.tell(tenant.last_seq());
        let armed = self.arm(&tenant, now()).map_err(|exception| js::message(&exception));
        if let Err(cause) = noted.and(armed.map(|_| ())) {
            self.complain_of("streams", cause);
        }
    }
}
