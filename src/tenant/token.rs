//! Tokens for OAuth clients (RFC 6749 §4.4): the edge has read the request, here it is decided.

use serde_json::json;

use super::connections::DISABLED;
use super::work::{Answer, Failure, Work};
use crate::auth::{Claims, ISSUER, Scope, Scopes, SecretDigest};
use crate::http::{OAuthError, Problem, ProblemCode, Response, TokenStep, TrustedIssuer};
use crate::limits;
use crate::store::StoreError;
use crate::store::secrets::SecretRow;

/// What a token rests on.
struct Grant {
    id: String,
    connection: String,
    scopes: String,
    jti: String,
    expires: i64,
}

impl Work<'_, '_> {
    /// `POST /t/{t}/oauth/token` → 200 with a token.
    ///
    /// 1. The edge alone asks, in its own form: 400.
    /// 2. The client must be who it says: 401 `invalid_client`, whatever is wrong.
    /// 3. Its connection must not be leaving: 401, too; nor disabled: 400 `unauthorized_client`.
    /// 4. It must ask for no more than it may: 400 `invalid_scope`.
    /// 5. The token is signed. Nothing is written: it rests on the row of the secret, or of the trust.
    ///
    /// Of an assertion it tells the edge first how to verify it, and who it is once that is done.
    pub(super) fn token(&self) -> Answer {
        let step = serde_json::from_slice(self.request().body);
        let step = step.map_err(|_| Problem::from(ProblemCode::Malformed))?; // (1)
        match step {
            TokenStep::Secret { connection, digest, scope } => {
                let secret = self.secret(&connection, &digest).ok_or(OAuthError::InvalidClient)?; // (2)
                let grant = Grant {
                    id: secret.id.clone(),
                    connection,
                    scopes: secret.scopes.clone(),
                    jti: secret.jti.clone(),
                    expires: secret.expires,
                };
                self.grant(&grant, scope.as_deref()) // (3), (4), (5)
            }
            TokenStep::Trust { connection, issuer, subject } => {
                let trust = self.trust(&issuer, &subject);
                let trust = trust.filter(|row| connection.is_none_or(|id| id == row.connection));
                let trust = trust.ok_or(OAuthError::InvalidClient)?; // (2)
                let issuer = TrustedIssuer {
                    trust: trust.id.clone(),
                    audience: trust.audience.clone(),
                    jwks_uri: trust.jwks_uri.clone(),
                };
                Ok(Response::json(200, &json!(issuer)))
            }
            TokenStep::Trusted { trust, scope } => {
                let trust = self.memory.trusts.get(&trust).ok_or(OAuthError::InvalidClient)?; // (2)
                let grant = Grant {
                    id: trust.id.clone(),
                    connection: trust.connection.clone(),
                    scopes: trust.scopes.clone(),
                    jti: trust.jti.clone(),
                    expires: i64::MAX,
                };
                self.grant(&grant, scope.as_deref()) // (3), (4), (5)
            }
        }
    }

    /// The live secret of a connection that has a digest. All are compared, each in constant time.
    fn secret(&self, connection: &str, digest: &SecretDigest) -> Option<&SecretRow> {
        let now = self.now().timestamp();
        let same = |row: &SecretRow| SecretDigest::stored(&row.digest) == *digest;
        self.secrets_of(connection)
            .filter(|row| row.expires > now)
            .fold(None, |found, row| if same(row) { Some(row) } else { found })
    }

    /// Signs a token for a client that is who it says.
    fn grant(&self, grant: &Grant, scope: Option<&str>) -> Answer {
        let connection = self.memory.connections.get(&grant.connection);
        let connection = connection.filter(|one| one.departure.is_none());
        if connection.ok_or(OAuthError::InvalidClient)?.row.state == DISABLED {
            return Err(OAuthError::UnauthorizedClient.into());
        }
        let own = Scopes::parse(grant.scopes.split(' '))
            .map_err(|_| StoreError::new("a secret or a trust has a scope that is not known"))?;
        // What was made by an earlier version may have it.
        let scope = asked_scopes(scope, own.without(Scope::KeysWrite))?;
        let now = self.now().timestamp();
        let expires = now.saturating_add(limits::TOKEN_TTL_SECONDS).min(grant.expires);
        let token = self.call.key_ring.sign(&Claims {
            iss: ISSUER.to_owned(),
            sub: grant.id.clone(),
            jti: grant.jti.clone(),
            tid: self.tenant().to_owned(),
            cid: Some(grant.connection.clone()),
            scope,
            iat: now,
            exp: expires,
        });
        let token = token.ok_or_else(|| Problem::from(ProblemCode::Internal))?;
        Ok(Response::token(&token, expires.saturating_sub(now), &scope.to_string()))
    }
}

/// RFC 6749 §3.3: what is asked for, or all that there is.
fn asked_scopes(scope: Option<&str>, own: Scopes) -> Result<Scopes, Failure> {
    let asked = match scope {
        None => Some(own),
        Some(scope) => Scopes::parse(scope.split(' ').filter(|name| !name.is_empty())).ok(),
    };
    let asked = asked.filter(|asked| own.includes(*asked) && !asked.is_empty());
    Ok(asked.ok_or(OAuthError::InvalidScope)?)
}
