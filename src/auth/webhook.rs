//! Signing keys of webhooks, by Standard Webhooks: a shared secret (`v1`, HMAC-SHA-256) or a pair of keys
//! (`v1a`, Ed25519). What a pair of keys signs, `edge` has the runtime sign.

use std::fmt;

use base64ct::{Base64, Encoding as _};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

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
}

/// Keys are secret, also in what a developer prints.
impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Shared(_) => "Shared",
            Self::Pair(_) => "Pair",
        })
    }
}

impl SigningKey {
    /// The form in which it is sealed: of a pair, the private key and then the public one.
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Shared(secret) => secret.clone(),
            Self::Pair(KeyPair { seed, public }) => [*seed, *public].concat(),
        }
    }

    /// Reads that form.
    pub fn of_bytes(bytes: &[u8], is_pair: bool) -> Option<Self> {
        if !is_pair {
            return Some(Self::Shared(bytes.to_vec()));
        }
        let (seed, public) = bytes.split_at_checked(KEY_BYTES)?;
        let (seed, public) = (seed.try_into().ok()?, public.try_into().ok()?);
        Some(Self::Pair(KeyPair { seed, public }))
    }

    /// What the receiver is given: the secret, or the public key.
    pub fn for_receiver(&self) -> String {
        match self {
            Self::Shared(secret) => format!("whsec_{}", Base64::encode_string(secret)),
            Self::Pair(pair) => format!("whpk_{}", Base64::encode_string(&pair.public)),
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
