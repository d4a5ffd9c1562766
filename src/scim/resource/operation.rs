//! What is done to a resource, operation by operation: RFC 7644 §3.5.2.
//!
//! The values of the attribute that is stored as rows are not at hand when a request is read, so
//! what is to be done to them is told, in order, and storage does it.

use crate::scim::filter::Predicate;

/// RFC 7643 §4.2: a member of a group, as a client names it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Member {
    /// The id.
    pub value: String,
    /// The name for people.
    pub display: Option<String>,
}

/// A change to the members of a group.
#[derive(Clone, Debug, PartialEq)]
pub enum MemberOp {
    /// Adds those that are not members.
    Add(Vec<Member>),
    /// Removes those of these ids that are members.
    Remove(Vec<String>),
    /// Removes those members, as values of the attribute, that a predicate matches.
    RemoveWhere(Predicate),
    /// Removes all.
    Clear,
    /// Makes these, and no others, the members.
    Replace(Vec<Member>),
}

/// RFC 7644 §3.5.2: the operations.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::scim) enum Op {
    Add,
    Remove,
    Replace,
}

/// What the request is, where that makes a difference.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::scim) enum Request {
    /// POST and PUT carry a whole resource; what is readOnly in it is ignored (RFC 7644 §3.3).
    Whole,
    /// PATCH says what to change, and what is readOnly cannot be changed (RFC 7644 §3.5.2).
    Patch,
}
