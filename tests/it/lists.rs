//! RFC 7644 §3.4.2 and §3.4.3: pages, projections, and `.search` at a type and at the server.

use muster::limits;
use muster::scim::urn::{LIST_RESPONSE, SEARCH_REQUEST, USER};
use serde_json::{Value, json};

use crate::steps::{ids, texts, with_query};
use crate::support::Acme;

/// Users `u1` to `u10`.
fn ten() -> Acme {
    let mut acme = Acme::new();
    acme.populate(10);
    acme
}

/// A list's numbers and names, asked for by a query and by the same query as `.search`'s body.
#[track_caller]
fn check(acme: &mut Acme, query: &[(&str, &str)], (start, names): (i64, &[&str])) {
    let body: Value = query.iter().map(|(name, value)| (*name, *value)).collect();
    let search = acme.scim("POST", "/Users/.search", &body);
    assert_eq!(search.status, 200, "{body}: {}", search.json());
    for list in [acme.list("/Users", query), search.json()] {
        assert_eq!(list["schemas"], json!([LIST_RESPONSE]));
        assert_eq!(list["totalResults"], 10, "{query:?}");
        assert_eq!(list["startIndex"], start, "{query:?}");
        assert_eq!(list["itemsPerPage"], names.len(), "{query:?}");
        assert!(list["Resources"].is_array(), "{query:?}");
        assert_eq!(texts(&list, "userName"), names, "{query:?}");
    }
}

const ALL: [&str; 10] = ["u1", "u2", "u3", "u4", "u5", "u6", "u7", "u8", "u9", "u10"];

#[test]
fn a_page_starts_at_an_index_from_1_and_has_count_resources() {
    let mut acme = ten();
    for filter in [None, Some(("filter", r#"userName sw "u""#)), Some(("filter", "title eq null"))]
    {
        let mut check = |query: &[(&str, &str)], expected: (i64, &[&str])| {
            let query: Vec<_> = query.iter().copied().chain(filter).collect();
            check(&mut acme, &query, expected);
        };
        check(&[], (1, &ALL));
        check(&[("startIndex", "1"), ("count", "2")], (1, &ALL[..2]));
        check(&[("startIndex", "3"), ("count", "2")], (3, &ALL[2..4]));
        check(&[("STARTINDEX", "3"), ("Count", "2")], (3, &ALL[2..4]));
        check(&[("startIndex", "9"), ("count", "5")], (9, &ALL[8..]));
        check(&[("startIndex", "10"), ("count", "1")], (10, &ALL[9..]));
        check(&[("startIndex", "0")], (1, &ALL));
        check(&[("startIndex", "-7"), ("count", "1")], (1, &ALL[..1]));
        check(&[("count", "0")], (1, &[]));
        check(&[("count", "-1")], (1, &[]));
        check(&[("startIndex", "4"), ("count", "0")], (4, &[]));
        check(&[("startIndex", "11")], (11, &[]));
        check(&[("startIndex", "1000000"), ("count", "1000000")], (1_000_000, &[]));
        let huge = "99999999999999999999999";
        check(&[("startIndex", huge)], (i64::MAX, &[]));
        check(&[("count", huge)], (1, &ALL));
        check(&[("startIndex", "-99999999999999999999999"), ("count", "1")], (1, &ALL[..1]));
    }
}

#[test]
fn what_is_no_whole_number_is_refused() {
    let mut acme = ten();
    for name in ["startIndex", "count"] {
        let detail = format!("`{name}` is not a whole number");
        let error = (400, "invalidValue", detail.as_str());
        for text in ["x", "1.5", "1e3", "-", "0x1", "1 2", "١"] {
            acme.refused("GET", &with_query("/Users", &[(name, text)]), &Value::Null, error);
            acme.refused("POST", "/Users/.search", &json!({ name: text }), error);
        }
        for value in [json!(1.5), json!([1]), json!({}), json!(true)] {
            acme.refused("POST", "/.search", &json!({ name: value }), error);
        }
        let empty = acme.list("/Users", &[(name, "")]);
        assert_eq!(empty["itemsPerPage"], 10, "an empty parameter is none");
    }
    for (body, detail) in [
        (json!({ "filter": 7 }), "`filter` is not a text"),
        (json!({ "attributes": 7 }), "`attributes` is not a list of texts"),
        (json!({ "excludedAttributes": [7] }), "`excludedAttributes` is not a list of texts"),
    ] {
        acme.refused("POST", "/Users/.search", &body, (400, "invalidValue", detail));
    }
}

#[test]
fn a_page_is_bounded_by_default_and_at_most() {
    let mut acme = Acme::new();
    acme.populate(limits::PAGE_RESOURCES + 1);
    let most = limits::PAGE_RESOURCES.to_string();
    let more = (limits::PAGE_RESOURCES + 1).to_string();
    for (query, items) in [
        (vec![], limits::PAGE_RESOURCES_DEFAULT),
        (vec![("count", most.as_str())], limits::PAGE_RESOURCES),
        (vec![("count", more.as_str())], limits::PAGE_RESOURCES),
        (vec![("count", more.as_str()), ("filter", "title eq null")], limits::PAGE_RESOURCES),
    ] {
        let list = acme.list("/Users", &query);
        assert_eq!(list["totalResults"], limits::PAGE_RESOURCES + 1);
        assert_eq!(list["itemsPerPage"], items, "{query:?}");
        assert_eq!(ids(&list).len(), items, "{query:?}");
    }
}

#[test]
fn an_empty_list_is_no_error() {
    let mut acme = Acme::new();
    let empty = json!({
        "schemas": [LIST_RESPONSE],
        "totalResults": 0,
        "startIndex": 1,
        "itemsPerPage": 0,
        "Resources": [],
    });
    for path in ["/Users", "/Groups", "/Users?filter=userName+eq+%22x%22", "/Groups?filter=id+eq+x"]
    {
        let reply = acme.scim("GET", path, &Value::Null);
        assert_eq!(
            (reply.status, String::from_utf8_lossy(&reply.body)),
            (200, empty.to_string().into())
        );
        assert_eq!(reply.headers["content-type"], "application/scim+json");
    }
}

#[test]
fn a_list_is_projected() {
    let mut acme = Acme::new();
    let user = json!({ "userName": "ada", "title": "Poet", "name": { "givenName": "Ada" } });
    let user = acme.post("/Users", &user);
    let (id, schemas) = (&user["id"], [USER]);
    let name = json!({ "givenName": "Ada" });
    let only = json!([{ "schemas": schemas, "id": id, "userName": "ada", "name": name }]);
    let mut except = user.clone();
    for name in ["meta", "title"] {
        except.as_object_mut().expect("a user").remove(name);
    }
    for filter in ["", "title eq \"poet\"", "userName eq \"ADA\""] {
        let shown = |acme: &mut Acme, name: &str, value: &str| {
            acme.list("/Users", &[(name, value), ("filter", filter)])["Resources"].clone()
        };
        assert_eq!(shown(&mut acme, "attributes", "USERNAME,name.givenname"), only, "{filter}");
        assert_eq!(shown(&mut acme, "excludedAttributes", "meta, title,id"), json!([except]));
    }
    for (name, value, expected) in [
        ("attributes", json!(["userName", "name.givenName"]), &only),
        ("attributes", json!("userName,name.givenName"), &only),
        ("excludedAttributes", json!(["meta", "title"]), &json!([except])),
    ] {
        let list = acme.scim("POST", "/Users/.search", &json!({ name: value })).json();
        assert_eq!(&list["Resources"], expected, "{name} {value}");
    }
}

/// Two users and three groups, and their ids.
fn mixed() -> (Acme, Vec<String>) {
    let mut acme = Acme::new();
    let ada = acme.made("/Users", &json!({ "userName": "ada", "displayName": "Same" }));
    let first = acme.group("Same", &[&ada]);
    let all = [ada, acme.user("bob"), first, acme.group("b", &[]), acme.group("c", &[])];
    (acme, all.into())
}

#[test]
fn a_search_at_the_server_is_over_all_types() {
    let (mut acme, all) = mixed();
    let mut search = |body: Value| {
        let mut body = body;
        body["schemas"] = json!([SEARCH_REQUEST]);
        let reply = acme.scim("POST", "/.search", &body);
        assert_eq!(reply.status, 200, "{body}: {}", reply.json());
        let list = reply.json();
        assert_eq!(list["itemsPerPage"], ids(&list).len());
        (list["totalResults"].as_u64().expect("a count"), ids(&list))
    };
    assert_eq!(search(json!({})), (5, all.clone()));
    assert_eq!(search(json!({ "startIndex": 2, "count": 3 })), (5, all[1..4].to_vec()));
    assert_eq!(search(json!({ "startIndex": 3, "count": 1 })), (5, all[2..3].to_vec()));
    assert_eq!(search(json!({ "startIndex": 5, "count": 9 })), (5, all[4..].to_vec()));
    assert_eq!(search(json!({ "startIndex": 6 })), (5, vec![]));
    assert_eq!(search(json!({ "count": 0 })), (5, vec![]));
    let same = vec![all[0].clone(), all[2].clone()];
    let both = json!({ "filter": "displayName eq \"same\"" });
    assert_eq!(search(both), (2, same.clone()));
    let second = json!({ "filter": "displayName eq \"same\"", "startIndex": 2 });
    assert_eq!(search(second), (2, same[1..].to_vec()));
    // Only one type knows the attribute; in the other, nothing matches.
    for (filter, found) in [
        ("userName pr", &all[..2]),
        ("userName ne \"ada\"", &all[1..2]),
        ("not (members pr)", &all[3..]),
        (r#"meta.resourceType eq "Group""#, &all[2..]),
        (r#"id eq "nobody""#, &[]),
    ] {
        let expected = (found.len() as u64, found.to_vec());
        assert_eq!(search(json!({ "filter": filter })), expected, "{filter}");
    }
    let unknown = (400, "invalidFilter", "unknown attribute `colour` at position 0");
    acme.refused("POST", "/.search", &json!({ "filter": "colour pr" }), unknown);
}

#[test]
fn a_search_is_over_what_the_key_may_read() {
    let (mut acme, all) = mixed();
    for (scope, found, other) in [
        ("scim.users:read", &all[..2], "/Groups/.search"),
        ("scim.groups:read", &all[2..], "/Users/.search"),
    ] {
        let key = acme.mint(&[scope]);
        let list = acme.scim_with("POST", "/.search", &json!({}), &key, &[]).json();
        assert_eq!((ids(&list), &list["totalResults"]), (found.to_vec(), &json!(found.len())));
        let refused = acme.scim_with("POST", other, &json!({}), &key, &[]);
        assert_eq!(refused.status, 403, "{scope} {other}");
    }
    let key = acme.mint(&["events:read"]);
    assert_eq!(acme.scim_with("POST", "/.search", &json!({}), &key, &[]).status, 403);
}

#[test]
fn a_search_changes_nothing() {
    let (mut acme, _) = mixed();
    let before = acme.dump();
    for path in ["/.search", "/Users/.search", "/Groups/.search"] {
        assert_eq!(acme.scim("POST", path, &json!({ "filter": "id pr" })).status, 200);
    }
    acme.get("/Users?filter=title+pr");
    assert_eq!(acme.dump(), before);
}
