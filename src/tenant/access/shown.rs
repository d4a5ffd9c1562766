//! A user's access as applications read it: what to honour, and why; what was granted by hand.

use serde_json::{Map, Value, json};

use super::joined::called;
use super::known::Known;
use super::{counted, held_of, is_counted, to_json};
use crate::auth::Scope as Auth;
use crate::http::{Problem, ProblemCode, Response};
use crate::limits;
use crate::policy::{AttributeMap, Granted, Held, Outcome, Reason, ScopePath};
use crate::scim::projection::Projection;
use crate::scim::schema::{Fault, USER};
use crate::store::grants::{self, GrantRow};
use crate::store::resources::{self, ResourceRow};
use crate::store::tombstones::{self, TombstoneRow};
use crate::store::{Sql, StoreError};
use crate::tenant::changes::change_shown;
use crate::tenant::document::object;
use crate::tenant::lookups::key_for;
use crate::tenant::memory::Memory;
use crate::tenant::work::{Answer, Work, conflict, missing, permitted};

impl Work<'_, '_> {
    /// `GET …/users/{id}/access[?scope=][&explain=true]`: one who was deleted has nothing more, or what
    /// the tenant leaves; 404 where there is no such user.
    pub(in crate::tenant) fn read_access(&self, id: &str) -> Answer {
        if let Some(row) = self.find_user(id)? {
            return self.shown_access(&row);
        }
        let tombstone = tombstones::of(self.sql, id, self.now().timestamp_millis())?;
        self.shown_buried(&tombstone.ok_or_else(|| missing("there is no such user"))?)
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
        let key = key_for(schema, path, text).ok_or_else(|| missing("there is no such user"))?;
        let found = resources::find(self.sql, USER, &key, 2)?;
        match found.as_slice() {
            [] => self.shown_buried(
                &self.buried(path, &key)?.ok_or_else(|| missing("there is no such user"))?,
            ),
            [pos] => {
                let row = resources::at(self.sql, *pos)?;
                self.shown_access(&row.ok_or_else(|| missing("there is no such user"))?)
            }
            _ => {
                let detail = format!("several users have this `{path}`");
                Err(conflict(detail))
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
        if query.value("consistency").is_some_and(|wish| wish != "strong") {
            return Err(Problem::new(ProblemCode::Malformed, "`consistency` is not strong").into());
        }
        let map = query.value("map").map(|id| self.attribute_map(id)).transpose()?;
        let with_document = query.flag("document")?;
        let shows_none = !with_document && map.is_none();
        let detail = "a user's attributes need the scope scim.users:read";
        permitted(shows_none || self.may(Auth::UsersRead), detail)?;
        let known = Known::of(self.sql, self.memory, row)?;
        let mut fields = known.shown(self.sql, self.memory, scope.as_ref())?;
        if query.flag("explain")? {
            fields.insert("mappings".to_owned(), self.explained(&known));
        }
        if let Some(map) = map {
            fields.extend(mapped(map, &known));
        }
        if with_document {
            fields.insert("document".to_owned(), shown_document(self.memory, row)?);
        }
        if self.memory.recomputation.is_some() {
            fields.insert("recomputing".to_owned(), true.into());
        }
        Ok(Response::json(200, &Value::Object(fields)))
    }

    /// The attribute map of an id: 400.
    fn attribute_map(&self, id: &str) -> Result<&AttributeMap, Problem> {
        let map = self.memory.policy.attributes.maps.get(id);
        map.ok_or_else(|| {
            Problem::new(ProblemCode::Malformed, "`map` is no attribute map of this tenant")
        })
    }

    /// What each mapping is for a user.
    fn explained(&self, known: &Known) -> Value {
        let matches = known.matches(self.memory).into_iter();
        matches.map(|(mapping, one)| json!({ "id": mapping.id, "result": one.name() })).collect()
    }

    /// `GET …/users/{id}/grants`: what was granted by hand, or by a trigger once.
    pub(in crate::tenant) fn list_grants(&self, id: &str) -> Answer {
        let rows = self.memory.grants_of(self.sql, self.user(id)?.pos)?;
        let rows = rows.iter().filter(|row| row.standing);
        let items: Vec<Value> = rows.map(|row| to_json(&held_of(row))).collect();
        Ok(Response::json(200, &json!({ "items": items })))
    }

    /// `POST …/users/{id}/grants {"role","scope"?}`: grants something by hand: 201, or 200 where that is
    /// so already; 400, 404.
    pub(in crate::tenant) fn add_grant(&mut self, id: &str) -> Answer {
        let body = Value::Object(self.admin_body()?);
        let row = self.user(id)?;
        self.may_decide_of(&row)?;
        let granted = Granted::parse(&body).map_err(Problem::faulty)?;
        if granted.group().is_some() {
            let detail = "is not granted by hand: who writes a group's `members` makes them so";
            return Err(Problem::faulty(vec![Fault::new("/group", detail)]).into());
        }
        let held = Held { granted, source: self.origin.clone() };
        let rows = self.memory.grants_of(self.sql, row.pos)?;
        if rows.iter().any(|row| row.standing && held_of(row) == held) {
            return Ok(Response::json(200, &to_json(&held)));
        }
        if rows.iter().filter(|row| row.standing).count() >= limits::GRANTS_BY_HAND {
            let most = limits::GRANTS_BY_HAND;
            let detail = format!("a user has at most {most} grants by hand");
            return Err(conflict(detail));
        }
        self.memory.touched = true;
        self.memory.any_grants = true;
        self.memory.dirty.trigger(row.pos, vec![held.clone()]);
        Ok(Response::json(201, &to_json(&held)))
    }

    /// `DELETE …/users/{id}/grants?role=&scope=` or `?group=`: takes what was granted by hand, or by a
    /// trigger: 204;
    /// 404 where it was not. As for what is granted, the scope is `company` where none is said.
    pub(in crate::tenant) fn remove_grant(&mut self, id: &str) -> Answer {
        let row = self.user(id)?;
        self.may_decide_of(&row)?;
        let query = &self.request().query;
        let fields = ["role", "scope", "group"].into_iter().filter_map(|name| {
            query.value(name).map(|value| (name.to_owned(), Value::from(value)))
        });
        let asked = Value::Object(fields.collect::<Map<String, Value>>());
        let granted = Granted::parse(&asked).map_err(Problem::faulty)?;
        let rows = self.memory.grants_of(self.sql, row.pos)?;
        let found: Vec<&GrantRow> =
            rows.iter().filter(|row| row.standing && held_of(row).granted == granted).collect();
        if found.is_empty() {
            return Err(missing("there is no such grant in this scope, which is `company` unless `scope` says another").into());
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
        self.memory.dirty.touch_untold(row.pos);
        Ok(Response::empty(204))
    }
}

/// The attributes of the user of an id, if there is one, as an application calls them.
pub(in crate::tenant) fn mapped_of(
    sql: &dyn Sql,
    memory: &Memory,
    map: &AttributeMap,
    id: &str,
) -> Result<Map<String, Value>, StoreError> {
    let row = resources::by_id(sql, id)?.filter(|row| row.pos.type_number() == USER);
    let known = row.map(|row| Known::of(sql, memory, &row)).transpose()?;
    Ok(known.map_or_else(Map::new, |known| mapped(map, &known).into_iter().collect()))
}

/// A user's attributes as an application calls them, and which of them are missed.
fn mapped(map: &AttributeMap, known: &Known) -> Vec<(String, Value)> {
    let Outcome { values, missing } = map.apply(&known.user);
    let mut fields = vec![("mapped".to_owned(), Value::Object(values))];
    if !missing.is_empty() {
        let warning = json!({ "code": "attribute_missing", "targets": missing });
        fields.push(("warnings".to_owned(), json!([warning])));
    }
    fields
}

impl Known {
    /// What an application is told of the user's access, in a scope or everywhere.
    pub(in crate::tenant) fn shown(
        &self,
        sql: &dyn Sql,
        memory: &Memory,
        scope: Option<&ScopePath>,
    ) -> Result<Map<String, Value>, StoreError> {
        let held = self.held();
        let access = self.access(sql, memory)?.as_decided(&memory.policy.access.roles, &held);
        let is_asked = |held: &Held| match (scope, held.granted.scope()) {
            (None, _) => true,
            (Some(asked), Some(scope)) => asked.covers(scope),
            (Some(_), None) => false,
        };
        // What is stored is what counts: with a quota, who came first.
        let asked = held.iter().filter(|held| is_asked(held));
        let grants = asked.map(|held| shown_grant(sql, memory, held));
        let grants = grants.collect::<Result<Vec<Value>, StoreError>>()?;
        let withheld = access.withheld.iter().filter(|(held, _)| is_asked(held));
        let withheld: Vec<Value> = withheld.map(withheld_to_json).collect();
        let mut reasons: Vec<Reason> = access.withheld.iter().map(|(_, reason)| *reason).collect();
        reasons.extend(access.barred.into_iter().chain(access.held));
        reasons.sort_unstable();
        reasons.dedup();
        let names: Vec<Value> = reasons.into_iter().map(|reason| reason.name().into()).collect();
        let mut fields = vec![
            ("id", self.id.as_str().into()),
            ("status", access.status().name().into()),
            ("grants", grants.into()),
            ("withheld", withheld.into()),
            ("reasons", names.into()),
        ];
        // Whoever an identity provider manages signs in there: no password is kept here.
        fields.extend(self.manager.as_ref().map(|_| ("authentication", "federated-only".into())));
        let change = self.change.as_ref().map(change_shown).transpose()?;
        fields.extend(change.map(|change| ("change", change)));
        Ok(object(fields))
    }
}

/// What is granted. A group that is not there has no members until it is.
fn shown_grant(sql: &dyn Sql, memory: &Memory, held: &Held) -> Result<Value, StoreError> {
    let mut shown = to_json(held);
    if let (Some(name), Some(fields)) = (held.granted.group(), shown.as_object_mut())
        && called(sql, memory, name)?.is_empty()
    {
        fields.insert("missing".to_owned(), true.into());
    }
    Ok(shown)
}

/// A user as SCIM returns it by default, without what depends on who asks and where.
pub(in crate::tenant) fn shown_document(
    memory: &Memory,
    row: &ResourceRow,
) -> Result<Value, StoreError> {
    let malformed = || StoreError::new("a stored document is malformed");
    let mut user = serde_json::from_slice(&row.doc).map_err(|_| malformed())?;
    let schema = memory.registry.type_numbered(row.pos.type_number()).ok_or_else(malformed)?;
    Projection::Default.apply(&mut user, schema);
    Ok(Value::Object(user))
}

pub(super) fn withheld_to_json((held, reason): &(Held, Reason)) -> Value {
    let mut shown = to_json(held);
    if let Some(fields) = shown.as_object_mut() {
        fields.insert("reason".to_owned(), reason.name().into());
    }
    shown
}
