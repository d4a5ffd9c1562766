//! Laws of the filter language, on generated filters, texts and resources.

use muster::limits;
use muster::scim::compat::Compat;
use muster::scim::filter::Path;
use muster::scim::filter::{AttrExp, CompValue, CompareOp, Filter, Test, ValuePath};
use muster::scim::path::AttrPath;
use muster::scim::schema::Registry;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Just, Strategy, any, prop_assert_eq, prop_assume, prop_oneof, proptest};
use proptest::sample::select;
use serde_json::{Map, Value, json};

fn attr_path() -> impl Strategy<Value = AttrPath> {
    let name = "[A-Za-z$][A-Za-z0-9$_-]{0,6}";
    (option::of("urn:[!-Z^-~]{1,12}"), name, option::of(name))
        .prop_filter("delimiters end a path", |(urn, ..)| {
            !urn.as_deref().unwrap_or_default().contains(['(', ')', '"'])
        })
        .prop_map(|(urn, name, sub)| AttrPath { urn, name, sub })
}

fn test() -> impl Strategy<Value = Test> {
    let value = prop_oneof![
        Just(CompValue::Null),
        any::<bool>().prop_map(CompValue::Boolean),
        r"-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,9})?([eE][+-]?[0-9]{1,3})?".prop_map(CompValue::Number),
        vec(any::<char>(), 0..8).prop_map(|text| CompValue::String(text.into_iter().collect())),
    ];
    prop_oneof![
        Just(Test::Present),
        (select(&CompareOp::ALL[..]), value)
            .prop_map(|(op, value)| Test::Compare(op.into(), value.into())),
    ]
}

/// Filters as the parser makes them: n-ary, and within the bounds.
fn filter() -> impl Strategy<Value = Filter> {
    let attr_exp = (attr_path(), test())
        .prop_map(|(path, test)| Filter::AttrExp(AttrExp { path: path.into(), test }));
    attr_exp.prop_recursive(3, 24, 3, |inner| {
        let value_path = (attr_path(), inner.clone()).prop_map(|(path, filter)| {
            let path = AttrPath { sub: None, ..path }.into();
            Filter::ValuePath(ValuePath { path, filter: Box::new(filter) })
        });
        prop_oneof![
            vec(inner.clone(), 2..4).prop_map(Filter::and),
            vec(inner.clone(), 2..4).prop_map(Filter::or),
            inner.prop_map(|filter| Filter::Not(Box::new(filter))),
            value_path,
        ]
    })
}

/// Texts that are nearly filters.
fn nearly_a_filter() -> impl Strategy<Value = String> {
    let token = select(vec![
        "userName",
        "emails",
        ".value",
        "meta.created",
        "urn:x:2.0:User:a",
        "(",
        ")",
        "[",
        "]",
        "not",
        "and",
        "or",
        "pr",
        "eq",
        "ne",
        "co",
        "gt",
        "\"work\"",
        "\"",
        "\\",
        "true",
        "null",
        "1e9",
        "-",
        ":",
        "é",
        "\u{3000}",
        " ",
        "\t",
    ]);
    (vec(token, 0..24), select(vec!["", " "])).prop_map(|(tokens, joint)| tokens.join(joint))
}

/// Conditions that a user's schema knows, each of them bound to a value or two of [`user`].
fn condition() -> impl Strategy<Value = String> {
    let attribute = select(vec![
        "userName",
        "title",
        "externalId",
        "name.familyName",
        "emails",
        "emails.type",
        "department",
        "meta.created",
    ]);
    let op = select(CompareOp::ALL.map(CompareOp::name).to_vec());
    prop_oneof![
        (attribute.clone(), op, value()).prop_map(|(attribute, op, value)| match attribute {
            "meta.created" => format!("{attribute} {op} \"2026-01-0{}T00:00:00Z\"", value.len()),
            _ => format!("{attribute} {op} \"{value}\""),
        }),
        attribute.prop_map(|attribute| format!("{attribute} pr")),
        (select(vec!["eq", "ne"]), any::<bool>())
            .prop_map(|(op, value)| format!("active {op} {value}")),
        (value(), value())
            .prop_map(|(a, b)| format!(r#"emails[type eq "{a}" and value ne "{b}"]"#)),
    ]
}

fn value() -> impl Strategy<Value = &'static str> {
    select(vec!["a", "A", "b", "ab", "ß", "SS"])
}

fn user() -> impl Strategy<Value = Map<String, Value>> {
    let text = || option::of(value());
    let emails =
        vec((text(), text()).prop_map(|(kind, value)| json!({"type": kind, "value": value})), 0..3);
    (text(), text(), text(), text(), option::of(any::<bool>()), emails, text(), 1..4).prop_map(
        |(name, title, external_id, family_name, active, emails, department, day)| {
            let Value::Object(user) = json!({
                "userName": name, "title": title, "externalId": external_id, "active": active,
                "name": {"familyName": family_name}, "emails": emails,
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": department},
                "meta": {"created": format!("2026-01-0{day}T00:00:00Z")}
            }) else {
                panic!("the literal is an object")
            };
            user
        },
    )
}

fn holds(text: &str, user: &Map<String, Value>) -> bool {
    let schema = Registry::builtin().type_at("Users").unwrap();
    let filter = Filter::parse(text, &Compat::STRICT).unwrap_or_else(|e| panic!("{text}: {e}"));
    filter.bind(schema, &Compat::GENERIC).unwrap_or_else(|e| panic!("{text}: {e}")).matches(user)
}

proptest! {
    #[test]
    fn parsing_a_printed_filter_gives_it_back(filter in filter()) {
        let text = filter.to_string();
        prop_assume!(text.len() <= limits::FILTER_BYTES);
        prop_assert_eq!(Filter::parse(&text, &Compat::STRICT), Ok(filter), "{}", text);
    }

    #[test]
    fn parsing_a_printed_path_gives_it_back(
        attr in attr_path(),
        brackets in option::of((filter(), option::of("[a-z]{1,5}"))),
    ) {
        let (filter, sub) = brackets.map_or((None, None), |(filter, sub)| (Some(filter), sub));
        let sub_in_front = attr.sub.clone().filter(|_| filter.is_none());
        let path = Path { attr: AttrPath { sub: sub_in_front, ..attr }, filter, sub };
        let text = path.to_string();
        prop_assume!(text.len() <= limits::PATH_BYTES);
        prop_assert_eq!(Path::parse(&text, &Compat::STRICT), Ok(path), "{}", text);
    }

    #[test]
    fn any_text_is_a_filter_or_a_fault_within_it(
        text in prop_oneof![".{0,80}", nearly_a_filter()],
        user in user(),
    ) {
        match Filter::parse(&text, &Compat::GENERIC) {
            Err(fault) => assert!(text.is_char_boundary(fault.position()), "{text}: {fault}"),
            Ok(filter) => {
                prop_assert_eq!(Filter::parse(&filter.to_string(), &Compat::STRICT), Ok(filter.clone()));
                for schema in Registry::builtin().types() {
                    match filter.bind(schema, &Compat::GENERIC) {
                        Err(fault) => assert!(text.is_char_boundary(fault.position()), "{text}: {fault}"),
                        Ok(predicate) => { predicate.matches(&user); }
                    }
                }
            }
        }
        let _ = (Path::parse(&text, &Compat::GENERIC), AttrPath::parse(&text));
    }

    #[test]
    fn negation_obeys_de_morgan(a in condition(), b in condition(), user in user()) {
        let holds = |text: String| holds(&text, &user);
        let not_a = holds(format!("not ({a})"));
        let not_b = holds(format!("not ({b})"));
        prop_assert_eq!(not_a, !holds(a.clone()));
        prop_assert_eq!(holds(format!("not (not ({a}))")), holds(a.clone()));
        prop_assert_eq!(holds(format!("not ({a} and {b})")), not_a || not_b);
        prop_assert_eq!(holds(format!("not ({a} or {b})")), not_a && not_b);
    }

    #[test]
    fn the_operators_agree_on_a_single_value(
        attribute in select(vec!["userName", "externalId", "title", "department"]),
        value in value(),
        user in user(),
    ) {
        let holds = |op: &str| holds(&format!("{attribute} {op} \"{value}\""), &user);
        let present = self::holds(&format!("{attribute} pr"), &user);
        prop_assert_eq!(holds("ne"), !holds("eq"));
        prop_assert_eq!(holds("ge"), holds("gt") || holds("eq"));
        prop_assert_eq!(holds("le"), holds("lt") || holds("eq"));
        prop_assert_eq!([holds("lt"), holds("eq"), holds("gt")].into_iter().filter(|&h| h).count(), usize::from(present));
        prop_assert_eq!(holds("eq"), holds("sw") && holds("ew") && holds("co") && holds("le"));
        prop_assert_eq!(self::holds(&format!("{attribute} eq null"), &user), !present);
        prop_assert_eq!(self::holds(&format!("{attribute} ne null"), &user), present);
    }

    #[test]
    fn brackets_with_one_question_ask_what_a_sub_attribute_asks(value in value(), user in user()) {
        let plain = holds(&format!("emails.value eq \"{value}\""), &user);
        prop_assert_eq!(holds(&format!("emails[value eq \"{value}\"]"), &user), plain);
        prop_assert_eq!(holds(&format!("emails eq \"{value}\""), &user), plain);
    }
}
