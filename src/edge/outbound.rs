//! The one way to servers outside: guarded, bounded in time and bytes, following nobody elsewhere.

use wasm_bindgen::JsValue;

use super::body::collect;
use super::js;
use crate::http::Outbound;
use crate::limits;

/// What a server answers a GET with, in at most so many bytes.
///
/// # Errors
/// Why there is nothing to read, for the log: an address that may not be asked, another status than
/// 200, a redirect among them, too many bytes, too long a wait.
pub(super) async fn get(guard: Outbound<'_>, url: &str, most: usize) -> Result<Vec<u8>, String> {
    if !guard.permits(url) {
        return Err("the address may not be asked".to_owned());
    }
    let failed = |exception: JsValue| js::message(&exception);
    let init = js::Fields::new();
    let signal = js::AbortSignal::timeout(limits::OUTBOUND_MILLISECONDS).map_err(failed)?;
    init.put("signal", &signal);
    init.put("redirect", &JsValue::from_str("manual"));
    let response = js::ask(url, &init).map_err(failed)?.await.map_err(failed)?;
    if response.status() != 200 {
        return Err(format!("the answer has the status {}", response.status()));
    }
    let Some(stream) = response.body() else { return Ok(Vec::new()) };
    let unread = |_| "the answer is too large, or breaks off".to_owned();
    collect(&stream, most, 0).await.map_err(unread)
}
