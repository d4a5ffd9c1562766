//! RFC 7644 §3.4.2.2, the language, as tables: text to printed filter, text to fault.

use muster::limits;
use muster::scim::ErrorKind;
use muster::scim::compat::Compat;
use muster::scim::filter::Filter;

/// A filter in its canonical form, read by the RFC and read leniently.
fn check(text: &str, printed: &str) {
    for compat in [Compat::STRICT, Compat::GENERIC] {
        let filter = Filter::parse(text, &compat).unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!(filter.to_string(), printed, "{text}");
        assert_eq!(Filter::parse(printed, &compat), Ok(filter), "{printed}");
    }
}

fn check_lenient(text: &str, printed: &str) {
    assert!(Filter::parse(text, &Compat::STRICT).is_err(), "{text} in strict mode");
    assert_eq!(Filter::parse(text, &Compat::GENERIC).unwrap().to_string(), printed, "{text}");
}

/// What is said of a text that is no filter; `^` in `at` stands below the fault.
fn check_fault(text: &str, at: &str, message: &str) {
    let fault = Filter::parse(text, &Compat::STRICT).expect_err(text);
    assert_eq!((Some(fault.position()), fault.message()), (at.find('^'), message), "{text}");
}

#[test]
fn the_shapes_of_the_grammar_print_as_they_read() {
    for text in [
        r#"userName eq "bjensen""#,
        r#"name.familyName co "O'Malley""#,
        r#"urn:ietf:params:scim:schemas:core:2.0:User:userName sw "J""#,
        r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value pr"#,
        "title pr",
        r#"meta.lastModified ge "2011-05-13T04:42:34Z""#,
        r#"title pr and userType eq "Employee""#,
        r#"userType ne "Employee" and not (emails co "example.com" or emails.value ew "x.org")"#,
        r#"emails[type eq "work" and value co "@example.com"] or ims[type eq "xmpp"]"#,
        r#"emails[not (primary eq true)]"#,
        r#"members.$ref eq "https://example.com/Users/1""#,
        "a gt 1 or b lt -0.5e+10 or c le 0 or d eq false or e ne null",
    ] {
        check(text, text);
    }
}

#[test]
fn filters_are_the_same_wherever_their_parts_stand() {
    let parse = |text: &str| Filter::parse(text, &Compat::STRICT).unwrap();
    assert_eq!(parse("a eq 1"), parse("  (a  eq  1)"));
    for other in ["b eq 1", "a ne 1", "a eq 2", "a pr", "x:a eq 1", "a.b eq 1", "a[a eq 1]"] {
        assert_ne!(parse("a eq 1"), parse(other), "{other}");
    }
}

#[test]
fn not_binds_closer_than_and_and_and_closer_than_or() {
    check("a pr or b pr and c pr", "a pr or b pr and c pr");
    check("(a pr or b pr) and c pr", "(a pr or b pr) and c pr");
    check("a pr and (b pr and c pr)", "a pr and b pr and c pr");
    check("(a pr or (b pr)) or ((c pr and d pr))", "a pr or b pr or c pr and d pr");
    check("not (a pr) and b pr", "not (a pr) and b pr");
    check("not (not (a pr and b pr))", "not (not (a pr and b pr))");
}

#[test]
fn operators_and_keywords_have_any_case_and_names_keep_theirs() {
    check(r#"USERNAME Eq "A" AND NOT(Title PR)"#, r#"USERNAME eq "A" and not (Title pr)"#);
    check("a EQ true oR b nE null", "a eq true or b ne null");
    check_lenient("a eq True or b ne NULL", "a eq true or b ne null");
}

#[test]
fn white_space_is_free_where_it_separates_nothing() {
    check("  ( a pr )and( b  eq\t1 ) ", "a pr and b eq 1");
    check(r#"not(a eq"x")"#, r#"not (a eq "x")"#);
    check("emails[ type pr ]", "emails[type pr]");
}

#[test]
fn attributes_may_have_the_names_of_keywords() {
    check("not pr and and pr or or pr", "not pr and and pr or or pr");
    check("pr eq 1 and eq pr", "pr eq 1 and eq pr");
    check("not[a pr]", "not[a pr]");
}

#[test]
fn strings_have_the_escapes_of_json() {
    check(r#"a eq "\"\\\/\b\f\n\r\t""#, r#"a eq "\"\\/\b\f\n\r\t""#);
    check(r#"a eq "\u00e4\u00DF\ud83d\ude00""#, r#"a eq "äß😀""#);
    check(r#"a eq """#, r#"a eq """#);
    check(r#"a eq ") and (" or b eq "] \" [""#, r#"a eq ") and (" or b eq "] \" [""#);
}

#[test]
fn entra_puts_a_sub_attribute_behind_a_value_path() {
    check_lenient(
        r#"emails[type eq "work"].value eq "a@x""#,
        r#"emails[type eq "work" and value eq "a@x"]"#,
    );
    check_lenient(
        "emails[type pr or primary pr].value pr",
        "emails[(type pr or primary pr) and value pr]",
    );
    for (text, position, message) in [
        (r#"emails[type pr]. eq "a""#, 16, "malformed sub-attribute name"),
        ("emails[type pr].value", 21, NO_OPERATOR),
    ] {
        let fault = Filter::parse(text, &Compat::GENERIC).expect_err(text);
        assert_eq!((fault.position(), fault.message()), (position, message), "{text}");
    }
    let end = "expected `and`, `or` or the end";
    check_fault("emails[type pr].value pr", "               ^", end);
}

#[test]
fn unquoted_values_are_for_lenient_clients() {
    check_lenient("externalId eq jyoung", r#"externalId eq "jyoung""#);
    check_lenient(
        "userName eq jo@example.com and title pr",
        r#"userName eq "jo@example.com" and title pr"#,
    );
    check_lenient(
        "emails[type eq work].value eq a@x",
        r#"emails[type eq "work" and value eq "a@x"]"#,
    );
    check_lenient("(externalId eq 007)", r#"externalId eq "007""#);
    check_lenient(
        "active eq true and (meta.lastModified ge 0001-01-01T00:00:00Z and meta.lastModified le 2026-01-01T00:00:00+01:00)",
        r#"active eq true and meta.lastModified ge "0001-01-01T00:00:00Z" and meta.lastModified le "2026-01-01T00:00:00+01:00""#,
    );
}

const NO_OPERATOR: &str = "expected an operator: eq, ne, co, sw, ew, gt, ge, lt, le or pr";
const NO_VALUE: &str = "expected a value; a text must be in double quotes";

#[test]
fn a_fault_has_its_place_and_its_reason() {
    check_fault("", "^", "expected an attribute");
    check_fault("userName", "        ^", NO_OPERATOR);
    check_fault("userName eq", "           ^", "expected a value");
    check_fault("userName eq )", "            ^", "expected a value");
    check_fault(r#"userName is "x""#, "         ^", NO_OPERATOR);
    check_fault(r#"userName prx"#, "         ^", NO_OPERATOR);
    check_fault("userName eq bjensen", "            ^", NO_VALUE);
    check_fault("userName eq 'bjensen'", "            ^", NO_VALUE);
    check_fault("a eq 01", "     ^", NO_VALUE);
    check_fault("a eq 1.", "     ^", NO_VALUE);
    check_fault("a eq -", "     ^", NO_VALUE);
    check_fault(r#""a" eq 1"#, "^", "expected an attribute");
    check_fault("1a pr", "^", "malformed attribute name");
    check_fault("a..b pr", "^", "malformed attribute name");
    check_fault("a.b.c pr", "^", "malformed attribute name");
    check_fault("a. pr", "^", "malformed attribute name");
    check_fault(":a pr", "^", "malformed attribute name");
    check_fault("ä pr", "^", "malformed attribute name");
    check_fault("a pr b pr", "     ^", "expected `and`, `or` or the end");
    check_fault("a pr)", "    ^", "expected `and`, `or` or the end");
    check_fault("(a pr", "     ^", "expected `and`, `or` or `)`");
    check_fault("(a pr]", "     ^", "expected `and`, `or` or `)`");
    check_fault("a[b pr", "      ^", "expected `and`, `or` or `]`");
    check_fault("a.b[c pr]", "   ^", NO_OPERATOR);
    check_fault("a [b pr]", "  ^", NO_OPERATOR);
    check_fault("a pr and", "        ^", "expected an attribute");
    check_fault("()", " ^", "expected an attribute");
    check_fault("not a pr", "    ^", NO_OPERATOR);
}

#[test]
fn a_malformed_string_is_refused_where_it_starts() {
    for string in [
        r#"""#,
        r#""x"#,
        r#""\"#,
        r#""\""#,
        r#""\x""#,
        r#""\u12""#,
        r#""\u12G4""#,
        "\"x\ty\"",
        "\"x\ny\"",
        // Surrogates come in pairs.
        r#""\ud83d""#,
        r#""\ude00""#,
        r#""\ud83d\u0041""#,
        r#""\ud83d-""#,
    ] {
        check_fault(
            &format!("a pr and b eq {string} or c pr"),
            "              ^",
            "malformed string",
        );
    }
}

#[test]
fn what_is_too_large_is_refused() {
    let comparisons = |count| vec!["a pr"; count].join(" or ");
    assert!(Filter::parse(&comparisons(limits::FILTER_COMPARISONS), &Compat::STRICT).is_ok());
    let fault = Filter::parse(&comparisons(65), &Compat::STRICT).unwrap_err();
    assert_eq!(fault.to_string(), "more than 64 comparisons at position 514");

    let bytes = |count: usize| format!(r#"a eq "{}""#, "x".repeat(count - 7));
    assert!(Filter::parse(&bytes(limits::FILTER_BYTES), &Compat::STRICT).is_ok());
    let fault = Filter::parse(&bytes(limits::FILTER_BYTES + 1), &Compat::STRICT).unwrap_err();
    assert_eq!(fault.to_string(), "longer than 4096 bytes at position 4096");
}

#[test]
fn what_is_too_deep_is_refused() {
    for (open, close) in [("(", ")"), ("not (", ")"), ("a[", "]")] {
        let nested = |depth| format!("{}a pr{}", open.repeat(depth), close.repeat(depth));
        assert!(Filter::parse(&nested(limits::FILTER_DEPTH), &Compat::STRICT).is_ok(), "{open}");
        let fault = Filter::parse(&nested(limits::FILTER_DEPTH + 1), &Compat::STRICT).unwrap_err();
        assert_eq!(fault.message(), "nested deeper than 16 levels");
        assert_eq!(fault.position(), open.len() * 17 - 1);
        assert!(Filter::parse(&nested(10_000), &Compat::STRICT).is_err());
    }
}

#[test]
fn a_fault_is_an_invalid_filter() {
    let error = Filter::parse("userName eq", &Compat::STRICT).unwrap_err().into_filter_error();
    assert_eq!(error.kind(), ErrorKind::InvalidFilter);
    assert_eq!(error.detail(), "expected a value at position 11");
}
