//! RFC 7644 §3.7.3: what a Bulk request and each of its operations is refused for.

use muster::scim::urn;
use muster::{http, limits};
use serde_json::{Value, json};

use crate::bulk::{bulk_request, group, post, statuses, user};
use crate::steps::{Refused, check_error, patch_op, texts};
use crate::support::Acme;

#[track_caller]
fn check_answer(answer: &Value, (status, scim_type, detail): Refused<'_>) {
    let mut error = json!({ "schemas": [urn::ERROR], "status": status.to_string() });
    if !scim_type.is_empty() {
        error["scimType"] = scim_type.into();
    }
    error["detail"] = detail.into();
    assert_eq!((&answer["response"], &answer["status"]), (&error, &json!(status.to_string())));
}

#[test]
fn a_circle_is_made_whole_or_not_at_all() {
    let mut acme = Acme::new();
    acme.user("bob");
    let broken = (409, "", "the operation refers in a circle to one that failed");
    let dangling = (409, "", "a reference to a `bulkId` is to nothing that this request has made");
    let taken = (409, "uniqueness", "another resource has this `userName`");
    let member = |of: &str| json!({ "value": format!("bulkId:{of}") });
    let bob = post("/Users", "bob", json!({ "userName": "bob", "title": "bulkId:left" }));
    let nobody = json!({ "displayName": "x", "members": [member("left"), { "value": "nobody" }] });
    let myself = json!({ "displayName": "x", "members": [member("left"), member("right")] });
    let wrong = |number| -> &'static str {
        ["`members`: value 2 is no user or group here", "a group cannot be a member of itself"]
            [number]
    };
    for (other, name, error) in [
        (bob, "bob", taken),
        (post("/Groups", "right", nobody), "right", (400, "invalidValue", wrong(0))),
        (post("/Groups", "right", myself), "right", (400, "invalidValue", wrong(1))),
        (
            post("/Users/x", "right", json!({ "title": "bulkId:left" })),
            "right",
            (405, "", "a bulk request takes POST of a type, PUT, PATCH and DELETE of a resource"),
        ),
        (
            post("/Groups", "right", json!({ "members": [member("left")] })),
            "right",
            (400, "invalidValue", "`displayName` is required"),
        ),
    ] {
        let before = acme.dump();
        let answers = acme.bulk(&json!([group("left", &[name]), other, group("late", &["left"])]));
        for (answer, error) in answers.iter().zip([broken, error, dangling]) {
            check_answer(answer, error);
        }
        assert_eq!((answers.len(), acme.dump()), (3, before), "{other}");
    }
    assert_eq!(
        statuses(&acme.bulk(&json!([group("left", &["right"]), group("right", &["left"])]))),
        "201 201"
    );
}

#[test]
fn an_operation_that_cannot_be_done_says_so_and_leaves_nothing() {
    let mut acme = Acme::new();
    let ada = acme.user("ada");
    let path = format!("/Users/{ada}");
    let no_path = (404, "", "there is no such path");
    let absent = (404, "", "there is no such resource");
    let not_taken =
        (405, "", "a bulk request takes POST of a type, PUT, PATCH and DELETE of a resource");
    let dangling = (409, "", "a reference to a `bulkId` is to nothing that this request has made");
    let missing = (400, "invalidSyntax", "`data` is missing");
    let no_object = (400, "invalidSyntax", "`data` is not an object");
    let data = json!({ "userName": "x" });
    let half = json!([
        { "op": "replace", "path": "title", "value": "changed" },
        { "op": "remove", "path": "userName" },
    ]);
    for (operation, error) in [
        (json!({ "method": "POST", "path": "/Robots", "bulkId": "b", "data": data }), no_path),
        (json!({ "method": "POST", "path": "", "bulkId": "b", "data": data }), no_path),
        (json!({ "method": "DELETE", "path": "/Users/a/b" }), no_path),
        (
            json!({ "method": "DELETE", "path": "https://muster.test/t/acme/scim/v2/Users" }),
            no_path,
        ),
        (json!({ "method": "POST", "path": path, "bulkId": "b", "data": data }), not_taken),
        (json!({ "method": "POST", "path": "/Bulk", "bulkId": "b", "data": data }), not_taken),
        (json!({ "method": "POST", "path": "/.search", "bulkId": "b", "data": data }), not_taken),
        (json!({ "method": "PUT", "path": "/Users", "data": data }), not_taken),
        (json!({ "method": "PATCH", "path": "/Me", "data": data }), not_taken),
        (json!({ "method": "DELETE", "path": "/Schemas/x" }), not_taken),
        (json!({ "method": "DELETE", "path": format!("/Groups/{ada}") }), absent),
        (json!({ "method": "PUT", "path": "/Users/x", "data": data }), absent),
        (json!({ "method": "DELETE", "path": "/Users/bulkId:x" }), dangling),
        (
            json!({ "method": "PUT", "path": path, "bulkId": "x", "data": { "userName": "bulkId:x" } }),
            dangling,
        ),
        (json!({ "method": "PUT", "path": "/Users/x", "data": { "title": "bulkId:x" } }), dangling),
        (json!({ "method": "POST", "path": "/Users", "bulkId": "b" }), missing),
        (json!({ "method": "PUT", "path": path, "data": null }), missing),
        (json!({ "method": "PATCH", "path": path, "data": [data] }), no_object),
        (
            json!({ "method": "PATCH", "path": path, "data": patch_op(&half) }),
            (400, "mutability", "operation 2: `userName` is required"),
        ),
        (
            json!({ "method": "POST", "path": "/Users", "bulkId": "b", "data": {} }),
            (400, "invalidValue", "`userName` is required"),
        ),
        (
            json!({ "method": "DELETE", "path": path, "version": "W/\"7\"" }),
            (412, "", "the resource has changed since the version given"),
        ),
    ] {
        let before = acme.dump();
        let answers = acme.bulk(&json!([operation]));
        check_answer(&answers[0], error);
        assert_eq!((answers.len(), acme.dump()), (1, before), "{operation}");
        let located = answers[0].get("location").is_some();
        assert_eq!(located, operation["method"] != "POST", "{operation}");
    }
}

#[test]
fn a_bulk_id_is_one_posts_own() {
    let mut acme = Acme::new();
    let answers = acme.bulk(&json!([
        group("crew", &["ada"]),
        user("ada"),
        post("/Users", "ada", json!({ "userName": "ada2" })),
        post("/Users", "Ada", json!({ "userName": "ada3" })),
        { "method": "DELETE", "path": "/Users/bulkId:Ada", "bulkId": "ada" },
        { "method": "POST", "path": "/Users", "data": { "userName": "nameless" } },
    ]));
    assert_eq!(statuses(&answers), "201 201 400 201 204 201");
    check_answer(&answers[2], (400, "invalidValue", "`bulkId` is that of another operation"));
    assert_eq!(texts(&acme.get("/Users"), "userName"), ["ada", "nameless"]);
    let failed = acme.bulk(&json!([
        group("two", &["ada"]),
        post("/Users", "ada", json!({ "userName": "ada" })),
        post("/Users", "ada", json!({ "userName": "other" })),
    ]));
    assert_eq!(statuses(&failed), "409 409 400", "the name stays the first one's");
}

#[test]
fn a_message_that_cannot_be_read_is_refused_whole() {
    let mut acme = Acme::new();
    let one = json!([user("ada")]);
    let list = (400, "invalidSyntax", "`Operations` must be a list of operations");
    let count = (400, "invalidValue", "`failOnErrors` must be a whole number above 0");
    let second = |fault: Value| json!({ "Operations": [user("ada"), fault] });
    let method = "operation 2: `method` must be one of `POST`, `PUT`, `PATCH` and `DELETE`";
    for (body, error) in [
        (json!({}), list),
        (json!({ "Operations": null }), list),
        (json!({ "Operations": "x" }), list),
        (json!({ "Operations": one, "failOnErrors": 0 }), count),
        (json!({ "Operations": one, "failOnErrors": -1 }), count),
        (json!({ "Operations": one, "failOnErrors": 1.5 }), count),
        (json!({ "Operations": one, "failOnErrors": "many" }), count),
        (json!({ "Operations": one, "failOnErrors": true }), count),
        (second(json!(7)), (400, "invalidSyntax", "operation 2: must be an object")),
        (second(json!({ "path": "/Users" })), (400, "invalidSyntax", method)),
        (second(json!({ "method": "GET", "path": "/Users" })), (400, "invalidSyntax", method)),
        (second(json!({ "method": 1, "path": "/Users" })), (400, "invalidSyntax", method)),
        (
            second(json!({ "method": "PUT" })),
            (400, "invalidSyntax", "operation 2: `path` must be a string"),
        ),
        (
            second(json!({ "method": "PUT", "path": 1 })),
            (400, "invalidSyntax", "operation 2: `path` must be a string"),
        ),
        (
            second(json!({ "method": "PUT", "path": "/", "bulkId": 1 })),
            (400, "invalidSyntax", "operation 2: `bulkId` must be a string"),
        ),
        (
            second(json!({ "method": "PUT", "path": "/", "version": [] })),
            (400, "invalidSyntax", "operation 2: `version` must be a string"),
        ),
    ] {
        acme.refused("POST", "/Bulk", &body, error);
    }
}

#[test]
fn strict_takes_the_message_of_the_rfc_alone() {
    let mut acme = Acme::new();
    let key = acme.connect("strict");
    let nameless = json!([{ "method": "POST", "path": "/Users",
        "data": { "schemas": [urn::USER], "userName": "ada" } }]);
    let schemas = format!("`schemas` must be `{}`", urn::BULK_REQUEST);
    for body in
        [json!({ "Operations": [] }), json!({ "schemas": [urn::PATCH_OP], "Operations": [] })]
    {
        let reply = acme.scim_with("POST", "/Bulk", &body, &key, &[]);
        check_error(&reply, (400, "invalidSyntax", &schemas), "schemas");
    }
    let reply = acme.scim_with("POST", "/Bulk", &bulk_request(&nameless), &key, &[]);
    check_answer(&reply.json()["Operations"][0], (400, "invalidValue", "`bulkId` is required"));
    let list = (400, "invalidSyntax", "`Operations` must be a list of operations");
    let reply = acme.scim_with("POST", "/Bulk", &bulk_request(&user("ada")), &key, &[]);
    check_error(&reply, list, "one for a list");
}

#[test]
fn each_operation_needs_the_scope_of_the_request_for_it_alone() {
    let mut acme = Acme::new();
    let ada = acme.user("ada");
    let crew = acme.group("crew", &[&ada]);
    let operations = bulk_request(&json!([
        user("bob"),
        group("new", &["bob"]),
        { "method": "DELETE", "path": format!("/Groups/{crew}") },
        { "method": "PUT", "path": format!("/Users/{ada}"), "data": { "userName": "eve" } },
    ]));
    for (scopes, expected, lacked) in [
        (&["scim.users:write"][..], "201 403 403 200", "scim.groups:write"),
        (&["scim.groups:write", "scim.users:read"], "403 409 204 403", "scim.users:write"),
    ] {
        let key = acme.mint(scopes);
        let reply = acme.scim_with("POST", "/Bulk", &operations, &key, &[]);
        let answers = reply.json()["Operations"].as_array().unwrap().clone();
        assert_eq!(statuses(&answers), expected, "{scopes:?}");
        let denied = answers.iter().find(|answer| answer["status"] == "403").unwrap();
        let detail = format!("the key lacks the scope `{lacked}`");
        check_answer(denied, (403, "", &detail));
    }
    let key = acme.mint(&["scim.users:read", "scim.groups:read", "events:read"]);
    let reply = acme.scim_with("POST", "/Bulk", &operations, &key, &[]);
    check_error(
        &reply,
        (403, "", "the key lacks the scope `scim.users:write` or `scim.groups:write`"),
        "no scope to write",
    );
    let challenge = &reply.headers["www-authenticate"];
    assert!(challenge.ends_with("scope=\"scim.users:write scim.groups:write\""), "{challenge}");
}

#[test]
fn a_request_has_so_many_operations_and_bytes() {
    let mut acme = Acme::new();
    let deletes = |count| {
        bulk_request(&json!(vec![json!({ "method": "DELETE", "path": "/Users/x" }); count]))
    };
    let detail = format!("the request exceeds maxOperations ({})", limits::BULK_OPERATIONS);
    acme.refused("POST", "/Bulk", &deletes(limits::BULK_OPERATIONS + 1), (413, "", &detail));
    let reply = acme.scim("POST", "/Bulk", &deletes(limits::BULK_OPERATIONS));
    assert_eq!(reply.json()["Operations"].as_array().unwrap().len(), limits::BULK_OPERATIONS);
    let config = acme.get("/ServiceProviderConfig")["bulk"].take();
    let bounds = (&config["maxOperations"], &config["maxPayloadSize"]);
    assert_eq!(bounds, (&limits::BULK_OPERATIONS.into(), &limits::BODY_BYTES.into()));
    let refusal = http::Refusal::BodyTooLarge.to_response(true);
    let said = String::from_utf8(refusal.body).unwrap();
    assert!(said.contains(&format!("more than {} bytes", limits::BODY_BYTES)), "{said}");
}

#[test]
fn what_operations_evaluate_is_bounded_for_all_of_them_together() {
    let mut acme = Acme::new();
    let id = acme.made("/Users", &json!({ "userName": "ada", "title": "x".repeat(900_000) }));
    let path = format!("/Users/{id}");
    let filter = vec!["value eq \"x\""; 50].join(" or ");
    let remove = patch_op(&json!([{ "op": "remove", "path": format!("emails[{filter}]") }]));
    let operation = json!({ "method": "PATCH", "path": path, "data": remove });
    let most = limits::EVALUATED_BYTES / 50 / 910_000;
    let before = acme.dump();
    let answers = acme.bulk(&json!(vec![operation; most + 5]));
    assert!(answers[..most - 1].iter().all(|answer| answer["status"] == "200"));
    let detail = "the paths compare more than this server computes at once";
    check_answer(&answers[most + 4], (400, "tooMany", detail));
    assert_eq!(acme.dump(), before);
    assert_eq!(acme.scim("PATCH", &path, &remove).status, 200);
}
