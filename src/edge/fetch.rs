//! The Worker: what happens to a request from outside until its tenant's object has it.

use wasm_bindgen::prelude::wasm_bindgen;

use super::answer::{Answered, Spent, deliver, request_id};
use super::body::Body;
use super::deployment::Deployment;
use super::handover::{errand, hand_over};
use super::inbound::{Beginning, Inbound};
use super::{Outcome, config, directory, eagerly, js, jwks, now, oauth, rate_limits, registry};
use crate::auth::Principal;
use crate::http::{
    Method, OAuthError, Query, Refusal, Response, Route, Trace, Url, openapi, presets,
};
use crate::limits;
use crate::registry::Status;

/// Answers a request from outside. worker-build looks for the name.
#[wasm_bindgen]
pub fn fetch(request: js::Request, env: js::Env) -> Outcome {
    eagerly(answer(request, env))
}

async fn answer(request: js::Request, env: js::Env) -> Outcome {
    let deployment = Deployment::of(&env);
    let lines = Beginning::lines(&request);
    let beginning = Beginning::parse(&lines);
    let raw_url = beginning.url();
    let url = Url::split(raw_url.get(..limits::URL_BYTES).unwrap_or(raw_url)).unwrap_or_default();
    let method = Method::parse(beginning.method());
    let mut inbound = Inbound {
        env: &env,
        deployment: &deployment,
        request: &request,
        beginning: &beginning,
        url,
        method,
        trace: Trace {
            id: request_id(beginning.header("cf-ray")),
            began: now().timestamp_millis(),
            secure: url.is_secure(),
            scim: url.is_scim(),
            method: if beginning.method() == "HEAD" { "HEAD" } else { method.name() }.to_owned(),
            ..Trace::default()
        },
    };
    #[cfg(debug_assertions)]
    super::fault::at_edge(&request.headers(), "edge");
    let response = match pass(&mut inbound).await {
        Ok(Answered::Object(response)) => return Ok(response.into()),
        Ok(Answered::Edge(response)) => response,
        Err(refusal) => refusal.to_response(url.is_scim()),
    };
    deliver(response, &inbound.trace, Spent::default(), None, deployment.telling)
}

/// Lets a request pass, step by step; the first three touch no storage.
///
/// 1. Bounds and transport: 414 for the URL, 413 for a body that declares its length, 415 for one
///    that is compressed, 400 for plain http.
/// 2. `GET /healthz`: 200.
/// 3. [`Gate::admit`](crate::http::Gate::admit): 401, 403, 404, 405; 503 without usable secrets, or
///    with a `TENANT_HOST` that is no pattern.
/// 4. Requests for tokens go their own way, by [`oauth`], and those for public keys, by [`jwks`];
///    `/v1/tenants` and `/v1/tenants/{t}` themselves are answered by [`registry`], presets and the
///    description of the API here.
/// 5. The tenant's record: 404, 503; a suspended tenant: 403, except for the administrator.
/// 6. What [`Principal::enter`] says of the route: 403.
/// 7. The tenant and the key are within the runtime's rate limits: 429.
/// 8. What a copy in KV answers, is answered by it: 200.
/// 9. The object is told of the policy document in the record, if it does not know of it: 500, 503.
/// 10. A body in chunks is collected: 400, 413.
/// 11. The tenant's object answers: anything; 500 or 503 when it throws.
async fn pass(inbound: &mut Inbound<'_>) -> Result<Answered, Refusal> {
    let Inbound { deployment, request, beginning, url, method, trace, .. } = inbound;
    if beginning.url().len() > limits::URL_BYTES {
        return Err(Refusal::UriTooLong); // (1)
    }
    if !url.is_secure() && !deployment.allow_http {
        return Err(Refusal::PlainHttp); // (1)
    }
    let hosts = deployment.tenant_host();
    let route = Route::of(url, hosts.as_ref().ok().copied().flatten());
    trace.asks_for(route.as_ref());
    let body = Body::of(request, *method, most_bytes(route.as_ref(), beginning))?; // (1)
    if route == Some(Route::Health) && *method == Method::Get {
        return Ok(Answered::Edge(Response::empty(200))); // (2)
    }
    hosts?; // (3)
    let authorization = beginning.header("authorization");
    let gate = deployment.gate()?; // (3)
    let principal = gate.admit(route.as_ref(), *method, authorization, now())?; // (3)
    if let Some(Route::Token(tenant)) = &route {
        let answer = oauth::answer(inbound, tenant, body).await; // (4)
        return match answer {
            Ok(response) => Ok(Answered::Object(response)),
            Err(oauth::Failure::OAuth(error)) => Ok(Answered::Edge(error.to_response())),
            Err(oauth::Failure::Record(cause)) => {
                let response = OAuthError::InvalidClient.to_response();
                Ok(Answered::Edge(Response { cause: Some(cause), ..response }))
            }
            Err(oauth::Failure::Refusal(refusal)) => Err(refusal),
        };
    }
    if let Some(Route::KeySet(tenant)) = &route {
        return jwks::answer(inbound, tenant).await; // (4)
    }
    let (Some(route), Some(principal)) = (route, principal) else {
        return Err(Refusal::NotFound); // (3)
    };
    trace.admitted(&route, &principal);
    match route {
        Route::Tenants | Route::Tenant(_) => {
            return registry::answer(inbound, &route, body).await.map(Answered::Edge); // (4)
        }
        Route::OpenApi => return Ok(Answered::Edge(openapi())), // (4)
        Route::Presets | Route::Preset(_) => {
            let query = Query::parse(inbound.url.query);
            return Ok(Answered::Edge(presets(&route, &query))); // (4)
        }
        _ => {}
    }
    let tenant = route.tenant().ok_or(Refusal::NotFound)?;
    let known = registry::record(inbound.env, tenant).await?; // (5)
    #[cfg(debug_assertions)]
    super::fault::at_edge(&inbound.request.headers(), "record");
    if known.record.status == Status::Suspended && principal != Principal::Admin {
        return Err(Refusal::Suspended); // (5)
    }
    principal.enter(&route)?; // (6)
    rate_limits::pass(inbound, tenant, &principal).await.map_err(Refusal::TooManyRequests)?; // (7)
    let copied = directory::read(inbound, tenant, &known.record, &route, &principal);
    if let Some(response) = copied.await {
        return Ok(Answered::Edge(response)); // (8)
    }
    config::tell(inbound, tenant, &known, principal == Principal::Admin).await?; // (9)
    let body = body.into_js().await?; // (10)
    inbound.trace.handed = Some(now().timestamp_millis());
    let errand = errand(inbound, &known.record, principal, Some(inbound.trace.clone()));
    let answer = hand_over(inbound, tenant, &known.record, &errand, &body)?; // (11)
    Ok(Answered::Object(inbound.deployment.rescued(answer, &errand)))
}

/// How many bytes the body may have.
fn most_bytes(route: Option<&Route>, beginning: &Beginning<'_>) -> usize {
    let prefer = || beginning.header("prefer").map(str::to_owned);
    route.map_or(limits::BODY_BYTES, |route| route.body_bytes(prefer))
}
