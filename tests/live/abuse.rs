//! Abuse, as a list by number: each attempt has the answer that is due to it, in a time that is bounded
//! by that of a plain request, and whoever else asks meanwhile is answered as ever.

use std::io::{Read as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use muster::limits;
use serde_json::{Value, json};

use crate::ask::Ask;
use crate::odd_bodies::lives_on;
use crate::scenario::Reply;
use crate::tenant::Tenant;
use crate::wire::{connect, exchange};

/// An answer takes no longer than this and so many plain ones.
const SLACK: Duration = Duration::from_secs(5);
const PLAIN_ONES: u32 = 100;

const TEN_MEGABYTES: usize = 10_000_000;
const JSON: &str = "application/scim+json";

#[expect(clippy::disallowed_methods, reason = "how long an answer takes is what is tested")]
fn now() -> Instant {
    Instant::now()
}

/// How long the slowest of some plain requests takes.
fn plain(tenant: &Tenant) -> Duration {
    let one = || {
        let began = now();
        tenant.scim("GET", "/Users?count=0").is(200);
        began.elapsed()
    };
    (0..3).map(|_| one()).max().unwrap_or_default()
}

/// Says that something is over, also where a check of it fails.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Does something while another tenant is asked again and again; how long the slowest answer took.
fn beside(bystander: &Tenant, what: impl FnOnce()) -> Duration {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let asking = scope.spawn(|| {
            let mut slowest = plain(bystander);
            while !done.load(Ordering::Relaxed) {
                slowest = slowest.max(plain(bystander));
            }
            slowest
        });
        let over = Over(&done);
        what();
        drop(over);
        asking.join().expect("the bystander is answered")
    })
}

/// Sends something; its answer must come in time, with a status and `scimType`, and nobody else may
/// wait for it.
#[track_caller]
fn check(
    (acme, bystander): (&Tenant, &Tenant),
    number: usize,
    send: impl FnOnce() -> Reply,
    (status, scim_type): (u16, &str),
) {
    let bound = SLACK.saturating_add(plain(acme).saturating_mul(PLAIN_ONES));
    let slowest = beside(bystander, || {
        let began = now();
        let reply = send();
        let took = began.elapsed();
        assert_eq!(reply.status, status, "attempt {number}: {}", reply.text());
        if status >= 400 {
            reply.is_scim_error(scim_type);
        }
        assert!(took < bound, "attempt {number} took {took:?}, more than {bound:?}");
    });
    assert!(slowest < bound, "beside attempt {number} an answer took {slowest:?}");
}

fn patch_op(operations: &Value) -> Value {
    json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations })
}

fn nested(open: &str, inner: &str, close: &str, depth: usize) -> String {
    format!("{}{inner}{}", open.repeat(depth), close.repeat(depth))
}

/// Bodies and queries that a client's library can send.
fn attempts(acme: &Tenant) -> Vec<(Ask, u16, &'static str)> {
    let user = format!("/Users/{}", acme.user("ada"));
    let group = format!("/Groups/{}", acme.group("crew", &[]));
    let post = |body: String| acme.scim("POST", "/Users").header("content-type", JSON).body(body);
    let search =
        |body: String| acme.scim("POST", "/Users/.search").header("content-type", JSON).body(body);
    let filtered = |filter: String| search(json!({ "filter": filter }).to_string());
    let patched = |path: &str, operation: Value| {
        acme.scim("PATCH", path).json(&patch_op(&json!([operation])))
    };
    let digits = "9".repeat(1_001);
    let members: Vec<Value> = (0..100_000).map(|n| json!({ "value": n.to_string() })).collect();
    let ids: Vec<Value> = (0..100_000)
        .map(|n| json!({ "value": format!("01900000-0000-7000-8000-{n:012}") }))
        .collect();
    let deep_filter = nested("(", "userName pr", ")", 10_000);
    let deep_not = nested("not (", "userName pr", ")", 10_000);
    let deep_path = format!("emails[{}]", nested("(", "value pr", ")", 10_000));
    vec![
        // Deep JSON: in a body, in what is known, in what is not, without an end, in an operation.
        (post(nested("[", "", "]", 100_000)), 400, "invalidSyntax"),
        (post(nested("{\"name\":", "1", "}", 100_000)), 400, "invalidSyntax"),
        (post(format!("{{\"x\":{}}}", nested("[", "", "]", 100_000))), 400, "invalidSyntax"),
        (post("{\"a\":[".repeat(100_000)), 400, "invalidSyntax"),
        (post(nested("[", "", "]", 2_000_000)), 400, "invalidSyntax"),
        // Numbers: where a number is due, and where none is.
        (search(r#"{"count":1e400}"#.to_owned()), 400, "invalidSyntax"),
        (search(format!(r#"{{"count":{digits}}}"#)), 400, "invalidSyntax"),
        (search(format!(r#"{{"count":1e{digits}}}"#)), 400, "invalidSyntax"),
        (search(r#"{"count":-0}"#.to_owned()), 400, "invalidValue"),
        (search(r#"{"count":9007199254740993}"#.to_owned()), 200, ""),
        (search(r#"{"startIndex":9007199254740993}"#.to_owned()), 200, ""),
        (post(format!(r#"{{"userName":{digits}}}"#)), 400, "invalidSyntax"),
        (post(r#"{"userName":"n","active":1e400}"#.to_owned()), 400, "invalidSyntax"),
        // Members: small ones, which fit into a body, and ids, which do not.
        (
            patched(&group, json!({ "op": "add", "path": "members", "value": members })),
            400,
            "tooMany",
        ),
        (
            patched(&group, json!({ "op": "replace", "path": "members", "value": members })),
            400,
            "tooMany",
        ),
        (
            patched(&group, json!({ "op": "remove", "path": "members", "value": members })),
            400,
            "tooMany",
        ),
        (patched(&group, json!({ "op": "add", "path": "members", "value": ids })), 413, ""),
        // Filters 10,000 deep: by POST, in a URL, in a path, in an operation of a Bulk request.
        (filtered(deep_filter.clone()), 400, "invalidFilter"),
        (filtered(deep_not.clone()), 400, "invalidFilter"),
        (acme.scim("GET", &format!("/Users?filter={}", deep_filter.replace(' ', "+"))), 414, ""),
        (patched(&user, json!({ "op": "remove", "path": deep_path })), 400, "invalidPath"),
        // Unicode: half a surrogate pair, an overlong slash, half a character.
        (post(r#"{"userName":"a\ud800"}"#.to_owned()), 400, "invalidSyntax"),
        (post(String::new()).body(&b"{\"userName\":\"\xc0\xaf\"}"[..]), 400, "invalidSyntax"),
        (post(String::new()).body(&b"{\"userName\":\"\xe2\x82\"}"[..]), 400, "invalidSyntax"),
        (post("{\"userName\":\"\u{202e}nimda\u{202c}\"}".to_owned()), 400, "invalidValue"),
        (post("\u{feff}\u{feff}{\"userName\":\"b\"}".to_owned()), 400, "invalidSyntax"),
        // Many parameters, many of one name, and one too many for a URL.
        (acme.scim("GET", &format!("/Users?{}", "a=b&".repeat(3_900))), 200, ""),
        (acme.scim("GET", &format!("/Users?{}", "filter=x&".repeat(1_700))), 400, "invalidFilter"),
        (acme.scim("GET", &format!("/Users?{}", "a=b&".repeat(5_000))), 414, ""),
    ]
}

#[test]
fn what_a_library_can_send_is_answered_in_time() {
    let (acme, bystander) = (Tenant::new("abuse"), Tenant::new("bystander"));
    for (number, (ask, status, scim_type)) in (1..).zip(attempts(&acme)) {
        check((&acme, &bystander), number, || ask.send(), (status, scim_type));
    }
    let users = acme.scim("GET", "/Users").is(200).json();
    assert_eq!(users["totalResults"], 1, "ada alone");
}

#[test]
fn ten_megabytes_are_refused_before_they_are_read() {
    let (acme, bystander) = (Tenant::new("ten"), Tenant::new("bystander"));
    let line = format!("POST {}/Users", acme.path());
    let bearer = format!("authorization: Bearer {}", acme.key);
    let headers =
        |length: &str| [bearer.clone(), format!("content-type: {JSON}"), length.to_owned()];
    let send = |headers: [String; 3], body: &[u8]| {
        exchange(&line, &headers.each_ref().map(String::as_str), body)
    };
    let body = vec![b' '; TEN_MEGABYTES];
    let declared = headers(&format!("content-length: {TEN_MEGABYTES}"));
    check((&acme, &bystander), 1, || send(declared.clone(), &body), (413, ""));
    let chunked = headers("transfer-encoding: chunked");
    let one = [format!("{TEN_MEGABYTES:x}\r\n").as_bytes(), &body, b"\r\n0\r\n\r\n"].concat();
    check((&acme, &bystander), 2, || send(chunked.clone(), &one), (413, ""));
    let end = b"0\r\n\r\n";
    let many = |bytes: usize| [b"3e8\r\n", &body[..1_000], b"\r\n"].concat().repeat(bytes / 1_000);
    let whole = [&many(TEN_MEGABYTES)[..], end].concat();
    check((&acme, &bystander), 3, || send(chunked.clone(), &whole), (413, ""));
    // What is longer than all that is dropped may be broken off before its answer is read.
    let longer = many(limits::BODY_BYTES + limits::BODY_BYTES_DROPPED + 2_000_000);
    let mut connection = connect();
    let head = format!("{line} HTTP/1.1\r\nhost: x\r\n{}\r\n\r\n", chunked.join("\r\n"));
    let sent = connection.write_all(head.as_bytes()).and_then(|()| connection.write_all(&longer));
    let mut answer = Vec::new();
    let read = sent.and_then(|()| connection.read_to_end(&mut answer));
    let answer = String::from_utf8_lossy(&answer);
    assert!(read.is_err() || !answer.contains("HTTP/1.1 2"), "{answer}");
    lives_on(&acme);
    assert_eq!(acme.scim("GET", "/Users").is(200).json()["totalResults"], 0);
}

#[test]
fn a_forged_cursor_is_refused() {
    let (acme, other) = (Tenant::new("cursors"), Tenant::new("bystander"));
    for tenant in [&acme, &other] {
        tenant.user("ada");
        tenant.user("bob");
    }
    let given =
        |tenant: &Tenant| tenant.scim("GET", "/Users?cursor=&count=1").is(200).field("/nextCursor");
    let cursor = given(&acme);
    let at = |text: &str| acme.scim("GET", &format!("/Users?count=1&cursor={text}"));
    let flipped = |place: usize| {
        let other = |c: char| if c == 'A' { 'B' } else { 'A' };
        let letters = cursor.chars().enumerate();
        letters.map(|(n, c)| if n == place { other(c) } else { c }).collect::<String>()
    };
    let cut = |length: usize| cursor.chars().take(length).collect::<String>();
    let places = (0..cursor.len()).step_by(11);
    let mut forged: Vec<String> = places.flat_map(|place| [flipped(place), cut(place)]).collect();
    forged.retain(|text| !text.is_empty());
    forged.extend([given(&other), cursor.repeat(2), "A".repeat(10_000)]);
    let stranger = acme.mint(&["scim"]);
    for text in &forged {
        at(text).is(400).is_scim_error("invalidCursor");
    }
    let theirs = acme.anonymous("GET", &format!("/Users?count=1&cursor={cursor}"));
    theirs.bearer(&stranger).is(400).is_scim_error("invalidCursor");
    check((&acme, &other), 1, || at(&flipped(0)).send(), (400, "invalidCursor"));
    at(&cursor).is(200);
}

#[test]
fn floods_of_headers_are_answered() {
    let (acme, bystander) = (Tenant::new("flood"), Tenant::new("bystander"));
    let line = format!("GET {}/Users", acme.path());
    let bearer = format!("authorization: Bearer {}", acme.key);
    let many: Vec<String> = (0..1_000).map(|n| format!("x-{n}: {n}")).collect();
    let same: Vec<String> = (0..1_000).map(|n| format!("if-none-match: \"{n}\"")).collect();
    let odd = ["accept: \u{202e}\u{feff}", "prefer: \u{e9}", "x-\u{e9}: 1"].map(str::to_owned);
    for (number, headers) in (1..).zip([&many[..], &same, &odd[..2]]) {
        let lines: Vec<&str> = [&bearer].into_iter().chain(headers).map(String::as_str).collect();
        check((&acme, &bystander), number, || exchange(&line, &lines, b""), (200, ""));
    }
    // What is no HTTP, the runtime refuses by itself.
    for header in ["if-match: \u{0}", "x y: 1"] {
        let reply = exchange(&line, &[&bearer, header], b"");
        assert_eq!(reply.status, 400, "{header}: {}", reply.text());
    }
    let long = format!("x-long: {}", "x".repeat(1_000_000));
    let reply = exchange(&line, &[&bearer, &long], b"");
    assert!([400, 413, 431].contains(&reply.status), "{} {}", reply.status, reply.text());
    lives_on(&acme);
}

/// Begins a request and goes on with its body a byte at a time, or not at all, while others ask.
fn dawdle(acme: &Tenant, bystander: &Tenant, how: &str, bytes: &[&[u8]]) {
    let head = format!(
        "POST {}/Users HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-type: {JSON}\r\n{how}\r\n\r\n",
        acme.path(),
        acme.key,
    );
    let mut connection = connect();
    connection.write_all(head.as_bytes()).expect("the connection takes a head");
    connection.set_read_timeout(Some(Duration::from_secs(1))).expect("a timeout can be set");
    for part in bytes {
        connection.write_all(part).expect("the connection takes a byte");
        let mut answer = [0];
        assert!(connection.read(&mut answer).is_err(), "{how}: an answer before the body's end");
        for tenant in [acme, bystander] {
            lives_on(tenant);
            tenant.scim("POST", "/Users").json(&json!({ "userName": "a" })).send();
        }
    }
}

#[test]
fn nobody_waits_for_a_slow_body() {
    let (acme, bystander) = (Tenant::new("slow"), Tenant::new("bystander"));
    let bound = SLACK.saturating_add(plain(&acme).saturating_mul(PLAIN_ONES));
    let slowest = beside(&bystander, || {
        let sized = "content-length: 4000000";
        let chunked = "transfer-encoding: chunked";
        thread::scope(|scope| {
            scope.spawn(|| dawdle(&acme, &bystander, sized, &[&b" "[..]; 5]));
            scope.spawn(|| dawdle(&acme, &bystander, sized, &[&b""[..]; 5]));
            scope.spawn(|| dawdle(&acme, &bystander, chunked, &[&b"1\r\n \r\n"[..]; 5]));
            scope.spawn(|| dawdle(&acme, &bystander, chunked, &[&b""[..]; 5]));
        });
    });
    assert!(slowest < bound, "beside slow bodies an answer took {slowest:?}");
    // Who gives up has written nothing.
    for tenant in [&acme, &bystander] {
        assert_eq!(tenant.scim("GET", "/Users").is(200).json()["totalResults"], 1);
    }
}
