//! `GET …/snapshot`: the tenant as of a place in the log, so that who follows the log from there has all
//! of it.
//!
//! The place is that of the first page, and later pages carry it. Each shows what is there when it is
//! read, in the order of creation: resources, then memberships. What has changed since the first page,
//! an event behind the place tells, whether the page has shown it already or not; it is safe to hear it
//! again, since of each resource the last state counts, and of each membership the last event.

use std::collections::BTreeMap;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde_json::{Map, Value, json};

use super::access::{Known, shown_document};
use super::document::Document;
use super::page::fitting;
use super::work::{Answer, Failure, Work};
use crate::auth::{Scope, TAG_BYTES};
use crate::http::{Method, Problem, ProblemCode, Response, ScimTarget};
use crate::limits;
use crate::scim::schema::{GROUP, USER};
use crate::store::resources::ResourceRow;
use crate::store::transfer::{self, MovedResource};
use crate::store::{StoreError, snapshots};

/// What the tags of its cursors are for.
const CURSOR: &str = "muster snapshot 1";

/// Where a walk stands: the place in the log, and behind which resource or membership it goes on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Place {
    seq: i64,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Stage {
    Resources(i64),
    Members(i64, i64),
}

/// A page: its items, and where the next one begins; none behind the last.
type Items = (Vec<Value>, Option<Stage>);

impl Work<'_, '_> {
    /// A page of at most `limit` resources or memberships, and about a page's bytes: 400 for a cursor
    /// that is none of this client's, or old, or of a log that went further.
    ///
    /// A key sees documents of the types that it may read over SCIM, of users their access if it may
    /// read that, and memberships if it may read groups; of everything else the ids.
    pub(super) fn snapshot(&self) -> Answer {
        let query = &self.request().query;
        let limit = query.items_limit()?.min(limits::SNAPSHOT_RESOURCES);
        let begins = Place { seq: self.memory.last_seq, stage: Stage::Resources(0) };
        let place = match query.value("cursor").filter(|cursor| !cursor.is_empty()) {
            None => begins,
            Some(cursor) => self.decode_place(cursor)?,
        };
        let (items, next) = match place.stage {
            Stage::Resources(after) => self.snapshot_resources(after, limit)?,
            Stage::Members(group, member) => self.snapshot_members((group, member), limit)?,
        };
        let mut page = json!({ "seq": place.seq, "items": items });
        if let (Some(stage), Some(fields)) = (next, page.as_object_mut()) {
            let cursor = self.encode_place(Place { stage, ..place })?;
            fields.insert("next".to_owned(), cursor.into());
        }
        Ok(Response::json(200, &page))
    }

    fn snapshot_resources(&self, after: i64, limit: usize) -> Result<Items, Failure> {
        let sizes = transfer::sizes(self.sql, after, limit)?;
        let Some((until, _)) = fitting(&sizes).last() else {
            let next = self.may_read(GROUP).then_some(Stage::Members(0, 0));
            return Ok((Vec::new(), next));
        };
        let rows = transfer::resources(self.sql, after, *until)?;
        let items = rows.into_iter().filter_map(|row| self.snapshot_of(row).transpose());
        Ok((items.collect::<Result<_, _>>()?, Some(Stage::Resources(*until))))
    }

    /// What a key sees of a resource; nothing of one whose type the tenant does not have.
    fn snapshot_of(&self, row: MovedResource) -> Result<Option<Value>, Failure> {
        let MovedResource { pos, rev, manager, doc, .. } = row;
        let number = pos.type_number();
        let Some(schema) = self.memory.registry.type_numbered(number) else { return Ok(None) };
        let row = ResourceRow { pos, rev, members: 0, manager, doc };
        let mut item = Map::new();
        item.insert("resourceType".to_owned(), schema.resource_type.id.as_str().into());
        item.insert("id".to_owned(), Document::decode(&row.doc)?.id.into());
        if self.may_read(number) {
            item.insert("document".to_owned(), shown_document(self.memory, &row)?);
        }
        if number == USER && self.may(Scope::AccessRead) {
            let known = Known::of(self.sql, self.memory, &row)?;
            let access = known.shown(self.sql, self.memory, None)?;
            item.insert("access".to_owned(), Value::Object(access));
        }
        Ok(Some(Value::Object(item)))
    }

    fn snapshot_members(&self, after: (i64, i64), limit: usize) -> Result<Items, Failure> {
        let rows = snapshots::memberships(self.sql, after, limit)?;
        let last = rows.last().filter(|_| rows.len() >= limit).map(|row| row.place);
        let mut groups: BTreeMap<i64, (String, Vec<Value>)> = BTreeMap::new();
        for row in rows {
            let group = groups.entry(row.place.0).or_insert_with(|| (row.group, Vec::new()));
            group.1.push(row.member.into());
        }
        let item = |(group, members): (String, Vec<Value>)| json!({ "resourceType": "Group", "id": group, "members": members });
        let next = last.map(|(group, member)| Stage::Members(group, member));
        Ok((groups.into_values().map(item).collect(), next))
    }

    /// Whether the client may read resources of a type over SCIM.
    fn may_read(&self, number: u8) -> bool {
        let scopes = ScimTarget::Collection(number).scopes(Method::Get);
        scopes.iter().any(|scope| self.may(*scope))
    }

    /// A cursor as the client carries it: when it ends, the place, and a tag that binds both to the
    /// tenant and the asking key.
    fn encode_place(&self, Place { seq, stage }: Place) -> Result<String, StoreError> {
        let expires = self.now().timestamp().saturating_add(limits::CURSOR_TTL_SECONDS);
        let numbers = match stage {
            Stage::Resources(pos) => vec![expires, seq, pos],
            Stage::Members(group, member) => vec![expires, seq, group, member],
        };
        let mut bytes: Vec<u8> = numbers.into_iter().flat_map(i64::to_be_bytes).collect();
        let actor = self.call.principal.actor();
        let parts = [self.tenant().as_bytes(), actor.as_bytes(), &bytes];
        let tag = self.call.key_ring.tag(CURSOR, &parts);
        bytes.extend(tag.ok_or_else(|| StoreError::new("no secret signs a cursor"))?);
        Ok(Base64UrlUnpadded::encode_string(&bytes))
    }

    fn decode_place(&self, cursor: &str) -> Result<Place, Problem> {
        let invalid =
            || Problem::new(ProblemCode::Malformed, "`cursor` is none of a snapshot for this key");
        let text = Some(cursor).filter(|text| text.len() <= limits::CURSOR_CHARACTERS);
        let bytes = text.and_then(|text| Base64UrlUnpadded::decode_vec(text).ok());
        let bytes = bytes.ok_or_else(invalid)?;
        let (signed, tag) = bytes.split_last_chunk::<TAG_BYTES>().ok_or_else(invalid)?;
        let actor = self.call.principal.actor();
        let parts = [self.tenant().as_bytes(), actor.as_bytes(), signed];
        if !self.call.key_ring.has_tag(CURSOR, &parts, tag) {
            return Err(invalid());
        }
        let (numbers, _) = signed.as_chunks::<8>();
        let numbers: Vec<i64> = numbers.iter().map(|number| i64::from_be_bytes(*number)).collect();
        let (expires, seq, stage) = match numbers.as_slice() {
            [expires, seq, pos] => (*expires, *seq, Stage::Resources(*pos)),
            [expires, seq, group, member] => (*expires, *seq, Stage::Members(*group, *member)),
            _ => return Err(invalid()),
        };
        if seq > self.memory.last_seq {
            return Err(invalid());
        }
        if expires <= self.now().timestamp() {
            return Err(Problem::new(ProblemCode::Malformed, "`cursor` has expired"));
        }
        Ok(Place { seq, stage })
    }
}
