//! The rows of a part of an import: users as SCIM has them, a JSON object a line, or a table whose
//! columns are named by paths of attributes.

use std::collections::BTreeSet;
use std::str::from_utf8;

use serde_json::{Map, Value};

use super::csv::{Record, records};
use crate::http::{NDJSON, Problem, ProblemCode};
use crate::limits;
use crate::scim::schema::TypeSchema;
use crate::scim::selector::Selector;
use crate::scim::{ErrorKind, ScimError};

/// A row, and where it is.
pub(super) struct Row {
    /// Its line in the part, from 1.
    pub(super) line: usize,
    /// The user as the body of a POST has it.
    pub(super) body: Result<Map<String, Value>, ScimError>,
}

/// Reads the rows of a body. What is wrong with one of them is that row's error.
///
/// # Errors
/// 415 for another media type, 413 for too many rows, 400 for what is no text or, of a table, a header
/// that names no attributes.
pub(super) fn read(
    media_type: &str,
    body: &[u8],
    users: TypeSchema<'_>,
) -> Result<Vec<Row>, Problem> {
    let is = |other: &str| media_type.eq_ignore_ascii_case(other);
    // RFC 8259 §8.1: a byte order mark may be passed over.
    let text = from_utf8(body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body));
    let text = text.map_err(|_| malformed("the body is not UTF-8".to_owned()));
    let most = limits::IMPORT_ROWS.saturating_add(1);
    let rows: Vec<Row> = if is(NDJSON) {
        json_rows(text?).take(most).collect()
    } else if is("text/csv") {
        table_rows(text?, users)?.take(most).collect()
    } else {
        let detail = "the body must be application/x-ndjson or text/csv";
        return Err(Problem::new(ProblemCode::UnsupportedMediaType, detail));
    };
    if rows.len() < most {
        return Ok(rows);
    }
    let detail = format!("a part of an import has at most {} rows", limits::IMPORT_ROWS);
    Err(Problem::new(ProblemCode::PayloadTooLarge, detail))
}

fn json_rows(text: &str) -> impl Iterator<Item = Row> {
    let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
    lines.map(|(line, text)| {
        let body = match serde_json::from_str(text) {
            Ok(Value::Object(body)) => Ok(body),
            _ => Err(ScimError::new(ErrorKind::InvalidSyntax, "the line is no JSON object")),
        };
        Row { line, body }
    })
}

/// The rows of a table. An empty field says nothing.
fn table_rows(text: &str, users: TypeSchema<'_>) -> Result<impl Iterator<Item = Row>, Problem> {
    let mut records = records(text);
    let header = records.next().and_then(|record| record.fields);
    let header = header.ok_or_else(|| malformed("the body has no header".to_owned()))?;
    let columns = columns(&header, users)?;
    Ok(records.map(move |Record { line, fields }| {
        let fields = fields.filter(|fields| fields.len() == columns.len());
        let body = fields.map(|fields| {
            let named = columns.iter().cloned().zip(fields);
            named.filter(|(_, field)| !field.is_empty()).map(|(n, f)| (n, f.into())).collect()
        });
        let detail = "the row has other fields than the header, or quotes that do not close";
        Row { line, body: body.ok_or_else(|| ScimError::new(ErrorKind::InvalidSyntax, detail)) }
    }))
}

/// The paths of a header. Who forgets the header sends a person in its place, so that no error repeats
/// what it says.
fn columns(header: &[String], users: TypeSchema<'_>) -> Result<Vec<String>, Problem> {
    if header.len() > limits::IMPORT_COLUMNS {
        let detail = format!("the header has more than {} columns", limits::IMPORT_COLUMNS);
        return Err(malformed(detail));
    }
    let mut known = BTreeSet::new();
    for (number, column) in (1..).zip(header) {
        let path = Selector::parse(column.trim(), users).ok().filter(Selector::is_kept);
        if !path.is_some_and(|path| known.insert(path.to_string())) {
            let detail = format!(
                "column {number} of the header is no attribute of users that is kept, or is there twice"
            );
            return Err(malformed(detail));
        }
    }
    Ok(header.iter().map(|column| column.trim().to_owned()).collect())
}

fn malformed(detail: String) -> Problem {
    Problem::new(ProblemCode::Malformed, detail)
}
