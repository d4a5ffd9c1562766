//! Resources as they are shown: documents with location and groups, as bytes and not as rows.
//!
//! One statement answers one text and one BLOB however many resources there are, since rows are
//! what is dear to carry into wasm; where there is one at most, `single` makes do with the BLOB. A
//! stored document ends with its `meta`, so that what follows (`meta.location`, `groups`, `members`)
//! is appended to its bytes and nothing is parsed.

mod single;

pub use self::single::opened;
use super::hidden::Veil;
use super::members::Seen;
use super::provenance;
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
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Groups {
    /// Not at all.
    Hidden,
    /// Those of which the user is a member; enough where no group is a member of another.
    Direct,
    /// Also those of which such a group is a member, and so on.
    Nested,
}

/// How the resources of a collection are shown.
#[derive(Clone, Copy, Debug)]
pub struct PageView<'a> {
    /// The base URL below which the collection is.
    pub base: &'a str,
    /// Its path.
    pub endpoint: &'a str,
    /// How users' groups are shown.
    pub groups: Groups,
    /// By which memberships.
    pub seen: Seen<'a>,
    /// Whether each tells where it comes from.
    pub provenance: bool,
    /// What is left out of a walk.
    pub veil: Veil<'a>,
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

/// The groups of which a user is a member. `?U` is the user's position, and `?S` where the condition
/// on the rows of membership stands.
const DIRECT: &str = "SELECT g.pos, g.id AS id, g.doc->>'$.displayName' AS display, 1 AS direct
    FROM members m CROSS JOIN resources g ON g.pos = m.grp WHERE m.member = ?U?S GROUP BY m.grp";

/// Those, and their groups. A group reached twice is there once, as direct if it is.
const NESTED: &str = "WITH RECURSIVE up (pos, id, display, direct) AS (
        SELECT g.pos, g.id, g.doc->>'$.displayName', 1
        FROM members m JOIN resources g ON g.pos = m.grp WHERE m.member = ?U?S
        UNION
        SELECT g.pos, g.id, g.doc->>'$.displayName', 0
        FROM up JOIN members m ON m.member = up.pos?S JOIN resources g ON g.pos = m.grp)
    SELECT pos, id, display, max(direct) AS direct FROM up GROUP BY pos ORDER BY pos";

impl Groups {
    /// The statement for a user's groups, as a client sees them; the numbers of the parameters that
    /// say which those are begin with `first`.
    fn rows(self, seen: Seen<'_>, first: usize) -> String {
        let rows = match self {
            Self::Nested => NESTED,
            Self::Hidden | Self::Direct => DIRECT,
        };
        rows.replace("?S", &seen.and("m.origin", first))
    }

    /// What a statement on resources `r` appends to a body.
    fn appended(self, seen: Seen<'_>, first: usize) -> String {
        if self == Self::Hidden {
            return String::new();
        }
        let rows = self.rows(seen, first).replace("?U", "r.pos");
        format!(
            "|| coalesce(',\"groups\":' ||
                (SELECT nullif(json_group_array({SHOWN}), '[]') FROM ({rows})), '')"
        )
    }
}

impl Source<'_> {
    /// The statement's end, and the values of its parameters. The limits also keep SQLite from
    /// computing a body twice.
    fn clause(&self, veil: Veil<'_>) -> (String, Vec<Bound>) {
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
                let veiled = veil.and("r.pos", 4);
                let clause = format!(
                    "FROM resources r WHERE r.pos > +?1 AND r.pos < +?2{veiled} ORDER BY r.pos LIMIT +?3"
                );
                let span = [after.value(), high.value()].map(Bound::Integer);
                let veiled = veil.connection().map(|id| Bound::Text(id.to_owned()));
                (clause, span.into_iter().chain([count(*limit)]).chain(veiled).collect())
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
    pub fn read(sql: &dyn Sql, source: Source<'_>, view: PageView<'_>) -> Result<Self, StoreError> {
        if let Source::At([]) = source {
            return Ok(Self::default());
        }
        Reading { sql, view }.page(source.step())
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

/// Where resources are read, and how they are shown.
#[derive(Clone, Copy)]
struct Reading<'a> {
    sql: &'a dyn Sql,
    view: PageView<'a>,
}

impl Reading<'_> {
    /// As many of the resources as fit into one value.
    fn page(&self, source: Source<'_>) -> Result<Page, StoreError> {
        match self.whole(source) {
            Err(error) if error.is_too_big() => match source.half() {
                Some(half) => self.page(half),
                None => self.one(source),
            },
            result => result,
        }
    }

    /// All of the resources.
    fn whole(&self, source: Source<'_>) -> Result<Page, StoreError> {
        match source {
            Source::Id(_) | Source::Key(..) | Source::At([_]) => self.single(source),
            Source::At(_) | Source::After(..) => self.several(source),
        }
    }

    fn several(&self, source: Source<'_>) -> Result<Page, StoreError> {
        let PageView { base, endpoint, groups, seen, provenance, veil } = self.view;
        let (clause, values) = source.clause(veil);
        let base_number = values.len().saturating_add(1);
        let groups_shown = groups.appended(seen, base_number.saturating_add(1));
        let (start, extension) = match provenance {
            true => (provenance::start(), format!("|| {}", provenance::extension())),
            false => ("substr(r.doc, 1, length(r.doc) - 2)".to_owned(), String::new()),
        };
        let statement = format!(
            "SELECT group_concat(pos || ':' || rev || ':' || members || ':' || octet_length(body)),
                    CAST(group_concat(body, '') AS BLOB)
             FROM (SELECT r.pos, r.rev, r.members,
                {start} || ',\"location\":\"' || ?B || '{endpoint}/' || r.id || '\"}}'
                {extension} {groups_shown} AS body
                {clause})"
        )
        .replace("?B", &format!("?{base_number}"));
        let mut params: Vec<Param<'_>> = values.iter().map(Bound::as_param).collect();
        params.push(Param::Text(base));
        if groups != Groups::Hidden {
            params.extend(seen.params());
        }
        let rows = self.sql.query(&statement, &params)?;
        let Some(row) = rows.first() else { return Ok(Page::default()) };
        let listed = row.text_or_null(0)?.unwrap_or_default();
        let entries = listed.split(',').filter(|entry| !entry.is_empty()).map(PageEntry::parse);
        let entries = entries.collect::<Option<Vec<PageEntry>>>();
        let entries = entries.ok_or_else(|| StoreError::new("a page's entries are malformed"))?;
        Ok(Page { entries, bodies: row.bytes(1)?.to_vec() })
    }

    /// One user with more groups than fit into one value.
    fn one(&self, source: Source<'_>) -> Result<Page, StoreError> {
        let view = PageView { groups: Groups::Hidden, ..self.view };
        let mut page = Self { view, ..*self }.whole(source)?;
        if let Some(entry) = page.entries.first_mut() {
            page.bodies.extend_from_slice(b",\"groups\":[");
            page.bodies.extend_from_slice(&self.groups_in_steps(entry.pos)?);
            page.bodies.push(b']');
            entry.length = page.bodies.len();
        }
        Ok(page)
    }

    /// A user's groups as the elements of a JSON array, read in steps.
    fn groups_in_steps(&self, user: Pos) -> Result<Vec<u8>, StoreError> {
        let PageView { base, groups, seen, .. } = self.view;
        let seen_values = seen.params();
        let statement = format!(
            "SELECT count(*), max(pos), CAST(group_concat({SHOWN}) AS BLOB)
             FROM (SELECT * FROM ({}) WHERE pos > +?2 ORDER BY pos LIMIT +?{})",
            groups.rows(seen, 4),
            seen_values.len().saturating_add(4)
        );
        let statement = statement.replace("?U", "+?1").replace("?B", "?3");
        let (mut shown, mut after) = (Vec::new(), 0);
        loop {
            let params = [Param::Integer(user.value()), Param::Integer(after), Param::Text(base)];
            let params = [&params[..], &seen_values].concat();
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

    /// Reads the numbers of an entry, with a `:` between any two.
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
