//! Users whose access is suspended or restored in one call: all for whom a filter holds when it is
//! made. What is more than a request can see to is done by alarm, in steps.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::access::{Settling, unless_guarded};
use super::memory::{Author, Memory};
use super::work::{Answer, Failure, Work, conflict, only_fields};
use crate::event::{Event, EventKind};
use crate::gather::Gather as _;
use crate::http::{AccessAction, Problem, ProblemCode, Response};
use crate::limits;
use crate::scim::ScimError;
use crate::scim::filter::{Filter, Predicate};
use crate::scim::schema::USER;
use crate::store::decisions::{self, DecisionRow};
use crate::store::suspensions::{self, Cause};
use crate::store::{Pos, Sql, StoreError, transacted};

impl Work<'_, '_> {
    /// `POST …/users/suspend {"filter"}` and `…/users/restore`, with `?dryRun=true` nothing but whom it
    /// would touch, and in `refused` why it would be 409.
    ///
    /// 1. The body must have a filter of users: 400. A key of a connection decides of its own alone.
    /// 2. It must not ask for more than a list may: 400.
    /// 3. There must not be too many such decisions still to be carried out: 409.
    /// 4. No guard may need one of those whose access is suspended: 409.
    /// 5. It is done: 200; for the first of them, and by alarm for the others: 202.
    pub(super) fn decide_all(&mut self, action: AccessAction) -> Answer {
        let dry_run = self.request().query.flag("dryRun")?;
        let suspended = action == AccessAction::Suspend;
        let filter = self.decided_filter()?; // (1)
        let schema = self.schema_of(USER)?;
        let found = self.matching_resources(schema, &filter).map_err(in_admin_words)?; // (2)
        let own = self.connection.as_deref();
        let touched = suspensions::unlike(self.sql, &found, suspended, own)?;
        let ids = touched.iter().take(limits::PREVIEW_EXAMPLES).map(|(_, id)| id.as_str());
        let ids: Vec<&str> = ids.collect();
        let users = touched.len();
        if dry_run {
            let mut body = json!({ "dryRun": true, "users": users, "ids": ids });
            let refused = self.refused_decision(suspended, &touched)?;
            if let (Some(fields), Some(words)) = (body.as_object_mut(), refused) {
                fields.insert("refused".to_owned(), words.into());
            }
            return Ok(Response::json(200, &body));
        }
        let done = self.decide_of(suspended, &touched)?; // (3), (4)
        let body = json!({ "suspended": suspended, "users": users, "done": done, "ids": ids });
        Ok(Response::json(if done == users { 200 } else { 202 }, &body)) // (5)
    }

    /// Decides of the first of those whom it touches, and leaves the others to alarms; of how many.
    fn decide_of(&mut self, suspended: bool, touched: &[(Pos, String)]) -> Result<usize, Failure> {
        let (now, rest) = touched.split_at(touched.len().min(limits::ACCESS_USERS));
        if !rest.is_empty() {
            self.put_off(suspended, touched, rest)?;
        }
        for (pos, id) in now {
            self.deciding(|settling| settling.decide(*pos, id, suspended))?;
        }
        Ok(now.len())
    }

    /// Why the decision itself would be 409, if it would. It is made, and undone.
    fn refused_decision(
        &mut self,
        suspended: bool,
        touched: &[(Pos, String)],
    ) -> Result<Option<String>, Failure> {
        let (sql, before) = (self.sql, self.memory.checkpoint());
        let noted = self.memory.noted.clone();
        let decide = |work: &mut Self| work.decide_of(suspended, touched);
        let tried = transacted(sql, || self.settled(decide), |_| false)?;
        self.memory.restore(before);
        self.memory.refused = None;
        self.memory.noted = noted;
        match tried {
            Ok(_) => Ok(None),
            Err(Failure::Problem(problem)) => Ok(Some(problem.detail().to_owned())),
            Err(other) => Err(other),
        }
    }

    /// Whom the request asks for.
    fn decided_filter(&self) -> Result<Predicate, Failure> {
        let body = self.admin_body()?;
        only_fields(&body, &["filter"], "such a decision")?;
        let text = body.get("filter").and_then(Value::as_str).ok_or_else(|| {
            Problem::new(ProblemCode::Malformed, "`filter` says of whom it is decided")
        })?;
        let bound = |text: &str| -> Result<Predicate, Failure> {
            let told = |error: ScimError| in_admin_words(error.into());
            let filter =
                Filter::parse(text, &self.compat).map_err(|e| told(e.into_filter_error()))?;
            let bound = filter.bind(self.schema_of(USER)?, &self.compat);
            bound.map_err(|error| told(error.into_filter_error()))
        };
        let asked = bound(text)?;
        let Some(own) = &self.connection else { return Ok(asked) };
        let managed =
            format!("urn:muster:scim:1.0:User:managedBy eq {}", Value::from(own.as_str()));
        Ok(Predicate::And(vec![bound(&managed)?, asked]))
    }

    /// Leaves those to alarms with whom the request does not deal, if it may.
    fn put_off(
        &mut self,
        suspended: bool,
        touched: &[(Pos, String)],
        rest: &[(Pos, String)],
    ) -> Result<(), Failure> {
        if decisions::count(self.sql, limits::DECISIONS)? >= limits::DECISIONS {
            let detail = "too many such decisions are still to be carried out";
            return Err(conflict(detail));
        }
        if suspended {
            let going: BTreeSet<Pos> = touched.iter().map(|(pos, _)| *pos).gathered();
            self.guards_let_go(&|row, _| Ok(going.contains(&row.pos)))?;
        }
        let users = rest.iter().map(|(pos, _)| *pos).collect();
        let actor = self.call.principal.actor();
        let connection = self.connection.clone();
        let row = DecisionRow { id: 0, suspended, actor, connection, users, done: 0 };
        decisions::add(self.sql, &row)?;
        self.memory.touched = true;
        self.memory.sweeping = true;
        Ok(())
    }
}

/// Does one step of the first decision that there is, if there is one; whether there was. Who has
/// become another connection's than the one that decided is left, and so is whom a guard has come to need.
pub(super) fn step(
    sql: &dyn Sql,
    memory: &mut Memory,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let Some(row) = decisions::first(sql)? else { return Ok(false) };
    let connection = row.connection.as_deref();
    let author = Author { actor: &row.actor, connection, now };
    let rest = row.users.get(row.done..).unwrap_or_default();
    let some = rest.get(..limits::ACCESS_STEP).unwrap_or(rest);
    let users = suspensions::unlike(sql, some, row.suspended, connection)?;
    if !decided(sql, memory, &users, row.suspended, author)? {
        for user in users.chunks(1) {
            decided(sql, memory, user, row.suspended, author)?; // Whom a guard needs is left.
        }
    }
    if some.len() == rest.len() {
        decisions::end(sql, row.id)?;
    } else {
        decisions::go_on(sql, row.id, row.done.saturating_add(some.len()))?;
    }
    Ok(true)
}

/// Suspends or restores the access of users, all or none; whether guards let that be.
fn decided(
    sql: &dyn Sql,
    memory: &mut Memory,
    users: &[(Pos, String)],
    suspended: bool,
    author: Author<'_>,
) -> Result<bool, StoreError> {
    let refused = unless_guarded(sql, memory, author, &|settling| {
        users.iter().try_for_each(|(pos, id)| settling.decide(*pos, id, suspended))
    })?;
    Ok(refused.is_none())
}

impl Settling<'_> {
    /// Suspends the access of a user, or restores it, where it is not so already.
    pub(super) fn decide(
        &mut self,
        user: Pos,
        id: &str,
        suspended: bool,
    ) -> Result<(), StoreError> {
        if suspended {
            suspensions::add(self.sql, id, self.author.now.timestamp_millis(), Cause::Hand)?;
        } else {
            suspensions::remove(self.sql, id)?;
        }
        let event = Event::new(EventKind::UserAccessChanged, id);
        self.memory.record(self.sql, &event.with("suspended", suspended), self.author)?;
        self.memory.dirty.touch(user);
        Ok(())
    }
}

/// What a client of SCIM would be told.
fn in_admin_words(failure: Failure) -> Failure {
    failure.into_problem(ProblemCode::Malformed)
}
