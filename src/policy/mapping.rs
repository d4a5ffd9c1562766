//! Mappings: which users are given what, by what the identity provider says of them.

use serde_json::{Map, Value};

use super::condition::{Condition, EVERYONE, Vocabulary};
use super::granted::Granted;
use super::reading::{list, object};
use crate::limits;
use crate::scim::filter::{Comparand, Predicate};
use crate::scim::schema::Fault;

/// What happens once, and grants what stays whatever becomes of the condition.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Trigger {
    /// A user is made, however that is.
    UserCreated,
    /// A connection makes a user, or takes one up.
    IdentityLinked,
}

/// Which of the mappings that match count.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum MappingMode {
    /// All of them.
    #[default]
    Union,
    /// The first by priority.
    Highest,
}

/// One mapping.
#[derive(Clone, Debug, PartialEq)]
pub struct Mapping {
    /// What it is called.
    pub id: String,
    /// What has to happen for it, if something has to.
    pub trigger: Option<Trigger>,
    /// The connection whose users alone it is for, if it is for one's.
    pub connection: Option<String>,
    /// What has to hold of a user; of all of them, where there is none.
    pub condition: Option<Condition>,
    /// What it grants.
    pub grants: Vec<Granted>,
    /// Those of a higher one come first.
    pub priority: i64,
    /// Whether texts are compared exactly, or without case.
    pub case_exact: bool,
    /// Whether those behind it are not looked at where it matches.
    pub stop: bool,
}

impl Mapping {
    /// Reads the mappings of a document. Their conditions are asked in a vocabulary.
    ///
    /// # Errors
    /// Every fault with its place.
    pub(super) fn read_all(
        value: &Value,
        vocabulary: &Vocabulary,
    ) -> Result<Vec<Self>, Vec<Fault>> {
        let list = list(value, AT, limits::MAPPINGS)?;
        let mut faults = Vec::new();
        let mut mappings: Vec<Self> = Vec::new();
        for (place, value) in list.iter().enumerate() {
            let at = format!("{AT}/{place}");
            let Some(mapping) = Self::read(value, &at, vocabulary, &mut faults) else { continue };
            if mappings.iter().any(|other| other.id == mapping.id) {
                faults.push(Fault::new(format!("{at}/id"), "is that of another mapping"));
            }
            mappings.push(mapping);
        }
        if faults.is_empty() { Ok(mappings) } else { Err(faults) }
    }

    fn read(
        value: &Value,
        at: &str,
        vocabulary: &Vocabulary,
        faults: &mut Vec<Fault>,
    ) -> Option<Self> {
        let fields = object(value, at, faults)?;
        let mut mapping = Self {
            id: String::new(),
            trigger: None,
            connection: None,
            condition: None,
            grants: Vec::new(),
            priority: 0,
            case_exact: true,
            stop: false,
        };
        for (name, value) in fields {
            if let Err(detail) = mapping.put(name, value, at, faults) {
                faults.push(Fault::within(at, name, detail));
            }
        }
        if !fields.contains_key("id") {
            faults.push(Fault::new(at, "has no `id`"));
        }
        if !fields.contains_key("grants") {
            faults.push(Fault::new(at, "has no `grants`"));
        }
        if mapping.trigger == Some(Trigger::IdentityLinked) && mapping.connection.is_none() {
            faults.push(Fault::new(at, "has no `connection`, to which identities are linked"));
        }
        // Last, since how it is read depends on another field.
        match fields.get("condition") {
            None | Some(Value::Null) => {}
            Some(Value::String(text)) => match vocabulary.read(text, mapping.case_exact) {
                Ok(condition) => mapping.condition = Some(condition),
                Err(detail) => faults.push(Fault::new(format!("{at}/condition"), detail)),
            },
            Some(_) => faults.push(Fault::new(format!("{at}/condition"), "is not a text")),
        }
        Some(mapping)
    }

    /// Takes one field.
    fn put(
        &mut self,
        name: &str,
        value: &Value,
        at: &str,
        faults: &mut Vec<Fault>,
    ) -> Result<(), &'static str> {
        match (name, value) {
            ("condition", _) | ("trigger" | "connection", Value::Null) => {}
            ("id", Value::String(id)) if is_id(id) => self.id.clone_from(id),
            ("id", _) => return Err("is no name of letters, digits, `.`, `_` and `-`, at most 64"),
            ("trigger", value) => {
                let trigger = value.as_str().and_then(Trigger::of);
                self.trigger = Some(trigger.ok_or("is not user.created or identity.linked")?);
            }
            ("connection", Value::String(id)) => self.connection = Some(id.clone()),
            ("connection", _) => return Err("is not a text"),
            ("grants", Value::Array(list)) if !list.is_empty() => {
                if list.len() > limits::GRANTS_PER_MAPPING {
                    return Err("has more than 64");
                }
                let each = list.iter().enumerate();
                self.grants = each
                    .filter_map(|(place, value)| {
                        Granted::read(value, &format!("{at}/grants/{place}"), faults)
                    })
                    .collect();
            }
            ("grants", _) => return Err("is not a list of at least one"),
            ("priority", value) => {
                let number = value.as_i64().filter(|n| n.unsigned_abs() <= limits::PRIORITY);
                self.priority = number.ok_or("is not a whole number of -1000000 to 1000000")?;
            }
            ("caseExact", Value::Bool(exact)) => self.case_exact = *exact,
            ("stop", Value::Bool(stop)) => self.stop = *stop,
            ("caseExact" | "stop", _) => return Err("is not true or false"),
            _ => return Err("is not known to this version"),
        }
        Ok(())
    }

    /// What a document says of it.
    pub fn to_json(&self) -> Value {
        let mut fields = Map::new();
        fields.insert("id".to_owned(), self.id.as_str().into());
        if let Some(trigger) = self.trigger {
            fields.insert("trigger".to_owned(), trigger.name().into());
        }
        if let Some(connection) = &self.connection {
            fields.insert("connection".to_owned(), connection.as_str().into());
        }
        if let Some(condition) = &self.condition {
            fields.insert("condition".to_owned(), condition.text().into());
        }
        let grants = self.grants.iter().map(Granted::to_json);
        fields.insert("grants".to_owned(), grants.collect());
        fields.insert("priority".to_owned(), self.priority.into());
        fields.insert("caseExact".to_owned(), self.case_exact.into());
        fields.insert("stop".to_owned(), self.stop.into());
        fields.into()
    }

    /// The connection whose users it grants something to for becoming such.
    pub fn links(&self) -> Option<&str> {
        let connection = self.connection.as_deref();
        connection.filter(|_| self.trigger == Some(Trigger::IdentityLinked))
    }

    /// Whether it makes users members of groups.
    pub fn grants_groups(&self) -> bool {
        self.grants.iter().any(|granted| granted.group().is_some())
    }

    /// Where a grant comes from that is this mapping's.
    pub fn source(&self) -> String {
        format!("mapping:{}", self.id)
    }

    /// Whether it is for everybody, be it by naming the group that everybody is in.
    pub fn applies_to_all(&self) -> bool {
        match &self.condition {
            None => self.connection.is_none() && self.trigger.is_none(),
            Some(condition) => names_everyone(condition.predicate()),
        }
    }
}

/// Whether a predicate looks for the group that everybody is in.
fn names_everyone(predicate: &Predicate) -> bool {
    match predicate {
        Predicate::And(parts) | Predicate::Or(parts) => parts.iter().any(names_everyone),
        Predicate::Not(part) | Predicate::Any { predicate: part, .. } => names_everyone(part),
        Predicate::Compare { target, value, .. } => {
            target.name == "groups" && *value == Comparand::Text(EVERYONE.to_owned())
        }
        Predicate::Present(_) => false,
    }
}

impl Trigger {
    fn of(name: &str) -> Option<Self> {
        [Self::UserCreated, Self::IdentityLinked].into_iter().find(|one| one.name() == name)
    }

    /// Its name in a document.
    pub const fn name(self) -> &'static str {
        match self {
            Self::UserCreated => "user.created",
            Self::IdentityLinked => "identity.linked",
        }
    }
}

impl MappingMode {
    /// Reads what a document says of it.
    pub(super) fn read(value: &Value) -> Result<Self, Vec<Fault>> {
        match value.as_str() {
            Some("union") => Ok(Self::Union),
            Some("highest") => Ok(Self::Highest),
            _ => Err(vec![Fault::new("/mappingMode", "is not union or highest")]),
        }
    }

    /// What a document says of it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Union => "union",
            Self::Highest => "highest",
        }
    }
}

fn is_id(text: &str) -> bool {
    (1..=limits::MAPPING_ID_CHARACTERS).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

const AT: &str = "/mappings";
