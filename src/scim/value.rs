//! RFC 7643 §2.2 to §2.5: which attribute a name means, and what its value must look like.
//!
//! [`Reader`] is the one reading of values for POST, PUT and PATCH: JSON as sent becomes canonical
//! values, or none where it leaves the attribute unassigned. How values are put together into a
//! resource is `resource`'s business.

use std::collections::BTreeSet;
use std::fmt;

use chrono::DateTime;
use serde_json::{Map, Number, Value};

use super::compat::Compat;
use super::error::{ErrorKind, ScimError};
use super::path::AttrPath;
use super::schema::{Attribute, AttributeType, Found, Mutability, TypeSchema};
use super::urn;

#[cfg(test)]
mod tests;

/// Where a value belongs: to an attribute, or to a sub-attribute of one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    pub(super) found: Found<'a>,
    pub(super) sub: Option<&'a Attribute>,
}

/// What an attribute path means for a resource type.
#[derive(Clone, Copy, Debug)]
pub(super) enum Meaning<'a> {
    /// Everything that the schema of this URN defines.
    Schema(&'a str),
    /// One attribute or sub-attribute.
    Place(Place<'a>),
}

/// RFC 7643 §2.3: one value of an attribute.
#[derive(Clone, Debug)]
pub(super) enum Element<'a> {
    /// A value that is not complex.
    Simple(Value),
    /// The parts of a complex value that are named.
    Complex(Parts<'a>),
}

/// Sub-attributes to write, each with its value or `None` where it is cleared.
pub(super) type Parts<'a> = Vec<(&'a Attribute, Option<Value>)>;

/// Reads values under a client's [`Compat`] and notes the attributes that no schema knows.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    compat: &'a Compat,
    dropped: BTreeSet<String>,
}

impl Element<'_> {
    /// Whether there is a value in it, and not only parts to clear.
    pub(super) fn has_value(&self) -> bool {
        match self {
            Self::Simple(_) => true,
            Self::Complex(parts) => parts.iter().any(|(_, value)| value.is_some()),
        }
    }

    /// The value of a sub-attribute that it names.
    pub(super) fn part(&self, name: &str) -> Option<&Value> {
        let Self::Complex(parts) = self else { return None };
        parts.iter().rev().find(|(sub, _)| sub.name == name).and_then(|(_, value)| value.as_ref())
    }
}

impl<'a> Place<'a> {
    /// The attribute that the value itself belongs to.
    pub(super) fn attribute(self) -> &'a Attribute {
        self.sub.unwrap_or(self.found.attribute)
    }

    /// Whether only the server writes here.
    pub(super) fn is_read_only(self) -> bool {
        let is_read_only = |attribute: &Attribute| attribute.mutability == Mutability::ReadOnly;
        is_read_only(self.found.attribute) || self.sub.is_some_and(is_read_only)
    }

    /// An error about this place; `what` completes a sentence that starts with its path.
    pub(super) fn error(self, kind: ErrorKind, what: impl fmt::Display) -> ScimError {
        ScimError::new(kind, format!("`{self}` {what}"))
    }

    fn invalid(self, what: &str) -> ScimError {
        self.error(ErrorKind::InvalidValue, what)
    }
}

impl<'a> From<Found<'a>> for Place<'a> {
    fn from(found: Found<'a>) -> Self {
        Self { found, sub: None }
    }
}

/// The canonical path, such as `userName`, `emails.value` or `urn:…:User:department`.
impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(urn) = self.found.extension {
            write!(f, "{urn}:")?;
        }
        f.write_str(&self.found.attribute.name)?;
        self.sub.map_or(Ok(()), |sub| write!(f, ".{}", sub.name))
    }
}

/// What a path means, if a schema of the type knows it. RFC 7644 §3.10: the URN of an extension
/// should stand before its attribute, and need not.
pub(super) fn resolve<'a>(
    schema: TypeSchema<'a>,
    path: &AttrPath,
    compat: &Compat,
) -> Option<Meaning<'a>> {
    let AttrPath { urn, name, sub } = path;
    let named = |urn: &str| schema_named(schema, urn, compat);
    // The last part of a schema's URN reads as an attribute's name, or as two.
    let dotted = sub.as_ref().zip(urn.as_ref());
    if let Some(urn) = dotted.and_then(|(sub, urn)| named(&format!("{urn}:{name}.{sub}"))) {
        return Some(Meaning::Schema(urn));
    }
    let whole = urn.as_ref().and_then(|urn| named(&format!("{urn}:{name}")));
    match (whole, sub) {
        (Some(urn), None) => return Some(Meaning::Schema(urn)),
        // Entra: before 2018 a dot stood between an extension's URN and its attribute.
        (Some(urn), Some(name)) if compat.dotted_urns => {
            return Some(Meaning::Place(schema.attribute(Some(urn), name)?.into()));
        }
        _ => {}
    }
    let urn = urn.as_ref().map(|urn| named(urn).unwrap_or(urn));
    let found = schema.attribute(urn, name)?;
    Some(Meaning::Place(match sub {
        None => found.into(),
        Some(name) => Place { found, sub: Some(sub_attribute(found.attribute, name, compat)?) },
    }))
}

/// The canonical URN of the type's core schema or of an extension.
pub(super) fn schema_named<'a>(
    schema: TypeSchema<'a>,
    urn: &str,
    compat: &Compat,
) -> Option<&'a str> {
    let core = schema.resource_type.schema.as_str();
    let is = |other: &str| urn.eq_ignore_ascii_case(other);
    // Google, OneLogin: URNs of SCIM 1.1.
    if is(core) || compat.scim_1_urns && is(urn::SCIM_1_CORE) {
        return Some(core);
    }
    let is_legacy = compat.scim_1_urns && is(urn::SCIM_1_ENTERPRISE_USER);
    let urn = if is_legacy { urn::ENTERPRISE_USER } else { urn };
    schema.extension(urn).map(|extension| extension.id.as_str())
}

/// The sub-attribute of a name, or of a name that clients use in its place.
fn sub_attribute<'a>(
    attribute: &'a Attribute,
    name: &str,
    compat: &Compat,
) -> Option<&'a Attribute> {
    let is_alias = |[owner, alias, _]: &&[&str; 3]| {
        compat.aliases && attribute.name == *owner && name.eq_ignore_ascii_case(alias)
    };
    let meant = || ALIASES.iter().find(is_alias).and_then(|[.., meant]| attribute.sub(meant));
    attribute.sub(name).or_else(meant)
}

impl<'a> Reader<'a> {
    /// A reader that has read nothing yet.
    pub(super) const fn new(compat: &'a Compat) -> Self {
        Self { compat, dropped: BTreeSet::new() }
    }

    /// What is forgiven of the client.
    pub(super) const fn compat(&self) -> &'a Compat {
        self.compat
    }

    /// The paths of the attributes that no schema knows, each once.
    pub(super) fn into_dropped(self) -> Vec<String> {
        self.dropped.into_iter().collect()
    }

    /// Notes an attribute that no schema knows, or refuses it.
    pub(super) fn unknown(&mut self, kind: ErrorKind, path: String) -> Result<(), ScimError> {
        if !self.compat.unknown_attributes {
            return Err(ScimError::new(kind, format!("no schema knows `{path}`")));
        }
        self.dropped.insert(path);
        Ok(())
    }

    /// The values sent for an attribute; none where they leave it unassigned.
    pub(super) fn elements(
        &mut self,
        place: Place<'a>,
        value: Value,
    ) -> Result<Vec<Element<'a>>, ScimError> {
        let values = self.listed(place, value)?;
        let elements = values.into_iter().map(|value| self.element(place, value));
        elements.filter_map(Result::transpose).collect()
    }

    /// One value of an attribute.
    pub(super) fn element(
        &mut self,
        place: Place<'a>,
        value: Value,
    ) -> Result<Option<Element<'a>>, ScimError> {
        let attribute = place.found.attribute;
        let value = self.single(value);
        if self.is_nothing(attribute, &value) {
            return Ok(None);
        }
        if attribute.kind != AttributeType::Complex {
            let value = if self.compat.single_for_list { unwrapped(value) } else { value };
            return Ok(self.simple(place, value)?.map(Element::Simple));
        }
        let value = if self.compat.json_in_text { unpacked(value) } else { value };
        match (value, attribute.sub("value")) {
            (Value::Object(fields), _) => self.parts(place, fields).map(Some),
            // Entra: a manager as a bare text.
            (bare, Some(sub)) if self.compat.single_for_list && !bare.is_array() => {
                let value = self.simple(Place { sub: Some(sub), ..place }, bare)?;
                Ok(value.map(|value| Element::Complex(vec![(sub, Some(value))])))
            }
            _ => Err(place.invalid("must be an object")),
        }
    }

    /// The value of a sub-attribute.
    pub(super) fn part(&self, place: Place<'_>, value: Value) -> Result<Option<Value>, ScimError> {
        if !place.attribute().multi_valued {
            return self.simple(place, self.single(value));
        }
        let values = self.listed(place, value)?.into_iter().map(|value| self.simple(place, value));
        let values = values.filter_map(Result::transpose).collect::<Result<Vec<_>, _>>()?;
        Ok((!values.is_empty()).then_some(Value::Array(values)))
    }

    fn parts(
        &mut self,
        place: Place<'a>,
        fields: Map<String, Value>,
    ) -> Result<Element<'a>, ScimError> {
        let mut parts = Vec::with_capacity(fields.len());
        for (name, value) in fields {
            match sub_attribute(place.found.attribute, &name, self.compat) {
                None => self.unknown(ErrorKind::InvalidSyntax, format!("{place}.{name}"))?,
                // RFC 7644 §3.3: what only the server writes is ignored.
                Some(sub) if sub.mutability == Mutability::ReadOnly => {}
                Some(sub) => {
                    parts.push((sub, self.part(Place { sub: Some(sub), ..place }, value)?));
                }
            }
        }
        Ok(Element::Complex(parts))
    }

    /// The values of an attribute one by one. RFC 7643 §2.5: `null` is as good as no values.
    fn listed(&self, place: Place<'_>, value: Value) -> Result<Vec<Value>, ScimError> {
        let multi_valued = place.attribute().multi_valued;
        match value {
            Value::Null => Ok(Vec::new()),
            Value::Array(values) if multi_valued => Ok(values),
            // OneLogin: `emails` as one object.
            value if !multi_valued || self.compat.single_for_list => Ok(vec![value]),
            _ => Err(place.invalid("must be a list")),
        }
    }

    /// Entra: a list of one in place of a single value. A longer list stays one, and fits nothing.
    pub(super) fn single(&self, mut value: Value) -> Value {
        match &mut value {
            Value::Array(values) if self.compat.single_for_list && values.len() < 2 => {
                values.pop().unwrap_or_default()
            }
            _ => value,
        }
    }

    /// RFC 7643 §2.5: whether a value leaves its attribute unassigned.
    fn is_nothing(&self, attribute: &Attribute, value: &Value) -> bool {
        match value {
            Value::Null => true,
            // Entra, OneLogin: the empty text clears an attribute of any type.
            Value::String(text) => {
                text.is_empty() && (attribute.is_textual() || self.compat.text_for_other_types)
            }
            _ => false,
        }
    }

    /// RFC 7643 §2.3: a value that is not complex.
    fn simple(&self, place: Place<'_>, value: Value) -> Result<Option<Value>, ScimError> {
        use AttributeType as Type;
        let (attribute, lenient) = (place.attribute(), self.compat.text_for_other_types);
        if self.is_nothing(attribute, &value) {
            return Ok(None);
        }
        let fitting = match (attribute.kind, value) {
            (Type::String | Type::Reference | Type::Binary, value @ Value::String(_)) => {
                Some(value)
            }
            (Type::Boolean, value @ Value::Bool(_)) => Some(value),
            (Type::Decimal, value @ Value::Number(_)) => Some(value),
            (Type::Integer, value) if value.is_i64() || value.is_u64() => Some(value),
            (Type::DateTime, Value::String(text)) => {
                DateTime::parse_from_rfc3339(&text).is_ok().then_some(Value::String(text))
            }
            // Clients differ in whether `employeeNumber` is a number. One that is not kept to the last
            // digit is refused rather than stored as another.
            (Type::String, Value::Number(number)) if lenient && !number.is_f64() => {
                Some(number.to_string().into())
            }
            (kind, Value::String(text)) if lenient => from_text(kind, &text),
            _ => None,
        };
        fitting.map(Some).ok_or_else(|| place.invalid(expectation(attribute.kind)))
    }
}

/// `{"value": x}` is `x`: the form that the values of complex attributes have.
fn unwrapped(mut value: Value) -> Value {
    match &mut value {
        Value::Object(fields) if fields.len() == 1 => {
            fields.get_mut("value").map(Value::take).unwrap_or(value)
        }
        _ => value,
    }
}

/// Entra: a role as JSON in a text, which is the whole of it or its `value`.
fn unpacked(value: Value) -> Value {
    let object = |text: &str| serde_json::from_str::<Map<String, Value>>(text).ok();
    match value {
        Value::String(text) => object(&text).map_or(Value::String(text), Value::Object),
        Value::Object(mut fields) => {
            let packed = fields.get("value").and_then(Value::as_str).and_then(object);
            if let Some(packed) = packed {
                fields.shift_remove("value");
                fields.extend(packed);
            }
            Value::Object(fields)
        }
        value => value,
    }
}

/// Entra, OneLogin: a text in place of a boolean or a number.
fn from_text(kind: AttributeType, text: &str) -> Option<Value> {
    match kind {
        AttributeType::Boolean if text.eq_ignore_ascii_case("true") => Some(true.into()),
        AttributeType::Boolean if text.eq_ignore_ascii_case("false") => Some(false.into()),
        AttributeType::Decimal => text.parse().ok().map(Value::Number),
        AttributeType::Integer => {
            text.parse().ok().filter(|number: &Number| !number.is_f64()).map(Value::Number)
        }
        _ => None,
    }
}

const fn expectation(kind: AttributeType) -> &'static str {
    match kind {
        AttributeType::String | AttributeType::Reference | AttributeType::Binary => {
            "must be a string"
        }
        AttributeType::Boolean => "must be a boolean",
        AttributeType::Decimal => "must be a number",
        AttributeType::Integer => "must be a whole number",
        AttributeType::DateTime => "must be a dateTime such as 2026-01-31T08:00:00Z",
        AttributeType::Complex => "must be an object",
    }
}

/// Attribute, the name that some clients use, and the sub-attribute meant: SCIM 1.1's `managerId`,
/// and a member's `display` called as a user's.
const ALIASES: [[&str; 3]; 2] =
    [["manager", "managerId", "value"], ["members", "displayName", "display"]];
