//! Rows as they move from one tenant to another: read in the order of their keys, a page at a time,
//! and written where they are not there yet.

use super::{Param, Pos, Row, Sql, StoreError};
use crate::scim::fold::fold;

/// A resource as it moves: its row whole.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MovedResource {
    /// Where it stands.
    pub pos: Pos,
    /// Its version's number.
    pub rev: i64,
    /// By whose word it is there.
    pub origin: String,
    /// The connection that manages it, if one does.
    pub manager: Option<String>,
    /// Its document.
    pub doc: Vec<u8>,
}

/// Where a walk through membership rows stands: the group's position, the member (a position, or a
/// text that no resource is), and the origin.
pub type Place<M> = (i64, M, String);

/// A membership as it moves, with the place at which it was read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MovedMember<M> {
    /// Where it stands in the order.
    pub place: Place<M>,
    /// The id of the group.
    pub group: String,
    /// The id of the member, or the text that no resource is.
    pub member: String,
    /// Its display as sent.
    pub display: Option<String>,
}

/// The positions of the resources behind one, at most `limit`, and how many bytes each has.
///
/// # Errors
/// As [`Sql::query`]; so for all functions here.
pub fn sizes(sql: &dyn Sql, after: i64, limit: usize) -> Result<Vec<(i64, i64)>, StoreError> {
    let statement = "SELECT pos, octet_length(doc) FROM resources
         WHERE pos > +?1 ORDER BY pos LIMIT +?2";
    let rows = sql.query(statement, &[Param::Integer(after), Param::count(limit)])?;
    rows.iter().map(|row| Ok((row.integer(0)?, row.integer(1)?))).collect()
}

/// The resources behind a position, up to another.
pub fn resources(sql: &dyn Sql, after: i64, until: i64) -> Result<Vec<MovedResource>, StoreError> {
    let statement = "SELECT pos, rev, origin, manager, CAST(doc AS BLOB) FROM resources
         WHERE pos > +?1 AND pos <= +?2 ORDER BY pos";
    let rows = sql.query(statement, &[Param::Integer(after), Param::Integer(until)])?;
    let read = |row: &Row| {
        Ok(MovedResource {
            pos: Pos::stored(row.integer(0)?),
            rev: row.integer(1)?,
            origin: row.text(2)?.to_owned(),
            manager: row.text_or_null(3)?.map(str::to_owned),
            doc: row.bytes(4)?.to_vec(),
        })
    };
    rows.iter().map(read).collect()
}

/// The memberships behind a place, at most `limit`; those of resources that have been deleted are
/// left out.
pub fn members(
    sql: &dyn Sql,
    (group, member, origin): &Place<i64>,
    limit: usize,
) -> Result<Vec<MovedMember<i64>>, StoreError> {
    let statement = "SELECT m.grp, m.member, m.origin, g.id, r.id, m.display FROM members m
         CROSS JOIN resources g ON g.pos = m.grp CROSS JOIN resources r ON r.pos = m.member
         WHERE (m.grp, m.member, m.origin) > (?1, ?2, ?3)
         ORDER BY m.grp, m.member, m.origin LIMIT +?4";
    let params =
        [Param::Integer(*group), Param::Integer(*member), Param::Text(origin), Param::count(limit)];
    let rows = sql.query(statement, &params)?;
    let read = |row: &Row| {
        let place = (row.integer(0)?, row.integer(1)?, row.text(2)?.to_owned());
        moved(row, place, row.text(4)?)
    };
    rows.iter().map(read).collect()
}

/// The members that no resource is behind a place, in the same way.
pub fn dangling(
    sql: &dyn Sql,
    (group, value, origin): &Place<String>,
    limit: usize,
) -> Result<Vec<MovedMember<String>>, StoreError> {
    let statement = "SELECT d.grp, d.value, d.origin, g.id, d.value, d.display FROM dangling d
         CROSS JOIN resources g ON g.pos = d.grp
         WHERE (d.grp, d.value, d.origin) > (?1, ?2, ?3)
         ORDER BY d.grp, d.value, d.origin LIMIT +?4";
    let params =
        [Param::Integer(*group), Param::Text(value), Param::Text(origin), Param::count(limit)];
    let rows = sql.query(statement, &params)?;
    let read = |row: &Row| {
        let place = (row.integer(0)?, row.text(1)?.to_owned(), row.text(2)?.to_owned());
        moved(row, place, row.text(4)?)
    };
    rows.iter().map(read).collect()
}

fn moved<M>(row: &Row, place: Place<M>, member: &str) -> Result<MovedMember<M>, StoreError> {
    Ok(MovedMember {
        place,
        group: row.text(3)?.to_owned(),
        member: member.to_owned(),
        display: row.text_or_null(5)?.map(str::to_owned),
    })
}

/// Adds a membership, unless it is there; whether it was added.
pub fn add_member(
    sql: &dyn Sql,
    group: Pos,
    member: Pos,
    origin: &str,
    display: Option<&str>,
) -> Result<bool, StoreError> {
    let rows = sql.query(
        "INSERT INTO members (grp, member, origin, display) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT DO NOTHING RETURNING 1",
        &[
            Param::Integer(group.value()),
            Param::Integer(member.value()),
            Param::Text(origin),
            display.map_or(Param::Null, Param::Text),
        ],
    )?;
    Ok(!rows.is_empty())
}

/// Adds a member that no resource is, in the same way.
pub fn add_dangling(
    sql: &dyn Sql,
    group: Pos,
    value: &str,
    origin: &str,
    display: Option<&str>,
) -> Result<bool, StoreError> {
    let rows = sql.query(
        "INSERT INTO dangling (grp, value, origin, display, key) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT DO NOTHING RETURNING 1",
        &[
            Param::Integer(group.value()),
            Param::Text(value),
            Param::Text(origin),
            display.map_or(Param::Null, Param::Text),
            Param::Text(&fold(value)),
        ],
    )?;
    Ok(!rows.is_empty())
}

/// Counts members that a group has gained.
pub fn grow(sql: &dyn Sql, group: Pos, by: i64) -> Result<(), StoreError> {
    sql.query(
        "UPDATE resources SET members = members + ?2 WHERE pos = +?1",
        &[Param::Integer(group.value()), Param::Integer(by)],
    )?;
    Ok(())
}
