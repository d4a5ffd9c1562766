//! What a tenant's object keeps in memory while it is awake.
//!
//! All of it can be read again from the rows, and is whenever a request fails half-way.

mod checkpoint;

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use uuid::Uuid;

pub(super) use self::checkpoint::Checkpoint;
use super::access::Dirty;
use super::adopt::Adopt;
use super::async_requests::Later;
pub(super) use super::bookmarks::{Bookmarks, OrderBookmarks};
use super::changes::{Brakes, Refused, is_under_way};
use super::connections::Options;
use super::copies::Directory;
use super::hidden::Hidden;
use super::log::Log;
use super::matches::Matches;
use super::ring::Noted;
use super::stale::Sightings;
use super::streams::{self, Delivery, Poll, Streams};
use super::tombstones::Tombstones;
use super::{stored_policy, sweep};
use crate::auth::JtiDigest;
use crate::event::Event;
use crate::gather::Gather as _;
use crate::policy::{Condition, Policy};
use crate::scim::compat::{Compat, Preset};
use crate::scim::schema::{GROUP, Registry};
use crate::store::connections::{self, ConnectionRow};
use crate::store::departures::{self, DepartureRow};
use crate::store::events::EventRow;
use crate::store::grants;
use crate::store::keys::{self, KeyRow};
use crate::store::recomputation::{self, RecomputationRow};
use crate::store::resources::{self, TypeCount};
use crate::store::secrets::{self, SecretRow};
use crate::store::trusts::{self, TrustRow};
use crate::store::{Sql, StoreError, changes, dangling, drifts, members, transfer};

/// The state.
#[derive(Debug)]
pub(super) struct Memory {
    /// How many resources of each type there are.
    pub(super) counts: BTreeMap<u8, TypeCount>,
    /// The greatest id given.
    pub(super) last_id: u128,
    /// The last event's place.
    pub(super) last_seq: i64,
    /// What else is known of the log.
    pub(super) log: Log,
    /// The keys that have not been revoked.
    pub(super) keys: BTreeMap<String, KeyRow>,
    /// The secrets of OAuth clients that have not been revoked.
    pub(super) secrets: BTreeMap<String, SecretRow>,
    /// The issuers and subjects that connections trust.
    pub(super) trusts: BTreeMap<String, TrustRow>,
    /// The connections.
    pub(super) connections: BTreeMap<String, Connection>,
    /// The policies.
    pub(super) policy: Policy,
    /// The schemas and types that follow from them.
    pub(super) registry: Arc<Registry>,
    /// Whether some group is a member of another.
    pub(super) nested_groups: bool,
    /// Whether some group may have a member that no resource is.
    pub(super) dangling: bool,
    /// Whether an alarm is wanted: membership rows of deleted resources are still to be removed, a
    /// connection is leaving, or something was decided about many users.
    pub(super) sweeping: bool,
    /// Whether anybody has been granted anything.
    pub(super) any_grants: bool,
    /// Whether some user is not what the connection that manages it has said.
    pub(super) any_drift: bool,
    /// Whether anybody has been granted a group, or is a member of one by a mapping.
    pub(super) any_joined: bool,
    /// Whether anything awaits approval, or was denied it.
    pub(super) any_changes: bool,
    /// Whether anything was taken from another tenant's export.
    pub(super) any_moved: bool,
    /// How many users' access connections have ended of late.
    pub(super) brakes: Brakes,
    /// What a guard has refused of the running request.
    pub(super) refused: Option<Refused>,
    /// How far the access of all users is computed anew, where it is.
    pub(super) recomputation: Option<RecomputationRow>,
    /// Whose access the running request may have changed.
    pub(super) dirty: Dirty,
    /// What is known of users who were deleted.
    pub(super) tombstones: Tombstones,
    /// What is known of when users were seen.
    pub(super) sightings: Sightings,
    /// Whom connections do not see.
    pub(super) hidden: Hidden,
    /// For whom connections may mean users who are nobody's.
    pub(super) matches: Matches,
    /// What is known of copies for the edge, if there are any.
    pub(super) directory: Option<Directory>,
    /// Who is told of events.
    pub(super) streams: Streams,
    /// What the running request has sent before it is answered.
    pub(super) outgoing: Option<Delivery>,
    /// What is known of requests that are answered later.
    pub(super) later: Later,
    /// What a poll is answered, once it is signed.
    pub(super) polled: Option<Poll>,
    /// Where pages ended.
    pub(super) bookmarks: Bookmarks,
    /// Where pages in an order of values ended.
    pub(super) order_bookmarks: OrderBookmarks,
    /// Whether rows have changed of which this says nothing, so that it is read from them again.
    pub(super) stale: bool,
    /// What the running request has noted about itself.
    pub(super) noted: Noted,
    /// Whether the running request has changed any of this.
    pub(super) touched: bool,
}

/// A connection, with the rules that it comes to.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) row: ConnectionRow,
    /// None where a later version has written a preset or a rule that this one does not know.
    pub(super) rules: Option<Rules>,
    /// Which of its users it provides with access, if not all.
    pub(super) in_scope: Option<Condition>,
    /// How far it has come, where it is leaving.
    pub(super) departure: Option<DepartureRow>,
}

/// What the keys of a connection are forgiven, and may take up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    pub(super) compat: Compat,
    pub(super) adopt: Adopt,
    pub(super) options: Options,
}

impl Connection {
    pub(super) fn new(row: ConnectionRow) -> Self {
        let preset = Preset::of(&row.preset);
        let compat = preset.and_then(|preset| preset.compat.with(&row.compat).ok());
        let (adopt, options) = (Adopt::of(&row.adopt), Options::read(&row.options).ok());
        let rules = compat.zip(adopt).zip(options);
        let rules = rules.map(|((compat, adopt), options)| Rules { compat, adopt, options });
        Self { row, rules, in_scope: None, departure: None }
    }
}

/// By whom, by which connection and when a fact came to be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Author<'a> {
    pub(super) actor: &'a str,
    pub(super) connection: Option<&'a str>,
    pub(super) now: DateTime<Utc>,
}

impl Author<'_> {
    /// Nobody: what happens by itself.
    pub(super) const fn system(now: DateTime<Utc>) -> Self {
        Self { actor: "system", connection: None, now }
    }
}

/// What makes a key or a token one of this tenant, and live.
pub(super) struct Credential<'m> {
    pub(super) jti: JtiDigest,
    pub(super) connection: Option<&'m str>,
    pub(super) expires: i64,
}

impl Memory {
    /// Reads the state from the rows.
    pub(super) fn load(sql: &dyn Sql) -> Result<Self, StoreError> {
        let policy = stored_policy::load(sql)?;
        let registry = match policy.version {
            0 => Arc::clone(Registry::builtin()),
            _ => Arc::new(policy.registry()),
        };
        let last_id = resources::last_id(sql)?;
        let last_id = last_id.and_then(|id| Uuid::parse_str(&id).ok()).map_or(0, |id| id.as_u128());
        let mut connections: BTreeMap<String, Connection> = connections::all(sql)?
            .into_iter()
            .map(|row| (row.id.clone(), Connection::new(row)))
            .gathered();
        let departures = departures::all(sql)?;
        let leaving = departures.iter().any(|departure| departure.stopped.is_none());
        for departure in departures {
            if let Some(connection) = connections.get_mut(&departure.connection) {
                connection.departure = Some(departure);
            }
        }
        let recomputation = recomputation::read(sql)?;
        let sightings = Sightings::load(sql, &policy)?;
        let (last_seq, log) = Log::load(sql, &policy)?;
        let mut memory = Self {
            counts: resources::counts(sql)?.into_iter().gathered(),
            last_id,
            last_seq,
            log,
            keys: keys::all(sql)?.into_iter().map(|key| (key.id.clone(), key)).gathered(),
            secrets: secrets::all(sql)?.into_iter().map(|row| (row.id.clone(), row)).gathered(),
            trusts: trusts::all(sql)?.into_iter().map(|row| (row.id.clone(), row)).gathered(),
            connections,
            policy,
            registry,
            nested_groups: members::any_nested(sql, GROUP)?,
            dangling: dangling::any(sql)?,
            sweeping: leaving || recomputation.is_some() || sweep::is_left(sql)?,
            any_grants: grants::any(sql)?,
            any_drift: drifts::any(sql)?,
            any_joined: grants::any_of_groups(sql)? || members::any_by_mapping(sql)?,
            any_changes: changes::any(sql)?,
            any_moved: transfer::any_moved(sql)?,
            brakes: super::changes::brakes(sql)?,
            refused: None,
            recomputation,
            dirty: Dirty::default(),
            tombstones: Tombstones::load(sql)?,
            sightings,
            hidden: Hidden::load(sql)?,
            matches: Matches::load(sql)?,
            directory: Directory::load(sql)?,
            streams: streams::load(sql)?,
            outgoing: None,
            later: Later::load(sql)?,
            polled: None,
            bookmarks: Bookmarks::default(),
            order_bookmarks: OrderBookmarks::default(),
            stale: false,
            noted: Noted::default(),
            touched: false,
        };
        memory.bind_scopes()?;
        Ok(memory)
    }

    /// Forgets what it knows of the request before.
    pub(super) fn begin(&mut self) {
        self.touched = false;
        self.matches.forget_noted();
        self.dirty = Dirty::default();
        self.refused = None;
        self.outgoing = None;
        self.polled = None;
    }

    /// Whether anybody may have access at all, so that it is worth a look.
    pub(super) fn decides_on_access(&self) -> bool {
        self.any_grants || self.any_joined || !self.policy.access.is_empty()
    }

    /// The first connection that is leaving, is not stopped and waits for no decision.
    pub(super) fn departure(&self) -> Option<&DepartureRow> {
        self.departures().find(|departure| {
            departure.stopped.is_none() && !self.decides_on(&departure.connection)
        })
    }

    /// The connections that are leaving.
    pub(super) fn departures(&self) -> impl Iterator<Item = &DepartureRow> {
        self.connections.values().filter_map(|connection| connection.departure.as_ref())
    }

    /// Whether somebody has decided about what a brake holds, and that is being carried out.
    pub(super) fn is_deciding(&self) -> bool {
        self.brakes.values().any(is_under_way)
    }

    /// Whether that is about what a connection does.
    pub(super) fn decides_on(&self, connection: &str) -> bool {
        self.brakes.get(connection).is_some_and(is_under_way)
    }

    /// Appends an event.
    pub(super) fn record(
        &mut self,
        sql: &dyn Sql,
        event: &Event,
        author: Author<'_>,
    ) -> Result<(), StoreError> {
        let row = EventRow {
            seq: self.last_seq.saturating_add(1),
            time: author.now.timestamp_millis(),
            kind: event.kind.name().into_owned(),
            data: event.data(author.actor, author.connection),
        };
        self.log.append(sql, &row)?;
        self.touched = true;
        self.last_seq = row.seq;
        Ok(())
    }

    /// Notes the uses of keys in the rows in memory, once those of the database tell them.
    pub(super) fn note_used(&mut self, uses: &BTreeMap<String, i64>) {
        for (id, used) in uses {
            if let Some(key) = self.keys.get_mut(id) {
                key.used = Some(*used);
            } else if let Some(secret) = self.secrets.get_mut(id) {
                secret.used = Some(*used);
            } else if let Some(trust) = self.trusts.get_mut(id) {
                trust.used = Some(*used);
            }
        }
    }

    /// What a key, or a token, rests on: the row that its subject names.
    pub(super) fn credential(&self, id: &str) -> Option<Credential<'_>> {
        let key = self.keys.get(id).map(|row| Credential {
            jti: JtiDigest::stored(&row.jti),
            connection: row.connection.as_deref(),
            expires: row.expires,
        });
        let secret = || {
            self.secrets.get(id).map(|row| Credential {
                jti: JtiDigest::of(&row.jti),
                connection: Some(&row.connection),
                expires: row.expires,
            })
        };
        let trust = || {
            self.trusts.get(id).map(|row| Credential {
                jti: JtiDigest::of(&row.jti),
                connection: Some(&row.connection),
                expires: i64::MAX,
            })
        };
        key.or_else(secret).or_else(trust)
    }

    /// The count of a type.
    pub(super) fn count(&self, type_number: u8) -> TypeCount {
        self.counts.get(&type_number).copied().unwrap_or_default()
    }

    /// Sets the count of a type.
    pub(super) fn set_count(&mut self, type_number: u8, count: TypeCount) {
        self.touched = true;
        self.counts.insert(type_number, count);
    }
}
