//! Signing keys of security event tokens (RFC 8417): ES256 (RFC 7518 §3.4). What a pair of keys signs,
//! `edge` has the runtime sign.

use std::fmt;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// Bytes of each number of a pair.
const NUMBER_BYTES: usize = 32;

/// A pair of P-256 keys (RFC 7518 §6.2).
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct TokenPair {
    /// The private key.
    pub d: [u8; NUMBER_BYTES],
    /// The public key: a point's one coordinate.
    pub x: [u8; NUMBER_BYTES],
    /// The other one.
    pub y: [u8; NUMBER_BYTES],
}

/// One is secret, also in what a developer prints.
impl fmt::Debug for TokenPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenPair")
    }
}

impl TokenPair {
    /// Its name: the thumbprint of the public key (RFC 7638 §3).
    pub fn kid(&self) -> String {
        let [x, y] = self.point();
        let members = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
        encoded(&Sha256::digest(members))
    }

    /// The public key (RFC 7517 §4).
    pub fn jwk(&self) -> Value {
        let [x, y] = self.point();
        let kid = self.kid();
        json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": kid, "use": "sig", "alg": "ES256" })
    }

    /// What is signed of a token (RFC 7515 §5.1).
    pub fn signed(&self, claims: &str) -> String {
        let header = json!({ "alg": "ES256", "kid": self.kid(), "typ": "secevent+jwt" });
        format!("{}.{}", encoded(header.to_string().as_bytes()), encoded(claims.as_bytes()))
    }

    fn point(&self) -> [String; 2] {
        [&self.x, &self.y].map(|number| encoded(number))
    }
}

/// A token: what is signed of it, and the signature.
pub fn token(signed: &str, signature: &[u8]) -> String {
    format!("{signed}.{}", encoded(signature))
}

fn encoded(bytes: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(bytes)
}
