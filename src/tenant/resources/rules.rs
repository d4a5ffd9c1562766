//! What a tenant asks of its resources beyond their schemas, asked of what a request makes of one.
//!
//! What was so before a rule was made is not for a later request to mend, unless that says the whole
//! of the resource: a PATCH may not take away what is required, nor bring a value that breaks a rule.
//! Deactivating a user never fails for what the user lacks.

use super::Subject;
use crate::policy::{Groups, Owner};
use crate::scim::invisible::is_invisible;
use crate::scim::resource::{Resource, changed};
use crate::scim::schema::{GROUP, Mutability, Schema, TypeSchema, USER};
use crate::scim::{ErrorKind, ScimError, urn};
use crate::tenant::ring::{AUTHORITY_IGNORED, EXTERNAL_ID_MISSING};
use crate::tenant::work::Work;

/// What a request writes, and what is there before.
#[derive(Clone, Copy)]
pub(super) enum Written<'r> {
    /// A resource that is new: POST.
    New,
    /// All of a resource: PUT.
    Over(&'r Subject<'r>),
    /// Parts of a resource: PATCH.
    In(&'r Subject<'r>),
}

impl<'r> Written<'r> {
    pub(super) const fn before(self) -> Option<&'r Resource> {
        match self {
            Self::New => None,
            Self::Over(subject) | Self::In(subject) => Some(&subject.document.resource),
        }
    }
}

impl Work<'_, '_> {
    /// What a resource becomes by the tenant's rules, if it may: 400 `invalidValue` or `mutability`,
    /// 403.
    pub(super) fn obeyed(
        &mut self,
        schema: TypeSchema<'_>,
        written: Written<'_>,
        after: Resource,
    ) -> Result<Resource, ScimError> {
        match schema.resource_type.number {
            USER => {
                self.warn_of_what_is_missing(written, &after);
                let after = self.by_authority(schema, written, after)?;
                can_be_seen(written, &after)?;
                self.as_user(written, &after).map(|()| after)
            }
            GROUP if self.groups == Groups::MembershipOnly => unchanged(schema, written, &after),
            GROUP => self.of_a_kind(schema, written, after),
            _ if schema.resource_type.id == ROLE => self.but_for_its_quota(schema, written, after),
            _ => Ok(after),
        }
    }

    /// A role without what its quota tells of it, which is shown and not stored: as with all that is
    /// readOnly, it is ignored in a POST and a PUT (RFC 7644 §3.3, §3.5.1), and 400 `mutability` in a PATCH.
    fn but_for_its_quota(
        &self,
        schema: TypeSchema<'_>,
        written: Written<'_>,
        after: Resource,
    ) -> Result<Resource, ScimError> {
        let max = |name: &str| self.memory.policy.access.quota_of(name);
        if after.text("value").and_then(max).is_none() {
            return Ok(after);
        }
        let before = written.before();
        OF_QUOTAS.iter().try_fold(after, |after, path| match written {
            _ if after.value(path) == before.and_then(|before| before.value(path)) => Ok(after),
            Written::In(_) => {
                let detail = format!("`{path}` is readOnly: the role has a quota");
                Err(ScimError::new(ErrorKind::Mutability, detail))
            }
            Written::New | Written::Over(_) => Ok(after.keeping(path, before, schema)),
        })
    }

    /// What is written of attributes that are somebody's. A connection's word for what is not its own
    /// is ignored, so that it goes on; a key without one is refused: 400 `mutability`.
    fn by_authority(
        &mut self,
        schema: TypeSchema<'_>,
        written: Written<'_>,
        mut after: Resource,
    ) -> Result<Resource, ScimError> {
        let authority = &self.memory.policy.attributes.authority;
        let before = written.before();
        let differs = |path: &&str| before.and_then(|one| one.value(path)) != after.value(path);
        if self.connection.is_some() {
            let foreign: Vec<&str> = authority.of(Owner::Admin).filter(differs).collect();
            for path in foreign {
                after = after.keeping(path, before, schema);
                self.memory.noted.warned.insert(AUTHORITY_IGNORED);
            }
            return Ok(after);
        }
        let owner = match written {
            Written::New => None,
            Written::Over(subject) | Written::In(subject) => subject.row.manager.as_deref(),
        };
        match owner.zip(authority.of(Owner::Idp).find(differs)) {
            Some((owner, path)) => {
                let detail = format!("`{path}` is what connection `{owner}` says it is");
                Err(ScimError::new(ErrorKind::Mutability, detail))
            }
            None => Ok(after),
        }
    }

    /// Notes that a connection sends a whole user without its id for it. RFC 7643 §3.1.
    fn warn_of_what_is_missing(&mut self, written: Written<'_>, after: &Resource) {
        let is_whole = !matches!(written, Written::In(_));
        if is_whole && self.connection.is_some() && after.value("externalId").is_none() {
            self.memory.noted.warned.insert(EXTERNAL_ID_MISSING);
        }
    }

    fn as_user(&self, written: Written<'_>, after: &Resource) -> Result<(), ScimError> {
        self.has_what_is_required(written, after)?;
        let (before, after) = (written.before().map(Resource::as_map), after.as_map());
        match self.memory.policy.attributes.constraints.broken(before, after) {
            Some(detail) => Err(ScimError::new(ErrorKind::InvalidValue, detail)),
            None => Ok(()),
        }
    }

    fn has_what_is_required(
        &self,
        written: Written<'_>,
        after: &Resource,
    ) -> Result<(), ScimError> {
        let required = &self.memory.policy.attributes.required;
        let mut missing = required.missing(after.as_map());
        match written {
            Written::New => {}
            Written::Over(_) if after.is_active() => {}
            Written::Over(subject) | Written::In(subject) => {
                let lacked = required.missing(subject.document.resource.as_map());
                missing.retain(|path| !lacked.contains(path));
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        let missing: Vec<String> = missing.iter().map(|path| format!("`{path}`")).collect();
        let detail = format!("this tenant requires {}", missing.join(", "));
        Err(ScimError::new(ErrorKind::InvalidValue, detail))
    }

    /// A schema as the tenant's rules have it.
    pub(in crate::tenant) fn with_rules(&self, schema: &Schema) -> Schema {
        let mut schema = schema.clone();
        self.memory.policy.attributes.required.show_in(&mut schema);
        let is_read = match schema.id.as_str() {
            urn::GROUP => self.groups == Groups::MembershipOnly,
            urn::GROUP_KIND => self.connection.is_some(),
            _ => false,
        };
        if is_read {
            let others = schema.attributes.iter_mut().filter(|one| one.name != MEMBERS);
            for attribute in others {
                attribute.mutability = Mutability::ReadOnly;
            }
        }
        schema
    }

    /// Refuses to a client that changes only the members of groups that there be more or fewer groups.
    pub(super) fn may_make_and_delete(&self, number: u8) -> Result<(), ScimError> {
        match (number, self.groups) {
            (GROUP, Groups::MembershipOnly) => Err(members_only()),
            _ => Ok(()),
        }
    }
}

/// Refuses a `userName` with a sign that nobody sees, by which a user would look like another; one that was
/// there before may stay.
fn can_be_seen(written: Written<'_>, after: &Resource) -> Result<(), ScimError> {
    let name = after.text(USER_NAME).unwrap_or_default();
    let sign = name.chars().find(|sign| is_invisible(*sign));
    let Some(sign) = sign.map(u32::from) else { return Ok(()) };
    if written.before().and_then(|before| before.text(USER_NAME)) == Some(name) {
        return Ok(());
    }
    let detail = format!("`{USER_NAME}` has U+{sign:04X}, which nobody sees");
    Err(ScimError::new(ErrorKind::InvalidValue, detail))
}

/// A group as it was, for a client to which its attributes are readOnly. RFC 7644 §3.5.1: what a PUT
/// leaves out stays then; another value is refused, so that nobody takes it for written.
fn unchanged(
    schema: TypeSchema<'_>,
    written: Written<'_>,
    after: &Resource,
) -> Result<Resource, ScimError> {
    let Some(before) = written.before() else { return Err(members_only()) };
    let mut changed = changed(before, after, schema);
    if matches!(written, Written::Over(_)) {
        changed.retain(|path| after.value(path).is_some());
    }
    match changed.first() {
        Some(path) => {
            let detail = format!("`{path}` is readOnly for this connection");
            Err(ScimError::new(ErrorKind::Mutability, detail))
        }
        None => Ok(before.clone()),
    }
}

fn members_only() -> ScimError {
    let detail = "this connection changes the members of groups and nothing else";
    ScimError::new(ErrorKind::Forbidden, detail)
}

const MEMBERS: &str = "members";
const USER_NAME: &str = "userName";

/// The type of which some may be held by so many users alone.
pub(in crate::tenant) const ROLE: &str = "Role";

/// What a quota tells of its role: that there is one, how many may hold the role, and how many do.
pub(in crate::tenant) const OF_QUOTAS: [&str; 3] =
    ["limitedAssignmentsPermitted", "totalAssignmentsPermitted", "totalAssignmentsUsed"];
