//! Verifying what another issuer says of a workload: its keys, and WebCrypto.

use std::cell::RefCell;
use std::rc::Rc;

use serde_json::Value;
use wasm_bindgen::JsValue;
use worker::js_sys::{Array, Uint8Array};

use super::{js, now, outbound};
use crate::auth::{Algorithm, Assertion, Jwk, Jwks, JwksCache, Known};
use crate::http::{Outbound, Refusal, TrustedIssuer, configuration_of};
use crate::limits;

thread_local! {
    /// The key sets that this isolate has read of late.
    static KEPT: RefCell<JwksCache> = RefCell::default();
}

/// Whether an assertion's issuer has signed it.
///
/// # Errors
/// 503 when the issuer's keys cannot be read.
pub(super) async fn is_signed(
    guard: Outbound<'_>,
    trusted: &TrustedIssuer,
    assertion: &Assertion,
) -> Result<bool, Refusal> {
    let Some(key) = key(guard, trusted, assertion).await? else { return Ok(false) };
    // A key or a signature that WebCrypto does not take is one that verifies nothing.
    Ok(verify(&key, assertion).await.is_ok_and(|verdict| verdict.is_truthy()))
}

/// The key of the assertion's issuer that it names.
async fn key(
    guard: Outbound<'_>,
    trusted: &TrustedIssuer,
    assertion: &Assertion,
) -> Result<Option<Rc<Jwk>>, Refusal> {
    // What one tenant takes for a key set may be what another takes for an issuer: no address has a
    // space, so neither is found in the other's place.
    let source = match &trusted.jwks_uri {
        Some(uri) => uri.clone(),
        None => format!("issuer {}", assertion.issuer),
    };
    let known =
        |now| KEPT.with_borrow(|kept| kept.look(&source, &assertion.kid, assertion.algorithm, now));
    let asked = now().timestamp_millis();
    let mut found = known(asked);
    let mut cause = "they could not be read a moment ago, or are being read".to_owned();
    if found == Known::Ask {
        KEPT.with_borrow_mut(|kept| kept.ask(&source, asked));
        let read = match &trusted.jwks_uri {
            Some(uri) => jwks(guard, uri).await,
            None => discovered(guard, &assertion.issuer).await,
        };
        match read {
            Ok(keys) => KEPT.with_borrow_mut(|kept| kept.note(&source, keys, asked)),
            Err(why) => cause = why,
        }
        found = known(asked);
    }
    match found {
        Known::Key(key) => Ok(Some(key)),
        Known::Nothing => Ok(None),
        Known::Unavailable | Known::Ask => Err(Refusal::Busy(format!("an issuer's keys: {cause}"))),
    }
}

async fn jwks(guard: Outbound<'_>, uri: &str) -> Result<Jwks, String> {
    let bytes = outbound::get(guard, uri, limits::JWKS_BYTES).await?;
    Jwks::parse(&bytes).ok_or_else(|| "the answer is no key set".to_owned())
}

/// The keys to which the issuer's configuration leads.
async fn discovered(guard: Outbound<'_>, issuer: &str) -> Result<Jwks, String> {
    let bytes = outbound::get(guard, &configuration_of(issuer), limits::JWKS_BYTES).await?;
    let configuration: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let text = |name: &str| configuration.get(name).and_then(Value::as_str);
    if text("issuer") != Some(issuer) {
        return Err("the configuration is of another issuer".to_owned());
    }
    let uri = text("jwks_uri").ok_or("the configuration names no key set")?;
    jwks(guard, uri).await
}

async fn verify(key: &Jwk, assertion: &Assertion) -> Result<JsValue, JsValue> {
    let fields = |pairs: &[(&'static str, &str)]| {
        let fields = js::Fields::new();
        pairs.iter().for_each(|(name, value)| fields.put(name, &JsValue::from_str(value)));
        fields
    };
    let members: Vec<_> = key.members.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let algorithm = match key.algorithm {
        Algorithm::Rs256 => fields(&[("name", "RSASSA-PKCS1-v1_5"), ("hash", "SHA-256")]),
        Algorithm::Es256 => {
            fields(&[("name", "ECDSA"), ("namedCurve", "P-256"), ("hash", "SHA-256")])
        }
    };
    let usages = Array::of1(&JsValue::from_str("verify"));
    let key = js::import_key("jwk", &fields(&members), &algorithm, false, &usages)?.await?;
    let signature = Uint8Array::new_from_slice(&assertion.signature);
    let signed = Uint8Array::new_from_slice(&assertion.signed);
    js::verify(&algorithm, &key, &signature, &signed)?.await
}
