//! What is forgiven of a client beyond the RFCs, and what is asked of it beyond them, as a value.
//!
//! A [`Preset`] has such rules for one kind of client; a connection may replace single rules of its
//! preset by their names in JSON, which are those of the fields.

mod mappings;
mod presets;

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::schema::Fault;
pub use mappings::Mapping;
pub use presets::{PRESETS, Preset, Support};

/// The rules that differ between clients. Where one says "otherwise", that is the RFC's own way.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Compat {
    /// Comparison values without quotes in filters (`externalId eq jyoung`), and `True` for `true`;
    /// otherwise they are JSON (RFC 7644 §3.4.2.2).
    pub unquoted_filter_values: bool,
    /// Filters such as `emails[type eq "work"].value eq "x"`; otherwise nothing follows the bracket
    /// (RFC 7644 Figure 1).
    pub sub_attributes_behind_brackets: bool,
    /// Attributes that no schema knows are dropped, and the rest is applied; otherwise they are 400.
    pub unknown_attributes: bool,
    /// `schemas` may be missing, incomplete, or name what is not used; otherwise it is as RFC 7643
    /// §3 and RFC 7644 §3.1 have it.
    pub undeclared_schemas: bool,
    /// The URNs of SCIM 1.1 stand for those of SCIM 2.0.
    pub scim_1_urns: bool,
    /// A dot between an extension's URN and its attribute; otherwise a colon (RFC 7644 §3.10).
    pub dotted_urns: bool,
    /// `manager.managerId` for `manager.value`, and a member's `displayName` for its `display`.
    pub aliases: bool,
    /// The names in a body or a value may be paths: `name.givenName`, `urn:…:User:department`, and
    /// an extension's attribute outside its object; otherwise they are names (RFC 7643 §2.1, §3.3).
    pub paths_as_names: bool,
    /// Texts such as `"True"` stand for a boolean, `"42"` for a number, the empty one for nothing,
    /// and the other way about; otherwise a value has its type (RFC 7643 §2.3).
    pub text_for_other_types: bool,
    /// An object as JSON in a text is that object; otherwise it is that text.
    pub json_in_text: bool,
    /// One value stands for a list of one, a list of one for a single value, and a complex value's
    /// `value` for the whole of it.
    pub single_for_list: bool,
    /// Of several primary values the first stays so; otherwise they are 400 (RFC 7643 §2.4).
    pub several_primaries: bool,
    /// Where a POST or PUT makes none of its e-mail addresses primary, the first is; otherwise they
    /// are as sent.
    pub first_email_primary: bool,
    /// A PATCH of a value that its path describes and that is not there creates it; otherwise
    /// replacing it is 400 `noTarget` (RFC 7644 §3.5.2.3).
    pub create_described_values: bool,
    /// A `remove` may list values, and removes no others; otherwise it takes none (RFC 7644
    /// §3.5.2.2).
    pub listed_removals: bool,
    /// In a PATCH without a path, `"members": null` says nothing; otherwise it empties the group
    /// (RFC 7643 §2.5).
    pub null_members: bool,
    /// `Add` and `post` are operations; otherwise `add` and `POST` (RFC 7644 §3.5.2, §3.7).
    pub operations_in_any_case: bool,
    /// A POST in a Bulk request needs no `bulkId`; otherwise it does (RFC 7644 §3.7).
    pub unnamed_bulk_posts: bool,
    /// A member may be named by other than its id, and one that no resource is, is kept as it was
    /// sent and grants nothing until there is one of that name; otherwise it is 400.
    pub dangling_members: bool,
    /// A request may take from a group all the members that it has without naming them; otherwise
    /// it is 400.
    pub remove_all_members: bool,
    /// PUT, PATCH and DELETE of a resource name its version; without one they are 428.
    pub require_if_match: bool,
    /// What a PATCH is answered with.
    pub patch_response: PatchResponse,
}

/// RFC 7644 §3.5.2: the answer to a PATCH that succeeded.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum PatchResponse {
    /// 200 and the resource; 204 where that is a group with many members.
    Auto,
    /// 204, always.
    Minimal,
}

/// Why a preset's rules cannot be replaced so.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RuleError {
    rule: String,
    fault: &'static str,
}

impl Compat {
    /// The lenient rules: every shape is accepted that an identity provider is known to send and
    /// that means nothing else to a conforming client.
    pub const GENERIC: Self = Self {
        unquoted_filter_values: true,
        sub_attributes_behind_brackets: true,
        unknown_attributes: true,
        undeclared_schemas: true,
        scim_1_urns: true,
        dotted_urns: true,
        aliases: true,
        paths_as_names: true,
        text_for_other_types: true,
        json_in_text: false,
        single_for_list: true,
        several_primaries: true,
        first_email_primary: false,
        create_described_values: true,
        listed_removals: true,
        null_members: true,
        operations_in_any_case: true,
        unnamed_bulk_posts: true,
        dangling_members: false,
        remove_all_members: true,
        require_if_match: false,
        patch_response: PatchResponse::Auto,
    };
    /// The RFCs and nothing else.
    pub const STRICT: Self = Self {
        unquoted_filter_values: false,
        sub_attributes_behind_brackets: false,
        unknown_attributes: false,
        undeclared_schemas: false,
        scim_1_urns: false,
        dotted_urns: false,
        aliases: false,
        paths_as_names: false,
        text_for_other_types: false,
        json_in_text: false,
        single_for_list: false,
        several_primaries: false,
        first_email_primary: false,
        create_described_values: false,
        listed_removals: false,
        null_members: false,
        operations_in_any_case: false,
        unnamed_bulk_posts: false,
        dangling_members: false,
        remove_all_members: true,
        require_if_match: false,
        patch_response: PatchResponse::Auto,
    };

    /// These rules with some replaced.
    ///
    /// # Errors
    /// When a name is none of theirs, or a value none that the rule can have.
    pub fn with(self, replaced: &Map<String, Value>) -> Result<Self, RuleError> {
        let mut rules = self.to_json();
        let mut compat = self;
        for (name, value) in replaced {
            let error = |fault| RuleError { rule: name.clone(), fault };
            let rule = rules.get_mut(name).ok_or_else(|| error("is no rule"))?;
            let expected = match rule {
                Value::Bool(_) => "is neither true nor false",
                _ => "is neither \"auto\" nor \"minimal\"",
            };
            *rule = value.clone();
            compat =
                Self::deserialize(&Value::Object(rules.clone())).map_err(|_| error(expected))?;
        }
        Ok(compat)
    }

    /// Whether a text is the name of an operation.
    pub(super) fn is_operation(&self, text: &str, name: &str) -> bool {
        text == name || self.operations_in_any_case && text.eq_ignore_ascii_case(name)
    }

    /// The rules by their names.
    pub fn to_json(self) -> Map<String, Value> {
        match serde_json::to_value(self) {
            Ok(Value::Object(rules)) => rules,
            _ => Map::new(),
        }
    }
}

impl fmt::Display for RuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`compat.{}` {}", self.rule, self.fault)
    }
}

impl std::error::Error for RuleError {}

impl From<RuleError> for Fault {
    /// The fault in a connection's fields.
    fn from(RuleError { rule, fault }: RuleError) -> Self {
        Self::within("/compat", &rule, fault)
    }
}
