//! Security event tokens of streams: what they claim, and the keys that verify them.

use serde_json::{Value, json};

use super::Stream;
use super::batch::message_id;
use crate::event::token;
use crate::http::Response;
use crate::policy::StreamKind;
use crate::store::events::EventRow;
use crate::tenant::work::Work;

/// The event of a token that is sent as a test: the verification of OpenID's Shared Signals Framework,
/// §8.1.4.
const VERIFICATION: &str = "https://schemas.openid.net/secevent/ssf/event-type/verification";

impl Stream {
    /// Whether it tells of events by tokens.
    pub(in crate::tenant) fn tells_tokens(&self) -> bool {
        self.kind != StreamKind::Webhook
    }

    /// What its receiver knows an event by: a token of another stream is another one.
    pub(super) fn message_id(&self, tenant: &str, event: &EventRow) -> String {
        let id = message_id(tenant, event);
        if self.tells_tokens() { format!("{id}_{}", self.row.id) } else { id }
    }

    /// What a token claims of an event, the same each time; nothing of one of which no token tells.
    pub(super) fn claims(&self, tenant: &str, event: &EventRow, shown: &Value) -> Value {
        let base = format!("{}/scim/v2", self.issuer(tenant));
        let claims = token::claims(shown, &message_id(tenant, event), &base).unwrap_or_default();
        let seconds = event.time.checked_div(1_000).unwrap_or(0);
        self.issued(tenant, &self.message_id(tenant, event), seconds, &claims)
    }

    /// What a token claims that is sent as a test.
    pub(super) fn test_claims(&self, tenant: &str, id: &str, seconds: i64) -> Value {
        let claims = json!({
            "txn": id,
            "sub_id": { "format": "opaque", "id": self.row.id },
            "events": { VERIFICATION: {} },
        });
        self.issued(tenant, id, seconds, &claims)
    }

    /// Who says it.
    fn issuer(&self, tenant: &str) -> String {
        format!("{}/t/{tenant}", self.row.origin)
    }

    /// Claims with those that any token of the stream has (RFC 8417 §2.2).
    fn issued(&self, tenant: &str, jti: &str, seconds: i64, claims: &Value) -> Value {
        let mut token = json!({
            "iss": self.issuer(tenant),
            "aud": self.row.audience,
            "iat": seconds,
            "jti": jti,
        });
        if let (Some(token), Some(claims)) = (token.as_object_mut(), claims.as_object()) {
            token.extend(claims.clone());
        }
        token
    }
}

impl Work<'_, '_> {
    /// `GET /t/{t}/.well-known/jwks.json`: what verifies the tokens of every stream, those keys among it
    /// that were replaced and are still to be known.
    pub(super) fn key_set(&self) -> Response {
        let tenant = self.tenant();
        let streams = self.memory.streams.all().iter();
        let keys = streams.filter_map(|stream| stream.keys(self.call.key_ring, tenant, self.now()));
        let keys: Vec<Value> =
            keys.flatten().filter_map(|key| key.token_pair().map(|pair| pair.jwk())).collect();
        Response::key_set(&keys)
    }
}
