//! `GET /v1/openapi.json`: the document and the code say the same.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use muster::auth::{Claims, ISSUER, Scopes};
use muster::http::{Method, Problem, ProblemCode, Refusal, Route, openapi};
use muster::scim::ErrorKind;
use muster::scim::compat::{Compat, PRESETS};
use muster::scim::schema::Registry;
use serde_json::{Map, Value};

use crate::openapi_order::{after, after_code, after_kind};
use crate::support::{ADMIN, gate};

fn document() -> Value {
    let response = openapi();
    assert_eq!((response.status, response.header("content-type")), (200, Some("application/json")));
    serde_json::from_slice(&response.body).unwrap()
}

/// An operation with its method, and its path with an `x` for each parameter.
struct Operation {
    method: Method,
    path: String,
    says: Map<String, Value>,
}

fn operations(document: &Value) -> Vec<Operation> {
    let paths = document["paths"].as_object().unwrap();
    let of_path = |(path, item): (&String, &Value)| {
        let segment =
            |segment: &str| if segment.starts_with('{') { "x" } else { segment }.to_owned();
        let path = path.split('/').map(segment).collect::<Vec<_>>().join("/");
        let item = item.as_object().unwrap().clone();
        let methods = item.into_iter().filter(|(name, _)| name != "parameters");
        let operation = |(name, says): (String, Value)| {
            let method = Method::parse(&name.to_ascii_uppercase());
            let says = says.as_object().unwrap().clone();
            Operation { method, path: path.clone(), says }
        };
        methods.map(operation).collect::<Vec<_>>()
    };
    paths.iter().flat_map(of_path).collect()
}

/// Who may ask by what an operation says: the scopes that a key needs in each way that is open to one,
/// none where any key does; and whether the administrator may.
fn opened_by(operation: &Operation) -> (Vec<BTreeSet<&str>>, bool) {
    let (mut keys, mut admin) = (Vec::new(), false);
    for way in operation.says["security"].as_array().unwrap() {
        match way.get("key").and_then(Value::as_array) {
            Some(names) => keys.push(names.iter().filter_map(Value::as_str).collect()),
            None => admin |= way.get("adminToken").is_some(),
        }
    }
    (keys, admin)
}

/// A key of the tenant `x` with some scopes.
fn key(scopes: &BTreeSet<&str>) -> String {
    let claims = Claims {
        iss: ISSUER.to_owned(),
        sub: "k-1".to_owned(),
        jti: "j-1".to_owned(),
        tid: "x".to_owned(),
        cid: None,
        scope: Scopes::parse(scopes.iter().copied()).unwrap(),
        iat: 0,
        exp: 60,
    };
    gate().key_ring.sign(&claims).unwrap()
}

fn admit(route: &Route, method: Method, bearer: Option<&str>) -> Result<(), Refusal> {
    let authorization = bearer.map(|bearer| format!("Bearer {bearer}"));
    let now = DateTime::<Utc>::from_timestamp(0, 0).unwrap();
    let admitted = gate().admit(Some(route), method, authorization.as_deref(), now)?;
    admitted.map_or(Ok(()), |principal| principal.enter(route))
}

#[test]
fn every_route_is_described_with_each_of_its_methods_and_nothing_else_is() {
    let routes = std::iter::successors(Some(Route::Health), after);
    let taken: BTreeSet<String> = routes
        .flat_map(|route| {
            let named = |method: &Method| format!("{} {route:?}", method.name());
            route.methods().iter().map(named).collect::<Vec<_>>()
        })
        .collect();
    let described: BTreeSet<String> = operations(&document())
        .iter()
        .map(|one| {
            let route = Route::parse(&one.path).unwrap_or_else(|| panic!("{}", one.path));
            format!("{} {route:?}", one.method.name())
        })
        .collect();
    assert_eq!(described, taken);
}

#[test]
fn an_operation_is_opened_by_the_scopes_that_it_names_and_by_no_other() {
    let document = document();
    let scopes = document["components"]["schemas"]["Scope"]["enum"].as_array().unwrap();
    for operation in operations(&document) {
        let route = Route::parse(&operation.path).unwrap();
        let method = operation.method;
        let (ways, admin) = opened_by(&operation);
        let place = format!("{} {}", method.name(), operation.path);
        assert_eq!(admit(&route, method, None).is_ok(), ways.is_empty() && !admin, "{place}");
        if ways.is_empty() && !admin {
            continue;
        }
        assert_eq!(admit(&route, method, Some(ADMIN)).is_ok(), admin, "{place}");
        for way in &ways {
            assert!(admit(&route, method, Some(&key(way))).is_ok(), "{place} {way:?}");
        }
        for scope in scopes.iter().filter_map(Value::as_str) {
            let may = admit(&route, method, Some(&key(&BTreeSet::from([scope])))).is_ok();
            // Write implies read.
            let read = scope.replace(":write", ":read");
            let is_enough =
                |way: &BTreeSet<&str>| way.iter().all(|one| [scope, &read].contains(one));
            assert_eq!(may, ways.iter().any(is_enough), "{place} {scope}");
        }
    }
}

#[test]
fn an_operation_has_a_name_a_summary_a_tag_and_its_answers() {
    let document = document();
    let tags = document["tags"].as_array().unwrap();
    let mut names = BTreeSet::new();
    for operation in operations(&document) {
        let Operation { method, path, says } = &operation;
        let place = format!("{} {path}", method.name());
        let name = says["operationId"].as_str().unwrap();
        assert!(names.insert(name.to_owned()), "{name} twice");
        assert!(!says["summary"].as_str().unwrap().is_empty(), "{place}");
        assert!(tags.iter().any(|tag| tag["name"] == says["tags"][0]), "{place}");
        let statuses: Vec<&str> =
            says["responses"].as_object().unwrap().keys().map(String::as_str).collect();
        let has = |status: &str| statuses.contains(&status);
        assert!(has("400") && has("414"), "{place}: {statuses:?}");
        let (needed, _) = opened_by(&operation);
        for status in ["401", "500", "503"] {
            let is_anybodys = status == "401" && path.ends_with("/jwks.json");
            let is_answered = path != "/healthz" && !is_anybodys;
            assert_eq!(has(status), is_answered, "{place}: {statuses:?}");
        }
        let by_scope = needed.iter().any(|way| !way.is_empty());
        assert!(has("403") || !by_scope, "{place}: {statuses:?}");
        assert!(has("404") || !path.contains("/x"), "{place}: {statuses:?}");
        let has_body = says.contains_key("requestBody");
        assert_eq!((has("413"), has("415")), (has_body, has_body), "{place}: {statuses:?}");
        let is_me = path.ends_with("/Me");
        assert_eq!(statuses[0] < "300", !is_me, "{place}: {statuses:?}");
        assert!(statuses.is_sorted(), "{place}: {statuses:?}");
        let of_family = if path.contains("/scim/") { "scim-" } else { "problem-" };
        for reference in references(&says["responses"]) {
            let answer = reference.strip_prefix("#/components/responses/");
            assert!(answer.is_none_or(|name| name.starts_with(of_family)), "{place}: {reference}");
        }
    }
}

/// All references in a value.
fn references(value: &Value) -> Vec<&str> {
    match value {
        Value::Array(values) => values.iter().flat_map(references).collect(),
        Value::Object(fields) => {
            let own = fields.get("$ref").and_then(Value::as_str);
            fields.values().flat_map(references).chain(own).collect()
        }
        _ => Vec::new(),
    }
}

#[test]
fn every_reference_leads_somewhere_and_every_component_is_used() {
    let document = document();
    let references: BTreeSet<&str> = references(&document).into_iter().collect();
    for reference in &references {
        let place = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(place).is_some(), "{reference}");
    }
    for family in ["schemas", "parameters", "headers", "responses", "examples"] {
        for name in document["components"][family].as_object().unwrap().keys() {
            let reference = format!("#/components/{family}/{name}");
            assert!(references.contains(reference.as_str()), "{reference} is not used");
        }
    }
}

#[test]
fn a_link_leads_to_an_operation_and_fills_its_parameters() {
    let document = document();
    let operations = operations(&document);
    let by_name: BTreeMap<&str, &Operation> =
        operations.iter().map(|one| (one.says["operationId"].as_str().unwrap(), one)).collect();
    let mut links = 0;
    for operation in &operations {
        for answer in operation.says["responses"].as_object().unwrap().values() {
            for link in answer.get("links").and_then(Value::as_object).into_iter().flatten() {
                let target = by_name[link.1["operationId"].as_str().unwrap()];
                let filled = link.1["parameters"].as_object().unwrap().len();
                assert!(filled >= target.path.matches("/x").count(), "{}", target.path);
                links += 1;
            }
        }
    }
    assert!(links > 20, "{links}");
}

fn texts(value: &Value) -> BTreeSet<String> {
    value.as_array().unwrap().iter().map(|one| one.as_str().unwrap().to_owned()).collect()
}

#[test]
fn every_problem_and_every_error_of_scim_is_listed() {
    let document = document();
    let schemas = &document["components"]["schemas"];
    let codes = std::iter::successors(Some(ProblemCode::Malformed), |code| after_code(*code));
    let codes = codes.map(|code| {
        let body: Value = serde_json::from_slice(&Problem::from(code).to_body()).unwrap();
        body["code"].as_str().unwrap().to_owned()
    });
    assert_eq!(texts(&schemas["Problem"]["properties"]["code"]["enum"]), codes.collect());
    let kinds = std::iter::successors(Some(ErrorKind::InvalidFilter), |kind| after_kind(*kind));
    let (statuses, types): (BTreeSet<_>, Vec<_>) =
        kinds.map(|kind| (kind.status().to_string(), kind.scim_type())).unzip();
    let error = &schemas["Error"]["properties"];
    assert_eq!(texts(&error["status"]["enum"]), statuses);
    let types: BTreeSet<String> = types.into_iter().flatten().map(str::to_owned).collect();
    assert_eq!(texts(&error["scimType"]["enum"]), types);
}

#[test]
fn what_the_code_lists_is_listed_so() {
    let document = document();
    let schemas = &document["components"]["schemas"];
    let owned = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect::<BTreeSet<_>>();
    let presets = PRESETS.iter().map(|preset| preset.id).collect();
    assert_eq!(texts(&schemas["PresetId"]["enum"]), owned(presets));
    let rules: BTreeSet<String> = Compat::GENERIC.to_json().keys().cloned().collect();
    let described = schemas["Compat"]["properties"].as_object().unwrap().keys().cloned();
    assert_eq!(described.collect::<BTreeSet<_>>(), rules);
    let types = Registry::whole().types().map(|one| one.resource_type.id.as_str()).collect();
    let extended = &schemas["DeclaredSchemaBody"]["properties"]["resourceTypes"]["items"]["enum"];
    assert_eq!(texts(extended), owned(types));
    let scopes = texts(&schemas["Scope"]["enum"]);
    let all = Scopes::parse(scopes.iter().map(String::as_str)).unwrap();
    assert_eq!(all.names().map(str::to_owned).collect::<BTreeSet<_>>(), scopes);
    assert!("jit jit:assert".split(' ').all(|name| scopes.contains(name)));
}

#[test]
fn a_resource_has_the_attributes_of_its_schemas_in_each_direction() {
    let document = document();
    let schemas = &document["components"]["schemas"];
    let (sent, shown) = (&schemas["UserInput"], &schemas["User"]);
    assert_eq!(texts(&sent["required"]), texts(&serde_json::json!(["schemas", "userName"])));
    assert_eq!(texts(&shown["required"]), texts(&serde_json::json!(["schemas", "id"])));
    let has = |side: &Value, name: &str| side["properties"].get(name).is_some();
    for (name, is_sent, is_shown) in [
        ("userName", true, true),
        ("password", true, false),
        ("id", false, true),
        ("meta", false, true),
        ("groups", false, true),
        ("externalId", true, true),
        ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User", true, true),
    ] {
        assert_eq!((has(sent, name), has(shown, name)), (is_sent, is_shown), "{name}");
    }
    assert_eq!(shown["properties"]["emails"]["items"]["properties"]["primary"]["type"], "boolean");
    assert_eq!(shown["properties"]["active"]["type"], "boolean");
    assert_eq!(shown["properties"]["meta"]["properties"]["created"]["format"], "date-time");
    let listed = &schemas["GroupList"]["properties"]["Resources"]["items"]["$ref"];
    assert_eq!(listed, "#/components/schemas/Group");
}
