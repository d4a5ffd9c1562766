//! Formats that are stored, or cross between the edge, the object and people's own configuration.
//!
//! What is written here is out in the world: a change needs a migration, or breaks somebody's keys.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use chrono::DateTime;
use expect_test::{Expect, expect, expect_file};
use muster::auth::{Claims, JtiDigest, KeyPrincipal, Principal, Scope, Scopes};
use muster::http::{Errand, Headers, Method, Problem, ProblemCode, Refusal};
use muster::registry::{Slug, TenantRecord};
use muster::scim::{ErrorKind, ScimError};
use muster::store::{Cell, Pos, Sql as _};
use serde_json::{Value, json};

use crate::support::{Acme, gate};

/// A key that was signed once and has to open its tenant for as long as it says.
const KEY: &str = "eyJhbGciOiJIUzI1NiIsImtpZCI6ImsxIn0\
    .eyJleHAiOjE4MjE1MzYwMDAsImlhdCI6MTc5MDAwMDAwMCwiaXNzIjoibXVzdGVyIiwic3ViIjoiMDFhMGM2NmUtMmY\
    wMC03MDAwLTgwMDAtMDAwMDAwMDAwMDAxIiwianRpIjoiQUFBQUFBQUFBQUVBQUFBQUFBQUFBUSIsInRpZCI6ImFjbWUi\
    LCJjaWQiOiJva3RhIiwic2NvcGUiOiJzY2ltIGV2ZW50czpyZWFkIGNvbmZpZzp3cml0ZSJ9\
    .q7DWxNtaYEaGCMo2UFkcRtGmRNKFumBOoRDsBHlTZIE";

fn claims() -> Claims {
    Claims {
        iss: "muster".to_owned(),
        sub: "01a0c66e-2f00-7000-8000-000000000001".to_owned(),
        jti: "AAAAAAAAAAEAAAAAAAAAAQ".to_owned(),
        tid: "acme".to_owned(),
        cid: Some("okta".to_owned()),
        scope: Scopes::parse(["scim", "events:read", "config:write"]).unwrap(),
        iat: 1_790_000_000,
        exp: 1_821_536_000,
    }
}

/// The rows of a statement, a column each beside the other.
fn rows(acme: &Acme, statement: &str) -> String {
    let cell = |cell: &Cell| match cell {
        Cell::Null => "null".to_owned(),
        Cell::Integer(value) => value.to_string(),
        Cell::Text(text) => text.clone(),
        Cell::Blob(bytes) => format!("{bytes:?}"),
    };
    let rows = acme.sql.query(statement, &[]).unwrap();
    let line = |cells: &[Cell]| cells.iter().map(cell).collect::<Vec<_>>().join("  ") + "\n";
    rows.iter().map(|row| line(&row.0)).collect()
}

#[test]
fn a_key() {
    let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
    assert_eq!(gate().key_ring.sign(&claims()).as_deref(), Some(KEY));
    assert_eq!(gate().key_ring.verify(KEY, now), Ok(claims()));
    let parts = KEY.split('.').take(2).map(|part| Base64UrlUnpadded::decode_vec(part).unwrap());
    let parts: Vec<String> = parts.map(|part| String::from_utf8(part).unwrap()).collect();
    expect![[r#"
        {"alg":"HS256","kid":"k1"}
        {"exp":1821536000,"iat":1790000000,"iss":"muster","sub":"01a0c66e-2f00-7000-8000-000000000001","jti":"AAAAAAAAAAEAAAAAAAAAAQ","tid":"acme","cid":"okta","scope":"scim events:read config:write"}"#]].assert_eq(&parts.join("\n"));
}

#[test]
fn the_digest_of_a_jti() {
    let digest = JtiDigest::of("AAAAAAAAAAEAAAAAAAAAAQ");
    expect!["b0b0b10ddb1028179524fc63686af460523c5242d762c897a7ab45cd750ed3bf"]
        .assert_eq(digest.as_str());
}

#[test]
fn the_errand_as_the_edge_tells_it_the_object() {
    let key = |connection: Option<&str>| {
        Principal::Key(KeyPrincipal {
            id: "k-1".to_owned(),
            jti: JtiDigest::stored("00ff"),
            scopes: Scopes::parse(["scim", "jit"]).unwrap(),
            connection: connection.map(str::to_owned),
        })
    };
    for (principal, header) in [
        (Principal::Admin, r#""admin""#),
        (Principal::Client, r#""client""#),
        (key(None), r#"{"key":{"id":"k-1","jti":"00ff","scopes":"scim jit"}}"#),
        (
            key(Some("okta")),
            r#"{"key":{"id":"k-1","jti":"00ff","scopes":"scim jit","connection":"okta"}}"#,
        ),
    ] {
        let header = format!(r#"{{"principal":{header}}}"#);
        let errand = Errand {
            principal,
            trace: None,
            headers: Headers::default(),
            config: None,
            confined: false,
        };
        assert_eq!(errand.encode(), header);
        assert_eq!(Errand::decode(&header), Some(errand));
    }
    for header in [
        "",
        "admin",
        "{}",
        "null",
        r#""key""#,
        r#"{"key":{}}"#,
        r#""Admin""#,
        r#"{"key":{"id":"k-1","jti":"00ff","scopes":"root"}}"#,
    ] {
        let header = format!(r#"{{"principal":{header}}}"#);
        assert_eq!(Errand::decode(&header), None, "{header}");
    }
    for header in ["", "{}", r#""admin""#, r#"{"principal":"admin""#] {
        assert_eq!(Errand::decode(header), None, "{header}");
    }
    let headers = Headers::read(|name| (name != "accept").then(|| format!("a {name}, \"é\"")));
    let errand =
        Errand { principal: Principal::Admin, trace: None, headers, config: None, confined: false };
    expect![[r#"{"principal":"admin","headers":{"content-type":"a content-type, \"é\"","if-match":"a if-match, \"é\"","if-none-match":"a if-none-match, \"é\"","prefer":"a prefer, \"é\"","idempotency-key":"a idempotency-key, \"é\""}}"#]]
        .assert_eq(&errand.encode());
    assert_eq!(Errand::decode(&errand.encode()), Some(errand));
}

#[test]
fn a_tenant_in_kv() {
    let slug = Slug::parse("acme").unwrap();
    assert_eq!(
        (slug.record_key(), slug.object_name()),
        ("tenant:acme".into(), "tenant:acme".into())
    );
    for (record, kv) in [
        ("{}", r#"{"status":"active"}"#),
        (
            r#"{"location":"weur","jurisdiction":"eu","status":"suspended","displayName":"Acme"}"#,
            r#"{"displayName":"Acme","status":"suspended","jurisdiction":"eu","location":"weur"}"#,
        ),
    ] {
        assert_eq!(TenantRecord::parse(record.as_bytes()).unwrap().to_kv(), kv);
    }
}

#[test]
fn the_tables() {
    let acme = Acme::new();
    let tables = rows(&acme, "SELECT sql || ';' FROM sqlite_schema WHERE sql <> '' ORDER BY rowid");
    expect_file!["snapshots/tables.sql"].assert_eq(&tables);
    assert_eq!(
        rows(&acme, "SELECT number FROM migrations"),
        (1..=39).map(|number| format!("{number}\n")).collect::<String>()
    );
}

#[test]
fn a_position() {
    for (position, value) in [
        (Pos::new(1, 1), 1_099_511_627_777),
        (Pos::new(2, 7), 2_199_023_255_559),
        (Pos::new(255, (1 << 40) - 1), 281_474_976_710_655),
    ] {
        assert_eq!(position.value(), value);
        assert_eq!(Pos::stored(value), position);
    }
    assert_eq!(Pos::new(2, 7).type_number(), 2);
}

/// A tenant with one of everything.
fn populated() -> Acme {
    let mut acme = Acme::new();
    let okta = json!({ "id": "okta", "displayName": "Okta", "state": "active" });
    acme.admin("POST", "/connections", &okta);
    acme.key = acme.mint_with(&json!({ "name": "Okta", "scopes": ["scim"], "connection": "okta" }));
    let ada = acme.scim(
        "POST",
        "/Users",
        &json!({
            "schemas": [
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
                "urn:ietf:params:scim:schemas:core:2.0:User",
            ],
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": { "department": "Tours" },
            "emails": [{ "type": "work", "value": "Ada@Example.com", "primary": true }],
            "active": "True",
            "userName": "ada@example.com",
            "externalId": "E-1",
            "name": { "givenName": "Ada", "familyName": "Löve" },
            "password": "secret",
        }),
    );
    let id = ada.json()["id"].as_str().unwrap().to_owned();
    acme.scim(
        "POST",
        "/Groups",
        &json!({
            "displayName": "Engineers",
            "members": [{ "value": id, "display": "Ada" }],
        }),
    );
    let operations = json!([{ "op": "replace", "path": "active", "value": false }]);
    acme.patch(&format!("/Users/{id}"), &operations);
    acme
}

/// What statements find in that tenant.
fn check_rows<const N: usize>(tables: [(&str, Expect); N]) {
    let acme = populated();
    for (statement, expected) in tables {
        expected.assert_eq(&rows(&acme, statement));
    }
}

#[test]
fn the_rows_of_resources() {
    check_rows([
        (
            "SELECT number, live, last FROM types",
            expect![[r#"
            1  1  1
            2  1  1
        "#]],
        ),
        (
            "SELECT pos, id, rev, origin, members, manager, CAST(doc AS TEXT) FROM resources",
            expect![[r#"
                1099511627777  01a0c450-6c00-7000-8000-000000030000  2  scim:okta  0  okta  {"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],"id":"01a0c450-6c00-7000-8000-000000030000","externalId":"E-1","userName":"ada@example.com","name":{"familyName":"Löve","givenName":"Ada"},"active":false,"emails":[{"value":"Ada@Example.com","type":"work","primary":true}],"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"Tours"},"meta":{"resourceType":"User","created":"2026-09-21T14:13:20.000Z","lastModified":"2026-09-21T14:13:20.000Z","version":"W/\"2\""}}
                2199023255553  01a0c450-6c00-7000-8000-000000040000  1  scim:okta  1  okta  {"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"id":"01a0c450-6c00-7000-8000-000000040000","displayName":"Engineers","meta":{"resourceType":"Group","created":"2026-09-21T14:13:20.000Z","lastModified":"2026-09-21T14:13:20.000Z","version":"W/\"1\""}}
            "#]],
        ),
        (
            "SELECT attribute, key, pos FROM lookups",
            expect![[r#"
            257  ada@example.com  1099511627777
            258  E-1  1099511627777
            259  ada@example.com  1099511627777
            388    1099511627777
            516  engineers  2199023255553
            642    2199023255553
        "#]],
        ),
        (
            "SELECT grp, member, origin, display FROM members",
            expect![[r#"
            2199023255553  1099511627777  scim:okta  Ada
        "#]],
        ),
    ]);
}

#[test]
fn the_rows_of_events_connections_and_keys() {
    check_rows([
        (
            "SELECT seq, time, type, data FROM events",
            expect![[r#"
                1  1790000000000  key.created  {"resourceType":"Key","id":"01a0c450-6c00-7000-8000-000000010000","connection":null,"actor":"admin","name":"test"}
                2  1790000000000  connection.created  {"resourceType":"Connection","id":"okta","connection":null,"actor":"admin","preset":"generic"}
                3  1790000000000  key.created  {"resourceType":"Key","id":"01a0c450-6c00-7000-8000-000000020000","connection":null,"actor":"admin","name":"Okta"}
                4  1790000000000  user.created  {"resourceType":"User","id":"01a0c450-6c00-7000-8000-000000030000","connection":"okta","actor":"key:01a0c450-6c00-7000-8000-000000020000","changed":["externalId","userName","name.familyName","name.givenName","active","emails","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department"]}
                5  1790000000000  group.created  {"resourceType":"Group","id":"01a0c450-6c00-7000-8000-000000040000","connection":"okta","actor":"key:01a0c450-6c00-7000-8000-000000020000","changed":["displayName"]}
                6  1790000000000  group.member.added  {"resourceType":"Group","id":"01a0c450-6c00-7000-8000-000000040000","connection":"okta","actor":"key:01a0c450-6c00-7000-8000-000000020000","members":["01a0c450-6c00-7000-8000-000000030000"]}
                7  1790000000000  user.deactivated  {"resourceType":"User","id":"01a0c450-6c00-7000-8000-000000030000","connection":"okta","actor":"key:01a0c450-6c00-7000-8000-000000020000","previous":{"active":true},"changed":["active"]}
            "#]],
        ),
        (
            "SELECT id, display_name, preset, compat, state, adopt, rev, created FROM connections",
            expect![[r#"
                okta  Okta  generic  {}  active  onWrite  1  1790000000000
            "#]],
        ),
        (
            "SELECT id, name, scopes, connection, jti, created, expires FROM keys",
            expect![[r#"
                01a0c450-6c00-7000-8000-000000010000  test  scim events:read config:write keys:write  null  b0b0b10ddb1028179524fc63686af460523c5242d762c897a7ab45cd750ed3bf  1790000000  1821536000
                01a0c450-6c00-7000-8000-000000020000  Okta  scim  okta  e908e06bc56cacaf43571a758e0a64a1ee70380623a7b9ac45e44797147f2863  1790000000  1821536000
            "#]],
        ),
    ]);
    let mut acme = populated();
    assert!(!format!("{:?}", acme.dump()).contains("acme"), "nothing stored names the tenant");
    let feed = acme.admin("GET", "/events?after=3&limit=1", &Value::Null);
    expect![[r#"{"items":[{"type":"user.created","timestamp":"2026-09-21T14:13:20.000Z","data":{"tenant":"acme","seq":4,"resourceType":"User","id":"01a0c450-6c00-7000-8000-000000030000","connection":"okta","actor":"key:01a0c450-6c00-7000-8000-000000020000","changed":["externalId","userName","name.familyName","name.givenName","active","emails","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department"]}}],"next":"4"}"#]].assert_eq(&String::from_utf8(feed.body).unwrap());
}

#[test]
fn errors_of_scim() {
    use ErrorKind::*;
    let mut bodies = String::new();
    for kind in [
        InvalidFilter,
        TooMany,
        Uniqueness,
        Mutability,
        InvalidSyntax,
        InvalidPath,
        NoTarget,
        InvalidValue,
        InvalidVers,
        Sensitive,
        InvalidCursor,
        ExpiredCursor,
        InvalidCount,
        BadRequest,
        Unauthorized,
        Forbidden,
        NotFound,
        MethodNotAllowed,
        Conflict,
        PreconditionFailed,
        PayloadTooLarge,
        UriTooLong,
        UnsupportedMediaType,
        PreconditionRequired,
        TooManyRequests,
        Internal,
        NotImplemented,
        Unavailable,
    ] {
        bodies += &String::from_utf8(ScimError::from(kind).to_body()).unwrap();
        bodies.push('\n');
    }
    expect_file!["snapshots/scim_errors.txt"].assert_eq(&bodies);
    let own = ScimError::new(InvalidFilter, "a \"detail\"\n");
    let body = r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"400","scimType":"invalidFilter","detail":"a \"detail\"\n"}"#;
    assert_eq!(own.to_body(), body.as_bytes());
}

#[test]
fn problems_of_the_admin_api() {
    use ProblemCode::*;
    let mut bodies = String::new();
    for code in [
        Malformed,
        Unauthorized,
        InsufficientScope,
        TenantSuspended,
        ConnectionDisabled,
        NotFound,
        MethodNotAllowed,
        Conflict,
        Gone,
        PayloadTooLarge,
        UriTooLong,
        UnsupportedMediaType,
        Contradictory,
        GroupSourceConflict,
        Internal,
        Unavailable,
    ] {
        let problem = Problem::from(code);
        let body: Value = serde_json::from_slice(&problem.to_body()).unwrap();
        assert_eq!(body["status"], problem.status());
        bodies += &String::from_utf8(problem.to_body()).unwrap();
        bodies.push('\n');
    }
    expect_file!["snapshots/problems.txt"].assert_eq(&bodies);
    let own = Problem::new(Contradictory, "`a` and `b`");
    let body = r#"{"type":"urn:muster:problem:contradictory","title":"The request contradicts itself","status":422,"code":"contradictory","detail":"`a` and `b`"}"#;
    assert_eq!(own.to_body(), body.as_bytes());
}

#[test]
fn refusals_in_both_formats() {
    let cause = || "the cause".to_owned();
    let mut answers = String::new();
    for refusal in [
        Refusal::PlainHttp,
        Refusal::UriTooLong,
        Refusal::BodyTooLarge,
        Refusal::BodyEncoded,
        Refusal::BodyIncomplete,
        Refusal::NoKey,
        Refusal::InvalidToken("the key is not valid"),
        Refusal::InsufficientScope(&[Scope::UsersRead, Scope::GroupsRead]),
        Refusal::AdminOnScim,
        Refusal::ConnectionDisabled,
        Refusal::NotFound,
        Refusal::MethodNotAllowed(&[Method::Get, Method::Post]),
        Refusal::NoTenant,
        Refusal::Suspended,
        Refusal::Internal(cause()),
        Refusal::Unavailable(cause()),
        Refusal::Busy(cause()),
    ] {
        for scim in [true, false] {
            let response = refusal.to_response(scim);
            let headers = response.headers.iter().map(|(name, value)| format!("{name}: {value}\n"));
            let headers: String = headers.collect();
            let body = String::from_utf8(response.body).unwrap();
            assert!(!body.contains("the cause"), "a client learns no cause: {body}");
            let logged = matches!(
                &refusal,
                Refusal::Internal(_) | Refusal::Unavailable(_) | Refusal::Busy(_)
            );
            assert_eq!(response.cause, logged.then(cause));
            answers += &format!("{}\n{headers}{body}\n\n", response.status);
        }
    }
    expect_file!["snapshots/refusals.txt"].assert_eq(&answers);
}
