//! The copies in KV of what applications ask: written for a tenant's object, and read in its place.

use wasm_bindgen::{JsCast as _, JsValue};
use worker::js_sys::{Array, Promise};

use super::inbound::Inbound;
use super::waiting::settled;
use super::{js, now};
use crate::auth::Principal;
use crate::http::{CopyRequest, Query, Response, Route};
use crate::registry::{Config, Slug, TenantRecord};
use crate::tenant::Batch;

/// What a copy answers, if there is one and the request is one for it: of a key of so short a life that
/// its revocation need not be asked for. Whatever stands against it, the object answers.
pub(super) async fn read(
    inbound: &Inbound<'_>,
    tenant: &Slug,
    record: &TenantRecord,
    route: &Route,
    principal: &Principal,
) -> Option<Response> {
    let asks = matches!(route, Route::Access(_) | Route::UserAccess(..));
    let forbidden = || record.config.as_ref().is_some_and(Config::forbids_copies);
    if !asks || record.jurisdiction.is_some() || forbidden() {
        return None;
    }
    let query = Query::parse(inbound.url.query);
    let request = CopyRequest::of(inbound.method, route, &query, principal)?;
    let gate = inbound.deployment.gate().ok()?;
    let authorization = inbound.beginning.header("authorization");
    let issued = gate.brief_since(authorization, now())?;
    let name = request.name(&gate.key_ring, tenant)?;
    let copy = inbound.env.directory()?.get(&name).ok()?.await.ok()?;
    request.answer(&copy.as_string()?, issued)
}

/// Writes and removes copies, all at once, since no two are of one name. When it is done, none of it is
/// on its way any more. For what [`super::waiting::run`] runs.
///
/// # Errors
/// Why not all is done, for the log.
pub(super) async fn write(kv: Option<js::Kv>, batch: &Batch) -> Result<(), String> {
    let kv = kv.ok_or("the KV namespace DIRECTORY is not bound")?;
    let write = |(name, value): (&str, Option<&str>)| {
        let promise = match value {
            Some(value) => kv.put(name, value),
            None => kv.delete(name),
        };
        promise.unwrap_or_else(|exception| Promise::reject(&exception))
    };
    let promises: Array = batch.operations().map(write).map(JsValue::from).collect();
    let outcomes: Array = settled(js::all_settled(&promises)).await.unchecked_into();
    let failed = outcomes.iter().find_map(|outcome| {
        let outcome: js::Settled = outcome.unchecked_into();
        (outcome.status() != "fulfilled").then(|| js::message(&outcome.reason()))
    });
    failed.map_or(Ok(()), |cause| Err(format!("KV: {cause}")))
}
