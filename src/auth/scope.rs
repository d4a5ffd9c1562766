//! What a key may do.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// One permission.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u16)]
#[expect(missing_docs, reason = "the names are the scopes' own")]
pub enum Scope {
    UsersRead = 1 << 0,
    UsersWrite = 1 << 1,
    GroupsRead = 1 << 2,
    GroupsWrite = 1 << 3,
    AccessRead = 1 << 4,
    EventsRead = 1 << 5,
    StreamsWrite = 1 << 6,
    Jit = 1 << 7,
    JitAssert = 1 << 8,
    ConfigRead = 1 << 9,
    ConfigWrite = 1 << 10,
    KeysWrite = 1 << 11,
    ChangesDecide = 1 << 12,
    DataExport = 1 << 13,
}

/// A set of permissions. Write implies read.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Scopes(u16);

/// Every scope with its name, in the order in which a set is written.
const NAMES: [(Scope, &str); 14] = [
    (Scope::UsersRead, "scim.users:read"),
    (Scope::UsersWrite, "scim.users:write"),
    (Scope::GroupsRead, "scim.groups:read"),
    (Scope::GroupsWrite, "scim.groups:write"),
    (Scope::AccessRead, "access:read"),
    (Scope::EventsRead, "events:read"),
    (Scope::StreamsWrite, "streams:write"),
    (Scope::Jit, "jit"),
    (Scope::JitAssert, "jit:assert"),
    (Scope::ConfigRead, "config:read"),
    (Scope::ConfigWrite, "config:write"),
    (Scope::KeysWrite, "keys:write"),
    (Scope::ChangesDecide, "changes:decide"),
    (Scope::DataExport, "data:export"),
];

/// The short name for all four scopes of SCIM.
const SCIM: &str = "scim";

impl Scope {
    /// The scope's name.
    pub fn name(self) -> &'static str {
        NAMES.iter().find(|(scope, _)| *scope == self).map_or("", |(_, name)| name)
    }

    /// The scope with those that it implies.
    const fn bits(self) -> u16 {
        let implied = match self {
            Self::UsersWrite => Self::UsersRead as u16,
            Self::GroupsWrite => Self::GroupsRead as u16,
            Self::ConfigWrite => Self::ConfigRead as u16,
            _ => 0,
        };
        self as u16 | implied
    }
}

impl Scopes {
    /// No permission.
    pub const NONE: Self = Self(0);

    /// Reads names, each a scope's or `scim`; `Err` is the first that is neither.
    ///
    /// # Errors
    /// The unknown name.
    pub fn parse<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self, &'a str> {
        names.into_iter().try_fold(Self::default(), |set, name| {
            let bits = if name == SCIM {
                Scope::UsersWrite.bits() | Scope::GroupsWrite.bits()
            } else {
                NAMES.iter().find(|(_, known)| *known == name).ok_or(name)?.0.bits()
            };
            Ok(Self(set.0 | bits))
        })
    }

    /// Whether the set holds a scope.
    pub const fn contains(self, scope: Scope) -> bool {
        self.0 & scope as u16 != 0
    }

    /// Whether the set holds everything that `other` holds.
    pub const fn includes(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The set but for a scope, and for what that implies.
    #[must_use]
    pub const fn without(self, scope: Scope) -> Self {
        Self(self.0 & !scope.bits())
    }

    /// Whether the set is empty.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The names of the scopes in the set.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        NAMES.iter().filter(move |(scope, _)| self.contains(*scope)).map(|(_, name)| *name)
    }

    /// What scopes in the set imply beside themselves.
    fn implied(self) -> u16 {
        let held = NAMES.iter().map(|(scope, _)| *scope).filter(|scope| self.contains(*scope));
        held.fold(0, |bits, scope| bits | scope.bits() & !(scope as u16))
    }
}

/// The names separated by spaces, as in a token's `scope` (RFC 8693 §4.2). All four of SCIM are
/// written as `scim` and what others imply is left out, since people paste keys into forms.
impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scim = Scope::UsersWrite.bits() | Scope::GroupsWrite.bits();
        let short = (self.0 & scim == scim).then_some(SCIM);
        let rest = Self(if short.is_some() { self.0 & !scim } else { self.0 });
        let said = Self(rest.0 & !rest.implied());
        for (position, name) in short.into_iter().chain(said.names()).enumerate() {
            let separator = if position == 0 { "" } else { " " };
            write!(f, "{separator}{name}")?;
        }
        Ok(())
    }
}

impl Serialize for Scopes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Scopes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(text.split(' ').filter(|name| !name.is_empty()))
            .map_err(|_| serde::de::Error::custom("unknown scope"))
    }
}
