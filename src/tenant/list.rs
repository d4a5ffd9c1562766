//! Lists: collections, and `.search` at a type and at the server (RFC 7644 §3.4.2 and §3.4.3).

mod query;

use serde_json::{Map, Value};

use super::USER;
use super::plan::Plan;
use super::render::View;
use super::work::{Answer, Failure, Work};
use crate::auth::Scope;
use crate::limits;
use crate::scim::filter::Predicate;
use crate::scim::projection::Projection;
use crate::scim::schema::TypeSchema;
use crate::scim::{ErrorKind, ScimError, urn};
use crate::store::resources;
use crate::store::{Groups, Page, Pos, Source, StoreError, members};
use query::ListQuery;

/// The resources of one type that a list consists of.
enum Matches {
    /// All of the type, in the order of creation.
    All(i64),
    /// These.
    These(Vec<Pos>),
}

/// The resources for which a filter holds, while they are sought.
struct Matching {
    positions: Vec<Pos>,
    /// How many comparisons are made of each.
    comparisons: usize,
    /// How many members of groups have been looked at.
    members: i64,
    /// How many bytes have been evaluated, once for each comparison.
    bytes: usize,
}

/// A list's resources while they are collected: JSON, separated by commas.
#[derive(Default)]
struct Collected {
    bytes: Vec<u8>,
    resources: usize,
    /// Whether there was no room for a resource.
    cut: bool,
}

impl Work<'_, '_> {
    /// `GET /{type}`.
    pub(super) fn list(&mut self, number: Option<u8>) -> Answer {
        let query = ListQuery::from_query(&self.request().query, self)?;
        self.answer_list(number, &query)
    }

    /// `POST /{type}/.search`, and `POST /.search` over all types that the key may read.
    pub(super) fn search(&mut self, number: Option<u8>) -> Answer {
        let body = self.scim_body()?;
        let query = ListQuery::from_body(&body, self)?;
        self.answer_list(number, &query)
    }

    fn answer_list(&mut self, number: Option<u8>, query: &ListQuery) -> Answer {
        let mut types = Vec::new();
        for schema in self.registry().types() {
            let own = schema.resource_type.number;
            let readable = self.may(if own == USER { Scope::UsersRead } else { Scope::GroupsRead });
            if number.map_or(readable, |number| number == own) {
                types.push(schema);
            }
        }
        let matches = self.matches_of_types(&types, query)?;
        let total = matches.iter().map(|(_, m)| m.len()).fold(0_i64, i64::saturating_add);
        let mut collected = Collected::default();
        let mut offset = query.start_index.saturating_sub(1);
        for (schema, found) in &matches {
            if offset < found.len() && !collected.is_full(query.count) {
                self.collect(*schema, found, offset, query, &mut collected)?;
            }
            offset = offset.saturating_sub(found.len()).max(0);
        }
        let head = format!(
            "{{\"schemas\":[\"{}\"],\"totalResults\":{total},\"startIndex\":{},\"itemsPerPage\":{},\"Resources\":[",
            urn::LIST_RESPONSE,
            query.start_index,
            collected.resources
        );
        Ok(self.scim(200, [head.as_bytes(), &collected.bytes, b"]}"].concat()))
    }

    /// The matches in each type. A filter that no type can evaluate is 400, in the first one's words;
    /// one that some can, matches nothing in the others (RFC 7644 §3.4.2.1).
    fn matches_of_types<'t>(
        &mut self,
        types: &[TypeSchema<'t>],
        query: &ListQuery,
    ) -> Result<Vec<(TypeSchema<'t>, Matches)>, Failure> {
        let mut matches = Vec::new();
        let mut refused = None;
        for schema in types {
            let number = schema.resource_type.number;
            let Some(filter) = &query.filter else {
                matches.push((*schema, Matches::All(self.memory.count(number).live)));
                continue;
            };
            match filter.bind(*schema) {
                Ok(predicate) => {
                    matches.push((
                        *schema,
                        Matches::These(self.matching_resources(*schema, &predicate)?),
                    ));
                }
                Err(error) => drop(refused.get_or_insert(error.into_filter_error())),
            }
        }
        match refused {
            Some(error) if matches.is_empty() => Err(error.into()),
            _ => Ok(matches),
        }
    }

    /// Adds a type's matches from an offset on, until the page is full.
    fn collect(
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
                let mut rest = positions.get(offset..).unwrap_or_default();
                while !rest.is_empty() && !collected.is_full(query.count) {
                    let wanted = rest.get(..collected.room(query.count)).unwrap_or(rest);
                    let page = self.page(&view, Source::At(wanted))?;
                    let read = page.iter().count();
                    if read == 0 {
                        break;
                    }
                    self.append(&view, &page, collected)?;
                    rest = rest.get(read..).unwrap_or_default();
                }
                Ok(())
            }
        }
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
        let (index, mut after) = self.memory.bookmarks.nearest(number, offset);
        if index < offset {
            let skipped = resources::skip(self.sql, after, offset.saturating_sub(index), number)?;
            let Some(pos) = skipped else { return Ok(()) };
            after = pos;
        }
        let mut index = offset;
        while !collected.is_full(count) {
            let page = self.page(view, Source::After(after, collected.room(count)))?;
            let Some((last, appended)) = self.append(view, &page, collected)? else { break };
            after = last;
            index = index.saturating_add(appended);
            self.memory.bookmarks.note(index, after);
        }
        Ok(())
    }

    /// Adds a page's resources as long as there is room; the last one's place and their number.
    fn append(
        &self,
        view: &View<'_>,
        page: &Page,
        collected: &mut Collected,
    ) -> Result<Option<(Pos, i64)>, Failure> {
        let mut appended: Option<(Pos, i64)> = None;
        for (entry, open) in page.iter() {
            if !collected.push(&self.render(view, entry, open)?) {
                break;
            }
            let number = appended.map_or(0, |(_, number)| number);
            appended = Some((entry.pos, number.saturating_add(1)));
        }
        Ok(appended)
    }

    /// The resources of a type for which a filter holds, in the order of creation.
    fn matching_resources(
        &self,
        schema: TypeSchema<'_>,
        predicate: &Predicate,
    ) -> Result<Vec<Pos>, Failure> {
        let number = schema.resource_type.number;
        let (plan, exact) = Plan::of(predicate, schema);
        let most = limits::SCAN_CANDIDATES.saturating_add(1);
        let candidates = match &plan {
            Plan::Scan => return self.scan(schema, predicate),
            Plan::Id(id) => {
                let pos = members::resolve(self.sql, &[id])?.into_iter().flatten();
                pos.filter(|pos| pos.type_number() == number).collect()
            }
            Plan::Key(key) => resources::find(self.sql, number, key, most)?,
            Plan::Prefix(key) => {
                let mut found = resources::find_prefix(self.sql, number, key, most)?;
                found.sort_unstable();
                found
            }
            Plan::GroupsOf(id) => {
                match members::resolve(self.sql, &[id])?.into_iter().flatten().next() {
                    Some(pos) => members::groups_of(self.sql, pos, most)?,
                    None => members::groups_naming(self.sql, id, most)?,
                }
            }
        };
        if candidates.len() >= most {
            return Err(too_many());
        }
        if exact {
            return Ok(candidates);
        }
        let mut matches = Matching::of(predicate);
        let mut rest = candidates.as_slice();
        while !rest.is_empty() {
            let step = rest.get(..limits::SCAN_STEP).unwrap_or(rest);
            let last = self.evaluate(schema, predicate, Source::At(step), &mut matches)?;
            // Large resources may have left room for a part of the step only.
            let read = last.and_then(|last| rest.iter().position(|pos| *pos == last));
            rest = read.and_then(|read| rest.get(read.saturating_add(1)..)).unwrap_or_default();
        }
        Ok(matches.positions)
    }

    /// Reads all resources of a type and keeps those for which a filter holds.
    fn scan(&self, schema: TypeSchema<'_>, predicate: &Predicate) -> Result<Vec<Pos>, Failure> {
        let number = schema.resource_type.number;
        let live = usize::try_from(self.memory.count(number).live).unwrap_or(usize::MAX);
        if live > limits::SCAN_CANDIDATES {
            return Err(too_many());
        }
        let mut matches = Matching::of(predicate);
        let mut after = Pos::range(number).0;
        loop {
            let source = Source::After(after, limits::SCAN_STEP);
            match self.evaluate(schema, predicate, source, &mut matches)? {
                Some(last) => after = last,
                None => return Ok(matches.positions),
            }
        }
    }

    /// Evaluates a filter on resources; the place of the last one read.
    fn evaluate(
        &self,
        schema: TypeSchema<'_>,
        predicate: &Predicate,
        source: Source<'_>,
        matches: &mut Matching,
    ) -> Result<Option<Pos>, Failure> {
        let derived = predicate.mentions("groups") || predicate.mentions("members");
        let projection = Projection::default();
        let view = self.evaluated_view(schema, &projection, derived);
        let page = self.page(&view, source)?;
        let mut last = None;
        for (entry, open) in page.iter() {
            last = Some(entry.pos);
            matches.members =
                matches.members.saturating_add(if derived { entry.members } else { 0 });
            if matches.members > limits::MEMBERS_SCANNED {
                return Err(too_many());
            }
            let body = self.render(&view, entry, open)?;
            let bytes = body.len().saturating_mul(matches.comparisons);
            matches.bytes = matches.bytes.saturating_add(bytes);
            if matches.bytes > limits::EVALUATED_BYTES {
                return Err(too_many());
            }
            let resource: Map<String, Value> = serde_json::from_slice(&body)
                .map_err(|_| StoreError::new("a stored document is malformed"))?;
            if predicate.matches(&resource) {
                matches.positions.push(entry.pos);
            }
        }
        Ok(last)
    }

    /// The view on which a filter is evaluated: whole, but groups and members only if it asks.
    fn evaluated_view<'v>(
        &self,
        schema: TypeSchema<'v>,
        projection: &'v Projection,
        derived: bool,
    ) -> View<'v> {
        let view = self.view(schema, projection);
        if derived { view } else { view.without_members(Groups::Hidden) }
    }
}

fn too_many() -> Failure {
    let detail = format!(
        "no index serves this filter, and more than {} resources or too many bytes would have to be \
         looked at",
        limits::SCAN_CANDIDATES
    );
    ScimError::new(ErrorKind::TooMany, detail).into()
}

impl Matches {
    fn len(&self) -> i64 {
        match self {
            Self::All(count) => *count,
            Self::These(positions) => i64::try_from(positions.len()).unwrap_or(i64::MAX),
        }
    }
}

impl Matching {
    fn of(predicate: &Predicate) -> Self {
        let comparisons = predicate.comparisons().max(1);
        Self { positions: Vec::new(), comparisons, members: 0, bytes: 0 }
    }
}

impl Collected {
    fn is_full(&self, count: usize) -> bool {
        self.resources >= count || self.cut
    }

    /// How many resources may still be added.
    fn room(&self, count: usize) -> usize {
        count.saturating_sub(self.resources)
    }

    /// Adds a resource if there is room for it; the first one, however large it is.
    fn push(&mut self, resource: &[u8]) -> bool {
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
        true
    }
}
