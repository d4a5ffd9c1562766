//! Which resources match a filter, and the reading of many resources one by one.

use serde_json::{Map, Value};

use super::collect::Collected;
use super::query::{ListQuery, Start};
use super::{Matches, TypedMatches};
use crate::limits;
use crate::scim::filter::Predicate;
use crate::scim::projection::Projection;
use crate::scim::schema::TypeSchema;
use crate::scim::{ErrorKind, ScimError};
use crate::store::{Groups, PageEntry, Pos, Prefilter, Source, StoreError, members, resources};
use crate::tenant::lookups::is_unique;
use crate::tenant::plan::{Plan, Range};
use crate::tenant::work::{Failure, Work};

/// What of a resource has to be read to look at it.
#[derive(Clone, Copy)]
pub(super) enum Needs {
    /// The document.
    Document,
    /// Also its groups or members.
    Rows,
}

/// How resources are looked at, and how much of them has been.
pub(super) struct Look {
    needs: Needs,
    /// How many comparisons are made of each.
    comparisons: usize,
    /// What is said when it would be too much.
    refuse: fn() -> Failure,
    /// How many members of groups have been looked at.
    members: i64,
    /// How many bytes have been evaluated, once for each comparison.
    bytes: usize,
}

/// What is done with each resource that is read.
type Visit<'v> = &'v mut dyn FnMut(Pos, &Map<String, Value>) -> Result<(), Failure>;

/// A type, and what is asked of its resources; of all of them nothing.
pub(super) type Asked<'t> = (TypeSchema<'t>, Option<Predicate>);

impl Work<'_, '_> {
    /// What a list asks of each type. A filter that no type can evaluate is 400, in the first one's
    /// words; one that some can, matches nothing in the others (RFC 7644 §3.4.2.1).
    pub(super) fn asked_of_types<'t>(
        &self,
        types: &[TypeSchema<'t>],
        query: &ListQuery,
    ) -> Result<Vec<Asked<'t>>, Failure> {
        let Some(filter) = &query.filter else {
            return types.iter().map(|schema| Ok((*schema, self.asked_of_all(*schema)?))).collect();
        };
        let (mut asked, mut refused) = (Vec::new(), None);
        for schema in types {
            match filter.bind(*schema, &self.compat) {
                Ok(predicate) => {
                    let predicate = match self.asked_of_all(*schema)? {
                        Some(more) => Predicate::And(vec![predicate, more]),
                        None => predicate,
                    };
                    asked.push((*schema, Some(predicate)));
                }
                Err(error) => drop(refused.get_or_insert(error.into_filter_error())),
            }
        }
        match refused {
            Some(error) if asked.is_empty() => Err(error.into()),
            _ => Ok(asked),
        }
    }

    /// The matches in each type.
    pub(super) fn matches_of_types<'t>(
        &self,
        asked: &[Asked<'t>],
    ) -> Result<TypedMatches<'t>, Failure> {
        let matches = |(schema, predicate): &Asked<'t>| {
            let found = match predicate {
                Some(predicate) => Matches::These(self.matching_resources(*schema, predicate)?),
                None => Matches::All(self.count_seen(schema.resource_type.number)),
            };
            Ok((*schema, found))
        };
        asked.iter().map(matches).collect()
    }

    /// The first page of a filter that asks for a unique value, which is what clients ask most: whoever
    /// has it is found and read in one statement. `None` where it asks for anything else.
    pub(super) fn page_of_unique(
        &self,
        asked: &[Asked<'_>],
        query: &ListQuery,
    ) -> Result<Option<Collected>, Failure> {
        let ([(schema, Some(predicate))], Start::Index(1), 1..) =
            (asked, &query.start, query.count)
        else {
            return Ok(None);
        };
        if self.veil(schema.resource_type.number).hides() {
            return Ok(None);
        }
        // Whether it is one is seen before it is planned, which other filters are once and not twice.
        let Predicate::Compare { target, .. } = predicate else { return Ok(None) };
        let path = target.path();
        let lookup = schema.resource_type.lookup(&path);
        if !lookup.is_some_and(|lookup| is_unique(lookup, *schema)) {
            return Ok(None);
        }
        let (Plan::Key(key), true) = Plan::of(predicate, *schema) else { return Ok(None) };
        let view = self.view(*schema, &query.projection);
        let page = self.page(&view, Source::Key(schema.resource_type.number, &key))?;
        let mut found = Collected::default();
        self.append(&view, &page, &mut found)?;
        Ok(Some(found))
    }

    /// The resources of a type for which a filter holds, in the order of creation.
    pub(in crate::tenant) fn matching_resources(
        &self,
        schema: TypeSchema<'_>,
        predicate: &Predicate,
    ) -> Result<Vec<Pos>, Failure> {
        let (plan, exact) = Plan::of(predicate, schema);
        let mut candidates = match self.found(schema.resource_type.number, &plan)? {
            Some(found) => Matches::These(found),
            None if exact => return Err(too_many()),
            None => self.scan(schema, predicate)?,
        };
        if let Matches::These(found) = &mut candidates {
            found.retain(|pos| !self.hides(*pos));
        }
        match candidates {
            Matches::These(found) if exact => Ok(found),
            candidates => self.evaluate(schema, predicate, &candidates),
        }
    }

    /// What a plan finds by an index, in the order of creation; `None` where there is no index, or
    /// more would have to be evaluated than may be.
    fn found(&self, number: u8, plan: &Plan) -> Result<Option<Vec<Pos>>, StoreError> {
        let most = limits::SCAN_CANDIDATES.saturating_add(1);
        let mut found = match plan {
            Plan::Scan => return Ok(None),
            Plan::AnyOf(plans) => {
                for plan in plans {
                    if let Some(found) = self.found(number, plan)? {
                        return Ok(Some(found));
                    }
                }
                return Ok(None);
            }
            Plan::Union(plans) => {
                let mut all = Vec::new();
                for plan in plans {
                    let Some(found) = self.found(number, plan)? else { return Ok(None) };
                    all.extend(found);
                    all.sort_unstable();
                    all.dedup();
                    if all.len() >= most {
                        return Ok(None);
                    }
                }
                all
            }
            Plan::Id(id) => {
                let pos = members::resolve(self.sql, &[id])?.into_iter().flatten();
                pos.filter(|pos| pos.type_number() == number).collect()
            }
            Plan::Key(key) => resources::find(self.sql, number, key, most)?,
            Plan::Prefix(key) => resources::find_prefix(self.sql, number, key, most)?,
            Plan::Between(moment, Range { low, high }) => {
                let bounds = (low.as_deref(), high.as_deref());
                resources::find_between(self.sql, number, *moment, bounds, most)?
            }
            Plan::GroupsOf(id) => {
                let member = members::resolve(self.sql, &[id])?.into_iter().flatten().next();
                match member.filter(|pos| !self.hides(*pos)) {
                    Some(pos) => members::groups_of(self.sql, pos, self.seen(), most)?,
                    None => members::groups_naming(self.sql, id, self.seen(), most)?,
                }
            }
        };
        found.sort_unstable();
        Ok(Some(found).filter(|found| found.len() < most))
    }

    /// The resources of a type that a filter may match, few enough to be evaluated.
    fn scan(&self, schema: TypeSchema<'_>, predicate: &Predicate) -> Result<Matches, Failure> {
        let number = schema.resource_type.number;
        let all = Matches::All(self.memory.count(number).live);
        let of = |most: usize| i64::try_from(most).unwrap_or(i64::MAX);
        if all.len() <= of(limits::SCAN_CANDIDATES) {
            return Ok(all);
        }
        let prefilter = Prefilter::of(predicate).ok_or_else(too_many)?;
        if all.len() > of(limits::PREFILTER_DOCUMENTS) {
            return Err(too_many());
        }
        let (mut candidates, mut bytes) = (Vec::new(), 0_i64);
        let mut after = Some(Pos::range(number).0);
        while let Some(pos) = after {
            let scanned = prefilter.step(self.sql, pos)?;
            candidates.extend(scanned.candidates);
            bytes = bytes.saturating_add(scanned.bytes);
            after = scanned.last;
            if candidates.len() > limits::SCAN_CANDIDATES || bytes > of(limits::EVALUATED_BYTES) {
                return Err(too_many());
            }
        }
        Ok(Matches::These(candidates))
    }

    /// Those of some resources for which a filter holds.
    fn evaluate(
        &self,
        schema: TypeSchema<'_>,
        predicate: &Predicate,
        candidates: &Matches,
    ) -> Result<Vec<Pos>, Failure> {
        let mut matches = Vec::new();
        let needs = Needs::of(|name| predicate.mentions(name));
        let look = Look::new(needs, predicate.comparisons().max(1), too_many);
        self.visit(schema, candidates, look, &mut |pos, resource| {
            if predicate.matches(resource) {
                matches.push(pos);
            }
            Ok(())
        })?;
        Ok(matches)
    }

    /// Reads resources one by one, in the order of creation.
    pub(super) fn visit(
        &self,
        schema: TypeSchema<'_>,
        found: &Matches,
        mut look: Look,
        visit: Visit<'_>,
    ) -> Result<(), Failure> {
        match found {
            Matches::All(_) => {
                let mut after = Pos::range(schema.resource_type.number).0;
                let step = |after| Source::After(after, limits::SCAN_STEP);
                while let Some(last) = self.visit_step(schema, step(after), &mut look, visit)? {
                    after = last;
                }
            }
            Matches::These(positions) => {
                let mut rest = positions.as_slice();
                while !rest.is_empty() {
                    let step = Source::At(rest.get(..limits::SCAN_STEP).unwrap_or(rest));
                    let last = self.visit_step(schema, step, &mut look, visit)?;
                    // Large resources may have left room for a part of the step only.
                    let read = last.and_then(|last| rest.iter().position(|pos| *pos == last));
                    rest = read
                        .and_then(|read| rest.get(read.saturating_add(1)..))
                        .unwrap_or_default();
                }
            }
        }
        Ok(())
    }

    /// Reads resources; the place of the last one read.
    fn visit_step(
        &self,
        schema: TypeSchema<'_>,
        source: Source<'_>,
        look: &mut Look,
        visit: Visit<'_>,
    ) -> Result<Option<Pos>, Failure> {
        let projection = Projection::default();
        let view = self.view(schema, &projection).in_full();
        let view = match look.needs {
            Needs::Rows => view,
            Needs::Document => view.without_members(Groups::Hidden),
        };
        let page = self.page(&view, source)?;
        let mut last = None;
        for (entry, open) in page.iter() {
            last = Some(entry.pos);
            look.expect_members(entry)?;
            let body = self.render(&view, entry, open)?;
            look.count_bytes(body.len())?;
            let resource: Map<String, Value> = serde_json::from_slice(&body)
                .map_err(|_| StoreError::new("a stored document is malformed"))?;
            visit(entry.pos, &resource)?;
        }
        Ok(last)
    }
}

impl Look {
    pub(super) fn new(needs: Needs, comparisons: usize, refuse: fn() -> Failure) -> Self {
        Self { needs, comparisons, refuse, members: 0, bytes: 0 }
    }

    fn expect_members(&mut self, entry: &PageEntry) -> Result<(), Failure> {
        if let Needs::Rows = self.needs {
            self.members = self.members.saturating_add(entry.members);
        }
        if self.members > limits::MEMBERS_SCANNED { Err((self.refuse)()) } else { Ok(()) }
    }

    fn count_bytes(&mut self, bytes: usize) -> Result<(), Failure> {
        self.bytes = self.bytes.saturating_add(bytes.saturating_mul(self.comparisons));
        if self.bytes > limits::EVALUATED_BYTES { Err((self.refuse)()) } else { Ok(()) }
    }
}

impl Needs {
    /// What is needed by what mentions some of the core schema's attributes.
    pub(super) fn of(mentions: impl Fn(&str) -> bool) -> Self {
        if mentions("groups") || mentions("members") { Self::Rows } else { Self::Document }
    }
}

fn too_many() -> Failure {
    let detail = format!(
        "no index serves this filter, and more than {} resources would have to be searched, more \
         than {} evaluated, or too many bytes",
        limits::PREFILTER_DOCUMENTS,
        limits::SCAN_CANDIDATES
    );
    ScimError::new(ErrorKind::TooMany, detail).into()
}
