//! How a filter is answered: by an index that finds every match, or by reading all documents.
//!
//! A plan may find too many resources, never too few; unless it is exact, the filter is evaluated
//! on each.

use crate::scim::filter::{Comparand, CompareOp, Predicate, Target};
use crate::scim::schema::{AttributeType, TypeSchema};
use crate::store::resources::LookupKey;

/// Where the resources that may match are found.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Plan {
    /// The one with an id.
    Id(String),
    /// Those that a value finds.
    Key(LookupKey),
    /// Those that a value's beginning finds.
    Prefix(LookupKey),
    /// The groups of which a resource is a member.
    GroupsOf(String),
    /// All of the type.
    Scan,
}

impl Plan {
    /// The best plan for a filter on a type; whether it finds exactly the matches.
    pub(super) fn of(predicate: &Predicate, schema: TypeSchema<'_>) -> (Self, bool) {
        match predicate {
            Predicate::And(parts) => {
                let plans = parts.iter().map(|part| Self::of(part, schema).0);
                (plans.min_by_key(Self::width).unwrap_or(Self::Scan), false)
            }
            Predicate::Compare { target, op, value } => {
                Self::comparison(target, *op, value, schema)
            }
            Predicate::Any { predicate, .. } => Self::element(predicate, schema),
            _ => (Self::Scan, false),
        }
    }

    /// How many resources a plan can be expected to find: the less the better.
    const fn width(&self) -> u8 {
        match self {
            Self::Id(_) => 0,
            Self::Key(_) => 1,
            Self::GroupsOf(_) => 2,
            Self::Prefix(_) => 3,
            Self::Scan => 4,
        }
    }

    fn comparison(
        target: &Target,
        op: CompareOp,
        value: &Comparand,
        schema: TypeSchema<'_>,
    ) -> (Self, bool) {
        let path = target.path();
        let lookup = || schema.resource_type.lookups.iter().find(|lookup| lookup.path == path);
        match (op, value) {
            (CompareOp::Eq, Comparand::Text(text)) if path == "id" => {
                (Self::Id(text.clone()), true)
            }
            (CompareOp::Eq, Comparand::Text(text)) if path == "members.value" => {
                (Self::GroupsOf(text.clone()), true)
            }
            (CompareOp::Eq, value) => match lookup() {
                Some(lookup) => (Self::Key((lookup.number, value.key())), true),
                None => (Self::Scan, false),
            },
            (CompareOp::Sw, Comparand::Text(text)) if target.kind != AttributeType::DateTime => {
                match lookup() {
                    Some(lookup) => (Self::Prefix((lookup.number, text.clone())), false),
                    None => (Self::Scan, false),
                }
            }
            _ => (Self::Scan, false),
        }
    }

    /// A condition on one value of a multi-valued attribute: `emails[type eq "work" and value eq …]`.
    /// A part of a value has the path that it has in the resource.
    fn element(predicate: &Predicate, schema: TypeSchema<'_>) -> (Self, bool) {
        match predicate {
            Predicate::And(_) | Predicate::Compare { .. } => Self::of(predicate, schema),
            _ => (Self::Scan, false),
        }
    }
}
