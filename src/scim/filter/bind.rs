//! RFC 7644 §3.4.2.2: what a filter means under a schema, and which comparisons mean nothing.
//!
//! Names are resolved against a resource type or, within brackets, against the values of one
//! attribute; literals become values of their attribute's type.

use super::{AttrExp, CompValue, Comparand, CompareOp, Filter, Located, Predicate, Target};
use super::{Test, ValuePath};
use crate::scim::compat::Compat;
use crate::scim::path::{AttrPath, SyntaxError};
use crate::scim::schema::{Attribute, AttributeType, Found, Returned, TypeSchema};
use crate::scim::value::{self, Meaning, Place};

type Bound<T> = Result<T, SyntaxError>;

/// What names refer to, and under which rules.
#[derive(Clone, Copy)]
struct Binder<'a> {
    scope: Scope<'a>,
    compat: &'a Compat,
}

/// What names refer to.
#[derive(Clone, Copy)]
enum Scope<'a> {
    /// The attributes of a resource.
    Resource(TypeSchema<'a>),
    /// The sub-attributes of an attribute's values.
    Values(Found<'a>),
}

impl Filter {
    /// Binds a filter on resources of a type.
    ///
    /// # Errors
    /// When a name is unknown, or its attribute's type does not have the comparison.
    pub fn bind(&self, schema: TypeSchema<'_>, compat: &Compat) -> Bound<Predicate> {
        let binder = Binder { scope: Scope::Resource(schema), compat };
        binder.bind(self).map_err(SyntaxError::in_filter)
    }

    /// Binds the filter in a path's brackets, to be asked of each value of the attribute by
    /// [`Predicate::matches_value`].
    ///
    /// # Errors
    /// As with [`Filter::bind`].
    pub fn bind_values(&self, attribute: &Attribute, compat: &Compat) -> Bound<Predicate> {
        let scope = Scope::Values(Found { extension: None, attribute });
        Binder { scope, compat }.bind(self).map_err(SyntaxError::in_filter)
    }
}

impl<'a> Binder<'a> {
    fn bind(self, filter: &Filter) -> Bound<Predicate> {
        let all = |filters: &[Filter]| -> Bound<Vec<Predicate>> {
            filters.iter().map(|filter| self.bind(filter)).collect()
        };
        Ok(match filter {
            Filter::And(filters) => Predicate::And(all(filters)?),
            Filter::Or(filters) => Predicate::Or(all(filters)?),
            Filter::Not(filter) => Predicate::Not(Box::new(self.bind(filter)?)),
            Filter::AttrExp(exp) => self.bind_attr_exp(exp)?,
            Filter::ValuePath(ValuePath { path, filter }) => {
                // RFC 7643 §2.3.8: a sub-attribute is not complex, so brackets do not nest.
                let (Scope::Resource(_), place @ Place { found, sub: None }) =
                    (self.scope, self.resolve(path)?)
                else {
                    return Err(path.error(format!("`{path}` has no sub-attributes")));
                };
                let predicate =
                    Box::new(Self { scope: Scope::Values(found), ..self }.bind(filter)?);
                Predicate::Any { target: Target::new(place), predicate }
            }
        })
    }

    fn bind_attr_exp(self, AttrExp { path, test }: &AttrExp) -> Bound<Predicate> {
        let mut place = self.resolve(path)?;
        let (op, value) = match test {
            Test::Present => return Ok(Predicate::Present(Target::new(place))),
            Test::Compare(op, value) => (op, value),
        };
        let Some(text) = value.text() else {
            return bind_null(Target::new(place), op);
        };
        if place.attribute().kind == AttributeType::Complex {
            // PingOne, Entra: `emails eq "x"`, `manager eq "x"`. Other complex attributes need
            // their sub-attribute spelled out, as RFC 7644 §3.4.2.2 demands of all of them.
            place.sub = place.attribute().sub("value");
            if place.sub.is_none() {
                return Err(path.error(format!("`{path}` needs a sub-attribute")));
            }
        }
        let target = Target::new(place);
        if !has(target.kind, **op) {
            return Err(op.error(format!("`{path}` has no `{op}`")));
        }
        let fits = self.compat.text_for_other_types || is_of(value, target.kind);
        let comparand = Comparand::parse(text, **op, &target).filter(|_| fits);
        let Some(comparand) = comparand else {
            return Err(value.error(format!("`{path}` takes {}", expected(target.kind))));
        };
        Ok(Predicate::Compare { target, op: **op, value: comparand })
    }

    /// What a path names, if a filter may look at it.
    fn resolve(self, path: &Located<AttrPath>) -> Bound<Place<'a>> {
        let place = match self.scope {
            Scope::Resource(schema) => match value::resolve(schema, path, self.compat) {
                Some(Meaning::Place(place)) => Some(place),
                Some(Meaning::Schema(_)) | None => None,
            },
            Scope::Values(found) => part(found, path),
        };
        let Some(place) = place else {
            return Err(path.error(format!("unknown attribute `{path}`")));
        };
        // RFC 7643 §7 leaves it open whether a filter may look at what is never returned. It would
        // tell a secret bit by bit.
        let secret = |attribute: &Attribute| attribute.returned == Returned::Never;
        if secret(place.found.attribute) || place.sub.is_some_and(secret) {
            return Err(path.error(format!("`{path}` cannot be filtered")));
        }
        Ok(place)
    }
}

/// What a path within brackets names: a part of each value or, of a value that has none, as its
/// `value` the value itself.
fn part<'a>(found: Found<'a>, path: &AttrPath) -> Option<Place<'a>> {
    let AttrPath { urn: None, name, sub: None } = path else { return None };
    if found.attribute.kind != AttributeType::Complex && name.eq_ignore_ascii_case("value") {
        return Some(found.into());
    }
    found.attribute.sub(name).map(|sub| Place { found, sub: Some(sub) })
}

/// RFC 7643 §2.5: `null` is the absence of a value.
fn bind_null(target: Target, op: &Located<CompareOp>) -> Bound<Predicate> {
    match **op {
        CompareOp::Eq => Ok(Predicate::Not(Box::new(Predicate::Present(target)))),
        CompareOp::Ne => Ok(Predicate::Present(target)),
        _ => Err(op.error(format!("`{op}` does not take `null`"))),
    }
}

/// RFC 7644 Table 3: booleans and binary values have no order. Only texts have substrings.
const fn has(kind: AttributeType, op: CompareOp) -> bool {
    match kind {
        AttributeType::Boolean => !op.is_ordering() && !op.is_substring(),
        AttributeType::Binary => !op.is_ordering(),
        AttributeType::Integer | AttributeType::Decimal => !op.is_substring(),
        _ => true,
    }
}

/// RFC 7644 §3.4.2.2: whether a literal is of the type that JSON has for an attribute's.
const fn is_of(literal: &CompValue, kind: AttributeType) -> bool {
    match kind {
        AttributeType::Boolean => matches!(literal, CompValue::Boolean(_)),
        AttributeType::Integer | AttributeType::Decimal => matches!(literal, CompValue::Number(_)),
        _ => matches!(literal, CompValue::String(_)),
    }
}

/// What the literals of a type look like, for those types that not every text fits.
const fn expected(kind: AttributeType) -> &'static str {
    match kind {
        AttributeType::Boolean => "true or false",
        AttributeType::Integer | AttributeType::Decimal => "a number",
        AttributeType::DateTime => "a dateTime such as 2026-01-31T08:00:00Z",
        _ => "a text",
    }
}
