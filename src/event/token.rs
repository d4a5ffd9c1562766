//! Events as security event tokens: RFC 8417 with SCIM's profile, RFC 9967.
//!
//! Only notices are told, which say what has changed and not to what. Events that are about no resource,
//! or of which the profile knows nothing, are not told.

use serde_json::{Map, Value, json};

use super::EventKind;
use crate::scim::schema::Registry;

const CREATED: &str = "urn:ietf:params:scim:event:prov:create:notice";
const PATCHED: &str = "urn:ietf:params:scim:event:prov:patch:notice";
const REPLACED: &str = "urn:ietf:params:scim:event:prov:put:notice";
const DELETED: &str = "urn:ietf:params:scim:event:prov:delete";
const ACTIVATED: &str = "urn:ietf:params:scim:event:prov:activate";
const DEACTIVATED: &str = "urn:ietf:params:scim:event:prov:deactivate";
/// What became of a request that is answered later (RFC 9967 §2.5.1.3).
pub const ANSWERED: &str = "urn:ietf:params:scim:event:misc:asyncresp";

/// The URIs of all events that tokens tell of.
pub const URIS: [&str; 7] = [CREATED, PATCHED, REPLACED, DELETED, ACTIVATED, DEACTIVATED, ANSWERED];

/// The first URI of a type of events (RFC 9967 §2.4, §2.5); `None` where no token tells of it.
pub fn uri(kind: &str) -> Option<&'static str> {
    if kind == EventKind::AsyncCompleted.name() {
        return Some(ANSWERED);
    }
    let (family, what) = kind.split_once('.')?;
    endpoint(family)?;
    match what {
        "created" => Some(CREATED),
        "updated" | "member.added" | "member.removed" => Some(PATCHED),
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
/// whom and by which name. `txn` is what all streams have in common that tell of it, and `base` where the
/// tenant's SCIM is.
pub fn claims(event: &Value, txn: &str, base: &str) -> Option<Value> {
    let kind = event.get("type")?.as_str()?;
    let uri = uri(kind)?;
    let data = event.get("data")?;
    let id = data.get("id")?.as_str()?;
    if uri == ANSWERED {
        return answered(data, id, base);
    }
    let (family, what) = kind.split_once('.')?;
    Some(json!({
        "txn": txn,
        "sub_id": subject(&format!("{}/{id}", endpoint(family)?)),
        "events": told(uri, what, data),
    }))
}

fn subject(uri: &str) -> Value {
    json!({ "format": "scim", "uri": uri })
}

/// The events of a token that are about a resource. One that was activated or deactivated may have
/// changed otherwise by the same request, which is an event of its own (RFC 9967 §2.1).
fn told(uri: &str, what: &str, data: &Value) -> Map<String, Value> {
    let changed = data.get("changed").and_then(Value::as_array).map(Vec::as_slice);
    let notice = |attributes: &[Value]| json!({ "attributes": attributes });
    let updated = if data.get("replaced").is_some() { REPLACED } else { PATCHED };
    let mut events = Map::new();
    let mut tell = |uri: &str, told| drop(events.insert(uri.to_owned(), told));
    match uri {
        CREATED => tell(uri, notice(changed.unwrap_or_default())),
        PATCHED if what.starts_with("member.") => tell(uri, notice(&["members".into()])),
        PATCHED => tell(updated, notice(changed.unwrap_or_default())),
        _ => {
            tell(uri, json!({}));
            if let Some(changed) = changed.filter(|all| all.iter().any(|one| one != "active")) {
                tell(updated, notice(changed));
            }
        }
    }
    events
}

/// RFC 9967 §2.5.1.3: what became of a request, or of an operation of one, in the members of a Bulk
/// response. Where that made and names no resource, it is about the request's own result.
fn answered(data: &Value, id: &str, base: &str) -> Option<Value> {
    let location = data.get("location").and_then(Value::as_str);
    let members = ["method", "status", "version", "response"].into_iter();
    let members = members.filter_map(|name| Some((name.to_owned(), data.get(name)?.clone())));
    let at = location.map(|location| format!("{base}{location}").into());
    let told: Map<_, _> = members.chain(at.map(|at| ("location".to_owned(), at))).collect();
    let about = location.map_or_else(|| format!("/Async/{id}"), str::to_owned);
    Some(json!({
        "txn": data.get("txn")?,
        "sub_id": subject(&about),
        "events": { ANSWERED: told },
    }))
}
