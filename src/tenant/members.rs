//! Membership, changed by difference: what a request wants, against the rows that are there.
//!
//! A group may have 100,000 members, so a change reads and writes only the rows it names; all of
//! them are read only when all are replaced or sought by a filter.
//!
//! Whoever adds a member has a row of its own for it, whoever else has one. Removing takes the rows
//! that the client sees: the connection's own, with those of connections that have left; by a key
//! without a connection, the member goes whole, by whosever word it was there, since else the
//! removal would have no effect, but for what follows from a mapping, which nobody removes. Such a key sees all members, and by replacing all of them says who
//! shall be there, not by whose word: those who are there stay as they are, so that what it has read
//! can be written back.

pub(super) mod delta;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

pub(super) use self::delta::Delta;
use self::delta::{Entry, Held, Key, Who};
use super::naming::Target;
use super::render::few_enough;
use super::work::{Failure, Work};
use crate::limits;
use crate::scim::filter::Predicate;
use crate::scim::resource::{Member, MemberOp};
use crate::scim::schema::Registry;
use crate::scim::{ErrorKind, ScimError};
use crate::store::dangling::{self, DanglingRow};
use crate::store::members::MAPPING;
use crate::store::resources::ResourceRow;
use crate::store::{Pos, StoreError, members};

/// The rows of a group that are there, by whom they are of.
type There = BTreeMap<Key, Vec<Held>>;

/// What is to become of a member that a request names.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Wish {
    /// It shall be there by the client's word.
    Join,
    /// It shall be there by whosever word.
    BeThere,
    /// It shall not be there, as far as the client sees.
    Leave,
}

/// What a request wants: for each member named, what is to become of it; for all others, whether
/// they may stay. What is said of a member last counts.
#[derive(Debug, Default)]
struct Wanted {
    cleared: bool,
    members: BTreeMap<Key, (Entry, Wish)>,
    /// Texts that name resources, and so need not be there as texts.
    named: BTreeSet<String>,
}

impl Work<'_, '_> {
    /// Decides what a list of operations on members comes to; `group` is absent when it is new.
    pub(super) fn membership(
        &self,
        group: Option<&ResourceRow>,
        operations: Vec<MemberOp>,
    ) -> Result<Delta, Failure> {
        let mut wanted = Wanted::default();
        for operation in operations {
            match operation {
                MemberOp::Add(list) => self.want(&mut wanted, group, list, Wish::Join)?,
                MemberOp::Remove(values) => self.unwant(&mut wanted, group, values)?,
                MemberOp::RemoveWhere(predicate) => {
                    let values = self.matching(&wanted, group, &predicate)?;
                    self.unwant(&mut wanted, group, values)?;
                }
                MemberOp::Clear => wanted.clear(),
                MemberOp::Replace(list) => {
                    wanted.clear();
                    let wish = if self.connection.is_some() { Wish::Join } else { Wish::BeThere };
                    self.want(&mut wanted, group, list, wish)?;
                }
            }
            if wanted.members.len() > limits::MEMBERS_PER_REQUEST {
                let detail = format!("at most {} members a request", limits::MEMBERS_PER_REQUEST);
                return Err(ScimError::new(ErrorKind::TooMany, detail).into());
            }
        }
        self.difference(wanted, group)
    }

    /// Members shall be there. One that no resource is, is refused or kept as sent.
    fn want(
        &self,
        wanted: &mut Wanted,
        group: Option<&ResourceRow>,
        list: Vec<Member>,
        wish: Wish,
    ) -> Result<(), Failure> {
        let values: Vec<&str> = list.iter().map(|member| member.value.as_str()).collect();
        let targets = self.targets(&values, group)?;
        for (place, (member, target)) in (1_usize..).zip(list.into_iter().zip(targets)) {
            let entry = Entry { id: member.value, display: member.display };
            if entry.bytes() > limits::MEMBER_BYTES {
                let most = limits::MEMBER_BYTES;
                let detail = format!("`members`: value {place} has more than {most} bytes");
                return Err(ScimError::new(ErrorKind::InvalidValue, detail).into());
            }
            let is_kept = target.is_none()
                && (self.compat.dangling_members || self.is_kept(group, &entry.id, wish)?);
            match target {
                Some(Target { pos, .. }) if !may_be_member(pos) => {
                    return Err(no_member(place).into());
                }
                Some(Target { pos, .. }) if group.is_some_and(|group| group.pos == pos) => {
                    let detail = "a group cannot be a member of itself";
                    return Err(ScimError::new(ErrorKind::InvalidValue, detail).into());
                }
                Some(target) => wanted.put(target, entry, wish),
                None if is_kept => {
                    wanted.members.insert(Key::Text(entry.id.clone()), (entry, wish));
                }
                None => {
                    return Err(no_member(place).into());
                }
            }
        }
        Ok(())
    }

    /// Whether a text that no resource is stays with a group that has it, where all is said anew.
    fn is_kept(
        &self,
        group: Option<&ResourceRow>,
        text: &str,
        wish: Wish,
    ) -> Result<bool, StoreError> {
        match group {
            Some(group) if self.memory.dangling && wish == Wish::BeThere => {
                Ok(!dangling::present(self.sql, group.pos, Some(&[text]))?.is_empty())
            }
            _ => Ok(false),
        }
    }

    /// Members shall not be there; one that no resource is, may still be there as it was sent.
    fn unwant(
        &self,
        wanted: &mut Wanted,
        group: Option<&ResourceRow>,
        values: Vec<String>,
    ) -> Result<(), Failure> {
        let texts: Vec<&str> = values.iter().map(String::as_str).collect();
        let targets = self.targets(&texts, group)?;
        for (id, target) in values.into_iter().zip(targets) {
            let entry = Entry { id, display: None };
            match target {
                Some(target) => wanted.put(target, entry, Wish::Leave),
                None => {
                    wanted.members.insert(Key::Text(entry.id.clone()), (entry, Wish::Leave));
                }
            }
        }
        Ok(())
    }

    /// The members that a filter selects, among those that are there and those that shall be.
    fn matching(
        &self,
        wanted: &Wanted,
        group: Option<&ResourceRow>,
        predicate: &Predicate,
    ) -> Result<Vec<String>, Failure> {
        let mut candidates: Vec<Value> = Vec::new();
        if let Some(group) = group.filter(|_| !wanted.cleared) {
            if usize::try_from(group.members).unwrap_or(usize::MAX) > limits::SCAN_CANDIDATES {
                return Err(ErrorKind::TooMany.into());
            }
            let view = self.member_view();
            let shown =
                [b"[", members::shown(self.sql, group.pos, view)?.as_slice(), b"]"].concat();
            candidates = serde_json::from_slice(&shown)
                .map_err(|_| StoreError::new("members are not shown as JSON"))?;
        }
        let selects = |member: &Value| predicate.matches_value(member);
        if !self.compat.remove_all_members
            && !candidates.is_empty()
            && candidates.iter().all(selects)
        {
            return Err(all_unnamed());
        }
        let added = wanted.members.iter().filter(|(_, (_, wish))| *wish != Wish::Leave);
        candidates.extend(added.map(|(key, (entry, _))| {
            let number = key.pos().map(Pos::type_number);
            let schema = number.and_then(|number| self.registry().type_numbered(number));
            entry.shown(schema.map(|schema| schema.resource_type.id.as_str()))
        }));
        let value = |member: &Value| member.get("value")?.as_str().map(str::to_owned);
        let selected = candidates.iter().filter(|member| selects(member));
        Ok(selected.filter_map(value).collect())
    }

    /// What is wanted, less what is there.
    fn difference(&self, wanted: Wanted, group: Option<&ResourceRow>) -> Result<Delta, Failure> {
        if wanted.cleared {
            few_enough(group.map_or(0, |group| group.members))?;
        }
        let mut there = match group {
            Some(group) => self.there(&wanted, group)?,
            None => There::default(),
        };
        self.leaves_some(&wanted, &there)?;
        let mut delta = Delta::default();
        let is_others =
            |held: &[Held]| !held.is_empty() && held.iter().all(|row| row.origin != self.origin);
        for (key, (entry, wish)) in wanted.members {
            let held = there.remove(&key).unwrap_or_default();
            match wish {
                Wish::Leave if key.pos().is_some() => {
                    delta.leave(&key, Who::Id(entry.id), held);
                }
                Wish::Leave => delta.leave(&key, Who::Text, held),
                // Who is there stays as it is.
                Wish::BeThere if is_others(&held) => {}
                Wish::Join | Wish::BeThere => delta.join(key, entry, &held, &self.origin),
            }
        }
        // What is left was not named, or by another name.
        for (key, held) in there {
            let who = key.who();
            delta.leave(&key, who, held);
        }
        delta.keep_names(self.sql)?;
        Ok(delta)
    }

    /// Refuses that all members of a group go without having been named, to a client that may not
    /// do that.
    fn leaves_some(&self, wanted: &Wanted, there: &There) -> Result<(), Failure> {
        if self.compat.remove_all_members || !wanted.cleared || wanted.keeps_any(there) {
            return Ok(());
        }
        // Nobody sees the rows of deleted members any more.
        let going = there.iter().filter(|(_, held)| held.iter().any(|row| row.mine));
        let going: Vec<Who> = going.map(|(key, _)| key.who()).collect();
        if !going.iter().any(Who::is_text) && delta::ids_of(self.sql, &going)?.is_empty() {
            return Ok(());
        }
        Err(all_unnamed())
    }

    /// The rows that are there, as far as what is wanted depends on them.
    fn there(&self, wanted: &Wanted, group: &ResourceRow) -> Result<There, StoreError> {
        let named: Vec<i64> = wanted.members.keys().filter_map(Key::pos).map(Pos::value).collect();
        let texts = wanted.members.keys().filter_map(Key::text);
        let texts: Vec<&str> = texts.chain(wanted.named.iter().map(String::as_str)).collect();
        let members = match (wanted.cleared, named.as_slice()) {
            (true, _) => members::present(self.sql, group.pos, None)?,
            (false, []) => Vec::new(),
            (false, named) => members::present(self.sql, group.pos, Some(named))?,
        };
        let dangling = match (wanted.cleared, texts.as_slice()) {
            (true, _) => dangling::present(self.sql, group.pos, None)?,
            (false, []) => Vec::new(),
            (false, texts) => dangling::present(self.sql, group.pos, Some(texts))?,
        };
        let members = members
            .into_iter()
            .map(|((pos, display), origin)| (Key::Member(pos), self.held_at(pos, origin, display)));
        let dangling = dangling.into_iter().map(|row| {
            let DanglingRow { value, origin, display, .. } = row;
            (Key::Text(value), self.held(origin, display))
        });
        let mut there = There::new();
        for (key, held) in members.chain(dangling) {
            there.entry(key).or_default().push(held);
        }
        Ok(there)
    }

    /// The row of a member that is there; that of one who is hidden from this client is not its to change.
    fn held_at(&self, member: i64, origin: String, display: Option<String>) -> Held {
        let held = self.held(origin, display);
        Held { mine: held.mine && !self.hides(Pos::stored(member)), ..held }
    }

    /// A row that is there, as this client has it. What follows from a mapping is nobody's to take.
    pub(super) fn held(&self, origin: String, display: Option<String>) -> Held {
        Held { mine: self.sees(&origin) && origin != MAPPING, origin, display }
    }
}

/// Whether a resource's type may be in groups; also one that is hidden now, so that what a group shows
/// can be written back.
fn may_be_member(pos: Pos) -> bool {
    let schema = Registry::whole().type_numbered(pos.type_number());
    schema.is_some_and(|schema| schema.resource_type.member)
}

fn no_member(place: usize) -> ScimError {
    let detail = format!("`members`: value {place} is no user or group here");
    ScimError::new(ErrorKind::InvalidValue, detail)
}

impl Wanted {
    /// Whether one of the members that the client sees there is to stay.
    fn keeps_any(&self, there: &There) -> bool {
        let stays = |key: &Key| self.members.get(key).is_some_and(|(_, wish)| *wish != Wish::Leave);
        there.iter().any(|(key, held)| stays(key) && held.iter().any(|row| row.mine))
    }

    fn clear(&mut self) {
        *self = Self { cleared: true, ..Self::default() };
    }

    /// What is to become of a resource, by whatever text it was named.
    fn put(&mut self, target: Target, entry: Entry, wish: Wish) {
        let Target { pos, id } = target;
        let key = Key::Member(pos.value());
        if let Some(id) = id {
            self.named.insert(entry.id);
            self.members.insert(key, (Entry { id, ..entry }, wish));
        } else {
            self.members.insert(key, (entry, wish));
        }
    }
}

/// RFC 7644 Table 9 `mutability`: the attribute's present state does not allow it.
fn all_unnamed() -> Failure {
    let detail = "this connection may not remove all `members` at once without naming them";
    ScimError::new(ErrorKind::Mutability, detail).into()
}
