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

/// Where a walk through grants stands: the user's position, and the grant's role, scope and source.
pub type GrantPlace = (i64, String, String, String);

/// Which grants are walked through.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Which {
    /// What stands whatever mappings say.
    Standing,
    /// What is held and counted.
    Counted,
    /// What waits for a place of a quota.
    Waiting,
}

/// A grant as it moves: whose it is, where it was read, and after which event it began.
pub type MovedGrant = (String, GrantPlace, i64);

/// Where a walk through those stands whom connections do not see: the connection, and the user's position.
pub type HiddenPlace = (String, i64);

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

/// What stands whatever mappings say, is counted, or waits, behind a place, at most `limit`.
pub fn grants(
    sql: &dyn Sql,
    which: Which,
    (user, role, scope, source): &GrantPlace,
    limit: usize,
) -> Result<Vec<MovedGrant>, StoreError> {
    let column = match which {
        Which::Standing => "standing",
        Which::Counted => "counted",
        Which::Waiting => "waiting",
    };
    let statement = format!(
        "SELECT r.id, g.pos, g.role, g.scope, g.source, g.since FROM grants g
         CROSS JOIN resources r ON r.pos = g.pos
         WHERE (g.pos, g.role, g.scope, g.source) > (?1, ?2, ?3, ?4) AND g.{column} = 1
         ORDER BY g.pos, g.role, g.scope, g.source LIMIT +?5"
    );
    let texts = [role, scope, source].map(|text| Param::Text(text));
    let params: Vec<Param<'_>> =
        [Param::Integer(*user)].into_iter().chain(texts).chain([Param::count(limit)]).collect();
    let read = |row: &Row| {
        let text = |column| row.text(column).map(str::to_owned);
        let place = (row.integer(1)?, text(2)?, text(3)?, text(4)?);
        Ok((text(0)?, place, row.integer(5)?))
    };
    sql.query(&statement, &params)?.iter().map(read).collect()
}

/// Whose access is suspended, behind an id, at most `limit`: since when, and whether for having stayed
/// away. Of users who were deleted nothing moves.
pub fn suspensions(
    sql: &dyn Sql,
    after: &str,
    limit: usize,
) -> Result<Vec<(String, i64, bool)>, StoreError> {
    let statement = "SELECT s.user, s.since, s.stale FROM suspensions s
         CROSS JOIN resources r ON r.id = s.user WHERE s.user > +?1 ORDER BY s.user LIMIT +?2";
    let rows = sql.query(statement, &[Param::Text(after), Param::count(limit)])?;
    let read = |row: &Row| Ok((row.text(0)?.to_owned(), row.integer(1)?, row.integer(2)? != 0));
    rows.iter().map(read).collect()
}

/// Whom connections do not see, behind a place: the users' ids and where each is, at most `limit`.
pub fn hidden(
    sql: &dyn Sql,
    (connection, user): &HiddenPlace,
    limit: usize,
) -> Result<Vec<(String, HiddenPlace)>, StoreError> {
    let statement = "SELECT r.id, h.connection, h.user FROM hidden h
         CROSS JOIN resources r ON r.pos = h.user
         WHERE (h.connection, h.user) > (?1, ?2) ORDER BY h.connection, h.user LIMIT +?3";
    let params = [Param::Text(connection), Param::Integer(*user), Param::count(limit)];
    let rows = sql.query(statement, &params)?;
    let read =
        |row: &Row| Ok((row.text(0)?.to_owned(), (row.text(1)?.to_owned(), row.integer(2)?)));
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

/// Notes that an import has taken what a line says of a user; whether none had before.
pub fn note_moved(sql: &dyn Sql, user: Pos, line: &str) -> Result<bool, StoreError> {
    let rows = sql.query(
        "INSERT INTO moved (user, line) VALUES (?1, ?2) ON CONFLICT DO NOTHING RETURNING 1",
        &[Param::Integer(user.value()), Param::Text(line)],
    )?;
    Ok(!rows.is_empty())
}

/// Whether an import has taken anything.
pub fn any_moved(sql: &dyn Sql) -> Result<bool, StoreError> {
    Ok(!sql.query("SELECT 1 FROM moved LIMIT 1", &[])?.is_empty())
}

/// Forgets what was taken of a user, who is deleted.
pub fn forget_moved(sql: &dyn Sql, user: Pos) -> Result<(), StoreError> {
    sql.query("DELETE FROM moved WHERE user = +?1", &[Param::Integer(user.value())])?;
    Ok(())
}

/// Notes that an import has come to its end: from then on users hold what they were computed to.
pub fn end(sql: &dyn Sql) -> Result<(), StoreError> {
    note_moved(sql, NOBODY, "end").map(|_| ())
}

/// Whether an import has come to its end.
pub fn has_ended(sql: &dyn Sql) -> Result<bool, StoreError> {
    let rows = sql
        .query("SELECT 1 FROM moved WHERE user = +?1 LIMIT 1", &[Param::Integer(NOBODY.value())])?;
    Ok(!rows.is_empty())
}

/// Where nobody stands.
const NOBODY: Pos = Pos::stored(0);
