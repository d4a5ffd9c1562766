//! RFC 7644 §3.10 and §3.5.2, as tables: text to parts, text to fault.

use muster::limits;
use muster::scim::ErrorKind;
use muster::scim::compat::Compat;
use muster::scim::filter::Path;
use muster::scim::path::AttrPath;

type Parts<'a> = (Option<&'a str>, &'a str, Option<&'a str>);

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

fn parts(path: &AttrPath) -> Parts<'_> {
    (path.urn.as_deref(), &path.name, path.sub.as_deref())
}

/// An attribute path, its parts, and its way back to text.
fn check_attr(text: &str, expected: Parts<'_>) {
    let path = AttrPath::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"));
    assert_eq!(parts(&path), expected, "{text}");
    assert_eq!(path.to_string(), text);
}

/// A path: its attribute, the filter in its brackets, the sub-attribute behind them.
fn check(text: &str, attr: &str, filter: Option<&str>, sub: Option<&str>) {
    let path = Path::parse(text, &Compat::GENERIC).unwrap_or_else(|e| panic!("{text}: {e}"));
    assert_eq!(path.attr.to_string(), attr, "{text}");
    assert_eq!(path.filter.as_ref().map(ToString::to_string).as_deref(), filter, "{text}");
    assert_eq!(path.sub.as_deref(), sub, "{text}");
    assert_eq!(Path::parse(&path.to_string(), &Compat::STRICT), Ok(path));
}

fn check_fault(text: &str, kind: ErrorKind, detail: &str) {
    let error = Path::parse(text, &Compat::STRICT).expect_err(text).into_path_error();
    assert_eq!((error.kind(), error.detail()), (kind, detail), "{text}");
}

#[test]
fn an_attribute_path_has_a_urn_a_name_and_a_sub_attribute() {
    check_attr("userName", (None, "userName", None));
    check_attr("name.familyName", (None, "name", Some("familyName")));
    check_attr("members.$ref", (None, "members", Some("$ref")));
    check_attr("x_1-y", (None, "x_1-y", None));
    check_attr(&format!("{ENTERPRISE}:department"), (Some(ENTERPRISE), "department", None));
    check_attr(
        &format!("{ENTERPRISE}:manager.displayName"),
        (Some(ENTERPRISE), "manager", Some("displayName")),
    );
    check_attr(
        "https://example.com/s/1.0:a.b",
        (Some("https://example.com/s/1.0"), "a", Some("b")),
    );
}

#[test]
fn a_bare_urn_splits_at_its_last_colon_and_is_one_again() {
    let path = AttrPath::parse(ENTERPRISE).unwrap();
    let urn = "urn:ietf:params:scim:schemas:extension:enterprise:2.0";
    assert_eq!(parts(&path), (Some(urn), "User", None));
    assert_eq!(path.whole_urn().as_deref(), Some(ENTERPRISE));
    // Entra before 2018.
    let path = AttrPath::parse(&format!("{ENTERPRISE}.manager")).unwrap();
    assert_eq!(parts(&path), (Some(urn), "User", Some("manager")));
    assert_eq!(path.whole_urn(), None);
    assert_eq!(AttrPath::parse("userName").unwrap().whole_urn(), None);
}

#[test]
fn an_attribute_path_is_nothing_more() {
    for text in
        ["", " userName", "a b", "a.b.c", "a.", ".a", "a:", ":a", "1a", "é", "a[b pr]", "a,b"]
    {
        assert!(AttrPath::parse(text).is_err(), "{text}");
    }
}

#[test]
fn a_path_is_an_attribute_path_or_a_value_path() {
    check("members", "members", None, None);
    check("name.familyName", "name.familyName", None, None);
    check(r#"members[value eq "2819c223"]"#, "members", Some(r#"value eq "2819c223""#), None);
    check(r#"Emails[Type EQ "work"].Value"#, "Emails", Some(r#"Type eq "work""#), Some("Value"));
    check("emails[type eq work]", "emails", Some(r#"type eq "work""#), None);
    check(
        r#"addresses[type eq "work" and (primary eq true or country pr)].streetAddress"#,
        "addresses",
        Some(r#"type eq "work" and (primary eq true or country pr)"#),
        Some("streetAddress"),
    );
    check(
        r#"roles[primary eq "True"].value"#,
        "roles",
        Some(r#"primary eq "True""#),
        Some("value"),
    );
    check(
        r#"urn:x:2.0:Y:items[value eq "a] b"].$ref"#,
        "urn:x:2.0:Y:items",
        Some(r#"value eq "a] b""#),
        Some("$ref"),
    );
}

#[test]
fn a_fault_is_the_paths_or_its_filters() {
    let end = "expected the end of the path at position";
    check_fault("", ErrorKind::InvalidPath, "expected an attribute at position 0");
    check_fault("a b", ErrorKind::InvalidPath, &format!("{end} 2"));
    check_fault("a.b[c pr]", ErrorKind::InvalidPath, &format!("{end} 3"));
    check_fault(
        "a[b pr].c.d",
        ErrorKind::InvalidPath,
        "malformed sub-attribute name at position 8",
    );
    check_fault("a[b pr]c", ErrorKind::InvalidPath, &format!("{end} 7"));
    // RFC 7644 Table 9: `invalidFilter` is for the filter of a path, too.
    check_fault("a[]", ErrorKind::InvalidFilter, "expected an attribute at position 2");
    check_fault("a[b pr", ErrorKind::InvalidFilter, "expected `and`, `or` or `]` at position 6");
    let unquoted = "expected a value; a text must be in double quotes at position 7";
    check_fault("a[b eq work]", ErrorKind::InvalidFilter, unquoted);
}

#[test]
fn what_is_too_long_is_refused() {
    let text = "a".repeat(limits::PATH_BYTES);
    assert!(Path::parse(&text, &Compat::STRICT).is_ok());
    check_fault(
        &format!("{text}a"),
        ErrorKind::InvalidPath,
        "longer than 4096 bytes at position 4096",
    );
    assert!(AttrPath::parse(&format!("{text}a")).is_err());
}
