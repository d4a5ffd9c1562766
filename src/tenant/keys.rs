//! Keys of the tenant: minted, rotated, listed, revoked. A key is shown once and nothing stored recreates it.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde_json::{Map, Value, json};

use super::document::time;
use super::duration::given_seconds;
use super::secrets::given_scopes;
use super::work::{Answer, Failure, Work, conflict, missing, only_fields, permitted};
use crate::auth::{Claims, ISSUER, JtiDigest, Principal, Scopes};
use crate::event::{Event, EventKind};
use crate::http::{Problem, ProblemCode, Response, is_uuid};
use crate::limits;
use crate::store::StoreError;
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
        let (row, key) = self.issue(new)?; // (2), (3)
        self.record(
            &Event::new(EventKind::KeyCreated, row.id.as_str()).with("name", row.name.as_str()),
        )?;
        Ok(self.shown_once(&row, key))
    }

    /// `POST …/keys/{k}/rotate {"overlap"?}` → 201 with a key of the same name, scopes, connection
    /// and life, this once; the old one lives on for the overlap.
    ///
    /// 1. The body must be right: 400, 415; the key there and live: 404.
    /// 2. The asking key must be one that could have made it: 403.
    /// 3. There must be room: 409. The new key is signed and its row written.
    /// 4. The old key's end is brought forward, never put off.
    pub(super) fn rotate_key(&mut self, id: &str) -> Answer {
        let overlap = self.overlap_seconds()?; // (1)
        let now = self.now().timestamp();
        let old = self.memory.keys.get(id).filter(|key| key.expires > now).cloned();
        let old = old.ok_or_else(|| missing("there is no such key"))?; // (1)
        let scopes = Scopes::parse(old.scopes.split(' '))
            .map_err(|_| StoreError::new("a key has a scope that is not known"))?;
        self.may_give(scopes)?; // (2)
        self.may_bind(old.connection.as_deref())?; // (2)
        let KeyRow { name, connection, life, .. } = old;
        let expires = old.expires.min(now.saturating_add(overlap));
        let (row, key) = self.issue(NewKey { name, scopes, connection, ttl_seconds: life })?; // (3)
        keys::expire(self.sql, id, expires)?; // (4)
        self.record(
            &Event::new(EventKind::KeyRotated, id)
                .with("name", row.name.as_str())
                .with("replacement", row.id.as_str()),
        )?;
        if let Some(old) = self.memory.keys.get_mut(id) {
            old.expires = expires;
        }
        Ok(self.shown_once(&row, key))
    }

    /// Makes room for a key, signs it and writes its row.
    fn issue(&mut self, new: NewKey) -> Result<(KeyRow, String), Failure> {
        let now = self.now().timestamp();
        self.forget_expired_keys(now)?;
        if self.memory.keys.len() >= limits::KEYS_PER_TENANT {
            return Err(conflict("the tenant has too many keys"));
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
            life: new.ttl_seconds,
            used: None,
        };
        let key = self.call.key_ring.sign(&Claims {
            iss: ISSUER.to_owned(),
            sub: row.id.clone(),
            jti,
            tid: self.tenant().to_owned(),
            cid: row.connection.clone(),
            scope: new.scopes,
            iat: row.created,
            exp: row.expires,
        });
        let key = key.ok_or_else(|| Problem::from(ProblemCode::Internal))?;
        keys::insert(self.sql, &row)?;
        self.memory.keys.insert(row.id.clone(), row.clone());
        Ok((row, key))
    }

    /// The answer that shows a key.
    fn shown_once(&self, row: &KeyRow, key: String) -> Response {
        let mut shown = self.described(row);
        shown.shift_remove("lastUsedAt");
        shown.insert("key".to_owned(), key.into());
        shown.insert("scimBaseUrl".to_owned(), self.request().base.into());
        Response::json(201, &Value::Object(shown))
    }

    fn overlap_seconds(&self) -> Result<i64, Failure> {
        let body = self.body_or_nothing()?;
        only_fields(&body, &["overlap"], "a rotation")?;
        let default = limits::KEY_OVERLAP_SECONDS_DEFAULT;
        let bounds = 0..=limits::KEY_OVERLAP_SECONDS;
        let example = "PT8H, between PT0S and PT24H";
        Ok(given_seconds(&body, "overlap", default, &bounds, example)?)
    }

    /// `GET …/keys`: without the keys themselves.
    pub(super) fn list_keys(&self) -> Answer {
        let page =
            self.items(&self.memory.keys, is_uuid, |row| Value::Object(self.described(row)))?;
        Ok(Response::json(200, &page))
    }

    /// `GET …/keys/{k}`.
    pub(super) fn read_key(&self, id: &str) -> Answer {
        let row = self.memory.keys.get(id).ok_or_else(|| missing("there is no such key"))?;
        Ok(Response::json(200, &Value::Object(self.described(row))))
    }

    /// `DELETE …/keys/{k}`: the very next request with it is 401.
    pub(super) fn revoke_key(&mut self, id: &str) -> Answer {
        let row = self.memory.keys.get(id).ok_or_else(|| missing("there is no such key"))?;
        let event = Event::new(EventKind::KeyRevoked, id).with("name", row.name.as_str());
        keys::delete(self.sql, id)?;
        self.record(&event)?;
        self.memory.keys.remove(id);
        Ok(Response::empty(204))
    }

    /// When the asking key expires.
    pub(super) fn own_expiry(&self) -> i64 {
        match self.call.principal {
            Principal::Key(key) => self.memory.credential(&key.id).map_or(0, |own| own.expires),
            Principal::Admin => i64::MAX,
            Principal::Client => 0,
        }
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
        let malformed = |detail| Problem::new(ProblemCode::Malformed, detail);
        only_fields(body, &["name", "scopes", "connection", "ttl"], "a key")?;
        let name = body.get("name").and_then(Value::as_str).map(str::trim);
        let name = name
            .filter(|n| !n.is_empty() && n.chars().count() <= limits::NAME_CHARACTERS)
            .ok_or_else(|| malformed("`name` is not a text of 1 to 200 characters"))?;
        if name.chars().any(char::is_control) {
            return Err(malformed("`name` has a control character").into());
        }
        if !body.contains_key("scopes") {
            return Err(malformed("`scopes` is not a list of texts").into());
        }
        let scopes = given_scopes(body)?;
        self.may_give(scopes)?;
        let connection = match body.get("connection") {
            None | Some(Value::Null) => self.connection.clone(),
            Some(Value::String(id)) if self.has_connection(id) => Some(id.clone()),
            Some(_) => {
                let detail = "`connection` is no connection of this tenant";
                return Err(Problem::new(ProblemCode::Contradictory, detail).into());
            }
        };
        self.may_bind(connection.as_deref())?;
        let default = limits::KEY_TTL_SECONDS_DEFAULT;
        let bounds = 1..=limits::KEY_TTL_SECONDS;
        let example = "P90D, between PT1S and P3Y";
        let ttl_seconds = given_seconds(body, "ttl", default, &bounds, example)?;
        Ok(NewKey { name: name.to_owned(), scopes, connection, ttl_seconds })
    }

    /// Whether the asking key may give so much to another.
    pub(super) fn may_give(&self, scopes: Scopes) -> Result<(), Problem> {
        let own = self.call.principal.scopes();
        let detail = "a key cannot make one that may do more than itself";
        permitted(own.is_none_or(|own| own.includes(scopes)), detail)
    }

    /// Whether the asking key may make another for a connection, or for none.
    pub(super) fn may_bind(&self, connection: Option<&str>) -> Result<(), Problem> {
        let own = self.connection.as_deref();
        let detail = "a key of a connection makes keys of that connection only";
        permitted(own.is_none() || connection == own, detail)
    }

    /// A key as the API shows it.
    fn described(&self, row: &KeyRow) -> Map<String, Value> {
        let shown = json!({
            "id": row.id,
            "name": row.name,
            "scopes": row.scopes.split(' ').collect::<Vec<_>>(),
            "connection": row.connection,
            "createdAt": time(row.created),
            "expiresAt": time(row.expires),
            "lastUsedAt": self.uses.of(&row.id).or(row.used).and_then(time),
        });
        match shown {
            Value::Object(fields) => fields,
            _ => Map::new(),
        }
    }
}
