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
    /// None as long as it could not be read.
    keys: Option<Jwks>,
    /// When it was read.
    read: i64,
    /// When it was last asked for.
    asked: i64,
}

/// What is known of a key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Known {
    /// The key.
    Key(Rc<Jwk>),
    /// That there is none.
    Nothing,
    /// That its set could not be read a moment ago.
    Unavailable,
    /// Too little: the set is to be asked for.
    Ask,
}

/// RFC 7518 §3.3: an RSA key has 2048 bits at least; and 8192 at most, since verifying takes time.
const RSA_BYTES: std::ops::RangeInclusive<usize> = 256..=1_024;
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
            "RSA" if RSA_BYTES.contains(&bytes("n")?) => (Algorithm::Rs256, "RS256", &["n", "e"]),
            "EC" if text("crv")? == "P-256"
                && (bytes("x")?, bytes("y")?) == (P256_BYTES, P256_BYTES) =>
            {
                (Algorithm::Es256, "ES256", &["crv", "x", "y"])
            }
            _ => return None,
        };
        // RFC 7517 §4.2, §4.4: a key that says what it is for is for nothing else.
        if text("use").is_some_and(|r#use| r#use != "sig")
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
        let pause = (0..limits::JWKS_PAUSE_MILLISECONDS).contains(&now.saturating_sub(kept.asked));
        let fresh = (0..limits::JWKS_TTL_MILLISECONDS).contains(&now.saturating_sub(kept.read));
        match kept.keys.as_ref().filter(|_| fresh) {
            Some(keys) => match keys.key(kid, algorithm) {
                Some(key) => Known::Key(Rc::new(key.clone())),
                None if pause => Known::Nothing,
                None => Known::Ask,
            },
            None if pause => Known::Unavailable,
            None => Known::Ask,
        }
    }

    /// Notes what asking for a set has come to. One that cannot be read now does not forget what was
    /// read before.
    pub fn note(&mut self, source: &str, keys: Option<Jwks>, now: i64) {
        if self.0.len() >= limits::JWKS_KEPT && !self.0.contains_key(source) {
            self.0.clear();
        }
        let before = self.0.remove(source);
        let kept = match (keys, before) {
            (None, Some(before)) => Kept { asked: now, ..before },
            (keys, _) => Kept { keys, read: now, asked: now },
        };
        self.0.insert(source.to_owned(), kept);
    }
}
