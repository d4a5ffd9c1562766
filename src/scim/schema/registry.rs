//! Which schemas and resource types there are: the product's table, and what a tenant has of it.

use std::sync::{Arc, LazyLock};

use super::{Attribute, DeclaredSchema, ResourceType, Schema, SchemaExtension, TypeSchema};

/// All schemas and resource types that a tenant knows.
#[derive(Clone, Debug)]
pub struct Registry {
    pub(super) common: Schema,
    pub(super) schemas: Vec<Schema>,
    types: Vec<ResourceType>,
}

impl Registry {
    /// The schemas and types that every tenant has.
    pub fn builtin() -> &'static Arc<Self> {
        static BUILTIN: LazyLock<Arc<Registry>> =
            LazyLock::new(|| Arc::new(Registry::of(|_| false, &[])));
        &BUILTIN
    }

    /// The schemas and types that some tenant may have, those behind a feature included.
    pub fn whole() -> &'static Self {
        static WHOLE: LazyLock<Registry> =
            LazyLock::new(|| Registry::parse().unwrap_or_else(|_| Registry::empty()));
        &WHOLE
    }

    /// Reads the table. That it parses is a test's concern (`discovery.rs`), not a tenant's.
    ///
    /// # Errors
    /// When a file of the table is malformed.
    pub fn parse() -> serde_json::Result<Self> {
        Ok(Self {
            common: serde_json::from_str(include_str!("../schemas/common.json"))?,
            schemas: vec![
                serde_json::from_str(include_str!("../schemas/user.json"))?,
                serde_json::from_str(include_str!("../schemas/group.json"))?,
                serde_json::from_str(include_str!("../schemas/enterprise_user.json"))?,
                serde_json::from_str(include_str!("../schemas/muster_user.json"))?,
                serde_json::from_str(include_str!("../schemas/group_kind.json"))?,
                serde_json::from_str(include_str!("../schemas/role.json"))?,
                serde_json::from_str(include_str!("../schemas/entitlement.json"))?,
                serde_json::from_str(include_str!("../schemas/agent.json"))?,
                serde_json::from_str(include_str!("../schemas/agentic_application.json"))?,
            ],
            types: serde_json::from_str(include_str!("../schemas/resource_types.json"))?,
        })
    }

    /// What a tenant with some features has, and the schemas that it declares itself.
    pub fn of(has_feature: impl Fn(&str) -> bool, declared: &[DeclaredSchema]) -> Self {
        let whole = Self::whole();
        let has = |feature: &Option<String>| feature.as_deref().is_none_or(&has_feature);
        let mut types: Vec<ResourceType> = whole
            .types
            .iter()
            .filter(|resource_type| has(&resource_type.feature))
            .cloned()
            .collect();
        for schema in declared {
            let extended = types.iter_mut().filter(|one| schema.resource_types.contains(&one.id));
            for resource_type in extended {
                resource_type.schema_extensions.push(SchemaExtension {
                    schema: schema.schema.id.clone(),
                    required: schema.required,
                });
                resource_type.lookups.extend(schema.lookups.iter().cloned());
            }
        }
        let is_used = |schema: &Schema| {
            types.iter().any(|resource_type| {
                resource_type.schema == schema.id
                    || resource_type.schema_extensions.iter().any(|e| e.schema == schema.id)
            })
        };
        let declared = declared.iter().map(|declared| &declared.schema);
        let schemas =
            whole.schemas.iter().chain(declared).filter(|s| is_used(s)).cloned().collect();
        let mut registry = Self { common: whole.common.clone(), schemas, types };
        registry.say_who_may_be_a_member();
        registry
    }

    /// RFC 7643 §4.2: what a group's members point at and are called depends on what types there are.
    fn say_who_may_be_a_member(&mut self) {
        let members = self.types.iter().filter(|one| one.member).map(|one| one.id.clone());
        let members: Vec<String> = members.collect();
        for resource_type in &self.types {
            let Some(rows) = &resource_type.rows else { continue };
            let schema = self.schemas.iter_mut().find(|schema| schema.id == resource_type.schema);
            let attributes = schema.into_iter().flat_map(|schema| &mut schema.attributes);
            let parts =
                attributes.filter(|one| one.name == *rows).flat_map(|one| &mut one.sub_attributes);
            for part in parts {
                match part.name.as_str() {
                    "$ref" => part.reference_types.clone_from(&members),
                    "type" => part.canonical_values.clone_from(&members),
                    _ => {}
                }
            }
        }
    }

    /// The same for conditions on users: also a group's `externalId` is asked for, and texts are compared
    /// exactly or without case, all alike.
    #[must_use]
    pub fn for_conditions(&self, case_exact: bool) -> Self {
        let mut registry = self.clone();
        let schemas = registry.schemas.iter_mut().chain([&mut registry.common]);
        for attribute in schemas.flat_map(|schema| &mut schema.attributes) {
            if attribute.name == "groups" {
                let value = attribute.sub_attributes.iter().find(|part| part.name == "value");
                let named =
                    value.map(|part| Attribute { name: "externalId".to_owned(), ..part.clone() });
                attribute.sub_attributes.extend(named);
            }
            for one in [&mut attribute.case_exact]
                .into_iter()
                .chain(attribute.sub_attributes.iter_mut().map(|part| &mut part.case_exact))
            {
                *one = case_exact;
            }
        }
        registry
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

    fn empty() -> Self {
        let common = Schema {
            id: String::new(),
            name: String::new(),
            description: String::new(),
            attributes: Vec::new(),
        };
        Self { common, schemas: Vec::new(), types: Vec::new() }
    }
}
