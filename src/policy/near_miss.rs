//! Values that look like the one that a condition names, and are not it.

use super::condition::Condition;
use crate::scim::filter::{Comparand, CompareOp, Predicate, Target};
use crate::scim::fold::fold;
use crate::scim::invisible::is_invisible;

/// A text that a condition compares an attribute with for equality.
#[derive(Clone, Debug, PartialEq)]
pub struct Named {
    /// The attribute.
    pub target: Target,
    /// The text, folded where the condition is asked without case.
    pub text: String,
}

/// In what a text differs from another that looks like it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Difference {
    /// In capitals.
    Case,
    /// In spaces: in front, behind, or how many.
    Space,
    /// In the kind of dash.
    Dash,
    /// In how the same signs are encoded, in compatible ones, or in such as nobody sees.
    Unicode,
}

/// The order in which differences are looked for.
const ALL: [Difference; 4] =
    [Difference::Case, Difference::Space, Difference::Dash, Difference::Unicode];

impl Condition {
    /// The texts that it compares attributes with for equality.
    pub fn named(&self) -> Vec<Named> {
        let mut named = Vec::new();
        collect(self.predicate(), &mut named);
        named
    }
}

fn collect(predicate: &Predicate, named: &mut Vec<Named>) {
    match predicate {
        Predicate::And(parts) | Predicate::Or(parts) => {
            parts.iter().for_each(|part| collect(part, named));
        }
        Predicate::Not(part) => collect(part, named),
        // Within brackets a name stands for a part of what is in front of them.
        Predicate::Any { target, predicate } => {
            let from = named.len();
            collect(predicate, named);
            for inner in named.iter_mut().skip(from) {
                inner.target = Target {
                    extension: target.extension.clone(),
                    sub: Some(inner.target.sub.take().unwrap_or_else(|| inner.target.name.clone())),
                    name: target.name.clone(),
                    ..inner.target.clone()
                };
            }
        }
        Predicate::Compare { target, op: CompareOp::Eq, value: Comparand::Text(text) } => {
            named.push(Named { target: target.clone(), text: text.clone() });
        }
        Predicate::Compare { .. } | Predicate::Present(_) => {}
    }
}

impl Difference {
    /// In what a value differs from a text that it looks like; nothing where it is that text, or does
    /// not look like it. Where it differs in several ways, the first of them.
    /// `normalize` gives a text's compatible form (NFKC), whose tables are too large to bring along.
    pub fn between(
        text: &str,
        value: &str,
        case_exact: bool,
        normalize: &dyn Fn(&str) -> String,
    ) -> Option<Self> {
        let is_same = if case_exact { value == text } else { fold(value) == fold(text) };
        if is_same {
            return None;
        }
        let alike = |one: &Self| one.levelled(text, normalize) == one.levelled(value, normalize);
        let without = |text: &str, kept: Option<Self>| {
            let levelled = ALL.iter().filter(|one| Some(**one) != kept);
            levelled.fold(text.to_owned(), |text, one| one.levelled(&text, normalize))
        };
        // Of several, the first that is left when all the others are levelled.
        let is_left = |one: &Self| without(text, Some(*one)) != without(value, Some(*one));
        let first = || ALL.into_iter().find(is_left).unwrap_or(Self::Unicode);
        let alone = ALL.into_iter().find(alike);
        alone.or_else(|| (without(text, None) == without(value, None)).then(first))
    }

    /// A text without this difference.
    fn levelled(self, text: &str, normalize: &dyn Fn(&str) -> String) -> String {
        match self {
            Self::Case => fold(text),
            Self::Space => text.split_whitespace().collect::<Vec<_>>().join(" "),
            Self::Dash => text.chars().map(|c| if is_dash(c) { '-' } else { c }).collect(),
            Self::Unicode => normalize(text).chars().filter(|sign| !is_invisible(*sign)).collect(),
        }
    }

    /// As the API has it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Case => "case",
            Self::Space => "space",
            Self::Dash => "dash",
            Self::Unicode => "unicode",
        }
    }
}

/// Whether a sign is one of those that are written for `-`.
const fn is_dash(c: char) -> bool {
    matches!(
        c,
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{FE58}' | '\u{FE63}' | '\u{FF0D}' | '\u{AD}'
    )
}
