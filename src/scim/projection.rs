//! RFC 7644 §3.9: which attributes of a resource a client is shown.
//!
//! `attributes` and `excludedAttributes` exclude each other; a request with both gets what
//! `attributes` says. What an attribute's `returned` demands (RFC 7643 §7) goes before either.

use serde_json::{Map, Value};

use super::compat::Compat;
use super::error::{ErrorKind, ScimError};
use super::path::AttrPath;
use super::schema::{Attribute, Found, Returned, TypeSchema};
use super::value::{Meaning, Place, resolve};
use crate::limits;

/// The attributes that a client asks for.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Projection {
    /// Those returned by default.
    #[default]
    Default,
    /// `attributes`: these instead.
    Only(Vec<AttrPath>),
    /// `excludedAttributes`: those returned by default without these.
    Except(Vec<AttrPath>),
}

impl Projection {
    /// Reads the two lists, whose entries are separated by commas. What is no path selects nothing,
    /// as does a path that no schema knows; an empty list is as good as none.
    ///
    /// # Errors
    /// `invalidPath` when a list is longer than `limits::PATH_BYTES`.
    pub fn parse(attributes: Option<&str>, excluded: Option<&str>) -> Result<Self, ScimError> {
        if let Some(paths) = paths(attributes)? {
            return Ok(Self::Only(paths));
        }
        Ok(paths(excluded)?.map_or(Self::Default, Self::Except))
    }

    /// Whether the client asks for nothing in particular.
    pub fn is_default(&self) -> bool {
        *self == Self::Default
    }

    /// Whether an attribute of the core schema is shown, or a part of it.
    pub fn shows(&self, schema: TypeSchema<'_>, name: &str) -> bool {
        let found = schema.attribute(None, name);
        found.is_some_and(|found| self.select(schema).shows(found))
    }

    /// Whether anything of an extension is shown.
    pub fn shows_extension(&self, schema: TypeSchema<'_>, urn: &str) -> bool {
        let attributes = schema.extension(urn).into_iter().flat_map(|one| &one.attributes);
        let selection = self.select(schema);
        let mut found = attributes.map(|attribute| Found { extension: Some(urn), attribute });
        found.any(|found| selection.shows(found))
    }

    /// Removes what is not shown from a resource in canonical form.
    pub fn apply(&self, resource: &mut Map<String, Value>, schema: TypeSchema<'_>) {
        let selection = self.select(schema);
        let keep = |urn: Option<&str>, name: &str, value: &mut Value| {
            schema.attribute(urn, name).is_some_and(|found| selection.keep(found, value))
        };
        resource.retain(|name, value| match (schema.extension(name), value) {
            (Some(extension), Value::Object(fields)) => {
                fields.retain(|name, value| keep(Some(&extension.id), name, value));
                !fields.is_empty()
            }
            (_, value) => keep(None, name, value),
        });
    }

    fn select<'a>(&self, schema: TypeSchema<'a>) -> Selection<'a> {
        let (mode, paths) = match self {
            Self::Default => (Mode::Default, &[][..]),
            Self::Only(paths) => (Mode::Only, paths.as_slice()),
            Self::Except(paths) => (Mode::Except, paths.as_slice()),
        };
        let core = schema.resource_type.schema.as_str();
        // What is not known is passed over for everyone, so a name more that is known costs nothing.
        let named =
            paths.iter().filter_map(|path| resolve(schema, path, &Compat::GENERIC)).collect();
        Selection { mode, core, named }
    }
}

/// A projection for one resource type.
struct Selection<'a> {
    mode: Mode,
    core: &'a str,
    named: Vec<Meaning<'a>>,
}

/// What the names in a projection are there for.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Mode {
    Default,
    Only,
    Except,
}

impl Selection<'_> {
    /// Whether an attribute is shown, or a part of it.
    fn shows(&self, found: Found<'_>) -> bool {
        let returned = found.attribute.returned;
        self.allows(returned, self.names(found))
            || (self.allows(returned, true) && self.names_part(found, |_| true))
    }

    /// Whether an attribute is kept, with what is hidden of its value removed.
    fn keep(&self, found: Found<'_>, value: &mut Value) -> bool {
        if !self.shows(found) {
            return false;
        }
        // With `attributes=name.givenName`, of `name` only that; with `attributes=name`, all of it.
        let by_part = self.names_part(found, |_| true) && !self.names(found);
        let keep = |sub: &Attribute| {
            let by_default = self.mode == Mode::Only && !by_part;
            let named = self.names_part(found, |part| part.name == sub.name);
            self.allows(sub.returned, named || (by_default && sub.returned == Returned::Default))
        };
        let is_left = |value: &mut Value| match value {
            Value::Object(fields) => {
                fields.retain(|name, _| found.attribute.sub(name).is_some_and(keep));
                !fields.is_empty()
            }
            _ => true,
        };
        match value {
            Value::Array(values) => {
                values.retain_mut(is_left);
                !values.is_empty()
            }
            value => is_left(value),
        }
    }

    /// RFC 7643 §7 `returned`.
    fn allows(&self, returned: Returned, named: bool) -> bool {
        match (returned, self.mode) {
            (Returned::Always, _) => true,
            (Returned::Never, _) | (Returned::Request, Mode::Default | Mode::Except) => false,
            (Returned::Default, Mode::Default) => true,
            (Returned::Default, Mode::Except) => !named,
            (Returned::Default | Returned::Request, Mode::Only) => named,
        }
    }

    /// Whether an attribute is named as a whole, or its schema is.
    fn names(&self, found: Found<'_>) -> bool {
        self.named.iter().any(|meaning| match meaning {
            Meaning::Schema(urn) => *urn == found.extension.unwrap_or(self.core),
            Meaning::Place(place) => place.sub.is_none() && is_same(*place, found),
        })
    }

    /// Whether a sub-attribute of a kind is named.
    fn names_part(&self, found: Found<'_>, is_kind: impl Fn(&Attribute) -> bool) -> bool {
        self.named.iter().any(|meaning| match meaning {
            Meaning::Schema(_) => false,
            Meaning::Place(place) => place.sub.is_some_and(&is_kind) && is_same(*place, found),
        })
    }
}

fn is_same(place: Place<'_>, found: Found<'_>) -> bool {
    std::ptr::eq(place.found.attribute, found.attribute)
}

/// The paths of a list; `None` for an empty one.
fn paths(list: Option<&str>) -> Result<Option<Vec<AttrPath>>, ScimError> {
    let list = list.unwrap_or_default();
    if list.len() > limits::PATH_BYTES {
        let detail = format!("a list of attributes is longer than {} bytes", limits::PATH_BYTES);
        return Err(ScimError::new(ErrorKind::InvalidPath, detail));
    }
    if list.split(',').all(|path| path.trim().is_empty()) {
        return Ok(None);
    }
    // A client may name the attribute as in a PATCH: `emails[type eq "work"]` is `emails`.
    let attr = |path: &str| path.split('[').next().map(|attr| AttrPath::parse(attr.trim()));
    Ok(Some(list.split(',').filter_map(attr).filter_map(Result::ok).collect()))
}
