//! Who passes to a tenant's storage: credentials, path, tenant, method, scope, in this order.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use muster::auth::{Claims, ISSUER, JtiDigest, KeyPrincipal, Principal, Scope, Scopes};
use muster::http::{Method, Refusal, Route};

use crate::support::{ADMIN, gate};

const NOW: i64 = 1_790_000_000;

fn admit(method: &str, path: &str, authorization: &str) -> Result<Option<Principal>, Refusal> {
    let now = DateTime::<Utc>::from_timestamp(NOW, 0).unwrap();
    let authorization = Some(authorization).filter(|text| *text != NOTHING);
    gate().admit(Route::parse(path).as_ref(), Method::parse(method), authorization, now)
}

/// A request without the header.
const NOTHING: &str = "(nothing)";

fn key(tenant: &str, scopes: &[&str]) -> String {
    key_until(tenant, scopes, NOW + 60)
}

fn key_until(tenant: &str, scopes: &[&str], exp: i64) -> String {
    let token = gate().key_ring.sign(&Claims {
        iss: ISSUER.to_owned(),
        sub: "k-1".to_owned(),
        jti: "j-1".to_owned(),
        tid: tenant.to_owned(),
        cid: None,
        scope: Scopes::parse(scopes.iter().copied()).unwrap(),
        iat: NOW - 60,
        exp,
    });
    format!("Bearer {}", token.unwrap())
}

const PATHS: [&str; 12] = [
    "/t/acme/scim/v2/Users",
    "/t/acme/scim/v2/ServiceProviderConfig",
    "/t/acme/scim/v2/Nothing",
    "/t/nobody/scim/v2/Users",
    "/scim/v2/nobody/Users",
    "/t/No Body/scim/v2/Users",
    "/v1/tenants",
    "/v1/tenants/acme",
    "/v1/tenants/nobody/keys",
    "/v1/nothing",
    "/",
    "",
];

#[test]
fn without_a_valid_key_the_answer_is_the_same_whatever_the_path() {
    let expired = key_until("acme", &["scim"], NOW);
    for (authorization, refusal) in [
        (NOTHING, Refusal::NoKey),
        ("", Refusal::NoKey),
        ("Bearer guess", Refusal::InvalidToken("the key is not valid")),
        (&expired, Refusal::InvalidToken("the key has expired")),
    ] {
        for path in PATHS {
            for method in ["GET", "POST", "DELETE", "BREW"] {
                let refused = admit(method, path, authorization);
                assert_eq!(refused, Err(refusal.clone()), "{method} {path} {authorization}");
            }
        }
    }
}

#[test]
fn credentials_are_one_bearer_token() {
    let bearer = key("acme", &["scim"]);
    let token = bearer.strip_prefix("Bearer ").unwrap();
    let invalid = Refusal::InvalidToken("the key is not valid");
    for (authorization, refusal) in [
        (bearer.clone(), None),
        (format!("bearer {token}"), None),
        (format!("  BEARER   {token}  "), None),
        ("  ".to_owned(), Some(Refusal::NoKey)),
        ("Bearer".to_owned(), Some(Refusal::NoKey)),
        ("Bearer ".to_owned(), Some(Refusal::NoKey)),
        (token.to_owned(), Some(Refusal::NoKey)),
        (format!("Basic {token}"), Some(Refusal::NoKey)),
        (format!("Token {token}"), Some(Refusal::NoKey)),
        (format!("Bearer:{token}"), Some(Refusal::NoKey)),
        (format!("Bearer {token} {token}"), Some(invalid.clone())),
        (format!("{bearer}, {bearer}"), Some(invalid.clone())),
        (format!("Bearer \"{token}\""), Some(invalid.clone())),
        (format!("Bearer {}", &ADMIN[1..]), Some(invalid)),
    ] {
        assert_eq!(admit("GET", PATHS[0], &authorization).err(), refusal, "{authorization}");
    }
}

#[test]
fn health_is_public_and_only_read() {
    for authorization in [NOTHING, "", "Bearer guess", &key("acme", &["scim"])] {
        assert_eq!(admit("GET", "/healthz", authorization), Ok(None));
        assert_eq!(admit("HEAD", "/healthz", authorization), Ok(None));
        for method in ["POST", "PUT", "PATCH", "DELETE"] {
            let refused = admit(method, "/healthz", authorization);
            assert_eq!(refused, Err(Refusal::MethodNotAllowed(&[Method::Get])));
        }
    }
}

#[test]
fn each_step_comes_before_the_next() {
    let other = Refusal::InvalidToken("the key belongs to another tenant");
    let weak = key("acme", &["jit"]);
    for (method, path, refusal) in [
        ("BREW", "/t/acme/scim/v2/Nothing", Refusal::NotFound),
        ("BREW", "/t/globex/scim/v2/Users", other.clone()),
        ("GET", "/scim/v2/globex/Users", other.clone()),
        ("GET", "/scim/v2/globex/ServiceProviderConfig", other.clone()),
        ("GET", "/v1/tenants/globex", other.clone()),
        ("GET", "/v1/tenants/globex/keys", other),
        ("PUT", "/t/acme/scim/v2/Users", Refusal::MethodNotAllowed(&[Method::Get, Method::Post])),
        ("GET", "/t/acme/scim/v2/Users", Refusal::InsufficientScope(&[Scope::UsersRead])),
        ("GET", "/v1/tenants/acme", Refusal::InsufficientScope(&[])),
        ("GET", "/v1/tenants", Refusal::InsufficientScope(&[])),
    ] {
        assert_eq!(admit(method, path, &weak), Err(refusal), "{method} {path}");
    }
}

#[test]
fn whoever_passes_is_known_by_id_digest_and_scopes() {
    let passed = admit("GET", PATHS[0], &key("acme", &["scim", "jit"]));
    let principal = Principal::Key(KeyPrincipal {
        id: "k-1".to_owned(),
        jti: JtiDigest::of("j-1"),
        scopes: Scopes::parse(["scim", "jit"]).unwrap(),
        connection: None,
    });
    assert_eq!(passed, Ok(Some(principal.clone())));
    assert_eq!(principal.actor(), "key:k-1");
    assert!(principal.may(Scope::UsersRead) && !principal.may(Scope::KeysWrite));
}

#[test]
fn the_administrator_passes_everywhere_and_enters_everything_but_scim() {
    let bearer = format!("Bearer {ADMIN}");
    for (path, methods, _) in OPENS {
        let route = Route::parse(path).unwrap();
        for method in methods.split(' ') {
            assert_eq!(admit(method, path, &bearer), Ok(Some(Principal::Admin)), "{method} {path}");
        }
        let scim = matches!(route, Route::Scim { .. });
        let entered = Principal::Admin.enter(&route);
        assert_eq!(entered, if scim { Err(Refusal::AdminOnScim) } else { Ok(()) }, "{path}");
        let key = admit("GET", PATHS[0], &key("acme", &["scim"])).unwrap().unwrap();
        assert_eq!(key.enter(&route), Ok(()), "{path}");
    }
    assert_eq!(admit("GET", "/v1/nothing", &bearer), Err(Refusal::NotFound));
    assert_eq!(Principal::Admin.actor(), "admin");
    assert!(Principal::Admin.may(Scope::DataExport));
}

/// The scopes a key may have; `scim` is for itself in the table.
const SCOPES: &str = "scim scim.users:read scim.users:write scim.groups:read scim.groups:write \
    access:read events:read streams:write jit jit:assert config:read config:write keys:write \
    changes:decide data:export";
const USERS_READ: &str = "scim scim.users:read scim.users:write";
const USERS_WRITE: &str = "scim scim.users:write";
const GROUPS_READ: &str = "scim scim.groups:read scim.groups:write";
const GROUPS_WRITE: &str = "scim scim.groups:write";
const ANY_WRITE: &str = "scim scim.users:write scim.groups:write";
const BOTH_READ: &str = "scim scim.users:read scim.users:write scim.groups:read scim.groups:write";
const NO_KEY: &str = "";

/// Path, methods, and the scopes each of which opens it.
const OPENS: [(&str, &str, &str); 48] = [
    ("/v1/presets", "GET", SCOPES),
    ("/v1/presets/okta", "GET", SCOPES),
    ("/v1/tenants", "GET POST", NO_KEY),
    ("/v1/tenants/acme", "GET PATCH DELETE", NO_KEY),
    ("/v1/tenants/acme/keys", "GET POST", "keys:write"),
    ("/v1/tenants/acme/keys/k-2", "GET DELETE", "keys:write"),
    ("/v1/tenants/acme/connections", "GET", "config:read config:write"),
    ("/v1/tenants/acme/connections", "POST", "config:write"),
    ("/v1/tenants/acme/connections/okta", "GET", "config:read config:write"),
    ("/v1/tenants/acme/connections/okta", "PATCH DELETE", "config:write"),
    ("/v1/tenants/acme/connections/okta/export", "GET", "config:read config:write"),
    ("/v1/tenants/acme/connections/okta/activate", "POST", "config:write"),
    ("/v1/tenants/acme/connections/okta/disable", "POST", "config:write"),
    ("/v1/tenants/acme/connections/import", "POST", "config:write"),
    ("/v1/tenants/acme/connections/okta/health", "GET", "config:read config:write"),
    ("/v1/tenants/acme/connections/okta/test", "POST", "config:write"),
    ("/v1/tenants/acme/users/1/suspend", "POST", "changes:decide"),
    ("/v1/tenants/acme/users/1/restore", "POST", "changes:decide"),
    ("/v1/tenants/acme/users/1/changes", "GET", "config:read config:write"),
    ("/v1/tenants/acme/changes", "GET", "config:read config:write"),
    ("/v1/tenants/acme/changes/approve", "POST", "changes:decide"),
    ("/v1/tenants/acme/changes/17/approve", "POST", "changes:decide"),
    ("/v1/tenants/acme/changes/17/reject", "POST", "changes:decide"),
    ("/v1/tenants/acme/changes/17/retry", "POST", "changes:decide"),
    ("/v1/tenants/acme/requests", "GET", "config:read config:write"),
    ("/v1/tenants/acme/events", "GET", "events:read"),
    ("/v1/tenants/acme/export", "GET", "data:export"),
    ("/v1/tenants/acme/import", "POST", NO_KEY),
    ("/t/acme/scim/v2/Users", "GET", USERS_READ),
    ("/t/acme/scim/v2/Users", "POST", USERS_WRITE),
    ("/t/acme/scim/v2/Users/1", "GET", USERS_READ),
    ("/t/acme/scim/v2/Users/1", "PUT PATCH DELETE", USERS_WRITE),
    ("/t/acme/scim/v2/Users/.search", "POST", USERS_READ),
    ("/t/acme/scim/v2/Groups", "GET", GROUPS_READ),
    ("/t/acme/scim/v2/Groups", "POST", GROUPS_WRITE),
    ("/t/acme/scim/v2/Groups/1", "GET", GROUPS_READ),
    ("/t/acme/scim/v2/Groups/1", "PUT PATCH DELETE", GROUPS_WRITE),
    ("/t/acme/scim/v2/Groups/.search", "POST", GROUPS_READ),
    ("/t/acme/scim/v2/.search", "POST", BOTH_READ),
    ("/t/acme/scim/v2/ServiceProviderConfig", "GET", SCOPES),
    ("/t/acme/scim/v2/ResourceTypes", "GET", SCOPES),
    ("/t/acme/scim/v2/ResourceTypes/User", "GET", SCOPES),
    ("/t/acme/scim/v2/Schemas", "GET", SCOPES),
    ("/t/acme/scim/v2/Schemas/urn:x", "GET", SCOPES),
    ("/t/acme/scim/v2/Bulk", "POST", ANY_WRITE),
    ("/t/acme/scim/v2/Async/1", "GET", ANY_WRITE),
    ("/t/acme/scim/v2/Me", "GET POST PUT PATCH DELETE", SCOPES),
    ("/scim/v2/acme/Users", "POST", USERS_WRITE),
];

#[test]
fn every_route_opens_to_the_scopes_of_the_table_and_to_no_other() {
    for (path, methods, opening) in OPENS {
        let opening: Vec<&str> = opening.split_whitespace().collect();
        for method in methods.split(' ') {
            for scope in SCOPES.split_whitespace() {
                match admit(method, path, &key("acme", &[scope])) {
                    Ok(Some(Principal::Key(_))) if opening.contains(&scope) => {}
                    Err(Refusal::InsufficientScope(_)) if !opening.contains(&scope) => {}
                    other => panic!("{method} {path} with {scope}: {other:?}"),
                }
            }
        }
    }
}

#[test]
fn who_says_where_events_go_may_read_them() {
    let both = key("acme", &["streams:write", "events:read"]);
    for (method, path) in [("POST", "streams"), ("PATCH", "streams/crm")] {
        let path = format!("/v1/tenants/acme/{path}");
        for (has, missing) in [("streams:write", "events:read"), ("events:read", "streams:write")] {
            let refusal = admit(method, &path, &key("acme", &[has])).unwrap_err();
            let response = refusal.to_response(false);
            let challenge = response.header("www-authenticate").unwrap();
            let expected = format!("error=\"insufficient_scope\", scope=\"{missing}\"");
            assert!(response.status == 403 && challenge.ends_with(&expected), "{challenge}");
        }
        assert!(admit(method, &path, &both).is_ok(), "{method} {path}");
        assert_eq!(admit(method, &path, &format!("Bearer {ADMIN}")), Ok(Some(Principal::Admin)));
    }
    let alone = key("acme", &["streams:write"]);
    for (method, path) in
        [("GET", "streams"), ("DELETE", "streams/crm"), ("POST", "streams/crm/test")]
    {
        assert!(admit(method, &format!("/v1/tenants/acme/{path}"), &alone).is_ok(), "{path}");
    }
}

#[test]
fn a_method_that_no_row_of_the_table_names_is_405_and_the_answer_lists_the_others() {
    let mut taken = BTreeMap::<&str, Vec<&str>>::new();
    for (path, methods, _) in OPENS.into_iter().filter(|(path, ..)| path.contains("/acme")) {
        taken.entry(path).or_default().extend(methods.split(' '));
    }
    taken.insert("/scim/v2/acme/Users", vec!["GET", "POST"]);
    for (path, methods) in taken {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "get", ""] {
            let refused = match admit(method, path, &key("acme", &["jit"])) {
                Err(refusal @ Refusal::MethodNotAllowed(_)) => refusal.to_response(true),
                _ if methods.contains(&method) || method == "HEAD" => continue,
                other => panic!("{method} {path}: {other:?}"),
            };
            assert_eq!(
                (refused.status, refused.header("allow")),
                (405, Some(&*methods.join(", ").replace("GET", "GET, HEAD")))
            );
            assert!(!methods.contains(&method), "{method} {path}");
        }
    }
}

#[test]
fn a_challenge_says_what_is_missing() {
    let (weak, strong) = (key("acme", &["jit"]), key("acme", &["scim", "jit"]));
    let realm = "Bearer realm=\"muster\"";
    for (method, path, authorization, status, challenge) in [
        ("GET", PATHS[0], NOTHING, 401, Some("")),
        ("GET", PATHS[0], "Basic eDp5", 401, Some("")),
        (
            "GET",
            PATHS[0],
            "Bearer guess",
            401,
            Some(r#", error="invalid_token", error_description="the key is not valid""#),
        ),
        (
            "GET",
            PATHS[0],
            &weak,
            403,
            Some(r#", error="insufficient_scope", scope="scim.users:read""#),
        ),
        (
            "POST",
            "/t/acme/scim/v2/.search",
            &weak,
            403,
            Some(r#", error="insufficient_scope", scope="scim.users:read scim.groups:read""#),
        ),
        ("GET", "/v1/tenants", &strong, 403, Some(r#", error="insufficient_scope""#)),
        ("GET", "/v1/nothing", &strong, 404, None),
        ("PUT", PATHS[0], &strong, 405, None),
    ] {
        let refusal = admit(method, path, authorization).unwrap_err();
        for scim in [true, false] {
            let response = refusal.to_response(scim);
            let expected = challenge.map(|more| format!("{realm}{more}"));
            assert_eq!(response.header("www-authenticate").map(str::to_owned), expected, "{path}");
            assert_eq!(response.status, status, "{path}");
        }
    }
}
