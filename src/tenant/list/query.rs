//! What a list is asked for: filter, order, page and projection, from a query or a body.

use serde_json::{Map, Value};

use crate::http::Query;
use crate::limits;
use crate::scim::filter::Filter;
use crate::scim::message::{field, is_declared};
use crate::scim::projection::Projection;
use crate::scim::sort::Sort;
use crate::scim::{ErrorKind, ScimError, urn};
use crate::tenant::work::{Failure, Work};

/// The parameters, within their bounds (RFC 7644 §3.4.2).
pub(super) struct ListQuery {
    pub(super) filter: Option<Filter>,
    pub(super) sort: Option<Sort>,
    pub(super) start: Start,
    pub(super) count: usize,
    pub(super) projection: Projection,
}

/// Where a page starts, and with it by which method a list is paged (RFC 9865 §2.3).
pub(super) enum Start {
    /// `startIndex`, from 1.
    Index(i64),
    /// `cursor`; an empty one starts a walk.
    Cursor(String),
}

/// The parameters as they were sent.
struct Asked<'a> {
    filter: Option<&'a str>,
    sort_by: Option<&'a str>,
    sort_order: Option<&'a str>,
    start_index: Option<i64>,
    cursor: Option<&'a str>,
    count: Option<i64>,
    projection: Projection,
}

impl ListQuery {
    pub(super) fn from_query(query: &Query, work: &Work<'_, '_>) -> Result<Self, Failure> {
        let number = |name: &'static str| {
            query
                .value(name)
                .filter(|text| !text.is_empty())
                .map(|text| whole(name, text))
                .transpose()
        };
        Asked {
            filter: query.value("filter"),
            sort_by: query.value("sortBy"),
            sort_order: query.value("sortOrder"),
            start_index: number("startIndex")?,
            cursor: query.value("cursor"),
            count: number("count")?,
            projection: work.projection()?,
        }
        .read(work)
    }

    /// RFC 7644 §3.4.3: the parameters of a query as the body of a POST.
    pub(super) fn from_body(
        body: &Map<String, Value>,
        work: &Work<'_, '_>,
    ) -> Result<Self, Failure> {
        let compat = &work.compat;
        if !compat.undeclared_schemas && !is_declared(body, urn::SEARCH_REQUEST) {
            let detail = format!("`schemas` must be `{}`", urn::SEARCH_REQUEST);
            return Err(ScimError::new(ErrorKind::InvalidSyntax, detail).into());
        }
        let value = |name: &str| field(body, name).filter(|value| !value.is_null());
        let number = |name: &'static str| match value(name) {
            None => Ok(None),
            Some(Value::Number(number)) => whole(name, &number.to_string()).map(Some),
            Some(Value::String(text)) if compat.text_for_other_types => whole(name, text).map(Some),
            Some(_) => Err(invalid(name, "a whole number")),
        };
        let list = |name: &'static str| match value(name) {
            None => Ok(None),
            Some(Value::String(text)) if compat.single_for_list => Ok(Some(text.clone())),
            Some(Value::Array(values)) => {
                let names: Option<Vec<&str>> = values.iter().map(Value::as_str).collect();
                names
                    .map(|names| Some(names.join(",")))
                    .ok_or_else(|| invalid(name, "a list of texts"))
            }
            Some(_) => Err(invalid(name, "a list of texts")),
        };
        let text = |name: &'static str| match value(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.as_str())),
            Some(_) => Err(invalid(name, "a text")),
        };
        Asked {
            filter: text("filter")?,
            sort_by: text("sortBy")?,
            sort_order: text("sortOrder")?,
            start_index: number("startIndex")?,
            cursor: text("cursor")?,
            count: number("count")?,
            projection: Projection::parse(
                list("attributes")?.as_deref(),
                list("excludedAttributes")?.as_deref(),
            )?,
        }
        .read(work)
    }
}

impl Asked<'_> {
    fn read(self, work: &Work<'_, '_>) -> Result<ListQuery, Failure> {
        let parse = |text: &str| Filter::parse(text, &work.compat);
        let filter = self.filter.filter(|text| !text.trim().is_empty()).map(parse).transpose();
        let default = limits::PAGE_RESOURCES_DEFAULT;
        // RFC 7644 §3.4.2.4: a count below 0 is 0.
        let count =
            self.count.map_or(default, |count| usize::try_from(count.max(0)).unwrap_or(usize::MAX));
        Ok(ListQuery {
            filter: filter.map_err(|error| error.into_filter_error())?,
            sort: Sort::parse(self.sort_by, self.sort_order)?,
            start: self.start()?,
            count: count.min(limits::PAGE_RESOURCES),
            projection: self.projection,
        })
    }

    /// RFC 9865 §2.3: the parameter chooses the method; without one, it is by index.
    fn start(&self) -> Result<Start, ScimError> {
        // RFC 7644 §3.4.2.4: a start below 1 is 1.
        let index = self.start_index.unwrap_or(1).max(1);
        let Some(cursor) = self.cursor else { return Ok(Start::Index(index)) };
        if index > 1 {
            let detail = "`cursor` and `startIndex` exclude each other";
            return Err(ScimError::new(ErrorKind::InvalidValue, detail));
        }
        // RFC 9865 §2: a positive integer; a page of nothing would lead nowhere.
        if self.count.is_some_and(|count| count < 1) {
            return Err(ErrorKind::InvalidCount.into());
        }
        Ok(Start::Cursor(cursor.to_owned()))
    }
}

/// A whole number; one too large to count with is the largest.
fn whole(name: &'static str, text: &str) -> Result<i64, ScimError> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(invalid(name, "a whole number"));
    }
    let largest = if text.starts_with('-') { i64::MIN } else { i64::MAX };
    Ok(text.parse().unwrap_or(largest))
}

fn invalid(name: &'static str, what: &str) -> ScimError {
    ScimError::new(ErrorKind::InvalidValue, format!("`{name}` is not {what}"))
}
