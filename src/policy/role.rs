//! Roles of which only so many may be held.

use serde_json::{Map, Value};

use super::reading::{is_name, list, object};
use crate::limits;
use crate::scim::schema::Fault;

/// What is said of a role.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Role {
    /// What the application calls it.
    pub value: String,
    /// What people call it.
    pub display: Option<String>,
    /// How many users may hold it, in whatever scope; any number, where there is none.
    pub max: Option<u32>,
    /// What the others are given in its place.
    pub overflow: Option<String>,
    /// Whether those others get it as soon as it is free.
    pub rebalance: bool,
}

impl Role {
    /// Reads the roles of a document.
    ///
    /// # Errors
    /// Every fault with its place.
    pub(super) fn read_all(value: &Value) -> Result<Vec<Self>, Vec<Fault>> {
        let list = list(value, AT, limits::ROLES)?;
        let (mut roles, mut faults): (Vec<Self>, Vec<Fault>) = (Vec::new(), Vec::new());
        for (place, value) in list.iter().enumerate() {
            let at = format!("{AT}/{place}");
            let Some(role) = Self::read(value, &at, &mut faults) else { continue };
            if roles.iter().any(|other| other.value == role.value) {
                faults.push(Fault::new(format!("{at}/value"), "is that of another role"));
            }
            roles.push(role);
        }
        faults.extend(endless(&roles));
        if faults.is_empty() { Ok(roles) } else { Err(faults) }
    }

    fn read(value: &Value, at: &str, faults: &mut Vec<Fault>) -> Option<Self> {
        let fields = object(value, at, faults)?;
        let mut role = Self {
            value: String::new(),
            display: None,
            max: None,
            overflow: None,
            rebalance: false,
        };
        for (name, value) in fields {
            if let Err(detail) = role.put(name, value) {
                faults.push(Fault::within(at, name, detail));
            }
        }
        if !fields.contains_key("value") {
            faults.push(Fault::new(at, "has no `value`"));
        }
        if role.max.is_none() && (role.overflow.is_some() || role.rebalance) {
            faults.push(Fault::new(at, "has no `max` that could be reached"));
        }
        Some(role)
    }

    fn put(&mut self, name: &str, value: &Value) -> Result<(), &'static str> {
        let role = || {
            let text = value.as_str().filter(|text| is_name(text)).map(str::to_owned);
            text.ok_or("is no name of 1 to 200 characters")
        };
        match (name, value) {
            ("display" | "max" | "overflow", Value::Null) => {}
            ("value", _) => self.value = role()?,
            ("display", _) => self.display = Some(role()?),
            ("overflow", _) => self.overflow = Some(role()?),
            ("max", _) => {
                let max = value.as_u64().and_then(|max| u32::try_from(max).ok());
                let max = max.filter(|max| *max <= limits::ROLE_HOLDERS);
                self.max = Some(max.ok_or("is not 0 to 1000000")?);
            }
            ("rebalance", Value::Bool(rebalance)) => self.rebalance = *rebalance,
            ("rebalance", _) => return Err("is not true or false"),
            _ => return Err("is not known to this version"),
        }
        Ok(())
    }

    /// What a document says of it.
    pub fn to_json(&self) -> Value {
        let mut fields = Map::new();
        fields.insert("value".to_owned(), self.value.as_str().into());
        if let Some(display) = &self.display {
            fields.insert("display".to_owned(), display.as_str().into());
        }
        if let Some(max) = self.max {
            fields.insert("max".to_owned(), max.into());
            fields.insert("rebalance".to_owned(), self.rebalance.into());
        }
        if let Some(overflow) = &self.overflow {
            fields.insert("overflow".to_owned(), overflow.as_str().into());
        }
        fields.into()
    }
}

/// Roles whose overflow leads back to themselves.
fn endless(roles: &[Role]) -> Vec<Fault> {
    let next = |value: &str| {
        let role = roles.iter().find(|role| role.value == value)?;
        role.overflow.as_deref()
    };
    let leads_back = |role: &Role| {
        let mut at = role.overflow.as_deref();
        for _ in roles {
            if at == Some(role.value.as_str()) {
                return true;
            }
            at = at.and_then(next);
        }
        false
    };
    let found = roles.iter().enumerate().filter(|(_, role)| leads_back(role));
    found
        .map(|(place, _)| Fault::new(format!("{AT}/{place}/overflow"), "leads back to the role"))
        .collect()
}

const AT: &str = "/roles";
