//! A resource while it is being written: RFC 7644 §3.5.2 on a whole resource.
//!
//! [`Draft::write`] is the one way in. A body, a value without a path and the object of an extension
//! are one write for each of their names, and these may be paths themselves (`name.givenName`,
//! `urn:…:User:department`). What happens within one attribute is `values`' business.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Map, Value};

use super::operation::{MemberOp, Op, Request};
use super::values::{Values, lacking};
use super::{Resource, SCHEMAS, attributes, is_rows};
use crate::limits;
use crate::scim::compat::Compat;
use crate::scim::error::{ErrorKind, ScimError};
use crate::scim::filter::{AttrExp, CompValue, CompareOp, Filter, Path, Test, index_key};
use crate::scim::path::{AttrPath, SyntaxError};
use crate::scim::schema::{Found, Mutability, Schema, TypeSchema};
use crate::scim::value::{Element, Meaning, Parts, Place, Reader, resolve, schema_named};

/// A resource that can be written to.
#[derive(Debug)]
pub(in crate::scim) struct Draft<'a> {
    request: Request,
    pub(super) schema: TypeSchema<'a>,
    pub(super) reader: Reader<'a>,
    values: BTreeMap<Slot<'a>, Value>,
    pub(super) rows: Vec<MemberOp>,
    pub(super) rows_named: usize,
}

/// What a draft has become.
#[derive(Debug)]
pub(in crate::scim) struct Finished {
    pub(in crate::scim) resource: Resource,
    pub(in crate::scim) rows: Vec<MemberOp>,
    pub(in crate::scim) dropped: Vec<String>,
}

/// The URN of an extension, if any, and the name of an attribute.
type Slot<'a> = (Option<&'a str>, &'a str);

impl<'a> Draft<'a> {
    /// A draft without attributes.
    pub(in crate::scim) fn new(
        request: Request,
        schema: TypeSchema<'a>,
        compat: &'a Compat,
    ) -> Self {
        let (values, rows) = (BTreeMap::new(), Vec::new());
        Self { request, schema, reader: Reader::new(compat), values, rows, rows_named: 0 }
    }

    /// Takes over the attributes of a resource.
    pub(in crate::scim) fn load(&mut self, Resource(mut fields): Resource) {
        for found in attributes(self.schema) {
            let home = match found.extension {
                None => Some(&mut fields),
                Some(urn) => fields.get_mut(urn).and_then(Value::as_object_mut),
            };
            if let Some(value) = home.and_then(|home| home.remove(&found.attribute.name)) {
                self.values.insert(slot(found), value);
            }
        }
    }

    /// Gives an attribute a value that is canonical, or none.
    pub(super) fn set(&mut self, found: Found<'a>, value: Option<Value>) {
        self.values.remove(&slot(found));
        self.values.extend(value.map(|value| (slot(found), value)));
    }

    /// The required attributes and parts that have no value; those of an extension, if there is any
    /// of it.
    pub(in crate::scim) fn missing(&self) -> Vec<String> {
        let is_there = |urn: &str| {
            let mut extensions = self.schema.resource_type.schema_extensions.iter();
            extensions.any(|extension| extension.required && extension.schema == urn)
                || self.values.keys().any(|(extension, _)| *extension == Some(urn))
        };
        attributes(self.schema)
            .flat_map(|found| lacking(found, self.values.get(&slot(found))))
            .filter(|place| place.found.extension.is_none_or(is_there))
            .map(|place| place.to_string())
            .collect()
    }

    /// The resource, in the schema's order.
    pub(in crate::scim) fn finish(mut self) -> Finished {
        let mut schemas = vec![Value::from(self.schema.resource_type.schema.as_str())];
        let mut fields = Map::new();
        fields.insert(SCHEMAS.to_owned(), Value::Null);
        for found in attributes(self.schema) {
            let Some(value) = self.values.remove(&slot(found)) else { continue };
            let home = match found.extension {
                None => Some(&mut fields),
                Some(urn) => {
                    let extension = fields.entry(urn).or_insert_with(|| {
                        schemas.push(urn.into());
                        Map::new().into()
                    });
                    extension.as_object_mut()
                }
            };
            if let Some(home) = home {
                home.insert(found.attribute.name.clone(), value);
            }
        }
        fields.insert(SCHEMAS.to_owned(), schemas.into());
        let (resource, dropped) = (Resource(fields), self.reader.into_dropped());
        Finished { resource, rows: self.rows, dropped }
    }

    /// RFC 7644 §3.5.2.1, §3.5.2.3: writes a set of attributes, named within the schema of a URN or
    /// within any. The others stay as they are.
    pub(in crate::scim) fn write_set(
        &mut self,
        op: Op,
        urn: Option<&str>,
        value: Value,
    ) -> Result<(), ScimError> {
        let Value::Object(fields) = self.reader.single(value) else {
            let place = urn.map_or("`value`".to_owned(), |urn| format!("`{urn}`"));
            let detail = format!("{place} must be an object");
            return Err(ScimError::new(ErrorKind::InvalidValue, detail));
        };
        fields.into_iter().try_for_each(|(name, value)| self.write_field(op, urn, &name, value))
    }

    /// Writes to what a path names; `unknown` is the error for what no schema knows.
    pub(in crate::scim) fn write(
        &mut self,
        op: Op,
        path: Path,
        value: Option<Value>,
        unknown: ErrorKind,
    ) -> Result<(), ScimError> {
        let Path { mut attr, filter, sub } = path;
        attr.sub = attr.sub.or(sub);
        let place = match resolve(self.schema, &attr, self.reader.compat()) {
            None => return self.reader.unknown(unknown, attr.to_string()),
            Some(Meaning::Schema(urn)) if filter.is_none() => {
                return self.write_schema(op, urn, value);
            }
            Some(Meaning::Place(place)) => place,
            Some(Meaning::Schema(urn)) => return Err(takes_no_filter(urn)),
        };
        if place.is_read_only() {
            return match self.request {
                Request::Whole => Ok(()),
                Request::Patch => Err(place.error(ErrorKind::Mutability, "is readOnly")),
            };
        }
        if filter.is_some() && !place.found.attribute.multi_valued {
            return Err(takes_no_filter(place));
        }
        if is_rows(self.schema, place.found) {
            self.write_rows(op, place, filter.as_ref(), value)
        } else {
            self.write_values(op, place, filter.as_ref(), value)
        }
    }

    /// Writes what one field of an object holds.
    fn write_field(
        &mut self,
        op: Op,
        urn: Option<&str>,
        name: &str,
        value: Value,
    ) -> Result<(), ScimError> {
        let is = |other: &str| name.eq_ignore_ascii_case(other);
        let core = self.schema.resource_type.schema.as_str();
        // `id`, `meta` and `schemas` come along with whatever a client has read before.
        let mut common = self.schema.common().iter().filter(|_| urn.is_none_or(|urn| urn == core));
        if common.any(|common| is(&common.name) && common.mutability == Mutability::ReadOnly) {
            return Ok(());
        }
        let compat = self.reader.compat();
        // authentik: `null` among other attributes is a list not looked at, no wish to empty it.
        let rows = self.schema.resource_type.rows.iter();
        let mut rows = rows.filter(|_| urn.is_none_or(|urn| urn == core));
        let is_skipped = compat.null_members && self.request == Request::Patch && value.is_null();
        if is_skipped && rows.any(|rows| is(rows)) {
            return Ok(());
        }
        // RFC 7643 §3.3: of the schemas, only extensions have objects of their own.
        let has_object = |schema: &str| compat.paths_as_names || (urn.is_none() && schema != core);
        if let Some(urn) = schema_named(self.schema, name, compat).filter(|urn| has_object(urn)) {
            return self.write_schema(op, urn, Some(value));
        }
        // RFC 7643 §2.1, §3.3: a name is an attribute's, in the object of its schema.
        if !compat.paths_as_names && self.schema.attribute(urn.or(Some(core)), name).is_none() {
            let path = urn.map_or_else(|| name.to_owned(), |urn| format!("{urn}:{name}"));
            return self.reader.unknown(ErrorKind::InvalidSyntax, path);
        }
        match Path::parse(name, compat) {
            Ok(mut path) => {
                path.attr.urn = path.attr.urn.or_else(|| urn.map(str::to_owned));
                self.write(op, path, Some(value), ErrorKind::InvalidSyntax)
            }
            Err(error) if self.knows_before_bracket(name) => Err(error.into_path_error()),
            Err(_) => self.reader.unknown(ErrorKind::InvalidSyntax, name.to_owned()),
        }
    }

    /// Whether what precedes a filter is an attribute, so that a fault in it matters.
    fn knows_before_bracket(&self, name: &str) -> bool {
        let attr = name.split_once('[').and_then(|(attr, _)| AttrPath::parse(attr).ok());
        attr.is_some_and(|attr| resolve(self.schema, &attr, self.reader.compat()).is_some())
    }

    /// Writes to everything that a schema defines, as an object or not at all.
    fn write_schema(&mut self, op: Op, urn: &str, value: Option<Value>) -> Result<(), ScimError> {
        let is_core = urn == self.schema.resource_type.schema;
        let is_read_only = self.schema.extension(urn).is_some_and(Schema::is_read_only);
        if is_read_only && self.request == Request::Patch {
            let detail = format!("`{urn}` is readOnly");
            return Err(ScimError::new(ErrorKind::Mutability, detail));
        }
        match (op, value.unwrap_or_default()) {
            (Op::Remove, _) if is_core => Err(ErrorKind::NoTarget.into()),
            (Op::Remove, _) | (_, Value::Null) if !is_core => {
                self.values.retain(|(extension, _), _| *extension != Some(urn));
                Ok(())
            }
            (_, value) => self.write_set(op, Some(urn), value),
        }
    }

    fn write_values(
        &mut self,
        op: Op,
        place: Place<'a>,
        filter: Option<&Filter>,
        value: Option<Value>,
    ) -> Result<(), ScimError> {
        let Found { attribute, .. } = place.found;
        let mut values = Values::new(attribute, self.values.remove(&slot(place.found)));
        if filter.is_none() && place.sub.is_none() {
            self.write_all(op, place, &mut values, value)?;
        } else {
            self.write_some(op, place, filter, &mut values, value)?;
        }
        // RFC 7643 §7 writeOnly: `password` is for a sign-in that is not here.
        let value = values.finish().filter(|_| attribute.mutability != Mutability::WriteOnly);
        let count = value.as_ref().and_then(Value::as_array).map_or(0, Vec::len);
        if count > limits::VALUES_PER_ATTRIBUTE {
            return Err(too_many(place, limits::VALUES_PER_ATTRIBUTE));
        }
        self.values.extend(value.map(|value| (slot(place.found), value)));
        Ok(())
    }

    /// An operation on an attribute as a whole.
    fn write_all(
        &mut self,
        op: Op,
        place: Place<'a>,
        values: &mut Values<'a>,
        value: Option<Value>,
    ) -> Result<(), ScimError> {
        let multi_valued = place.found.attribute.multi_valued;
        let value = match (op, value) {
            (Op::Remove, Some(listed)) if multi_valued => {
                values.remove(self.reader.elements(place, listed)?);
                return Ok(());
            }
            (Op::Remove, _) => Value::Null,
            (Op::Add | Op::Replace, value) => value.unwrap_or_default(),
        };
        let elements = self.reader.elements(place, value)?;
        if elements.len() > limits::VALUES_PER_ATTRIBUTE {
            return Err(too_many(place, limits::VALUES_PER_ATTRIBUTE));
        }
        let is_primary = |element: &&Element<'_>| element.part("primary") == Some(&true.into());
        let primaries = elements.iter().filter(is_primary).count();
        if primaries > 1 && !self.reader.compat().several_primaries {
            return Err(place.error(ErrorKind::InvalidValue, "has more than one primary value"));
        }
        // RFC 7644 §3.5.2.3: the sub-attributes that a complex value leaves out stay.
        let clears = if multi_valued { op != Op::Add } else { elements.is_empty() };
        if clears {
            values.clear();
        }
        elements.into_iter().for_each(|element| values.add(element));
        Ok(())
    }

    /// An operation on the values that a filter selects (on all, without one), or a part of each.
    fn write_some(
        &mut self,
        op: Op,
        place: Place<'a>,
        filter: Option<&Filter>,
        values: &mut Values<'a>,
        value: Option<Value>,
    ) -> Result<(), ScimError> {
        let predicate =
            filter.map(|filter| filter.bind_values(place.found.attribute, self.reader.compat()));
        let predicate = predicate.transpose().map_err(SyntaxError::into_filter_error)?;
        let mut selected =
            values.positions(|value| predicate.as_ref().is_none_or(|p| p.matches_value(value)));
        // RFC 7644 §3.5.2.3: replacing what the filter does not select is `noTarget`.
        // Entra: it is created as the filter describes it.
        let is_replaced = op == Op::Replace && filter.is_some();
        if is_replaced && selected.is_empty() && !self.reader.compat().create_described_values {
            return Err(ErrorKind::NoTarget.into());
        }
        let value = value.filter(|_| op != Op::Remove).unwrap_or_default();
        let new = match place.sub {
            Some(sub) => Some(Element::Complex(vec![(sub, self.reader.part(place, value)?)])),
            None => self.reader.element(place, value)?,
        };
        let Some(mut new) = new else {
            selected.into_iter().for_each(|index| values.clear_at(index));
            return Ok(());
        };
        let anew = selected.is_empty() || (op == Op::Replace && place.sub.is_none());
        let described = if anew { self.described(place, filter)? } else { None };
        if selected.is_empty() && new.has_value() {
            let describes = |parts: &&Parts<'_>| !contradicts(place, parts, &new);
            described.as_ref().filter(describes).ok_or(ErrorKind::NoTarget)?;
            selected.push(values.end());
        }
        if let (Element::Complex(parts), Some(mut described)) = (&mut new, described) {
            described.append(parts);
            *parts = described;
        }
        for index in selected {
            if anew {
                values.clear_at(index);
            }
            values.write(index, new.clone());
        }
        Ok(())
    }

    /// The parts that a value needs for a filter to select it; `None` where the filter does not
    /// spell them out, being more than equalities.
    fn described(
        &self,
        place: Place<'a>,
        filter: Option<&Filter>,
    ) -> Result<Option<Parts<'a>>, ScimError> {
        let terms = match filter {
            None => &[],
            Some(Filter::And(terms)) => terms.as_slice(),
            Some(term) => std::slice::from_ref(term),
        };
        let mut parts = Parts::with_capacity(terms.len());
        for term in terms {
            let Filter::AttrExp(AttrExp { path, test: Test::Compare(op, literal) }) = term else {
                return Ok(None);
            };
            let sub = place.found.attribute.sub(&path.name);
            let (Some(sub), CompareOp::Eq) = (sub, **op) else { return Ok(None) };
            let value = match &**literal {
                CompValue::Null => Value::Null,
                CompValue::Boolean(boolean) => Value::Bool(*boolean),
                CompValue::String(text) => Value::from(text.as_str()),
                CompValue::Number(text) => {
                    text.parse().map_or_else(|_| text.as_str().into(), Value::Number)
                }
            };
            parts.push((sub, self.reader.part(Place { sub: Some(sub), ..place }, value)?));
        }
        Ok(Some(parts))
    }
}

/// Whether a path sets the very part by which it describes a value to something else, so that what
/// it created would not be what it describes.
fn contradicts(place: Place<'_>, described: &Parts<'_>, new: &Element<'_>) -> bool {
    let key = |part, value: Option<&Value>| value.and_then(|value| index_key(part, value));
    place.sub.is_some_and(|set| {
        let mut parts = described.iter().filter(|(part, _)| part.name == set.name);
        parts.any(|(part, value)| key(part, new.part(&part.name)) != key(part, value.as_ref()))
    })
}

/// RFC 7644 Table 9: more values than are computed with at once.
pub(super) fn too_many(place: Place<'_>, bound: usize) -> ScimError {
    place.error(ErrorKind::TooMany, format_args!("has more than {bound} values"))
}

fn takes_no_filter(place: impl fmt::Display) -> ScimError {
    let detail = format!("`{place}` has not several values, so it takes no filter");
    ScimError::new(ErrorKind::InvalidPath, detail)
}

fn slot(found: Found<'_>) -> Slot<'_> {
    (found.extension, &found.attribute.name)
}
