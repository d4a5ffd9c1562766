//! Why a mapping does not match whom it was made for: values that look like the one that it names.

use serde_json::{Value, json};

use super::work::{Answer, Work, missing};
use crate::http::Response;
use crate::limits;
use crate::policy::{Difference, Named};
use crate::scim::filter::Target;
use crate::scim::schema::{GROUP, USER};
use crate::store::{StoreError, grants, values};

impl Work<'_, '_> {
    /// `GET …/mappings/{m}/diagnostics`: how many users have something by it, and which values there
    /// are that differ from those that its condition names in capitals, spaces, dashes or the form of
    /// their signs alone: 404 where there is no such mapping.
    pub(super) fn diagnose(&self, id: &str) -> Answer {
        let mut mappings = self.memory.policy.access.mappings.iter();
        let mapping = mappings.find(|mapping| mapping.id == id);
        let mapping = mapping.ok_or_else(|| missing("there is no such mapping"))?;
        let mut misses: Vec<Value> = Vec::new();
        for named in mapping.condition.iter().flat_map(|condition| condition.named()) {
            for value in self.values_of(&named)? {
                let difference = Difference::between(
                    &named.text,
                    &value,
                    mapping.case_exact,
                    self.call.normalize,
                );
                misses.extend(difference.map(|one| {
                    json!({ "path": named.target.path(), "value": value, "reason": one.name() })
                }));
            }
        }
        misses.truncate(limits::NEAR_MISSES);
        let matched = grants::holders_by(self.sql, &mapping.source(), limits::PREFILTER_DOCUMENTS)?;
        let body = json!({ "nearMisses": misses, "matched": matched });
        Ok(Response::json(200, &body))
    }

    /// The different values that there are of an attribute, where it has one of each user; of groups,
    /// their names.
    fn values_of(&self, named: &Named) -> Result<Vec<String>, StoreError> {
        let Target { extension, name, sub, .. } = &named.target;
        let (number, steps) = match (extension, name.as_str(), sub.as_deref()) {
            (None, "groups", Some("display")) => (GROUP, vec!["displayName"]),
            (None, "groups", Some("externalId")) => (GROUP, vec!["externalId"]),
            (None, "groups", _) => return Ok(Vec::new()),
            (urn, name, sub) => {
                let urn = urn.as_deref().into_iter();
                (USER, urn.chain([name]).chain(sub).collect())
            }
        };
        values::distinct(self.sql, number, &steps, limits::DIAGNOSED_VALUES)
    }
}
