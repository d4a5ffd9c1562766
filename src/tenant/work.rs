//! One request at work: what it may use, what it has decided, and how it can fail.

use std::borrow::Cow;
use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::Call;
use super::adopt::{Adopt, MatchExisting};
use super::memory::{Author, Memory};
use super::ring::{Ring, did};
use super::uses::Uses;
use crate::auth::Scope;
use crate::event::Event;
use crate::http::{OAuthError, Problem, ProblemCode, Request, Response, json_object};
use crate::policy::Groups;
use crate::scim::compat::Compat;
use crate::scim::schema::Registry;
use crate::scim::{ErrorKind, ScimError};
use crate::store::members::Seen;
use crate::store::{Sql, StoreError, transacted};

/// A request at work.
pub(super) struct Work<'a, 'c> {
    /// The tenant's rows.
    pub(super) sql: &'a dyn Sql,
    /// The tenant's state in memory.
    pub(super) memory: &'a mut Memory,
    /// What is known of the requests before this one.
    pub(super) ring: &'a Ring,
    /// When keys were used, as far as no row tells.
    pub(super) uses: &'a Uses,
    /// The schemas and types that the tenant had when the request began.
    pub(super) registry: &'a Registry,
    /// What was asked, by whom, when.
    pub(super) call: &'a mut Call<'c>,
    /// What is forgiven this client.
    pub(super) compat: Compat,
    /// What of that which nobody manages it may take up.
    pub(super) adopt: Adopt,
    /// By what a POST finds whom it takes up.
    pub(super) match_existing: MatchExisting,
    /// What it may change of groups.
    pub(super) groups: Groups,
    /// The connection the key is bound to.
    pub(super) connection: Option<String>,
    /// The connection whose change is let happen by somebody who decides on it.
    pub(super) speaks_for: Option<String>,
    /// By whose word rows are written: `admin` or `scim:{connection}`.
    pub(super) origin: String,
    /// The origins of the connections that are there, as a JSON array.
    pub(super) present: String,
    /// Bytes that paths of PATCHes have made it evaluate, each as often as it was compared.
    pub(super) evaluated: usize,
}

/// Why a request is not done. What a client is told and what the operator is told never mix.
#[derive(Clone, Debug)]
pub(super) enum Failure {
    /// The client is told, in SCIM's words.
    Scim(ScimError),
    /// The client is told, in the admin API's words.
    Problem(Problem),
    /// An OAuth client is told, in RFC 6749's words.
    OAuth(OAuthError),
    /// The operator is told.
    Store(StoreError),
}

/// What a request comes to.
pub(super) type Answer = Result<Response, Failure>;

impl From<ScimError> for Failure {
    fn from(error: ScimError) -> Self {
        Self::Scim(error)
    }
}

impl From<ErrorKind> for Failure {
    fn from(kind: ErrorKind) -> Self {
        Self::Scim(kind.into())
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<OAuthError> for Failure {
    fn from(error: OAuthError) -> Self {
        Self::OAuth(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<ProblemCode> for Failure {
    fn from(code: ProblemCode) -> Self {
        Self::Problem(code.into())
    }
}

impl Failure {
    /// What a client of SCIM would be told, in the admin API's words.
    pub(super) fn into_problem(self, code: ProblemCode) -> Self {
        match self {
            Self::Scim(error) => Problem::new(code, error.detail().to_owned()).into(),
            other => other,
        }
    }

    /// The answer, in the error format of the path.
    pub(super) fn into_response(self, scim: bool, accept: Option<&str>) -> Response {
        match self {
            Self::Scim(error) => Response::scim_error(&error, accept),
            Self::Problem(problem) => Response::problem(&problem),
            Self::OAuth(error) => error.to_response(),
            Self::Store(cause) => {
                let response = if scim {
                    Response::scim_error(&ErrorKind::Internal.into(), accept)
                } else {
                    Response::problem(&ProblemCode::Internal.into())
                };
                Response { cause: Some(cause.to_string()), ..response }
            }
        }
    }
}

impl<'a, 'c> Work<'a, 'c> {
    /// The request.
    pub(super) fn request(&self) -> &Request<'c> {
        &self.call.request
    }

    /// The tenant's slug, as the URL has it.
    pub(super) fn tenant(&self) -> &'c str {
        self.call.request.route.tenant().map_or("", |tenant| tenant.as_str())
    }

    /// When it is.
    pub(super) fn now(&self) -> DateTime<Utc> {
        self.call.now
    }

    /// The schemas and types that this tenant knows.
    pub(super) fn registry(&self) -> &'a Registry {
        self.registry
    }

    /// Which rows of membership the client sees, and changes where it may change a group at all: all
    /// of them, or those of the connection that its key is bound to and of those that have left.
    pub(super) fn seen(&self) -> Seen<'_> {
        match self.connection {
            None => Seen::All,
            Some(_) => {
                let hides = self.hidden().is_some();
                Seen::Of { origin: &self.origin, present: &self.present, hides }
            }
        }
    }

    /// Whether the client sees the rows of an origin.
    pub(super) fn sees(&self, origin: &str) -> bool {
        let has_left = || {
            let connection = origin.strip_prefix("scim:");
            connection.is_some_and(|id| !self.memory.connections.contains_key(id))
        };
        self.connection.is_none() || origin == self.origin || has_left()
    }

    /// Whether the client may do what a scope names.
    pub(super) fn may(&self, scope: Scope) -> bool {
        self.call.principal.may(scope)
    }

    /// A SCIM answer in the media type that the client asked for.
    pub(super) fn scim(&self, status: u16, body: Vec<u8>) -> Response {
        Response::scim(status, body, self.request().headers.accept.as_deref())
    }

    /// The body as a JSON object.
    pub(super) fn scim_body(&self) -> Result<Map<String, Value>, Failure> {
        if !self.request().is_json() {
            return Err(ErrorKind::UnsupportedMediaType.into());
        }
        json_object(self.request().body)
            .map_err(|detail| ScimError::new(ErrorKind::InvalidSyntax, detail).into())
    }

    /// The body of an admin request as a JSON object.
    pub(super) fn admin_body(&self) -> Result<Map<String, Value>, Failure> {
        if !self.request().is_json() {
            return Err(ProblemCode::UnsupportedMediaType.into());
        }
        json_object(self.request().body)
            .map_err(|detail| Problem::new(ProblemCode::Malformed, detail).into())
    }

    /// The same where a body may be left out.
    pub(super) fn body_or_nothing(&self) -> Result<Map<String, Value>, Failure> {
        if self.request().body.is_empty() { Ok(Map::new()) } else { self.admin_body() }
    }

    /// A request that is said by its path alone: a body, where there is one, has no fields.
    pub(super) fn no_fields(&self, of: &str) -> Result<(), Failure> {
        Ok(only_fields(&self.body_or_nothing()?, &[], of)?)
    }

    /// A page of things that are held in memory, in the order of their ids.
    pub(super) fn items<T>(
        &self,
        all: &BTreeMap<String, T>,
        is_id: fn(&str) -> bool,
        described: impl Fn(&T) -> Value,
    ) -> Result<Value, Failure> {
        let all = all.iter().map(|(id, item)| (id.as_str(), item));
        Ok(self.request().query.page(all, is_id, described)?)
    }

    /// Fills a buffer with random bytes.
    pub(super) fn random<const N: usize>(&mut self) -> Result<[u8; N], StoreError> {
        let mut bytes = [0; N];
        let cause = (self.call.random)(&mut bytes);
        cause.map_err(|cause| StoreError::new(format!("no random numbers: {cause}")))?;
        Ok(bytes)
    }

    /// A new id: a UUIDv7 (RFC 9562 §5.7), above that of every resource even when the clock has
    /// stepped back; by how much is random then, so that no id of a deleted resource returns.
    pub(super) fn next_id(&mut self) -> Result<String, StoreError> {
        let millis = u64::try_from(self.now().timestamp_millis()).unwrap_or(0);
        let random = self.random()?;
        let fresh = uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid();
        let last = self.memory.last_id;
        let mut id = fresh.as_u128();
        if id <= last {
            let step = u128::from(u32::from_be_bytes(self.random()?)).saturating_add(1);
            id = last.saturating_add(step);
        }
        self.memory.touched = true;
        self.memory.last_id = id;
        Ok(Uuid::from_u128(id).hyphenated().to_string())
    }

    /// Does something and sees to the access of all whom that has touched, or leaves nothing of it and
    /// says why. A failure of the store is the request's.
    pub(super) fn attempt<T>(
        &mut self,
        mut work: impl FnMut(&mut Self) -> Result<T, Failure>,
    ) -> Result<Result<T, Failure>, Failure> {
        let (sql, before) = (self.sql, self.memory.checkpoint());
        let done = transacted(sql, || self.settled(&mut work), Result::is_ok)?;
        match done {
            Err(Failure::Store(error)) => return Err(error.into()),
            Err(_) => {
                self.memory.restore(before);
                self.memory.refused = None;
            }
            Ok(_) => {}
        }
        Ok(done)
    }

    /// Appends an event.
    pub(super) fn record(&mut self, event: &Event) -> Result<(), StoreError> {
        let connection = self.connection.clone();
        self.record_about(event, connection.as_deref())
    }

    /// Appends an event of what befell a connection's user, or nobody's.
    pub(super) fn record_about(
        &mut self,
        event: &Event,
        connection: Option<&str>,
    ) -> Result<(), StoreError> {
        self.memory.noted.did |= did(event.kind);
        let actor = self.call.principal.actor();
        let author = Author { actor: &actor, connection, now: self.call.now };
        self.memory.record(self.sql, event, author)
    }
}

/// What is asked for conflicts with what is there: 409.
pub(super) fn conflict(detail: impl Into<Cow<'static, str>>) -> Failure {
    Problem::new(ProblemCode::Conflict, detail).into()
}

/// What is asked for is not there: 404. The detail says of what kind it is, and nothing that was sent.
pub(super) fn missing(detail: &'static str) -> Problem {
    Problem::new(ProblemCode::NotFound, detail)
}

/// That the key may do something: 403.
pub(super) fn permitted(may: bool, detail: &'static str) -> Result<(), Problem> {
    if may { Ok(()) } else { Err(Problem::new(ProblemCode::InsufficientScope, detail)) }
}

/// A body must have no other fields than those that are known; `of` says of what they are.
///
/// # Errors
/// 400, naming the first of the others.
pub(super) fn only_fields(
    body: &Map<String, Value>,
    known: &[&str],
    of: &str,
) -> Result<(), Problem> {
    let Some(name) = body.keys().find(|name| !known.contains(&name.as_str())) else {
        return Ok(());
    };
    Err(Problem::new(ProblemCode::Malformed, format!("`{name}` is no field of {of}")))
}
