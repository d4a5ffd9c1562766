//! What may be told of a request: names and shapes, and no value that a client sent.

use serde_json::{Map, Value};

use crate::http::{Query, ScimTarget};
use crate::limits;

/// What stands for anything that was sent.
const HIDDEN: &str = "…";

const OPERATORS: [&str; 10] = ["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le", "pr"];
const CONNECTIVES: [&str; 3] = ["and", "or", "not"];
const PATCH_OPERATIONS: [&str; 3] = ["add", "remove", "replace"];
const BULK_METHODS: [&str; 4] = ["POST", "PUT", "PATCH", "DELETE"];

/// The shape of a body: the names of its attributes, and of each value only what it is. `None` where
/// there is no body, or none that is JSON.
pub(super) fn shape(body: &[u8]) -> Option<Value> {
    if body.is_empty() {
        return None;
    }
    if body.len() > limits::SHAPED_BODY_BYTES {
        return Some("large".into());
    }
    let value: Value = serde_json::from_slice(body).ok()?;
    Some(of_value(&value, &mut { limits::SHAPE_BYTES }))
}

fn of_value(value: &Value, left: &mut usize) -> Value {
    match value {
        Value::Null => Value::Null,
        Value::Bool(_) => "boolean".into(),
        Value::Number(_) => "number".into(),
        Value::String(_) => "text".into(),
        Value::Array(values) => {
            let mut shapes = Vec::new();
            for value in values {
                if shapes.len() >= limits::SHAPED_ELEMENTS || !spend(left, HIDDEN) {
                    shapes.push(HIDDEN.into());
                    break;
                }
                shapes.push(of_value(value, left));
            }
            shapes.into()
        }
        Value::Object(fields) => of_fields(fields, left),
    }
}

fn of_fields(fields: &Map<String, Value>, left: &mut usize) -> Value {
    let mut shapes = Map::new();
    for (name, value) in fields {
        let shown = if is_name(name) { name } else { HIDDEN };
        if !spend(left, shown) {
            shapes.insert(HIDDEN.to_owned(), HIDDEN.into());
            break;
        }
        let shape = match value {
            Value::String(text) => of_text(fields, name, text).map(Value::from),
            _ => None,
        };
        let shape = shape.filter(|shape| spend(left, shape.as_str().unwrap_or_default()));
        shapes.insert(shown.to_owned(), shape.unwrap_or_else(|| of_value(value, left)));
    }
    Value::Object(shapes)
}

/// What is more telling than that it is a text: the words of the protocol itself.
fn of_text(fields: &Map<String, Value>, name: &str, text: &str) -> Option<String> {
    let one_of = |words: &[&str]| is_one_of(words, text).then(|| text.to_owned());
    match name {
        "op" => one_of(&PATCH_OPERATIONS),
        "method" => one_of(&BULK_METHODS),
        "filter" => Some(filter(text)),
        "path" if fields.contains_key("method") => {
            Some(ScimTarget::relative(text)?.name().into_owned())
        }
        "path" => Some(redacted(text, true)),
        _ => None,
    }
}

/// Takes what a part costs from what is left; whether there was so much.
fn spend(left: &mut usize, part: &str) -> bool {
    // The shape of a value and its punctuation, in about so many bytes.
    let rest = left.checked_sub(part.len().saturating_add(12));
    *left = rest.unwrap_or(*left);
    rest.is_some()
}

/// The parameters of a list, without the values that it asks for.
pub(super) fn query(query: &Query) -> Option<Value> {
    let mut shown = Map::new();
    for name in ["startIndex", "count"] {
        let number = query.value(name).and_then(|text| text.parse::<i64>().ok());
        shown.extend(number.map(|number| (name.to_owned(), number.into())));
    }
    for name in ["attributes", "excludedAttributes", "sortBy"] {
        let names = |text: &str| {
            let names = text.split(',').map(str::trim).take(limits::SHAPED_ELEMENTS);
            names
                .map(|name| if is_name(name) { name } else { HIDDEN })
                .collect::<Vec<_>>()
                .join(",")
        };
        shown.extend(query.value(name).map(|text| (name.to_owned(), names(text).into())));
    }
    shown.extend(query.value("filter").map(|text| ("filter".to_owned(), filter(text).into())));
    (!shown.is_empty()).then_some(Value::Object(shown))
}

/// A filter without the values that it compares with.
fn filter(text: &str) -> String {
    redacted(text, false)
}

/// A path that a client sent as the name of an attribute, if it may be one.
pub(super) fn attribute_path(text: &str) -> String {
    redacted(text, true)
}

/// Whether a text has the form of an attribute's name, perhaps behind its schema's URN.
fn is_name(text: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "_-.:$".contains(c);
    text.len() <= limits::NAME_CHARACTERS
        && text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '$')
        && text.chars().all(is_part)
}

/// Part of a filter or path.
enum Token<'t> {
    Word(&'t str),
    /// What stood in quotes.
    Quoted,
    Mark(char),
}

/// Where a filter or path has come to.
#[derive(Clone, Copy)]
enum Place {
    /// Before its first word.
    Beginning,
    /// Where an attribute is due, or what groups comparisons.
    Attribute,
    /// Behind an attribute.
    Operator,
    /// Behind an operator.
    Value,
    /// Behind brackets, where a sub-attribute may follow.
    Brackets,
    /// Behind a comparison, or behind what is none.
    Behind,
}

/// A filter or path in which only operators are left, and what stands where an attribute does. It
/// need not be one that parses: what follows a value that is not in quotes may be part of it.
fn redacted(text: &str, is_path: bool) -> String {
    let beginning = match text.char_indices().nth(limits::SHAPED_TEXT_CHARACTERS) {
        Some((end, _)) => text.get(..end).unwrap_or_default(),
        None => text,
    };
    let tokens = tokens(beginning);
    let mut shown = String::new();
    let mut place = Place::Beginning;
    for (number, token) in tokens.iter().enumerate() {
        let part = match token {
            Token::Mark(mark) => {
                if *mark == '(' && shown.ends_with(|c: char| !"([".contains(c)) {
                    shown.push(' ');
                }
                shown.push(*mark);
                place = place.behind_mark(*mark);
                continue;
            }
            Token::Quoted => place.step("", false),
            Token::Word(word) => {
                let leads = match tokens.get(number.saturating_add(1)) {
                    Some(Token::Word(next)) => is_one_of(&OPERATORS, next),
                    Some(Token::Mark(mark)) => *mark == '[',
                    _ => false,
                };
                let begins = is_path && matches!(place, Place::Beginning | Place::Brackets);
                place.step(word, leads || begins)
            }
        };
        if shown.ends_with(|c: char| !"([]".contains(c)) {
            shown.push(' ');
        }
        shown.push_str(part);
    }
    shown
}

impl Place {
    /// Goes on to the place behind a word, and what is shown of that. `leads`: whether something
    /// follows that follows attributes.
    fn step<'t>(&mut self, word: &'t str, leads: bool) -> &'t str {
        let is_attribute = leads && is_name(word.trim_start_matches('.'));
        let (part, behind) = match *self {
            Self::Operator if word.eq_ignore_ascii_case("pr") => (word, Self::Behind),
            Self::Operator if is_one_of(&OPERATORS, word) => (word, Self::Value),
            Self::Operator | Self::Value => (HIDDEN, Self::Behind),
            _ if is_one_of(&CONNECTIVES, word) => (word, Self::Attribute),
            Self::Brackets if !word.starts_with('.') => (HIDDEN, Self::Behind),
            Self::Behind => (HIDDEN, Self::Behind),
            Self::Beginning | Self::Attribute | Self::Brackets => {
                (if is_attribute { word } else { HIDDEN }, Self::Operator)
            }
        };
        *self = behind;
        part
    }

    /// The place behind a parenthesis or bracket.
    const fn behind_mark(self, mark: char) -> Self {
        match (self, mark) {
            (Self::Beginning | Self::Attribute, '(') | (Self::Operator, '[') => Self::Attribute,
            (_, ']') => Self::Brackets,
            _ => Self::Behind,
        }
    }
}

fn is_one_of(words: &[&str], word: &str) -> bool {
    words.iter().any(|one| one.eq_ignore_ascii_case(word))
}

fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' => {
                tokens.push(Token::Quoted);
                quoted_length(rest)
            }
            '(' | ')' | '[' | ']' => {
                tokens.push(Token::Mark(first));
                1
            }
            _ => {
                let end = rest.find(|c: char| c.is_whitespace() || "\"()[]".contains(c));
                let word = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
                tokens.push(Token::Word(word));
                word.len()
            }
        };
        rest = rest.get(length..).unwrap_or_default().trim_start();
    }
    tokens
}

/// How long a text in quotes is; one that is not closed goes to the end.
fn quoted_length(text: &str) -> usize {
    let mut escaped = false;
    for (place, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return place.saturating_add(1),
            _ => {}
        }
    }
    text.len()
}
