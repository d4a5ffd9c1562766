//! The verified principal, as the edge hands it to the tenant's object.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::Scopes;

/// Who is asking.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Principal {
    /// The deployment's administrator.
    Admin,
    /// The bearer of a key, or of a token that an OAuth client was given.
    Key(KeyPrincipal),
    /// An OAuth client that asks for a token, and may do nothing else.
    Client,
}

/// A key that verified. Whether it is live, the object knows.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyPrincipal {
    /// The key's id.
    pub id: String,
    /// What proves that the key was issued by the row of that id.
    pub jti: JtiDigest,
    /// What it may do.
    pub scopes: Scopes,
    /// The connection that it was made for, if it was for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection: Option<String>,
}

/// SHA-256 of a key's `jti`, in hexadecimal: all that is stored of a key.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct JtiDigest(String);

impl JtiDigest {
    /// The digest of a `jti`.
    pub fn of(jti: &str) -> Self {
        Self(format!("{:x}", Sha256::digest(jti.as_bytes())))
    }

    /// The digest that a row holds.
    pub fn stored(hexadecimal: &str) -> Self {
        Self(hexadecimal.to_owned())
    }

    /// The form in which a row holds it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl PartialEq for JtiDigest {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl Eq for JtiDigest {}

impl Principal {
    /// What the principal may do; `None` means everything.
    pub const fn scopes(&self) -> Option<Scopes> {
        match self {
            Self::Admin => None,
            Self::Key(key) => Some(key.scopes),
            Self::Client => Some(Scopes::NONE),
        }
    }

    /// Whether the principal may do what a scope names.
    pub fn may(&self, scope: super::Scope) -> bool {
        self.scopes().is_none_or(|scopes| scopes.contains(scope))
    }

    /// The actor as events name it.
    pub fn actor(&self) -> String {
        match self {
            Self::Admin => "admin".to_owned(),
            Self::Key(key) => format!("key:{}", key.id),
            Self::Client => "client".to_owned(),
        }
    }
}
