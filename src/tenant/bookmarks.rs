//! Places in lists, kept in memory while the object is awake.

use crate::limits;
use crate::store::Pos;
use crate::store::orders::{Keyed, Order};

/// Places in lists of whole types, so that pages walked in order by `startIndex` read no more
/// rows than they show. Exact at all times: a deletion moves the places behind it.
#[derive(Clone, Debug, Default)]
pub(super) struct Bookmarks(Vec<Bookmark>);

/// The same for lists in an order that an index has. A place counts as long as no event has been
/// recorded since: values change, and places move with them.
#[derive(Debug, Default)]
pub(super) struct OrderBookmarks(Vec<OrderBookmark>);

#[derive(Debug)]
struct OrderBookmark {
    order: Order,
    /// How many resources stand up to and including the place.
    index: i64,
    /// The last event at that time.
    seq: i64,
    place: Keyed,
}

impl OrderBookmarks {
    /// The place up to which so many resources stand, if it is known.
    pub(super) fn at(&self, order: Order, index: i64, seq: i64) -> Option<Keyed> {
        let known =
            |mark: &&OrderBookmark| (mark.order, mark.index, mark.seq) == (order, index, seq);
        self.0.iter().find(known).map(|mark| mark.place.clone())
    }

    /// Notes that so many resources stand up to and including a place.
    pub(super) fn note(&mut self, order: Order, index: i64, seq: i64, place: Keyed) {
        self.0.retain(|mark| mark.seq == seq && (mark.order, mark.index) != (order, index));
        if self.0.len() >= limits::BOOKMARKS {
            self.0.remove(0);
        }
        self.0.push(OrderBookmark { order, index, seq, place });
    }
}

#[derive(Clone, Copy, Debug)]
struct Bookmark {
    /// How many resources of the type stand up to and including `pos`.
    index: i64,
    pos: Pos,
}

impl Bookmarks {
    /// The last known place at or before `index`: its index and position.
    pub(super) fn nearest(&self, type_number: u8, index: i64) -> (i64, Pos) {
        self.0
            .iter()
            .filter(|mark| mark.pos.type_number() == type_number && mark.index <= index)
            .max_by_key(|mark| mark.index)
            .map_or((0, Pos::range(type_number).0), |mark| (mark.index, mark.pos))
    }

    /// Notes that the resource at `pos` is the `index`-th of its type.
    pub(super) fn note(&mut self, index: i64, pos: Pos) {
        self.0.retain(|mark| mark.pos != pos);
        if self.0.len() >= limits::BOOKMARKS {
            self.0.remove(0);
        }
        self.0.push(Bookmark { index, pos });
    }

    /// Moves the places behind a resource that is deleted.
    pub(super) fn deleted(&mut self, pos: Pos) {
        let type_number = pos.type_number();
        for mark in &mut self.0 {
            if mark.pos.type_number() == type_number && mark.pos >= pos {
                mark.index = mark.index.saturating_sub(1);
            }
        }
    }
}
