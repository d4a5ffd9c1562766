//! Secrets of OAuth clients (RFC 6749 §2.3.1).

use serde::{Deserialize, Serialize};

use super::JtiDigest;

/// SHA-256 of a client's secret, in hexadecimal: all that is stored of one, and all that the edge
/// hands on. Two are compared in constant time.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct SecretDigest(JtiDigest);

impl SecretDigest {
    /// The digest of a secret.
    pub fn of(secret: &str) -> Self {
        Self(JtiDigest::of(secret))
    }

    /// The digest that a row holds.
    pub fn stored(hexadecimal: &str) -> Self {
        Self(JtiDigest::stored(hexadecimal))
    }

    /// The form in which a row holds it.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}
