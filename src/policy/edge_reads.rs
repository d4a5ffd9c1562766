//! `edgeReads`: whether what applications ask for is copied to KV, so that the edge answers it.

use crate::scim::schema::Fault;

/// Whether a tenant's users can be copied to KV.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Copying {
    /// They can.
    Possible,
    /// The deployment has no namespace for them.
    Unbound,
    /// The tenant has a jurisdiction, and KV has none.
    Confined,
}

impl Copying {
    /// Why it cannot be switched on, if it cannot.
    pub fn fault(self) -> Option<Fault> {
        let detail = match self {
            Self::Possible => return None,
            Self::Unbound => "needs the KV namespace DIRECTORY, which this deployment has not",
            Self::Confined => "is not for a tenant with a jurisdiction: KV keeps to none",
        };
        Some(Fault::new("/edgeReads", detail))
    }
}
