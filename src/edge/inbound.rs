//! A request from outside, on its way to a tenant.

use worker::js_sys::{Array, JsString};

use super::crossings;
use super::deployment::Deployment;
use super::js;
use crate::http::{FORWARDED, Method, Trace, Url};

/// What every step needs of a request from outside.
pub(super) struct Inbound<'a> {
    pub(super) env: &'a js::Env,
    pub(super) deployment: &'a Deployment,
    pub(super) request: &'a js::Request,
    pub(super) beginning: &'a Beginning<'a>,
    pub(super) url: Url<'a>,
    pub(super) method: Method,
    pub(super) trace: Trace,
}

/// What a request begins with, as far as every request is asked for it: lines of the method, the URL
/// and the headers of [`NAMES`].
pub(super) struct Beginning<'a>(Vec<&'a str>);

/// The headers that every request is asked for, beside those that its tenant's object is told.
const NAMES: [&str; 2] = ["authorization", "cf-ray"];

impl<'a> Beginning<'a> {
    /// The lines of a request, to be parsed.
    pub(super) fn lines(request: &js::Request) -> String {
        thread_local! {
            static ASKED: Array = names().map(JsString::from).collect();
        }
        ASKED.with(|names| crossings::beginning(request, names))
    }

    /// Reads such lines.
    pub(super) fn parse(lines: &'a str) -> Self {
        Self(lines.split('\n').collect())
    }

    pub(super) fn method(&self) -> &'a str {
        self.0.first().copied().unwrap_or_default()
    }

    pub(super) fn url(&self) -> &'a str {
        self.0.get(1).copied().unwrap_or_default()
    }

    /// A header's value, if every request is asked for it.
    pub(super) fn header(&self, name: &str) -> Option<&'a str> {
        let place = names().position(|known| known == name)?;
        self.0.get(place.saturating_add(2))?.strip_prefix('=')
    }
}

fn names() -> impl Iterator<Item = &'static str> {
    NAMES.into_iter().chain(FORWARDED)
}
