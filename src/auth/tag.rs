//! Tags: what proves that a text which a client carries was written here, and for what.

use hkdf::Hkdf;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use super::KeyRing;

/// Bytes of a whole tag.
pub const TAG_BYTES: usize = 32;

impl KeyRing {
    /// HMAC-SHA-256 of some parts in their order, under a key that the first secret gives for this
    /// purpose alone (HKDF, RFC 5869, with the purpose as its `info`); `None` for no secret.
    pub fn tag(&self, purpose: &str, parts: &[&[u8]]) -> Option<[u8; TAG_BYTES]> {
        let mac = mac(self.secrets().next()?, purpose, parts)?;
        Some(mac.finalize().into_bytes().into())
    }

    /// Whether a text is the tag of the parts, or a beginning of it, under any of the secrets.
    /// Compares in constant time. How long the text has to be, the caller knows.
    pub fn has_tag(&self, purpose: &str, parts: &[&[u8]], tag: &[u8]) -> bool {
        let mut macs = self.secrets().filter_map(|secret| mac(secret, purpose, parts));
        macs.any(|mac| mac.verify_truncated_left(tag).is_ok())
    }
}

/// Each part has its length in front, so that no two lists of parts are the same text.
pub(super) fn mac(secret: &[u8], purpose: &str, parts: &[&[u8]]) -> Option<Hmac<Sha256>> {
    let mut key = [0; TAG_BYTES];
    Hkdf::<Sha256>::new(None, secret).expand(purpose.as_bytes(), &mut key).ok()?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).ok()?;
    for part in parts {
        mac.update(&u64::try_from(part.len()).ok()?.to_be_bytes());
        mac.update(part);
    }
    Some(mac)
}
