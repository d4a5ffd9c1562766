//! The deployment's root: the secret `ADMIN_TOKEN`.

use std::fmt;

use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConstantTimeEq as _};

use crate::limits;

/// The values of `ADMIN_TOKEN` that are live: one, or two while it is exchanged, by comma.
#[derive(Clone, Debug)]
pub struct AdminTokens(Vec<[u8; 32]>);

/// Why `ADMIN_TOKEN` cannot be used.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AdminTokensError {
    /// A value has fewer than [`limits::SECRET_BYTES_MIN`] bytes.
    TooShort,
    /// More than two values.
    TooMany,
}

impl AdminTokens {
    /// Reads the secret.
    ///
    /// # Errors
    /// When a value is too short or there are more than two.
    pub fn parse(secret: &str) -> Result<Self, AdminTokensError> {
        let values: Vec<&str> = secret.split(',').map(str::trim).collect();
        if values.len() > 2 {
            return Err(AdminTokensError::TooMany);
        }
        if values.iter().any(|value| value.len() < limits::SECRET_BYTES_MIN) {
            return Err(AdminTokensError::TooShort);
        }
        Ok(Self(values.into_iter().map(digest).collect()))
    }

    /// Whether a token is one of the values; takes the same time whichever it is.
    pub fn accept(&self, token: &str) -> bool {
        let given = digest(token);
        let same = |known: &[u8; 32]| known.ct_eq(&given);
        self.0.iter().map(same).fold(Choice::from(0), |any, one| any | one).into()
    }
}

fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

impl fmt::Display for AdminTokensError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooShort => "ADMIN_TOKEN has a value of fewer than 32 bytes",
            Self::TooMany => "ADMIN_TOKEN has more than two values",
        })
    }
}

impl std::error::Error for AdminTokensError {}
