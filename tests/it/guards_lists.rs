//! What has gone wrong elsewhere with lists, with large groups and on the wire, each as a test of
//! the behaviour that guards against it.

use std::collections::BTreeMap;
use std::slice;

use muster::scim::urn::MUSTER_USER;
use muster::store::Sql as _;
use serde_json::{Value, json};

use crate::given::ENTERPRISE;
use crate::scenario::Server as _;
use crate::steps::{ids, patch_op, texts, with_query};
use crate::support::Acme;

/// A tenant with a group of users, all of them written as rows; the users' ids, the group's path.
fn large(members: usize) -> (Acme, Vec<String>, String) {
    let mut acme = Acme::new();
    let users = acme.populate(members + 1);
    let path = format!("/Groups/{}", acme.group("all", &[]));
    for statement in [
        format!(
            "INSERT INTO members SELECT (2 << 40) + 1, pos, 'admin', NULL FROM resources
             WHERE pos <= (1 << 40) + {members}"
        ),
        format!("UPDATE resources SET members = {members} WHERE pos = (2 << 40) + 1"),
    ] {
        acme.sql.query(&statement, &[]).expect("SQLite writes");
    }
    (acme, users, path)
}

/// A filter of two parts was not implemented (product-is #7664).
#[test]
fn a_filter_may_have_several_parts() {
    let mut acme = Acme::new();
    for (name, active) in [("ada", true), ("bob", false)] {
        let emails = json!([{ "value": format!("{name}@x"), "type": "work" }]);
        acme.post("/Users", &json!({ "userName": name, "active": active, "emails": emails }));
    }
    for (filter, names) in [
        (r#"userName eq "ada" and active eq true"#, &["ada"][..]),
        (r#"userName eq "ada" AND active eq false"#, &[]),
        (r#"active eq true and emails[type eq "work" and value eq "ADA@x"]"#, &["ada"]),
        (r#"(userName eq "ada" or userName eq "bob") and not (active eq true)"#, &["bob"]),
        (r#"meta.created gt "2020-01-01T00:00:00Z" and userName sw "a" and id pr"#, &["ada"]),
    ] {
        let list = acme.list("/Users", &[("filter", filter)]);
        assert_eq!(texts(&list, "userName"), names, "{filter}");
        assert_eq!(list["totalResults"], names.len(), "{filter}");
    }
}

/// Totals were those of the page, pages overlapped, and a list ended at 100 without a word
/// (product-is #7320, better-auth #10398, ory/polis #4054).
#[test]
fn a_list_tells_its_total_and_all_of_it_is_reached() {
    let mut acme = Acme::new();
    let users = acme.populate(250);
    for filter in [None, Some(r#"userName sw "u""#), Some("title eq null")] {
        let mut seen = Vec::new();
        while seen.len() < users.len() {
            let start = (seen.len() + 1).to_string();
            let mut query = vec![("startIndex", start.as_str())];
            query.extend(filter.map(|filter| ("filter", filter)));
            let page = acme.list("/Users", &query);
            let shown = ids(&page);
            assert_eq!(page["totalResults"], 250);
            assert_eq!(page["startIndex"], seen.len() + 1);
            assert_eq!(page["itemsPerPage"], shown.len());
            assert_eq!(shown.len(), 100.min(250 - seen.len()));
            seen.extend(shown);
        }
        assert_eq!(seen, users, "each once, in order");
    }
    // As a provider's own test has it: at least 11 users, pages of 5.
    let page = acme.list("/Users", &[("startIndex", "6"), ("count", "5")]);
    assert_eq!((&page["startIndex"], &page["itemsPerPage"]), (&json!(6), &json!(5)));
    assert_eq!(ids(&page), users[5..10]);
}

/// A name in another case was another user, or an attribute in another case was none
/// (SimpleIdServer #489, product-is #5140, django-scim2 #76).
#[test]
fn names_of_users_and_of_attributes_have_any_case_and_other_values_their_own() {
    let mut acme = Acme::new();
    let body = json!({ "USERNAME": "Ada@X", "externalId": "E-1", "DisplayName": "Ada" });
    let ada = acme.post("/Users", &body);
    assert_eq!((&ada["userName"], &ada["displayName"]), (&json!("Ada@X"), &json!("Ada")));
    for (filter, found) in [
        (r#"userName eq "ada@x""#, 1),
        (r#"USERNAME EQ "ADA@X""#, 1),
        (r#"urn:ietf:params:scim:schemas:core:2.0:User:username eq "ada@x""#, 1),
        (r#"ExternalID eq "E-1""#, 1),
        (r#"externalId eq "e-1""#, 0),
    ] {
        for name in ["filter", "Filter", "FILTER"] {
            assert_eq!(acme.list("/Users", &[(name, filter)])["totalResults"], found, "{filter}");
        }
    }
    let shown = acme.list("/Users", &[("ATTRIBUTES", "USERNAME"), ("Count", "1")]);
    assert_eq!(texts(&shown, "userName"), ["Ada@X"]);
    assert_eq!(shown["Resources"][0].get("externalId"), None);
}

/// Groups could not be looked up by their name, so that every push made another
/// (ssoready #232).
#[test]
fn a_group_is_found_by_its_name() {
    let mut acme = Acme::new();
    let crew = acme.group("Crew", &[]);
    acme.group("Other", &[]);
    for query in [
        &[("filter", r#"displayName eq "crew""#)][..],
        &[("filter", r#"displayName eq "Crew""#), ("excludedAttributes", "members")],
        &[("filter", r#"DisplayName Eq "Crew""#), ("startIndex", "1"), ("count", "100")],
    ] {
        assert_eq!(ids(&acme.list("/Groups", query)), slice::from_ref(&crew), "{query:?}");
    }
    assert_eq!(acme.found("/Groups", r#"displayName eq "nobody""#), Vec::<String>::new());
}

/// A list of nobody was answered 404, which stops all of a provider's work (snipe-it #14708).
#[test]
fn a_list_of_nobody_is_a_list() {
    let mut acme = Acme::new();
    let guid = "3f2504e0-4f89-41d3-9a0c-0305e82c3301";
    for populated in [false, true] {
        if populated {
            acme.group("crew", &[]);
            acme.user("ada");
        }
        for filter in [
            format!("userName eq \"{guid}\""),
            format!("externalId eq \"{guid}\""),
            format!("externalId eq {guid}"),
            format!("id eq \"{guid}\""),
            format!("displayName eq \"{guid}\""),
            format!("meta.lastModified gt \"2999-01-01T00:00:00Z\" and id eq \"{guid}\""),
        ] {
            for path in ["/Users", "/Groups"] {
                if path == "/Groups" && filter.starts_with("userName") {
                    continue; // No group has such an attribute.
                }
                let list = acme.list(path, &[("filter", &filter)]);
                assert_eq!((&list["totalResults"], &list["Resources"]), (&json!(0), &json!([])));
            }
        }
        let members = format!("members.value eq \"{guid}\"");
        assert_eq!(acme.list("/Groups", &[("filter", &members)])["totalResults"], 0);
        let behind = acme.list("/Users", &[("startIndex", "1000")]);
        assert_eq!(behind["totalResults"], i64::from(populated));
    }
}

/// The probe of a directory with 9,000 users read all of them and took too long
/// (scim-for-keycloak #78).
#[test]
fn a_probe_for_nobody_reads_none_of_those_who_are_there() {
    let mut acme = Acme::new();
    acme.populate(9_000);
    acme.get("/Users?count=0");
    for filter in [
        r#"userName eq "3f2504e0-4f89-41d3-9a0c-0305e82c3301""#,
        r#"externalId eq "3f2504e0-4f89-41d3-9a0c-0305e82c3301""#,
        r#"emails[type eq "work"].value eq "nobody@x""#,
    ] {
        acme.sql.statements();
        assert_eq!(acme.found("/Users", filter), Vec::<String>::new());
        let statements = acme.sql.statements();
        assert!(statements.len() <= 2, "{filter}: {statements:?}");
        for statement in statements {
            let plan = acme.sql.plan(&statement);
            let own = ["VIRTUAL", "SCAN (subquery"];
            let whole = |step: &String| {
                step.starts_with("SCAN") && !own.iter().any(|own| step.contains(own))
            };
            assert!(!plan.iter().any(whole), "{filter}: {plan:?}");
        }
    }
}

/// One more member took minutes in a group of 2,000, and groups of thousands could not be read
/// (product-is #8876, fusionauth-issues #3307).
#[test]
fn a_group_of_50_000_is_read_and_changed() {
    let (mut acme, users, path) = large(50_000);
    assert_eq!(texts(&acme.get(&path)["members"], "value"), users[..50_000]);
    let other = &users[50_000];
    acme.get(&format!("/Users/{other}"));
    let change = |op: &str| json!([{ "op": op, "path": "members", "value": [{ "value": other }] }]);
    for op in ["add", "remove"] {
        acme.sql.statements();
        assert_eq!(acme.patch(&path, &change(op)).status, 204);
        let statements = acme.sql.statements();
        assert!(statements.len() <= 6, "{statements:?}");
        acme.changes_nothing("PATCH", &path, &patch_op(&change(op)));
    }
    assert_eq!(acme.rows("members"), 50_000);
    let empty = json!([{ "op": "replace", "path": "members", "value": [] }]);
    acme.patch(&path, &empty);
    assert_eq!((acme.rows("members"), acme.get(&path).get("members")), (0, None));
}

/// A request whose media type was plain JSON was refused, though a provider sends no other
/// (scimitar #142).
#[test]
fn a_body_of_plain_json_is_taken_as_scims_own() {
    let mut acme = Acme::new();
    let mut send = |name: &str, media_type: &str| {
        let headers = BTreeMap::from([("Content-Type".to_owned(), media_type.to_owned())]);
        let body = json!({ "userName": name }).to_string();
        acme.send("POST", "/Users", &headers, body.as_bytes())
    };
    for (number, media_type) in [
        "application/json",
        "application/scim+json",
        "application/json; charset=utf-8",
        "application/scim+json;charset=UTF-8",
        "Application/JSON",
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(send(&format!("u{number}"), media_type).status, 201, "{media_type}");
    }
    let refused = send("other", "text/plain");
    assert_eq!(refused.status, 415, "{}", refused.json());
}

/// Answers had parts that nobody had sent, on which a provider's validator broke
/// (sourcegraph #62185).
#[test]
fn a_resource_shows_what_was_sent_and_nothing_that_was_made_up() {
    let mut acme = Acme::new();
    let sent = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE],
        "externalId": "e-1",
        "userName": "ada@x",
        "name": { "familyName": "Byron", "givenName": "Ada" },
        "active": true,
        "emails": [{ "value": "ada@x", "type": "work", "primary": true }],
        "phoneNumbers": [{ "value": "+1", "type": "mobile" }],
        ENTERPRISE: { "department": "Engines" },
    });
    let mut shown = acme.post("/Users", &sent);
    let fields = shown.as_object_mut().expect("a user");
    assert!(fields.remove("id").is_some() && fields.remove("meta").is_some());
    // What the server adds of its own is in an extension of its own.
    assert_eq!(fields.remove(MUSTER_USER), Some(json!({ "origin": "admin" })));
    assert_eq!(fields["schemas"].as_array_mut().expect("URNs").pop(), Some(json!(MUSTER_USER)));
    assert_eq!(shown, sent);
}

/// Members of a group could be changed by PATCH alone, or by PUT alone (keycloak #46216,
/// indigo-iam #934).
#[test]
fn members_are_changed_by_put_and_by_patch_alike() {
    let mut acme = Acme::new();
    let [ada, bob] = ["ada", "bob"].map(|name| acme.user(name));
    let path = format!("/Groups/{}", acme.group("crew", &[&ada]));
    let put = json!({ "displayName": "crew", "members": [{ "value": bob }] });
    assert_eq!(texts(&acme.put(&path, &put)["members"], "value"), [bob]);
    let replace = json!([{ "op": "replace", "path": "members", "value": [{ "value": ada }] }]);
    assert_eq!(texts(&acme.patch(&path, &replace).json()["members"], "value"), [ada]);
    let put = json!({ "displayName": "crew" });
    assert_eq!(acme.put(&path, &put).get("members"), None);
}

/// A value without quotes was refused, though a provider's own lookup has none; who wants the
/// RFC's grammar alone says so by its preset.
#[test]
fn a_value_without_quotes_is_read_unless_the_preset_is_strict() {
    let mut acme = Acme::new();
    acme.post("/Users", &json!({ "userName": "ada@x", "externalId": "jyoung" }));
    for filter in ["externalId eq jyoung", "userName eq ADA@x", "(userName eq ada@x)"] {
        assert_eq!(acme.found("/Users", filter).len(), 1, "{filter}");
    }
    let strict = acme.connect("strict");
    let path = with_query("/Users", &[("filter", "externalId eq jyoung")]);
    let reply = acme.scim_with("GET", &path, &Value::Null, &strict, &[]);
    assert_eq!((reply.status, &reply.json()["scimType"]), (400, &json!("invalidFilter")));
}
