//! `POST …/streams/{s}/poll` (RFC 8936): the receiver asks for tokens, and says which it has taken.
//!
//! The stream's place moves over what was taken, as far as nothing before it is open; only what was taken
//! behind that, or refused, has a row of its own. What is open comes again with each poll.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::Stream;
use super::batch::ids_of;
use super::keys::KEY_LOST;
use super::land::Lost;
use super::plan::behind;
use crate::auth::{SigningKey, TokenPair};
use crate::http::{Problem, ProblemCode, Response};
use crate::limits;
use crate::policy::{StreamKind, set_error};
use crate::store::deliveries::{self, DELIVERED, DeliveryRow, FAILED};
use crate::store::events::{self, EventRow};
use crate::tenant::Waits;
use crate::tenant::events::event_of;
use crate::tenant::work::{Answer, Failure, Work, conflict, only_fields};

/// What a poll is answered once it is signed.
#[derive(Clone, Debug)]
pub struct Poll {
    /// Each token's `jti`, and what it claims.
    sets: Vec<(String, String)>,
    pair: TokenPair,
    has_more: bool,
}

impl Poll {
    /// What signs.
    pub const fn pair(&self) -> &TokenPair {
        &self.pair
    }

    /// What the tokens claim, in their order.
    pub fn claims(&self) -> impl Iterator<Item = &str> {
        self.sets.iter().map(|(_, claims)| claims.as_str())
    }

    /// The answer, given the tokens in this order (RFC 8936 §2.3), in the place of the first one.
    pub fn answered(&self, tokens: Vec<String>, first: Response) -> Response {
        let names = self.sets.iter().map(|(jti, _)| jti.clone());
        let sets: Map<String, Value> = names.zip(tokens.into_iter().map(Value::from)).collect();
        let told = json!({ "sets": sets, "moreAvailable": self.has_more });
        Response::json(200, &told).in_place_of(first)
    }
}

/// Why a token is refused by a code that is not registered.
const REFUSED: &str = "refused";

/// What a receiver asks.
struct Asked {
    most: usize,
    waits: bool,
    taken: BTreeSet<String>,
    /// What it has against a token, by code and in words.
    refused: BTreeMap<String, (String, String)>,
}

impl Asked {
    fn read(body: &Map<String, Value>) -> Result<Self, Problem> {
        only_fields(body, &["maxEvents", "returnImmediately", "ack", "setErrs"], "a poll")?;
        let malformed = |name: &str| {
            Problem::new(ProblemCode::Malformed, format!("`{name}` is not what a poll has"))
        };
        let given = |name: &str| body.get(name).filter(|value| !value.is_null());
        let most = given("maxEvents").map_or(Some(u64::MAX), Value::as_u64);
        let most = usize::try_from(most.ok_or_else(|| malformed("maxEvents"))?);
        let at_once = given("returnImmediately").map_or(Some(false), Value::as_bool);
        let texts = |value: &Value| -> Option<BTreeSet<String>> {
            value.as_array()?.iter().map(|one| one.as_str().map(str::to_owned)).collect()
        };
        let error = |(jti, told): (&String, &Value)| {
            let text = |name: &str| told.get(name).and_then(Value::as_str);
            let (code, words) = (text("err")?, text("description").unwrap_or_default());
            let (reason, words) = match set_error(told) {
                Some(known) => (known, words.to_owned()),
                None => (REFUSED, format!("{code}: {words}")),
            };
            let words = words.chars().take(limits::ANSWER_BYTES).collect();
            Some((jti.clone(), (reason.to_owned(), words)))
        };
        let errors = |value: &Value| value.as_object()?.iter().map(error).collect();
        Ok(Self {
            most: most.unwrap_or(usize::MAX).min(limits::POLLED_SETS),
            waits: !at_once.ok_or_else(|| malformed("returnImmediately"))?,
            taken: given("ack")
                .map_or(Some(BTreeSet::new()), texts)
                .ok_or_else(|| malformed("ack"))?,
            refused: given("setErrs")
                .map_or(Some(BTreeMap::new()), errors)
                .ok_or_else(|| malformed("setErrs"))?,
        })
    }
}

/// Sorts the events of a stream by what a receiver says of them.
struct Sorting<'a> {
    asked: &'a Asked,
    now: i64,
    /// What is open, in the order of events.
    open: Vec<EventRow>,
    /// What is to be written of the others, where they want a row.
    rows: Vec<DeliveryRow>,
    lost: Vec<Lost>,
    /// Whether anything was taken or refused.
    is_told: bool,
}

impl Sorting<'_> {
    /// Notes an event as open or, where it was refused, has a row or is behind something that is open, with
    /// a row; whether nothing of it is open any more.
    fn closes(
        &mut self,
        stream: &Stream,
        tenant: &str,
        event: EventRow,
        row: Option<&DeliveryRow>,
    ) -> bool {
        let jti = stream.message_id(tenant, &event);
        let refused = self.asked.refused.get(&jti);
        let is_taken = self.asked.taken.contains(&jti);
        let was_over = row.is_some_and(|row| [DELIVERED, FAILED].contains(&row.state.as_str()));
        if was_over {
            return true;
        }
        if refused.is_none() && !is_taken {
            self.open.push(event);
            return false;
        }
        self.is_told = true;
        if refused.is_some() || row.is_some() || !self.open.is_empty() {
            let ids = ids_of(&event_of(tenant, &event));
            if let Some((code, _)) = refused {
                self.lost.extend(Lost::of(event.seq, &event.kind, &ids, code));
            }
            self.rows.push(DeliveryRow {
                seq: event.seq,
                state: if refused.is_some() { FAILED } else { DELIVERED }.to_owned(),
                attempts: row.map_or(0, |row| row.attempts).saturating_add(1),
                due: 0,
                first: row.and_then(|row| row.first).or(Some(self.now)),
                last: Some(self.now),
                reason: refused.map(|(code, _)| code.clone()),
                answer: refused.map(|(_, words)| words.clone()).filter(|words| !words.is_empty()),
                ids: ids.join(" "),
            });
        }
        true
    }
}

impl Work<'_, '_> {
    /// Answers a poll, but for the signatures.
    ///
    /// 1. The body must be right: 400. The stream must be one that is polled, enabled, and have a key: 409.
    /// 2. What was taken or refused is noted.
    /// 3. What is open is answered, as much as is wanted. A poll for which there is nothing waits, unless
    ///    it says otherwise.
    pub(super) fn poll(&mut self, id: &str) -> Answer {
        let asked = Asked::read(&self.body_or_nothing()?)?; // (1)
        let mut stream = self.stream(id)?.clone();
        let pair = self.polled_pair(&mut stream)?; // (1)
        let last = self.memory.last_seq;
        let (open, until) = self.settle_poll(&mut stream, &asked)?; // (2)
        let tenant = self.tenant();
        let set = |event: &EventRow| {
            let claims = stream.claims(tenant, event, &event_of(tenant, event));
            (stream.message_id(tenant, event), claims.to_string())
        };
        let sets: Vec<_> = open.iter().take(asked.most).map(set).collect();
        let has_more = sets.len() < open.len() || until < last;
        if asked.waits && asked.most > 0 && sets.is_empty() && !has_more {
            let milliseconds = limits::POLL_SECONDS.saturating_mul(1_000);
            self.memory.noted.waits = Some(Waits { looked: self.memory.last_seq, milliseconds });
        }
        self.memory.streams.put(stream);
        self.memory.polled = Some(Poll { sets, pair, has_more }); // (3)
        Ok(Response::json(200, &json!({})))
    }

    fn polled_pair(&self, stream: &mut Stream) -> Result<TokenPair, Failure> {
        if stream.kind != StreamKind::SetPoll {
            return Err(conflict("the stream is none that is polled"));
        }
        if !stream.is_enabled() {
            return Err(conflict("the stream is disabled"));
        }
        stream.reseal(self.sql, self.call.key_ring, self.tenant())?;
        let keys = stream.keys(self.call.key_ring, self.tenant(), self.now()).unwrap_or_default();
        let pair = keys.first().and_then(SigningKey::token_pair);
        pair.copied().ok_or_else(|| conflict(KEY_LOST))
    }

    /// Notes what was taken or refused; what is open, and up to where was looked.
    fn settle_poll(
        &mut self,
        stream: &mut Stream,
        asked: &Asked,
    ) -> Result<(Vec<EventRow>, i64), Failure> {
        let (tenant, id) = (self.tenant(), stream.row.id.clone());
        let now = self.now().timestamp_millis();
        let (open, rows, lost) = (Vec::new(), Vec::new(), Vec::new());
        let mut sorting = Sorting { asked, now, open, rows, lost, is_told: false };
        let mut is_known = true;
        for row in deliveries::unfinished(self.sql, &id)? {
            if row.seq > stream.after {
                continue; // It comes below.
            }
            match events::at(self.sql, row.seq)? {
                Some(event) => drop(sorting.closes(stream, tenant, event, Some(&row))),
                // Nobody knows any more what it was.
                None => {
                    deliveries::delete(self.sql, &id, row.seq)?;
                    is_known = false;
                }
            }
        }
        let mut after = stream.after;
        let (events, until) = behind(self.sql, after, self.memory.last_seq)?;
        let known = deliveries::between(self.sql, &id, (after, until))?;
        let mut is_clear = true;
        for event in events {
            let seq = event.seq;
            let row = known.iter().find(|row| row.seq == seq);
            let is_over = !stream.takes(&event) || sorting.closes(stream, tenant, event, row);
            is_clear &= is_over;
            if is_clear {
                after = seq;
            }
        }
        stream.after = if is_clear { until } else { after };
        if sorting.is_told || stream.has_passed_many() {
            stream.steps.push((now, stream.after));
            stream.write_place(self.sql)?;
        }
        for row in &sorting.rows {
            deliveries::put(self.sql, &id, row)?;
        }
        if !sorting.rows.is_empty() || !is_known {
            stream.forget_finished(self.sql)?;
            stream.count(self.sql)?;
        }
        for lost in sorting.lost {
            self.record(&lost.event(&id))?;
        }
        Ok((sorting.open, until))
    }
}
