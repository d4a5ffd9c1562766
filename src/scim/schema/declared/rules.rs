//! What a declared schema may be called, and which characteristics go together.

use crate::scim::path::{is_attr_name, is_urn_part};
use crate::scim::schema::{Attribute, AttributeType, Mutability, Returned, Uniqueness};

/// RFC 7643 §7: characteristics that do not go together, each with the member at fault.
pub(super) fn contradictions(
    attribute: &Attribute,
    owner: Option<&Attribute>,
) -> Vec<(&'static str, &'static str)> {
    use AttributeType as Type;
    let is_complex = attribute.kind == Type::Complex;
    let is_unique = attribute.uniqueness != Uniqueness::None;
    let is_found = attribute.searchable || is_unique;
    let mutability = attribute.mutability;
    let owner_is = |test: fn(&Attribute) -> bool| owner.is_some_and(test);
    let never = |one: &Attribute| one.returned == Returned::Never;
    let rules = [
        (is_complex && owner.is_some(), "type", "is complex within a complex attribute"),
        (is_complex && attribute.sub_attributes.is_empty(), "subAttributes", "is missing"),
        (
            !is_complex && !attribute.sub_attributes.is_empty(),
            "subAttributes",
            "belongs to an attribute of type complex",
        ),
        (
            attribute.kind != Type::Reference && !attribute.reference_types.is_empty(),
            "referenceTypes",
            "belongs to an attribute of type reference",
        ),
        (
            is_unique && !matches!(attribute.kind, Type::String | Type::Reference | Type::Integer),
            "uniqueness",
            "is none for all but strings, references and integers",
        ),
        (
            is_found && matches!(attribute.kind, Type::Complex | Type::Boolean | Type::Binary),
            "searchable",
            "is false for complex, boolean and binary attributes",
        ),
        (
            is_found
                && (mutability == Mutability::WriteOnly
                    || owner_is(|o| o.mutability == Mutability::WriteOnly)),
            "mutability",
            "is writeOnly, so that no value is kept that could be found or compared",
        ),
        (
            is_found && (never(attribute) || owner_is(never)),
            "returned",
            "is never, so that nobody may find or compare it",
        ),
        (
            attribute.required && !mutability.keeps_values(),
            "required",
            "is true, but nobody can write a value that is kept",
        ),
    ];
    rules.into_iter().filter(|(fails, ..)| *fails).map(|(_, name, detail)| (name, detail)).collect()
}

/// RFC 7643 §2.1: why a name is none for an attribute.
pub(super) fn unfit_name(name: &str, owner: Option<&Attribute>) -> Option<&'static str> {
    const FOREIGN: [&str; 3] = ["schemas", "id", "meta"];
    if name == "$ref" && owner.is_some() {
        None
    } else if !is_attr_name(name) || name.starts_with('$') {
        Some("is no attribute's name: a letter, then letters, digits, hyphens and underscores")
    } else if owner.is_none() && FOREIGN.iter().any(|other| name.eq_ignore_ascii_case(other)) {
        Some("is the name of an attribute that every resource has")
    } else {
        None
    }
}

/// RFC 8141: why a text is no URN for a tenant's schema.
pub(super) fn unfit_urn(urn: &str) -> Option<&'static str> {
    const RESERVED: [&str; 3] = ["urn:muster:", "urn:ietf:params:scim:api:", "urn:scim:"];
    let lower = urn.to_ascii_lowercase();
    let parts: Vec<&str> = urn.split(':').collect();
    if !lower.starts_with("urn:") || parts.len() < 3 || !parts.iter().all(|part| is_urn_part(part))
    {
        Some(
            "is no URN such as urn:acme:scim:1.0:User, of letters, digits, hyphens, underscores and dots",
        )
    } else if RESERVED.iter().any(|reserved| lower.starts_with(reserved)) {
        Some("begins like the URNs that are not a tenant's to use")
    } else {
        None
    }
}
