//! Members by other names than their ids.
//!
//! A connection that may name members that are not there names them by what it knows of them: a
//! `userName`, or an `externalId` of its own. Such a member is the resource of that name: at once
//! where there is one, else as soon as one appears. Which of the two came first makes no
//! difference afterwards, nor by which name it is removed.

use std::collections::{BTreeMap, BTreeSet};

use super::members::delta::Delta;
use super::resources::grow;
use super::work::{Failure, Work};
use crate::gather::Gather as _;
use crate::limits;
use crate::scim::fold::fold;
use crate::scim::schema::TypeSchema;
use crate::scim::{ErrorKind, ScimError};
use crate::store::dangling::{self, DanglingRow, Own};
use crate::store::resources::{LookupKey, ResourceRow};
use crate::store::{Pos, StoreError, members};

/// What a member was named for.
pub(super) struct Target {
    pub(super) pos: Pos,
    /// Its id, where the text was another name of it.
    pub(super) id: Option<String>,
}

/// An attribute by whose value members may be named.
#[derive(Clone, Copy)]
struct Name {
    type_number: u8,
    lookup: u8,
    case_exact: bool,
    /// Whether it is a name only to the origin that gave it, not to all.
    own: bool,
}

impl Name {
    /// The names of a type's resources; what names them for everybody comes first.
    fn all(schema: TypeSchema<'_>) -> impl Iterator<Item = Self> {
        [("userName", false), ("externalId", true)].into_iter().filter_map(move |(path, own)| {
            let lookup = schema.resource_type.lookup(path)?;
            let found = schema.attribute(None, path)?;
            Some(Self {
                type_number: schema.resource_type.number,
                lookup: lookup.number,
                case_exact: found.attribute.compares_case_exact(),
                own,
            })
        })
    }

    fn key(self, text: &str) -> String {
        if self.case_exact { text.to_owned() } else { fold(text) }
    }
}

impl Work<'_, '_> {
    /// The resources that members are named for: by their ids, or by other names where the
    /// connection may use them. The names of what the key may not read tell it nothing, and a group
    /// is not looked for in itself.
    pub(super) fn targets(
        &self,
        texts: &[&str],
        group: Option<&ResourceRow>,
    ) -> Result<Vec<Option<Target>>, StoreError> {
        let positions = members::resolve(self.sql, texts)?;
        let seen = positions.into_iter().map(|pos| pos.filter(|pos| !self.hides(*pos)));
        let mut targets: Vec<Option<Target>> =
            seen.map(|pos| pos.map(|pos| Target { pos, id: None })).collect();
        if !self.compat.dangling_members {
            return Ok(targets);
        }
        let types = self.listed_types(None).into_iter();
        let types = types.filter(|schema| schema.resource_type.member);
        for name in types.flat_map(Name::all) {
            let mut keys: Vec<String> = texts
                .iter()
                .zip(&targets)
                .filter(|(text, target)| target.is_none() && text.len() <= limits::MEMBER_BYTES)
                .map(|(text, _)| name.key(text))
                .collect();
            keys.sort();
            keys.dedup();
            if keys.is_empty() {
                break;
            }
            let found = self.found_by(name, &keys, group.map(|group| group.pos))?;
            for (text, target) in texts.iter().zip(&mut targets).filter(|(_, t)| t.is_none()) {
                let other = |pos: &Pos| group.is_none_or(|group| group.pos != *pos);
                let found = found.get(&name.key(text)).filter(|(pos, _)| other(pos));
                *target = found.map(|(pos, id)| Target { pos: *pos, id: Some(id.clone()) });
            }
        }
        Ok(targets)
    }

    fn found_by(
        &self,
        name: Name,
        keys: &[String],
        group: Option<Pos>,
    ) -> Result<BTreeMap<String, (Pos, String)>, StoreError> {
        let own = name.own.then_some(Own { origin: &self.origin, group });
        let found = dangling::named(self.sql, name.type_number, name.lookup, keys, own)?;
        let seen = found.into_iter().filter(|(_, pos, _)| !self.hides(*pos));
        Ok(seen.map(|(key, pos, id)| (key, (pos, id))).gathered())
    }

    /// The rows of other groups that name a resource: by its id, where it is new, and by those of
    /// its keys that it has not had before.
    pub(super) fn named_by(
        &self,
        schema: TypeSchema<'_>,
        new: Option<&str>,
        gained: &[LookupKey],
    ) -> Result<Vec<DanglingRow>, Failure> {
        if !self.memory.dangling || !schema.resource_type.member {
            return Ok(Vec::new());
        }
        let names: Vec<(Name, &str)> = Name::all(schema)
            .flat_map(|name| {
                let keys = gained.iter().filter(move |(lookup, _)| *lookup == name.lookup);
                keys.map(move |(_, key)| (name, key.as_str()))
            })
            .collect();
        let mut keys: Vec<String> = names.iter().map(|(_, key)| fold(key)).collect();
        keys.extend(new.map(str::to_owned));
        keys.sort();
        keys.dedup();
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let most = limits::BOUND_MEMBERS;
        let mut rows = dangling::keyed(self.sql, &keys, most.saturating_add(1))?;
        if rows.len() > most {
            let detail = format!("more than {most} groups name this resource as a member");
            return Err(ScimError::new(ErrorKind::TooMany, detail).into());
        }
        rows.retain(|row| {
            let is_named = |(name, key): &(Name, &str)| {
                name.key(&row.value) == *key && (!name.own || row.origin == self.origin)
            };
            new == Some(row.value.as_str()) || names.iter().any(is_named)
        });
        Ok(rows)
    }

    /// Makes a resource a member where rows of groups have named it; whether it is in any now.
    pub(super) fn bind(
        &mut self,
        member: Pos,
        id: &str,
        rows: Vec<DanglingRow>,
    ) -> Result<bool, StoreError> {
        let mut groups: BTreeMap<Pos, Vec<DanglingRow>> = BTreeMap::new();
        for row in rows.into_iter().filter(|row| row.group != member) {
            groups.entry(row.group).or_default().push(row);
        }
        let bound = !groups.is_empty();
        for (group, rows) in groups {
            let there = members::present(self.sql, group, Some(&[member.value()]))?;
            let held = there.into_iter().map(|((_, display), origin)| self.held(origin, display));
            let texts: BTreeSet<&str> = rows.iter().map(|row| row.value.as_str()).gathered();
            let texts: Vec<&str> = texts.into_iter().collect();
            let texts = dangling::present(self.sql, group, Some(&texts))?;
            let delta = Delta::bound(member, id, &held.collect::<Vec<_>>(), (rows, &texts));
            if let Some(id) = grow(self.sql, group, delta.growth(), self.now())? {
                self.join(group, &id, &delta)?;
            }
        }
        Ok(bound)
    }
}
