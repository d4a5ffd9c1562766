//! The brake: where a connection ends the access of too many users within a day, what follows awaits
//! approval, until somebody decides.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Cause;
use crate::limits;
use crate::policy::Brake;
use crate::scim::schema::USER;
use crate::store::brakes::{self, BrakeRow, COUNTING, HOLDING, RELEASED};
use crate::store::changes::{self, BRAKE};
use crate::store::{Pos, Sql, StoreError};
use crate::tenant::access::Settling;
use crate::tenant::document::moment;
use crate::tenant::work::Work;

/// What is known of connections' brakes, by their ids.
pub(in crate::tenant) type Brakes = BTreeMap<String, BrakeRow>;

/// Reads the rows.
pub(in crate::tenant) fn load(sql: &dyn Sql) -> Result<Brakes, StoreError> {
    let rows = brakes::all(sql)?.into_iter();
    Ok(rows.map(|row| (row.connection.clone(), row)).collect())
}

impl Settling<'_> {
    /// Counts that a connection ends a user's access, once within a day; why that is held, if it is.
    /// Whoever is deleted is `gone` and cannot be counted any more.
    pub(super) fn brake(
        &mut self,
        connection: &str,
        user: &str,
        gone: bool,
    ) -> Result<Option<Cause>, StoreError> {
        let Some(policy) = self.memory.policy.brake else { return Ok(None) };
        let now = self.author.now.timestamp_millis();
        let is_over = |row: &BrakeRow| now.saturating_sub(row.since) > limits::BRAKE_MILLISECONDS;
        let known = match self.memory.brakes.get(connection).cloned() {
            Some(row) if row.state == HOLDING => {
                if !changes::braked(self.sql, connection, i64::MAX, 1)?.is_empty() {
                    return Ok(Some((BRAKE, said(policy, &row))));
                }
                None // All that it held was decided one by one.
            }
            Some(row) if is_over(&row) => None,
            Some(row) if row.state == RELEASED => return Ok(None),
            known => known,
        };
        let mut row = match known {
            Some(row) => row,
            None => self.counting(connection)?,
        };
        let is_new = !brakes::is_counted(self.sql, connection, user)?;
        let users = row.users.saturating_add(is_new.into());
        let is_held = self.stops(policy, users, &mut row)?;
        if is_held {
            row.state = HOLDING.to_owned();
        } else {
            row.users = users;
            row.gone = row.gone.saturating_add(gone.into());
            if is_new {
                brakes::count(self.sql, connection, user)?;
            }
        }
        let cause = is_held.then(|| (BRAKE, said(policy, &row)));
        self.set_brake(row)?;
        Ok(cause)
    }

    /// Begins to count.
    pub(super) fn counting(&self, connection: &str) -> Result<BrakeRow, StoreError> {
        brakes::forget_counted(self.sql, connection)?;
        let known = self.memory.brakes.get(connection);
        Ok(BrakeRow {
            connection: connection.to_owned(),
            since: self.author.now.timestamp_millis(),
            users: 0,
            gone: 0,
            managed: None,
            state: COUNTING.to_owned(),
            deciding: known.and_then(|row| row.deciding.clone()),
        })
    }

    /// Whether so many users are too many.
    fn stops(&self, policy: Brake, users: i64, row: &mut BrakeRow) -> Result<bool, StoreError> {
        if !policy.stops(users, 0) {
            return Ok(false); // However few users it manages.
        }
        let managed = match row.managed {
            Some(managed) => managed,
            None => {
                let range = Pos::range(USER);
                let (of, managed) =
                    brakes::managed(self.sql, &row.connection, range, limits::BRAKE_SCAN)?;
                let live = self.memory.count(USER).live.max(of);
                let managed = managed.saturating_mul(live).checked_div(of).unwrap_or(0);
                managed.saturating_add(row.gone)
            }
        };
        row.managed = Some(managed);
        Ok(policy.stops(users, managed))
    }

    pub(super) fn set_brake(&mut self, row: BrakeRow) -> Result<(), StoreError> {
        brakes::put(self.sql, &row)?;
        self.memory.touched = true;
        self.memory.brakes.insert(row.connection.clone(), row);
        Ok(())
    }

    /// Lets a connection go on: for a day nothing of it is held.
    pub(super) fn release(&mut self, connection: &str) -> Result<(), StoreError> {
        let Some(row) = self.memory.brakes.get(connection).cloned() else { return Ok(()) };
        let since = self.author.now.timestamp_millis();
        let state = RELEASED.to_owned();
        self.set_brake(BrakeRow { since, users: 0, gone: 0, managed: None, state, ..row })
    }
}

impl Work<'_, '_> {
    /// What a connection's health says of its brake, where that holds something.
    pub(in crate::tenant) fn brake_warning(
        &self,
        connection: &str,
    ) -> Result<Option<Value>, StoreError> {
        let row = self.memory.brakes.get(connection).filter(|row| row.state == HOLDING);
        let Some(row) = row else { return Ok(None) };
        let first = changes::braked(self.sql, connection, i64::MAX, 1)?;
        let first = first.first().and_then(|row| moment(row.time));
        Ok(first.map(|first| {
            json!({
                "code": "brake",
                "path": "",
                "firstSeen": first,
                "detail": BRAKED,
                "ended": row.users,
                "managed": row.managed,
            })
        }))
    }
}

/// What is said of a connection whose brake holds what it does.
const BRAKED: &str = "the connection ended the access of more users than `massChangeBrake` lets it, and what \
    it does to more of them awaits approval; `POST …/changes/approve` with its id lets it go on";

/// What is told of what a brake holds.
fn said(Brake { percent, min }: Brake, row: &BrakeRow) -> Value {
    let (ended, managed) = (row.users, row.managed);
    json!({ "brake": { "ended": ended, "managed": managed, "percent": percent, "min": min } })
}
