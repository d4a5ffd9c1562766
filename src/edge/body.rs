//! Bodies: what is sent is bounded before anybody holds it.

use wasm_bindgen::{JsCast as _, JsValue};
use worker::js_sys::{ArrayBuffer, Uint8Array};

use super::js;
use super::waiting::settled;
use crate::http::{Method, Refusal};
use crate::limits;

/// A body from outside that nobody has read.
pub(super) enum Body {
    /// There is none, or the method gives it no meaning.
    Absent,
    /// Its length was declared, is within bounds, and the runtime keeps it to that.
    Declared(js::ReadableStream),
    /// It comes in chunks, of whatever length, and may have so many bytes.
    Chunked(js::ReadableStream, usize),
}

impl Body {
    /// The body of a request from outside, which may have so many bytes.
    ///
    /// # Errors
    /// 413 when its declared length is above that, 415 when it is compressed.
    pub(super) fn of(request: &js::Request, method: Method, most: usize) -> Result<Self, Refusal> {
        if !matches!(method, Method::Post | Method::Put | Method::Patch) {
            return Ok(Self::Absent);
        }
        let Some(stream) = request.body() else { return Ok(Self::Absent) };
        let headers = request.headers();
        // RFC 9110 §15.5.16: what is not understood is refused, not taken for broken JSON.
        let is_encoded = |coding: String| !coding.eq_ignore_ascii_case("identity");
        if headers.text("content-encoding").is_some_and(is_encoded) {
            return Err(Refusal::BodyEncoded);
        }
        match headers.text("content-length").map(|length| length.parse::<usize>()) {
            None => Ok(Self::Chunked(stream, most)),
            Some(Ok(bytes)) if bytes <= most => Ok(Self::Declared(stream)),
            // Too large, perhaps for a number.
            Some(_) => Err(too_large(most)),
        }
    }

    /// The body as the inner request carries it. One of declared length passes as a stream, which
    /// the runtime moves without a copy; chunks are collected first, so that they can be counted.
    ///
    /// # Errors
    /// 413 when there is too much of it, 400 when it breaks off.
    pub(super) async fn into_js(self) -> Result<JsValue, Refusal> {
        match self {
            Self::Absent => Ok(JsValue::UNDEFINED),
            Self::Declared(stream) => Ok(stream.into()),
            Self::Chunked(stream, most) => {
                let bytes = collect(&stream, most, limits::BODY_BYTES_DROPPED).await?;
                Ok(Uint8Array::new_from_slice(&bytes).into())
            }
        }
    }

    /// The body's bytes.
    ///
    /// # Errors
    /// 413 when there are more than `most`, 400 when it breaks off.
    pub(super) async fn into_bytes(self, most: usize) -> Result<Vec<u8>, Refusal> {
        match self {
            Self::Absent => Ok(Vec::new()),
            Self::Declared(stream) | Self::Chunked(stream, _) => {
                collect(&stream, most, limits::BODY_BYTES_DROPPED).await
            }
        }
    }
}

/// The body of the edge's inner request, which has bounded it.
///
/// # Errors
/// 400 when it breaks off.
pub(super) async fn inner(request: &js::Request, method: Method) -> Result<Vec<u8>, Refusal> {
    if !matches!(method, Method::Post | Method::Put | Method::Patch) {
        return Ok(Vec::new());
    }
    let read = settled(request.array_buffer().map_err(broken_off)?.unchecked_into()).await;
    let buffer: ArrayBuffer = read.dyn_into().map_err(broken_off)?;
    Ok(Uint8Array::new(&buffer).to_vec())
}

/// The bytes of a stream. Of one that is too long, so many more are read and dropped: a connection on
/// which somebody still writes may close before the answer is read.
///
/// # Errors
/// 413 when there are more than `most`, 400 when it breaks off.
pub(super) async fn collect(
    stream: &js::ReadableStream,
    most: usize,
    dropped: usize,
) -> Result<Vec<u8>, Refusal> {
    let reader = stream.reader().map_err(broken_off)?;
    let (mut bytes, mut length) = (Vec::new(), 0_usize);
    while let Some(chunk) = reader.read().map_err(broken_off)?.await.map_err(broken_off)?.value() {
        length = length.saturating_add(usize::try_from(chunk.length()).unwrap_or(usize::MAX));
        if length <= most {
            bytes.extend(chunk.to_vec());
        } else if length.saturating_sub(most) > dropped {
            let _ = reader.cancel();
            break;
        } else {
            bytes = Vec::new();
        }
    }
    if length <= most { Ok(bytes) } else { Err(too_large(most)) }
}

fn too_large(most: usize) -> Refusal {
    if most > limits::BODY_BYTES { Refusal::BulkTooLarge } else { Refusal::BodyTooLarge }
}

fn broken_off(_: JsValue) -> Refusal {
    Refusal::BodyIncomplete
}
