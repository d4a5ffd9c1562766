//! Tags: HMAC-SHA-256 under a key of its own for each purpose.

use muster::auth::{KeyRing, TAG_BYTES};

use crate::support::KEY_RING;

const PARTS: [&[u8]; 3] = [b"one", b"", b"two"];
const FRESH: &str = "k2:OTg3NjU0MzIxMDk4NzY1NDMyMTA5ODc2NTQzMjEwOTg";

fn ring(secrets: &str) -> KeyRing {
    KeyRing::parse(secrets).expect("a key ring")
}

fn tag(ring: &KeyRing) -> [u8; TAG_BYTES] {
    ring.tag("a purpose", &PARTS).expect("a tag")
}

/// HKDF and HMAC as another implementation has them.
#[test]
fn a_tag_is_what_the_rfcs_say() {
    let hexadecimal: String =
        tag(&ring(KEY_RING)).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hexadecimal, "a54ff0fb9d4821e7e16ac28268492604461f198c674ffa8ba48434a7bb4076d4");
}

#[test]
fn a_tag_is_of_its_purpose_its_parts_and_a_secret_of_the_ring() {
    let own = ring(KEY_RING);
    let tag = tag(&own);
    assert!(own.has_tag("a purpose", &PARTS, &tag));
    assert!(own.has_tag("a purpose", &PARTS, &tag[..8]));
    assert!(!own.has_tag("a purpose", &PARTS, &[]));
    assert!(!own.has_tag("a purpose", &PARTS, &[&tag[..], b"x"].concat()));
    assert!(!own.has_tag("another purpose", &PARTS, &tag));
    for parts in [[&b"onet"[..], b"", b"wo"], [b"one", b"two", b""], [b"", b"one", b"two"]] {
        assert!(!own.has_tag("a purpose", &parts, &tag));
    }
    assert!(!own.has_tag("a purpose", &PARTS[..2], &tag));
    assert!(ring(&format!("{FRESH},{KEY_RING}")).has_tag("a purpose", &PARTS, &tag));
    assert!(!ring(FRESH).has_tag("a purpose", &PARTS, &tag));
    assert_ne!(self::tag(&ring(&format!("{FRESH},{KEY_RING}"))), tag);
}
