//! Rows of resources and of the values by which they are found.

use super::hidden::Veil;
use super::pos::PLACE_BITS;
use super::{Param, Pos, Row, Sql, StoreError};
use crate::limits;

/// A resource's row.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ResourceRow {
    /// Where it stands.
    pub pos: Pos,
    /// Its version's number.
    pub rev: i64,
    /// How many membership rows it has, if it is a group.
    pub members: i64,
    /// The connection that manages it, if one does.
    pub manager: Option<String>,
    /// Its document.
    pub doc: Vec<u8>,
}

/// What is known of a type without reading its resources.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct TypeCount {
    /// How many there are.
    pub live: i64,
    /// The place last given.
    pub last: i64,
}

/// One value by which a resource is found: the attribute's number, and the value's key.
pub type LookupKey = (u8, String);

/// Added to an attribute's number where a resource has no value of it. The key is then empty.
pub const ABSENT: u8 = 0x80;

/// The number under which the values of a type's attribute are stored.
pub(super) const fn attribute(type_number: u8, number: u8) -> i64 {
    ((type_number as i64) << u8::BITS) | number as i64
}

/// A moment that a document tells, in a form whose order is that of time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Moment {
    /// `meta.created`.
    Created,
    /// `meta.lastModified`.
    LastModified,
}

impl Moment {
    /// What an index is over, word for word.
    pub(super) const fn column(self) -> &'static str {
        match self {
            Self::Created => "doc->>'$.meta.created'",
            Self::LastModified => "doc->>'$.meta.lastModified'",
        }
    }
}

/// The counts of all types that have ever had a resource.
///
/// # Errors
/// As [`Sql::query`]; so for all functions here.
pub fn counts(sql: &dyn Sql) -> Result<Vec<(u8, TypeCount)>, StoreError> {
    let read = |row: &Row| {
        let number = u8::try_from(row.integer(0)?).map_err(|e| StoreError::new(e.to_string()))?;
        Ok((number, TypeCount { live: row.integer(1)?, last: row.integer(2)? }))
    };
    sql.query("SELECT number, live, last FROM types", &[])?.iter().map(read).collect()
}

/// The greatest id there is.
pub fn last_id(sql: &dyn Sql) -> Result<Option<String>, StoreError> {
    let rows = sql.query("SELECT id FROM resources ORDER BY id DESC LIMIT 1", &[])?;
    rows.first().map(|row| row.text(0).map(str::to_owned)).transpose()
}

/// The row of an id.
pub fn by_id(sql: &dyn Sql, id: &str) -> Result<Option<ResourceRow>, StoreError> {
    const STATEMENT: &str =
        "SELECT pos, rev, members, manager, CAST(doc AS BLOB) FROM resources WHERE id = +?1";
    let rows = sql.query(STATEMENT, &[Param::Text(id)])?;
    rows.first().map(read).transpose()
}

/// The row at a position.
pub fn at(sql: &dyn Sql, pos: Pos) -> Result<Option<ResourceRow>, StoreError> {
    const STATEMENT: &str =
        "SELECT pos, rev, members, manager, CAST(doc AS BLOB) FROM resources WHERE pos = +?1";
    let rows = sql.query(STATEMENT, &[Param::Integer(pos.value())])?;
    rows.first().map(read).transpose()
}

fn read(row: &Row) -> Result<ResourceRow, StoreError> {
    Ok(ResourceRow {
        pos: Pos::stored(row.integer(0)?),
        rev: row.integer(1)?,
        members: row.integer(2)?,
        manager: row.text_or_null(3)?.map(str::to_owned),
        doc: row.bytes(4)?.to_vec(),
    })
}

/// Adds a resource's row and the values by which it is found, and counts it.
pub fn insert(
    sql: &dyn Sql,
    row: &ResourceRow,
    id: &str,
    origin: &str,
    keys: &[LookupKey],
    count: TypeCount,
) -> Result<(), StoreError> {
    sql.query(
        "INSERT INTO resources (pos, id, rev, origin, members, doc, manager)
         VALUES (?1, ?2, ?3, ?4, ?5, CAST(?6 AS TEXT), ?7)",
        &[
            Param::Integer(row.pos.value()),
            Param::Text(id),
            Param::Integer(row.rev),
            Param::Text(origin),
            Param::Integer(row.members),
            Param::Blob(&row.doc),
            row.manager.as_deref().map_or(Param::Null, Param::Text),
        ],
    )?;
    add_keys(sql, row.pos, keys)?;
    set_count(sql, row.pos.type_number(), count)
}

/// Writes a resource's new version.
pub fn update(sql: &dyn Sql, row: &ResourceRow) -> Result<(), StoreError> {
    sql.query(
        "UPDATE resources SET rev = ?2, members = ?3, doc = CAST(?4 AS TEXT), manager = ?5
         WHERE pos = +?1",
        &[
            Param::Integer(row.pos.value()),
            Param::Integer(row.rev),
            Param::Integer(row.members),
            Param::Blob(&row.doc),
            row.manager.as_deref().map_or(Param::Null, Param::Text),
        ],
    )?;
    Ok(())
}

/// Gives a resource another manager, or none; its version stays.
pub fn set_manager(sql: &dyn Sql, pos: Pos, manager: Option<&str>) -> Result<(), StoreError> {
    sql.query(
        "UPDATE resources SET manager = ?2 WHERE pos = +?1",
        &[Param::Integer(pos.value()), manager.map_or(Param::Null, Param::Text)],
    )?;
    Ok(())
}

/// Removes a resource's row and the values by which it is found, and counts it out.
pub fn delete(
    sql: &dyn Sql,
    pos: Pos,
    keys: &[LookupKey],
    count: TypeCount,
) -> Result<(), StoreError> {
    sql.query("DELETE FROM resources WHERE pos = +?1", &[Param::Integer(pos.value())])?;
    remove_keys(sql, pos, keys)?;
    set_count(sql, pos.type_number(), count)
}

fn set_count(sql: &dyn Sql, number: u8, count: TypeCount) -> Result<(), StoreError> {
    sql.query(
        "INSERT INTO types (number, live, last) VALUES (?1, ?2, ?3)
         ON CONFLICT (number) DO UPDATE SET live = excluded.live, last = excluded.last",
        &[Param::Integer(number.into()), Param::Integer(count.live), Param::Integer(count.last)],
    )?;
    Ok(())
}

/// Adds values by which a resource is found.
pub fn add_keys(sql: &dyn Sql, pos: Pos, keys: &[LookupKey]) -> Result<(), StoreError> {
    // Out of a JSON text, each key would count as a row read.
    for step in keys.chunks(limits::LOOKUPS_STEP) {
        let rows = vec!["(?, ?, ?)"; step.len()].join(", ");
        let params = step.iter().flat_map(|(number, key)| {
            let attribute = attribute(pos.type_number(), *number);
            [Param::Integer(attribute), Param::Text(key), Param::Integer(pos.value())]
        });
        sql.query(
            &format!("INSERT INTO lookups (attribute, key, pos) VALUES {rows}"),
            &params.collect::<Vec<_>>(),
        )?;
    }
    Ok(())
}

/// Removes values by which a resource was found.
pub fn remove_keys(sql: &dyn Sql, pos: Pos, keys: &[LookupKey]) -> Result<(), StoreError> {
    for (number, key) in keys {
        let attribute = attribute(pos.type_number(), *number);
        sql.query(
            "DELETE FROM lookups WHERE attribute = +?1 AND key = +?2 AND pos = +?3",
            &[Param::Integer(attribute), Param::Text(key), Param::Integer(pos.value())],
        )?;
    }
    Ok(())
}

/// The resources of a type that a value finds, in order, at most `limit`.
pub fn find(
    sql: &dyn Sql,
    type_number: u8,
    (number, key): &LookupKey,
    limit: usize,
) -> Result<Vec<Pos>, StoreError> {
    const STATEMENT: &str = "SELECT pos FROM lookups
         WHERE attribute = +?1 AND key = +?2 ORDER BY pos LIMIT +?3";
    let params =
        [Param::Integer(attribute(type_number, *number)), Param::Text(key), Param::count(limit)];
    positions(&sql.query(STATEMENT, &params)?)
}

/// The resources of a type that a value finds and that a connection manages, or nobody, at most two.
pub fn managed_by(
    sql: &dyn Sql,
    type_number: u8,
    (number, key): &LookupKey,
    manager: Option<&str>,
) -> Result<Vec<Pos>, StoreError> {
    const STATEMENT: &str = "SELECT l.pos FROM lookups l CROSS JOIN resources r ON r.pos = l.pos
         WHERE l.attribute = +?1 AND l.key = +?2 AND r.manager IS +?3 LIMIT 2";
    let params = [
        Param::Integer(attribute(type_number, *number)),
        Param::Text(key),
        manager.map_or(Param::Null, Param::Text),
    ];
    positions(&sql.query(STATEMENT, &params)?)
}

/// The resources of a type that a value's beginning finds, in no order, at most `limit`.
pub fn find_prefix(
    sql: &dyn Sql,
    type_number: u8,
    (number, prefix): &LookupKey,
    limit: usize,
) -> Result<Vec<Pos>, StoreError> {
    const STATEMENT: &str = "SELECT DISTINCT pos FROM lookups
         WHERE attribute = +?1 AND key >= +?2 AND key < +?3 LIMIT +?4";
    let end = successor(prefix);
    let params = [
        Param::Integer(attribute(type_number, *number)),
        Param::Text(prefix),
        // Every BLOB is above every text.
        end.as_deref().map_or(Param::Blob(&[]), Param::Text),
        Param::count(limit),
    ];
    positions(&sql.query(STATEMENT, &params)?)
}

/// The resources of a type that were created or last changed between two moments, in no order, at
/// most `limit`. Either bound is inclusive, and may be absent.
pub fn find_between(
    sql: &dyn Sql,
    type_number: u8,
    moment: Moment,
    (low, high): (Option<&str>, Option<&str>),
    limit: usize,
) -> Result<Vec<Pos>, StoreError> {
    let column = moment.column();
    let statement = format!(
        "SELECT pos FROM resources
         WHERE pos >> {PLACE_BITS} = +?1 AND {column} >= +?2 AND {column} <= +?3 LIMIT +?4"
    );
    let params = [
        Param::Integer(type_number.into()),
        Param::Text(low.unwrap_or_default()),
        // Every BLOB is above every text.
        high.map_or(Param::Blob(&[]), Param::Text),
        Param::count(limit),
    ];
    positions(&sql.query(&statement, &params)?)
}

/// The least text above all that begin with a prefix; `None` where there is none. Keys are compared
/// by their UTF-8 bytes, which is the order of their scalars.
fn successor(prefix: &str) -> Option<String> {
    let mut rest = prefix.trim_end_matches(char::MAX).to_owned();
    let last = rest.pop()?;
    let next = (last..=char::MAX).nth(1)?;
    rest.push(next);
    Some(rest)
}

/// The position of the resource that is `offset` places behind `after` in its type's order.
pub fn skip(
    sql: &dyn Sql,
    after: Pos,
    offset: i64,
    type_number: u8,
    veil: Veil<'_>,
) -> Result<Option<Pos>, StoreError> {
    let statement = format!(
        "SELECT pos FROM resources
         WHERE pos > +?1 AND pos < +?2{} ORDER BY pos LIMIT 1 OFFSET +?3",
        veil.and("resources.pos", 4)
    );
    let (_, high) = Pos::range(type_number);
    let params = [
        Param::Integer(after.value()),
        Param::Integer(high.value()),
        Param::Integer(offset.saturating_sub(1)),
    ];
    let params = params.into_iter().chain(veil.connection().map(Param::Text));
    Ok(positions(&sql.query(&statement, &params.collect::<Vec<_>>())?)?.first().copied())
}

/// The resources of a type that stand in front of a position, the nearest first, at most `limit`.
pub fn before(
    sql: &dyn Sql,
    pos: Pos,
    limit: usize,
    type_number: u8,
    veil: Veil<'_>,
) -> Result<Vec<Pos>, StoreError> {
    let statement = format!(
        "SELECT pos FROM resources
         WHERE pos > +?1 AND pos < +?2{} ORDER BY pos DESC LIMIT +?3",
        veil.and("resources.pos", 4)
    );
    let (low, high) = Pos::range(type_number);
    let params =
        [Param::Integer(low.value()), Param::Integer(pos.min(high).value()), Param::count(limit)];
    let params = params.into_iter().chain(veil.connection().map(Param::Text));
    positions(&sql.query(&statement, &params.collect::<Vec<_>>())?)
}

/// The resources between two positions, in order, at most `limit`.
pub fn between(
    sql: &dyn Sql,
    (after, end): (Pos, Pos),
    limit: usize,
) -> Result<Vec<Pos>, StoreError> {
    const STATEMENT: &str =
        "SELECT pos FROM resources WHERE pos > +?1 AND pos < +?2 ORDER BY pos LIMIT +?3";
    let params = [Param::Integer(after.value()), Param::Integer(end.value()), Param::count(limit)];
    positions(&sql.query(STATEMENT, &params)?)
}

fn positions(rows: &[Row]) -> Result<Vec<Pos>, StoreError> {
    rows.iter().map(|row| row.integer(0).map(Pos::stored)).collect()
}
