//! The presets as a table, and as anybody with a key reads it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use chrono::{DateTime, Utc};
use muster::auth::{Claims, ISSUER, Scopes};
use muster::http::{Method, Query, Refusal, Response, Route, Url, presets};
use muster::scim::compat::{Compat, PRESETS, Preset, Support};
use serde_json::{Value, json};

use crate::given::{patched, shown, users};
use crate::support::{ADMIN, ORIGIN, gate};

/// A key of some tenant; none need be there.
fn key(scope: &str) -> String {
    let token = gate().key_ring.sign(&Claims {
        iss: ISSUER.to_owned(),
        sub: "k-1".to_owned(),
        jti: "j-1".to_owned(),
        tid: "nobody".to_owned(),
        cid: None,
        scope: Scopes::parse([scope]).unwrap(),
        iat: 0,
        exp: 60,
    });
    token.unwrap()
}

/// What the edge does, without its I/O.
fn ask(method: &str, path: &str, bearer: &str) -> Result<Response, Refusal> {
    let url = format!("{ORIGIN}{path}");
    let url = Url::split(&url).unwrap();
    let route = Route::parse(url.path);
    let authorization = format!("Bearer {bearer}");
    let now = DateTime::<Utc>::from_timestamp(0, 0).unwrap();
    gate().admit(route.as_ref(), Method::parse(method), Some(&authorization), now)?;
    Ok(presets(&route.unwrap(), &Query::parse(url.query)))
}

fn read(path: &str) -> (u16, Value) {
    let response = ask("GET", path, &key("jit")).unwrap();
    (response.status, serde_json::from_slice(&response.body).unwrap())
}

fn ids(page: &Value) -> Vec<&str> {
    page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect()
}

const IDS: [&str; 10] = [
    "entra",
    "generic",
    "google",
    "jumpcloud",
    "okta",
    "onelogin",
    "pingone",
    "rippling",
    "sailpoint",
    "strict",
];

#[test]
fn there_are_ten_in_the_order_of_their_ids() {
    assert_eq!(PRESETS.map(|preset| preset.id), IDS);
    let names: BTreeSet<&str> = PRESETS.iter().map(|preset| preset.display_name).collect();
    assert_eq!(names.len(), PRESETS.len());
    for preset in PRESETS {
        assert!(Preset::of(preset.id).is_some_and(|found| found.id == preset.id));
        let sentences = preset.notes.matches(". ").count() + 1;
        assert!((1..=2).contains(&sentences) && preset.notes.ends_with('.'), "{}", preset.id);
        assert!(!preset.notes.contains("  "), "{}", preset.id);
    }
    assert!(Preset::of("Okta").is_none());
}

#[test]
fn a_preset_is_what_it_differs_in_from_generic() {
    for preset in PRESETS.iter().filter(|preset| preset.id != "strict") {
        let mut rules = preset.compat.to_json();
        let generic = Compat::GENERIC.to_json();
        rules.retain(|name, value| generic[name] != *value);
        let differs = match preset.id {
            "entra" => json!({ "danglingMembers": true, "patchResponse": "minimal" }),
            "onelogin" => json!({ "danglingMembers": true, "firstEmailPrimary": true }),
            _ => json!({}),
        };
        assert_eq!(Value::Object(rules), differs, "{}", preset.id);
    }
}

#[test]
fn strict_forgives_nothing_and_asks_for_nothing() {
    for (name, value) in Preset::of("strict").unwrap().compat.to_json() {
        let expected = match name.as_str() {
            "patchResponse" => json!("auto"),
            // RFC 7644 §3.5.2.2 has it.
            "removeAllMembers" => json!(true),
            _ => json!(false),
        };
        assert_eq!(value, expected, "{name}");
    }
}

#[test]
fn what_is_called_tested_has_its_vectors() {
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    let tested = |preset: &&Preset| preset.support == Support::Tested;
    let tested: Vec<&str> = PRESETS.iter().filter(tested).map(|preset| preset.id).collect();
    assert_eq!(tested, ["entra", "google", "jumpcloud", "okta", "sailpoint"]);
    for id in tested {
        assert!(fs::read_dir(vectors.join(id)).unwrap().count() >= 3, "{id}");
    }
}

#[test]
fn any_key_reads_them_and_nobody_without_one() {
    for bearer in [&key("jit"), &key("scim"), ADMIN] {
        for path in ["/v1/presets", "/v1/presets/", "/v1/presets/okta"] {
            assert_eq!(ask("GET", path, bearer).unwrap().status, 200, "{path}");
        }
    }
    for path in ["/v1/presets", "/v1/presets/okta", "/v1/presets/nothing"] {
        let refused = ask("GET", path, "guess").err();
        assert_eq!(refused, Some(Refusal::InvalidToken("the key is not valid")), "{path}");
        for method in ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
            let refused = ask(method, path, &key("scim")).err();
            assert_eq!(refused, Some(Refusal::MethodNotAllowed(&[Method::Get])), "{method} {path}");
        }
    }
}

#[test]
fn one_is_shown_with_all_its_rules() {
    let (status, okta) = read("/v1/presets/okta");
    assert_eq!(status, 200);
    let fields: Vec<&String> = okta.as_object().unwrap().keys().collect();
    assert_eq!(fields, ["id", "displayName", "support", "notes", "compat", "mappings"]);
    assert_eq!(
        (&okta["id"], &okta["displayName"], &okta["support"]),
        (&json!("okta"), &json!("Okta"), &json!("tested"))
    );
    assert_eq!(okta["notes"], Preset::of("okta").unwrap().notes);
    assert_eq!(
        okta["compat"],
        json!({
            "unquotedFilterValues": true,
            "subAttributesBehindBrackets": true,
            "unknownAttributes": true,
            "undeclaredSchemas": true,
            "scim1Urns": true,
            "dottedUrns": true,
            "aliases": true,
            "pathsAsNames": true,
            "textForOtherTypes": true,
            "jsonInText": false,
            "singleForList": true,
            "severalPrimaries": true,
            "firstEmailPrimary": false,
            "createDescribedValues": true,
            "listedRemovals": true,
            "nullMembers": true,
            "operationsInAnyCase": true,
            "unnamedBulkPosts": true,
            "danglingMembers": false,
            "removeAllMembers": true,
            "requireIfMatch": false,
            "patchResponse": "auto",
        })
    );
    assert_eq!(read("/v1/presets/strict").1["support"], "generic");
}

#[test]
fn one_that_there_is_not_is_a_problem() {
    for path in ["/v1/presets/nothing", "/v1/presets/Okta", "/v1/presets/ok%2Fta"] {
        let (status, problem) = read(path);
        assert_eq!((status, &problem["code"]), (404, &json!("not_found")), "{path}");
    }
}

#[test]
fn they_are_listed_in_pages() {
    for (query, expected, next) in [
        ("", &IDS[..], None),
        ("?limit=10", &IDS[..], None),
        ("?limit=4", &IDS[..4], Some("jumpcloud")),
        ("?limit=4&cursor=jumpcloud", &IDS[4..8], Some("rippling")),
        ("?limit=4&cursor=rippling", &IDS[8..], None),
        ("?cursor=strict", &[], None),
        ("?limit=1", &IDS[..1], Some("entra")),
    ] {
        let (status, page) = read(&format!("/v1/presets{query}"));
        assert_eq!((status, ids(&page)), (200, expected.to_vec()), "{query}");
        assert_eq!(page.get("next"), next.map(Value::from).as_ref(), "{query}");
    }
    let (status, problem) = read("/v1/presets?limit=x");
    let detail = "`limit` is not a whole number from 0 to 9007199254740991";
    assert_eq!((status, &problem["detail"]), (400, &json!(detail)));
    let (_, page) = read("/v1/presets");
    for item in page["items"].as_array().unwrap() {
        assert_eq!(&read(&format!("/v1/presets/{}", item["id"].as_str().unwrap())).1, item);
    }
}

#[test]
fn every_rule_has_its_test() {
    let tests = concat!(include_str!("tolerances.rs"), include_str!("connection_rules.rs"));
    for rule in Compat::GENERIC.to_json().keys() {
        assert!(tests.contains(&format!("\"{rule}\"")), "{rule}");
    }
}

#[test]
fn bz_01_the_preset_of_entra_has_a_table_of_mappings_to_copy() {
    let (status, entra) = read("/v1/presets/entra");
    assert_eq!(status, 200);
    let mappings = entra["mappings"].as_array().unwrap();
    let text = |mapping: &Value, name: &str| mapping[name].as_str().unwrap().to_owned();
    let first = (text(&mappings[0], "attribute"), text(&mappings[0], "source"));
    assert_eq!(first, ("userName".to_owned(), "userPrincipalName".to_owned()));
    assert!(mappings.iter().any(|mapping| mapping["attribute"] == "active"));
    assert_eq!(read("/v1/presets/generic").1["mappings"], json!([]));
}

#[test]
fn bz_20_what_entra_does_not_map_by_itself_is_marked() {
    let (_, entra) = read("/v1/presets/entra");
    let mappings = entra["mappings"].as_array().unwrap().iter();
    let by_hand: Vec<&str> = mappings
        .filter(|mapping| mapping["byHand"] == true)
        .map(|mapping| mapping["source"].as_str().unwrap())
        .collect();
    assert_eq!(by_hand, ["objectId", "jobTitle", "manager"]);
}

#[test]
fn every_mapping_is_of_an_attribute_that_can_be_written() {
    for preset in PRESETS {
        let targets: Vec<&str> = preset.mappings().iter().map(|one| one.attribute).collect();
        assert_eq!(targets.iter().collect::<BTreeSet<_>>().len(), targets.len(), "{}", preset.id);
        for target in targets {
            let value = if target == "active" { json!(false) } else { json!("x") };
            let operation = json!([{ "op": "add", "path": target, "value": value }]);
            let patched = patched(users(), json!({}), operation, &preset.compat).unwrap();
            assert_eq!(patched.dropped, Vec::<String>::new(), "{target}");
            assert_ne!(shown(&patched.resource), json!({}), "{target}");
        }
    }
}

#[test]
fn bd_05_a_preset_says_what_it_rests_on() {
    for (id, support) in
        [("entra", "tested"), ("okta", "tested"), ("sailpoint", "tested"), ("generic", "generic")]
    {
        assert_eq!(read(&format!("/v1/presets/{id}")).1["support"], support, "{id}");
    }
}
