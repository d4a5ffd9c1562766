//! Lists: collections, and `.search` at a type and at the server (RFC 7644 §3.4.2 and §3.4.3).
//!
//! What matches is found in `matching`, put in an order in `sorting` or read in that of an index in
//! `ordered`, and shown by `collect`; pages by cursor are in `walk`.

mod collect;
mod cursor;
mod matching;
mod ordered;
mod query;
mod sorting;
mod walk;

use super::work::{Answer, Failure, Work};
use crate::http::{Method, Response, ScimTarget};
use crate::scim::schema::TypeSchema;
use crate::scim::urn;
use crate::store::Pos;
use collect::Collected;
use ordered::Ordered;
use query::{ListQuery, Start};
use walk::Cursors;

/// The resources of one type that a list consists of.
enum Matches {
    /// All of the type, in the order of creation.
    All(i64),
    /// These, in the order of creation.
    These(Vec<Pos>),
}

/// The types that a list is over, each with its matches.
type TypedMatches<'t> = Vec<(TypeSchema<'t>, Matches)>;

impl<'a> Work<'a, '_> {
    /// `GET /{type}`.
    pub(super) fn list(&mut self, number: Option<u8>) -> Answer {
        let query = ListQuery::from_query(&self.request().query, self)?;
        self.answer_list(number, &query)
    }

    /// `POST /{type}/.search`, and `POST /.search` over all types that the key may read.
    pub(super) fn search(&mut self, number: Option<u8>) -> Answer {
        let body = self.scim_body()?;
        let query = ListQuery::from_body(&body, self)?;
        self.answer_list(number, &query)
    }

    fn answer_list(&mut self, number: Option<u8>, query: &ListQuery) -> Answer {
        let types = self.listed_types(number);
        let asked = self.asked_of_types(&types, query)?;
        if let Some(found) = self.page_of_unique(&asked, query)? {
            let total = i64::try_from(found.resources).unwrap_or(i64::MAX);
            return Ok(self.list_response(total, "\"startIndex\":1,", &found, Cursors::default()));
        }
        let matches = self.matches_of_types(&asked)?;
        let total = matches.iter().map(|(_, m)| m.len()).fold(0_i64, i64::saturating_add);
        let (start, collected, cursors) = match &query.start {
            Start::Index(index) => {
                let collected = self.page_at_index(&matches, *index, query)?;
                (format!("\"startIndex\":{index},"), collected, Cursors::default())
            }
            Start::Cursor(cursor) => {
                let (collected, cursors) = self.page_at_cursor(number, &matches, query, cursor)?;
                (String::new(), collected, cursors)
            }
        };
        Ok(self.list_response(total, &start, &collected, cursors))
    }

    /// RFC 7644 Figure 3: a page, where it starts, and what it is a page of.
    fn list_response(
        &self,
        total: i64,
        start: &str,
        collected: &Collected,
        cursors: Cursors,
    ) -> Response {
        let cursor = |name: &str, cursor: Option<String>| {
            cursor.map(|cursor| format!("\"{name}\":\"{cursor}\",")).unwrap_or_default()
        };
        let head = format!(
            "{{\"schemas\":[\"{}\"],\"totalResults\":{total},{start}\"itemsPerPage\":{},{}{}\"Resources\":[",
            urn::LIST_RESPONSE,
            collected.resources,
            cursor("previousCursor", cursors.previous),
            cursor("nextCursor", cursors.next)
        );
        self.scim(200, [head.as_bytes(), &collected.bytes, b"]}"].concat())
    }

    /// The one type, or all that the key may read.
    pub(super) fn listed_types(&self, number: Option<u8>) -> Vec<TypeSchema<'a>> {
        let is_listed = |schema: &TypeSchema<'_>| {
            let own = schema.resource_type.number;
            let scopes = ScimTarget::Collection(own).scopes(Method::Get);
            let may_read = || scopes.iter().any(|scope| self.may(*scope));
            number.map_or_else(may_read, |number| number == own)
        };
        self.registry().types().filter(is_listed).collect()
    }

    /// RFC 7644 §3.4.2.4: the page that starts at an index.
    fn page_at_index(
        &mut self,
        matches: &TypedMatches<'_>,
        start_index: i64,
        query: &ListQuery,
    ) -> Result<Collected, Failure> {
        let mut collected = Collected::default();
        let mut offset = start_index.saturating_sub(1);
        if let Some(sort) = &query.sort {
            if let Some(ordered) = Ordered::of(matches, sort, &self.compat) {
                return self.page_in_order(matches, &ordered, offset, query);
            }
            let sorted = self.sorted(matches, sort)?;
            let rest = sorted.iter().skip(usize::try_from(offset).unwrap_or(usize::MAX));
            let wanted: Vec<Pos> = rest.take(query.count).map(|(pos, _)| *pos).collect();
            self.collect_mixed(matches, &wanted, query, &mut collected)?;
            return Ok(collected);
        }
        for (schema, found) in matches {
            if offset < found.len() && !collected.is_full(query.count) {
                self.collect(*schema, found, offset, query, &mut collected)?;
            }
            offset = offset.saturating_sub(found.len()).max(0);
        }
        Ok(collected)
    }
}

impl Matches {
    fn len(&self) -> i64 {
        match self {
            Self::All(count) => *count,
            Self::These(positions) => i64::try_from(positions.len()).unwrap_or(i64::MAX),
        }
    }
}
