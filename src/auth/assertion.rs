//! Assertions by which another issuer vouches for a workload: RFC 7523 §3.
//!
//! In scope: the form and what the claims say. The signature is verified by the edge, which alone has
//! the means, with what is here handed to it.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use crate::limits;

/// The algorithms that are taken. There is no `none`, and none whose key the verifier could sign with.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
}

/// An assertion that has been read and not been verified.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Assertion {
    /// By what it says it is signed.
    pub algorithm: Algorithm,
    /// With which of the issuer's keys.
    pub kid: String,
    /// Who vouches.
    pub issuer: String,
    /// For whom.
    pub subject: String,
    /// To whom.
    audiences: Vec<String>,
    expires: i64,
    not_before: Option<i64>,
    /// What is signed.
    pub signed: Vec<u8>,
    /// The signature.
    pub signature: Vec<u8>,
}

impl Assertion {
    /// Reads an assertion; `None` when it is none, or lacks what RFC 7523 §3 demands.
    pub fn parse(token: &str) -> Option<Self> {
        if token.len() > limits::ASSERTION_CHARACTERS {
            return None;
        }
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, payload) = signed.split_once('.')?;
        let (header, claims) = (object(header)?, object(payload)?);
        let algorithm = match text(&header, "alg")? {
            "RS256" => Algorithm::Rs256,
            "ES256" => Algorithm::Es256,
            _ => return None,
        };
        // RFC 7515 §4.1.11: what must be understood, and is not.
        if header.contains_key("crit") {
            return None;
        }
        let audiences = match claims.get("aud")? {
            Value::String(audience) => vec![audience.clone()],
            Value::Array(several) => {
                several.iter().filter_map(Value::as_str).map(str::to_owned).collect()
            }
            _ => return None,
        };
        Some(Self {
            algorithm,
            kid: text(&header, "kid")?.to_owned(),
            issuer: text(&claims, "iss")?.to_owned(),
            subject: text(&claims, "sub")?.to_owned(),
            audiences,
            expires: seconds(claims.get("exp")?)?,
            not_before: match claims.get("nbf") {
                None => None,
                Some(time) => Some(seconds(time)?),
            },
            signed: signed.as_bytes().to_vec(),
            signature: Base64UrlUnpadded::decode_vec(signature).ok()?,
        })
    }

    /// Whether it is for an audience, and for now.
    pub fn holds(&self, audience: &str, now: DateTime<Utc>) -> bool {
        let now = now.timestamp();
        let skew = limits::ASSERTION_SKEW_SECONDS;
        self.audiences.iter().any(|one| one == audience)
            && self.expires.saturating_add(skew) > now
            && self.not_before.is_none_or(|time| time.saturating_sub(skew) <= now)
    }
}

fn object(encoded: &str) -> Option<Map<String, Value>> {
    serde_json::from_slice(&Base64UrlUnpadded::decode_vec(encoded).ok()?).ok()
}

/// RFC 7519 §2: a time, of which a fraction of a second is of no account.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a number out of bounds becomes the last within"
)]
fn seconds(time: &Value) -> Option<i64> {
    time.as_i64().or_else(|| Some(time.as_f64()?.floor() as i64))
}

fn text<'v>(object: &'v Map<String, Value>, name: &str) -> Option<&'v str> {
    object.get(name)?.as_str()
}
