//! Bounds of the log, of its feed, and of those who follow it.

/// Seconds for which a request for events waits at most; a larger `wait` is lowered.
pub const POLL_SECONDS: i64 = 25;
/// Requests of a tenant that wait for events; above it the answer is 429.
pub const WAITING_POLLS: usize = 100;
/// Resources on a page of a snapshot at most, each user with its access, which takes some statements.
pub const SNAPSHOT_RESOURCES: usize = 500;
/// Events at which one page of the feed looks, when only those of one type are asked for; and one alarm,
/// when it removes what the log tells of people.
pub const EVENTS_SCANNED: i64 = 10_000;
/// How long events are kept at least, where a tenant says for how long: a week, so that who follows them
/// may stay away for some days.
pub const RETAIN_EVENTS_SECONDS_LEAST: i64 = 7 * 86_400;
/// For how long more they are kept for those who follow the log and have fallen behind: 30 days.
pub const FOLLOWER_GRACE_MILLISECONDS: i64 = 30 * 86_400_000;
/// Events that one alarm forgets.
pub const PRUNED_EVENTS: usize = 2_000;
/// People of whom one pass over the log removes what it tells.
pub const ERASED_AT_ONCE: usize = 500;
/// Events from which one alarm removes that.
pub const ERASED_EVENTS: usize = 500;
/// Bytes of the values before a change that its event tells; those that are too large are left out.
pub const PREVIOUS_BYTES: usize = 64 * 1024;

/// Streams of a tenant; above it the answer is 409.
pub const STREAMS_PER_TENANT: usize = 20;
/// Types, or families of them, that a stream takes; more are 422.
pub const STREAM_TYPES: usize = 50;
/// Events of which one step of a stream tells.
pub const BATCH_EVENTS: usize = 100;
/// Events that one alarm begins to tell of, about; of 1,000 requests the runtime permits no more.
pub const ALARM_EVENTS: usize = 800;
/// Events at which one step of a stream looks for those of its types.
pub const BATCH_SCANNED: usize = 500;
/// Events that a stream hands over at once.
pub const DELIVERIES_AT_ONCE: usize = 4;
/// How long after a step of a stream has begun it begins to hand over events; the rest is the next one's.
pub const BATCH_MILLISECONDS: i64 = 30_000;
/// How long a step of a stream may take until it is taken for lost: that, an answer's time, and some.
pub const BATCH_LOST_MILLISECONDS: i64 = 60_000;
/// How long after a step of a stream has begun the next one does: what happens meanwhile goes together.
pub const BATCH_PAUSE_MILLISECONDS: i64 = 1_000;
/// How long streams of a suspended tenant wait until it is looked whether it still is.
pub const SUSPENDED_MILLISECONDS: i64 = 300_000;
/// Events of a stream that are tried again, or held behind such; with so many, new ones wait.
pub const DELIVERIES_UNFINISHED: usize = 500;
/// Bytes of the ids that these are about; with so many, new ones wait, too. Who wakes reads them all.
pub const DELIVERIES_UNFINISHED_BYTES: usize = 512 * 1024;
/// Events of a stream of which it is remembered that they had failed at first; those that went well later
/// are forgotten first.
pub const DELIVERIES_KEPT: usize = 1_000;
/// How often a stream's types may be others until what was before that is unknown.
pub const FORMER_TYPES: usize = 10;
/// Steps of a stream of which it is remembered when they were done.
pub const ACKNOWLEDGEMENTS: usize = 100;
/// Events that a stream passes over until its place is written; who wakes reads them again.
pub const PASSED_OVER: i64 = 1_000;
/// How long a receiver can put off the next attempt: a day.
pub const RETRY_AFTER_SECONDS: i64 = 86_400;
/// How long nothing may reach a receiver until its stream is disabled: five days.
pub const FAILING_MILLISECONDS: i64 = 5 * 86_400_000;
/// Bytes of a receiver's answer that are read, and kept.
pub const ANSWER_BYTES: usize = 2 * 1024;
/// Characters of what a stream is authorized with, and of an audience; more are 422.
pub const SET_CHARACTERS: usize = 2_000;
/// For how long who has read a tenant's public keys may keep them.
pub const KEY_SET_SECONDS: u32 = 300;
/// Tokens that one poll answers; a larger `maxEvents` is lowered.
pub const POLLED_SETS: usize = 100;
