//! The policy document as its row holds it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::gather::Gather as _;
use crate::policy::Policy;
use crate::store::policies::{self, PolicyRow};
use crate::store::{Sql, StoreError};

/// Reads the policies, or those of a tenant that has never said anything.
pub(super) fn load(sql: &dyn Sql) -> Result<Policy, StoreError> {
    let Some(row) = policies::read(sql)? else { return Ok(Policy::default()) };
    let malformed = || StoreError::new("the stored policies are malformed");
    let document: Map<String, Value> =
        serde_json::from_str(&row.document).map_err(|_| malformed())?;
    let numbers: BTreeMap<String, u8> =
        serde_json::from_str(&row.numbers).map_err(|_| malformed())?;
    Policy::stored(row.version, &document, &numbers).map_err(|_| malformed())
}

/// The row of policies.
pub(super) fn to_row(policy: &Policy) -> PolicyRow {
    let lookups = policy.schemas.iter().flat_map(|schema| &schema.lookups);
    let numbers: BTreeMap<&str, u8> =
        lookups.map(|lookup| (lookup.path.as_str(), lookup.number)).gathered();
    PolicyRow {
        version: policy.version,
        document: policy.to_json().to_string(),
        numbers: json!(numbers).to_string(),
    }
}
