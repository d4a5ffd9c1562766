//! Sending messages of streams, and the keys that sign them. For what [`super::waiting::run`] runs.

use base64ct::{Base64, Base64UrlUnpadded, Encoding as _};
use wasm_bindgen::{JsCast as _, JsValue};
use worker::js_sys::{Array, ArrayBuffer, Error, Uint8Array};

use super::waiting::settled;
use super::{js, now};
use crate::auth::{self, KeyPair, TokenPair};
use crate::http::Response;
use crate::limits;
use crate::policy::{Delivered, retry_after};
use crate::tenant::{Delivery, Poll};

/// Sends a message, and says what came of it. Its address was judged when it was made up.
///
/// # Errors
/// Why it could not be signed or made; it has not been sent.
pub(super) async fn send(delivery: &Delivery) -> Result<Delivered, String> {
    let failed = |exception: JsValue| js::message(&exception);
    let headers = js::Fields::new();
    headers.put("user-agent", &JsValue::from_str("muster"));
    let body = match delivery.token_pair() {
        Some(pair) => {
            headers.put("content-type", &JsValue::from_str("application/secevent+jwt"));
            headers.put("accept", &JsValue::from_str("application/json"));
            let signer = Signer::of_tokens(pair).await.map_err(failed)?;
            token(&signer, pair, &delivery.body).await.map_err(failed)?
        }
        None => {
            let mut signatures = delivery.signatures();
            for pair in delivery.pairs() {
                signatures.push(signed(pair, &delivery.signed()).await.map_err(failed)?);
            }
            headers.put("content-type", &JsValue::from_str("application/json"));
            headers.put("webhook-id", &JsValue::from_str(&delivery.id));
            headers.put("webhook-timestamp", &JsValue::from_str(&delivery.seconds.to_string()));
            headers.put("webhook-signature", &JsValue::from_str(&signatures.join(" ")));
            delivery.body.clone()
        }
    };
    if let Some(authorization) = delivery.authorization() {
        headers.put("authorization", &JsValue::from_str(authorization));
    }
    let init = js::Fields::new();
    let signal = js::AbortSignal::timeout(limits::OUTBOUND_MILLISECONDS).map_err(failed)?;
    init.put("method", &JsValue::from_str("POST"));
    init.put("headers", &headers);
    init.put("body", &JsValue::from_str(&body));
    init.put("signal", &signal);
    init.put("redirect", &JsValue::from_str("manual"));
    let Ok(asked) = js::ask(delivery.url(), &init) else { return Ok(Delivered::Unreachable) };
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
    let members = [("d", &pair.seed), ("x", &pair.public)];
    let signature = Signer::of(ED25519, &members).await?.sign(text).await?;
    Ok(format!("v1a,{}", Base64::encode_string(&signature)))
}

/// A token of these claims, signed with a pair of keys.
async fn token(signer: &Signer, pair: &TokenPair, claims: &str) -> Result<String, JsValue> {
    let text = pair.signed(claims);
    Ok(auth::token(&text, &signer.sign(&text).await?))
}

/// The answer to a poll, its tokens signed, in the place of the first one.
///
/// # Errors
/// What the runtime throws where it does not sign.
pub(super) async fn answered(poll: &Poll, first: Response) -> Result<Response, JsValue> {
    let mut tokens = Vec::new();
    if poll.claims().next().is_some() {
        let signer = Signer::of_tokens(poll.pair()).await?;
        for claims in poll.claims() {
            tokens.push(token(&signer, poll.pair(), claims).await?);
        }
    }
    Ok(poll.answered(tokens, first))
}

/// How the runtime calls an algorithm, and RFC 7517 its type of keys and their curve.
#[derive(Clone, Copy)]
struct Algorithm {
    name: &'static str,
    kty: &'static str,
    curve: &'static str,
}

const ED25519: Algorithm = Algorithm { name: "Ed25519", kty: "OKP", curve: "Ed25519" };
const P256: Algorithm = Algorithm { name: "ECDSA", kty: "EC", curve: "P-256" };

impl Algorithm {
    /// It with its parameters: what one algorithm has no use for, the runtime passes over.
    fn parameters(self) -> js::Fields {
        let parameters = js::Fields::new();
        for (name, value) in [("name", self.name), ("namedCurve", self.curve), ("hash", "SHA-256")]
        {
            parameters.put(name, &JsValue::from_str(value));
        }
        parameters
    }
}

/// A pair of keys as the runtime signs with it.
struct Signer {
    parameters: js::Fields,
    key: js::CryptoKey,
}

impl Signer {
    /// That of a pair of keys for tokens.
    async fn of_tokens(pair: &TokenPair) -> Result<Self, JsValue> {
        Self::of(P256, &[("d", &pair.d), ("x", &pair.x), ("y", &pair.y)]).await
    }

    /// That of a key with these members (RFC 7518 §6.2).
    async fn of(
        algorithm: Algorithm,
        members: &[(&'static str, &[u8; 32])],
    ) -> Result<Self, JsValue> {
        let key = js::Fields::new();
        for (name, value) in [("kty", algorithm.kty), ("crv", algorithm.curve)] {
            key.put(name, &JsValue::from_str(value));
        }
        for (name, value) in members {
            key.put(name, &JsValue::from_str(&Base64UrlUnpadded::encode_string(*value)));
        }
        let parameters = algorithm.parameters();
        let usages = Array::of1(&JsValue::from_str("sign"));
        let key = js::import_key("jwk", &key, &parameters, false, &usages)?;
        let key = settled(key.unchecked_into()).await.dyn_into()?;
        Ok(Self { parameters, key })
    }

    async fn sign(&self, text: &str) -> Result<Vec<u8>, JsValue> {
        let data = Uint8Array::new_from_slice(text.as_bytes());
        let signature = settled(js::sign(&self.parameters, &self.key, &data)?).await;
        let signature: ArrayBuffer = signature.dyn_into()?;
        Ok(Uint8Array::new(&signature).to_vec())
    }
}

/// New pairs of keys, of each sort one.
///
/// # Errors
/// What the runtime throws where it makes none.
pub(super) async fn new_pairs() -> Result<(KeyPair, TokenPair), JsValue> {
    let key = new_key(ED25519).await?;
    let pair = KeyPair { seed: part(key.d())?, public: part(key.x())? };
    let key = new_key(P256).await?;
    Ok((pair, TokenPair { d: part(key.d())?, x: part(key.x())?, y: part(key.y())? }))
}

async fn new_key(algorithm: Algorithm) -> Result<js::JsonWebKey, JsValue> {
    let usages = Array::of2(&JsValue::from_str("sign"), &JsValue::from_str("verify"));
    let made = settled(js::generate_key(&algorithm.parameters(), true, &usages)?).await;
    let made: js::CryptoKeyPair = made.unchecked_into();
    let key = settled(js::export_key("jwk", &made.private_key())?).await;
    Ok(key.unchecked_into())
}

fn part(text: Option<String>) -> Result<[u8; 32], JsValue> {
    let bytes = Base64UrlUnpadded::decode_vec(&text.unwrap_or_default()).unwrap_or_default();
    let none = |_| JsValue::from_str("the runtime has made no pair of keys");
    <[u8; 32]>::try_from(bytes).map_err(none)
}
