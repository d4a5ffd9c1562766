//! What the tests of resources start from.

use muster::scim::ScimError;
use muster::scim::compat::Compat;
use muster::scim::patch::{PatchOp, Patched};
use muster::scim::resource::{Parsed, Resource};
use muster::scim::schema::{Registry, TypeSchema};
use serde_json::{Map, Value, json};

pub(crate) const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
pub(crate) const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

pub(crate) fn users() -> TypeSchema<'static> {
    Registry::builtin().type_at("Users").unwrap()
}

pub(crate) fn groups() -> TypeSchema<'static> {
    Registry::builtin().type_at("Groups").unwrap()
}

/// Reads a body. A user needs no `userName` here, so that a case says only what it is about.
pub(crate) fn parsed(
    schema: TypeSchema<'_>,
    body: Value,
    compat: &Compat,
) -> Result<Parsed, ScimError> {
    Resource::parse(with_required(schema, body), schema, compat)
}

/// Applies operations to what a body makes.
pub(crate) fn patched(
    schema: TypeSchema<'_>,
    before: Value,
    operations: Value,
    compat: &Compat,
) -> Result<Patched, ScimError> {
    let before = parsed(schema, before, &Compat::GENERIC).unwrap().resource;
    let mut body = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"]});
    body["Operations"] = operations;
    PatchOp::parse(&body, compat)?.apply(before, schema, compat)
}

/// What a case is about: the attributes without `schemas` and without the required one, where that
/// has the value given to it here.
pub(crate) fn shown(resource: &Resource) -> Value {
    let mut fields = resource.as_map().clone();
    fields.shift_remove("schemas");
    fields.retain(|name, value| !REQUIRED.contains(&name.as_str()) || value != NAME);
    Value::Object(fields)
}

fn with_required(schema: TypeSchema<'_>, body: Value) -> Map<String, Value> {
    let Value::Object(mut fields) = body else { panic!("not an object: {body}") };
    let name = if schema.resource_type.id == "User" { REQUIRED[0] } else { REQUIRED[1] };
    if !fields.keys().any(|key| key.eq_ignore_ascii_case(name)) {
        fields.insert(name.to_owned(), NAME.into());
    }
    fields
}

const REQUIRED: [&str; 2] = ["userName", "displayName"];
const NAME: &str = "given";
