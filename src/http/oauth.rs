//! Requests for tokens and their refusals: RFC 6749 §2.3.1, §4.4 and §5, RFC 7521 §4.2.
//!
//! In scope: what the form and the `Authorization` header say, by themselves. Whether the client is
//! known and its secret right, the tenant's object decides.

use base64ct::{Base64, Encoding as _};
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Exceeded, Response};
use crate::auth::{Assertion, SecretDigest};
use crate::limits;
use crate::registry::Slug;

/// A request for a token, as far as it can be judged without the tenant's rows.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TokenRequest {
    /// By what the client authenticates.
    pub credentials: ClientCredentials,
    /// What the token is to be good for, if not for everything.
    pub scope: Option<String>,
}

/// By what a client authenticates.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ClientCredentials {
    /// A secret of a connection (RFC 6749 §2.3.1).
    Secret {
        /// The connection that `client_id` names.
        connection: String,
        /// What is known of the secret from here on.
        digest: SecretDigest,
    },
    /// What another issuer says of it (RFC 7521 §4.2).
    Assertion {
        /// The connection that `client_id` names, if there is one.
        connection: Option<String>,
        /// The assertion.
        assertion: Assertion,
    },
}

/// What the edge asks the tenant's object on a client's behalf.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum TokenStep {
    /// A token for whoever knows a connection's secret.
    #[expect(missing_docs, reason = "as in `TokenRequest`")]
    Secret { connection: String, digest: SecretDigest, scope: Option<String> },
    /// How an assertion is to be verified, as a [`TrustedIssuer`], if anybody trusts it.
    #[expect(missing_docs, reason = "as in `Assertion`")]
    Trust { connection: Option<String>, issuer: String, subject: String },
    /// A token for whom an assertion that has been verified speaks of.
    #[expect(missing_docs, reason = "the trust's id, and as in `TokenRequest`")]
    Trusted { trust: String, scope: Option<String> },
}

/// How an assertion is to be verified.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TrustedIssuer {
    /// The trust's id.
    pub trust: String,
    /// The audience; the address of the request where there is none.
    pub audience: Option<String>,
    /// Where the issuer's keys are; its configuration tells where there is none.
    pub jwks_uri: Option<String>,
}

/// RFC 6749 §5.2: why there is no token.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum OAuthError {
    /// The request is malformed; the text says how.
    InvalidRequest(&'static str),
    /// More than [`limits::TOKEN_REQUEST_BYTES`].
    TooLarge,
    /// Client, tenant or credentials are unknown or wrong; nobody learns which.
    InvalidClient,
    /// The client is who it says, and its connection is disabled.
    UnauthorizedClient,
    /// Another `grant_type` than `client_credentials`.
    UnsupportedGrantType,
    /// A scope that there is not, or that the credentials do not have.
    InvalidScope,
    /// More requests for tokens than a tenant may be asked (429). RFC 6749 has no code for it; its
    /// §4.1.2.1 has one for an overload elsewhere.
    TooManyRequests(Exceeded),
}

const FORM: &str = "application/x-www-form-urlencoded";
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

impl TokenRequest {
    /// Reads a request for a token of a tenant.
    ///
    /// # Errors
    /// The [`OAuthError`] that a client is answered with.
    pub fn parse(
        tenant: &Slug,
        authorization: Option<&str>,
        content_type: Option<&str>,
        body: &[u8],
    ) -> Result<Self, OAuthError> {
        if body.len() > limits::TOKEN_REQUEST_BYTES {
            return Err(OAuthError::TooLarge);
        }
        let essence = content_type.and_then(|t| t.split(';').next()).unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case(FORM) {
            return Err(OAuthError::InvalidRequest("the body is not a form, urlencoded"));
        }
        let form = Form::parse(body)?;
        match form.value("grant_type") {
            None => return Err(OAuthError::InvalidRequest("`grant_type` is missing")),
            Some("client_credentials") => {}
            Some(_) => return Err(OAuthError::UnsupportedGrantType),
        }
        let credentials = form.credentials(tenant, authorization)?;
        Ok(Self { credentials, scope: form.value("scope").map(str::to_owned) })
    }
}

impl TokenStep {
    /// The body by which the edge asks.
    pub fn encode(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// The parameters of a form.
struct Form(Vec<(String, String)>);

impl Form {
    /// RFC 6749 §3.2: a parameter without a value counts as left out, and none is given twice.
    fn parse(body: &[u8]) -> Result<Self, OAuthError> {
        let mut fields: Vec<(String, String)> = Vec::new();
        for (name, value) in form_urlencoded::parse(body) {
            if fields.len() >= limits::TOKEN_PARAMETERS {
                return Err(OAuthError::InvalidRequest("there are too many parameters"));
            }
            if fields.iter().any(|(known, _)| *known == name) {
                return Err(OAuthError::InvalidRequest("a parameter is given twice"));
            }
            fields.push((name.into_owned(), value.into_owned()));
        }
        fields.retain(|(_, value)| !value.is_empty());
        Ok(Self(fields))
    }

    fn value(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// RFC 6749 §2.3: one way to authenticate, and no more than one.
    fn credentials(
        &self,
        tenant: &Slug,
        authorization: Option<&str>,
    ) -> Result<ClientCredentials, OAuthError> {
        let header = authorization.map(str::trim).filter(|header| !header.is_empty());
        if self.value("client_assertion").or(self.value("client_assertion_type")).is_some() {
            return self.assertion(tenant, header);
        }
        let in_body = (self.value("client_id"), self.value("client_secret"));
        let (id, secret) = match (header.map(basic).transpose()?, in_body) {
            (Some(_), (_, Some(_))) => {
                return Err(OAuthError::InvalidRequest("the client authenticates twice"));
            }
            (Some((id, _)), (Some(other), None)) if id != other => {
                return Err(OAuthError::InvalidRequest("`client_id` names another client"));
            }
            (Some(both), _) => both,
            (None, (Some(id), Some(secret))) => (id.to_owned(), secret.to_owned()),
            (None, _) => return Err(OAuthError::InvalidClient),
        };
        let connection = connection_of(tenant, &id).ok_or(OAuthError::InvalidClient)?;
        Ok(ClientCredentials::Secret { connection, digest: SecretDigest::of(&secret) })
    }

    /// RFC 7521 §4.2: `client_id` may be left out.
    fn assertion(
        &self,
        tenant: &Slug,
        header: Option<&str>,
    ) -> Result<ClientCredentials, OAuthError> {
        if header.or(self.value("client_secret")).is_some() {
            return Err(OAuthError::InvalidRequest("the client authenticates twice"));
        }
        if self.value("client_assertion_type") != Some(JWT_BEARER) {
            return Err(OAuthError::InvalidRequest("`client_assertion_type` is not jwt-bearer"));
        }
        let assertion = self.value("client_assertion").and_then(Assertion::parse);
        let assertion = assertion.ok_or(OAuthError::InvalidClient)?;
        let connection = self.value("client_id").map(|id| connection_of(tenant, id));
        let connection =
            connection.map(|known| known.ok_or(OAuthError::InvalidClient)).transpose()?;
        Ok(ClientCredentials::Assertion { connection, assertion })
    }
}

/// The connection that a client's id names, if it is of the form `{tenant}.{connection}`.
fn connection_of(tenant: &Slug, client_id: &str) -> Option<String> {
    let (named, connection) = client_id.split_once('.')?;
    let is_client = named == tenant.as_str() && Slug::parse(connection).is_some();
    is_client.then(|| connection.to_owned())
}

/// RFC 6749 §2.3.1: id and secret of HTTP Basic are urlencoded before they are joined.
fn basic(header: &str) -> Result<(String, String), OAuthError> {
    let read = || {
        let (scheme, encoded) = header.split_once(' ')?;
        let bytes = Base64::decode_vec(encoded.trim()).ok()?;
        let text = String::from_utf8(bytes).ok()?;
        let (id, secret) = scheme.eq_ignore_ascii_case("Basic").then(|| text.split_once(':'))??;
        let decoded = |text: &str| {
            let spaced = text.replace('+', " ");
            Some(percent_decode_str(&spaced).decode_utf8().ok()?.into_owned())
        };
        Some((decoded(id)?, decoded(secret)?))
    };
    read().ok_or(OAuthError::InvalidClient)
}

impl OAuthError {
    const fn parts(self) -> (u16, &'static str, &'static str) {
        match self {
            Self::InvalidRequest(detail) => (400, "invalid_request", detail),
            Self::TooLarge => (413, "invalid_request", "the request is too large"),
            Self::InvalidClient => (401, "invalid_client", "the client is not known by these"),
            Self::UnauthorizedClient => {
                (400, "unauthorized_client", "the client's connection is disabled")
            }
            Self::UnsupportedGrantType => {
                (400, "unsupported_grant_type", "`grant_type` is not client_credentials")
            }
            Self::InvalidScope => {
                (400, "invalid_scope", "`scope` asks for more than the client may do")
            }
            Self::TooManyRequests(_) => {
                (429, "temporarily_unavailable", "too many requests, try again later")
            }
        }
    }

    /// The answer.
    pub fn to_response(self) -> Response {
        let (status, error, description) = self.parts();
        let body = json!({ "error": error, "error_description": description });
        let response = answer(status, &body);
        match self {
            Self::InvalidClient => response.with("www-authenticate", "Basic realm=\"muster\""),
            Self::TooManyRequests(exceeded) => exceeded.tell(response),
            _ => response,
        }
    }
}

impl Response {
    /// RFC 6749 §5.1: a token.
    pub fn token(token: &str, expires_in: i64, scope: &str) -> Self {
        let body = json!({
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": expires_in,
            "scope": scope,
        });
        answer(200, &body)
    }
}

/// RFC 6749 §5.1: no answer is kept, not even by what only knows HTTP/1.0.
fn answer(status: u16, body: &Value) -> Response {
    Response::json(status, body).with("pragma", "no-cache")
}
