//! The two forms of a tenant's SCIM base: Okta's older one answers the same, in its own name.

use serde_json::json;

use crate::ask::Ask;
use crate::deployment::deployment;
use crate::tenant::Tenant;

#[test]
fn both_bases_give_the_same_answers_each_in_its_own_name() {
    let acme = Tenant::new("bases");
    let ada = acme.user("ada");
    let group = acme.group("Builders", &[&ada]);
    let alias = format!("/scim/v2/{}", acme.slug);
    for path in [
        format!("/Users/{ada}"),
        format!("/Groups/{group}"),
        "/Users".to_owned(),
        "/Groups?count=1".to_owned(),
        "/Users?filter=userName%20eq%20%22ada%22".to_owned(),
        format!("/Users/{ada}?attributes=groups,meta"),
        "/ServiceProviderConfig".to_owned(),
        "/Schemas".to_owned(),
        "/ResourceTypes/User".to_owned(),
        "/Users/nobody".to_owned(),
        "/Nothing".to_owned(),
    ] {
        let one = acme.scim("GET", &path).send();
        let other = Ask::new("GET", &format!("{alias}{path}")).bearer(&acme.key).send();
        assert_eq!(one.status, other.status, "{path}");
        assert_eq!(one.text().replace(&acme.path(), &alias), other.text(), "{path}");
        assert_eq!(one.header("content-type"), other.header("content-type"), "{path}");
        assert_eq!(one.header("etag"), other.header("etag"), "{path}");
        assert!(!other.text().contains(&acme.path()), "{path}");
    }
}

#[test]
fn what_is_made_through_one_base_is_there_through_the_other() {
    let acme = Tenant::new("alias");
    let alias = format!("/scim/v2/{}", acme.slug);
    let users = Ask::new("POST", &format!("{alias}/Users")).bearer(&acme.key);
    let made = users.json(&json!({ "userName": "ada" })).is(201);
    let location = format!("{}{alias}/Users/{}", deployment().url, made.id());
    assert_eq!(made.header("location"), location);
    assert_eq!(made.field("/meta/location"), location);
    let read = acme.scim("GET", &format!("/Users/{}", made.id())).is(200);
    let location = format!("{}{}/Users/{}", deployment().url, acme.path(), made.id());
    assert_eq!(read.field("/meta/location"), location);
    Ask::new("GET", &format!("{alias}/Users")).is(401);
}

#[test]
fn a_key_says_where_to_use_it() {
    let acme = Tenant::new("says-where");
    let minted = acme.mint_with(&json!({ "name": "k", "scopes": ["scim"] }));
    assert_eq!(minted.field("/scimBaseUrl"), format!("{}{}", deployment().url, acme.path()));
}
