//! Tenants as KV holds them: slugs, records, and what becomes of a record that is edited.

use std::rc::Rc;

use muster::limits;
use muster::registry::{
    Config, Jurisdiction, Known, Location, RECORD_PREFIX, RecordCache, RecordError, Slug, Status,
    TenantRecord, listed,
};
use serde_json::{Map, Value, json};

fn acme() -> Slug {
    Slug::parse("acme").unwrap()
}

fn record(record: &Value) -> TenantRecord {
    TenantRecord::parse(record.to_string().as_bytes()).unwrap()
}

fn fields(object: Value) -> Map<String, Value> {
    match object {
        Value::Object(fields) => fields,
        other => panic!("not an object: {other}"),
    }
}

fn check_fault<T: std::fmt::Debug>(read: Result<T, RecordError>, fault: &str) {
    assert_eq!(read.expect_err(fault).to_string(), fault);
}

#[test]
fn a_slug_is_lower_case_letters_digits_and_inner_hyphens() {
    let longest = "a".repeat(limits::SLUG_CHARACTERS);
    for slug in ["a", "7", "acme", "a-b", "a--b", "0-0", "xn--80ak6aa92e", "v2", &longest] {
        assert_eq!(Slug::parse(slug).map(|slug| slug.to_string()).as_deref(), Some(slug));
    }
    for slug in [
        "",
        "-",
        "-a",
        "a-",
        "A",
        "aCme",
        "a_b",
        "a.b",
        "a b",
        " a",
        "a/b",
        "a:b",
        "é",
        "a\0",
        "%61",
        &format!("{longest}a"),
    ] {
        assert_eq!(Slug::parse(slug), None, "{slug}");
    }
}

#[test]
fn words_that_would_read_as_something_else_are_no_slugs() {
    for word in ["admin", "api", "internal", "muster", "scim", "system", "v1", "www"] {
        assert_eq!(Slug::parse(word), None, "{word}");
        assert!(Slug::parse(&format!("{word}1")).is_some(), "{word}1");
    }
}

#[test]
fn every_field_of_a_record_is_optional() {
    assert_eq!(record(&json!({})), TenantRecord::default());
    let full = record(&json!({
        "displayName": "Acme", "status": "suspended", "jurisdiction": "eu", "location": "weur",
        "config": { "version": 2 },
    }));
    assert_eq!(full.config.as_ref().map(Config::version), Some(2));
    let expected = TenantRecord {
        display_name: Some("Acme".to_owned()),
        status: Status::Suspended,
        jurisdiction: Some(Jurisdiction::Eu),
        location: Some(Location::Weur),
        config: full.config.clone(),
    };
    assert_eq!(full, expected);
    let nulls = json!({
        "displayName": null, "status": null, "jurisdiction": null, "location": null, "config": null,
    });
    assert_eq!(record(&nulls), TenantRecord::default());
}

#[test]
fn places_have_the_platforms_names() {
    for name in ["eu", "us", "fedramp"] {
        let jurisdiction = record(&json!({ "jurisdiction": name })).jurisdiction;
        assert_eq!(jurisdiction.map(Jurisdiction::name), Some(name));
    }
    for name in ["wnam", "enam", "sam", "weur", "eeur", "apac", "oc", "afr", "me"] {
        let location = record(&json!({ "location": name })).location;
        assert_eq!(location.map(Location::name), Some(name));
    }
}

const VERSION: &str = "`config/version` is not a whole number from 0 to 2^47";

#[test]
fn a_document_is_told_from_others() {
    let config = |config: Value| record(&json!({ "config": config })).config.unwrap();
    let plain = config(json!({ "features": { "roles": true } }));
    assert_eq!((plain.version(), config(json!({ "version": 7 })).version()), (1, 7));
    assert_eq!(plain.to_text(), r#"{"features":{"roles":true}}"#);
    assert_eq!(plain.tag(), plain.clone().tag());
    let mended = config(json!({ "version": 1, "features": { "roles": true } }));
    assert_eq!(mended.tag().version, plain.tag().version);
    assert_ne!(mended.tag(), plain.tag());
    assert_eq!(record(&json!({ "config": null })).config, None);
}

#[test]
fn an_object_has_to_be_told_of_a_document_alone() {
    assert!(Known::from(TenantRecord::default()).told.get());
    assert!(!Known::from(record(&json!({ "config": {} }))).told.get());
}

#[test]
fn a_malformed_record_names_the_field_at_fault() {
    let long = json!({ "displayName": "é".repeat(limits::NAME_CHARACTERS + 1) }).to_string();
    for (record, fault) in [
        ("", "the record is not JSON"),
        ("{", "the record is not JSON"),
        ("{} {}", "the record is not JSON"),
        ("\u{feff}{}", "the record is not JSON"),
        ("[]", "the record is not a JSON object"),
        ("null", "the record is not a JSON object"),
        (r#""active""#, "the record is not a JSON object"),
        (r#"{"displayName":7}"#, "`displayName` is not a text"),
        (&long, "`displayName` is too long"),
        (r#"{"status":"Active"}"#, "`status` is neither active nor suspended"),
        (r#"{"status":true}"#, "`status` is neither active nor suspended"),
        (r#"{"jurisdiction":"EU"}"#, "`jurisdiction` is none of eu, us, fedramp"),
        (r#"{"jurisdiction":["eu"]}"#, "`jurisdiction` is none of eu, us, fedramp"),
        (r#"{"location":"mars"}"#, "`location` is no location hint"),
        (r#"{"stauts":"active"}"#, "`stauts` is no field of a tenant's record"),
        (r#"{"id":"acme"}"#, "`id` is no field of a tenant's record"),
        (r#"{"config":[]}"#, "`config` is not an object"),
        (r#"{"config":{"version":"2"}}"#, VERSION),
        (r#"{"config":{"version":2.0}}"#, VERSION),
        (r#"{"config":{"version":-1}}"#, VERSION),
        (r#"{"config":{"version":null}}"#, VERSION),
        (r#"{"config":{"version":99999999999999999999}}"#, VERSION),
        (r#"{"status":"active","x":1,"location":"mars"}"#, "`x` is no field of a tenant's record"),
    ] {
        check_fault(TenantRecord::parse(record.as_bytes()), fault);
    }
    check_fault(TenantRecord::parse(b"\xff{}"), "the record is not JSON");
    let version = |version: i64| json!({ "config": { "version": version } }).to_string();
    let beyond = version(limits::CONFIG_VERSION + 1);
    check_fault(TenantRecord::parse(beyond.as_bytes()), VERSION);
    assert!(TenantRecord::parse(version(limits::CONFIG_VERSION).as_bytes()).is_ok());
}

#[test]
fn a_record_has_a_bound() {
    let padded = |bytes: usize| format!("{{}}{}", " ".repeat(bytes - 2));
    let bound = limits::TENANT_RECORD_BYTES;
    assert!(TenantRecord::parse(padded(bound).as_bytes()).is_ok());
    check_fault(TenantRecord::parse(padded(bound + 1).as_bytes()), "the record is too large");
    let longest = "é".repeat(limits::NAME_CHARACTERS);
    assert_eq!(record(&json!({ "displayName": longest })).display_name, Some(longest));
}

#[test]
fn a_patch_merges_and_null_removes() {
    let before = json!({ "displayName": "Acme", "status": "suspended", "location": "weur" });
    for (patch, after) in [
        (json!({}), before.clone()),
        (json!({ "id": "acme" }), before.clone()),
        (json!({ "config": null }), before.clone()),
        (
            json!({ "displayName": "Acme Ltd" }),
            json!({ "displayName": "Acme Ltd", "status": "suspended", "location": "weur" }),
        ),
        (json!({ "displayName": null }), json!({ "status": "suspended", "location": "weur" })),
        (json!({ "status": "active" }), json!({ "displayName": "Acme", "location": "weur" })),
        (json!({ "status": null }), json!({ "displayName": "Acme", "location": "weur" })),
        (json!({ "location": "weur" }), before.clone()),
    ] {
        let edited = record(&before).edited(&acme(), fields(patch.clone()));
        assert_eq!(edited, Ok(record(&after)), "{patch}");
    }
}

#[test]
fn where_a_tenants_data_is_does_not_change() {
    let placed = record(&json!({ "jurisdiction": "eu", "location": "weur" }));
    for (before, patch, fault) in [
        (
            &placed,
            json!({ "jurisdiction": "us" }),
            "`jurisdiction` is fixed when the tenant is created",
        ),
        (
            &placed,
            json!({ "jurisdiction": null }),
            "`jurisdiction` is fixed when the tenant is created",
        ),
        (&placed, json!({ "location": "apac" }), "`location` is fixed when the tenant is created"),
        (&placed, json!({ "location": null }), "`location` is fixed when the tenant is created"),
        (
            &TenantRecord::default(),
            json!({ "jurisdiction": "eu" }),
            "`jurisdiction` is fixed when the tenant is created",
        ),
        (&placed, json!({ "id": "globex" }), "`id` is fixed when the tenant is created"),
        (&placed, json!({ "id": null }), "`id` is fixed when the tenant is created"),
        (&placed, json!({ "status": "gone" }), "`status` is neither active nor suspended"),
        (&placed, json!({ "scopes": [] }), "`scopes` is no field of a tenant's record"),
    ] {
        check_fault(before.edited(&acme(), fields(patch)), fault);
    }
    assert_eq!(
        placed.moves_to(&TenantRecord { status: Status::Suspended, ..placed.clone() }),
        None
    );
}

#[test]
fn a_new_tenant_has_an_id_beside_its_record() {
    let new = TenantRecord::described(fields(json!({ "id": "acme", "displayName": "Acme" })));
    assert_eq!(new, Ok((acme(), record(&json!({ "displayName": "Acme" })))));
    let no_slug = "`id` is no tenant's id: a-z, 0-9 and inner hyphens, at most 40, not reserved";
    for id in [json!("Acme"), json!("scim"), json!(""), json!(7), Value::Null] {
        check_fault(TenantRecord::described(fields(json!({ "id": id }))), no_slug);
    }
    check_fault(TenantRecord::described(Map::new()), no_slug);
    let unknown = fields(json!({ "id": "acme", "name": "Acme" }));
    check_fault(TenantRecord::described(unknown), "`name` is no field of a tenant's record");
}

#[test]
fn a_list_shows_what_each_entry_says_or_why_it_says_nothing() {
    for (key, value, shown) in [
        ("tenant:acme", "{}", json!({ "id": "acme", "status": "active" })),
        (
            "tenant:acme",
            r#"{"config":{"schemas":[]}}"#,
            json!({ "id": "acme", "status": "active" }),
        ),
        (
            "tenant:acme",
            r#"{"displayName":"Acme","jurisdiction":"eu"}"#,
            json!({ "id": "acme", "displayName": "Acme", "status": "active", "jurisdiction": "eu" }),
        ),
        ("tenant:acme", "[]", json!({ "id": "acme", "error": "the record is not a JSON object" })),
        (
            "tenant:ACME",
            "{}",
            json!({
                "id": "ACME",
                "error":
                    "`id` is no tenant's id: a-z, 0-9 and inner hyphens, at most 40, not reserved",
            }),
        ),
    ] {
        assert_eq!(listed(key, value), shown, "{key} {value}");
    }
    assert_eq!(acme().record_key(), format!("{RECORD_PREFIX}acme"));
}

#[test]
fn a_record_reads_as_it_was_written() {
    for written in [
        json!({}),
        json!({ "displayName": "Ac\"me\n", "status": "suspended", "jurisdiction": "fedramp" }),
        json!({ "location": "me" }),
    ] {
        let record = record(&written);
        assert_eq!(TenantRecord::parse(record.to_kv().as_bytes()), Ok(record));
    }
}

/// A cache, a tenant, and a record.
fn cached() -> (RecordCache, Slug, Rc<Known>) {
    (RecordCache::default(), acme(), Rc::default())
}

#[test]
fn a_record_is_kept_for_so_long_and_no_longer() {
    let (mut cache, acme, record) = cached();
    assert_eq!(cache.look(&acme, 0), None);
    cache.keep(cache.reading(), &acme, Rc::clone(&record), 1_000);
    let until = 1_000 + limits::TENANT_RECORD_TTL_MILLISECONDS;
    assert_eq!(cache.look(&acme, until - 1), Some(record));
    assert_eq!(cache.look(&acme, until), None);
    assert_eq!(cache.look(&Slug::parse("globex").unwrap(), 1_000), None);
}

#[test]
fn what_was_read_before_a_record_was_written_is_not_kept() {
    let (mut cache, acme, record) = cached();
    let before = cache.reading();
    cache.keep(before, &acme, Rc::clone(&record), 0);
    cache.forget(&acme);
    assert_eq!(cache.look(&acme, 0), None);
    cache.keep(before, &acme, Rc::clone(&record), 0);
    assert_eq!(cache.look(&acme, 0), None, "it may be what was written over");
    cache.keep(cache.reading(), &acme, Rc::clone(&record), 0);
    assert_eq!(cache.look(&acme, 0), Some(record));
}

#[test]
fn so_many_records_are_kept() {
    let (mut cache, acme, record) = cached();
    let slug = |number: usize| Slug::parse(&format!("t{number}")).unwrap();
    for number in 0..limits::TENANT_RECORDS {
        cache.keep(cache.reading(), &slug(number), Rc::clone(&record), 0);
    }
    assert!(cache.look(&slug(0), 0).is_some());
    cache.keep(cache.reading(), &acme, Rc::clone(&record), 0);
    assert!(cache.look(&slug(0), 0).is_none() && cache.look(&acme, 0).is_some());
}
