//! Who is let in: whether a key is live here, what it is bound to, and which rate limit holds it.

use chrono::{DateTime, Utc};

use super::connections;
use super::memory::{Memory, Rules};
use crate::auth::Principal;
use crate::http::Refusal;
use crate::policy::RateLimit;

/// The rate limit to which a principal is held: the tenant's own, or the deployment's for those that
/// have the default.
pub(super) fn held_to(
    memory: &Memory,
    principal: &Principal,
    default: Option<RateLimit>,
) -> Option<RateLimit> {
    match (principal, memory.policy.rate_limit) {
        (Principal::Admin | Principal::Client, _) => None,
        (_, Some(RateLimit::DEFAULT)) => default,
        (_, own) => own,
    }
}

/// What a live key is bound to: the connection's id and its rules.
pub(super) type Bound = Option<(String, Rules)>;

/// Whether the principal's key is live here.
pub(super) fn admit(
    memory: &Memory,
    principal: &Principal,
    now: DateTime<Utc>,
) -> Result<Bound, Refusal> {
    let Principal::Key(key) = principal else { return Ok(None) };
    let credential = memory
        .credential(&key.id)
        .filter(|known| known.jti == key.jti && known.expires > now.timestamp())
        .ok_or(Refusal::InvalidToken("the key has been revoked"))?;
    let Some(id) = credential.connection else { return Ok(None) };
    let connection = memory.connections.get(id).filter(|one| one.departure.is_none());
    let connection = connection.ok_or(Refusal::InvalidToken("the key's connection is gone"))?;
    if connection.row.state == connections::DISABLED {
        return Err(Refusal::ConnectionDisabled);
    }
    let unknown = || Refusal::Unavailable("a connection has rules that are not known".to_owned());
    Ok(Some((id.to_owned(), connection.rules.ok_or_else(unknown)?)))
}
