//! The choice of a connection about what nobody manages.

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

impl Adopt {
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
