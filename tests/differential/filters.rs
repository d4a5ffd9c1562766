//! Filters on users: `{resource, filter, ours}`, where `ours` is whether it matches, or `null` where
//! the filter is refused.

use muster::scim::compat::Compat;
use muster::scim::filter::{CompareOp, Filter};
use proptest::prelude::{BoxedStrategy, Just, Strategy, any, prop_oneof};
use proptest::sample::{Index, select};
use serde_json::{Map, Value, json};

use crate::users::{ADDRESSES, ENTERPRISE, INSTANTS, KINDS, TEXTS, URIS, one_of, user, users};

/// The grammar to the letter; a literal is read by the type of its attribute.
const COMPAT: Compat =
    Compat { text_for_other_types: true, sub_attributes_behind_brackets: true, ..Compat::STRICT };

/// One line of the file.
pub(crate) fn case() -> impl Strategy<Value = Value> {
    (stored(), prop_oneof![9 => filter(), 1 => nearly_a_filter()]).prop_map(|(resource, filter)| {
        let ours = Filter::parse(&filter, &COMPAT)
            .and_then(|filter| filter.bind(users(), &COMPAT))
            .map(|predicate| predicate.matches(&resource));
        json!({ "resource": resource, "filter": filter, "ours": ours.ok() })
    })
}

/// A user as it is stored, with what the server adds.
fn stored() -> impl Strategy<Value = Map<String, Value>> {
    (user(), select(&INSTANTS[..]), select(&INSTANTS[..])).prop_map(
        |(mut user, created, changed)| {
            user.insert("id".to_owned(), "0190A000-0000-7000-8000-00000000000a".into());
            let meta = json!({
                "resourceType": "User", "created": created, "lastModified": changed,
                "version": "W/\"a1\"", "location": "https://example.com/Users/1",
            });
            user.insert("meta".to_owned(), meta);
            user
        },
    )
}

/// Attributes by what their values are like.
const TEXTUAL: [&str; 12] = [
    "userName",
    "USERNAME",
    "externalId",
    "title",
    "displayName",
    "name.familyName",
    "urn:ietf:params:scim:schemas:core:2.0:User:name.givenName",
    "emails.display",
    "addresses.locality",
    "roles",
    "roles.value",
    "meta.version",
];
const EXTENDED: [&str; 4] = ["department", "employeeNumber", "manager.value", "manager"];

/// Names that users have, and others that differ in case or in how they are composed.
const ALIKE: [&str; 7] = ["ß", "SS", "ss", "É", "é", "e\u{301}", "E\u{301}"];

fn condition() -> BoxedStrategy<String> {
    let compared = |attribute: BoxedStrategy<String>, values: BoxedStrategy<Value>| {
        (attribute, operator(), values)
            .prop_map(|(attribute, op, value)| format!("{attribute} {op} {value}"))
            .boxed()
    };
    let named = |names: &'static [&'static str]| select(names).prop_map(str::to_owned).boxed();
    let extended = || select(&EXTENDED[..]).prop_map(|name| format!("{ENTERPRISE}:{name}")).boxed();
    let anything = || {
        prop_oneof![
            named(&TEXTUAL),
            extended(),
            named(&EXTENDED),
            named(&[
                "emails",
                "name",
                "active",
                "emails.primary",
                "meta",
                "meta.created",
                "photos"
            ]),
            named(&["nonsense", "name.nonsense", "password", "schemas", "groups", "id"]),
        ]
        .boxed()
    };
    prop_oneof![
        6 => compared(named(&TEXTUAL), one_of(&TEXTS)),
        2 => compared(extended(), one_of(&TEXTS)),
        3 => compared(named(&["emails", "emails.value"]), one_of(&ADDRESSES)),
        2 => compared(named(&["emails.type", "roles.type", "photos.type"]), one_of(&KINDS)),
        1 => compared(named(&["profileUrl", "photos", "photos.value"]), one_of(&URIS)),
        2 => compared(named(&["active", "emails.primary"]), literal()),
        2 => compared(named(&["meta.created", "meta.lastModified"]), one_of(&INSTANTS)),
        1 => compared(anything(), literal()),
        6 => of_several(),
        2 => compared(named(&["userName"]), one_of(&ALIKE)),
        3 => anything().prop_map(|name| format!("{name} pr")),
        3 => bracketed(),
    ]
    .boxed()
}

/// Whether some of several values are something, or nothing.
fn of_several() -> BoxedStrategy<String> {
    let name =
        select(&["emails", "emails.type", "emails.primary", "roles.type", "photos.value"][..]);
    let value = prop_oneof![one_of(&KINDS), one_of(&ADDRESSES), Just(Value::Null)];
    (name, select(&["eq", "ne", "ne"][..]), value)
        .prop_map(|(name, op, value)| format!("{name} {op} {value}"))
        .boxed()
}

fn operator() -> impl Strategy<Value = String> {
    select(CompareOp::ALL.map(CompareOp::name).to_vec()).prop_map(str::to_owned)
}

/// Literals of every type.
fn literal() -> BoxedStrategy<Value> {
    prop_oneof![
        4 => any::<bool>().prop_map(Value::from),
        1 => (-3_i64..7).prop_map(Value::from),
        1 => select(vec![json!(null), json!("true"), json!("False"), json!(1.5), json!("1")]),
        1 => one_of(&TEXTS),
    ]
    .boxed()
}

/// `emails[…]`: questions that one value has to answer.
fn bracketed() -> BoxedStrategy<String> {
    let inner = prop_oneof![
        (select(&["value", "VALUE"][..]), operator(), one_of(&ADDRESSES)),
        (select(&["type", "display"][..]), operator(), one_of(&KINDS)),
        (select(&["primary", "type"][..]), operator(), literal()),
    ]
    .prop_map(|(name, op, value)| format!("{name} {op} {value}"));
    let inner = prop_oneof![6 => inner, 1 => select(&["type pr", "primary pr"][..]).prop_map(str::to_owned)];
    let inner = combined(inner.boxed(), 1);
    let name = select(&["emails", "emails", "emails", "photos", "addresses", "name", "title"][..]);
    (name, inner).prop_map(|(name, inner)| format!("{name}[{inner}]")).boxed()
}

fn filter() -> BoxedStrategy<String> {
    combined(condition(), 3)
}

fn combined(leaf: BoxedStrategy<String>, depth: u32) -> BoxedStrategy<String> {
    leaf.prop_recursive(depth, 8, 2, |inner| {
        prop_oneof![
            (inner.clone(), select(&["and", "or", "AND", "Or"][..]), inner.clone())
                .prop_map(|(a, joint, b)| format!("{a} {joint} {b}")),
            inner.clone().prop_map(|a| format!("not ({a})")),
            inner.prop_map(|a| format!("({a})")),
        ]
    })
    .boxed()
}

/// A filter with one word left out, doubled, or put in another's place.
fn nearly_a_filter() -> BoxedStrategy<String> {
    let damage =
        select(vec!["", "", "and", "or", "not", "(", ")", "[", "]", "pr", "eq", "\"", ".", "5"]);
    (filter(), any::<Index>(), damage, any::<bool>())
        .prop_map(|(filter, at, word, instead)| {
            let mut words: Vec<&str> = filter.split(' ').collect();
            let at = at.index(words.len());
            if instead {
                words[at] = word;
            } else {
                words.insert(at, word);
            }
            words.join(" ")
        })
        .boxed()
}
