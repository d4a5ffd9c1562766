//! What a connection trusts in place of a secret: an issuer that vouches for a workload (RFC 7523).

use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde_json::{Map, Value, json};

use super::document::time;
use super::secrets::token_scopes;
use super::work::{Answer, Failure, Work, conflict, missing, only_fields};
use crate::event::{Event, EventKind};
use crate::http::{Problem, ProblemCode, Response, configuration_of, is_uuid};
use crate::limits;
use crate::store::trusts::{self, TrustRow};

impl Work<'_, '_> {
    /// `POST …/connections/{c}/trusts {"issuer","subject","audience"?,"jwksUri"?,"scopes"?}` → 201.
    ///
    /// 1. The connection must be there, and not leaving: 404, 409; the body right: 400, 415; its
    ///    scopes such as tokens may have: 422; they, and the connection, such as the asking key may
    ///    give: 403; its addresses such as may be fetched: 422.
    /// 2. No other trust of the tenant may be for that subject of that issuer, and there must be
    ///    room: 409.
    /// 3. The row is written.
    pub(super) fn create_trust(&mut self, connection: &str) -> Answer {
        self.staying(connection)?; // (1)
        let row = self.new_trust(connection)?; // (1)
        if self.trust(&row.issuer, &row.subject).is_some() {
            return Err(conflict("this subject of this issuer is trusted already")); // (2)
        }
        if self.trusts_of(connection).count() >= limits::TRUSTS_PER_CONNECTION {
            return Err(conflict("the connection trusts too many")); // (2)
        }
        trusts::insert(self.sql, &row)?; // (3)
        self.record(
            &Event::new(EventKind::TrustCreated, connection).with("trust", row.id.as_str()),
        )?;
        let shown = self.described_trust(&row);
        self.memory.trusts.insert(row.id.clone(), row);
        Ok(Response::json(201, &shown))
    }

    /// `GET …/connections/{c}/trusts`.
    pub(super) fn list_trusts(&self, connection: &str) -> Answer {
        self.known(connection)?;
        let all = self.trusts_of(connection).map(|row| (row.id.as_str(), row));
        let page = self.request().query.page(all, is_uuid, |row| self.described_trust(row))?;
        Ok(Response::json(200, &page))
    }

    /// `DELETE …/connections/{c}/trusts/{i}`: the very next request with a token of it is 401.
    pub(super) fn revoke_trust(&mut self, connection: &str, id: &str) -> Answer {
        if !self.trusts_of(connection).any(|row| row.id == id) {
            return Err(missing("there is no such trust").into());
        }
        trusts::delete(self.sql, id)?;
        self.record(&Event::new(EventKind::TrustRevoked, connection).with("trust", id))?;
        self.memory.trusts.remove(id);
        Ok(Response::empty(204))
    }

    /// The trust in a subject of an issuer; both are compared as they are (RFC 7519 §4.1).
    pub(super) fn trust(&self, issuer: &str, subject: &str) -> Option<&TrustRow> {
        let mut all = self.memory.trusts.values();
        all.find(|row| row.issuer == issuer && row.subject == subject)
    }

    /// The trusts of a connection.
    pub(super) fn trusts_of(&self, connection: &str) -> impl Iterator<Item = &TrustRow> {
        self.memory.trusts.values().filter(move |row| row.connection == connection)
    }

    fn new_trust(&mut self, connection: &str) -> Result<TrustRow, Failure> {
        let body = self.admin_body()?;
        let known = ["issuer", "subject", "audience", "jwksUri", "scopes"];
        only_fields(&body, &known, "a trust")?;
        let (issuer, subject) = (required(&body, "issuer")?, required(&body, "subject")?);
        let (audience, jwks_uri) = (text(&body, "audience")?, text(&body, "jwksUri")?);
        let scopes = token_scopes(&body)?;
        self.may_give(scopes)?;
        self.may_bind(Some(connection))?;
        let (field, address) = match &jwks_uri {
            Some(uri) => ("jwksUri", uri.clone()),
            None => ("issuer", configuration_of(&issuer)),
        };
        if !self.call.outbound.permits(&address) {
            let detail = format!(
                "`{field}` is no address that may be fetched: https, on port 443, with a public name"
            );
            return Err(Problem::new(ProblemCode::Contradictory, detail).into());
        }
        Ok(TrustRow {
            jti: Base64UrlUnpadded::encode_string(&self.random::<16>()?),
            id: self.next_id()?,
            connection: connection.to_owned(),
            issuer,
            subject,
            audience,
            jwks_uri,
            scopes: scopes.to_string(),
            created: self.now().timestamp(),
            used: None,
        })
    }

    /// A trust as the API shows it.
    fn described_trust(&self, row: &TrustRow) -> Value {
        json!({
            "id": row.id,
            "issuer": row.issuer,
            "subject": row.subject,
            "audience": row.audience,
            "jwksUri": row.jwks_uri,
            "scopes": row.scopes.split(' ').collect::<Vec<_>>(),
            "createdAt": time(row.created),
            "lastUsedAt": self.uses.of(&row.id).or(row.used).and_then(time),
        })
    }
}

fn required(body: &Map<String, Value>, name: &'static str) -> Result<String, Failure> {
    text(body, name)?.ok_or_else(|| wrong(name))
}

fn text(body: &Map<String, Value>, name: &'static str) -> Result<Option<String>, Failure> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text))
            if (1..=limits::TRUST_CHARACTERS).contains(&text.chars().count()) =>
        {
            Ok(Some(text.clone()))
        }
        Some(_) => Err(wrong(name)),
    }
}

fn wrong(name: &str) -> Failure {
    let detail = format!("`{name}` is not a text of 1 to 1000 characters");
    Problem::new(ProblemCode::Malformed, detail).into()
}
