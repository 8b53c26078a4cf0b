//! The demo's workspace file: offices, teams and agents as nested groups, in the form every workspace file has.
//!
//! Everything that passes in seconds of a person's day (ringing, after-call time, the balancing period) is divided by
//! the demo's speed, because the service itself runs in real time.

use std::fmt::Write;

use super::company::{BACKUP_NUMBER, Company, DemoAgent, VIRTUAL_NUMBERS, slug};
use super::speed::Speed;

/// The workspace's id.
pub const WORKSPACE: &str = "demo";
/// The PBX connection's id.
pub const PBX_CONNECTION: &str = "pbx";
/// The CRM connection's id.
pub const CRM_CONNECTION: &str = "bitrix";
/// The group every call goes to.
pub const TOP_GROUP: &str = "sales";
/// The policy whose scores the demo shows.
pub const RESULTS_POLICY: &str = "by-results";
/// The name behind `env:` for the token the PBX sends.
pub const PBX_TOKEN_NAME: &str = "MERITLINE_DEMO_PBX_TOKEN";
/// The name behind `env:` for the secret in the CRM's address.
pub const CRM_SECRET_NAME: &str = "MERITLINE_DEMO_CRM_SECRET";
/// The CRM user the webhook belongs to.
pub const CRM_WEBHOOK_USER: u32 = 1;
/// In which dates are read and the demo's screen shows times.
pub const TIME_ZONE: &str = "Europe/Moscow";
/// The data set's amounts, which name no currency, are taken as US dollars.
pub const CURRENCY: &str = "USD";

/// How long a phone rings, in seconds of the demo's time.
pub const RING_SECONDS: f64 = 20.0;

/// The workspace as YAML. `crm_base` is the small CRM's address (`http://127.0.0.1:8081`), the
/// seconds in it are those of a day that passes at `speed`.
pub fn workspace_yaml(company: &Company, crm_base: &str, speed: Speed) -> String {
    let speed = speed.times();
    let mut text = format!(
        "workspace: {WORKSPACE}\nname: Meritline demo\ntime_zone: {TIME_ZONE}\ndefault_region: RU\ncurrency: {CURRENCY}\nagents:\n"
    );
    for agent in &company.agents {
        push(&mut text, &agent_line(agent));
    }
    push(&mut text, "groups:");
    for line in group_lines(company) {
        push(&mut text, &line);
    }
    push(&mut text, &policies(speed));
    push(&mut text, &routes_and_connections(crm_base, speed));
    text
}

fn push(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}

fn agent_line(agent: &DemoAgent) -> String {
    let DemoAgent { id, extension, mobile, crm_user, .. } = agent;
    format!(
        r#"  - {{id: {id}, name: {name}, numbers: [{{sip: "{extension}"}}, {{mobile: "{mobile}"}}], crm_users: {{{CRM_CONNECTION}: "{crm_user}"}}}}"#,
        name = quoted(&agent.name),
    )
}

fn group_lines(company: &Company) -> Vec<String> {
    let heads = |of: &dyn Fn(&DemoAgent) -> bool| company.agents.iter().filter(|agent| of(agent)).count();
    let offices = company.offices();
    let office_bases = offices.iter().map(|office| (slug(office), heads(&|agent| agent.office == *office)));
    let mut lines = vec![group(TOP_GROUP, "by-heads", &members("group", office_bases))];
    for office in &offices {
        let teams = company.teams().into_iter().filter(|(_, _, of)| of == office);
        let bases = teams.map(|(team, ..)| (team.to_owned(), heads(&|agent| agent.team == team)));
        lines.push(group(&slug(office), "by-heads", &members("group", bases)));
    }
    for (team, ..) in company.teams() {
        let people = company.agents.iter().filter(|agent| agent.team == team).map(|agent| agent.id.clone());
        lines.push(group(team, RESULTS_POLICY, &people.collect::<Vec<_>>().join(", ")));
    }
    lines
}

fn members(kind: &str, bases: impl Iterator<Item = (String, usize)>) -> String {
    bases.map(|(id, base)| format!("{{{kind}: {id}, base: {base}}}")).collect::<Vec<_>>().join(", ")
}

fn group(id: &str, policy: &str, members: &str) -> String {
    format!("  - {{id: {id}, policy: {policy}, members: [{members}]}}")
}

fn policies(speed: f64) -> String {
    let period = scaled_duration(36_000.0, speed, 300);
    let smoothing = scaled_duration(14_400.0, speed, 1);
    let ring_seconds = ((RING_SECONDS / speed).round() as u64).max(1);
    let handling = format!(
        "    guard: {{concurrent_calls: 1, wrap_up: {{base_seconds: {base}, per_talk_second: 0.1, max_seconds: {max}}}}}\n    \
         dialling: {{stages: [free, busy], ring_seconds: {ring_seconds}, targets_max: 5}}\n    \
         personal_manager: prefer\n    personal_calls: apart\n",
        base = decimal(30.0 / speed),
        max = decimal(180.0 / speed),
    );
    let mut text = String::from("policies:\n");
    // Writing to a String cannot fail.
    let _ = write!(text, "  - id: by-heads\n    mode: percent\n    period: {period}\n    count: answered\n{handling}");
    let _ = write!(
        text,
        "  - id: {RESULTS_POLICY}\n    mode: performance\n    period: {period}\n    count: answered\n    \
         score: {{crm: [{CRM_CONNECTION}], metrics: {{contracts_closed: 1, average_check: 1}}, exposure: opportunities, \
         horizon: all, half_life: 90d, caution: 10, strength: 1, floor: 0.5, ceiling: 2, deal_cap: 3, smoothing: {smoothing}, \
         deals: {{pipelines: all, sources: all, new_customers: false}}}}\n{handling}",
    );
    text.truncate(text.trim_end().len());
    text
}

fn routes_and_connections(crm_base: &str, speed: f64) -> String {
    let numbers = VIRTUAL_NUMBERS.map(quoted).join(", ");
    let refresh = scaled_duration(300.0, speed, 5);
    format!(
        "routes:\n  - {{id: main, called: [{numbers}], group: {TOP_GROUP}, fallback: {{number: {backup}}}}}\nconnections:\n  \
         - {{id: {PBX_CONNECTION}, integration: pbx/native, events: full, deadline_ms: 300, settings: {{token: \"env:{PBX_TOKEN_NAME}\"}}}}\n  \
         - {{id: {CRM_CONNECTION}, integration: crm/bitrix24, refresh: {refresh}, \
         settings: {{portal: {portal}, user: {CRM_WEBHOOK_USER}, secret: \"env:{CRM_SECRET_NAME}\", \
         requests_burst: {burst}, requests_per_second: {per_second}}}}}",
        backup = quoted(BACKUP_NUMBER),
        portal = quoted(crm_base),
        // The demo's CRM bears ten times what a real portal does: its first pull is 176 pages.
        burst = 400,
        per_second = 40,
    )
}

/// A JSON string is a YAML string.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn scaled_duration(seconds: f64, speed: f64, least: u64) -> String {
    format!("{}s", ((seconds / speed).round() as u64).max(least))
}

fn decimal(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
