//! `GET /v1/openapi.json`: what the product takes and answers, as OpenAPI 3.1 says it.
//!
//! `openapi/*.json` has of each operation what is its own: a new path is one object more in `v1.json`.
//! The rest is taken from the code, so that it cannot differ: the paths and schemas of each resource
//! type, the parameters of a path (`{key}` is `components.parameters.key`), who may ask, and what any
//! request of that kind may be answered.

mod resources;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::{Map, Value, from_str, json};

use super::audience::Audience;
use super::{Method, Response, Route, StreamAction};
use crate::auth::Scope;
use crate::gather::Gather as _;
use crate::scim::schema::Registry;

type Object = Map<String, Value>;

/// What the paths of SCIM are below.
const BASE: &str = "/t/{tenant}/scim/v2";

/// Answers a request for the document: 200.
pub fn openapi() -> Response {
    static DOCUMENT: LazyLock<Value> = LazyLock::new(|| document().unwrap_or_default());
    Response::json(200, &DOCUMENT)
}

/// Puts the document together. That its files parse is a test's concern (`openapi.rs`), not a
/// client's.
fn document() -> serde_json::Result<Value> {
    let mut document: Object = from_str(include_str!("openapi/document.json"))?;
    let mut paths: Object = from_str(include_str!("openapi/v1.json"))?;
    paths.extend(below_base(from_str(include_str!("openapi/scim.json"))?));
    let mut schemas: Object = from_str(include_str!("openapi/schemas.json"))?;
    let mut examples: Object = from_str(include_str!("openapi/examples.json"))?;
    for schema in Registry::whole().types() {
        paths.extend(below_base(resources::paths(schema)?));
        schemas.extend(resources::schemas(schema));
        examples.extend(resources::example(schema, &examples));
    }
    for (path, item) in &mut paths {
        if let Value::Object(item) = item {
            complete(path, item);
        }
    }
    let answers = answers(&from_str(include_str!("openapi/answers.json"))?);
    if let Some(Value::Object(components)) = document.get_mut("components") {
        let parts = [("schemas", schemas), ("examples", examples), ("responses", answers)];
        components.extend(parts.map(|(name, part)| (name.to_owned(), Value::Object(part))));
    }
    document.insert("paths".to_owned(), paths.into());
    Ok(document.into())
}

fn below_base(paths: Object) -> impl Iterator<Item = (String, Value)> {
    paths.into_iter().map(|(path, item)| (format!("{BASE}{path}"), item))
}

/// The answers that operations share: `problem-404`, `scim-404`.
fn answers(described: &BTreeMap<String, BTreeMap<String, String>>) -> Object {
    let of_family = |(family, statuses): (&String, &BTreeMap<String, String>)| {
        let (media_type, schema) = match family.as_str() {
            "scim" => ("application/scim+json", "Error"),
            _ => ("application/problem+json", "Problem"),
        };
        let schema = json!({ "$ref": format!("#/components/schemas/{schema}") });
        let answer = |(status, description): (&String, &String)| {
            let answer = json!({
                "description": description,
                "headers": headers(status),
                "content": { media_type: { "schema": schema } },
            });
            (format!("{family}-{status}"), answer)
        };
        statuses.iter().map(answer).collect::<Vec<_>>()
    };
    described.iter().flat_map(of_family).collect()
}

fn headers(status: &str) -> Value {
    let names: &[&str] = match status {
        "401" | "403" => &["WWW-Authenticate"],
        "500" => &["X-Request-Id"],
        "503" => &["X-Request-Id", "Retry-After"],
        "429" => {
            &["Retry-After", "X-Rate-Limit-Limit", "X-Rate-Limit-Remaining", "X-Rate-Limit-Reset"]
        }
        _ => &[],
    };
    let header = |name: &&str| {
        ((*name).to_owned(), json!({ "$ref": format!("#/components/headers/{name}") }))
    };
    Value::Object(names.iter().map(header).collect())
}

/// Adds to the operations of a path what follows from its route.
fn complete(path: &str, item: &mut Object) {
    let name = |segment: &'_ str| -> Option<String> {
        Some(segment.strip_prefix('{')?.strip_suffix('}')?.to_owned())
    };
    let names: Vec<String> = path.split('/').filter_map(name).collect();
    let segment = |segment| name(segment).map_or(segment, |_| "x");
    let sample: Vec<&str> = path.split('/').map(segment).collect();
    let Some(route) = Route::parse(&sample.join("/")) else { return };
    for (method, operation) in item.iter_mut() {
        if let Value::Object(operation) = operation {
            let method = Method::parse(&method.to_ascii_uppercase());
            say_who_may_ask(&route, method, operation);
            if is_repeatable(&route, method) {
                say_how_to_repeat(operation);
            }
            let common = common_statuses(&route, method, operation, names.is_empty());
            add_answers(operation, &route, &common);
        }
    }
    if !names.is_empty() {
        let parameter = |name| json!({ "$ref": format!("#/components/parameters/{name}") });
        item.insert("parameters".to_owned(), names.iter().map(parameter).collect());
    }
}

/// Whether an `Idempotency-Key` is heeded.
fn is_repeatable(route: &Route, method: Method) -> bool {
    let is_other = matches!(
        route,
        Route::Token(_) | Route::StreamAction(_, _, StreamAction::Poll | StreamAction::Test)
    );
    let is_of_object = route.tenant().is_some() && !is_other;
    method == Method::Post && is_of_object && !is_scim(route)
}

fn say_how_to_repeat(operation: &mut Object) {
    let parameter = json!({ "$ref": "#/components/parameters/idempotencyKey" });
    match operation.get_mut("parameters").and_then(Value::as_array_mut) {
        Some(parameters) => parameters.push(parameter),
        None => drop(operation.insert("parameters".to_owned(), json!([parameter]))),
    }
}

fn is_scim(route: &Route) -> bool {
    matches!(route, Route::Scim { .. })
}

fn say_who_may_ask(route: &Route, method: Method, operation: &mut Object) {
    let audience = route.audience(method);
    let mut ways = match audience {
        Audience::Public => Vec::new(),
        Audience::Admin => vec![json!({ "adminToken": [] })],
        Audience::Key([]) => vec![json!({ "key": [] })],
        Audience::Key(scopes) => scopes.iter().map(|one| json!({ "key": [one.name()] })).collect(),
        Audience::KeyWithAll(scopes) => {
            vec![json!({ "key": scopes.iter().map(|one| one.name()).collect::<Vec<_>>() })]
        }
    };
    let mut sentence = match audience {
        Audience::Public => "Open to anybody".to_owned(),
        Audience::Admin => "Opened by the administrator's token".to_owned(),
        Audience::Key([]) => "Opened by any key".to_owned(),
        Audience::Key(scopes) => format!("Opened by a key with {}", named(scopes, " or ")),
        Audience::KeyWithAll(scopes) => {
            format!("Opened by a key with {}", named(scopes, " and "))
        }
    };
    if audience.is_a_keys() && !is_scim(route) {
        ways.push(json!({ "adminToken": [] }));
        sentence.push_str(", and by the administrator's token");
    }
    let own = operation.get("description").and_then(Value::as_str).map(|own| format!("{own}\n\n"));
    let description = format!("{}{sentence}.", own.unwrap_or_default());
    operation.insert("description".to_owned(), description.into());
    operation.insert("security".to_owned(), ways.into());
}

fn named(scopes: &[Scope], between: &str) -> String {
    let names: Vec<String> = scopes.iter().map(|one| format!("`{}`", one.name())).collect();
    names.join(between)
}

/// What the edge, and the bounds, answer to any such request.
fn common_statuses(
    route: &Route,
    method: Method,
    operation: &Object,
    is_fixed: bool,
) -> Vec<&'static str> {
    let audience = route.audience(method);
    let limited = audience.is_a_keys() && route.tenant().is_some();
    let common: [(bool, &[&str]); 7] = [
        (limited, &["429"]),
        (is_repeatable(route, method), &["409", "422"]),
        (true, &["400", "414"]),
        (audience != Audience::Public, &["401", "500", "503"]),
        (audience == Audience::Admin || route.tenant().is_some(), &["403"]),
        (!is_fixed, &["404"]),
        (operation.contains_key("requestBody"), &["413", "415"]),
    ];
    common.into_iter().filter(|(holds, _)| *holds).flat_map(|(_, all)| all).copied().collect()
}

/// The operation's own answers and these, in the order of their statuses.
fn add_answers(operation: &mut Object, route: &Route, common: &[&'static str]) {
    let family = if is_scim(route) { "scim" } else { "problem" };
    let shared = |status: &&str| {
        let answer = json!({ "$ref": format!("#/components/responses/{family}-{status}") });
        ((*status).to_owned(), answer)
    };
    let mut all: BTreeMap<String, Value> = common.iter().map(shared).gathered();
    if let Some(Value::Object(own)) = operation.remove("responses") {
        all.extend(own);
    }
    operation.insert("responses".to_owned(), Value::Object(all.into_iter().collect()));
}
