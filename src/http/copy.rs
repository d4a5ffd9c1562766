//! Requests for a user's access that a copy in KV answers, far from the tenant's object.
//!
//! What is not plain is the object's to answer: a faulty query, a copy that is not there, a client that
//! wants to be sure.

use serde_json::{Map, Value};

use super::{Method, Query, Response, Route};
use crate::auth::{CopyName, KeyRing, Principal, Scope};
use crate::policy::ScopePath;
use crate::registry::Slug;
use crate::scim::fold::fold;

/// A request that a copy may answer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CopyRequest {
    name: CopyName,
    identifier: String,
    scope: Option<ScopePath>,
    document: bool,
}

impl CopyRequest {
    /// Reads a request, if it is one: `…/access?userName=` or `?externalId=`, or `…/users/{id}/access`,
    /// without `consistency=strong`.
    pub fn of(method: Method, route: &Route, query: &Query, principal: &Principal) -> Option<Self> {
        let (name, identifier) = match (method, route) {
            (Method::Get, Route::UserAccess(_, id)) => (CopyName::Id, id.clone()),
            (Method::Get, Route::Access(_)) => {
                match (query.value("userName"), query.value("externalId")) {
                    (Some(name), None) => (CopyName::UserName, fold(name)),
                    (None, Some(id)) => (CopyName::ExternalId, id.to_owned()),
                    _ => return None,
                }
            }
            _ => return None,
        };
        let is_plain = query.value("consistency").is_none()
            && query.value("map").is_none()
            && !query.flag("explain").ok()?;
        let scope = match query.value("scope") {
            Some(path) => Some(ScopePath::parse(path)?),
            None => None,
        };
        let document = query.flag("document").ok()?;
        let may =
            principal.may(Scope::AccessRead) && (!document || principal.may(Scope::UsersRead));
        (is_plain && may).then_some(Self { name, identifier, scope, document })
    }

    /// The name under which KV would have the copy.
    pub fn name(&self, key_ring: &KeyRing, tenant: &Slug) -> Option<String> {
        key_ring.copy_name(tenant.as_str(), self.name, &self.identifier)
    }

    /// What a copy answers: what the object would have, and in `asOf` the place in the log as of which
    /// that is so. A key that was issued before the tenant had copies may be of another one, which was
    /// there under the same name: it is left to the object.
    pub fn answer(&self, copy: &str, issued: i64) -> Option<Response> {
        let mut copy: Map<String, Value> = serde_json::from_slice(copy.as_bytes()).ok()?;
        let since = copy.remove("since").and_then(|since| since.as_i64());
        if since.is_some_and(|since| issued < since) {
            return None;
        }
        let Some(Value::Object(mut access)) = copy.remove("access") else { return None };
        for name in ["grants", "withheld"] {
            let list = access.get_mut(name).and_then(Value::as_array_mut);
            list.into_iter().for_each(|list| list.retain(|held| self.is_asked(held)));
        }
        if self.document {
            access.insert("document".to_owned(), copy.remove("document")?);
        }
        access.insert("asOf".to_owned(), copy.remove("seq")?);
        Some(Response::json(200, &Value::Object(access)))
    }

    fn is_asked(&self, held: &Value) -> bool {
        let scope = || held.get("scope").and_then(Value::as_str).map(ScopePath::stored);
        // A group has no scope, and so is in none.
        let is_in = |asked: &ScopePath| scope().is_some_and(|scope| asked.covers(&scope));
        self.scope.as_ref().is_none_or(is_in)
    }
}
