//! What fuzzing starts from, and how it is damaged: texts of every language that is parsed here, and
//! all that the scenarios send.

use std::fs;
use std::ops::Range;
use std::path::Path;
use std::sync::LazyLock;

use proptest::collection::vec;
use proptest::prelude::{BoxedStrategy, Just, Strategy, any, prop_oneof};
use proptest::sample::{Index, select};
use serde_json::{Value, json};

use crate::given::ENTERPRISE;

/// A tenant's record.
pub(crate) const RECORD: &str = r#"{"displayName":"Acme","status":"active","jurisdiction":"eu","location":"weur","config":null}"#;

/// The longest text that damage makes.
const BYTES_MAX: usize = 64 * 1024;

/// Filters, paths, projections, and what is nearly one of them.
pub(crate) static TEXTS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let mut texts: Vec<String> = [
        r#"userName eq "ada" and (title pr or not (active eq false))"#,
        r#"emails[type eq "work" and value co "@example.com"].value eq "x""#,
        r#"meta.lastModified gt "2026-01-01T00:00:00.000+01:00""#,
        r#"urn:ietf:params:scim:schemas:core:2.0:User:name.familyName sw "\u00c9\ud83d\ude00""#,
        r#"members[value eq "2819c223-7f76-453a-919d-413861904646"]"#,
        r#"emails[not (primary eq true) or type ne null].display"#,
        "userName,emails.value,urn:ietf:params:scim:schemas:core:2.0:User:name",
        "externalId eq jyoung",
        "id eq 1e400",
        ENTERPRISE,
        "/t/acme/scim/v2/Users/0190a000-0000-7000-8000-00000000000a?attributes=id#x",
        "https://muster.test/scim/v2/acme/Groups?filter=displayName%20eq%20%22x%22",
        "/v1/tenants/acme/keys/x",
        RECORD,
    ]
    .map(str::to_owned)
    .to_vec();
    texts.extend(SENT.iter().map(|(_, path, _)| path.clone()));
    texts
});

/// What the scenarios send: method, path, body.
pub(crate) static SENT: LazyLock<Vec<(String, String, Value)>> = LazyLock::new(|| {
    let mut sent = Vec::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors"), &mut sent);
    sent.sort_by_cached_key(|(method, path, body)| format!("{method} {path} {body}"));
    sent.dedup();
    sent
});

fn collect(path: &Path, sent: &mut Vec<(String, String, Value)>) {
    let Ok(folder) = fs::read_dir(path) else {
        let text = fs::read_to_string(path).expect("a scenario");
        let scenario: Value = serde_json::from_str(&text).expect("JSON");
        for step in scenario["steps"].as_array().expect("steps") {
            let text = |name: &str| step["request"][name].as_str().expect("a text").to_owned();
            sent.push((text("method"), text("path"), step["request"]["body"].clone()));
        }
        return;
    };
    folder.for_each(|entry| collect(&entry.expect("a file").path(), sent));
}

/// What parsers trip over.
const NASTY: [&str; 32] = [
    "\"",
    "\\",
    "\\u",
    "\\ud800",
    "\\udc00",
    "\\u0000",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "not (",
    ",",
    ":",
    ".",
    "null",
    "-",
    "-0",
    "1e999999999",
    "99999999999999999999999999",
    "0.1e-99999",
    "\0",
    "\u{feff}",
    "\u{202e}",
    "ß",
    "e\u{301}",
    "😀",
    "%",
    "%00",
    "$ref",
    " and ",
];

/// One step of damage to a text.
#[derive(Clone, Debug)]
enum Damage {
    /// A piece of another text goes in.
    Splice(String, Index, Index),
    /// Something nasty goes in.
    Insert(&'static str, Index),
    /// What is behind a place is lost.
    Truncate(Index),
    /// A piece is lost.
    Cut(Index, Index),
    /// A piece is there many times.
    Repeat(Index, Index, usize),
}

fn damage(donors: &'static [String]) -> impl Strategy<Value = Damage> {
    let at = any::<Index>;
    prop_oneof![
        3 => (select(donors), at(), at()).prop_map(|(text, a, b)| Damage::Splice(text, a, b)),
        5 => (select(&NASTY[..]), at()).prop_map(|(text, at)| Damage::Insert(text, at)),
        1 => at().prop_map(Damage::Truncate),
        2 => (at(), at()).prop_map(|(a, b)| Damage::Cut(a, b)),
        1 => (at(), at(), select(&[2, 3, 20, 200, 5_000][..]))
            .prop_map(|(a, b, times)| Damage::Repeat(a, b, times)),
    ]
}

impl Damage {
    fn to(&self, text: &mut String) {
        match self {
            Self::Splice(other, at, end) => {
                text.insert_str(place(text, at), &other[piece(other, at, end)]);
            }
            Self::Insert(nasty, at) => text.insert_str(place(text, at), nasty),
            Self::Truncate(at) => text.truncate(place(text, at)),
            Self::Cut(at, end) => text.replace_range(piece(text, at, end), ""),
            Self::Repeat(at, end, times) => {
                let piece = piece(text, at, end);
                let times = (*times).min(BYTES_MAX / piece.len().max(1));
                text.insert_str(piece.end, &text[piece.clone()].repeat(times));
            }
        }
        text.truncate(boundary(text, BYTES_MAX));
    }
}

fn place(text: &str, at: &Index) -> usize {
    boundary(text, at.index(text.len() + 1))
}

fn piece(text: &str, one: &Index, other: &Index) -> Range<usize> {
    let (one, other) = (place(text, one), place(text, other));
    one.min(other)..one.max(other)
}

fn boundary(text: &str, most: usize) -> usize {
    (0..=most.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default()
}

/// A text after some damage, of which little is the likeliest.
pub(crate) fn damaged(
    text: impl Strategy<Value = String> + 'static,
    donors: &'static [String],
) -> BoxedStrategy<String> {
    (text, vec(damage(donors), 0..6))
        .prop_map(|(mut text, damages)| {
            damages.iter().for_each(|damage| damage.to(&mut text));
            text
        })
        .boxed()
}

/// A damaged filter, path, projection or URL, or any text at all.
pub(crate) fn text() -> BoxedStrategy<String> {
    prop_oneof![9 => damaged(select(TEXTS.as_slice()), &TEXTS), 1 => ".{0,200}".boxed()].boxed()
}

/// Bodies as texts.
static BODIES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let bodies = SENT.iter().filter(|(_, _, body)| body.is_object());
    bodies.map(|(_, _, body)| body.to_string()).collect()
});

/// A body with other values in some places: JSON that no client meant.
fn odd(body: impl Strategy<Value = String> + 'static) -> BoxedStrategy<String> {
    let odd = select(vec![
        json!(null),
        json!(true),
        json!(0),
        json!(-1.5e300),
        json!(18_446_744_073_709_551_615_u64),
        json!(""),
        json!("\u{0}"),
        json!("\u{10ffff}"),
        json!("work"),
        json!([]),
        json!([[]]),
        json!([null]),
        json!(["a", "a"]),
        json!({}),
        json!({"value": {"value": []}}),
        json!({"": null, "schemas": 1}),
    ]);
    (body, vec((any::<Index>(), odd), 0..4))
        .prop_map(|(body, changes)| {
            let mut body: Value = serde_json::from_str(&body).expect("a body");
            for (at, odd) in changes {
                let mut left = at.index(nodes(&body));
                put(&mut body, &mut left, &odd);
            }
            body.to_string()
        })
        .boxed()
}

/// A body that is nearly this one.
pub(crate) fn like(body: String) -> BoxedStrategy<String> {
    prop_oneof![3 => odd(Just(body.clone())), 1 => damaged(Just(body), &BODIES)].boxed()
}

fn nodes(value: &Value) -> usize {
    1 + match value {
        Value::Array(values) => values.iter().map(nodes).sum(),
        Value::Object(fields) => fields.values().map(nodes).sum::<usize>(),
        _ => 0,
    }
}

/// Replaces the node that is so many behind this one, in the order of the text.
fn put(value: &mut Value, left: &mut usize, odd: &Value) -> bool {
    if *left == 0 {
        *value = odd.clone();
        return true;
    }
    *left -= 1;
    match value {
        Value::Array(values) => values.iter_mut().any(|value| put(value, left, odd)),
        Value::Object(fields) => fields.values_mut().any(|value| put(value, left, odd)),
        _ => false,
    }
}

/// A body: odd, damaged, or nothing but depth.
pub(crate) fn body() -> BoxedStrategy<String> {
    let deep = (select(vec!["[", "{\"a\":", "{\"Operations\":["]), 1..20_000_usize)
        .prop_map(|(open, depth)| open.repeat(depth.min(BYTES_MAX / open.len())));
    prop_oneof![
        6 => odd(select(BODIES.as_slice())),
        6 => damaged(select(BODIES.as_slice()), &BODIES),
        2 => damaged(odd(select(BODIES.as_slice())), &TEXTS),
        1 => deep,
    ]
    .boxed()
}
