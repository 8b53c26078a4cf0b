//! What an administrator may set, and what a manifest may say.

use meritline::integration::crm::{Manifest, check_settings, registry};
use serde_json::{Value, json};

fn told(integration: &str, settings: &Value) -> Vec<(String, String)> {
    check_settings(integration, settings).into_iter().map(|fault| (fault.pointer, fault.message)).collect()
}

#[test]
fn every_connector_that_comes_with_the_program_is_sound() {
    let names: Vec<String> = registry::names().collect();
    assert_eq!(names, ["crm/bitrix24", "crm/csv"]);
    for name in names {
        registry::find(&name).unwrap_or_else(|error| panic!("{error}"));
    }
}

#[test]
fn mistakes_are_told_with_place_and_remedy() {
    let good = json!({"portal": "acme.bitrix24.ru", "user": 1, "secret": "env:SECRET"});
    assert_eq!(told("crm/bitrix24", &good), []);
    let wrong = told("crm/bitrix24", &json!({"portal": "ftp://x", "usr": 1, "secret": 17, "time_zone": "Moscow"}));
    let find =
        |pointer: &str| wrong.iter().find(|(at, _)| at == pointer).unwrap_or_else(|| panic!("{pointer}: {wrong:?}")).1.as_str();
    assert!(find("/portal").contains("base address"));
    assert!(find("/usr").contains("did you mean `user`?"));
    assert!(find("/secret").contains("env:NAME"));
    assert!(find("/time_zone").contains("Europe/Moscow"));
    assert!(wrong.iter().any(|(at, text)| at.is_empty() && text.contains("`user` is required by crm/bitrix24")));
}

#[test]
fn settings_in_groups_are_told_with_their_whole_place() {
    let wrong = told(
        "crm/csv",
        &json!({"deals": {"path": "x.csv", "date_format": "dd.mm.yyyy", "currency": "roubles", "won": "Won", "decimal_mark": ";",
                         "columns": {"deal": "id", "status": "stage", "ammount": "value"}}}),
    );
    let places: Vec<&str> = wrong.iter().map(|(at, _)| at.as_str()).collect();
    for place in
        ["/deals/date_format", "/deals/currency", "/deals/won", "/deals/decimal_mark", "/deals/columns/ammount", "/deals/columns"]
    {
        assert!(places.contains(&place), "{place}: {wrong:?}");
    }
    let near = &wrong.iter().find(|(at, _)| at == "/deals/columns/ammount").unwrap().1;
    assert!(near.contains("did you mean `amount`?"), "{near}");
    assert!(told("crm/csv", &json!({}))[0].1.contains("`deals` is required"));
    assert!(told("crm/nothing", &json!({}))[0].1.contains("known are crm/bitrix24, crm/csv"));
}

const SMALL: &str = r#"
connector: small
title: Small
about: A connector for tests.
http: {base: "https://crm.example.com"}
streams:
  deals:
    request: {method: GET, path: /deals}
    rows: $.deals
    fields:
      deal: {path: $.id}
      user: {path: $.owner}
      status: {path: $.state, values: {won: [won], lost: [lost]}, otherwise: open}
"#;

fn refused(yaml: &str) -> String {
    Manifest::parse(yaml).map(|_| ()).unwrap_err().to_string()
}

#[test]
fn what_this_version_does_not_know_is_refused_in_plain_words() {
    Manifest::parse(SMALL).unwrap();
    let auth = refused(&SMALL.replace("streams:", "auth: {kind: oauth2}\nstreams:"));
    assert!(auth.contains("`oauth2` is not known in this version"), "{auth}");
    let page = refused(&SMALL.replace("rows: $.deals", "rows: $.deals\n    page: {kind: cursor, size: 50}"));
    assert!(page.contains("`cursor` is not known in this version"), "{page}");
    let key = refused(&SMALL.replace("rows: $.deals", "rows: $.deals\n    page: {kind: keyset, size: 50}"));
    assert!(key.contains("streams.deals.page.key"), "{key}");
}

#[test]
fn a_manifest_whose_parts_do_not_fit_is_refused() {
    let path = refused(&SMALL.replace("$.owner", "\"$.owner[\""));
    assert!(path.contains("no JSONPath"), "{path}");
    let template = refused(&SMALL.replace("path: /deals", "path: \"/deals/{{ since | }}\""));
    assert!(template.contains("since |"), "{template}");
    let status = refused(&SMALL.replace("won: [won]", "gained: [won]"));
    assert!(status.contains("gained"), "{status}");
    let unknown = refused(&SMALL.replace("title: Small", "title: Small\ncolour: red"));
    assert!(unknown.contains("colour"), "{unknown}");
    let base = refused(&SMALL.replace("http: {base: \"https://crm.example.com\"}\n", ""));
    assert!(base.contains("base address"), "{base}");
    let user = refused(&SMALL.replace("      user: {path: $.owner}\n", ""));
    assert!(user.contains("user"), "{user}");
}

#[test]
fn no_damaged_manifest_panics() {
    for name in ["bitrix24", "csv"] {
        let path = format!("{}/integrations/crm/{name}/manifest.yaml", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).unwrap();
        let starts: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        for cut in starts.iter().step_by(97) {
            let _refused = Manifest::parse(&text[..*cut]);
        }
    }
}
