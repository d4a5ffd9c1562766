//! The object's SQLite database behind [`Sql`].
//!
//! Rows come as one array of arrays: by measurement neither an iterator, nor statements kept as
//! strings of JavaScript, nor fewer calls to build the parameters are any faster.

use wasm_bindgen::{JsCast as _, JsValue};
use worker::js_sys::{Array, ArrayBuffer, Uint8Array};

use super::crossings::Database;
use super::js;
use crate::store::{Cell, Cost, Param, Row, Sql, StoreError, Verdict};

/// The database of one object.
pub(super) struct ObjectSql {
    storage: js::Storage,
    database: Database,
}

impl ObjectSql {
    /// The database in an object's storage.
    pub(super) fn new(storage: js::Storage) -> Self {
        let database = Database::new(&storage.sql());
        Self { storage, database }
    }
}

impl Sql for ObjectSql {
    fn query(&self, statement: &str, params: &[Param<'_>]) -> Result<Vec<Row>, StoreError> {
        #[cfg(debug_assertions)]
        super::fault::count();
        let params: Array = params.iter().map(to_js).collect();
        let rows = self.database.rows(statement, &params).map_err(thrown)?;
        rows.iter().map(|row| to_row(&row)).collect()
    }

    fn bytes(&self, statement: &str, params: &[Param<'_>]) -> Result<Option<Vec<u8>>, StoreError> {
        #[cfg(debug_assertions)]
        super::fault::count();
        let params: Array = params.iter().map(to_js).collect();
        self.database.bytes(statement, &params).map_err(thrown)
    }

    fn transaction(&self, body: &mut dyn FnMut() -> Verdict) -> Result<(), StoreError> {
        let mut verdict = None;
        let outcome = self.storage.transaction(&mut || match *verdict.insert(body()) {
            Verdict::Commit => Ok(()),
            // What is thrown rolls back; this arrives below as the exception that is no failure.
            Verdict::RollBack => Err(JsValue::NULL),
        });
        match (verdict, outcome) {
            (Some(Verdict::RollBack), _) | (_, Ok(())) => Ok(()),
            (_, Err(exception)) => Err(thrown(exception)),
        }
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts")]
    fn cost(&self) -> Cost {
        Cost {
            rows_read: self.database.rows_read() as u64,
            rows_written: self.database.rows_written() as u64,
        }
    }
}

fn to_js(param: &Param<'_>) -> JsValue {
    match param {
        Param::Null => JsValue::NULL,
        #[expect(clippy::cast_precision_loss, reason = "a parameter is below 2^53")]
        Param::Integer(value) => JsValue::from_f64(*value as f64),
        Param::Text(text) => JsValue::from_str(text),
        Param::Blob(bytes) => Uint8Array::new_from_slice(bytes).into(),
    }
}

fn to_row(row: &Array) -> Result<Row, StoreError> {
    row.iter().map(to_cell).collect::<Result<_, _>>().map(Row)
}

fn to_cell(value: JsValue) -> Result<Cell, StoreError> {
    if let Some(number) = value.as_f64() {
        integer(number).map(Cell::Integer)
    } else if value.is_null() {
        Ok(Cell::Null)
    } else if let Some(text) = value.as_string() {
        Ok(Cell::Text(text))
    } else {
        let bytes = value.dyn_into::<ArrayBuffer>().map_err(|_| StoreError::new("no SQL value"))?;
        Ok(Cell::Blob(Uint8Array::new(&bytes).to_vec()))
    }
}

/// The integer that came as a double.
fn integer(number: f64) -> Result<i64, StoreError> {
    const EXACT: f64 = 9_007_199_254_740_991.0;
    if number.fract() == 0.0 && number.abs() <= EXACT {
        #[expect(clippy::cast_possible_truncation, reason = "whole and below 2^53")]
        Ok(number as i64)
    } else {
        Err(StoreError::new("a number is no integer below 2^53"))
    }
}

#[expect(clippy::needless_pass_by_value, reason = "what `map_err` hands over")]
fn thrown(exception: JsValue) -> StoreError {
    StoreError::new(js::message(&exception))
}
