//! What changing and finding a group of 100,000 members costs in rows: no more than a small one.

use serde_json::{Value, json};

use crate::budgets::Table;
use crate::tenant::Tenant;

const MEMBERS: usize = 100_000;
/// Operations of a Bulk request, and members named in one PATCH: as many as may be.
const USERS_STEP: usize = 1_000;
const MEMBERS_STEP: usize = 10_000;

fn members(op: &str, ids: &[String]) -> Value {
    let value: Vec<Value> = ids.iter().map(|id| json!({ "value": id })).collect();
    json!({ "op": op, "path": "members", "value": value })
}

#[test]
fn a_group_of_100_000_members_costs_no_more_rows_than_it_may() {
    let acme = Tenant::new("large-group");
    let named = |number: usize| json!({ "userName": format!("u{number}") });
    let bodies: Vec<Value> = (0..MEMBERS).map(named).collect();
    let mut ids: Vec<String> =
        bodies.chunks(USERS_STEP).flat_map(|step| acme.users(step)).collect();
    ids.push(acme.user("one-more"));
    let path = format!("/Groups/{}", acme.group("Everyone", &[]));
    for step in ids[..MEMBERS].chunks(MEMBERS_STEP) {
        acme.patch(&path, &members("add", step)).is(204);
    }
    let (member, other) = (&ids[MEMBERS / 2], &ids[MEMBERS]);
    let by_filter =
        |id: &str| json!({ "op": "remove", "path": format!("members[value eq \"{id}\"]") });
    let mut table = Table::default();
    for (what, operation, written) in [
        ("add a member to a group of 100,000", members("add", &ids[MEMBERS..]), 8),
        ("add one that is there", members("add", &ids[MEMBERS..]), 0),
        ("remove it by value", members("remove", &ids[MEMBERS..]), 8),
        ("remove one that is not there by value", members("remove", &ids[MEMBERS..]), 0),
        ("remove a member of it by filter", by_filter(member), 8),
        ("remove one that is not there by filter", by_filter(other), 0),
    ] {
        table.note(what, &acme.patch(&path, &operation).is(204), 12, written);
    }
    let group = acme.scim("GET", &format!("{path}?excludedAttributes=members")).is(200);
    assert_eq!(group.json()["meta"]["version"], "W/\"14\"", "each that changed it is one");
    table.note("get a group of 100,000 without its members", &group, 3, 0);
    for (who, id, groups) in [("a member", &ids[0], 1), ("one that was removed", member, 0)] {
        let query = format!("filter=members.value%20eq%20%22{id}%22&excludedAttributes=members");
        let found = acme.scim("GET", &format!("/Groups?{query}")).is(200);
        assert_eq!(found.json()["totalResults"], groups, "{who}");
        table.note(format!("members.value eq, {who}"), &found, 7, 0);
        let user = acme.scim("GET", &format!("/Users/{id}")).is(200);
        table.note(format!("get {who}"), &user, 3 + 2 * groups, 0);
    }
    table.finish();
}
