//! Sending messages of streams, and the keys that sign them. For what [`super::waiting::run`] runs.

use base64ct::{Base64, Base64UrlUnpadded, Encoding as _};
use wasm_bindgen::{JsCast as _, JsValue};
use worker::js_sys::{Array, ArrayBuffer, Error, Uint8Array};

use super::waiting::settled;
use super::{js, now};
use crate::auth::KeyPair;
use crate::limits;
use crate::policy::{Delivered, retry_after};
use crate::tenant::Delivery;

/// Sends a message, and says what came of it. Its address was judged when it was made up.
///
/// # Errors
/// Why it could not be signed or made; it has not been sent.
pub(super) async fn send(delivery: &Delivery) -> Result<Delivered, String> {
    let failed = |exception: JsValue| js::message(&exception);
    let mut signatures = delivery.signatures();
    for pair in delivery.pairs() {
        signatures.push(signed(pair, &delivery.signed()).await.map_err(failed)?);
    }
    let headers = js::Fields::new();
    headers.put("content-type", &JsValue::from_str("application/json"));
    headers.put("user-agent", &JsValue::from_str("muster"));
    headers.put("webhook-id", &JsValue::from_str(&delivery.id));
    headers.put("webhook-timestamp", &JsValue::from_str(&delivery.seconds.to_string()));
    headers.put("webhook-signature", &JsValue::from_str(&signatures.join(" ")));
    let init = js::Fields::new();
    let signal = js::AbortSignal::timeout(limits::OUTBOUND_MILLISECONDS).map_err(failed)?;
    init.put("method", &JsValue::from_str("POST"));
    init.put("headers", &headers);
    init.put("body", &JsValue::from_str(&delivery.body));
    init.put("signal", &signal);
    init.put("redirect", &JsValue::from_str("manual"));
    let Ok(asked) = js::ask(&delivery.url, &init) else { return Ok(Delivered::Unreachable) };
    let response = match settled(asked.unchecked_into()).await.dyn_into::<js::Response>() {
        Ok(response) => response,
        Err(exception) => return Ok(unanswered(&exception)),
    };
    let again = response.response_headers().text("retry-after");
    Ok(Delivered::Answered {
        status: response.status(),
        retry_after: again.and_then(|value| retry_after(&value, now())),
        body: beginning(&response).await,
    })
}

/// What it means that there was no answer.
fn unanswered(exception: &JsValue) -> Delivered {
    let is_late = |error: &Error| error.name() == "TimeoutError";
    match exception.dyn_ref::<Error>() {
        Some(error) if is_late(error) => Delivered::TimedOut,
        _ => Delivered::Unreachable,
    }
}

/// The first bytes of an answer, as far as they are text and come in time.
async fn beginning(response: &js::Response) -> String {
    let mut bytes = Vec::new();
    let reader = response.body().and_then(|stream| stream.reader().ok());
    if let Some(reader) = reader {
        while bytes.len() < limits::ANSWER_BYTES {
            let Ok(read) = reader.read() else { break };
            let chunk: js::Chunk = settled(read.unchecked_into()).await.unchecked_into();
            let Some(chunk) = chunk.value() else { break };
            bytes.extend(chunk.to_vec());
        }
        let _ = reader.cancel();
    }
    bytes.truncate(limits::ANSWER_BYTES);
    String::from_utf8_lossy(&bytes).chars().filter(|one| !one.is_control()).collect()
}

/// The signature of a text with a pair of keys, as the header has it.
async fn signed(pair: &KeyPair, text: &str) -> Result<String, JsValue> {
    let algorithm = ed25519();
    let key = js::Fields::new();
    let (d, x) = (encoded(&pair.seed), encoded(&pair.public));
    for (name, value) in [("kty", "OKP"), ("crv", "Ed25519"), ("d", &*d), ("x", &*x)] {
        key.put(name, &JsValue::from_str(value));
    }
    let usages = Array::of1(&JsValue::from_str("sign"));
    let key = js::import_key("jwk", &key, &algorithm, false, &usages)?;
    let key: js::CryptoKey = settled(key.unchecked_into()).await.dyn_into()?;
    let data = Uint8Array::new_from_slice(text.as_bytes());
    let signature = settled(js::sign(&algorithm, &key, &data)?).await;
    let signature: ArrayBuffer = signature.dyn_into()?;
    let signature = Uint8Array::new(&signature).to_vec();
    Ok(format!("v1a,{}", Base64::encode_string(&signature)))
}

/// A new pair of keys.
///
/// # Errors
/// What the runtime throws where it makes none.
pub(super) async fn new_pair() -> Result<KeyPair, JsValue> {
    let usages = Array::of2(&JsValue::from_str("sign"), &JsValue::from_str("verify"));
    let made = settled(js::generate_key(&ed25519(), true, &usages)?).await;
    let made: js::CryptoKeyPair = made.unchecked_into();
    let key = settled(js::export_key("jwk", &made.private_key())?).await;
    let key: js::JsonWebKey = key.unchecked_into();
    let part = |text: Option<String>| {
        let bytes = Base64UrlUnpadded::decode_vec(&text.unwrap_or_default()).unwrap_or_default();
        let none = |_| JsValue::from_str("the runtime has made no pair of keys");
        <[u8; 32]>::try_from(bytes).map_err(none)
    };
    Ok(KeyPair { seed: part(key.d())?, public: part(key.x())? })
}

fn ed25519() -> js::Fields {
    let algorithm = js::Fields::new();
    algorithm.put("name", &JsValue::from_str("Ed25519"));
    algorithm
}

fn encoded(bytes: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(bytes)
}
