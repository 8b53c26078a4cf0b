//! The direction of dependencies and the size of files, read from the sources.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Which of our own modules a module may name.
const MAY_NAME: &[(&str, &[&str])] = &[
    ("core", &["core"]),
    ("broker", &["broker", "core"]),
    ("config", &["config"]),
    ("telemetry", &["telemetry"]),
    ("outbound", &["outbound"]),
    ("workspace_file", &["workspace_file", "core"]),
    ("simulation_file", &["simulation_file", "workspace_file", "core"]),
    ("report", &["report", "core"]),
    ("integration", &["integration", "outbound", "broker", "core"]),
    ("store", &["store", "broker", "core"]),
    ("http", &["http", "broker", "core", "telemetry"]),
    (
        "service",
        &["service", "http", "store", "integration", "workspace_file", "outbound", "broker", "core", "telemetry", "config"],
    ),
    ("demo", &["demo", "broker", "core"]),
];

/// Which crates a module must not name, and what to do instead.
const MUST_NOT_NAME: &[(&str, &[&str], &str)] = &[
    ("core", &["tokio", "axum", "reqwest", "sqlx", "tracing", "moka", "arc_swap"], "move the I/O to broker"),
    ("broker", &["axum", "reqwest", "sqlx", "serde_saphyr", "minijinja", "hyper"], "go through broker::ports"),
    ("http", &["sqlx", "reqwest", "serde_saphyr"], "go through the broker"),
    ("store", &["axum", "reqwest"], "the store serves nobody over HTTP"),
];

/// Standard modules that make a function depend on more than its arguments.
const IMPURE: &[&str] =
    &["std::fs", "std::net", "std::env", "std::thread", "std::time::SystemTime", "std::time::Instant", "async fn", ".await"];

/// A file longer than this should be two.
const LINES_MAX: usize = 800;

fn sources() -> BTreeMap<PathBuf, String> {
    fn walk(folder: &Path, found: &mut BTreeMap<PathBuf, String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                found.insert(path, text);
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    found
}

/// The top module a source belongs to, and its place for messages.
fn place(path: &Path) -> (String, String) {
    let inside = path.strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).unwrap();
    let top = inside.components().next().unwrap().as_os_str().to_string_lossy().replace(".rs", "");
    (top, inside.display().to_string())
}

/// Code lines, without comments.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.trim_start().starts_with("//"))
}

#[test]
fn dependencies_point_one_way() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let (top, place) = place(&path);
        let Some((_, allowed)) = MAY_NAME.iter().find(|(module, _)| *module == top) else { continue };
        for line in code(&text) {
            for (_, rest) in line.match_indices("crate::").map(|(at, found)| line.split_at(at + found.len())) {
                let named: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                if !named.is_empty() && !allowed.contains(&named.as_str()) {
                    wrong.push(format!("{place} names crate::{named}: {top} may name only {}", allowed.join(", ")));
                }
            }
        }
        for (_, crates, instead) in MUST_NOT_NAME.iter().filter(|(module, ..)| *module == top) {
            for name in *crates {
                if code(&text).any(|line| line.contains(&format!("{name}::"))) {
                    wrong.push(format!("{place} imports {name}: {instead}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn the_core_is_pure() {
    let mut wrong = Vec::new();
    for (path, text) in sources().iter().filter(|(path, _)| place(path).0 == "core") {
        for word in IMPURE {
            if code(text).any(|line| line.contains(word)) {
                wrong.push(format!("{} uses {word}: move it to broker", place(path).1));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn files_stay_small_enough_to_read() {
    let long: Vec<String> = sources()
        .iter()
        .map(|(path, text)| (place(path).1, text.lines().count()))
        .filter(|(_, lines)| *lines > LINES_MAX)
        .map(|(place, lines)| format!("{place}: {lines} lines, at most {LINES_MAX}: split it where its subject changes"))
        .collect();
    assert!(long.is_empty(), "\n{}", long.join("\n"));
}
