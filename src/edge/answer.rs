//! A response on its way out: what it cost, what the log is told, and the runtime's form of it.

use serde_json::json;
use wasm_bindgen::JsValue;
use worker::js_sys::Uint8Array;

use super::{Outcome, js};
use crate::http::Response;
use crate::registry::Slug;
use crate::store::Cost;

/// What a request cost.
#[derive(Clone, Copy, Default)]
pub(super) struct Spent {
    /// Rows, as the database counts them.
    pub(super) rows: Cost,
    /// Alarms set.
    pub(super) alarms: u32,
}

/// Hands a response to the runtime, with what it cost if that is told. One that failed within the
/// service gets an id, by which a client's report and the line in the log find each other.
pub(super) fn deliver(
    mut response: Response,
    cost: Option<Spent>,
    tenant: Option<&Slug>,
) -> Outcome {
    if let Some(spent) = cost {
        response = response.with("server-timing", spent.to_header());
    }
    if response.cause.is_some() || matches!(response.status, 500 | 503) {
        let id = log(response.status, response.cause.as_deref(), tenant);
        response = response.with("x-request-id", id);
    }
    to_js(&response)
}

/// Writes a failure to the log, as one line of JSON that names no person, under an id of its own.
pub(super) fn log(status: u16, cause: Option<&str>, tenant: Option<&Slug>) -> String {
    let id = js::random_uuid().unwrap_or_default();
    let line = json!({
        "level": "error",
        "requestId": &id,
        "tenant": tenant.map(Slug::as_str),
        "status": status,
        "cause": cause,
    });
    js::log_error(&line.to_string());
    id
}

impl Spent {
    /// `Server-Timing`, in which only metrics' descriptions can hold a count.
    fn to_header(self) -> String {
        let Cost { rows_read, rows_written } = self.rows;
        let alarms = self.alarms;
        format!(
            r#"rows-read;desc="{rows_read}", rows-written;desc="{rows_written}", alarms;desc="{alarms}""#
        )
    }
}

fn to_js(response: &Response) -> Outcome {
    let headers = js::Fields::new();
    for (name, value) in &response.headers {
        headers.put(name, &JsValue::from_str(value));
    }
    let init = js::Fields::new();
    init.put("status", &JsValue::from_f64(response.status.into()));
    init.put("headers", &headers);
    // RFC 9110 §6.4.1: a 204 or 304 has no body, and the runtime takes not even an empty one.
    let body = (!response.body.is_empty()).then(|| Uint8Array::new_from_slice(&response.body));
    js::Response::new(body.as_ref(), &init).map(JsValue::from)
}
