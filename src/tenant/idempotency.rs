//! `Idempotency-Key`: a POST of the admin API that is sent again is answered again and not done
//! twice.
//!
//! An answer is kept for a day under who asked, where, and the key, whatever it was but a failure of
//! the service. What it showed this once, a key or a secret, is not kept.

use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::work::{Answer, Failure, Work, conflict};
use crate::http::{Method, Problem, ProblemCode, Request, Response, Route, StreamAction};
use crate::limits;
use crate::store::idempotency::{self, KeptAnswer};
use crate::store::{StoreError, transacted};

/// The members of an answer that are shown once.
const SHOWN_ONCE: [&str; 3] = ["key", "secret", "clientSecret"];

/// The headers that are kept; those of others are not of the answer but of its way.
const KEPT_HEADERS: [&str; 4] = ["content-type", "cache-control", "etag", "location"];

/// The header of an answer that is given again.
const REPLAYED: &str = "idempotency-replayed";

impl Work<'_, '_> {
    /// Does a request that may write; one with an `Idempotency-Key` once.
    ///
    /// 1. The key must be a text of a bounded length: 400.
    /// 2. Where its answer is kept, it is given again; query and body must be the same: 422.
    /// 3. There must be room, once expired answers are gone: 409.
    /// 4. The request is done, or leaves nothing, and what is answered is kept with it.
    pub(super) fn run_once(&mut self) -> Answer {
        let request = self.request();
        let is_post = request.method == Method::Post;
        let key = request.headers.idempotency_key.clone();
        // What is answered to a poll is not signed here, nor is it known what comes of a test.
        let is_other = matches!(
            request.route,
            Route::Scim { .. } | Route::StreamAction(_, _, StreamAction::Poll | StreamAction::Test)
        );
        let Some(key) = key.filter(|_| is_post && !is_other) else {
            return self.run_whole();
        };
        if key.chars().count() > limits::IDEMPOTENCY_KEY_CHARACTERS {
            let detail = format!(
                "`Idempotency-Key` has more than {} characters",
                limits::IDEMPOTENCY_KEY_CHARACTERS
            );
            return Err(Problem::new(ProblemCode::Malformed, detail).into()); // (1)
        }
        // What the request itself wrote is undone where it was refused.
        let commits = |answer: &Answer| !matches!(answer, Err(Failure::Store(_)));
        transacted(self.sql, || self.once(&key), commits)?
    }

    fn once(&mut self, key: &str) -> Answer {
        let now = self.now().timestamp();
        let digest = self.place(key);
        let asked = self.asked();
        if let Some(kept) = idempotency::find(self.sql, &digest, now)? {
            return replayed(kept, &asked); // (2)
        }
        idempotency::forget_expired(self.sql, now)?;
        if idempotency::are(self.sql, limits::IDEMPOTENCY_KEYS)? {
            let detail = "too many requests with an Idempotency-Key were made within a day";
            return Err(conflict(detail)); // (3)
        }
        let answer = self.run_whole(); // (4)
        let shown = match &answer {
            Ok(response) => response.clone(),
            Err(Failure::Store(_)) => return answer,
            Err(failure) => failure.clone().into_response(false, None),
        };
        if shown.status < 500 {
            let expires = now.saturating_add(limits::IDEMPOTENCY_TTL_SECONDS);
            idempotency::insert(self.sql, &kept(digest, asked, expires, shown))?;
        }
        answer
    }

    /// The digest of who asks, for what, and under which key.
    fn place(&self, key: &str) -> String {
        let route = self.request().route;
        let (actor, name) = (self.call.principal.actor(), route.name());
        let parts = [actor.as_str(), &name, route.subject().unwrap_or_default(), key];
        digest(parts.map(str::as_bytes))
    }

    /// The digest of what is asked for: the parameters of the query, as they came, and the body.
    fn asked(&self) -> String {
        let Request { query, body, .. } = self.request();
        let parameters = query.parameters().flat_map(|(name, value)| [name, value]);
        digest(parameters.map(str::as_bytes).chain([*body]))
    }
}

/// The digest of a list of parts.
fn digest<'p>(parts: impl IntoIterator<Item = &'p [u8]>) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        // Its length in front, so that no two lists are the same text.
        digest.update(part.len().to_string());
        digest.update(":");
        digest.update(part);
    }
    format!("{:x}", digest.finalize())
}

/// What is kept of an answer.
fn kept(key: String, request: String, expires: i64, shown: Response) -> KeptAnswer {
    let headers = shown.headers.iter().filter(|(name, _)| KEPT_HEADERS.contains(name));
    let headers: Map<String, Value> =
        headers.map(|(name, value)| ((*name).to_owned(), value.as_str().into())).collect();
    let mut body = match serde_json::from_slice(&shown.body) {
        Ok(Value::Object(mut fields)) => {
            fields.retain(|name, _| !SHOWN_ONCE.contains(&name.as_str()));
            Value::Object(fields).to_string().into_bytes()
        }
        _ => shown.body,
    };
    if body.len() > limits::IDEMPOTENCY_BODY_BYTES {
        body.clear();
    }
    let headers = Value::Object(headers).to_string();
    KeptAnswer { key, request, expires, status: shown.status, headers, body }
}

/// The answer to a request that was done before: 422 where it was another request.
fn replayed(kept: KeptAnswer, request: &str) -> Answer {
    if kept.request != request {
        let detail = "this `Idempotency-Key` was sent with another query or body";
        return Err(Problem::new(ProblemCode::Contradictory, detail).into());
    }
    let headers: Map<String, Value> = serde_json::from_str(&kept.headers)
        .map_err(|_| StoreError::new("a kept answer is malformed"))?;
    let header = |name: &'static str| Some((name, headers.get(name)?.as_str()?.to_owned()));
    let headers = KEPT_HEADERS.into_iter().filter_map(header).collect();
    let response = Response { status: kept.status, headers, body: kept.body, cause: None };
    Ok(response.with(REPLAYED, "true"))
}
