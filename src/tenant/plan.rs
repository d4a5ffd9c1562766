//! How a filter is answered: by indexes that find every match, or by reading all documents.
//!
//! A plan may find too many resources, never too few; unless it is exact, the filter is evaluated
//! on each.

use chrono::{DateTime, Datelike as _, Utc};

use super::document::timestamp;
use crate::scim::filter::{Comparand, CompareOp, Predicate, Target};
use crate::scim::schema::{AttributeType, TypeSchema};
use crate::store::resources::{LookupKey, Moment};

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
    /// Those that were created or last changed between two moments.
    Between(Moment, Range),
    /// What any one of these finds, the narrowest first: one that finds too many has others behind it.
    AnyOf(Vec<Self>),
    /// What all of these find together.
    Union(Vec<Self>),
    /// All of the type.
    Scan,
}

/// Moments as documents have them, both inclusive.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Range {
    pub(super) low: Option<String>,
    pub(super) high: Option<String>,
}

impl Plan {
    /// The best plan for a filter on a type; whether it finds exactly the matches.
    pub(super) fn of(predicate: &Predicate, schema: TypeSchema<'_>) -> (Self, bool) {
        match predicate {
            Predicate::And(parts) => {
                let plans = parts.iter().map(|part| Self::of(part, schema).0).collect();
                (Self::conjunction(plans), false)
            }
            Predicate::Or(parts) => {
                let (plans, exact): (Vec<Self>, Vec<bool>) =
                    parts.iter().map(|part| Self::of(part, schema)).unzip();
                match plans.contains(&Self::Scan) {
                    true => (Self::Scan, false),
                    false => (Self::Union(plans), exact.into_iter().all(|exact| exact)),
                }
            }
            Predicate::Compare { target, op, value } => {
                Self::comparison(target, *op, value, schema)
            }
            // A condition on one value of a multi-valued attribute, such as `emails[type eq "work"
            // and value eq …]`. A part of a value has the path that it has in the resource.
            Predicate::Any { predicate, .. } => Self::of(predicate, schema),
            Predicate::Not(_) | Predicate::Present(_) => (Self::Scan, false),
        }
    }

    /// A plan for what all of some plans find. Ranges of one moment become one.
    fn conjunction(plans: Vec<Self>) -> Self {
        let mut narrowed: Vec<Self> = Vec::new();
        for plan in plans {
            match plan {
                Self::Scan => {}
                Self::AnyOf(plans) => narrowed.extend(plans),
                plan => narrowed.push(plan),
            }
        }
        let mut plans: Vec<Self> = Vec::new();
        for plan in narrowed {
            let same = plans.iter_mut().find_map(|other| match (other, &plan) {
                (Self::Between(other, range), Self::Between(moment, more)) if other == moment => {
                    Some((range, more))
                }
                _ => None,
            });
            match same {
                Some((range, more)) => range.narrow(more),
                None => plans.push(plan),
            }
        }
        plans.sort_by_key(Self::width);
        match plans.pop() {
            None => Self::Scan,
            Some(only) if plans.is_empty() => only,
            Some(widest) => {
                plans.push(widest);
                Self::AnyOf(plans)
            }
        }
    }

    /// How many resources a plan can be expected to find: the less the better.
    fn width(&self) -> u8 {
        match self {
            Self::Id(_) => 0,
            Self::Key(_) => 1,
            Self::GroupsOf(_) => 2,
            Self::Prefix(_) => 3,
            Self::Between(_, Range { low: Some(_), high: Some(_) }) => 4,
            Self::Between(..) => 5,
            Self::AnyOf(plans) => plans.first().map_or(6, Self::width),
            Self::Union(plans) => plans.iter().map(Self::width).max().unwrap_or(0),
            Self::Scan => 6,
        }
    }

    fn comparison(
        target: &Target,
        op: CompareOp,
        value: &Comparand,
        schema: TypeSchema<'_>,
    ) -> (Self, bool) {
        let path = target.path();
        let lookup = || schema.resource_type.lookup(&path);
        match (op, value) {
            (CompareOp::Eq, Comparand::Text(text)) if path == "id" => {
                (Self::Id(text.clone()), true)
            }
            (CompareOp::Eq, Comparand::Text(text)) if path == "members.value" => {
                (Self::GroupsOf(text.clone()), true)
            }
            (CompareOp::Eq, value) if let Some(lookup) = lookup() => {
                (Self::Key((lookup.number, value.key())), true)
            }
            (CompareOp::Sw, Comparand::Text(text)) if target.kind != AttributeType::DateTime => {
                match lookup() {
                    Some(lookup) => (Self::Prefix((lookup.number, text.clone())), false),
                    None => (Self::Scan, false),
                }
            }
            (op, Comparand::Instant(instant)) => (Self::between(&path, op, *instant), false),
            _ => (Self::Scan, false),
        }
    }

    /// A comparison with a moment. Documents have whole milliseconds, so that the one in which the
    /// moment lies bounds them on either side.
    fn between(path: &str, op: CompareOp, instant: DateTime<Utc>) -> Self {
        let moment = match path {
            "meta.created" => Moment::Created,
            "meta.lastModified" => Moment::LastModified,
            _ => return Self::Scan,
        };
        let edge = || Some(edge(instant));
        let range = match op {
            CompareOp::Eq => Range { low: edge(), high: edge() },
            CompareOp::Gt | CompareOp::Ge => Range { low: edge(), high: None },
            CompareOp::Lt | CompareOp::Le => Range { low: None, high: edge() },
            CompareOp::Ne | CompareOp::Co | CompareOp::Sw | CompareOp::Ew => return Self::Scan,
        };
        Self::Between(moment, range)
    }
}

impl Range {
    /// Leaves what is also in another.
    fn narrow(&mut self, other: &Self) {
        // No bound is below any low one.
        self.low = self.low.take().max(other.low.clone());
        self.high = match (self.high.take(), &other.high) {
            (Some(one), Some(other)) => Some(one.min(other.clone())),
            (one, other) => one.or_else(|| other.clone()),
        };
    }
}

/// The text of a moment's millisecond. Texts are in the order of their moments as long as a year has
/// four digits, and no document has another.
fn edge(instant: DateTime<Utc>) -> String {
    match instant.year() {
        ..0 => String::new(),
        0..=9_999 => timestamp(instant),
        _ => ":".to_owned(),
    }
}
