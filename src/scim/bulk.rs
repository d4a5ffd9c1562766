//! RFC 7644 §3.7: Bulk.
//!
//! In scope: the message, what its operations refer to by `bulkId`, and in which order they run.
//! What an operation does, and what its answer is, is for the one who runs it.

mod order;
mod outline;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

pub use self::outline::{Outline, Part};
use super::compat::Compat;
use super::error::{ErrorKind, ScimError};
use super::message::{field, is_declared, taken};
use super::urn;
use crate::gather::Gather as _;
use crate::limits;

/// The body of a `POST /Bulk`.
#[derive(Clone, Debug, PartialEq)]
pub struct BulkRequest {
    /// How many errors there may be before the operations that are left are not run.
    pub fail_on_errors: Option<usize>,
    /// The operations, as sent.
    pub operations: Vec<BulkOperation>,
}

/// One entry of `Operations`.
#[derive(Clone, Debug, PartialEq)]
pub struct BulkOperation {
    /// What is done.
    pub method: BulkMethod,
    /// The client's own name for what a POST makes.
    pub bulk_id: Option<String>,
    /// The version that the resource must have.
    pub version: Option<String>,
    /// Of what, relative to the SCIM base.
    pub path: String,
    /// The body that the request for this operation alone would have.
    pub data: Option<Value>,
}

/// RFC 7644 §3.7: the methods that an operation may have.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(missing_docs, reason = "the names are HTTP's")]
pub enum BulkMethod {
    Post,
    Put,
    Patch,
    Delete,
}

/// Operations that run together, by their places in the request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Step {
    /// One that refers to nothing, or only to what was made before.
    One(usize),
    /// POSTs that refer to each other in a circle, or one to itself: all of them or none.
    Circle(Vec<usize>),
}

impl Step {
    /// Which operations these are.
    pub fn places(&self) -> &[usize] {
        match self {
            Self::One(place) => std::slice::from_ref(place),
            Self::Circle(places) => places,
        }
    }
}

/// The ids of what was made, by its `bulkId`.
pub type BulkIds = BTreeMap<String, String>;

impl BulkRequest {
    /// Reads the message. What is wrong with one operation alone is for its own answer, unless that
    /// answer could not even name it.
    ///
    /// # Errors
    /// `invalidSyntax` for a malformed message, `invalidValue` for a `failOnErrors` that is no
    /// count, 413 for too many operations.
    pub fn parse(mut body: Map<String, Value>, compat: &Compat) -> Result<Self, ScimError> {
        if !compat.undeclared_schemas && !is_declared(&body, urn::BULK_REQUEST) {
            return Err(malformed(format_args!("`schemas` must be `{}`", urn::BULK_REQUEST)));
        }
        let fail_on_errors = fail_on_errors(field(&body, "failOnErrors"), compat)?;
        let operations = match taken(&mut body, "Operations") {
            Some(Value::Array(operations)) => operations,
            Some(operation @ Value::Object(_)) if compat.single_for_list => vec![operation],
            _ => return Err(malformed("`Operations` must be a list of operations")),
        };
        not_more_than(limits::BULK_OPERATIONS, operations.len())?;
        let numbered = (1_usize..).zip(operations);
        let parse = |(number, operation)| BulkOperation::numbered(number, operation, compat);
        Ok(Self { fail_on_errors, operations: numbered.map(parse).collect::<Result<_, _>>()? })
    }

    /// The operations in the order in which they run: that of the request, but what an operation
    /// refers to comes before it.
    pub fn steps(&self) -> Vec<Step> {
        let posts = self.posts();
        let edges = self.operations.iter().map(|operation| {
            let references = operation.references();
            let places = references.iter().filter_map(|id| posts.get(id.as_str()).copied());
            places.gathered::<BTreeSet<_>>().into_iter().collect()
        });
        order::components(&edges.collect::<Vec<Vec<_>>>())
    }

    /// The POSTs that cannot run for want of a `bulkId` of their own, by their places.
    pub fn misnamed(&self, compat: &Compat) -> BTreeMap<usize, ScimError> {
        let posts = self.posts();
        let fault = |(place, operation): (usize, &BulkOperation)| {
            let detail = match &operation.bulk_id {
                _ if operation.method != BulkMethod::Post => return None,
                // RFC 7644 §3.7: unique within the request; REQUIRED for POST, though only its
                // sender can miss it.
                Some(id) if posts.get(id.as_str()) != Some(&place) => {
                    "is that of another operation"
                }
                None if !compat.unnamed_bulk_posts => "is required",
                _ => return None,
            };
            let error = ScimError::new(ErrorKind::InvalidValue, format!("`bulkId` {detail}"));
            Some((place, error))
        };
        self.operations.iter().enumerate().filter_map(fault).collect()
    }

    /// Which POST makes what a `bulkId` names: the first of that name.
    fn posts(&self) -> BTreeMap<&str, usize> {
        let mut posts = BTreeMap::new();
        for (place, operation) in self.operations.iter().enumerate() {
            if let (BulkMethod::Post, Some(id)) = (operation.method, &operation.bulk_id) {
                posts.entry(id.as_str()).or_insert(place);
            }
        }
        posts
    }
}

impl BulkOperation {
    /// Reads one entry of `Operations`; what is wrong with it is told with its number.
    fn numbered(number: usize, operation: Value, compat: &Compat) -> Result<Self, ScimError> {
        Self::parse(operation, compat)
            .map_err(|fault| malformed(format_args!("operation {number}: {fault}")))
    }

    /// Reads one entry of `Operations`.
    fn parse(operation: Value, compat: &Compat) -> Result<Self, &'static str> {
        let Value::Object(mut fields) = operation else { return Err("must be an object") };
        let mut text = |name, fault| match taken(&mut fields, name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(fault),
        };
        let method = text("method", METHOD)?;
        let method = method.and_then(|text| BulkMethod::parse(&text, compat)).ok_or(METHOD)?;
        let path = text("path", PATH)?.ok_or(PATH)?;
        let bulk_id = text("bulkId", "`bulkId` must be a string")?;
        let version = text("version", "`version` must be a string")?;
        let data = taken(&mut fields, "data").filter(|data| !data.is_null());
        Ok(Self { method, bulk_id, version, path, data })
    }

    /// The `bulkId`s that the operation refers to: in its path, or as a text in its data.
    fn references(&self) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        if let (Some(data), false) = (&self.data, self.method == BulkMethod::Delete) {
            collect(data, &mut found);
        }
        let segment = self.path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        let segment = percent_decode_str(segment).decode_utf8_lossy();
        found.extend(referred(&segment).map(str::to_owned));
        found
    }

    /// The operation with ids in its data in place of all that refers to a `bulkId`.
    ///
    /// # Errors
    /// As [`resolved`].
    pub fn resolved(&self, ids: &BulkIds) -> Result<Self, ScimError> {
        let mut operation = self.clone();
        if let (Some(data), false) = (&mut operation.data, self.method == BulkMethod::Delete) {
            resolve(data, ids)?;
        }
        Ok(operation)
    }

    /// The body that the request for this operation alone would have.
    ///
    /// # Errors
    /// `invalidSyntax` where there is none, or no object.
    pub fn into_body(self) -> Result<Map<String, Value>, ScimError> {
        match self.data {
            Some(Value::Object(body)) => Ok(body),
            Some(_) => Err(malformed("`data` is not an object")),
            // RFC 7644 §3.7: REQUIRED for POST, PUT and PATCH.
            None => Err(malformed("`data` is missing")),
        }
    }
}

impl BulkMethod {
    /// The method's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    fn parse(text: &str, compat: &Compat) -> Option<Self> {
        let methods = [Self::Post, Self::Put, Self::Patch, Self::Delete];
        methods.into_iter().find(|method| compat.is_operation(text, method.name()))
    }
}

/// The id for a text that refers to a `bulkId`; `None` for any other.
///
/// # Errors
/// RFC 7644 §3.7.1: 409 for a reference that nothing made by this request resolves.
pub fn resolved(text: &str, ids: &BulkIds) -> Result<Option<String>, ScimError> {
    let Some(name) = referred(text) else { return Ok(None) };
    let Some(id) = ids.get(name) else {
        let detail = "a reference to a `bulkId` is to nothing that this request has made";
        return Err(ScimError::new(ErrorKind::Conflict, detail));
    };
    Ok(Some(id.clone()))
}

/// The `bulkId` that a text refers to (RFC 7644 §3.7.2).
fn referred(text: &str) -> Option<&str> {
    text.strip_prefix("bulkId:")
}

fn collect(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => found.extend(referred(text).map(str::to_owned)),
        Value::Array(values) => values.iter().for_each(|value| collect(value, found)),
        Value::Object(fields) => fields.values().for_each(|value| collect(value, found)),
        _ => {}
    }
}

fn resolve(value: &mut Value, ids: &BulkIds) -> Result<(), ScimError> {
    match value {
        Value::String(text) => {
            if let Some(id) = resolved(text, ids)? {
                *text = id;
            }
            Ok(())
        }
        Value::Array(values) => values.iter_mut().try_for_each(|value| resolve(value, ids)),
        Value::Object(fields) => fields.values_mut().try_for_each(|value| resolve(value, ids)),
        _ => Ok(()),
    }
}

fn fail_on_errors(value: Option<&Value>, compat: &Compat) -> Result<Option<usize>, ScimError> {
    let count = match value {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Number(number)) => number.as_u64(),
        Some(Value::String(text)) if compat.text_for_other_types => text.parse().ok(),
        Some(_) => None,
    };
    match count.filter(|count| *count > 0) {
        Some(count) => Ok(Some(usize::try_from(count).unwrap_or(usize::MAX))),
        None => {
            let detail = "`failOnErrors` must be a whole number above 0";
            Err(ScimError::new(ErrorKind::InvalidValue, detail))
        }
    }
}

/// RFC 7644 §3.7.4: 413, and the answer names the limit.
fn not_more_than(most: usize, operations: usize) -> Result<(), ScimError> {
    if operations <= most {
        return Ok(());
    }
    let detail = format!("the request exceeds maxOperations ({most})");
    Err(ScimError::new(ErrorKind::PayloadTooLarge, detail))
}

fn malformed(what: impl fmt::Display) -> ScimError {
    ScimError::new(ErrorKind::InvalidSyntax, what.to_string())
}

const METHOD: &str = "`method` must be one of `POST`, `PUT`, `PATCH` and `DELETE`";
const PATH: &str = "`path` must be a string";
