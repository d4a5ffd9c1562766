//! One resource: create, read, replace, PATCH, delete (RFC 7644 §3.3 to §3.6).

mod asked;
mod change;
mod existing;
mod kinds;
mod links;
mod put;
mod rows;
mod rules;
mod standing;

use serde_json::{Map, Value};

pub(super) use self::kinds::kind_of;
pub(super) use self::put::Put;
use self::rows::encoded;
pub(super) use self::rows::{grow, take_away, updated};
use self::rules::Written;
pub(super) use self::rules::{OF_QUOTAS, ROLE};
use super::document::{Document, matches, timestamp, version};
use super::lookups::new_keys;
use super::members::Delta;
use super::work::{Answer, Failure, Work};
use crate::event::{Event, EventKind, Verb};
use crate::http::Response;
use crate::limits;
use crate::policy::{Action, Trigger};
use crate::scim::compat::PatchResponse;
use crate::scim::patch::PatchOp;
use crate::scim::projection::Projection;
use crate::scim::resource::{Member, MemberOp, Parsed, Resource, changed};
use crate::scim::schema::TypeSchema;
use crate::scim::{ErrorKind, ScimError};
use crate::store::resources::{self, ResourceRow};
use crate::store::{PageEntry, Pos, Source};

/// A resource that a request is about to change.
pub(super) struct Subject<'s> {
    schema: TypeSchema<'s>,
    row: ResourceRow,
    document: Document,
    /// Whether the request takes it up.
    taken_up: bool,
    /// Whether the request says all of it.
    replaced: bool,
}

/// A resource that a request is about to add.
pub(super) struct New<'s> {
    schema: TypeSchema<'s>,
    resource: Resource,
    members: Option<Vec<Member>>,
}

/// A resource that a request has added.
pub(super) struct Added {
    pub(super) id: String,
    pub(super) row: ResourceRow,
    /// Whether it may be in groups already: those that had named it before it was there.
    grouped: bool,
}

impl New<'_> {
    /// What is to be done to its members, of which it has none yet.
    pub(super) fn joined(&mut self) -> Vec<MemberOp> {
        self.members.take().map(MemberOp::Add).into_iter().collect()
    }
}

impl<'s> Subject<'s> {
    pub(super) const fn pos(&self) -> Pos {
        self.row.pos
    }

    pub(super) fn manager(&self) -> Option<&str> {
        self.row.manager.as_deref()
    }

    pub(super) const fn resource(&self) -> &Resource {
        &self.document.resource
    }

    pub(super) const fn schema(&self) -> TypeSchema<'s> {
        self.schema
    }
}

impl<'a> Work<'a, '_> {
    /// `POST /{type}`, RFC 7644 §3.3.
    ///
    /// 1. The body must be JSON of a media type that is taken: 415, 400 `invalidSyntax`.
    /// 2. It must fit the type's schema: 400.
    /// 3. Where it means a resource that the connection takes up, that is replaced: 403, 409.
    /// 4. Members must be resources: 400 `invalidValue`. Unique values must not be in use: 409
    ///    `uniqueness`. The resource must not be too large: 413.
    /// 5. Rows and events are written: 201.
    pub(super) fn create(&mut self, number: u8) -> Answer {
        let schema = self.schema_of(number)?;
        let body = self.scim_body()?; // (1)
        let projection = self.projection()?;
        let new = self.parse_new(number, body)?; // (2)
        let Added { id, row, grouped } = self.add_or_take_up(new)?; // (3), (4), (5)
        let location = self.location(schema, &id);
        let view = self.view(schema, &projection);
        let body = if grouped {
            self.show(&view, Source::At(&[row.pos]))?.ok_or(ErrorKind::Internal)?.body
        } else {
            // It is in no group yet, so nothing has to be read again.
            self.render(&view, &PageEntry::of(&row), &self.opened(&view, &row, &location))?
        };
        let response = self.scim(201, body).with("etag", version(row.rev));
        Ok(response.with("location", location))
    }

    /// `GET /{type}/{id}`, RFC 7644 §3.4.1: 200, 304 or 404.
    pub(super) fn read(&mut self, number: u8, id: &str) -> Answer {
        let schema = self.schema_of(number)?;
        let projection = self.projection()?;
        self.may_see_kind(number, id)?;
        let view = self.view(schema, &projection);
        let shown = self.show(&view, Source::Id(id))?;
        let shown = shown.filter(|shown| !self.hides(shown.entry.pos));
        let shown = shown.ok_or(ErrorKind::NotFound)?;
        let etag = version(shown.entry.rev);
        let unchanged =
            self.request().headers.if_none_match.as_deref().is_some_and(|m| matches(m, &etag));
        if unchanged {
            return Ok(Response::empty(304).with("etag", etag));
        }
        Ok(self.scim(200, shown.body).with("etag", etag))
    }

    /// `PUT /{type}/{id}`, RFC 7644 §3.5.1: what is omitted is cleared.
    pub(super) fn replace(&mut self, number: u8, id: &str) -> Answer {
        let projection = self.projection()?;
        let subject = self.subject(number, id, self.request().headers.if_match.as_deref())?;
        let body = self.scim_body()?;
        let schema = subject.schema;
        let after = self.replace_with(subject, body)?;
        if self.prefers_minimal() {
            return Ok(Response::empty(204).with("etag", version(after.rev)));
        }
        self.shown_after(schema, &projection, after.pos)
    }

    /// `PATCH /{type}/{id}`, RFC 7644 §3.5.2: whole or not at all.
    pub(super) fn patch(&mut self, number: u8, id: &str) -> Answer {
        let projection = self.projection()?;
        let subject = self.subject(number, id, self.request().headers.if_match.as_deref())?;
        let body = self.scim_body()?;
        let schema = subject.schema;
        let after = self.patch_with(subject, body)?;
        if self.shows_no_patch(&after) || self.prefers_minimal() {
            return Ok(Response::empty(204).with("etag", version(after.rev)));
        }
        self.shown_after(schema, &projection, after.pos)
    }

    /// `DELETE /{type}/{id}`, RFC 7644 §3.6: 204, and 404 from then on.
    pub(super) fn delete(&mut self, number: u8, id: &str) -> Answer {
        let subject = self.subject(number, id, self.request().headers.if_match.as_deref())?;
        self.remove(subject)?;
        Ok(Response::empty(204))
    }

    /// The body of a POST.
    pub(super) fn parse_new(
        &mut self,
        number: u8,
        body: Map<String, Value>,
    ) -> Result<New<'a>, Failure> {
        let schema = self.schema_of(number)?;
        let Parsed { resource, members, dropped } = Resource::parse(body, schema, &self.compat)?;
        self.memory.noted.dropped.extend(dropped);
        Ok(New { schema, resource, members })
    }

    /// Adds a resource, with an id that was given it before, or that of the one it once was, or a new
    /// one: row, keys, members, events. Everything that may refuse comes first.
    pub(super) fn add(
        &mut self,
        new: New<'_>,
        id: Option<String>,
        delta: &Delta,
    ) -> Result<Added, Failure> {
        let New { schema, resource, .. } = new;
        let resource = self.obeyed(schema, Written::New, resource)?;
        let number = schema.resource_type.number;
        let keys = new_keys(&resource, schema)?;
        if let Err(taken) = self.unused(schema, &keys) {
            self.propose(schema, &keys)?;
            return Err(taken);
        }
        let mut count = self.memory.count(number);
        count.live = count.live.saturating_add(1);
        count.last = count.last.saturating_add(1);
        let revived = if id.is_none() { self.exhume(schema, &keys)? } else { None };
        let (id, rev) = match (revived, id) {
            (Some(of_old), _) => (of_old.id, of_old.rev.saturating_add(1)),
            (None, Some(given)) => (given, 1),
            (None, None) => (self.next_id()?, 1),
        };
        let document = Document {
            id,
            resource,
            resource_type: schema.resource_type.id.clone(),
            created: timestamp(self.now()),
            modified: None,
        };
        let row = ResourceRow {
            pos: Pos::new(number, count.last),
            rev,
            members: delta.growth(),
            manager: self.connection.clone(),
            doc: encoded(&document, rev, self)?,
        };
        let named_by = self.named_by(schema, Some(&document.id), &keys)?;
        resources::insert(self.sql, &row, &document.id, &self.origin, &keys, count)?;
        self.memory.set_count(number, count);
        let said = changed(&Resource::default(), &document.resource, schema);
        let event = Event::new(EventKind::Resource(number, Verb::Created), document.id.as_str());
        let event = event.with("changed", said);
        self.record(&if rev > 1 { event.with("relinked", true) } else { event })?;
        self.memory.dirty.touch(row.pos);
        self.memory.touch_name(row.pos, &document.resource);
        self.review(row.pos, &document.id, &[Action::Create])?;
        let linked = row.manager.as_deref();
        self.pull(Trigger::UserCreated, row.pos, &document.resource, linked);
        self.pull(Trigger::IdentityLinked, row.pos, &document.resource, linked);
        self.join(row.pos, &document.id, delta)?;
        let grouped = self.bind(row.pos, &document.id, named_by)?;
        Ok(Added { row, id: document.id, grouped })
    }

    /// Gives members to a resource that was added without them, as if it had been added with them.
    pub(super) fn fill(&mut self, added: &Added, joined: Vec<MemberOp>) -> Result<(), Failure> {
        let Added { id, row, .. } = added;
        let delta = self.membership(Some(row), joined)?;
        if delta.is_empty() {
            return Ok(());
        }
        resources::update(self.sql, &ResourceRow { members: delta.growth(), ..row.clone() })?;
        Ok(self.join(row.pos, id, &delta)?)
    }

    /// What a PUT makes of a resource.
    pub(super) fn replace_with(
        &mut self,
        subject: Subject<'_>,
        body: Map<String, Value>,
    ) -> Result<ResourceRow, Failure> {
        let parsed = Resource::parse(body, subject.schema, &self.compat)?;
        self.memory.noted.dropped.extend(parsed.dropped);
        self.replace_by(subject, parsed.resource, parsed.members)
    }

    fn replace_by(
        &mut self,
        mut subject: Subject<'_>,
        after: Resource,
        members: Option<Vec<Member>>,
    ) -> Result<ResourceRow, Failure> {
        subject.replaced = true;
        let before = &subject.document.resource;
        after.succeeds(before, subject.schema)?;
        let after = self.obeyed(subject.schema, Written::Over(&subject), after)?;
        self.take_up(&mut subject, &after)?;
        let joined = match subject.schema.resource_type.rows {
            Some(_) => vec![MemberOp::Replace(members.unwrap_or_default())],
            None => Vec::new(),
        };
        let delta = self.membership(Some(&subject.row), joined)?;
        let after = self.change(&subject, after, &delta)?;
        self.rejoined(after)
    }

    /// What a PATCH makes of a resource.
    pub(super) fn patch_with(
        &mut self,
        mut subject: Subject<'_>,
        body: Map<String, Value>,
    ) -> Result<ResourceRow, Failure> {
        let body = Value::Object(body);
        let operations = PatchOp::parse(&body, &self.compat)?;
        let comparisons = operations.comparisons();
        if comparisons > 0 {
            let bytes = subject.row.doc.len().saturating_add(body.to_string().len());
            self.evaluated = self.evaluated.saturating_add(bytes.saturating_mul(comparisons));
        }
        if self.evaluated > limits::EVALUATED_BYTES {
            let detail = "the paths compare more than this server computes at once";
            return Err(ScimError::new(ErrorKind::TooMany, detail).into());
        }
        let resource = subject.document.resource.clone();
        let patched = operations.apply(resource, subject.schema, &self.compat)?;
        let after = self.obeyed(subject.schema, Written::In(&subject), patched.resource)?;
        self.take_up(&mut subject, &after)?;
        self.memory.noted.dropped.extend(patched.dropped);
        let delta = self.membership(Some(&subject.row), patched.members)?;
        let after = self.change(&subject, after, &delta)?;
        self.rejoined(after)
    }

    /// Whether a PATCH is answered without the resource. That of a large group is, since its
    /// members are what is large.
    pub(super) fn shows_no_patch(&self, after: &ResourceRow) -> bool {
        self.compat.patch_response == PatchResponse::Minimal
            || after.members > limits::PATCH_SHOWN_MEMBERS
    }

    /// Removes a resource that the client may delete: 403.
    pub(super) fn remove(&mut self, subject: Subject<'_>) -> Result<(), Failure> {
        let Subject { schema, row, document, .. } = subject;
        self.may_delete(&row)?;
        if self.holds_deletion(&row, &document)? {
            return Ok(());
        }
        let successor = self.heirs().successor(Verb::Deleted, row.pos, &document)?;
        let kept = self.bury(schema, &row, &document)?;
        take_away(self.sql, self.memory, schema, &row, &document)?;
        let kind = EventKind::Resource(row.pos.type_number(), Verb::Deleted);
        let event = Event::new(kind, document.id).succeeded(successor);
        Ok(self.record(&if kept { event.with("accessKept", true) } else { event })?)
    }

    /// The resource that a request is about to change: 404, 403 when another connection manages it,
    /// 412 when it is not as the client last saw it, 428 when the client has to say how it saw it and
    /// does not.
    pub(super) fn subject(
        &self,
        number: u8,
        id: &str,
        if_match: Option<&str>,
    ) -> Result<Subject<'a>, Failure> {
        let schema = self.schema_of(number)?;
        let row = resources::by_id(self.sql, id)?
            .filter(|row| row.pos.type_number() == number && self.shows(row))
            .ok_or(ErrorKind::NotFound)?;
        self.not_anothers(&row)?;
        let etag = version(row.rev);
        match if_match {
            Some(condition) if !matches(condition, &etag) => {
                return Err(ErrorKind::PreconditionFailed.into());
            }
            None if self.compat.require_if_match => {
                return Err(ErrorKind::PreconditionRequired.into());
            }
            _ => {}
        }
        let document = Document::decode(&row.doc)?;
        Ok(Subject { schema, row, document, taken_up: false, replaced: false })
    }

    /// The answer with the resource as it now is.
    fn shown_after(&self, schema: TypeSchema<'_>, projection: &Projection, pos: Pos) -> Answer {
        let view = self.view(schema, projection);
        let shown = self.show(&view, Source::At(&[pos]))?.ok_or(ErrorKind::Internal)?;
        Ok(self.scim(200, shown.body).with("etag", version(shown.entry.rev)))
    }
}
