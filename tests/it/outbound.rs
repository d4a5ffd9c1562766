//! Which addresses may be fetched: public names by https, and nothing that leads elsewhere.

use muster::http::{Outbound, TenantHost};
use muster::limits;

const GUARD: Outbound<'_> =
    Outbound { loopback: false, own_origin: "https://Users.example.com:8443", tenant_host: None };

#[track_caller]
fn check(url: &str, permitted: bool) {
    assert_eq!(GUARD.permits(url), permitted, "{url}");
}

#[test]
fn public_names_by_https_are_permitted() {
    for url in [
        "https://login.example.com",
        "https://login.example.com/",
        "https://login.example.com:443/jwks?x=1&y=%2F",
        "https://LOGIN.Example.COM/Keys",
        "https://a.io",
        "https://1password.com/x",
        "https://xn--bcher-kva.example/keys",
        "https://a-b.c-d.example/@user:x",
        "https://other.users.example.com/",
        "https://localhost.example.com/",
        "https://10.0.0.1.example/",
    ] {
        check(url, true);
    }
}

#[test]
fn what_is_no_public_name_by_https_is_refused() {
    for url in [
        "",
        "https://",
        "https:///x",
        "https:/login.example.com",
        "//login.example.com",
        "login.example.com",
        "http://login.example.com",
        "HTTPS://login.example.com",
        "ftp://login.example.com",
        "data:text/plain,x",
        "file:///etc/passwd",
        "https://login.example.com:444/",
        "https://login.example.com:80/",
        "https://login.example.com:/",
        "https://login.example.com:0443/",
        "https://user@login.example.com/",
        "https://user:secret@login.example.com/",
        "https://login.example.com@10.0.0.1/",
        "https://login.example.com#@10.0.0.1/",
        "https://login.example.com\\@10.0.0.1/",
        "https://10.0.0.1/",
        "https://127.0.0.1/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0x7f.1/",
        "https://0177.0.0.1/",
        "https://a.0x7f/",
        "https://1.2.3.4.5/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://localhost/",
        "https://intranet/",
        "https://a.localhost/",
        "https://a.LOCALHOST/",
        "https://metadata.google.internal/",
        "https://printer.local/",
        "https://login.example.com./",
        "https://login..example.com/",
        "https://.example.com/",
        "https://-a.example.com/",
        "https://a-.example.com/",
        "https://a_b.example.com/",
        "https://%31%30.0.0.1/",
        "https://login.example.com%00.evil.test/",
        "https://bücher.example/",
        "https://１２７.０.０.１/",
        "https://login.example.com /",
        " https://login.example.com/",
        "https://login.example.com/\n",
        "https://login.exa\tmple.com/",
        "https://users.example.com/",
        "https://users.example.com:443/",
        "https://USERS.example.com/",
    ] {
        check(url, false);
    }
    check(&format!("https://{}.example/", "a".repeat(63)), true);
    check(&format!("https://{}.example/", "a".repeat(64)), false);
    check(&format!("https://{}example/", "a.".repeat(123)), true);
    check(&format!("https://{}example/", "a.".repeat(124)), false);
    let path = |length: usize| "https://a.example/".to_owned() + &"x".repeat(length - 18);
    check(&path(limits::TRUST_CHARACTERS), true);
    check(&path(limits::TRUST_CHARACTERS + 1), false);
}

#[test]
fn hosts_of_tenants_are_the_deployments_own() {
    let hosts = TenantHost::parse("users-{tenant}.example.com").unwrap();
    let guard = Outbound { tenant_host: Some(&hosts), ..GUARD };
    for (url, permitted) in [
        ("https://users-acme.example.com/", false),
        ("https://users-acme.example.com:443/scim/v2", false),
        ("https://USERS-Globex.Example.COM/", false),
        ("https://users.example.com/", false),
        ("https://acme.example.com/", true),
        ("https://users-acme.example.com.example/", true),
    ] {
        assert_eq!(guard.permits(url), permitted, "{url}");
    }
    check("https://users-acme.example.com/", true);
}

#[test]
fn loopback_is_permitted_where_a_deployment_says_so_and_only_in_one_form() {
    let local = Outbound { loopback: true, ..GUARD };
    for url in ["http://127.0.0.1:1", "http://127.0.0.1:65535/", "http://127.0.0.1:8080/a/b?c"] {
        assert!(local.permits(url), "{url}");
        check(url, false);
    }
    for url in [
        "http://127.0.0.1/",
        "http://127.0.0.1:/",
        "http://127.0.0.1:0/",
        "http://127.0.0.1:080/",
        "http://127.0.0.1:65536/",
        "http://127.0.0.1:80a/",
        "http://127.0.0.1:80?x",
        "http://127.0.0.1:80@10.0.0.1/",
        "http://127.0.0.1:+80/",
        "http://127.0.0.2:80/",
        "http://localhost:80/",
        "http://[::1]:80/",
        "http://127.1:80/",
        "https://127.0.0.1:443/",
        "http://login.example.com/",
    ] {
        assert!(!local.permits(url), "{url}");
    }
    assert!(local.permits("https://login.example.com/"));
}
