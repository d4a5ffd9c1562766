//! A tenant's rate limit, over HTTP. The Worker under test has those of the deployment switched off.

use serde_json::json;

use crate::ask::Cost;
use crate::tenant::Tenant;

#[test]
fn a_tenant_that_has_chosen_a_limit_is_held_to_it() {
    let acme = Tenant::new("limited");
    let reply = acme.scim("GET", "/Users").is(200);
    assert_eq!(reply.header("x-rate-limit-limit"), "", "nobody has chosen one");
    let limit = json!({ "rateLimit": { "perSecond": 1, "burst": 3 } });
    acme.admin("PUT", "/policies").json(&limit).is(200);
    for left in ["2", "1", "0"] {
        let reply = acme.scim("GET", "/Schemas").send();
        if reply.status == 429 {
            break; // A slow machine: a second has gone by, and with it the count.
        }
        assert!(reply.header("x-rate-limit-remaining") >= left, "{left}");
    }
    let mut asked = (0..50).map(|_| acme.scim("POST", "/Users").json(&json!({})).send());
    let refused = asked.find(|reply| reply.status == 429).expect("one was too many");
    assert_eq!(refused.is_scim_error("").cost(), Cost::default());
    for header in ["retry-after", "x-rate-limit-limit", "x-rate-limit-reset"] {
        assert!(refused.header(header).parse::<u64>().is_ok_and(|number| number >= 1), "{header}");
    }
    assert_eq!(refused.header("x-rate-limit-remaining"), "0");
    acme.admin("PUT", "/policies").json(&json!({ "rateLimit": null })).is(200);
    acme.scim("GET", "/Users").is(200);
}
