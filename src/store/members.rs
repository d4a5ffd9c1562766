//! Rows of membership: who is in which group, by whose word.
//!
//! A member has a row in a group for each origin that has named it, and is a member as long as it has
//! any: membership is the union of the rows. Who sees which of them is [`Seen`].

use serde_json::json;

use super::pos::PLACE_BITS;
use super::steps::{append, step};
use super::{Param, Pos, Row, Sql, StoreError, hidden};
use crate::scim::schema::{Registry, ResourceType};

/// One membership: the member, and its display as sent.
pub type MemberRow = (i64, Option<String>);

/// Which rows of membership a client sees.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Seen<'a> {
    /// All of them, which is what a key without a connection sees.
    All,
    /// Those of one origin, and those that connections which have left had named.
    Of {
        /// The origin.
        origin: &'a str,
        /// The origins of the connections that are there, as a JSON array.
        present: &'a str,
        /// Whether some user is hidden from the connection of the origin.
        hides: bool,
    },
}

/// The origin of what is written by keys without a connection.
const ADMIN: &str = "admin";

/// The origin of memberships that mappings grant. Nobody writes them.
pub const MAPPING: &str = "mapping";

/// The origin of what is written by the keys of a connection, or by those without one.
pub fn origin_of(connection: Option<&str>) -> String {
    connection.map_or(ADMIN.to_owned(), |id| format!("scim:{id}"))
}

impl<'a> Seen<'a> {
    /// A condition on the origin of a row, to stand behind another; its parameters are numbered from
    /// `first` on.
    pub(super) fn and(self, column: &str, first: usize) -> String {
        match self {
            Self::All => String::new(),
            // Looked for in a text, since out of a list each origin would count as a row read.
            Self::Of { .. } => format!(
                " AND ({column} = +?{first} OR (substr({column}, 1, 5) = 'scim:'
                    AND instr(?{}, json_quote({column})) = 0))",
                first.saturating_add(1)
            ),
        }
    }

    /// The values of the condition's parameters.
    pub(super) fn params(self) -> Vec<Param<'a>> {
        match self {
            Self::All => Vec::new(),
            Self::Of { origin, present, .. } => vec![Param::Text(origin), Param::Text(present)],
        }
    }
}

/// The memberships of a group, of members among given positions or of all, with their displays as
/// sent and by whose word they are there.
///
/// # Errors
/// As [`Sql::query`]; so for all functions here.
pub fn present(
    sql: &dyn Sql,
    group: Pos,
    among: Option<&[i64]>,
) -> Result<Vec<(MemberRow, String)>, StoreError> {
    let group = Param::Integer(group.value());
    let rows = match among {
        Some(among) => sql.query(
            "SELECT m.member, m.display, m.origin FROM json_each(?2) j CROSS JOIN members m
             ON m.grp = +?1 AND m.member = j.value",
            &[group, Param::Text(&json!(among).to_string())],
        )?,
        None => {
            sql.query("SELECT member, display, origin FROM members WHERE grp = +?1", &[group])?
        }
    };
    let read = |row: &Row| {
        let member = (row.integer(0)?, row.text_or_null(1)?.map(str::to_owned));
        Ok((member, row.text(2)?.to_owned()))
    };
    rows.iter().map(read).collect()
}

/// The names by which members are shown that nobody has given a display, of those at given positions that
/// have one, in order.
pub fn names(sql: &dyn Sql, among: &[i64]) -> Result<Vec<(i64, String)>, StoreError> {
    let rows = sql.query(
        "SELECT r.pos, coalesce(r.doc->>'$.displayName', r.doc->>'$.userName') AS name
         FROM json_each(?1) j CROSS JOIN resources r ON r.pos = j.value
         WHERE name IS NOT NULL ORDER BY r.pos",
        &[Param::Text(&json!(among).to_string())],
    )?;
    rows.iter().map(|row| Ok((row.integer(0)?, row.text(1)?.to_owned()))).collect()
}

/// Adds members that are not there; in halves where one value could not carry them.
pub fn add(
    sql: &dyn Sql,
    group: Pos,
    origin: &str,
    members: &[MemberRow],
) -> Result<(), StoreError> {
    let written = sql.query(
        "INSERT INTO members (grp, member, origin, display)
         SELECT ?1, value->>0, ?2, value->>1 FROM json_each(?3)",
        &[
            Param::Integer(group.value()),
            Param::Text(origin),
            Param::Text(&json!(members).to_string()),
        ],
    );
    match written {
        Err(error) if error.is_too_big() && members.len() > 1 => {
            let (some, others) = members.split_at(members.len() / 2);
            add(sql, group, origin, some)?;
            add(sql, group, origin, others)
        }
        written => written.map(|_| ()),
    }
}

/// Gives a member that is there by the word of an origin another display.
pub fn rename(
    sql: &dyn Sql,
    group: Pos,
    origin: &str,
    member: i64,
    display: &str,
) -> Result<(), StoreError> {
    sql.query(
        "UPDATE members SET display = ?3 WHERE grp = +?1 AND member = +?2 AND origin = +?4",
        &[
            Param::Integer(group.value()),
            Param::Integer(member),
            Param::Text(display),
            Param::Text(origin),
        ],
    )?;
    Ok(())
}

/// Removes members that are there by the word of an origin.
pub fn remove(sql: &dyn Sql, group: Pos, origin: &str, members: &[i64]) -> Result<(), StoreError> {
    let (group, origin) = (Param::Integer(group.value()), Param::Text(origin));
    match members {
        // What mostly happens, at the cost of fewer rows.
        [member] => sql.query(
            "DELETE FROM members WHERE grp = +?1 AND member = +?2 AND origin = +?3",
            &[group, Param::Integer(*member), origin],
        )?,
        members => sql.query(
            "DELETE FROM members WHERE grp = +?1
             AND member IN (SELECT value FROM json_each(?2)) AND origin = +?3",
            &[group, Param::Text(&json!(members).to_string()), origin],
        )?,
    };
    Ok(())
}

/// The positions of ids; `None` where there is no such resource. In the order given; in halves
/// where one value could not carry them.
pub fn resolve(sql: &dyn Sql, ids: &[&str]) -> Result<Vec<Option<Pos>>, StoreError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sql.query(
        "SELECT r.pos FROM json_each(?1) j LEFT JOIN resources r ON r.id = j.value",
        &[Param::Text(&json!(ids).to_string())],
    );
    let rows = match rows {
        Err(error) if error.is_too_big() => {
            let (some, others) = ids.split_at(ids.len() / 2);
            if some.is_empty() {
                return Ok(vec![None]); // No id is as long as that.
            }
            return Ok([resolve(sql, some)?, resolve(sql, others)?].concat());
        }
        rows => rows?,
    };
    let read = |row: &Row| match row.0.first() {
        Some(super::Cell::Null) => Ok(None),
        _ => row.integer(0).map(|value| Some(Pos::stored(value))),
    };
    rows.iter().map(read).collect()
}

/// The ids of the resources at positions, those that have been deleted left out.
pub fn ids(sql: &dyn Sql, positions: &[i64]) -> Result<Vec<String>, StoreError> {
    let rows = sql.query(
        "SELECT r.id FROM json_each(?1) j CROSS JOIN resources r ON r.pos = j.value",
        &[Param::Text(&json!(positions).to_string())],
    )?;
    rows.iter().map(|row| row.text(0).map(str::to_owned)).collect()
}

/// Whether some group is a member of another.
pub fn any_nested(sql: &dyn Sql, group_type: u8) -> Result<bool, StoreError> {
    let (low, high) = Pos::range(group_type);
    let rows = sql.query(
        "SELECT 1 FROM members WHERE member > +?1 AND member < +?2 LIMIT 1",
        &[Param::Integer(low.value()), Param::Integer(high.value())],
    )?;
    Ok(!rows.is_empty())
}

/// Whether a resource is in some group.
pub fn in_any_group(sql: &dyn Sql, member: Pos) -> Result<bool, StoreError> {
    let rows = sql.query(
        "SELECT 1 FROM members WHERE member = +?1 LIMIT 1",
        &[Param::Integer(member.value())],
    )?;
    Ok(!rows.is_empty())
}

/// Whether somebody is a member of a group by a mapping.
pub fn any_by_mapping(sql: &dyn Sql) -> Result<bool, StoreError> {
    let rows = sql.query("SELECT 1 FROM members WHERE origin = 'mapping' LIMIT 1", &[])?;
    Ok(!rows.is_empty())
}

/// The groups of which a user is a member by a mapping, those that have been deleted left out.
pub fn groups_by_mapping(sql: &dyn Sql, user: Pos) -> Result<Vec<Pos>, StoreError> {
    let rows = sql.query(
        "SELECT m.grp FROM members m CROSS JOIN resources g ON g.pos = m.grp
         WHERE m.member = +?1 AND m.origin = 'mapping'",
        &[Param::Integer(user.value())],
    )?;
    rows.iter().map(|row| row.integer(0).map(Pos::stored)).collect()
}

/// The groups in which a client sees a resource as a member, in order, those that have been deleted
/// left out.
pub fn groups_of(
    sql: &dyn Sql,
    member: Pos,
    seen: Seen<'_>,
    limit: usize,
) -> Result<Vec<Pos>, StoreError> {
    let statement = format!(
        "SELECT DISTINCT m.grp FROM members m CROSS JOIN resources g ON g.pos = m.grp
         WHERE m.member = +?1{} ORDER BY m.grp LIMIT +?2",
        seen.and("m.origin", 3)
    );
    let params = [Param::Integer(member.value()), Param::count(limit)];
    let rows = sql.query(&statement, &[&params[..], &seen.params()].concat())?;
    rows.iter().map(|row| row.integer(0).map(Pos::stored)).collect()
}

/// The groups that name a member that no resource is, in the same way.
pub fn groups_naming(
    sql: &dyn Sql,
    value: &str,
    seen: Seen<'_>,
    limit: usize,
) -> Result<Vec<Pos>, StoreError> {
    let statement = format!(
        "SELECT DISTINCT d.grp FROM dangling d CROSS JOIN resources g ON g.pos = d.grp
         WHERE d.value = +?1{} ORDER BY d.grp LIMIT +?2",
        seen.and("d.origin", 3)
    );
    let params = [Param::Text(value), Param::count(limit)];
    let rows = sql.query(&statement, &[&params[..], &seen.params()].concat())?;
    rows.iter().map(|row| row.integer(0).map(Pos::stored)).collect()
}

/// How members are shown.
#[derive(Clone, Copy, Debug)]
pub struct MemberView<'a> {
    /// The base URL below which members are.
    pub base: &'a str,
    /// Whether names are shown.
    pub names: bool,
    /// Which of them are shown. Who sees all is also told by whose word each is there.
    pub seen: Seen<'a>,
}

/// A group's members as the elements of a JSON array, without its brackets: in the order of their
/// creation, and behind them those that no resource is. A member by several origins is several rows:
/// shown once, under the display that the client itself gave it, else under the first.
pub fn shown(sql: &dyn Sql, group: Pos, view: MemberView<'_>) -> Result<Vec<u8>, StoreError> {
    let seen = view.seen.and("m.origin", 5);
    // The client's own origin, what is said of origins, and the last parameter.
    let (own, origins, limit) = match view.seen {
        Seen::All => (format!("'{ADMIN}'"), ", 'origin', json_group_array(m.origin)", "+?5"),
        Seen::Of { .. } => ("+?5".to_owned(), "", "+?7"),
    };
    let unhidden = match view.seen {
        Seen::Of { hides: true, .. } => hidden::none("m.member", 5),
        Seen::All | Seen::Of { .. } => String::new(),
    };
    let display = format!("coalesce(max(iif(m.origin = {own}, m.display, NULL)), min(m.display)");
    let dangling = format!(
        "SELECT count(*), max(value), CAST(group_concat(shown) AS BLOB) FROM (
        SELECT value, json_patch('{{}}', json_object('value', value,
            'display', iif(?3, {display}), NULL){origins})) AS shown
        FROM dangling m WHERE grp = +?1 AND value > +?2{seen}
        GROUP BY value ORDER BY value LIMIT {limit})"
    );
    let members = format!(
        "SELECT count(*), max(member), CAST(group_concat(shown) AS BLOB) FROM (
        SELECT m.member, iif(r.pos IS NULL, NULL, json_patch('{{}}', json_object('value', r.id,
            '$ref', ?4 || {} || '/' || r.id, 'type', {},
            'display', iif(?3, {display}, r.doc->>'$.displayName',
                r.doc->>'$.userName'), NULL){origins}))) AS shown
        FROM members m LEFT JOIN resources r ON r.pos = m.member
        WHERE m.grp = +?1 AND m.member > +?2{seen}{unhidden}
        GROUP BY m.member ORDER BY m.member LIMIT {limit})",
        by_type(|one| &one.endpoint),
        by_type(|one| &one.id),
    );
    let (group, names) = (Param::Integer(group.value()), Param::Integer(view.names.into()));
    let seen = view.seen.params();
    let mut shown = Vec::new();
    let mut after = 0;
    loop {
        let params = [group, Param::Integer(after), names, Param::Text(view.base)];
        let (row, more) = step(sql, &members, &[&params[..], &seen].concat())?;
        append(&mut shown, row.bytes(2)?);
        if !more {
            break;
        }
        after = row.integer(1)?;
    }
    let mut after = String::new();
    loop {
        let params = [group, Param::Text(&after), names, Param::Text(view.base)];
        let (row, more) = step(sql, &dangling, &[&params[..], &seen].concat())?;
        append(&mut shown, row.bytes(2)?);
        if !more {
            return Ok(shown);
        }
        after = row.text(1)?.to_owned();
    }
}

/// An expression: what the table of types says of that of the resource `r`.
fn by_type(what: fn(&ResourceType) -> &str) -> String {
    let types = Registry::whole().types().map(|schema| schema.resource_type);
    let cases: String =
        types.map(|one| format!(" WHEN {} THEN '{}'", one.number, what(one))).collect();
    format!("CASE r.pos >> {PLACE_BITS}{cases} END")
}
