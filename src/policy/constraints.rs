//! `constraints`: what the values of users' attributes must look like beyond their schemas.

use std::fmt;

use regex_lite::{Regex, RegexBuilder};
use serde_json::{Map, Value};

use super::reading::{entries, object, unknown, written};
use crate::limits;
use crate::scim::schema::{Fault, TypeSchema};
use crate::scim::selector::Selector;

/// Rules about values.
#[derive(Clone, Debug, Default)]
pub struct Constraints(Vec<Constraint>);

/// A rule about the values at one path.
#[derive(Clone, Debug)]
struct Constraint {
    path: Selector,
    pattern: Option<Pattern>,
    min_length: Option<usize>,
    max_length: Option<usize>,
    message: Option<String>,
}

/// A regular expression that a value matches as a whole.
#[derive(Clone, Debug)]
struct Pattern {
    text: String,
    whole: Regex,
}

/// What of a rule a value breaks.
enum Broken<'c> {
    TooShort(usize),
    TooLong(usize),
    Unlike(&'c str),
}

/// Their name in the policy document.
pub(super) const NAME: &str = "constraints";

impl Constraints {
    /// Reads what a policy document says; faults are added to those there are.
    pub(super) fn read(value: &Value, users: TypeSchema<'_>, faults: &mut Vec<Fault>) -> Self {
        let entries = entries(value, &format!("/{NAME}"), faults).into_iter();
        let read = entries.filter_map(|(at, value)| {
            let fields = object(value, &at, faults)?;
            Constraint::read(fields, &at, users, faults)
        });
        Self(read.collect())
    }

    /// What the document says of them.
    pub(super) fn to_json(&self) -> Value {
        self.0.iter().map(Constraint::to_json).collect()
    }

    /// What a client is told of the first rule that a user breaks, not counting values that were
    /// there before. It names the rule, and not the value.
    pub fn broken(
        &self,
        before: Option<&Map<String, Value>>,
        after: &Map<String, Value>,
    ) -> Option<String> {
        self.0.iter().find_map(|rule| {
            let known = before.map(|before| rule.path.values(before)).unwrap_or_default();
            let values = rule.path.values(after);
            let mut fresh = values.into_iter().filter(|value| !known.contains(value));
            let broken = fresh.find_map(|value| rule.broken_by(value.as_str()?))?;
            let path = &rule.path;
            Some(match &rule.message {
                Some(message) => format!("`{path}`: {message}"),
                None => format!("`{path}` must {broken}"),
            })
        })
    }
}

impl Constraint {
    fn read(
        fields: &Map<String, Value>,
        at: &str,
        users: TypeSchema<'_>,
        faults: &mut Vec<Fault>,
    ) -> Option<Self> {
        let before = faults.len();
        let fault = |name: &str, detail: &str| Fault::new(format!("{at}/{name}"), detail);
        let (mut pattern, mut message) = (None, None);
        let (mut min_length, mut max_length) = (None, None);
        for (name, value) in fields {
            match name.as_str() {
                "path" => {}
                "pattern" => match Pattern::read(value) {
                    Ok(read) => pattern = Some(read),
                    Err(detail) => faults.push(fault(name, &detail)),
                },
                "minLength" | "maxLength" => {
                    let length = value.as_u64().and_then(|length| usize::try_from(length).ok());
                    match length {
                        None => faults.push(fault(name, "is not a whole number of 0 or more")),
                        length if name == "minLength" => min_length = length,
                        length => max_length = length,
                    }
                }
                "message" => match value.as_str() {
                    Some(text) if text.chars().count() <= limits::NAME_CHARACTERS => {
                        message = Some(text.to_owned());
                    }
                    _ => faults.push(fault(name, "is not a text of at most 200 characters")),
                },
                _ => faults.push(unknown(at, name)),
            }
        }
        if !["pattern", "minLength", "maxLength"].iter().any(|name| fields.contains_key(*name)) {
            faults.push(Fault::new(at, "says neither pattern nor length"));
        }
        if min_length.zip(max_length).is_some_and(|(min, max)| min > max) {
            faults.push(Fault::new(at, "lets no length pass"));
        }
        let null = Value::Null;
        let path = fields.get("path").unwrap_or(&null);
        let path = written(path, &format!("{at}/path"), users, faults)?;
        if !path.is_text() {
            faults.push(Fault::new(format!("{at}/path"), "has no texts"));
        }
        let is_right = faults.len() == before;
        is_right.then_some(Self { path, pattern, min_length, max_length, message })
    }

    fn to_json(&self) -> Value {
        let Self { path, pattern, min_length, max_length, message } = self;
        let length = |length: &Option<usize>| length.map(Value::from);
        let fields = [
            ("path", Some(path.to_string().into())),
            ("pattern", pattern.as_ref().map(|pattern| pattern.text.as_str().into())),
            ("minLength", length(min_length)),
            ("maxLength", length(max_length)),
            ("message", message.as_deref().map(Value::from)),
        ];
        let said = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        Value::Object(said.collect())
    }

    fn broken_by(&self, value: &str) -> Option<Broken<'_>> {
        let length = value.chars().count();
        let too_short = self.min_length.filter(|min| length < *min).map(Broken::TooShort);
        let too_long = || self.max_length.filter(|max| length > *max).map(Broken::TooLong);
        let unlike = || {
            let pattern = self.pattern.as_ref().filter(|pattern| !pattern.matches(value))?;
            Some(Broken::Unlike(&pattern.text))
        };
        too_short.or_else(too_long).or_else(unlike)
    }
}

impl Pattern {
    /// Reads a pattern; what it is not, otherwise.
    fn read(value: &Value) -> Result<Self, String> {
        let Some(text) = value.as_str().filter(|text| text.len() <= limits::PATTERN_BYTES) else {
            return Err(format!("is not a text of at most {} bytes", limits::PATTERN_BYTES));
        };
        let compiled = |text: &str| {
            let built = RegexBuilder::new(text).size_limit(limits::PATTERN_PROGRAM_BYTES).build();
            built.map_err(|error| format!("is no pattern: {error}"))
        };
        // By itself, too, so that no bracket of it closes ours.
        compiled(text)?;
        Ok(Self { text: text.to_owned(), whole: compiled(&format!("^(?:{text})$"))? })
    }

    fn matches(&self, value: &str) -> bool {
        value.len() <= limits::MATCHED_BYTES && self.whole.is_match(value)
    }
}

/// Completes a sentence that begins with "must".
impl fmt::Display for Broken<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooShort(min) => write!(f, "have at least {min} characters"),
            Self::TooLong(max) => write!(f, "have at most {max} characters"),
            Self::Unlike(pattern) => write!(f, "match `{pattern}`"),
        }
    }
}
