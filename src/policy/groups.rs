//! `groups`: what connections may do to groups; and what kinds of groups there are.

use serde_json::Value;

/// What the keys of connections may change of groups. Keys without a connection change everything.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Groups {
    /// All.
    #[default]
    Full,
    /// Who is in them, and nothing else.
    MembershipOnly,
}

impl Groups {
    /// By its name.
    pub fn of(name: &str) -> Option<Self> {
        [Self::Full, Self::MembershipOnly].into_iter().find(|one| one.name() == name)
    }

    /// Its name in the policy document and in a connection.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::MembershipOnly => "membershipOnly",
        }
    }
}

/// Where the access of a connection's users comes from; both count, where neither is said.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum GroupSource {
    /// What the tenant gives them itself: what the connection says of groups gives no access.
    Local,
    /// The groups that the connection says they are in: becoming its users gives no access.
    Idp,
}

impl GroupSource {
    /// By its name in a connection.
    pub fn of(name: &str) -> Option<Self> {
        match name {
            "local" => Some(Self::Local),
            "idp" => Some(Self::Idp),
            _ => None,
        }
    }
}

/// What a group is to the application.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum GroupKind {
    /// A group of people as the identity provider has it; what has no kind is one.
    Directory,
    /// What stands for the identity provider itself.
    Provider,
    /// What the application understands as a role.
    Role,
    /// What stands for an application.
    App,
}

impl GroupKind {
    const ALL: [Self; 4] = [Self::Directory, Self::Provider, Self::Role, Self::App];

    /// By its name.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == name)
    }

    /// Its name in a group.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Directory => "directory",
            Self::Provider => "provider",
            Self::Role => "role",
            Self::App => "app",
        }
    }
}

/// Some kinds of groups.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct GroupKinds([bool; GroupKind::ALL.len()]);

impl GroupKinds {
    /// Reads a list of names; none where it names no kind, or what is none.
    pub fn read(list: &Value) -> Option<Self> {
        let named: Option<Vec<GroupKind>> =
            list.as_array()?.iter().map(|name| GroupKind::of(name.as_str()?)).collect();
        let named = named.filter(|named| !named.is_empty())?;
        Some(Self(GroupKind::ALL.map(|kind| named.contains(&kind))))
    }

    /// Whether a kind is among them.
    pub fn has(self, kind: GroupKind) -> bool {
        self.iter().any(|one| one == kind)
    }

    /// Each of them.
    pub fn iter(self) -> impl Iterator<Item = GroupKind> {
        GroupKind::ALL.into_iter().zip(self.0).filter(|(_, is)| *is).map(|(kind, _)| kind)
    }
}
