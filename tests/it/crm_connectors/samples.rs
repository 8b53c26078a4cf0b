//! Every case under `integrations/crm/*/samples`. `UPDATE=1` writes expectations anew.

use std::path::Path;

use meritline::integration::crm;

async fn run(connector: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("integrations/crm").join(connector);
    let reports = crm::samples::run(&folder, std::env::var_os("UPDATE").is_some()).await.unwrap();
    assert!(reports.len() >= 8, "a connector is shown by more than {} cases", reports.len());
    let failed: Vec<String> = reports
        .iter()
        .filter(|report| !report.failures.is_empty())
        .map(|report| format!("{}: {}\n{}", report.case, report.readme.trim(), report.failures.join("\n")))
        .collect();
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}

#[tokio::test]
async fn bitrix24() {
    run("bitrix24").await;
}

#[tokio::test]
async fn csv() {
    run("csv").await;
}

/// What connectors give is what `schemas/deal.schema.json` says.
#[test]
fn deals_of_all_samples_are_canonical() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &Path| -> serde_json::Value { serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap() };
    let schema = jsonschema::draft202012::new(&read(&root.join("schemas/deal.schema.json"))).unwrap();
    let mut seen = 0;
    for connector in ["bitrix24", "csv"] {
        for case in std::fs::read_dir(root.join("integrations/crm").join(connector).join("samples")).unwrap() {
            let path = case.unwrap().path().join("deals.json");
            let deals = if path.is_file() { read(&path)["deals"].take() } else { continue };
            for deal in deals.as_array().unwrap() {
                let faults: Vec<String> = schema.iter_errors(deal).map(|fault| fault.to_string()).collect();
                assert!(faults.is_empty(), "{}: {faults:?} in {deal}", path.display());
                seen += 1;
            }
        }
    }
    assert!(seen > 50, "{seen}");
}
