//! RFC 7643 §7: schemas that a tenant declares to extend resource types, read whole or refused with
//! every fault.
//!
//! Beyond the RFC, an attribute may be `searchable`: an index then finds resources by its values. One
//! with a `uniqueness` always is.

mod rules;

use std::collections::BTreeSet;
use std::fmt;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use self::rules::{contradictions, unfit_name, unfit_urn};
use super::{Attribute, AttributeType, Lookup, Registry, Schema, Uniqueness};
use crate::gather::Gather as _;
use crate::limits;

/// A schema that a tenant declares.
#[derive(Clone, Debug)]
pub struct DeclaredSchema {
    /// The schema.
    pub schema: Schema,
    /// The ids of the resource types that it extends.
    pub resource_types: Vec<String>,
    /// Whether every resource of these must have it.
    pub required: bool,
    /// Its attributes whose values an index finds.
    pub lookups: Vec<Lookup>,
}

/// What is wrong with a document, and where in it (RFC 6901).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fault {
    /// A JSON pointer.
    pub path: String,
    /// What is wrong there.
    pub detail: String,
}

/// The first of the numbers under which the values of declared attributes are stored; those below
/// are the product's own.
const FIRST_NUMBER: u8 = 64;
/// The last of them.
const LAST_NUMBER: u8 = 127;

impl DeclaredSchema {
    /// Reads a list of schemas that stands at `at`. `earlier` are those that it takes the place of:
    /// a searchable attribute that stays, stays under its number.
    ///
    /// # Errors
    /// All faults, in the order of the list.
    pub fn read_all(list: &Value, at: &str, earlier: &[Self]) -> Result<Vec<Self>, Vec<Fault>> {
        let Value::Array(values) = list else {
            return Err(vec![Fault::new(at, "is not a list")]);
        };
        if values.len() > limits::SCHEMAS_PER_TENANT {
            let most = limits::SCHEMAS_PER_TENANT;
            return Err(vec![Fault::new(at, format_args!("has more than {most} schemas"))]);
        }
        let (schemas, faults) = Self::read_each(values, at, earlier);
        if faults.is_empty() { Ok(schemas) } else { Err(faults) }
    }

    /// Reads a list that has been read and stored before. An earlier version may have taken what this
    /// one would refuse; it stands as long as nobody changes it.
    pub fn stored(list: &[Value]) -> Vec<Self> {
        Self::read_each(list, "", &[]).0
    }

    fn read_each(values: &[Value], at: &str, earlier: &[Self]) -> (Vec<Self>, Vec<Fault>) {
        let mut faults = Vec::new();
        let places = (0..values.len()).map(|index| format!("{at}/{index}"));
        let places: Vec<String> = places.collect();
        let read = values.iter().zip(&places).map(|(value, place)| read(value, place, &mut faults));
        let mut schemas: Vec<Self> = read.collect();
        distinct(&schemas, &places, &mut faults);
        number(&mut schemas, earlier, at, &mut faults);
        (schemas, faults)
    }

    /// Whether the numbers of all searchable attributes are such as are given: each once, and none of
    /// the product's own.
    pub fn are_numbered(schemas: &[Self]) -> bool {
        let mut used = BTreeSet::new();
        let lookups = schemas.iter().flat_map(|schema| &schema.lookups);
        let mut numbers = lookups.map(|lookup| lookup.number);
        numbers.all(|number| (FIRST_NUMBER..=LAST_NUMBER).contains(&number) && used.insert(number))
    }

    /// The schema in the form in which it is declared.
    pub fn to_json(&self) -> Value {
        let Schema { id, name, description, attributes } = &self.schema;
        json!({
            "id": id,
            "name": name,
            "description": description,
            "resourceTypes": self.resource_types,
            "required": self.required,
            "attributes": attributes.iter().map(attribute_to_json).collect::<Vec<_>>(),
        })
    }
}

impl Fault {
    /// A fault at a place.
    pub fn new(path: impl Into<String>, detail: impl fmt::Display) -> Self {
        Self { path: path.into(), detail: detail.to_string() }
    }

    /// A fault in a member of what is at a place (RFC 6901 §3: two characters of its name are
    /// escaped).
    pub fn within(at: &str, name: &str, detail: impl fmt::Display) -> Self {
        Self::new(format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")), detail)
    }

    /// The same fault of what stands at a place in something larger.
    #[must_use]
    pub fn below(self, at: &str) -> Self {
        Self { path: format!("{at}{}", self.path), ..self }
    }
}

fn attribute_to_json(attribute: &Attribute) -> Value {
    let mut shown = serde_json::to_value(attribute).unwrap_or_default();
    if let Some(fields) = shown.as_object_mut() {
        fields.insert("searchable".to_owned(), attribute.searchable.into());
        if !attribute.sub_attributes.is_empty() {
            let parts = attribute.sub_attributes.iter().map(attribute_to_json).collect();
            fields.insert("subAttributes".to_owned(), parts);
        }
    }
    shown
}

/// The members of an object while they are read, each by its name.
struct Fields<'a> {
    fields: &'a Map<String, Value>,
    at: &'a str,
    faults: &'a mut Vec<Fault>,
}

impl Fields<'_> {
    fn fault(&mut self, name: &str, detail: impl fmt::Display) {
        self.faults.push(Fault::new(format!("{}/{name}", self.at), detail));
    }

    /// Nothing but these members; of a schema that was read elsewhere, its `schemas` and `meta` are
    /// passed over.
    fn only(&mut self, known: &[&str]) {
        let others = self.fields.keys().filter(|name| !known.contains(&name.as_str()));
        for name in others.cloned().collect::<Vec<_>>() {
            self.fault(&name.replace('~', "~0").replace('/', "~1"), "is not known here");
        }
    }

    /// A value of a type that serde knows, or its default; `what` completes "is not".
    fn value<T: DeserializeOwned + Default>(&mut self, name: &str, what: &str) -> T {
        match self.fields.get(name) {
            None | Some(Value::Null) => T::default(),
            Some(value) => serde_json::from_value(value.clone()).unwrap_or_else(|_| {
                self.fault(name, format_args!("is not {what}"));
                T::default()
            }),
        }
    }

    fn flag(&mut self, name: &str) -> bool {
        self.value(name, "true or false")
    }

    /// A text of bounded length.
    fn text(&mut self, name: &str, characters: usize) -> String {
        let text: String = self.value(name, "a text");
        if text.chars().count() > characters {
            self.fault(name, format_args!("is longer than {characters} characters"));
        }
        text
    }

    fn texts(&mut self, name: &str) -> Vec<String> {
        let texts: Vec<String> = self.value(name, "a list of texts");
        let longest = texts.iter().map(|text| text.chars().count()).max().unwrap_or(0);
        if texts.len() > limits::SCHEMA_VALUES || longest > limits::NAME_CHARACTERS {
            let (most, characters) = (limits::SCHEMA_VALUES, limits::NAME_CHARACTERS);
            let detail =
                format!("has more than {most} texts, or one of over {characters} characters");
            self.fault(name, detail);
        }
        texts
    }
}

/// One schema.
fn read(value: &Value, at: &str, faults: &mut Vec<Fault>) -> DeclaredSchema {
    let empty = Map::new();
    if !value.is_object() {
        faults.push(Fault::new(at, "is not an object"));
    }
    let mut fields = Fields { fields: value.as_object().unwrap_or(&empty), at, faults };
    fields.only(&[
        "schemas",
        "id",
        "name",
        "description",
        "attributes",
        "resourceTypes",
        "required",
        "meta",
    ]);
    let id = fields.text("id", limits::URN_CHARACTERS);
    if let Some(detail) = unfit_urn(&id) {
        fields.fault("id", detail);
    }
    let name = fields.text("name", limits::NAME_CHARACTERS);
    let description = fields.text("description", limits::DESCRIPTION_CHARACTERS);
    let resource_types = resource_types(&mut fields);
    let required = fields.flag("required");
    let attributes = attributes(&mut fields, "attributes", None);
    let name = if name.is_empty() { id.clone() } else { name };
    let schema = Schema { id, name, description, attributes };
    DeclaredSchema { schema, resource_types, required, lookups: Vec::new() }
}

/// The types that a schema extends: User where it does not say.
fn resource_types(fields: &mut Fields<'_>) -> Vec<String> {
    if !fields.fields.contains_key("resourceTypes") {
        return vec!["User".to_owned()];
    }
    let named = fields.texts("resourceTypes");
    let known: Vec<&str> = Registry::whole().types().map(|t| t.resource_type.id.as_str()).collect();
    let distinct: BTreeSet<&String> = named.iter().gathered();
    let is_known = |name: &&String| known.contains(&name.as_str());
    if named.is_empty() || distinct.len() < named.len() || !named.iter().all(|n| is_known(&n)) {
        let detail = format!("is not a list of some of {}, each once", known.join(", "));
        fields.fault("resourceTypes", detail);
    }
    named
}

/// The attributes of a schema, or the parts of a complex one.
fn attributes(fields: &mut Fields<'_>, name: &str, owner: Option<&Attribute>) -> Vec<Attribute> {
    let list = match fields.fields.get(name) {
        Some(Value::Array(list)) => list.as_slice(),
        None if owner.is_some() => &[],
        _ => {
            fields.fault(name, "is not a list of attributes");
            return Vec::new();
        }
    };
    if list.is_empty() && owner.is_none() {
        fields.fault(name, "is empty");
    }
    if list.len() > limits::SCHEMA_ATTRIBUTES {
        fields.fault(name, format_args!("has more than {} entries", limits::SCHEMA_ATTRIBUTES));
        return Vec::new();
    }
    let mut read: Vec<Attribute> = Vec::with_capacity(list.len());
    for (index, value) in list.iter().enumerate() {
        let at = format!("{}/{name}/{index}", fields.at);
        let one = attribute(value, &at, owner, fields.faults);
        if read.iter().any(|other| other.name.eq_ignore_ascii_case(&one.name)) {
            fields.faults.push(Fault::new(format!("{at}/name"), "is taken"));
        }
        read.push(one);
    }
    read
}

/// One attribute, or one part of a complex one.
fn attribute(
    value: &Value,
    at: &str,
    owner: Option<&Attribute>,
    faults: &mut Vec<Fault>,
) -> Attribute {
    let empty = Map::new();
    if !value.is_object() {
        faults.push(Fault::new(at, "is not an object"));
    }
    let mut fields = Fields { fields: value.as_object().unwrap_or(&empty), at, faults };
    fields.only(&[
        "name",
        "type",
        "multiValued",
        "description",
        "required",
        "canonicalValues",
        "caseExact",
        "mutability",
        "returned",
        "uniqueness",
        "referenceTypes",
        "subAttributes",
        "searchable",
    ]);
    let mut attribute = Attribute {
        name: fields.text("name", limits::ATTRIBUTE_NAME_CHARACTERS),
        kind: fields
            .value::<Option<AttributeType>>("type", "a data type of SCIM")
            .unwrap_or_default(),
        multi_valued: fields.flag("multiValued"),
        description: fields.text("description", limits::DESCRIPTION_CHARACTERS),
        required: fields.flag("required"),
        canonical_values: fields.texts("canonicalValues"),
        case_exact: fields.flag("caseExact"),
        mutability: fields.value("mutability", "one of readOnly, readWrite, immutable, writeOnly"),
        returned: fields.value("returned", "one of always, never, default, request"),
        uniqueness: fields.value("uniqueness", "one of none, server, global"),
        reference_types: fields.texts("referenceTypes"),
        sub_attributes: Vec::new(),
        searchable: fields.flag("searchable"),
    };
    if let Some(detail) = unfit_name(&attribute.name, owner) {
        fields.fault("name", detail);
    }
    attribute.sub_attributes = attributes(&mut fields, "subAttributes", Some(&attribute));
    for (name, detail) in contradictions(&attribute, owner) {
        fields.fault(name, detail);
    }
    attribute.searchable |= attribute.uniqueness != Uniqueness::None;
    attribute
}

/// No two schemas have one id, nor does one's id go on where another's ends: a path such as
/// `urn:acme:scim:User:badge` must mean one thing.
fn distinct(schemas: &[DeclaredSchema], places: &[String], faults: &mut Vec<Fault>) {
    let mut taken: Vec<String> =
        Registry::whole().schemas().iter().map(|schema| schema.id.to_ascii_lowercase()).collect();
    for (declared, at) in schemas.iter().zip(places) {
        let id = declared.schema.id.to_ascii_lowercase();
        let clashes = |other: &String| {
            id == *other
                || id.strip_prefix(other.as_str()).is_some_and(|rest| rest.starts_with(':'))
                || other.strip_prefix(id.as_str()).is_some_and(|rest| rest.starts_with(':'))
        };
        if !id.is_empty() && taken.iter().any(clashes) {
            let detail = "is taken by another schema, or one's id goes on where the other's ends";
            faults.push(Fault::new(format!("{at}/id"), detail));
        }
        taken.push(id);
    }
}

/// Gives each searchable attribute the number under which its values are stored.
fn number(
    schemas: &mut [DeclaredSchema],
    earlier: &[DeclaredSchema],
    at: &str,
    faults: &mut Vec<Fault>,
) {
    let earlier: Vec<&Lookup> = earlier.iter().flat_map(|schema| &schema.lookups).collect();
    let mut paths: Vec<String> = schemas.iter().flat_map(searchable).collect();
    if paths.len() > limits::SEARCHABLE_ATTRIBUTES {
        let most = limits::SEARCHABLE_ATTRIBUTES;
        faults.push(Fault::new(at, format_args!("has more than {most} searchable attributes")));
        paths.clear();
    }
    let kept = |path: &String| earlier.iter().find(|lookup| lookup.path == *path);
    let mut used: BTreeSet<u8> =
        paths.iter().filter_map(kept).map(|lookup| lookup.number).gathered();
    for schema in schemas {
        for path in searchable(schema) {
            let free = || (FIRST_NUMBER..=LAST_NUMBER).find(|number| !used.contains(number));
            let Some(number) = kept(&path).map(|lookup| lookup.number).or_else(free) else {
                return;
            };
            used.insert(number);
            schema.lookups.push(Lookup { number, path, ordered: false });
        }
    }
}

/// The paths of a schema's searchable attributes.
fn searchable(declared: &DeclaredSchema) -> Vec<String> {
    let Schema { id, attributes, .. } = &declared.schema;
    let path = |names: String| format!("{id}:{names}");
    let parts = |attribute: &Attribute| {
        let parts = attribute.sub_attributes.iter().filter(|sub| sub.searchable);
        parts.map(|sub| path(format!("{}.{}", attribute.name, sub.name))).collect::<Vec<_>>()
    };
    let whole = |one: &Attribute| one.searchable.then(|| path(one.name.clone()));
    attributes.iter().flat_map(|one| whole(one).into_iter().chain(parts(one))).collect()
}
