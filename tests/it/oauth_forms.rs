//! What crosses between the edge and the object for a token, and whatever else may be sent for one.

use base64ct::{Base64, Base64UrlUnpadded, Encoding as _};
use muster::auth::{Assertion, Jwks, SecretDigest};
use muster::http::{ClientCredentials, Outbound, TokenRequest, TokenStep};
use muster::registry::Slug;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

use crate::support::ORIGIN;

#[test]
fn what_the_edge_asks_is_what_the_object_reads() {
    let some = |text: &str| Some(text.to_owned());
    let digest = SecretDigest::of("secret");
    for (step, body) in [
        (
            TokenStep::Secret { connection: "entra".to_owned(), digest, scope: None },
            r#"{"secret":{"connection":"entra","digest":"2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b","scope":null}}"#,
        ),
        (
            TokenStep::Trust { connection: None, issuer: "i".to_owned(), subject: "s".to_owned() },
            r#"{"trust":{"connection":null,"issuer":"i","subject":"s"}}"#,
        ),
        (
            TokenStep::Trusted { trust: "t-1".to_owned(), scope: some("scim") },
            r#"{"trusted":{"trust":"t-1","scope":"scim"}}"#,
        ),
    ] {
        assert_eq!(step.encode(), body);
        assert_eq!(serde_json::from_str::<TokenStep>(body).unwrap(), step);
    }
}

proptest! {
    #[test]
    fn any_request_for_a_token_is_answered(
        authorization in option::of("(Basic |Bearer )?[!-~]{0,40}"),
        form in "((grant_type|client_id|client_secret|client_assertion|scope|x)=[!-~]{0,20}&?){0,6}",
        bytes in vec(any::<u8>(), 0..64),
    ) {
        let tenant = Slug::parse("acme").unwrap();
        let media_type = Some("application/x-www-form-urlencoded");
        for body in [form.as_bytes(), &bytes] {
            let parsed = TokenRequest::parse(&tenant, authorization.as_deref(), media_type, body);
            let status = parsed.map_or_else(|error| error.to_response().status, |_| 200);
            prop_assert!([200, 400, 401].contains(&status));
        }
    }

    #[test]
    fn any_assertion_key_set_and_address_is_read(text in "[ -~]{0,80}", bytes in vec(any::<u8>(), 0..80)) {
        let encoded = Base64UrlUnpadded::encode_string(&bytes);
        for token in [text.clone(), format!("{encoded}.{encoded}.{encoded}")] {
            prop_assert_eq!(Assertion::parse(&token), None);
        }
        prop_assert_eq!(Jwks::parse(&bytes), None);
        let guard = Outbound { loopback: true, own_origin: ORIGIN, tenant_host: None };
        prop_assert!(!guard.permits(&text) || text.starts_with("http"));
    }
}

#[test]
fn id_and_secret_are_encoded_alike_in_the_header_and_in_the_form() {
    let tenant = Slug::parse("acme").unwrap();
    let media_type = Some("application/x-www-form-urlencoded");
    for (secret, meant) in [
        ("a-b_9", "a-b_9"),
        ("a+b", "a b"),
        ("a%2Bb", "a+b"),
        ("%c3%a9+%25", "é %"),
        ("a%20b", "a b"),
        ("100%", "100%"),
    ] {
        let grant = "grant_type=client_credentials";
        let header = Base64::encode_string(format!("acme%2Eentra:{secret}").as_bytes());
        let header = format!("Basic {header}");
        let form = format!("{grant}&client_id=acme%2Eentra&client_secret={secret}");
        let parse = |header: Option<&str>, form: &str| {
            TokenRequest::parse(&tenant, header, media_type, form.as_bytes()).unwrap().credentials
        };
        let digest = SecretDigest::of(meant);
        let expected = ClientCredentials::Secret { connection: "entra".to_owned(), digest };
        assert_eq!(parse(Some(&header), grant), expected, "{secret}");
        assert_eq!(parse(None, &form), expected, "{secret}");
    }
}
