//! The runtime's interfaces, as far as they are used.
//!
//! `worker` wraps most of them; these bindings are here because some of its methods throw through
//! wasm, and because its wrappers take a response apart that is only handed on. A binding without
//! `catch` is of a getter or method that cannot throw.

mod crypto;

use std::cell::RefCell;
use std::collections::BTreeMap;

use wasm_bindgen::closure::Closure;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast as _, JsValue};
use worker::js_sys::{Array, ArrayBuffer, Error, JsString, Map, Promise, Uint8Array};

pub(super) use self::crypto::{
    CryptoKey, CryptoKeyPair, JsonWebKey, export_key, generate_key, import_key, sign, verify,
};

#[wasm_bindgen]
extern "C" {
    /// The deployment's bindings, variables and secrets, by their names in `wrangler.toml`.
    pub type Env;

    #[wasm_bindgen(method, getter, js_name = TENANT)]
    pub(super) fn tenant(this: &Env) -> Namespace;
    #[wasm_bindgen(method, getter, js_name = TENANTS)]
    pub(super) fn tenants(this: &Env) -> Kv;
    #[wasm_bindgen(method, getter, js_name = DIRECTORY)]
    pub(super) fn directory(this: &Env) -> Option<Kv>;
    #[wasm_bindgen(method, getter, js_name = TENANT_LIMIT)]
    pub(super) fn tenant_limit(this: &Env) -> Option<RateLimit>;
    #[wasm_bindgen(method, getter, js_name = KEY_LIMIT)]
    pub(super) fn key_limit(this: &Env) -> Option<RateLimit>;
    #[wasm_bindgen(method, getter, js_name = ALLOW_HTTP)]
    pub(super) fn allow_http(this: &Env) -> JsValue;
    #[wasm_bindgen(method, getter, js_name = COST_HEADERS)]
    pub(super) fn cost_headers(this: &Env) -> JsValue;
    #[wasm_bindgen(method, getter, js_name = TENANT_HOST)]
    pub(super) fn tenant_host(this: &Env) -> JsValue;
    #[wasm_bindgen(method, getter, js_name = LOG)]
    pub(super) fn log(this: &Env) -> JsValue;
    #[wasm_bindgen(method, getter, js_name = RATE_LIMITS)]
    pub(super) fn rate_limits(this: &Env) -> JsValue;
    #[wasm_bindgen(method, getter, js_name = ALLOW_LOOPBACK_RECEIVERS)]
    pub(super) fn allow_loopback_receivers(this: &Env) -> JsValue;
    #[wasm_bindgen(method, getter, js_name = KEY_RING)]
    pub(super) fn key_ring(this: &Env) -> JsValue;
    #[wasm_bindgen(method, getter, js_name = ADMIN_TOKEN)]
    pub(super) fn admin_token(this: &Env) -> JsValue;
}

#[wasm_bindgen]
extern "C" {
    /// A request, from outside or from the edge.
    pub type Request;

    #[wasm_bindgen(method, getter)]
    pub(super) fn method(this: &Request) -> String;
    #[wasm_bindgen(method, getter)]
    pub(super) fn url(this: &Request) -> String;
    #[wasm_bindgen(method, getter)]
    pub(super) fn headers(this: &Request) -> Headers;
    #[wasm_bindgen(method, getter)]
    pub(super) fn body(this: &Request) -> Option<ReadableStream>;
    #[wasm_bindgen(method, catch, js_name = arrayBuffer)]
    pub(super) fn array_buffer(this: &Request) -> Result<Promise<ArrayBuffer>, JsValue>;

    pub(super) type Headers;

    #[wasm_bindgen(method)]
    fn get(this: &Headers, name: &JsString) -> Option<JsString>;

    pub(super) type ReadableStream;

    #[wasm_bindgen(method, catch, js_name = getReader)]
    pub(super) fn reader(this: &ReadableStream) -> Result<Reader, JsValue>;

    pub(super) type Reader;

    #[wasm_bindgen(method, catch)]
    pub(super) fn read(this: &Reader) -> Result<Promise<Chunk>, JsValue>;
    #[wasm_bindgen(method, catch)]
    pub(super) fn cancel(this: &Reader) -> Result<Promise, JsValue>;

    pub(super) type Chunk;

    /// The bytes; none at the stream's end.
    #[wasm_bindgen(method, getter)]
    pub(super) fn value(this: &Chunk) -> Option<Uint8Array>;

    pub(super) type Response;

    #[wasm_bindgen(constructor, catch)]
    pub(super) fn new(body: Option<&Uint8Array>, init: &Fields) -> Result<Response, JsValue>;
    #[wasm_bindgen(method, getter)]
    pub(super) fn status(this: &Response) -> u16;
    #[wasm_bindgen(method, getter)]
    pub(super) fn body(this: &Response) -> Option<ReadableStream>;
    #[wasm_bindgen(method, getter, js_name = headers)]
    pub(super) fn response_headers(this: &Response) -> Headers;

    /// A plain object: headers, or options.
    pub(super) type Fields;

    #[wasm_bindgen(constructor, js_class = "Object")]
    pub(super) fn new() -> Fields;
    #[wasm_bindgen(method, structural, indexing_setter)]
    fn set(this: &Fields, name: &JsString, value: &JsValue);

    #[wasm_bindgen(extends = Promise)]
    type Rejectable;

    #[wasm_bindgen(method, js_name = catch)]
    fn rescued(this: &Rejectable, rescue: &Function) -> Promise;
    #[wasm_bindgen(method, js_name = then)]
    fn settled(this: &Rejectable, fulfilled: &JsValue, rejected: &JsValue) -> Promise;

    type Function;

    #[wasm_bindgen(method)]
    fn bind(this: &Function, this_value: &JsValue, first: &JsValue) -> Function;
}

#[wasm_bindgen]
extern "C" {
    /// A namespace of Durable Objects.
    pub(super) type Namespace;

    #[wasm_bindgen(method, catch)]
    pub(super) fn jurisdiction(this: &Namespace, name: &str) -> Result<Namespace, JsValue>;
    #[wasm_bindgen(method, catch, js_name = getByName)]
    pub(super) fn object(
        this: &Namespace,
        name: &str,
        options: Option<&Fields>,
    ) -> Result<Stub, JsValue>;

    pub(super) type Stub;

    #[wasm_bindgen(method, catch)]
    pub(super) fn fetch(this: &Stub, url: &str, init: &Fields) -> Result<Promise, JsValue>;

    /// What a stub throws.
    pub(super) type StubError;

    #[wasm_bindgen(method, getter)]
    pub(super) fn retryable(this: &StubError) -> JsValue;
    #[wasm_bindgen(method, getter)]
    pub(super) fn overloaded(this: &StubError) -> JsValue;
}

#[wasm_bindgen]
extern "C" {
    /// A rate limit of the runtime's own.
    pub(super) type RateLimit;

    #[wasm_bindgen(method, catch)]
    pub(super) fn limit(
        this: &RateLimit,
        options: &Fields,
    ) -> Result<Promise<LimitOutcome>, JsValue>;

    pub(super) type LimitOutcome;

    #[wasm_bindgen(method, getter)]
    pub(super) fn success(this: &LimitOutcome) -> JsValue;
}

#[wasm_bindgen]
extern "C" {
    /// A namespace of KV. Values are texts; `worker` would write a map as `{}`.
    pub(super) type Kv;

    #[wasm_bindgen(method, catch)]
    pub(super) fn get(this: &Kv, key: &str) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch, js_name = get)]
    pub(super) fn get_all(this: &Kv, keys: &Array) -> Result<Promise<Map>, JsValue>;
    #[wasm_bindgen(method, catch)]
    pub(super) fn put(this: &Kv, key: &str, value: &str) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch)]
    pub(super) fn delete(this: &Kv, key: &str) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch)]
    pub(super) fn list(this: &Kv, options: &Fields) -> Result<Promise<KvPage>, JsValue>;

    pub(super) type KvPage;

    #[wasm_bindgen(method, getter)]
    pub(super) fn keys(this: &KvPage) -> Vec<KvKey>;
    /// Where the next page begins; none behind the last.
    #[wasm_bindgen(method, getter)]
    pub(super) fn cursor(this: &KvPage) -> Option<String>;

    pub(super) type KvKey;

    #[wasm_bindgen(method, getter)]
    pub(super) fn name(this: &KvKey) -> String;
}

#[wasm_bindgen]
extern "C" {
    /// What the runtime gives a Durable Object.
    pub type ObjectState;

    #[wasm_bindgen(method, getter)]
    pub(super) fn id(this: &ObjectState) -> ObjectId;
    #[wasm_bindgen(method, getter)]
    pub(super) fn storage(this: &ObjectState) -> Storage;

    pub(super) type ObjectId;

    #[wasm_bindgen(method, getter)]
    pub(super) fn name(this: &ObjectId) -> Option<String>;

    pub(super) type Storage;

    #[wasm_bindgen(method, getter)]
    pub(super) fn sql(this: &Storage) -> SqlStorage;
    #[wasm_bindgen(method, catch, js_name = transactionSync)]
    pub(super) fn transaction(
        this: &Storage,
        body: &mut dyn FnMut() -> Result<(), JsValue>,
    ) -> Result<(), JsValue>;
    /// When the alarm is due, or null.
    #[wasm_bindgen(method, catch, js_name = getAlarm)]
    pub(super) fn alarm(this: &Storage) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch, js_name = setAlarm)]
    pub(super) fn set_alarm(this: &Storage, epoch_milliseconds: f64) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch, js_name = deleteAlarm)]
    pub(super) fn delete_alarm(this: &Storage) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch, js_name = deleteAll)]
    pub(super) fn delete_all(this: &Storage) -> Result<Promise, JsValue>;

    pub(super) type SqlStorage;

    #[wasm_bindgen(method, catch, variadic)]
    pub(super) fn exec(
        this: &SqlStorage,
        statement: &str,
        params: &Array,
    ) -> Result<Cursor, JsValue>;

    pub(super) type Cursor;

    #[wasm_bindgen(method, catch)]
    pub(super) fn raw(this: &Cursor) -> Result<RawRows, JsValue>;
    #[wasm_bindgen(method, getter, js_name = rowsRead)]
    pub(super) fn rows_read(this: &Cursor) -> f64;
    #[wasm_bindgen(method, getter, js_name = rowsWritten)]
    pub(super) fn rows_written(this: &Cursor) -> f64;

    pub(super) type RawRows;

    #[wasm_bindgen(method, catch, js_name = toArray)]
    pub(super) fn to_array(this: &RawRows) -> Result<Array<Array>, JsValue>;
}

#[wasm_bindgen]
extern "C" {
    /// What becomes of each of some promises; it is never rejected.
    #[wasm_bindgen(js_namespace = Promise, js_name = allSettled)]
    pub(super) fn all_settled(promises: &Array) -> Promise;

    /// What has become of one.
    pub(super) type Settled;

    /// What it is rejected with, if it is.
    #[wasm_bindgen(method, getter)]
    pub(super) fn reason(this: &Settled) -> JsValue;
    #[wasm_bindgen(method, getter)]
    pub(super) fn status(this: &Settled) -> String;
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = setTimeout)]
    pub(super) fn set_timeout(then: &worker::js_sys::Function, milliseconds: i32) -> JsValue;
    #[wasm_bindgen(js_name = clearTimeout)]
    pub(super) fn clear_timeout(timer: &JsValue);
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = console, js_name = error)]
    pub(super) fn log_error(line: &str);
    #[wasm_bindgen(js_namespace = console, js_name = log)]
    pub(super) fn log(line: &str);
}

#[wasm_bindgen]
extern "C" {
    /// Asks a server outside. The name is qualified since the Worker exports a `fetch` of its own.
    #[wasm_bindgen(catch, js_namespace = globalThis, js_name = fetch)]
    pub(super) fn ask(url: &str, init: &Fields) -> Result<Promise<Response>, JsValue>;

    /// Is fulfilled after a time.
    #[wasm_bindgen(js_namespace = scheduler, js_name = wait)]
    pub(super) fn wait(milliseconds: u32) -> Promise;
    /// Becomes what the first of some promises does.
    #[wasm_bindgen(js_namespace = Promise, js_name = race)]
    pub(super) fn race(promises: &Array) -> Promise;

    /// What breaks a request off.
    pub(super) type AbortSignal;

    #[wasm_bindgen(static_method_of = AbortSignal, catch)]
    pub(super) fn timeout(milliseconds: u32) -> Result<AbortSignal, JsValue>;
}

/// What takes the place of a promise that is rejected, given whose it was and what it threw.
pub(super) type Rescue = Closure<dyn FnMut(JsValue, JsValue) -> Result<JsValue, JsValue>>;

/// The promise itself, or what `rescue` makes of its rejection.
pub(super) fn rescued(promise: Promise, rescue: &Rescue, whose: &JsValue) -> Promise {
    let rescue: &Function = rescue.as_ref().unchecked_ref();
    promise.unchecked_into::<Rejectable>().rescued(&rescue.bind(&JsValue::NULL, whose))
}

/// What is made of a promise once it is fulfilled or rejected, with whatever value.
pub(super) fn then(
    promise: Promise,
    next: impl FnOnce(JsValue) -> Result<JsValue, JsValue> + 'static,
) -> Promise {
    // One function for both ways: it is freed when it is called, and one of two would not be.
    let next = Closure::once_into_js(next);
    promise.unchecked_into::<Rejectable>().settled(&next, &next)
}

impl Headers {
    /// A header's value.
    pub(super) fn value(&self, name: &'static str) -> Option<JsString> {
        interned(name, |name| self.get(name))
    }

    /// A header's value as text.
    pub(super) fn text(&self, name: &'static str) -> Option<String> {
        self.value(name).map(String::from)
    }
}

impl Fields {
    /// Sets a field.
    pub(super) fn put(&self, name: &'static str, value: &JsValue) {
        interned(name, |name| self.set(name, value));
    }
}

/// Uses a name that the program knows as the string into which the isolate made it once: a header's
/// name costs more to carry across than its value does.
fn interned<T>(name: &'static str, with: impl FnOnce(&JsString) -> T) -> T {
    thread_local! {
        static NAMES: RefCell<BTreeMap<&'static str, JsString>> =
            const { RefCell::new(BTreeMap::new()) };
    }
    NAMES.with_borrow_mut(|names| with(names.entry(name).or_insert_with(|| JsString::from(name))))
}

/// The compatible form of a text (Unicode's NFKC).
pub(super) fn normalized(text: &str) -> String {
    JsString::from(text).normalize("NFKC").into()
}

/// What an exception says, for the log.
pub(super) fn message(exception: &JsValue) -> String {
    match exception.dyn_ref::<Error>() {
        Some(error) => error.message().into(),
        None => format!("{exception:?}"),
    }
}
