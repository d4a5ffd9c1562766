//! RFC 9865: pages walked by cursor.
//!
//! A walk loses nothing and shows nothing twice while others add and delete resources. In the order
//! of creation it goes on behind a position, whether a resource stands there or not. In another it
//! goes on behind the last resource in front of it that is still where it was; when none of the last
//! [`limits::CURSOR_ANCHORS`] is, the cursor has expired. What changes its own value on the way may
//! be shown at both places, or at none.

use super::collect::Collected;
use super::cursor::Anchor;
use super::query::ListQuery;
use super::sorting::Valued;
use super::{Matches, TypedMatches};
use crate::limits;
use crate::scim::sort::Sort;
use crate::scim::{ErrorKind, ScimError};
use crate::store::{Pos, StoreError, resources};
use crate::tenant::work::{Failure, Work};

/// A page, and the cursor of the next one if there is one.
type Walked = (Collected, Option<String>);

impl Work<'_, '_> {
    /// The page that starts at a cursor; an empty one starts a walk.
    pub(super) fn page_at_cursor(
        &self,
        number: Option<u8>,
        matches: &TypedMatches<'_>,
        query: &ListQuery,
        cursor: &str,
    ) -> Result<Walked, Failure> {
        let anchors = match cursor {
            "" => Vec::new(),
            cursor => self.anchors_of(cursor, number, query)?,
        };
        let (collected, anchors) = match &query.sort {
            None => self.walk(matches, anchors.first(), query)?,
            Some(sort) => self.walk_sorted(matches, sort, &anchors, query)?,
        };
        let next = match anchors.as_slice() {
            [] => None,
            anchors => Some(self.cursor_at(anchors, number, query)?),
        };
        Ok((collected, next))
    }

    /// A page in the order of creation, behind an anchor; the next one's anchor.
    fn walk(
        &self,
        matches: &TypedMatches<'_>,
        anchor: Option<&Anchor>,
        query: &ListQuery,
    ) -> Result<(Collected, Vec<Anchor>), Failure> {
        let mut collected = Collected::default();
        let mut shown = None;
        for (schema, found) in matches {
            let (low, high) = Pos::range(schema.resource_type.number);
            let after = anchor.map_or(low, |anchor| anchor.pos.max(low));
            if after >= high || collected.is_full(query.count) {
                continue;
            }
            let view = self.view(*schema, &query.projection);
            let last = match found {
                Matches::All(_) => self.collect_after(&view, after, query.count, &mut collected)?,
                Matches::These(positions) => {
                    let rest = behind(positions, after);
                    self.collect_these(&view, rest, query.count, &mut collected)?
                }
            };
            shown = last.or(shown);
        }
        let anchors = match shown {
            Some(pos) if collected.is_full(query.count) && self.any_behind(matches, pos)? => {
                vec![Anchor::unsorted(pos)]
            }
            _ => Vec::new(),
        };
        Ok((collected, anchors))
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
                Matches::All(_) => resources::skip(self.sql, pos, 1, number)?.is_some(),
            };
            if any {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// A page in the order of an attribute, behind the first anchor that holds; the next one's.
    fn walk_sorted(
        &self,
        matches: &TypedMatches<'_>,
        sort: &Sort,
        anchors: &[Anchor],
        query: &ListQuery,
    ) -> Result<(Collected, Vec<Anchor>), Failure> {
        let sorted = self.sorted(matches, sort)?;
        let start = self.place_behind(&sorted, anchors)?;
        let rest: Vec<Pos> = sorted.iter().skip(start).map(|(pos, _)| *pos).collect();
        let mut collected = Collected::default();
        self.collect_mixed(matches, &rest, query, &mut collected)?;
        if collected.resources >= rest.len() {
            return Ok((collected, Vec::new()));
        }
        let shown = sorted.iter().take(start.saturating_add(collected.resources)).rev();
        let anchors = shown.take(limits::CURSOR_ANCHORS);
        let anchors = anchors.map(|(pos, value)| self.anchor(*pos, value.as_ref())).collect();
        Ok((collected, anchors))
    }

    /// The index behind the first of some anchors whose resource is still there with its value; from
    /// the start if there is none in front of the cursor.
    fn place_behind(&self, sorted: &[Valued], anchors: &[Anchor]) -> Result<usize, Failure> {
        for anchor in anchors {
            let index = sorted.iter().position(|(pos, _)| *pos == anchor.pos);
            let resource = index.and_then(|index| sorted.get(index));
            if let (Some(index), Some((_, value))) = (index, resource)
                && self.is_anchored(anchor, value.as_ref())
            {
                return Ok(index.saturating_add(1));
            }
        }
        // They were all that stood in front of the cursor, and none of it is left.
        if anchors.len() < limits::CURSOR_ANCHORS {
            return Ok(0);
        }
        let detail = "the resources in front of the cursor have changed, start again";
        Err(ScimError::new(ErrorKind::ExpiredCursor, detail).into())
    }
}

/// Those of some positions, which are in order, that are behind one.
fn behind(positions: &[Pos], after: Pos) -> &[Pos] {
    let start = positions.partition_point(|pos| *pos <= after);
    positions.get(start..).unwrap_or_default()
}
