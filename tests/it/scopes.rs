//! Scopes: what a key may do.

use muster::auth::{Scope, Scopes};
use serde_json::json;

const NAMES: [&str; 14] = [
    "scim.users:read",
    "scim.users:write",
    "scim.groups:read",
    "scim.groups:write",
    "access:read",
    "events:read",
    "streams:write",
    "jit",
    "jit:assert",
    "config:read",
    "config:write",
    "keys:write",
    "changes:decide",
    "data:export",
];

/// Every set of scopes that can be asked for.
pub(crate) fn every_set() -> impl Iterator<Item = Scopes> {
    (0_u32..1 << NAMES.len()).map(|bits| {
        let chosen = NAMES.iter().enumerate().filter(move |(place, _)| bits >> place & 1 == 1);
        Scopes::parse(chosen.map(|(_, name)| *name)).unwrap()
    })
}

#[test]
pub(crate) fn every_set_of_scopes_reads_as_it_prints() {
    for set in every_set() {
        let printed = set.to_string();
        assert_eq!(Scopes::parse(printed.split_whitespace()), Ok(set), "{printed}");
        assert_eq!(serde_json::from_value::<Scopes>(json!(printed)).unwrap(), set);
        assert_eq!(serde_json::to_value(set).unwrap(), json!(printed));
        assert_eq!(Scopes::parse(set.names()), Ok(set), "{printed}");
        assert_eq!(set.is_empty(), printed.is_empty());
    }
}

#[test]
fn write_implies_read_and_scim_is_all_four() {
    for (asked, held) in [
        ("scim", &NAMES[..4]),
        ("scim.users:write", &NAMES[..2]),
        ("scim.groups:write", &NAMES[2..4]),
        ("config:write", &["config:read", "config:write"]),
        ("scim.users:read", &["scim.users:read"]),
        ("keys:write", &["keys:write"]),
        ("jit:assert", &["jit:assert"]),
    ] {
        let set = Scopes::parse([asked]).unwrap();
        assert_eq!(set.names().collect::<Vec<_>>(), held);
        assert!(held.iter().all(|name| set.includes(Scopes::parse([*name]).unwrap())));
    }
    let users = Scopes::parse(["scim.users:write"]).unwrap();
    assert!(users.contains(Scope::UsersRead) && !users.contains(Scope::GroupsRead));
    assert!(!Scopes::parse(["scim.users:read"]).unwrap().includes(users));
    assert!(!users.includes(Scopes::parse(["scim"]).unwrap()));
}

#[test]
fn a_set_without_a_scope_has_neither_it_nor_what_it_implies() {
    for set in every_set() {
        let rest = set.without(Scope::ConfigWrite);
        let kept = |name: &&str| !["config:read", "config:write"].contains(name);
        assert_eq!(rest.names().collect::<Vec<_>>(), set.names().filter(kept).collect::<Vec<_>>());
    }
}

#[test]
fn a_scope_that_is_not_known_is_named() {
    for name in ["", " ", "SCIM", "scim:read", "scim.users", "scim.users:read ", "*", "admin"] {
        assert_eq!(Scopes::parse(["scim", name, "nor-this"]), Err(name));
    }
}
