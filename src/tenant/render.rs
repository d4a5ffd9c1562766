//! Resources as a client sees them: which parts it may see, and the bytes.

use serde_json::{Map, Value};

use super::resources::{OF_QUOTAS, ROLE};
use super::work::{Failure, Work};
use crate::auth::Scope;
use crate::limits;
use crate::scim::projection::Projection;
use crate::scim::schema::{TypeSchema, USER};
use crate::scim::{ErrorKind, ScimError, urn};
use crate::store::members::{self, MemberView};
use crate::store::resources::ResourceRow;
use crate::store::{
    Groups, Page, PageEntry, PageView, Pos, Provenance, Source, StoreError, grants, opened,
};

/// How resources of one type are shown to one client.
#[derive(Clone, Copy)]
pub(super) struct View<'v> {
    /// The type.
    pub(super) schema: TypeSchema<'v>,
    projection: &'v Projection,
    groups: Groups,
    members: bool,
    provenance: bool,
    /// Whether they are roles, of some of which only so many may be held.
    quotas: bool,
    /// Whether all that is read is shown.
    whole: bool,
}

/// A resource that was read and rendered.
pub(super) struct Shown {
    /// Where it stands, and its version.
    pub(super) entry: PageEntry,
    /// Its bytes.
    pub(super) body: Vec<u8>,
}

impl View<'_> {
    /// The same view with what is hidden from clients: what filters and orders look at.
    pub(super) fn in_full(self) -> Self {
        Self { whole: true, ..self }
    }

    /// The same view without members, and with groups as given.
    pub(super) fn without_members(self, groups: Groups) -> Self {
        Self { groups, members: false, ..self }
    }
}

impl Work<'_, '_> {
    /// How resources of a type are shown to this client, with the attributes it asked for.
    pub(super) fn view<'v>(&self, schema: TypeSchema<'v>, projection: &'v Projection) -> View<'v> {
        let shows_rows = |rows: &String| projection.shows(schema, rows);
        let groups = self.may(Scope::GroupsRead) && projection.shows(schema, "groups");
        View {
            schema,
            projection,
            groups: match (groups, self.memory.nested_groups) {
                (false, _) => Groups::Hidden,
                (true, false) => Groups::Direct,
                (true, true) => Groups::Nested,
            },
            members: schema.resource_type.rows.as_ref().is_some_and(shows_rows),
            provenance: projection.shows_extension(schema, urn::MUSTER_USER),
            quotas: schema.resource_type.id == ROLE && self.memory.policy.access.has_quotas(),
            whole: projection.is_default() && !schema.hides_values(),
        }
    }

    /// Reads resources as this client sees them, each an open JSON object.
    pub(super) fn page(&self, view: &View<'_>, source: Source<'_>) -> Result<Page, StoreError> {
        let view = PageView {
            base: self.request().base,
            endpoint: &view.schema.resource_type.endpoint,
            groups: view.groups,
            seen: self.seen(),
            provenance: view.provenance,
            veil: self.veil(view.schema.resource_type.number),
        };
        Page::read(self.sql, source, view)
    }

    /// A resource that has just been added, as such a page has it.
    pub(super) fn opened(&self, view: &View<'_>, row: &ResourceRow, location: &str) -> Vec<u8> {
        let provenance = Provenance { origin: &self.origin, manager: row.manager.as_deref() };
        opened(&row.doc, location, view.provenance.then_some(provenance))
    }

    /// One resource, if there is one of the view's type.
    pub(super) fn show(
        &self,
        view: &View<'_>,
        source: Source<'_>,
    ) -> Result<Option<Shown>, Failure> {
        let page = self.page(view, source)?;
        let of_type =
            |entry: &PageEntry| entry.pos.type_number() == view.schema.resource_type.number;
        let Some((entry, open)) = page.iter().find(|(entry, _)| of_type(entry)) else {
            return Ok(None);
        };
        Ok(Some(Shown { entry: *entry, body: self.render(view, entry, open)? }))
    }

    /// How members are shown to this client.
    pub(super) fn member_view(&self) -> MemberView<'_> {
        let names = self.may(Scope::UsersRead);
        MemberView { base: self.request().base, names, seen: self.seen() }
    }

    /// Closes an open object: its members if they are shown, its last brace, its projection. 400
    /// `tooMany` when there are too many of the former.
    pub(super) fn render(
        &self,
        view: &View<'_>,
        entry: &PageEntry,
        open: &[u8],
    ) -> Result<Vec<u8>, Failure> {
        let mut body = open.to_vec();
        if view.members {
            few_enough(entry.members)?;
            let shown = members::shown(self.sql, entry.pos, self.member_view())?;
            if !shown.is_empty() {
                body.extend_from_slice(b",\"members\":[");
                body.extend_from_slice(&shown);
                body.push(b']');
            }
        }
        body.push(b'}');
        if view.whole && !view.quotas {
            return Ok(body);
        }
        let mut resource: Map<String, Value> = serde_json::from_slice(&body)
            .map_err(|_| StoreError::new("a stored document is malformed"))?;
        if view.quotas {
            self.tell_quota(&mut resource)?;
        }
        if !view.whole {
            view.projection.apply(&mut resource, view.schema);
        }
        Ok(Value::Object(resource).to_string().into_bytes())
    }

    /// Says of a role of which only so many may be held how many that are, and how many hold it.
    fn tell_quota(&self, role: &mut Map<String, Value>) -> Result<(), StoreError> {
        let Some(name) = role.get("value").and_then(Value::as_str).map(str::to_owned) else {
            return Ok(());
        };
        let Some(max) = self.memory.policy.access.quota_of(&name) else { return Ok(()) };
        let used = grants::others(self.sql, &name, Pos::range(USER).0)?; // Where nobody stands.
        for (name, value) in OF_QUOTAS.into_iter().zip([true.into(), max.into(), used.into()]) {
            role.insert(name.to_owned(), value);
        }
        Ok(())
    }
}

/// Refuses what would read or write all members of a group that has too many.
pub(super) fn few_enough(members: i64) -> Result<(), ScimError> {
    if members <= limits::MEMBERS_SHOWN {
        return Ok(());
    }
    let most = limits::MEMBERS_SHOWN;
    let detail = format!(
        "a group has more than {most} members; read it with excludedAttributes=members and change \
         single members with PATCH"
    );
    Err(ScimError::new(ErrorKind::TooMany, detail))
}
