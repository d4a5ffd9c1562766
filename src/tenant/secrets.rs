//! Secrets of a connection, with which its OAuth client asks for tokens: made, listed, revoked. A
//! secret is shown once and nothing stored recreates it.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde_json::{Map, Value, json};

use super::document::time;
use super::duration::given_seconds;
use super::work::{Answer, Failure, Work, conflict, missing, only_fields};
use crate::auth::{Scope, Scopes, SecretDigest};
use crate::event::{Event, EventKind};
use crate::http::{Problem, ProblemCode, Response, is_uuid};
use crate::limits;
use crate::store::secrets::{self, SecretRow};

impl Work<'_, '_> {
    /// `POST …/connections/{c}/secrets {"ttl"?,"scopes"?}` → 201 with the secret, this once.
    ///
    /// 1. The connection must be there, and not leaving: 404, 409; the body right: 400, 415; its
    ///    scopes such as tokens may have: 422; they, and the connection, such as the asking key may
    ///    give: 403.
    /// 2. There must be room, once expired secrets are gone: 409.
    /// 3. The row is written.
    pub(super) fn create_secret(&mut self, connection: &str) -> Answer {
        self.staying(connection)?; // (1)
        let (ttl_seconds, scopes) = self.new_secret()?; // (1)
        self.may_give(scopes)?; // (1)
        self.may_bind(Some(connection))?; // (1)
        let now = self.now().timestamp();
        self.forget_expired_secrets(now)?;
        if self.secrets_of(connection).count() >= limits::SECRETS_PER_CONNECTION {
            let detail = "the connection has too many secrets";
            return Err(conflict(detail)); // (2)
        }
        let secret = Base64UrlUnpadded::encode_string(&self.random::<32>()?);
        let row = SecretRow {
            id: self.next_id()?,
            connection: connection.to_owned(),
            scopes: scopes.to_string(),
            digest: SecretDigest::of(&secret).as_str().to_owned(),
            jti: Base64UrlUnpadded::encode_string(&self.random::<16>()?),
            created: now,
            // As with keys, none outlives the one that made it.
            expires: now.saturating_add(ttl_seconds).min(self.own_expiry()),
            used: None,
        };
        secrets::insert(self.sql, &row)?; // (3)
        self.record(
            &Event::new(EventKind::SecretCreated, connection).with("secret", row.id.as_str()),
        )?;
        let base = self.request().base;
        let shown = json!({
            "id": row.id,
            "clientId": self.client_id(connection),
            "clientSecret": secret,
            "scopes": row.scopes.split(' ').collect::<Vec<_>>(),
            "expiresAt": time(row.expires),
            "tokenUrl": format!("{}/oauth/token", base.strip_suffix("/scim/v2").unwrap_or(base)),
        });
        self.memory.secrets.insert(row.id.clone(), row);
        Ok(Response::json(201, &shown))
    }

    /// `GET …/connections/{c}/secrets`: without the secrets themselves.
    pub(super) fn list_secrets(&self, connection: &str) -> Answer {
        self.known(connection)?;
        let all = self.secrets_of(connection).map(|row| (row.id.as_str(), row));
        let described = |row: &SecretRow| {
            json!({
                "id": row.id,
                "clientId": self.client_id(connection),
                "scopes": row.scopes.split(' ').collect::<Vec<_>>(),
                "createdAt": time(row.created),
                "expiresAt": time(row.expires),
                "lastUsedAt": self.uses.of(&row.id).or(row.used).and_then(time),
            })
        };
        Ok(Response::json(200, &self.request().query.page(all, is_uuid, described)?))
    }

    /// `DELETE …/connections/{c}/secrets/{s}`: the very next request with a token of it is 401.
    pub(super) fn revoke_secret(&mut self, connection: &str, id: &str) -> Answer {
        if !self.secrets_of(connection).any(|row| row.id == id) {
            return Err(missing("there is no such secret").into());
        }
        secrets::delete(self.sql, id)?;
        self.record(&Event::new(EventKind::SecretRevoked, connection).with("secret", id))?;
        self.memory.secrets.remove(id);
        Ok(Response::empty(204))
    }

    /// The secrets of a connection.
    pub(super) fn secrets_of(&self, connection: &str) -> impl Iterator<Item = &SecretRow> {
        self.memory.secrets.values().filter(move |row| row.connection == connection)
    }

    /// A connection must be there.
    pub(super) fn known(&self, connection: &str) -> Result<(), Failure> {
        let known = self.memory.connections.contains_key(connection);
        if known { Ok(()) } else { Err(missing("there is no such connection").into()) }
    }

    fn client_id(&self, connection: &str) -> String {
        format!("{}.{connection}", self.tenant())
    }

    fn forget_expired_secrets(&mut self, now: i64) -> Result<(), Failure> {
        if self.memory.secrets.values().any(|secret| secret.expires <= now) {
            secrets::delete_expired(self.sql, now)?;
            self.memory.touched = true;
            self.memory.secrets.retain(|_, secret| secret.expires > now);
        }
        Ok(())
    }

    /// How long a secret is to live, and what its tokens may do.
    fn new_secret(&self) -> Result<(i64, Scopes), Failure> {
        let body = self.body_or_nothing()?;
        only_fields(&body, &["ttl", "scopes"], "a secret")?;
        let least = limits::SECRET_TTL_SECONDS_MIN;
        let bounds = least..=limits::SECRET_TTL_SECONDS;
        let example = "P730D, between P1Y and P3Y";
        let ttl_seconds = given_seconds(&body, "ttl", least, &bounds, example)?;
        Ok((ttl_seconds, token_scopes(&body)?))
    }
}

/// The scopes that a body lists for tokens. A key that a token made would outlive the token, and what
/// it rests on.
pub(super) fn token_scopes(body: &Map<String, Value>) -> Result<Scopes, Failure> {
    let scopes = given_scopes(body)?;
    if scopes.contains(Scope::KeysWrite) {
        let detail = "tokens make no keys: `keys:write` is a scope of keys alone";
        return Err(Problem::new(ProblemCode::Contradictory, detail).into());
    }
    Ok(scopes)
}

/// The scopes that a body lists; all of SCIM where it lists none.
pub(super) fn given_scopes(body: &Map<String, Value>) -> Result<Scopes, Failure> {
    let malformed = |detail: String| Problem::new(ProblemCode::Malformed, detail);
    let names: Option<Vec<&str>> = match body.get("scopes") {
        None | Some(Value::Null) => Some(vec!["scim"]),
        Some(listed) => listed.as_array().and_then(|l| l.iter().map(Value::as_str).collect()),
    };
    let names = names.ok_or_else(|| malformed("`scopes` is not a list of texts".to_owned()))?;
    let scopes =
        Scopes::parse(names).map_err(|unknown| malformed(format!("`{unknown}` is no scope")))?;
    if scopes.is_empty() {
        return Err(malformed("`scopes` is empty".to_owned()).into());
    }
    Ok(scopes)
}
