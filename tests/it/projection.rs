//! RFC 7644 §3.9: what is left of a resource, as tables.

use muster::limits;
use muster::scim::ErrorKind;
use muster::scim::projection::Projection;
use serde_json::{Value, json};

use crate::given::{CORE, ENTERPRISE, groups, users};

fn ada() -> Value {
    json!({
        "schemas": [CORE, ENTERPRISE],
        "id": "1",
        "externalId": "e1",
        "userName": "ada",
        "name": {"familyName": "Byron", "givenName": "Ada"},
        "password": "of old",
        "emails": [
            {"value": "ada@example.com", "type": "work"},
            {"value": "ada@example.org", "display": "Ada"},
        ],
        "groups": [{"value": "g1", "display": "Builders"}],
        ENTERPRISE: {"department": "Tours", "manager": {"value": "m1", "displayName": "Bo"}},
        "meta": {"resourceType": "User", "version": "W/\"1\""},
    })
}

/// What is shown besides `schemas` and `id`.
fn shown(attributes: Option<&str>, excluded: Option<&str>) -> Value {
    let Value::Object(mut fields) = ada() else { panic!() };
    Projection::parse(attributes, excluded).unwrap().apply(&mut fields, users());
    for (name, value) in [("schemas", json!([CORE, ENTERPRISE])), ("id", json!("1"))] {
        assert_eq!(fields.shift_remove(name), Some(value), "{name} is always returned");
    }
    Value::Object(fields)
}

#[track_caller]
fn check_only(attributes: &str, expected: Value) {
    let [shown, expected] =
        [shown(Some(attributes), None), expected].map(|value| value.to_string());
    assert_eq!(shown, expected, "{attributes}");
}

/// Excluding attributes leaves all but these.
#[track_caller]
fn check_except(excluded: &str, gone: &[&str]) {
    let mut expected = shown(None, None);
    for pointer in gone {
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        let parent = expected.pointer_mut(parent).unwrap();
        parent.as_object_mut().unwrap().shift_remove(name).unwrap();
    }
    assert_eq!(shown(None, Some(excluded)).to_string(), expected.to_string(), "{excluded}");
}

#[test]
fn by_default_everything_is_shown_but_what_never_is() {
    let Value::Object(mut expected) = ada() else { panic!() };
    for name in ["schemas", "id", "password"] {
        expected.shift_remove(name);
    }
    assert_eq!(shown(None, None), Value::Object(expected));
}

#[test]
fn attributes_take_the_place_of_the_default() {
    check_only("userName", json!({"userName": "ada"}));
    check_only(" USERNAME , externalid", json!({"externalId": "e1", "userName": "ada"}));
    check_only("name", json!({"name": {"familyName": "Byron", "givenName": "Ada"}}));
    check_only("meta.version", json!({"meta": {"version": "W/\"1\""}}));
    check_only("id,schemas", json!({}));
}

#[test]
fn a_part_of_an_attribute_is_shown_alone() {
    check_only("name.givenName", json!({"name": {"givenName": "Ada"}}));
    check_only(
        "emails.value",
        json!({"emails": [{"value": "ada@example.com"}, {"value": "ada@example.org"}]}),
    );
    check_only("emails.display", json!({"emails": [{"display": "Ada"}]}));
    check_only("emails.primary,name.middleName", json!({}));
    check_only("name.givenName,name", json!({"name": {"familyName": "Byron", "givenName": "Ada"}}));
}

#[test]
fn an_extension_is_named_by_its_urn_or_by_its_attributes() {
    let all = json!({ENTERPRISE: {"department": "Tours", "manager": {"value": "m1", "displayName": "Bo"}}});
    check_only(ENTERPRISE, all.clone());
    check_only(&ENTERPRISE.to_uppercase(), all);
    let department = json!({ENTERPRISE: {"department": "Tours"}});
    check_only(&format!("{ENTERPRISE}:department"), department.clone());
    check_only("department", department);
    check_only(
        &format!("{ENTERPRISE}:manager.displayName"),
        json!({ENTERPRISE: {"manager": {"displayName": "Bo"}}}),
    );
    check_only(&format!("{CORE}:userName"), json!({"userName": "ada"}));
    check_except(ENTERPRISE, &[&format!("/{ENTERPRISE}")]);
}

#[test]
fn excluded_attributes_are_left_out() {
    check_except("emails,groups,META", &["/emails", "/groups", "/meta"]);
    check_except("name.givenName", &["/name/givenName"]);
    check_except("name.givenName,name.familyName", &["/name"]);
    check_except("emails.type", &["/emails/0/type"]);
    check_except(&format!("{ENTERPRISE}:manager"), &[&format!("/{ENTERPRISE}/manager")]);
}

#[test]
fn what_is_always_or_never_returned_is_not_for_the_client_to_say() {
    check_only("password", json!({}));
    check_only("password,userName", json!({"userName": "ada"}));
    check_except("id,schemas", &[]);
}

#[test]
fn names_that_mean_nothing_select_nothing() {
    check_only("shoeSize", json!({}));
    check_only("shoeSize,a b,..,name.pet,userName", json!({"userName": "ada"}));
    check_except("shoeSize,a b,name.pet", &[]);
}

#[test]
fn a_filter_on_an_attribute_is_not_asked() {
    let emails = ada()["emails"].clone();
    check_only(r#"emails[type eq "work"]"#, json!({"emails": emails}));
    check_only(
        r#"emails[type eq "work"].value,userName"#,
        json!({"userName": "ada", "emails": emails}),
    );
}

#[test]
fn an_empty_list_is_no_list() {
    for empty in ["", " ", ",", " , "] {
        assert!(Projection::parse(Some(empty), Some(empty)).unwrap().is_default());
    }
    assert_eq!(Projection::parse(None, None).unwrap(), Projection::default());
    assert!(!Projection::parse(Some("x"), None).unwrap().is_default());
    check_except(" ,emails", &["/emails"]);
}

#[test]
fn of_two_lists_attributes_counts() {
    assert_eq!(shown(Some("userName"), Some("userName")), json!({"userName": "ada"}));
    assert_eq!(shown(Some(""), Some("name")), shown(None, Some("name")));
}

#[test]
fn a_list_has_a_bounded_length() {
    let list = "a,".repeat(limits::PATH_BYTES);
    for (attributes, excluded) in [(Some(list.as_str()), None), (None, Some(list.as_str()))] {
        let error = Projection::parse(attributes, excluded).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidPath);
    }
}

#[test]
fn what_is_not_shown_need_not_be_looked_up() {
    let shows = |attributes, excluded| {
        let projection = Projection::parse(attributes, excluded).unwrap();
        projection.shows(groups(), "members")
    };
    assert!(shows(None, None));
    assert!(shows(Some("displayName,MEMBERS"), None));
    assert!(shows(Some("members.value"), None));
    assert!(shows(Some("urn:ietf:params:scim:schemas:core:2.0:Group"), None));
    assert!(shows(None, Some("displayName")));
    assert!(shows(None, Some("members.display")));
    assert!(!shows(Some("displayName"), None));
    assert!(!shows(None, Some("Members")));
    assert!(!Projection::default().shows(users(), "members"));
    assert!(!Projection::default().shows(users(), "password"));
    assert!(Projection::default().shows(users(), "groups"));
}
