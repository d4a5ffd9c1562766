//! Key sets of other issuers (RFC 7517), and what an isolate remembers of them.

use std::collections::BTreeMap;
use std::rc::Rc;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde_json::Value;

use super::Algorithm;
use crate::limits;

/// The keys of a set that can verify an assertion.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Jwks(Vec<Jwk>);

/// A public key. Its type says by which algorithm it verifies, whatever an assertion says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Jwk {
    kid: String,
    /// The one algorithm that it is for.
    pub algorithm: Algorithm,
    /// The members of RFC 7518 §6 that make the key.
    pub members: Vec<(&'static str, String)>,
}

/// Key sets by where they come from.
#[derive(Debug, Default)]
pub struct JwksCache(BTreeMap<String, Kept>);

#[derive(Debug)]
struct Kept {
    /// When it was last asked for.
    asked: i64,
    /// What that came to, or an asking before: the keys, and when they were asked for.
    keys: Option<(i64, Jwks)>,
}

/// What is known of a key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Known {
    /// The key.
    Key(Rc<Jwk>),
    /// That there is none.
    Nothing,
    /// That its set could not be read a moment ago, or is being read.
    Unavailable,
    /// Too little: the set is to be asked for.
    Ask,
}

/// RFC 7518 §3.3: an RSA key has 2048 bits at least; and 8192 at most, since verifying takes time.
const RSA_BYTES: std::ops::RangeInclusive<usize> = 256..=1_024;
/// An exponent in use has three bytes; one as long as the modulus makes verifying slow.
const EXPONENT_BYTES: std::ops::RangeInclusive<usize> = 1..=8;
/// A coordinate on P-256.
const P256_BYTES: usize = 32;

impl Jwks {
    /// Reads a key set; `None` when it is none. Keys of other kinds and uses are passed over.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let set: Value = serde_json::from_slice(bytes).ok()?;
        let keys = set.get("keys")?.as_array()?.iter();
        Some(Self(keys.take(limits::JWKS_KEYS).filter_map(Jwk::parse).collect()))
    }

    /// The key of a name for an algorithm.
    pub fn key(&self, kid: &str, algorithm: Algorithm) -> Option<&Jwk> {
        self.0.iter().find(|key| key.kid == kid && key.algorithm == algorithm)
    }
}

impl Jwk {
    fn parse(key: &Value) -> Option<Self> {
        let text = |name: &str| key.get(name).and_then(Value::as_str);
        let bytes = |name: &str| Some(Base64UrlUnpadded::decode_vec(text(name)?).ok()?.len());
        let (algorithm, name, names): (_, _, &[&str]) = match text("kty")? {
            "RSA" if RSA_BYTES.contains(&bytes("n")?) && EXPONENT_BYTES.contains(&bytes("e")?) => {
                (Algorithm::Rs256, "RS256", &["n", "e"])
            }
            "EC" if text("crv")? == "P-256"
                && (bytes("x")?, bytes("y")?) == (P256_BYTES, P256_BYTES) =>
            {
                (Algorithm::Es256, "ES256", &["crv", "x", "y"])
            }
            _ => return None,
        };
        let verifies = |operations: &Value| {
            operations.as_array().is_some_and(|all| all.iter().any(|one| one == "verify"))
        };
        // RFC 7517 §4.2 to §4.4: a key that says what it is for is for nothing else.
        if text("use").is_some_and(|r#use| r#use != "sig")
            || key.get("key_ops").is_some_and(|operations| !verifies(operations))
            || text("alg").is_some_and(|alg| alg != name)
        {
            return None;
        }
        let mut members = Vec::new();
        for name in ["kty", "n", "e", "crv", "x", "y"] {
            if name == "kty" || names.contains(&name) {
                members.push((name, text(name)?.to_owned()));
            }
        }
        Some(Self { kid: text("kid")?.to_owned(), algorithm, members })
    }
}

impl JwksCache {
    /// What is known of a key, at a time in milliseconds since the epoch.
    pub fn look(&self, source: &str, kid: &str, algorithm: Algorithm, now: i64) -> Known {
        let Some(kept) = self.0.get(source) else { return Known::Ask };
        // What comes from the future was noted before the clock stepped back, and tells nothing.
        let fresh = kept.keys.as_ref().filter(|(asked, _)| {
            (0..limits::JWKS_TTL_MILLISECONDS).contains(&now.saturating_sub(*asked))
        });
        if let Some(key) = fresh.and_then(|(_, keys)| keys.key(kid, algorithm)) {
            return Known::Key(Rc::new(key.clone()));
        }
        if !(0..limits::JWKS_PAUSE_MILLISECONDS).contains(&now.saturating_sub(kept.asked)) {
            return Known::Ask;
        }
        // Only the answer to the last asking tells that there is no such key.
        let is_answered = fresh.is_some_and(|(asked, _)| *asked == kept.asked);
        if is_answered { Known::Nothing } else { Known::Unavailable }
    }

    /// Notes that a set is being asked for, before there is an answer: nobody else asks meanwhile.
    pub fn ask(&mut self, source: &str, now: i64) {
        if self.0.len() >= limits::JWKS_KEPT && !self.0.contains_key(source) {
            self.0.clear();
        }
        let keys = self.0.remove(source).and_then(|kept| kept.keys);
        self.0.insert(source.to_owned(), Kept { asked: now, keys });
    }

    /// Notes what a set was when it was asked for. The answer to a later asking is not forgotten for
    /// one that took longer.
    pub fn note(&mut self, source: &str, keys: Jwks, asked: i64) {
        let Some(kept) = self.0.get_mut(source) else { return };
        if kept.asked == asked || kept.keys.as_ref().is_none_or(|(earlier, _)| *earlier < asked) {
            kept.keys = Some((asked, keys));
        }
    }
}
