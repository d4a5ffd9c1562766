//! Tenants' own hosts: the pattern, whose a host is, and what is there.

use muster::http::{Route, ScimTarget, TenantHost, Url};
use muster::limits;
use muster::registry::Slug;

const PATTERN: &str = "users-{tenant}.example.com";

fn hosts() -> TenantHost {
    TenantHost::parse(PATTERN).unwrap()
}

fn slug(text: &str) -> Option<Slug> {
    Slug::parse(text)
}

fn route(url: &str) -> Option<Route> {
    Route::of(&Url::split(url).unwrap(), Some(&hosts()))
}

#[test]
fn a_pattern_is_a_hosts_name_with_one_place_for_the_tenant() {
    for pattern in [
        PATTERN,
        "{tenant}.example.com",
        "x.{tenant}.scim.example",
        "{tenant}-scim.example.com",
        "Users-{tenant}.Example.COM",
    ] {
        let host = pattern.replace("{tenant}", "acme");
        assert_eq!(TenantHost::parse(pattern).unwrap().tenant(&host), slug("acme"), "{pattern}");
    }
    let long = format!("{{tenant}}{}.example.com", "x".repeat(63 - limits::SLUG_CHARACTERS));
    assert!(TenantHost::parse(&long).is_ok());
    for pattern in [
        "",
        "example.com",
        "users.example.com",
        "users-{Tenant}.example.com",
        "users-{}.example.com",
        "{tenant}",
        "users-{tenant}",
        "example.{tenant}",
        "{tenant}.{tenant}.example.com",
        "https://users-{tenant}.example.com",
        "users-{tenant}.example.com:8443",
        "users-{tenant}.example.com/scim",
        "users-{tenant}..example.com",
        "users-{tenant}.example.com.",
        ".{tenant}.example.com",
        "-{tenant}.example.com",
        "{tenant}-.example.com",
        "users_{tenant}.example.com",
        "users {tenant}.example.com",
        "üsers-{tenant}.example.com",
        "*.{tenant}.example.com",
        &format!("x{long}"),
        &format!("{{tenant}}.{}", vec!["x".repeat(60); 4].join(".")),
    ] {
        assert!(TenantHost::parse(pattern).is_err(), "{pattern}");
    }
}

#[test]
fn a_host_is_a_tenants_whatever_its_case_and_port() {
    for (host, tenant) in [
        ("users-acme.example.com", slug("acme")),
        ("USERS-Acme.Example.com", slug("acme")),
        ("users-acme.example.com:443", slug("acme")),
        ("users-acme.example.com:", slug("acme")),
        ("users-a-c-m-e.example.com", slug("a-c-m-e")),
        ("users-.example.com", None),
        ("users-admin.example.com", None),
        ("users--acme.example.com", None),
        ("users-acme-.example.com", None),
        ("users-acme.globex.example.com", None),
        ("users-acme.example.com.", None),
        ("users-acme.example.com:8o", None),
        ("users-acme.example.com:1:2", None),
        ("users-acme.example.com@evil.test", None),
        ("evil.test:1@users-acme.example.com", None),
        ("users-acme.example.com.evil.test", None),
        ("evil.test/users-acme.example.com", None),
        ("x.users-acme.example.com", None),
        ("users-acmeXexample.com", None),
        ("users-acm%65.example.com", None),
        ("users-acmé.example.com", None),
        ("users-ａcme.example.com", None),
        ("users-acme。example.com", None),
        ("users-\u{212a}.example.com", None),
        ("example.com", None),
        ("[::1]:80", None),
        ("", None),
    ] {
        assert_eq!(hosts().tenant(host), tenant, "{host}");
    }
}

#[test]
fn bz_03_a_host_names_its_tenant() {
    let base = "https://users-acme.example.com/scim/v2";
    for (path, target) in [
        ("/Users", ScimTarget::Collection(1)),
        ("/Users/", ScimTarget::Collection(1)),
        ("/Users/1", ScimTarget::Resource(1, "1".to_owned())),
        ("/Groups/.search", ScimTarget::Search(Some(2))),
        ("/ServiceProviderConfig", ScimTarget::ServiceProviderConfig),
        ("/Bulk", ScimTarget::Bulk),
        ("/Me", ScimTarget::Me),
    ] {
        let tenant = slug("acme").unwrap();
        let found = route(&format!("{base}{path}")).unwrap();
        assert_eq!(found, Route::Scim { tenant, base: "/scim/v2".to_owned(), target }, "{path}");
        assert_eq!(found.scim_base("https://users-acme.example.com"), base, "the form called");
    }
}

#[test]
fn a_tenants_host_knows_no_other_path() {
    for path in [
        "/t/acme/scim/v2/Users",
        "/t/globex/scim/v2/Users",
        "/scim/v2/acme/Users",
        "/scim/v2/globex/Users",
        "/scim/v2/globex",
        "/scim/v2",
        "/scim/v2/",
        "/scim/v2//Users",
        "/scim/v2/../t/globex/scim/v2/Users",
        "/scim/v2/Users/..",
        "/scim/v2/Users/%2e%2e",
        "/scim%2Fv2/Users",
        "/scim/v1/Users",
        "/Scim/v2/Users",
        "//scim/v2/Users",
        "/v1/tenants",
        "/v1/tenants/acme/keys",
        "/v1/tenants/globex/keys",
        "/v1/presets",
        "/",
        "",
    ] {
        assert_eq!(route(&format!("https://users-acme.example.com{path}")), None, "{path}");
    }
    assert_eq!(route("https://users-acme.example.com/healthz"), Some(Route::Health));
}

#[test]
fn on_every_other_host_the_path_names_the_tenant() {
    for host in ["muster.test", "example.com", "users-admin.example.com", "users-acme.example.com."]
    {
        for path in ["/t/acme/scim/v2/Users", "/scim/v2/acme/Users", "/v1/tenants/acme/keys"] {
            let found = route(&format!("https://{host}{path}"));
            assert_eq!(found, Route::parse(path), "{host}{path}");
            assert_eq!(found.unwrap().tenant(), slug("acme").as_ref());
        }
        assert_eq!(route(&format!("https://{host}/scim/v2/Users")), None, "{host}");
    }
    let url = Url::split("https://users-acme.example.com/t/acme/scim/v2/Users").unwrap();
    assert_eq!(Route::of(&url, None), Route::parse(url.path), "without a pattern");
}

#[test]
fn a_url_knows_its_scheme_and_authority() {
    for (raw, secure, authority) in [
        ("https://x.test/a", true, "x.test"),
        ("HTTPS://x.test:1?a", true, "x.test:1"),
        ("http://x.test", false, "x.test"),
        ("httpsx://x.test", false, "x.test"),
        ("ftp://x.test", false, "x.test"),
    ] {
        let url = Url::split(raw).unwrap();
        assert_eq!((url.is_secure(), url.authority()), (secure, authority), "{raw}");
    }
    assert_eq!((Url::default().is_secure(), Url::default().authority()), (false, ""));
}
