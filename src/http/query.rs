//! The query string, decoded: `+` is a space, names are case-insensitive.

use super::{Problem, ProblemCode};
use crate::limits;

/// The parameters of a query.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Reads what stands behind the `?`.
    pub fn parse(raw: &str) -> Self {
        Self(
            form_urlencoded::parse(raw.as_bytes())
                .map(|(name, value)| (name.into_owned(), value.into_owned()))
                .collect(),
        )
    }

    /// A parameter's first value. Entra sends `startindex`.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// A parameter of the admin API that is a number from 0 on.
    ///
    /// # Errors
    /// 400 when it is something else.
    pub fn whole(&self, name: &str) -> Result<Option<i64>, Problem> {
        let Some(text) = self.value(name).filter(|text| !text.is_empty()) else { return Ok(None) };
        let number = text.parse::<i64>().ok().filter(|number| *number >= 0);
        let detail = || format!("`{name}` is not a whole number");
        number.map(Some).ok_or_else(|| Problem::new(ProblemCode::Malformed, detail()))
    }

    /// How many items a page of the admin API has.
    ///
    /// # Errors
    /// 400 when `limit` is no number.
    pub fn items_limit(&self) -> Result<usize, Problem> {
        let limit = self.whole("limit")?.and_then(|limit| usize::try_from(limit).ok());
        Ok(limit.unwrap_or(limits::ITEMS_DEFAULT).clamp(1, limits::ITEMS))
    }
}
