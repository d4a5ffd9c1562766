//! The tenant's policy document: read, and changed whole or not at all.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::stored_policy::to_row;
use super::work::{Answer, Failure, Work};
use crate::event::{Event, EventKind};
use crate::http::{Problem, ProblemCode, Response};
use crate::limits;
use crate::policy::Policy;
use crate::scim::schema::{Attribute, DeclaredSchema, Registry};
use crate::store::policies;

/// Where values of a declared schema may lie that a change of it would contradict.
struct Ground {
    /// The id of a resource type.
    resource_type: String,
    /// The attribute, or the schema as a whole.
    attribute: Option<String>,
}

impl Work<'_, '_> {
    /// `GET …/policies`.
    pub(super) fn read_policies(&self) -> Response {
        let policy = &self.memory.policy;
        Response::json(200, &policy.to_json()).with("etag", etag(policy))
    }

    /// `PUT …/policies[?dryRun=true]`: what the document does not mention stays as it is.
    pub(super) fn amend_policies(&mut self) -> Answer {
        let body = self.admin_body()?;
        match self.amend(&body)? {
            Amended::Written => Ok(self.read_policies()),
            Amended::Tried(diff) => Ok(Response::json(200, &diff)),
        }
    }

    /// Changes the policies.
    ///
    /// 1. They must be the version that the client names: 412.
    /// 2. The document must be right: 422 with every fault.
    /// 3. No resource may have values of what it changes or takes away: 409.
    /// 4. If anything changes and this is not a dry run, it is written, with an event, and one for
    ///    each feature that is switched on.
    pub(super) fn amend(&mut self, document: &Map<String, Value>) -> Result<Amended, Failure> {
        let before = &self.memory.policy;
        let current = etag(before);
        if self.request().headers.if_match.as_deref().is_some_and(|m| m != "*" && m != current) {
            return Err(Problem::from(ProblemCode::PreconditionFailed).into()); // (1)
        }
        let after = before.amended(document).map_err(Problem::faulty)?; // (2)
        let changed = before.changed(&after);
        self.allow_change(&before.schemas, &after.schemas)?; // (3)
        let dry_run = self.request().query.value("dryRun");
        if dry_run.is_some_and(|value| value.eq_ignore_ascii_case("true")) {
            return Ok(Amended::Tried(difference(before, &after, &changed)));
        }
        if changed.is_empty() {
            return Ok(Amended::Written);
        }
        policies::write(self.sql, &to_row(&after))?; // (4)
        let event = Event::new(EventKind::TenantUpdated, "policies");
        let enabled = after.features.enabled_since(before.features);
        self.record(&event.with("changed", changed).with("version", after.version))?;
        for feature in enabled {
            let event = Event::new(EventKind::TenantFeatureEnabled, "policies");
            self.record(&event.with("feature", feature))?;
        }
        self.memory.touched = true;
        self.memory.registry = Arc::new(after.registry());
        self.memory.policy = after;
        Ok(Amended::Written)
    }

    /// Refuses a change of schemas that values of resources would contradict.
    fn allow_change(
        &self,
        before: &[DeclaredSchema],
        after: &[DeclaredSchema],
    ) -> Result<(), Failure> {
        for schema in before {
            let later = after.iter().find(|other| other.schema.id == schema.schema.id);
            for ground in grounds(schema, later) {
                if self.holds(schema, &ground)? {
                    let id = &schema.schema.id;
                    let what = ground.attribute.map_or(id.clone(), |name| format!("{id}:{name}"));
                    let detail = format!(
                        "a {} has values of `{what}`, which is so changed that they would not fit",
                        ground.resource_type
                    );
                    return Err(Problem::new(ProblemCode::Conflict, detail).into());
                }
            }
        }
        Ok(())
    }

    /// Whether a resource has values there.
    fn holds(&self, schema: &DeclaredSchema, ground: &Ground) -> Result<bool, Failure> {
        let mut types = Registry::whole().types();
        let resource_type = types.find(|one| one.resource_type.id == ground.resource_type);
        let Some(number) = resource_type.map(|one| one.resource_type.number) else {
            return Ok(false);
        };
        if self.memory.count(number).live > limits::SCHEMA_SCAN {
            let detail = format!(
                "there are more than {} resources that might have values of it",
                limits::SCHEMA_SCAN
            );
            return Err(Problem::new(ProblemCode::Conflict, detail).into());
        }
        let below =
            ground.attribute.as_ref().map(|name| format!(".\"{name}\"")).unwrap_or_default();
        let path = format!("$.\"{}\"{below}", schema.schema.id);
        Ok(policies::in_use(self.sql, number, &path)?)
    }
}

/// What has become of a change.
pub(super) enum Amended {
    /// It is made, or there was nothing to make.
    Written,
    /// It was only tried: what it would change.
    Tried(Value),
}

fn etag(policy: &Policy) -> String {
    format!("\"{}\"", policy.version)
}

fn difference(before: &Policy, after: &Policy, changed: &[String]) -> Value {
    let (before, after) = (before.to_json(), after.to_json());
    let change = |name: &String| {
        let of = |document: &Value| document.get(name.as_str()).cloned();
        json!({ "path": format!("/{name}"), "before": of(&before), "after": of(&after) })
    };
    json!({ "dryRun": true, "changes": changed.iter().map(change).collect::<Vec<_>>() })
}

/// Where values may lie that do not fit what a schema becomes: whole types and attributes that it
/// loses, and attributes that are read or found in another way.
fn grounds(schema: &DeclaredSchema, later: Option<&DeclaredSchema>) -> Vec<Ground> {
    let mut grounds = Vec::new();
    for resource_type in &schema.resource_types {
        let ground = |attribute| Ground { resource_type: resource_type.clone(), attribute };
        match later.filter(|later| later.resource_types.contains(resource_type)) {
            None => grounds.push(ground(None)),
            Some(later) => {
                let fits = |one: &&Attribute| later.schema.attributes.iter().any(|o| fits(one, o));
                let others = schema.schema.attributes.iter().filter(|one| !fits(one));
                grounds.extend(others.map(|one| ground(Some(one.name.clone()))));
            }
        }
    }
    grounds
}

/// Whether the values of an attribute are as good as those of what it becomes.
fn fits(before: &Attribute, after: &Attribute) -> bool {
    let is_kept = |one: &Attribute| {
        let later = after.sub_attributes.iter().find(|other| other.name == one.name);
        later.is_some_and(|other| fits(one, other))
    };
    before.name == after.name
        && before.kind == after.kind
        && before.multi_valued == after.multi_valued
        && before.case_exact == after.case_exact
        && before.searchable == after.searchable
        && before.uniqueness == after.uniqueness
        && before.mutability.keeps_values() == after.mutability.keeps_values()
        && before.sub_attributes.iter().all(is_kept)
}
