//! The query string, decoded: `+` is a space, names are case-insensitive.

use serde_json::Value;
use uuid::Uuid;

use super::{Problem, ProblemCode};
use crate::limits;
use crate::registry::Slug;

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

    /// All parameters, names and values, in their order.
    pub fn parameters(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
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
        let number = text.parse::<i64>().ok();
        let number = number.filter(|number| (0..=limits::WHOLE_NUMBER).contains(number));
        let detail =
            || format!("`{name}` is not a whole number from 0 to {}", limits::WHOLE_NUMBER);
        number.map(Some).ok_or_else(|| Problem::new(ProblemCode::Malformed, detail()))
    }

    /// A parameter of the admin API that is `true` or `false`, which it is without one.
    ///
    /// # Errors
    /// 400 when it is something else: who writes `?dryRun=1` means to write nothing.
    pub fn flag(&self, name: &str) -> Result<bool, Problem> {
        match self.value(name).map(str::to_ascii_lowercase).as_deref() {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => {
                let detail = format!("`{name}` is neither true nor false");
                Err(Problem::new(ProblemCode::Malformed, detail))
            }
        }
    }

    /// How many items a page of the admin API has.
    ///
    /// # Errors
    /// As [`Self::limit_or`].
    pub fn items_limit(&self) -> Result<usize, Problem> {
        self.limit_or(limits::ITEMS_DEFAULT)
    }

    /// The same where another number is meant by none.
    ///
    /// # Errors
    /// 400 when `limit` is no number, or 0: of a page without items nothing says where the next begins.
    pub fn limit_or(&self, default: usize) -> Result<usize, Problem> {
        let limit = self.whole("limit")?;
        if limit == Some(0) {
            return Err(Problem::new(ProblemCode::Malformed, "`limit` is below 1"));
        }
        let limit = limit.and_then(|limit| usize::try_from(limit).ok());
        Ok(limit.unwrap_or(default).min(limits::ITEMS))
    }

    /// A page of the admin API, of things in the order of their ids: those behind `cursor`, at most
    /// `limit` of them, and in `next` the last one's id where more follow.
    ///
    /// # Errors
    /// 400 when `limit` is no number from 1 on, or `cursor` of no form that an id of the list has.
    pub fn page<'i, T>(
        &self,
        all: impl Iterator<Item = (&'i str, T)>,
        is_id: fn(&str) -> bool,
        described: impl Fn(T) -> Value,
    ) -> Result<Value, Problem> {
        let after = self.value("cursor").unwrap_or_default();
        if !after.is_empty() && !is_id(after) {
            return Err(foreign_cursor());
        }
        let limit = self.items_limit()?;
        let behind = all.filter(|(id, _)| *id > after).take(limit.saturating_add(1));
        let found = behind.map(|(id, item)| (id.to_owned(), described(item)));
        Ok(page_of(found.collect(), limit))
    }
}

/// A page of the admin API: the first of some things, each with the cursor that goes on behind it, at
/// most `limit` of them; and in `next` the last one's cursor where more follow.
pub fn page_of(mut found: Vec<(String, Value)>, limit: usize) -> Value {
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(|(cursor, _)| cursor.clone());
    page(found.into_iter().map(|(_, item)| item).collect(), next)
}

/// A page with these things, and the cursor of the following one if there is one.
pub fn page(items: Vec<Value>, next: Option<String>) -> Value {
    let fields = [("items", Some(items.into())), ("next", next.map(Value::from))].into_iter();
    fields.filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

/// Whether a text is of the form of ids that are given here (RFC 9562 §4).
pub fn is_uuid(text: &str) -> bool {
    Uuid::parse_str(text).is_ok_and(|uuid| uuid.hyphenated().to_string() == text)
}

/// Whether a text is of the form of ids that tenants give to connections, and presets have.
pub fn is_slug(text: &str) -> bool {
    Slug::parse(text).is_some()
}

/// Where a cursor is of another list, or of none.
pub fn foreign_cursor() -> Problem {
    Problem::new(ProblemCode::Malformed, "`cursor` is none of this list")
}
