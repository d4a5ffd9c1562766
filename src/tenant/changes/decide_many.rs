//! `POST …/changes/approve|reject`: all that a brake has held of a connection. What one request does not
//! do, alarms go on with; how far they are is in the brake's row, and nothing of it in memory alone. What
//! fails within the service, time after time, stops there, until somebody decides again.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::auth::Principal;
use crate::event::{Event, EventKind};
use crate::http::{ChangeAction, Problem, ProblemCode, Response, Route};
use crate::limits;
use crate::registry::Slug;
use crate::store::brakes::{self, BrakeRow};
use crate::store::changes::{self, ChangeRow, REVIEW};
use crate::store::{Sql, StoreError};
use crate::tenant::async_requests::Means;
use crate::tenant::work::{Answer, Failure, Work, conflict, missing};
use crate::tenant::{Tenant, wake};

/// Why a decision is not carried out any further.
const STOPPED: &str =
    "it failed within the service, again and again; the same call goes on with it";

/// A decision, and how far it has been carried out.
#[derive(Clone, Deserialize, Serialize)]
struct Deciding {
    approves: bool,
    reason: Option<String>,
    /// Who has decided.
    principal: Principal,
    /// The last change that it is about: what is held later is not.
    until: i64,
    decided: u64,
    refused: u64,
    /// How often the next of them failed within the service.
    #[serde(default)]
    failures: i64,
    /// Whether it is not carried out any further.
    #[serde(default)]
    stopped: bool,
}

impl Deciding {
    /// What is being decided by a brake's row.
    fn of(row: &BrakeRow) -> Result<Option<Self>, StoreError> {
        let read = row.deciding.as_deref().map(serde_json::from_str).transpose();
        read.map_err(|_| StoreError::new("a stored decision is malformed"))
    }

    /// As it is stored.
    fn stored(&self) -> Option<String> {
        serde_json::to_string(self).ok()
    }

    /// What is told of it.
    fn told(&self, left: i64) -> Value {
        let decided = if self.approves { "approved" } else { "rejected" };
        let mut told = json!({ decided: self.decided, "refused": self.refused, "left": left });
        if let Some(fields) = told.as_object_mut().filter(|_| self.stopped) {
            fields.insert("stopped".to_owned(), STOPPED.into());
        }
        told
    }

    const fn action(&self) -> ChangeAction {
        if self.approves { ChangeAction::Approve } else { ChangeAction::Reject }
    }
}

/// Whether something is being decided by a brake's row.
pub(in crate::tenant) fn is_under_way(row: &BrakeRow) -> bool {
    matches!(Deciding::of(row), Ok(Some(begun)) if !begun.stopped)
}

impl Work<'_, '_> {
    /// `POST …/changes/approve|reject {"connection","reason"?}`: decides on what a brake has held of a
    /// connection. What was approved lets the connection go on.
    ///
    /// 1. As for one change: 403, 400. There must be such a connection: 404.
    /// 2. What is being decided already is told so, 202, and is not decided otherwise meanwhile: 409.
    /// 3. Each is decided as by itself; what is refused stays pending, and is decided by itself.
    /// 4. It is told how many were: 200. More than one request does are left to alarms: 202.
    pub(in crate::tenant) fn decide_changes(&mut self, action: ChangeAction) -> Answer {
        let body = self.decision_body(&["connection", "reason"])?; // (1)
        let reason = self.decision_reason(&body)?;
        let Some(connection) = body.get("connection").and_then(Value::as_str) else {
            return Err(Problem::new(ProblemCode::Malformed, "`connection` is no text").into());
        };
        if !self.memory.connections.contains_key(connection) {
            return Err(missing("there is no such connection").into());
        }
        let approves = action == ChangeAction::Approve;
        if let Some(begun) = self.deciding_of(connection)?.filter(|begun| !begun.stopped) {
            if begun.approves != approves {
                return Err(conflict("these changes are being decided otherwise")); // (2)
            }
            let left = changes::count_braked(self.sql, connection, begun.until)?;
            return Ok(Response::json(202, &begun.told(left))); // (2)
        }
        let principal = self.call.principal.clone();
        let until = self.memory.last_seq;
        let (decided, refused, failures, stopped) = (0, 0, 0, false);
        let begun =
            Deciding { approves, reason, principal, until, decided, refused, failures, stopped };
        let (told, is_over) = self.decide_some(connection, begun)?; // (3)
        if approves {
            self.deciding(|settling| settling.release(connection))?;
        }
        Ok(Response::json(if is_over { 200 } else { 202 }, &told)) // (4)
    }

    fn deciding_of(&self, connection: &str) -> Result<Option<Deciding>, StoreError> {
        self.memory.brakes.get(connection).map_or(Ok(None), Deciding::of)
    }

    /// Decides on the next of them; what is told of it, and whether those were the last.
    fn decide_some(
        &mut self,
        connection: &str,
        mut begun: Deciding,
    ) -> Result<(Value, bool), Failure> {
        let most = limits::CHANGES_AT_ONCE;
        for row in changes::braked(self.sql, connection, begun.until, most)? {
            let is_decided = self.decide_whole(row, begun.action(), begun.reason.as_deref())?;
            let count = if is_decided { &mut begun.decided } else { &mut begun.refused };
            *count = count.saturating_add(1);
        }
        begun.failures = 0;
        let left = changes::count_braked(self.sql, connection, begun.until)?;
        let told = begun.told(left);
        let deciding = if left == 0 { None } else { begun.stored() };
        self.set_deciding(connection, deciding)?;
        Ok((told, left == 0))
    }

    /// Stops a decision, and tells of it.
    fn stop_deciding(&mut self, connection: &str, begun: Deciding) -> Result<(), Failure> {
        let begun = Deciding { stopped: true, ..begun };
        let left = changes::count_braked(self.sql, connection, begun.until)?;
        self.set_deciding(connection, begun.stored())?;
        let event = Event::new(EventKind::ConnectionUpdated, connection);
        Ok(self.record(&event.with("deciding", begun.told(left)))?)
    }

    /// Notes how far a decision is, or that it is over; a connection that is leaving has waited for that.
    fn set_deciding(
        &mut self,
        connection: &str,
        deciding: Option<String>,
    ) -> Result<(), StoreError> {
        self.deciding(|settling| {
            let row = match settling.memory.brakes.get(connection) {
                Some(row) if row.deciding == deciding => return Ok(()),
                Some(row) => row.clone(),
                None if deciding.is_none() => return Ok(()),
                None => settling.counting(connection)?,
            };
            settling.set_brake(BrakeRow { deciding, ..row })
        })?;
        self.memory.sweeping |= self.memory.departure().is_some();
        Ok(())
    }

    /// Decides on one of many, whole or not at all; whether it was. What was refused is no longer the
    /// brake's.
    fn decide_whole(
        &mut self,
        row: ChangeRow,
        action: ChangeAction,
        reason: Option<&str>,
    ) -> Result<bool, Failure> {
        let decided = self.attempt(|work| match action {
            ChangeAction::Approve => work.approve(row.clone(), reason),
            _ => work.reject(row.clone(), reason),
        })?;
        if decided.is_err() {
            changes::put(self.sql, &ChangeRow { cause: REVIEW.to_owned(), ..row })?;
        }
        Ok(decided.is_ok())
    }

    /// What a connection's health says of a decision that is being carried out.
    pub(in crate::tenant) fn deciding_shown(
        &self,
        connection: &str,
    ) -> Result<Option<Value>, StoreError> {
        let Some(begun) = self.deciding_of(connection)? else { return Ok(None) };
        let left = changes::count_braked(self.sql, connection, begun.until)?;
        Ok(Some(begun.told(left)).filter(|_| left > 0))
    }
}

impl Tenant {
    /// Goes on with the first decision that is being carried out, if there is one, in the name of who has
    /// made it; or stops it where it has failed too often.
    pub(in crate::tenant) fn decide_further(
        &mut self,
        sql: &dyn Sql,
        tenant: &Slug,
        means: &mut Means<'_>,
    ) -> Result<(), StoreError> {
        let memory = wake(&mut self.memory, sql)?;
        let row = memory.brakes.values().find(|row| is_under_way(row));
        let Some(row) = row.cloned() else { return Ok(()) };
        let Some(begun) = Deciding::of(&row)? else { return Ok(()) };
        let route = Route::ChangesDecision(tenant.clone(), begun.action());
        let principal = begun.principal.clone();
        let done = self.in_name_of(sql, (&route, &principal), means, None, &mut |work| {
            if begun.failures >= limits::ASYNC_ATTEMPTS {
                return work.stop_deciding(&row.connection, begun.clone());
            }
            work.decide_some(&row.connection, begun.clone()).map(|_| ())
        });
        if done.is_err() {
            let failures = begun.failures.saturating_add(1);
            let deciding = Deciding { failures, ..begun }.stored();
            // Why it failed is told, whatever becomes of this.
            let _ = brakes::put(sql, &BrakeRow { deciding, ..row });
        }
        done
    }
}
