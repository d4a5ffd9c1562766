//! Resources as they are shown: documents with location and groups, as bytes and not as rows.
//!
//! One statement answers one text and one BLOB however many resources there are, since rows are
//! what is dear to carry into wasm. A stored document ends with its `meta`, so that what follows
//! (`meta.location`, `groups`, `members`) is appended to its bytes and nothing is parsed.

use super::resources::{LookupKey, ResourceRow, attribute};
use super::steps::{append, step};
use super::{Param, Pos, Sql, StoreError};
use crate::limits;

/// Which resources are read.
#[derive(Clone, Copy, Debug)]
pub enum Source<'a> {
    /// The one with an id.
    Id(&'a str),
    /// The one of a type that a value finds which no two have.
    Key(u8, &'a LookupKey),
    /// Those at positions, in that order.
    At(&'a [Pos]),
    /// The next ones of a type in the order of creation, behind a position.
    After(Pos, usize),
}

/// How users' groups are shown.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Groups {
    /// Not at all.
    Hidden,
    /// Those of which the user is a member; enough where no group is a member of another.
    Direct,
    /// Also those of which such a group is a member, and so on.
    Nested,
}

/// Resources that were read, each an open JSON object: its last brace is missing.
#[derive(Clone, Debug, Default)]
pub struct Page {
    entries: Vec<PageEntry>,
    bodies: Vec<u8>,
}

/// One resource of a page.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PageEntry {
    /// Where it stands.
    pub pos: Pos,
    /// Its version's number.
    pub rev: i64,
    /// How many membership rows it has, if it is a group.
    pub members: i64,
    length: usize,
}

/// A group as a user shows it. `?B` is the parameter that holds the base URL.
const SHOWN: &str = "json_object('value', id, '$ref', ?B || '/Groups/' || id, 'display', display,
    'type', iif(direct, 'direct', 'indirect'))";

/// The groups of which a user is a member. `?U` is the user's position.
const DIRECT: &str = "SELECT g.pos, g.id AS id, g.doc->>'$.displayName' AS display, 1 AS direct
    FROM members m JOIN resources g ON g.pos = m.grp WHERE m.member = ?U";

/// Those, and their groups. A group reached twice is there once, as direct if it is.
const NESTED: &str = "WITH RECURSIVE up (pos, id, display, direct) AS (
        SELECT g.pos, g.id, g.doc->>'$.displayName', 1
        FROM members m JOIN resources g ON g.pos = m.grp WHERE m.member = ?U
        UNION
        SELECT g.pos, g.id, g.doc->>'$.displayName', 0
        FROM up JOIN members m ON m.member = up.pos JOIN resources g ON g.pos = m.grp)
    SELECT pos, id, display, max(direct) AS direct FROM up GROUP BY pos ORDER BY pos";

impl Groups {
    /// The statement for a user's groups.
    const fn rows(self) -> &'static str {
        match self {
            Self::Nested => NESTED,
            Self::Hidden | Self::Direct => DIRECT,
        }
    }

    /// What a statement on resources `r` appends to a body.
    fn appended(self) -> String {
        if self == Self::Hidden {
            return String::new();
        }
        let rows = self.rows().replace("?U", "r.pos");
        format!(
            "|| coalesce(',\"groups\":' ||
                (SELECT nullif(json_group_array({SHOWN}), '[]') FROM ({rows})), '')"
        )
    }
}

impl Source<'_> {
    /// The statement's end, and the values of its parameters. The limits also keep SQLite from
    /// computing a body twice.
    fn clause(&self) -> (String, Vec<Bound>) {
        let count = |n: usize| Bound::Integer(i64::try_from(n).unwrap_or(i64::MAX));
        match self {
            Self::Id(id) => (
                "FROM resources r WHERE r.id = +?1 LIMIT 1".to_owned(),
                vec![Bound::Text((*id).to_owned())],
            ),
            Self::Key(type_number, (number, key)) => (
                "FROM lookups l CROSS JOIN resources r ON r.pos = l.pos
                 WHERE l.attribute = +?1 AND l.key = +?2 LIMIT 1"
                    .to_owned(),
                vec![Bound::Integer(attribute(*type_number, *number)), Bound::Text(key.clone())],
            ),
            Self::At(positions) => {
                // Out of a JSON text, each position would count as a row read.
                let rows: Vec<String> =
                    (1..=positions.len()).map(|number| format!("(?{number})")).collect();
                (
                    format!(
                        "FROM (VALUES {}) j CROSS JOIN resources r ON r.pos = j.column1 LIMIT {}",
                        rows.join(", "),
                        positions.len()
                    ),
                    positions.iter().map(|pos| Bound::Integer(pos.value())).collect(),
                )
            }
            Self::After(after, limit) => {
                let (_, high) = Pos::range(after.type_number());
                (
                    "FROM resources r WHERE r.pos > +?1 AND r.pos < +?2 ORDER BY r.pos LIMIT +?3"
                        .to_owned(),
                    vec![
                        Bound::Integer(after.value()),
                        Bound::Integer(high.value()),
                        count(*limit),
                    ],
                )
            }
        }
    }

    /// As much of the source as one statement reads.
    fn step(self) -> Self {
        match self {
            Self::At(positions) => {
                Self::At(positions.get(..limits::POSITIONS_STEP).unwrap_or(positions))
            }
            source => source,
        }
    }

    /// The first half of the source, for when the whole does not fit into one value.
    fn half(&self) -> Option<Self> {
        match self {
            Self::Id(_) | Self::Key(..) => None,
            Self::At(positions) => {
                let half = positions.len().checked_div(2).filter(|half| *half > 0)?;
                positions.get(..half).map(Self::At)
            }
            Self::After(after, limit) => {
                let half = limit.checked_div(2).filter(|half| *half > 0)?;
                Some(Self::After(*after, half))
            }
        }
    }
}

enum Bound {
    Integer(i64),
    Text(String),
}

impl Bound {
    fn as_param(&self) -> Param<'_> {
        match self {
            Self::Integer(value) => Param::Integer(*value),
            Self::Text(value) => Param::Text(value),
        }
    }
}

impl Page {
    /// Reads resources with their location below a collection and, for users, their groups.
    ///
    /// The page has fewer resources than asked for when they would not fit into one value, or when
    /// more than [`limits::POSITIONS_STEP`] positions are given.
    ///
    /// # Errors
    /// As [`Sql::query`].
    pub fn read(
        sql: &dyn Sql,
        source: Source<'_>,
        base: &str,
        endpoint: &str,
        groups: Groups,
    ) -> Result<Self, StoreError> {
        if let Source::At([]) = source {
            return Ok(Self::default());
        }
        Reading { sql, base, endpoint }.page(source.step(), groups)
    }

    /// The resources with their bodies, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&PageEntry, &[u8])> {
        let mut rest = self.bodies.as_slice();
        self.entries.iter().map_while(move |entry| {
            let (body, behind) = rest.split_at_checked(entry.length)?;
            rest = behind;
            Some((entry, body))
        })
    }
}

/// Where resources are read, and below which URL they are shown.
struct Reading<'a> {
    sql: &'a dyn Sql,
    base: &'a str,
    endpoint: &'a str,
}

impl Reading<'_> {
    /// As many of the resources as fit into one value.
    fn page(&self, source: Source<'_>, groups: Groups) -> Result<Page, StoreError> {
        match self.whole(source, groups) {
            Err(error) if error.is_too_big() => match source.half() {
                Some(half) => self.page(half, groups),
                None => self.one(source, groups),
            },
            result => result,
        }
    }

    /// All of the resources.
    fn whole(&self, source: Source<'_>, groups: Groups) -> Result<Page, StoreError> {
        let endpoint = self.endpoint;
        let (clause, mut values) = source.clause();
        let base_parameter = format!("?{}", values.len().saturating_add(1));
        let groups = groups.appended();
        let statement = format!(
            "SELECT group_concat(pos || ':' || rev || ':' || members || ':' || octet_length(body)),
                    CAST(group_concat(body, '') AS BLOB)
             FROM (SELECT r.pos, r.rev, r.members,
                substr(r.doc, 1, length(r.doc) - 2)
                || ',\"location\":\"' || ?B || '{endpoint}/' || r.id || '\"}}' {groups} AS body
                {clause})"
        )
        .replace("?B", &base_parameter);
        values.push(Bound::Text(self.base.to_owned()));
        let params: Vec<Param<'_>> = values.iter().map(Bound::as_param).collect();
        let rows = self.sql.query(&statement, &params)?;
        let Some(row) = rows.first() else { return Ok(Page::default()) };
        let listed = row.text_or_null(0)?.unwrap_or_default();
        let entries = listed.split(',').filter(|entry| !entry.is_empty()).map(PageEntry::parse);
        let entries = entries.collect::<Option<Vec<PageEntry>>>();
        let entries = entries.ok_or_else(|| StoreError::new("a page's entries are malformed"))?;
        Ok(Page { entries, bodies: row.bytes(1)?.to_vec() })
    }

    /// One user with more groups than fit into one value.
    fn one(&self, source: Source<'_>, groups: Groups) -> Result<Page, StoreError> {
        let mut page = self.whole(source, Groups::Hidden)?;
        if let Some(entry) = page.entries.first_mut() {
            page.bodies.extend_from_slice(b",\"groups\":[");
            page.bodies.extend_from_slice(&self.groups_in_steps(entry.pos, groups)?);
            page.bodies.push(b']');
            entry.length = page.bodies.len();
        }
        Ok(page)
    }

    /// A user's groups as the elements of a JSON array, read in steps.
    fn groups_in_steps(&self, user: Pos, groups: Groups) -> Result<Vec<u8>, StoreError> {
        let statement = format!(
            "SELECT count(*), max(pos), CAST(group_concat({SHOWN}) AS BLOB)
             FROM (SELECT * FROM ({}) WHERE pos > +?2 ORDER BY pos LIMIT +?4)",
            groups.rows()
        );
        let statement = statement.replace("?U", "+?1").replace("?B", "?3");
        let (mut shown, mut after) = (Vec::new(), 0);
        loop {
            let params =
                [Param::Integer(user.value()), Param::Integer(after), Param::Text(self.base)];
            let (row, more) = step(self.sql, &statement, &params)?;
            append(&mut shown, row.bytes(2)?);
            if !more {
                return Ok(shown);
            }
            after = row.integer(1)?;
        }
    }
}

impl PageEntry {
    /// The entry of a resource that has just been written.
    pub fn of(row: &ResourceRow) -> Self {
        Self { pos: row.pos, rev: row.rev, members: row.members, length: row.doc.len() }
    }

    fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.split(':').map(|number| number.parse::<i64>().ok());
        Some(Self {
            pos: Pos::stored(numbers.next()??),
            rev: numbers.next()??,
            members: numbers.next()??,
            length: usize::try_from(numbers.next()??).ok()?,
        })
    }
}

/// A stored document as a page has it, for a resource that is in no group: open, with its location.
pub fn opened(doc: &[u8], location: &str) -> Vec<u8> {
    let meta = doc.strip_suffix(b"}}").unwrap_or(doc);
    [meta, b",\"location\":\"", location.as_bytes(), b"\"}"].concat()
}
