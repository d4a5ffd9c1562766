//! Rows of grants: what users may do, and what was granted to them by hand or once for all.
//!
//! A row is of a user, what is granted, its scope and its source. One that stands is there whatever
//! the mappings say; one that is held is what the application has to honour; one that waits would be, had
//! a quota a place for it. The row of a group has the group's name for a role, and an empty scope.

use super::resources::{LookupKey, attribute};
use super::{Param, Pos, Row, Sql, StoreError};
use crate::scim::schema::GROUP;

/// A row.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct GrantRow {
    /// The role, or the name of a group.
    pub role: String,
    /// Where it holds; empty of a group.
    pub scope: String,
    /// Where it comes from.
    pub source: String,
    /// Whether it is there whatever the mappings say.
    pub standing: bool,
    /// Whether it has to be honoured.
    pub held: bool,
    /// Whether it has to be honoured as soon as a quota has a place for it.
    pub waiting: bool,
    /// The last event before it was granted, or before it began to wait.
    pub since: i64,
}

impl GrantRow {
    /// Whether it is of a role.
    pub fn is_of_role(&self, role: &str) -> bool {
        !self.scope.is_empty() && self.role == role
    }
}

/// Whether there is any.
///
/// # Errors
/// As [`Sql::query`]; so for all functions here.
pub fn any(sql: &dyn Sql) -> Result<bool, StoreError> {
    Ok(!sql.query("SELECT 1 FROM grants LIMIT 1", &[])?.is_empty())
}

/// The grants of a user, in the order of their keys.
pub fn of_user(sql: &dyn Sql, user: Pos) -> Result<Vec<GrantRow>, StoreError> {
    let rows = sql.query(
        "SELECT role, scope, source, standing, held, since, waiting FROM grants
         WHERE pos = +?1 ORDER BY role, scope, source",
        &[Param::Integer(user.value())],
    )?;
    let read = |row: &Row| {
        Ok(GrantRow {
            role: row.text(0)?.to_owned(),
            scope: row.text(1)?.to_owned(),
            source: row.text(2)?.to_owned(),
            standing: row.integer(3)? != 0,
            held: row.integer(4)? != 0,
            since: row.integer(5)?,
            waiting: row.integer(6)? != 0,
        })
    };
    rows.iter().map(read).collect()
}

/// Writes a grant in the place of the one of its key, if there is one. `counted` says whether those who
/// hold it are counted.
pub fn put(sql: &dyn Sql, user: Pos, row: &GrantRow, counted: bool) -> Result<(), StoreError> {
    sql.query(
        "INSERT INTO grants (pos, role, scope, source, standing, held, since, counted, waiting)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
         ON CONFLICT DO UPDATE SET standing = ?5, held = ?6, since = ?7, counted = ?8, waiting = ?9",
        &[
            Param::Integer(user.value()),
            Param::Text(&row.role),
            Param::Text(&row.scope),
            Param::Text(&row.source),
            Param::Integer(row.standing.into()),
            Param::Integer(row.held.into()),
            Param::Integer(row.since),
            Param::Integer((row.held && counted).into()),
            Param::Integer(row.waiting.into()),
        ],
    )?;
    Ok(())
}

/// Removes a grant.
pub fn delete(sql: &dyn Sql, user: Pos, row: &GrantRow) -> Result<(), StoreError> {
    sql.query(
        "DELETE FROM grants
         WHERE pos = +?1 AND role = +?2 AND scope = +?3 AND source = +?4",
        &[
            Param::Integer(user.value()),
            Param::Text(&row.role),
            Param::Text(&row.scope),
            Param::Text(&row.source),
        ],
    )?;
    Ok(())
}

/// Removes all grants of a user.
pub fn delete_of(sql: &dyn Sql, user: Pos) -> Result<(), StoreError> {
    sql.query("DELETE FROM grants WHERE pos = +?1", &[Param::Integer(user.value())])?;
    Ok(())
}

/// Whether anybody is granted a group.
pub fn any_of_groups(sql: &dyn Sql) -> Result<bool, StoreError> {
    Ok(!sql.query("SELECT 1 FROM grants WHERE scope = '' LIMIT 1", &[])?.is_empty())
}

/// The users who are granted the group of a name, at most `limit`.
pub fn granted_group(sql: &dyn Sql, name: &str, limit: usize) -> Result<Vec<Pos>, StoreError> {
    let rows = sql.query(
        "SELECT DISTINCT pos FROM grants WHERE scope = '' AND role = +?1 ORDER BY pos LIMIT +?2",
        &[Param::Text(name), Param::count(limit)],
    )?;
    rows.iter().map(|row| row.integer(0).map(Pos::stored)).collect()
}

/// How many other users hold what is counted.
pub fn others(sql: &dyn Sql, role: &str, user: Pos) -> Result<u32, StoreError> {
    let rows = sql.query(
        "SELECT count(DISTINCT pos) FROM grants
         WHERE counted = 1 AND role = +?1 AND pos <> +?2",
        &[Param::Text(role), Param::Integer(user.value())],
    )?;
    let count = rows.first().map_or(Ok(0), |row| row.integer(0))?;
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}

/// The user who has waited longest for a role, if somebody does.
pub fn first_waiting(sql: &dyn Sql, role: &str) -> Result<Option<Pos>, StoreError> {
    let rows = sql.query(
        "SELECT pos FROM grants WHERE waiting = 1 AND role = +?1 ORDER BY since, pos LIMIT 1",
        &[Param::Text(role)],
    )?;
    rows.first().map(|row| row.integer(0).map(Pos::stored)).transpose()
}

/// Says anew what is counted: those roles and no others.
pub fn count_only(sql: &dyn Sql, roles: &[String]) -> Result<(), StoreError> {
    let list = serde_json::Value::from(roles).to_string();
    sql.query(
        "UPDATE grants SET counted = 1 - counted
         WHERE counted <> (held AND scope <> '' AND role IN (SELECT value FROM json_each(?1)))",
        &[Param::Text(&list)],
    )?;
    Ok(())
}

/// A group that a user is in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct GroupOf {
    /// Its id.
    pub id: String,
    /// Its `displayName`.
    pub display: Option<String>,
    /// Its `externalId`.
    pub external_id: Option<String>,
    /// Whether the user is a member, and not only one of its members'.
    pub direct: bool,
}

/// A group that was found by a value.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FoundGroup {
    /// Where it stands.
    pub pos: Pos,
    /// Its `displayName`.
    pub display: Option<String>,
    /// What it is to the application, where that is said.
    pub kind: Option<String>,
}

/// The groups that a user is in, without those memberships for which some origins alone vouch, nor those
/// that follow from mappings; `nested` where groups may be in groups.
pub fn groups_of(
    sql: &dyn Sql,
    user: Pos,
    except: &[String],
    nested: bool,
) -> Result<Vec<GroupOf>, StoreError> {
    const DIRECT: &str = "SELECT g.id, g.doc->>'$.displayName', g.doc->>'$.externalId', 1
        FROM members m CROSS JOIN resources g ON g.pos = m.grp
        WHERE m.member = +?1 AND {heard} GROUP BY m.grp";
    const NESTED: &str = "WITH RECURSIVE up (pos, direct) AS (
            SELECT m.grp, 1 FROM members m CROSS JOIN resources g ON g.pos = m.grp
            WHERE m.member = +?1 AND {heard}
            UNION
            SELECT m.grp, 0 FROM up CROSS JOIN members m ON m.member = up.pos
            CROSS JOIN resources g ON g.pos = m.grp WHERE {heard})
        SELECT g.id, g.doc->>'$.displayName', g.doc->>'$.externalId', max(up.direct)
        FROM up CROSS JOIN resources g ON g.pos = up.pos GROUP BY up.pos ORDER BY up.pos";
    // Each element of a list would count as a row read; in its text, an origin is a word in quotes.
    let heard = r#"m.origin <> 'mapping' AND instr(?2, '"' || m.origin || '"') = 0"#;
    let statement = if nested { NESTED } else { DIRECT }.replace("{heard}", heard);
    let except = serde_json::Value::from(except).to_string();
    let params = [Param::Integer(user.value()), Param::Text(&except)];
    let rows = sql.query(&statement, &params)?;
    let read = |row: &Row| {
        let text = |column| row.text_or_null(column).map(|text| text.map(str::to_owned));
        Ok(GroupOf {
            id: row.text(0)?.to_owned(),
            display: text(1)?,
            external_id: text(2)?,
            direct: row.integer(3)? != 0,
        })
    };
    rows.iter().map(read).collect()
}

/// The groups that a value finds, in order, at most `limit`: with their `displayName` and kind.
pub fn groups_found(
    sql: &dyn Sql,
    (number, key): &LookupKey,
    limit: usize,
) -> Result<Vec<FoundGroup>, StoreError> {
    let rows = sql.query(
        "SELECT g.pos, g.doc->>'$.displayName', g.doc->>'$.\"urn:muster:scim:1.0:Group\".kind'
         FROM lookups l CROSS JOIN resources g ON g.pos = l.pos
         WHERE l.attribute = +?1 AND l.key = +?2 ORDER BY l.pos LIMIT +?3",
        &[Param::Integer(attribute(GROUP, *number)), Param::Text(key), Param::count(limit)],
    )?;
    let read = |row: &Row| {
        let text = |column| row.text_or_null(column).map(|text| text.map(str::to_owned));
        Ok(FoundGroup { pos: Pos::stored(row.integer(0)?), display: text(1)?, kind: text(2)? })
    };
    rows.iter().map(read).collect()
}

/// The members of a group, at most `limit`.
pub fn members_of(sql: &dyn Sql, group: Pos, limit: usize) -> Result<Vec<Pos>, StoreError> {
    let rows = sql.query(
        "SELECT DISTINCT member FROM members WHERE grp = +?1 ORDER BY member LIMIT +?2",
        &[Param::Integer(group.value()), Param::count(limit)],
    )?;
    rows.iter().map(|row| row.integer(0).map(Pos::stored)).collect()
}

/// How many users hold something that comes from a source, of as many grants as one request looks
/// through.
pub fn holders_by(sql: &dyn Sql, source: &str, limit: usize) -> Result<i64, StoreError> {
    let rows = sql.query(
        "SELECT count(DISTINCT pos) FROM (SELECT pos, source, held FROM grants LIMIT +?2)
         WHERE source = +?1 AND held = 1",
        &[Param::Text(source), Param::count(limit)],
    )?;
    rows.first().map_or(Ok(0), |row| row.integer(0))
}

/// The users who hold what is counted, those who have held it longest first, at most `limit`.
pub fn holders(sql: &dyn Sql, role: &str, limit: usize) -> Result<Vec<Pos>, StoreError> {
    let rows = sql.query(
        "SELECT pos FROM grants WHERE counted = 1 AND role = +?1
         GROUP BY pos ORDER BY min(since), pos LIMIT +?2",
        &[Param::Text(role), Param::count(limit)],
    )?;
    rows.iter().map(|row| row.integer(0).map(Pos::stored)).collect()
}

/// The same without those whom a connection manages.
pub fn holders_but_of(
    sql: &dyn Sql,
    role: &str,
    connection: &str,
    limit: usize,
) -> Result<Vec<Pos>, StoreError> {
    let rows = sql.query(
        "SELECT g.pos FROM grants g CROSS JOIN resources r ON r.pos = g.pos
         WHERE g.counted = 1 AND g.role = +?1 AND r.manager IS NOT +?2
         GROUP BY g.pos ORDER BY min(g.since), g.pos LIMIT +?3",
        &[Param::Text(role), Param::Text(connection), Param::count(limit)],
    )?;
    rows.iter().map(|row| row.integer(0).map(Pos::stored)).collect()
}
