//! The schemas that a tenant declares: one part of its policy document, by itself.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::policies::Amended;
use super::work::{Answer, Failure, Work, conflict, missing};
use crate::gather::Gather as _;
use crate::http::{Problem, ProblemCode, Response};
use crate::scim::schema::{DeclaredSchema, Fault};

impl Work<'_, '_> {
    /// `GET …/schemas`.
    pub(super) fn list_declared(&self) -> Answer {
        let schemas = self.memory.policy.schemas.iter();
        let by_id: BTreeMap<String, &DeclaredSchema> =
            schemas.map(|one| (one.schema.id.clone(), one)).gathered();
        Ok(Response::json(200, &self.items(&by_id, is_urn, |one| one.to_json())?))
    }

    /// `GET …/schemas/{urn}`.
    pub(super) fn read_declared(&self, urn: &str) -> Answer {
        let at = self.declared_at(urn).ok_or_else(|| missing("there is no such schema"))?;
        Ok(self.shown_at(200, at))
    }

    /// `PUT …/schemas {"items":[…]}`: these in place of all there are.
    pub(super) fn replace_all_declared(&mut self) -> Answer {
        let mut body = self.admin_body()?;
        let Some(items) = body.remove("items").filter(|_| body.is_empty()) else {
            let detail = "the body must be an object with `items` and nothing else";
            return Err(Problem::new(ProblemCode::Malformed, detail).into());
        };
        match self.amend_schemas(items, "/schemas", "/items")? {
            Amended::Written => self.list_declared(),
            Amended::Tried(diff) => Ok(Response::json(200, &diff)),
        }
    }

    /// `POST …/schemas`: one more; 409 where there is one of its URN.
    pub(super) fn declare(&mut self) -> Answer {
        let body = self.admin_body()?;
        let urn = body.get("id").and_then(Value::as_str).unwrap_or_default();
        if self.declared_at(urn).is_some() {
            let detail = "the tenant has declared a schema of this id";
            return Err(conflict(detail));
        }
        self.put_at(self.memory.policy.schemas.len(), body)
    }

    /// `PUT …/schemas/{urn}`: in place of the one of that URN, or one more.
    pub(super) fn replace_declared(&mut self, urn: &str) -> Answer {
        let mut body = self.admin_body()?;
        let id = body.entry("id").or_insert_with(|| urn.into());
        if !id.as_str().is_some_and(|id| id.eq_ignore_ascii_case(urn)) {
            let detail = "`id` is not that of the path";
            return Err(Problem::new(ProblemCode::Contradictory, detail).into());
        }
        self.put_at(self.declared_at(urn).unwrap_or(self.memory.policy.schemas.len()), body)
    }

    /// `DELETE …/schemas/{urn}`.
    pub(super) fn withdraw_declared(&mut self, urn: &str) -> Answer {
        let at = self.declared_at(urn).ok_or_else(|| missing("there is no such schema"))?;
        let mut all = self.declared();
        all.remove(at);
        match self.amend_schemas(all.into(), "", "")? {
            Amended::Written => Ok(Response::empty(204)),
            Amended::Tried(diff) => Ok(Response::json(200, &diff)),
        }
    }

    /// One schema at a place in the list, which may be its end.
    fn put_at(&mut self, at: usize, schema: Map<String, Value>) -> Answer {
        let mut all = self.declared();
        let status = if at < all.len() { 200 } else { 201 };
        match all.get_mut(at) {
            Some(there) => *there = Value::Object(schema),
            None => all.push(Value::Object(schema)),
        }
        match self.amend_schemas(all.into(), &format!("/schemas/{at}"), "")? {
            Amended::Written => Ok(self.shown_at(status, at)),
            Amended::Tried(diff) => Ok(Response::json(200, &diff)),
        }
    }

    /// Puts a list in the place of the one there is. Faults at `from` in the policy document are told
    /// as being at `to` in what was sent.
    fn amend_schemas(&mut self, list: Value, from: &str, to: &str) -> Result<Amended, Failure> {
        let document = Map::from_iter([("schemas".to_owned(), list)]);
        let moved = |fault: Fault| {
            let rest = fault.path.strip_prefix(from).map(|rest| format!("{to}{rest}"));
            Fault { path: rest.unwrap_or(fault.path.clone()), ..fault }
        };
        self.amend(&document).map_err(|failure| match failure {
            Failure::Problem(problem) => Failure::Problem(problem.moved(moved)),
            other => other,
        })
    }

    fn declared(&self) -> Vec<Value> {
        self.memory.policy.schemas.iter().map(DeclaredSchema::to_json).collect()
    }

    fn declared_at(&self, urn: &str) -> Option<usize> {
        let mut schemas = self.memory.policy.schemas.iter();
        schemas.position(|one| one.schema.id.eq_ignore_ascii_case(urn))
    }

    fn shown_at(&self, status: u16, at: usize) -> Response {
        let shown = self.memory.policy.schemas.get(at).map_or(json!({}), DeclaredSchema::to_json);
        let etag = format!("\"{}\"", self.memory.policy.version);
        Response::json(status, &shown).with("etag", etag)
    }
}

/// Whether a text may be the id of a schema (RFC 8141 §2).
fn is_urn(text: &str) -> bool {
    text.get(..4).is_some_and(|scheme| scheme.eq_ignore_ascii_case("urn:"))
}
