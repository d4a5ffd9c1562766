//! `POST …/import`: what another tenant exported, put where it was: ids, versions, times, order and
//! origins are kept. What is there already stays as it is, so that an import can be sent again and
//! goes on where it broke off.

mod decided;
mod lines;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use self::lines::{ConnectionLine, Line, MemberLine, ResourceLine, connection, document, read};
use super::connections::Scopes;
use super::document::Document;
use super::lookups::{lookup_keys, missing_from, new_keys};
use super::members::delta::{Told, Who};
use super::memory::Connection;
use super::policies::bounded;
use super::stored_policy::{self, to_row};
use super::work::{Answer, Failure, Work, conflict};
use crate::event::{Event, EventKind, Verb};
use crate::http::{NDJSON, Problem, ProblemCode, Response};
use crate::limits;
use crate::policy::Policy;
use crate::scim::ScimError;
use crate::scim::resource::{Resource, changed};
use crate::scim::schema::{Fault, GROUP, Registry, USER};
use crate::store::connections::write as write_connection;
use crate::store::recomputation::{self, RecomputationRow};
use crate::store::resources::{self, ResourceRow};
use crate::store::transfer;
use crate::store::{Pos, StoreError, dangling, grants, members, policies};

/// What has become of a line.
#[derive(Clone, Copy, Eq, Ord, PartialEq, PartialOrd)]
enum Outcome {
    Imported,
    Unchanged,
    /// Something of a group or user that is not there.
    Skipped,
}

/// The groups that gained members, each with what its event tells and how many rows.
type Gained = BTreeMap<String, (Pos, Told, i64)>;

impl Work<'_, '_> {
    /// Imports the lines of a page or of several, all or none.
    ///
    /// 1. The media type must be one of lines of JSON: 415. There must not be too many: 413. The last
    ///    must end a page: 400.
    /// 2. Each line must be one that an export writes: 422 with its number.
    /// 3. None may contradict what is there: 409.
    /// 4. Rows and events are written: 200 with the counts. With the last line of an export, users'
    ///    access is computed.
    pub(super) fn import(&mut self) -> Answer {
        let media_type = self.request().media_type();
        if !media_type.is_empty() && !media_type.eq_ignore_ascii_case(NDJSON) {
            let detail = "the body must be application/x-ndjson";
            return Err(Problem::new(ProblemCode::UnsupportedMediaType, detail).into()); // (1)
        }
        let lines = read(self.request().body)?; // (1), (2)
        let mut counts = BTreeMap::new();
        let mut gained = Gained::new();
        let mut is_whole = false;
        for (number, line) in lines {
            let outcome = match line {
                Line::Settings { policies, numbers } => {
                    self.import_policies(number, &policies, &numbers)
                }
                Line::Connection(line) => self.take_connection(number, line),
                Line::Resource(line) => self.import_resource(number, &line),
                Line::Member(line) => self.import_member(line, false, &mut gained),
                Line::Dangling(line) => self.import_member(line, true, &mut gained),
                Line::Grant(line) => self.import_grant(number, &line),
                Line::Suspension(line) => self.import_suspension(number, &line),
                Line::Change(line) => self.import_change(number, &line),
                Line::Hidden { connection, user } => self.import_hidden(number, &connection, &user),
                Line::Place(line) => self.import_place(number, &line),
                Line::Wait(line) => self.import_wait(number, &line),
                Line::End => {
                    is_whole = true;
                    continue;
                }
            };
            let count: &mut u64 = counts.entry(outcome?).or_default(); // (3), (4)
            *count = count.saturating_add(1);
        }
        for (group, (pos, told, grown)) in gained {
            transfer::grow(self.sql, pos, grown)?;
            self.record_members(EventKind::GroupMemberAdded, &group, &told)?;
        }
        let decides = || {
            let is_empty = stored_policy::load(self.sql)?.access.is_empty();
            Ok::<_, StoreError>(
                !is_empty || members::any_by_mapping(self.sql)? || grants::any(self.sql)?,
            )
        };
        // Before the last line, it may still come that somebody's access is suspended, or is held.
        if is_whole && decides()? {
            let actor = self.call.principal.actor();
            let after = Pos::range(USER).0;
            let first = RecomputationRow { after, done: 0, actor, connection: None };
            recomputation::write(self.sql, &first)?;
        }
        if is_whole {
            transfer::end(self.sql)?;
        }
        // What follows from rows is read from them again.
        self.memory.stale = true;
        let count = |outcome| counts.get(&outcome).copied().unwrap_or(0);
        Ok(Response::json(
            200,
            &json!({
                "imported": count(Outcome::Imported),
                "unchanged": count(Outcome::Unchanged),
                "skipped": count(Outcome::Skipped),
            }),
        ))
    }

    /// The policies of a tenant that has none of its own.
    fn import_policies(
        &mut self,
        number: usize,
        document: &Map<String, Value>,
        numbers: &BTreeMap<String, u8>,
    ) -> Result<Outcome, Failure> {
        let policy = Policy::moved(document, numbers).map_err(Problem::faulty);
        let policy = policy.map_err(|problem| {
            problem.moved(|fault| {
                Fault::new(format!("/{number}/policies{}", fault.path), fault.detail)
            })
        })?;
        // Where copies may be, is this tenant's to say.
        let policy = Policy { edge_reads: self.memory.policy.edge_reads, ..policy };
        let registry = policy.registry();
        let contradicted = self.contradicted_scopes(&registry, &[]);
        if !contradicted.is_empty() {
            return Err(Problem::faulty(contradicted).into());
        }
        let at = format!("/{number}/policies");
        let allowed = self.allow_mappings(&policy.access.mappings, &[]);
        allowed.map_err(|problem| problem.moved(|fault| fault.below(&at)))?;
        let (new, own) = (to_row(&policy), to_row(&self.memory.policy));
        bounded(new.document.len())?;
        if new == own {
            return Ok(Outcome::Unchanged);
        }
        let empty = self.memory.counts.values().all(|count| count.live == 0);
        if own.version != 0 || !empty {
            return Err(conflict("the tenant has policies or resources of its own"));
        }
        policies::write(self.sql, &new)?;
        let event = Event::new(EventKind::TenantUpdated, "policies");
        self.record(&event.with("imported", true).with("version", policy.version))?;
        self.memory.registry = Arc::new(registry);
        self.memory.log.look_for_first(self.sql, &policy)?;
        self.memory.policy = policy;
        Ok(Outcome::Imported)
    }

    fn take_connection(&mut self, number: usize, line: ConnectionLine) -> Result<Outcome, Failure> {
        let row = connection(line).ok_or_else(|| faulty(number, "is no connection"))?;
        if self.memory.connections.get(&row.id).is_some_and(|own| own.row == row) {
            return Ok(Outcome::Unchanged);
        }
        let taken = self
            .memory
            .connections
            .values()
            .any(|own| own.row.id == row.id || own.row.display_name == row.display_name);
        if taken || self.memory.connections.len() >= limits::CONNECTIONS_PER_TENANT {
            return Err(conflict("the tenant has such a connection of its own, or too many"));
        }
        let scope = Scopes::under(&self.memory.registry).read(&row);
        let in_scope =
            scope.map_err(|why| faulty(number, &format!("has an `inScope` that {why}")))?;
        let at = format!("/{number}/options");
        let allowed = self.allow_source(&row);
        allowed.map_err(|problem| problem.moved(|fault| fault.below(&at)))?;
        write_connection(self.sql, &row)?;
        let event = Event::new(EventKind::ConnectionCreated, row.id.as_str())
            .with("preset", row.preset.as_str())
            .with("imported", true);
        self.record(&event)?;
        let connection = Connection { in_scope, ..Connection::new(row) };
        self.memory.connections.insert(connection.row.id.clone(), connection);
        Ok(Outcome::Imported)
    }

    /// A resource where it was. One that is there in an earlier version is brought up to date.
    fn import_resource(&mut self, number: usize, line: &ResourceLine) -> Result<Outcome, Failure> {
        let pos = Pos::stored(line.position);
        // A type that the tenant has switched off has its resources all the same.
        let registry = Registry::of(|_| true, &self.memory.policy.schemas);
        let of_type = registry.type_numbered(pos.type_number());
        let read = of_type.and_then(|schema| Some((schema, document(line, schema)?)));
        let Some((schema, (document, doc))) = read else {
            return Err(faulty(number, "is no resource of this tenant's types"));
        };
        if line.manager.as_deref().is_some_and(|id| !self.has_connection(id)) {
            return Err(faulty(number, "is managed by a connection that is not there"));
        }
        let too_long = |error: ScimError| faulty(number, error.detail());
        let keys = new_keys(&document.resource, schema).map_err(too_long)?;
        let there = resources::by_id(self.sql, &document.id)?;
        let row = ResourceRow {
            pos,
            rev: line.version,
            members: there.as_ref().map_or(0, |row| row.members),
            manager: line.manager.clone(),
            doc,
        };
        let kind = |verb| EventKind::Resource(pos.type_number(), verb);
        let event = match there {
            Some(own) if own.pos != pos => return Err(elsewhere()),
            Some(own) if own.rev >= row.rev => return Ok(Outcome::Unchanged),
            Some(own) => {
                let old = Document::decode(&own.doc)?.resource;
                let before = lookup_keys(&old, schema);
                let gained = missing_from(&keys, &before);
                self.unused(schema, &gained).map_err(told)?;
                resources::update(self.sql, &row)?;
                resources::remove_keys(self.sql, pos, &missing_from(&before, &keys))?;
                resources::add_keys(self.sql, pos, &gained)?;
                Event::new(kind(Verb::Updated), document.id.as_str())
                    .with("changed", changed(&old, &document.resource, schema))
                    .with("replaced", true)
            }
            None if resources::at(self.sql, pos)?.is_some() => return Err(elsewhere()),
            None => {
                self.unused(schema, &keys).map_err(told)?;
                let mut count = self.memory.count(pos.type_number());
                count.live = count.live.saturating_add(1);
                count.last = count.last.max(pos.place());
                self.unbury(&document.id)?;
                resources::insert(self.sql, &row, &document.id, &line.origin, &keys, count)?;
                self.memory.set_count(pos.type_number(), count);
                Event::new(kind(Verb::Created), document.id.as_str())
                    .with("changed", changed(&Resource::default(), &document.resource, schema))
            }
        };
        self.record(&event.with("imported", true))?;
        Ok(Outcome::Imported)
    }

    fn import_member(
        &mut self,
        line: MemberLine,
        dangles: bool,
        gained: &mut Gained,
    ) -> Result<Outcome, Failure> {
        let MemberLine { group, member, origin, display } = line;
        let display = display.as_deref();
        let found = members::resolve(self.sql, &[&group, &member])?;
        let group_pos = found.first().copied().flatten();
        let Some(pos) = group_pos.filter(|pos| pos.type_number() == GROUP) else {
            return Ok(Outcome::Skipped);
        };
        let of = found.get(1).copied().flatten().filter(|_| !dangles);
        let added = match of {
            Some(of) => transfer::add_member(self.sql, pos, of, &origin, display)?,
            None if dangles => transfer::add_dangling(self.sql, pos, &member, &origin, display)?,
            None => return Ok(Outcome::Skipped),
        };
        if !added {
            return Ok(Outcome::Unchanged);
        }
        let rows = match of {
            Some(of) => members::present(self.sql, pos, Some(&[of.value()]))?.len(),
            None => dangling::present(self.sql, pos, Some(&[&member]))?.len(),
        };
        let (_, told, grown) = gained.entry(group).or_insert((pos, Told::default(), 0));
        *grown = grown.saturating_add(1);
        told.tell(rows == 1, if dangles { Who::Text } else { Who::Id(member) });
        Ok(Outcome::Imported)
    }
}

/// A value that is taken, in the words of the admin API.
fn told(failure: Failure) -> Failure {
    match failure {
        Failure::Scim(_) => conflict("another resource has a value that must be unique"),
        other => other,
    }
}

fn elsewhere() -> Failure {
    conflict("the tenant has resources of its own where those of the export belong")
}

fn faulty(number: usize, detail: &str) -> Failure {
    Problem::faulty(vec![Fault::new(format!("/{number}"), detail)]).into()
}
