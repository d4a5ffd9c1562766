//! Requests that wait in a tenant's object until something is recorded. While they do, others are
//! answered, and no row is read; an object that is evicted answers none of them, and they are sent again.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use wasm_bindgen::JsValue;
use worker::js_sys::{Function, Promise};

use super::js;
use super::waiting::settled;
use crate::tenant::{Seat, Waiters};

/// Those that wait.
#[derive(Default)]
pub(super) struct Polls {
    waiters: Waiters,
    /// How often somebody has begun to wait.
    count: Cell<u64>,
    waiting: RefCell<BTreeMap<u64, Function>>,
}

impl Polls {
    /// Lets somebody wait, as often as it takes, unless too many do.
    pub(super) fn admit(&self) -> Option<Seat> {
        self.waiters.admit()
    }

    /// Waits until something is recorded, or for so many milliseconds.
    pub(super) async fn wait(&self, milliseconds: i64) {
        let number = self.count.get();
        self.count.set(number.wrapping_add(1));
        let milliseconds = i32::try_from(milliseconds).unwrap_or(i32::MAX);
        let mut timer = JsValue::UNDEFINED;
        let woken = Promise::new(&mut |wake, _| {
            timer = js::set_timeout(&wake, milliseconds);
            self.waiting.borrow_mut().insert(number, wake);
        });
        settled(woken).await;
        js::clear_timeout(&timer);
        self.waiting.borrow_mut().remove(&number);
    }

    /// Wakes them if there may be something to be seen.
    pub(super) fn tell(&self, last: Option<i64>) {
        if self.waiters.may_see(last) {
            self.wake();
        }
    }

    /// Wakes them all: there is something to be seen, or nothing any more.
    pub(super) fn wake(&self) {
        let waiting = std::mem::take(&mut *self.waiting.borrow_mut());
        for wake in waiting.values() {
            let _ = wake.call0(&JsValue::UNDEFINED);
        }
    }
}
