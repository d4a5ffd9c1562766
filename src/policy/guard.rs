//! Roles that must not lose their last holders, and who takes over from a user who goes.

use serde_json::{Value, json};

use super::reading::{is_name, list, object_of};
use crate::limits;
use crate::scim::schema::Fault;

/// A role of which there must be so many active holders.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Guard {
    /// The role, in whatever scope.
    pub role: String,
    /// How many.
    pub min: u32,
}

/// How a successor is looked for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Successor {
    /// The user's manager or, where that one is not active, that one's, and so on.
    Manager,
    /// Who has held a role longest.
    Role(String),
}

impl Guard {
    /// Reads the guards of a document.
    ///
    /// # Errors
    /// Every fault with its place.
    pub(super) fn read_all(value: &Value) -> Result<Vec<Self>, Vec<Fault>> {
        let list = list(value, GUARDS, limits::GUARDS)?;
        let (mut guards, mut faults): (Vec<Self>, Vec<Fault>) = (Vec::new(), Vec::new());
        for (place, value) in list.iter().enumerate() {
            let at = format!("{GUARDS}/{place}");
            let fields = object_of(&["role", "min"], value, &at, &mut faults);
            let Some(fields) = fields else { continue };
            let role = fields.get("role").and_then(Value::as_str).filter(|role| is_name(role));
            if role.is_none() {
                faults.push(Fault::new(format!("{at}/role"), "is no name of a role"));
            }
            let min = fields.get("min").map_or(Some(1), Value::as_u64);
            let min = min.and_then(|min| u32::try_from(min).ok());
            let min = min.filter(|min| (1..=limits::GUARD_MIN).contains(min));
            if min.is_none() {
                faults.push(Fault::new(format!("{at}/min"), "is not 1 to 100"));
            }
            let (Some(role), Some(min)) = (role, min) else { continue };
            if guards.iter().any(|other| other.role == role) {
                faults.push(Fault::new(format!("{at}/role"), "is guarded already"));
            }
            guards.push(Self { role: role.to_owned(), min });
        }
        if faults.is_empty() { Ok(guards) } else { Err(faults) }
    }

    /// What a document says of it.
    pub(super) fn to_json(&self) -> Value {
        json!({ "role": self.role, "min": self.min })
    }

    /// What is told to whom it refuses something.
    pub fn demand(&self) -> String {
        let Self { role, min } = self;
        format!("a guard of the role `{role}` demands that at least {min} active users hold it")
    }
}

impl Successor {
    /// Reads in which order a document has successors looked for.
    ///
    /// # Errors
    /// Every fault with its place.
    pub(super) fn read_all(value: &Value) -> Result<Vec<Self>, Vec<Fault>> {
        let list = list(value, SUCCESSION, limits::GUARDS)?;
        let (mut order, mut faults) = (Vec::new(), Vec::new());
        for (place, value) in list.iter().enumerate() {
            let role = |text: &str| Some(Self::Role(text.strip_prefix("role:")?.to_owned()));
            match value.as_str() {
                Some("manager") => order.push(Self::Manager),
                Some(text) if text.strip_prefix("role:").is_some_and(is_name) => {
                    order.extend(role(text));
                }
                _ => {
                    let at = format!("{SUCCESSION}/{place}");
                    faults.push(Fault::new(at, "is not manager, or role: and a role"));
                }
            }
        }
        if faults.is_empty() { Ok(order) } else { Err(faults) }
    }

    /// What a document, and an event, says of it.
    pub fn name(&self) -> String {
        match self {
            Self::Manager => "manager".to_owned(),
            Self::Role(role) => format!("role:{role}"),
        }
    }
}

const GUARDS: &str = "/guards";
const SUCCESSION: &str = "/succession";
