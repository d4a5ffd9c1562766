//! What the runtime signs and verifies with: WebCrypto.

use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::js_sys::{Array, Promise, Uint8Array};

use super::Fields;

#[wasm_bindgen]
extern "C" {
    pub(in crate::edge) type CryptoKey;

    #[wasm_bindgen(catch, js_namespace = ["crypto", "subtle"], js_name = importKey)]
    pub(in crate::edge) fn import_key(
        format: &str,
        key: &Fields,
        algorithm: &Fields,
        extractable: bool,
        usages: &Array,
    ) -> Result<Promise<CryptoKey>, JsValue>;
    #[wasm_bindgen(catch, js_namespace = ["crypto", "subtle"], js_name = verify)]
    pub(in crate::edge) fn verify(
        algorithm: &Fields,
        key: &CryptoKey,
        signature: &Uint8Array,
        data: &Uint8Array,
    ) -> Result<Promise, JsValue>;
    #[wasm_bindgen(catch, js_namespace = ["crypto", "subtle"], js_name = sign)]
    pub(in crate::edge) fn sign(
        algorithm: &Fields,
        key: &CryptoKey,
        data: &Uint8Array,
    ) -> Result<Promise, JsValue>;
    #[wasm_bindgen(catch, js_namespace = ["crypto", "subtle"], js_name = generateKey)]
    pub(in crate::edge) fn generate_key(
        algorithm: &Fields,
        extractable: bool,
        usages: &Array,
    ) -> Result<Promise, JsValue>;
    #[wasm_bindgen(catch, js_namespace = ["crypto", "subtle"], js_name = exportKey)]
    pub(in crate::edge) fn export_key(format: &str, key: &CryptoKey) -> Result<Promise, JsValue>;

    pub(in crate::edge) type CryptoKeyPair;

    #[wasm_bindgen(method, getter, js_name = privateKey)]
    pub(in crate::edge) fn private_key(this: &CryptoKeyPair) -> CryptoKey;

    /// A key as JSON (RFC 7517).
    pub(in crate::edge) type JsonWebKey;

    #[wasm_bindgen(method, getter)]
    pub(in crate::edge) fn d(this: &JsonWebKey) -> Option<String>;
    #[wasm_bindgen(method, getter)]
    pub(in crate::edge) fn x(this: &JsonWebKey) -> Option<String>;
    #[wasm_bindgen(method, getter)]
    pub(in crate::edge) fn y(this: &JsonWebKey) -> Option<String>;
}
