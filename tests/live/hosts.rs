//! Tenants' own hosts, over HTTP; the Worker under test has `users-{tenant}.example.com`.

use serde_json::json;

use crate::ask::{Ask, Cost};
use crate::tenant::Tenant;

fn host(slug: &str) -> String {
    format!("users-{slug}.example.com")
}

fn at(host: &str, method: &str, path: &str) -> Ask {
    Ask::new(method, path).header("host", host)
}

#[test]
fn bz_03_a_tenants_host_answers_as_its_path_does_in_its_own_name() {
    let acme = Tenant::new("hosts");
    let host = host(&acme.slug);
    let ada = acme.user("ada");
    let group = acme.group("Builders", &[&ada]);
    for path in [
        format!("/Users/{ada}"),
        format!("/Groups/{group}"),
        "/Users".to_owned(),
        "/Users?filter=userName%20eq%20%22ada%22".to_owned(),
        "/ServiceProviderConfig".to_owned(),
        "/Schemas".to_owned(),
        "/ResourceTypes/User".to_owned(),
        "/Users/nobody".to_owned(),
    ] {
        let one = acme.scim("GET", &path).send();
        let other = at(&host, "GET", &format!("/scim/v2{path}")).bearer(&acme.key).send();
        assert_eq!(one.status, other.status, "{path}: {}", other.text());
        let base = format!("{}{}", crate::deployment::deployment().url, acme.path());
        let renamed = one.text().replace(&base, &format!("http://{host}/scim/v2"));
        assert_eq!(renamed, other.text(), "{path}");
        assert_eq!(one.header("etag"), other.header("etag"), "{path}");
    }
    let made = at(&host, "POST", "/scim/v2/Users").bearer(&acme.key);
    let made = made.json(&json!({ "userName": "bob" })).is(201);
    let location = format!("http://{host}/scim/v2/Users/{}", made.id());
    assert_eq!(
        (made.header("location"), made.field("/meta/location")),
        (&*location, location.clone())
    );
    acme.scim("GET", &format!("/Users/{}", made.id())).is(200);
    at(&host.to_uppercase(), "GET", "/scim/v2/Users").bearer(&acme.key).is(200);
}

#[test]
fn path_and_host_that_disagree_are_refused_like_what_does_not_exist() {
    let (acme, globex) = (Tenant::new("host-a"), Tenant::new("host-b"));
    let ours = host(&acme.slug);
    let unknown = at(&host("nobody-at-all"), "GET", "/scim/v2/Users").bearer(&acme.key).is(401);
    let foreign = at(&host(&globex.slug), "GET", "/scim/v2/Users").bearer(&acme.key).is(401);
    assert_eq!(unknown.text(), foreign.text());
    let nothing = at(&ours, "GET", "/scim/v2/Nothing").bearer(&acme.key).is(404);
    for path in [
        format!("/t/{}/scim/v2/Users", acme.slug),
        format!("/t/{}/scim/v2/Users", globex.slug),
        format!("/scim/v2/{}/Users", acme.slug),
        format!("/scim/v2/{}/Users", globex.slug),
    ] {
        for key in [&acme.key, &globex.key] {
            let refused = at(&ours, "GET", &path).bearer(key).is(404);
            assert_eq!(refused.text(), nothing.text(), "{path}");
            assert_eq!(refused.cost(), Cost::default(), "{path}");
        }
        at(&ours, "GET", &path).is(401);
    }
    for path in [format!("/v1/tenants/{}/keys", acme.slug), "/v1/presets".to_owned()] {
        at(&ours, "GET", &path).bearer(&acme.key).is(404).is_problem("not_found");
    }
    at(&ours, "GET", "/healthz").is(200);
}
