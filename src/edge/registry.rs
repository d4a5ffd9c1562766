//! Tenants' records in KV: read for every request, and kept by the administrator through
//! `/v1/tenants`.
//!
//! In scope: reading, writing, and what the isolate remembers. What a record may say is
//! [`crate::registry`]'s.

use std::cell::RefCell;
use std::rc::Rc;

use serde_json::{Map, Value};
use wasm_bindgen::{JsCast as _, JsValue};
use worker::js_sys::{Array, Promise};

use super::body::Body;
use super::handover::{errand, hand_over};
use super::inbound::Inbound;
use super::rescue::refusal;
use super::waiting::settled;
use super::{config, js, now};
use crate::auth::Principal;
use crate::http::{self, Method, Problem, ProblemCode, Query, Refusal, Response, Route};
use crate::limits;
use crate::registry::{
    Known, RECORD_PREFIX, Reading, RecordCache, RecordError, Slug, TenantRecord, listed,
};
use crate::scim::schema::Fault;

thread_local! {
    /// The records that this isolate has read of late.
    static KEPT: RefCell<RecordCache> = RefCell::default();
}

/// A tenant's record, at most [`limits::TENANT_RECORD_TTL_MILLISECONDS`] old.
///
/// # Errors
/// 404 when there is no such tenant, 503 when its record is malformed or KV does not answer.
pub(super) async fn record(env: &js::Env, tenant: &Slug) -> Result<Rc<Known>, Refusal> {
    let now = now().timestamp_millis();
    if let Some(known) = KEPT.with_borrow(|kept| kept.look(tenant, now)) {
        return Ok(known);
    }
    let reading = KEPT.with_borrow(RecordCache::reading);
    keep(reading, tenant, read(env, tenant).await?, now)
}

/// The same, for what [`super::waiting::run`] runs.
///
/// # Errors
/// As [`record`].
pub(super) async fn record_for_object(env: &js::Env, tenant: &Slug) -> Result<Rc<Known>, Refusal> {
    let now = now().timestamp_millis();
    if let Some(known) = KEPT.with_borrow(|kept| kept.look(tenant, now)) {
        return Ok(known);
    }
    let reading = KEPT.with_borrow(RecordCache::reading);
    let asked = env.tenants().get(&tenant.record_key()).map_err(unanswered)?;
    let value = settled(asked).await;
    if !value.is_null() && !value.is_string() {
        return Err(unanswered(value));
    }
    keep(reading, tenant, parsed(&value)?, now)
}

/// Keeps a record that was read, if it is none that is malformed.
fn keep(
    reading: Reading,
    tenant: &Slug,
    read: Result<TenantRecord, RecordError>,
    now: i64,
) -> Result<Rc<Known>, Refusal> {
    let logged = |error| Refusal::Unavailable(malformed(&error));
    let known = Rc::new(Known::from(read.map_err(logged)?));
    KEPT.with_borrow_mut(|kept| kept.keep(reading, tenant, Rc::clone(&known), now));
    Ok(known)
}

/// Answers `/v1/tenants` and `/v1/tenants/{t}`, which are the administrator's alone.
///
/// # Errors
/// What refuses any request: a body that is too large or breaks off, a tenant that does not exist
/// or whose record is malformed, KV or an object that does not answer.
pub(super) async fn answer(
    inbound: &Inbound<'_>,
    route: &Route,
    body: Body,
) -> Result<Response, Refusal> {
    let query = Query::parse(inbound.url.query);
    let answered = match (route, inbound.method) {
        (Route::Tenants, Method::Post) => create(inbound, body).await,
        (Route::Tenants, _) => list(inbound, &query).await,
        (Route::Tenant(id), Method::Get) => show(inbound, id).await,
        (Route::Tenant(id), Method::Patch) => edit(inbound, id, body).await,
        (Route::Tenant(id), Method::Delete) => purge(inbound, id, &query).await,
        _ => Err(Refusal::NotFound.into()),
    };
    match answered {
        Ok(response) => Ok(response),
        Err(Failure::Problem(problem)) => Ok(Response::problem(&problem)),
        Err(Failure::Told(response)) => Ok(response),
        Err(Failure::Refusal(refusal)) => Err(refusal),
    }
}

/// Why the administrator is not obeyed.
enum Failure {
    Problem(Problem),
    /// The tenant's object has said it.
    Told(Response),
    Refusal(Refusal),
}

/// 1. The body is an object (400, 413, 415) that describes a tenant (400 for its id, 422).
/// 2. The id must be free: 409. KV knows no condition, so of two at once the later one stands.
/// 3. Its policy document is applied: 422 with its faults, 409 and 413 as for any, and nothing is left.
/// 4. The record is written: 201.
async fn create(inbound: &Inbound<'_>, body: Body) -> Result<Response, Failure> {
    let fields = object(inbound, body).await?; // (1)
    let (id, record) = TenantRecord::described(fields)?; // (1)
    let kv = inbound.env.tenants();
    if !wait(kv.get(&id.record_key())).await?.is_null() {
        return Err(Problem::new(ProblemCode::Conflict, "there is a tenant with this id").into()); // (2)
    }
    apply(inbound, &id, &record).await?; // (3)
    write(inbound.env, &id, &record).await?; // (4)
    let location = format!("{}/v1/tenants/{id}", inbound.url.origin);
    Ok(Response::json(201, &record.to_json(&id)).with("location", location))
}

/// For what KV's cursors are sealed.
const CURSOR: &str = "muster tenants";

/// A page of tenants in the order of their ids. One whose record is malformed says so in the list. KV
/// takes any cursor, so the client has it sealed: what was not sealed here is 400.
async fn list(inbound: &Inbound<'_>, query: &Query) -> Result<Response, Failure> {
    let options = js::Fields::new();
    options.put("prefix", &JsValue::from_str(RECORD_PREFIX));
    #[expect(clippy::cast_precision_loss, reason = "at most `limits::ITEMS`")]
    options.put("limit", &JsValue::from_f64(query.items_limit()? as f64));
    let ring = &inbound.deployment.gate()?.key_ring;
    if let Some(cursor) = query.value("cursor").filter(|cursor| !cursor.is_empty()) {
        let opened = ring.open(CURSOR, &[], cursor);
        let cursor = opened.and_then(|opened| String::from_utf8(opened.secret).ok());
        options.put("cursor", &JsValue::from_str(&cursor.ok_or_else(http::foreign_cursor)?));
    }
    let kv = inbound.env.tenants();
    let page = kv.list(&options).map_err(unanswered)?.await.map_err(unanswered)?;
    let keys: Vec<String> = page.keys().iter().map(js::KvKey::name).collect();
    let mut items = Vec::with_capacity(keys.len());
    for keys in keys.chunks(limits::TENANT_RECORDS_STEP) {
        let names: Array = keys.iter().map(|key| JsValue::from_str(key)).collect();
        let values = kv.get_all(&names).map_err(unanswered)?.await.map_err(unanswered)?;
        let entries = keys.iter().zip(names.iter());
        // A key that has gone since the list was made has no value.
        items.extend(
            entries.filter_map(|(key, name)| Some(listed(key, &values.get(&name).as_string()?))),
        );
    }
    let next = page.cursor().and_then(|next| ring.seal(CURSOR, &[], next.as_bytes()));
    Ok(Response::json(200, &http::page(items, next)))
}

/// The record; where its policy document is refused, with why.
async fn show(inbound: &Inbound<'_>, id: &Slug) -> Result<Response, Failure> {
    let record = read_for_admin(inbound.env, id).await?;
    let mut shown = record.to_json(id);
    if let Some(config) = &record.config
        && let Some(refused) = config::bring(inbound, id, &record, config, false).await?
        && let Ok(problem) = serde_json::from_slice::<Value>(&refused.body)
        && let Some(fields) = shown.as_object_mut()
    {
        fields.insert("configProblem".to_owned(), problem);
    }
    Ok(Response::json(200, &shown))
}

/// 1. The tenant exists: 404, or 503 when its record is malformed.
/// 2. The body is an object (400, 413, 415) of fields that may be changed so: 422.
/// 3. A policy document that is another one is applied: as for a new tenant, and 409 where its version is
///    not above that of the tenant's policies and it would change them.
/// 4. The record is written, unless nothing changes: 200.
async fn edit(inbound: &Inbound<'_>, id: &Slug, body: Body) -> Result<Response, Failure> {
    let record = read_for_admin(inbound.env, id).await?; // (1)
    let fields = object(inbound, body).await?; // (2)
    let edited = record.edited(id, fields)?; // (2)
    if edited.config != record.config {
        apply(inbound, id, &edited).await?; // (3)
    }
    if edited != record {
        write(inbound.env, id, &edited).await?; // (4)
    }
    Ok(Response::json(200, &edited.to_json(id)))
}

/// 1. The id must be repeated in `confirm`: 422.
/// 2. The tenant exists: 404, or 503 when its record is malformed.
/// 3. Its object deletes everything: 500 or 503, and the record stays, so that it can be tried
///    again.
/// 4. The record goes: 204, and 202 where copies of users are still to be removed from KV before
///    everything is deleted.
async fn purge(inbound: &Inbound<'_>, id: &Slug, query: &Query) -> Result<Response, Failure> {
    if query.value("confirm") != Some(id.as_str()) {
        let detail = format!("deleting everything of a tenant needs `?confirm={id}`");
        return Err(Problem::new(ProblemCode::Contradictory, detail).into()); // (1)
    }
    let record = read_for_admin(inbound.env, id).await?; // (2)
    let errand = errand(inbound, &record, Principal::Admin, None);
    let answer = hand_over(inbound, id, &record, &errand, &JsValue::UNDEFINED)?; // (3)
    let answer = answer.await.map_err(|exception| refusal(&exception))?; // (3)
    let status = answer.unchecked_ref::<js::Response>().status();
    if !matches!(status, 202 | 204) {
        return Err(
            Refusal::Internal(format!("the object answered its deletion with {status}")).into()
        );
    }
    wait(inbound.env.tenants().delete(&id.record_key())).await?; // (4)
    forget(id);
    Ok(Response::empty(status))
}

/// Has the tenant's object apply the policy document that was sent, if one was.
async fn apply(inbound: &Inbound<'_>, id: &Slug, record: &TenantRecord) -> Result<(), Failure> {
    let Some(config) = &record.config else { return Ok(()) };
    match config::bring(inbound, id, record, config, true).await? {
        Some(refused) => Err(Failure::Told(refused)),
        None => Ok(()),
    }
}

/// A tenant's record as KV has it, or what is wrong with it.
async fn read(env: &js::Env, tenant: &Slug) -> Result<Result<TenantRecord, RecordError>, Refusal> {
    parsed(&wait(env.tenants().get(&tenant.record_key())).await?)
}

/// The record that KV answers.
fn parsed(value: &JsValue) -> Result<Result<TenantRecord, RecordError>, Refusal> {
    let text = value.as_string().ok_or(Refusal::NoTenant)?;
    Ok(TenantRecord::parse(text.as_bytes()))
}

/// The same for the administrator, who is told what is wrong with it.
async fn read_for_admin(env: &js::Env, tenant: &Slug) -> Result<TenantRecord, Failure> {
    let told = |error| Problem::new(ProblemCode::Unavailable, malformed(&error));
    Ok(read(env, tenant).await?.map_err(told)?)
}

fn malformed(error: &RecordError) -> String {
    format!("the tenant's record in KV is malformed: {error}")
}

async fn write(env: &js::Env, tenant: &Slug, record: &TenantRecord) -> Result<(), Refusal> {
    wait(env.tenants().put(&tenant.record_key(), &record.to_kv())).await?;
    forget(tenant);
    Ok(())
}

fn forget(tenant: &Slug) {
    KEPT.with_borrow_mut(|kept| kept.forget(tenant));
}

async fn wait(operation: Result<Promise, JsValue>) -> Result<JsValue, Refusal> {
    operation.map_err(unanswered)?.await.map_err(unanswered)
}

/// The object of JSON in a body.
async fn object(inbound: &Inbound<'_>, body: Body) -> Result<Map<String, Value>, Failure> {
    if !http::is_json(inbound.beginning.header("content-type")) {
        return Err(Problem::from(ProblemCode::UnsupportedMediaType).into());
    }
    let bytes = body.into_bytes(limits::BODY_BYTES).await?;
    Ok(http::json_object(&bytes).map_err(|detail| Problem::new(ProblemCode::Malformed, detail))?)
}

#[expect(clippy::needless_pass_by_value, reason = "what `map_err` hands over")]
fn unanswered(exception: JsValue) -> Refusal {
    Refusal::Busy(format!("KV: {}", js::message(&exception)))
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refusal(refusal)
    }
}

impl From<RecordError> for Failure {
    /// An id that is no slug is malformed; any other fault is one of meaning, and one of the policy
    /// document told with its place.
    fn from(error: RecordError) -> Self {
        Self::Problem(match error.field.as_str() {
            "id" => Problem::new(ProblemCode::Malformed, error.to_string()),
            "config" | "config/version" => {
                Problem::faulty(vec![Fault::new(format!("/{}", error.field), error.message)])
            }
            _ => Problem::new(ProblemCode::Contradictory, error.to_string()),
        })
    }
}
