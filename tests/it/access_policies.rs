//! Policy documents that a tenant is given in random order, whose access obeys the laws all the same.

use serde_json::{Value, json};

use crate::access::mapping;

/// How many there are.
pub(crate) const POLICIES: usize = 13;

/// One of them.
pub(crate) fn policy(number: usize) -> Value {
    let base = json!([
        mapping("a", "groups.display eq \"A\"", &["r1", "r2"]),
        mapping("b", "title eq \"Lead\" and groups.display eq \"B\"", &["r2", "r3"]),
        { "id": "t", "trigger": "user.created", "condition": "title eq \"Lead\"", "grants": [{ "role": "t" }, { "group": "a" }] },
        { "id": "g", "condition": "title eq \"Lead\" or groups.display eq \"B\"",
            "grants": [{ "group": "A" }, { "group": "B" }] },
        { "id": "h", "condition": "not (groups.display eq \"A\")", "grants": [{ "group": "C" }] },
        { "id": "c", "connection": "okta", "condition": "active eq true", "priority": 2,
            "grants": [{ "role": "r1", "scope": "org/x" }] },
    ]);
    match number {
        0 => json!({ "mappings": base, "mappingMode": "union", "unmapped": "keep" }),
        1 => json!({ "mappingMode": "highest" }),
        2 => json!({ "unmapped": { "default": "revoke", "org/x": "guest" } }),
        3 => json!({ "roles": [{ "value": "r1", "max": 1, "overflow": "r2", "rebalance": true },
            { "value": "r2", "max": 2, "overflow": "r4" }] }),
        4 => json!({ "review": { "create": "manual", "update": "manual", "deactivate": "manual",
            "delete": "manual", "reactivate": "manual" } }),
        5 => json!({ "review": { "create": "auto", "deactivate": "auto", "delete": "auto" } }),
        6 => json!({ "review": { "update": "auto", "reactivate": "auto" } }),
        7 => json!({ "massChangeBrake": { "percent": 25, "min": 1 } }),
        8 => json!({ "massChangeBrake": null, "guards": [{ "role": "r2", "min": 1 }] }),
        // Who has no place has nothing instead, or what is as scarce.
        9 => json!({ "roles": [{ "value": "r1", "max": 1 }, { "value": "r3", "max": 1 },
            { "value": "r2", "max": 1, "overflow": "r3" }, { "value": "t", "max": 1 }] }),
        10 => json!({ "roles": [{ "value": "r1", "max": 1, "overflow": "r2", "rebalance": true },
            { "value": "r2", "max": 1 }, { "value": "hand", "max": 1, "overflow": "r1" }] }),
        11 => json!({ "roles": [{ "value": "r1", "max": 2 }, { "value": "r2", "max": 2 }] }),
        _ => json!({ "roles": [], "mappings": [], "guards": [] }),
    }
}
