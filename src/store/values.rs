//! The values that a type's resources have of an attribute.

use std::collections::BTreeSet;

use super::{Param, Pos, Sql, StoreError};
use crate::gather::Gather as _;
use crate::limits;

/// The different texts at a path of names in documents, of at most `limit` of them and of as many
/// documents as one request looks through; those of a list one by one.
///
/// # Errors
/// As [`Sql::query`].
pub fn distinct(
    sql: &dyn Sql,
    type_number: u8,
    path: &[&str],
    limit: usize,
) -> Result<Vec<String>, StoreError> {
    let (low, high) = Pos::range(type_number);
    let (name, rest) = match path {
        [name, rest @ ..] => (quoted(name), rest),
        [] => return Ok(Vec::new()),
    };
    let whole: String = rest.iter().map(|name| quoted(name)).collect();
    let rows = sql.query(
        "SELECT DISTINCT CASE j.type WHEN 'object' THEN j.value->>('$' || ?4) ELSE j.value END
         FROM (SELECT doc FROM resources WHERE pos > +?1 AND pos < +?2 LIMIT +?5) r
         CROSS JOIN json_each(iif(json_type(r.doc, ?3) = 'array',
            r.doc->?3, json_array(r.doc->?3))) j
         LIMIT +?6",
        &[
            Param::Integer(low.value()),
            Param::Integer(high.value()),
            Param::Text(&format!("${name}")),
            Param::Text(&whole),
            Param::count(limits::PREFILTER_DOCUMENTS),
            Param::count(limit),
        ],
    )?;
    let texts = rows.iter().filter_map(|row| row.text_or_null(0).ok().flatten());
    let texts: BTreeSet<&str> = texts.gathered();
    Ok(texts.into_iter().map(str::to_owned).collect())
}

/// A step of a path: names of extensions hold dots and colons.
fn quoted(name: &str) -> String {
    format!(".\"{name}\"")
}
