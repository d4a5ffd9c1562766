//! Keys of the tenant: minted, listed, revoked. A key is shown once and nothing stored recreates it.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use chrono::DateTime;
use serde_json::{Map, Value, json};

use super::document::timestamp;
use super::work::{Answer, Failure, Work};
use crate::auth::{Claims, ISSUER, JtiDigest, Principal, Scopes};
use crate::event::{Event, EventKind};
use crate::http::{Problem, ProblemCode, Response};
use crate::limits;
use crate::store::keys::{self, KeyRow};

/// What a key is to be.
struct NewKey {
    name: String,
    scopes: Scopes,
    connection: Option<String>,
    ttl_seconds: i64,
}

impl Work<'_, '_> {
    /// `POST …/keys {"name","scopes":[…],"connection"?,"ttl"?}` → 201 with the key, this once.
    ///
    /// 1. The body must be right: 400, 415; its scopes within those of the asking key: 403; its
    ///    connection there: 422, and that of the asking key, if it has one: 403.
    /// 2. There must be room, once expired keys are gone: 409.
    /// 3. The key is signed and its row written.
    pub(super) fn create_key(&mut self) -> Answer {
        let body = self.admin_body()?;
        let new = self.new_key(&body)?; // (1)
        let now = self.now().timestamp();
        self.forget_expired_keys(now)?;
        if self.memory.keys.len() >= limits::KEYS_PER_TENANT {
            return Err(Problem::new(ProblemCode::Conflict, "the tenant has too many keys").into()); // (2)
        }
        let jti = Base64UrlUnpadded::encode_string(&self.random::<16>()?);
        let row = KeyRow {
            id: self.next_id()?,
            name: new.name,
            scopes: new.scopes.to_string(),
            connection: new.connection,
            jti: JtiDigest::of(&jti).as_str().to_owned(),
            created: now,
            // No key outlives the one that made it.
            expires: now.saturating_add(new.ttl_seconds).min(self.own_expiry()),
        };
        let tenant = self.request().route.tenant().map_or("", |tenant| tenant.as_str());
        let key = self.call.key_ring.sign(&Claims {
            iss: ISSUER.to_owned(),
            sub: row.id.clone(),
            jti,
            tid: tenant.to_owned(),
            cid: row.connection.clone(),
            scope: new.scopes,
            iat: row.created,
            exp: row.expires,
        });
        let key = key.ok_or_else(|| Problem::from(ProblemCode::Internal))?;
        keys::insert(self.sql, &row)?; // (3)
        self.record(
            &Event::new(EventKind::KeyCreated, row.id.as_str()).with("name", row.name.as_str()),
        )?;
        let mut shown = described(&row);
        shown.insert("key".to_owned(), key.into());
        shown.insert("scimBaseUrl".to_owned(), self.request().base.into());
        self.memory.keys.insert(row.id.clone(), row);
        Ok(Response::json(201, &Value::Object(shown)))
    }

    /// `GET …/keys`: without the keys themselves.
    pub(super) fn list_keys(&self) -> Answer {
        let page = self.items(&self.memory.keys, |row| Value::Object(described(row)))?;
        Ok(Response::json(200, &page))
    }

    /// `GET …/keys/{k}`.
    pub(super) fn read_key(&self, id: &str) -> Answer {
        let row = self.memory.keys.get(id).ok_or_else(|| Problem::from(ProblemCode::NotFound))?;
        Ok(Response::json(200, &Value::Object(described(row))))
    }

    /// `DELETE …/keys/{k}`: the very next request with it is 401.
    pub(super) fn revoke_key(&mut self, id: &str) -> Answer {
        let row = self.memory.keys.get(id).ok_or_else(|| Problem::from(ProblemCode::NotFound))?;
        let event = Event::new(EventKind::KeyRevoked, id).with("name", row.name.as_str());
        keys::delete(self.sql, id)?;
        self.record(&event)?;
        self.memory.keys.remove(id);
        Ok(Response::empty(204))
    }

    /// When the asking key expires.
    fn own_expiry(&self) -> i64 {
        let own = match self.call.principal {
            Principal::Key(key) => self.memory.keys.get(&key.id),
            Principal::Admin => None,
        };
        own.map_or(i64::MAX, |key| key.expires)
    }

    fn forget_expired_keys(&mut self, now: i64) -> Result<(), Failure> {
        if self.memory.keys.values().any(|key| key.expires <= now) {
            keys::delete_expired(self.sql, now)?;
            self.memory.touched = true;
            self.memory.keys.retain(|_, key| key.expires > now);
        }
        Ok(())
    }

    fn new_key(&self, body: &Map<String, Value>) -> Result<NewKey, Failure> {
        let malformed = |detail: String| Problem::new(ProblemCode::Malformed, detail);
        let known = ["name", "scopes", "connection", "ttl"];
        if let Some(name) = body.keys().find(|name| !known.contains(&name.as_str())) {
            return Err(malformed(format!("`{name}` is no field of a key")).into());
        }
        let name = body.get("name").and_then(Value::as_str).map(str::trim);
        let name = name
            .filter(|n| !n.is_empty() && n.chars().count() <= limits::NAME_CHARACTERS)
            .ok_or_else(|| {
            malformed("`name` is not a text of 1 to 200 characters".to_owned())
        })?;
        let listed = body.get("scopes").and_then(Value::as_array);
        let names: Option<Vec<&str>> = listed.and_then(|l| l.iter().map(Value::as_str).collect());
        let names = names.ok_or_else(|| malformed("`scopes` is not a list of texts".to_owned()))?;
        let scopes = Scopes::parse(names)
            .map_err(|unknown| malformed(format!("`{unknown}` is no scope")))?;
        if scopes.is_empty() {
            return Err(malformed("`scopes` is empty".to_owned()).into());
        }
        if self.call.principal.scopes().is_some_and(|own| !own.includes(scopes)) {
            let detail = "a key cannot make one that may do more than itself";
            return Err(Problem::new(ProblemCode::InsufficientScope, detail).into());
        }
        let connection = match body.get("connection") {
            None | Some(Value::Null) => self.connection.clone(),
            Some(Value::String(id)) if self.has_connection(id) => Some(id.clone()),
            Some(_) => {
                let detail = "`connection` is no connection of this tenant";
                return Err(Problem::new(ProblemCode::Contradictory, detail).into());
            }
        };
        if self.connection.is_some() && connection != self.connection {
            let detail = "a key of a connection makes keys of that connection only";
            return Err(Problem::new(ProblemCode::InsufficientScope, detail).into());
        }
        let ttl_seconds = ttl_seconds(body.get("ttl")).ok_or_else(|| {
            malformed("`ttl` is not a duration such as P90D, between PT1S and P3Y".to_owned())
        })?;
        Ok(NewKey { name: name.to_owned(), scopes, connection, ttl_seconds })
    }
}

/// A key as the API shows it.
fn described(row: &KeyRow) -> Map<String, Value> {
    let time = |seconds| DateTime::from_timestamp(seconds, 0).map(timestamp);
    let shown = json!({
        "id": row.id,
        "name": row.name,
        "scopes": row.scopes.split(' ').collect::<Vec<_>>(),
        "connection": row.connection,
        "createdAt": time(row.created),
        "expiresAt": time(row.expires),
    });
    match shown {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

/// How long a key lives; `None` when that cannot be read or is out of bounds.
fn ttl_seconds(ttl: Option<&Value>) -> Option<i64> {
    let seconds = match ttl {
        None | Some(Value::Null) => limits::KEY_TTL_SECONDS_DEFAULT,
        Some(Value::String(text)) => duration_seconds(text)?,
        Some(_) => return None,
    };
    (1..=limits::KEY_TTL_SECONDS).contains(&seconds).then_some(seconds)
}

/// A duration of ISO 8601 in whole years (of 365 days), weeks, days, hours, minutes and seconds.
fn duration_seconds(text: &str) -> Option<i64> {
    const DATE: [(char, i64); 3] = [('Y', 365 * 86_400), ('W', 7 * 86_400), ('D', 86_400)];
    const TIME: [(char, i64); 3] = [('H', 3_600), ('M', 60), ('S', 1)];
    let text = text.strip_prefix('P')?;
    let (date, time) = match text.split_once('T') {
        Some((date, time)) if !time.is_empty() => (date, time),
        Some(_) => return None,
        None if !text.is_empty() => (text, ""),
        None => return None,
    };
    parts_seconds(date, &DATE)?.checked_add(parts_seconds(time, &TIME)?)
}

fn parts_seconds(mut text: &str, units: &[(char, i64)]) -> Option<i64> {
    let mut seconds: i64 = 0;
    for (unit, length) in units {
        let Some((number, rest)) = text.split_once(*unit) else { continue };
        let digits = number.bytes().all(|byte| byte.is_ascii_digit());
        let number: u32 = number.parse().ok().filter(|_| digits)?;
        seconds = seconds.checked_add(i64::from(number).checked_mul(*length)?)?;
        text = rest;
    }
    text.is_empty().then_some(seconds)
}
