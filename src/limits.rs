//! Every bound of the product, its unit last in its name.
//!
//! Exceeding one is a specified answer: 413 for bytes, `tooMany` for counts, `invalidFilter` or
//! `invalidPath` for the small languages. Nothing here depends on a tenant.

mod feed;

pub use feed::*;

/// Bytes of a request body; above it the answer is 413 before the object is woken.
pub const BODY_BYTES: usize = 4 * 1024 * 1024;
/// Bytes of a body in chunks that are read and dropped when it is too long, so that whoever sends it hears
/// the answer; what is longer still is broken off.
pub const BODY_BYTES_DROPPED: usize = 16 * 1024 * 1024;
/// Bytes of one resource as stored; above it the answer is 413. A row holds at most 2 MB.
pub const RESOURCE_BYTES: usize = 1024 * 1024;
/// Bytes of a URL with its query; above it the answer is 414.
pub const URL_BYTES: usize = 16 * 1024;

/// Bytes of a filter; above it the answer is 400 `invalidFilter`.
pub const FILTER_BYTES: usize = 4 * 1024;
/// Comparisons in a filter; a Durable Object's SQL allows 100 bound values.
pub const FILTER_COMPARISONS: usize = 64;
/// Nesting of parentheses, `not` and brackets in a filter; bounds the parser's recursion.
pub const FILTER_DEPTH: usize = 16;
/// Bytes of an attribute path in a PATCH operation or a projection; above it 400 `invalidPath`.
pub const PATH_BYTES: usize = 4 * 1024;

/// Operations in one PATCH; above it the answer is 400 `tooMany`.
pub const PATCH_OPERATIONS: usize = 1_000;
/// Operations in one Bulk request; above it the answer is 413.
pub const BULK_OPERATIONS: usize = 1_000;
/// Bytes of a Bulk request that is answered later; above it the answer is 413. Each operation has at most
/// [`BODY_BYTES`], as the request for it alone.
pub const ASYNC_BODY_BYTES: usize = 16 * 1024 * 1024;
/// Operations in one Bulk request that is answered later; above it the answer is 413. Those that refer to
/// each other in a circle are at most [`BULK_OPERATIONS`], since they are done together.
pub const ASYNC_BULK_OPERATIONS: usize = 10_000;
/// Requests of a tenant that are still to be answered later; above it another is 429.
pub const ASYNC_REQUESTS: usize = 10;
/// Operations of such a request that one alarm does.
pub const ASYNC_STEP_OPERATIONS: usize = 100;
/// Bytes of them, unless one has more by itself.
pub const ASYNC_STEP_BYTES: usize = 512 * 1024;
/// Bytes of such a request, or of its result, in one row, which holds at most 2 MB.
pub const ASYNC_PIECE_BYTES: usize = 1024 * 1024;
/// Attempts at a step that fails within the service; then the request ends with 500.
pub const ASYNC_ATTEMPTS: i64 = 5;
/// How long a result is kept.
pub const ASYNC_RESULT_SECONDS: i64 = 86_400;
/// Results of a tenant that are kept, the last.
pub const ASYNC_RESULTS: usize = 100;
/// Values of one multi-valued attribute; above it the answer is 400 `tooMany`.
pub const VALUES_PER_ATTRIBUTE: usize = 1_000;
/// Members named in one request, or in one operation of a Bulk request; above it the answer is 400
/// `tooMany`.
pub const MEMBERS_PER_REQUEST: usize = 10_000;
/// Bytes of a member's `value` and of its `display`; above it the answer is 400 `invalidValue`.
pub const MEMBER_BYTES: usize = 1024;

/// Resources on a page when the client does not say.
pub const PAGE_RESOURCES_DEFAULT: usize = 100;
/// Resources on a page at most; a larger `count` is lowered.
pub const PAGE_RESOURCES: usize = 1_000;
/// Bytes of a page; a page is cut before it and `itemsPerPage` tells. A value holds at most 2 MB.
pub const PAGE_BYTES: usize = 1_500_000;
/// Bytes that one request evaluates: those of the documents looked at, times the comparisons made of
/// each; above it the answer is 400 `tooMany`. So many take about a second.
pub const EVALUATED_BYTES: usize = 500_000_000;
/// Documents that SQL looks at for a filter that no index serves; above it 400 `tooMany`. So many
/// take about a second.
pub const PREFILTER_DOCUMENTS: usize = 250_000;
/// Documents that one statement looks at in this way.
pub const PREFILTER_STEP: usize = 1_000;
/// Documents evaluated one by one for a filter, where no index finds its matches, nor SQL tells
/// fewer that may match; above it 400 `tooMany`.
pub const SCAN_CANDIDATES: usize = 20_000;
/// Bytes of the texts by which a list is sorted, all together in memory; above it 400 `tooMany`, as
/// for more than [`SCAN_CANDIDATES`] resources to sort.
pub const SORT_BYTES: usize = 16 * 1024 * 1024;
/// Documents read by one statement of such a scan.
pub const SCAN_STEP: usize = 500;
/// Resources read by one statement at given positions, a parameter each; a Durable Object's SQL
/// allows 100.
pub const POSITIONS_STEP: usize = 96;
/// Members or groups read by one statement when they are shown.
pub const MEMBERS_STEP: usize = 2_000;
/// Bytes of a value by which a resource is found, when it is folded; above it 400 `invalidValue`.
pub const LOOKUP_BYTES: usize = 4 * 1024;
/// Values by which a resource is found that one statement writes, three parameters each; a Durable
/// Object's SQL allows 100.
pub const LOOKUPS_STEP: usize = 33;
/// Members of a group that are shown, or replaced as a whole, at most; above it the answer is 400
/// `tooMany`, and `excludedAttributes=members` shows the rest of the group.
pub const MEMBERS_SHOWN: i64 = 100_000;
/// Members of all groups at which a filter on members looks; above it the answer is 400 `tooMany`.
pub const MEMBERS_SCANNED: i64 = 200_000;
/// Members of a group up to which a PATCH answers with the group; above, it answers 204.
pub const PATCH_SHOWN_MEMBERS: i64 = 100;
/// Members of groups that a resource becomes when it appears under the name by which they were sent;
/// above it the answer is 400 `tooMany`.
pub const BOUND_MEMBERS: usize = 10_000;
/// Members listed in one event; a larger change appends several.
pub const MEMBERS_PER_EVENT: usize = 1_000;
/// Membership rows of a deleted group that one alarm removes.
pub const SWEEP_ROWS: usize = 2_000;
/// Groups from which one alarm removes a deleted resource.
pub const SWEEP_GROUPS: usize = 200;
/// Resources from which a connection that is leaving parts in one step; the first is the request's
/// that deletes it, each further one is an alarm's.
pub const DEPARTURE_RESOURCES: usize = 500;
/// Resources at which such a step looks for those that the connection manages.
pub const DEPARTURE_SCAN: usize = 20_000;
/// How long it is remembered that a user was deleted, when the tenant does not say: 30 days.
pub const RETAIN_SECONDS_DEFAULT: i64 = 30 * 86_400;
/// How long at most: ten years.
pub const RETAIN_SECONDS: i64 = 10 * 365 * 86_400;
/// Users who were deleted that one alarm forgets.
pub const TOMBSTONES_STEP: usize = 500;
/// Places in a list that are remembered while the object is awake, so that pages walked in order
/// by `startIndex` cost no offset.
pub const BOOKMARKS: usize = 64;

/// Life of a cursor from one page to the next; above it the answer is 400 `expiredCursor`.
pub const CURSOR_TTL_SECONDS: i64 = 3_600;
/// Characters of a cursor; a longer one is 400 `invalidCursor` before it is decoded.
pub const CURSOR_CHARACTERS: usize = 512;
/// Neighbours by which the place of a cursor in a sorted list is found again; when all of them have
/// been deleted or have changed their values, it is 400 `expiredCursor`.
pub const CURSOR_ANCHORS: usize = 16;

/// Characters of an API key; a longer one is 401 before it is parsed.
pub const KEY_CHARACTERS: usize = 600;
/// Users whose access a request computes anew; that of more is computed by alarm.
pub const ACCESS_USERS: usize = 1_000;
/// Users whose access one alarm computes anew.
pub const ACCESS_STEP: usize = 500;
/// Guards of a tenant, and ways in which it has successors looked for.
pub const GUARDS: usize = 20;
/// Users of whom a brake may say that so many are not yet too many.
pub const BRAKE_MIN: u32 = 1_000_000;
/// For how long a brake counts, and lets go on once what it held was approved: a day.
pub const BRAKE_MILLISECONDS: i64 = 86_400_000;
/// Users at whom a brake looks to tell how many a connection manages; of more, as many in proportion.
pub const BRAKE_SCAN: usize = 250_000;
/// Changes that one request decides together; what is left, alarms do, as many each.
pub const CHANGES_AT_ONCE: usize = 500;
/// Characters of the reason for a decision; above it the answer is 400.
pub const REASON_CHARACTERS: usize = 1_000;
/// Holders of a role that a guard may demand.
pub const GUARD_MIN: u32 = 100;
/// Managers of managers, and holders of a role, that are looked at for a successor.
pub const SUCCESSION_STEPS: usize = 16;
/// Seconds for which a tenant's users may stay away, ten years; above it 422.
pub const STALE_SECONDS: i64 = 10 * 365 * 86_400;
/// The fewest of them: a day.
pub const STALE_SECONDS_LEAST: i64 = 86_400;
/// Decisions about many users' access that are still to be carried out by alarm; above it 409.
pub const DECISIONS: usize = 100;
/// Users of whom a preview of a change tells all.
pub const PREVIEW_EXAMPLES: usize = 20;
/// Grants by hand, or by a trigger, of one user.
pub const GRANTS_BY_HAND: usize = 200;
/// Values that are looked through for those that look like one of a condition.
pub const DIAGNOSED_VALUES: usize = 20_000;
/// Near misses that a mapping is told.
pub const NEAR_MISSES: usize = 100;
/// Bytes of the path of a grant's scope.
pub const SCOPE_PATH_BYTES: usize = 200;
/// Characters of the name of a role, or of a group that is granted.
pub const ROLE_CHARACTERS: usize = 200;
/// Groups of one name, but for capitals, that are looked at where a mapping grants a group; the first.
pub const GROUPS_CALLED: usize = 100;
/// Mappings of a tenant.
pub const MAPPINGS: usize = 500;
/// Characters of a mapping's id.
pub const MAPPING_ID_CHARACTERS: usize = 64;
/// Grants of one mapping.
pub const GRANTS_PER_MAPPING: usize = 64;
/// How far a mapping's priority is from 0.
pub const PRIORITY: u64 = 1_000_000;
/// Scopes that the policy for those whom no mapping matches names.
pub const UNMAPPED_SCOPES: usize = 100;
/// Roles of which a tenant says something.
pub const ROLES: usize = 500;
/// How many users a role's quota may let hold it.
pub const ROLE_HOLDERS: u32 = 1_000_000;
/// The greatest number that a parameter of the admin API may be: the runtime carries it exactly.
pub const WHOLE_NUMBER: i64 = (1 << 53) - 1;
/// Keys that an isolate remembers to have verified.
pub const KEYS_VERIFIED: usize = 256;
/// Characters of a `kid` in the key ring; a longer one would make keys too long.
pub const KID_CHARACTERS: usize = 16;
/// Bytes of each secret in the key ring and of the admin token, at least.
pub const SECRET_BYTES_MIN: usize = 32;
/// Life of a key when the client does not say: one year.
pub const KEY_TTL_SECONDS_DEFAULT: i64 = 365 * 86_400;
/// Life of a key at most: three years.
pub const KEY_TTL_SECONDS: i64 = 3 * 365 * 86_400;
/// How long a rotated key lives on when the client does not say: one hour.
pub const KEY_OVERLAP_SECONDS_DEFAULT: i64 = 3_600;
/// How long a rotated key lives on at most: one day.
pub const KEY_OVERLAP_SECONDS: i64 = 86_400;
/// How long it takes until the last use of a key is written: less than an idle object stays in memory,
/// which is 10 seconds.
pub const KEY_USES_FLUSH_SECONDS: i64 = 8;
/// Life of a token that an OAuth client is given; its `expires_in` says so.
pub const TOKEN_TTL_SECONDS: i64 = 3_600;
/// Bytes of a request for a token; above it the answer is 413.
pub const TOKEN_REQUEST_BYTES: usize = 16 * 1024;
/// Parameters of a request for a token; above it the answer is 400. Each is compared with all others.
pub const TOKEN_PARAMETERS: usize = 32;
/// Life of a client's secret at least, and when nobody says: one year.
pub const SECRET_TTL_SECONDS_MIN: i64 = 365 * 86_400;
/// Life of a client's secret at most: three years.
pub const SECRET_TTL_SECONDS: i64 = 3 * 365 * 86_400;
/// Live secrets of a connection; above it the answer is 409.
pub const SECRETS_PER_CONNECTION: usize = 10;
/// Issuers, each with a subject, that a connection trusts; above it the answer is 409.
pub const TRUSTS_PER_CONNECTION: usize = 10;
/// Characters of a trust's issuer, subject, audience and address.
pub const TRUST_CHARACTERS: usize = 1_000;
/// Characters of an assertion; a longer one is 401 before it is parsed.
pub const ASSERTION_CHARACTERS: usize = 8 * 1024;
/// By how much the clocks of an assertion's issuer and of this server may differ.
pub const ASSERTION_SKEW_SECONDS: i64 = 60;
/// Bytes of a key set, or of the document that tells where it is; a larger one is not read.
pub const JWKS_BYTES: usize = 64 * 1024;
/// Keys of a key set that are looked at.
pub const JWKS_KEYS: usize = 100;
/// Key sets that an isolate keeps; above it, it forgets them all and begins anew.
pub const JWKS_KEPT: usize = 100;
/// How long a key set is kept.
pub const JWKS_TTL_MILLISECONDS: i64 = 600_000;
/// How long after a key set was asked for it is not asked for again, whatever key is missing.
pub const JWKS_PAUSE_MILLISECONDS: i64 = 30_000;
/// How long an answer from outside is waited for.
pub const OUTBOUND_MILLISECONDS: u32 = 15_000;
/// Schemas that a tenant declares; above it the answer is 422, as for all bounds of schemas.
pub const SCHEMAS_PER_TENANT: usize = 20;
/// Attributes of a declared schema, and parts of one of them.
pub const SCHEMA_ATTRIBUTES: usize = 100;
/// Attributes of all declared schemas by whose values an index finds; each is a row a value.
pub const SEARCHABLE_ATTRIBUTES: usize = 32;
/// Entries of `canonicalValues`, `referenceTypes` and `resourceTypes`.
pub const SCHEMA_VALUES: usize = 100;
/// Characters of a declared schema's URN.
pub const URN_CHARACTERS: usize = 200;
/// Characters of a declared attribute's name.
pub const ATTRIBUTE_NAME_CHARACTERS: usize = 64;
/// Characters of a description.
pub const DESCRIPTION_CHARACTERS: usize = 1_000;
/// Bytes of a tenant's policy document, as sent and as stored; above it the answer is 413. A row holds
/// at most 2 MB.
pub const POLICY_BYTES: usize = 1024 * 1024;
/// Faults of a document that one answer tells; there may be more.
pub const FAULTS: usize = 100;
/// Documents at which a change of declared schemas looks for values that it would contradict; where
/// there are more, it is 409.
pub const SCHEMA_SCAN: i64 = 250_000;
/// Requests a second, and at once, to which a tenant can be held; a greater number is 422.
pub const RATE_LIMIT: u32 = 1_000_000;
/// Requests of a tenant at one location within [`EDGE_PERIOD_SECONDS`]; above it the edge answers 429,
/// and requests for tokens have as many of their own. `wrangler.toml` says so to the runtime, and this
/// to clients.
pub const TENANT_LIMIT_REQUESTS: u32 = 10_000;
/// The same of a key.
pub const KEY_LIMIT_REQUESTS: u32 = 5_000;
/// The period over which `wrangler.toml` lets the runtime count.
pub const EDGE_PERIOD_SECONDS: u64 = 10;
/// How long a request may wait in its tenant's object, the way of its body included, until it is
/// begun; above it the answer is 503 with `Retry-After`, and nothing has been done.
pub const WAIT_MILLISECONDS: i64 = 20_000;
/// Connections of a tenant; above it the answer is 409.
pub const CONNECTIONS_PER_TENANT: usize = 100;
/// Live keys of a tenant; above it the answer is 409.
pub const KEYS_PER_TENANT: usize = 1_000;
/// Characters of a name given to a key or a tenant.
pub const NAME_CHARACTERS: usize = 200;

/// Characters of a tenant's slug.
pub const SLUG_CHARACTERS: usize = 40;
/// Bytes of a tenant's record in KV.
pub const TENANT_RECORD_BYTES: usize = 1024 * 1024;
/// Tenants' records that an isolate keeps; above it, it forgets them all and begins anew.
pub const TENANT_RECORDS: usize = 1_000;
/// Tenants' records read from KV at once: the most that one call of it answers.
pub const TENANT_RECORDS_STEP: usize = 100;
/// The greatest version of a policy document in a record: half of [`IMPORT_VERSION`], so that what is
/// edited after it can be moved.
pub const CONFIG_VERSION: i64 = 1 << 47;
/// Operations of KV by which one alarm brings the copies for the edge up to date, far below the 1,000
/// that the runtime allows; the rest is the next one's.
pub const COPY_OPERATIONS: usize = 100;
/// Bytes of the copies that one alarm makes, about.
pub const COPY_BYTES: usize = 4 * 1024 * 1024;
/// How long after an alarm has made copies the next one does, if there is no more than a change: KV
/// takes one write a second of a key.
pub const COPY_PAUSE_MILLISECONDS: i64 = 1_000;
/// How long a step of copies may be on its way to KV until it is taken for lost.
pub const COPY_STEP_MILLISECONDS: i64 = 60_000;
/// How long at most copies that could not be made are put off.
pub const COPY_RETRY_MILLISECONDS: i64 = 600_000;
/// Steps in which a request that deletes a tenant removes its copies; the rest is done by alarms.
pub const COPY_STEPS_OF_DELETION: usize = 5;
/// Life of a key at most whose requests are answered by copies, since they know of no revocation.
pub const COPY_READER_SECONDS: i64 = 3_600;
/// How long an isolate keeps a tenant's record that it has read.
pub const TENANT_RECORD_TTL_MILLISECONDS: i64 = 30_000;

/// Characters of an `Idempotency-Key`; a longer one is 400.
pub const IDEMPOTENCY_KEY_CHARACTERS: usize = 255;
/// How long the answer to a request with an `Idempotency-Key` is kept.
pub const IDEMPOTENCY_TTL_SECONDS: i64 = 86_400;
/// Answers that are kept at a time; above it a request with a new key is 409.
pub const IDEMPOTENCY_KEYS: usize = 1_000;
/// Bytes of a body that is kept; a longer one is answered without a body when it is asked for again.
pub const IDEMPOTENCY_BODY_BYTES: usize = 512 * 1024;

/// Entries of a list of the policy document that is about attributes; a longer one is 422.
pub const ATTRIBUTE_RULES: usize = 50;
/// Columns of a table of users; more are 400.
pub const IMPORT_COLUMNS: usize = 200;
/// Texts that a filter compares with of which the ring of requests keeps a tag.
pub const LOOKED_FOR: usize = 2;
/// Paths of which the first that has a value counts for an attribute of a map; more are 422.
pub const ATTRIBUTE_SOURCES: usize = 10;
/// Bytes of a text that an attribute map makes or has; a longer one is 422.
pub const TEMPLATE_BYTES: usize = 1_000;
/// Bytes of the pattern of a constraint; a longer one is 422.
pub const PATTERN_BYTES: usize = 512;
/// Bytes of what a pattern is compiled to, repetitions written out; a larger one is 422. Matching takes
/// as long as these times those of the value.
pub const PATTERN_PROGRAM_BYTES: usize = 32 * 1024;
/// Bytes of a value that is held against a pattern; a longer one does not match.
pub const MATCHED_BYTES: usize = 1_024;

/// Recent requests that are kept.
pub const REQUESTS: usize = 1_000;
/// Recent requests in one row, at most.
pub const REQUESTS_PER_BATCH: i64 = 100;
/// How long recent requests stay in memory before they are written; as with the uses of keys.
pub const FLUSH_MILLISECONDS: i64 = 8_000;
/// Bytes of a body whose shape is kept; a larger one is not looked at.
pub const SHAPED_BODY_BYTES: usize = 64 * 1024;
/// Bytes of a body's shape, about.
pub const SHAPE_BYTES: usize = 1_024;
/// Elements of a list whose shapes are kept.
pub const SHAPED_ELEMENTS: usize = 5;
/// Characters of a filter or path of which something is kept.
pub const SHAPED_TEXT_CHARACTERS: usize = 500;
/// Attributes that no schema knows, noted while the object is awake.
pub const WARNINGS: usize = 1_000;
/// Attributes that no schema knows, noted for a connection.
pub const WARNINGS_PER_CONNECTION: usize = 100;
/// The requests that tell how a connection is: those of a day.
pub const HEALTH_MILLISECONDS: i64 = 86_400_000;
/// How often a client asks that asks in cycles: Entra does every 40 minutes.
pub const CYCLE_MILLISECONDS: i64 = 40 * 60_000;
/// Requests of a hundred that may fail before a connection is called degraded.
pub const ERROR_PERCENT: f64 = 10.0;

/// Lines of one import; above it the answer is 413.
pub const IMPORT_LINES: usize = 10_000;
/// The last event of another tenant's log that an import knows of; what began there is put so far in front
/// of what begins here.
pub const IMPORT_EVENTS: i64 = 1 << 40;
/// The last place in the order of a type's resources at which an import puts one; above it the
/// answer is 422. As many are left for what is made later.
pub const IMPORT_PLACE: i64 = 1 << 39;
/// The greatest version of what an import brings, for the same reason.
pub const IMPORT_VERSION: i64 = 1 << 48;

/// Rows of users in one part of an import; above it the answer is 413.
pub const IMPORT_ROWS: usize = 1_000;
/// Rows of an import that were refused and of which it is told why.
pub const IMPORT_ERRORS: usize = 100;
/// Imports of users that are remembered.
pub const IMPORTS: usize = 100;

/// Proposals of a connection; above it no more are made.
pub const MATCHES_PER_CONNECTION: usize = 1_000;
/// Users whom one value of a user that is refused may mean.
pub const MATCH_CANDIDATES: usize = 10;

/// Items on a page of the admin API when the client does not say.
pub const ITEMS_DEFAULT: usize = 100;
/// Items on a page of the admin API at most, and events on a page of the feed.
pub const ITEMS: usize = 1_000;
