//! Access computed anew on request, and how far that is.

use serde_json::{Value, json};

use super::{Change, Settling, to_json};
use crate::http::Response;
use crate::limits;
use crate::policy::Held;
use crate::scim::schema::USER;
use crate::store::{Pos, StoreError, recomputation};
use crate::tenant::work::{Answer, Work};

impl Work<'_, '_> {
    /// `GET …/recompute`: whether the access of all users is being computed anew, and how far that is.
    pub(in crate::tenant) fn read_recomputation(&self) -> Response {
        let total = self.memory.count(USER).live;
        let body = match &self.memory.recomputation {
            None => json!({ "recomputing": false }),
            Some(row) => json!({ "recomputing": true, "done": row.done, "total": total }),
        };
        Response::json(200, &body)
    }

    /// `POST …/recompute[?dryRun=true][&cursor=]`: computes the access of all users anew. A dry run
    /// writes nothing and tells what would be different, page by page.
    pub(in crate::tenant) fn recompute_all(&mut self) -> Answer {
        self.no_fields("a computation")?;
        if self.request().query.flag("dryRun")? {
            return self.differences();
        }
        if self.memory.decides_on_access() {
            self.memory.dirty.touch_everybody();
            self.settle()?;
        }
        let response = self.read_recomputation();
        let status = if self.memory.recomputation.is_some() { 202 } else { 200 };
        Ok(Response { status, ..response })
    }

    fn differences(&mut self) -> Answer {
        let after = self.request().query.whole("cursor")?.unwrap_or(0);
        let after = Pos::range(USER).0.value().saturating_add(after);
        let users = recomputation::users_after(self.sql, Pos::stored(after), limits::ACCESS_USERS)?;
        let found = self.deciding(|settling| {
            let found = users.iter().filter_map(|user| settling.difference(*user).transpose());
            found.collect::<Result<Vec<Value>, StoreError>>()
        })?;
        let mut body = json!({ "dryRun": true, "differences": found });
        let last = users.last().filter(|_| users.len() >= limits::ACCESS_USERS);
        if let (Some(fields), Some(last)) = (body.as_object_mut(), last) {
            fields.insert("next".to_owned(), last.place().to_string().into());
        }
        Ok(Response::json(200, &body))
    }
}

impl Settling<'_> {
    /// What would be different for a user, if anything.
    pub(super) fn difference(&self, user: Pos) -> Result<Option<Value>, StoreError> {
        let Some(computed) = self.compute(user, &[])? else { return Ok(None) };
        let change = Change::between(&computed.known, &computed.access, self.memory.last_seq);
        let (come, go) = self.told_joins(user, &computed.access)?;
        // Who is granted a group becomes a member by that, which is no other difference.
        let without = |held: Vec<Held>, others: &[Held]| {
            let is_told = |one: &Held| others.iter().any(|other| other.granted == one.granted);
            held.into_iter().filter(|one| !is_told(one)).collect::<Vec<_>>()
        };
        let come = without(come, &change.granted);
        let go = without(go, &change.revoked);
        let (granted, revoked) = ([change.granted, come].concat(), [change.revoked, go].concat());
        if granted.is_empty() && revoked.is_empty() {
            return Ok(None);
        }
        let list = |all: &[Held]| -> Value { all.iter().map(to_json).collect() };
        Ok(Some(json!({
            "id": computed.known.id,
            "status": computed.access.status().name(),
            "granted": list(&granted),
            "revoked": list(&revoked),
        })))
    }
}
