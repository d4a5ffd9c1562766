//! Whether a connection works: `GET …/connections/{c}/health`, and `POST …/connections/{c}/test`,
//! a checklist for the one who sets it up. Both look at what the client has done, and ask nothing of
//! it.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::connections::DISABLED;
use super::document::moment;
use super::memory::Connection;
use super::ring::{
    AUTHORITY_IGNORED, CHANGE, CREATE, DEACTIVATE, EXTERNAL_ID_MISSING, Entry, GUARD_REFUSED,
    LOOKUP,
};
use super::work::{Answer, Failure, Work, missing};
use crate::http::Response;
use crate::limits;
use crate::store::requests::Traffic;

/// What a checklist says of one thing.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Verdict {
    Pass,
    Fail,
    Pending,
}

/// A line of the checklist.
struct Check {
    name: &'static str,
    verdict: Verdict,
    /// What to do; empty where nothing is.
    hint: String,
}

/// What is known of a connection's requests: those in the ring, and what was before.
struct Record {
    entries: Vec<Entry>,
    traffic: Traffic,
}

impl Work<'_, '_> {
    /// `healthy`, `degraded` where too many requests fail, or `silent` where none have come for
    /// twice the cycle in which clients ask.
    pub(super) fn health(&self, id: &str) -> Answer {
        self.known_connection(id)?;
        let Record { entries, traffic } = self.record_of(id)?;
        let since = self.now().timestamp_millis().saturating_sub(limits::HEALTH_MILLISECONDS);
        let recent: Vec<&Entry> = entries.iter().filter(|entry| entry.time > since).collect();
        let failed = recent.iter().filter(|entry| entry.failed()).count();
        // In thousandths: nobody asks for more.
        let rate = failed.saturating_mul(1_000).checked_div(recent.len()).unwrap_or(0);
        let rate = f64::from(u16::try_from(rate).unwrap_or(1_000)) / 1_000.0;
        let warning = |what: &str, first| {
            let (code, path, detail) = warned_of(what);
            json!({ "code": code, "path": path, "firstSeen": moment(first), "detail": detail })
        };
        let warnings = self.ring.warnings(self.sql, id)?;
        let mut warnings: Vec<Value> =
            warnings.iter().map(|one| warning(&one.path, one.first)).collect();
        warnings.extend(self.brake_warning(id)?);
        let mut health = json!({
            "status": status(&traffic, rate, self.now()),
            "lastSuccess": traffic.last_success.and_then(moment),
            "lastFailure": traffic.last_failure.and_then(moment),
            "errorRate": rate,
            "requests": recent.len(),
            "warnings": warnings,
        });
        let deciding = self.deciding_shown(id)?;
        if let (Some(deciding), Some(fields)) = (deciding, health.as_object_mut()) {
            fields.insert("deciding".to_owned(), deciding);
        }
        Ok(Response::json(200, &health))
    }

    /// What has been seen of a client and what has not, in the order in which it is set up.
    pub(super) fn test_connection(&self, id: &str) -> Answer {
        self.no_fields("a test")?;
        let connection = self.known_connection(id)?;
        let record = self.record_of(id)?;
        let preset = connection.row.preset.as_str();
        let mut checks =
            vec![self.reached(&record, preset), self.key_valid(id, connection, &record)];
        let steps =
            [("lookup", LOOKUP), ("create", CREATE), ("patch", CHANGE), ("deactivate", DEACTIVATE)];
        checks.extend(steps.map(|(name, step)| done(name, step, &record, preset)));
        let shown: Vec<Value> = checks.iter().map(Check::to_json).collect();
        let passed = checks.iter().all(|check| check.verdict == Verdict::Pass);
        Ok(Response::json(200, &json!({ "passed": passed, "checks": shown })))
    }

    fn known_connection(&self, id: &str) -> Result<&Connection, Failure> {
        let connection = self.memory.connections.get(id);
        Ok(connection.ok_or_else(|| missing("there is no such connection"))?)
    }

    fn record_of(&self, id: &str) -> Result<Record, Failure> {
        let entries = self.ring.entries(self.sql)?.into_iter().map(|(_, entry)| entry);
        let entries = entries.filter(|entry| entry.connection.as_deref() == Some(id)).collect();
        Ok(Record { entries, traffic: self.ring.traffic(self.sql, id)? })
    }

    fn reached(&self, record: &Record, preset: &str) -> Check {
        if record.has_any() {
            return Check::passed("reached");
        }
        let field = match preset {
            "entra" => "Tenant URL (Provisioning, Admin Credentials)",
            "okta" => "SCIM connector base URL, or Base URL (Provisioning, Integration)",
            _ => "SCIM base URL",
        };
        let hint = format!(
            "No request of this connection has arrived. Put {} into the field {field}. A request \
             with a wrong or expired key is turned away before it can be seen here.",
            self.request().base
        );
        Check { name: "reached", verdict: Verdict::Pending, hint }
    }

    /// Whether anything opens a connection: a key, or what tokens are given for.
    fn can_be_opened(&self, id: &str) -> bool {
        let now = self.now().timestamp();
        let mut keys = self.memory.keys.values();
        keys.any(|key| key.connection.as_deref() == Some(id) && key.expires > now)
            || self.secrets_of(id).any(|secret| secret.expires > now)
            || self.trusts_of(id).next().is_some()
    }

    fn key_valid(&self, id: &str, connection: &Connection, record: &Record) -> Check {
        let name = "keyValid";
        let failed = |hint: String| Check { name, verdict: Verdict::Fail, hint };
        if connection.row.state == DISABLED {
            return failed("The connection is disabled; its keys open nothing.".to_owned());
        }
        let field = match connection.row.preset.as_str() {
            "entra" => "Secret Token",
            "okta" => "Authorization, with the authentication mode HTTP Header",
            _ => "API token",
        };
        if !self.can_be_opened(id) {
            return failed(format!(
                "No key of this connection is live, nor has it a secret or a trust. Make a key with \
                 \"connection\":\"{id}\" and put it into the field {field}."
            ));
        }
        match record.entries.last() {
            Some(last) if last.status == 401 => failed(format!(
                "The last request came with a key that has expired or been revoked. Put a live one \
                 into the field {field}."
            )),
            None if !record.has_any() => Check {
                name,
                verdict: Verdict::Pending,
                hint: format!("No request has come with a key yet. It belongs into {field}."),
            },
            _ => Check::passed(name),
        }
    }
}

/// What a warning is about: its code, the attribute, and what is wrong.
fn warned_of(what: &str) -> (&'static str, &str, &'static str) {
    match what {
        EXTERNAL_ID_MISSING => (
            "externalId_missing",
            "externalId",
            "users come without it, so that one who is renamed or returns is not known again; add it \
             to the provider's attribute mappings",
        ),
        AUTHORITY_IGNORED => (
            "authority_ignored",
            "",
            "the client sends attributes for which the tenant's policies give administrators authority, \
             and its values for them are ignored",
        ),
        GUARD_REFUSED => (
            "guard_refused",
            "",
            "a guard has refused what the client does to users or groups, since too few would hold its \
             role; give that to somebody else, and the provider may send it again",
        ),
        path => (
            "attribute_unknown",
            path,
            "the client sends this attribute, no schema knows it, and its values are dropped",
        ),
    }
}

/// How a connection is.
fn status(traffic: &Traffic, error_rate: f64, now: DateTime<Utc>) -> &'static str {
    let last = traffic.last_success.max(traffic.last_failure);
    let silence = limits::CYCLE_MILLISECONDS.saturating_mul(2);
    let is_silent = |at: i64| now.timestamp_millis().saturating_sub(at) > silence;
    if last.is_none_or(is_silent) {
        "silent"
    } else if error_rate * 100.0 > limits::ERROR_PERCENT {
        "degraded"
    } else {
        "healthy"
    }
}

impl Record {
    fn has_any(&self) -> bool {
        !self.entries.is_empty() || self.traffic != Traffic::default()
    }
}

/// Whether a client has done something: what it did last counts.
fn done(name: &'static str, step: i64, record: &Record, preset: &str) -> Check {
    match record.entries.iter().rev().find(|entry| entry.step == step) {
        Some(last) if last.failed() => {
            let error = last.error.as_deref().unwrap_or("no code");
            let hint = format!(
                "The last one was refused with {} ({error}). GET …/requests shows what was sent.",
                last.status
            );
            Check { name, verdict: Verdict::Fail, hint }
        }
        Some(_) => Check::passed(name),
        None if record.traffic.seen & step != 0 => Check::passed(name),
        None => Check { name, verdict: Verdict::Pending, hint: hint(step, preset).to_owned() },
    }
}

/// What makes a client do something, in the words of its own console.
fn hint(step: i64, preset: &str) -> &'static str {
    match (step, preset) {
        (LOOKUP, "entra") => "Press Test Connection under Provisioning, Admin Credentials.",
        (LOOKUP, "okta") => {
            "Press Test Connector Configuration; the unique identifier field is userName."
        }
        (LOOKUP, _) => "Let the provider test its connection; it looks for users then.",
        (CREATE, "entra") => {
            "Assign a user to the application and use Provision on demand; Create must be ticked \
             under Mappings, Target Object Actions."
        }
        (CREATE, "okta") => {
            "Tick Create Users under Provisioning, To App, and assign a user to the application."
        }
        (CREATE, _) => "Assign a user to the application in the provider.",
        (CHANGE, "entra") => {
            "Change an attribute of an assigned user that is in the attribute mappings, and wait for \
             the next cycle (40 minutes) or use Provision on demand."
        }
        (CHANGE, "okta") => {
            "Tick Update User Attributes under Provisioning, To App, and change an assigned user."
        }
        (CHANGE, _) => "Change an attribute of an assigned user in the provider.",
        (_, "entra") => {
            "Unassign a user, and see that active is mapped to Switch([IsSoftDeleted], …) in the \
             attribute mappings."
        }
        (_, "okta") => "Tick Deactivate Users under Provisioning, To App, and unassign a user.",
        _ => "Unassign a user in the provider, and let it deactivate or delete users.",
    }
}

impl Check {
    const fn passed(name: &'static str) -> Self {
        Self { name, verdict: Verdict::Pass, hint: String::new() }
    }

    fn to_json(&self) -> Value {
        let result = match self.verdict {
            Verdict::Pass => "pass",
            Verdict::Fail => "fail",
            Verdict::Pending => "pending",
        };
        let mut shown = json!({ "check": self.name, "result": result });
        if let (false, Some(fields)) = (self.hint.is_empty(), shown.as_object_mut()) {
            fields.insert("hint".to_owned(), self.hint.as_str().into());
        }
        shown
    }
}
