//! Queries, headers and connections as no client should make them; the instance lives on.

use muster::limits;
use serde_json::{Value, json};

use crate::odd_bodies::{check, lives_on};
use crate::tenant::Tenant;
use crate::wire::{break_off, exchange};

/// Queries that select, bound or say nothing.
const TAKEN: &str = "
    ? & &&& = =&= ; ?count=1 count count= count=&count= % %zz %ff=%ff %00 cursor= cursor sortBy=title
    filter= filter=%20 attributes= attributes=,,,, attributes=%ff attributes=%F0%9F%98%80
    excludedAttributes=%00 attributes=a&excludedAttributes=a
    count=-1 count=99999999999999999999 count=-99999999999999999999
    startIndex=0 startIndex=-9223372036854775808 startIndex=9223372036854775807
    startIndex=9223372036854775807&count=1000 startIndex=99999999999999999999999
    STARTINDEX=1&Count=1 filter=userName+eq+%22ada%22 filter=userName%20eq%20%22%2B%22
    filter=userName%20eq%20%22%22 filter=not%20(userName%20pr) filter=title%20pr
    filter=meta.lastModified%20gt%20%222020-01-01T00:00:00Z%22
    filter=id%20eq%20%22%27%3B%20DROP%20TABLE%20resources%22";

/// Queries whose numbers are none; `+` is a space.
const REFUSED: &str = "count=abc count=1.5 count=+1 count=%ff startIndex=1e3 startIndex=one
    cursor=x cursor=%00 cursor=&count=0 cursor=&startIndex=2 sortBy=x sortBy=title&sortOrder=x";

/// Filters that are malformed, or that mean little.
const FILTERS: &str = "
    x %ff %00 %22 ( ) [ userName userName%20eq userName%20eq%20%22 eq%20eq%20eq
    userName%20eq%20%22%5Cud800%22 userName%20eq%20%22%00%22 emails%5Btype a.b.c.d%20pr urn:%20pr
    members%5Bvalue%20eq%20%22a%22%5D meta.lastModified%20gt%20%22yesterday%22";

#[test]
fn queries_of_any_encoding_are_taken_or_refused() {
    let acme = Tenant::new("queries");
    acme.user("ada");
    let ask = |query: &str| acme.scim("GET", &format!("/Users?{query}"));
    for query in TAKEN.split_whitespace() {
        check(&acme, query, ask(query), &[200]);
    }
    for query in REFUSED.split_whitespace() {
        check(&acme, query, ask(query), &[400]);
    }
    let deep = format!("{}userName%20pr{}", "(".repeat(1_000), ")".repeat(1_000));
    let wide = vec!["userName%20pr"; 100].join("%20or%20");
    let (not, long) = ("not%20(".repeat(100), "x".repeat(limits::FILTER_BYTES + 1));
    for filter in FILTERS.split_whitespace().chain([&*deep, &*wide, &*not, &*long]) {
        check(&acme, filter, ask(&format!("filter={filter}")), &[200, 400]);
    }
}

#[test]
fn searches_of_any_shape_are_taken_or_refused() {
    let acme = Tenant::new("searches");
    acme.user("ada");
    for (body, statuses) in [
        (json!({}), [200]),
        (json!({ "filter": null, "count": null, "attributes": null }), [200]),
        (json!({ "filter": 7 }), [400]),
        (json!({ "filter": ["a"] }), [400]),
        (json!({ "count": "ten" }), [400]),
        (json!({ "count": [1] }), [400]),
        (json!({ "count": -1, "startIndex": i64::MIN }), [200]),
        (json!({ "count": u64::MAX, "startIndex": u64::MAX }), [200]),
        (json!({ "attributes": 7 }), [400]),
        (json!({ "attributes": [7] }), [400]),
        (json!({ "attributes": vec!["a"; 10_000] }), [400]),
        (json!({ "filter": "userName eq \"\u{0}\"" }), [200]),
        (json!({ "filter": "(".repeat(100_000) }), [400]),
    ] {
        let what = body.to_string().chars().take(60).collect::<String>();
        for path in ["/.search", "/Users/.search"] {
            let statuses = if what.contains('\\') { &[200, 400][..] } else { &statuses };
            check(&acme, &what, acme.scim("POST", path).json(&body), statuses);
        }
    }
}

#[test]
fn headers_of_any_content_are_taken_or_refused() {
    let acme = Tenant::new("headers");
    let path = format!("/Users/{}", acme.user("ada"));
    let long = "x".repeat(8_000);
    for (name, value) in [
        ("accept", "*/*;q=0"),
        ("accept", "text/html"),
        ("accept", ",,,;;;"),
        ("accept", &long),
        ("accept-encoding", "br, gzip, zstd, ???"),
        ("content-type", ";;;"),
        ("if-none-match", "\""),
        ("if-none-match", ",,,"),
        ("if-none-match", &long),
        ("if-match", "*"),
        ("prefer", "return=minimal; return=representation,,"),
        ("x-muster-principal", "\"admin\""),
        ("x-http-method-override", "DELETE"),
        ("x-forwarded-host", "evil.example"),
        ("range", "bytes=0-1"),
        ("expect", "nothing"),
        ("cookie", &long),
    ] {
        check(&acme, name, acme.scim("GET", &path).header(name, value), &[200]);
    }
    for name in ["accept", "content-type", "if-none-match", "prefer", "x-any"] {
        check(&acme, name, acme.scim("GET", &path).header(name, b"\xff\x80\xe9".to_vec()), &[200]);
    }
    for authorization in ["Bearer \u{e9}", "\u{fffd}", "Bearer  ", "Bearer a b c", "bearer"] {
        let header = format!("authorization: {authorization}");
        let reply = exchange(&format!("GET {}{path}", acme.path()), &[&header], b"");
        assert_eq!(reply.status, 401, "{authorization}: {}", reply.text());
        lives_on(&acme);
    }
    let forged = acme.anonymous("GET", &path).header("x-muster-principal", "\"admin\"");
    check(&acme, "a principal of one's own", forged, &[401]);
    let stale: Value = json!({ "op": "replace", "path": "title", "value": "x" });
    for etag in ["\"", "W/", "0", "W/\"1", &long] {
        check(&acme, etag, acme.patch(&path, &stale).header("if-match", etag), &[200, 412]);
    }
}

#[test]
fn bodies_where_none_is_due_are_left_unread() {
    let acme = Tenant::new("unread");
    let path = format!("{}/Users/{}", acme.path(), acme.user("ada"));
    let bearer = format!("authorization: Bearer {}", acme.key);
    for (method, status) in [("GET", 200), ("DELETE", 204)] {
        let line = format!("{method} {path}");
        let reply = exchange(&line, &[&bearer, "content-length: 9"], b"{\"a\": 1}\n");
        assert_eq!(reply.status, status, "{}", reply.text());
        lives_on(&acme);
    }
}

#[test]
fn connections_that_break_off_hurt_nobody() {
    let acme = Tenant::new("break-off");
    let host = "host: localhost";
    let post = format!("POST {}/Users HTTP/1.1\r\n{host}\r\n", acme.path());
    let bearer =
        format!("authorization: Bearer {}\r\ncontent-type: application/json\r\n", acme.key);
    for head in [
        String::new(),
        "GET".to_owned(),
        "GET / HTTP/9.9\r\n\r\n".to_owned(),
        "\0\0\0\0\r\n\r\n".to_owned(),
        post.clone(),
        format!("{post}{bearer}content-length: 100\r\n\r\n{{\"userName\":"),
        format!("{post}{bearer}content-length: 4000000\r\n\r\n{{"),
        format!("{post}{bearer}transfer-encoding: chunked\r\n\r\n5\r\n{{\"use"),
        format!("{post}{bearer}transfer-encoding: chunked\r\n\r\nzz\r\n"),
        format!("{post}{bearer}content-length: -1\r\n\r\n"),
        format!("{post}{bearer}content-length: 2\r\ncontent-length: 3\r\n\r\n{{}}"),
    ] {
        break_off(&head);
        lives_on(&acme);
    }
    assert_eq!(acme.scim("GET", "/Users").is(200).json()["totalResults"], 0);
}
