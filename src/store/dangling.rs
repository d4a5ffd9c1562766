//! Members that a lenient connection named and that no resource is: texts, kept as they were sent.
//!
//! Each is found again by its folded text, so that it becomes a membership when a resource of that
//! name appears.

use serde_json::json;

use super::{Param, Pos, Row, Sql, StoreError, resources};
use crate::scim::fold::fold;

/// One such member of a group that is there.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DanglingRow {
    /// The group.
    pub group: Pos,
    /// The text.
    pub value: String,
    /// By whose word it is there.
    pub origin: String,
    /// Its display as sent.
    pub display: Option<String>,
}

/// Whether there is any.
///
/// # Errors
/// As [`Sql::query`]; so for all functions here.
pub fn any(sql: &dyn Sql) -> Result<bool, StoreError> {
    Ok(!sql.query("SELECT 1 FROM dangling LIMIT 1", &[])?.is_empty())
}

/// The rows of a group, of given texts or of all. In halves where one value could not carry the texts.
pub fn present(
    sql: &dyn Sql,
    group: Pos,
    among: Option<&[&str]>,
) -> Result<Vec<DanglingRow>, StoreError> {
    let pos = Param::Integer(group.value());
    let rows = match among {
        Some(among) => sql.query(
            "SELECT d.value, d.origin, d.display FROM json_each(?2) j CROSS JOIN dangling d
             ON d.grp = +?1 AND d.value = j.value",
            &[pos, Param::Text(&json!(among).to_string())],
        ),
        None => sql.query("SELECT value, origin, display FROM dangling WHERE grp = +?1", &[pos]),
    };
    let rows = match (rows, among) {
        (Err(error), Some(among)) if error.is_too_big() => {
            let (some, others) = among.split_at(among.len() / 2);
            if some.is_empty() {
                return Ok(Vec::new()); // No text is as long as that.
            }
            let some = present(sql, group, Some(some))?;
            return Ok([some, present(sql, group, Some(others))?].concat());
        }
        (rows, _) => rows?,
    };
    let read = |row: &Row| {
        Ok(DanglingRow {
            group,
            value: row.text(0)?.to_owned(),
            origin: row.text(1)?.to_owned(),
            display: row.text_or_null(2)?.map(str::to_owned),
        })
    };
    rows.iter().map(read).collect()
}

/// Adds a text that is not there by the word of an origin.
pub fn add(
    sql: &dyn Sql,
    group: Pos,
    origin: &str,
    value: &str,
    display: Option<&str>,
) -> Result<(), StoreError> {
    sql.query(
        "INSERT INTO dangling (grp, value, origin, display, key) VALUES (?1, ?2, ?3, ?4, ?5)",
        &[
            Param::Integer(group.value()),
            Param::Text(value),
            Param::Text(origin),
            display.map_or(Param::Null, Param::Text),
            Param::Text(&fold(value)),
        ],
    )?;
    Ok(())
}

/// Removes a text that is there by the word of an origin.
pub fn remove(sql: &dyn Sql, group: Pos, origin: &str, value: &str) -> Result<(), StoreError> {
    sql.query(
        "DELETE FROM dangling WHERE grp = +?1 AND value = +?2 AND origin = +?3",
        &[Param::Integer(group.value()), Param::Text(value), Param::Text(origin)],
    )?;
    Ok(())
}

/// The rows of any of a few folded texts, group by group, at most `limit`; those of groups that
/// have been deleted are left out.
pub fn keyed(sql: &dyn Sql, keys: &[&str], limit: usize) -> Result<Vec<DanglingRow>, StoreError> {
    // Out of a list, each key would count as a row read.
    let one = "SELECT d.grp, d.value, d.origin, d.display
         FROM dangling d CROSS JOIN resources g ON g.pos = d.grp WHERE d.key = +?";
    let each = vec![one; keys.len()].join(" UNION ALL ");
    let mut params: Vec<Param<'_>> = keys.iter().map(|key| Param::Text(key)).collect();
    params.push(Param::count(limit));
    let rows = sql.query(&format!("{each} ORDER BY d.grp LIMIT +?"), &params)?;
    let read = |row: &Row| {
        Ok(DanglingRow {
            group: Pos::stored(row.integer(0)?),
            value: row.text(1)?.to_owned(),
            origin: row.text(2)?.to_owned(),
            display: row.text_or_null(3)?.map(str::to_owned),
        })
    };
    rows.iter().map(read).collect()
}

/// A resource that a text names: the text's key, where the resource stands, its id.
pub type Named = (String, Pos, String);

/// For whom an attribute's values are names: for the origin of a resource, and for one by whose
/// word it is in the group at hand, if there is one.
#[derive(Clone, Copy, Debug)]
pub struct Own<'a> {
    /// The origin that asks.
    pub origin: &'a str,
    /// The group.
    pub group: Option<Pos>,
}

/// The resources of a type that keys find by an attribute. For each key one: of several that share
/// a value, one that is in the group already, else one of the origin, else the first. In halves
/// where one value could not carry the keys.
pub fn named(
    sql: &dyn Sql,
    type_number: u8,
    attribute: u8,
    keys: &[String],
    own: Option<Own<'_>>,
) -> Result<Vec<Named>, StoreError> {
    let group = own.and_then(|own| own.group);
    let rows = sql.query(
        // The columns beside `min` are of the row that has it; what is added to the position is
        // above every position, and below what the runtime carries exactly.
        "SELECT l.key, r.pos, r.id,
            min(r.pos + iif(m.grp IS NULL, 1 << 51, 0) + iif(r.origin IS +?3, 0, 1 << 50))
         FROM json_each(?1) j
         CROSS JOIN lookups l ON l.attribute = +?2 AND l.key = j.value
         CROSS JOIN resources r ON r.pos = l.pos
         LEFT JOIN members m ON m.grp = +?4 AND m.member = r.pos AND m.origin = +?3
         WHERE ?3 IS NULL OR r.origin = +?3 OR m.grp IS NOT NULL GROUP BY l.key",
        &[
            Param::Text(&json!(keys).to_string()),
            Param::Integer(resources::attribute(type_number, attribute)),
            own.map_or(Param::Null, |own| Param::Text(own.origin)),
            group.map_or(Param::Null, |group| Param::Integer(group.value())),
        ],
    );
    let rows = match rows {
        Err(error) if error.is_too_big() && keys.len() > 1 => {
            let (some, others) = keys.split_at(keys.len() / 2);
            let some = named(sql, type_number, attribute, some, own)?;
            return Ok([some, named(sql, type_number, attribute, others, own)?].concat());
        }
        rows => rows?,
    };
    let read = |row: &Row| {
        Ok((row.text(0)?.to_owned(), Pos::stored(row.integer(1)?), row.text(2)?.to_owned()))
    };
    rows.iter().map(read).collect()
}
