//! The Worker under test: where it is, and the secrets and tools that the tests share with it.

use std::env;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{OnceLock, RwLock};
use std::thread;
use std::time::{Duration, SystemTime};

use ureq::Agent;

/// What `npm test` says in the environment.
pub(crate) struct Deployment {
    /// `http://127.0.0.1:PORT`.
    pub(crate) url: String,
    /// A value of `ADMIN_TOKEN`.
    pub(crate) admin_token: String,
    /// `KEY_RING` as the Worker has it.
    pub(crate) key_ring: String,
    /// The folder in which the runtime keeps its state.
    pub(crate) persist: PathBuf,
    /// The file to which all goes that the Worker prints.
    pub(crate) log: PathBuf,
    /// The words of the command that runs wrangler.
    wrangler: Vec<String>,
    /// Keeps connections open.
    pub(crate) agent: Agent,
    /// Held by who writes a tenant's record: in the Worker by many at once, by wrangler alone.
    pub(crate) records: RwLock<()>,
}

/// The Worker.
pub(crate) fn deployment() -> &'static Deployment {
    static DEPLOYMENT: OnceLock<Deployment> = OnceLock::new();
    DEPLOYMENT.get_or_init(Deployment::from_env)
}

impl Deployment {
    fn from_env() -> Self {
        let variable = |name| {
            env::var(name).unwrap_or_else(|_| {
                panic!("{name} is not set: these tests need a running Worker, run `npm test`")
            })
        };
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .allow_non_standard_methods(true)
            .build();
        Self {
            url: variable("MUSTER_URL"),
            admin_token: variable("MUSTER_ADMIN_TOKEN"),
            key_ring: variable("MUSTER_KEY_RING"),
            persist: variable("MUSTER_PERSIST").into(),
            log: variable("MUSTER_LOG").into(),
            wrangler: variable("MUSTER_WRANGLER").split(' ').map(str::to_owned).collect(),
            agent: agent.into(),
            records: RwLock::new(()),
        }
    }

    /// `IP:PORT`.
    pub(crate) fn authority(&self) -> &str {
        self.url.strip_prefix("http://").expect("MUSTER_URL begins with http://")
    }

    /// Runs `wrangler kv key …` on the state of the running Worker.
    ///
    /// That is a second process on the same SQLite file, which refuses a write that meets another.
    pub(crate) fn kv_key(&self, arguments: &[&str]) {
        let (program, words) = self.wrangler.split_first().expect("MUSTER_WRANGLER is a command");
        let mut command = Command::new(program);
        command
            .args(words)
            .args(["kv", "key"])
            .args(arguments)
            .args(["--binding", "TENANTS", "--local", "--persist-to"])
            .arg(&self.persist)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .env("WRANGLER_SEND_METRICS", "false")
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        let status = {
            let _alone = self.records.write().expect("no test has died with the lock");
            finished(command.spawn().expect("wrangler starts"))
        };
        assert_eq!(status, Some(true), "wrangler kv key {arguments:?}");
    }
}

impl Deployment {
    /// Runs a script of the repository; whether it succeeded, and what it said.
    pub(crate) fn node(&self, arguments: &[&str]) -> (bool, String) {
        let mut command =
            Command::new(self.wrangler.first().expect("MUSTER_WRANGLER is a command"));
        let output = command.args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output();
        let output = output.expect("node starts");
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&said).into_owned())
    }
}

/// Waits for a process; whether it succeeded, unless it had to be stopped.
fn finished(mut child: Child) -> Option<bool> {
    for _ in 0..WRANGLER_SECONDS_MAX * 10 {
        if let Ok(Some(status)) = child.try_wait() {
            return Some(status.success());
        }
        thread::sleep(Duration::from_millis(100));
    }
    let _ = child.kill();
    None
}

/// A tenant's slug that no other test, and no earlier run, has used.
pub(crate) fn fresh_slug(name: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    static RUN: OnceLock<u64> = OnceLock::new();
    let run = RUN.get_or_init(unix_seconds);
    format!("{name}-{run:x}-{}", COUNT.fetch_add(1, Ordering::Relaxed))
}

/// The time, as the Worker has it too.
#[expect(clippy::disallowed_methods, reason = "keys expire by the clock of the running Worker")]
pub(crate) fn unix_seconds() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.expect("the clock is behind 1970").as_secs()
}

/// How long any answer may take.
pub(crate) const ANSWER_TIME_MAX: Duration = Duration::from_secs(60);

const WRANGLER_SECONDS_MAX: u32 = 90;
