//! A tenant's rows: SQL, synchronous, in one SQLite database per tenant.
//!
//! [`Sql`] has two implementations: the Durable Object's storage in `edge`, and SQLite itself in
//! the native tests. Everything above it is the same code in both. No key in storage contains a
//! tenant's id: the database is the tenant's own.

pub mod async_requests;
pub mod brakes;
pub mod changes;
pub mod connections;
pub mod copies;
pub mod dangling;
pub mod decisions;
pub mod deliveries;
pub mod departures;
pub mod drifts;
pub mod erasures;
pub mod events;
pub mod followers;
pub mod grants;
pub mod hidden;
pub mod idempotency;
pub mod imports;
pub mod keys;
pub mod matches;
pub mod members;
mod migrations;
pub mod orders;
mod pages;
pub mod policies;
mod pos;
mod prefilter;
mod provenance;
pub mod recomputation;
pub mod requests;
pub mod resources;
pub mod secrets;
pub mod sightings;
pub mod snapshots;
mod steps;
pub mod streams;
pub mod suspensions;
pub mod sweeps;
pub mod tombstones;
pub mod transfer;
pub mod trusts;
pub mod values;

use std::fmt;

pub use migrations::{has_tables, migrate};
pub use pages::{Groups, Page, PageEntry, PageView, Source, opened};
pub use pos::Pos;
pub use prefilter::{Prefilter, Scanned};
pub use provenance::Provenance;

/// One value bound to a statement. Booleans are integers; the runtime would bind them as text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Param<'a> {
    /// SQL's NULL.
    Null,
    /// An integer below 2^53, since the runtime carries it as a double.
    Integer(i64),
    /// A text.
    Text(&'a str),
    /// Bytes: much cheaper to carry across than a text of the same length.
    Blob(&'a [u8]),
}

impl Param<'_> {
    /// A number of things, which a limit of a statement may be.
    fn count(number: usize) -> Self {
        Self::Integer(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

/// One value of a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// SQL's NULL.
    Null,
    /// An integer; a real without a fraction arrives as one too.
    Integer(i64),
    /// A text.
    Text(String),
    /// Bytes.
    Blob(Vec<u8>),
}

/// One row of an answer, in the order of the statement's columns.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row(pub Vec<Cell>);

/// What statements cost, as the database counts it, indexes included.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Cost {
    /// Rows read.
    pub rows_read: u64,
    /// Rows written.
    pub rows_written: u64,
}

impl Cost {
    /// What was spent since an earlier moment.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Self {
        Self {
            rows_read: self.rows_read.saturating_sub(earlier.rows_read),
            rows_written: self.rows_written.saturating_sub(earlier.rows_written),
        }
    }
}

/// Whether a transaction's writes stay.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// They do.
    Commit,
    /// They are undone.
    RollBack,
}

/// A SQLite database that answers at once.
pub trait Sql {
    /// Runs one statement, with its parameters as `?1`, `?2` …, and collects its rows.
    ///
    /// What a value is compared with, or a limit, is written `+?1`: for a bare parameter SQLite looks
    /// at the value to choose a plan, and compiles the statement again whenever there is another one.
    ///
    /// # Errors
    /// When the statement is refused; the message is for the operator's log alone.
    fn query(&self, statement: &str, params: &[Param<'_>]) -> Result<Vec<Row>, StoreError>;

    /// Runs a statement that answers one row at most, of one value, which is bytes: the same in one
    /// step, where carrying a row across costs more than what is in it.
    ///
    /// # Errors
    /// As [`Self::query`], and when the value is something else.
    fn bytes(&self, statement: &str, params: &[Param<'_>]) -> Result<Option<Vec<u8>>, StoreError> {
        let rows = self.query(statement, params)?;
        rows.first().map(|row| row.bytes(0).map(<[u8]>::to_vec)).transpose()
    }

    /// Runs `body` in a transaction, or in a savepoint of the one that is open.
    ///
    /// # Errors
    /// When the database cannot begin or commit; nothing is written then.
    fn transaction(&self, body: &mut dyn FnMut() -> Verdict) -> Result<(), StoreError>;

    /// What has been read and written since the database was opened.
    fn cost(&self) -> Cost;
}

/// Does work in a transaction, or in a savepoint of the one that is open, whose writes stay where what
/// the work came to commits them.
///
/// # Errors
/// As [`Sql::transaction`].
pub fn transacted<T>(
    sql: &dyn Sql,
    mut work: impl FnMut() -> T,
    commits: impl Fn(&T) -> bool,
) -> Result<T, StoreError> {
    let mut done = None;
    sql.transaction(&mut || {
        if commits(done.insert(work())) { Verdict::Commit } else { Verdict::RollBack }
    })?;
    done.ok_or_else(|| StoreError::new("the transaction did not run"))
}

/// The database's failure. It never becomes a client's message.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StoreError(String);

impl StoreError {
    /// An error with the database's own words.
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }

    /// Whether a value would have been larger than the database allows.
    fn is_too_big(&self) -> bool {
        self.0.contains("too big")
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "storage: {}", self.0)
    }
}

impl std::error::Error for StoreError {}

impl Row {
    /// The integer in a column.
    ///
    /// # Errors
    /// When the column holds no integer: the statement and its reader disagree.
    pub fn integer(&self, column: usize) -> Result<i64, StoreError> {
        match self.0.get(column) {
            Some(Cell::Integer(value)) => Ok(*value),
            other => Err(unexpected(column, other)),
        }
    }

    /// The integer in a column, or `None` for NULL.
    ///
    /// # Errors
    /// When the column holds neither.
    pub fn integer_or_null(&self, column: usize) -> Result<Option<i64>, StoreError> {
        match self.0.get(column) {
            Some(Cell::Null) => Ok(None),
            _ => self.integer(column).map(Some),
        }
    }

    /// The text in a column.
    ///
    /// # Errors
    /// When the column holds no text.
    pub fn text(&self, column: usize) -> Result<&str, StoreError> {
        match self.0.get(column) {
            Some(Cell::Text(value)) => Ok(value),
            other => Err(unexpected(column, other)),
        }
    }

    /// The text in a column, or `None` for NULL.
    ///
    /// # Errors
    /// When the column holds neither.
    pub fn text_or_null(&self, column: usize) -> Result<Option<&str>, StoreError> {
        match self.0.get(column) {
            Some(Cell::Null) => Ok(None),
            _ => self.text(column).map(Some),
        }
    }

    /// The bytes in a column; NULL, as an aggregate of no rows answers it, is no bytes.
    ///
    /// # Errors
    /// When the column holds no bytes.
    pub fn bytes(&self, column: usize) -> Result<&[u8], StoreError> {
        match self.0.get(column) {
            Some(Cell::Blob(value)) => Ok(value),
            Some(Cell::Null) => Ok(&[]),
            other => Err(unexpected(column, other)),
        }
    }
}

fn unexpected(column: usize, cell: Option<&Cell>) -> StoreError {
    let found = match cell {
        None => "nothing",
        Some(Cell::Null) => "null",
        Some(Cell::Integer(_)) => "an integer",
        Some(Cell::Text(_)) => "a text",
        Some(Cell::Blob(_)) => "bytes",
    };
    StoreError::new(format!("column {column} holds {found}"))
}
