//! Users that both sides are asked about.

use muster::scim::compat::Compat;
use muster::scim::resource::Resource;
use muster::scim::schema::{Registry, TypeSchema};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{BoxedStrategy, Strategy, any};
use proptest::sample::select;
use serde_json::{Map, Value, json};

pub(crate) const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
pub(crate) const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// Texts, some of which are equal to others without regard to case.
pub(crate) const TEXTS: [&str; 20] = [
    "ada", "Ada", "ADA", "ad", "da", "bob", "", " ", "a b", "5", "true", "\"q\"", "\\", "ß", "SS",
    "É", "é", "e\u{301}", "日本", "😀",
];
pub(crate) const ADDRESSES: [&str; 4] =
    ["ada@example.com", "ADA@example.com", "bob@example.com", "ada@example.org"];
pub(crate) const URIS: [&str; 3] =
    ["https://example.com/a", "https://example.com/A", "https://example.org/b"];
pub(crate) const KINDS: [&str; 4] = ["work", "Work", "home", "other"];
pub(crate) const INSTANTS: [&str; 5] = [
    "2026-01-01T00:00:00Z",
    "2026-01-01T00:00:00.000Z",
    "2026-01-01T01:00:00+01:00",
    "2026-01-01T00:00:00.250Z",
    "2025-12-31T23:59:59Z",
];

/// The schema of users.
pub(crate) fn users() -> TypeSchema<'static> {
    Registry::builtin().type_at("Users").expect("users are built in")
}

pub(crate) fn one_of(texts: &'static [&'static str]) -> BoxedStrategy<Value> {
    select(texts).prop_map(Value::from).boxed()
}

pub(crate) fn flag() -> BoxedStrategy<Value> {
    any::<bool>().prop_map(Value::from).boxed()
}

/// An object with some of these fields.
pub(crate) fn object(fields: Vec<(&'static str, BoxedStrategy<Value>)>) -> BoxedStrategy<Value> {
    let fields: Vec<_> = fields
        .into_iter()
        .map(|(name, value)| option::of(value).prop_map(move |value| Some((name, value?))))
        .collect();
    let object = |fields: Vec<Option<(&str, Value)>>| {
        fields.into_iter().flatten().map(|(name, value)| (name.to_owned(), value)).collect()
    };
    fields.prop_map(move |fields| Value::Object(object(fields))).boxed()
}

pub(crate) fn name() -> BoxedStrategy<Value> {
    let text = || one_of(&TEXTS);
    object(vec![("familyName", text()), ("givenName", text())])
}

/// One value of a multi-valued attribute.
pub(crate) fn element(attribute: &str) -> BoxedStrategy<Value> {
    let kind = || one_of(&KINDS);
    object(match attribute {
        "emails" => vec![
            ("value", one_of(&ADDRESSES)),
            ("type", kind()),
            ("primary", flag()),
            ("display", one_of(&TEXTS)),
        ],
        "addresses" => vec![("locality", one_of(&TEXTS)), ("type", kind()), ("primary", flag())],
        "photos" => vec![("value", one_of(&URIS)), ("type", kind())],
        _ => vec![("value", one_of(&TEXTS)), ("type", kind()), ("primary", flag())],
    })
}

pub(crate) fn extension() -> BoxedStrategy<Value> {
    let manager = object(vec![("value", one_of(&TEXTS)), ("$ref", one_of(&URIS))]);
    object(vec![
        ("department", one_of(&TEXTS)),
        ("employeeNumber", one_of(&TEXTS)),
        ("manager", manager),
    ])
}

/// A user in canonical form, as a client has written it.
pub(crate) fn user() -> BoxedStrategy<Map<String, Value>> {
    let several = |attribute| vec(element(attribute), 0..4).prop_map(Value::from).boxed();
    let text = || one_of(&TEXTS);
    let optional = object(vec![
        ("externalId", text()),
        ("displayName", text()),
        ("title", text()),
        ("active", flag()),
        ("profileUrl", one_of(&URIS)),
        ("name", name()),
        ("emails", several("emails")),
        ("addresses", several("addresses")),
        ("photos", several("photos")),
        ("roles", several("roles")),
        (ENTERPRISE, extension()),
    ]);
    let name = select(&["ada", "Ada", "bob", "ß", "É", "e\u{301}", "日本"][..]);
    (name, optional)
        .prop_map(|(name, mut body)| {
            body["userName"] = name.into();
            body["schemas"] = json!([CORE, ENTERPRISE]);
            let Value::Object(body) = body else { return Map::new() };
            let parsed = Resource::parse(body, users(), &Compat::GENERIC).expect("a user");
            parsed.resource.into_map()
        })
        .boxed()
}
