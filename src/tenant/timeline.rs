//! `GET …/users/{id}/timeline`: what was asked of a user recently, and what came of it, in one list.
//!
//! The ring of requests holds ids, and of what an identity provider looks for a tag, so that a lookup
//! of somebody who is not there yet is found again once that is a user, and nobody is named in it.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::Call;
use super::document::Document;
use super::lookups::lookup_keys;
use super::requests::described;
use super::ring::Entry;
use super::work::{Answer, Failure, Work, missing};
use crate::auth::{KeyRing, Principal, Scope};
use crate::http::{Response, Route, ScimTarget};
use crate::limits;
use crate::scim::fold::fold;
use crate::scim::schema::USER;
use crate::store::events::{self, EventRow};
use crate::store::tombstones;

/// What the tags of what is looked for are for.
const LOOKED_FOR: &str = "muster.looked-for";
/// Bytes of such a tag: two texts seldom share it, and nothing rests on that.
const TAG_BYTES: usize = 8;

/// Whom a request is about: ids, and tags of what its filter compares with. What is sent as an id and
/// is none is not kept.
pub(super) fn about(call: &Call<'_>, response: &Response) -> Vec<String> {
    let request = &call.request;
    let id = |text: &str| Uuid::parse_str(text).ok().map(|id| id.to_string());
    let mut about: Vec<String> = request.route.subject().and_then(id).into_iter().collect();
    let Route::Scim { target, .. } = request.route else { return about };
    match target {
        ScimTarget::Resource(USER, sent) => about.extend(id(sent)),
        ScimTarget::Collection(USER) => {
            let made = response.header("location").and_then(|location| location.rsplit('/').next());
            about.extend(made.and_then(id));
            let filter = request.query.value("filter").filter(|_| is_of_a_connection(call));
            let literals = filter.into_iter().flat_map(|text| text.split('"').skip(1).step_by(2));
            let tags =
                literals.take(limits::LOOKED_FOR).filter_map(|text| tag(call.key_ring, text));
            about.extend(tags);
        }
        _ => {}
    }
    about
}

fn is_of_a_connection(call: &Call<'_>) -> bool {
    matches!(&call.principal, Principal::Key(key) if key.connection.is_some())
}

fn tag(key_ring: &KeyRing, text: &str) -> Option<String> {
    let tag = key_ring.tag(LOOKED_FOR, &[fold(text).as_bytes()])?;
    Some(tag.iter().take(TAG_BYTES).map(|byte| format!("{byte:02x}")).collect())
}

impl Work<'_, '_> {
    /// The recent requests and events of a user, the latest first, at most `limit`: 404 for whom the
    /// tenant does not know, nor remembers. Who may not read users over SCIM is not told what was there
    /// before.
    pub(super) fn timeline(&self, id: &str) -> Answer {
        let limit = self.request().query.items_limit()?;
        let names = self.names_of(id)?;
        let is_meant =
            |entry: &Entry| entry.about.iter().any(|about| names.iter().any(|name| name == about));
        let requests = self.ring.entries(self.sql)?.into_iter().rev().map(|(_, entry)| entry);
        let requests = requests.filter(is_meant).map(|entry| (entry.time, as_request(&entry)));
        let after = self.memory.last_seq.saturating_sub(limits::EVENTS_SCANNED);
        let events = events::about(self.sql, after, id, limit)?;
        let events = events.iter().map(|row| (row.time, self.as_event(row)));
        let mut items: Vec<(i64, Value)> = events.chain(requests).collect();
        items.sort_by_key(|(time, _)| std::cmp::Reverse(*time));
        let items: Vec<Value> = items.into_iter().take(limit).map(|(_, item)| item).collect();
        Ok(Response::json(200, &json!({ "items": items })))
    }

    /// What requests about a user have of it: the id, and the tags of all by which it is found.
    fn names_of(&self, id: &str) -> Result<Vec<String>, Failure> {
        let mut names = vec![id.to_owned()];
        names.extend(tag(self.call.key_ring, id));
        match self.find_user(id)? {
            Some(row) => {
                let keys =
                    lookup_keys(&Document::decode(&row.doc)?.resource, self.schema_of(USER)?);
                names.extend(keys.iter().filter_map(|(_, key)| tag(self.call.key_ring, key)));
            }
            None if self.is_remembered(id)? => {}
            None => return Err(missing("there is no such user").into()),
        }
        Ok(names)
    }

    /// Whether a user who was deleted is remembered.
    fn is_remembered(&self, id: &str) -> Result<bool, Failure> {
        Ok(tombstones::of(self.sql, id, self.now().timestamp_millis())?.is_some())
    }

    fn as_event(&self, row: &EventRow) -> Value {
        let mut event = self.event(row);
        let data = event.get_mut("data").and_then(Value::as_object_mut);
        if let (Some(data), false) = (data, self.may(Scope::UsersRead)) {
            data.shift_remove("previous");
        }
        with_kind("event", event)
    }
}

fn as_request(entry: &Entry) -> Value {
    with_kind("request", described(entry))
}

fn with_kind(kind: &str, item: Value) -> Value {
    let mut fields = Map::new();
    fields.insert("kind".to_owned(), kind.into());
    if let Value::Object(rest) = item {
        fields.extend(rest);
    }
    Value::Object(fields)
}
