//! Sealed secrets: only whom they are for opens them, and nobody who has changed them.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use muster::auth::KeyRing;
use muster::event::is_type;
use muster::policy::Types;

use crate::support::KEY_RING;

const SECRET: &[u8] = b"what nobody is to read";
/// As rows hold it: a change needs a migration.
const SEALED: &str = "v0f20lafuU-kMoFx0koLuySmejtb6NjaxlgQ2XjL9DCRcE7VvbPUtPNeUVEfhyL-f0VbbyCY";

fn ring(text: &str) -> KeyRing {
    KeyRing::parse(text).expect("a key ring")
}

#[test]
fn what_is_sealed_is_opened_for_the_same_purpose_and_thing_alone() {
    let ring = ring(KEY_RING);
    let sealed = ring.seal("p", &["acme", "crm"], SECRET).expect("a secret seals");
    assert_eq!(sealed, SEALED);
    let opened = |purpose: &str, thing: &[&str], text: &str| {
        ring.open(purpose, thing, text).map(|opened| opened.secret)
    };
    assert_eq!(opened("p", &["acme", "crm"], &sealed).as_deref(), Some(SECRET));
    for (purpose, thing) in [
        ("q", &["acme", "crm"]),
        ("p", &["acme", "erp"]),
        ("p", &["other", "crm"]),
        ("p", &["ac", "mecrm"]),
    ] {
        assert_eq!(opened(purpose, thing, &sealed), None, "{purpose} {thing:?}");
    }
    let bytes = Base64UrlUnpadded::decode_vec(&sealed).expect("Base64");
    assert!(!bytes.windows(6).any(|part| part == &SECRET[..6]));
    for place in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[place] ^= 1;
        let changed = Base64UrlUnpadded::encode_string(&changed);
        assert_eq!(opened("p", &["acme", "crm"], &changed), None, "at {place}");
    }
    for text in ["", "AAAA", "*", &sealed[..40]] {
        assert_eq!(opened("p", &["acme", "crm"], text), None, "{text}");
    }
}

#[test]
fn every_secret_of_the_ring_opens_and_the_first_seals() {
    let other = "k2:enp6enp6enp6enp6enp6enp6enp6enp6enp6enp6enp6";
    let sealed = ring(KEY_RING).seal("p", &["crm"], SECRET).expect("a secret seals");
    let both = ring(&format!("{other},{KEY_RING}"));
    let opened = both.open("p", &["crm"], &sealed).expect("it opens");
    assert!(!opened.is_current && opened.secret == SECRET);
    let anew = both.seal("p", &["crm"], SECRET).expect("a secret seals");
    assert!(both.open("p", &["crm"], &anew).expect("it opens").is_current);
    assert!(ring(other).open("p", &["crm"], &sealed).is_none());
    assert!(ring(other).open("p", &["crm"], &anew).is_some());
}

#[test]
fn types_are_exact_or_families() {
    for (types, kind, taken) in [
        (&[][..], "user.created", true),
        (&["user.created"], "user.created", true),
        (&["user.created"], "user.updated", false),
        (&["user.*"], "user.access.changed", true),
        (&["user.access.*"], "user.access.changed", true),
        (&["user.access.*"], "user.created", false),
        (&["group.member.added", "user.*"], "group.member.added", true),
        (&["group.*"], "user.created", false),
    ] {
        let read = Types::of(types);
        assert_eq!(read.take(kind), taken, "{types:?} {kind}");
        assert_eq!(Types::stored(&read.to_stored()), read);
    }
    for wrong in [
        "",
        "*",
        ".",
        "user",
        "user.",
        ".created",
        "user.**",
        "user.a b",
        "user.*.x",
        "User.created",
        "user.created ",
    ] {
        assert!(!is_type(wrong), "{wrong}");
    }
}
