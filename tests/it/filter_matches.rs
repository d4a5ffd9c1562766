//! RFC 7644 §3.4.2.2, whom filters match, as tables: filter and resource to answer.

use muster::scim::compat::Compat;
use muster::scim::filter::Filter;
use muster::scim::schema::Registry;
use serde_json::{Value, json};

fn matches(kind: &str, resource: &Value, text: &str) -> bool {
    let schema = Registry::builtin().type_at(kind).unwrap();
    let filter = Filter::parse(text, &Compat::GENERIC).unwrap_or_else(|e| panic!("{text}: {e}"));
    let predicate = filter.bind(schema, &Compat::GENERIC).unwrap_or_else(|e| panic!("{text}: {e}"));
    predicate.matches(resource.as_object().unwrap())
}

fn barbara() -> Value {
    json!({
        "schemas": [
            "urn:ietf:params:scim:schemas:core:2.0:User",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
        ],
        "id": "0190a1b2-0000-7000-8000-000000000001",
        "externalId": "Jensen-007",
        "userName": "bjensen@Example.com",
        "name": {"familyName": "O'Malley", "givenName": "Barbara"},
        "displayName": "Straße \"Ö\"",
        "nickName": "",
        "userType": "Employee",
        "active": true,
        "emails": [
            {"type": "work", "value": "bjensen@example.com", "primary": true},
            {"type": "home", "value": "babs@example.org"},
            {"type": "other"}
        ],
        "ims": [],
        "photos": [{"type": "photo", "value": "https://photos.example.com/F"}],
        "x509Certificates": [{"value": "TUlJRGVR"}],
        "groups": [{"value": "g-1", "display": "Builders", "type": "direct"}],
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {
            "employeeNumber": "701984",
            "department": "Tour Operations",
            "manager": {"value": "26118915", "displayName": "John Smith"}
        },
        "meta": {
            "resourceType": "User",
            "created": "2026-01-23T04:56:22Z",
            "lastModified": "2026-05-13T04:42:34.125Z",
            "version": "W/\"3\""
        }
    })
}

/// Filters that hold of Barbara, then some that do not.
fn check_barbara(hold: &[&str], fail: &[&str]) {
    for (texts, expected) in [(hold, true), (fail, false)] {
        for text in texts {
            assert_eq!(matches("Users", &barbara(), text), expected, "{text}");
        }
    }
}

#[test]
fn texts_compare_by_table_3() {
    check_barbara(
        &[
            r#"userName eq "BJENSEN@example.COM""#,
            r#"userName ne "bjensen""#,
            r#"userName co "JENSEN""#,
            r#"userName sw "bj""#,
            r#"userName ew ".COM""#,
            r#"userName gt "bj""#,
            r#"userName ge "BJENSEN@EXAMPLE.COM""#,
            r#"userName lt "C""#,
            r#"userName le "bjensen@example.com""#,
            r#"name.familyName co "o'mal""#,
        ],
        &[
            r#"userName eq "bjensen""#,
            r#"userName ne "BJensen@example.com""#,
            r#"userName co "bjensen@example.com.""#,
            r#"userName sw "jensen""#,
            r#"userName ew "bjensen""#,
            r#"userName gt "bjensen@example.com""#,
            r#"userName lt "bjensen@example.com""#,
        ],
    );
}

#[test]
fn case_matters_where_the_schema_says_so() {
    check_barbara(
        &[
            r#"externalId eq "Jensen-007""#,
            r#"externalId sw "Jen""#,
            r#"photos eq "https://photos.example.com/F""#,
        ],
        &[
            r#"externalId eq "jensen-007""#,
            r#"externalId sw "jen""#,
            r#"photos eq "https://photos.example.com/f""#,
            // RFC 7643 §2.3.6: binary values are case exact whatever a schema says.
            r#"x509Certificates.value eq "tuljrgvr""#,
        ],
    );
}

#[test]
fn folding_is_unicodes() {
    check_barbara(
        &[
            r#"displayName eq "STRASSE \"ö\"""#,
            r#"displayName sw "strass""#,
            r#"displayName ew "\u00f6\"""#,
        ],
        &[r#"displayName eq "strase""#],
    );
}

#[test]
fn an_attribute_without_a_value_is_null() {
    check_barbara(
        &[
            "title eq null",
            "userName ne null",
            "not (title pr)",
            "userName pr",
            "name pr",
            "name ne null",
            "emails pr",
            "emails.primary pr",
            // Empty is unassigned.
            "nickName eq null",
            "ims eq null",
            "not (ims pr)",
            // `null` is not identical to any text, so `ne` holds where there is no value.
            r#"title ne "Boss""#,
            r#"ims.value ne "x""#,
            r#"ims ne "x""#,
            r#"not (title eq "Boss")"#,
        ],
        &[
            "title pr",
            "title ne null",
            "userName eq null",
            "name.middleName pr",
            "nickName pr",
            "ims pr",
            "addresses pr",
            r#"title eq "Boss""#,
            r#"title gt "A""#,
            r#"title co """#,
        ],
    );
}

#[test]
fn one_value_of_many_is_enough() {
    check_barbara(
        &[
            r#"emails.value eq "BABS@example.org""#,
            r#"emails co "example.org""#,
            r#"emails eq bjensen@example.com"#,
            // Some e-mail is another one; `not (… eq …)` says that all are.
            r#"emails.value ne "bjensen@example.com""#,
            r#"emails.type eq "work" and emails.type eq "home""#,
            r#"schemas eq "urn:ietf:params:scim:schemas:core:2.0:User""#,
            r#"schemas[value ew ":User"]"#,
        ],
        &[
            r#"not (emails.value eq "bjensen@example.com")"#,
            r#"photos.value ne "https://photos.example.com/F""#,
            r#"emails.value eq "example.org""#,
        ],
    );
}

#[test]
fn brackets_ask_all_of_one_value() {
    check_barbara(
        &[
            r#"emails[type eq "work" and value co "@example.com"]"#,
            r#"emails[type eq "WORK"].value eq "bjensen@EXAMPLE.com""#,
            r#"emails[type eq "work"].value pr"#,
            r#"emails[not (type eq "work") and value pr]"#,
            r#"emails[value eq null]"#,
            r#"emails[primary eq "True"].value ew ".com""#,
            r#"urn:ietf:params:scim:schemas:core:2.0:User:emails[type eq "home"]"#,
            r#"manager[value eq "26118915"]"#,
            r#"groups[display eq "builders"]"#,
        ],
        &[
            r#"emails[type eq "work" and value co "@example.org"]"#,
            r#"emails[type eq "other"].value pr"#,
            r#"emails[type eq "fax"]"#,
            r#"emails[type eq "fax"].value ne "x""#,
            r#"ims[value ne "x"]"#,
            r#"phoneNumbers[not (type eq "work")]"#,
        ],
    );
}

#[test]
fn date_times_compare_as_instants() {
    check_barbara(
        &[
            r#"meta.lastModified eq "2026-05-13T06:42:34.125+02:00""#,
            r#"meta.lastModified gt "2026-05-13T04:42:34Z""#,
            r#"meta.lastModified ge "0001-01-01T00:00:00Z""#,
            r#"meta.lastModified ge "0001-01-01T00:00:00""#,
            r#"meta.lastModified lt "9999-12-31T23:59:59.9999999-12:00""#,
            r#"meta.lastModified le "2026-05-13t04:42:34.125z""#,
            r#"meta.created ne "2026-01-23T04:56:22.001Z""#,
            r#"active eq true and (meta.lastModified ge 2026-05-13T00:00:00Z and meta.lastModified le 2026-05-14T00:00:00Z)"#,
            r#"meta.created sw "2026-01""#,
        ],
        &[
            r#"meta.lastModified lt "2026-05-13T05:00:00+02:00""#,
            r#"meta.created ne "2026-01-23T05:56:22+01:00""#,
            r#"meta.created gt "2026-01-23T04:56:22Z""#,
        ],
    );
}

#[test]
fn a_literal_is_what_its_attribute_needs() {
    check_barbara(
        &[
            "active eq true",
            r#"active eq "True""#,
            r#"active ne "FALSE""#,
            "active eq TRUE",
            "employeeNumber eq 701984",
            "employeeNumber sw 70",
            "employeeNumber lt 9",
        ],
        &[
            "active eq false",
            r#"active eq "false""#,
            "employeeNumber eq 701984.0",
            "userType eq true",
        ],
    );
}

#[test]
fn names_are_found_in_the_common_core_and_extension_schemas() {
    check_barbara(
        &[
            r#"id eq "0190a1b2-0000-7000-8000-000000000001""#,
            r#"meta.resourceType eq "User""#,
            r#"META.VERSION eq "W/\"3\"""#,
            r#"department eq "tour operations""#,
            r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department co "Tour""#,
            r#"URN:IETF:params:scim:schemas:extension:ENTERPRISE:2.0:user:Department pr"#,
            r#"urn:ietf:params:scim:schemas:core:2.0:User:userName sw "bj""#,
            r#"urn:ietf:params:scim:schemas:core:2.0:User:meta.created pr"#,
            r#"id eq "0190a1b2-0000-7000-8000-000000000001" and manager eq "26118915""#,
            r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.displayName eq "john smith""#,
            r#"groups.display eq "Builders""#,
            r#"groups eq "g-1""#,
            // Entra before 2018
            r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User.department sw "tour""#,
        ],
        &[r#"manager eq "26118916""#, "costCenter pr"],
    );
}

#[test]
fn groups_are_found_by_their_names_and_members() {
    let group = json!({
        "id": "g-1", "displayName": "BobIsAmazing",
        "members": [{"value": "u-1", "type": "User"}, {"value": "g-2", "type": "Group"}]
    });
    for (text, expected) in [
        (r#"DisplayName eq "bobisamazing""#, true),
        (r#"displayName sw "S""#, false),
        (r#"id eq "g-1" and members eq "u-1""#, true),
        (r#"members[value eq "g-2" and type eq "User"]"#, false),
        ("members pr", true),
        ("externalId pr", false),
    ] {
        assert_eq!(matches("Groups", &group, text), expected, "{text}");
    }
}

#[test]
fn identity_providers_filters_are_understood() {
    check_barbara(
        &[
            // Entra
            r#"userName eq "bjensen@example.com""#,
            r#"emails[type eq "work"].value eq "bjensen@example.com""#,
            "externalId eq Jensen-007",
            // PingOne and PingFederate
            "userName eq bjensen@example.com",
            "emails eq bjensen@example.com",
            r#"username Eq "bjensen@example.com""#,
            // SailPoint
            r#"userName sw "B""#,
            // Entra, HR-driven
            r#"Active eq True And (Meta.LastModified ge 0001-01-01T00:00:00.0000000Z and meta.lastmodified le 2027-01-01T00:00:00Z)"#,
        ],
        &[r#"userName eq "3f2504e0-4f89-41d3-9a0c-0305e82c3301""#],
    );
}

#[test]
fn a_resource_of_another_shape_does_not_match() {
    let odd = json!({
        "userName": 7, "active": "true", "emails": "x", "name": [], "title": null,
        "meta": {"created": "yesterday"}
    });
    for (text, expected) in [
        (r#"userName eq "7""#, false),
        (r#"userName ne "7""#, true),
        ("active eq true", false),
        ("active ne true", true),
        (r#"emails.value eq "x""#, false),
        (r#"emails[value eq "x"]"#, false),
        ("name.familyName pr", false),
        ("title eq null", true),
        (r#"meta.created gt "0001-01-01T00:00:00Z""#, false),
        (r#"meta.created ne "0001-01-01T00:00:00Z""#, true),
        (r#"department eq "x""#, false),
    ] {
        assert_eq!(matches("Users", &odd, text), expected, "{text}");
    }
}
