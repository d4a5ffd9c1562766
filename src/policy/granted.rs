//! What users are given: a role that the application knows, or membership of a group.

use serde_json::{Value, json};

use super::reading::{is_name, object, unknown};
use super::scope_path::ScopePath;
use crate::limits;
use crate::scim::schema::Fault;

/// What is granted.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Granted {
    /// A role, in a scope.
    Role {
        /// The role, as the application calls it.
        role: String,
        /// Where it holds.
        scope: ScopePath,
    },
    /// Membership of the group of this `displayName`.
    Group(String),
}

impl Granted {
    /// Reads what a mapping grants.
    pub(super) fn read(value: &Value, at: &str, faults: &mut Vec<Fault>) -> Option<Self> {
        let fields = object(value, at, faults)?;
        let (mut role, mut group, mut scope) = (None, None, None);
        for (name, value) in fields {
            let place = format!("{at}/{name}");
            match (name.as_str(), value.as_str()) {
                ("role", Some(text)) if is_name(text) => role = Some(text.to_owned()),
                ("group", Some(text)) if is_name(text) => group = Some(text.to_owned()),
                ("role" | "group", _) => {
                    let most = limits::ROLE_CHARACTERS;
                    faults.push(Fault::new(place, format!("is no name of 1 to {most} characters")));
                }
                ("scope", text) => match text.and_then(ScopePath::parse) {
                    Some(path) => scope = Some(path),
                    None => faults.push(Fault::new(place, "is no path such as org/finance")),
                },
                _ => faults.push(unknown(at, name)),
            }
        }
        let has = |name| fields.contains_key(name);
        match (has("role"), has("group")) {
            (true, true) => faults.push(Fault::new(at, "has both `role` and `group`")),
            (false, false) => faults.push(Fault::new(at, "has no `role` and no `group`")),
            (false, true) if has("scope") => {
                faults.push(Fault::new(format!("{at}/scope"), "is not for a group"));
            }
            _ => {}
        }
        let scope = scope.unwrap_or_else(ScopePath::company);
        group.map(Self::Group).or_else(|| Some(Self::Role { role: role?, scope }))
    }

    /// Reads a grant by itself.
    ///
    /// # Errors
    /// Every fault with its place.
    pub fn parse(value: &Value) -> Result<Self, Vec<Fault>> {
        let mut faults = Vec::new();
        match Self::read(value, "", &mut faults) {
            Some(granted) if faults.is_empty() => Ok(granted),
            _ => Err(faults),
        }
    }

    /// What a document says of it.
    pub fn to_json(&self) -> Value {
        match self {
            Self::Role { role, scope } => json!({ "role": role, "scope": scope.as_str() }),
            Self::Group(name) => json!({ "group": name }),
        }
    }

    /// The role, where it is one.
    pub fn role(&self) -> Option<&str> {
        match self {
            Self::Role { role, .. } => Some(role),
            Self::Group(_) => None,
        }
    }

    /// Where it holds, where it is a role.
    pub fn scope(&self) -> Option<&ScopePath> {
        match self {
            Self::Role { scope, .. } => Some(scope),
            Self::Group(_) => None,
        }
    }

    /// The name of the group, where it is one.
    pub fn group(&self) -> Option<&str> {
        match self {
            Self::Role { .. } => None,
            Self::Group(name) => Some(name),
        }
    }
}
