//! What a connection is warned of besides attributes that nobody knows.

use serde_json::{Value, json};

use crate::support::Acme;

/// The codes of the warnings of a connection, with their paths.
fn warnings(acme: &mut Acme, connection: &str) -> Vec<String> {
    let health = acme.admin("GET", &format!("/connections/{connection}/health"), &Value::Null);
    let listed = health.json()["warnings"].as_array().cloned().expect("warnings");
    let text = |one: &Value, name: &str| one[name].as_str().expect("a text").to_owned();
    listed.iter().map(|one| format!("{} {}", text(one, "code"), text(one, "path"))).collect()
}

#[test]
fn bz_20_users_without_an_external_id_are_warned_of_once() {
    let mut acme = Acme::new();
    let (entra, okta) = (acme.connect("entra"), acme.connect("okta"));
    let whole = json!({ "userName": "eve", "externalId": "e", "externalId_missing": 1 });
    acme.with_key(&okta, |acme| acme.post("/Users", &whole));
    assert_eq!(warnings(&mut acme, "okta"), ["attribute_unknown externalId_missing"]);
    acme.with_key(&entra, |acme| (acme.user("ada"), acme.user("bob"), acme.group("crew", &[])));
    let missing = ["externalId_missing externalId"];
    assert_eq!(warnings(&mut acme, "entra"), missing);
    acme.settle();
    assert_eq!(acme.rows("warnings"), 2);
    acme.sleep();
    acme.with_key(&entra, |acme| acme.user("joe"));
    acme.settle();
    assert_eq!(
        (warnings(&mut acme, "entra"), acme.rows("warnings")),
        (missing.map(str::to_owned).to_vec(), 2)
    );
}
