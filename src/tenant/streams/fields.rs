//! A stream as the API reads and shows it.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::Stream;
use crate::event::is_type;
use crate::http::{Outbound, Problem, ProblemCode};
use crate::limits;
use crate::policy::{Signature, StreamKind, Types};
use crate::registry::Slug;
use crate::store::streams::{DISABLED, ENABLED};
use crate::tenant::document::{moment, object};
use crate::tenant::work::only_fields;

/// What a stream is made of.
#[derive(Debug)]
pub(super) struct NewStream {
    pub(super) id: Option<String>,
    pub(super) kind: StreamKind,
    pub(super) url: String,
    pub(super) types: Types,
    pub(super) signature: Signature,
    /// For whom its tokens are; none of a webhook's.
    pub(super) audience: Option<String>,
    pub(super) authorization: Option<String>,
    pub(super) attribute_map: Option<String>,
    pub(super) after: Option<i64>,
}

/// What of a stream is changed.
#[derive(Debug)]
pub(super) struct Patch {
    pub(super) url: Option<String>,
    pub(super) types: Option<Types>,
    /// Another, or that which a stream has unless another is given.
    pub(super) audience: Option<Option<String>>,
    /// Another, or none.
    pub(super) authorization: Option<Option<String>>,
    /// Another, or none.
    pub(super) attribute_map: Option<Option<String>>,
    pub(super) state: Option<&'static str>,
}

impl NewStream {
    /// Reads a new stream, of a log that ends with `last`.
    ///
    /// # Errors
    /// 400 for what is malformed, 422 for an address that may not be asked, types that no event has, and
    /// a place behind the last one.
    pub(super) fn read(
        body: &Map<String, Value>,
        outbound: Outbound<'_>,
        last: i64,
    ) -> Result<Self, Problem> {
        const FIELDS: [&str; 9] = [
            "id",
            "kind",
            "url",
            "types",
            "after",
            "signature",
            "audience",
            "authorization",
            "attributeMap",
        ];
        only_fields(body, &FIELDS, "a stream")?;
        let named = |name: &'static str, default: &'static str| text(body, name, default);
        let id = match body.get("id") {
            None | Some(Value::Null) => None,
            Some(id) => {
                let id = id.as_str().filter(|id| Slug::parse(id).is_some());
                Some(id.ok_or_else(|| {
                    malformed("`id` is not of the form [a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?, or is reserved")
                })?)
            }
        };
        let kind = StreamKind::of(named("kind", StreamKind::Webhook.name())?);
        let kind = kind.ok_or_else(|| malformed("`kind` is none that a stream has"))?;
        let signature = Signature::of(named("signature", kind.signature().name())?);
        let signature = signature.filter(|signature| kind.takes(*signature));
        let not_of = |name: &str| malformed(format!("`{name}` is no field of such a stream"));
        let (has_url, is_token) = (kind != StreamKind::SetPoll, kind != StreamKind::Webhook);
        let url = match body.get("url") {
            None | Some(Value::Null) if !has_url => String::new(),
            Some(_) if !has_url => return Err(not_of("url")),
            given => url(given, outbound)?,
        };
        let audience = bounded(body.get("audience"), "audience")?;
        if audience.is_some() && !is_token {
            return Err(not_of("audience"));
        }
        let authorization = bounded(body.get("authorization"), "authorization")?;
        if authorization.is_some() && kind != StreamKind::SetPush {
            return Err(not_of("authorization"));
        }
        let attribute_map = bounded(body.get("attributeMap"), "attributeMap")?;
        if attribute_map.is_some() && is_token {
            return Err(not_of("attributeMap"));
        }
        Ok(Self {
            id: id.map(str::to_owned),
            kind,
            url,
            types: types(body.get("types"))?,
            signature: signature.ok_or_else(|| malformed("`signature` is none of this kind"))?,
            audience,
            authorization,
            attribute_map,
            after: match body.get("after") {
                None | Some(Value::Null) => None,
                Some(after) => Some(place(after, last)?),
            },
        })
    }
}

impl Patch {
    /// Reads what is to be changed.
    ///
    /// # Errors
    /// As [`NewStream::read`].
    pub(super) fn read(body: &Map<String, Value>, outbound: Outbound<'_>) -> Result<Self, Problem> {
        let fields = ["url", "types", "state", "audience", "authorization", "attributeMap"];
        only_fields(body, &fields, "a stream that is changed")?;
        let state = match body.get("state").map(Value::as_str) {
            None => None,
            Some(Some("enabled")) => Some(ENABLED),
            Some(Some("disabled")) => Some(DISABLED),
            Some(_) => return Err(malformed("`state` is neither enabled nor disabled")),
        };
        let text = |name| body.get(name).map(|value| bounded(Some(value), name)).transpose();
        Ok(Self {
            url: body.get("url").map(|value| url(Some(value), outbound)).transpose()?,
            types: body.get("types").map(|value| types(Some(value))).transpose()?,
            audience: text("audience")?,
            authorization: text("authorization")?,
            attribute_map: text("attributeMap")?,
            state,
        })
    }
}

/// A place in a log.
///
/// # Errors
/// 400 for what is none, 422 for one behind the last.
pub(super) fn place(value: &Value, last: i64) -> Result<i64, Problem> {
    let number = value.as_i64().filter(|number| *number >= 0);
    let number = number.ok_or_else(|| malformed("`after` is not a place in the feed"))?;
    if number > last {
        return Err(Problem::new(ProblemCode::Contradictory, "`after` is behind the last event"));
    }
    Ok(number)
}

fn url(value: Option<&Value>, outbound: Outbound<'_>) -> Result<String, Problem> {
    let url = value.ok_or_else(|| malformed("`url` is missing"))?;
    let url = url.as_str().ok_or_else(|| malformed("`url` is not a text"))?;
    if !outbound.permits(url) {
        let detail =
            "`url` is no address that may be asked: https, on port 443, with a public name";
        return Err(Problem::new(ProblemCode::Contradictory, detail));
    }
    Ok(url.to_owned())
}

/// A text without control characters, if there is one.
fn bounded(value: Option<&Value>, name: &str) -> Result<Option<String>, Problem> {
    let text = match value {
        None | Some(Value::Null) => return Ok(None),
        Some(value) => value.as_str().filter(|text| !text.is_empty()),
    };
    let is_plain = |byte: u8| byte == b' ' || byte.is_ascii_graphic();
    let text = text.filter(|text| text.bytes().all(is_plain));
    let text = text.ok_or_else(|| malformed(format!("`{name}` is not a text of plain ASCII")))?;
    if text.len() > limits::SET_CHARACTERS {
        let detail = format!("`{name}` has more than {} characters", limits::SET_CHARACTERS);
        return Err(Problem::new(ProblemCode::Contradictory, detail));
    }
    Ok(Some(text.to_owned()))
}

fn types(value: Option<&Value>) -> Result<Types, Problem> {
    let listed = match value {
        None | Some(Value::Null) => return Ok(Types::default()),
        Some(value) => value.as_array().and_then(|list| list.iter().map(Value::as_str).collect()),
    };
    let listed: Vec<&str> = listed.ok_or_else(|| malformed("`types` is not a list of texts"))?;
    let contradicts = |detail: String| Problem::new(ProblemCode::Contradictory, detail);
    if listed.len() > limits::STREAM_TYPES {
        return Err(contradicts(format!("`types` has more than {} entries", limits::STREAM_TYPES)));
    }
    match listed.iter().position(|name| !is_type(name)) {
        None => Ok(Types::of(&listed)),
        Some(place) => Err(contradicts(format!(
            "`types[{place}]` is neither a type of events nor a family of them such as `user.*`"
        ))),
    }
}

fn text<'b>(
    body: &'b Map<String, Value>,
    name: &str,
    default: &'static str,
) -> Result<&'b str, Problem> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(default),
        Some(value) => value.as_str().ok_or_else(|| malformed(format!("`{name}` is not a text"))),
    }
}

fn malformed(detail: impl Into<std::borrow::Cow<'static, str>>) -> Problem {
    Problem::new(ProblemCode::Malformed, detail)
}

impl Stream {
    /// The stream as the API shows it, without what signs.
    pub(super) fn shown(&self, now: DateTime<Utc>) -> Value {
        let row = &self.row;
        let paused = Some(self.follower.due).filter(|due| *due > now.timestamp_millis());
        let url = Some(row.url.as_str()).filter(|url| !url.is_empty());
        let mut shown = vec![
            ("id", row.id.as_str().into()),
            ("kind", self.kind.name().into()),
            ("url", url.into()),
            ("types", Types::stored(&row.types).names().into()),
            ("signature", self.signature.name().into()),
            ("state", row.state.as_str().into()),
            ("disabledReason", row.why.as_deref().into()),
            ("after", self.after.into()),
            ("unfinished", self.unfinished.into()),
            ("failingSince", row.failing.and_then(moment).into()),
            ("pausedUntil", paused.and_then(moment).into()),
            ("createdAt", moment(row.created).into()),
        ];
        if let Some(audience) = &row.audience {
            shown.push(("audience", audience.as_str().into()));
            shown.push(("isAuthorized", row.authorization.is_some().into()));
        }
        if let Some(map) = &row.attribute_map {
            shown.push(("attributeMap", map.as_str().into()));
        }
        object(shown).into()
    }
}
