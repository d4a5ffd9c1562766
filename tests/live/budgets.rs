//! What requests cost in rows, as the runtime's database counts them, against what they may cost.

use std::io::Write as _;

use serde_json::{Value, json};

use crate::ask::{Ask, Cost};
use crate::scenario::Reply;
use crate::tenant::Tenant;

/// Users that are members of the large group, in tenants of two sizes; one more is in no group.
const SIZES: [usize; 2] = [1_000, 20_000];
/// The first of them are in a second group.
const BUILDERS: usize = 3;
/// Operations of a Bulk request, and members named in one PATCH: as many as may be.
const USERS_STEP: usize = 1_000;
const MEMBERS_STEP: usize = 10_000;
const PAGE: usize = 100;
/// Rows of a sorted page, and of one by cursor, which is anchored at 16 neighbours on either side: one
/// of the index and one of the resource for each that is shown.
const SORTED: [u64; 2] = [210, 242];
/// The same where equal values begin on a page and go on behind it, and the index has them in the
/// other direction: they are read twice.
const TURNED: [u64; 2] = [310, 358];

/// A tenant with users and two groups.
struct Directory {
    tenant: Tenant,
    /// Ids, in no order.
    users: Vec<String>,
    /// How many of them, the first, are in the large group.
    members: usize,
    everyone: String,
    builders: String,
}

/// Two rows more for each membership that is shown.
const fn allowed(rows: u64, memberships: u64) -> u64 {
    rows.saturating_add(memberships.saturating_mul(2))
}

/// A user as identity providers make them: one e-mail, the enterprise extension.
fn user(name: &str) -> Value {
    json!({
        "schemas": [
            "urn:ietf:params:scim:schemas:core:2.0:User",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
        ],
        "userName": format!("{name}@example.com"),
        "externalId": format!("ext-{name}"),
        "name": { "givenName": "Given", "familyName": name },
        "displayName": format!("Given {name}"),
        "active": true,
        "emails": [{ "value": format!("{name}@mail.example.com"), "type": "work", "primary": true }],
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {
            "employeeNumber": name,
            "department": "Engineering",
        },
    })
}

impl Directory {
    fn new(members: usize) -> Self {
        let tenant = Tenant::new("budgets");
        let named = |number: usize| user(&format!("user{number}"));
        let bodies: Vec<Value> = (0..=members).map(named).collect();
        let steps = bodies.chunks(USERS_STEP);
        let users: Vec<String> = steps.flat_map(|step| tenant.users(step)).collect();
        let ids: Vec<&str> = users.iter().map(String::as_str).collect();
        let everyone = tenant.group("Everyone", &[]);
        for step in ids[..members].chunks(MEMBERS_STEP) {
            let value: Vec<Value> = step.iter().map(|id| json!({ "value": id })).collect();
            let add = json!({ "op": "add", "path": "members", "value": value });
            tenant.patch(&format!("/Groups/{everyone}"), &add).is(204);
        }
        let builders = tenant.group("Builders", &ids[..BUILDERS]);
        Self { tenant, users, members, everyone, builders }
    }

    /// A user who is in both groups, and one who is in none, with the number of memberships.
    fn samples(&self) -> [(&str, usize, u64); 2] {
        [("in two groups", 0, 2), ("in no group", self.members, 0)]
    }

    fn lookup(&self, collection: &str, filter: &str) -> Ask {
        let filter: String = form_urlencoded::byte_serialize(filter.as_bytes()).collect();
        let separator = if collection.contains('?') { '&' } else { '?' };
        self.tenant.scim("GET", &format!("{collection}{separator}filter={filter}"))
    }
}

/// What was measured: a line for each operation, with what it cost each time.
#[derive(Default)]
pub(crate) struct Table(Vec<Line>);

struct Line {
    operation: String,
    costs: Vec<Cost>,
    most: Cost,
}

impl Table {
    /// Notes what an answer cost and what it may cost.
    pub(crate) fn note(
        &mut self,
        operation: impl Into<String>,
        reply: &Reply,
        read: u64,
        written: u64,
    ) {
        let most = Cost { read, written };
        self.0.push(Line { operation: operation.into(), costs: vec![reply.cost()], most });
    }

    /// Puts what the same operations cost elsewhere beside what they cost here.
    fn beside(mut self, other: Self) -> Self {
        assert_eq!(self.0.len(), other.0.len(), "the same operations");
        for (line, more) in self.0.iter_mut().zip(other.0) {
            let same = (&line.operation, line.most) == (&more.operation, more.most);
            assert!(same, "one budget at any size: {} and {}", line.operation, more.operation);
            line.costs.extend(more.costs);
        }
        self
    }

    /// Shows the table, and insists on it.
    pub(crate) fn finish(self) {
        let mut text = format!("\n{:60} {:>18} {:>18}\n", "operation", "rows read", "rows written");
        let mut over = Vec::new();
        for Line { operation, costs, most } in &self.0 {
            let shown = |part: fn(&Cost) -> u64| {
                let counts: Vec<String> = costs.iter().map(|cost| part(cost).to_string()).collect();
                format!("{} of {}", counts.join(", "), part(most))
            };
            let (read, written) = (shown(|cost| cost.read), shown(|cost| cost.written));
            text.push_str(&format!("{operation:60} {read:>18} {written:>18}\n"));
            if costs.iter().any(|cost| cost.read > most.read || cost.written > most.written) {
                over.push(operation);
            }
        }
        // Past the test harness, which keeps to itself what a test prints that passes.
        std::io::stderr().write_all(text.as_bytes()).expect("the table can be shown");
        assert!(over.is_empty(), "over budget: {over:?}");
    }
}

#[test]
fn requests_cost_no_more_rows_than_they_may() {
    let [small, large] = SIZES.map(|members| {
        let directory = Directory::new(members);
        let mut table = Table::default();
        reads(&directory, &mut table);
        lookups(&directory, &mut table);
        pages(&directory, &mut table);
        sorted_pages(&directory, &mut table);
        writes(&directory, &mut table);
        members_of(&directory, &mut table);
        table
    });
    small.beside(large).finish();
}

fn reads(directory: &Directory, table: &mut Table) {
    let acme = &directory.tenant;
    for (who, number, memberships) in directory.samples() {
        let reply = acme.scim("GET", &format!("/Users/{}", directory.users[number])).is(200);
        table.note(format!("get a user {who}"), &reply, allowed(3, memberships), 0);
    }
    let path = format!("/Groups/{}?excludedAttributes=members", directory.everyone);
    table.note("get the large group without its members", &acme.scim("GET", &path).is(200), 3, 0);
    let bad = acme.anonymous("GET", "/Users").bearer("guess").is(401);
    table.note("a bad key", &bad, 0, 0);
}

fn lookups(directory: &Directory, table: &mut Table) {
    for (who, number, memberships) in directory.samples() {
        for (path, value) in [
            ("userName", format!("USER{number}@example.com")),
            ("externalId", format!("ext-user{number}")),
            ("emails.value", format!("user{number}@mail.example.com")),
            ("emails[type eq \"work\"].value", format!("user{number}@mail.example.com")),
        ] {
            let reply = directory.lookup("/Users", &format!("{path} eq \"{value}\"")).is(200);
            assert_eq!(reply.field("/Resources/0/id"), directory.users[number], "{path}");
            table.note(format!("{path} eq, a user {who}"), &reply, allowed(5, memberships), 0);
        }
    }
    let reply =
        directory.lookup("/Groups?excludedAttributes=members", "displayName eq \"everyone\"");
    table.note("displayName eq, a group without its members", &reply.is(200), 5, 0);
    let reply = directory.lookup("/Groups", "displayName eq \"builders\"").is(200);
    assert_eq!(reply.field("/Resources/0/id"), directory.builders);
    table.note("displayName eq, a group with 3 members", &reply, allowed(5, BUILDERS as u64), 0);
    let none = directory.lookup("/Users", "userName eq \"nobody\"").is(200);
    assert_eq!(none.json()["totalResults"], 0);
    table.note("userName eq, nobody", &none, 5, 0);
}

/// Walks all users in pages by `startIndex` and by cursor; notes the dearest page of each walk, with and
/// without groups.
fn pages(directory: &Directory, table: &mut Table) {
    for (what, query) in [("with groups", ""), ("without groups", "&excludedAttributes=groups")] {
        for way in ["startIndex", "cursor"] {
            let (most, reply) = dearest_of_a_walk(directory, way, query);
            table.note(format!("a page of 100 {what}, by {way}"), &reply, most, 0);
        }
    }
    let small = Tenant::new("budgets-one");
    small.user("ada");
    let one = small.scim("GET", "/Users?count=0").is(200).cost().read;
    let reply = directory.tenant.scim("GET", "/Users?count=0").is(200);
    assert_eq!(reply.json()["totalResults"], directory.users.len());
    table.note("totalResults of all users, at most as of one", &reply, one, 0);
}

/// Walks all users; the page that comes nearest to what it may cost, and that.
fn dearest_of_a_walk(directory: &Directory, way: &str, query: &str) -> (u64, Reply) {
    let mut dearest: Option<(u64, Reply)> = None;
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    for start in (1..=directory.users.len()).step_by(PAGE) {
        let from = if way == "cursor" { cursor.clone() } else { start.to_string() };
        let path = format!("/Users?{way}={from}&count={PAGE}{query}");
        let reply = directory.tenant.scim("GET", &path).is(200);
        let body = reply.json();
        assert_eq!(body["totalResults"], directory.users.len());
        cursor = body["nextCursor"].as_str().unwrap_or_default().to_owned();
        let resources = body["Resources"].as_array().expect("a list has resources");
        let groups = resources.iter().map(|user| user["groups"].as_array().map_or(0, Vec::len));
        let most = groups.filter(|groups| *groups > 0).fold(120, |most, groups| {
            // One more for each user who is in any group.
            allowed(most, groups as u64).saturating_add(1)
        });
        seen.extend(resources.iter().map(|user| user["id"].to_string()));
        let slack = |most: u64, reply: &Reply| most.saturating_sub(reply.cost().read);
        if dearest.as_ref().is_none_or(|(m, r)| slack(most, &reply) < slack(*m, r)) {
            dearest = Some((most, reply));
        }
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), directory.users.len(), "the pages partition the list");
    dearest.expect("a page was read")
}

/// Walks all users in an order, by `startIndex` and by cursor; notes the dearest page of each walk.
fn sorted_pages(directory: &Directory, table: &mut Table) {
    for (by, order, [most, most_by_cursor]) in [
        ("userName", "ascending", SORTED),
        ("displayName", "descending", SORTED),
        // A Bulk request makes all of its users at one moment.
        ("meta.lastModified", "descending", TURNED),
    ] {
        let path =
            format!("/Users?sortBy={by}&sortOrder={order}&count={PAGE}&excludedAttributes=groups");
        let mut dearest: [Option<Reply>; 2] = [None, None];
        let mut seen: [Vec<Value>; 2] = [Vec::new(), Vec::new()];
        let mut cursor = String::new();
        for start in (1..=directory.users.len()).step_by(PAGE) {
            let pages = [format!("{path}&startIndex={start}"), format!("{path}&cursor={cursor}")];
            for (walk, path) in pages.iter().enumerate() {
                let reply = directory.tenant.scim("GET", path).is(200);
                let body = reply.json();
                seen[walk].extend(body["Resources"].as_array().cloned().unwrap_or_default());
                cursor = body["nextCursor"].as_str().unwrap_or_default().to_owned();
                if dearest[walk].as_ref().is_none_or(|d| d.cost().read < reply.cost().read) {
                    dearest[walk] = Some(reply);
                }
            }
        }
        assert_eq!(seen[0].len(), directory.users.len(), "a walk shows everybody");
        assert!(seen[0] == seen[1], "in the same order");
        let [by_index, by_cursor] = dearest.map(|reply| reply.expect("a page was read"));
        table.note(format!("a page of 100 by {by}, {order}"), &by_index, most, 0);
        table.note("the same by cursor", &by_cursor, most_by_cursor, 0);
    }
    let range = "meta.lastModified ge \"2000-01-01T00:00:00Z\" and meta.lastModified lt \"2001-01-01T00:00:00Z\"";
    let none = directory.lookup("/Users", range).is(200);
    assert_eq!(none.json()["totalResults"], 0);
    table.note("a range of meta.lastModified in which there is nobody", &none, 1, 0);
}

fn writes(directory: &Directory, table: &mut Table) {
    let acme = &directory.tenant;
    let created = acme.scim("POST", "/Users").json(&user("fresh")).is(201);
    table.note("create a user", &created, 8, 12);
    for (who, number, memberships) in directory.samples() {
        let path = format!("/Users/{}", directory.users[number]);
        let before = acme.scim("GET", &path).is(200);
        let put = acme.scim("PUT", &path).json(&user(&format!("user{number}"))).is(200);
        assert_eq!(put.json(), before.json());
        table.note(
            format!("PUT that changes nothing, a user {who}"),
            &put,
            allowed(5, memberships),
            0,
        );
        let replace = |value: bool| json!({ "op": "replace", "path": "active", "value": value });
        let patch = acme.patch(&path, &replace(true)).is(200);
        table.note(
            format!("PATCH that changes nothing, a user {who}"),
            &patch,
            allowed(5, memberships),
            0,
        );
        let patch = acme.patch(&path, &replace(false)).is(200);
        table.note(format!("PATCH active, a user {who}"), &patch, allowed(8, memberships), 8);
    }
}

fn members_of(directory: &Directory, table: &mut Table) {
    let acme = &directory.tenant;
    let path = format!("/Groups/{}", directory.everyone);
    let id = &directory.users[directory.members];
    let add = json!({ "op": "add", "path": "members", "value": [{ "value": id }] });
    let remove = json!({ "op": "remove", "path": format!("members[value eq \"{id}\"]") });
    let remove_listed = json!({ "op": "remove", "path": "members", "value": [{ "value": id }] });
    for (what, operation, written) in [
        ("add a member to the large group", &add, 8),
        ("add one that is there", &add, 0),
        ("remove a member of the large group by filter", &remove, 8),
        ("remove one that is not there", &remove, 0),
        ("add it again", &add, 8),
        ("remove it by value", &remove_listed, 8),
    ] {
        table.note(what, &acme.patch(&path, operation).is(204), 12, written);
    }
    let body = acme.scim("GET", &path).is(200).json();
    assert_eq!(body["members"].as_array().map(Vec::len), Some(directory.members));
}
