//! RFC 7644 §3.5.2: PATCH.
//!
//! [`PatchOp::parse`] refuses what is wrong with the message itself, [`PatchOp::apply`] what is
//! wrong with it for a resource: whole or not at all. How one operation changes a resource is
//! `resource::draft`'s business, which reads POST and PUT as well.

use std::fmt;

use serde_json::Value;

use super::compat::Compat;
use super::error::{ErrorKind, ScimError};
use super::filter::{Filter, Path};
use super::message::{field, is_declared};
use super::path::SyntaxError;
use super::resource::Request;
use super::resource::draft::{Draft, Finished};
use super::resource::{MemberOp, Op, Resource};
use super::schema::TypeSchema;
use super::urn;
use crate::limits;

/// The body of a PATCH.
#[derive(Clone, Debug, PartialEq)]
pub struct PatchOp {
    operations: Vec<Operation>,
}

/// What a PATCH makes of a resource.
#[derive(Clone, Debug, PartialEq)]
pub struct Patched {
    /// The resource afterwards.
    pub resource: Resource,
    /// What to do to the values of the attribute that is stored as rows, in this order.
    pub members: Vec<MemberOp>,
    /// The paths that no schema knows, as sent.
    pub dropped: Vec<String>,
}

/// One entry of `Operations`.
#[derive(Clone, Debug, PartialEq)]
struct Operation {
    op: Op,
    path: Option<Path>,
    value: Option<Value>,
}

impl PatchOp {
    /// Reads the body of a PATCH.
    ///
    /// # Errors
    /// `invalidSyntax` for a malformed body or an unknown `op`, `tooMany` for too many operations,
    /// `invalidPath` and `invalidFilter` for a malformed path, `noTarget` for a `remove` without
    /// one, `invalidValue` where a value is missing.
    pub fn parse(body: &Value, compat: &Compat) -> Result<Self, ScimError> {
        let body = body.as_object().ok_or_else(|| malformed("a PATCH must be an object"))?;
        if !compat.undeclared_schemas && !is_declared(body, urn::PATCH_OP) {
            return Err(malformed(format_args!("`schemas` must be `{}`", urn::PATCH_OP)));
        }
        let operations = match field(body, "Operations") {
            Some(Value::Array(operations)) if !operations.is_empty() => operations.as_slice(),
            Some(operation @ Value::Object(_)) if compat.single_for_list => {
                std::slice::from_ref(operation)
            }
            _ => return Err(malformed("`Operations` must be a list of one or more operations")),
        };
        if operations.len() > limits::PATCH_OPERATIONS {
            let detail = format!("more than {} operations", limits::PATCH_OPERATIONS);
            return Err(ScimError::new(ErrorKind::TooMany, detail));
        }
        let parse = |(index, operation)| {
            Operation::parse(operation, compat).map_err(|error| in_operation(index, &error))
        };
        let operations = operations.iter().enumerate().map(parse).collect::<Result<_, _>>()?;
        Ok(Self { operations })
    }

    /// How many comparisons the paths of all operations make of each value that they look at.
    pub fn comparisons(&self) -> usize {
        self.operations.iter().map(Operation::comparisons).sum()
    }

    /// Applies the operations in their order, all of them or, when one fails, none.
    ///
    /// # Errors
    /// Of the first operation that fails, which the detail numbers from 1: `invalidPath` and
    /// `invalidFilter` for a path that means nothing here, `noTarget` for one that selects nothing,
    /// `invalidValue` for a value that does not fit, `mutability` for what cannot be written or
    /// removed, `tooMany` for too many values.
    pub fn apply(
        self,
        resource: Resource,
        schema: TypeSchema<'_>,
        compat: &Compat,
    ) -> Result<Patched, ScimError> {
        let before = resource.clone();
        let mut draft = Draft::new(Request::Patch, schema, compat);
        draft.load(resource);
        // What the resource lacks already is not for this request to mend.
        let lacks = draft.missing().into_iter().map(|path| (path, None));
        let mut lacks: Vec<(String, Option<ScimError>)> = lacks.collect();
        for (index, operation) in self.operations.into_iter().enumerate() {
            let op = operation.op;
            operation.write(&mut draft).map_err(|error| in_operation(index, &error))?;
            let missing = draft.missing();
            lacks.retain(|(path, _)| missing.contains(path));
            for path in missing {
                if lacks.iter().any(|(other, _)| *other == path) {
                    continue;
                }
                let error = in_operation(index, &op.leaves_missing(&path));
                if op == Op::Remove {
                    return Err(error);
                }
                // Entra: one operation for each attribute, so a later one may bring it.
                lacks.push((path, Some(error)));
            }
        }
        if let Some(error) = lacks.into_iter().find_map(|(_, error)| error) {
            return Err(error);
        }
        let Finished { resource, rows, dropped } = draft.finish();
        resource.succeeds(&before, schema)?;
        Ok(Patched { resource, members: rows, dropped })
    }
}

impl MemberOp {
    /// Whether there is nothing to do.
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Add(members) => members.is_empty(),
            Self::Remove(ids) => ids.is_empty(),
            Self::RemoveWhere(_) | Self::Clear | Self::Replace(_) => false,
        }
    }
}

impl Op {
    /// Entra writes `Add` and `Replace`.
    fn parse(text: &str, compat: &Compat) -> Option<Self> {
        let named = |(name, op): (&str, Self)| compat.is_operation(text, name).then_some(op);
        [("add", Self::Add), ("remove", Self::Remove), ("replace", Self::Replace)]
            .into_iter()
            .find_map(named)
    }

    /// The error when the operation unassigns a required attribute.
    fn leaves_missing(self, path: &str) -> ScimError {
        // RFC 7644 §3.5.2.2 has `mutability` for a `remove`; to any other, the value is at fault.
        let kind = match self {
            Self::Remove => ErrorKind::Mutability,
            Self::Add | Self::Replace => ErrorKind::InvalidValue,
        };
        ScimError::new(kind, format!("`{path}` is required"))
    }
}

impl Operation {
    /// Reads one entry of `Operations`.
    fn parse(operation: &Value, compat: &Compat) -> Result<Self, ScimError> {
        let fields = operation.as_object().ok_or_else(|| malformed("must be an object"))?;
        let op = match field(fields, "op") {
            Some(Value::String(text)) => Op::parse(text, compat)
                .ok_or_else(|| malformed("`op` must be one of `add`, `remove` and `replace`"))?,
            _ => return Err(malformed("`op` must be a string")),
        };
        let path = match field(fields, "path") {
            // Some serializers write out every field, so an empty path is none.
            None | Some(Value::Null) => None,
            Some(Value::String(text)) if text.is_empty() && compat.text_for_other_types => None,
            Some(Value::String(text)) => {
                Some(Path::parse(text, compat).map_err(SyntaxError::into_path_error)?)
            }
            Some(_) => return Err(malformed("`path` must be a string")),
        };
        let value = field(fields, "value").cloned();
        match (op, &path, value) {
            // RFC 7644 §3.5.2.2.
            (Op::Remove, None, _) => {
                Err(ScimError::new(ErrorKind::NoTarget, "`remove` needs a `path`"))
            }
            (Op::Remove, _, Some(Value::Null)) => Ok(Self { op, path, value: None }),
            (Op::Remove, _, Some(_)) if !compat.listed_removals => {
                Err(malformed("`remove` takes no `value`"))
            }
            (Op::Add | Op::Replace, _, None) => {
                Err(ScimError::new(ErrorKind::InvalidValue, "`add` and `replace` need a `value`"))
            }
            (_, _, value) => Ok(Self { op, path, value }),
        }
    }

    /// How often the path compares each value that it looks at.
    fn comparisons(&self) -> usize {
        self.path.as_ref().and_then(|path| path.filter.as_ref()).map_or(0, Filter::comparisons)
    }

    fn write(self, draft: &mut Draft<'_>) -> Result<(), ScimError> {
        let Self { op, path, value } = self;
        match path {
            Some(path) => draft.write(op, path, value, ErrorKind::InvalidPath),
            // RFC 7644 §3.5.2.1: without a path, the value is a set of attributes.
            None => draft.write_set(op, None, value.unwrap_or_default()),
        }
    }
}

fn malformed(what: impl fmt::Display) -> ScimError {
    ScimError::new(ErrorKind::InvalidSyntax, what.to_string())
}

/// The same error, with the number of the operation that it is about.
fn in_operation(index: usize, error: &ScimError) -> ScimError {
    let number = index.saturating_add(1);
    ScimError::new(error.kind(), format!("operation {number}: {}", error.detail()))
}
