//! A whole type in the order of an attribute that an index has: a page costs what it shows, however
//! large the list is.

use serde_json::{Map, Value};

use super::collect::Collected;
use super::cursor::{Cursor, Direction};
use super::query::ListQuery;
use super::sorting::Valued;
use super::{Matches, TypedMatches};
use crate::limits;
use crate::scim::compat::Compat;
use crate::scim::schema::TypeSchema;
use crate::scim::sort::{Sort, SortKey, SortValue};
use crate::store::orders::{Index, Keyed, Order, Walk};
use crate::store::resources::{self, Moment};
use crate::store::{Pos, StoreError};
use crate::tenant::document::timestamp;
use crate::tenant::work::{Failure, Work};

/// An order that an index has, and how its values are read.
pub(super) struct Ordered<'t> {
    order: Order,
    key: SortKey<'t>,
}

impl<'t> Ordered<'t> {
    /// The index for an order of all resources of one type, if there is one.
    pub(super) fn of(matches: &TypedMatches<'t>, sort: &Sort, compat: &Compat) -> Option<Self> {
        let [(schema, Matches::All(_))] = matches.as_slice() else { return None };
        let key = sort.bind(*schema, compat).ok()?;
        let index = index(*schema, &key)?;
        let type_number = schema.resource_type.number;
        Some(Self { order: Order { type_number, index, descending: sort.is_descending() }, key })
    }

    fn valued(&self, (pos, key): Keyed) -> Valued {
        (pos, key.and_then(|key| self.key.stored(key)))
    }
}

/// The index that has an attribute's values in their order.
fn index(schema: TypeSchema<'_>, key: &SortKey<'_>) -> Option<Index> {
    match key.path().as_str() {
        "id" => Some(Index::Id),
        "meta.created" => Some(Index::Moment(Moment::Created)),
        "meta.lastModified" => Some(Index::Moment(Moment::LastModified)),
        path => {
            let lookup = schema.resource_type.lookup(path).filter(|lookup| lookup.ordered);
            lookup.filter(|_| key.is_single_valued()).map(|lookup| Index::Lookup(lookup.number))
        }
    }
}

impl Work<'_, '_> {
    /// Where an order is read, and what of it the client does not see.
    fn walk_of(&self, order: Order) -> Walk<'_> {
        Walk { sql: self.sql, veil: self.veil(order.type_number) }
    }

    /// The page that has so many resources in front of it. Where a page ended is remembered until
    /// something is written, so that pages walked in order cost no offset.
    pub(super) fn page_in_order(
        &mut self,
        matches: &TypedMatches<'_>,
        ordered: &Ordered<'_>,
        offset: i64,
        query: &ListQuery,
    ) -> Result<Collected, Failure> {
        let Ordered { order, .. } = ordered;
        let mut collected = Collected::default();
        let total = matches.iter().map(|(_, found)| found.len()).fold(0, i64::saturating_add);
        if offset >= total || query.count == 0 {
            return Ok(collected);
        }
        let seq = self.memory.last_seq;
        // Places are counted with all that there are.
        let is_whole = !self.veil(order.type_number).hides();
        let noted = || self.memory.order_bookmarks.at(*order, offset, seq);
        let mut place = if is_whole { noted() } else { None };
        if place.is_none() && offset > 0 {
            place = order.nth(self.walk_of(*order), offset.saturating_sub(1))?;
            if place.is_none() {
                return Ok(collected);
            }
        }
        let found = order.behind(self.walk_of(*order), place.as_ref(), query.count)?;
        let positions: Vec<Pos> = found.iter().map(|(pos, _)| *pos).collect();
        self.collect_mixed(matches, &positions, query, &mut collected)?;
        let shown = collected.resources;
        let last = shown.checked_sub(1).and_then(|last| found.into_iter().nth(last));
        if let Some(last) = last.filter(|_| is_whole) {
            let index = offset.saturating_add(i64::try_from(shown).unwrap_or(i64::MAX));
            self.memory.order_bookmarks.note(*order, index, seq, last);
        }
        Ok(collected)
    }

    /// The part of a sorted list that a page at a cursor depends on, and how many resources of that
    /// are in front of the cursor: the page, one more that tells whether the list goes on, and on
    /// either side as many as anchor a cursor.
    pub(super) fn window(
        &self,
        ordered: &Ordered<'_>,
        cursor: &Cursor,
        count: usize,
    ) -> Result<(Vec<Valued>, usize), Failure> {
        let few = limits::CURSOR_ANCHORS;
        let many = count.saturating_add(few).saturating_add(1);
        let (in_front, behind) = match cursor.direction {
            Direction::Behind => (few, many),
            Direction::InFront => (many, few),
        };
        let place = self.keyed_place(ordered, cursor)?;
        let starts = place.is_none() && cursor.direction == Direction::Behind;
        let ends = place.is_none() && cursor.direction == Direction::InFront;
        let order = ordered.order;
        let mut window = match starts {
            true => Vec::new(),
            false => order.in_front_of(self.walk_of(order), place.as_ref(), in_front)?,
        };
        window.reverse();
        let rest = match ends {
            true => Vec::new(),
            false => order.behind(self.walk_of(order), place.as_ref(), behind)?,
        };
        let before = window.len();
        // The resource at which the cursor is anchored is on the side that was shown.
        let shown = usize::from(place.is_some() && cursor.direction == Direction::Behind);
        window.extend(place);
        window.extend(rest);
        let window = window.into_iter().map(|keyed| ordered.valued(keyed)).collect();
        Ok((window, before.saturating_add(shown)))
    }

    /// Where the first of a cursor's anchors is that is still there with its value; nowhere when
    /// nothing is left on their side.
    fn keyed_place(
        &self,
        ordered: &Ordered<'_>,
        cursor: &Cursor,
    ) -> Result<Option<Keyed>, Failure> {
        for anchor in &cursor.anchors {
            let row = resources::at(self.sql, anchor.pos)?;
            let Some(row) = row.filter(|_| anchor.pos.type_number() == ordered.order.type_number)
            else {
                continue;
            };
            let document: Map<String, Value> = serde_json::from_slice(&row.doc)
                .map_err(|_| StoreError::new("a stored document is malformed"))?;
            let value = ordered.key.value(&document);
            if self.is_anchored(anchor, value.as_ref()) {
                return Ok(Some((anchor.pos, value.and_then(as_key))));
            }
        }
        cursor.lost()?;
        Ok(None)
    }
}

/// A value as an index has it.
fn as_key(value: SortValue) -> Option<String> {
    match value {
        SortValue::Text(text) => Some(text),
        SortValue::Instant(instant) => Some(timestamp(instant)),
        SortValue::Boolean(_) | SortValue::Number(_) => None,
    }
}
