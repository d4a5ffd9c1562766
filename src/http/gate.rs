//! The gate: whether a request may pass to a tenant's storage, by arithmetic alone.

use chrono::{DateTime, Utc};

use super::audience::Audience;
use super::{Method, Refusal, Route};
use crate::auth::{AdminTokens, Claims, JtiDigest, KeyPrincipal, KeyRing, Principal, TokenError};
use crate::limits;

/// The deployment's secrets.
#[derive(Debug)]
pub struct Gate {
    /// Verifies keys.
    pub key_ring: KeyRing,
    /// Verifies the administrator.
    pub admin_tokens: AdminTokens,
}

impl Gate {
    /// Decides who asks and whether they may.
    ///
    /// 1. Credentials are read and verified: 401 whatever the path, so that nobody learns which
    ///    tenants or paths exist.
    /// 2. The path must parse: 404.
    /// 3. The key must be of the tenant in the path: 401.
    /// 4. The path must take the method: 405.
    /// 5. The key must have the scope, or all of them where several are needed: 403.
    ///
    /// `Ok(None)` passes without credentials.
    ///
    /// # Errors
    /// The [`Refusal`] of the first step that fails.
    pub fn admit(
        &self,
        route: Option<&Route>,
        method: Method,
        authorization: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<Option<Principal>, Refusal> {
        if let Some(route) = route
            && route.audience(method) == Audience::Public
        {
            let taken = route.methods().contains(&method);
            return if taken { Ok(None) } else { Err(Refusal::MethodNotAllowed(route.methods())) };
        }
        let bearer = self.bearer(authorization, now)?; // (1)
        let route = route.ok_or(Refusal::NotFound)?; // (2)
        if let (Bearer::Key(claims), Some(tenant)) = (&bearer, route.tenant())
            && claims.tid != tenant.as_str()
        {
            return Err(Refusal::InvalidToken("the key belongs to another tenant")); // (3)
        }
        if !route.methods().contains(&method) {
            return Err(Refusal::MethodNotAllowed(route.methods())); // (4)
        }
        bearer.permitted(route.audience(method)).map(Some) // (5)
    }

    /// When the credentials were issued, in seconds since the epoch, where they are a key of so short a
    /// life that nobody asks whether it was revoked.
    pub fn brief_since(&self, authorization: Option<&str>, now: DateTime<Utc>) -> Option<i64> {
        let Ok(Bearer::Key(claims)) = self.bearer(authorization, now) else { return None };
        let is_brief = claims.exp.saturating_sub(claims.iat) <= limits::COPY_READER_SECONDS;
        is_brief.then_some(claims.iat)
    }

    /// Whose credentials these are.
    fn bearer(&self, authorization: Option<&str>, now: DateTime<Utc>) -> Result<Bearer, Refusal> {
        let authorization = authorization.map(str::trim).filter(|a| !a.is_empty());
        let (scheme, token) =
            authorization.ok_or(Refusal::NoKey)?.split_once(' ').ok_or(Refusal::NoKey)?;
        if !scheme.eq_ignore_ascii_case("Bearer") {
            return Err(Refusal::NoKey);
        }
        let token = token.trim();
        match self.key_ring.verify(token, now) {
            Ok(claims) => Ok(Bearer::Key(claims)),
            Err(TokenError::Expired) => Err(Refusal::InvalidToken("the key has expired")),
            Err(TokenError::Invalid) if self.admin_tokens.accept(token) => Ok(Bearer::Admin),
            Err(TokenError::Invalid) => Err(Refusal::InvalidToken("the key is not valid")),
        }
    }
}

enum Bearer {
    Admin,
    Key(Claims),
}

impl Bearer {
    fn permitted(self, audience: Audience) -> Result<Principal, Refusal> {
        match (self, audience) {
            (Self::Key(_), Audience::Admin) => Err(Refusal::InsufficientScope(&[])),
            (Self::Key(claims), Audience::Key(scopes))
                if !scopes.is_empty() && !scopes.iter().any(|s| claims.scope.contains(*s)) =>
            {
                Err(Refusal::InsufficientScope(scopes))
            }
            (Self::Key(claims), Audience::KeyWithAll(scopes))
                if let Some(missing) = scopes.iter().find(|s| !claims.scope.contains(**s)) =>
            {
                Err(Refusal::InsufficientScope(std::slice::from_ref(missing)))
            }
            (Self::Key(claims), _) => Ok(Principal::Key(KeyPrincipal {
                id: claims.sub,
                jti: JtiDigest::of(&claims.jti),
                scopes: claims.scope,
                connection: claims.cid,
            })),
            (Self::Admin, _) => Ok(Principal::Admin),
        }
    }
}

impl Principal {
    /// Whether the principal may go on to an existing tenant's object by this route.
    ///
    /// The administrator learns here, and not before, that SCIM wants a tenant's key: a tenant that
    /// does not exist is 404 for it.
    ///
    /// # Errors
    /// [`Refusal::AdminOnScim`].
    pub fn enter(&self, route: &Route) -> Result<(), Refusal> {
        match (self, route) {
            (Self::Admin, Route::Scim { .. }) => Err(Refusal::AdminOnScim),
            _ => Ok(()),
        }
    }
}
