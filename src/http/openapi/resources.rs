//! Resource types in OpenAPI: for each the same paths, and schemas from the table of its attributes.

use serde_json::{Value, from_str, json};

use super::Object;
use crate::scim::schema::{Attribute, AttributeType, Mutability, Returned, Schema, TypeSchema};

/// In which direction a resource goes.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Way {
    /// From a client.
    Sent,
    /// To a client.
    Shown,
}

/// A type's paths below the SCIM base.
pub(super) fn paths(schema: TypeSchema<'_>) -> serde_json::Result<Object> {
    let types = schema.resource_type.endpoint.trim_start_matches('/');
    let paths = include_str!("types.json").replace("{{Types}}", types);
    from_str(&paths.replace("{{Type}}", &schema.resource_type.id))
}

/// A resource as it is sent and as it is shown, and a page of such.
pub(super) fn schemas(schema: TypeSchema<'_>) -> [(String, Value); 3] {
    let id = &schema.resource_type.id;
    let page = json!({
        "allOf": [{ "$ref": "#/components/schemas/ListResponse" }],
        "properties": {
            "Resources": {
                "type": "array",
                "items": { "$ref": format!("#/components/schemas/{id}") },
            },
        },
    });
    [
        (format!("{id}Input"), resource(schema, Way::Sent)),
        (id.clone(), resource(schema, Way::Shown)),
        (format!("{id}List"), page),
    ]
}

/// The example of what is sent, as it is shown.
pub(super) fn example(schema: TypeSchema<'_>, sent: &Object) -> Option<(String, Value)> {
    const ID: &str = "0199f4c2-7b1e-7c31-9d5a-3f2f8c1e4a10";
    const TIME: &str = "2026-11-21T09:30:00.000Z";
    let id = &schema.resource_type.id;
    let endpoint = &schema.resource_type.endpoint;
    let mut shown = sent.get(&format!("{id}Input"))?.get("value")?.as_object()?.clone();
    shown.insert("id".to_owned(), ID.into());
    let meta = json!({
        "resourceType": id,
        "created": TIME,
        "lastModified": TIME,
        "version": "W/\"1\"",
        "location": format!("https://muster.example.com/t/acme/scim/v2{endpoint}/{ID}"),
    });
    shown.insert("meta".to_owned(), meta);
    Some((id.clone(), json!({ "value": shown })))
}

fn resource(schema: TypeSchema<'_>, way: Way) -> Value {
    let urns = json!({
        "type": "array",
        "description": "The URNs of the schemas whose attributes it has.",
        "items": { "type": "string" },
        "examples": [[schema.resource_type.schema]],
    });
    let mut shown = object(schema.common().iter().chain(schema.core()), way);
    let names: &[&str] = match way {
        Way::Sent => &["schemas"],
        Way::Shown => &["schemas", "id"],
    };
    let required = match (way, shown.get("required")) {
        (Way::Sent, Some(Value::Array(own))) => own.clone(),
        _ => Vec::new(),
    };
    let required: Vec<Value> = names.iter().map(|name| (*name).into()).chain(required).collect();
    shown.insert("required".to_owned(), required.into());
    shown.insert("description".to_owned(), schema.resource_type.description.as_str().into());
    if let Some(Value::Object(properties)) = shown.get_mut("properties") {
        properties.insert("schemas".to_owned(), urns);
        properties.extend(schema.extensions().map(|one| (one.id.clone(), extension(one, way))));
    }
    shown.into()
}

fn extension(schema: &Schema, way: Way) -> Value {
    let mut shown = object(schema.attributes.iter(), way);
    shown.insert("description".to_owned(), schema.description.as_str().into());
    shown.into()
}

/// An object of attributes; which of them are required matters only where it is sent, since a client
/// may ask for less.
fn object<'a>(attributes: impl Iterator<Item = &'a Attribute>, way: Way) -> Object {
    let (mut properties, mut required) = (Object::new(), Vec::new());
    for one in attributes.filter(|one| goes(one, way)) {
        properties.insert(one.name.clone(), attribute(one, way));
        if one.required && way == Way::Sent {
            required.push(Value::from(one.name.as_str()));
        }
    }
    let mut shown = Object::new();
    shown.insert("type".to_owned(), "object".into());
    shown.insert("properties".to_owned(), properties.into());
    if !required.is_empty() {
        shown.insert("required".to_owned(), required.into());
    }
    shown
}

fn goes(attribute: &Attribute, way: Way) -> bool {
    match way {
        Way::Sent => attribute.mutability != Mutability::ReadOnly,
        Way::Shown => {
            attribute.mutability != Mutability::WriteOnly && attribute.returned != Returned::Never
        }
    }
}

fn attribute(attribute: &Attribute, way: Way) -> Value {
    let mut value = match attribute.kind {
        AttributeType::String | AttributeType::Reference => one_of("string"),
        AttributeType::Boolean => one_of("boolean"),
        AttributeType::Decimal => one_of("number"),
        AttributeType::Integer => one_of("integer"),
        AttributeType::DateTime => with(one_of("string"), "format", "date-time"),
        AttributeType::Binary => with(one_of("string"), "contentEncoding", "base64"),
        AttributeType::Complex => object(attribute.sub_attributes.iter(), way),
    };
    if !attribute.canonical_values.is_empty() {
        value = with(value, "examples", attribute.canonical_values.clone());
    }
    if way == Way::Sent && attribute.required && attribute.is_textual() {
        value = with(value, "minLength", 1);
    }
    if attribute.multi_valued {
        value = with(one_of("array"), "items", value);
    }
    with(value, "description", attribute.description.as_str()).into()
}

fn one_of(name: &str) -> Object {
    with(Object::new(), "type", name)
}

fn with(mut schema: Object, name: &str, value: impl Into<Value>) -> Object {
    schema.insert(name.to_owned(), value.into());
    schema
}
