//! Memberships as a snapshot walks through them: each once, by whosever word it is there.

use super::{Param, Row, Sql, StoreError};

/// A membership, with where it stands in the order: the positions of the group and the member.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Membership {
    /// Where it stands.
    pub place: (i64, i64),
    /// The id of the group.
    pub group: String,
    /// The id of the member.
    pub member: String,
}

/// The memberships behind a place, at most `limit`; those of resources that have been deleted are left
/// out.
///
/// # Errors
/// As [`Sql::query`].
pub fn memberships(
    sql: &dyn Sql,
    (group, member): (i64, i64),
    limit: usize,
) -> Result<Vec<Membership>, StoreError> {
    let rows = sql.query(
        "SELECT m.grp, m.member, g.id, r.id FROM members m
         CROSS JOIN resources g ON g.pos = m.grp CROSS JOIN resources r ON r.pos = m.member
         WHERE (m.grp, m.member) > (?1, ?2)
         GROUP BY m.grp, m.member ORDER BY m.grp, m.member LIMIT +?3",
        &[Param::Integer(group), Param::Integer(member), Param::count(limit)],
    )?;
    let read = |row: &Row| {
        Ok(Membership {
            place: (row.integer(0)?, row.integer(1)?),
            group: row.text(2)?.to_owned(),
            member: row.text(3)?.to_owned(),
        })
    };
    rows.iter().map(read).collect()
}
