//! A file is warned of what none of its CRM connections can ever supply, at the line where it is wanted.

use meritline::service::settings_check::Integrations;
use meritline::workspace_file::read;

const COLUMNS: &str = "deal: ID, user: Manager, status: Stage";
const EXPERIMENT: &str = "{treatment_share: 0.5, block: 45m, seed: 7, from: 2026-12-01, to: 2027-01-31}";

/// Warnings of a file whose one policy has these settings, and whose table has these columns.
fn warnings(policy: &str, columns: &str) -> Vec<String> {
    let text = format!(
        "workspace: acme
time_zone: Europe/Moscow
agents: [{{id: anna, numbers: [{{sip: \"101\"}}], crm_users: {{sheet: Anna, bitrix: \"17\"}}}}]
groups: [{{id: sales, members: [anna], policy: p}}]
policies:
  - id: p
{policy}
routes: [{{id: main, group: sales, fallback: {{number: \"+74951112200\"}}}}]
connections:
  - {{id: pbx, integration: pbx/native, settings: {{token: \"env:PBX_TOKEN\"}}}}
  - {{id: bitrix, integration: crm/bitrix24, settings: {{portal: acme.bitrix24.ru, user: 1, secret: \"env:SECRET\"}}}}
  - {{id: sheet, integration: crm/csv, settings: {{deals: {{path: deals.csv, columns: {{{columns}}}}}}}}}
"
    );
    let checked = read(&text, "acme.yaml", &Integrations).unwrap_or_else(|problems| panic!("{problems:?}"));
    checked.warnings.iter().map(ToString::to_string).collect()
}

fn with_metrics(columns: &str) -> Vec<String> {
    let policy = "    mode: performance
    score:
      crm: [sheet, bitrix]
      metrics:
        contracts_closed: 1
        margin: 1";
    warnings(policy, columns)
}

#[test]
fn a_metric_that_nobody_supplies_is_warned_of() {
    let expected = "acme.yaml:12:9: policies[0].score.metrics.margin: none of the policy's connections (`bitrix`, `sheet`) supplies \
                    `margin`, so everybody counts as average in it: map it in `metrics` of a connection's settings, or leave it out";
    assert_eq!(with_metrics(COLUMNS), [expected]);
    let other = format!("{COLUMNS}, metrics: {{profit: Profit}}");
    assert_eq!(with_metrics(&other), [expected]);
    // Supplied by one of them.
    assert!(with_metrics(&format!("{COLUMNS}, metrics: {{margin: Margin}}")).is_empty());
}

#[test]
fn an_experiment_on_crms_without_phones_is_warned_of() {
    let policy = |crm: &str| format!("    mode: performance\n    score: {{crm: [{crm}]}}\n    experiment: {EXPERIMENT}");
    let expected = "acme.yaml:9:5: policies[0].experiment: none of the policy's connections (`bitrix`) supplies phone numbers of \
                    contacts, so no contract can be matched with a call and the experiment can never prove anything: map \
                    `contact_phones`, or compare by hand";
    let with_phones = format!("{COLUMNS}, contact_phones: Phone");
    assert_eq!(warnings(&policy("bitrix"), &with_phones), [expected]);
    assert!(warnings(&policy("bitrix, sheet"), &with_phones).is_empty(), "one of them tells");
    assert_eq!(warnings(&policy("sheet"), COLUMNS).len(), 1);
    // Without scores all connections are looked at.
    let typed = format!("    mode: percent\n    experiment: {EXPERIMENT}");
    assert!(warnings(&typed, &with_phones).is_empty());
    assert_eq!(warnings(&typed, COLUMNS).len(), 1);
}
