//! `…/streams[/{s}[/test|replay|rotate-secret|deliveries|changes|poll]]`.

use serde_json::{Value, json};

use super::batch::{Delivery, Message};
use super::fields::{NewStream, Patch, place};
use super::keys::{sealed, sealed_authorization};
use super::{Stream, follower_of};
use crate::auth::{KeyPair, Scope, SigningKey, TokenPair};
use crate::event::{Event, EventKind};
use crate::http::{Method, Problem, ProblemCode, Response, Route, StreamAction, host_of, is_slug};
use crate::limits;
use crate::policy::{Delivered, FormerTypes, Signature, StreamKind, hint};
use crate::store::followers::{self, FollowerRow};
use crate::store::streams::{self, DISABLED, ENABLED, StreamRow};
use crate::store::{StoreError, deliveries};
use crate::tenant::document::{object, timestamp};
use crate::tenant::duration::given_seconds;
use crate::tenant::work::{Answer, Failure, Work, conflict, missing, only_fields, permitted};

/// What whoever has a webhook tell of users by a map must be given.
const MAPS_WANT: &str = "users' attributes need the scope scim.users:read";

impl Work<'_, '_> {
    /// What is asked of streams; 405 for what is asked of nothing else either.
    pub(in crate::tenant) fn ask_of_streams(&mut self, route: &Route, method: Method) -> Answer {
        use StreamAction::{Changes, Deliveries, Poll, Replay, RotateSecret, Test};
        match (route, method) {
            (Route::KeySet(_), Method::Get) => Ok(self.key_set()),
            (Route::Streams(_), Method::Get) => self.list_streams(),
            (Route::Streams(_), Method::Post) => self.create_stream(),
            (Route::Stream(_, id), Method::Get) => self.read_stream(id),
            (Route::Stream(_, id), Method::Patch) => self.patch_stream(id),
            (Route::Stream(_, id), Method::Delete) => self.delete_stream(id),
            (Route::StreamAction(_, id, Test), Method::Post) => self.test_stream(id),
            (Route::StreamAction(_, id, Replay), Method::Post) => self.replay(id),
            (Route::StreamAction(_, id, RotateSecret), Method::Post) => self.rotate_secret(id),
            (Route::StreamAction(_, id, Poll), Method::Post) => self.poll(id),
            (Route::StreamAction(_, id, Deliveries), Method::Get) => self.list_deliveries(id),
            (Route::StreamAction(_, id, Changes), Method::Get) => self.list_changes(None, Some(id)),
            _ => Err(ProblemCode::MethodNotAllowed.into()),
        }
    }

    /// `POST …/streams {"id"?,"kind"?,"url"?,"types"?,"after"?,"signature"?,"audience"?,"authorization"?,
    /// "attributeMap"?}` → 201 with the secret, this once; of a pair of keys, with the public one, or its
    /// name in the JWKS.
    ///
    /// 1. The body must be right, and who asks may read what is told: 400, 403, 415, 422.
    /// 2. There must be room, and no stream of that id: 409.
    /// 3. The row is written. The stream begins behind the last event, this one's among them, unless it
    ///    is to begin elsewhere.
    fn create_stream(&mut self) -> Answer {
        let body = self.admin_body()?;
        let new = NewStream::read(&body, self.call.outbound, self.memory.last_seq)?; // (1)
        self.may_map(new.attribute_map.as_deref())?; // (1)
        let id = match new.id {
            Some(id) => id,
            None => self.next_id()?,
        };
        if self.memory.streams.get(&id).is_some() {
            return Err(conflict("there is a stream of this id")); // (2)
        }
        if self.memory.streams.all().len() >= limits::STREAMS_PER_TENANT {
            return Err(conflict("the tenant has too many streams")); // (2)
        }
        let key = self.signing_key(new.signature)?;
        let event = Event::new(EventKind::StreamCreated, id.as_str());
        self.record(&event.with("kind", new.kind.name()).with("host", host_of(&new.url)))?;
        let after = new.after.unwrap_or(self.memory.last_seq);
        let audience = new.audience.or_else(|| usual_audience(new.kind, &new.url, &id));
        let authorization = self.sealed_authorization(&id, new.authorization)?;
        let row = StreamRow {
            audience,
            authorization,
            attribute_map: new.attribute_map,
            secret: sealed(self.call.key_ring, self.tenant(), &id, &key)?,
            kind: new.kind.name().to_owned(),
            url: new.url,
            origin: self.call.outbound.own_origin.to_owned(),
            types: new.types.to_stored(),
            former_types: String::new(),
            state: ENABLED.to_owned(),
            why: None,
            signature: new.signature.name().to_owned(),
            former: None,
            former_until: 0,
            since: after,
            forgotten: 0,
            failing: None,
            created: self.now().timestamp_millis(),
            id: id.clone(),
        };
        streams::put(self.sql, &row)?; // (3)
        let follower = FollowerRow { after, ..FollowerRow::default() };
        let mut stream = Stream::of_rows(row, follower)?;
        stream.write_place(self.sql)?;
        let shown = with_key(stream.shown(self.now()), &key);
        self.memory.streams.put(stream);
        Ok(Response::json(201, &shown))
    }

    /// `GET …/streams`.
    fn list_streams(&self) -> Answer {
        let all = self.memory.streams.all().iter().map(|stream| (stream.id(), stream));
        let page = self.request().query.page(all, is_slug, |stream| self.shown(stream))?;
        Ok(Response::json(200, &page))
    }

    /// `GET …/streams/{s}`.
    fn read_stream(&self, id: &str) -> Answer {
        let stream = self.stream(id)?;
        Ok(Response::json(200, &self.shown(stream)))
    }

    /// `PATCH …/streams/{s} {"url"?,"types"?,"state"?,"audience"?,"authorization"?,"attributeMap"?}`. One
    /// that is enabled again goes on where it was, and at once.
    fn patch_stream(&mut self, id: &str) -> Answer {
        let body = self.admin_body()?;
        let patch = Patch::read(&body, self.call.outbound)?;
        let mut stream = self.stream(id)?.clone();
        let before = stream.row.clone();
        fits(&stream, &patch)?;
        if let Some(authorization) = patch.authorization {
            stream.row.authorization = self.sealed_authorization(id, authorization)?;
        }
        if let Some(url) = patch.url {
            stream.row.url = url;
            stream.row.origin = self.call.outbound.own_origin.to_owned();
        }
        if let Some(map) = patch.attribute_map {
            self.may_map(map.as_deref())?;
            stream.row.attribute_map = map;
        }
        if let Some(audience) = patch.audience {
            let usual = || usual_audience(stream.kind, &stream.row.url, id);
            stream.row.audience = audience.or_else(usual);
        }
        if let Some(types) = patch.types.map(|types| types.to_stored())
            && types != before.types
        {
            stream.note_types(&before.types);
            stream.row.types = types;
        }
        if let Some(state) = patch.state {
            stream.row.state = state.to_owned();
            stream.row.why = None;
            stream.row.failing = stream.row.failing.filter(|_| state == before.state);
        }
        if stream.row == before {
            return Ok(Response::json(200, &self.shown(&stream)));
        }
        let is_told = stream.row.attribute_map.is_some();
        permitted(!is_told || self.may(Scope::UsersRead), MAPS_WANT)?;
        let changed = [
            ("url", stream.row.url != before.url),
            ("types", stream.row.types != before.types),
            ("state", stream.row.state != before.state),
            ("audience", stream.row.audience != before.audience),
            ("authorization", stream.row.authorization != before.authorization),
            ("attributeMap", stream.row.attribute_map != before.attribute_map),
        ];
        let changed: Vec<&str> =
            changed.iter().filter(|(_, is)| *is).map(|(name, _)| *name).collect();
        let is_disabled = stream.row.state == DISABLED && before.state != DISABLED;
        let kind = if is_disabled { EventKind::StreamDisabled } else { EventKind::StreamUpdated };
        streams::put(self.sql, &stream.row)?;
        if stream.row.state == ENABLED && before.state == DISABLED {
            stream.end_pause(self.sql)?;
        }
        self.record(&Event::new(kind, id).with("changed", changed))?;
        let shown = self.shown(&stream);
        self.memory.streams.put(stream);
        Ok(Response::json(200, &shown))
    }

    /// `DELETE …/streams/{s}`: with what is left of its deliveries.
    fn delete_stream(&mut self, id: &str) -> Answer {
        self.stream(id)?;
        streams::delete(self.sql, id)?;
        followers::delete(self.sql, &follower_of(id))?;
        deliveries::delete_behind(self.sql, id, -1)?;
        self.record(&Event::new(EventKind::StreamDeleted, id))?;
        self.memory.streams.remove(id);
        Ok(Response::empty(204))
    }

    /// `POST …/streams/{s}/test`: a message of no event, sent once and at once, whatever state the stream
    /// is in; what came of it is the answer. Here is said what is to be sent.
    fn test_stream(&mut self, id: &str) -> Answer {
        only_fields(&self.body_or_nothing()?, &[], "a test")?;
        let random = u64::from_be_bytes(self.random()?);
        let stream = self.stream(id)?;
        if stream.kind == StreamKind::SetPoll {
            return Err(conflict("nothing is sent to who polls"));
        }
        if !self.call.outbound.permits(&stream.row.url) {
            let detail = "the stream's `url` may not be asked any more";
            return Err(Problem::new(ProblemCode::Contradictory, detail).into());
        }
        let receiver = stream.receiver(self.call.key_ring, self.tenant(), self.now());
        let receiver = receiver.map_err(conflict)?;
        let (tenant, message_id) = (self.tenant(), format!("{}_test_{random:016x}", self.tenant()));
        let body = match stream.tells_tokens() {
            true => stream.test_claims(tenant, &message_id, self.now().timestamp()),
            false => json!({
                "type": "stream.test",
                "timestamp": timestamp(self.now()),
                "data": { "tenant": tenant, "resourceType": "Stream", "id": id },
            }),
        };
        let message = Message { id: message_id, body: body.to_string() };
        let shown = json!({ "id": message.id });
        self.memory.outgoing = Some(Delivery::new(receiver, message, (0, self.now())));
        Ok(Response::json(202, &shown))
    }

    /// `POST …/streams/{s}/replay {"after"}`: hands over everything behind a place, once more.
    fn replay(&mut self, id: &str) -> Answer {
        let body = self.admin_body()?;
        only_fields(&body, &["after"], "a replay")?;
        let after = place(body.get("after").unwrap_or(&Value::Null), self.memory.last_seq)?;
        let mut stream = self.stream(id)?.clone();
        if after > stream.after {
            let detail =
                "`after` is ahead of the stream, which would never tell of what is between";
            return Err(Problem::new(ProblemCode::Contradictory, detail).into());
        }
        deliveries::delete_behind(self.sql, id, after)?;
        stream.count(self.sql)?;
        stream.after = after;
        stream.follower.due = 0;
        stream.steps.retain(|(_, until)| *until <= after);
        stream.write_place(self.sql)?;
        stream.row.since = stream.row.since.min(after);
        stream.row.forgotten = stream.row.forgotten.min(after);
        let mut former = FormerTypes::stored(&stream.row.former_types);
        former.cut(after);
        stream.row.former_types = former.to_stored();
        streams::put(self.sql, &stream.row)?;
        let event = Event::new(EventKind::StreamUpdated, id);
        self.record(&event.with("changed", vec!["after"]).with("after", after))?;
        let shown = self.shown(&stream);
        self.memory.streams.put(stream);
        Ok(Response::json(200, &shown))
    }

    /// `POST …/streams/{s}/rotate-secret {"overlap"?}`: another key signs, shown this once; for the
    /// overlap the one before signs, too.
    fn rotate_secret(&mut self, id: &str) -> Answer {
        let body = self.body_or_nothing()?;
        only_fields(&body, &["overlap"], "a rotation")?;
        let bounds = 0..=limits::KEY_OVERLAP_SECONDS;
        let (default, example) = (limits::KEY_OVERLAP_SECONDS, "PT24H, between PT0S and PT24H");
        let overlap = given_seconds(&body, "overlap", default, &bounds, example)?;
        let mut stream = self.stream(id)?.clone();
        let key = self.signing_key(stream.signature)?;
        let secret = sealed(self.call.key_ring, self.tenant(), id, &key)?;
        let now = self.now().timestamp_millis();
        stream.row.former = Some(std::mem::replace(&mut stream.row.secret, secret));
        stream.row.former_until = now.saturating_add(overlap.saturating_mul(1_000));
        streams::put(self.sql, &stream.row)?;
        let changed = Event::new(EventKind::StreamUpdated, id).with("changed", vec!["secret"]);
        self.record(&changed)?;
        let shown = with_key(self.shown(&stream), &key);
        self.memory.streams.put(stream);
        Ok(Response::json(200, &shown))
    }

    /// Refuses that users are told of by a map that there is not, or by one who may not read users:
    /// 422, 403.
    fn may_map(&self, map: Option<&str>) -> Result<(), Failure> {
        let Some(map) = map else { return Ok(()) };
        permitted(self.may(Scope::UsersRead), MAPS_WANT)?;
        if self.memory.policy.attributes.maps.get(map).is_none() {
            let detail = "`attributeMap` is no attribute map of this tenant";
            return Err(Problem::new(ProblemCode::Contradictory, detail).into());
        }
        Ok(())
    }

    /// The stream of an id: 404.
    pub(in crate::tenant) fn stream(&self, id: &str) -> Result<&Stream, Failure> {
        let stream = self.memory.streams.get(id);
        stream.ok_or_else(|| missing("there is no such stream").into())
    }

    /// Has a stream hand over at once what rows say is to be tried again, whether or not its receiver has
    /// put it off.
    pub(in crate::tenant) fn try_again(&mut self, id: &str) -> Result<(), StoreError> {
        self.memory.touched = true;
        let Some(stream) = self.memory.streams.get_mut(id) else { return Ok(()) };
        stream.count(self.sql)?;
        stream.end_pause(self.sql)
    }

    /// A stream with the public key that verifies its messages, if it has one.
    fn shown(&self, stream: &Stream) -> Value {
        let keys = stream.keys(self.call.key_ring, self.tenant(), self.now()).unwrap_or_default();
        match keys.first() {
            Some(key @ (SigningKey::Pair(_) | SigningKey::Token(_))) => {
                with_key(stream.shown(self.now()), key)
            }
            _ => stream.shown(self.now()),
        }
    }

    fn sealed_authorization(
        &self,
        id: &str,
        text: Option<String>,
    ) -> Result<Option<String>, StoreError> {
        let seal =
            |text: String| sealed_authorization(self.call.key_ring, self.tenant(), id, &text);
        text.map(seal).transpose()
    }

    fn new_pairs(&self) -> Result<(KeyPair, TokenPair), StoreError> {
        self.call.key_pairs.ok_or_else(|| StoreError::new("no pairs of keys"))
    }

    fn signing_key(&mut self, signature: Signature) -> Result<SigningKey, StoreError> {
        match signature {
            Signature::V1 => Ok(SigningKey::Shared(self.random::<32>()?.to_vec())),
            Signature::V1a => self.new_pairs().map(|(pair, _)| SigningKey::Pair(pair)),
            Signature::Es256 => self.new_pairs().map(|(_, pair)| SigningKey::Token(pair)),
        }
    }
}

/// Refuses what a stream of its kind has not, and that another host is shown what its receiver is shown.
fn fits(stream: &Stream, patch: &Patch) -> Result<(), Problem> {
    let is_of_another = patch.url.is_some() && stream.kind == StreamKind::SetPoll
        || patch.audience.is_some() && !stream.tells_tokens()
        || patch.authorization.is_some() && stream.kind != StreamKind::SetPush
        || patch.attribute_map.is_some() && stream.tells_tokens();
    if is_of_another {
        let detail = "a stream of this kind has no such field";
        return Err(Problem::new(ProblemCode::Contradictory, detail));
    }
    if let Some(url) = &patch.url
        && host_of(url) != host_of(&stream.row.url)
        && stream.row.authorization.is_some()
        && patch.authorization.is_none()
    {
        let detail = "another host is not shown the `authorization` of this one: give it, or null";
        return Err(Problem::new(ProblemCode::Contradictory, detail));
    }
    Ok(())
}

/// For whom tokens of a stream are, unless it is told.
fn usual_audience(kind: StreamKind, url: &str, id: &str) -> Option<String> {
    let usual = match kind {
        StreamKind::Webhook => return None,
        StreamKind::SetPush => url,
        StreamKind::SetPoll => id,
    };
    Some(usual.to_owned())
}

/// What is shown of a stream, with what its receiver needs to verify messages.
fn with_key(mut shown: Value, key: &SigningKey) -> Value {
    let name = match key {
        SigningKey::Shared(_) => "secret",
        SigningKey::Pair(_) => "publicKey",
        SigningKey::Token(_) => "keyId",
    };
    if let Some(fields) = shown.as_object_mut() {
        fields.insert(name.to_owned(), key.for_receiver().into());
    }
    shown
}

impl Delivery {
    /// What is answered to a test, once something has come of it, in the place of the first answer.
    pub fn tested(&self, came: &Delivered, first: Response) -> Response {
        let reason = Some(came.reason()).filter(|_| !came.is_success());
        let status = match came {
            Delivered::Answered { status, .. } => Some(*status),
            _ => None,
        };
        let told = object(vec![
            ("id", self.id.as_str().into()),
            ("delivered", came.is_success().into()),
            ("status", status.into()),
            ("hint", reason.as_deref().map(hint).into()),
            ("reason", reason.into()),
            ("answer", came.answer().into()),
        ]);
        Response::json(200, &told.into()).in_place_of(first)
    }
}
