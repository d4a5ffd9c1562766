//! A page's resources, read and rendered until there is no room for more.

use super::query::ListQuery;
use super::{Matches, TypedMatches};
use crate::limits;
use crate::scim::schema::TypeSchema;
use crate::store::resources;
use crate::store::{Page, Pos, Source};
use crate::tenant::render::View;
use crate::tenant::work::{Failure, Work};

/// A list's resources while they are collected: JSON, separated by commas.
#[derive(Default)]
pub(super) struct Collected {
    pub(super) bytes: Vec<u8>,
    pub(super) resources: usize,
    /// Where the first and the last of them stand.
    pub(super) ends: Option<(Pos, Pos)>,
    /// Whether there was no room for a resource.
    cut: bool,
}

impl Work<'_, '_> {
    /// Adds a type's matches from an offset on, until the page is full.
    pub(super) fn collect(
        &mut self,
        schema: TypeSchema<'_>,
        found: &Matches,
        offset: i64,
        query: &ListQuery,
        collected: &mut Collected,
    ) -> Result<(), Failure> {
        let view = self.view(schema, &query.projection);
        match found {
            Matches::All(_) => self.collect_all(&view, offset, query.count, collected),
            Matches::These(positions) => {
                let offset = usize::try_from(offset).unwrap_or(usize::MAX);
                let rest = positions.get(offset..).unwrap_or_default();
                self.collect_these(&view, rest, query.count, collected)
            }
        }
    }

    /// Adds resources of several types in the order given, until the page is full.
    pub(super) fn collect_mixed(
        &self,
        types: &TypedMatches<'_>,
        positions: &[Pos],
        query: &ListQuery,
        collected: &mut Collected,
    ) -> Result<(), Failure> {
        let wanted = positions.get(..query.count).unwrap_or(positions);
        for run in wanted.chunk_by(|one, other| one.type_number() == other.type_number()) {
            let number = run.first().map(|pos| pos.type_number());
            let schema = types.iter().find(|(s, _)| Some(s.resource_type.number) == number);
            let Some((schema, _)) = schema.filter(|_| !collected.is_full(query.count)) else {
                break;
            };
            let view = self.view(*schema, &query.projection);
            self.collect_these(&view, run, query.count, collected)?;
        }
        Ok(())
    }

    /// Adds a type's resources at positions.
    pub(super) fn collect_these(
        &self,
        view: &View<'_>,
        positions: &[Pos],
        count: usize,
        collected: &mut Collected,
    ) -> Result<(), Failure> {
        let mut rest = positions;
        while !rest.is_empty() && !collected.is_full(count) {
            let wanted = rest.get(..collected.room(count)).unwrap_or(rest);
            let page = self.page(view, Source::At(wanted))?;
            let read = page.iter().count();
            if read == 0 {
                break;
            }
            self.append(view, &page, collected)?;
            rest = rest.get(read..).unwrap_or_default();
        }
        Ok(())
    }

    /// Adds a type's resources in the order of creation, from an offset on.
    fn collect_all(
        &mut self,
        view: &View<'_>,
        offset: i64,
        count: usize,
        collected: &mut Collected,
    ) -> Result<(), Failure> {
        let number = view.schema.resource_type.number;
        let veil = self.veil(number);
        // Places are counted with all that there are.
        let (index, mut after) = match veil.hides() {
            true => (0, Pos::range(number).0),
            false => self.memory.bookmarks.nearest(number, offset),
        };
        if index < offset {
            let further = offset.saturating_sub(index);
            let skipped = resources::skip(self.sql, after, further, number, veil)?;
            let Some(pos) = skipped else { return Ok(()) };
            after = pos;
        }
        let (before, is_whole) = (collected.resources, !veil.hides());
        self.collect_after(view, after, count, collected)?;
        let added = collected.resources.saturating_sub(before);
        if let (true, 1.., Some((_, last))) = (is_whole, added, collected.ends) {
            let index = offset.saturating_add(i64::try_from(added).unwrap_or(i64::MAX));
            self.memory.bookmarks.note(index, last);
        }
        Ok(())
    }

    /// Adds a type's resources in the order of creation, behind a position.
    pub(super) fn collect_after(
        &self,
        view: &View<'_>,
        after: Pos,
        count: usize,
        collected: &mut Collected,
    ) -> Result<(), Failure> {
        let mut after = after;
        while !collected.is_full(count) {
            let page = self.page(view, Source::After(after, collected.room(count)))?;
            match self.append(view, &page, collected)? {
                Some(last) => after = last,
                None => break,
            }
        }
        Ok(())
    }

    /// Adds a page's resources as long as there is room; the last one's position.
    pub(super) fn append(
        &self,
        view: &View<'_>,
        page: &Page,
        collected: &mut Collected,
    ) -> Result<Option<Pos>, Failure> {
        let mut last = None;
        for (entry, open) in page.iter() {
            if !collected.push(entry.pos, &self.render(view, entry, open)?) {
                break;
            }
            last = Some(entry.pos);
        }
        Ok(last)
    }
}

impl Collected {
    pub(super) fn is_full(&self, count: usize) -> bool {
        self.resources >= count || self.cut
    }

    /// How many resources may still be added.
    fn room(&self, count: usize) -> usize {
        count.saturating_sub(self.resources)
    }

    /// Adds a resource if there is room for it; the first one, however large it is.
    fn push(&mut self, pos: Pos, resource: &[u8]) -> bool {
        let length = self.bytes.len().saturating_add(resource.len());
        self.cut = self.resources > 0 && length >= limits::PAGE_BYTES;
        if self.cut {
            return false;
        }
        if self.resources > 0 {
            self.bytes.push(b',');
        }
        self.bytes.extend_from_slice(resource);
        self.resources = self.resources.saturating_add(1);
        self.ends = Some((self.ends.map_or(pos, |(first, _)| first), pos));
        true
    }
}
