//! The direction of dependencies and the size of files, read from the sources.

use std::collections::{BTreeMap, BTreeSet};
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

/// What paths that begin at `root` lead to, those of groups (`use crate::{core::ids, http}`) included.
fn names_below(root: &str, code: &str) -> Vec<String> {
    let mut named = Vec::new();
    for rest in code.match_indices(root).map(|(at, _)| code[at + root.len()..].trim_start()) {
        match rest.strip_prefix('{') {
            Some(group) => named.extend(heads_of(group)),
            None => named.push(word(rest)),
        }
    }
    named.retain(|name| !name.is_empty());
    named
}

/// The first word of each item of a group, up to the brace that closes it.
fn heads_of(group: &str) -> Vec<String> {
    let (mut heads, mut depth, mut at_head) = (Vec::new(), 0, true);
    for (at, letter) in group.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => at_head = true,
            letter if at_head && !letter.is_whitespace() => {
                heads.push(word(&group[at..]));
                at_head = false;
            }
            _ => {}
        }
    }
    heads
}

fn word(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// How a file climbs to the top of the crate without saying so: `super::super::` from `core/agent.rs`.
fn climb(path: &Path) -> String {
    let steps = path.strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).unwrap().components().count();
    "super::".repeat(if path.file_name().is_some_and(|name| name == "mod.rs") { steps - 1 } else { steps })
}

#[test]
fn paths_are_read_in_every_spelling() {
    let read = |code: &str| names_below("crate::", code).join(" ");
    assert_eq!(read("use crate::core::ids::AgentId; crate::http::serve()"), "core http");
    assert_eq!(read("use crate::{core::{ids::{A, B}, call}, http};"), "core http");
    assert_eq!(
        read("use crate::{\n    core::ids::AgentId,\n    store::{\n        rows,\n    },\n};\nuse std::fs;"),
        "core store"
    );
    assert_eq!(read("pub(crate) fn crate_name() {}"), "");
    let sources = sources();
    let of = |end: &str| climb(sources.keys().find(|path| path.ends_with(end)).unwrap());
    assert_eq!((of("core/agent.rs").as_str(), of("core/mod.rs").as_str()), ("super::super::", "super::"));
}

#[test]
fn dependencies_point_one_way() {
    let sources = sources();
    let tops: BTreeSet<String> = sources.keys().map(|path| place(path).0).collect();
    let mut wrong = Vec::new();
    for (path, text) in sources {
        let (top, place) = place(&path);
        let Some((_, allowed)) = MAY_NAME.iter().find(|(module, _)| *module == top) else { continue };
        let whole: String = code(&text).collect::<Vec<_>>().join("\n");
        let climb = climb(&path);
        let named = ["crate::", &climb].into_iter().flat_map(|root| names_below(root, &whole));
        for named in named.filter(|named| tops.contains(named) && !allowed.contains(&named.as_str())) {
            wrong.push(format!("{place} names crate::{named}: {top} may name only {}", allowed.join(", ")));
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
