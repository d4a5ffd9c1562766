//! Which copies are due, and what they are to be.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use serde_json::json;

use super::{Batch, Done, ON, everything};
use crate::auth::{CopyName, KeyRing};
use crate::limits;
use crate::policy::GroupKind;
use crate::scim::fold::fold;
use crate::scim::schema::{GROUP, USER};
use crate::store::copies::{self, CopyRow};
use crate::store::resources::{self, ResourceRow};
use crate::store::{Pos, Sql, StoreError, events};
use crate::tenant::access::{Known, shown_document};
use crate::tenant::document::Document;
use crate::tenant::lookups::key_for;
use crate::tenant::memory::Memory;
use crate::tenant::resources::kind_of;

/// The operations that one resource needs at most: of each name that it has, and had.
const OPERATIONS_EACH: usize = 6;
/// Rows that are read at a time: of resources that need two operations each, there is room for no more.
const ROWS: usize = limits::COPY_OPERATIONS / 2;

/// What the types of events begin with that name a user or a group.
const NAMING: [&str; 3] = ["user.", "group.", "change."];

/// A step that is being made up.
pub(super) struct Plan<'p> {
    sql: &'p dyn Sql,
    memory: &'p Memory,
    key_ring: &'p KeyRing,
    tenant: &'p str,
    operations: BTreeMap<String, Option<Rc<str>>>,
    bytes: usize,
    /// What has been seen to.
    seen: BTreeSet<String>,
    done: Done,
}

impl<'p> Plan<'p> {
    /// A step of what there is to do. Where another secret gives names, that is everything.
    pub(super) fn new(
        sql: &'p dyn Sql,
        memory: &'p mut Memory,
        key_ring: &'p KeyRing,
        tenant: &'p str,
    ) -> Result<Self, StoreError> {
        let lost = || StoreError::new("nothing is known of copies");
        let directory = memory.directory.as_mut().ok_or_else(lost)?;
        let (state, after) = (directory.row.state.clone(), directory.follower.after);
        if directory.renamed {
            directory.renamed = false;
            directory.row.names_by = key_ring.copies_of(tenant).ok_or_else(lost)?;
            directory.begin_pass(sql)?;
        }
        let passes = directory.passes;
        let (touched, pass, rows, more) = (None, None, Vec::new(), false);
        Ok(Self {
            sql,
            memory,
            key_ring,
            tenant,
            operations: BTreeMap::new(),
            bytes: 0,
            seen: BTreeSet::new(),
            done: Done { state, after, passes, touched, pass, rows, more },
        })
    }

    /// The step.
    pub(super) fn batch(mut self) -> Result<Batch, StoreError> {
        if self.done.state == ON {
            self.make()?
        } else {
            self.unmake()?
        }
        Ok(Batch { operations: self.operations, done: self.done })
    }

    /// Copies what has changed, and then some of everything where all is copied anew. What events name
    /// comes first: in their order a name passes from one user to another.
    fn make(&mut self) -> Result<(), StoreError> {
        let told = events::told(self.sql, self.done.after, ROWS)?;
        for event in &told {
            if self.is_full() {
                return Ok(());
            }
            if NAMING.iter().any(|prefix| event.kind.starts_with(prefix)) {
                self.changed(&event.id)?;
            }
            self.done.after = event.seq;
        }
        if told.len() >= ROWS {
            self.done.more = true;
            return Ok(());
        }
        for (number, pos) in copies::touched(self.sql, ROWS)? {
            if self.is_full() {
                return Ok(());
            }
            self.at(pos)?;
            self.done.touched = Some(number);
        }
        let directory = self.memory.directory.as_ref();
        match directory.and_then(|directory| directory.row.pass) {
            Some(from) if self.memory.recomputation.is_none() => self.pass(from),
            _ => Ok(()),
        }
    }

    fn pass(&mut self, from: Pos) -> Result<(), StoreError> {
        let next = resources::between(self.sql, (from, everything()), ROWS)?;
        let mut reached = from;
        for pos in &next {
            if self.is_full() {
                break;
            }
            self.at(*pos)?;
            reached = *pos;
        }
        if reached != from {
            self.done.pass = Some((from, Some(reached)));
        }
        let ended = next.last().is_none_or(|last| *last == reached);
        if ended && next.len() < ROWS {
            self.done.pass = Some((from, None));
        } else {
            self.done.more = true;
        }
        Ok(())
    }

    /// Removes copies.
    fn unmake(&mut self) -> Result<(), StoreError> {
        for (id, row) in copies::first(self.sql, ROWS)? {
            if self.is_full() {
                return Ok(());
            }
            row.names.into_iter().for_each(|name| self.remove(name));
            self.done.rows.push((id, None));
        }
        self.done.more = self.done.rows.len() >= ROWS;
        Ok(())
    }

    /// Whether there is room for no resource more; then the rest is for the next step.
    fn is_full(&mut self) -> bool {
        let room = limits::COPY_OPERATIONS.saturating_sub(OPERATIONS_EACH);
        let is_full = self.operations.len() > room || self.bytes >= limits::COPY_BYTES;
        self.done.more |= is_full;
        is_full
    }

    fn changed(&mut self, id: &str) -> Result<(), StoreError> {
        match resources::by_id(self.sql, id)? {
            Some(row) => self.resource(&row),
            None => self.settle(id, None),
        }
    }

    /// The resource at a place; of one that is gone an event tells.
    fn at(&mut self, pos: Pos) -> Result<(), StoreError> {
        resources::at(self.sql, pos)?.map_or(Ok(()), |row| self.resource(&row))
    }

    fn resource(&mut self, row: &ResourceRow) -> Result<(), StoreError> {
        let document = Document::decode(&row.doc)?;
        if !self.seen.insert(document.id.clone()) {
            return Ok(());
        }
        match row.pos.type_number() {
            USER => self.user(&document, row),
            GROUP => self.group(&document, row),
            _ => Ok(()),
        }
    }

    fn user(
        &mut self,
        Document { id, resource, .. }: &Document,
        row: &ResourceRow,
    ) -> Result<(), StoreError> {
        let value = self.value(row)?;
        let user_name = fold(resource.text("userName").unwrap_or_default());
        let mut names =
            vec![self.name(CopyName::Id, id)?, self.name(CopyName::UserName, &user_name)?];
        names.iter().for_each(|name| self.put(name.clone(), &value));
        let external = resource.text("externalId").map(str::to_owned);
        if let Some(external) = &external {
            let name = self.name(CopyName::ExternalId, external)?;
            match self.with_external(external)?.as_slice() {
                [_] => self.put(name.clone(), &value),
                // Who is meant, the object asks.
                _ => self.remove(name.clone()),
            }
            names.push(name);
        }
        self.settle(id, Some(CopyRow { names, external }))
    }

    fn group(
        &mut self,
        Document { id, resource: group, .. }: &Document,
        row: &ResourceRow,
    ) -> Result<(), StoreError> {
        let value = json!({
            "seq": self.memory.last_seq,
            "group": {
                "id": id,
                "displayName": group.value("displayName"),
                "externalId": group.value("externalId"),
                "members": row.members,
                "kind": kind_of(group).map(GroupKind::name),
            },
        });
        let name = self.name(CopyName::Group, id)?;
        self.put(name.clone(), &value.to_string().into());
        self.settle(id, Some(CopyRow { names: vec![name], external: None }))
    }

    /// What a copy of a user is.
    fn value(&self, row: &ResourceRow) -> Result<Rc<str>, StoreError> {
        let known = Known::of(self.sql, self.memory, row)?;
        let mut access = known.shown(self.sql, self.memory, None)?;
        if self.memory.recomputation.is_some() {
            access.insert("recomputing".to_owned(), true.into());
        }
        let value = json!({
            "seq": self.memory.last_seq,
            "since": self.memory.directory.as_ref().map(|directory| directory.row.since),
            "access": access,
            "document": shown_document(self.memory, row)?,
        });
        Ok(value.to_string().into())
    }

    /// Notes which copies there may be of a resource, and removes those that there were under other
    /// names. Until that is done, they are noted, too.
    fn settle(&mut self, id: &str, after: Option<CopyRow>) -> Result<(), StoreError> {
        let before = copies::of(self.sql, id)?;
        if before == after {
            return Ok(());
        }
        let is_kept = |name: &String| after.as_ref().is_some_and(|row| row.names.contains(name));
        let names = before.iter().flat_map(|row| &row.names);
        let released: Vec<String> = names.filter(|name| !is_kept(name)).cloned().collect();
        if released.is_empty() {
            return copies::put(self.sql, id, after.as_ref());
        }
        let external = before.as_ref().and_then(|row| row.external.clone());
        let name_of = |external: &String| self.name(CopyName::ExternalId, external);
        let shared = external.as_ref().map(name_of).transpose()?;
        for name in &released {
            match &external {
                Some(external) if shared.as_ref() == Some(name) => {
                    self.give_back(name, external)?
                }
                _ => self.remove(name.clone()),
            }
        }
        let kept = after.iter().flat_map(|row| &row.names).cloned();
        let names = kept.chain(released).collect();
        copies::put(self.sql, id, Some(&CopyRow { names, external }))?;
        self.done.rows.push((id.to_owned(), after));
        Ok(())
    }

    /// Has a name that a user no longer has show who alone has it now, if anybody does. Of whom it is
    /// not noted yet that there may be copies, none is made: everything is being copied.
    fn give_back(&mut self, name: &str, external: &str) -> Result<(), StoreError> {
        let other = match self.with_external(external)?.as_slice() {
            [other] => resources::at(self.sql, *other)?,
            _ => None,
        };
        let is_noted = |row: &ResourceRow| -> Result<bool, StoreError> {
            Ok(copies::of(self.sql, &Document::decode(&row.doc)?.id)?.is_some())
        };
        match other {
            Some(row) if is_noted(&row)? => {
                let value = self.value(&row)?;
                self.put(name.to_owned(), &value);
            }
            _ => self.remove(name.to_owned()),
        }
        Ok(())
    }

    /// The users with an `externalId`, two of them if there are several.
    fn with_external(&self, external: &str) -> Result<Vec<Pos>, StoreError> {
        let schema = self.memory.registry.type_numbered(USER);
        match schema.and_then(|schema| key_for(schema, "externalId", external)) {
            Some(key) => resources::find(self.sql, USER, &key, 2),
            None => Ok(Vec::new()),
        }
    }

    fn name(&self, name: CopyName, identifier: &str) -> Result<String, StoreError> {
        let name = self.key_ring.copy_name(self.tenant, name, identifier);
        name.ok_or_else(|| StoreError::new("no secret gives names"))
    }

    fn put(&mut self, name: String, value: &Rc<str>) {
        self.bytes = self.bytes.saturating_add(value.len());
        self.operations.insert(name, Some(Rc::clone(value)));
    }

    /// Removes a copy, unless somebody else has come by the name.
    fn remove(&mut self, name: String) {
        self.operations.entry(name).or_insert(None);
    }
}
