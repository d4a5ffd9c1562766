//! API keys: JWTs (RFC 7519) signed with HS256 by a ring of secrets.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use chrono::{DateTime, Utc};
use jwt_compact::alg::{Hs256, Hs256Key};
use jwt_compact::{AlgorithmExt as _, Header, UntrustedToken};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;

use super::Scopes;
use crate::limits;

/// The `iss` of every key.
pub const ISSUER: &str = "muster";

/// The secret `KEY_RING`: the first key signs, all verify, so that it rotates without an outage.
#[derive(Debug)]
pub struct KeyRing {
    secrets: Vec<(String, Hs256Key)>,
    /// What was verified lately, by what was signed. An identity provider sends one key with each of its
    /// requests, and a signature, once it was found to be right, stays so.
    verified: RefCell<BTreeMap<String, Verified>>,
}

/// A signature that is right, and what it is of.
#[derive(Debug)]
struct Verified {
    signature: String,
    claims: Claims,
}

/// Why `KEY_RING` cannot be used.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum KeyRingError {
    /// An entry is not `kid:base64url`, the first part of 1 to [`limits::KID_CHARACTERS`] characters.
    Malformed,
    /// A secret has fewer than [`limits::SECRET_BYTES_MIN`] bytes.
    TooShort,
    /// Two entries have the same `kid`.
    SameName,
}

/// What a key says. Times are seconds since the epoch.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Claims {
    /// Always [`ISSUER`].
    pub iss: String,
    /// The key's id.
    pub sub: String,
    /// 128 random bits; their digest is stored with the key's row.
    pub jti: String,
    /// The tenant's slug.
    pub tid: String,
    /// The connection, if the key is bound to one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cid: Option<String>,
    /// What the key may do.
    pub scope: Scopes,
    /// When it was issued.
    pub iat: i64,
    /// When it expires.
    pub exp: i64,
}

/// Why a token is no valid key. A client learns which, since a person has to mend it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TokenError {
    /// It is not one of ours: malformed, unsigned, or signed by another secret or algorithm.
    Invalid,
    /// It was one of ours.
    Expired,
}

/// The claims beside `iat` and `exp`, which jwt-compact keeps apart.
#[derive(Deserialize, Serialize)]
struct Custom {
    iss: String,
    sub: String,
    jti: String,
    tid: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cid: Option<String>,
    scope: Scopes,
}

impl KeyRing {
    /// Reads the secret: `kid:base64url[,kid:base64url…]`.
    ///
    /// # Errors
    /// When an entry is malformed, too short, or has another's name.
    pub fn parse(secret: &str) -> Result<Self, KeyRingError> {
        let mut ring: Vec<(String, Hs256Key)> = Vec::new();
        for entry in secret.split(',').map(str::trim) {
            let (kid, encoded) = entry.split_once(':').ok_or(KeyRingError::Malformed)?;
            let bytes = Base64UrlUnpadded::decode_vec(encoded.trim_end_matches('='))
                .map_err(|_| KeyRingError::Malformed)?;
            if !(1..=limits::KID_CHARACTERS).contains(&kid.len()) {
                return Err(KeyRingError::Malformed);
            }
            if bytes.len() < limits::SECRET_BYTES_MIN {
                return Err(KeyRingError::TooShort);
            }
            if ring.iter().any(|(known, _)| known == kid) {
                return Err(KeyRingError::SameName);
            }
            ring.push((kid.to_owned(), Hs256Key::new(bytes)));
        }
        Ok(Self { secrets: ring, verified: RefCell::default() })
    }

    /// The secrets, the one that signs first.
    pub(super) fn secrets(&self) -> impl Iterator<Item = &[u8]> {
        self.secrets.iter().map(|(_, secret)| secret.as_ref())
    }

    /// Signs a key with the first secret; `None` only if claims cannot be written as JSON.
    pub fn sign(&self, claims: &Claims) -> Option<String> {
        let (kid, secret) = self.secrets.first()?;
        let header = Header::empty().with_key_id(kid.clone());
        let mut inner = jwt_compact::Claims::new(Custom {
            iss: claims.iss.clone(),
            sub: claims.sub.clone(),
            jti: claims.jti.clone(),
            tid: claims.tid.clone(),
            cid: claims.cid.clone(),
            scope: claims.scope,
        });
        inner.issued_at = Some(DateTime::from_timestamp(claims.iat, 0)?);
        inner.expiration = Some(DateTime::from_timestamp(claims.exp, 0)?);
        Hs256.token(&header, &inner, secret).ok()
    }

    /// Reads a key: size, signature, issuer and expiry, with no leeway.
    ///
    /// # Errors
    /// [`TokenError`]; the algorithm is fixed, so `none` or another one is `Invalid`.
    pub fn verify(&self, token: &str, now: DateTime<Utc>) -> Result<Claims, TokenError> {
        if token.len() > limits::KEY_CHARACTERS {
            return Err(TokenError::Invalid);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(TokenError::Invalid)?;
        let claims = match self.known(signed, signature) {
            Some(claims) => claims,
            None => self.keep(signed, signature, self.checked(token)?),
        };
        // RFC 7519 §4.1.4: on `exp` a token has expired; jwt-compact would take it a moment longer.
        if claims.exp <= now.timestamp() { Err(TokenError::Expired) } else { Ok(claims) }
    }

    /// What a token says whose signature was found right before. The signature alone is secret.
    fn known(&self, signed: &str, signature: &str) -> Option<Claims> {
        let verified = self.verified.borrow();
        let known = verified.get(signed)?;
        let same: bool = known.signature.as_bytes().ct_eq(signature.as_bytes()).into();
        same.then(|| known.claims.clone())
    }

    fn keep(&self, signed: &str, signature: &str, claims: Claims) -> Claims {
        let mut verified = self.verified.borrow_mut();
        if verified.len() >= limits::KEYS_VERIFIED {
            verified.clear();
        }
        let kept = Verified { signature: signature.to_owned(), claims: claims.clone() };
        verified.insert(signed.to_owned(), kept);
        claims
    }

    /// Checks a token as if for the first time, but for its expiry.
    fn checked(&self, token: &str) -> Result<Claims, TokenError> {
        let untrusted = UntrustedToken::new(token).map_err(|_| TokenError::Invalid)?;
        let kid = untrusted.header().key_id.as_deref().ok_or(TokenError::Invalid)?;
        let (_, secret) =
            self.secrets.iter().find(|(known, _)| known == kid).ok_or(TokenError::Invalid)?;
        let verified = Hs256
            .validator::<Custom>(secret)
            .validate(&untrusted)
            .map_err(|_| TokenError::Invalid)?;
        let claims = verified.claims();
        let (Some(issued), Some(expires)) = (claims.issued_at, claims.expiration) else {
            return Err(TokenError::Invalid);
        };
        if claims.custom.iss != ISSUER {
            return Err(TokenError::Invalid);
        }
        Ok(Claims {
            iss: claims.custom.iss.clone(),
            sub: claims.custom.sub.clone(),
            jti: claims.custom.jti.clone(),
            tid: claims.custom.tid.clone(),
            cid: claims.custom.cid.clone(),
            scope: claims.custom.scope,
            iat: issued.timestamp(),
            exp: expires.timestamp(),
        })
    }
}

impl fmt::Display for KeyRingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => {
                "KEY_RING has an entry that is not kid:base64url, the kid of 1 to 16 characters"
            }
            Self::TooShort => "KEY_RING has a secret of fewer than 32 bytes",
            Self::SameName => "KEY_RING has two secrets of one name",
        })
    }
}

impl std::error::Error for KeyRingError {}
