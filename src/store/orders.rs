//! The resources of a type in the order of an attribute's values, as an index has them (RFC 7644
//! §3.4.2.3).
//!
//! Ascending, what has no value comes last; descending, first. What has equal values is in the order
//! of creation in either direction, so that a descending list runs against its index's positions.

use super::hidden::Veil;
use super::pos::PLACE_BITS;
use super::resources::{ABSENT, Moment, attribute};
use super::{Param, Pos, Row, Sql, StoreError};

/// An order in which an index has a type's resources.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Order {
    /// The type.
    pub type_number: u8,
    /// The index.
    pub index: Index,
    /// Whether the greatest value comes first.
    pub descending: bool,
}

/// Where an order is read from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Index {
    /// The order of creation, which is that of ids.
    Id,
    /// The order of moments, which every document has.
    Moment(Moment),
    /// The values of an attribute that resources are found by, and that has one at most.
    Lookup(u8),
}

/// A resource's place in an order: its position, and the value as the index has it.
pub type Keyed = (Pos, Option<String>);

/// Where an order is read, and what is left out of it.
#[derive(Clone, Copy)]
pub struct Walk<'s> {
    /// The database.
    pub sql: &'s dyn Sql,
    /// What the client does not see.
    pub veil: Veil<'s>,
}

/// Resources with a value, and those without.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Part {
    Values,
    Absent,
}

/// In which directions values, and positions among equal values, are read.
#[derive(Clone, Copy)]
struct Way {
    keys_ascend: bool,
    ties_ascend: bool,
}

impl Order {
    /// The next resources behind a place, or from the start.
    ///
    /// # Errors
    /// As [`Sql::query`]; so for all functions here.
    pub fn behind(
        &self,
        walk: Walk<'_>,
        place: Option<&Keyed>,
        limit: usize,
    ) -> Result<Vec<Keyed>, StoreError> {
        self.walked(walk, place, limit, true)
    }

    /// The resources in front of a place, or of the end, the nearest first.
    pub fn in_front_of(
        &self,
        walk: Walk<'_>,
        place: Option<&Keyed>,
        limit: usize,
    ) -> Result<Vec<Keyed>, StoreError> {
        self.walked(walk, place, limit, false)
    }

    /// The resource that has so many in front of it; reads as many rows of the index.
    pub fn nth(&self, walk: Walk<'_>, in_front: i64) -> Result<Option<Keyed>, StoreError> {
        let mut offset = in_front;
        for part in self.parts() {
            let way = self.way(part, true);
            let Some((pos, key)) = self.keys(walk, part, None, way, (1, offset))?.pop() else {
                offset = offset.saturating_sub(self.count(walk, part, None, way)?);
                continue;
            };
            if way.keys_ascend == way.ties_ascend {
                return Ok(Some((pos, key)));
            }
            let text = key.as_deref().unwrap_or_default();
            let before = self.count(walk, part, Some(text), way)?;
            let offset = offset.saturating_sub(before);
            return Ok(self.ties(walk, part, text, None, way, (1, offset))?.pop());
        }
        Ok(None)
    }

    /// The parts in their order.
    fn parts(&self) -> Vec<Part> {
        match (self.index, self.descending) {
            (Index::Id | Index::Moment(_), _) => vec![Part::Values],
            (Index::Lookup(_), false) => vec![Part::Values, Part::Absent],
            (Index::Lookup(_), true) => vec![Part::Absent, Part::Values],
        }
    }

    fn way(&self, part: Part, forth: bool) -> Way {
        let keys_ascend = match part {
            Part::Values => forth != self.descending,
            Part::Absent => forth,
        };
        // No two ids are equal, so that the index may be read as it is.
        let ties_ascend = if self.index == Index::Id { keys_ascend } else { forth };
        Way { keys_ascend, ties_ascend }
    }

    fn walked(
        &self,
        walk: Walk<'_>,
        place: Option<&Keyed>,
        limit: usize,
        forth: bool,
    ) -> Result<Vec<Keyed>, StoreError> {
        let mut parts = self.parts();
        if !forth {
            parts.reverse();
        }
        let part_of = |(_, key): &Keyed| if key.is_some() { Part::Values } else { Part::Absent };
        let first = place.map(part_of);
        let mut found = Vec::new();
        for part in parts.into_iter().skip_while(|part| first.is_some_and(|first| first != *part)) {
            let from = place.filter(|_| first == Some(part));
            let way = self.way(part, forth);
            let room = |found: &Vec<Keyed>| limit.saturating_sub(found.len());
            if let Some((pos, key)) = from {
                let key = key.as_deref().unwrap_or_default();
                found.extend(self.ties(walk, part, key, Some(*pos), way, (room(&found), 0))?);
            }
            if room(&found) > 0 {
                found.extend(self.beyond(walk, part, from, way, room(&found))?);
            }
        }
        Ok(found)
    }

    /// The resources with values beyond that of a place.
    fn beyond(
        &self,
        walk: Walk<'_>,
        part: Part,
        from: Option<&Keyed>,
        way: Way,
        limit: usize,
    ) -> Result<Vec<Keyed>, StoreError> {
        if way.keys_ascend == way.ties_ascend {
            return self.keys(walk, part, from, way, (limit, 0));
        }
        // The index has equal values in the wrong direction: each run of them is turned. The last run
        // may go on behind what was read, and is then read by itself.
        let read = self.keys(walk, part, from, way, (limit.saturating_add(1), 0))?;
        let mut runs: Vec<&[Keyed]> = read.chunk_by(|one, other| one.1 == other.1).collect();
        let cut = if read.len() > limit { runs.pop() } else { None };
        let mut found: Vec<Keyed> =
            runs.into_iter().flat_map(|run| run.iter().rev()).cloned().collect();
        let room = limit.saturating_sub(found.len());
        if let (Some((_, Some(key))), 1..) = (cut.and_then(|run| run.first()), room) {
            found.extend(self.ties(walk, part, key, None, way, (room, 0))?);
        }
        Ok(found)
    }

    /// What the index has beyond a place, as it has it.
    fn keys(
        &self,
        walk: Walk<'_>,
        part: Part,
        from: Option<&Keyed>,
        way: Way,
        bounds: (usize, i64),
    ) -> Result<Vec<Keyed>, StoreError> {
        if self.index == Index::Id {
            return self.ids(walk, from, way, bounds);
        }
        let (table, key) = self.table();
        let (sign, order) = if way.keys_ascend { (">", "ASC") } else { ("<", "DESC") };
        let condition = from.map(|_| format!("AND {key} {sign} +?4")).unwrap_or_default();
        let veiled = self.veiled(walk, if from.is_some() { 5 } else { 4 });
        let statement = format!(
            "SELECT pos, {key} FROM {table} {condition}{veiled} ORDER BY {key} {order}, pos {order}
             LIMIT +?2 OFFSET +?3"
        );
        let from = from.map(|(_, key)| Param::Text(key.as_deref().unwrap_or_default()));
        self.read(walk, part, &statement, bounds, from)
    }

    /// What is beyond a place by ids, which are in the order of positions.
    fn ids(
        &self,
        walk: Walk<'_>,
        from: Option<&Keyed>,
        way: Way,
        (limit, offset): (usize, i64),
    ) -> Result<Vec<Keyed>, StoreError> {
        let (low, high) = Pos::range(self.type_number);
        let (low, high) = match from {
            None => (low, high),
            Some((pos, _)) if way.keys_ascend => (*pos, high),
            Some((pos, _)) => (low, *pos),
        };
        let order = if way.keys_ascend { "ASC" } else { "DESC" };
        let veiled = self.veiled(walk, 5);
        let statement = format!(
            "SELECT pos, id FROM resources WHERE pos > +?1 AND pos < +?2{veiled} ORDER BY pos {order}
             LIMIT +?3 OFFSET +?4"
        );
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let params = [low.value(), high.value(), limit, offset].map(Param::Integer);
        let params: Vec<Param<'_>> = params.into_iter().chain(walk.param()).collect();
        walk.sql.query(&statement, &params)?.iter().map(valued).collect()
    }

    /// The resources with one value, from a position on.
    fn ties(
        &self,
        walk: Walk<'_>,
        part: Part,
        key: &str,
        from: Option<Pos>,
        way: Way,
        bounds: (usize, i64),
    ) -> Result<Vec<Keyed>, StoreError> {
        if self.index == Index::Id {
            return Ok(Vec::new());
        }
        let (table, column) = self.table();
        let (sign, order) = if way.ties_ascend { (">", "ASC") } else { ("<", "DESC") };
        let condition = from.map(|_| format!("AND pos {sign} +?5")).unwrap_or_default();
        let veiled = self.veiled(walk, if from.is_some() { 6 } else { 5 });
        let statement = format!(
            "SELECT pos, {column} FROM {table} AND {column} = +?4 {condition}{veiled} ORDER BY pos {order}
             LIMIT +?2 OFFSET +?3"
        );
        let from = from.map(|pos| Param::Integer(pos.value()));
        self.read(
            walk,
            part,
            &statement,
            bounds,
            [Some(Param::Text(key)), from].into_iter().flatten(),
        )
    }

    /// How many resources a part has, or how many of them are in front of all with a value.
    fn count(
        &self,
        walk: Walk<'_>,
        part: Part,
        key: Option<&str>,
        way: Way,
    ) -> Result<i64, StoreError> {
        let (table, column) = self.table();
        let sign = if way.keys_ascend { "<" } else { ">" };
        let condition = key.map(|_| format!("AND {column} {sign} +?2")).unwrap_or_default();
        let veiled = self.veiled(walk, if key.is_some() { 3 } else { 2 });
        let statement = format!("SELECT count(*) FROM {table} {condition}{veiled}");
        let params = [Some(self.of(part)), key.map(Param::Text), walk.param()];
        let params: Vec<Param<'_>> = params.into_iter().flatten().collect();
        walk.sql.query(&statement, &params)?.first().map_or(Ok(0), |row| row.integer(0))
    }

    /// The table and the condition on the parameter that chooses type and part; and the values.
    const fn table(&self) -> (&'static str, &'static str) {
        match self.index {
            Index::Id => ("resources WHERE pos >> 40 = +?1", "id"),
            Index::Moment(moment) => ("resources WHERE pos >> 40 = +?1", moment.column()),
            Index::Lookup(_) => ("lookups WHERE attribute = +?1", "key"),
        }
    }

    /// The condition on what the client sees, with the number of its parameter.
    fn veiled(&self, walk: Walk<'_>, number: usize) -> String {
        let column = match self.index {
            Index::Id | Index::Moment(_) => "resources.pos",
            Index::Lookup(_) => "lookups.pos",
        };
        walk.veil.and(column, number)
    }

    fn of(&self, part: Part) -> Param<'static> {
        Param::Integer(match (self.index, part) {
            (Index::Lookup(number), Part::Values) => attribute(self.type_number, number),
            (Index::Lookup(number), Part::Absent) => attribute(self.type_number, number | ABSENT),
            (Index::Id | Index::Moment(_), _) => self.type_number.into(),
        })
    }

    fn read<'p>(
        &self,
        walk: Walk<'p>,
        part: Part,
        statement: &str,
        (limit, offset): (usize, i64),
        more: impl IntoIterator<Item = Param<'p>>,
    ) -> Result<Vec<Keyed>, StoreError> {
        let params = [self.of(part), Param::count(limit), Param::Integer(offset)];
        let params: Vec<Param<'_>> = params.into_iter().chain(more).chain(walk.param()).collect();
        let rows = walk.sql.query(statement, &params)?;
        match part {
            Part::Values => rows.iter().map(valued).collect(),
            Part::Absent => {
                rows.iter().map(|row| Ok((Pos::stored(row.integer(0)?), None))).collect()
            }
        }
    }
}

impl<'s> Walk<'s> {
    fn param(self) -> Option<Param<'s>> {
        self.veil.connection().map(Param::Text)
    }
}

fn valued(row: &Row) -> Result<Keyed, StoreError> {
    Ok((Pos::stored(row.integer(0)?), Some(row.text(1)?.to_owned())))
}

/// How far a position's type is shifted, as the statements above and the indexes have it.
const _: () = assert!(PLACE_BITS == 40);
