//! What a change of members comes to, and its writing.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::event::{Event, EventKind, Verb};
use crate::gather::Gather as _;
use crate::limits;
use crate::scim::schema::GROUP;
use crate::store::dangling::{self, DanglingRow};
use crate::store::members::MemberRow;
use crate::store::{Pos, Sql, StoreError, members};
use crate::tenant::work::Work;

/// What is to be written, rows that are not there and rows that are; and what is told of it.
#[derive(Debug, Default)]
pub(in crate::tenant) struct Delta {
    added: Vec<(Key, Row)>,
    /// Members that stay, under another display of the origin's.
    renamed: Vec<(i64, Row)>,
    /// Members that stay and had no display: they are shown under a name of their own.
    unnamed: Vec<(i64, Row)>,
    removed: Vec<(Key, Row)>,
    joined: Told,
    left: Told,
}

/// A member as its rows name it: a resource by its position, or a text that no resource is.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Key {
    Member(i64),
    Text(String),
}

/// A row of a member: by whose word it is there, and its display.
#[derive(Clone, Debug)]
struct Row {
    origin: String,
    display: Option<String>,
}

/// A row that is there.
#[derive(Clone, Debug)]
pub(in crate::tenant) struct Held {
    pub(super) origin: String,
    pub(super) display: Option<String>,
    /// Whether the client may take it.
    pub(super) mine: bool,
}

/// Of whom an event tells.
#[derive(Clone, Debug)]
pub(in crate::tenant) enum Who {
    /// Of a member by its id.
    Id(String),
    /// Of a text that no resource is. It may name a person, and the log has no texts of people but in
    /// what is about themselves.
    Text,
    /// Of the one at a position, whose id is still to be read.
    At(i64),
}

/// What an event tells of members whose rows have come or gone: who has become a member, or is one no
/// more; and who was one before, and still is, by the word of others.
#[derive(Debug, Default)]
pub(in crate::tenant) struct Told {
    members: Vec<Who>,
    still: Vec<Who>,
}

/// A member that is wanted.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) id: String,
    pub(super) display: Option<String>,
}

impl Key {
    pub(super) fn pos(&self) -> Option<Pos> {
        match self {
            Self::Member(pos) => Some(Pos::stored(*pos)),
            Self::Text(_) => None,
        }
    }

    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Member(_) => None,
            Self::Text(text) => Some(text),
        }
    }

    /// Of whom it tells, where the client has not said the id.
    pub(super) fn who(&self) -> Who {
        match self {
            Self::Member(pos) => Who::At(*pos),
            Self::Text(_) => Who::Text,
        }
    }
}

impl Who {
    /// Whether it is a text that no resource is.
    pub(super) const fn is_text(&self) -> bool {
        matches!(self, Self::Text)
    }
}

impl Told {
    /// Tells of one; whether its membership has changed with its rows.
    pub(in crate::tenant) fn tell(&mut self, changed: bool, who: Who) {
        if changed { self.members.push(who) } else { self.still.push(who) }
    }
}

impl Delta {
    /// A member of which some rows are there shall be there by the word of an origin.
    pub(super) fn join(&mut self, key: Key, entry: Entry, held: &[Held], origin: &str) {
        let Entry { id, display } = entry;
        let row = Row { origin: origin.to_owned(), display };
        match (held.iter().find(|own| own.origin == origin), key) {
            (None, key) => {
                let who = if key.pos().is_some() { Who::Id(id) } else { Who::Text };
                self.joined.tell(held.is_empty(), who);
                self.added.push((key, row));
            }
            (Some(own), Key::Member(pos)) => {
                let others = || held.iter().filter_map(|row| row.display.as_ref()).min();
                match own.display.as_ref().or_else(others) {
                    _ if row.display.is_none() => {}
                    None => self.unnamed.push((pos, row)),
                    shown if shown == row.display.as_ref() => {}
                    Some(_) => self.renamed.push((pos, row)),
                }
            }
            (Some(_), Key::Text(_)) => {}
        }
    }

    /// Has members stay as they are that are to be shown under the very name that they are shown under:
    /// what was read is written back.
    pub(super) fn keep_names(&mut self, sql: &dyn Sql) -> Result<(), StoreError> {
        if self.unnamed.is_empty() {
            return Ok(());
        }
        let unnamed = std::mem::take(&mut self.unnamed);
        let among: Vec<i64> = unnamed.iter().map(|(pos, _)| *pos).collect();
        let names = members::names(sql, &among)?;
        let name_of = |pos: i64| {
            let place = names.binary_search_by_key(&pos, |(named, _)| *named).ok()?;
            names.get(place).map(|(_, name)| name)
        };
        let is_new = |(pos, row): &(i64, Row)| name_of(*pos) != row.display.as_ref();
        self.renamed.extend(unnamed.into_iter().filter(is_new));
        Ok(())
    }

    /// A member of which some rows are there shall not be there, as far as the client may take it.
    pub(super) fn leave(&mut self, key: &Key, who: Who, held: Vec<Held>) {
        let (mine, others): (Vec<Held>, Vec<Held>) = held.into_iter().partition(|row| row.mine);
        if mine.is_empty() {
            return;
        }
        self.left.tell(others.is_empty(), who);
        let rows = mine.into_iter().map(|Held { origin, .. }| Row { origin, display: None });
        self.removed.extend(rows.map(|row| (key.clone(), row)));
    }

    /// A resource that rows of a group have named by texts takes their place, by the word of each
    /// origin that did; `texts` are all rows of those texts, of which others may name another.
    pub(in crate::tenant) fn bound(
        member: Pos,
        id: &str,
        held: &[Held],
        (rows, texts): (Vec<DanglingRow>, &[DanglingRow]),
    ) -> Self {
        let mut delta = Self::default();
        let named: BTreeSet<&str> = rows.iter().map(|row| row.value.as_str()).gathered();
        let taken: BTreeSet<(&str, &str)> =
            rows.iter().map(|row| (row.value.as_str(), row.origin.as_str())).gathered();
        let others: BTreeSet<&str> = texts
            .iter()
            .filter(|row| !taken.contains(&(row.value.as_str(), row.origin.as_str())))
            .map(|row| row.value.as_str())
            .gathered();
        for value in named {
            delta.left.tell(!others.contains(value), Who::Text);
        }
        let mut origins: BTreeSet<String> = held.iter().map(|row| row.origin.clone()).gathered();
        for DanglingRow { value, origin, display, .. } in rows {
            if origins.insert(origin.clone()) {
                let row = Row { origin: origin.clone(), display };
                delta.added.push((Key::Member(member.value()), row));
            }
            delta.removed.push((Key::Text(value), Row { origin, display: None }));
        }
        if !delta.added.is_empty() {
            delta.joined.tell(held.is_empty(), Who::Id(id.to_owned()));
        }
        delta
    }

    /// Whether nothing is to be written.
    pub(in crate::tenant) fn is_empty(&self) -> bool {
        self.added.is_empty() && self.renamed.is_empty() && self.removed.is_empty()
    }

    /// By how many rows the group grows.
    pub(in crate::tenant) fn growth(&self) -> i64 {
        let count = |rows: &Vec<_>| i64::try_from(rows.len()).unwrap_or(i64::MAX);
        count(&self.added).saturating_sub(count(&self.removed))
    }
}

impl Entry {
    pub(super) fn bytes(&self) -> usize {
        self.display.as_deref().map_or(0, str::len).max(self.id.len())
    }

    /// As a filter on members sees a member that has no row yet.
    pub(super) fn shown(&self, type_name: Option<&str>) -> Value {
        json!({ "value": self.id, "type": type_name, "display": self.display })
    }
}

impl Work<'_, '_> {
    /// Writes a difference and its events.
    pub(in crate::tenant) fn join(
        &mut self,
        group: Pos,
        group_id: &str,
        delta: &Delta,
    ) -> Result<(), StoreError> {
        self.write_texts(group, delta)?;
        for (pos, Row { origin, display }) in &delta.renamed {
            members::rename(self.sql, group, origin, *pos, display.as_deref().unwrap_or_default())?;
        }
        if !delta.renamed.is_empty() {
            let event = Event::new(EventKind::Resource(GROUP, Verb::Updated), group_id);
            self.record(&event.with("changed", vec!["members.display"]))?;
        }
        for (origin, rows) in by_origin(&delta.removed) {
            for step in rows.chunks(limits::MEMBERS_PER_REQUEST) {
                let positions: Vec<i64> = step.iter().map(|(pos, _)| *pos).collect();
                members::remove(self.sql, group, origin, &positions)?;
            }
        }
        for (origin, rows) in by_origin(&delta.added) {
            for step in rows.chunks(limits::MEMBERS_PER_REQUEST) {
                members::add(self.sql, group, origin, step)?;
            }
        }
        let touched = delta.added.iter().map(|(key, _)| key);
        for pos in touched.chain(delta.removed.iter().map(|(key, _)| key)).filter_map(Key::pos) {
            self.memory.dirty.touch_member(pos);
        }
        let is_group = |pos: Pos| pos.type_number() == GROUP;
        if delta.added.iter().filter_map(|(key, _)| key.pos()).any(is_group) {
            self.memory.touched = true;
            self.memory.nested_groups = true;
        }
        self.record_members(EventKind::GroupMemberAdded, group_id, &delta.joined)?;
        self.record_members(EventKind::GroupMemberRemoved, group_id, &delta.left)
    }

    /// Writes the rows of members that no resource is.
    fn write_texts(&mut self, group: Pos, delta: &Delta) -> Result<(), StoreError> {
        for (key, Row { origin, display }) in &delta.added {
            let Some(text) = key.text() else { continue };
            dangling::add(self.sql, group, origin, text, display.as_deref())?;
            self.memory.touched = true;
            self.memory.dangling = true;
        }
        for (key, Row { origin, .. }) in &delta.removed {
            let Some(text) = key.text() else { continue };
            dangling::remove(self.sql, group, origin, text)?;
        }
        Ok(())
    }

    /// Records what has become of members of a group.
    pub(in crate::tenant) fn record_members(
        &mut self,
        kind: EventKind,
        group_id: &str,
        told: &Told,
    ) -> Result<(), StoreError> {
        let events = told_events(self.sql, kind, group_id, told)?;
        events.iter().try_for_each(|event| self.record(event))
    }
}

/// What is told of members of a group, in as many events as it takes. Whoever follows `members` has
/// the group's members; `stillMembers` are those of whom a row more or less made no difference, and
/// `keptAsSent` is how many more no resource is.
pub(in crate::tenant) fn told_events(
    sql: &dyn Sql,
    kind: EventKind,
    group_id: &str,
    told: &Told,
) -> Result<Vec<Event>, StoreError> {
    let (members, still) = (ids_of(sql, &told.members)?, ids_of(sql, &told.still)?);
    let sent = told.members.iter().filter(|who| who.is_text()).count();
    let mut untold = told.members.iter().chain(&told.still).any(Who::is_text);
    let mut members = members.chunks(limits::MEMBERS_PER_EVENT);
    let mut still = still.chunks(limits::MEMBERS_PER_EVENT);
    let mut events = Vec::new();
    loop {
        let (members, still) = (members.next(), still.next());
        if members.is_none() && still.is_none() && !untold {
            return Ok(events);
        }
        let event =
            Event::new(kind, group_id).with("members", members.unwrap_or_default().to_vec());
        let event = if untold && sent > 0 { event.with("keptAsSent", sent) } else { event };
        untold = false;
        events.push(match still {
            Some(still) => event.with("stillMembers", still.to_vec()),
            None => event,
        });
    }
}

/// The ids of members, those that have been deleted left out.
pub(super) fn ids_of(sql: &dyn Sql, members: &[Who]) -> Result<Vec<String>, StoreError> {
    let (mut ids, mut unnamed) = (Vec::new(), Vec::new());
    for who in members {
        match who {
            Who::Id(id) => ids.push(id.clone()),
            Who::At(pos) => unnamed.push(*pos),
            Who::Text => {}
        }
    }
    for step in unnamed.chunks(limits::MEMBERS_PER_REQUEST) {
        ids.extend(members::ids(sql, step)?);
    }
    Ok(ids)
}

/// The rows of members that are resources, by origin.
fn by_origin(rows: &[(Key, Row)]) -> BTreeMap<&str, Vec<MemberRow>> {
    let mut sorted: BTreeMap<&str, Vec<MemberRow>> = BTreeMap::new();
    for (key, Row { origin, display }) in rows {
        if let Some(pos) = key.pos() {
            sorted.entry(origin).or_default().push((pos.value(), display.clone()));
        }
    }
    sorted
}
