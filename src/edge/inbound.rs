//! A request from outside, on its way to a tenant.

use super::deployment::Deployment;
use super::js;
use crate::http::{Method, Trace, Url};

/// What every step needs of a request from outside.
pub(super) struct Inbound<'a> {
    pub(super) env: &'a js::Env,
    pub(super) deployment: &'a Deployment,
    pub(super) raw_url: &'a str,
    pub(super) url: Url<'a>,
    pub(super) method: Method,
    pub(super) headers: js::Headers,
    pub(super) trace: Trace,
}
