//! RFC 7644 §4: what this server says of itself, and in whose form of the URL.

use std::fmt::Write as _;

use expect_test::{Expect, expect, expect_file};
use muster::scim::schema::{GROUP, Registry};
use serde_json::{Value, json};

use crate::scenario::Reply;
use crate::steps::check_error;
use crate::support::{Acme, ORIGIN};

/// Every endpoint of discovery.
const ENDPOINTS: [&str; 7] = [
    "/ServiceProviderConfig",
    "/ResourceTypes",
    "/ResourceTypes/User",
    "/ResourceTypes/Group",
    "/Schemas",
    "/Schemas/urn:ietf:params:scim:schemas:core:2.0:Group",
    "/Schemas/urn%3Aietf%3Aparams%3Ascim%3Aschemas%3Aextension%3Aenterprise%3A2.0%3AUser",
];

/// What a key without any scope of SCIM is told.
fn discover(acme: &mut Acme, path: &str) -> Reply {
    let key = acme.mint(&["jit"]);
    acme.scim_with("GET", path, &Value::Null, &key, &[])
}

fn check(path: &str, expected: &Expect) {
    let shown = discover(&mut Acme::new(), path);
    assert_eq!((shown.status, &*shown.headers["content-type"]), (200, "application/scim+json"));
    expected.assert_eq(&format!("{:#}", shown.json()));
}

#[test]
fn service_provider_config() {
    check(
        "/ServiceProviderConfig",
        &expect![[r#"
            {
              "schemas": [
                "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"
              ],
              "patch": {
                "supported": true
              },
              "bulk": {
                "supported": true,
                "maxOperations": 1000,
                "maxPayloadSize": 4194304
              },
              "filter": {
                "supported": true,
                "maxResults": 1000
              },
              "changePassword": {
                "supported": false
              },
              "sort": {
                "supported": true
              },
              "etag": {
                "supported": true
              },
              "pagination": {
                "cursor": true,
                "index": true,
                "defaultPaginationMethod": "index",
                "defaultPageSize": 100,
                "maxPageSize": 1000,
                "cursorTimeout": 3600
              },
              "authenticationSchemes": [
                {
                  "type": "oauthbearertoken",
                  "name": "API key",
                  "description": "A key of the tenant, sent as a bearer token",
                  "specUri": "https://www.rfc-editor.org/info/rfc6750",
                  "primary": true
                }
              ],
              "meta": {
                "resourceType": "ServiceProviderConfig",
                "location": "https://muster.test/t/acme/scim/v2/ServiceProviderConfig"
              }
            }"#]],
    );
}

#[test]
fn resource_types() {
    check(
        "/ResourceTypes",
        &expect![[r#"
            {
              "schemas": [
                "urn:ietf:params:scim:api:messages:2.0:ListResponse"
              ],
              "totalResults": 2,
              "startIndex": 1,
              "itemsPerPage": 2,
              "Resources": [
                {
                  "schemas": [
                    "urn:ietf:params:scim:schemas:core:2.0:ResourceType"
                  ],
                  "id": "User",
                  "name": "User",
                  "endpoint": "/Users",
                  "description": "User Account",
                  "schema": "urn:ietf:params:scim:schemas:core:2.0:User",
                  "schemaExtensions": [
                    {
                      "schema": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
                      "required": false
                    },
                    {
                      "schema": "urn:muster:scim:1.0:User",
                      "required": false
                    }
                  ],
                  "meta": {
                    "resourceType": "ResourceType",
                    "location": "https://muster.test/t/acme/scim/v2/ResourceTypes/User"
                  }
                },
                {
                  "schemas": [
                    "urn:ietf:params:scim:schemas:core:2.0:ResourceType"
                  ],
                  "id": "Group",
                  "name": "Group",
                  "endpoint": "/Groups",
                  "description": "Group",
                  "schema": "urn:ietf:params:scim:schemas:core:2.0:Group",
                  "schemaExtensions": [
                    {
                      "schema": "urn:muster:scim:1.0:Group",
                      "required": false
                    }
                  ],
                  "meta": {
                    "resourceType": "ResourceType",
                    "location": "https://muster.test/t/acme/scim/v2/ResourceTypes/Group"
                  }
                }
              ]
            }"#]],
    );
}

#[test]
fn schemas() {
    let list = discover(&mut Acme::new(), "/Schemas").json();
    let mut table = String::new();
    for schema in list["Resources"].as_array().unwrap() {
        writeln!(
            table,
            "{}  ({}: {})",
            text(&schema["id"]),
            text(&schema["name"]),
            text(&schema["description"])
        )
        .unwrap();
        tabulate(&schema["attributes"], "  ", &mut table);
    }
    expect_file!["snapshots/schemas.txt"].assert_eq(&table);
    let count = json!(list["Resources"].as_array().unwrap().len());
    assert_eq!(
        [&list["totalResults"], &list["itemsPerPage"], &list["startIndex"]],
        [&count, &count, &json!(1)]
    );
}

/// One line for each attribute; what is usual is not said.
fn tabulate(attributes: &Value, indent: &str, table: &mut String) {
    for attribute in attributes.as_array().into_iter().flatten() {
        let list = if attribute["multiValued"] == true { "[]" } else { "" };
        write!(table, "{indent}{}{list}: {}", text(&attribute["name"]), text(&attribute["type"]))
            .unwrap();
        for flag in ["required", "caseExact"].into_iter().filter(|flag| attribute[flag] == true) {
            write!(table, " {flag}").unwrap();
        }
        for (name, usual) in
            [("mutability", "readWrite"), ("returned", "default"), ("uniqueness", "none")]
        {
            let said = text(&attribute[name]);
            if said != usual {
                write!(table, " {name}={said}").unwrap();
            }
        }
        for name in ["canonicalValues", "referenceTypes"] {
            let values: Vec<&str> =
                attribute[name].as_array().into_iter().flatten().map(text).collect();
            if !values.is_empty() {
                write!(table, " {name}={}", values.join("|")).unwrap();
            }
        }
        assert!(!text(&attribute["description"]).is_empty(), "{attribute}");
        table.push('\n');
        tabulate(&attribute["subAttributes"], &format!("{indent}  "), table);
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("not a text: {value}"))
}

#[test]
fn the_table_behind_it_is_whole() {
    let registry = Registry::parse().unwrap();
    for (place, schema) in (1..).zip(registry.types()) {
        let resource_type = schema.resource_type;
        assert_eq!(resource_type.number, place);
        assert!(registry.schema(&resource_type.schema).is_some(), "{}", resource_type.schema);
        assert_eq!(schema.extensions().count(), resource_type.schema_extensions.len());
        for lookup in &resource_type.lookups {
            assert!(schema.leaf(&lookup.path).is_some(), "{}", lookup.path);
        }
    }
    assert_eq!(registry.schemas().len(), Registry::whole().schemas().len());
    assert_eq!(Registry::builtin().schemas().len(), 5, "the others are behind features");
}

#[test]
fn each_thing_listed_is_what_is_at_its_location() {
    let mut acme = Acme::new();
    for path in ["/ResourceTypes", "/Schemas"] {
        for listed in discover(&mut acme, path).json()["Resources"].as_array().unwrap() {
            let location = text(&listed["meta"]["location"]);
            let key = acme.key.clone();
            let path = location.strip_prefix(ORIGIN).unwrap();
            assert_eq!(acme.ask("GET", path, &Value::Null, &key).json(), *listed, "{location}");
        }
    }
}

#[test]
fn a_schemas_urn_has_any_case_and_a_types_id_its_own() {
    let mut acme = Acme::new();
    let urn = "/Schemas/URN:ietf:params:scim:schemas:core:2.0:user";
    assert_eq!(discover(&mut acme, urn).json()["name"], "User");
    for path in ["/Schemas/User", "/Schemas/urn:x", "/ResourceTypes/user", "/ResourceTypes/Users"] {
        let refused = discover(&mut acme, path);
        check_error(&refused, (404, "", "there is no such resource"), path);
    }
}

#[test]
fn a_filter_on_discovery_is_refused_lest_it_pass_for_applied() {
    let mut acme = Acme::new();
    for path in ["/ServiceProviderConfig", "/ResourceTypes", "/Schemas"] {
        for query in ["filter=id%20pr", "FILTER=", "count=1&filter=x"] {
            let refused = discover(&mut acme, &format!("{path}?{query}"));
            check_error(&refused, (403, "", "discovery endpoints cannot be filtered"), query);
        }
        let whole = discover(&mut acme, path).json();
        let paged = discover(&mut acme, &format!("{path}?startIndex=2&count=1&sortBy=id"));
        assert_eq!(paged.json(), whole, "{path}");
    }
}

#[test]
fn discovery_is_only_read() {
    let mut acme = Acme::new();
    for path in ENDPOINTS {
        for method in ["POST", "PUT", "PATCH", "DELETE"] {
            let reply = acme.scim(method, path, &json!({}));
            check_error(&reply, (405, "", "the endpoint does not take this method"), path);
            assert_eq!(reply.headers["allow"], "GET, HEAD", "{method} {path}");
        }
        let plain = [("Accept", "application/json")];
        let reply = acme.scim_with("GET", path, &Value::Null, &acme.key.clone(), &plain);
        assert_eq!((reply.status, &*reply.headers["content-type"]), (200, "application/json"));
    }
}

#[test]
fn locations_echo_the_form_of_the_url_that_was_called() {
    let mut acme = Acme::new();
    let (key, user) = (acme.key.clone(), acme.user("ada"));
    let group = acme.group("Engineers", &[&user]);
    for base in ["/t/acme/scim/v2", "/scim/v2/acme"] {
        let resources = [format!("/Users/{user}"), format!("/Groups/{group}")];
        let paths = ENDPOINTS.into_iter().map(str::to_owned).chain(resources);
        for path in paths.chain(["/Users".to_owned(), "/Groups".to_owned()]) {
            let reply = acme.ask("GET", &format!("{base}{path}"), &Value::Null, &key);
            let body = String::from_utf8(reply.body).unwrap();
            let count = |location: &str| body.matches(location).count();
            assert!(count(ORIGIN) > 0, "{base}{path} has no location");
            assert_eq!(count(ORIGIN), count(&format!("{ORIGIN}{base}/")), "{base}{path}: {body}");
        }
        let body = json!({ "userName": base });
        let reply = acme.ask("POST", &format!("{base}/Users"), &body, &key);
        let location = format!("{ORIGIN}{base}/Users/{}", text(&reply.json()["id"]));
        assert_eq!(
            (&reply.headers["location"], &reply.json()["meta"]["location"]),
            (&location, &json!(location))
        );
    }
}

#[test]
fn the_types_that_code_knows_by_number_are_those_of_the_table() {
    let number =
        |endpoint| Registry::builtin().type_at(endpoint).expect("a type").resource_type.number;
    assert_eq!((number("Users"), number("Groups")), (1, GROUP));
}
