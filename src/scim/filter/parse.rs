//! One parser for two small grammars of RFC 7644, which contain each other: `FILTER` (Figure 1) and
//! `PATH` (Figure 7).
//!
//! Recursive descent, a function per rule, bounded by `limits`. What a name means is `bind`'s
//! concern; that a value path within a value path means nothing is left to it, too.

use std::borrow::Cow;

use super::{AttrExp, CompValue, CompareOp, Decimal, Filter, Located, Path, Test, ValuePath};
use crate::limits;
use crate::scim::compat::Compat;
use crate::scim::path::{AttrPath, SyntaxError, is_attr_name};

type Parsed<T> = Result<T, SyntaxError>;

/// A text, and how far it has been read.
pub(super) struct Parser<'a> {
    text: &'a str,
    rest: &'a str,
    compat: &'a Compat,
    depth: usize,
    comparisons: usize,
}

impl<'a> Parser<'a> {
    pub(super) fn new(text: &'a str, compat: &'a Compat) -> Self {
        Self { text, rest: text, compat, depth: 0, comparisons: 0 }
    }

    /// The whole text as `FILTER`.
    pub(super) fn whole_filter(mut self) -> Parsed<Filter> {
        self.bounded(limits::FILTER_BYTES)?;
        let filter = self.filter()?;
        self.end("expected `and`, `or` or the end")?;
        Ok(filter)
    }

    /// The whole text as `PATH = attrPath / valuePath ["." ATTRNAME]`.
    pub(super) fn whole_path(mut self) -> Parsed<Path> {
        self.bounded(limits::PATH_BYTES)?;
        let attr = self.attr_path()?.value;
        let (mut filter, mut sub) = (None, None);
        if attr.sub.is_none() && self.at('[') {
            filter = Some(self.nested(']').map_err(SyntaxError::in_filter)?);
            sub = self.sub_attr()?.map(|sub| sub.value.name);
        }
        self.end("expected the end of the path")?;
        Ok(Path { attr, filter, sub })
    }

    /// `FILTER = and *(SP "or" SP and)`.
    fn filter(&mut self) -> Parsed<Filter> {
        let mut filters = vec![self.and()?];
        while self.eat_keyword("or") {
            filters.push(self.and()?);
        }
        Ok(Filter::or(filters))
    }

    /// `and = term *(SP "and" SP term)`; RFC 7644 §3.4.2.2: `and` binds closer than `or`.
    fn and(&mut self) -> Parsed<Filter> {
        let mut filters = vec![self.term()?];
        while self.eat_keyword("and") {
            filters.push(self.term()?);
        }
        Ok(Filter::and(filters))
    }

    /// `term = attrExp / valuePath / *1"not" "(" FILTER ")"`.
    fn term(&mut self) -> Parsed<Filter> {
        self.skip_spaces();
        if self.at('(') {
            return self.nested(')');
        }
        let start = self.rest;
        if self.eat_keyword("not") {
            self.skip_spaces();
            if self.at('(') {
                return Ok(Filter::Not(Box::new(self.nested(')')?)));
            }
            self.rest = start; // An attribute of that name.
        }
        let path = self.attr_path()?;
        if path.sub.is_none() && self.at('[') {
            return self.value_path(path);
        }
        let test = self.test()?;
        Ok(Filter::AttrExp(AttrExp { path, test }))
    }

    /// `valuePath = attrPath "[" valFilter "]"`, of which the first part has been read.
    fn value_path(&mut self, path: Located<AttrPath>) -> Parsed<Filter> {
        let mut filter = self.nested(']')?;
        // Entra: `emails[type eq "work"].value eq "x"` asks one more thing of the same value.
        if self.compat.sub_attributes_behind_brackets
            && let Some(path) = self.sub_attr()?
        {
            let test = self.test()?;
            filter = Filter::and(vec![filter, Filter::AttrExp(AttrExp { path, test })]);
        }
        Ok(Filter::ValuePath(ValuePath { path, filter: Box::new(filter) }))
    }

    /// A filter between the bracket at hand and `close`: the one place where the parser recurses.
    fn nested(&mut self, close: char) -> Parsed<Filter> {
        if self.depth >= limits::FILTER_DEPTH {
            return self.fail(format!("nested deeper than {} levels", limits::FILTER_DEPTH));
        }
        self.skip(1);
        self.depth = self.depth.saturating_add(1);
        let filter = self.filter()?;
        self.depth = self.depth.saturating_sub(1);
        if !self.at(close) {
            return self.fail(format!("expected `and`, `or` or `{close}`"));
        }
        self.skip(1);
        Ok(filter)
    }

    /// `"pr" / compareOp SP compValue`.
    fn test(&mut self) -> Parsed<Test> {
        self.skip_spaces();
        if self.comparisons >= limits::FILTER_COMPARISONS {
            return self.fail(format!("more than {} comparisons", limits::FILTER_COMPARISONS));
        }
        self.comparisons = self.comparisons.saturating_add(1);
        if self.eat_keyword("pr") {
            return Ok(Test::Present);
        }
        let position = self.position();
        let Some(op) = CompareOp::ALL.into_iter().find(|op| self.eat_keyword(op.name())) else {
            return self.fail("expected an operator: eq, ne, co, sw, ew, gt, ge, lt, le or pr");
        };
        Ok(Test::Compare(Located { value: op, position }, self.comp_value()?))
    }

    /// `compValue = false / null / true / number / string`, the last two as in JSON.
    fn comp_value(&mut self) -> Parsed<Located<CompValue>> {
        self.skip_spaces();
        let position = self.position();
        if self.at('"') {
            return Ok(Located { value: CompValue::String(self.string()?), position });
        }
        let word = self.peek(|c| c.is_ascii_whitespace() || matches!(c, ')' | ']'));
        let unquoted = self.compat.unquoted_filter_values;
        let literal = if unquoted { word.to_ascii_lowercase() } else { word.to_owned() };
        let value = match literal.as_str() {
            "" => return self.fail("expected a value"),
            "null" => CompValue::Null,
            "true" => CompValue::Boolean(true),
            "false" => CompValue::Boolean(false),
            _ if Decimal::parse(word).is_some() => CompValue::Number(word.to_owned()),
            _ if unquoted && !word.starts_with('\'') => CompValue::String(word.to_owned()),
            _ => return self.fail("expected a value; a text must be in double quotes"),
        };
        self.skip(word.len());
        Ok(Located { value, position })
    }

    /// `string` of RFC 8259 §7, its escapes resolved.
    fn string(&mut self) -> Parsed<String> {
        let mut strings = serde_json::Deserializer::from_str(self.rest).into_iter();
        let Some(Ok(text)) = strings.next() else {
            return self.fail("malformed string");
        };
        self.skip(strings.byte_offset());
        Ok(text)
    }

    /// `attrPath`, up to what no attribute path can contain.
    fn attr_path(&mut self) -> Parsed<Located<AttrPath>> {
        let position = self.position();
        let word = self.peek(ends_word);
        let Some(value) = AttrPath::split(word) else {
            return self.fail(match word {
                "" => "expected an attribute",
                _ => "malformed attribute name",
            });
        };
        self.skip(word.len());
        Ok(Located { value, position })
    }

    /// `["." ATTRNAME]` behind brackets.
    fn sub_attr(&mut self) -> Parsed<Option<Located<AttrPath>>> {
        if !self.at('.') {
            return Ok(None);
        }
        self.skip(1);
        let position = self.position();
        let word = self.peek(ends_word);
        if !is_attr_name(word) {
            return self.fail("malformed sub-attribute name");
        }
        self.skip(word.len());
        let value = AttrPath { urn: None, name: word.to_owned(), sub: None };
        Ok(Some(Located { value, position }))
    }

    fn eat_keyword(&mut self, keyword: &str) -> bool {
        self.skip_spaces();
        let found = self.peek(ends_word).eq_ignore_ascii_case(keyword);
        if found {
            self.skip(keyword.len());
        }
        found
    }

    fn bounded(&self, bytes: usize) -> Parsed<()> {
        if self.text.len() > bytes {
            return Err(SyntaxError::new(bytes, format!("longer than {bytes} bytes")));
        }
        Ok(())
    }

    fn end(&mut self, expected: &'static str) -> Parsed<()> {
        self.skip_spaces();
        if self.rest.is_empty() { Ok(()) } else { self.fail(expected) }
    }

    fn at(&self, c: char) -> bool {
        self.rest.starts_with(c)
    }

    /// What stands ahead, up to a character that ends it.
    fn peek(&self, ends: fn(char) -> bool) -> &'a str {
        self.rest.split(ends).next().unwrap_or_default()
    }

    fn skip_spaces(&mut self) {
        self.rest = self.rest.trim_ascii_start();
    }

    fn skip(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or_default();
    }

    fn position(&self) -> usize {
        self.text.len().saturating_sub(self.rest.len())
    }

    fn fail<T>(&self, message: impl Into<Cow<'static, str>>) -> Parsed<T> {
        Err(SyntaxError::new(self.position(), message))
    }
}

/// White space, and what encloses names and literals.
fn ends_word(c: char) -> bool {
    c.is_ascii_whitespace() || matches!(c, '(' | ')' | '[' | ']' | '"')
}
