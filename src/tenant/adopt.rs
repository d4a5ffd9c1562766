//! The choices of a connection about what nobody manages.

/// When a connection takes up what nobody manages.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum Adopt {
    /// When it writes it.
    #[default]
    OnWrite,
    /// Then, and when it makes a user of a name that is taken.
    OnCreate,
    /// Never.
    Never,
}

/// By what a POST of a connection finds the user whom it takes up.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum MatchExisting {
    /// By nothing: it makes another, or is refused.
    #[default]
    Never,
    /// By the name.
    UserName,
    /// By the e-mail address that is the primary one, or the only one, of both, and nobody else's.
    VerifiedEmail,
    /// By the connection's id for the user.
    ExternalId,
}

impl MatchExisting {
    /// By its name in a connection.
    pub(super) fn of(name: &str) -> Option<Self> {
        match name {
            "never" => Some(Self::Never),
            "userName" => Some(Self::UserName),
            "verifiedEmail" => Some(Self::VerifiedEmail),
            "externalId" => Some(Self::ExternalId),
            _ => None,
        }
    }
}

impl Adopt {
    /// By what a POST finds whom it takes up: by the name, where nothing else is said.
    pub(super) fn matching(self, said: Option<MatchExisting>) -> MatchExisting {
        match self {
            Self::OnCreate => said.unwrap_or(MatchExisting::UserName),
            Self::OnWrite | Self::Never => MatchExisting::Never,
        }
    }

    /// By its name in a connection.
    pub(super) fn of(name: &str) -> Option<Self> {
        match name {
            "onWrite" => Some(Self::OnWrite),
            "onCreate" => Some(Self::OnCreate),
            "never" => Some(Self::Never),
            _ => None,
        }
    }
}
