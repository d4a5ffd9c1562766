//! Calls into `crossings.js`: what every request wants of the runtime, each in one.

use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::js_sys::{Array, Promise};

use super::js::{Fields, Request, SqlStorage, Stub};

#[wasm_bindgen(module = "/src/edge/crossings.js")]
extern "C" {
    pub(super) fn beginning(request: &Request, names: &Array) -> String;

    #[wasm_bindgen(catch, js_name = handOn)]
    pub(super) fn hand_on(
        request: &Request,
        object: &Stub,
        headers: &Fields,
        body: &JsValue,
    ) -> Result<Promise, JsValue>;

    #[wasm_bindgen(catch)]
    pub(super) fn respond(status: u16, head: &str, body: &[u8]) -> Result<JsValue, JsValue>;

    pub(super) type Database;

    #[wasm_bindgen(constructor)]
    pub(super) fn new(sql: &SqlStorage) -> Database;
    #[wasm_bindgen(method, catch)]
    pub(super) fn rows(
        this: &Database,
        statement: &str,
        params: &Array,
    ) -> Result<Array<Array>, JsValue>;
    #[wasm_bindgen(method, catch)]
    pub(super) fn bytes(
        this: &Database,
        statement: &str,
        params: &Array,
    ) -> Result<Option<Vec<u8>>, JsValue>;
    #[wasm_bindgen(method, getter, js_name = rowsRead)]
    pub(super) fn rows_read(this: &Database) -> f64;
    #[wasm_bindgen(method, getter, js_name = rowsWritten)]
    pub(super) fn rows_written(this: &Database) -> f64;
}
