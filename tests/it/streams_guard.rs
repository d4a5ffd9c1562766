//! Where a stream may not lead: numbered attempts, each refused where it is configured, and again
//! before anything is sent.

use muster::http::{Outbound, TenantHost};
use muster::policy::Delivered;
use muster::registry::Slug;
use muster::store::{Param, Sql as _};
use serde_json::{Value, json};

use crate::hooks::{URL, chance, status};
use crate::support::Acme;

/// Each with what it tries. `muster.test` is where the tests' deployment is.
const ATTEMPTS: [(u8, &str, &str); 55] = [
    (1, "plain http", "http://hooks.example.com/"),
    (2, "another scheme", "ftp://hooks.example.com/"),
    (3, "a file", "file:///etc/passwd"),
    (4, "data", "data:text/plain,x"),
    (5, "a scheme in capitals", "HTTPS://hooks.example.com/"),
    (6, "no scheme", "//hooks.example.com/"),
    (7, "WebSockets", "wss://hooks.example.com/"),
    (8, "an address", "https://10.0.0.1/"),
    (9, "loopback", "https://127.0.0.1/"),
    (10, "loopback by http", "http://127.0.0.1:8080/"),
    (11, "an address that clouds keep for themselves", "https://169.254.169.254/latest/"),
    (12, "a public address", "https://8.8.8.8/"),
    (13, "a short address", "https://127.1/"),
    (14, "an address as one decimal number", "https://2130706433/"),
    (15, "as one hexadecimal number", "https://0x7f000001/"),
    (16, "as one octal number", "https://017700000001/"),
    (17, "with octal parts", "https://0177.0.0.1/"),
    (18, "with hexadecimal parts", "https://0x7f.0x0.0x0.0x1/"),
    (19, "with a hexadecimal end", "https://hooks.0x7f/"),
    (20, "with too many parts", "https://127.0.0.1.1/"),
    (21, "zero", "https://0/"),
    (22, "all zeros", "https://0.0.0.0/"),
    (23, "IPv6 loopback", "https://[::1]/"),
    (24, "IPv4 mapped into IPv6", "https://[::ffff:127.0.0.1]/"),
    (25, "the same in hexadecimal", "https://[::ffff:7f00:1]/"),
    (26, "IPv6 of a private network", "https://[fd00::1]/"),
    (27, "IPv6 with a zone", "https://[fe80::1%25eth0]/"),
    (28, "IPv6 without brackets", "https://::1/"),
    (29, "brackets around a name", "https://[hooks.example.com]/"),
    (30, "percent-encoded digits", "https://%31%32%37.0.0.1/"),
    (31, "percent-encoded dots", "https://127%2e0%2e0%2e1/"),
    (32, "full-width digits", "https://１２７.０.０.１/"),
    (33, "a full-width dot", "https://127。0。0。1/"),
    (34, "circled digits", "https://①②⑦.0.0.1/"),
    (35, "a name that is no ASCII", "https://bücher.example/"),
    (36, "a user", "https://user@hooks.example.com/"),
    (37, "a user and a password", "https://user:secret@hooks.example.com/"),
    (38, "a name for a user", "https://hooks.example.com@10.0.0.1/"),
    (39, "a fragment before a user", "https://hooks.example.com#@10.0.0.1/"),
    (40, "a backslash", "https://hooks.example.com\\@10.0.0.1/"),
    (41, "one label", "https://intranet/"),
    (42, "localhost", "https://localhost/"),
    (43, "localhost in capitals", "https://LocalHost/"),
    (44, "below localhost", "https://hooks.localhost/"),
    (45, "internal", "https://metadata.google.internal/"),
    (46, "local", "https://printer.local/"),
    (47, "a trailing dot", "https://hooks.example.com./"),
    (48, "localhost with a trailing dot", "https://localhost./"),
    (49, "the deployment itself", "https://muster.test/t/acme/scim/v2"),
    (50, "the same in capitals", "https://MUSTER.test/"),
    (51, "a tenant's host", "https://users-acme.example.com/scim/v2"),
    (52, "another port", "https://hooks.example.com:8443/"),
    (53, "the port of http", "https://hooks.example.com:80/"),
    (54, "a line break", "https://hooks.example.com/\r\nhost: 10.0.0.1"),
    (55, "a space before it", " https://hooks.example.com/"),
];

fn hosts() -> TenantHost {
    TenantHost::parse("users-{tenant}.example.com").expect("a pattern")
}

#[test]
fn every_attempt_is_refused_where_a_stream_is_made_and_changed() {
    let mut acme = Acme::new();
    acme.hook("crm");
    for (number, what, url) in ATTEMPTS {
        if what == "a tenant's host" {
            continue; // No deployment of these tests has them; see below.
        }
        for (method, path) in [("POST", "/streams"), ("PATCH", "/streams/crm")] {
            let before = acme.dump();
            let refused = acme.admin(method, path, &json!({ "url": url }));
            let said = (refused.status, refused.json()["code"].clone());
            assert_eq!(said, (422, json!("contradictory")), "{number}: {what}, by {method}");
            assert!(!refused.json()["detail"].as_str().unwrap().contains("10.0"), "{number}");
            assert_eq!(acme.dump(), before, "{number}: {what}");
        }
    }
}

/// Rows that hold such an address all the same: of a deployment that admitted it, or had another name.
#[test]
fn every_attempt_is_refused_again_before_anything_is_sent() {
    for (number, what, url) in ATTEMPTS {
        let mut acme = Acme::new();
        acme.hook("crm");
        let set = "UPDATE streams SET url = ?1";
        acme.sql.query(set, &[Param::Text(url)]).expect("SQLite writes");
        acme.sleep();
        acme.user("ada");
        let hosts = hosts();
        let outbound = Outbound { loopback: false, own_origin: "", tenant_host: Some(&hosts) };
        let slug = Slug::parse("acme").expect("a slug");
        let (steps, planned) = acme.tenant.deliveries(
            &acme.sql,
            acme.now,
            &acme.gate.key_ring,
            outbound,
            &slug,
            &mut chance,
        );
        planned.expect("no failure");
        assert!(steps.is_empty(), "{number}: {what}");
        let shown = acme.shown_stream("crm");
        let why = json!("its url may not be asked any more");
        assert_eq!(
            (&shown["state"], &shown["disabledReason"]),
            (&json!("disabled"), &why),
            "{number}: {what}"
        );
        assert_eq!(acme.events().pop().expect("an event")["type"], "stream.disabled");
        if what != "a tenant's host" {
            let test = acme.admin("POST", "/streams/crm/test", &Value::Null);
            assert_eq!((test.status, acme.delivery.is_none()), (422, true), "{number}: {what}");
        }
    }
}

#[test]
fn loopback_is_admitted_in_one_form_where_the_deployment_says_so() {
    let local = Outbound { loopback: true, own_origin: "http://127.0.0.1:8787", tenant_host: None };
    assert!(local.permits("http://127.0.0.1:9000/hooks"));
    for (number, what, url) in ATTEMPTS {
        let is_that_form = url.starts_with("http://127.0.0.1:");
        let permitted = local.permits(url);
        let own =
            ["the deployment itself", "the same in capitals", "a tenant's host"].contains(&what);
        assert!(own || permitted == is_that_form, "{number}: {what}");
    }
}

/// A redirect leads nowhere: it is a failure, like any other.
#[test]
fn a_redirect_is_not_followed() {
    let mut acme = Acme::new();
    acme.hook("crm");
    acme.user("ada");
    let moved = Delivered::Answered { status: 307, retry_after: None, body: String::new() };
    let sent = acme.deliver(|_| moved.clone());
    assert!(sent.iter().all(|one| one.url.starts_with(URL)));
    let row = acme.deliveries("crm", "?status=retrying").remove(0);
    assert_eq!(row["reason"], "307 a redirect, which is not followed");
    assert!(!acme.deliver_for(10, |_| status(204)).is_empty());
}
