//! What becomes of a user who is deactivated or deleted, and of one who comes back.

use serde_json::{Value, json};

use super::duration::{duration, duration_seconds};
use super::reading::{object, unknown};
use crate::limits;
use crate::scim::schema::Fault;

/// The choice of a tenant.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Deprovision {
    /// What becomes of the access of a user whom a connection deactivates.
    pub deactivated: Fate,
    /// What becomes of that of a user who is deleted.
    pub deleted: Fate,
    /// For how many seconds it is remembered that a user was deleted.
    pub retain: i64,
    /// Whether a user who was deleted and is made again is the one of old.
    pub relink: Relink,
}

/// What becomes of access.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fate {
    /// It is suspended.
    Suspend,
    /// It ends.
    Delete,
    /// It stays.
    Keep,
}

/// Which users who were deleted and are made again get their old ids back.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Relink {
    /// All.
    Always,
    /// Those whose access had not ended: it was suspended, or stayed.
    SoftOnly,
    /// None.
    Never,
}

impl Default for Deprovision {
    fn default() -> Self {
        Self {
            deactivated: Fate::Suspend,
            deleted: Fate::Delete,
            retain: limits::RETAIN_SECONDS_DEFAULT,
            relink: Relink::Always,
        }
    }
}

impl Fate {
    const ALL: [Self; 3] = [Self::Suspend, Self::Delete, Self::Keep];

    /// By its name.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == name)
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Suspend => "suspend",
            Self::Delete => "delete",
            Self::Keep => "keep",
        }
    }
}

impl Relink {
    const ALL: [Self; 3] = [Self::Always, Self::SoftOnly, Self::Never];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::SoftOnly => "soft-only",
            Self::Never => "never",
        }
    }

    /// Whether a user comes back of whose access this became.
    pub fn revives(self, fate: &str) -> bool {
        match self {
            Self::Always => true,
            Self::SoftOnly => fate != Fate::Delete.name(),
            Self::Never => false,
        }
    }
}

impl Deprovision {
    /// What a part of the policy document makes of the choice; what it does not mention stays as it is.
    pub(super) fn read(&mut self, value: &Value, faults: &mut Vec<Fault>) {
        let Some(fields) = object(value, AT, faults) else { return };
        for (name, value) in fields {
            let text = value.as_str().unwrap_or_default();
            let detail = match name.as_str() {
                "deactivated" => chosen(&mut self.deactivated, text, Fate::ALL, Fate::name),
                "deleted" => chosen(&mut self.deleted, text, Fate::ALL, Fate::name),
                "relink" => chosen(&mut self.relink, text, Relink::ALL, Relink::name),
                "retain" => {
                    let bounds = 0..=limits::RETAIN_SECONDS;
                    match duration_seconds(text).filter(|seconds| bounds.contains(seconds)) {
                        Some(seconds) => {
                            self.retain = seconds;
                            None
                        }
                        None => Some("is not a duration such as P30D, of ten years at most".into()),
                    }
                }
                _ => {
                    faults.push(unknown(AT, name));
                    continue;
                }
            };
            faults.extend(detail.map(|detail: String| Fault::within(AT, name, detail)));
        }
    }

    /// What the document says of it.
    pub(super) fn to_json(self) -> Value {
        json!({
            "deactivated": self.deactivated.name(),
            "deleted": self.deleted.name(),
            "retain": duration(self.retain),
            "relink": self.relink.name(),
        })
    }
}

/// Takes the one of that name, or says which there are.
fn chosen<T: Copy>(
    to: &mut T,
    name: &str,
    all: [T; 3],
    named: fn(T) -> &'static str,
) -> Option<String> {
    match all.into_iter().find(|one| named(*one) == name) {
        Some(one) => {
            *to = one;
            None
        }
        None => Some(format!("is none of {}", all.map(named).join(", "))),
    }
}

const AT: &str = "/deprovision";
