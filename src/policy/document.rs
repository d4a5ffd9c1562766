//! The policy document: versioned, read whole or not at all.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::reading::{object, unknown};
use super::{
    AccessRules, Actions, AttributeRules, Brake, Deprovision, Groups, Guard, Mapping, MappingMode,
    RateLimit, Role, Successor, Unmapped, Vocabulary, retention,
};
use crate::limits;
use crate::scim::schema::{DeclaredSchema, Fault, Registry};

/// A tenant's policies.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Counts the changes; 0 before the first.
    pub version: i64,
    /// What of the product the tenant uses.
    pub features: Features,
    /// What its requests are held to, if to anything.
    pub rate_limit: Option<RateLimit>,
    /// What becomes of users who are deactivated or deleted.
    pub deprovision: Deprovision,
    /// The schemas by which it extends resource types.
    pub schemas: Vec<DeclaredSchema>,
    /// Who may do what.
    pub access: AccessRules,
    /// For how many seconds users may stay away before they are suspended; for ever, where none are said.
    pub stale_after: Option<i64>,
    /// For how many seconds events are kept; for ever, where none are said.
    pub retain_events: Option<i64>,
    /// What connections do that awaits approval.
    pub review: Actions,
    /// How much of what ends access does, if there is an end.
    pub brake: Option<Brake>,
    /// Which roles must keep holders.
    pub guards: Vec<Guard>,
    /// Who takes over from a user who goes, in the order in which somebody is looked for.
    pub succession: Vec<Successor>,
    /// What connections may change of groups.
    pub groups: Groups,
    /// Whether users' access is copied for the edge.
    pub edge_reads: bool,
    /// What it says of users' attributes.
    pub attributes: AttributeRules,
}

/// Parts of the product that a tenant can have or not.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Features {
    /// SCIM itself; on. Without it, only discovery is answered.
    pub scim: bool,
    /// `/Bulk`; on.
    pub bulk: bool,
    /// The types Role and Entitlement (draft-ietf-scim-roles-entitlements); off.
    pub roles: bool,
    /// The types Agent and AgenticApplication (draft-abbey-scim-agent-extension); off.
    pub agents: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            version: 0,
            features: Features::default(),
            rate_limit: Some(RateLimit::DEFAULT),
            schemas: Vec::new(),
            deprovision: Deprovision::default(),
            access: AccessRules::default(),
            stale_after: None,
            retain_events: None,
            review: Actions::default(),
            brake: None,
            guards: Vec::new(),
            succession: Vec::new(),
            groups: Groups::default(),
            edge_reads: false,
            attributes: AttributeRules::default(),
        }
    }
}

impl Default for Features {
    fn default() -> Self {
        Self { scim: true, bulk: true, roles: false, agents: false }
    }
}

impl Features {
    /// All of them, by name.
    fn named(&mut self) -> [(&'static str, &mut bool); 4] {
        let Self { scim, bulk, roles, agents } = self;
        [("scim", scim), ("bulk", bulk), ("roles", roles), ("agents", agents)]
    }

    /// Whether a feature is on.
    pub fn has(mut self, name: &str) -> bool {
        self.named().into_iter().any(|(other, on)| other == name && *on)
    }

    /// The features that are on, and were not before.
    pub fn enabled_since(mut self, before: Self) -> Vec<&'static str> {
        let named = self.named().into_iter();
        named.filter(|(name, on)| **on && !before.has(name)).map(|(name, _)| name).collect()
    }

    fn to_json(mut self) -> Value {
        let named = self.named().into_iter();
        Value::Object(named.map(|(name, on)| (name.to_owned(), (*on).into())).collect())
    }
}

impl Policy {
    /// What a document makes of these policies: what it does not mention stays as it is. Its
    /// `version` is for its author; the new policies have the next one.
    ///
    /// # Errors
    /// Every fault with its place.
    pub fn amended(&self, document: &Map<String, Value>) -> Result<Self, Vec<Fault>> {
        let mut faults = Vec::new();
        let mut amended = Self { version: self.version.saturating_add(1), ..self.clone() };
        for (name, value) in document {
            match name.as_str() {
                "version" if value.is_i64() || value.is_u64() => {}
                "version" => faults.push(Fault::new("/version", "is not a whole number")),
                "features" => read_features(&mut amended.features, value, &mut faults),
                "rateLimit" => put(&mut amended.rate_limit, RateLimit::read(value), &mut faults),
                "staleAfter" => {
                    put(&mut amended.stale_after, retention::STALE_AFTER.read(value), &mut faults)
                }
                "retainEvents" => put(
                    &mut amended.retain_events,
                    retention::RETAIN_EVENTS.read(value),
                    &mut faults,
                ),
                "deprovision" => amended.deprovision.read(value, &mut faults),
                "schemas" => {
                    let read = DeclaredSchema::read_all(value, "/schemas", &self.schemas);
                    put(&mut amended.schemas, read, &mut faults);
                }
                "mappings" => {} // Below.
                "mappingMode" => {
                    put(&mut amended.access.mode, MappingMode::read(value), &mut faults)
                }
                "unmapped" => put(&mut amended.access.unmapped, Unmapped::read(value), &mut faults),
                "roles" => put(&mut amended.access.roles, Role::read_all(value), &mut faults),
                "review" => amended.review.read(value, &mut faults),
                "massChangeBrake" => put(&mut amended.brake, Brake::read(value), &mut faults),
                "guards" => put(&mut amended.guards, Guard::read_all(value), &mut faults),
                "succession" => {
                    put(&mut amended.succession, Successor::read_all(value), &mut faults)
                }
                "groups" => match value.as_str().and_then(Groups::of) {
                    Some(groups) => amended.groups = groups,
                    None => {
                        faults.push(Fault::new("/groups", "is neither full nor membershipOnly"));
                    }
                },
                "edgeReads" => match value.as_bool() {
                    Some(edge_reads) => amended.edge_reads = edge_reads,
                    None => faults.push(Fault::new("/edgeReads", "is neither true nor false")),
                },
                name if AttributeRules::NAMES.contains(&name) => {}
                _ => faults.push(unknown("", name)),
            }
        }
        let registry = amended.registry();
        amended.attributes = self.attributes.amended(document, &registry, &mut faults);
        amended.bind(document.get("mappings"), &registry, &mut faults);
        if faults.is_empty() { Ok(amended) } else { Err(faults) }
    }

    /// Reads the mappings of a document or, where it has none, again those that there are: what their
    /// conditions mean depends on the schemas.
    fn bind(&mut self, mappings: Option<&Value>, registry: &Registry, faults: &mut Vec<Fault>) {
        let kept = || self.access.mappings.iter().map(Mapping::to_json).collect();
        let mappings: Value = mappings.cloned().unwrap_or_else(kept);
        if mappings.as_array().is_some_and(Vec::is_empty) {
            self.access.mappings = Vec::new();
            return;
        }
        let read = Mapping::read_all(&mappings, &Vocabulary::of(registry));
        put(&mut self.access.mappings, read, faults);
    }

    /// Reads what was stored: a document, and the numbers of its searchable attributes.
    ///
    /// # Errors
    /// Every fault with its place; there is none in what [`Self::to_json`] wrote, be it of a version
    /// that had other rules for schemas.
    pub fn stored(
        version: i64,
        document: &Map<String, Value>,
        numbers: &BTreeMap<String, u8>,
    ) -> Result<Self, Vec<Fault>> {
        let mut rest = document.clone();
        let schemas = match rest.shift_remove("schemas") {
            Some(Value::Array(list)) => DeclaredSchema::stored(&list),
            Some(_) => return Err(vec![Fault::new("/schemas", "is not a list")]),
            None => Vec::new(),
        };
        let mut policy = Self { schemas, ..Self::default() }.amended(&rest)?;
        policy.version = version;
        for lookup in policy.schemas.iter_mut().flat_map(|schema| &mut schema.lookups) {
            let number = numbers.get(&lookup.path).copied();
            lookup.number = number.ok_or_else(|| vec![Fault::new("/schemas", "has no number")])?;
        }
        Ok(policy)
    }

    /// Reads what another tenant's export says, and takes nothing of it on trust.
    ///
    /// # Errors
    /// Every fault with its place.
    pub fn moved(
        document: &Map<String, Value>,
        numbers: &BTreeMap<String, u8>,
    ) -> Result<Self, Vec<Fault>> {
        Self::default().amended(document)?;
        let version = document.get("version").and_then(Value::as_i64).unwrap_or(0);
        let policy = Self::stored(version, document, numbers)?;
        let is_first = policy.changed(&Self::default()).is_empty();
        if !(0..=limits::IMPORT_VERSION).contains(&version) || version == 0 && !is_first {
            return Err(vec![Fault::new("/version", "is not that of such policies")]);
        }
        if !DeclaredSchema::are_numbered(&policy.schemas) {
            return Err(vec![Fault::new("/schemas", "has other numbers than are given")]);
        }
        Ok(policy)
    }

    /// The document that says all of it.
    pub fn to_json(&self) -> Value {
        let mut document = json!({
            "version": self.version,
            "features": self.features.to_json(),
            "rateLimit": RateLimit::to_json(self.rate_limit),
            "groups": self.groups.name(),
            "edgeReads": self.edge_reads,
            "deprovision": self.deprovision.to_json(),
            "staleAfter": retention::to_json(self.stale_after),
            "retainEvents": retention::to_json(self.retain_events),
            "schemas": self.schemas.iter().map(DeclaredSchema::to_json).collect::<Vec<_>>(),
            "mappings": self.access.mappings.iter().map(Mapping::to_json).collect::<Vec<_>>(),
            "mappingMode": self.access.mode.name(),
            "unmapped": self.access.unmapped.to_json(),
            "roles": self.access.roles.iter().map(Role::to_json).collect::<Vec<_>>(),
            "review": self.review.to_json(),
            "massChangeBrake": Brake::to_json(self.brake),
            "guards": self.guards.iter().map(Guard::to_json).collect::<Vec<_>>(),
            "succession": self.succession.iter().map(Successor::name).collect::<Vec<_>>(),
        });
        if let Value::Object(fields) = &mut document {
            let parts = self.attributes.parts();
            fields.extend(parts.map(|(name, part)| (name.to_owned(), part)));
        }
        document
    }

    /// The members of the document in which two policies differ, `version` aside.
    pub fn changed(&self, other: &Self) -> Vec<String> {
        let (one, other) = (self.to_json(), other.to_json());
        let fields = one.as_object().into_iter().flatten();
        let differs = |(name, value): &(&String, &Value)| {
            *name != "version" && other.get(name.as_str()) != Some(*value)
        };
        fields.filter(differs).map(|(name, _)| name.clone()).collect()
    }

    /// The schemas and resource types of a tenant with these policies.
    pub fn registry(&self) -> Registry {
        Registry::of(|feature| self.features.has(feature), &self.schemas)
    }
}

/// Takes what was read, or its faults.
fn put<T>(to: &mut T, read: Result<T, Vec<Fault>>, faults: &mut Vec<Fault>) {
    match read {
        Ok(read) => *to = read,
        Err(found) => faults.extend(found),
    }
}

fn read_features(features: &mut Features, value: &Value, faults: &mut Vec<Fault>) {
    let Some(fields) = object(value, "/features", faults) else { return };
    let mut named = features.named();
    for (name, value) in fields {
        match (named.iter_mut().find(|(other, _)| other == name), value) {
            (Some((_, on)), Value::Bool(value)) => **on = *value,
            (Some(_), _) => {
                faults.push(Fault::new(format!("/features/{name}"), "is not true or false"));
            }
            (None, _) => faults.push(unknown("/features", name)),
        }
    }
}
