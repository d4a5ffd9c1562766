//! Scenarios: recorded shapes of identity providers as data, walked step by step.
//!
//! The same files are walked natively, against SQLite, and live, over HTTP.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

/// One story on a fresh tenant.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Scenario {
    name: String,
    /// Whether it wants members kept that no resource is, which not everyone may send.
    #[serde(default)]
    keeps_unknown_members: bool,
    /// Whether it begins with an OAuth client, whose id and secret its steps name.
    #[serde(default)]
    client: bool,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    name: String,
    request: Asked,
    response: Expected,
    /// Names for what later steps need: a JSON pointer into the answer's body each.
    #[serde(default)]
    save: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    method: String,
    path: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// JSON, or a text that is sent as it is.
    body: Option<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    status: Vec<u16>,
    /// What each header begins with.
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// What the body has at least.
    body: Option<Value>,
    /// JSON pointers to what the body must not have.
    #[serde(default)]
    absent: Vec<String>,
}

/// An answer, whoever gave it.
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// Names in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

/// Whoever answers: a tenant in this process, or one behind HTTP.
pub(crate) trait Server {
    /// The SCIM base URL.
    fn base(&self) -> String;
    /// Answers a request whose path is relative to the base.
    fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &BTreeMap<String, String>,
        body: &[u8],
    ) -> Reply;
    /// Makes an OAuth client: its id and secret.
    fn client(&mut self) -> (String, String);
    /// Answers a client's request for a token.
    fn request_token(&mut self, headers: &BTreeMap<String, String>, body: &[u8]) -> Reply;
}

impl Reply {
    /// The body as JSON; null when there is none.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }
}

/// Walks every scenario that is chosen, by the preset of those who send it and by whether it wants
/// unknown members kept; each on a fresh server for clients of that preset. None may find fault.
pub(crate) fn walk<S: Server>(chosen: impl Fn(&str, bool) -> bool, fresh: impl Fn(&str) -> S) {
    let mut scenarios = scenarios();
    assert!(scenarios.len() > 40, "the vectors are there");
    scenarios.retain(|(file, scenario)| chosen(preset(file), scenario.keeps_unknown_members));
    assert!(scenarios.len() > 10, "those that are chosen are there");
    let faults: Vec<String> = scenarios
        .iter()
        .flat_map(|(file, scenario)| {
            let faults = scenario.walk(&mut fresh(preset(file)));
            faults.into_iter().map(move |fault| format!("{}: {fault}", file.display()))
        })
        .collect();
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

/// The preset of those who send what is in a file: the name of its folder, for the most part.
fn preset(file: &Path) -> &str {
    let folder = file.parent().and_then(Path::file_name).and_then(|name| name.to_str());
    match folder.expect("a vector is in a folder") {
        "ping" => "pingone",
        "rauthy" => "generic",
        "rfc7644" => "strict",
        folder => folder,
    }
}

/// All scenarios, with the files they are from.
fn scenarios() -> Vec<(PathBuf, Scenario)> {
    let mut files = Vec::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors"), &mut files);
    files.sort();
    let read = |file: PathBuf| {
        let text = fs::read_to_string(&file).expect("a vector is readable");
        let scenario = serde_json::from_str(&text)
            .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        (file, scenario)
    };
    files.into_iter().map(read).collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the vectors' folder is readable") {
        let path = entry.expect("an entry is readable").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "json") {
            files.push(path);
        }
    }
}

impl Scenario {
    /// Walks the steps in order; what went wrong, if anything, one line each.
    fn walk(&self, server: &mut impl Server) -> Vec<String> {
        let mut names = BTreeMap::from([("base".to_owned(), server.base())]);
        if self.client {
            let (id, secret) = server.client();
            names.extend([("client_id".to_owned(), id), ("client_secret".to_owned(), secret)]);
        }
        let mut faults = Vec::new();
        for step in &self.steps {
            let before = faults.len();
            step.take(server, &mut names, &mut faults);
            for fault in faults.iter_mut().skip(before) {
                *fault = format!("{} / {}: {fault}", self.name, step.name);
            }
        }
        faults
    }
}

impl Step {
    fn take(
        &self,
        server: &mut impl Server,
        names: &mut BTreeMap<String, String>,
        faults: &mut Vec<String>,
    ) {
        let body = match self.request.body.as_ref().map(|body| filled(body, names)) {
            None => Vec::new(),
            Some(Value::String(raw)) => raw.into_bytes(),
            Some(json) => json.to_string().into_bytes(),
        };
        let mut headers = self.request.headers.clone();
        let typed = headers.keys().any(|name| name.eq_ignore_ascii_case("content-type"));
        if !body.is_empty() && !typed {
            headers.insert("Content-Type".to_owned(), "application/scim+json".to_owned());
        }
        let path = filled_text(&self.request.path, names);
        for value in headers.values_mut() {
            *value = filled_text(value, names);
        }
        let reply = match (self.request.method.as_str(), path.as_str()) {
            ("POST", TOKENS) => server.request_token(&headers, &body),
            (method, _) => server.send(method, &path, &headers, &body),
        };
        self.response.check(&reply, names, faults);
        for (name, pointer) in &self.save {
            match reply.json().pointer(pointer) {
                Some(Value::String(text)) => drop(names.insert(name.clone(), text.clone())),
                Some(value) => drop(names.insert(name.clone(), value.to_string())),
                None => faults.push(format!("nothing at {pointer} in {}", reply.json())),
            }
        }
    }
}

impl Expected {
    fn check(&self, reply: &Reply, names: &BTreeMap<String, String>, faults: &mut Vec<String>) {
        let json = reply.json();
        if !self.status.contains(&reply.status) {
            faults.push(format!("status {} is none of {:?}: {json}", reply.status, self.status));
        }
        for (name, beginning) in &self.headers {
            let value = reply.headers.get(&name.to_ascii_lowercase());
            if !value.is_some_and(|value| value.starts_with(beginning)) {
                faults.push(format!("header {name} is {value:?}, not {beginning}"));
            }
        }
        // A PATCH may be answered without a body; a later step then looks at its effect.
        if let (Some(expected), false) = (&self.body, reply.status == 204) {
            differences(&filled(expected, names), &json, "", faults);
        }
        for pointer in self.absent.iter().filter(|pointer| json.pointer(pointer).is_some()) {
            faults.push(format!("{pointer} is there: {json}"));
        }
    }
}

/// Where an answer lacks what is expected of it.
fn differences(expected: &Value, actual: &Value, at: &str, faults: &mut Vec<String>) {
    match (expected, actual) {
        (Value::Object(expected), Value::Object(actual)) => {
            for (name, value) in expected {
                match actual.get(name) {
                    Some(found) => differences(value, found, &format!("{at}/{name}"), faults),
                    None => faults.push(format!("{at}/{name} is missing, not {value}")),
                }
            }
        }
        (Value::Array(expected), Value::Array(actual)) if expected.len() == actual.len() => {
            for (index, (expected, actual)) in expected.iter().zip(actual).enumerate() {
                differences(expected, actual, &format!("{at}/{index}"), faults);
            }
        }
        _ if expected == actual => {}
        _ => faults.push(format!("{at} is {actual}, not {expected}")),
    }
}

/// The one path that is beside the SCIM base, not below it.
const TOKENS: &str = "/oauth/token";

fn filled(value: &Value, names: &BTreeMap<String, String>) -> Value {
    match value {
        Value::String(text) => filled_text(text, names).into(),
        Value::Array(values) => values.iter().map(|value| filled(value, names)).collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| (filled_text(name, names), filled(value, names)))
            .collect(),
        other => other.clone(),
    }
}

fn filled_text(text: &str, names: &BTreeMap<String, String>) -> String {
    names.iter().fold(text.to_owned(), |text, (name, value)| {
        text.replace(&format!("{{{{{name}}}}}"), value)
    })
}
