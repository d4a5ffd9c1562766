//! Whatever is sent: the parsers neither panic nor work without bound, and print what they have read.
//!
//! `PROPTEST_CASES=1000000 cargo test --release --test it fuzz` looks longer.

use std::time::{Duration, Instant};

use chrono::DateTime;
use muster::auth::{AdminTokens, Claims, ISSUER, KeyRing, Scopes};
use muster::http::{Errand, Query, Route, ScimTarget, Url, json_object};
use muster::limits;
use muster::registry::{Slug, TenantRecord, listed};
use muster::scim::bulk::BulkRequest;
use muster::scim::compat::Compat;
use muster::scim::filter::{Decimal, Filter, Path, ValuePath};
use muster::scim::patch::PatchOp;
use muster::scim::path::AttrPath;
use muster::scim::projection::Projection;
use muster::scim::resource::Resource;
use muster::scim::schema::TypeSchema;
use muster::scim::sort::Sort;
use proptest::prelude::{Just, prop_assert, prop_assert_eq, prop_oneof, proptest};
use proptest::sample::select;
use serde_json::{Map, Value, json};

use crate::corpus::{RECORD, TEXTS, body, damaged, text};
use crate::given::{groups, users};
use crate::support::KEY_RING;

/// What no text of 64 KiB may take longer than, even in a build for debugging.
const PATIENCE: Duration = Duration::from_secs(2);

const PRESETS: [Compat; 2] = [Compat::GENERIC, Compat::STRICT];

/// A user with something of everything.
fn user() -> Resource {
    let body = json!({
        "userName": "ada", "active": true, "title": "\u{0}", "name": {"familyName": "Ä"},
        "emails": [{"value": "a@example.com", "type": "work", "primary": true}, {"value": "b"}],
        "addresses": [{"type": "home", "locality": "x"}], "roles": ["r"],
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"manager": {"value": "m"}},
    });
    let Value::Object(body) = body else { panic!("the literal is an object") };
    Resource::parse(body, users(), &Compat::GENERIC).unwrap().resource
}

fn group() -> Resource {
    let body = Map::from_iter([("displayName".to_owned(), "Builders".into())]);
    Resource::parse(body, groups(), &Compat::GENERIC).unwrap().resource
}

/// Does what must not take long.
#[expect(clippy::disallowed_methods, reason = "only a clock tells how long something takes")]
fn promptly(body: impl FnOnce()) {
    let began = Instant::now();
    body();
    assert!(began.elapsed() < PATIENCE);
}

/// How deep a filter nests, as its evaluation recurses.
fn depth(filter: &Filter) -> usize {
    1 + match filter {
        Filter::And(parts) | Filter::Or(parts) => parts.iter().map(depth).max().unwrap_or(0),
        Filter::Not(filter) | Filter::ValuePath(ValuePath { filter, .. }) => depth(filter),
        Filter::AttrExp(_) => 0,
    }
}

/// Reads a resource and, where it is one, what it has become, which is the same.
fn check_resource(fields: &Map<String, Value>, schema: TypeSchema<'_>, compat: &Compat) {
    if let Ok(parsed) = Resource::parse(fields.clone(), schema, compat) {
        let fields = parsed.resource.as_map().clone();
        let again = Resource::parse(fields, schema, &Compat::STRICT).unwrap().resource;
        assert_eq!(Value::Object(again.into_map()), Value::Object(parsed.resource.into_map()));
    }
}

fn check_filter(filter: &Filter, compat: &Compat) {
    assert!(filter.comparisons() <= limits::FILTER_COMPARISONS);
    assert!(depth(filter) <= 3 * (limits::FILTER_DEPTH + 1));
    for (schema, resource) in [(users(), user()), (groups(), group())] {
        if let Ok(predicate) = filter.bind(schema, compat) {
            assert_eq!(predicate.comparisons(), filter.comparisons());
            predicate.matches(resource.as_map());
        }
    }
}

fn check_patch(body: &Value, compat: &Compat) {
    let Ok(patch) = PatchOp::parse(body, compat) else { return };
    for (schema, resource) in [(users(), user()), (groups(), group())] {
        if let Ok(patched) = patch.clone().apply(resource, schema, compat) {
            check_resource(patched.resource.as_map(), schema, &Compat::STRICT);
        }
    }
}

fn claims() -> Claims {
    Claims {
        iss: ISSUER.to_owned(),
        sub: "0190a000".to_owned(),
        jti: "a".repeat(20),
        tid: "acme".to_owned(),
        cid: None,
        scope: Scopes::parse(["scim"]).unwrap(),
        iat: 1_790_000_000,
        exp: 1_800_000_000,
    }
}

proptest! {
    #[test]
    fn any_text_is_a_filter_within_bounds_or_none(text in text(), compat in select(&PRESETS[..])) {
        promptly(|| {
            if let Ok(filter) = Filter::parse(&text, &compat) {
                check_filter(&filter, &compat);
            }
            if let Ok(path) = Path::parse(&text, &compat) {
                let printed = path.to_string();
                if printed.len() <= limits::PATH_BYTES {
                    assert_eq!(Path::parse(&printed, &Compat::STRICT), Ok(path));
                }
            }
        });
    }

    #[test]
    fn any_text_is_a_name_or_none(text in text()) {
        if let Ok(path) = AttrPath::parse(&text) {
            prop_assert_eq!(path.to_string(), text.as_str());
        }
        if let Some(number) = Decimal::parse(&text) {
            prop_assert_eq!(number.cmp(&number), std::cmp::Ordering::Equal);
        }
        for projection in [Projection::parse(Some(&text), None), Projection::parse(None, Some(&text))].into_iter().flatten() {
            let mut shown = user().into_map();
            projection.apply(&mut shown, users());
            let whole = user().into_map();
            prop_assert!(shown.keys().all(|name| whole.contains_key(name)));
        }
        for order in [None, Some("descending"), Some(text.as_str())] {
            if let Ok(Some(sort)) = Sort::parse(Some(&text), order)
                && let Ok(key) = sort.bind(users(), &Compat::GENERIC)
            {
                key.value(user().as_map());
            }
        }
    }

    #[test]
    fn any_text_is_a_url_with_a_route_or_none(text in text()) {
        for url in [text.clone(), format!("https://muster.test{text}")] {
            if let Some(url) = Url::split(&url) {
                let query = Query::parse(url.query);
                let _ = (query.whole("count"), query.items_limit(), query.value("filter"));
                if let Some(route) = Route::parse(url.path) {
                    prop_assert!(route.scim_base(url.origin).starts_with(url.origin));
                }
            }
        }
        let _ = (ScimTarget::relative(&text), Errand::decode(&text));
    }

    #[test]
    fn any_bytes_are_a_tenants_record_or_none(
        text in prop_oneof![text(), damaged(Just(RECORD.to_owned()), &TEXTS)],
    ) {
        if let Ok(record) = TenantRecord::parse(text.as_bytes()) {
            prop_assert_eq!(TenantRecord::parse(record.to_kv().as_bytes()), Ok(record));
        }
        if let Some(slug) = Slug::parse(&text) {
            prop_assert_eq!(Slug::of_object(&slug.object_name()), Some(slug));
        }
        prop_assert!(listed(&text, &text).is_object());
    }

    #[test]
    fn no_damaged_key_is_a_key(
        token in damaged(select(vec![KeyRing::parse(KEY_RING).unwrap().sign(&claims()).unwrap()]), &TEXTS),
        ring in text(),
    ) {
        let real = KeyRing::parse(KEY_RING).unwrap();
        let now = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        if let Ok(read) = real.verify(&token, now) {
            prop_assert_eq!(real.sign(&read).unwrap(), token.as_str());
        }
        if let Ok(ring) = KeyRing::parse(&ring) {
            prop_assert!(ring.verify(&token, now).is_err());
        }
        let _ = (AdminTokens::parse(&ring), Scopes::parse(ring.split(' ')));
    }

    #[test]
    fn any_body_is_a_message_or_none(text in body(), compat in select(&PRESETS[..])) {
        promptly(|| {
            let Ok(fields) = json_object(text.as_bytes()) else { return };
            check_resource(&fields, users(), &compat);
            check_resource(&fields, groups(), &compat);
            check_patch(&Value::Object(fields.clone()), &compat);
            if let Ok(bulk) = BulkRequest::parse(fields.clone(), &compat) {
                let places: usize = bulk.steps().iter().map(|step| step.places().len()).sum();
                assert!(places <= limits::BULK_OPERATIONS);
                assert!(bulk.misnamed(&compat).len() <= limits::BULK_OPERATIONS);
            }
            let slug = Slug::parse("acme").unwrap();
            let _ = TenantRecord::default().edited(&slug, fields.clone());
            let _ = TenantRecord::described(fields);
        });
    }
}
