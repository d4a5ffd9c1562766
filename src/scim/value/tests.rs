//! RFC 7643 §2.3, the types that no attribute of the built-in schemas has.

use serde_json::{Value, json};

use super::{Element, Place, Reader};
use crate::scim::compat::Compat;
use crate::scim::schema::{Attribute, Found};

fn attribute(characteristics: Value) -> Attribute {
    serde_json::from_value(characteristics).unwrap()
}

/// The values that are read of one sent, or what is said about it.
fn read(attribute: &Attribute, compat: &Compat, sent: Value) -> Result<Vec<Value>, String> {
    let place = Place::from(Found { extension: None, attribute });
    let elements = Reader::new(compat).elements(place, sent);
    let value = |element| match element {
        Element::Simple(value) => value,
        Element::Complex(parts) => parts.into_iter().filter_map(|(_, value)| value).collect(),
    };
    elements
        .map(|elements| elements.into_iter().map(value).collect())
        .map_err(|error| error.detail().to_owned())
}

/// What is read of a single value: under both rules where the first two are alike.
#[track_caller]
fn check(kind: &str, sent: Value, generic: Option<Value>, strict: Option<Value>) {
    let attribute = attribute(json!({"name": "a", "type": kind}));
    let case = format!("{kind} {sent}");
    for (compat, sent, expected) in
        [(Compat::GENERIC, sent.clone(), generic), (Compat::STRICT, sent, strict)]
    {
        let values = read(&attribute, &compat, sent).ok();
        assert_eq!(values, expected.map(|value| vec![value]), "{case} {compat:?}");
    }
}

/// A value that is read as it is sent, by everyone.
#[track_caller]
fn check_kept(kind: &str, sent: Value) {
    check(kind, sent.clone(), Some(sent.clone()), Some(sent));
}

#[track_caller]
fn check_refused(kind: &str, sent: Value) {
    check(kind, sent, None, None);
}

#[test]
fn integers_are_whole() {
    check_kept("integer", json!(42));
    check_kept("integer", json!(-7));
    check_kept("integer", json!(u64::MAX));
    check("integer", json!("42"), Some(json!(42)), None);
    for sent in [json!(4.2), json!("4.2"), json!("x"), json!(true), json!({})] {
        check_refused("integer", sent);
    }
}

#[test]
fn decimals_are_numbers() {
    check_kept("decimal", json!(4.2));
    check_kept("decimal", json!(42));
    check("decimal", json!("4.2"), Some(json!(4.2)), None);
    for sent in [json!("four"), json!("NaN"), json!(false), json!([4.2, 4.3])] {
        check_refused("decimal", sent);
    }
}

#[test]
fn times_are_kept_as_they_are_sent() {
    check_kept("dateTime", json!("2011-08-01T18:29:49.793Z"));
    check_kept("dateTime", json!("2011-08-01T18:29:49+02:00"));
    for sent in [json!("2011-08-01"), json!("yesterday"), json!(1_312_223_389), json!(true)] {
        check_refused("dateTime", sent);
    }
}

#[test]
fn references_and_binary_values_are_texts_that_no_one_interprets() {
    for kind in ["reference", "binary"] {
        check_kept(kind, json!("not a URI, nor base64"));
        check_refused(kind, json!(42));
    }
}

#[test]
fn an_empty_text_is_no_value() {
    let empty = |kind: &str, compat| {
        read(&attribute(json!({"name": "a", "type": kind})), &compat, json!("")).ok()
    };
    for kind in ["string", "reference", "binary"] {
        assert_eq!(empty(kind, Compat::STRICT), Some(Vec::new()), "{kind}");
    }
    for kind in ["boolean", "integer", "decimal", "dateTime", "complex"] {
        assert_eq!(empty(kind, Compat::GENERIC), Some(Vec::new()), "{kind}");
        assert_eq!(empty(kind, Compat::STRICT), None, "{kind}");
    }
}

#[test]
fn simple_values_come_as_the_values_of_complex_ones_do() {
    let tags = attribute(json!({"name": "tags", "type": "string", "multiValued": true}));
    for sent in [json!(["a"]), json!("a"), json!({"value": "a"}), json!([{"value": "a"}, "", null])]
    {
        assert_eq!(read(&tags, &Compat::GENERIC, sent.clone()), Ok(vec![json!("a")]), "{sent}");
    }
    assert_eq!(read(&tags, &Compat::STRICT, json!(["a"])), Ok(vec![json!("a")]));
    for sent in [json!("a"), json!([{"value": "a"}])] {
        assert!(read(&tags, &Compat::STRICT, sent.clone()).is_err(), "{sent}");
    }
}

#[test]
fn a_part_may_have_several_values() {
    let phones = attribute(json!({
        "name": "phones", "type": "complex", "subAttributes": [
            {"name": "uses", "type": "string", "multiValued": true},
        ],
    }));
    let read = |sent| read(&phones, &Compat::GENERIC, sent);
    assert_eq!(read(json!({"uses": ["a", "", "b"]})), Ok(vec![json!([["a", "b"]])]));
    assert_eq!(read(json!({"uses": "a"})), Ok(vec![json!([["a"]])]));
    assert_eq!(read(json!({"uses": []})), Ok(vec![json!([])]));
    assert_eq!(read(json!({"uses": [{}]})), Err("`phones.uses` must be a string".to_owned()));
}
