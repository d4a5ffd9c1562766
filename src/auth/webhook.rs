//! Signing keys of streams. Webhooks have, by Standard Webhooks, a shared secret (`v1`, HMAC-SHA-256) or a
//! pair of keys (`v1a`, Ed25519). What a pair of keys signs, `edge` has the runtime sign.

use std::fmt;

use base64ct::{Base64, Encoding as _};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use super::TokenPair;

/// Bytes of a shared secret, and of each key of a pair.
const KEY_BYTES: usize = 32;

/// A pair of Ed25519 keys (RFC 8032 §5.1.5).
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct KeyPair {
    /// The private key.
    pub seed: [u8; KEY_BYTES],
    /// The public key.
    pub public: [u8; KEY_BYTES],
}

/// What signs.
#[derive(Clone, Eq, PartialEq)]
pub enum SigningKey {
    /// `v1`: a secret that the receiver has, too.
    Shared(Vec<u8>),
    /// `v1a`: a pair of which the receiver has the public key.
    Pair(KeyPair),
    /// `ES256`: a pair of which the tenant's JWKS has the public key.
    Token(TokenPair),
}

/// Keys are secret, also in what a developer prints.
impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Shared(_) => "Shared",
            Self::Pair(_) => "Pair",
            Self::Token(_) => "Token",
        })
    }
}

impl SigningKey {
    /// The form in which it is sealed: of a pair, the private key and then the public one. Its length says
    /// what it is.
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Shared(secret) => secret.clone(),
            Self::Pair(KeyPair { seed, public }) => [*seed, *public].concat(),
            Self::Token(TokenPair { d, x, y }) => [*d, *x, *y].concat(),
        }
    }

    /// Reads that form.
    pub fn of_bytes(bytes: &[u8]) -> Option<Self> {
        let (parts, []) = bytes.as_chunks::<KEY_BYTES>() else { return None };
        match *parts {
            [secret] => Some(Self::Shared(secret.to_vec())),
            [seed, public] => Some(Self::Pair(KeyPair { seed, public })),
            [d, x, y] => Some(Self::Token(TokenPair { d, x, y })),
            _ => None,
        }
    }

    /// The pair that signs tokens, if it is one.
    pub const fn token_pair(&self) -> Option<&TokenPair> {
        match self {
            Self::Token(pair) => Some(pair),
            Self::Shared(_) | Self::Pair(_) => None,
        }
    }

    /// What the receiver is given: the secret, the public key, or by which name it finds that.
    pub fn for_receiver(&self) -> String {
        match self {
            Self::Shared(secret) => format!("whsec_{}", Base64::encode_string(secret)),
            Self::Pair(pair) => format!("whpk_{}", Base64::encode_string(&pair.public)),
            Self::Token(pair) => pair.kid(),
        }
    }
}

/// What is signed of a message: its id, the seconds at which it is sent, and its body.
pub fn signed_text(id: &str, seconds: i64, body: &str) -> String {
    format!("{id}.{seconds}.{body}")
}

/// The signature of a text with a shared secret, as the header has it; `None` for no secret.
pub fn symmetric_signature(secret: &[u8], text: &str) -> Option<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).ok()?;
    mac.update(text.as_bytes());
    Some(format!("v1,{}", Base64::encode_string(&mac.finalize().into_bytes())))
}
