//! PATCHes of users: `{before, operations, strict, ours}`, where `ours` is `{after}` or `{error}`.

use muster::scim::compat::Compat;
use muster::scim::patch::PatchOp;
use muster::scim::resource::Resource;
use proptest::collection::vec;
use proptest::prelude::{BoxedStrategy, Just, Strategy, any, prop_oneof};
use proptest::sample::select;
use serde_json::{Map, Value, json};

use crate::users::{
    ADDRESSES, ENTERPRISE, KINDS, TEXTS, URIS, element, extension, flag, name, object, one_of,
    user, users,
};

/// The rules to the letter, but for those of the message's form.
const STRICT: Compat = Compat {
    unknown_attributes: false,
    text_for_other_types: false,
    single_for_list: false,
    create_described_values: false,
    unquoted_filter_values: false,
    ..Compat::GENERIC
};

/// One line of the file.
pub(crate) fn case() -> impl Strategy<Value = Value> {
    let operations = prop_oneof![3 => vec(operation(), 1), 1 => vec(operation(), 2..4)];
    (user(), operations, any::<bool>()).prop_map(|(before, operations, strict)| {
        let compat = if strict { STRICT } else { Compat::GENERIC };
        let ours = match patched(&before, &operations, &compat) {
            Ok(after) => json!({ "after": after }),
            Err(error) => json!({ "error": error }),
        };
        json!({ "before": before, "operations": operations, "strict": strict, "ours": ours })
    })
}

fn patched(
    before: &Map<String, Value>,
    operations: &[Value],
    compat: &Compat,
) -> Result<Map<String, Value>, String> {
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": operations,
    });
    let before = Resource::from_stored(before.clone());
    PatchOp::parse(&body, compat)
        .and_then(|patch| patch.apply(before, users(), compat))
        .map(|patched| patched.resource.into_map())
        .map_err(|error| error.kind().scim_type().unwrap_or_default().to_owned())
}

fn operation() -> BoxedStrategy<Value> {
    let write = || select(&["add", "replace", "Add", "Replace"][..]);
    prop_oneof![
        6 => (write(), target()).prop_map(|(op, (path, value))| {
            json!({ "op": op, "path": path, "value": value })
        }),
        2 => (write(), set()).prop_map(|(op, value)| json!({ "op": op, "value": value })),
        4 => (select(&["remove", "Remove"][..]), target()).prop_map(|(op, (path, _))| {
            json!({ "op": op, "path": path })
        }),
    ]
    .boxed()
}

/// A path, and a value that fits it.
fn target() -> BoxedStrategy<(String, Value)> {
    let at =
        |path: &'static str, value: BoxedStrategy<Value>| (Just(path.to_owned()), value).boxed();
    let text = || one_of(&TEXTS);
    prop_oneof![
        2 => prop_oneof![
            at("userName", text()),
            at("title", text()),
            at("displayName", text()),
            at("externalId", text()),
            at("active", flag()),
            at("profileUrl", one_of(&URIS)),
            at("urn:ietf:params:scim:schemas:core:2.0:User:title", text()),
        ],
        2 => prop_oneof![
            at("name", name()),
            at("name.familyName", text()),
            at("name.givenName", text()),
        ],
        2 => several(),
        4 => selected(),
        2 => prop_oneof![
            (select(&["department", "employeeNumber"][..]), text())
                .prop_map(|(name, value)| (format!("{ENTERPRISE}:{name}"), value)),
            at("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value", text()),
        ],
        1 => prop_oneof![
            at("id", text()),
            at("groups", Just(json!([])).boxed()),
            at("meta.version", text()),
            at("nonsense", text()),
            at("TITLE", text()),
            at(ENTERPRISE, extension()),
        ],
    ]
    .boxed()
}

const SEVERAL: [&str; 4] = ["emails", "addresses", "photos", "roles"];

/// A multi-valued attribute as a whole.
fn several() -> BoxedStrategy<(String, Value)> {
    select(&SEVERAL[..])
        .prop_flat_map(|attribute| {
            let values = vec(element(attribute), 0..3).prop_map(Value::from);
            (Just(attribute.to_owned()), prop_oneof![3 => values, 1 => element(attribute)])
        })
        .boxed()
}

/// Some values of a multi-valued attribute, or a part of each.
fn selected() -> BoxedStrategy<(String, Value)> {
    let filter = prop_oneof![
        5 => select(&KINDS[..]).prop_map(|kind| format!("type eq \"{kind}\"")),
        1 => select(vec![
            "primary eq true",
            "type pr",
            "type ne \"work\"",
            "not (type eq \"work\")",
            "type eq \"work\" and primary eq true",
            "type eq \"home\" or type eq \"other\"",
        ]).prop_map(str::to_owned),
    ];
    let attribute = select(&SEVERAL[..]);
    (attribute, filter)
        .prop_flat_map(|(attribute, filter)| {
            let path = move |sub: &str| Just(format!("{attribute}[{filter}]{sub}"));
            let value = match attribute {
                "emails" => (path(".value"), one_of(&ADDRESSES)).boxed(),
                "addresses" => (path(".locality"), one_of(&TEXTS)).boxed(),
                "photos" => (path(".value"), one_of(&URIS)).boxed(),
                _ => (path(".value"), one_of(&TEXTS)).boxed(),
            };
            prop_oneof![
                2 => (path(""), element(attribute)),
                3 => value,
                1 => (path(".type"), one_of(&KINDS)),
                1 => (path(".primary"), flag()),
            ]
        })
        .boxed()
}

/// What an operation without a path sets.
fn set() -> BoxedStrategy<Value> {
    let several = |attribute| vec(element(attribute), 0..3).prop_map(Value::from).boxed();
    object(vec![
        ("title", one_of(&TEXTS)),
        ("active", flag()),
        ("name", name()),
        ("name.familyName", one_of(&TEXTS)),
        ("emails", several("emails")),
        ("roles", several("roles")),
        (ENTERPRISE, extension()),
    ])
}
