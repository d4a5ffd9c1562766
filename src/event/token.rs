//! Events as security event tokens: RFC 8417 with SCIM's profile, RFC 9967.
//!
//! Only notices are told, which say what has changed and not to what. Events that are about no resource,
//! or of which the profile knows nothing, are not told.

use serde_json::{Value, json};

use crate::scim::schema::Registry;

const CREATED: &str = "urn:ietf:params:scim:event:prov:create:notice";
const CHANGED: &str = "urn:ietf:params:scim:event:prov:patch:notice";
const DELETED: &str = "urn:ietf:params:scim:event:prov:delete";
const ACTIVATED: &str = "urn:ietf:params:scim:event:prov:activate";
const DEACTIVATED: &str = "urn:ietf:params:scim:event:prov:deactivate";

/// The URIs of all events that tokens tell of.
pub const URIS: [&str; 5] = [CREATED, CHANGED, DELETED, ACTIVATED, DEACTIVATED];

/// The URI of a type of events (RFC 9967 §2.4); `None` where no token tells of it.
pub fn uri(kind: &str) -> Option<&'static str> {
    let (family, what) = kind.split_once('.')?;
    endpoint(family)?;
    match what {
        "created" => Some(CREATED),
        "updated" | "member.added" | "member.removed" => Some(CHANGED),
        "deleted" => Some(DELETED),
        "activated" => Some(ACTIVATED),
        "deactivated" => Some(DEACTIVATED),
        _ => None,
    }
}

/// The collection of the resources that a family of events is about.
fn endpoint(family: &str) -> Option<&'static str> {
    let mut types = Registry::whole().types();
    let of = types.find(|one| one.resource_type.event == family)?;
    Some(&of.resource_type.endpoint)
}

/// What a token says of an event as the feed has it (RFC 8417 §2.2, RFC 9967 §2): all but who says it, to
/// whom and by which name. `txn` is what all streams have in common that tell of it.
pub fn claims(event: &Value, txn: &str) -> Option<Value> {
    let kind = event.get("type")?.as_str()?;
    let uri = uri(kind)?;
    let data = event.get("data")?;
    let (family, what) = kind.split_once('.')?;
    let id = data.get("id")?.as_str()?;
    let told = match uri {
        CREATED | CHANGED => {
            let members = || json!(["members"]).as_array().cloned();
            let changed = data.get("changed").and_then(Value::as_array).cloned();
            let members = if what.starts_with("member.") { members() } else { None };
            json!({ "attributes": members.or(changed).unwrap_or_default() })
        }
        _ => json!({}),
    };
    Some(json!({
        "txn": txn,
        "sub_id": { "format": "scim", "uri": format!("{}/{id}", endpoint(family)?) },
        "events": { uri: told },
    }))
}
