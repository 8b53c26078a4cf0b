//! Settings of PBX connections: every mistake is told with its place and what to do.

use meritline::core::workspace::ConnectionKind;
use meritline::integration::pbx::{BuildError, Dialect, check_settings, registry};
use serde_json::{Value, json};

use super::support::connection;

fn told(integration: &str, settings: &Value) -> Vec<(String, String)> {
    check_settings(integration, settings).into_iter().map(|fault| (fault.pointer, fault.message)).collect()
}

/// Each row: settings, the pointer of the one fault, a word its text must hold.
#[test]
fn mistakes_are_told_with_place_and_remedy() {
    let rows = [
        ("pbx/uis", json!({}), "", "`token` is required"),
        ("pbx/uis", json!(null), "", "`token` is required"),
        ("pbx/uis", json!([]), "", "must be a map"),
        ("pbx/uis", json!({"token": ""}), "/token", "env:NAME"),
        ("pbx/uis", json!({"token": 5}), "/token", "env:NAME"),
        ("pbx/uis", json!({"token": "env:T", "anser": "targets"}), "/anser", "did you mean `answer`?"),
        ("pbx/uis", json!({"token": "env:T", "answer": "target"}), "/answer", "did you mean `targets`?"),
        ("pbx/uis", json!({"token": "env:T", "answer": "returned_code"}), "", "`codes` is required"),
        ("pbx/uis", json!({"token": "env:T", "answer": "returned_code", "codes": {}}), "", "`codes` is required"),
        ("pbx/uis", json!({"token": "env:T", "codes": {"moscow": ["msk"]}}), "/codes/moscow", "must be a text"),
        (
            "pbx/uis",
            json!({"token": "env:T", "parameters": {"callerr": "numb"}}),
            "/parameters/callerr",
            "did you mean `caller`?",
        ),
        ("pbx/uis", json!({"token": "env:T", "parameters": {"called": "$.a["}}), "/parameters/called", "JSONPath"),
        (
            "pbx/uis",
            json!({"token": "env:T", "event_types": {"Звонок/1": "start"}}),
            "/event_types/Звонок~11",
            "did you mean `started`?",
        ),
        ("pbx/uis", json!({"token": "env:T", "time_zone": "Moscow"}), "/time_zone", "Europe/Moscow"),
        ("pbx/uis", json!({"token": "env:T", "message_name": false}), "/message_name", "must be a text"),
        ("pbx/exolve", json!({"token": "env:T", "redirect": "paralel"}), "/redirect", "did you mean `parallel`?"),
        ("pbx/native", json!({"token": "env:T", "answer": "targets"}), "/answer", "known are `token`"),
        ("pbx/nativ", json!({"token": "env:T"}), "", "pbx/native"),
        ("native", json!({"token": "env:T"}), "", "no integration"),
    ];
    for (integration, settings, pointer, word) in rows {
        let faults = told(integration, &settings);
        assert_eq!(faults.len(), 1, "{settings}: {faults:?}");
        assert_eq!(faults[0].0, pointer, "{settings}: {faults:?}");
        assert!(faults[0].1.contains(word), "{settings}: {faults:?}");
    }
}

#[test]
fn all_mistakes_are_told_at_once() {
    let faults = told("pbx/uis", &json!({"answer": "x", "tme_zone": "UTC"}));
    assert_eq!(faults.len(), 3, "{faults:?}");
}

/// The settings shown in the contract's workspace file.
#[test]
fn the_documented_settings_are_fine() {
    for (integration, settings) in [
        ("pbx/native", json!({"token": "env:PBX_TOKEN"})),
        (
            "pbx/uis",
            json!({"token": "env:PBX_TOKEN", "answer": "first_target",
                           "parameters": {"caller": "numa", "called": "numb", "call_id": "call_session_id"}}),
        ),
        ("pbx/uis", json!({"token": "file:uis.txt", "answer": "returned_code", "codes": {"moscow": "msk"}})),
        ("pbx/exolve", json!({"token": "env:PBX_TOKEN", "redirect": "sequential"})),
    ] {
        assert_eq!(told(integration, &settings), []);
    }
}

#[test]
fn a_connection_that_does_not_fit_is_not_built() {
    let manifest = registry::find("pbx/uis").unwrap();
    let wrong = Dialect::build(&connection("pbx/uis", json!({"tokn": "env:T"})), &manifest).unwrap_err();
    assert!(matches!(&wrong, BuildError::Settings(faults) if faults.len() == 2), "{wrong}");
    let mut crm = connection("pbx/uis", json!({"token": "env:T"}));
    crm.kind = ConnectionKind::Crm { refresh_seconds: 300 };
    assert_eq!(Dialect::build(&crm, &manifest).unwrap_err(), BuildError::NotAPbx("pbx".to_owned()));
}

#[test]
fn only_the_native_dialect_says_which_attempt_it_is() {
    let tells = |name: &str| registry::find(name).unwrap().tells_attempt();
    assert_eq!((tells("pbx/native"), tells("pbx/uis"), tells("pbx/exolve")), (true, false, false));
}
