//! RFC 7643 §3: a resource in canonical form, and how the body of a POST or PUT becomes one.
//!
//! Names are in the schema's case and order, values are as `value` reads them, and what is
//! unassigned is absent. A body is a pathless `replace` on nothing, so that POST, PUT and PATCH are
//! one piece of code (`resource::draft`).
//!
//! Without storage's help the following are not here: `id`, `meta` and other readOnly attributes,
//! and the attribute that is stored as rows (a group's `members`).

pub(super) mod draft;
mod operation;
mod rows;
mod told;
mod values;

pub(super) use operation::Op;
pub(in crate::scim) use operation::Request;
pub use operation::{Member, MemberOp};
use serde_json::{Map, Value};

use self::draft::{Draft, Finished};

use super::compat::Compat;
use super::error::{ErrorKind, ScimError};
use super::message::field;
use super::schema::{AttributeType, Found, Mutability, TypeSchema, split_sub, split_urn};
use super::value::{Place, schema_named};

/// The attributes that a client wrote, in canonical form and order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Resource(Map<String, Value>);

/// The body of a POST or PUT.
#[derive(Clone, Debug, PartialEq)]
pub struct Parsed {
    /// Its attributes.
    pub resource: Resource,
    /// The values of the attribute that is stored as rows; `None` where the body does not name it.
    pub members: Option<Vec<Member>>,
    /// The paths that no schema knows, as sent.
    pub dropped: Vec<String>,
}

impl Resource {
    /// Reads the body of a POST or PUT (RFC 7644 §3.3, §3.5.1). What is readOnly is ignored; what
    /// is writeOnly is read, and dropped.
    ///
    /// # Errors
    /// `invalidValue` for a value that does not fit or that is required and missing, `tooMany` for
    /// too many values, `invalidSyntax` for what no schema knows, where that is not forgiven.
    pub fn parse(
        body: Map<String, Value>,
        schema: TypeSchema<'_>,
        compat: &Compat,
    ) -> Result<Parsed, ScimError> {
        Self(Map::new()).overlaid(body, schema, compat)
    }

    /// This state with what such a body says in its place; what the body does not mention stays.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn overlaid(
        self,
        body: Map<String, Value>,
        schema: TypeSchema<'_>,
        compat: &Compat,
    ) -> Result<Parsed, ScimError> {
        let declared = declared_schemas(&body, schema, compat)?;
        let mut draft = Draft::new(Request::Whole, schema, compat);
        draft.load(self);
        draft.write_set(Op::Replace, None, Value::Object(body))?;
        if let Some(path) = draft.missing().first() {
            return Err(ScimError::new(ErrorKind::InvalidValue, format!("`{path}` is required")));
        }
        let Finished { mut resource, rows, dropped } = draft.finish();
        if compat.first_email_primary {
            resource.make_first_email_primary();
        }
        // RFC 7643 §3: `schemas` names every schema that the body uses.
        let is_declared = |urn: &Value| declared.contains(urn);
        if !compat.undeclared_schemas && !resource.schemas().iter().all(is_declared) {
            return Err(undeclared(schema));
        }
        let members = rows.into_iter().rev().find_map(|op| match op {
            MemberOp::Replace(members) => Some(members),
            _ => None,
        });
        Ok(Parsed { resource, members, dropped })
    }

    /// A resource that this module made and that has been stored since.
    pub const fn from_stored(fields: Map<String, Value>) -> Self {
        Self(fields)
    }

    /// The attributes, `schemas` first.
    pub const fn as_map(&self) -> &Map<String, Value> {
        &self.0
    }

    /// The attributes, `schemas` first.
    pub fn into_map(self) -> Map<String, Value> {
        self.0
    }

    /// The value at a canonical path, such as `userName`, `name.familyName` or
    /// `urn:…:User:department`.
    pub fn value(&self, path: &str) -> Option<&Value> {
        let (value, sub) = self.attribute(path)?;
        sub.map_or(Some(value), |sub| value.get(sub))
    }

    /// The values at a canonical path one by one: of an attribute that has several, all of them, and
    /// of a part of such a one, that of each.
    pub fn values<'r>(&'r self, path: &'r str) -> impl Iterator<Item = &'r Value> {
        self.attribute(path).into_iter().flat_map(|(value, sub)| {
            let parts = each(value).iter().filter_map(move |one| match sub {
                Some(sub) => one.get(sub),
                None => Some(one),
            });
            parts.flat_map(each)
        })
    }

    /// The value of the attribute that a canonical path begins with, and the name behind it.
    fn attribute<'p>(&self, path: &'p str) -> Option<(&Value, Option<&'p str>)> {
        let (urn, names) = split_urn(path);
        let (name, sub) = split_sub(names);
        let fields = urn.map_or(Some(&self.0), |urn| self.0.get(urn)?.as_object());
        Some((fields?.get(name)?, sub))
    }

    /// The text at a canonical path.
    pub fn text(&self, path: &str) -> Option<&str> {
        self.value(path)?.as_str()
    }

    /// RFC 7643 §4.1.1: whether a user is active, as whoever is not said to be inactive.
    pub fn is_active(&self) -> bool {
        self.0.get("active") != Some(&Value::Bool(false))
    }

    /// RFC 7644 §3.5.1: whether this may take the place of an older state. An immutable attribute
    /// keeps the value that it has, and so does an immutable part of a value that is still there.
    ///
    /// # Errors
    /// `mutability` when such a value differs.
    pub fn succeeds(&self, old: &Self, schema: TypeSchema<'_>) -> Result<(), ScimError> {
        let mut places = attributes(schema)
            .flat_map(|found| {
                let parts = found.attribute.sub_attributes.iter();
                let parts = parts.map(move |sub| Place { found, sub: Some(sub) });
                std::iter::once(found.into()).chain(parts)
            })
            .filter(|place: &Place<'_>| place.attribute().mutability == Mutability::Immutable);
        let changed = places.find(|place| {
            let attribute = place.found.attribute;
            match place.sub.filter(|_| attribute.multi_valued) {
                None => {
                    let path = place.to_string();
                    old.value(&path).is_some_and(|value| self.value(&path) != Some(value))
                }
                Some(sub) => {
                    let path = Place::from(place.found).to_string();
                    let both = old.value(&path).zip(self.value(&path));
                    both.is_some_and(|(old, new)| values::alters(attribute, sub, old, new))
                }
            }
        });
        changed.map_or(Ok(()), |place| {
            Err(place.error(ErrorKind::Mutability, "cannot be changed once it has a value"))
        })
    }

    /// This state with what another has of an attribute, be it nothing.
    #[must_use]
    pub fn keeping(self, path: &str, of: Option<&Self>, schema: TypeSchema<'_>) -> Self {
        self.with(path, of.and_then(|of| of.value(path)).cloned(), schema)
    }

    /// This user, not active.
    #[must_use]
    pub fn deactivated(self, schema: TypeSchema<'_>) -> Self {
        self.with("active", Some(false.into()), schema)
    }

    fn with(self, path: &str, value: Option<Value>, schema: TypeSchema<'_>) -> Self {
        let (urn, name) = split_urn(path);
        let Some(found) = schema.attribute(urn, name) else { return self };
        let mut draft = Draft::new(Request::Whole, schema, &Compat::GENERIC);
        draft.load(self);
        draft.set(found, value);
        draft.finish().resource
    }

    /// OneLogin: marks no address as the primary one, and means the first.
    fn make_first_email_primary(&mut self) {
        let emails = self.0.get_mut("emails").and_then(Value::as_array_mut);
        let Some(emails) = emails else { return };
        let is_primary = |email: &Value| email.get("primary") == Some(&Value::Bool(true));
        if emails.iter().any(is_primary) {
            return;
        }
        if let Some(first) = emails.first_mut().and_then(Value::as_object_mut) {
            first.insert("primary".to_owned(), true.into());
        }
    }

    fn schemas(&self) -> &[Value] {
        self.0.get(SCHEMAS).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }
}

/// A list's values; a single value is a list of one.
fn each(value: &Value) -> &[Value] {
    match value {
        Value::Array(values) => values,
        single => std::slice::from_ref(single),
    }
}

fn each_mut(value: &mut Value) -> &mut [Value] {
    match value {
        Value::Array(values) => values,
        single => std::slice::from_mut(single),
    }
}

/// The paths at which two states of a resource differ, in the schema's order. A complex attribute
/// with one value is named by its sub-attributes.
pub fn changed(old: &Resource, new: &Resource, schema: TypeSchema<'_>) -> Vec<String> {
    let differs = |path: &String| old.value(path) != new.value(path);
    attributes(schema)
        .flat_map(|found| {
            let Found { attribute, .. } = found;
            let by_part = attribute.kind == AttributeType::Complex && !attribute.multi_valued;
            let parts = attribute.sub_attributes.iter().filter(move |_| by_part);
            let whole = (!by_part).then_some(Place { found, sub: None });
            whole.into_iter().chain(parts.map(move |sub| Place { found, sub: Some(sub) }))
        })
        .map(|place| place.to_string())
        .filter(differs)
        .collect()
}

/// The attributes that a stored resource can have, in canonical order.
fn attributes<'a>(schema: TypeSchema<'a>) -> impl Iterator<Item = Found<'a>> {
    let core = schema.common().iter().chain(schema.core());
    let core = core.map(|attribute| Found { extension: None, attribute });
    let extensions = schema.extensions().flat_map(|extension| {
        let urn = Some(extension.id.as_str());
        extension.attributes.iter().map(move |attribute| Found { extension: urn, attribute })
    });
    core.chain(extensions).filter(move |found| {
        let mutability = found.attribute.mutability;
        !matches!(mutability, Mutability::ReadOnly | Mutability::WriteOnly)
            && !is_rows(schema, *found)
    })
}

/// Whether an attribute's values are stored as rows, outside the resource.
fn is_rows(schema: TypeSchema<'_>, found: Found<'_>) -> bool {
    let rows = schema.resource_type.rows.as_deref();
    found.extension.is_none() && rows == Some(found.attribute.name.as_str())
}

/// RFC 7643 §3: the schemas that a body names; in any case, and only those of its type.
fn declared_schemas(
    body: &Map<String, Value>,
    schema: TypeSchema<'_>,
    compat: &Compat,
) -> Result<Vec<Value>, ScimError> {
    let urns = match field(body, SCHEMAS) {
        None | Some(Value::Null) => &[],
        Some(Value::Array(urns)) => urns.as_slice(),
        Some(urn @ Value::String(_)) if compat.single_for_list => std::slice::from_ref(urn),
        Some(_) => return Err(undeclared(schema)),
    };
    let mut declared = Vec::with_capacity(urns.len());
    for urn in urns {
        match urn.as_str().map(|urn| schema_named(schema, urn, compat)) {
            Some(Some(urn)) => declared.push(urn.into()),
            // Entra: URNs of older Microsoft products.
            Some(None) if compat.undeclared_schemas => {}
            _ => return Err(undeclared(schema)),
        }
    }
    Ok(declared)
}

fn undeclared(schema: TypeSchema<'_>) -> ScimError {
    let urn = &schema.resource_type.schema;
    let detail = format!("`schemas` must list `{urn}` and each extension used, and no other");
    ScimError::new(ErrorKind::InvalidSyntax, detail)
}

const SCHEMAS: &str = "schemas";
