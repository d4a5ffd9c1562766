//! The tenant's policy document: read, and changed whole or not at all.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::access::counted;
use super::connections::{CONNECTIONS, decides_anew};
use super::document::matches;
use super::memory::Connection;
use super::stale::Sightings;
use super::stored_policy::to_row;
use super::work::{Answer, Failure, Work, conflict};
use crate::event::{Event, EventKind};
use crate::http::{Problem, ProblemCode, Response};
use crate::limits;
use crate::policy::{AccessRules, Fate, Policy};
use crate::scim::schema::{Attribute, DeclaredSchema, Fault, Registry};
use crate::store::connections::ConnectionRow;
use crate::store::{grants, policies};

/// Where values of a declared schema may lie that a change of it would contradict.
struct Ground<'s> {
    /// The id of a resource type.
    resource_type: &'s str,
    /// The attributes; none where it is the schema as a whole.
    attributes: Option<Vec<&'s str>>,
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
    /// 1. It must be clear whether this is a dry run: 400.
    /// 2. They must be the version that the client names: 412.
    /// 3. It must not be too large: 413.
    /// 4. What comes of it must be right: [`Self::plan`].
    /// 5. A document that has a `version` and changes anything must not be of an earlier one than the
    ///    policies: 409.
    /// 6. If anything changes and this is not a dry run, it is written.
    pub(super) fn amend(&mut self, document: &Map<String, Value>) -> Result<Amended, Failure> {
        let before = &self.memory.policy;
        let dry_run = self.request().query.flag("dryRun")?; // (1)
        let condition = self.request().headers.if_match.as_deref();
        if condition.is_some_and(|condition| !matches(condition, &etag(before))) {
            return Err(ProblemCode::PreconditionFailed.into()); // (2)
        }
        bounded(self.request().body.len())?; // (3)
        let plan = self.plan(document)?; // (4)
        let said = document.get("version").and_then(Value::as_i64);
        if said.is_some_and(|version| version < before.version) && !plan.changed.is_empty() {
            return Err(outdated(before.version, "the document is of an earlier version")); // (5)
        }
        if dry_run {
            let mut diff = self.policy_difference(&plan);
            if self.decides_anew(&plan) {
                let mut plan = Some(plan);
                let mut enact =
                    |work: &mut Self| plan.take().map_or(Ok(()), |plan| work.enact(plan, false));
                diff.extend([("access".to_owned(), self.preview(&mut enact)?)]);
            }
            return Ok(Amended::Tried(diff.into()));
        }
        if !plan.changed.is_empty() {
            self.enact(plan, false)?; // (6)
        }
        Ok(Amended::Written)
    }

    /// What a document would make of the tenant.
    ///
    /// 1. Connections are not for the key of one: 403.
    /// 2. The document must be right, and mappings not contradict connections: 422 with its faults.
    /// 3. What it makes of the policies must not be too large: 413.
    /// 4. No resource may have values of what it changes or takes away: 409.
    pub(super) fn plan(&self, document: &Map<String, Value>) -> Result<Plan, Failure> {
        let before = &self.memory.policy;
        let mut rest = document.clone();
        let declared = rest.shift_remove(CONNECTIONS);
        if declared.is_some() {
            self.may_change_connections()?; // (1)
        }
        let policy = before.amended(&rest);
        let registry = policy.as_ref().ok().map(Policy::registry);
        let connections = declared.map_or(Ok(Vec::new()), |declared| {
            let below = |fault: Fault| fault.below(&format!("/{CONNECTIONS}"));
            let found = self.declared_connections(&declared, registry.as_ref());
            found.map_err(|faults| faults.into_iter().map(below).collect())
        });
        let connections = connections.and_then(|rows| {
            let judge = |registry| self.contradicted_scopes(registry, &rows);
            let faults = registry.as_ref().map(judge).unwrap_or_default();
            if faults.is_empty() { Ok(rows) } else { Err(faults) }
        });
        let (policy, connections) = match (policy, connections) {
            (Ok(policy), Ok(connections)) => (policy, connections),
            (policy, connections) => {
                let faults = [policy.err(), connections.err()];
                return Err(
                    Problem::faulty(faults.into_iter().flatten().flatten().collect()).into()
                ); // (2)
            }
        };
        if policy.edge_reads
            && !before.edge_reads
            && let Some(fault) = self.call.copying.fault()
        {
            return Err(Problem::faulty(vec![fault]).into()); // (2)
        }
        self.allow_mappings(&policy.access.mappings, &connections)?; // (2)
        bounded(to_row(&policy).document.len())?; // (3)
        self.allow_change(&before.schemas, &policy.schemas)?; // (4)
        let mut changed = before.changed(&policy);
        if !connections.is_empty() {
            changed.push(CONNECTIONS.to_owned());
        }
        Ok(Plan { policy, connections, changed })
    }

    /// Writes what was planned, with an event, and one for each feature that is switched on and each
    /// connection; of the document in the tenant's record, the event says that it is from there.
    pub(super) fn enact(&mut self, plan: Plan, config: bool) -> Result<(), Failure> {
        let Plan { policy: after, connections, changed } = plan;
        let before = decisive(&self.memory.policy);
        let changed_schemas = changed.iter().any(|name| name == "schemas");
        policies::write(self.sql, &to_row(&after))?;
        let mut event = Event::new(EventKind::TenantUpdated, "policies")
            .with("changed", changed)
            .with("version", after.version);
        if config {
            event = event.with("config", true);
        }
        let enabled = after.features.enabled_since(self.memory.policy.features);
        self.record(&event)?;
        for feature in enabled {
            let event = Event::new(EventKind::TenantFeatureEnabled, "policies");
            self.record(&event.with("feature", feature))?;
        }
        self.memory.touched = true;
        self.memory.registry = Arc::new(after.registry());
        if before != decisive(&after) {
            let counted: Vec<String> = counted(&after).into_iter().collect();
            grants::count_only(self.sql, &counted)?;
            self.memory.dirty.touch_everybody();
        }
        self.memory.sightings = Sightings::load(self.sql, &after)?;
        self.memory.log.look_for_first(self.sql, &after)?;
        if self.memory.policy.edge_reads != after.edge_reads {
            self.switch_copies(after.edge_reads)?;
        } else if changed_schemas {
            self.memory.renew_copies(self.sql)?;
        }
        self.memory.policy = after;
        self.enact_connections(connections)?;
        Ok(self.memory.bind_scopes()?)
    }

    /// Whether a plan decides anew on the access of users.
    fn decides_anew(&self, Plan { policy, connections, .. }: &Plan) -> bool {
        let anew = |row: &ConnectionRow| {
            let before = self.memory.connections.get(&row.id);
            before.is_some_and(|before| decides_anew(before, &Connection::new(row.clone())))
        };
        decisive(&self.memory.policy) != decisive(policy) || connections.iter().any(anew)
    }

    /// What a dry run tells.
    fn policy_difference(&self, plan: &Plan) -> Map<String, Value> {
        let (before, after) = (self.memory.policy.to_json(), plan.policy.to_json());
        let change = |name: &String| {
            let of = |document: &Value| document.get(name.as_str()).cloned();
            json!({ "path": format!("/{name}"), "before": of(&before), "after": of(&after) })
        };
        let policies = plan.changed.iter().filter(|name| *name != CONNECTIONS).map(change);
        let connections = plan.connections.iter().map(|row| self.connection_difference(row));
        let changes = policies.chain(connections).collect();
        [("dryRun".to_owned(), true.into()), ("changes".to_owned(), changes)].into_iter().collect()
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
                if let Some(path) = self.in_use(schema, &ground)? {
                    let detail = format!(
                        "a resource of type {} has values of `{path}`, which is so changed that they would not fit",
                        ground.resource_type
                    );
                    return Err(Problem::new(ProblemCode::Conflict, detail).into());
                }
            }
        }
        Ok(())
    }

    /// The first path there of which a resource has a value.
    fn in_use(
        &self,
        DeclaredSchema { schema, .. }: &DeclaredSchema,
        ground: &Ground<'_>,
    ) -> Result<Option<String>, Failure> {
        let mut types = Registry::whole().types();
        let resource_type = types.find(|one| one.resource_type.id == ground.resource_type);
        let Some(number) = resource_type.map(|one| one.resource_type.number) else {
            return Ok(None);
        };
        if self.memory.count(number).live > limits::SCHEMA_SCAN {
            let detail = format!(
                "there are more than {} resources that might have values of it",
                limits::SCHEMA_SCAN
            );
            return Err(Problem::new(ProblemCode::Conflict, detail).into());
        }
        let used = policies::attributes_in_use(self.sql, number, &schema.id)?;
        Ok(match &ground.attributes {
            None => used.first().map(|_| schema.id.clone()),
            Some(names) => {
                let name = names.iter().find(|name| used.contains(**name));
                name.map(|name| format!("{}:{name}", schema.id))
            }
        })
    }
}

/// What a document would make of the tenant.
pub(super) struct Plan {
    /// The policies, of the next version.
    pub(super) policy: Policy,
    /// The connections that are made or change.
    connections: Vec<ConnectionRow>,
    /// The members of the document that say anything new.
    pub(super) changed: Vec<String>,
}

/// What has become of a change.
pub(super) enum Amended {
    /// It is made, or there was nothing to make.
    Written,
    /// It was only tried: what it would change.
    Tried(Value),
}

/// Refuses a document of too many bytes.
pub(super) fn bounded(bytes: usize) -> Result<(), Problem> {
    if bytes <= limits::POLICY_BYTES {
        return Ok(());
    }
    let detail = format!("the policy document has more than {} bytes", limits::POLICY_BYTES);
    Err(Problem::new(ProblemCode::PayloadTooLarge, detail))
}

/// A document is of a version that the policies are ahead of.
pub(super) fn outdated(held: i64, why: &str) -> Failure {
    conflict(format!("the tenant's policies are of version {held}; {why}"))
}

pub(super) fn etag(policy: &Policy) -> String {
    format!("\"{}\"", policy.version)
}

/// Where values may lie that do not fit what a schema becomes: whole types and attributes that it
/// loses, and attributes that are read or found in another way.
fn grounds<'s>(schema: &'s DeclaredSchema, later: Option<&DeclaredSchema>) -> Vec<Ground<'s>> {
    let DeclaredSchema { schema, resource_types, .. } = schema;
    let ground = |resource_type: &'s String| {
        let later = later.filter(|later| later.resource_types.contains(resource_type));
        let attributes = later.map(|later| {
            let fits = |one: &&Attribute| later.schema.attributes.iter().any(|o| fits(one, o));
            let others = schema.attributes.iter().filter(|one| !fits(one));
            others.map(|one| one.name.as_str()).collect::<Vec<_>>()
        });
        Ground { resource_type, attributes }
    };
    let is_ground = |ground: &Ground<'_>| ground.attributes.as_ref().is_none_or(|a| !a.is_empty());
    resource_types.iter().map(ground).filter(is_ground).collect()
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

/// What of policies decides on access, and how that is counted.
fn decisive(policy: &Policy) -> (AccessRules, BTreeSet<String>, Fate) {
    (policy.access.clone(), counted(policy), policy.deprovision.deactivated)
}
