//! `authority`: whose word counts for attributes of users that a connection manages.

use serde_json::{Map, Value};

use super::reading::{object, written};
use crate::limits;
use crate::scim::schema::{Fault, TypeSchema};

/// Attributes with those whose word counts. Of any other, everybody's does.
#[derive(Clone, Debug, Default)]
pub struct Authority(Vec<(String, Owner)>);

/// Whose word counts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Owner {
    /// That of the connection that manages the user; keys without one change nothing of it.
    Idp,
    /// That of keys without a connection; what a connection says is ignored.
    Admin,
    /// Everybody's; where a key without a connection changes it, the event says so.
    Shared,
}

/// Its name in the policy document.
pub(super) const NAME: &str = "authority";

impl Authority {
    /// Reads what a policy document says; faults are added to those there are.
    pub(super) fn read(value: &Value, users: TypeSchema<'_>, faults: &mut Vec<Fault>) -> Self {
        let Some(fields) = object(value, "/authority", faults) else { return Self::default() };
        if fields.len() > limits::ATTRIBUTE_RULES {
            let most = limits::ATTRIBUTE_RULES;
            faults.push(Fault::new("/authority", format_args!("has more than {most} entries")));
            return Self::default();
        }
        let mut named: Vec<(String, Owner)> = Vec::new();
        for (name, owner) in fields {
            let at = format!("/authority/{}", name.replace('~', "~0").replace('/', "~1"));
            let Some(path) = written(&Value::from(name.as_str()), &at, users, faults) else {
                continue;
            };
            let Some(owner) = owner.as_str().and_then(Owner::of) else {
                faults.push(Fault::new(at, "is none of idp, admin, shared"));
                continue;
            };
            let path = path.to_string();
            let leaf = users.leaf(&path).filter(|_| !path.contains(['.', '[']) || is_urn(&path));
            if leaf.is_none_or(|leaf| leaf.required) {
                faults.push(Fault::new(at, "is no attribute as a whole that users may lack"));
            } else if named.iter().any(|(other, _)| *other == path) {
                faults.push(Fault::new(at, "is there already"));
            } else {
                named.push((path, owner));
            }
        }
        Self(named)
    }

    /// What the document says of it.
    pub(super) fn to_json(&self) -> Value {
        let named = self.0.iter().map(|(path, owner)| (path.clone(), owner.name().into()));
        Value::Object(named.collect::<Map<_, _>>())
    }

    /// The attributes that are somebody's.
    pub fn of(&self, owner: Owner) -> impl Iterator<Item = &str> {
        let owned = self.0.iter().filter(move |(_, one)| *one == owner);
        owned.map(|(path, _)| path.as_str())
    }
}

impl Owner {
    const ALL: [Self; 3] = [Self::Idp, Self::Admin, Self::Shared];

    fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == name)
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Idp => "idp",
            Self::Admin => "admin",
            Self::Shared => "shared",
        }
    }
}

/// Whether the dots of a path are those of a schema's URN, and no part is named behind them.
fn is_urn(path: &str) -> bool {
    path.rsplit_once(':').is_some_and(|(_, name)| !name.contains(['.', '[']))
}
