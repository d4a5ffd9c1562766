//! By what a connection takes an arriving person for a user who is there.

use muster::scim::urn;
use serde_json::{Value, json};

use crate::bulk::bulk_request;
use crate::scenario::Reply;
use crate::steps::{Refused, check_error, check_problem};
use crate::support::Acme;

const TAKEN: Refused<'static> = (409, "uniqueness", "another resource has this `userName`");
const MEANT: Refused<'static> =
    (409, "uniqueness", "`matchExisting` finds a user who cannot be taken up, or several");

impl Acme {
    /// An active connection that takes up on create by a key, and an API key of it.
    fn matching(&mut self, id: &str, by: &str) -> String {
        let body = json!({
            "id": id, "displayName": id, "state": "active", "adopt": "onCreate", "matchExisting": by,
        });
        let reply = self.admin("POST", "/connections", &body);
        assert_eq!((reply.status, &reply.json()["matchExisting"]), (201, &json!(by)));
        self.mint_with(&json!({ "name": id, "scopes": ["scim"], "connection": id }))
    }

    /// Who manages a user.
    fn managed_by(&mut self, id: &str) -> Value {
        self.get(&format!("/Users/{id}"))[urn::MUSTER_USER]["managedBy"].clone()
    }

    /// A POST that is refused and leaves everybody as they are.
    #[track_caller]
    fn takes_nobody(&mut self, key: &str, body: &Value, refused: Refused<'_>) {
        let everybody = |acme: &mut Self| {
            let dump = acme.dump();
            ["resources", "lookups", "events"].map(|table| dump[table].clone())
        };
        let before = everybody(self);
        let reply = self.arrives(key, body);
        check_error(&reply, refused, &body.to_string());
        assert_eq!(everybody(self), before, "{body} wrote");
    }

    fn arrives(&mut self, key: &str, body: &Value) -> Reply {
        self.scim_with("POST", "/Users", body, key, &[])
    }

    /// A POST that makes a user who was not there.
    #[track_caller]
    fn is_new(&mut self, key: &str, body: &Value) -> String {
        let count = self.get("/Users?count=0")["totalResults"].as_i64().unwrap();
        let id = self.pushed(key, body);
        assert_eq!(self.get("/Users?count=0")["totalResults"], count + 1, "{body}");
        id
    }

    /// A POST that takes up the user of an id.
    #[track_caller]
    fn is_known(&mut self, key: &str, body: &Value, id: &str) {
        let behind = self.events().len();
        let reply = self.arrives(key, body);
        assert_eq!((reply.status, &reply.json()["id"]), (201, &json!(id)), "{body}");
        assert_eq!(reply.json()["userName"], body["userName"]);
        assert_eq!(self.event_types(behind)[0], "user.linked");
    }
}

fn address(value: &str, primary: bool) -> Value {
    json!({ "value": value, "primary": primary })
}

/// A user who is there, and is nobody's.
fn there(acme: &mut Acme) -> String {
    let body = json!({
        "userName": "ada", "externalId": "E1", "title": "x",
        "emails": [address("ada@acme.test", true), address("a@home.test", false)],
    });
    acme.post("/Users", &body)["id"].as_str().unwrap().to_owned()
}

fn person(name: &str, external_id: &str, mail: &str) -> Value {
    json!({ "userName": name, "externalId": external_id, "emails": [{ "value": mail }] })
}

#[test]
fn jb_15_by_default_nobody_is_taken_for_who_is_there() {
    for said in [
        json!({}),
        json!({ "matchExisting": "never" }),
        json!({ "adopt": "onCreate", "matchExisting": "never" }),
        json!({ "adopt": "never" }),
    ] {
        let mut acme = Acme::new();
        let (okta, ada) = (acme.connect("okta"), there(&mut acme));
        assert_eq!(acme.admin("PATCH", "/connections/okta", &said).status, 200);
        acme.takes_nobody(&okta, &person("Ada", "E9", "ada@acme.test"), TAKEN);
        assert_eq!(acme.managed_by(&ada), Value::Null);
        let other = acme.is_new(&okta, &person("ada2", "E1", "ada@acme.test"));
        assert_eq!((acme.managed_by(&other), acme.managed_by(&ada)), (json!("okta"), Value::Null));
    }
}

#[test]
fn jb_16_who_arrives_is_taken_for_who_is_there_by_the_key_that_the_connection_names() {
    for (by, body) in [
        ("userName", person("ADA", "E9", "x@acme.test")),
        ("externalId", person("ada2", "E1", "x@acme.test")),
        ("verifiedEmail", person("ada2", "E9", "Ada@acme.test")),
    ] {
        let mut acme = Acme::new();
        let (okta, ada) = (acme.matching("okta", by), there(&mut acme));
        acme.sleep();
        let stranger = person("bob", "e1", "bob@acme.test");
        acme.is_new(&okta, &stranger);
        acme.is_known(&okta, &body, &ada);
        let seen = acme.get(&format!("/Users/{ada}"));
        assert_eq!((&seen["externalId"], seen.get("title")), (&body["externalId"], None), "{by}");
        assert_eq!(acme.managed_by(&ada), "okta");
    }
}

#[test]
fn jb_16_an_address_counts_where_it_is_one_users_alone_and_the_main_one_of_both() {
    let mut acme = Acme::new();
    let okta = acme.matching("okta", "verifiedEmail");
    let ada = there(&mut acme);
    // Whoever sends none, or several and says of none that it is the main one, means nobody.
    let several = json!([address("ada@acme.test", false), address("new@acme.test", false)]);
    acme.is_new(&okta, &json!({ "userName": "none" }));
    acme.is_new(&okta, &json!({ "userName": "several", "emails": several }));
    // Which makes two users with that address.
    acme.takes_nobody(&okta, &person("ada2", "E2", "ada@acme.test"), MEANT);
    let several = acme.found("/Users", "userName eq \"several\"");
    acme.with_key(&okta, |acme| acme.delete(&format!("/Users/{}", several[0])));
    // One that is not the main one of who is there.
    acme.takes_nobody(&okta, &person("ada2", "E2", "a@home.test"), MEANT);
    let both = json!([address("x@acme.test", false), address("ada@acme.test", true)]);
    acme.is_known(&okta, &json!({ "userName": "ada2", "emails": both }), &ada);
    // And that of a user of another connection.
    let entra = acme.matching("entra", "verifiedEmail");
    acme.takes_nobody(&entra, &person("ada3", "E3", "x@acme.test"), MEANT);
    acme.takes_nobody(&entra, &person("ada3", "E3", "ada@acme.test"), MEANT);
}

#[test]
fn jb_16_an_id_is_a_connections_own() {
    let mut acme = Acme::new();
    let (okta, entra) = (acme.matching("okta", "externalId"), acme.connect("entra"));
    acme.is_new(&entra, &person("bob", "E1", "bob@acme.test"));
    let ada = there(&mut acme);
    acme.is_known(&okta, &person("ada2", "E1", "x@acme.test"), &ada);
    // Without one, and of several.
    acme.is_new(&okta, &json!({ "userName": "none" }));
    for name in ["eve", "eva"] {
        acme.post("/Users", &person(name, "E2", "x@acme.test"));
    }
    acme.takes_nobody(&okta, &person("ev", "E2", "x@acme.test"), MEANT);
}

#[test]
fn jb_17_who_is_linked_already_is_not_linked_again() {
    for (by, name) in [("userName", "ada"), ("externalId", "ada2"), ("verifiedEmail", "ada2")] {
        let mut acme = Acme::new();
        let (okta, ada) = (acme.matching("okta", by), there(&mut acme));
        let first = person(name, "E1", "ada@acme.test");
        acme.is_known(&okta, &first, &ada);
        // The same person again, or another under the same name or address.
        let refused = if by == "userName" { TAKEN } else { MEANT };
        acme.takes_nobody(&okta, &first, refused);
        if by != "externalId" {
            acme.takes_nobody(&okta, &person(name, "E2", "ada@acme.test"), refused);
        }
        // Who has an identity of the connection's is not somebody else as well.
        let bob = acme.post("/Users", &person("bob", "", "bob@acme.test"));
        let refused = if by == "userName" { TAKEN } else { MEANT };
        acme.takes_nobody(&okta, &person("bob", "E1", "bob@acme.test"), refused);
        assert_eq!(acme.managed_by(bob["id"].as_str().unwrap()), Value::Null);
    }
}

#[test]
fn jb_18_a_key_is_named_by_who_takes_up_on_create() {
    let mut acme = Acme::new();
    let detail = "finds nobody unless `adopt` is onCreate";
    let refused = |reply: &Reply, path: &str| {
        check_problem(reply, (422, "faulty", ""), path);
        assert_eq!(reply.json()["faults"], json!([{ "path": path, "detail": detail }]));
    };
    let said = json!({ "displayName": "Okta", "matchExisting": "userName" });
    let with_id = json!({ "id": "okta", "displayName": "Okta", "matchExisting": "userName" });
    let before = acme.dump();
    for path in ["/connections", "/connections/import"] {
        refused(&acme.admin("POST", path, &with_id), "/matchExisting");
    }
    let declared = json!({ "connections": { "okta": said } });
    let reply = acme.admin("PUT", "/policies", &declared);
    refused(&reply, "/connections/okta/matchExisting");
    assert_eq!(acme.dump(), before);
    let on_create = json!({ "connections": { "okta": { "adopt": "onCreate", "matchExisting": "externalId" } } });
    acme.policy(&on_create);
    let patch = |acme: &mut Acme, body: &Value| acme.admin("PATCH", "/connections/okta", body);
    refused(&patch(&mut acme, &json!({ "adopt": "never" })), "/matchExisting");
    let odd = patch(&mut acme, &json!({ "matchExisting": "email" }));
    let told = "`matchExisting` is none of never, userName, verifiedEmail, externalId";
    check_problem(&odd, (400, "malformed", told), "");
    let both = patch(&mut acme, &json!({ "adopt": "never", "matchExisting": null }));
    assert_eq!((both.status, both.json().get("matchExisting")), (200, None));
    assert_eq!(patch(&mut acme, &json!({ "matchExisting": "never" })).status, 200);
    // Carried to another tenant it is the same.
    patch(&mut acme, &json!({ "adopt": "onCreate", "matchExisting": "verifiedEmail" }));
    let exported = acme.admin("GET", "/connections/okta/export", &Value::Null).json();
    let made = Acme::named("globex").admin("POST", "/connections/import", &exported);
    assert_eq!((made.status, &made.json()["matchExisting"]), (201, &json!("verifiedEmail")));
}

#[test]
fn whom_somebody_has_matched_or_the_connection_has_deleted_is_found_by_its_key_too() {
    let mut acme = Acme::new();
    acme.policy(&json!({ "matching": ["emails.value"], "review": { "delete": "manual" } }));
    let okta = acme.matching("okta", "verifiedEmail");
    let ada = there(&mut acme);
    acme.post("/Users", &person("eve", "E7", "ada@acme.test"));
    let body = person("ada2", "E1", "ada@acme.test");
    acme.takes_nobody(&okta, &body, MEANT);
    // Who may be meant is proposed, and whoever accepts it has decided.
    let accepted = acme.admin("POST", &format!("/matches/okta:{ada}/accept"), &Value::Null);
    assert_eq!(accepted.status, 200);
    let reply = acme.arrives(&okta, &body);
    assert_eq!((reply.status, &reply.json()["id"]), (201, &json!(ada)));
    acme.takes_nobody(&okta, &body, MEANT);

    let bob = acme.pushed(&okta, &person("bob", "E2", "bob@acme.test"));
    acme.with_key(&okta, |acme| acme.delete(&format!("/Users/{bob}")));
    let again = acme.arrives(&okta, &person("robert", "E2", "bob@acme.test"));
    assert_eq!((again.status, &again.json()["id"]), (201, &json!(bob)));
    assert_eq!(acme.changes("?status=pending"), Vec::<Value>::new());
    // Who was parted from it by hand is linked by hand.
    acme.sets_link(&bob, "okta", false);
    acme.takes_nobody(&okta, &person("bob", "E2", "bob@acme.test"), MEANT);
}

#[test]
fn a_circle_of_a_bulk_request_makes_nobody_twice() {
    let mut acme = Acme::new();
    let okta = acme.matching("okta", "verifiedEmail");
    there(&mut acme);
    let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    let reports_to = |mut body: Value, manager: &str| {
        body[enterprise] = json!({ "manager": { "value": format!("bulkId:{manager}") } });
        body
    };
    let post = |id: &str, data: Value| json!({ "method": "POST", "path": "/Users", "bulkId": id, "data": data });
    let operations = json!([
        post("1", reports_to(person("ada2", "E1", "ada@acme.test"), "2")),
        post("2", reports_to(person("bob", "E2", "bob@acme.test"), "1")),
    ]);
    let bulk = acme.scim_with("POST", "/Bulk", &bulk_request(&operations), &okta, &[]).json();
    assert_eq!(bulk["Operations"][0]["status"], "409", "{bulk}");
    assert_eq!(acme.get("/Users?count=0")["totalResults"], 1);
}
