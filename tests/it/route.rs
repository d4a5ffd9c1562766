//! What a URL names: it is parsed from its raw text, and what does not parse is nothing.

use muster::http::{ConnectionAction, Headers, Method, Query, Request, Route, ScimTarget, Url};
use muster::limits;
use muster::registry::Slug;
use proptest::prelude::{prop_assert_eq, proptest};

fn acme() -> Slug {
    Slug::parse("acme").unwrap()
}

fn check(path: &str, route: &Route) {
    for path in [path, &format!("{path}/")] {
        assert_eq!(Route::parse(path).as_ref(), Some(route), "{path}");
    }
}

/// A path below both forms of the SCIM base.
fn check_scim(path: &str, target: &ScimTarget) {
    for base in ["/t/acme/scim/v2", "/scim/v2/acme"] {
        let (base, target) = (base.to_owned(), target.clone());
        check(&format!("{base}{path}"), &Route::Scim { tenant: acme(), base, target });
    }
}

fn check_nothing(path: &str) {
    assert_eq!(Route::parse(path), None, "{path}");
}

#[test]
fn paths_of_the_admin_api() {
    check("/healthz", &Route::Health);
    check("/v1/openapi.json", &Route::OpenApi);
    check("/v1/presets", &Route::Presets);
    check("/v1/presets/x", &Route::Preset("x".into()));
    check("/v1/tenants", &Route::Tenants);
    check("/v1/tenants/acme", &Route::Tenant(acme()));
    check("/v1/tenants/acme/keys", &Route::Keys(acme()));
    check("/v1/tenants/acme/keys/k-1", &Route::Key(acme(), "k-1".to_owned()));
    check("/v1/tenants/acme/keys/k%2D1", &Route::Key(acme(), "k-1".to_owned()));
    check("/v1/tenants/acme/keys/k-1/rotate", &Route::Rotation(acme(), "k-1".to_owned()));
    check("/v1/tenants/acme/connections", &Route::Connections(acme()));
    let okta = "/v1/tenants/acme/connections/okta";
    check(&format!("{okta}/health"), &Route::ConnectionHealth(acme(), "okta".to_owned()));
    check(&format!("{okta}/test"), &Route::ConnectionTest(acme(), "okta".to_owned()));
    check("/v1/tenants/acme/requests", &Route::Requests(acme()));
    check("/v1/tenants/acme/import", &Route::Import(acme()));
    check(okta, &Route::Connection(acme(), "okta".to_owned()));
    for (segment, action) in [
        ("activate", ConnectionAction::Activate),
        ("disable", ConnectionAction::Disable),
        ("export", ConnectionAction::Export),
    ] {
        let route = Route::ConnectionAction(acme(), "okta".to_owned(), action);
        check(&format!("{okta}/{segment}"), &route);
    }
    check("/v1/tenants/acme/connections/import", &Route::ImportConnection(acme()));
    check_nothing("/v1/tenants/acme/connections/okta/Export");
    let okta = || "okta".to_owned();
    let secrets = "/v1/tenants/acme/connections/okta/secrets";
    check(secrets, &Route::Secrets(acme(), okta()));
    check(&format!("{secrets}/s-1"), &Route::Secret(acme(), okta(), "s-1".to_owned()));
    let trusts = "/v1/tenants/acme/connections/okta/trusts";
    check(trusts, &Route::Trusts(acme(), okta()));
    check(&format!("{trusts}/t-1"), &Route::Trust(acme(), okta(), "t-1".to_owned()));
    check("/t/acme/oauth/token", &Route::Token(acme()));
    check("/v1/tenants/acme/events", &Route::Events(acme()));
    check("/v1/tenants/acme/export", &Route::Export(acme()));
}

#[test]
fn paths_below_a_scim_base() {
    check_scim("/ServiceProviderConfig", &ScimTarget::ServiceProviderConfig);
    check_scim("/ResourceTypes", &ScimTarget::ResourceTypes);
    check_scim("/ResourceTypes/User", &ScimTarget::ResourceType("User".to_owned()));
    check_scim("/Schemas", &ScimTarget::Schemas);
    check_scim("/Schemas/urn:x:User", &ScimTarget::Schema("urn:x:User".to_owned()));
    check_scim("/Schemas/urn%3ax%3AUser", &ScimTarget::Schema("urn:x:User".to_owned()));
    check_scim("/Users", &ScimTarget::Collection(1));
    check_scim("/Groups", &ScimTarget::Collection(2));
    check_scim("/Users/.search", &ScimTarget::Search(Some(1)));
    check_scim("/Groups/.search", &ScimTarget::Search(Some(2)));
    check_scim("/.search", &ScimTarget::Search(None));
    check_scim("/Bulk", &ScimTarget::Bulk);
    check_scim("/Me", &ScimTarget::Me);
}

#[test]
fn an_id_is_a_segment_as_it_reads_decoded() {
    for (segment, id) in [
        ("7a1c", "7a1c"),
        ("a%20b", "a b"),
        ("a+b", "a+b"),
        ("a%2Fb", "a/b"),
        ("..%2Fv1", "../v1"),
        ("%25", "%"),
        ("%2525", "%25"),
        ("%C3%A9", "é"),
        ("é", "é"),
        ("%5C", "\\"),
        ("a%3Fb%23c", "a?b#c"),
        ("50%", "50%"),
        ("%zz", "%zz"),
        ("...", "..."),
        (".hidden", ".hidden"),
        ("%2Esearch", ".search"),
    ] {
        check_scim(&format!("/Users/{segment}"), &ScimTarget::Resource(1, id.to_owned()));
        check_scim(&format!("/Groups/{segment}"), &ScimTarget::Resource(2, id.to_owned()));
    }
}

#[test]
fn what_is_no_path_is_nothing() {
    for path in [
        "",
        "/",
        "//",
        "healthz",
        "//healthz",
        "/healthz//",
        "/healthz/x",
        "/Healthz",
        "/v1",
        "/v1/",
        "/v1/Tenants",
        "/V1/tenants",
        "/v1/openapi.json/x",
        "/v1/presets//",
        "/v1/presets/okta/x",
        "/v1/Presets",
        "/v1/tenants/acme//",
        "/v1/tenants//keys",
        "/v1/tenants/acme/Keys",
        "/v1/tenants/acme/keys//",
        "/v1/tenants/acme/keys/k-1/Rotate",
        "/v1/tenants/acme/keys/k-1/rotate/x",
        "/v1/tenants/acme/nothing",
        "/v1/%74enants",
        "/v2/tenants",
        "/t",
        "/t/",
        "/t/acme",
        "/t/acme/oauth",
        "/t/acme/oauth/token/x",
        "/t/acme/oauth/Token",
        "/t/ACME/oauth/token",
        "/t/acme/scim",
        "/t/acme/scim/v2",
        "/t/acme/scim/v2//",
        "/t/acme/scim/v1/Users",
        "/t/acme/Scim/v2/Users",
        "/T/acme/scim/v2/Users",
        "/scim/v2",
        "/scim/v2/acme",
        "/scim/v2/Users",
        "/scim/acme/v2/Users",
    ] {
        check_nothing(path);
    }
}

#[test]
fn what_is_no_path_below_a_scim_base_is_nothing() {
    for path in [
        "",
        "/",
        "//Users",
        "/users",
        "/USERS",
        "/User",
        "/Users//",
        "/Users//1",
        "/Users/1//",
        "/Users/1/name",
        "/Users/.search/x",
        "/Nothing",
        "/Nothing/1",
        "/%55sers",
        "/Bulk/1",
        "/Me/1",
        "/.search/Users",
        "/.Search",
        "/ServiceProviderConfig/1",
        "/ServiceProviderConfigs",
        "/serviceproviderconfig",
        "/ResourceTypes/User/x",
        "/Schemas/a/b",
        "/Schemas//",
    ] {
        check_nothing(&format!("/t/acme/scim/v2{path}"));
        check_nothing(&format!("/scim/v2/acme{path}"));
    }
}

/// The runtime hands the raw URL to the Worker, but resolves it on the way to the object. So what
/// it would resolve must not pass the gate as something else.
#[test]
fn what_the_runtime_would_resolve_is_nothing() {
    for segment in [
        ".",
        "..",
        "%2e",
        "%2E%2e",
        ".%2E",
        "%2e.",
        "x\\..\\..\\keys",
        "\\",
        "..\\",
        "x\\",
        "\t",
        "a\tb",
        "a\n",
        "\0",
        "\u{7f}",
        ".\t.",
        "%FF",
        "%C3",
        "%ED%A0%80",
    ] {
        for before in [
            "/t/acme/scim/v2/Users",
            "/scim/v2/acme/Groups",
            "/t/acme/scim/v2/Schemas",
            "/v1/tenants/acme/keys",
            "/v1/tenants/acme/connections",
            "/v1/tenants",
            "/v1",
            "",
        ] {
            check_nothing(&format!("{before}/{segment}"));
            check_nothing(&format!("{before}/{segment}/"));
            check_nothing(&format!("{before}/{segment}/keys"));
        }
        check_nothing(&format!("/t/{segment}/scim/v2/Users"));
        check_nothing(&format!("/t/acme/{segment}/acme/scim/v2/Users"));
        check_nothing(&format!("/t/acme/scim/v2/{segment}"));
    }
}

#[test]
fn a_tenant_is_named_in_plain_letters_alone() {
    for slug in ["Acme", "acm%65", "acme%20", "-acme", "acme-", "a_b", "a.b", "é", "admin", "v1"] {
        check_nothing(&format!("/v1/tenants/{slug}"));
        check_nothing(&format!("/v1/tenants/{slug}/keys"));
        check_nothing(&format!("/t/{slug}/scim/v2/Users"));
        check_nothing(&format!("/scim/v2/{slug}/Users"));
    }
}

proptest! {
    #[test]
    fn no_path_is_too_odd_to_be_read(path in "(/(t|acme|scim|v2|v1|tenants|keys|Users|\\PC{0,6}|[.%\\\\]{1,4})){0,7}/?") {
        if let Some(route) = Route::parse(&path) {
            prop_assert_eq!(route.tenant().is_none(), matches!(route, Route::Health | Route::Tenants));
        }
    }
}

#[test]
fn a_path_by_itself_is_read_as_one_below_the_base() {
    for (path, target) in [
        ("/Users", Some(ScimTarget::Collection(1))),
        ("Groups/", Some(ScimTarget::Collection(2))),
        ("/Users/bulkId%3Aa%2Fb", Some(ScimTarget::Resource(1, "bulkId:a/b".to_owned()))),
        ("/Users/bulkId:a/b", None),
        ("//Users", None),
        ("/Users//", None),
        ("/Users/..", None),
        ("/t/acme/scim/v2/Users", None),
        ("", None),
        ("/", None),
    ] {
        assert_eq!(ScimTarget::relative(path), target, "{path}");
    }
}

#[test]
fn a_base_is_the_form_that_was_called_or_the_canonical_one() {
    for (path, base) in [
        ("/t/acme/scim/v2/Users", "https://x.test/t/acme/scim/v2"),
        ("/scim/v2/acme/Users/1", "https://x.test/scim/v2/acme"),
        ("/v1/tenants/acme/keys", "https://x.test/t/acme/scim/v2"),
    ] {
        assert_eq!(Route::parse(path).unwrap().scim_base("https://x.test"), base);
    }
}

#[test]
fn a_url_splits_into_its_raw_parts() {
    for (raw, parts) in [
        ("https://x.test", Some(("https://x.test", "", ""))),
        ("https://x.test/", Some(("https://x.test", "/", ""))),
        ("https://x.test/a/../b?c=d", Some(("https://x.test", "/a/../b", "c=d"))),
        ("https://x.test:8787/a%2Fb/", Some(("https://x.test:8787", "/a%2Fb/", ""))),
        ("https://x.test?c", Some(("https://x.test", "", "c"))),
        ("https://x.test#f", Some(("https://x.test", "", ""))),
        ("https://x.test/a?", Some(("https://x.test", "/a", ""))),
        ("https://x.test/a?b?c/d", Some(("https://x.test", "/a", "b?c/d"))),
        ("https://x.test/a#f?c=d", Some(("https://x.test", "/a", ""))),
        ("https://x.test/a?c=d#f", Some(("https://x.test", "/a", "c=d"))),
        ("https://x.test//a//", Some(("https://x.test", "//a//", ""))),
        ("https://é.test/é?é", Some(("https://é.test", "/é", "é"))),
        ("http://[::1]:80/a", Some(("http://[::1]:80", "/a", ""))),
        ("https:///a", Some(("https://", "/a", ""))),
        ("https://", Some(("https://", "", ""))),
        ("https:/x.test/a", None),
        ("x.test/a", None),
        ("/t/acme", None),
        ("", None),
    ] {
        let url = Url::split(raw);
        assert_eq!(url.map(|url| (url.origin, url.path, url.query)), parts, "{raw}");
    }
}

#[test]
fn a_url_has_a_bound() {
    let base = "https://x.test/";
    let longest = format!("{base}{}", "a".repeat(limits::URL_BYTES - base.len()));
    assert!(Url::split(&longest).is_some());
    assert_eq!(Url::split(&format!("{longest}a")), None);
}

#[test]
fn errors_are_those_of_scim_below_its_paths() {
    for (path, scim) in [
        ("/t/", true),
        ("/t/acme/scim/v2/Users", true),
        ("/t/acme/nothing", true),
        ("/t/acme/oauth/token", false),
        ("/t/oauth/scim/v2/oauth/token", true),
        ("/scim/v2/acme/Users", true),
        ("/v1/tenants", false),
        ("/tea", false),
        ("/scim", false),
        ("", false),
    ] {
        assert_eq!(Url { path, ..Url::default() }.is_scim(), scim, "{path}");
    }
}

#[test]
fn a_query_is_decoded_once_and_its_names_have_any_case() {
    let query =
        Query::parse("startindex=2&FILTER=a+eq+%22b%2Bc%22&x=1&X=2&empty=&bare&%66oo=%26&bad=%FF%");
    for (name, value) in [
        ("startIndex", Some("2")),
        ("filter", Some("a eq \"b+c\"")),
        ("x", Some("1")),
        ("empty", Some("")),
        ("bare", Some("")),
        ("foo", Some("&")),
        ("bad", Some("\u{fffd}%")),
        ("missing", None),
    ] {
        assert_eq!(query.value(name), value, "{name}");
    }
    assert_eq!(Query::parse("").value(""), None);
}

#[test]
fn a_method_is_known_by_its_exact_name() {
    for name in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] {
        let (method, known) = (Method::parse(name), name.replace("HEAD", "GET"));
        assert_eq!((method.name(), method.is_safe()), (&*known, known == "GET"));
    }
    for name in ["", "get", "head", "Get", "OPTIONS", "QUERY", " GET"] {
        assert_eq!(Method::parse(name), Method::Other, "{name}");
    }
}

#[test]
fn the_media_type_is_json_or_scims_own_or_not_said() {
    let route = Route::Tenants;
    for (content_type, taken) in [
        ("", true),
        ("application/json", true),
        ("application/scim+json", true),
        ("Application/SCIM+JSON; charset=utf-8", true),
        (" application/json ;charset=utf-8", true),
        ("text/plain", false),
        ("application/jsonp", false),
        ("application/xml, application/json", false),
        ("application/merge-patch+json", false),
        (";", false),
    ] {
        let request = Request {
            method: Method::Post,
            route: &route,
            base: "",
            query: Query::default(),
            headers: &Headers::read(|name| {
                (name == "content-type").then(|| content_type.to_owned())
            }),
            body: b"",
        };
        assert_eq!(request.is_json(), taken, "{content_type}");
    }
}
