//! Tenants as KV holds them: the slug, and the record under `tenant:{slug}`.
//!
//! In scope: what a record may say, and what a record becomes when it is edited. Reading and
//! writing KV is `edge`'s business. A malformed record is an error with the faulty field's name,
//! never a guess.

mod cache;
mod config;

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::limits;
pub use cache::{Known, Reading, RecordCache};
pub use config::{Config, ConfigTag};

/// The name of a tenant in URLs, keys and storage: `[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?`.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub struct Slug(String);

/// What KV says of a tenant. Every field is optional: `{}` is a tenant.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TenantRecord {
    /// The name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Whether the tenant is served.
    #[serde(default)]
    pub status: Status,
    /// Where its data must stay; part of its object's identity, never changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jurisdiction: Option<Jurisdiction>,
    /// Where its object is created if possible; never changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<Location>,
    /// The policy document that its object is to hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<Config>,
}

/// Whether a tenant is served.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It is.
    #[default]
    Active,
    /// Every request but those of the deployment's administrator is 403.
    Suspended,
}

/// A jurisdiction that Durable Objects know.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names are the platform's")]
pub enum Jurisdiction {
    Eu,
    Us,
    Fedramp,
}

/// A location hint that Durable Objects know.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names are the platform's")]
pub enum Location {
    Wnam,
    Enam,
    Sam,
    Weur,
    Eeur,
    Apac,
    Oc,
    Afr,
    Me,
}

impl Jurisdiction {
    /// The platform's name for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Eu => "eu",
            Self::Us => "us",
            Self::Fedramp => "fedramp",
        }
    }
}

impl Location {
    /// The platform's name for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Wnam => "wnam",
            Self::Enam => "enam",
            Self::Sam => "sam",
            Self::Weur => "weur",
            Self::Eeur => "eeur",
            Self::Apac => "apac",
            Self::Oc => "oc",
            Self::Afr => "afr",
            Self::Me => "me",
        }
    }
}

/// Why a record, or an edit of one, is refused.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RecordError {
    /// The field at fault; empty when the whole is no JSON object.
    pub field: String,
    /// What is wrong with it.
    pub message: &'static str,
}

/// Slugs that no tenant may have, since they would read as something else in a URL or a log.
const RESERVED: [&str; 8] = ["admin", "api", "internal", "muster", "scim", "system", "v1", "www"];

impl Slug {
    /// Reads a slug; `None` when it is not of the form, or reserved.
    pub fn parse(text: &str) -> Option<Self> {
        let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let well_formed = !text.is_empty()
            && text.len() <= limits::SLUG_CHARACTERS
            && text.bytes().all(inner)
            && !text.starts_with('-')
            && !text.ends_with('-');
        (well_formed && !RESERVED.contains(&text)).then(|| Self(text.to_owned()))
    }

    /// The slug as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The key of the tenant's record in KV.
    pub fn record_key(&self) -> String {
        format!("{RECORD_PREFIX}{}", self.0)
    }

    /// The name of the tenant's Durable Object.
    pub fn object_name(&self) -> String {
        format!("{OBJECT_PREFIX}{}", self.0)
    }

    /// Whose object has this name.
    pub fn of_object(name: &str) -> Option<Self> {
        Self::parse(name.strip_prefix(OBJECT_PREFIX)?)
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What the keys of tenants' records begin with.
pub const RECORD_PREFIX: &str = "tenant:";
const OBJECT_PREFIX: &str = "tenant:";

impl TenantRecord {
    /// Reads a record from KV.
    ///
    /// # Errors
    /// Names the field that is unknown or holds what it may not.
    pub fn parse(bytes: &[u8]) -> Result<Self, RecordError> {
        if bytes.len() > limits::TENANT_RECORD_BYTES {
            return Err(RecordError::new("", "the record is too large"));
        }
        let value = serde_json::from_slice(bytes)
            .map_err(|_| RecordError::new("", "the record is not JSON"))?;
        let Value::Object(fields) = value else {
            return Err(RecordError::new("", "the record is not a JSON object"));
        };
        Self::default().patched(&fields)
    }

    /// The record with some fields set anew (RFC 7396: null removes), each of them whole: in a policy
    /// document null is a value like others.
    ///
    /// # Errors
    /// Names the field that is unknown or holds what it may not.
    pub fn patched(mut self, fields: &Map<String, Value>) -> Result<Self, RecordError> {
        for (name, value) in fields {
            match name.as_str() {
                "displayName" => self.display_name = field(name, value, "is not a text")?,
                "status" => {
                    let status = field(name, value, "is neither active nor suspended")?;
                    self.status = status.unwrap_or_default();
                }
                "jurisdiction" => {
                    self.jurisdiction = field(name, value, "is none of eu, us, fedramp")?;
                }
                "location" => self.location = field(name, value, "is no location hint")?,
                "config" => self.config = Config::read(value)?,
                _ => return Err(RecordError::new(name, "is no field of a tenant's record")),
            }
        }
        if self.display_name.as_ref().is_some_and(|n| n.chars().count() > limits::NAME_CHARACTERS) {
            return Err(RecordError::new("displayName", "is too long"));
        }
        Ok(self)
    }

    /// A new tenant as `POST /v1/tenants` describes it: an `id`, and the record's fields beside it.
    ///
    /// # Errors
    /// Names the field that is unknown or holds what it may not; `id` where that is no slug.
    pub fn described(mut fields: Map<String, Value>) -> Result<(Slug, Self), RecordError> {
        let id = fields.remove("id");
        let slug = id.as_ref().and_then(Value::as_str).and_then(Slug::parse);
        let slug = slug.ok_or_else(|| RecordError::new("id", NO_SLUG))?;
        Ok((slug, Self::default().patched(&fields)?))
    }

    /// The record as `PATCH /v1/tenants/{t}` leaves it. An `id` that changes nothing may be sent,
    /// since reading a tenant shows it.
    ///
    /// # Errors
    /// Names the field that is unknown, holds what it may not, or is fixed.
    pub fn edited(&self, id: &Slug, mut fields: Map<String, Value>) -> Result<Self, RecordError> {
        if fields.remove("id").is_some_and(|sent| sent.as_str() != Some(id.as_str())) {
            return Err(RecordError::new("id", FIXED));
        }
        let edited = self.clone().patched(&fields)?;
        self.moves_to(&edited).map_or(Ok(edited), Err)
    }

    /// Whether `other` would move the tenant's data, which cannot be done.
    pub fn moves_to(&self, other: &Self) -> Option<RecordError> {
        if self.jurisdiction != other.jurisdiction {
            Some(RecordError::new("jurisdiction", FIXED))
        } else if self.location != other.location {
            Some(RecordError::new("location", FIXED))
        } else {
            None
        }
    }

    /// The record as `/v1/tenants` shows it.
    pub fn to_json(&self, id: &Slug) -> Value {
        let mut shown = Map::new();
        shown.insert("id".to_owned(), id.as_str().into());
        if let Ok(Value::Object(fields)) = serde_json::to_value(self) {
            shown.extend(fields);
        }
        Value::Object(shown)
    }

    /// The record as KV holds it.
    pub fn to_kv(&self) -> String {
        serde_json::to_string(self).unwrap_or_else(|_| "{}".to_owned())
    }
}

/// One entry of KV as the list of tenants shows it: without its policy document, which may be long;
/// one that is malformed says why.
pub fn listed(key: &str, value: &str) -> Value {
    let id = key.strip_prefix(RECORD_PREFIX).unwrap_or(key);
    let brief = |record| TenantRecord { config: None, ..record };
    let shown = match Slug::parse(id) {
        Some(slug) => {
            TenantRecord::parse(value.as_bytes()).map(|record| brief(record).to_json(&slug))
        }
        None => Err(RecordError::new("id", NO_SLUG)),
    };
    shown.unwrap_or_else(|error| json!({ "id": id, "error": error.to_string() }))
}

const FIXED: &str = "is fixed when the tenant is created";
const NO_SLUG: &str = "is no tenant's id: a-z, 0-9 and inner hyphens, at most 40, not reserved";

/// One field's value; null means absent.
fn field<T: for<'de> Deserialize<'de>>(
    name: &str,
    value: &Value,
    otherwise: &'static str,
) -> Result<Option<T>, RecordError> {
    Option::<T>::deserialize(value).map_err(|_| RecordError::new(name, otherwise))
}

impl RecordError {
    fn new(field: &str, message: &'static str) -> Self {
        Self { field: field.to_owned(), message }
    }
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.field.is_empty() {
            f.write_str(self.message)
        } else {
            write!(f, "`{}` {}", self.field, self.message)
        }
    }
}

impl std::error::Error for RecordError {}
