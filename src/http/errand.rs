//! What a tenant's object is told of a request beside its URL, method and body.

use serde::{Deserialize, Serialize};

use super::{Headers, Trace};
use crate::auth::Principal;
use crate::registry::ConfigTag;

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
    /// That it is no request of a client, but the edge's own, of the policy document in the tenant's
    /// record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<ConfigStep>,
    /// Whether the tenant has a jurisdiction, which its data must not leave.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub confined: bool,
}

/// How the policy document comes from the tenant's record to its object: by a request of the edge's
/// own, ahead of the first that it hands over once it has read the record. So no body is needed twice,
/// and nothing of what a client asks is begun before.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ConfigStep {
    /// Whether the object wants the document: 200 where it does, 204 where it holds that version or a
    /// later one, or has refused this very document; 404 where there are no tables and not the
    /// administrator asks, who alone makes them.
    Offer {
        /// Which document it is.
        tag: ConfigTag,
        /// Whether the administrator asks.
        founds: bool,
    },
    /// The document, as the body: 204 where it is applied, or of no later version than what is held; a
    /// problem where it is refused.
    Bring {
        /// Which document it is.
        tag: ConfigTag,
        /// Whether the administrator has sent it and is told: then one that is not applied although it
        /// would change something is refused, too, and the log has nothing of it.
        sent: bool,
    },
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
