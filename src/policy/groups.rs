//! `groups`: what connections may do to groups.

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
