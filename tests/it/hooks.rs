//! Receivers of streams, in this process: what they are sent, and what they answer.

use chrono::TimeDelta;
use muster::auth::{KeyPair, KeyRing, TokenPair};
use muster::http::Outbound;
use muster::limits;
use muster::policy::Delivered;
use muster::registry::Slug;
use muster::store::{Sql as _, StoreError};
use muster::tenant::{Delivery, StreamBatch};
use serde_json::{Value, json};

use crate::support::{Acme, ORIGIN};

/// A message that somebody was sent.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) url: String,
    pub(crate) id: String,
    pub(crate) seconds: i64,
    pub(crate) text: String,
    pub(crate) body: Value,
    pub(crate) signatures: Vec<String>,
    pub(crate) pairs: usize,
    pub(crate) kid: Option<String>,
    pub(crate) authorization: Option<String>,
}

impl Sent {
    fn of(delivery: &Delivery) -> Self {
        Self {
            url: delivery.url().to_owned(),
            id: delivery.id.clone(),
            seconds: delivery.seconds,
            text: delivery.body.clone(),
            body: serde_json::from_str(&delivery.body).expect("JSON"),
            signatures: delivery.signatures(),
            pairs: delivery.pairs().count(),
            kid: delivery.token_pair().map(TokenPair::kid),
            authorization: delivery.authorization().map(str::to_owned),
        }
    }

    pub(crate) fn kind(&self) -> &str {
        self.body["type"].as_str().expect("a type")
    }

    pub(crate) fn about(&self) -> &str {
        self.body["data"]["id"].as_str().expect("an id")
    }

    pub(crate) fn seq(&self) -> i64 {
        self.body["data"]["seq"].as_i64().expect("a place in the log")
    }
}

/// An answer with a status alone.
pub(crate) fn status(status: u16) -> Delivered {
    Delivered::Answered { status, retry_after: None, body: String::new() }
}

/// The pair of keys of the tests' streams, which signs nothing natively.
pub(crate) const PAIR: KeyPair = KeyPair { seed: [1; 32], public: [2; 32] };

/// A pair of keys for tokens, which signs nothing natively.
pub(crate) const fn token_pair(number: u8) -> TokenPair {
    TokenPair { d: [number; 32], x: [number; 32], y: [number; 32] }
}

/// Where the tests' receivers are.
pub(crate) const URL: &str = "https://hooks.example.com/muster";

/// Lots that all fall in the middle.
pub(crate) fn chance(bytes: &mut [u8]) -> Result<(), String> {
    bytes.fill(128);
    Ok(())
}

impl Acme {
    /// The deployment's secrets are others from now on.
    pub(crate) fn rotate(&mut self, key_ring: &str) {
        self.gate.key_ring = KeyRing::parse(key_ring).expect("a key ring");
    }

    /// Makes a stream.
    pub(crate) fn stream(&mut self, body: &Value) -> Value {
        let reply = self.admin("POST", "/streams", body);
        assert_eq!(reply.status, 201, "{}", reply.json());
        reply.json()
    }

    /// Makes a webhook with an id.
    pub(crate) fn hook(&mut self, id: &str) -> Value {
        self.stream(&json!({ "id": id, "url": format!("{URL}/{id}") }))
    }

    /// A stream as it is shown.
    pub(crate) fn shown_stream(&mut self, id: &str) -> Value {
        self.admin("GET", &format!("/streams/{id}"), &Value::Null).json()
    }

    /// The steps that are due.
    pub(crate) fn batches(&mut self) -> Result<Vec<StreamBatch>, StoreError> {
        let (batches, planned) = self.planned();
        planned.map(|()| batches)
    }

    /// The steps that are due and can be made up, and whether all could.
    pub(crate) fn planned(&mut self) -> (Vec<StreamBatch>, Result<(), StoreError>) {
        let slug = Slug::parse(self.slug()).expect("a slug");
        let outbound = Outbound { loopback: false, own_origin: "", tenant_host: None };
        let (ring, random) = (&self.gate.key_ring, &mut chance);
        self.tenant.deliveries(&self.sql, self.now, ring, outbound, &slug, random)
    }

    /// Notes what has become of a step.
    pub(crate) fn land(&mut self, batch: &StreamBatch) -> Result<(), StoreError> {
        self.tenant.delivered(&self.sql, self.now, batch, &mut chance)
    }

    /// Hands over a step, several events at once, and says what was sent, in this order.
    pub(crate) fn hand_over(
        &mut self,
        batch: &mut StreamBatch,
        answer: &mut dyn FnMut(&Sent) -> Delivered,
    ) -> Vec<Sent> {
        let (mut sent, now) = (Vec::new(), self.now);
        loop {
            let together: Vec<Delivery> = std::iter::from_fn(|| batch.next_delivery(now))
                .take(limits::DELIVERIES_AT_ONCE)
                .collect();
            if together.is_empty() {
                return sent;
            }
            // The last is answered first.
            for delivery in together.iter().rev() {
                batch.note(delivery, answer(&Sent::of(delivery)), now);
            }
            sent.extend(together.iter().map(Sent::of));
        }
    }

    /// Hands over what is due now, and what becomes due by that.
    pub(crate) fn deliver(&mut self, mut answer: impl FnMut(&Sent) -> Delivered) -> Vec<Sent> {
        let mut sent = Vec::new();
        loop {
            let mut batches = self.batches().expect("the steps are made up");
            if batches.is_empty() {
                return sent;
            }
            for batch in &mut batches {
                assert!(batch.len() <= limits::BATCH_EVENTS);
                sent.extend(self.hand_over(batch, &mut answer));
                self.land(batch).expect("the step is noted");
            }
            self.now += TimeDelta::milliseconds(limits::BATCH_PAUSE_MILLISECONDS);
        }
    }

    /// The same for so many seconds, as alarms ring.
    pub(crate) fn deliver_for(
        &mut self,
        seconds: i64,
        mut answer: impl FnMut(&Sent) -> Delivered,
    ) -> Vec<Sent> {
        let until = self.now + TimeDelta::seconds(seconds);
        let mut sent = self.deliver(&mut answer);
        while let Some(delay) = self.tenant.alarm_in_milliseconds(self.now) {
            let then = self.now + TimeDelta::milliseconds(delay);
            if then > until {
                break;
            }
            self.now = then;
            self.alarm().expect("the alarm does its step");
            sent.extend(self.deliver(&mut answer));
        }
        self.now = until.max(self.now);
        sent
    }

    /// The texts that a statement answers.
    pub(crate) fn sql_texts(&self, statement: &str) -> Vec<String> {
        let rows = self.sql.query(statement, &[]).expect("SQLite reads");
        rows.iter().map(|row| row.text(0).expect("a text").to_owned()).collect()
    }

    /// How many events there are.
    pub(crate) fn events_count(&self) -> i64 {
        self.rows("events")
    }

    /// The log of a stream's deliveries.
    pub(crate) fn deliveries(&mut self, id: &str, query: &str) -> Vec<Value> {
        let reply = self.admin("GET", &format!("/streams/{id}/deliveries{query}"), &Value::Null);
        assert_eq!(reply.status, 200, "{}", reply.json());
        reply.json()["items"].as_array().expect("items").clone()
    }
}

#[test]
fn the_tests_have_an_origin_that_is_no_receiver() {
    let guard = Outbound { loopback: false, own_origin: ORIGIN, tenant_host: None };
    assert!(guard.permits(URL) && !guard.permits(ORIGIN));
}
