//! The KV that the edge reads, in this process: what a tenant has copied there, and what that answers.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use muster::auth::CopyName;
use muster::http::{CopyRequest, Method, Query, Response, Route, Url};
use muster::limits;
use muster::registry::Slug;
use muster::store::{Param, Sql as _, StoreError};
use muster::tenant::Batch;
use serde_json::{Value, json};

use crate::support::{ADMIN, Acme, ORIGIN};

/// What is there, and how it is with writing.
#[derive(Debug, Default)]
pub(crate) struct Kv {
    pub(crate) there: BTreeMap<String, String>,
    /// How many operations it takes before it fails, where it does.
    pub(crate) fails_after: Option<usize>,
    /// Each write, with the place in the log as of which it is; a removal without one.
    pub(crate) writes: Vec<(String, Option<i64>)>,
}

impl Kv {
    /// Whether all was done.
    fn write(&mut self, operations: &[(&str, Option<&str>)]) -> bool {
        let most = self.fails_after.unwrap_or(operations.len());
        for (name, value) in operations.iter().take(most) {
            let read = |value: &str| serde_json::from_str::<Value>(value).expect("JSON");
            let seq = value.map(|value| read(value)["seq"].as_i64().expect("a place in the log"));
            self.writes.push(((*name).to_owned(), seq));
            match value {
                Some(value) => self.there.insert((*name).to_owned(), (*value).to_owned()),
                None => self.there.remove(*name),
            };
        }
        self.fails_after.is_none()
    }
}

impl Acme {
    /// Does a step of copying, if one is due: how many operations it has, done or not.
    pub(crate) fn copy(&mut self, now: DateTime<Utc>) -> Option<usize> {
        let (batch, failed) = self.written(now).expect("the step is made up")?;
        self.tenant.copied(&self.sql, now, &batch, failed).expect("the step is noted");
        Some(batch.operations().count())
    }

    /// The same, with something that happens while KV is written.
    pub(crate) fn copy_while(&mut self, what: impl FnOnce(&mut Self)) {
        let (batch, failed) =
            self.written(self.now).expect("the step is made up").expect("something is due");
        what(self);
        self.tenant.copied(&self.sql, self.now, &batch, failed).expect("the step is noted");
    }

    /// The same, of which the tenant never hears.
    pub(crate) fn copy_unheard(&mut self) {
        let written = self.written(self.now).expect("the step is made up");
        assert!(written.is_some());
    }

    /// The same, where the database may fail.
    pub(crate) fn try_copy(&mut self) -> Result<(), StoreError> {
        match self.written(self.now)? {
            Some((batch, failed)) => self.tenant.copied(&self.sql, self.now, &batch, failed),
            None => Ok(()),
        }
    }

    /// What is due, and whether it could not be written.
    fn written(&mut self, now: DateTime<Utc>) -> Result<Option<(Batch, bool)>, StoreError> {
        let slug = Slug::parse(self.slug()).expect("a slug");
        let next = self.tenant.copies(&self.sql, now, &self.gate.key_ring, &slug)?;
        Ok(next.map(|batch| {
            let operations: Vec<_> = batch.operations().collect();
            assert!(operations.len() <= limits::COPY_OPERATIONS);
            let failed = !self.kv.write(&operations);
            (batch, failed)
        }))
    }

    /// Switches edge reads on or off.
    #[track_caller]
    pub(crate) fn edge_reads(&mut self, on: bool) {
        self.policy(&json!({ "edgeReads": on }));
    }

    /// The name of a copy.
    pub(crate) fn copy_name(&self, name: CopyName, identifier: &str) -> String {
        self.gate.key_ring.copy_name(self.slug(), name, identifier).expect("a name")
    }

    /// What copies answer to a GET below the tenant's path, if they do.
    pub(crate) fn copied_access(&self, path: &str) -> Option<Response> {
        self.copied_access_for(path, ADMIN)
    }

    /// The same to another bearer.
    pub(crate) fn copied_access_for(&self, path: &str, bearer: &str) -> Option<Response> {
        let url = format!("{ORIGIN}/v1/tenants/{}{path}", self.slug());
        let url = Url::split(&url).expect("a URL");
        let route = Route::parse(url.path).expect("a route");
        let authorization = format!("Bearer {bearer}");
        let admitted = self.gate.admit(Some(&route), Method::Get, Some(&authorization), self.now);
        let principal = admitted.expect("it is admitted").expect("somebody");
        let query = Query::parse(url.query);
        let request = CopyRequest::of(Method::Get, &route, &query, &principal)?;
        let slug = Slug::parse(self.slug()).expect("a slug");
        let name = request.name(&self.gate.key_ring, &slug).expect("a name");
        let issued = self.gate.brief_since(Some(&authorization), self.now).unwrap_or(i64::MAX);
        request.answer(self.kv.there.get(&name)?, issued)
    }

    /// Copies answer what the tenant would, as of its last event, and there are no others.
    #[track_caller]
    pub(crate) fn check_copies(&mut self) {
        let mut names = Vec::new();
        let users = self.get("/Users?count=1000");
        let users = users["Resources"].as_array().expect("users").clone();
        let shared = |id: &Value| users.iter().filter(|user| user["externalId"] == *id).count();
        for user in &users {
            let id = user["id"].as_str().expect("an id");
            let mut paths = vec![format!("/users/{id}/access?document=true")];
            let name = user["userName"].as_str().expect("a name");
            names.push(self.copy_name(CopyName::Id, id));
            names.push(self.copy_name(CopyName::UserName, &name.to_lowercase()));
            paths.push(format!("/access?userName={name}"));
            if let Some(external) = user["externalId"].as_str() {
                paths.push(format!("/access?externalId={external}"));
                if shared(&user["externalId"]) == 1 {
                    names.push(self.copy_name(CopyName::ExternalId, external));
                }
            }
            for path in paths {
                let strong = self.admin("GET", &path, &Value::Null);
                let copied = self.copied_access(&path);
                assert_eq!(strong.status == 200, copied.is_some(), "{path}");
                let Some(copied) = copied else { continue };
                let mut copied: Value = serde_json::from_slice(&copied.body).expect("JSON");
                assert!(copied["asOf"].is_i64(), "{copied}");
                copied.as_object_mut().expect("an object").remove("asOf");
                assert_eq!(copied, strong.json(), "{path}");
            }
        }
        let groups = self.get("/Groups?count=1000");
        for group in groups["Resources"].as_array().expect("groups") {
            let id = group["id"].as_str().expect("an id");
            let name = self.copy_name(CopyName::Group, id);
            let copy = self.kv.there.get(&name).expect("a copy of the group");
            let copy: Value = serde_json::from_str(copy).expect("JSON");
            assert_eq!(copy["group"]["members"], self.memberships(id), "{copy}");
            assert_eq!(copy["group"]["displayName"], group["displayName"], "{copy}");
            names.push(name);
        }
        names.sort();
        let there: Vec<String> = self.kv.there.keys().cloned().collect();
        assert_eq!(there, names);
    }

    /// How many rows say that somebody is in a group.
    fn memberships(&self, id: &str) -> i64 {
        let statement = "SELECT count(*) FROM members JOIN resources ON pos = grp WHERE id = +?1";
        let rows = self.sql.query(statement, &[Param::Text(id)]).expect("SQLite reads");
        rows[0].integer(0).expect("a number")
    }
}
