//! What a tenant's object is told of a request beside its URL, method and body.

use serde::{Deserialize, Serialize};

use super::{Headers, Trace};
use crate::auth::Principal;

/// What the edge tells the object, in one header: each one costs as much as all of this.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Errand {
    /// Who asks.
    pub principal: Principal,
    /// What the object's line in the log will say. Without it, the edge tells of the request itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<Trace>,
    /// The headers that matter, of those that were sent.
    #[serde(default, skip_serializing_if = "Headers::is_empty")]
    pub headers: Headers,
}

impl Errand {
    /// The header by which the edge tells the object.
    pub fn encode(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads that header.
    pub fn decode(header: &str) -> Option<Self> {
        serde_json::from_str(header).ok()
    }
}
