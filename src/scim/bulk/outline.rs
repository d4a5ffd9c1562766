//! A long Bulk request, which is worked off in parts: of all its operations no more is held in memory
//! than what they refer to.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::value::RawValue;
use serde_json::{Map, Value, from_slice, from_str, json};
use uuid::Uuid;

use super::{BulkIds, BulkOperation, BulkRequest, Step, fail_on_errors, malformed, not_more_than};
use crate::limits;
use crate::scim::compat::Compat;
use crate::scim::error::{ErrorKind, ScimError};
use crate::scim::message::{field, is_declared};
use crate::scim::urn;

/// A Bulk request of which the operations are texts.
#[derive(Debug)]
pub struct Outline<'b> {
    /// How many errors there may be before the operations that are left are not run.
    pub fail_on_errors: Option<usize>,
    texts: Vec<&'b str>,
    /// The operations with what they refer to in place of their data.
    request: BulkRequest,
}

/// Operations that are worked off together.
#[derive(Debug, Default)]
pub struct Part {
    /// The operations, as sent.
    pub operations: Vec<BulkOperation>,
    /// The places of these in the request.
    pub places: Vec<usize>,
    /// The order in which they run, by their places in this part.
    pub steps: Vec<Step>,
    /// Those that cannot run for want of a `bulkId` of their own, by their places in this part.
    pub misnamed: BTreeMap<usize, ScimError>,
    /// What they refer to, and which POST of the request makes it.
    references: Vec<(String, usize)>,
}

impl<'b> Outline<'b> {
    /// Reads the fields of the message, as [`BulkRequest::parse`] does.
    ///
    /// # Errors
    /// The same; 413 also for an operation that is larger than a request of its own may be.
    pub fn parse(
        fields: &BTreeMap<String, &'b RawValue>,
        compat: &Compat,
    ) -> Result<Self, ScimError> {
        let named = |name: &str| {
            let mut fields = fields.iter();
            fields.find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, raw)| raw.get())
        };
        let small = |name: &str| named(name).filter(|text| text.len() <= limits::BODY_BYTES);
        let mut head = Map::new();
        for name in ["schemas", "failOnErrors"] {
            if let Some(value) = small(name).and_then(|text| from_str(text).ok()) {
                head.insert(name.to_owned(), value);
            }
        }
        if !compat.undeclared_schemas && !is_declared(&head, urn::BULK_REQUEST) {
            return Err(malformed(format_args!("`schemas` must be `{}`", urn::BULK_REQUEST)));
        }
        let fail_on_errors = fail_on_errors(field(&head, "failOnErrors"), compat)?;
        let list = named("Operations").unwrap_or_default();
        let texts: Vec<&str> = match from_str::<Vec<&RawValue>>(list) {
            Ok(operations) => operations.into_iter().map(RawValue::get).collect(),
            Err(_) if compat.single_for_list && list.starts_with('{') => vec![list],
            Err(_) => return Err(malformed("`Operations` must be a list of operations")),
        };
        not_more_than(limits::ASYNC_BULK_OPERATIONS, texts.len())?;
        let numbered = (1..).zip(&texts);
        let operations = numbered.map(|(number, text)| outlined(number, text, compat));
        let operations = operations.collect::<Result<_, _>>()?;
        Ok(Self { fail_on_errors, texts, request: BulkRequest { fail_on_errors, operations } })
    }

    /// How many operations there are.
    pub fn operations(&self) -> usize {
        self.texts.len()
    }

    /// The parts in which it is worked off, in their order, each as [`Part::decode`] reads it.
    ///
    /// # Errors
    /// 413 for a circle of more operations than can be done together.
    pub fn parts(
        &self,
        compat: &Compat,
    ) -> Result<impl Iterator<Item = String> + use<'_, 'b>, ScimError> {
        let mut parts: Vec<Vec<Step>> = Vec::new();
        let (mut operations, mut bytes) = (0_usize, 0_usize);
        for step in self.request.steps() {
            let (places, most) = (step.places(), limits::BULK_OPERATIONS);
            if places.len() > most {
                let detail = format!("more than {most} operations refer to each other in a circle");
                return Err(ScimError::new(ErrorKind::PayloadTooLarge, detail));
            }
            let text = |place: &usize| self.texts.get(*place).map_or(0, |text| text.len());
            let (count, size) = (places.len(), places.iter().map(text).sum::<usize>());
            operations = operations.saturating_add(count);
            bytes = bytes.saturating_add(size);
            let fits =
                operations <= limits::ASYNC_STEP_OPERATIONS && bytes <= limits::ASYNC_STEP_BYTES;
            match parts.last_mut().filter(|_| fits) {
                Some(part) => part.push(step),
                None => {
                    (operations, bytes) = (count, size);
                    parts.push(vec![step]);
                }
            }
        }
        let misnamed = self.request.misnamed(compat);
        let posts = self.request.posts();
        Ok(parts.into_iter().map(move |steps| self.encode(&steps, &posts, &misnamed)))
    }

    fn encode(
        &self,
        steps: &[Step],
        posts: &BTreeMap<&str, usize>,
        misnamed: &BTreeMap<usize, ScimError>,
    ) -> String {
        let entry = |place: &usize| {
            let operation = self.request.operations.get(*place);
            let names = operation.map(BulkOperation::references).unwrap_or_default();
            let mut references = Map::new();
            for name in names {
                if let Some(to) = posts.get(name.as_str()) {
                    references.insert(name, (*to).into());
                }
            }
            let references = Value::Object(references);
            let fault = json!(misnamed.get(place).map(ScimError::detail));
            let text = self.texts.get(*place).copied().unwrap_or("null");
            format!("[{place},{references},{fault},{}]", discreet(text))
        };
        let step = |step: &Step| {
            let entries: Vec<String> = step.places().iter().map(entry).collect();
            let circular = matches!(step, Step::Circle(_));
            format!("[{circular},{}]", entries.join(","))
        };
        format!("[{}]", steps.iter().map(step).collect::<Vec<_>>().join(","))
    }
}

impl Part {
    /// Reads a part as it was stored.
    pub fn decode(stored: &[u8]) -> Option<Self> {
        let Value::Array(steps) = from_slice(stored).ok()? else { return None };
        let mut part = Self::default();
        for step in steps {
            let Value::Array(entries) = step else { return None };
            let mut entries = entries.into_iter();
            let circular = entries.next()?.as_bool()?;
            let first = part.places.len();
            for entry in entries {
                part.take(entry)?;
            }
            part.steps.push(if circular {
                Step::Circle((first..part.places.len()).collect())
            } else {
                Step::One(first)
            });
        }
        Some(part)
    }

    /// Reads one operation. What it may look like was seen to when it was sent.
    fn take(&mut self, entry: Value) -> Option<()> {
        let Value::Array(fields) = entry else { return None };
        let [place, references, fault, operation] = <[Value; 4]>::try_from(fields).ok()?;
        if let Value::String(detail) = fault {
            let error = ScimError::new(ErrorKind::InvalidValue, detail);
            self.misnamed.insert(self.places.len(), error);
        }
        for (name, to) in references.as_object()? {
            self.references.push((name.clone(), usize::try_from(to.as_u64()?).ok()?));
        }
        self.operations.push(BulkOperation::parse(operation, &Compat::GENERIC).ok()?);
        self.places.push(usize::try_from(place.as_u64()?).ok()?);
        Some(())
    }

    /// The ids of what this part refers to, of those that were made before: sixteen bytes for each place
    /// of the request, zeros for none.
    pub fn known(&self, ids: &[u8]) -> BulkIds {
        let id = |place: usize| {
            let id = Uuid::from_slice(ids.chunks_exact(ID_BYTES).nth(place)?).ok()?;
            (!id.is_nil()).then(|| id.hyphenated().to_string())
        };
        let mut known = BulkIds::new();
        for (name, to) in &self.references {
            if let Some(id) = id(*to) {
                known.insert(name.clone(), id);
            }
        }
        known
    }

    /// Notes the id of what the operation at a place of this part has made, if another may refer to it.
    pub fn note(&self, ids: &mut [u8], place: usize, id: &str) {
        let is_named = self.operations.get(place).is_some_and(|one| one.bulk_id.is_some());
        let Some((place, id)) = self.places.get(place).zip(Uuid::parse_str(id).ok()) else {
            return;
        };
        if let Some(bytes) = ids.chunks_exact_mut(ID_BYTES).nth(*place).filter(|_| is_named) {
            bytes.copy_from_slice(id.as_bytes());
        }
    }

    /// Room for the ids of so many operations.
    pub fn no_ids(operations: usize) -> Vec<u8> {
        vec![0; operations.saturating_mul(ID_BYTES)]
    }
}

/// One operation, with what it refers to in place of its data.
fn outlined(number: usize, text: &str, compat: &Compat) -> Result<BulkOperation, ScimError> {
    if text.len() > limits::BODY_BYTES {
        let most = limits::BODY_BYTES;
        let detail = format!("operation {number}: it has more than {most} bytes");
        return Err(ScimError::new(ErrorKind::PayloadTooLarge, detail));
    }
    let operation = from_str(text);
    let operation =
        operation.map_err(|_| malformed(format_args!("operation {number}: it is not JSON")))?;
    let operation = BulkOperation::numbered(number, operation, compat)?;
    let names = operation.references().into_iter();
    let data = names.map(|name| Value::from(format!("bulkId:{name}"))).collect();
    Ok(BulkOperation { data: Some(data), ..operation })
}

const ID_BYTES: usize = 16;

/// An operation as it may be stored: a password is taken and forgotten (RFC 7643 §4.1.1), so that what is
/// kept until it is done has another text in its place.
fn discreet(text: &str) -> Cow<'_, str> {
    // An escape may be part of the word.
    let may_have_one = text.to_ascii_lowercase().contains(PASSWORD) || text.contains("\\u");
    match from_str::<Value>(text) {
        Ok(mut operation) if may_have_one => {
            hide_passwords(&mut operation);
            Cow::Owned(operation.to_string())
        }
        _ => Cow::Borrowed(text),
    }
}

fn hide_passwords(value: &mut Value) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(hide_passwords),
        Value::Object(fields) => {
            let is_path = |(name, path): (&String, &Value)| {
                name.eq_ignore_ascii_case("path") && path.as_str().is_some_and(is_password)
            };
            let is_of_password = fields.iter().any(is_path);
            for (name, value) in fields {
                let is_value = is_of_password && name.eq_ignore_ascii_case("value");
                if is_value || is_password(name) { hide(value) } else { hide_passwords(value) }
            }
        }
        _ => {}
    }
}

/// Whether a path is that of the password, whatever stands before it.
fn is_password(path: &str) -> bool {
    path.trim().to_ascii_lowercase().ends_with(PASSWORD)
}

/// Puts something in the place of a value that is refused, or taken, in the same way.
fn hide(value: &mut Value) {
    *value = match value {
        Value::String(text) if text.is_empty() => return,
        Value::String(_) => "hidden".into(),
        Value::Number(_) => 0.into(),
        Value::Array(_) => Value::Array(Vec::new()),
        Value::Object(_) => Value::Object(Map::new()),
        Value::Null | Value::Bool(_) => return,
    };
}

const PASSWORD: &str = "password";
