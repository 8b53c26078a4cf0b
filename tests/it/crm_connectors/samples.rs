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
