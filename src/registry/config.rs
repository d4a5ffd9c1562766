//! The policy document in a tenant's record: its version, and what tells it from others of that
//! version. What it says is for the tenant's object to read.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::RecordError;
use crate::limits;

/// A policy document as a record holds it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Config(Map<String, Value>);

/// What tells one document from another.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ConfigTag {
    /// Its version.
    pub version: i64,
    /// A digest of the document: one that was refused may be mended without a new version.
    pub digest: String,
}

impl Config {
    /// Reads the field; null is none.
    ///
    /// # Errors
    /// When it is no object, or its version none.
    pub(super) fn read(value: &Value) -> Result<Option<Self>, RecordError> {
        let document = match value {
            Value::Null => return Ok(None),
            Value::Object(document) => document,
            _ => return Err(RecordError::new("config", "is not an object")),
        };
        let is_version = |version: i64| (0..=limits::CONFIG_VERSION).contains(&version);
        if document.get("version").is_some_and(|value| !value.as_i64().is_some_and(is_version)) {
            return Err(RecordError::new("config/version", "is not a whole number from 0 to 2^47"));
        }
        Ok(Some(Self(document.clone())))
    }

    /// The version; 1 where it says none.
    pub fn version(&self) -> i64 {
        self.0.get("version").and_then(Value::as_i64).unwrap_or(1)
    }

    /// Whether it says that there are to be no copies for the edge. They are then not read, so that the
    /// next request brings it to the object.
    pub fn forbids_copies(&self) -> bool {
        self.0.get("edgeReads") == Some(&Value::Bool(false))
    }

    /// What tells it from other documents.
    pub fn tag(&self) -> ConfigTag {
        let digest = format!("{:x}", Sha256::digest(self.to_text()));
        ConfigTag { version: self.version(), digest }
    }

    /// The document.
    pub fn to_text(&self) -> String {
        serde_json::to_string(&self.0).unwrap_or_default()
    }
}
