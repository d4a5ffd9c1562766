//! RFC 7643 §7 and §6: schemas and resource types, as data.
//!
//! `schemas/*.json` is the one table that drives parsing, validation, PATCH, filters, projections
//! and discovery. Which of them a tenant has is `registry`'s business, what a tenant adds is
//! `declared`'s. Resolving a name is here; what a value must look like is `resource`'s business, how
//! a filter compares is `filter`'s.

mod declared;
mod registry;

use serde::{Deserialize, Serialize};

pub use declared::{DeclaredSchema, Fault};
pub use registry::Registry;

/// The number of the type User, as `schemas/resource_types.json` has it.
pub const USER: u8 = 1;
/// The number of the type Group, as `schemas/resource_types.json` has it.
pub const GROUP: u8 = 2;

/// RFC 7643 §7: a schema, in the form in which `/Schemas` shows it.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Schema {
    /// The URN; empty for the common attributes, which belong to every type.
    pub id: String,
    /// The name for people.
    pub name: String,
    /// What it describes.
    pub description: String,
    /// Its attributes, in the order in which resources carry them.
    pub attributes: Vec<Attribute>,
}

/// RFC 7643 §7: one attribute and its characteristics.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Attribute {
    /// The name in its canonical case.
    pub name: String,
    /// The data type of its value, or of each value.
    #[serde(rename = "type")]
    pub kind: AttributeType,
    /// Whether it holds a list of values.
    #[serde(default)]
    pub multi_valued: bool,
    /// What it means.
    #[serde(default)]
    pub description: String,
    /// Whether a resource must have it.
    #[serde(default)]
    pub required: bool,
    /// Suggested values; others are accepted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub canonical_values: Vec<String>,
    /// Whether case matters when its strings are compared.
    #[serde(default)]
    pub case_exact: bool,
    /// Who may write it, and when.
    #[serde(default)]
    pub mutability: Mutability,
    /// When it is returned.
    #[serde(default)]
    pub returned: Returned,
    /// How far its values are unique.
    #[serde(default)]
    pub uniqueness: Uniqueness,
    /// For a reference: what it may point at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reference_types: Vec<String>,
    /// For a complex attribute: its parts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sub_attributes: Vec<Attribute>,
    /// Whether an index finds resources by its values; a tenant says so of what it declares.
    #[serde(default, skip_serializing)]
    pub searchable: bool,
}

/// RFC 7643 §2.3: the data types.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the names are the RFC's")]
pub enum AttributeType {
    #[default]
    String,
    Boolean,
    Decimal,
    Integer,
    DateTime,
    Binary,
    Reference,
    Complex,
}

/// RFC 7643 §7, `mutability`.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the names are the RFC's")]
pub enum Mutability {
    ReadOnly,
    #[default]
    ReadWrite,
    Immutable,
    WriteOnly,
}

impl Mutability {
    /// Whether values that a client writes are kept.
    pub const fn keeps_values(self) -> bool {
        matches!(self, Self::ReadWrite | Self::Immutable)
    }
}

/// RFC 7643 §7, `returned`.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the names are the RFC's")]
pub enum Returned {
    Always,
    Never,
    #[default]
    Default,
    Request,
}

/// RFC 7643 §7, `uniqueness`.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the names are the RFC's")]
pub enum Uniqueness {
    #[default]
    None,
    Server,
    Global,
}

/// RFC 7643 §6: a resource type, with what storage needs to know of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourceType {
    /// The number under which resources of this type are stored; never changes.
    pub number: u8,
    /// The id, which is also the name in `meta.resourceType`.
    pub id: String,
    /// The name for people.
    pub name: String,
    /// The path of its collection below the base URL, such as `/Users`.
    pub endpoint: String,
    /// What it describes.
    pub description: String,
    /// The URN of its core schema.
    pub schema: String,
    /// The schemas that extend it.
    pub schema_extensions: Vec<SchemaExtension>,
    /// The attributes whose values an index finds.
    pub lookups: Vec<Lookup>,
    /// The attribute that is stored as rows of their own and not in the document, if any.
    #[serde(default)]
    pub rows: Option<String>,
    /// Whether its resources may be members of groups.
    #[serde(default)]
    pub member: bool,
    /// What the names of its events begin with, such as `user`.
    pub event: String,
    /// The resources by whose scopes those of this type are opened.
    pub scopes: ScopesOf,
    /// The feature of a tenant behind which the type is, if any.
    #[serde(default)]
    pub feature: Option<String>,
}

impl ResourceType {
    /// The index of an attribute's values, where there is one.
    pub fn lookup(&self, path: &str) -> Option<&Lookup> {
        self.lookups.iter().find(|lookup| lookup.path == path)
    }
}

/// Whose scopes open the resources of a type.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "camelCase")]
pub enum ScopesOf {
    /// Those of users.
    Users,
    /// Those of groups.
    Groups,
}

/// RFC 7643 §6: a schema that extends a resource type.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct SchemaExtension {
    /// The URN.
    pub schema: String,
    /// Whether every resource of the type must have it.
    pub required: bool,
}

/// An attribute whose values an index finds.
#[derive(Clone, Debug, Deserialize)]
pub struct Lookup {
    /// The number under which its values are stored; never changes.
    pub number: u8,
    /// Its path, such as `emails.value`.
    pub path: String,
    /// Whether every resource has had its place in the index since the type began, with a value or
    /// without, so that lists can be in its order.
    #[serde(default = "from_the_beginning")]
    pub ordered: bool,
}

/// A resource type together with its schemas: what names are resolved against.
#[derive(Clone, Copy, Debug)]
pub struct TypeSchema<'a> {
    /// The type itself.
    pub resource_type: &'a ResourceType,
    registry: &'a Registry,
}

/// An attribute as found: in an extension or, with `extension` absent, in the core schema.
#[derive(Clone, Copy, Debug)]
pub struct Found<'a> {
    /// The URN of the extension below which a resource carries the attribute.
    pub extension: Option<&'a str>,
    /// The attribute.
    pub attribute: &'a Attribute,
}

impl<'a> TypeSchema<'a> {
    /// The attributes every resource has (RFC 7643 §3.1): `schemas`, `id`, `externalId`, `meta`.
    pub fn common(self) -> &'a [Attribute] {
        &self.registry.common.attributes
    }

    /// The core schema's attributes.
    pub fn core(self) -> &'a [Attribute] {
        self.registry.schema(&self.resource_type.schema).map_or(&[], |s| s.attributes.as_slice())
    }

    /// The extensions, in order.
    pub fn extensions(self) -> impl Iterator<Item = &'a Schema> {
        let Self { resource_type, registry } = self;
        resource_type.schema_extensions.iter().filter_map(|e| registry.schema(&e.schema))
    }

    /// The extension of a URN, whose case does not matter.
    pub fn extension(self, urn: &str) -> Option<&'a Schema> {
        self.extensions().find(|schema| schema.id.eq_ignore_ascii_case(urn))
    }

    /// Resolves an attribute's name, qualified by its schema's URN or not.
    ///
    /// An unqualified name is sought in the common attributes, the core schema and then, since
    /// clients write `manager` for the enterprise extension's, in the extensions; but not in one that
    /// they cannot write to, where they must mean something else.
    pub fn attribute(self, urn: Option<&str>, name: &str) -> Option<Found<'a>> {
        let core = |extension| move |attribute| Found { extension, attribute };
        match urn {
            Some(urn) if urn.eq_ignore_ascii_case(&self.resource_type.schema) => {
                named(self.common(), name).or_else(|| named(self.core(), name)).map(core(None))
            }
            Some(urn) => {
                let schema = self.extension(urn)?;
                named(&schema.attributes, name).map(core(Some(schema.id.as_str())))
            }
            None => named(self.common(), name)
                .or_else(|| named(self.core(), name))
                .map(core(None))
                .or_else(|| {
                    self.extensions().filter(|schema| !schema.is_read_only()).find_map(|schema| {
                        named(&schema.attributes, name).map(core(Some(schema.id.as_str())))
                    })
                }),
        }
    }
}

impl<'a> TypeSchema<'a> {
    /// The attribute or sub-attribute at a canonical path, such as `emails.value` or
    /// `urn:…:User:department`.
    pub fn leaf(self, path: &str) -> Option<&'a Attribute> {
        let (urn, names) = split_urn(path);
        let (name, sub) = split_sub(names);
        let attribute = self.attribute(urn, name)?.attribute;
        sub.map_or(Some(attribute), |sub| attribute.sub(sub))
    }

    /// Whether there is at most one value at a canonical path.
    pub fn is_single_valued(self, path: &str) -> bool {
        let (urn, names) = split_urn(path);
        let (name, _) = split_sub(names);
        let attribute = self.attribute(urn, name).map(|found| found.attribute);
        let of_many = |one: &Attribute| one.multi_valued;
        !attribute.is_some_and(of_many) && !self.leaf(path).is_some_and(of_many)
    }

    /// Whether a resource may have values that are not returned by default, so that its document is
    /// not what a client is shown.
    pub fn hides_values(self) -> bool {
        let hides = |one: &Attribute| matches!(one.returned, Returned::Never | Returned::Request);
        let is_kept = |one: &&Attribute| one.mutability != Mutability::WriteOnly;
        let extensions = self.extensions().flat_map(|schema| &schema.attributes);
        let mut kept = self.core().iter().chain(extensions).filter(is_kept);
        kept.any(|one| hides(one) || one.sub_attributes.iter().filter(is_kept).any(hides))
    }
}

impl Schema {
    /// Whether only the server writes its attributes.
    pub fn is_read_only(&self) -> bool {
        self.attributes.iter().all(|one| one.mutability == Mutability::ReadOnly)
    }
}

/// A canonical path's URN, if it has one, and its names.
pub(super) fn split_urn(path: &str) -> (Option<&str>, &str) {
    path.rsplit_once(':').map_or((None, path), |(urn, names)| (Some(urn), names))
}

/// The name of an attribute and, if there is one, that of a part of it.
pub(super) fn split_sub(names: &str) -> (&str, Option<&str>) {
    names.split_once('.').map_or((names, None), |(name, sub)| (name, Some(sub)))
}

impl Attribute {
    /// The sub-attribute of a name, whose case does not matter.
    pub fn sub(&self, name: &str) -> Option<&Self> {
        named(&self.sub_attributes, name)
    }

    /// Whether case matters when its values are compared. RFC 7643 §2.3.6, §2.3.7: in binary values
    /// and references it does.
    pub fn compares_case_exact(&self) -> bool {
        self.case_exact || matches!(self.kind, AttributeType::Binary | AttributeType::Reference)
    }

    /// Whether the attribute's strings are kept and compared as text (strings, references, binary).
    pub fn is_textual(&self) -> bool {
        matches!(
            self.kind,
            AttributeType::String | AttributeType::Reference | AttributeType::Binary
        )
    }
}

/// What the product's own table says of each of its lookups.
const fn from_the_beginning() -> bool {
    true
}

/// RFC 7643 §2.1: attribute names are case-insensitive.
fn named<'a>(attributes: &'a [Attribute], name: &str) -> Option<&'a Attribute> {
    attributes.iter().find(|attribute| attribute.name.eq_ignore_ascii_case(name))
}
