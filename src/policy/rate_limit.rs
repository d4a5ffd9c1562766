//! How many requests a tenant may send.

use serde_json::{Map, Value, json};

use super::reading::unknown;
use crate::limits;
use crate::scim::schema::Fault;

/// What a tenant's requests are held to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RateLimit {
    /// Requests a second that can go on for ever.
    pub per_second: u32,
    /// Requests at once, after a rest.
    pub burst: u32,
}

impl RateLimit {
    /// That of a tenant which has said nothing.
    pub const DEFAULT: Self = Self { per_second: 200, burst: 1_000 };

    /// Reads what a policy document says of it. `null`, or 0 requests a second, is no limit.
    ///
    /// # Errors
    /// Every fault with its place.
    pub(super) fn read(value: &Value) -> Result<Option<Self>, Vec<Fault>> {
        match value {
            Value::Null => Ok(None),
            Value::Object(fields) => Self::of_fields(fields),
            value if value.as_u64() == Some(0) => Ok(None),
            _ => Err(vec![Fault::new(AT, "is not an object, null or 0")]),
        }
    }

    fn of_fields(fields: &Map<String, Value>) -> Result<Option<Self>, Vec<Fault>> {
        let mut faults = Vec::new();
        let Self { mut per_second, mut burst } = Self::DEFAULT;
        for (name, value) in fields {
            let number = match name.as_str() {
                "perSecond" => &mut per_second,
                "burst" => &mut burst,
                _ => {
                    faults.push(unknown(AT, name));
                    continue;
                }
            };
            match value.as_u64().and_then(|value| u32::try_from(value).ok()) {
                Some(value) if value <= limits::RATE_LIMIT => *number = value,
                _ => faults.push(Fault::new(format!("{AT}/{name}"), "is not 0 to 1000000")),
            }
        }
        if per_second > 0 && burst == 0 {
            faults.push(Fault::new(format!("{AT}/burst"), "of 0 would refuse every request"));
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        Ok((per_second > 0).then_some(Self { per_second, burst }))
    }

    /// What the document says of it.
    pub(super) fn to_json(limit: Option<Self>) -> Value {
        limit.map_or(
            Value::Null,
            |Self { per_second, burst }| json!({ "perSecond": per_second, "burst": burst }),
        )
    }
}

const AT: &str = "/rateLimit";
