//! `attributeMaps`: what users' attributes are to an application, by the names that it has for them.

use serde_json::{Map, Value, json};

use super::reading::{entries, is_name, object_of, written};
use crate::limits;
use crate::scim::schema::{Fault, TypeSchema};
use crate::scim::selector::Selector;

/// The maps of a tenant.
#[derive(Clone, Debug, Default)]
pub struct AttributeMaps(Vec<AttributeMap>);

/// What one application calls users' attributes.
#[derive(Clone, Debug)]
pub struct AttributeMap {
    /// What the map is called.
    pub id: String,
    /// The names that the application knows.
    targets: Vec<String>,
    attributes: Vec<Mapped>,
}

/// What a user's attributes come to by a map.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Outcome {
    /// The values, by the application's names.
    pub values: Map<String, Value>,
    /// The names that should have a value and have none.
    pub missing: Vec<String>,
}

/// Where one name's value comes from.
#[derive(Clone, Debug)]
struct Mapped {
    target: String,
    from: Origin,
    default: Option<Value>,
    warns: bool,
}

#[derive(Clone, Debug)]
enum Origin {
    /// The first value at the first of these paths that has any.
    Sources(Vec<Selector>),
    /// A text with values in it, all of which a user must have.
    Template(Vec<Piece>),
    /// The same for everybody.
    Constant(Value),
}

#[derive(Clone, Debug)]
enum Piece {
    Text(String),
    Value(Box<Selector>),
}

/// Their name in the policy document.
pub(super) const NAME: &str = "attributeMaps";

impl AttributeMaps {
    /// Reads what a policy document says; faults are added to those there are.
    pub(super) fn read(value: &Value, users: TypeSchema<'_>, faults: &mut Vec<Fault>) -> Self {
        let mut maps: Vec<AttributeMap> = Vec::new();
        for (at, value) in entries(value, &format!("/{NAME}"), faults) {
            let Some(map) = AttributeMap::read(value, &at, users, faults) else { continue };
            if maps.iter().any(|other| other.id == map.id) {
                faults.push(Fault::new(format!("{at}/id"), "is that of another map"));
            }
            maps.push(map);
        }
        Self(maps)
    }

    /// What the document says of them.
    pub(super) fn to_json(&self) -> Value {
        self.0.iter().map(AttributeMap::to_json).collect()
    }

    /// The map of an id.
    pub fn get(&self, id: &str) -> Option<&AttributeMap> {
        self.0.iter().find(|map| map.id == id)
    }
}

impl AttributeMap {
    fn read(
        value: &Value,
        at: &str,
        users: TypeSchema<'_>,
        faults: &mut Vec<Fault>,
    ) -> Option<Self> {
        let fields = object_of(&["id", "targets", "attributes"], value, at, faults)?;
        let id = name(fields.get("id"), &format!("{at}/id"), faults)?;
        let none = json!([]);
        let targets = fields.get("targets").unwrap_or(&none);
        let targets = entries(targets, &format!("{at}/targets"), faults).into_iter();
        let targets = targets.filter_map(|(at, one)| name(Some(one), &at, faults));
        let targets: Vec<String> = targets.collect();
        let attributes = fields.get("attributes").unwrap_or(&none);
        let listed = entries(attributes, &format!("{at}/attributes"), faults);
        let mut attributes: Vec<Mapped> = Vec::new();
        for (at, value) in listed {
            let Some(mapped) = Mapped::read(value, &at, users, faults) else { continue };
            if !targets.contains(&mapped.target) {
                let detail = format!("is none of {}", targets.join(", "));
                faults.push(Fault::new(format!("{at}/target"), detail));
            } else if attributes.iter().any(|other| other.target == mapped.target) {
                faults.push(Fault::new(format!("{at}/target"), "is that of another attribute"));
            }
            attributes.push(mapped);
        }
        Some(Self { id, targets, attributes })
    }

    fn to_json(&self) -> Value {
        let attributes: Vec<Value> = self.attributes.iter().map(Mapped::to_json).collect();
        json!({ "id": self.id, "targets": self.targets, "attributes": attributes })
    }

    /// What a user's attributes, in canonical form, come to.
    pub fn apply(&self, user: &Map<String, Value>) -> Outcome {
        let mut outcome = Outcome::default();
        for Mapped { target, from, default, warns } in &self.attributes {
            let found = from.value(user);
            if found.is_none() && *warns {
                outcome.missing.push(target.clone());
            }
            let value = found.or_else(|| default.clone());
            outcome.values.extend(value.map(|value| (target.clone(), value)));
        }
        outcome
    }
}

impl Mapped {
    fn read(
        value: &Value,
        at: &str,
        users: TypeSchema<'_>,
        faults: &mut Vec<Fault>,
    ) -> Option<Self> {
        let known = ["target", "source", "template", "constant", "default", "warnIfMissing"];
        let fields = object_of(&known, value, at, faults)?;
        let target = name(fields.get("target"), &format!("{at}/target"), faults);
        let default = scalar(fields.get("default"), &format!("{at}/default"), faults);
        let warns = match fields.get("warnIfMissing") {
            None => false,
            Some(Value::Bool(warns)) => *warns,
            Some(_) => {
                faults.push(Fault::new(format!("{at}/warnIfMissing"), "is not true or false"));
                false
            }
        };
        let from = Origin::read(fields, at, users, faults);
        Some(Self { target: target?, from: from?, default, warns })
    }

    fn to_json(&self) -> Value {
        let mut fields = Map::new();
        fields.insert("target".to_owned(), self.target.as_str().into());
        let (name, from) = self.from.to_json();
        fields.insert(name.to_owned(), from);
        fields.extend(self.default.clone().map(|default| ("default".to_owned(), default)));
        if self.warns {
            fields.insert("warnIfMissing".to_owned(), true.into());
        }
        Value::Object(fields)
    }
}

impl Origin {
    fn read(
        fields: &Map<String, Value>,
        at: &str,
        users: TypeSchema<'_>,
        faults: &mut Vec<Fault>,
    ) -> Option<Self> {
        let named = ["source", "template", "constant"].map(|name| (name, fields.get(name)));
        let mut given = named.into_iter().filter_map(|(name, value)| Some((name, value?)));
        let (Some((name, value)), None) = (given.next(), given.next()) else {
            faults.push(Fault::new(at, "has not one of `source`, `template` and `constant`"));
            return None;
        };
        let at = format!("{at}/{name}");
        match name {
            "source" => sources(value, &at, users, faults).map(Self::Sources),
            "template" => template(value, &at, users, faults).map(Self::Template),
            _ => scalar(Some(value), &at, faults).map(Self::Constant),
        }
    }

    fn to_json(&self) -> (&'static str, Value) {
        match self {
            Self::Sources(paths) => match paths.as_slice() {
                [path] => ("source", path.to_string().into()),
                paths => {
                    ("source", paths.iter().map(|path| Value::from(path.to_string())).collect())
                }
            },
            Self::Template(pieces) => {
                let text = pieces.iter().map(|piece| match piece {
                    Piece::Text(text) => text.replace('{', "{{").replace('}', "}}"),
                    Piece::Value(path) => format!("{{{path}}}"),
                });
                ("template", text.collect::<String>().into())
            }
            Self::Constant(value) => ("constant", value.clone()),
        }
    }

    fn value(&self, user: &Map<String, Value>) -> Option<Value> {
        match self {
            Self::Sources(paths) => {
                paths.iter().find_map(|path| path.values(user).first().copied().cloned())
            }
            Self::Template(pieces) => {
                let text = |piece: &Piece| match piece {
                    Piece::Text(text) => Some(text.clone()),
                    Piece::Value(path) => path.values(user).first().map(|value| plain(value)),
                };
                pieces.iter().map(text).collect::<Option<String>>().map(Value::from)
            }
            Self::Constant(value) => Some(value.clone()),
        }
    }
}

/// One path, or several of which the first that has a value counts.
fn sources(
    value: &Value,
    at: &str,
    users: TypeSchema<'_>,
    faults: &mut Vec<Fault>,
) -> Option<Vec<Selector>> {
    let list = match value {
        Value::Array(list) => list.as_slice(),
        one => std::slice::from_ref(one),
    };
    if list.is_empty() || list.len() > limits::ATTRIBUTE_SOURCES {
        let most = limits::ATTRIBUTE_SOURCES;
        faults.push(Fault::new(at, format_args!("is not one path, or a list of 1 to {most}")));
        return None;
    }
    list.iter().map(|path| written(path, at, users, faults)).collect()
}

/// A text with paths in braces; a brace that is meant as such is doubled.
fn template(
    value: &Value,
    at: &str,
    users: TypeSchema<'_>,
    faults: &mut Vec<Fault>,
) -> Option<Vec<Piece>> {
    let Some(text) = value.as_str().filter(|text| text.len() <= limits::TEMPLATE_BYTES) else {
        let most = limits::TEMPLATE_BYTES;
        faults.push(Fault::new(at, format_args!("is no text of at most {most} bytes")));
        return None;
    };
    let (mut pieces, mut literal, mut rest) = (Vec::new(), String::new(), text);
    while let Some((before, behind)) = rest.split_once(['{', '}']) {
        literal.push_str(before);
        let is_open = rest.as_bytes().get(before.len()) == Some(&b'{');
        if let Some(doubled) = behind.strip_prefix(if is_open { '{' } else { '}' }) {
            literal.push(if is_open { '{' } else { '}' });
            rest = doubled;
            continue;
        }
        let Some((path, behind)) = behind.split_once('}').filter(|_| is_open) else {
            faults.push(Fault::new(at, "has a brace that is alone"));
            return None;
        };
        let path = written(&Value::from(path), at, users, faults)?;
        pieces.push(Piece::Text(std::mem::take(&mut literal)));
        pieces.push(Piece::Value(Box::new(path)));
        rest = behind;
    }
    literal.push_str(rest);
    pieces.push(Piece::Text(literal));
    Some(pieces)
}

/// A value within a text.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A text, a number, or true or false.
fn scalar(value: Option<&Value>, at: &str, faults: &mut Vec<Fault>) -> Option<Value> {
    match value? {
        Value::String(text) if text.len() > limits::TEMPLATE_BYTES => {
            let most = limits::TEMPLATE_BYTES;
            faults.push(Fault::new(at, format_args!("is longer than {most} bytes")));
            None
        }
        value @ (Value::String(_) | Value::Number(_) | Value::Bool(_)) => Some(value.clone()),
        _ => {
            faults.push(Fault::new(at, "is no text, number, true or false"));
            None
        }
    }
}

/// A name that the application or the tenant gives.
fn name(value: Option<&Value>, at: &str, faults: &mut Vec<Fault>) -> Option<String> {
    let name = value.and_then(Value::as_str).filter(|text| is_name(text));
    if name.is_none() {
        faults.push(Fault::new(at, "is no name of 1 to 200 characters"));
    }
    name.map(str::to_owned)
}
