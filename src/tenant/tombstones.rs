//! Users who were deleted, and those of them who come back.
//!
//! Until the tenant's `retain` ends, a tombstone has the id and digests of what a user was called by,
//! salted, so that nobody reads a name in it. A user who is made again under the same name by the same
//! connection, or with an `externalId` that exactly one tombstone of the connection and no user has,
//! gets the old id, if the tenant's `relink` says so. A tenant that has deleted nobody looks for
//! nothing.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::access::Settling;
use super::document::Document;
use super::lookups::{keys_of, lookup_keys};
use super::memory::{Author, Memory};
use super::work::Work;
use crate::event::{Event, EventKind};
use crate::limits;
use crate::policy::{Fate, Reason, Relink, ScopePath, Status};
use crate::scim::schema::{TypeSchema, USER};
use crate::store::grants::GrantRow;
use crate::store::resources::{self, LookupKey, ResourceRow};
use crate::store::tombstones::{self, TombstoneRow};
use crate::store::{Pos, Sql, StoreError, erasures, suspensions};

/// What is known of them while the object is awake.
#[derive(Clone, Debug, Default)]
pub(super) struct Tombstones {
    /// What digests are salted with, once there has been one.
    salt: Option<String>,
    /// When the first of them is to be forgotten, or before; none where there are none.
    first_until: Option<i64>,
}

impl Tombstones {
    pub(super) fn load(sql: &dyn Sql) -> Result<Self, StoreError> {
        Ok(Self { salt: tombstones::salt(sql)?, first_until: tombstones::first_until(sql)? })
    }

    /// Milliseconds from now at which one is to be forgotten.
    pub(super) fn due_in(&self, now: DateTime<Utc>) -> Option<i64> {
        self.first_until.map(|until| until.saturating_sub(now.timestamp_millis()).max(0))
    }
}

/// Forgets some of those whose time has come: one bounded step.
pub(super) fn forget(
    sql: &dyn Sql,
    memory: &mut Memory,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    if memory.tombstones.due_in(now) == Some(0) {
        let due = tombstones::due(sql, now.timestamp_millis(), limits::TOMBSTONES_STEP)?;
        for tombstone in due.iter().filter(|one| one.fate == Fate::Keep.name()) {
            let author = Author::system(now);
            Settling { sql, memory: &mut *memory, author }.end_kept(tombstone)?;
        }
        for tombstone in &due {
            memory.forget_person(sql, &tombstone.id)?;
        }
        tombstones::forget(sql, now.timestamp_millis(), limits::TOMBSTONES_STEP)?;
        memory.tombstones.first_until = tombstones::first_until(sql)?;
    }
    Ok(())
}

impl Settling<'_> {
    /// Tells that access ends which a deletion left.
    fn end_kept(&mut self, tombstone: &TombstoneRow) -> Result<(), StoreError> {
        let Some(grants) = &tombstone.grants else { return Ok(()) };
        let revoked: Value = serde_json::from_str(grants).unwrap_or_default();
        let event = Event::new(EventKind::UserAccessChanged, tombstone.id.as_str())
            .with("status", Status::Deprovisioned.name())
            .with("granted", Vec::<Value>::new())
            .with("revoked", revoked)
            .with("cascaded", Vec::<Value>::new());
        self.memory.record(self.sql, &event, self.author)
    }
}

impl Work<'_, '_> {
    /// What the application has to honour in a scope of a user who was deleted: nothing or, where the tenant says
    /// so, what the user held, until retention ends.
    pub(super) fn buried_access(
        &self,
        tombstone: &TombstoneRow,
        scope: Option<&ScopePath>,
    ) -> Value {
        let reason = Reason::Deprovisioned.name();
        let stored = tombstone.grants.as_deref().unwrap_or("[]");
        let mut held: Vec<Value> = serde_json::from_str(stored).unwrap_or_default();
        let status = match Fate::of(&tombstone.fate) {
            Some(Fate::Keep) if !held.is_empty() => Status::Granted,
            Some(Fate::Suspend) if !held.is_empty() => Status::Suspended,
            _ => Status::Deprovisioned,
        };
        held.retain(|one| {
            let at = one.get("scope").and_then(Value::as_str).map(ScopePath::stored);
            scope.is_none_or(|asked| at.is_some_and(|at| asked.covers(&at)))
        });
        let none = Vec::new();
        let (grants, withheld) =
            if status == Status::Granted { (held, none) } else { (none, held) };
        let withheld = withheld.into_iter().map(|mut held| {
            if let Some(fields) = held.as_object_mut() {
                fields.insert("reason".to_owned(), reason.into());
            }
            held
        });
        json!({
            "id": tombstone.id, "status": status.name(), "grants": grants,
            "withheld": withheld.collect::<Vec<_>>(), "reasons": [reason],
        })
    }

    /// The user who was called so and was deleted last, among those whom any connection, or none,
    /// managed.
    pub(super) fn buried(
        &self,
        path: &str,
        (_, key): &LookupKey,
    ) -> Result<Option<TombstoneRow>, StoreError> {
        let Tombstones { salt: Some(salt), first_until: Some(_) } = &self.memory.tombstones else {
            return Ok(None);
        };
        let now = self.now().timestamp_millis();
        let connections = self.memory.connections.keys().map(|id| Some(id.as_str()));
        let mut found = Vec::new();
        for connection in connections.chain([None]) {
            let digest = digest(salt, path, connection, key);
            found.extend(match path {
                "userName" => tombstones::named(self.sql, &digest, now)?,
                _ => tombstones::identified(self.sql, &digest, now)?,
            });
        }
        Ok(found.into_iter().max_by_key(|one| one.deleted))
    }

    /// What a user holds who is being deleted, where that is not the end of it. Groups end.
    fn kept(&self, user: Pos) -> Result<Option<String>, StoreError> {
        if self.memory.policy.deprovision.deleted == Fate::Delete {
            return Ok(None);
        }
        let rows = self.memory.grants_of(self.sql, user)?;
        let roles = rows.into_iter().filter(|row| row.held && !row.scope.is_empty());
        let told =
            |row: GrantRow| json!({ "role": row.role, "scope": row.scope, "source": row.source });
        let kept: Vec<Value> = roles.map(told).collect();
        Ok((!kept.is_empty()).then(|| Value::from(kept).to_string()))
    }

    /// Leaves a tombstone of a user who is being deleted; whether that leaves what the user may do.
    pub(super) fn bury(
        &mut self,
        schema: TypeSchema<'_>,
        row: &ResourceRow,
        document: &Document,
    ) -> Result<bool, StoreError> {
        let choice = self.memory.policy.deprovision;
        if row.pos.type_number() != USER {
            return Ok(false);
        }
        if choice.retain == 0 {
            self.memory.forget_person(self.sql, &document.id)?;
            return suspensions::remove(self.sql, &document.id).map(|()| false);
        }
        let salt = self.salt()?;
        let keys = lookup_keys(&document.resource, schema);
        let connection = row.manager.as_deref();
        let digest = |path: &str| {
            keys_of(schema, path, &keys).next().map(|(_, key)| digest(&salt, path, connection, key))
        };
        let deleted = self.now().timestamp_millis();
        let until = deleted.saturating_add(choice.retain.saturating_mul(1_000));
        let tombstone = TombstoneRow {
            id: document.id.clone(),
            connection: row.manager.clone(),
            name: digest("userName").unwrap_or_default(),
            external: digest("externalId"),
            fate: choice.deleted.name().to_owned(),
            rev: row.rev,
            deleted,
            until,
            grants: self.kept(row.pos)?,
        };
        tombstones::add(self.sql, &tombstone)?;
        let first = self.memory.tombstones.first_until.map_or(until, |first| first.min(until));
        self.memory.touched = true;
        self.memory.tombstones.first_until = Some(first);
        Ok(tombstone.grants.is_some() && choice.deleted == Fate::Keep)
    }

    /// The tombstone of the user who comes back by being made with these values, if it is one; it is
    /// there no more.
    pub(super) fn exhume(
        &mut self,
        schema: TypeSchema<'_>,
        keys: &[LookupKey],
    ) -> Result<Option<TombstoneRow>, StoreError> {
        let Tombstones { salt: Some(salt), first_until: Some(_) } = &self.memory.tombstones else {
            return Ok(None);
        };
        let relink = self.memory.policy.deprovision.relink;
        if schema.resource_type.number != USER || relink == Relink::Never {
            return Ok(None);
        }
        let (now, connection) = (self.now().timestamp_millis(), self.connection.as_deref());
        let key = |path| keys_of(schema, path, keys).next();
        let mut found = match key("userName") {
            Some((_, name)) => {
                tombstones::named(self.sql, &digest(salt, "userName", connection, name), now)?
            }
            None => Vec::new(),
        };
        found.truncate(1);
        if found.is_empty()
            && let Some(key) = key("externalId")
            && resources::find(self.sql, USER, key, 1)?.is_empty()
        {
            let digest = digest(salt, "externalId", connection, &key.1);
            found = tombstones::identified(self.sql, &digest, now)?;
        }
        let revived = match found.as_slice() {
            [one] if relink.revives(&one.fate) => one.clone(),
            _ => return Ok(None),
        };
        if revived.fate == Fate::Keep.name() {
            self.deciding(|settling| settling.end_kept(&revived))?;
        }
        tombstones::remove(self.sql, &revived.id)?;
        self.memory.touched = true;
        Ok(Some(revived))
    }

    /// Removes the tombstone of a user who is brought back by an import, if there is one; the log tells
    /// of the user again.
    pub(super) fn unbury(&self, id: &str) -> Result<(), StoreError> {
        if self.memory.sweeping {
            erasures::remove(self.sql, id)?;
        }
        match self.memory.tombstones.first_until {
            Some(_) => tombstones::remove(self.sql, id),
            None => Ok(()),
        }
    }

    /// What the tenant's digests are salted with: drawn for the first of them.
    fn salt(&mut self) -> Result<String, StoreError> {
        if let Some(salt) = &self.memory.tombstones.salt {
            return Ok(salt.clone());
        }
        let mut salt = String::new();
        for byte in self.random::<32>()? {
            let _ = write!(salt, "{byte:02x}");
        }
        tombstones::set_salt(self.sql, &salt)?;
        self.memory.tombstones.salt = Some(salt.clone());
        Ok(salt)
    }
}

fn digest(salt: &str, path: &str, connection: Option<&str>, key: &str) -> String {
    let connection = connection.unwrap_or_default();
    let text = format!("{salt}\0{path}\0{connection}\0{key}");
    format!("{:x}", Sha256::digest(text))
}
