//! The row of the policy document, and of what resources have values that a change may contradict.

use std::collections::BTreeSet;

use super::{Param, Pos, Sql, StoreError};

/// The policy document as its row holds it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PolicyRow {
    /// Its version.
    pub version: i64,
    /// The document.
    pub document: String,
    /// The numbers under which the values of its searchable attributes are stored: a JSON object of
    /// their paths.
    pub numbers: String,
}

/// The document, if there has ever been one.
///
/// # Errors
/// As [`Sql::query`]; so for all functions here.
pub fn read(sql: &dyn Sql) -> Result<Option<PolicyRow>, StoreError> {
    let rows = sql.query("SELECT version, document, numbers FROM policies", &[])?;
    let read = rows.first().map(|row| {
        Ok(PolicyRow {
            version: row.integer(0)?,
            document: row.text(1)?.to_owned(),
            numbers: row.text(2)?.to_owned(),
        })
    });
    read.transpose()
}

/// Puts a document in the place of the one there is.
pub fn write(sql: &dyn Sql, row: &PolicyRow) -> Result<(), StoreError> {
    sql.query(
        "INSERT INTO policies (id, version, document, numbers) VALUES (1, ?1, ?2, ?3)
         ON CONFLICT (id) DO UPDATE SET version = ?1, document = ?2, numbers = ?3",
        &[Param::Integer(row.version), Param::Text(&row.document), Param::Text(&row.numbers)],
    )?;
    Ok(())
}

/// The attributes of an extension of which resources of a type have values: one pass over the type.
pub fn attributes_in_use(
    sql: &dyn Sql,
    type_number: u8,
    urn: &str,
) -> Result<BTreeSet<String>, StoreError> {
    let (low, high) = Pos::range(type_number);
    let path = format!("$.\"{urn}\"");
    let rows = sql.query(
        "SELECT DISTINCT a.key FROM resources r CROSS JOIN json_each(r.doc, ?3) a
         WHERE r.pos > +?1 AND r.pos < +?2",
        &[Param::Integer(low.value()), Param::Integer(high.value()), Param::Text(&path)],
    )?;
    rows.iter().map(|row| row.text(0).map(str::to_owned)).collect()
}
