//! A step of a stream: events on their way, those about the same thing one after the other.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::Stream;
use crate::auth::{KeyPair, SigningKey, TokenPair, signed_text, symmetric_signature};
use crate::limits;
use crate::policy::Delivered;
use crate::store::deliveries::DeliveryRow;
use crate::store::events::EventRow;

/// A step of a stream: what is handed over, and what came of it.
#[derive(Debug)]
pub struct Batch {
    pub(super) stream: String,
    /// When the stream was made, and how far it was: else it is another one, or was set back meanwhile.
    pub(super) created: i64,
    pub(super) after: i64,
    /// How far it is when all is done.
    pub(super) until: i64,
    pub(super) began: i64,
    /// Which types it has looked for.
    pub(super) types: String,
    pub(super) receiver: Receiver,
    /// What is held back by events that are not tried in this step.
    pub(super) blocked: BTreeSet<String>,
    pub(super) items: Vec<Item>,
    /// Whether nothing more is sent: the receiver wants nothing for now, or it has taken long enough.
    pub(super) is_over: bool,
}

/// Who is told, and how.
#[derive(Clone, Debug)]
pub(super) struct Receiver {
    pub(super) url: String,
    /// What it is shown as `Authorization`.
    pub(super) authorization: Option<String>,
    pub(super) keys: Vec<SigningKey>,
}

/// An event of a step.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) seq: i64,
    pub(super) kind: String,
    /// What it is about: its own id first.
    pub(super) ids: Vec<String>,
    /// What is known of it, where it has failed before or was held.
    pub(super) row: Option<DeliveryRow>,
    pub(super) state: State,
    message: Message,
}

/// How far an event of a step is.
#[derive(Debug)]
pub(super) enum State {
    Waiting,
    Sent,
    /// What came of it, and when.
    Came(Delivered, i64),
}

/// A message: what a receiver knows it by, and what it says.
#[derive(Clone, Debug)]
pub(super) struct Message {
    pub(super) id: String,
    pub(super) body: String,
}

/// A message on its way.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Its `webhook-id`, or the `jti` of a token, the same each time that it is sent.
    pub id: String,
    /// Its `webhook-timestamp`.
    pub seconds: i64,
    /// Its body, or what a token claims.
    pub body: String,
    receiver: Receiver,
    seq: i64,
}

impl Delivery {
    /// A message that is sent now.
    pub(super) fn new(
        receiver: Receiver,
        Message { id, body }: Message,
        (seq, now): (i64, DateTime<Utc>),
    ) -> Self {
        Self { id, seconds: now.timestamp(), body, receiver, seq }
    }

    /// Where it goes.
    pub fn url(&self) -> &str {
        &self.receiver.url
    }

    /// What the receiver is shown as `Authorization`.
    pub fn authorization(&self) -> Option<&str> {
        self.receiver.authorization.as_deref()
    }

    /// The keys that sign it as a token, where it goes as one.
    pub fn token_pair(&self) -> Option<&TokenPair> {
        self.receiver.keys.first().and_then(SigningKey::token_pair)
    }

    /// What is signed.
    pub fn signed(&self) -> String {
        signed_text(&self.id, self.seconds, &self.body)
    }

    /// The signatures with shared secrets.
    pub fn signatures(&self) -> Vec<String> {
        let text = self.signed();
        let sign = |key: &SigningKey| match key {
            SigningKey::Shared(secret) => symmetric_signature(secret, &text),
            SigningKey::Pair(_) | SigningKey::Token(_) => None,
        };
        self.receiver.keys.iter().filter_map(sign).collect()
    }

    /// The pairs of keys that have to sign it, too.
    pub fn pairs(&self) -> impl Iterator<Item = &KeyPair> {
        self.receiver.keys.iter().filter_map(|key| match key {
            SigningKey::Pair(pair) => Some(pair),
            SigningKey::Shared(_) | SigningKey::Token(_) => None,
        })
    }
}

impl Item {
    /// An event for a stream's receiver, who is shown this of it.
    pub(super) fn new(
        stream: &Stream,
        tenant: &str,
        event: &EventRow,
        shown: Value,
        row: Option<DeliveryRow>,
    ) -> Self {
        let ids = ids_of(&shown);
        let id = stream.message_id(tenant, event);
        let body = match stream.tells_tokens() {
            true => stream.claims(tenant, event, &shown),
            false => shown,
        };
        let message = Message { id, body: body.to_string() };
        let (seq, kind) = (event.seq, event.kind.clone());
        Self { seq, kind, ids, row, state: State::Waiting, message }
    }
}

/// What a receiver knows an event by. The time tells it from one of a tenant of that name that was
/// deleted.
pub(super) fn message_id(tenant: &str, event: &EventRow) -> String {
    format!("{tenant}_{}_{}", event.seq, event.time)
}

/// Whether an event is about something that is held back, in a step or by what stands before it there.
pub(super) fn is_held(ids: &[String], blocked: &BTreeSet<String>, before: &BTreeSet<&str>) -> bool {
    ids.iter().any(|id| blocked.contains(id) || before.contains(id.as_str()))
}

/// What an event is about: its own id, and the members that it lists.
pub(super) fn ids_of(event: &Value) -> Vec<String> {
    let data = event.get("data");
    let of = |name: &str| data.and_then(|data| data.get(name));
    let members = of("members").and_then(Value::as_array).into_iter().flatten();
    let texts = of("id").into_iter().chain(members).filter_map(Value::as_str);
    // One with a space was sent by a client as a member, and is nobody's id; spaces part ids in a row.
    let is_id = |text: &&str| !text.contains(|c: char| c.is_ascii_whitespace());
    texts.filter(is_id).map(str::to_owned).collect()
}

impl Batch {
    /// Whether its messages have as many bytes as a step may have; what a user is to an application may be
    /// longer than the event.
    pub(super) fn is_large(&self) -> bool {
        let bytes = self.items.iter().map(|item| item.message.body.len());
        bytes.sum::<usize>() >= limits::PAGE_BYTES
    }

    /// Of which stream it is.
    pub(super) fn stream(&self) -> &str {
        &self.stream
    }

    /// Whether it is of a stream as it is now.
    pub(super) fn is_of(&self, stream: &Stream) -> bool {
        let row = &stream.row;
        stream.is_enabled() && (row.created, &row.url) == (self.created, &self.receiver.url)
    }

    /// When it began, in milliseconds since the epoch.
    pub(super) const fn began(&self) -> i64 {
        self.began
    }

    /// How many events it has.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether it has none, which no step has that is given out.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The next message that can be sent while others are on their way: none where all that is left is
    /// about the same as these, or as what has failed; and none once the step has taken long enough.
    pub fn next_delivery(&mut self, now: DateTime<Utc>) -> Option<Delivery> {
        let elapsed = now.timestamp_millis().saturating_sub(self.began);
        self.is_over |= elapsed >= limits::BATCH_MILLISECONDS;
        if self.is_over {
            return None;
        }
        let mut before = BTreeSet::new();
        for Item { seq, ids, state, message, .. } in &mut self.items {
            match state {
                State::Came(delivered, _) if delivered.is_success() => continue,
                State::Waiting if !is_held(ids, &self.blocked, &before) => {
                    *state = State::Sent;
                    let receiver = self.receiver.clone();
                    return Some(Delivery::new(receiver, message.clone(), (*seq, now)));
                }
                _ => before.extend(ids.iter().map(String::as_str)),
            }
        }
        None
    }

    /// Notes what came of a message.
    pub fn note(&mut self, delivery: &Delivery, came: Delivered, now: DateTime<Utc>) {
        self.is_over |= came.is_gone() || came.pause().is_some();
        if let Some(item) = self.items.iter_mut().find(|item| item.seq == delivery.seq) {
            item.state = State::Came(came, now.timestamp_millis());
        }
    }
}
