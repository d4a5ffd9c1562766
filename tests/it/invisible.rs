//! A `userName` shows what it is: nobody looks like another by signs that nobody sees.

use muster::store::{Param, Sql as _};
use serde_json::{Value, json};

use crate::steps::patch_op;
use crate::support::Acme;

const SIGNS: [char; 17] = [
    '\u{AD}', '\u{200B}', '\u{2060}', '\u{2061}', '\u{2062}', '\u{2063}', '\u{2064}', '\u{FEFF}',
    '\u{202A}', '\u{202B}', '\u{202C}', '\u{202D}', '\u{202E}', '\u{2066}', '\u{2067}', '\u{2068}',
    '\u{2069}',
];

#[test]
fn a_user_name_has_no_sign_that_nobody_sees() {
    let mut acme = Acme::new();
    let user = format!("/Users/{}", acme.user("ada"));
    for sign in SIGNS {
        let detail = format!("`userName` has U+{:04X}, which nobody sees", u32::from(sign));
        let refused = (400, "invalidValue", detail.as_str());
        for name in [format!("a{sign}da"), format!("{sign}ada"), format!("ada{sign}")] {
            let body = json!({ "userName": name });
            acme.refused("POST", "/Users", &body, refused);
            acme.refused("PUT", &user, &body, refused);
            let value = json!([{ "op": "replace", "path": "userName", "value": name }]);
            acme.refused("PATCH", &user, &patch_op(&value), refused);
        }
    }
}

#[test]
fn what_real_names_have_is_taken() {
    let mut acme = Acme::new();
    let names = [
        "\u{646}\u{645}\u{6CC}\u{200C}\u{62F}\u{627}\u{646}\u{645}", // Persian, with a non-joiner.
        "\u{DC1}\u{DCA}\u{200D}\u{DBB}\u{DD3}",                      // Sinhala, with a joiner.
        "\u{1F469}\u{200D}\u{1F680}",
        "\u{200F}\u{5D0}",
        "e\u{301}",
        "tab\tline\nend",
    ];
    for name in names {
        let made = acme.post("/Users", &json!({ "userName": name }));
        assert_eq!(made["userName"], name);
    }
    // Nobody is known by these, and clients send what they have.
    let odd = "\u{FEFF}a\u{200B}\u{202E}";
    let body = json!({ "userName": "eve", "externalId": odd, "title": odd, "displayName": odd });
    let eve = acme.post("/Users", &body);
    assert_eq!((&eve["externalId"], &eve["displayName"]), (&json!(odd), &json!(odd)));
    let group = acme.group(odd, &[]);
    assert_eq!(acme.get(&format!("/Groups/{group}"))["displayName"], odd);
}

#[test]
fn a_name_that_was_there_before_stays() {
    let mut acme = Acme::new();
    let user = format!("/Users/{}", acme.user("a-da"));
    let name = "a\u{200B}da";
    let statement = "UPDATE resources SET doc = replace(doc, 'a-da', ?1)";
    acme.sql.query(statement, &[Param::Text(name)]).unwrap();
    acme.sleep();
    let read = acme.get(&user);
    assert_eq!(read["userName"], name);
    let mut later = read.clone();
    later["title"] = json!("T");
    assert_eq!(acme.put(&user, &later)["userName"], name);
    acme.patch(&user, &json!([{ "op": "replace", "path": "active", "value": false }]));
    let body = json!({ "userName": "b\u{200B}da" });
    assert_eq!(acme.scim("PUT", &user, &body).status, 400);
    assert_eq!(acme.put(&user, &json!({ "userName": "ada" }))["title"], Value::Null);
}
