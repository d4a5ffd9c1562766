//! RFC 7643 §7 and §6: schemas and resource types, as data.
//!
//! `schemas/*.json` is the one table that drives parsing, validation, PATCH, filters, projections
//! and discovery. Resolving a name against it is here; what a value must look like is `resource`'s
//! business, how a filter compares is `filter`'s.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

/// The number of the type User, as `schemas/resource_types.json` has it.
pub const USER: u8 = 1;
/// The number of the type Group.
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
}

/// RFC 7643 §2.3: the data types.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the names are the RFC's")]
pub enum AttributeType {
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
}

/// All schemas and resource types that a tenant knows.
#[derive(Clone, Debug)]
pub struct Registry {
    common: Schema,
    schemas: Vec<Schema>,
    types: Vec<ResourceType>,
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

impl Registry {
    /// The schemas and types that every tenant has.
    pub fn builtin() -> &'static Self {
        static BUILTIN: LazyLock<Registry> = LazyLock::new(|| {
            Registry::parse().unwrap_or_else(|_| Registry {
                common: Schema {
                    id: String::new(),
                    name: String::new(),
                    description: String::new(),
                    attributes: Vec::new(),
                },
                schemas: Vec::new(),
                types: Vec::new(),
            })
        });
        &BUILTIN
    }

    /// Reads the table. That it parses is a test's concern (`discovery.rs`), not a tenant's.
    ///
    /// # Errors
    /// When a file of the table is malformed.
    pub fn parse() -> serde_json::Result<Self> {
        Ok(Self {
            common: serde_json::from_str(include_str!("schemas/common.json"))?,
            schemas: vec![
                serde_json::from_str(include_str!("schemas/user.json"))?,
                serde_json::from_str(include_str!("schemas/group.json"))?,
                serde_json::from_str(include_str!("schemas/enterprise_user.json"))?,
            ],
            types: serde_json::from_str(include_str!("schemas/resource_types.json"))?,
        })
    }

    /// The schemas, in the order in which `/Schemas` lists them.
    pub fn schemas(&self) -> &[Schema] {
        &self.schemas
    }

    /// The schema of a URN, whose case does not matter.
    pub fn schema(&self, urn: &str) -> Option<&Schema> {
        self.schemas.iter().find(|schema| schema.id.eq_ignore_ascii_case(urn))
    }

    /// The resource types, in the order in which `/ResourceTypes` lists them.
    pub fn types(&self) -> impl Iterator<Item = TypeSchema<'_>> {
        self.types.iter().map(|resource_type| TypeSchema { resource_type, registry: self })
    }

    /// The type whose collection is at `/{segment}`.
    pub fn type_at(&self, segment: &str) -> Option<TypeSchema<'_>> {
        self.types().find(|t| t.resource_type.endpoint.strip_prefix('/') == Some(segment))
    }

    /// The type stored under a number.
    pub fn type_numbered(&self, number: u8) -> Option<TypeSchema<'_>> {
        self.types().find(|t| t.resource_type.number == number)
    }
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
    /// clients write `manager` for the enterprise extension's, in the extensions.
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
                    self.extensions().find_map(|schema| {
                        named(&schema.attributes, name).map(core(Some(schema.id.as_str())))
                    })
                }),
        }
    }
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

/// RFC 7643 §2.1: attribute names are case-insensitive.
fn named<'a>(attributes: &'a [Attribute], name: &str) -> Option<&'a Attribute> {
    attributes.iter().find(|attribute| attribute.name.eq_ignore_ascii_case(name))
}
