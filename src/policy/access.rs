//! What a user may do, and why: a pure function of what is known of the user and of the policies.

use serde_json::{Map, Value};

use super::condition::Condition;
use super::deprovision::Fate;
use super::granted::Granted;
use super::mapping::{Mapping, MappingMode};
use super::role::Role;
use super::scope_path::ScopePath;
use super::unmapped::{Fallback, Unmapped};

/// The policies that decide on access.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AccessRules {
    /// Who is given what, by the attributes and groups of users.
    pub mappings: Vec<Mapping>,
    /// Which of those that match count.
    pub mode: MappingMode,
    /// What becomes of those whom no mapping matches.
    pub unmapped: Unmapped,
    /// Of which roles only so many may be held.
    pub roles: Vec<Role>,
}

/// What the identity provider that manages a user is to the application.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Standing {
    /// Nobody manages the user.
    Unmanaged,
    /// A connection whose word counts.
    Active,
    /// A connection that has not been activated.
    Pending,
}

/// What is known of a user.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The user's attributes, with `groups`.
    pub user: &'a Map<String, Value>,
    /// Why the user is suspended, if that is so: by hand, or for having stayed away.
    pub suspended: Option<Reason>,
    /// Whether somebody has dissolved the link with the user's connection.
    pub unlinked: bool,
    /// What it means that a user is not active.
    pub deactivated: Fate,
    /// What the user's connection is.
    pub standing: Standing,
    /// The connection that manages the user.
    pub connection: Option<&'a str>,
    /// What that connection asks of those whom it provides with access.
    pub in_scope: Option<&'a Condition>,
    /// The grants that rows hold whatever the mappings say: by hand, or by a trigger once.
    pub standing_grants: &'a [Held],
}

/// A grant, and where it comes from.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Held {
    /// What is granted.
    pub granted: Granted,
    /// Where it comes from: `mapping:m1`, `unmapped`, or by whose hand.
    pub source: String,
}

/// Why something is not granted.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Reason {
    /// Somebody has suspended the user by hand.
    Suspended,
    /// The user has stayed away for too long.
    Stale,
    /// The user is not active.
    Inactive,
    /// The user is not active, which ends all access.
    Deprovisioned,
    /// Somebody has dissolved the link with the user's connection.
    Unlinked,
    /// The user's connection has not been activated.
    ConnectionPending,
    /// The user's connection provides others.
    OutOfScope,
    /// No mapping matches, and the policies take what was granted by hand.
    NoMapping,
    /// So many hold the role that no more may.
    Quota,
    /// What a connection did to the user awaits approval.
    ChangePending,
    /// It was denied it.
    ChangeDenied,
}

/// What holds of a mapping for a user.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Match {
    /// It counts.
    Matched,
    /// It grants once, when something happens.
    Triggered,
    /// It is for the users of another connection.
    OtherConnection,
    /// Its condition does not hold.
    Condition,
    /// One in front of it stops.
    Stopped,
    /// One in front of it counts, and one alone does.
    Outranked,
}

/// What a user comes to.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Access {
    /// What the application must honour, without duplicates, in order.
    pub grants: Vec<Held>,
    /// What would be granted, and why it is not.
    pub withheld: Vec<(Held, Reason)>,
    /// What of that is granted as soon as a quota has a place for it.
    pub waiting: Vec<Held>,
    /// Why there is nothing at all, where something keeps all back.
    pub barred: Option<Reason>,
    /// Why it is what was approved last, where it is.
    pub held: Option<Reason>,
}

/// What an application is told of a user in one word.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Status {
    /// Nothing was ever granted.
    None,
    /// It will be looked at when the connection is activated, or awaits approval.
    Pending,
    /// There is something to honour.
    Granted,
    /// There would be, were the user active.
    Suspended,
    /// What there was has been taken.
    Revoked,
    /// The user has left.
    Deprovisioned,
    /// Whoever told of the user is not listened to any more, and nobody else tells.
    Unknown,
    /// Somebody has decided that there shall be none.
    Denied,
}

impl Mapping {
    /// What it grants, with where that comes from.
    pub fn held(&self) -> impl Iterator<Item = Held> {
        self.grants.iter().map(|granted| Held { granted: granted.clone(), source: self.source() })
    }
}

impl AccessRules {
    /// Whether they can grant anything that is not granted by hand.
    pub fn is_empty(&self) -> bool {
        self.mappings.is_empty() && self.unmapped.roles().next().is_none()
    }

    /// Whether they can make users members of groups.
    pub fn grants_groups(&self) -> bool {
        self.mappings.iter().any(Mapping::grants_groups)
    }

    /// Whether of some role only so many may be held.
    pub fn has_quotas(&self) -> bool {
        self.roles.iter().any(|role| role.max.is_some())
    }

    /// How many may hold a role, if there is a limit.
    pub fn quota_of(&self, name: &str) -> Option<u32> {
        self.roles.iter().find(|role| role.value == name)?.max
    }

    /// What a user may do, roles without end.
    pub fn access(&self, facts: Facts<'_>) -> Access {
        let barred = facts.barred();
        let mapped = self.mapped(facts);
        let mut access = Access { barred, ..Access::default() };
        let (mut wanted, mut kept_back) = (self.fallen_back(facts, &mapped), Vec::new());
        for held in facts.standing_grants {
            // What a trigger has granted is no decision of a person's, and stays.
            let by_hand = !held.source.starts_with("mapping:");
            let scope = held.granted.scope().filter(|_| by_hand);
            if scope.is_some_and(|scope| self.is_revoked(facts, scope, &mapped)) {
                kept_back.push((held.clone(), Reason::NoMapping));
            } else {
                wanted.push(held.clone());
            }
        }
        wanted.extend(mapped);
        wanted.sort();
        wanted.dedup();
        match barred {
            Some(reason) => kept_back.extend(wanted.into_iter().map(|held| (held, reason))),
            None => access.grants = wanted,
        }
        kept_back.sort();
        access.withheld = kept_back;
        access
    }

    /// What each mapping is for a user, those of a higher priority first.
    pub fn matches(&self, facts: Facts<'_>) -> Vec<(&Mapping, Match)> {
        let mut ordered: Vec<&Mapping> = self.mappings.iter().collect();
        ordered.sort_by_key(|mapping| std::cmp::Reverse(mapping.priority));
        let (mut stopped, mut counted) = (false, false);
        let mut judge = |mapping: &Mapping| {
            if mapping.trigger.is_some() {
                return Match::Triggered;
            }
            if !mapping.is_for(facts.connection) {
                return Match::OtherConnection;
            }
            if !mapping.holds(facts.user) {
                return Match::Condition;
            }
            if stopped {
                return Match::Stopped;
            }
            if counted && self.mode == MappingMode::Highest {
                return Match::Outranked;
            }
            stopped = mapping.stop;
            counted = true;
            Match::Matched
        };
        ordered.into_iter().map(|mapping| (mapping, judge(mapping))).collect()
    }

    /// The mappings that grant, once, when something happens to a user.
    pub fn triggered<'s>(
        &'s self,
        trigger: super::mapping::Trigger,
        connection: Option<&'s str>,
        user: &'s Map<String, Value>,
    ) -> impl Iterator<Item = &'s Mapping> {
        self.mappings.iter().filter(move |mapping| {
            mapping.trigger == Some(trigger) && mapping.is_for(connection) && mapping.holds(user)
        })
    }

    fn mapped(&self, facts: Facts<'_>) -> Vec<Held> {
        let matched = self.matches(facts).into_iter().filter(|(_, m)| *m == Match::Matched);
        matched.flat_map(|(mapping, _)| mapping.held()).collect()
    }

    /// Whether what a managed user has by hand in a scope is taken, since no mapping matches there.
    fn is_revoked(&self, facts: Facts<'_>, scope: &ScopePath, mapped: &[Held]) -> bool {
        let (named, fallback) = self.unmapped.of(scope);
        facts.standing != Standing::Unmanaged
            && *fallback == Fallback::Revoke
            && !mapped
                .iter()
                .any(|held| is_mapped_in(named.unwrap_or(scope), held, named.is_some()))
    }

    /// The roles that a managed user is given where no mapping matches.
    fn fallen_back(&self, facts: Facts<'_>, mapped: &[Held]) -> Vec<Held> {
        if facts.standing == Standing::Unmanaged {
            return Vec::new();
        }
        let unmatched = self.unmapped.roles().filter(|(scope, _)| match scope {
            Some(scope) => !mapped.iter().any(|held| is_mapped_in(scope, held, true)),
            None => mapped.iter().all(|held| held.granted.role().is_none()),
        });
        let held = |(scope, role): (Option<&ScopePath>, &str)| Held {
            granted: Granted::Role {
                role: role.to_owned(),
                scope: scope.cloned().unwrap_or_else(ScopePath::company),
            },
            source: "unmapped".to_owned(),
        };
        unmatched.map(held).collect()
    }
}

/// Whether what a mapping grants is in a scope: below one that was named; else above it. A group is in
/// none.
fn is_mapped_in(scope: &ScopePath, held: &Held, is_named: bool) -> bool {
    let covers =
        |other: &ScopePath| if is_named { scope.covers(other) } else { other.covers(scope) };
    held.granted.scope().is_some_and(covers)
}

impl Mapping {
    /// Whether it is for the users of a connection.
    fn is_for(&self, connection: Option<&str>) -> bool {
        self.connection.is_none() || self.connection.as_deref() == connection
    }

    /// Whether its condition holds of a user.
    fn holds(&self, user: &Map<String, Value>) -> bool {
        self.condition.as_ref().is_none_or(|condition| condition.holds(user))
    }
}

impl Facts<'_> {
    /// What keeps all back, if something does, in the order in which it is looked for.
    fn barred(&self) -> Option<Reason> {
        let is_inactive = self.user.get("active") == Some(&Value::Bool(false));
        let is_out = || self.in_scope.is_some_and(|condition| !condition.holds(self.user));
        if self.suspended.is_some() {
            self.suspended
        } else if is_inactive && self.deactivated != Fate::Keep {
            let ends = self.deactivated == Fate::Delete;
            Some(if ends { Reason::Deprovisioned } else { Reason::Inactive })
        } else if self.unlinked {
            Some(Reason::Unlinked)
        } else if self.standing == Standing::Pending {
            Some(Reason::ConnectionPending)
        } else if is_out() {
            Some(Reason::OutOfScope)
        } else {
            None
        }
    }
}

impl Access {
    /// The names of the groups of which the user is to be a member.
    pub fn groups(&self) -> impl Iterator<Item = &str> {
        self.grants.iter().filter_map(|held| held.granted.group())
    }

    /// The status.
    pub fn status(&self) -> Status {
        match self.barred {
            None if !self.grants.is_empty() => Status::Granted,
            None if self.held == Some(Reason::ChangePending) => Status::Pending,
            None if self.held.is_some() => Status::Denied,
            None if !self.withheld.is_empty() => Status::Revoked,
            None => Status::None,
            Some(Reason::Unlinked) => Status::Unknown,
            Some(Reason::ConnectionPending) => Status::Pending,
            Some(Reason::Suspended | Reason::Stale) => Status::Suspended,
            Some(Reason::Deprovisioned) => Status::Deprovisioned,
            Some(Reason::Inactive) if !self.withheld.is_empty() => Status::Suspended,
            Some(_) => Status::Revoked,
        }
    }
}

impl Status {
    /// As the API has it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Pending => "pending",
            Self::Granted => "granted",
            Self::Suspended => "suspended",
            Self::Revoked => "revoked",
            Self::Deprovisioned => "deprovisioned",
            Self::Unknown => "unknown",
            Self::Denied => "denied",
        }
    }
}

impl Reason {
    /// As the API has it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Suspended => "suspended",
            Self::Stale => "stale",
            Self::Inactive => "inactive",
            Self::Deprovisioned => "deprovisioned",
            Self::Unlinked => "unlinked",
            Self::ConnectionPending => "connection_pending",
            Self::OutOfScope => "out_of_scope",
            Self::NoMapping => "no_mapping",
            Self::Quota => "quota",
            Self::ChangePending => "change_pending",
            Self::ChangeDenied => "change_denied",
        }
    }
}

impl Match {
    /// As the API has it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Matched => "matched",
            Self::Triggered => "triggered",
            Self::OtherConnection => "other_connection",
            Self::Condition => "condition",
            Self::Stopped => "stopped",
            Self::Outranked => "outranked",
        }
    }
}
