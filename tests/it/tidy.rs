//! The house, held by a test: which module may use which, and what no file may hold.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The modules from the ground up. Each uses those of lower rows only, and none beside it.
const LAYERS: [&[&str]; 8] = [
    &["gather", "limits"],
    &["scim"],
    &["registry", "auth"],
    &["event"],
    &["policy", "store"],
    &["http"],
    &["tenant"],
    &["edge"],
];

/// What waits, tells the time, draws lots or knows the runtime.
const EDGE_ONLY: [&str; 10] = [
    "async fn",
    "await",
    "Utc::now",
    "SystemTime::now",
    "Instant::now",
    "getrandom",
    "worker",
    "wasm_bindgen",
    "js_sys",
    "unsafe",
];

/// What ends a process, where an answer is due.
const PANICS: [&str; 8] = [
    ".unwrap()",
    ".expect(",
    ".unwrap_err()",
    ".expect_err(",
    "panic!",
    "unreachable!",
    "todo!",
    "unimplemented!",
];

/// What is nobody's to read: notes for later, and places on one machine. Written apart, so that
/// this file may hold them.
const BANNED: [&str; 9] = [
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X"),
    concat!("HA", "CK"),
    concat!("/ho", "me/"),
    concat!("/ro", "ot/"),
    concat!("/tm", "p/"),
    concat!("/wo", "rk/"),
    concat!("C:", "\\"),
];

const LINES_MAX: usize = 400;

/// A file of the repository: its path from the root, and its text.
struct File {
    path: String,
    text: String,
}

impl File {
    /// Its lines without comments, numbered.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        (1..).zip(self.text.lines()).filter(|(_, line)| !line.trim_start().starts_with("//"))
    }

    /// The module of the crate's root that the file belongs to; none for the root itself.
    fn module(&self) -> Option<&str> {
        let path = self.path.strip_prefix("src/")?.strip_suffix(".rs")?;
        path.split('/').next().filter(|module| *module != "lib")
    }

    fn is_unit_test(&self) -> bool {
        self.path.ends_with("/tests.rs")
    }
}

/// The files below a folder, or the one of that name.
fn files(from: &str, extensions: &[&str]) -> Vec<File> {
    let mut found = Vec::new();
    collect(from, extensions, &mut found);
    found.sort_by(|one, other| one.path.cmp(&other.path));
    assert!(!found.is_empty(), "nothing in {from}");
    found
}

fn collect(path: &str, extensions: &[&str], found: &mut Vec<File>) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    if let Ok(folder) = fs::read_dir(root.join(path)) {
        for entry in folder {
            let name = entry.unwrap().file_name().into_string().unwrap();
            collect(&format!("{path}/{name}"), extensions, found);
        }
    } else if extensions.iter().any(|extension| path.ends_with(extension)) {
        let text = fs::read_to_string(root.join(path)).unwrap();
        found.push(File { path: path.to_owned(), text });
    }
}

fn source() -> Vec<File> {
    files("src", &[".rs"])
}

#[track_caller]
fn none(faults: impl IntoIterator<Item = String>) {
    let faults: Vec<String> = faults.into_iter().collect();
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

/// The words that stand behind a mark: `crate::` and the modules it leads to.
fn behind<'t>(text: &'t str, mark: &'t str) -> impl Iterator<Item = &'t str> {
    text.split(mark).skip(1).map(|rest| {
        rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default()
    })
}

/// Whether a line has a word that is not part of a longer one.
fn mentions(line: &str, word: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(place, _)| {
        let before = line[..place].chars().next_back();
        let after = line[place + word.len()..].chars().next();
        !before.is_some_and(is_word) && !after.is_some_and(is_word)
    })
}

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

#[test]
fn every_module_uses_only_those_below_it() {
    none(source().iter().flat_map(|file| {
        let Some(own) = file.module() else { return Vec::new() };
        let allowed =
            |used: &&str| *used == own || layer(used) < layer(own) && layer(used).is_some();
        let fault = |used: &str| format!("{}: {own} must not use `{used}`", file.path);
        behind(&file.text, "crate::").filter(|used| !allowed(used)).map(fault).collect()
    }));
}

#[test]
fn the_root_is_reached_by_its_name_and_every_module_has_its_layer() {
    none(source().iter().filter(|file| file.path.matches('/').count() > 0).filter_map(|file| {
        let root = "super::".repeat(file.path.matches('/').count());
        file.text.contains(&root).then(|| format!("{}: `{root}` for `crate::`", file.path))
    }));
    let modules: BTreeSet<String> =
        source().iter().filter_map(|file| file.module().map(str::to_owned)).collect();
    let layered: BTreeSet<String> = LAYERS.concat().into_iter().map(str::to_owned).collect();
    assert_eq!(modules, layered);
}

#[test]
fn only_the_edge_waits_tells_the_time_draws_lots_or_knows_the_runtime() {
    none(source().iter().filter(|file| file.module() != Some("edge")).flat_map(|file| {
        file.code()
            .filter_map(|(line, code)| {
                let word = EDGE_ONLY.iter().find(|word| mentions(code, word))?;
                Some(format!("{}:{line}: `{word}`", file.path))
            })
            .collect::<Vec<_>>()
    }));
    let root = files("src/lib.rs", &[".rs"]);
    assert!(root[0].text.contains("#[cfg(target_arch = \"wasm32\")]\npub mod edge;"));
}

#[test]
fn nothing_panics() {
    none(source().iter().filter(|file| !file.is_unit_test()).flat_map(|file| {
        file.code()
            .filter_map(|(line, code)| {
                let word = PANICS.iter().find(|word| code.contains(*word))?;
                Some(format!("{}:{line}: `{word}`", file.path))
            })
            .collect::<Vec<_>>()
    }));
}

#[test]
fn a_file_is_no_longer_than_one_can_read() {
    let all = source().into_iter().chain(files("tests", &[".rs"]));
    none(all.filter_map(|file| {
        let lines = file.text.lines().count();
        (lines > LINES_MAX).then(|| format!("{}: {lines} lines", file.path))
    }));
}

#[test]
fn modules_are_named_by_their_files_and_none_is_forgotten() {
    none(
        source()
            .iter()
            .filter(|file| file.path.ends_with("/mod.rs"))
            .map(|file| format!("{}: `mod.rs`", file.path)),
    );
    for tests in ["tests/it", "tests/live", "tests/differential"] {
        let main = files(&format!("{tests}/main.rs"), &[".rs"]).remove(0).text;
        none(files(tests, &[".rs"]).iter().filter_map(|file| {
            let name = file.path.strip_prefix(tests)?.strip_prefix('/')?.strip_suffix(".rs")?;
            let declared = main.lines().any(|line| line == format!("mod {name};"));
            (!declared && name != "main").then(|| format!("{} is not in main.rs", file.path))
        }));
    }
}

#[test]
fn every_limit_is_kept_and_its_keeping_is_tested() {
    let texts: Vec<String> = source()
        .into_iter()
        .filter(|file| file.module() == Some("limits"))
        .map(|file| file.text)
        .collect();
    let names: Vec<&str> = texts.iter().flat_map(|text| behind(text, "pub const ")).collect();
    assert!(names.len() > 20, "the limits are there");
    let named = |files: &[File], limit: &str| {
        files.iter().any(|file| file.code().any(|(_, code)| mentions(code, limit)))
    };
    let (edge, inner): (Vec<File>, Vec<File>) = source()
        .into_iter()
        .filter(|file| file.module() != Some("limits"))
        .partition(|file| file.module() == Some("edge"));
    let tests = files("tests", &[".rs"]);
    none(names.into_iter().filter_map(|limit| {
        // What the edge alone keeps is for the live tests, which know it by its effect.
        match (named(&inner, limit), named(&edge, limit), named(&tests, limit)) {
            (false, false, _) => Some(format!("{limit} is kept nowhere")),
            (true, _, false) => Some(format!("{limit} is named in no test")),
            _ => None,
        }
    }));
}

#[test]
fn no_file_holds_a_note_for_later_or_a_place_on_one_machine() {
    let extensions = [".rs", ".toml", ".md", ".mjs", ".py", ".json", ".txt", ".sql", ".sh", "run"];
    let folders = ["src", "tests", ".dev", ".ci", "README.md", "Cargo.toml", "wrangler.toml"];
    // A lock file's digests are random letters.
    let is_written = |file: &File| !file.path.ends_with("package-lock.json");
    let files = folders.iter().flat_map(|folder| files(folder, &extensions)).filter(is_written);
    none(files.flat_map(|file| {
        let lines = (1..).zip(file.text.lines());
        let faults = lines.filter_map(|(line, text): (usize, _)| {
            let word = BANNED.iter().find(|word| text.contains(*word))?;
            Some(format!("{}:{line}: `{word}`", file.path))
        });
        faults.collect::<Vec<_>>()
    }));
}

#[test]
fn no_test_sleeps_or_is_skipped() {
    let words = [concat!("#[ig", "nore"), concat!("thread::", "sleep")];
    none(files("tests/it", &[".rs"]).iter().flat_map(|file| {
        let words = words.iter().filter(|word| file.text.contains(*word));
        words.map(|word| format!("{}: `{word}`", file.path)).collect::<Vec<_>>()
    }));
}
