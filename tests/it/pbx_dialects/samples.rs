//! Every sample of every dialect holds, and every dialect has the samples that matter.

use std::fs;
use std::path::{Path, PathBuf};

use meritline::integration::pbx::{registry, samples};

fn dialects() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("integrations/pbx");
    let mut folders: Vec<PathBuf> =
        fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect();
    folders.sort();
    folders
}

#[test]
fn every_sample_holds() {
    let update = std::env::var("UPDATE").is_ok_and(|value| value == "1");
    let mut failed = Vec::new();
    let mut cases = 0;
    for folder in dialects() {
        for report in samples::run(&folder, update).unwrap() {
            cases += 1;
            if !report.failures.is_empty() {
                let place = folder.join("samples").join(&report.case);
                failed.push(format!("{}\n{}\n{}", place.display(), report.readme, report.failures.join("\n")));
            }
        }
    }
    assert!(cases > 0, "no samples found");
    assert!(failed.is_empty(), "{} of {cases} cases fail\n\n{}", failed.len(), failed.join("\n\n"));
}

#[test]
fn every_dialect_shows_what_a_dialect_must_get_right() {
    let wanted = ["ordinary", "withheld", "retry", "unknown_number", "malformed", "bad_secret", "missing_secret"];
    for folder in dialects() {
        let has = |case: &str| folder.join("samples").join(case).join("hook.http").is_file();
        for case in wanted {
            assert!(has(case), "{} has no sample `{case}`", folder.display());
        }
        assert!(has("unknown_event") || has("unknown_event_type"), "{} has no sample of an unknown event", folder.display());
        assert!(folder.join("README.md").is_file(), "{} has no README", folder.display());
    }
}

/// A folder is all it takes: the program knows each one without a line of Rust.
#[test]
fn every_folder_is_embedded() {
    let known: Vec<String> = registry::names().collect();
    for folder in dialects() {
        let name = format!("pbx/{}", folder.file_name().unwrap().to_str().unwrap());
        assert!(known.contains(&name), "{name} is not among {known:?}");
        assert_eq!(format!("pbx/{}", registry::find(&name).unwrap().dialect), name);
    }
}

/// A sample that is wrong must fail, or the others prove nothing.
#[test]
fn a_wrong_expectation_fails_with_its_readme() {
    let copy = tempfile::tempdir().unwrap();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("integrations/pbx/uis");
    let case = copy.path().join("samples/ordinary");
    fs::create_dir_all(&case).unwrap();
    fs::copy(source.join("manifest.yaml"), copy.path().join("manifest.yaml")).unwrap();
    fs::copy(source.join("samples/connection.yaml"), copy.path().join("samples/connection.yaml")).unwrap();
    for file in ["README.md", "hook.http", "request.json", "decision.json", "reply.http"] {
        fs::copy(source.join("samples/ordinary").join(file), case.join(file)).unwrap();
    }
    let run = || samples::run(copy.path(), false).unwrap().remove(0);
    assert_eq!(run().failures, Vec::<String>::new());

    let reply = fs::read_to_string(case.join("reply.http")).unwrap().replace("101", "102");
    fs::write(case.join("reply.http"), reply).unwrap();
    let report = run();
    assert!(report.failures.concat().contains("reply.http differs"), "{report:?}");
    assert!(report.readme.contains("ordinary"), "{report:?}");

    samples::run(copy.path(), true).unwrap();
    assert_eq!(run().failures, Vec::<String>::new(), "an update mends it");
}
