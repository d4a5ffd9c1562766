//! What connections do that awaits somebody's approval, and what becomes of that when they do more.

use serde_json::{Map, Value};

use super::reading::{object, unknown};
use crate::limits;
use crate::scim::schema::Fault;

/// What a connection does to a user.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Action {
    /// It makes one.
    Create,
    /// It deletes one.
    Delete,
    /// It says that one is not active any more.
    Deactivate,
    /// It says that one is active again.
    Reactivate,
    /// It says anything else of one, that one is in a group among it.
    Update,
}

/// Some actions.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Actions(u8);

/// The actions on a user that await approval, or were denied it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Hold {
    /// Which those are; none where nothing is held.
    pub actions: Actions,
    /// Whether they were denied it.
    pub rejected: bool,
}

/// How many users' access a connection may end before the rest awaits approval.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Brake {
    /// More than this share of the users that it manages, in hundredths.
    pub percent: u32,
    /// And more than this number.
    pub min: u32,
}

impl Action {
    /// All of them, those that say most of a user first.
    pub const ALL: [Self; 5] =
        [Self::Create, Self::Delete, Self::Deactivate, Self::Reactivate, Self::Update];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Delete => "delete",
            Self::Deactivate => "deactivate",
            Self::Reactivate => "reactivate",
            Self::Update => "update",
        }
    }

    /// The action of a name.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.name() == name)
    }

    const fn bit(self) -> u8 {
        match self {
            Self::Create => 1,
            Self::Delete => 2,
            Self::Deactivate => 4,
            Self::Reactivate => 8,
            Self::Update => 16,
        }
    }

    const fn opposite(self) -> Option<Self> {
        match self {
            Self::Deactivate => Some(Self::Reactivate),
            Self::Reactivate => Some(Self::Deactivate),
            _ => None,
        }
    }
}

impl Actions {
    /// As a row has them.
    pub const fn stored(bits: u8) -> Self {
        Self(bits)
    }

    /// What a row has of them.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Whether one is among them.
    pub const fn has(self, action: Action) -> bool {
        self.0 & action.bit() != 0
    }

    /// These and one more.
    #[must_use]
    pub const fn with(self, action: Action) -> Self {
        Self(self.0 | action.bit())
    }

    /// These but one.
    #[must_use]
    pub const fn without(self, action: Action) -> Self {
        Self(self.0 & !action.bit())
    }

    /// The one that says most of the user, if there is any.
    pub fn first(self) -> Option<Action> {
        Action::ALL.into_iter().find(|action| self.has(*action))
    }

    /// Reads which of them await approval: what a document does not mention stays as it is.
    pub(super) fn read(&mut self, value: &Value, faults: &mut Vec<Fault>) {
        let Some(fields) = object(value, REVIEW, faults) else { return };
        for (name, value) in fields {
            match (Action::of(name), value.as_str()) {
                (None, _) => faults.push(unknown(REVIEW, name)),
                (Some(action), Some("auto")) => *self = self.without(action),
                (Some(action), Some("manual")) => *self = self.with(action),
                (Some(_), _) => {
                    faults.push(Fault::within(REVIEW, name, "is neither auto nor manual"));
                }
            }
        }
    }

    /// What the document says of them.
    pub(super) fn to_json(self) -> Value {
        let said = |action: Action| if self.has(action) { "manual" } else { "auto" };
        let fields = Action::ALL.into_iter().map(|one| (one.name().to_owned(), said(one).into()));
        Value::Object(fields.collect::<Map<String, Value>>())
    }
}

impl Hold {
    /// What is held behind one more action; `is_held` where that awaits approval by itself.
    ///
    /// Nobody approves more of a user than that it be there at all, and what is undone needs no
    /// approval. What was denied it awaits it again once there is more of it, and is over once it
    /// comes again and needs none.
    #[must_use]
    pub fn then(self, action: Action, is_held: bool) -> Self {
        let Self { actions, rejected } = self;
        if actions.has(Action::Create) {
            return self;
        }
        match action.opposite().filter(|opposite| actions.has(*opposite)) {
            Some(opposite) => Self { actions: actions.without(opposite), rejected },
            None if is_held => Self { actions: actions.with(action), rejected: false },
            None if rejected => Self { actions: actions.without(action), rejected },
            None => self,
        }
    }
}

impl Brake {
    /// Reads what a document says of it; `null` is none.
    ///
    /// # Errors
    /// Every fault with its place.
    pub(super) fn read(value: &Value) -> Result<Option<Self>, Vec<Fault>> {
        let fields = match value {
            Value::Null => return Ok(None),
            Value::Object(fields) => fields,
            _ => return Err(vec![Fault::new(BRAKE, "is not an object or null")]),
        };
        let (mut faults, mut brake) = (Vec::new(), Self { percent: 0, min: 0 });
        for (name, value) in fields {
            let (number, most, detail) = match name.as_str() {
                "percent" => (&mut brake.percent, 100, "is not 1 to 100"),
                "min" => (&mut brake.min, limits::BRAKE_MIN, "is not 0 to 1000000"),
                _ => {
                    faults.push(unknown(BRAKE, name));
                    continue;
                }
            };
            let read = value.as_u64().and_then(|value| u32::try_from(value).ok());
            match read.filter(|value| *value <= most) {
                Some(value) => *number = value,
                None => faults.push(Fault::within(BRAKE, name, detail)),
            }
        }
        if faults.is_empty() && brake.percent == 0 {
            faults.push(Fault::within(BRAKE, "percent", "is not 1 to 100"));
        }
        if faults.is_empty() { Ok(Some(brake)) } else { Err(faults) }
    }

    /// What the document says of it.
    pub(super) fn to_json(brake: Option<Self>) -> Value {
        brake.map_or(
            Value::Null,
            |Self { percent, min }| serde_json::json!({ "percent": percent, "min": min }),
        )
    }

    /// Whether so many users are too many of those that a connection manages.
    pub fn stops(self, users: i64, managed: i64) -> bool {
        let share = managed.saturating_mul(self.percent.into());
        users > i64::from(self.min) && users.saturating_mul(100) > share
    }
}

const REVIEW: &str = "/review";
const BRAKE: &str = "/massChangeBrake";
