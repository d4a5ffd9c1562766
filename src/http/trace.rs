//! What is known of a request as a whole: its id, and the line that the log has of it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{Response, Route};
use crate::auth::Principal;
use crate::limits;
use crate::store::Cost;

/// The id of a request: on its answer as `x-request-id`, and in its line of the log.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct RequestId(String);

/// A request on its way: what its line in the log will say, none of it personal or secret.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Trace {
    /// The request's id.
    pub id: RequestId,
    /// When the edge got it, in milliseconds since 1970.
    pub began: i64,
    /// When the edge handed it to the tenant's object, if it did.
    pub handed: Option<i64>,
    /// Whether it came by https.
    pub secure: bool,
    /// Whether its errors are those of SCIM.
    pub scim: bool,
    /// The method's name, if it is one that some route takes; else empty.
    pub method: String,
    /// The name of what the path names; the path itself may name people.
    pub route: Option<String>,
    /// The tenant, once somebody has shown a right to ask for it; else any text could stand there.
    pub tenant: Option<String>,
    /// The key's id.
    pub key: Option<String>,
}

/// What came of a request.
#[derive(Clone, Debug, Default)]
pub struct Done {
    /// When it was answered, in milliseconds since 1970.
    pub ended: i64,
    /// The connection to which the key is bound.
    pub connection: Option<String>,
    /// Rows, as the database counts them.
    pub rows: Cost,
}

/// For a year, the host is asked for by https alone (RFC 6797).
const TRANSPORT_SECURITY: &str = "max-age=31536000";

impl RequestId {
    /// Cloudflare's name for the request, `cf-ray`, where it sends one; else random bytes, which are not
    /// drawn before. What only looks like one is anybody's text, and does not get into the log.
    pub fn of(ray: Option<&str>, random: impl FnOnce() -> [u8; 8]) -> Self {
        let ray = ray.filter(|ray| is_ray(ray)).map(str::to_owned);
        Self(ray.unwrap_or_else(|| format!("{:016x}", u64::from_be_bytes(random()))))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether a text is 16 hexadecimal digits and the code of an airport, or the digits alone.
fn is_ray(text: &str) -> bool {
    let (digits, airport) = text.split_once('-').unwrap_or((text, "XYZ"));
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    digits.len() == 16
        && digits.bytes().all(is_digit)
        && airport.len() == 3
        && airport.bytes().all(|byte| byte.is_ascii_uppercase())
}

impl Trace {
    /// Notes what the request asks for.
    pub fn asks_for(&mut self, route: Option<&Route>) {
        self.route = route.map(|route| route.name().into_owned());
    }

    /// Notes who asks, and for which tenant, now that the gate has let them pass.
    pub fn admitted(&mut self, route: &Route, principal: &Principal) {
        self.tenant = route.tenant().map(|tenant| tenant.as_str().to_owned());
        self.key = match principal {
            Principal::Admin | Principal::Client => None,
            Principal::Key(key) => Some(key.id.clone()),
        };
    }

    /// Whether the object gets to it so late, at a moment in milliseconds since 1970, that it is not
    /// begun: its sender may have given up, and those behind it wait, too.
    pub fn is_late(&self, now: i64) -> bool {
        let waited = self.handed.map_or(0, |handed| now.saturating_sub(handed));
        waited > limits::WAIT_MILLISECONDS
    }

    /// The response with what every answer to such a request has.
    #[must_use]
    pub fn dress(&self, response: Response) -> Response {
        let response = response.with("x-request-id", self.id.as_str());
        if !self.secure {
            return response; // RFC 6797 §7.2: it means nothing there.
        }
        response.with("strict-transport-security", TRANSPORT_SECURITY)
    }

    /// The request's line in the log: one object of JSON.
    pub fn line(&self, response: &Response, done: &Done) -> String {
        let level = if response.has_failed() { "error" } else { "info" };
        // The clocks of edge and object may differ; a request takes no less than nothing.
        let duration = done.ended.saturating_sub(self.began).max(0);
        let mut line = Map::new();
        let mut put = |name: &str, value: Value| {
            if !value.is_null() {
                line.insert(name.to_owned(), value);
            }
        };
        put("level", level.into());
        put("requestId", self.id.as_str().into());
        put("method", Some(&*self.method).filter(|method| !method.is_empty()).into());
        put("route", self.route.as_deref().into());
        put("status", response.status.into());
        put("durationMs", duration.into());
        put("tenant", self.tenant.as_deref().into());
        put("connection", done.connection.as_deref().into());
        put("key", self.key.as_deref().into());
        put("rowsRead", json!(done.rows.rows_read));
        put("rowsWritten", json!(done.rows.rows_written));
        put("cause", response.cause.as_deref().into());
        Value::Object(line).to_string()
    }
}
