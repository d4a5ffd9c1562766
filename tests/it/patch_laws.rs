//! Laws of resources and PATCH, on generated bodies and operations.

use muster::scim::compat::Compat;
use muster::scim::patch::PatchOp;
use muster::scim::resource::{Resource, changed};
use muster::scim::schema::{Attribute, AttributeType, Mutability, TypeSchema};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{
    BoxedStrategy, Just, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest,
};
use proptest::sample::select;
use serde_json::{Map, Value, json};

use crate::given::{ENTERPRISE, groups, users};

/// Values that fit an attribute.
fn value_of(attribute: &Attribute) -> BoxedStrategy<Value> {
    let one = match attribute.kind {
        AttributeType::Boolean => any::<bool>().prop_map(Value::from).boxed(),
        AttributeType::Complex => object_of(&attribute.sub_attributes),
        _ => "[a-c]{1,2}|[A-Cß]".prop_map(Value::from).boxed(),
    };
    if attribute.multi_valued { vec(one, 0..4).prop_map(Value::from).boxed() } else { one }
}

/// Objects with some of the attributes that a client may write.
fn object_of(attributes: &[Attribute]) -> BoxedStrategy<Value> {
    let written = attributes.iter().filter(|attribute| {
        matches!(attribute.mutability, Mutability::ReadWrite | Mutability::Immutable)
    });
    let fields: Vec<_> = written
        .map(|attribute| (Just(attribute.name.clone()), option::of(value_of(attribute))))
        .collect();
    let object = |fields: Vec<(String, Option<Value>)>| {
        fields.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    };
    fields.prop_map(move |fields| Value::Object(object(fields))).boxed()
}

/// Bodies of users.
fn user() -> impl Strategy<Value = Value> {
    let extension = users().extension(ENTERPRISE).unwrap();
    (object_of(users().core()), option::of(object_of(&extension.attributes))).prop_map(
        |(mut body, extension)| {
            body["userName"] = "ada".into();
            if let Some(extension) = extension {
                body[ENTERPRISE] = extension;
            }
            body
        },
    )
}

/// An attribute that can be set to a value as a whole, and a value.
fn assignment() -> impl Strategy<Value = (String, Value)> {
    let is_whole = |attribute: &&Attribute| {
        attribute.mutability == Mutability::ReadWrite
            && !attribute.required
            && (attribute.multi_valued || attribute.kind != AttributeType::Complex)
    };
    let attributes: Vec<_> = users().core().iter().filter(is_whole).collect();
    select(attributes)
        .prop_flat_map(|attribute| (Just(attribute.name.clone()), value_of(attribute)))
}

/// JSON that has something of SCIM in it.
fn json() -> impl Strategy<Value = Value> {
    let word = || {
        select(vec![
            "",
            "value",
            "type",
            "primary",
            "work",
            "True",
            "emails",
            "userName",
            "name",
            "name.givenName",
            "active",
            "members",
            "groups",
            "schemas",
            "id",
            "manager",
            "$ref",
            "displayName",
            "password",
            "addresses",
            "emails[type eq \"work\"].value",
            ENTERPRISE,
            "urn:x:y",
            "op",
            "path",
            "Operations",
            "add",
            "remove",
            "replace",
            "nonsense",
            "ü",
        ])
    };
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        word().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, move |inner| {
        let object = vec((word().prop_map(str::to_owned), inner.clone()), 0..4);
        prop_oneof![
            vec(inner, 0..4).prop_map(Value::from),
            object.prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// Operations that are nearly right.
fn operation() -> impl Strategy<Value = Value> {
    let attribute = select(vec![
        "userName",
        "name",
        "name.familyName",
        "emails",
        "emails.value",
        "emails.primary",
        "active",
        "addresses",
        "roles",
        "groups",
        "members",
        "members.value",
        "manager",
        "manager.value",
        "password",
        "meta",
        "nonsense",
        "externalId",
        "department",
        ENTERPRISE,
    ]);
    let filter = option::of(select(vec![
        r#"[type eq "work"]"#,
        r#"[value eq "a"]"#,
        "[primary eq true]",
        "[value pr]",
        r#"[not (type eq "work")]"#,
        r#"[value eq "a" or value eq "b"]"#,
        "[",
        "[type eq 1]",
    ]));
    let sub = option::of(select(vec![".value", ".primary", ".type", ".familyName", ".x"]));
    let path = option::of((attribute, filter, sub).prop_map(|(attribute, filter, sub)| {
        format!("{attribute}{}{}", filter.unwrap_or_default(), sub.unwrap_or_default())
    }));
    (select(vec!["add", "Remove", "REPLACE", "move"]), path, option::of(json())).prop_map(
        |(op, path, value)| {
            let mut operation = json!({"op": op});
            if let Some(path) = path {
                operation["path"] = path.into();
            }
            if let Some(value) = value {
                operation["value"] = value;
            }
            operation
        },
    )
}

fn compat() -> impl Strategy<Value = Compat> {
    select(vec![Compat::GENERIC, Compat::STRICT])
}

fn parse(body: &Value) -> Resource {
    let body = body.as_object().unwrap().clone();
    Resource::parse(body, users(), &Compat::GENERIC).unwrap().resource
}

fn patch(resource: &Resource, operations: &Value) -> Resource {
    let body = json!({"Operations": operations});
    let patch = PatchOp::parse(&body, &Compat::GENERIC).unwrap();
    patch.apply(resource.clone(), users(), &Compat::GENERIC).unwrap().resource
}

/// Whether a resource is one that this module makes of itself, by the letter of the RFCs.
fn is_canonical(resource: &Resource, schema: TypeSchema<'_>) -> bool {
    let again = Resource::parse(resource.as_map().clone(), schema, &Compat::STRICT);
    again.is_ok_and(|again| bytes(&again.resource) == bytes(resource))
}

fn bytes(resource: &Resource) -> String {
    Value::Object(resource.as_map().clone()).to_string()
}

fn primaries(resource: &Resource) -> usize {
    let values = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let count = |values: Vec<Value>| values.iter().filter(|value| value["primary"] == true).count();
    resource.as_map().values().map(|value| count(values(value))).max().unwrap_or_default()
}

proptest! {
    #[test]
    fn a_resource_is_its_own_strictest_form(body in user()) {
        prop_assert!(is_canonical(&parse(&body), users()));
    }

    #[test]
    fn writing_a_resource_over_itself_changes_nothing(
        body in user(), op in select(vec!["add", "replace"]),
    ) {
        let resource = parse(&body);
        let after = patch(&resource, &json!([{"op": op, "value": resource.as_map()}]));
        prop_assert_eq!(bytes(&after), bytes(&resource));
        prop_assert!(changed(&resource, &after, users()).is_empty());
    }

    #[test]
    fn replace_by_path_is_a_put_with_that_attribute((name, value) in assignment(), body in user()) {
        let after = patch(&parse(&body), &json!([{"op": "replace", "path": name, "value": value}]));
        let mut put = body;
        put[name] = value;
        prop_assert_eq!(bytes(&after), bytes(&parse(&put)));
    }

    #[test]
    fn with_and_without_a_path_is_the_same((name, value) in assignment(), body in user(), op in select(vec!["add", "replace"])) {
        let resource = parse(&body);
        let with = json!([{"op": op, "path": name, "value": value}]);
        let without = json!([{"op": op, "value": {name: value}}]);
        prop_assert_eq!(bytes(&patch(&resource, &with)), bytes(&patch(&resource, &without)));
    }

    #[test]
    fn remove_undoes_add_of_an_attribute((name, value) in assignment(), body in user()) {
        let mut body = body;
        body.as_object_mut().unwrap().shift_remove(&name);
        let resource = parse(&body);
        let after = patch(&resource, &json!([
            {"op": "add", "path": name, "value": value},
            {"op": "remove", "path": name},
        ]));
        prop_assert_eq!(bytes(&after), bytes(&resource));
    }

    #[test]
    fn remove_undoes_add_of_a_value(body in user(), value in "[d-f]{1,3}") {
        let resource = parse(&body);
        let part = r#"ims[type eq "of its own"].value"#;
        for removal in [
            json!({"op": "remove", "path": part}),
            json!({"op": "remove", "path": r#"ims[type eq "of its own"]"#}),
            json!({"op": "remove", "path": "ims", "value": [{"value": value}]}),
        ] {
            let operations = json!([{"op": "add", "path": part, "value": value}, removal]);
            prop_assert_eq!(bytes(&patch(&resource, &operations)), bytes(&resource));
        }
    }

    #[test]
    fn changes_are_found_if_there_are_any(one in user(), other in user()) {
        let (one, other) = (parse(&one), parse(&other));
        prop_assert_eq!(changed(&one, &other, users()).is_empty(), one == other);
        prop_assert_eq!(changed(&one, &other, users()), changed(&other, &one, users()));
    }

    #[test]
    fn any_body_is_read_or_refused(body in json(), compat in compat()) {
        let fields = body.as_object().cloned().unwrap_or_else(|| Map::from_iter([("name".to_owned(), body)]));
        for schema in [users(), groups()] {
            let mut fields = fields.clone();
            fields.insert("userName".to_owned(), "ada".into());
            fields.insert("displayName".to_owned(), "Ada".into());
            if let Ok(parsed) = Resource::parse(fields, schema, &compat) {
                prop_assert!(is_canonical(&parsed.resource, schema));
                prop_assert!(primaries(&parsed.resource) <= 1);
            }
        }
    }

    #[test]
    fn any_patch_is_applied_or_refused(
        body in user(), operations in vec(operation(), 1..4), compat in compat(),
    ) {
        let message = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": operations,
        });
        let Ok(patch) = PatchOp::parse(&message, &compat) else { return Ok(()) };
        if let Ok(patched) = patch.clone().apply(parse(&body), users(), &compat) {
            prop_assert!(is_canonical(&patched.resource, users()), "{:?}", patched.resource);
            prop_assert!(primaries(&patched.resource) <= 1);
        }
        let group = Map::from_iter([("displayName".to_owned(), "Builders".into())]);
        let group = Resource::parse(group, groups(), &Compat::GENERIC).unwrap().resource;
        if let Ok(patched) = patch.apply(group, groups(), &compat) {
            prop_assert!(is_canonical(&patched.resource, groups()));
        }
    }

    #[test]
    fn any_message_is_read_or_refused(message in json(), compat in compat()) {
        let _ = PatchOp::parse(&message, &compat);
        let _ = PatchOp::parse(&json!({"Operations": message}), &compat);
    }
}
