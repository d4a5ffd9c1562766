//! Imports of users from elsewhere, in parts: an administrator's word, as are those of keys without a
//! connection.
//!
//! A row is taken for a user by the tenant's `matching`; what it does not mention stays. A part that
//! was done is not done again, and rows that say what is there change nothing, so that what broke off
//! is sent again.

mod csv;
mod rows;

use serde_json::{Map, Value, json};

use self::rows::Row;
use super::document::{moment, object};
use super::resources::Put;
use super::work::{Answer, Failure, Work, conflict, missing, permitted};
use crate::auth::Scope;
use crate::http::{Problem, ProblemCode, Response, is_uuid};
use crate::limits;
use crate::scim::ScimError;
use crate::scim::schema::USER;
use crate::store::imports::{self, ImportRow};
use crate::store::{StoreError, transacted};

impl Work<'_, '_> {
    /// `POST …/imports[?dryRun=true]`: begins an import with its first part, as
    /// [`Self::import_part`] does it: 201; a dry run is 200 and leaves nothing. Another part is of an import
    /// that has an id: 400.
    pub(super) fn begin_import(&mut self) -> Answer {
        self.may_import()?;
        if self.request().query.whole("part")?.is_some_and(|part| part != 1) {
            let detail = "`part` is of an import that has begun, `…/imports/{id}`";
            return Err(Problem::new(ProblemCode::Malformed, detail).into());
        }
        let id = self.next_id()?;
        let begun = self.now().timestamp_millis();
        let import = ImportRow { id, begun, errors: "[]".to_owned(), ..ImportRow::default() };
        self.import_part(import, 201)
    }

    /// `POST …/imports/{id}?part=2[&dryRun=true]`: the next part of an import.
    ///
    /// 1. There must be such an import: 404.
    /// 2. One that is done is not done again: 200. Another than the next is 409.
    /// 3. It is done: 200.
    pub(super) fn continue_import(&mut self, id: &str) -> Answer {
        self.may_import()?;
        let part = self.request().query.whole("part")?;
        let missing = || Problem::new(ProblemCode::Malformed, "`part` is missing");
        let part = part.ok_or_else(missing)?;
        let import = self.import_of(id)?; // (1)
        if (1..=import.parts).contains(&part) {
            return Ok(Response::json(200, &whole(&import)?)); // (2)
        }
        let next = import.parts.saturating_add(1);
        if part != next {
            let detail = format!("the next part of this import is {next}");
            return Err(conflict(detail)); // (2)
        }
        self.import_part(import, 200) // (3)
    }

    /// `GET …/imports`.
    pub(super) fn list_imports(&self) -> Answer {
        let all = imports::all(self.sql)?;
        let all = all.iter().map(|import| (import.id.as_str(), import));
        let shown = |import| Value::Object(described(import));
        Ok(Response::json(200, &self.request().query.page(all, is_uuid, shown)?))
    }

    /// `GET …/imports/{id}`.
    pub(super) fn read_import(&self, id: &str) -> Answer {
        Ok(Response::json(200, &whole(&self.import_of(id)?)?))
    }

    fn import_of(&self, id: &str) -> Result<ImportRow, Failure> {
        Ok(imports::by_id(self.sql, id)?.ok_or_else(|| missing("there is no such import"))?)
    }

    /// A key of a connection has its own way to bring users; and who imports them writes them: 403.
    fn may_import(&self) -> Result<(), Problem> {
        permitted(self.connection.is_none(), "the key of a connection imports nobody")?;
        permitted(self.may(Scope::UsersWrite), "an import needs scim.users:write, too")
    }

    /// Does a part of an import.
    ///
    /// 1. It must be clear whether this is a dry run: 400.
    /// 2. The body must be rows: 415, 413, 400.
    /// 3. Each row that can be done is, the others are told of.
    /// 4. Unless this is a dry run, that is written.
    fn import_part(&mut self, mut import: ImportRow, status: u16) -> Answer {
        let dry_run = self.request().query.flag("dryRun")?; // (1)
        let media_type = self.request().media_type();
        let rows = rows::read(media_type, self.request().body, self.schema_of(USER)?)?; // (2)
        self.origin = format!("import:{}", import.id);
        import.parts = import.parts.saturating_add(1);
        if dry_run {
            let (sql, before) = (self.sql, self.memory.checkpoint());
            let tried = transacted(sql, || self.import_rows(&mut import, &rows), |_| false)?; // (3)
            self.memory.restore(before);
            tried?;
            let mut shown = whole(&import)?;
            if let Some(fields) = shown.as_object_mut() {
                fields.shift_remove("id");
                fields.insert("dryRun".to_owned(), true.into());
            }
            return Ok(Response::json(200, &shown));
        }
        self.import_rows(&mut import, &rows)?; // (3)
        imports::write(self.sql, &import)?; // (4)
        imports::keep_last(self.sql, limits::IMPORTS)?;
        Ok(Response::json(status, &whole(&import)?))
    }

    fn import_rows(&mut self, import: &mut ImportRow, rows: &[Row]) -> Result<(), Failure> {
        let mut errors = errors_of(import)?;
        for Row { line, body } in rows {
            let done = match body {
                Ok(body) => self.import_row(body)?,
                Err(error) => Err(error.clone()),
            };
            let count = match &done {
                Ok(Put::Created) => &mut import.created,
                Ok(Put::Updated) => &mut import.updated,
                Ok(Put::Unchanged) => &mut import.unchanged,
                Err(_) => &mut import.failed,
            };
            *count = count.saturating_add(1);
            if let (Err(error), ..limits::IMPORT_ERRORS) = (done, errors.len()) {
                let place = json!({ "part": import.parts, "line": line, "error": error.to_json() });
                errors.push(place);
            }
        }
        import.errors = Value::Array(errors).to_string();
        Ok(())
    }

    /// Does what a row says, or leaves nothing.
    fn import_row(&mut self, body: &Map<String, Value>) -> Result<Result<Put, ScimError>, Failure> {
        match self.attempt(|work| work.put_user(body.clone()))? {
            Ok(done) => Ok(Ok(done)),
            Err(Failure::Scim(error)) => Ok(Err(error)),
            Err(failure) => Err(failure),
        }
    }
}

/// An import as a list of the API shows it.
fn described(import: &ImportRow) -> Map<String, Value> {
    object(vec![
        ("id", import.id.as_str().into()),
        ("createdAt", moment(import.begun).into()),
        ("parts", import.parts.into()),
        ("created", import.created.into()),
        ("updated", import.updated.into()),
        ("unchanged", import.unchanged.into()),
        ("failed", import.failed.into()),
    ])
}

/// The same with what was wrong.
fn whole(import: &ImportRow) -> Result<Value, StoreError> {
    let mut shown = described(import);
    shown.insert("errors".to_owned(), errors_of(import)?.into());
    Ok(shown.into())
}

fn errors_of(import: &ImportRow) -> Result<Vec<Value>, StoreError> {
    serde_json::from_str(&import.errors).map_err(|_| StoreError::new("an import is malformed"))
}
