//! A condition on a user: a SCIM filter, over the user's attributes and the groups that the user is in.

use serde_json::{Map, Value};

use crate::scim::compat::Compat;
use crate::scim::filter::{Filter, Predicate};
use crate::scim::schema::{Registry, USER};

/// The id, and the name, of the group that everybody is in. Nobody makes or changes it.
pub const EVERYONE: &str = "everyone";

/// A filter that can be asked of users.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    text: String,
    predicate: Predicate,
}

/// What names in conditions refer to: a tenant's schemas, with texts compared exactly or without case.
#[derive(Debug)]
pub struct Vocabulary {
    exact: Registry,
    folded: Registry,
}

impl Vocabulary {
    /// The vocabulary of a tenant with some schemas.
    pub fn of(registry: &Registry) -> Self {
        Self { exact: registry.for_conditions(true), folded: registry.for_conditions(false) }
    }

    /// Reads a condition.
    ///
    /// # Errors
    /// What is wrong with it, and at which column.
    pub fn read(&self, text: &str, case_exact: bool) -> Result<Condition, String> {
        let compat = Compat::STRICT;
        let filter = Filter::parse(text, &compat).map_err(|error| error.to_string())?;
        let registry = if case_exact { &self.exact } else { &self.folded };
        let schema =
            registry.type_numbered(USER).ok_or("cannot be asked, for there are no users")?;
        let predicate = filter.bind(schema, &compat).map_err(|error| error.to_string())?;
        Ok(Condition { text: text.to_owned(), predicate })
    }
}

impl Condition {
    /// The filter as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it holds of a user, whose document has its `groups`.
    pub fn holds(&self, user: &Map<String, Value>) -> bool {
        self.predicate.matches(user)
    }

    /// Whether it looks at groups.
    pub fn asks_for_groups(&self) -> bool {
        self.predicate.mentions("groups")
    }

    /// The bound filter.
    pub fn predicate(&self) -> &Predicate {
        &self.predicate
    }
}
