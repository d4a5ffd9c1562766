//! Which documents a filter may match, as far as SQL can tell (RFC 7644 §3.4.2.2).
//!
//! A prefilter lets through too many documents, never too few: evaluation has the last word. It
//! looks at the JSON text of a whole attribute, with its ASCII letters in lower case, for a text
//! that every match must have in it. A text with a character beyond ASCII, which folding may make
//! another, or with an escape is let through; and where nothing can be told, everything is.

use super::provenance::column;
use super::{Param, Pos, Sql, StoreError};
use crate::limits;
use crate::scim::filter::{Comparand, CompareOp, Predicate, Target};
use crate::scim::urn;

/// A filter's condition on documents, as SQL.
#[derive(Clone, Debug)]
pub struct Prefilter {
    /// The attributes that are looked at, as expressions for their JSON texts.
    attributes: Vec<String>,
    /// The texts that are looked for, in the order of their parameters.
    texts: Vec<String>,
    condition: String,
}

/// What one step of a scan came past.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Scanned {
    /// The last document that was looked at; none at the end.
    pub last: Option<Pos>,
    /// The bytes of all that were looked at.
    pub bytes: i64,
    /// The documents that may match, in the order of creation.
    pub candidates: Vec<Pos>,
}

/// What is asked of a document.
enum Condition {
    All(Vec<Self>),
    Any(Vec<Self>),
    /// A question about an attribute, by the expression for its JSON text.
    Attribute(String, Question),
}

/// What is asked of an attribute's JSON text. Whatever form it has, no match is ruled out.
enum Question {
    /// Whether there is any value.
    Assigned,
    /// Whether a value that is not complex is missing or empty.
    Empty,
    /// Whether it may have a text in it.
    Holds(String),
    /// Whether it is anything else than one boolean.
    IsNot(bool),
}

/// Parameters in front of the texts: from where, to where, how many documents.
const PARAMETERS: usize = 3;

impl Prefilter {
    /// The prefilter for a filter; `None` where it could rule nothing out.
    pub fn of(predicate: &Predicate) -> Option<Self> {
        let condition = Condition::of(predicate, true)?;
        let mut prefilter =
            Self { attributes: Vec::new(), texts: Vec::new(), condition: String::new() };
        prefilter.condition = prefilter.render(&condition);
        Some(prefilter)
    }

    /// Looks at the next documents of a type behind a position.
    ///
    /// # Errors
    /// As [`Sql::query`].
    pub fn step(&self, sql: &dyn Sql, after: Pos) -> Result<Scanned, StoreError> {
        let (_, high) = Pos::range(after.type_number());
        let step = i64::try_from(limits::PREFILTER_STEP).unwrap_or(i64::MAX);
        let bounds = [after.value(), high.value(), step].map(Param::Integer);
        let texts = self.texts.iter().map(|text| Param::Text(text));
        let params: Vec<Param<'_>> = bounds.into_iter().chain(texts).collect();
        let rows = sql.query(&self.statement(), &params)?;
        let Some(row) = rows.first() else { return Ok(Scanned::default()) };
        let last = row.integer(0)?;
        let listed = row.text_or_null(2)?.unwrap_or_default().split(',');
        let parse = |text: &str| text.parse().map(Pos::stored);
        let candidates =
            listed.filter(|text| !text.is_empty()).map(parse).collect::<Result<_, _>>();
        let mut candidates: Vec<Pos> =
            candidates.map_err(|_| StoreError::new("a list of positions is malformed"))?;
        candidates.sort_unstable();
        let last = (last > after.value()).then_some(Pos::stored(last));
        Ok(Scanned { last, bytes: row.integer(1)?, candidates })
    }

    /// The inner statement has a limit, so that SQLite runs it once for each document and does not
    /// compute an attribute as often as it is mentioned.
    fn statement(&self) -> String {
        let attribute =
            |(number, expression): (usize, &String)| format!(", lower({expression}) AS a{number}");
        let attributes: String = self.attributes.iter().enumerate().map(attribute).collect();
        format!(
            "SELECT coalesce(max(pos), 0), coalesce(sum(bytes), 0),
                group_concat(iif({}, pos, NULL))
             FROM (SELECT pos, octet_length(doc) AS bytes{attributes} FROM resources
                WHERE pos > +?1 AND pos < +?2 ORDER BY pos LIMIT +?3)",
            self.condition
        )
    }

    fn render(&mut self, condition: &Condition) -> String {
        match condition {
            Condition::All(parts) => self.joined(parts, "AND"),
            Condition::Any(parts) => self.joined(parts, "OR"),
            Condition::Attribute(expression, question) => {
                let column = format!("a{}", index_of(&mut self.attributes, expression));
                self.asked(&column, question)
            }
        }
    }

    /// Halves are joined with halves: a chain would nest as deep as it is long.
    fn joined(&mut self, parts: &[Condition], operator: &str) -> String {
        match parts {
            [only] => self.render(only),
            _ => {
                let (some, others) = parts.split_at(parts.len() / 2);
                let some = self.joined(some, operator);
                format!("({some} {operator} {})", self.joined(others, operator))
            }
        }
    }

    /// Answers true, false, or NULL for an attribute that is not there, which counts as false.
    fn asked(&mut self, column: &str, question: &Question) -> String {
        match question {
            Question::Assigned => format!("{column} IS NOT NULL"),
            Question::Empty => format!(
                "({column} IS NULL OR {column} IN ('\"\"', 'null')
                    OR substr({column}, 1, 1) IN ('[', '{{'))"
            ),
            Question::IsNot(boolean) => format!("{column} IS NOT '{boolean}'"),
            Question::Holds(text) => {
                let number = index_of(&mut self.texts, text).saturating_add(PARAMETERS + 1);
                format!(
                    "(instr({column}, ?{number}) OR instr({column}, '\\')
                        OR length({column}) <> octet_length({column}))"
                )
            }
        }
    }
}

impl Condition {
    /// What holds of every document for which a predicate holds, or does not; `None` where that is
    /// nothing.
    fn of(predicate: &Predicate, holds: bool) -> Option<Self> {
        match (predicate, holds) {
            // De Morgan's laws.
            (Predicate::And(parts), true) | (Predicate::Or(parts), false) => {
                let known: Vec<Self> = parts.iter().filter_map(|p| Self::of(p, holds)).collect();
                (!known.is_empty()).then_some(Self::All(known))
            }
            (Predicate::And(parts), false) | (Predicate::Or(parts), true) => {
                let all: Option<Vec<Self>> = parts.iter().map(|p| Self::of(p, holds)).collect();
                all.filter(|all| !all.is_empty()).map(Self::Any)
            }
            (Predicate::Not(part), _) => Self::of(part, !holds),
            (Predicate::Present(target), true) => Self::attribute(target, Question::Assigned),
            (Predicate::Present(target), false) => Self::whole(target, Question::Empty),
            (Predicate::Compare { target, op, value }, _) => {
                Self::comparison(target, *op, value, holds)
            }
            // What one value is asked for, the attribute has in it.
            (Predicate::Any { target, predicate }, true) => {
                let assigned = Self::attribute(target, Question::Assigned)?;
                let known = [Some(assigned), Self::of(predicate, true)];
                Some(Self::All(known.into_iter().flatten().collect()))
            }
            (Predicate::Any { .. }, false) => None,
        }
    }

    fn comparison(target: &Target, op: CompareOp, value: &Comparand, holds: bool) -> Option<Self> {
        // A value that is not other is equal.
        let op = match (op, holds) {
            (CompareOp::Ne, false) => CompareOp::Eq,
            (CompareOp::Ne, true) | (CompareOp::Eq, false) => {
                let Comparand::Boolean(boolean) = value else { return None };
                return Self::whole(target, Question::IsNot(*boolean));
            }
            (_, false) => return None,
            (op, true) => op,
        };
        let question = match (value, op) {
            (Comparand::Boolean(boolean), _) => Question::Holds(boolean.to_string()),
            (Comparand::Text(text), _) => held(op, text),
            (Comparand::Number(_) | Comparand::Instant(_), _) => Question::Assigned,
        };
        Self::attribute(target, question)
    }

    /// A question about an attribute; none about one that is not, or not wholly, in the document.
    fn attribute(target: &Target, question: Question) -> Option<Self> {
        const DERIVED: [&str; 3] = ["groups", "members", "meta"];
        if target.extension.is_none() && DERIVED.contains(&target.name.as_str()) {
            return None;
        }
        if target.extension.as_deref() == Some(urn::MUSTER_USER) {
            return Some(Self::Attribute(column(&target.name).to_owned(), question));
        }
        let names: Vec<&str> =
            target.extension.iter().chain([&target.name]).map(|n| &**n).collect();
        // SQLite's paths know no escapes.
        if names.iter().any(|name| name.contains(['"', '\\']) || name.contains(char::is_control)) {
            return None;
        }
        let labels: String = names.iter().map(|name| format!(".\"{name}\"")).collect();
        let path = format!("${labels}").replace('\'', "''");
        Some(Self::Attribute(format!("doc->'{path}'"), question))
    }

    /// A question about the only value of an attribute that has no parts.
    fn whole(target: &Target, question: Question) -> Option<Self> {
        let whole = target.sub.is_none() && !target.multi_valued;
        whole.then_some(question).and_then(|question| Self::attribute(target, question))
    }
}

/// What the JSON text of an attribute holds that has a value which compares so with a text. One
/// with a character that JSON escapes is held by such texts alone as are let through.
fn held(op: CompareOp, text: &str) -> Question {
    let text = text.to_ascii_lowercase();
    match op {
        CompareOp::Eq => Question::Holds(format!("\"{text}\"")),
        CompareOp::Sw => Question::Holds(format!("\"{text}")),
        CompareOp::Ew => Question::Holds(format!("{text}\"")),
        CompareOp::Co => Question::Holds(text),
        _ => Question::Assigned,
    }
}

/// Where a text stands among others, put there if it is not.
fn index_of(texts: &mut Vec<String>, text: &str) -> usize {
    texts.iter().position(|other| other == text).unwrap_or_else(|| {
        texts.push(text.to_owned());
        texts.len().saturating_sub(1)
    })
}
