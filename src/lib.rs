//! Muster: multi-tenant user provisioning at the edge.
//!
//! One Cloudflare Worker. Identity providers push users and groups to a SCIM 2.0 endpoint per
//! tenant; each tenant is one SQLite-backed Durable Object.
//!
//! # The way of a request
//!
//! ```text
//! edge::fetch           the Worker: URL, route, key, the tenant's record in KV
//!   edge::tenant_object the tenant's object: the clock, randomness, its database
//!     tenant::Tenant    one transaction, synchronous from here down
//!       scim            reads and writes the protocol: pure
//!       store           reads and writes rows
//! ```
//!
//! # The modules, in reading order
//!
//! Each uses only those above it; a test holds them to it.
//!
//! | Module | What it knows |
//! |---|---|
//! | [`limits`] | every bound |
//! | [`scim`] | RFC 7643 and RFC 7644 as values and functions |
//! | [`registry`] | tenants as KV holds them |
//! | [`auth`] | API keys, scopes, the deployment's own token |
//! | [`event`] | what a recorded fact is |
//! | [`policy`] | what a tenant has decided for itself |
//! | [`store`] | a tenant's rows |
//! | [`http`] | what a URL means, who may ask for it, what an answer is |
//! | [`tenant`] | what a tenant does |
//! | `edge` | Workers: the only module that waits, tells the time or draws lots |
//!
//! # What holds
//!
//! 1. Only `edge` knows that Workers exists; it is compiled for wasm32 alone.
//! 2. [`scim`] does not know that there are tenants. A rule that differs by client arrives as a
//!    [`scim::compat::Compat`].
//! 3. A tenant's data is reachable only from that tenant's object; nothing stored there names it.
//! 4. A filter that parsed and was bound can be evaluated: the answer is a `bool`.
//! 5. An index, and SQL that looks at documents, may find too many resources for a filter, never too
//!    few; evaluation has the last word.
//! 6. A request is one transaction: it commits whole or leaves nothing. Each operation of a Bulk
//!    request is a savepoint in it. Two things are kept of what was refused, in a transaction of their
//!    own: what a guard has refused, and whom a POST may mean that is refused since there is such a
//!    user.
//! 7. A recorded fact has one event; a request that changes nothing writes no row, keeps the
//!    version and appends none.
//! 8. KV decides that a tenant exists, its status and its jurisdiction; the object all else.
//! 9. A URL is parsed from its raw path; what does not parse is 404, never normalised.
//!
//! # Glossary
//!
//! - *tenant*: the unit of isolation; a company that buys from the one that runs Muster.
//! - *connection*: one identity provider of a tenant, with its preset.
//! - *preset*: the *rules* for one kind of client: what it is forgiven, and what is asked of it. A
//!   connection may replace single rules.
//! - *key*: a scoped, expiring bearer credential of a tenant, perhaps of a connection.
//! - *secret*: what the OAuth client of a connection authenticates with, in exchange for *tokens* of an
//!   hour. *Trust*: an issuer and a subject whose assertions take a secret's place.
//! - *resource*: a SCIM user or group. *Member*: a user or group in a group.
//! - *document*: a resource as it is stored. *Position*: where it stands in its type's order.
//! - *origin*: by whose word a row is there: `admin`, `scim:{connection}`, or `mapping` for a member of a
//!   group that a mapping grants.
//! - *manager*: the connection whose keys change a resource, if there is one; a connection *takes up*
//!   what nobody manages.
//! - *match*: a proposal that a user who is nobody's is whom a connection means; *link* and *unlink*: what
//!   makes a user a connection's by hand, and parts the two.
//! - *change*: what a connection did to a user that awaits approval or was denied it, and is *held* so
//!   long: the user's access stays what was approved last. Who is deleted so, or unlinked, is *hidden*
//!   from it.
//! - *asynchronous request*: one that is answered later, and worked off by alarms in *parts*; its *txn* is the
//!   id of its transaction, as RFC 9967 has it.
//! - *cursor*: where a walk through a list stands, as its client carries it (RFC 9865).
//! - *event*: a recorded fact. *Feed*: all of them, in order. *Follower*: who goes through it, event by
//!   event, and has a place in it. *Snapshot*: all there is, as of a place in the feed.
//! - *log*: the rows of the feed. *Chain*: the hashes over it, one in each row. *Anchor*: the place behind
//!   which it begins, once older events are forgotten. Of a person who is to be forgotten, events are
//!   *erased*.
//! - *stream*: a follower outside, who is handed events over. *Delivery*: of one event to one stream; a
//!   *step* of a stream is some of them.
//! - *copy*: what KV holds of a user or group for the edge. *Directory*: all copies of a tenant.
//! - *operation* is an entry of a PATCH or a Bulk request only, *path* and *filter* are SCIM's, a URL's path is a
//!   *route*, SQL has *tables* and *migrations* and no schema.

mod gather;
pub mod limits;
pub mod scim;

pub mod registry;

pub mod auth;
pub mod event;
pub mod policy;

pub mod store;

pub mod http;

pub mod tenant;

#[cfg(target_arch = "wasm32")]
pub mod edge;
