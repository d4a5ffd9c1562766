//! RFC 4180: records on lines, their fields separated by commas, in quotes where they hold any of these.

use std::iter::Peekable;
use std::str::Chars;

/// The fields of a record, and where it begins.
pub(super) struct Record {
    /// Its first line, from 1.
    pub(super) line: usize,
    /// None where a quote is not closed, or something follows one that is.
    pub(super) fields: Option<Vec<String>>,
}

/// The records of a text, one by one. Lines without anything say nothing.
pub(super) fn records(text: &str) -> impl Iterator<Item = Record> {
    let mut reader = Reader { chars: text.chars().peekable(), line: 1 };
    let records = std::iter::from_fn(move || reader.record());
    records.filter(|record| record.fields.as_deref() != Some(&[String::new()]))
}

struct Reader<'t> {
    chars: Peekable<Chars<'t>>,
    line: usize,
}

/// A field, whether it is one, and whether it ends its record.
struct Field {
    text: String,
    is_sound: bool,
    is_last: bool,
}

impl Reader<'_> {
    fn next(&mut self) -> Option<char> {
        let next = self.chars.next()?;
        if next == '\n' {
            self.line = self.line.saturating_add(1);
        }
        Some(next)
    }

    fn record(&mut self) -> Option<Record> {
        self.chars.peek()?;
        let line = self.line;
        let (mut fields, mut is_sound) = (Vec::new(), true);
        loop {
            let field = self.field();
            is_sound &= field.is_sound;
            fields.push(field.text);
            if field.is_last {
                return Some(Record { line, fields: is_sound.then_some(fields) });
            }
        }
    }

    fn field(&mut self) -> Field {
        let (mut text, is_quoted) = (String::new(), self.chars.next_if_eq(&'"').is_some());
        let mut is_sound = !is_quoted || self.quoted(&mut text);
        let quoted = text.len();
        loop {
            let is_last = match self.next() {
                Some(',') => false,
                None | Some('\n') => true,
                Some('\r') if matches!(self.chars.peek(), None | Some('\n')) => continue,
                Some(other) => {
                    text.push(other);
                    continue;
                }
            };
            is_sound &= !is_quoted || text.len() == quoted;
            return Field { text, is_sound, is_last };
        }
    }

    /// Reads up to the quote that closes; whether there is one.
    fn quoted(&mut self, text: &mut String) -> bool {
        loop {
            match self.next() {
                None => return false,
                Some('"') if self.chars.next_if_eq(&'"').is_none() => return true,
                Some(other) => text.push(other),
            }
        }
    }
}
