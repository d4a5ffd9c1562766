//! Proposals for the initial matching: a connection wanted to make a user and was refused since there
//! is one, who is nobody's and who may be meant.
//!
//! What is kept of it is the pair, in which attributes of the tenant's `matching` they agree and how
//! sure that is; nothing of what the connection sent. Somebody accepts it, and the user is linked with
//! the connection, or rejects it, and it is not made again.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;

use serde_json::{Value, json};

use super::document::{Document, moment};
use super::lookups::{keys_of, lookup_keys};
use super::work::{Answer, Failure, Work, conflict, missing};
use crate::http::{MatchAction, Response, foreign_cursor, is_slug, page_of};
use crate::limits;
use crate::scim::schema::{TypeSchema, USER};
use crate::store::matches::{self, MatchRow};
use crate::store::resources::{self, LookupKey, ResourceRow};
use crate::store::{Pos, Sql, StoreError, transacted};

/// What is known of proposals while the object is awake.
#[derive(Debug, Default)]
pub(super) struct Matches {
    /// How many each connection has, or more.
    counts: BTreeMap<String, i64>,
    /// The connections that may still make a user who was matched with what they tell.
    accepting: BTreeSet<String>,
    /// Those that the running request has come to.
    noted: Vec<MatchRow>,
}

impl Matches {
    pub(super) fn load(sql: &dyn Sql) -> Result<Self, StoreError> {
        let mut known = Self::default();
        for (connection, count, accepts) in matches::counts(sql)? {
            if accepts {
                known.accepting.insert(connection.clone());
            }
            known.counts.insert(connection, count);
        }
        Ok(known)
    }

    /// Forgets those that an earlier request has come to and that were not written.
    pub(super) fn forget_noted(&mut self) {
        self.noted.clear();
    }
}

impl Work<'_, '_> {
    /// Notes whom of those who are nobody's a user may be whom the connection cannot make.
    pub(super) fn propose(
        &mut self,
        schema: TypeSchema<'_>,
        keys: &[LookupKey],
    ) -> Result<(), StoreError> {
        let Some(connection) = self.connection.clone() else { return Ok(()) };
        if schema.resource_type.number != USER {
            return Ok(());
        }
        let matching = self.memory.policy.attributes.matching.clone();
        let mut found: BTreeSet<Pos> = BTreeSet::new();
        for key in matching.paths().flat_map(|path| keys_of(schema, path, keys)) {
            found.extend(resources::find(self.sql, USER, key, limits::MATCH_CANDIDATES)?);
        }
        for user in found {
            let row = resources::at(self.sql, user)?.filter(|row| row.manager.is_none());
            let Some(row) = row else { continue };
            let own = lookup_keys(&Document::decode(&row.doc)?.resource, schema);
            let agreement = matching.agreement(|path| {
                let told: Vec<_> = keys_of(schema, path, keys).collect();
                let mut own = keys_of(schema, path, &own).peekable();
                let both = !told.is_empty() && own.peek().is_some();
                both.then(|| own.any(|key| told.contains(&key)))
            });
            self.memory.matches.noted.extend(agreement.map(|agreement| MatchRow {
                connection: connection.clone(),
                user,
                paths: agreement.paths,
                confidence: agreement.confidence,
                created: self.call.now.timestamp_millis(),
                state: matches::OPEN.to_owned(),
            }));
        }
        Ok(())
    }

    /// Writes what was noted, though the request that noted it was refused. One that is there stays
    /// as it is, unless it is open and says another thing.
    pub(super) fn keep_proposed(&mut self) -> Result<(), StoreError> {
        let noted = mem::take(&mut self.memory.matches.noted);
        if noted.is_empty() {
            return Ok(());
        }
        let sql = self.sql;
        transacted(sql, || noted.iter().try_for_each(|row| self.keep(row)), Result::is_ok)?
    }

    fn keep(&mut self, row: &MatchRow) -> Result<(), StoreError> {
        let before = matches::of(self.sql, &row.connection, row.user)?;
        if let Some(before) = before {
            let says = |one: &MatchRow| (one.paths.clone(), one.confidence);
            if before.state != matches::OPEN || says(&before) == says(row) {
                return Ok(());
            }
            return matches::write(self.sql, &MatchRow { created: before.created, ..row.clone() });
        }
        let most = i64::try_from(limits::MATCHES_PER_CONNECTION).unwrap_or(i64::MAX);
        let count = self.memory.matches.counts.entry(row.connection.clone()).or_default();
        if *count >= most {
            *count = matches::sweep(self.sql, &row.connection)?;
        }
        if *count < most {
            *count = count.saturating_add(1);
            matches::write(self.sql, row)?;
        }
        Ok(())
    }

    /// Whether the connection may still make a user who was matched with what it tells.
    pub(super) fn awaits_accepted(&self) -> bool {
        let accepting = &self.memory.matches.accepting;
        self.connection.as_ref().is_some_and(|connection| accepting.contains(connection))
    }

    /// Whether a user of the connection's was matched with what it tells, and it makes this user only
    /// now; once.
    pub(super) fn was_accepted(&self, row: &ResourceRow) -> Result<bool, StoreError> {
        let own = self.connection.as_deref().filter(|own| row.manager.as_deref() == Some(own));
        let Some(connection) = own.filter(|_| self.awaits_accepted()) else { return Ok(false) };
        let known = matches::of(self.sql, connection, row.pos)?;
        if known.is_none_or(|known| known.state != matches::ACCEPTED) {
            return Ok(false);
        }
        matches::remove(self.sql, connection, row.pos).map(|()| true)
    }

    /// `GET …/matches[?connection=][&limit=][&cursor=]`: the open ones.
    pub(super) fn list_matches(&self) -> Answer {
        let query = &self.request().query;
        let limit = query.items_limit()?;
        let cursor = query.value("cursor").filter(|cursor| !cursor.is_empty());
        let after = cursor.map(|cursor| place(cursor).ok_or_else(foreign_cursor)).transpose()?;
        let most = limit.saturating_add(1);
        let found =
            matches::open(self.sql, query.value("connection"), after.unwrap_or_default(), most)?;
        let place = |row: &MatchRow| format!("{}:{}", row.connection, row.user.value());
        let found = found.iter().map(|(row, id)| (place(row), described(row, id)));
        Ok(Response::json(200, &page_of(found.collect(), limit)))
    }

    /// `POST …/matches/{id}/accept` and `…/reject`; what was rejected may be accepted all the same.
    ///
    /// 1. The key must be bound to no connection: 403. The body has no fields: 400.
    /// 2. There must be such a proposal, and its user: 404.
    /// 3. The user must not be somebody's by now: 409, unless that is what is asked for.
    /// 4. The user is linked, or the proposal not made again: 200.
    pub(super) fn decide_match(&mut self, id: &str, action: MatchAction) -> Answer {
        self.may_link()?; // (1)
        self.no_fields("such a decision")?; // (1)
        let (known, user) = self.proposal(id)?.ok_or_else(|| missing("there is no such match"))?; // (2)
        let state = match action {
            MatchAction::Accept => matches::ACCEPTED,
            MatchAction::Reject => matches::REJECTED,
        };
        let decided = MatchRow { state: state.to_owned(), ..known.clone() };
        let is_linked = user.manager.as_ref() == Some(&known.connection);
        if decided != known || action == MatchAction::Accept && !is_linked {
            if user.manager.is_some() {
                return Err(conflict("a connection manages this user")); // (3)
            }
            matches::write(self.sql, &decided)?; // (4)
            self.memory.touched = true;
            if action == MatchAction::Accept {
                self.memory.matches.accepting.insert(known.connection.clone());
                self.link(user, &known.connection, None)?;
            }
        }
        let user = id.split_once(':').map_or(id, |(_, user)| user);
        Ok(Response::json(200, &described(&decided, user)))
    }

    /// The proposal of an id, and its user.
    fn proposal(&self, id: &str) -> Result<Option<(MatchRow, ResourceRow)>, Failure> {
        let Some((connection, user)) = id.split_once(':') else { return Ok(None) };
        let Some(user) = resources::by_id(self.sql, user)? else { return Ok(None) };
        let known = matches::of(self.sql, connection, user.pos)?;
        Ok(known.filter(|_| self.has_connection(connection)).map(|known| (known, user)))
    }
}

/// The place that a cursor names.
fn place(cursor: &str) -> Option<(&str, i64)> {
    let (connection, user) = cursor.rsplit_once(':')?;
    let place: i64 = user.parse().ok()?;
    (is_slug(connection) && place > 0 && place.to_string() == user).then_some((connection, place))
}

/// A proposal as the API shows it.
fn described(row: &MatchRow, user: &str) -> Value {
    json!({
        "id": format!("{}:{user}", row.connection),
        "connection": row.connection,
        "user": user,
        "matched": row.paths,
        "confidence": row.confidence,
        "state": row.state,
        "createdAt": moment(row.created),
    })
}
