//! Bodies that no client should send. Each is refused or taken, and the instance lives on.

use std::time::Duration;

use muster::limits;
use serde_json::json;

use crate::ask::Ask;
use crate::tenant::Tenant;

/// How soon the instance must answer after an odd request; other tests keep it busy meanwhile.
const AT_ONCE: Duration = Duration::from_secs(20);

/// Sends an odd request; the answer must be the service's own, and the instance must live on.
pub(crate) fn check(acme: &Tenant, what: &str, ask: Ask, statuses: &[u16]) {
    let reply = ask.send();
    assert!(statuses.contains(&reply.status), "{what}: {} {}", reply.status, reply.text());
    reply.cost();
    lives_on(acme);
}

/// The instance answers at once.
pub(crate) fn lives_on(acme: &Tenant) {
    acme.scim("GET", "/Users?count=0").within(AT_ONCE).is(200);
}

fn create(acme: &Tenant, body: impl Into<Vec<u8>>) -> Ask {
    acme.scim("POST", "/Users").header("content-type", "application/scim+json").body(body)
}

#[test]
fn bodies_that_are_no_json_are_400() {
    let acme = Tenant::new("no-json");
    let utf16: Vec<u8> = "{\"userName\":\"a\"}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let cases: [(&str, Vec<u8>); 15] = [
        ("empty", b"".into()),
        ("white space", b" \n\t ".into()),
        ("NUL", b"\0".into()),
        ("NULs", vec![0; 100_000]),
        ("a NUL in a text", b"{\"userName\":\"a\0b\"}".into()),
        ("invalid UTF-8", b"{\"userName\":\"\xff\xfe\"}".into()),
        ("half a character", b"{\"userName\":\"\xc3\"}".into()),
        ("an overlong slash", b"{\"userName\":\"\xc0\xaf\"}".into()),
        ("a lone surrogate", br#"{"userName":"\ud800"}"#.into()),
        ("UTF-16", utf16),
        ("two objects", br#"{"userName":"a"}{"userName":"b"}"#.into()),
        ("a comma too many", br#"{"userName":"a",}"#.into()),
        ("a form", b"userName=a".into()),
        ("4 MiB of text", vec![b'x'; limits::BODY_BYTES]),
        ("a text without end", [&b"{\"userName\":\""[..], &vec![b'x'; 1_000_000]].concat()),
    ];
    for (what, body) in cases {
        check(&acme, what, create(&acme, body.clone()), &[400]);
        let admin = acme.admin("POST", "/keys").header("content-type", "application/json");
        check(&acme, what, admin.body(body), &[400]);
    }
}

#[test]
fn json_that_is_no_object_is_400() {
    let acme = Tenant::new("no-object");
    for body in ["null", "true", "7", "-0", "1e400", "\"text\"", "[]", "[{\"userName\":\"a\"}]"] {
        check(&acme, body, create(&acme, body), &[400]);
    }
}

#[test]
fn deep_json_is_400() {
    let acme = Tenant::new("deep");
    let id = acme.user("ada");
    let deep = "[".repeat(100_000);
    for body in [
        deep.clone(),
        "{\"a\":".repeat(100_000),
        format!("{{\"userName\":\"a\",\"emails\":{deep}"),
        format!("{}{}", deep, "]".repeat(100_000)),
        format!("{{\"schemas\":{deep}{}}}", "]".repeat(100_000)),
    ] {
        let what = body.chars().take(20).collect::<String>();
        check(&acme, &what, create(&acme, body.clone()), &[400]);
        for method in ["PUT", "PATCH"] {
            let ask = acme.scim(method, &format!("/Users/{id}")).body(body.clone());
            check(&acme, &what, ask, &[400]);
        }
        check(&acme, &what, acme.scim("POST", "/.search").body(body), &[400]);
    }
    let levels = format!("{}{}", "[".repeat(100), "]".repeat(100));
    let unknown = format!("{{\"userName\":\"a\",\"unknown\":{levels}}}");
    check(&acme, "100 levels in what is not known", create(&acme, unknown), &[201]);
    let known = format!("{{\"userName\":\"b\",\"emails\":{levels}}}");
    check(&acme, "100 levels in what is known", create(&acme, known), &[400]);
}

#[test]
fn numbers_of_any_size_are_taken_or_refused() {
    let acme = Tenant::new("numbers");
    for number in
        ["1e999999", "-1e999999", "123456789012345678901234567890", "1e-999999", "0.1e1", "-0"]
    {
        let body = format!(r#"{{"userName":{number}}}"#);
        check(&acme, number, create(&acme, body), &[201, 400]);
        for (name, value) in [("startIndex", number), ("count", number)] {
            let body = format!(r#"{{"{name}":{value}}}"#);
            check(&acme, number, acme.scim("POST", "/.search").body(body), &[200, 400]);
        }
    }
    let digits = "9".repeat(100_000);
    check(&acme, "100,000 digits", create(&acme, format!(r#"{{"userName":{digits}}}"#)), &[400]);
}

#[test]
fn wide_json_is_taken_or_refused() {
    let acme = Tenant::new("wide");
    let many =
        |each: &dyn Fn(usize) -> String| (0..100_000).map(each).collect::<Vec<_>>().join(",");
    let keys = many(&|n| format!("\"k{n}\":0"));
    check(&acme, "unknown keys", create(&acme, format!("{{\"userName\":\"a\",{keys}}}")), &[201]);
    let emails = many(&|n| format!("{{\"value\":\"{n}\"}}"));
    let body = format!("{{\"userName\":\"b\",\"emails\":[{emails}]}}");
    check(&acme, "100,000 e-mails", create(&acme, body), &[400]);
    let schemas = many(&|n| format!("\"urn:{n}\""));
    let body = format!("{{\"userName\":\"c\",\"schemas\":[{schemas}]}}");
    check(&acme, "100,000 schemas", create(&acme, body), &[201, 400]);
    let same = many(&|_| "\"userName\":\"d\"".to_owned());
    check(&acme, "one key 100,000 times", create(&acme, format!("{{{same}}}")), &[201, 400]);
    for key in ["", "__proto__", "constructor", "id", "meta", "\\u0000", "urn:", ":", ".", "$ref"] {
        let body =
            format!("{{\"userName\":\"key {}\",\"{key}\":{{\"a\":[1]}}}}", key.escape_debug());
        check(&acme, key, create(&acme, body.replace("\\\\", "\\")), &[201, 400]);
    }
}

#[test]
fn every_value_of_a_long_list_finds_its_user() {
    let acme = Tenant::new("long-list");
    for count in [limits::LOOKUPS_STEP, limits::LOOKUPS_STEP + 1, limits::VALUES_PER_ATTRIBUTE] {
        let emails = (0..count).map(|n| json!({ "value": format!("{n}@{count}.example") }));
        let body = json!({ "userName": count.to_string(), "emails": emails.collect::<Vec<_>>() });
        let id = acme.scim("POST", "/Users").json(&body).is(201).id();
        for n in [0, count / 2, count - 1] {
            let path = format!("/Users?filter=emails.value%20eq%20%22{n}@{count}.example%22");
            assert_eq!(acme.scim("GET", &path).is(200).field("/Resources/0/id"), id);
        }
    }
}

#[test]
fn any_text_is_kept_as_it_was_sent() {
    let acme = Tenant::new("texts");
    for name in [
        "\u{1f469}\u{200d}\u{1f680}",
        "e\u{301}",
        "\u{6cc}\u{200c}\u{62f}",
        "tab\tline\nend",
        "quote\"back\\slash",
        "%_'; DROP TABLE resources; --",
        "\u{10ffff}\u{e000}\u{fffd}",
        "</script>",
    ] {
        let made = acme.scim("POST", "/Users").json(&json!({ "userName": name })).is(201);
        assert_eq!(made.field("/userName"), name);
        let read = acme.scim("GET", &format!("/Users/{}", made.id())).is(200);
        assert_eq!(read.json(), made.json());
        let filter = json!({ "filter": format!("userName eq {}", json!(name)) });
        let found = acme.scim("POST", "/Users/.search").json(&filter).is(200).json();
        assert_eq!(found["totalResults"], 1, "{name:?}: {found}");
        acme.scim("POST", "/Users").json(&json!({ "userName": name })).is(409);
    }
    let nul = acme.scim("POST", "/Users").json(&json!({ "userName": "a\u{0}b" }));
    check(&acme, "an escaped NUL", nul, &[201, 400]);
}

#[test]
fn patches_of_any_shape_are_taken_or_refused() {
    let acme = Tenant::new("patches");
    let id = acme.user("ada");
    let path = format!("/Users/{id}");
    let deep = format!("emails[{}type eq \"a\"{}]", "(".repeat(2_000), ")".repeat(2_000));
    for (what, operation) in [
        ("no path", json!({ "op": "remove" })),
        ("an empty path", json!({ "op": "replace", "path": "", "value": 1 })),
        ("a long path", json!({ "op": "remove", "path": "a".repeat(100_000) })),
        ("a deep path", json!({ "op": "remove", "path": deep })),
        ("brackets", json!({ "op": "add", "path": "[[[[", "value": 1 })),
        ("dots", json!({ "op": "add", "path": "a.b.c.d.e", "value": 1 })),
        ("a bare urn", json!({ "op": "add", "path": "urn:", "value": 1 })),
        ("no op", json!({ "path": "title", "value": 1 })),
        ("another op", json!({ "op": "move", "path": "title" })),
        ("an op that is no text", json!({ "op": 7, "path": "title" })),
        ("a path that is no text", json!({ "op": "remove", "path": 7 })),
        ("a NUL in the path", json!({ "op": "remove", "path": "ti\u{0}tle" })),
        ("no object", json!(7)),
        ("null", json!(null)),
    ] {
        check(&acme, what, acme.patch(&path, &operation), &[400]);
    }
    let operation = json!({ "op": "replace", "path": "title", "value": "x" });
    for (what, operations) in [
        ("none", json!([])),
        ("no list", json!({})),
        ("too many", json!(vec![operation; limits::PATCH_OPERATIONS + 1])),
        ("100,000 of them", json!(vec![0; 100_000])),
    ] {
        let body = json!({ "Operations": operations });
        check(&acme, what, acme.scim("PATCH", &path).json(&body), &[400]);
    }
    let group = format!("/Groups/{}", acme.group("Builders", &[&id]));
    let members = json!({ "op": "add", "path": "members", "value": vec![json!({ "value": id }); limits::MEMBERS_PER_REQUEST + 1] });
    check(&acme, "one member too often", acme.patch(&group, &members), &[200, 400]);
    let strangers: Vec<_> =
        (0..=limits::MEMBERS_PER_REQUEST).map(|n| json!({ "value": n.to_string() })).collect();
    let remove = json!({ "op": "remove", "path": "members", "value": strangers });
    check(&acme, "too many strangers removed", acme.patch(&group, &remove), &[400]);
}
