//! Who is asking: API keys as signed tokens, the deployment's own token, and scopes.
//!
//! Everything here is arithmetic. That a key which verifies has not been revoked is known to the
//! tenant's object alone, which compares the digest of its `jti` with the row it holds.

mod admin;
mod assertion;
mod copy_name;
mod jwks;
mod key;
mod principal;
mod scope;
mod sealed;
mod secret;
mod set;
mod tag;
mod webhook;

pub use admin::{AdminTokens, AdminTokensError};
pub use assertion::{Algorithm, Assertion};
pub use copy_name::CopyName;
pub use jwks::{Jwk, Jwks, JwksCache, Known};
pub use key::{Claims, ISSUER, KeyRing, KeyRingError, TokenError};
pub use principal::{JtiDigest, KeyPrincipal, Principal};
pub use scope::{Scope, Scopes};
pub use sealed::Opened;
pub use secret::SecretDigest;
pub use set::{TokenPair, token};
pub use tag::TAG_BYTES;
pub use webhook::{KeyPair, SigningKey, signed_text, symmetric_signature};
