//! What `generic` forgives and `strict` does not: each rule by itself, in both of its settings.

use muster::scim::bulk::BulkRequest;
use muster::scim::compat::Compat;
use muster::scim::filter::Filter;
use muster::scim::patch::PatchOp;
use muster::scim::schema::TypeSchema;
use muster::scim::sort::Sort;
use muster::scim::{ErrorKind, ScimError};
use serde_json::{Map, Value, json};

use crate::given::{CORE, ENTERPRISE, groups, parsed, patched, users};
use ErrorKind::{InvalidFilter, InvalidPath, InvalidSyntax, InvalidValue, NoTarget};

/// What something comes to under some rules: a text that tells one outcome from another.
type Read<'a> = &'a dyn Fn(&Compat) -> Result<String, ScimError>;

fn rules(compat: Compat, name: &str, value: bool) -> Compat {
    compat.with(&Map::from_iter([(name.to_owned(), value.into())])).unwrap()
}

/// What one rule forgives: `generic` takes it, with this rule alone `strict` takes it in the same
/// way, and without it neither does.
#[track_caller]
fn check(rule: &str, read: Read<'_>, kind: ErrorKind, detail: &str) {
    let refused = Err(ScimError::new(kind, detail.to_owned()));
    check_both(rule, read, &refused);
}

/// The same where both know it, and take it differently.
#[track_caller]
fn check_both(rule: &str, read: Read<'_>, strict: &Result<String, ScimError>) {
    let generic = read(&Compat::GENERIC).unwrap();
    assert_eq!(&read(&Compat::STRICT), strict, "{rule}: strict");
    assert_eq!(read(&rules(Compat::STRICT, rule, true)).as_ref(), Ok(&generic), "{rule}: alone");
    assert_ne!(
        read(&rules(Compat::GENERIC, rule, false)).as_ref(),
        Ok(&generic),
        "{rule}: without"
    );
}

/// A body that declares its schemas.
fn body(
    schema: TypeSchema<'static>,
    mut body: Value,
) -> impl Fn(&Compat) -> Result<String, ScimError> {
    let is_user = schema.resource_type.id == "User";
    if body.get("schemas").is_none() {
        let schemas =
            if is_user { vec![CORE, ENTERPRISE] } else { vec![&*schema.resource_type.schema] };
        body["schemas"] = schemas.into();
    }
    move |compat| {
        let parsed = parsed(schema, body.clone(), compat)?;
        Ok(format!("{:?} {:?}", parsed.resource, parsed.members))
    }
}

/// A PATCH of a user or group that has little.
fn patch(
    schema: TypeSchema<'static>,
    operation: Value,
) -> impl Fn(&Compat) -> Result<String, ScimError> {
    let before = match &*schema.resource_type.id {
        "User" => json!({"emails": [{"value": "a@x", "type": "work"}, {"value": "b@x"}]}),
        _ => json!({}),
    };
    move |compat| {
        let patched = patched(schema, before.clone(), json!([operation]), compat)?;
        Ok(format!("{:?} {:?}", patched.resource, patched.members))
    }
}

fn filter(text: &'static str) -> impl Fn(&Compat) -> Result<String, ScimError> {
    |compat| {
        let filter = Filter::parse(text, compat).map_err(|error| error.into_filter_error())?;
        let bound = filter.bind(users(), compat).map_err(|error| error.into_filter_error())?;
        Ok(format!("{bound:?}"))
    }
}

fn bulk(mut operation: Value) -> impl Fn(&Compat) -> Result<String, ScimError> {
    if operation["bulkId"] == Value::Null {
        operation.as_object_mut().unwrap().shift_remove("bulkId");
    }
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": [operation],
    });
    move |compat| {
        let request = BulkRequest::parse(body.as_object().unwrap().clone(), compat)?;
        let misnamed = request.misnamed(compat).into_values().next();
        misnamed.map_or_else(|| Ok(format!("{request:?}")), Err)
    }
}

#[test]
fn values_of_filters_without_quotes() {
    let rule = "unquotedFilterValues";
    for (text, position) in
        [("externalId eq jyoung", 14), ("active eq True", 10), ("(title ne NULL)", 10)]
    {
        let detail =
            format!("expected a value; a text must be in double quotes at position {position}");
        check(rule, &filter(text), InvalidFilter, &detail);
    }
    let path = patch(users(), json!({"op": "remove", "path": "emails[type eq work]"}));
    let detail = "operation 1: expected a value; a text must be in double quotes at position 15";
    check(rule, &path, InvalidFilter, detail);
}

#[test]
fn sub_attributes_behind_the_brackets_of_a_filter() {
    check(
        "subAttributesBehindBrackets",
        &filter(r#"emails[type eq "work"].value eq "a@x""#),
        InvalidFilter,
        "expected `and`, `or` or the end at position 22",
    );
    // In a path the RFC has them.
    let path = r#"emails[type eq "work"].value"#;
    patch(users(), json!({"op": "replace", "path": path, "value": "c@x"}))(&Compat::STRICT)
        .unwrap();
}

#[test]
fn attributes_that_no_schema_knows() {
    let rule = "unknownAttributes";
    let sent = |body_sent| body(users(), body_sent);
    let detail = |path: &str| format!("no schema knows `{path}`");
    check(rule, &sent(json!({"shoeSize": 44})), InvalidSyntax, &detail("shoeSize"));
    check(rule, &sent(json!({"name": {"pet": "Rex"}})), InvalidSyntax, &detail("name.pet"));
    // It is the resource that has these.
    for name in ["id", "meta", "schemas"] {
        let detail = detail(&format!("{ENTERPRISE}:{name}"));
        check(rule, &sent(json!({ENTERPRISE: {name: "x"}})), InvalidSyntax, &detail);
    }
    let operation = json!({"op": "add", "path": "shoeSize", "value": 44});
    let detail = format!("operation 1: {}", detail("shoeSize"));
    check(rule, &patch(users(), operation), InvalidPath, &detail);
}

#[test]
fn schemas_that_are_missing_or_not_used() {
    let rule = "undeclaredSchemas";
    let detail = format!("`schemas` must list `{CORE}` and each extension used, and no other");
    for schemas in [json!(null), json!([]), json!([CORE, "urn:example:2.0:Shoes"])] {
        check(rule, &body(users(), json!({"schemas": schemas})), InvalidSyntax, &detail);
    }
    let undeclared = json!({"schemas": [CORE], ENTERPRISE: {"division": "Park"}});
    check(rule, &body(users(), undeclared), InvalidSyntax, &detail);
    let operations = json!({"Operations": [{"op": "add", "path": "title", "value": "Dev"}]});
    let patch = |compat: &Compat| Ok(format!("{:?}", PatchOp::parse(&operations, compat)?));
    let detail = "`schemas` must be `urn:ietf:params:scim:api:messages:2.0:PatchOp`";
    check(rule, &patch, InvalidSyntax, detail);
    let request = json!({"Operations": []});
    let request = request.as_object().unwrap();
    let bulk = |compat: &Compat| Ok(format!("{:?}", BulkRequest::parse(request.clone(), compat)?));
    let detail = "`schemas` must be `urn:ietf:params:scim:api:messages:2.0:BulkRequest`";
    check(rule, &bulk, InvalidSyntax, detail);
}

const SCIM_1: &str = "urn:scim:schemas:core:1.0";
const SCIM_1_ENTERPRISE: &str = "urn:scim:schemas:extension:enterprise:1.0";

#[test]
fn urns_of_scim_1() {
    let rule = "scim1Urns";
    let schemas = json!([CORE, ENTERPRISE]);
    let department = json!({"schemas": schemas, SCIM_1_ENTERPRISE: {"department": "Tours"}});
    let detail = format!("no schema knows `{SCIM_1_ENTERPRISE}`");
    check(rule, &body(users(), department), InvalidSyntax, &detail);
    let path = format!("{SCIM_1}:title");
    let detail = format!("operation 1: no schema knows `{path}`");
    let title = json!({"op": "add", "path": path, "value": "Dev"});
    check(rule, &patch(users(), title), InvalidPath, &detail);
    let detail = "unknown attribute `urn:scim:schemas:core:1.0:userName` at position 0";
    check(rule, &filter(r#"urn:scim:schemas:core:1.0:userName eq "a""#), InvalidFilter, detail);
    // They declare what they stand for.
    let alone = rules(Compat::STRICT, rule, true);
    let both = json!({
        "schemas": [SCIM_1, SCIM_1_ENTERPRISE],
        SCIM_1_ENTERPRISE: {"department": "Tours"},
    });
    let declared = json!({"schemas": [CORE, ENTERPRISE], ENTERPRISE: {"department": "Tours"}});
    assert_eq!(body(users(), both)(&alone), body(users(), declared)(&Compat::STRICT));
    let group = json!({"schemas": [SCIM_1]});
    let urn = &groups().resource_type.schema;
    let detail = format!("`schemas` must list `{urn}` and each extension used, and no other");
    assert_eq!(
        body(groups(), group.clone())(&Compat::STRICT),
        Err(ScimError::new(InvalidSyntax, detail))
    );
    body(groups(), group)(&alone).unwrap();
}

#[test]
fn a_dot_behind_the_urn_of_an_extension() {
    let rule = "dottedUrns";
    let path = format!("{ENTERPRISE}.department");
    let operation = json!({"op": "add", "path": path, "value": "Tours"});
    let detail = format!("operation 1: no schema knows `{path}`");
    check(rule, &patch(users(), operation), InvalidPath, &detail);
    let text = r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User.department pr"#;
    let detail = format!("unknown attribute `{path}` at position 0");
    check(rule, &filter(text), InvalidFilter, &detail);
}

#[test]
fn other_names_of_sub_attributes() {
    let rule = "aliases";
    let manager = json!({ENTERPRISE: {"manager": {"managerId": "m1"}}});
    let detail = format!("no schema knows `{ENTERPRISE}:manager.managerId`");
    check(rule, &body(users(), manager), InvalidSyntax, &detail);
    let operation = json!({"op": "add", "path": "manager.managerId", "value": "m1"});
    let detail = "operation 1: no schema knows `manager.managerId`";
    check(rule, &patch(users(), operation), InvalidPath, detail);
    let member = json!({"members": [{"value": "u1", "displayName": "Ada"}]});
    let detail = "no schema knows `members.displayName`";
    check(rule, &body(groups(), member), InvalidSyntax, detail);
    let detail = "unknown attribute `manager.managerId` at position 0";
    check(rule, &filter(r#"manager.managerId eq "m1""#), InvalidFilter, detail);
    let sort = |compat: &Compat| {
        let sort = Sort::parse(Some("manager.managerId"), None)?.unwrap();
        sort.bind(users(), compat).map(|key| format!("{key:?}"))
    };
    let detail = "`sortBy` names the unknown attribute `manager.managerId`";
    check(rule, &sort, InvalidValue, detail);
}

#[test]
fn paths_in_place_of_names() {
    let rule = "pathsAsNames";
    let department = format!("{ENTERPRISE}:department");
    let title = format!("{CORE}:title");
    for (name, value) in [
        ("name.givenName", json!("Ada")),
        (r#"emails[type eq "home"].value"#, json!("a@x")),
        (department.as_str(), json!("Tours")),
        (title.as_str(), json!("Dev")),
        (CORE, json!({"title": "Dev"})),
        ("department", json!("Tours")),
    ] {
        let detail = format!("no schema knows `{name}`");
        let operation = json!({"op": "add", "value": {name: value}});
        check(rule, &patch(users(), operation), InvalidSyntax, &format!("operation 1: {detail}"));
        // A body replaces, and what a path describes and is not there is another rule's.
        if !name.contains('[') {
            check(rule, &body(users(), json!({name: value})), InvalidSyntax, &detail);
        }
    }
    // As the `path` of an operation they are the RFC's own, with or without the URN.
    for path in [department.as_str(), "department", "name.givenName"] {
        patch(users(), json!({"op": "add", "path": path, "value": "x"}))(&Compat::STRICT).unwrap();
    }
}

#[test]
fn texts_for_values_of_other_types() {
    let rule = "textForOtherTypes";
    let boolean = "`active` must be a boolean";
    check(rule, &body(users(), json!({"active": "True"})), InvalidValue, boolean);
    check(rule, &body(users(), json!({"active": ""})), InvalidValue, boolean);
    check(rule, &body(users(), json!({"title": 7})), InvalidValue, "`title` must be a string");
    let operation = json!({"op": "add", "path": "active", "value": "False"});
    check(rule, &patch(users(), operation), InvalidValue, &format!("operation 1: {boolean}"));
    let operation = json!({"op": "add", "path": "", "value": {"title": "Dev"}});
    let detail = "operation 1: expected an attribute at position 0";
    check(rule, &patch(users(), operation), InvalidPath, detail);
    for (text, detail) in [
        (r#"active eq "true""#, "`active` takes true or false at position 10"),
        ("externalId eq 701984", "`externalId` takes a text at position 14"),
        ("userName eq true", "`userName` takes a text at position 12"),
    ] {
        check(rule, &filter(text), InvalidFilter, detail);
    }
    let path = r#"emails[primary eq "True"]"#;
    let detail = "operation 1: `primary` takes true or false at position 18";
    check(rule, &patch(users(), json!({"op": "remove", "path": path})), InvalidFilter, detail);
}

#[test]
fn one_value_for_several_and_several_for_one() {
    let rule = "singleForList";
    for (sent, detail) in [
        (json!({"emails": {"value": "a@x"}}), "`emails` must be a list"),
        (json!({"emails": ["a@x"]}), "`emails` must be an object"),
        (json!({"title": ["Dev"]}), "`title` must be a string"),
        (json!({"title": {"value": "Dev"}}), "`title` must be a string"),
        (json!({"name": [{"givenName": "Ada"}]}), "`name` must be an object"),
    ] {
        check(rule, &body(users(), sent), InvalidValue, detail);
    }
    let detail = format!("`{ENTERPRISE}:manager` must be an object");
    check(rule, &body(users(), json!({ENTERPRISE: {"manager": "m1"}})), InvalidValue, &detail);
    check(
        rule,
        &body(groups(), json!({"members": "u1"})),
        InvalidValue,
        "`members` must be a list",
    );
    let detail = format!("`schemas` must list `{CORE}` and each extension used, and no other");
    check(rule, &body(users(), json!({"schemas": CORE})), InvalidSyntax, &detail);
    let pathless = json!({"op": "add", "value": [{"title": "Dev"}]});
    let detail = "operation 1: `value` must be an object";
    check(rule, &patch(users(), pathless), InvalidValue, detail);
}

#[test]
fn several_primary_values() {
    let rule = "severalPrimaries";
    let two = json!([{"value": "c@x", "primary": true}, {"value": "d@x", "primary": true}]);
    let detail = "`emails` has more than one primary value";
    check(rule, &body(users(), json!({"emails": two})), InvalidValue, detail);
    let operation = json!({"op": "add", "path": "emails", "value": two});
    check(rule, &patch(users(), operation), InvalidValue, &format!("operation 1: {detail}"));
}

#[test]
fn a_replacement_of_what_is_not_there() {
    let path = r#"phoneNumbers[type eq "mobile"].value"#;
    let operation = json!({"op": "replace", "path": path, "value": "+1"});
    let detail = "operation 1: the path selects no attribute that the operation could act on";
    check("createDescribedValues", &patch(users(), operation), NoTarget, detail);
    // Without a filter the RFC has it added.
    for path in ["name.givenName", "phoneNumbers.value", "title"] {
        let patch = |op| patch(users(), json!({"op": op, "path": path, "value": "x"}));
        assert_eq!(patch("replace")(&Compat::STRICT), patch("add")(&Compat::STRICT), "{path}");
        assert_eq!(patch("add")(&Compat::STRICT).err(), None, "{path}");
    }
}

#[test]
fn a_removal_that_lists_values() {
    let rule = "listedRemovals";
    let detail = "operation 1: `remove` takes no `value`";
    let emails = json!({"op": "remove", "path": "emails", "value": [{"value": "a@x"}]});
    check(rule, &patch(users(), emails), InvalidSyntax, detail);
    let members = json!({"op": "remove", "path": "members", "value": [{"value": "u1"}]});
    check(rule, &patch(groups(), members), InvalidSyntax, detail);
    // RFC 7643 §2.5: null is no value.
    let null = json!({"op": "remove", "path": "emails", "value": null});
    patch(users(), null)(&Compat::STRICT).unwrap();
}

#[test]
fn null_for_members_among_other_attributes() {
    let rule = "nullMembers";
    let operation = json!({"op": "replace", "value": {"displayName": "Crew", "members": null}});
    let emptied = json!({"op": "replace", "value": {"displayName": "Crew", "members": []}});
    check_both(rule, &patch(groups(), operation), &patch(groups(), emptied)(&Compat::STRICT));
}

#[test]
fn operations_in_any_case() {
    let rule = "operationsInAnyCase";
    let detail = "operation 1: `op` must be one of `add`, `remove` and `replace`";
    for op in ["Add", "REPLACE"] {
        let operation = json!({"op": op, "path": "title", "value": "Dev"});
        check(rule, &patch(users(), operation), InvalidSyntax, detail);
    }
    let detail = "operation 1: `method` must be one of `POST`, `PUT`, `PATCH` and `DELETE`";
    let operation = json!({"method": "post", "path": "/Users", "bulkId": "a", "data": {}});
    check(rule, &bulk(operation), InvalidSyntax, detail);
}

#[test]
fn posts_in_a_bulk_request_without_a_bulk_id() {
    let operation = json!({"method": "POST", "path": "/Users", "data": {}});
    check("unnamedBulkPosts", &bulk(operation), InvalidValue, "`bulkId` is required");
}

#[test]
fn an_object_as_json_in_a_text() {
    let packed = r#"{"id":"06b0","value":"25","display":"Pilot"}"#;
    let meant = json!({"roles": [{"value": "25", "display": "Pilot"}]});
    for roles in [json!([{"value": packed}]), json!([packed]), json!(packed)] {
        let read = body(users(), json!({"roles": roles}));
        let kept = body(users(), json!({"roles": [{"value": packed}]}))(&Compat::GENERIC);
        assert_eq!(read(&Compat::GENERIC), kept, "{roles}");
        let unpacking = rules(Compat::GENERIC, "jsonInText", true);
        assert_eq!(read(&unpacking), body(users(), meant.clone())(&Compat::GENERIC), "{roles}");
    }
    // Only an object is one, and what is around it stays.
    let unpacking = rules(Compat::GENERIC, "jsonInText", true);
    for text in ["", "7", "[]", "{", r#"{"value":"#, "Admin"] {
        let read = body(users(), json!({"roles": [{"value": text, "type": "App"}]}));
        assert_eq!(read(&unpacking), read(&Compat::GENERIC), "{text}");
    }
    let typed = body(users(), json!({"roles": [{"value": packed, "type": "App"}]}))(&unpacking);
    let meant = json!({"roles": [{"value": "25", "display": "Pilot", "type": "App"}]});
    assert_eq!(typed, body(users(), meant)(&Compat::GENERIC));
    let title = body(users(), json!({"title": packed}));
    assert_eq!(title(&unpacking), title(&Compat::GENERIC), "a text that is none of an object's");
}
