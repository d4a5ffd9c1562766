//! The chain of hashes over the log: nothing in it can be changed, left out or moved, and what is
//! behind it still fits.
//!
//! An event's hash is over the one before it, its place, its type and the digest of its payload, which
//! is its time and its data, salted. The chain has nothing else of the payload: where somebody is to be
//! forgotten, payload and salt go, the digest stays, and without the salt no guess can be tried on it.

use sha2::{Digest as _, Sha256};

/// SHA-256 of something.
pub type Hash = [u8; 32];

/// A salt: random, and known as long as the payload is.
pub type Salt = [u8; 16];

/// What stands for the hash before the first event.
pub const ROOT: Hash = [0; 32];

/// The digest of a payload: a time as events show it, and data as a row holds it.
pub fn digest(salt: &[u8], timestamp: &str, data: &str) -> Hash {
    let mut digest = Sha256::new();
    digest.update(salt);
    digest.update(timestamp);
    digest.update(data);
    digest.finalize().into()
}

/// The hash of the event at a place, behind the one that has the hash `before`.
pub fn link(before: &Hash, seq: i64, kind: &str, payload: &Hash) -> Hash {
    let mut digest = Sha256::new();
    digest.update(before);
    digest.update(seq.to_be_bytes());
    digest.update(payload);
    digest.update(kind);
    digest.finalize().into()
}

/// A hash or a salt as a text.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Salts, as many as are wanted of one draw of lots. Who knows what is left after one knows nothing of
/// those before.
#[derive(Clone, Debug)]
pub struct Salts(Hash);

impl Salts {
    /// Those of a random seed.
    pub const fn of(seed: Hash) -> Self {
        Self(seed)
    }

    /// The next one.
    pub fn draw(&mut self) -> Salt {
        let drawn: Hash = Sha256::new().chain_update(self.0).chain_update("salt").finalize().into();
        self.0 = Sha256::new().chain_update(self.0).chain_update("next").finalize().into();
        drawn.first_chunk().copied().unwrap_or_default()
    }
}
