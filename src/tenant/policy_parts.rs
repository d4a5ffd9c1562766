//! Parts of the policy document that have paths of their own: mappings, roles and
//! attribute maps.

use serde_json::{Map, Value, json};

use super::policies::{Amended, etag};
use super::work::{Answer, Work};
use crate::http::{PolicyPart, Problem, ProblemCode, Response};
use crate::policy::Mapping;

impl PolicyPart {
    /// What the document calls it.
    const fn name(self) -> &'static str {
        match self {
            Self::Mappings => "mappings",
            Self::Roles => "roles",
            Self::AttributeMaps => "attributeMaps",
        }
    }
}

/// What is told beside mappings.
const WARNINGS: &str = "warnings";

impl Work<'_, '_> {
    /// `GET …/mappings`, `GET …/roles`, `GET …/attribute-maps`.
    pub(super) fn read_policy_part(&self, part: PolicyPart) -> Response {
        let whole = self.memory.policy.to_json();
        let items = whole.get(part.name()).cloned().unwrap_or_default();
        let mut body = json!({ "items": items });
        let all: Vec<&str> = match part {
            PolicyPart::Mappings => self.for_all().collect(),
            PolicyPart::Roles | PolicyPart::AttributeMaps => Vec::new(),
        };
        if let (Some(fields), false) = (body.as_object_mut(), all.is_empty()) {
            fields.insert(
                WARNINGS.to_owned(),
                json!([{ "code": "applies_to_all_users", "ids": all }]),
            );
        }
        Response::json(200, &body).with("etag", etag(&self.memory.policy))
    }

    /// `PUT …/mappings`, `PUT …/roles {"items":[…]}`: takes the place of all there are; else as
    /// `PUT …/policies`.
    pub(super) fn replace_policy_part(&mut self, part: PolicyPart) -> Answer {
        let mut body = self.admin_body()?;
        if part == PolicyPart::Mappings {
            body.shift_remove(WARNINGS); // Which the client has read.
        }
        let items = match body.shift_remove("items") {
            Some(items) if body.is_empty() => items,
            _ => {
                let detail = "the body is not an object of `items` alone";
                return Err(Problem::new(ProblemCode::Malformed, detail).into());
            }
        };
        let document: Map<String, Value> = [(part.name().to_owned(), items)].into_iter().collect();
        match self.amend(&document)? {
            Amended::Written => Ok(self.read_policy_part(part)),
            Amended::Tried(diff) => Ok(Response::json(200, &diff)),
        }
    }

    /// The mappings that are for everybody, which few mean.
    fn for_all(&self) -> impl Iterator<Item = &str> {
        let mappings = self.memory.policy.access.mappings.iter();
        mappings.filter(|mapping| mapping.applies_to_all()).map(|Mapping { id, .. }| id.as_str())
    }
}
