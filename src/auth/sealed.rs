//! Sealed secrets: what a row holds of a secret that has to be used again, and not merely compared.
//!
//! A tag of the secret, and of what it is for, is the start of a stream of bytes with which the secret is
//! combined (a synthetic initialization vector, as in RFC 5297): no random numbers are needed, and the
//! same tag tells upon opening that nothing was changed, nor moved to another place.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use hkdf::Hkdf;
use hmac::Mac as _;
use sha2::Sha256;

use super::KeyRing;
use super::tag::{TAG_BYTES, mac};

/// What was sealed.
#[derive(Clone, Eq, PartialEq)]
pub struct Opened {
    /// The secret.
    pub secret: Vec<u8>,
    /// Whether the ring's first secret has sealed it, so that it stays open as long as that is there.
    pub is_current: bool,
}

impl KeyRing {
    /// Seals a secret of a thing for a purpose, with the ring's first secret; `None` for none.
    pub fn seal(&self, purpose: &str, thing: &[&str], secret: &[u8]) -> Option<String> {
        let key = self.secrets().next()?;
        let tag: [u8; TAG_BYTES] =
            tagged(key, purpose, thing, secret)?.finalize().into_bytes().into();
        let mut sealed = tag.to_vec();
        sealed.extend(combined(key, purpose, &tag, secret)?);
        Some(Base64UrlUnpadded::encode_string(&sealed))
    }

    /// Opens what any secret of the ring has sealed for that purpose and thing.
    pub fn open(&self, purpose: &str, thing: &[&str], sealed: &str) -> Option<Opened> {
        let sealed = Base64UrlUnpadded::decode_vec(sealed).ok()?;
        let (tag, hidden) = sealed.split_at_checked(TAG_BYTES)?;
        self.secrets().enumerate().find_map(|(place, key)| {
            let secret = combined(key, purpose, tag, hidden)?;
            tagged(key, purpose, thing, &secret)?.verify_slice(tag).ok()?;
            Some(Opened { secret, is_current: place == 0 })
        })
    }
}

/// What makes the tag.
fn tagged(key: &[u8], purpose: &str, thing: &[&str], secret: &[u8]) -> Option<hmac::Hmac<Sha256>> {
    let parts: Vec<&[u8]> = thing.iter().map(|part| part.as_bytes()).chain([secret]).collect();
    mac(key, &format!("{purpose} tag"), &parts)
}

/// The bytes, combined with the stream that begins with the tag; twice, they are themselves.
fn combined(key: &[u8], purpose: &str, tag: &[u8], bytes: &[u8]) -> Option<Vec<u8>> {
    let mut stream = vec![0; bytes.len()];
    let info = [purpose.as_bytes(), b" stream", tag].concat();
    Hkdf::<Sha256>::new(None, key).expand(&info, &mut stream).ok()?;
    Some(stream.iter().zip(bytes).map(|(one, other)| one ^ other).collect())
}
