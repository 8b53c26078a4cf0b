//! The commands as people run them: what they print, how they end.

use std::time::Duration;

use serde_json::json;

use crate::support::program::{ACME, Program};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_workspace_is_applied_listed_exported_and_applied_again() {
    let program = Program::new();
    program.write("acme.yaml", ACME);
    let applied = program.run(&["workspace", "apply", "acme.yaml"]).await;
    assert_eq!(applied.code, 0, "{}", applied.err);
    assert!(applied.out.contains("workspace acme (new)") && applied.out.contains("Applied."), "{}", applied.out);
    let again = program.run(&["workspace", "apply", "acme.yaml"]).await;
    assert_eq!((again.code, again.out.trim()), (0, "Nothing changes."));
    let listed = program.run(&["workspace", "list", "--json"]).await;
    let listed: serde_json::Value = serde_json::from_str(&listed.out).unwrap();
    assert_eq!((&listed["items"][0]["workspace"], &listed["next"]), (&json!("acme"), &json!(null)));
    let exported = program.run(&["workspace", "export", "acme"]).await;
    assert!(exported.out.contains("env:PBX_TOKEN") && !exported.out.contains("pbx-secret"), "{}", exported.out);
    program.write("exported.yaml", &exported.out);
    let back = program.run(&["workspace", "apply", "exported.yaml"]).await;
    assert_eq!((back.code, back.out.trim()), (0, "Nothing changes."), "{}", back.err);
    program.write("acme.yaml", &ACME.replace("period: 10h", "period: 2h"));
    let changed = program.run(&["workspace", "apply", "acme.yaml"]).await;
    assert!(changed.out.contains("10h") && changed.out.contains("2h"), "{}", changed.out);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mistake_is_told_with_its_place_and_applies_nothing() {
    let program = Program::new();
    program.write("acme.yaml", &ACME.replace("members: [anna, boris]", "members: [anna, borsi]"));
    let refused = program.run(&["workspace", "apply", "acme.yaml"]).await;
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("acme.yaml:11:") && refused.err.contains("did you mean `boris`?"), "{}", refused.err);
    let listed = program.run(&["workspace", "list"]).await;
    assert_eq!((listed.code, listed.out.as_str()), (1, ""));
    assert!(listed.err.contains("there is no database sqlite://meritline.db: name the right one"), "{}", listed.err);
    let checked = program.run(&["check", "acme.yaml"]).await;
    assert_eq!(checked.code, 1);
    assert_eq!(program.run(&["workspace", "apply", "nothing.yaml"]).await.code, 1);
    assert_eq!(program.run(&["workspace", "aply"]).await.code, 2);
    let unknown = program.run(&["workspace", "export", "nobody"]).await;
    assert_eq!(unknown.code, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn check_finds_a_missing_secret_and_runs_the_samples_of_integrations() {
    let program = Program::new();
    program.write("acme.yaml", &ACME.replace("env:PBX_TOKEN", "env:NOT_SET"));
    let checked = program.run(&["check", "acme.yaml"]).await;
    assert_eq!(checked.code, 0, "{}", checked.err);
    assert!(checked.err.contains("NOT_SET") && checked.out.contains("is sound"), "{}{}", checked.out, checked.err);
    for integration in ["pbx/native", "pbx/uis", "pbx/exolve", "crm/bitrix24", "crm/csv"] {
        let folder = format!("{}/integrations/{integration}", env!("CARGO_MANIFEST_DIR"));
        let checked = program.run(&["check", &folder]).await;
        assert_eq!(checked.code, 0, "{integration}: {}{}", checked.out, checked.err);
    }
}

/// The token stands alone on standard output, so that scripts can take it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_opens_the_api_and_a_running_service_follows_its_files() {
    let program = Program::new();
    program.write("acme.yaml", ACME);
    program.run(&["workspace", "apply", "acme.yaml"]).await;
    let made = program.run(&["token", "create", "--workspace", "acme", "--role", "viewer"]).await;
    assert_eq!((made.code, made.out.lines().count()), (0, 1), "{}", made.err);
    assert_eq!(program.run(&["token", "create", "--workspace", "acme", "--role", "agent"]).await.code, 1);
    let (_serving, client) = program.serve().await;
    let agents = client.read("agents", made.out.trim()).expect(200).await.json();
    assert_eq!(agents["items"].as_array().unwrap().len(), 2);
    let clara =
        "  - {id: boris, name: Boris, numbers: [{sip: \"102\"}]}\n  - {id: clara, name: Clara, numbers: [{sip: \"103\"}]}";
    program.write("acme.yaml", &ACME.replace("  - {id: boris, name: Boris, numbers: [{sip: \"102\"}]}", clara));
    assert_eq!(program.run(&["workspace", "apply", "acme.yaml"]).await.code, 0);
    for _ in 0..100 {
        let agents = client.read("agents", made.out.trim()).expect(200).await.json();
        if agents["items"].as_array().unwrap().len() == 3 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the service did not take up the changed file");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_demo_shows_a_whole_company_at_work_and_ends() {
    let program = Program::new();
    let demo = program.run(&["demo", "--once", "40", "--speed", "200"]).await;
    assert_eq!(demo.code, 0, "{}{}", demo.out, demo.err);
    assert!(demo.out.contains("Meritline demo: 40 calls") && demo.out.contains("Darcel Schlecht"), "{}", demo.out);
}

/// A mistyped database is told, not made.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_that_read_make_no_database() {
    let program = Program::new();
    program.write("meritline.toml", "database_url = \"sqlite://mistyped.db\"\n");
    for arguments in [
        ["workspace", "list", "--json"].as_slice(),
        &["workspace", "export", "acme"],
        &["replay", "--workspace", "acme"],
        &["token", "create", "--workspace", "acme", "--role", "viewer"],
    ] {
        let ended = program.run(arguments).await;
        assert_eq!((ended.code, ended.out.as_str()), (1, ""), "{arguments:?}");
        assert!(ended.err.contains("there is no database sqlite://mistyped.db"), "{arguments:?}: {}", ended.err);
        assert!(ended.err.contains("meritline workspace apply FILE"), "{arguments:?}: {}", ended.err);
        assert!(!program.path("mistyped.db").exists(), "{arguments:?}");
    }
    program.write("acme.yaml", ACME);
    assert_eq!(program.run(&["workspace", "apply", "acme.yaml"]).await.code, 0);
    for arguments in [["workspace", "export", "acne"].as_slice(), &["replay", "--workspace", "acne"]] {
        let ended = program.run(arguments).await;
        assert_eq!(ended.code, 1);
        let told = "there is no workspace `acne` in the database sqlite://mistyped.db; there are: acme";
        assert!(ended.err.contains(told), "{}", ended.err);
    }
    assert!(program.run(&["workspace", "list"]).await.out.starts_with("acme  revision 1"));
}
