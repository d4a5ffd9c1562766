//! What users have by hand, or are given, where no mapping matches.

use serde_json::{Map, Value};

use super::reading::is_name;
use super::scope_path::ScopePath;
use crate::limits;
use crate::scim::schema::Fault;

/// What becomes of a managed user in a scope where no mapping matches.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Fallback {
    /// Nothing: grants by hand stay.
    #[default]
    Keep,
    /// It holds nothing by hand there.
    Revoke,
    /// It is given a role.
    Role(String),
}

/// The policy: one for most scopes, others for some and what lies below them.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Unmapped {
    /// For all scopes that are not named.
    pub default: Fallback,
    /// For those that are, and below.
    pub scopes: Vec<(ScopePath, Fallback)>,
}

impl Unmapped {
    /// Reads what a document says of it: one value, or one for each scope.
    ///
    /// # Errors
    /// Every fault with its place.
    pub(super) fn read(value: &Value) -> Result<Self, Vec<Fault>> {
        let Value::Object(fields) = value else {
            let default = Fallback::read(value, AT).map_err(|fault| vec![fault])?;
            return Ok(Self { default, scopes: Vec::new() });
        };
        if fields.len() > limits::UNMAPPED_SCOPES {
            let most = limits::UNMAPPED_SCOPES;
            return Err(vec![Fault::new(AT, format!("has more than {most} scopes"))]);
        }
        let (mut unmapped, mut faults) = (Self::default(), Vec::new());
        for (name, value) in fields {
            let at = format!("{AT}/{}", name.replace('~', "~0").replace('/', "~1"));
            let fallback = match Fallback::read(value, &at) {
                Ok(fallback) => fallback,
                Err(fault) => {
                    faults.push(fault);
                    continue;
                }
            };
            match (name.as_str(), ScopePath::parse(name)) {
                ("default", _) => unmapped.default = fallback,
                (_, Some(scope)) => unmapped.scopes.push((scope, fallback)),
                (_, None) => faults.push(Fault::new(at, "is no path such as org/finance")),
            }
        }
        if faults.is_empty() { Ok(unmapped) } else { Err(faults) }
    }

    /// What a document says of it.
    pub(super) fn to_json(&self) -> Value {
        if self.scopes.is_empty() {
            return self.default.name().into();
        }
        let mut fields = Map::new();
        fields.insert("default".to_owned(), self.default.name().into());
        fields
            .extend(self.scopes.iter().map(|(scope, one)| (scope.to_string(), one.name().into())));
        fields.into()
    }

    /// What holds in a scope: the scope that was named, if one covers it, and what was said of it. Of
    /// several, the closest.
    pub fn of(&self, scope: &ScopePath) -> (Option<&ScopePath>, &Fallback) {
        let named = self.scopes.iter().filter(|(named, _)| named.covers(scope));
        named
            .max_by_key(|(named, _)| named.as_str().len())
            .map_or((None, &self.default), |(named, fallback)| (Some(named), fallback))
    }

    /// The roles that are given where no mapping matches, and where that is.
    pub fn roles(&self) -> impl Iterator<Item = (Option<&ScopePath>, &str)> {
        let named = self.scopes.iter().map(|(scope, one)| (Some(scope), one));
        named.chain([(None, &self.default)]).filter_map(|(scope, fallback)| match fallback {
            Fallback::Role(role) => Some((scope, role.as_str())),
            Fallback::Keep | Fallback::Revoke => None,
        })
    }
}

impl Fallback {
    fn read(value: &Value, at: &str) -> Result<Self, Fault> {
        match value.as_str() {
            Some("keep") => Ok(Self::Keep),
            Some("revoke") => Ok(Self::Revoke),
            Some(role) if is_name(role) => Ok(Self::Role(role.to_owned())),
            _ => Err(Fault::new(at, "is not keep, revoke or a role")),
        }
    }

    fn name(&self) -> &str {
        match self {
            Self::Keep => "keep",
            Self::Revoke => "revoke",
            Self::Role(role) => role,
        }
    }
}

const AT: &str = "/unmapped";
