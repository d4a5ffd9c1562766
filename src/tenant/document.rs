//! A resource's stored document: the canonical resource with its `id` first and its `meta` last.
//!
//! `meta` stands last and lacks `location` so that what a reader adds is appended to the bytes.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};

use crate::scim::resource::Resource;
use crate::store::StoreError;

/// A document that has been read for a change.
#[derive(Clone, Debug)]
pub(super) struct Document {
    /// The id.
    pub(super) id: String,
    /// What the client may write.
    pub(super) resource: Resource,
    /// The name of the resource type.
    pub(super) resource_type: String,
    /// When the resource was created, as shown.
    pub(super) created: String,
    /// When it was last changed; none for what is new.
    pub(super) modified: Option<DateTime<Utc>>,
}

impl Document {
    /// Reads a stored document.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, StoreError> {
        let malformed = || StoreError::new("a stored document is malformed");
        let mut map: Map<String, Value> = serde_json::from_slice(bytes).map_err(|_| malformed())?;
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
        let id = text(map.shift_remove("id").as_ref()).ok_or_else(malformed)?;
        let meta = map.shift_remove("meta").ok_or_else(malformed)?;
        Ok(Self {
            id,
            resource_type: text(meta.get("resourceType")).ok_or_else(malformed)?,
            created: text(meta.get("created")).ok_or_else(malformed)?,
            modified: text(meta.get("lastModified")).and_then(|text| text.parse().ok()),
            resource: Resource::from_stored(map),
        })
    }

    /// Writes the document of a version. A clock may step back; what a resource shows does not.
    pub(super) fn encode(&self, rev: i64, now: DateTime<Utc>) -> Vec<u8> {
        let modified = self.modified.map_or(now, |before| before.max(now));
        let mut map = Map::new();
        let mut rest = self.resource.as_map().clone();
        if let Some(schemas) = rest.shift_remove("schemas") {
            map.insert("schemas".to_owned(), schemas);
        }
        map.insert("id".to_owned(), self.id.as_str().into());
        map.extend(rest);
        let meta = json!({
            "resourceType": self.resource_type,
            "created": self.created,
            "lastModified": timestamp(modified),
            "version": version(rev),
        });
        map.insert("meta".to_owned(), meta);
        Value::Object(map).to_string().into_bytes()
    }
}

/// RFC 7644 §3.14: the version as `meta.version` and the ETag show it.
pub(super) fn version(rev: i64) -> String {
    format!("W/\"{rev}\"")
}

/// RFC 9110 §13.1: whether a condition names a version. Versions are compared weakly.
pub(super) fn matches(condition: &str, etag: &str) -> bool {
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").trim_matches('"').to_owned();
    condition.split(',').any(|tag| tag.trim() == "*" || opaque(tag) == opaque(etag))
}

/// An object with these members, in this order.
pub(super) fn object(members: Vec<(&str, Value)>) -> Map<String, Value> {
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// A time as resources and events show it.
pub(super) fn timestamp(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// A time in milliseconds since the epoch, as resources and events show it.
pub(super) fn moment(millis: i64) -> Option<String> {
    DateTime::from_timestamp_millis(millis).map(timestamp)
}

/// A time in seconds since the epoch, as the API shows it.
pub(super) fn time(seconds: i64) -> Option<String> {
    DateTime::from_timestamp(seconds, 0).map(timestamp)
}
