//! A tenant's export, and what another tenant makes of it.

use std::collections::BTreeMap;

use muster::limits;
use muster::store::Sql as _;
use serde_json::{Value, json};

use crate::access::mapping;
use crate::refusals::ended;
use crate::scenario::Reply;
use crate::steps::{check_problem, with_query};
use crate::support::{ADMIN, Acme, ORIGIN};
use crate::transfer_laws::{Step, lived};

impl Acme {
    /// A page of the export, as text.
    fn export_page(&mut self, query: &str) -> String {
        let reply = self.admin("GET", &format!("/export?{query}"), &Value::Null);
        assert_eq!(reply.status, 200, "{}", reply.json());
        assert_eq!(reply.headers["content-type"], "application/x-ndjson");
        String::from_utf8(reply.body).expect("text")
    }

    /// All pages of the export.
    pub(crate) fn export(&mut self, limit: usize) -> Vec<String> {
        let mut pages = vec![self.export_page(&format!("limit={limit}"))];
        while let Some(next) = last_line(pages.last().expect("a page"))["next"].as_str() {
            let next = next.to_owned();
            pages.push(self.export_page(&format!("limit={limit}&cursor={next}")));
        }
        pages
    }

    pub(crate) fn import(&mut self, lines: &str) -> Reply {
        let slug = self.slug();
        let url = format!("{ORIGIN}/v1/tenants/{slug}/import");
        let headers = [("Content-Type".to_owned(), "application/x-ndjson".to_owned())];
        self.fetch("POST", &url, &BTreeMap::from(headers), ended(lines).as_bytes(), ADMIN)
    }

    /// Imports a page; how many lines were imported, unchanged and skipped.
    #[track_caller]
    pub(crate) fn takes(&mut self, page: &str) -> [u64; 3] {
        let reply = self.import(page);
        assert_eq!(reply.status, 200, "{}", reply.json());
        ["imported", "unchanged", "skipped"]
            .map(|name| reply.json()[name].as_u64().expect("a count"))
    }

    /// Sends what is refused, and leaves every row as it was.
    #[track_caller]
    pub(crate) fn refuses_import(&mut self, lines: &str, problem: (u16, &str)) -> Value {
        let before = self.dump();
        let reply = self.import(lines);
        let body = reply.json();
        assert_eq!(
            (reply.status, &body["code"]),
            (problem.0, &problem.1.into()),
            "{lines}: {body}"
        );
        assert_eq!(self.dump(), before, "{lines} wrote");
        body
    }

    /// Every answer that a client might compare, without what names the tenant.
    pub(crate) fn answers(&mut self, ids: &[String]) -> Vec<String> {
        let mut paths = vec!["/Schemas".to_owned(), "/ResourceTypes".to_owned()];
        paths.push("/Roles".to_owned());
        for collection in ["/Users", "/Groups"] {
            paths.push(format!("{collection}?count=1000"));
            paths.push(format!("{collection}?sortBy=meta.lastModified&sortOrder=descending"));
            paths.push(format!("{collection}?sortBy=displayName"));
            paths.push(format!("{collection}?sortBy=externalId"));
            paths.push(with_query(collection, &[("filter", "externalId eq \"x1\"")]));
            paths.push(with_query(collection, &[("filter", "meta.version ne \"W/\\\"1\\\"\"")]));
        }
        paths.push(with_query("/Users", &[("filter", "userName sw \"u\" and active eq true")]));
        paths.push(with_query("/Groups", &[("filter", "members.display pr")]));
        paths.extend(ids.iter().flat_map(|id| [format!("/Users/{id}"), format!("/Groups/{id}")]));
        let here = format!("/t/{}/", self.slug());
        paths
            .iter()
            .map(|path| {
                let reply = self.scim("GET", path, &Value::Null);
                let body = String::from_utf8(reply.body).expect("text");
                format!(
                    "{} {:?} {}",
                    reply.status,
                    reply.headers.get("etag"),
                    body.replace(&here, "/")
                )
            })
            .collect()
    }
}

fn last_line(page: &str) -> Value {
    serde_json::from_str(page.lines().last().expect("a line")).expect("JSON")
}

/// A tenant with two users, a group of both and a member that nobody is; the ids.
pub(crate) fn small() -> (Acme, Vec<String>) {
    let steps = [Step::User(0), Step::User(1), Step::Group(0, vec![0, 1]), Step::Dangling(2, 5)];
    lived(&steps)
}

#[test]
fn an_export_says_what_there_is_and_where_it_ends() {
    let (mut acme, ids) = small();
    let lines: Vec<Value> = acme
        .export(1_000)
        .concat()
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let kinds: Vec<&str> = lines.iter().filter_map(|line| line["kind"].as_str()).collect();
    let expected = [
        "settings",
        "connection",
        "resource",
        "resource",
        "resource",
        "member",
        "member",
        "dangling",
    ];
    assert_eq!(kinds, expected);
    assert_eq!(lines.last().expect("a line"), &json!({ "end": true, "seq": acme.rows("events") }));
    let resource = lines.iter().find(|line| line["kind"] == "resource").expect("a resource");
    assert_eq!(
        (&resource["origin"], &resource["document"]["id"]),
        (&json!("scim:entra"), &json!(ids[0]))
    );
    let member = lines.iter().find(|line| line["kind"] == "member").expect("a member");
    let expected = json!({ "kind": "member", "group": ids[2], "member": ids[0], "origin": "scim:entra", "display": null });
    assert_eq!(member, &expected);
}

#[test]
fn an_export_holds_no_secret() {
    let (mut acme, _) = small();
    let text = acme.export(1_000).concat();
    let rows = acme.sql.query("SELECT jti FROM keys", &[]).expect("SQLite reads");
    let keys: Vec<&str> = rows.iter().map(|row| row.text(0).expect("a text")).collect();
    assert_eq!(keys.len(), 2);
    assert!(keys.iter().all(|jti| !text.contains(jti)) && !text.contains(&acme.key));
}

#[test]
fn a_page_of_an_export_is_bounded_in_bytes() {
    let mut acme = Acme::new();
    for number in 0..4 {
        let title = "x".repeat(limits::PAGE_BYTES / 2 - 1_000);
        acme.post("/Users", &json!({ "userName": format!("u{number}"), "title": title }));
    }
    let pages = acme.export(1_000);
    assert!(pages.iter().all(|page| page.len() <= limits::PAGE_BYTES + 1_000));
    let mut other = Acme::named("other");
    let imported: u64 = pages.iter().map(|page| other.takes(page)[0]).sum();
    assert_eq!((imported, other.rows("resources")), (4, 4));
}

#[test]
fn a_cursor_that_is_none_is_refused() {
    let mut acme = Acme::new();
    for cursor in ["x", "1", "e30", "ey", "WyJSZXNvdXJjZXMiXQ"] {
        let reply = acme.admin("GET", &format!("/export?cursor={cursor}"), &Value::Null);
        check_problem(&reply, (400, "malformed", "`cursor` is none of an export"), cursor);
    }
}

#[test]
fn what_changed_between_two_walks_is_brought_up_to_date() {
    let (mut acme, ids) = small();
    let mut other = Acme::named("other");
    for page in acme.export(1_000) {
        other.takes(&page);
    }
    let path = format!("/Users/{}", ids[0]);
    acme.wait(5);
    acme.put(&path, &json!({ "userName": "renamed" }));
    let pages = acme.export(1_000);
    let counts = pages
        .iter()
        .map(|page| other.takes(page))
        .fold([0; 3], |sum, page| [sum[0] + page[0], sum[1] + page[1], sum[2] + page[2]]);
    assert_eq!(counts, [1, 7, 0]);
    assert_eq!(other.answers(&ids), acme.answers(&ids));
    assert_eq!(other.found("/Users", "userName eq \"RENAMED\""), [ids[0].clone()]);
    assert_eq!(other.found("/Users", "userName eq \"u0\""), Vec::<String>::new());
    // What is newer here stays.
    other.put(&path, &json!({ "userName": "again" }));
    for page in &pages {
        assert_eq!(other.takes(page)[0], 0);
    }
    assert_eq!(other.get(&path)["userName"], "again");
}

#[test]
fn what_is_imported_is_in_the_feed() {
    let (mut acme, ids) = small();
    let mut other = Acme::named("other");
    let before = other.events().len();
    for page in acme.export(1_000) {
        other.takes(&page);
    }
    let expected = [
        "tenant.updated",
        "connection.created",
        "user.created",
        "user.created",
        "group.created",
        "group.member.added",
        "group.member.added",
    ];
    assert_eq!(other.event_types(before), expected);
    let events = other.events();
    let joined =
        events.iter().find(|event| event["type"] == "group.member.added").expect("an event");
    assert_eq!(joined["data"]["members"], json!([ids[0], ids[1]]));
    assert_eq!(joined["data"]["actor"], "admin");
}

#[test]
fn an_import_is_whole_or_not_at_all() {
    let (mut acme, ids) = small();
    let pages = acme.export(1_000);
    let mut other = Acme::named("other");
    other.takes(&pages[0]);
    let resource = pages[1].lines().next().expect("a resource").to_owned();
    let problem =
        other.refuses_import(&format!("{resource}\n{{\"kind\":\"x\"}}\n"), (422, "faulty"));
    assert_eq!(problem["faults"], json!([{ "path": "/2", "detail": "is no line of an export" }]));
    let changed = |from: &str, to: &str| resource.replace(from, to);
    let late = (1_i64 << 40) + limits::IMPORT_PLACE;
    for line in [
        changed("\"version\":1", "\"version\":2"),
        changed("\"version\":1", "\"version\":0"),
        changed("\"version\":1", "\"version\":\"1\""),
        changed(&ids[0], "x"),
        changed(&ids[0], &ids[0].to_uppercase()),
        changed("\"resourceType\":\"User\"", "\"resourceType\":\"Group\""),
        changed("\"position\":1099511627777", "\"position\":1099511627776"),
        changed("\"position\":1099511627777", &format!("\"position\":{}", late + 1)),
        changed("\"position\":1099511627777", "\"position\":2199023255551"),
        changed("\"position\":1099511627777", "\"position\":-1"),
        changed("\"manager\":\"entra\"", "\"manager\":\"ghost\""),
        changed("\"position\":1099511627777", "\"position\":9007199254740993000"),
        changed("\"document\"", "\"other\""),
        changed("\"meta\"", "\"other\""),
        resource[..resource.len() - 1].to_owned(),
        "[]".to_owned(),
        "\u{fffd}".to_owned(),
    ] {
        assert_ne!(line, resource);
        other.refuses_import(&line, (422, "faulty"));
    }
    let long = format!("{{\"userName\":\"{}\",", "x".repeat(limits::LOOKUP_BYTES + 1));
    let line = changed(
        "\"document\":{",
        &format!("\"document\":{}", &long.replace("userName", "displayName")),
    );
    let line = line.replacen(",\"displayName\":\"Ü", ",\"nickName\":\"Ü", 1);
    other.refuses_import(&line, (422, "faulty"));
}

#[test]
fn what_contradicts_what_is_there_is_refused() {
    let (mut acme, _) = small();
    let pages = acme.export(1_000);
    // Resources of its own.
    let mut other = Acme::named("other");
    other.user("eve");
    other.connect("entra");
    other.refuses_import(&pages[0], (409, "conflict"));
    let mut other = Acme::named("other");
    other.takes(&pages[0]);
    other.user("eve");
    other.refuses_import(&pages[1], (409, "conflict"));
    // A connection of its own, policies of its own, a name that is taken.
    let mut other = Acme::named("other");
    other.admin("POST", "/connections", &json!({ "id": "entra", "displayName": "mine" }));
    other.refuses_import(&pages[0], (409, "conflict"));
    let mut other = Acme::named("other");
    other.policy(&json!({ "features": { "roles": true } }));
    other.refuses_import(&pages[0], (409, "conflict"));
    let mut other = Acme::named("other");
    other.takes(&pages[0]);
    let first = pages[1].lines().next().expect("a resource");
    other.takes(first);
    let id = last_line(first)["document"]["id"].as_str().expect("an id").to_owned();
    let twin = first.replace(&id, "01a0c66e-2f00-7000-8000-0000000000ff");
    let twin = twin.replace("1099511627777", "1099511627799");
    other.refuses_import(&twin, (409, "conflict"));
}

#[test]
fn what_people_decided_of_users_moves_with_them() {
    let mut acme = Acme::new();
    acme.policy(&json!({
        "mappings": [
            { "id": "t", "trigger": "user.created", "grants": [{ "role": "member" }, { "group": "Crew" }] },
            mapping("m", "userName eq \"ada\"", &["lead"]),
        ],
        "roles": [{ "value": "owner", "max": 1 }],
    }));
    let [ada, bob, eve] = ["ada", "bob", "eve"].map(|name| acme.user(name));
    for (user, role) in [(&ada, "owner"), (&bob, "owner"), (&bob, "clerk")] {
        acme.admin("POST", &format!("/users/{user}/grants"), &json!({ "role": role }));
    }
    acme.admin("POST", &format!("/users/{eve}/suspend"), &Value::Null);
    let lines = acme.export(2).concat();
    assert!(lines.contains("\"kind\":\"grant\"") && lines.contains("\"kind\":\"suspension\""));
    let mut other = Acme::named("other");
    other.takes(&lines);
    assert_eq!(other.takes(&lines)[0], 0, "once");
    other.get("/Users?count=0");
    other.alarms();
    for user in [&ada, &bob, &eve] {
        assert_eq!(other.access(user), acme.access(user));
        let list =
            |acme: &mut Acme| acme.admin("GET", &format!("/users/{user}/grants"), &Value::Null);
        assert_eq!(list(&mut other).json(), list(&mut acme).json());
    }
    other.check_recomputed();
    assert_eq!(other.access_events(&eve)[0]["suspended"], json!(true));
    // What was taken back since stays here, as do members.
    acme.admin("POST", &format!("/users/{eve}/restore"), &Value::Null);
    other.takes(&acme.export(1_000).concat());
    assert_eq!(other.access(&eve)["status"], "suspended");
    let grant = format!(
        "{{\"kind\":\"grant\",\"user\":\"{ada}\",\"role\":\"r\",\"scope\":\"s\",\"source\":\"admin\"}}"
    );
    let suspension =
        format!("{{\"kind\":\"suspension\",\"user\":\"{ada}\",\"since\":5,\"stale\":true}}");
    for (line, from, to) in [
        (&grant, "\"admin\"", "\"unmapped\""),
        (&grant, "\"admin\"", "\"mapping:\""),
        (&grant, "\"role\":\"r\",\"scope\":\"s\"", "\"group\":\"Crew\""),
        (&grant, "\"scope\":\"s\"", "\"scope\":\"s//s\""),
        (&grant, "\"role\":\"r\",", ""),
        (&suspension, "5", "9223372036854775807"),
        (&suspension, "true", "1"),
    ] {
        assert!(line.contains(from));
        other.refuses_import(&line.replace(from, to), (422, "faulty"));
    }
    let gone = [&grant, &suspension].map(|line| line.replace(&ada, "nobody")).join("\n");
    assert_eq!(other.takes(&gone), [0, 0, 2]);
    for number in 0..limits::GRANTS_BY_HAND {
        let role = format!("\"r{number}\"");
        let reply = other.import(&grant.replace("\"r\"", &role));
        if reply.status != 200 {
            assert_eq!(reply.json()["code"], "conflict");
            return;
        }
    }
    panic!("a user has only so many grants");
}

#[test]
fn memberships_of_what_is_not_there_are_skipped() {
    let (mut acme, _) = small();
    let pages = acme.export(1_000);
    let mut other = Acme::named("other");
    let members = pages.iter().find(|page| page.contains("\"kind\":\"member\"")).expect("members");
    assert_eq!(other.takes(members), [0, 0, 2]);
    assert_eq!(other.rows("members"), 0);
}

#[test]
fn an_import_has_so_many_lines_and_one_media_type() {
    let mut acme = Acme::new();
    let line = "{\"next\":\"x\"}\n";
    assert_eq!(acme.takes(&line.repeat(limits::IMPORT_LINES)), [0, 0, 0]);
    acme.refuses_import(&line.repeat(limits::IMPORT_LINES + 1), (413, "payload_too_large"));
    let url = format!("{ORIGIN}/v1/tenants/acme/import");
    let reply = acme.fetch("POST", &url, &BTreeMap::new(), line.as_bytes(), ADMIN);
    assert_eq!(reply.status, 200, "without a media type it is taken");
    let headers = BTreeMap::from([("Content-Type".to_owned(), "application/json".to_owned())]);
    let reply = acme.fetch("POST", &url, &headers, b"{}", ADMIN);
    let detail = "the body must be application/x-ndjson";
    check_problem(&reply, (415, "unsupported_media_type", detail), "JSON");
}

#[test]
fn an_import_that_fails_at_any_statement_leaves_nothing() {
    let (mut acme, ids) = small();
    let text = acme.export(1_000).concat();
    let mut other = Acme::named("other");
    let before = other.dump();
    let import = |other: &mut Acme| other.import(&text);
    let (reply, _) = other.failing_everywhere(import, |other, statements, reply| {
        assert_eq!((reply.status, other.dump() == before), (500, true), "at {statements}");
    });
    assert_eq!(reply.json()["imported"], 8);
    assert_eq!(other.answers(&ids), acme.answers(&ids));
}
