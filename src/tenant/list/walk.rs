//! RFC 9865: pages walked by cursor, in either direction.
//!
//! A walk loses nothing and shows nothing twice while others add and delete resources. In the order
//! of creation it goes on at a position, whether a resource stands there or not. In another it goes
//! on at the nearest resource it came past that is still where it was; when none of the nearest
//! [`limits::CURSOR_ANCHORS`] is, the cursor has expired. What changes its own value on the way may
//! be shown at both places, or at none.

use std::ops::Range;

use super::collect::Collected;
use super::cursor::{Anchor, Cursor, Direction};
use super::ordered::Ordered;
use super::query::ListQuery;
use super::sorting::Valued;
use super::{Matches, TypedMatches};
use crate::limits;
use crate::scim::sort::Sort;
use crate::scim::{ErrorKind, ScimError};
use crate::store::{Pos, StoreError, resources};
use crate::tenant::work::{Failure, Work};

/// A page, and what the pages before and behind it are anchored at, if there are such.
struct Walked {
    collected: Collected,
    previous: Option<Vec<Anchor>>,
    next: Option<Vec<Anchor>>,
}

/// The cursors of a page as its answer has them.
#[derive(Default)]
pub(super) struct Cursors {
    pub(super) previous: Option<String>,
    pub(super) next: Option<String>,
}

impl Work<'_, '_> {
    /// The page at a cursor; an empty one starts a walk.
    pub(super) fn page_at_cursor(
        &self,
        number: Option<u8>,
        matches: &TypedMatches<'_>,
        query: &ListQuery,
        cursor: &str,
    ) -> Result<(Collected, Cursors), Failure> {
        let cursor = self.decode_cursor(cursor, number, query)?;
        let Walked { collected, previous, next } = match &query.sort {
            None => self.walk(matches, &cursor, query)?,
            Some(sort) => self.walk_sorted(matches, sort, &cursor, query)?,
        };
        let encode = |direction, anchors: Option<Vec<Anchor>>| {
            let cursor = anchors.map(|anchors| Cursor { direction, anchors });
            cursor.map(|cursor| self.encode_cursor(&cursor, number, query)).transpose()
        };
        let previous = encode(Direction::InFront, previous)?;
        Ok((collected, Cursors { previous, next: encode(Direction::Behind, next)? }))
    }

    /// A page in the order of creation.
    fn walk(
        &self,
        matches: &TypedMatches<'_>,
        cursor: &Cursor,
        query: &ListQuery,
    ) -> Result<Walked, Failure> {
        let anchor = cursor.anchors.first().map(|anchor| anchor.pos);
        let collected = match (cursor.direction, anchor) {
            (Direction::InFront, Some(pos)) => {
                let wanted = self.in_front_of(matches, pos, query.count)?;
                self.collect_last(matches, &wanted, query)?
            }
            (_, anchor) => self.collect_behind(matches, anchor, query)?,
        };
        let Some((first, last)) = collected.ends else {
            // Nothing is left on this side of the anchor; on the other, there may be.
            let turn =
                cursor.direction == Direction::InFront && matches.iter().any(|m| m.1.len() > 0);
            return Ok(Walked { collected, previous: None, next: turn.then(Vec::new) });
        };
        let starts = cursor.direction == Direction::Behind && anchor.is_none();
        let has_previous = !starts && !self.in_front_of(matches, first, 1)?.is_empty();
        let ends = cursor.direction == Direction::Behind && !collected.is_full(query.count);
        let has_next = !ends && self.any_behind(matches, last)?;
        let anchored = |pos| vec![Anchor::unsorted(pos)];
        Ok(Walked {
            collected,
            previous: has_previous.then(|| anchored(first)),
            next: has_next.then(|| anchored(last)),
        })
    }

    /// Resources in the order of creation, behind a position or from the start.
    fn collect_behind(
        &self,
        matches: &TypedMatches<'_>,
        pos: Option<Pos>,
        query: &ListQuery,
    ) -> Result<Collected, Failure> {
        let mut collected = Collected::default();
        for (schema, found) in matches {
            let (low, high) = Pos::range(schema.resource_type.number);
            let after = pos.map_or(low, |pos| pos.max(low));
            if after >= high || collected.is_full(query.count) {
                continue;
            }
            let view = self.view(*schema, &query.projection);
            match found {
                Matches::All(_) => self.collect_after(&view, after, query.count, &mut collected)?,
                Matches::These(positions) => {
                    let rest = behind(positions, after);
                    self.collect_these(&view, rest, query.count, &mut collected)?;
                }
            }
        }
        Ok(collected)
    }

    /// The last ones of some resources, in their order, for which there is room.
    fn collect_last(
        &self,
        matches: &TypedMatches<'_>,
        wanted: &[Pos],
        query: &ListQuery,
    ) -> Result<Collected, Failure> {
        let mut wanted = wanted;
        loop {
            let mut collected = Collected::default();
            self.collect_mixed(matches, wanted, query, &mut collected)?;
            // As many as were shown are tried from the other end: one fewer at least, one at last.
            let fewer = collected.resources.min(wanted.len().saturating_sub(1));
            if collected.resources >= wanted.len() || fewer == 0 {
                return Ok(collected);
            }
            wanted = wanted.get(wanted.len().saturating_sub(fewer)..).unwrap_or_default();
        }
    }

    /// The last positions of a list in front of one, in their order.
    fn in_front_of(
        &self,
        matches: &TypedMatches<'_>,
        pos: Pos,
        limit: usize,
    ) -> Result<Vec<Pos>, StoreError> {
        let mut nearest: Vec<Pos> = Vec::new();
        for (schema, found) in matches.iter().rev() {
            let number = schema.resource_type.number;
            let room = limit.saturating_sub(nearest.len());
            if room == 0 || pos <= Pos::range(number).0 {
                continue;
            }
            match found {
                Matches::All(_) => {
                    let veil = self.veil(number);
                    nearest.extend(resources::before(self.sql, pos, room, number, veil)?);
                }
                Matches::These(positions) => {
                    let end = positions.partition_point(|other| *other < pos);
                    nearest.extend(positions.iter().take(end).rev().take(room));
                }
            }
        }
        nearest.reverse();
        Ok(nearest)
    }

    /// Whether a list goes on behind a position.
    fn any_behind(&self, matches: &TypedMatches<'_>, pos: Pos) -> Result<bool, StoreError> {
        for (schema, found) in matches {
            let number = schema.resource_type.number;
            let (low, high) = Pos::range(number);
            let any = match found {
                Matches::These(positions) => !behind(positions, pos).is_empty(),
                Matches::All(_) if pos >= high => false,
                Matches::All(count) if pos <= low => *count > 0,
                Matches::All(_) => {
                    resources::skip(self.sql, pos, 1, number, self.veil(number))?.is_some()
                }
            };
            if any {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// A page in the order of an attribute.
    fn walk_sorted(
        &self,
        matches: &TypedMatches<'_>,
        sort: &Sort,
        cursor: &Cursor,
        query: &ListQuery,
    ) -> Result<Walked, Failure> {
        let (sorted, place) = match Ordered::of(matches, sort, &self.compat) {
            Some(ordered) => self.window(&ordered, cursor, query.count)?,
            None => {
                let sorted = self.sorted(matches, sort)?;
                let place = self.place_of(&sorted, cursor)?;
                (sorted, place)
            }
        };
        let positions: Vec<Pos> = sorted.iter().map(|(pos, _)| *pos).collect();
        let (in_front, behind) = positions.split_at_checked(place).unwrap_or_default();
        let (collected, Range { start, end }) = match cursor.direction {
            Direction::Behind => {
                let mut collected = Collected::default();
                self.collect_mixed(matches, behind, query, &mut collected)?;
                let end = place.saturating_add(collected.resources);
                (collected, place..end)
            }
            Direction::InFront => {
                let skipped = in_front.len().saturating_sub(query.count);
                let wanted = in_front.get(skipped..).unwrap_or_default();
                let collected = self.collect_last(matches, wanted, query)?;
                let start = place.saturating_sub(collected.resources);
                (collected, start..place)
            }
        };
        let shows = collected.resources > 0;
        let (head, tail) = (sorted.get(..end), sorted.get(start..));
        Ok(Walked {
            collected,
            previous: tail.filter(|_| shows && start > 0).map(|tail| self.anchors(tail.iter())),
            next: head.filter(|_| end < sorted.len()).map(|head| self.anchors(head.iter().rev())),
        })
    }

    /// Anchors at the nearest of some resources, which come first.
    fn anchors<'v>(&self, nearest: impl Iterator<Item = &'v Valued>) -> Vec<Anchor> {
        let nearest = nearest.take(limits::CURSOR_ANCHORS);
        nearest.map(|(pos, value)| self.anchor(*pos, value.as_ref())).collect()
    }

    /// How many resources are in front of a cursor: it is at the first of its anchors whose resource
    /// is still there with its value.
    fn place_of(&self, sorted: &[Valued], cursor: &Cursor) -> Result<usize, Failure> {
        for anchor in &cursor.anchors {
            let index = sorted.iter().position(|(pos, _)| *pos == anchor.pos);
            let resource = index.and_then(|index| sorted.get(index));
            if let (Some(index), Some((_, value))) = (index, resource)
                && self.is_anchored(anchor, value.as_ref())
            {
                return Ok(match cursor.direction {
                    Direction::Behind => index.saturating_add(1),
                    Direction::InFront => index,
                });
            }
        }
        cursor.lost()?;
        Ok(match cursor.direction {
            Direction::Behind => 0,
            Direction::InFront => sorted.len(),
        })
    }
}

impl Cursor {
    /// None of the anchors is where it was. If there were few, they were all that stood on that side
    /// of the cursor, and nothing of it is left; else its place is not to be found again.
    pub(super) fn lost(&self) -> Result<(), ScimError> {
        if self.anchors.len() < limits::CURSOR_ANCHORS {
            return Ok(());
        }
        let detail = "the resources around the cursor have changed, start again";
        Err(ScimError::new(ErrorKind::ExpiredCursor, detail))
    }
}

/// Those of some positions, which are in order, that are behind one.
fn behind(positions: &[Pos], after: Pos) -> &[Pos] {
    let start = positions.partition_point(|pos| *pos <= after);
    positions.get(start..).unwrap_or_default()
}
