//! One resource, which is asked for most: its row answers a single value, out of which the body is put
//! together here. To have SQLite do so, and to carry more than one value, costs more than the rest.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::{Bound, Groups, Page, PageEntry, PageView, Reading, Source};
use crate::store::members::Seen;
use crate::store::provenance::{self, Provenance};
use crate::store::{Param, StoreError};

/// What statements differ in: where they end, how groups are shown, whether by all memberships, and
/// whether provenance is shown.
type Form = (String, Groups, bool, bool);

impl Reading<'_> {
    /// The resource of a source that has one at most.
    pub(super) fn single(&self, source: Source<'_>) -> Result<Page, StoreError> {
        let PageView { base, groups, seen, veil, provenance, .. } = self.view;
        let (clause, values) = source.clause(veil);
        let mut params: Vec<Param<'_>> = values.iter().map(Bound::as_param).collect();
        let statement = statement((clause, groups, seen == Seen::All, provenance), || {
            self.statement(&source, params.len().saturating_add(1))
        });
        if groups != Groups::Hidden {
            params.push(Param::Text(base));
            params.extend(seen.params());
        }
        match self.sql.bytes(&statement, &params)? {
            Some(lines) => {
                self.read(&lines).ok_or_else(|| StoreError::new("a resource is malformed"))
            }
            None => Ok(Page::default()),
        }
    }

    /// A statement whose first parameter for groups has a number. It answers lines: the entry with the
    /// document's length, the id, the extension and the groups where they are shown, the document.
    fn statement(&self, source: &Source<'_>, number: usize) -> String {
        let PageView { groups, seen, provenance, veil, .. } = self.view;
        let (clause, _) = source.clause(veil);
        let extension = if provenance { provenance::extension() } else { "''".to_owned() };
        let groups = groups.appended(seen, number.saturating_add(1));
        format!(
            "SELECT CAST(r.pos || ':' || r.rev || ':' || r.members || ':' || octet_length(r.doc)
                || char(10) || r.id || char(10) || {extension} || char(10) {groups} || char(10)
                || r.doc AS BLOB) {clause}"
        )
        .replace("?B", &format!("?{number}"))
    }

    /// What such lines tell.
    fn read(&self, lines: &[u8]) -> Option<Page> {
        let mut lines = lines.splitn(5, |byte| *byte == b'\n');
        let entry = PageEntry::parse(std::str::from_utf8(lines.next()?).ok()?)?;
        let [id, extension, groups, doc] =
            [lines.next()?, lines.next()?, lines.next()?, lines.next()?];
        let PageView { base, endpoint, provenance, .. } = self.view;
        let location = [base.as_bytes(), endpoint.as_bytes(), b"/", id].concat();
        let mut body = open(doc, &location, provenance.then_some(extension));
        body.extend_from_slice(groups);
        Some(Page { entries: vec![PageEntry { length: body.len(), ..entry }], bodies: body })
    }
}

/// A statement of a form, written once.
fn statement(form: Form, write: impl FnOnce() -> String) -> Rc<str> {
    thread_local! {
        static WRITTEN: RefCell<BTreeMap<Form, Rc<str>>> = const { RefCell::new(BTreeMap::new()) };
    }
    WRITTEN
        .with_borrow_mut(|written| Rc::clone(written.entry(form).or_insert_with(|| write().into())))
}

/// A stored document as a page has it, for a resource that is in no group: open, with its location
/// and, where that is shown, where it comes from.
pub fn opened(doc: &[u8], location: &str, provenance: Option<Provenance<'_>>) -> Vec<u8> {
    let extension = provenance.map(Provenance::extension);
    open(doc, location.as_bytes(), extension.as_deref().map(str::as_bytes))
}

fn open(doc: &[u8], location: &[u8], extension: Option<&[u8]>) -> Vec<u8> {
    let doc = doc.strip_suffix(b"}}").unwrap_or(doc);
    match extension {
        Some(extension) => {
            provenance::spliced(doc, &[b",\"location\":\"", location, b"\"}", extension])
        }
        None => [doc, b",\"location\":\"", location, b"\"}"].concat(),
    }
}
