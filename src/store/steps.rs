//! Lists that may not fit into one value, read in steps.

use super::{Param, Row, Sql, StoreError};
use crate::limits;

/// The row of a statement that aggregates as many rows as its last parameter says, and counts them
/// in its first column; and whether there may be more. The step is halved until it fits into one value.
pub(super) fn step(
    sql: &dyn Sql,
    statement: &str,
    params: &[Param<'_>],
) -> Result<(Row, bool), StoreError> {
    let mut size = limits::MEMBERS_STEP;
    loop {
        match sql.query(statement, &[params, &[Param::count(size)]].concat()) {
            Err(error) if error.is_too_big() && size > 1 => size /= 2,
            result => {
                let row = result?.into_iter().next().unwrap_or_default();
                let more = row.integer(0)? == i64::try_from(size).unwrap_or(i64::MAX);
                return Ok((row, more));
            }
        }
    }
}

/// Appends to the elements of a JSON array.
pub(super) fn append(list: &mut Vec<u8>, part: &[u8]) {
    if !list.is_empty() && !part.is_empty() {
        list.push(b',');
    }
    list.extend_from_slice(part);
}
