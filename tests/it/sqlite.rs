//! SQLite natively, as the store's `Sql`: the limits and the number types of a Durable Object.

use std::cell::{Cell as Counter, RefCell};

use muster::store::{Cell, Cost, Param, Row, Sql, StoreError, Verdict};
use rusqlite::limits::Limit;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, StatementStatus, params_from_iter};

/// SQLite under the limits of a Durable Object.
pub(crate) struct Sqlite {
    connection: Connection,
    depth: Counter<u32>,
    statements: RefCell<Vec<String>>,
    /// How many statements run before one fails; none that is to fail.
    failing: Counter<Option<usize>>,
    failed: Counter<bool>,
}

impl Sqlite {
    pub(crate) fn new() -> Self {
        let connection = Connection::open_in_memory().expect("SQLite opens in memory");
        for (limit, value) in [
            (Limit::SQLITE_LIMIT_SQL_LENGTH, 100_000),
            (Limit::SQLITE_LIMIT_COLUMN, 100),
            (Limit::SQLITE_LIMIT_EXPR_DEPTH, 100),
            (Limit::SQLITE_LIMIT_COMPOUND_SELECT, 5),
            (Limit::SQLITE_LIMIT_VDBE_OP, 25_000),
            (Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 50),
            (Limit::SQLITE_LIMIT_VARIABLE_NUMBER, 100),
            (Limit::SQLITE_LIMIT_LENGTH, 2_000_000),
        ] {
            connection.set_limit(limit, value).expect("SQLite takes the limit");
        }
        // The runtime keeps statements by their text, of however many texts there are.
        connection.set_prepared_statement_cache_capacity(10_000);
        Self {
            connection,
            depth: Counter::default(),
            statements: RefCell::default(),
            failing: Counter::default(),
            failed: Counter::default(),
        }
    }

    /// The statements that have run since this was last asked.
    pub(crate) fn statements(&self) -> Vec<String> {
        self.statements.take()
    }

    /// The steps in which a statement is answered, as SQLite explains them.
    pub(crate) fn plan(&self, statement: &str) -> Vec<String> {
        let explain = format!("EXPLAIN QUERY PLAN {statement}");
        let mut explained = self.connection.prepare(&explain).expect("SQLite explains");
        let nulls = vec![rusqlite::types::Null; explained.parameter_count()];
        let steps = explained.query_map(params_from_iter(nulls), |row| row.get("detail"));
        steps.expect("SQLite explains").map(|step| step.expect("a step")).collect()
    }

    /// Lets some statements run, and those behind them fail; or lets all run again.
    pub(crate) fn fail_after(&self, statements: Option<usize>) {
        self.failing.set(statements);
        self.failed.set(false);
    }

    /// Whether a statement has failed as it was to.
    pub(crate) fn has_failed(&self) -> bool {
        self.failed.get()
    }
}

impl Sql for Sqlite {
    fn query(&self, statement: &str, params: &[Param<'_>]) -> Result<Vec<Row>, StoreError> {
        let refused = |error: rusqlite::Error| StoreError::new(error.to_string());
        self.statements.borrow_mut().push(statement.to_owned());
        if self.failing.get() == Some(0) {
            self.failed.set(true);
            return Err(StoreError::new("made to fail"));
        }
        self.failing.set(self.failing.get().map(|left| left - 1));
        assert!(!is_compiled_again(statement), "`+?` is wanted: {statement}");
        let mut prepared = self.connection.prepare_cached(statement).map_err(refused)?;
        let columns = prepared.column_count();
        let bound = params.iter().map(|param| match param {
            Param::Null => rusqlite::types::Value::Null,
            // The runtime carries integers as doubles.
            Param::Integer(value) => rusqlite::types::Value::Real(*value as f64),
            Param::Text(text) => rusqlite::types::Value::Text((*text).to_owned()),
            Param::Blob(bytes) => rusqlite::types::Value::Blob(bytes.to_vec()),
        });
        let mut rows = prepared.query(params_from_iter(bound)).map_err(refused)?;
        let mut read = Vec::new();
        while let Some(row) = rows.next().map_err(refused)? {
            let cell = |column| match row.get_ref(column).expect("the column is there") {
                ValueRef::Null => Cell::Null,
                ValueRef::Integer(value) => Cell::Integer(value),
                ValueRef::Real(value) => Cell::Integer(value as i64),
                ValueRef::Text(text) => Cell::Text(String::from_utf8_lossy(text).into_owned()),
                ValueRef::Blob(bytes) => Cell::Blob(bytes.to_vec()),
            };
            read.push(Row((0..columns).map(cell).collect()));
        }
        drop(rows);
        let compiled_again = prepared.reset_status(StatementStatus::RePrepare) > 0;
        assert!(!compiled_again, "other values have it compiled again: {statement}");
        drop(prepared);
        if ["CREATE", "ALTER", "DROP"].iter().any(|verb| statement.starts_with(verb)) {
            self.connection.flush_prepared_statement_cache();
        }
        Ok(read)
    }

    fn transaction(&self, body: &mut dyn FnMut() -> Verdict) -> Result<(), StoreError> {
        let depth = self.depth.get();
        let run = |statement: String| {
            let done = self.connection.execute_batch(&statement);
            done.map_err(|error| StoreError::new(error.to_string()))
        };
        run(format!("SAVEPOINT s{depth}"))?;
        self.depth.set(depth + 1);
        let verdict = body();
        self.depth.set(depth);
        if verdict == Verdict::RollBack {
            run(format!("ROLLBACK TO s{depth}"))?;
        }
        run(format!("RELEASE s{depth}"))
    }

    fn cost(&self) -> Cost {
        Cost::default()
    }
}

/// Whether SQLite would look at the value of a parameter to choose the plan of a query. Which of them it
/// looks at depends on its version: the runtime's is younger than this one.
fn is_compiled_again(statement: &str) -> bool {
    let words: Vec<&str> = statement.split_whitespace().collect();
    let chooses = |pair: &[&str]| {
        ["=", "<", ">", "<=", ">=", "IS", "LIMIT", "OFFSET"].contains(&pair[0])
            && pair[1].starts_with('?')
    };
    ["SELECT", "WITH"].contains(&words[0]) && words.windows(2).any(chooses)
}
