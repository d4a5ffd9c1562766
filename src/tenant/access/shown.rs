//! A user's access as applications read it: what to honour, and why; what was granted by hand.

use serde_json::{Map, Value, json};

use super::joined::called;
use super::known::Known;
use super::{counted, held_of, is_counted, to_json};
use crate::http::{Problem, ProblemCode, Response};
use crate::limits;
use crate::policy::{Granted, Held, Reason, ScopePath};
use crate::scim::schema::{Fault, USER};
use crate::store::StoreError;
use crate::store::grants::{self, GrantRow};
use crate::store::resources::{self, ResourceRow};
use crate::store::tombstones::{self, TombstoneRow};
use crate::tenant::lookups::key_for;
use crate::tenant::work::{Answer, Failure, Work};

impl Work<'_, '_> {
    /// `GET …/users/{id}/access[?scope=][&explain=true]`: one who was deleted has nothing more, or what
    /// the tenant leaves; 404 where there is no such user.
    pub(in crate::tenant) fn read_access(&self, id: &str) -> Answer {
        let row = resources::by_id(self.sql, id)?.filter(|row| row.pos.type_number() == USER);
        if row.is_none()
            && let Some(tombstone) = tombstones::of(self.sql, id, self.now().timestamp_millis())?
        {
            return self.shown_buried(&tombstone);
        }
        self.shown_access(&row.ok_or_else(|| Problem::from(ProblemCode::NotFound))?)
    }

    /// `GET …/access?userName=` or `?externalId=`, with `scope` and `explain` as above: 400 unless one
    /// of the two is given, 404 where nobody is found, 409 where several are.
    pub(in crate::tenant) fn find_access(&self) -> Answer {
        let query = &self.request().query;
        let (path, text) = match (query.value("userName"), query.value("externalId")) {
            (Some(name), None) => ("userName", name),
            (None, Some(id)) => ("externalId", id),
            _ => {
                let detail = "say by one of `userName` and `externalId` who is meant";
                return Err(Problem::new(ProblemCode::Malformed, detail).into());
            }
        };
        let schema = self.schema_of(USER)?;
        let key =
            key_for(schema, path, text).ok_or_else(|| Problem::from(ProblemCode::NotFound))?;
        let found = resources::find(self.sql, USER, &key, 2)?;
        match found.as_slice() {
            [] => match self.buried(path, &key)? {
                Some(tombstone) => self.shown_buried(&tombstone),
                None => Err(Problem::from(ProblemCode::NotFound).into()),
            },
            [pos] => {
                let row = resources::at(self.sql, *pos)?;
                self.shown_access(&row.ok_or_else(|| Problem::from(ProblemCode::NotFound))?)
            }
            _ => {
                let detail = format!("several users have this `{path}`");
                Err(Problem::new(ProblemCode::Conflict, detail).into())
            }
        }
    }

    fn shown_buried(&self, tombstone: &TombstoneRow) -> Answer {
        let scope = self.asked_scope()?;
        Ok(Response::json(200, &self.buried_access(tombstone, scope.as_ref())))
    }

    /// The scope that is asked for, if one is.
    fn asked_scope(&self) -> Result<Option<ScopePath>, Problem> {
        let asked = self.request().query.value("scope").map(ScopePath::parse);
        let refused =
            || Problem::new(ProblemCode::Malformed, "`scope` is no path such as org/finance");
        asked.map(|scope| scope.ok_or_else(refused)).transpose()
    }

    fn shown_access(&self, row: &ResourceRow) -> Answer {
        let query = &self.request().query;
        let scope = self.asked_scope()?;
        let known = Known::of(self.sql, self.memory, row)?;
        let access = known.access(self.sql, self.memory)?;
        let is_asked = |held: &Held| match (&scope, held.granted.scope()) {
            (None, _) => true,
            (Some(asked), Some(scope)) => asked.covers(scope),
            (Some(_), None) => false,
        };
        // What is stored is what counts: with a quota, who came first.
        let held = known.rows.iter().filter(|row| row.held).map(held_of);
        let grants: Result<Vec<Value>, StoreError> =
            held.filter(is_asked).map(|held| self.shown_grant(&held)).collect();
        let withheld = access.withheld.iter().filter(|(held, _)| is_asked(held));
        let withheld: Vec<Value> = withheld.map(withheld_to_json).collect();
        let mut reasons: Vec<Reason> =
            access.withheld.iter().map(|(_, reason)| *reason).chain(access.barred).collect();
        reasons.sort_unstable();
        reasons.dedup();
        let names: Vec<&str> = reasons.into_iter().map(Reason::name).collect();
        let mut body = json!({
            "id": known.id,
            "status": access.status().name(),
            "grants": grants?,
            "withheld": withheld,
            "reasons": names,
        });
        let fields = body.as_object_mut();
        if let Some(fields) = fields {
            if query.flag("explain")? {
                fields.insert("mappings".to_owned(), self.explained(&known));
            }
            if self.memory.recomputation.is_some() {
                fields.insert("recomputing".to_owned(), true.into());
            }
        }
        Ok(Response::json(200, &body))
    }

    /// What is granted. A group that is not there has no members until it is.
    fn shown_grant(&self, held: &Held) -> Result<Value, StoreError> {
        let mut shown = to_json(held);
        if let (Some(name), Some(fields)) = (held.granted.group(), shown.as_object_mut())
            && called(self.sql, self.memory, name)?.is_empty()
        {
            fields.insert("missing".to_owned(), true.into());
        }
        Ok(shown)
    }

    /// What each mapping is for a user.
    fn explained(&self, known: &Known) -> Value {
        let matches = known.matches(self.memory).into_iter();
        matches.map(|(mapping, one)| json!({ "id": mapping.id, "result": one.name() })).collect()
    }

    /// `GET …/users/{id}/grants`: what was granted by hand, or by a trigger once.
    pub(in crate::tenant) fn list_grants(&self, id: &str) -> Answer {
        let rows = grants::of_user(self.sql, self.user(id)?.pos)?;
        let rows = rows.iter().filter(|row| row.standing);
        let items: Vec<Value> = rows.map(|row| to_json(&held_of(row))).collect();
        Ok(Response::json(200, &json!({ "items": items })))
    }

    /// `POST …/users/{id}/grants {"role","scope"?}`: grants something by hand: 201, or 200 where that is
    /// so already; 400, 404.
    pub(in crate::tenant) fn add_grant(&mut self, id: &str) -> Answer {
        let body = Value::Object(self.admin_body()?);
        let row = self.user(id)?;
        let granted = Granted::parse(&body).map_err(Problem::faulty)?;
        if granted.group().is_some() {
            let detail = "is not granted by hand: who writes a group's `members` makes them so";
            return Err(Problem::faulty(vec![Fault::new("/group", detail)]).into());
        }
        let held = Held { granted, source: self.origin.clone() };
        let rows = grants::of_user(self.sql, row.pos)?;
        if rows.iter().any(|row| row.standing && held_of(row) == held) {
            return Ok(Response::json(200, &to_json(&held)));
        }
        if rows.iter().filter(|row| row.standing).count() >= limits::GRANTS_BY_HAND {
            let most = limits::GRANTS_BY_HAND;
            let detail = format!("a user has at most {most} grants by hand");
            return Err(Problem::new(ProblemCode::Conflict, detail).into());
        }
        self.memory.touched = true;
        self.memory.any_grants = true;
        self.memory.dirty.trigger(row.pos, vec![held.clone()]);
        Ok(Response::json(201, &to_json(&held)))
    }

    /// `DELETE …/users/{id}/grants?role=&scope=` or `?group=`: takes what was granted by hand, or by a
    /// trigger: 204;
    /// 404 where it was not.
    pub(in crate::tenant) fn remove_grant(&mut self, id: &str) -> Answer {
        let row = self.user(id)?;
        let query = &self.request().query;
        let fields = ["role", "scope", "group"].into_iter().filter_map(|name| {
            query.value(name).map(|value| (name.to_owned(), Value::from(value)))
        });
        let asked = Value::Object(fields.collect::<Map<String, Value>>());
        let granted = Granted::parse(&asked).map_err(Problem::faulty)?;
        let rows = grants::of_user(self.sql, row.pos)?;
        let found: Vec<&GrantRow> =
            rows.iter().filter(|row| row.standing && held_of(row).granted == granted).collect();
        if found.is_empty() {
            return Err(Problem::from(ProblemCode::NotFound).into());
        }
        for row_of_grant in found {
            // It stands no more; whether something else grants it is seen when the request settles.
            let fallen = GrantRow { standing: false, ..row_of_grant.clone() };
            if fallen.held {
                let counted = is_counted(&counted(&self.memory.policy), &fallen);
                grants::put(self.sql, row.pos, &fallen, counted)?;
            } else {
                grants::delete(self.sql, row.pos, &fallen)?;
            }
        }
        self.memory.touched = true;
        self.memory.dirty.touch(row.pos);
        Ok(Response::empty(204))
    }

    /// The row of a user: 404.
    fn user(&self, id: &str) -> Result<ResourceRow, Failure> {
        let row = resources::by_id(self.sql, id)?.filter(|row| row.pos.type_number() == USER);
        Ok(row.ok_or_else(|| Problem::from(ProblemCode::NotFound))?)
    }
}

fn withheld_to_json((held, reason): &(Held, Reason)) -> Value {
    let mut shown = to_json(held);
    if let Some(fields) = shown.as_object_mut() {
        fields.insert("reason".to_owned(), reason.name().into());
    }
    shown
}
