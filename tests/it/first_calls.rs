//! The first calls of an identity provider, and the forms of the base that it calls.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::{Acme, ORIGIN};

/// What Entra and others ask for when a person presses "test connection".
const PROBE: &str = "/Users?filter=userName%20eq%20%227c6d2a4e-0000-4000-8000-5f1e2d3c4b5a%22";

#[test]
fn ol_18_the_test_of_a_connection_finds_nobody_and_succeeds() {
    let mut acme = Acme::new();
    acme.user("ada");
    let before = acme.dump();
    let reply = acme.scim("GET", PROBE, &Value::Null);
    assert_eq!(reply.status, 200);
    assert_eq!(
        (&reply.json()["totalResults"], &reply.json()["Resources"]),
        (&json!(0), &json!([]))
    );
    assert_eq!(acme.dump(), before, "it leaves no trace");
    let key = acme.mint(&["events:read"]);
    assert_eq!(acme.scim_with("GET", PROBE, &Value::Null, &key, &[]).status, 403, "and may fail");
}

#[test]
fn bz_04_a_cold_tenant_answers_the_test_of_a_connection() {
    let mut acme = Acme::new();
    for _ in 0..2 {
        acme.sleep();
        let reply = acme.scim("GET", PROBE, &Value::Null).json();
        assert_eq!((&reply["totalResults"], &reply["Resources"]), (&json!(0), &json!([])));
        acme.user(&format!("user{}", acme.rows("resources")));
    }
}

#[test]
fn bd_26_the_alias_answers_as_the_canonical_path_does_in_its_own_name() {
    let mut acme = Acme::new();
    let ada = acme.user("ada");
    let group = acme.group("Builders", &[&ada]);
    let key = acme.key.clone();
    for path in [
        format!("/Users/{ada}"),
        format!("/Groups/{group}"),
        "/Users".to_owned(),
        PROBE.to_owned(),
        "/Schemas".to_owned(),
        "/ServiceProviderConfig".to_owned(),
        "/Users/nobody".to_owned(),
    ] {
        let mut ask = |base: &str| {
            acme.fetch("GET", &format!("{ORIGIN}{base}{path}"), &BTreeMap::new(), b"", &key)
        };
        let (canonical, alias) = (ask("/t/acme/scim/v2"), ask("/scim/v2/acme"));
        assert_eq!(canonical.status, alias.status, "{path}");
        let renamed = canonical.json().to_string().replace("/t/acme/scim/v2", "/scim/v2/acme");
        assert_eq!(renamed, alias.json().to_string(), "{path}");
    }
}
