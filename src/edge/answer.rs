//! A response on its way out: what it cost, what the log is told, and the runtime's form of it.

use worker::js_sys::Promise;

use super::crossings::respond;
use super::{Outcome, js, now};
use crate::http::{Done, RequestId, Response, Trace};
use crate::store::Cost;

/// Where a request has been answered.
pub(super) enum Answered {
    /// Here.
    Edge(Response),
    /// By the tenant's object, which tells the log as well; its response is not touched.
    Object(Promise),
}

/// What a request cost.
#[derive(Clone, Copy, Default)]
pub(super) struct Spent {
    /// Rows, as the database counts them.
    pub(super) rows: Cost,
    /// Alarms set.
    pub(super) alarms: u32,
}

/// What the deployment tells of requests.
#[derive(Clone, Copy)]
pub(super) struct Telling {
    /// Whether each answer says what it cost.
    pub(super) costs: bool,
    /// Whether the log has each request, and not failures alone.
    pub(super) requests: bool,
}

/// Hands a response to the runtime, and the request's line to the log.
pub(super) fn deliver(
    response: Response,
    trace: &Trace,
    spent: Spent,
    connection: Option<String>,
    telling: Telling,
) -> Outcome {
    if telling.requests || response.has_failed() {
        let done = Done { ended: now().timestamp_millis(), connection, rows: spent.rows };
        log(trace, &response, &done);
    }
    bare(trace.dress(response), spent, telling)
}

/// Hands a response to the runtime as it is, with what it cost if that is told.
pub(super) fn bare(mut response: Response, spent: Spent, telling: Telling) -> Outcome {
    if telling.costs {
        response = response.with("server-timing", spent.to_header());
    }
    to_js(&response)
}

/// Writes a line to the log.
pub(super) fn log(trace: &Trace, response: &Response, done: &Done) {
    let line = trace.line(response, done);
    if response.has_failed() { js::log_error(&line) } else { js::log(&line) }
}

/// The id of a request to which Cloudflare may have given one. Without randomness all are alike.
pub(super) fn request_id(ray: Option<&str>) -> RequestId {
    RequestId::of(ray, || {
        let mut random = [0; 8];
        let _ = getrandom::fill(&mut random);
        random
    })
}

impl Spent {
    /// Both together.
    pub(super) const fn and(self, other: Self) -> Self {
        let rows_read = self.rows.rows_read.saturating_add(other.rows.rows_read);
        let rows_written = self.rows.rows_written.saturating_add(other.rows.rows_written);
        let alarms = self.alarms.saturating_add(other.alarms);
        Self { rows: Cost { rows_read, rows_written }, alarms }
    }

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
    let mut head = String::new();
    for (name, value) in &response.headers {
        // Each has a line; what would have more is cut.
        for line in [name, value.lines().next().unwrap_or_default()] {
            head.push_str(line);
            head.push('\n');
        }
    }
    respond(response.status, &head, &response.body)
}
