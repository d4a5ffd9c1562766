//! RFC 7644 §3.4.2.2, what filters mean under a schema, as tables: filter to fault, filter of a path
//! and value to answer.

use muster::scim::ErrorKind;
use muster::scim::compat::Compat;
use muster::scim::filter::{Decimal, Filter, Predicate};
use muster::scim::path::SyntaxError;
use muster::scim::schema::{Attribute, Registry};
use serde_json::json;

fn bind(text: &str) -> Result<Predicate, SyntaxError> {
    let schema = Registry::builtin().type_at("Users").unwrap();
    Filter::parse(text, &Compat::GENERIC)
        .unwrap_or_else(|e| panic!("{text}: {e}"))
        .bind(schema, &Compat::GENERIC)
}

/// What is said of a filter that means nothing for a user.
fn check_unbound(text: &str, at: &str, message: &str) {
    let fault = bind(text).expect_err(text);
    assert_eq!((Some(fault.position()), fault.message()), (at.find('^'), message), "{text}");
}

#[test]
fn unknown_attributes_are_named_with_their_place() {
    check_unbound(r#"email Co "jo""#, "^", "unknown attribute `email`");
    check_unbound("title pr and foo.bar pr", "             ^", "unknown attribute `foo.bar`");
    check_unbound("name.nick pr", "^", "unknown attribute `name.nick`");
    check_unbound("userName.value pr", "^", "unknown attribute `userName.value`");
    check_unbound("emails[kind pr]", "       ^", "unknown attribute `kind`");
    check_unbound("emails[type pr].kind pr", "                ^", "unknown attribute `kind`");
    check_unbound("emails[emails.type pr]", "       ^", "unknown attribute `emails.type`");
    check_unbound("members pr", "^", "unknown attribute `members`");
    check_unbound("urn:x:userName pr", "^", "unknown attribute `urn:x:userName`");
    let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    check_unbound(&format!("{enterprise} pr"), "^", &format!("unknown attribute `{enterprise}`"));
    check_unbound("emails[type[value pr]]", "       ^", "`type` has no sub-attributes");
    check_unbound("schemas[value[value pr]]", "        ^", "`value` has no sub-attributes");
    check_unbound("userName[kind pr]", "         ^", "unknown attribute `kind`");
}

#[test]
fn comparisons_that_mean_nothing_are_refused() {
    for op in ["gt", "ge", "lt", "le", "co", "sw", "ew"] {
        let message = format!("`active` has no `{op}`");
        check_unbound(&format!("active {op} true"), "       ^", &message);
    }
    for op in ["gt", "ge", "lt", "le"] {
        let message = format!("`x509Certificates.value` has no `{op}`");
        let text = format!(r#"x509Certificates.value {op} "TUlJ""#);
        check_unbound(&text, "                       ^", &message);
        check_unbound(
            &format!("title {op} null"),
            "      ^",
            &format!("`{op}` does not take `null`"),
        );
    }
    check_unbound("active eq 1", "          ^", "`active` takes true or false");
    check_unbound(r#"active eq "yes""#, "          ^", "`active` takes true or false");
    let no_date_time = "`meta.created` takes a dateTime such as 2026-01-31T08:00:00Z";
    check_unbound(r#"meta.created gt "2026-01-31""#, "                ^", no_date_time);
    check_unbound("meta.created eq 5", "                ^", no_date_time);
    check_unbound(r#"name eq "x""#, "^", "`name` needs a sub-attribute");
    check_unbound(r#"addresses eq "x""#, "^", "`addresses` needs a sub-attribute");
}

#[test]
fn a_password_cannot_be_filtered() {
    check_unbound("password pr", "^", "`password` cannot be filtered");
    check_unbound(
        r#"title pr or not (password sw "t")"#,
        "                 ^",
        "`password` cannot be filtered",
    );
}

#[test]
fn the_brackets_of_a_path_are_asked_of_one_value() {
    let attribute: Attribute = serde_json::from_value(json!({
        "name": "scores", "type": "complex", "multiValued": true, "subAttributes": [
            {"name": "value", "type": "integer"}, {"name": "weight", "type": "decimal"},
            {"name": "tags", "type": "string", "multiValued": true}
        ]
    }))
    .unwrap();
    let element = json!({"value": 9_007_199_254_740_993_u64, "weight": -0.25, "tags": ["A", "b"]});
    for (text, expected) in [
        ("value eq 9007199254740993", true),
        ("value eq 9007199254740992", false),
        ("value eq 9007199254740993.0", true),
        ("value gt 9007199254740992.9", true),
        ("value lt 9007199254740993.1", true),
        ("value lt 1e400", true),
        ("value gt -1e400", true),
        (r#"value eq "9007199254740993""#, true),
        ("weight eq -25e-2", true),
        ("weight gt -0.3", true),
        ("weight lt -0.2", true),
        ("weight gt 0", false),
        ("weight ne -0.250", false),
        (r#"tags eq "a" and tags eq "B""#, true),
    ] {
        let filter = Filter::parse(text, &Compat::STRICT).unwrap();
        let predicate = filter
            .bind_values(&attribute, &Compat::GENERIC)
            .unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!(predicate.matches_value(&element), expected, "{text}");
    }
    for (text, detail) in [
        ("value co 1", "`value` has no `co` at position 6"),
        ("value eq true", "`value` takes a number at position 9"),
        (r#"weight eq "1,5""#, "`weight` takes a number at position 10"),
        ("scores.value pr", "unknown attribute `scores.value` at position 0"),
    ] {
        let filter = Filter::parse(text, &Compat::STRICT).unwrap();
        let error = filter.bind_values(&attribute, &Compat::GENERIC).unwrap_err().into_path_error();
        assert_eq!((error.kind(), error.detail()), (ErrorKind::InvalidFilter, detail));
    }
}

#[test]
fn numbers_are_ordered_by_value() {
    let texts = "-1e400 -10.5 -9 -0.5 -0.05 -1e-400 0 1e-400 0.05 0.5 1 1.5 9 10 9007199254740992 \
                 9007199254740992.5 9007199254740993 18446744073709551616 1e400";
    let numbers: Vec<Decimal> =
        texts.split(' ').map(|text| Decimal::parse(text).unwrap()).collect();
    assert!(numbers.is_sorted_by(|a, b| a < b));
    for [a, b] in [["10", "1e1"], ["0.50", "5E-1"], ["-0", "0.0e9"], ["100", "10000e-2"]] {
        assert_eq!(Decimal::parse(a), Decimal::parse(b));
    }
    for text in [
        "",
        "-",
        "01",
        "1.",
        ".5",
        "+1",
        "1e",
        "1e1.0",
        "0x1",
        "1_0",
        "NaN",
        "1e99999999999999999999",
    ] {
        assert_eq!(Decimal::parse(text), None, "{text}");
    }
}

#[test]
fn a_simple_value_is_its_own_value() {
    let attribute: Attribute =
        serde_json::from_value(json!({"name": "tags", "type": "string", "multiValued": true}))
            .unwrap();
    let predicate = Filter::parse(r#"VALUE eq "red""#, &Compat::STRICT)
        .unwrap()
        .bind_values(&attribute, &Compat::GENERIC)
        .unwrap();
    assert!(predicate.matches_value(&json!("Red")));
    assert!(!predicate.matches_value(&json!("blue")));
}

#[test]
fn a_planner_sees_canonical_paths() {
    for (text, path) in [
        (r#"USERNAME eq "a""#, "userName"),
        (r#"emails eq "a""#, "emails.value"),
        (r#"META.lastmodified gt "2026-01-01T00:00:00Z""#, "meta.lastModified"),
        (
            r#"manager eq "a""#,
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value",
        ),
    ] {
        let Ok(Predicate::Compare { target, .. }) = bind(text) else { panic!("{text}") };
        assert_eq!(target.path(), path);
    }
}

#[test]
fn a_predicate_tells_which_attributes_it_needs() {
    let predicate = bind(r#"title pr or not (groups[display eq "a"] and manager eq "m")"#).unwrap();
    assert!(predicate.mentions("groups") && predicate.mentions("title"));
    // The extension's, not the core schema's.
    assert!(!predicate.mentions("manager") && !predicate.mentions("members"));
}
