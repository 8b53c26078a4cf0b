//! The whole show without a service of our own: hooks and API of a few lines, the real company, CRM, PBX and screen.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::get;
use jiff::tz::TimeZone;
use meritline::demo::company::Company;
use meritline::demo::crm::{BucketLimit, Crm, CrmSettings};
use meritline::demo::screen::LookAt;
use meritline::demo::{DemoAddresses, DemoOptions, DemoParts, DemoSummary, Face, run};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::SteadyClock;
use super::traffic::FakeService;

/// Shares by heads, as the workspace file states them; one agent has received all calls there were.
async fn api(State(company): State<Arc<Company>>, Path(path): Path<String>, headers: HeaderMap) -> (StatusCode, String) {
    if headers.get("authorization").is_none_or(|value| value != "Bearer viewer-token") {
        return (StatusCode::UNAUTHORIZED, String::new());
    }
    let member = |id: &str, target: f64, received: u32| {
        json!({"member": id, "base": 1, "target": target, "weight": target, "actual": 0.5, "expected": 1.5,
               "received": received, "owed": 1.4, "guard": {"factor": 1, "reason": null}})
    };
    let document: Value = match path.split('/').collect::<Vec<_>>().as_slice() {
        ["scores"] => {
            let row = |id: &String| {
                json!({"agent": id, "contracts_closed": 349, "opportunities": 553, "revenue": "1153214.000000",
                       "average_check": "3304.338109", "capped_check": "3100", "conversion_index": 1.1, "check_index": 1.2, "value": 1.32})
            };
            json!({"policy": "by-results", "as_of": "2026-11-24T11:00:00Z",
                   "agents": company.agents.iter().map(|agent| row(&agent.id)).collect::<Vec<_>>()})
        }
        ["agents"] => {
            let row = |id: &String| json!({"agent": id, "state": "free", "name": "x"});
            json!({"items": company.agents.iter().map(|agent| row(&agent.id)).collect::<Vec<_>>(), "next": null})
        }
        ["groups", "sales", "shares"] => {
            json!({"members": [member("central", 11.0 / 35.0, 5), member("east", 12.0 / 35.0, 0), member("west", 12.0 / 35.0, 0)]})
        }
        ["groups", office @ ("central" | "east" | "west"), "shares"] => {
            let teams =
                company.teams().into_iter().filter(|(.., of)| of.to_lowercase() == *office).map(|(team, ..)| team.to_owned());
            json!({"members": teams.map(|team| member(&team, 0.5, 1)).collect::<Vec<_>>()})
        }
        ["groups", team, "shares"] => {
            let people: Vec<&str> =
                company.agents.iter().filter(|agent| agent.team == **team).map(|agent| agent.id.as_str()).collect();
            let one = 1.0 / people.len() as f64;
            json!({"members": people.iter().map(|id| member(id, one, if *id == "darcel-schlecht" { 5 } else { 0 })).collect::<Vec<_>>()})
        }
        _ => return (StatusCode::NOT_FOUND, String::new()),
    };
    (StatusCode::OK, document.to_string())
}

/// Runs so many calls on this face; gives what was printed, the end, and the CRM.
async fn shown(calls: u64, face: Face) -> (String, DemoSummary, Crm) {
    let company = Arc::new(Company::load().unwrap());
    let agents: Vec<&str> = company.agents.iter().map(|agent| agent.id.as_str()).collect();
    let service = FakeService::ringing(&agents[9..14]);
    let routes = service
        .routes()
        .merge(axum::Router::new().route("/api/v1/workspaces/demo/{*path}", get(api)).with_state(Arc::clone(&company)));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    let mut serving = tokio::task::JoinSet::new();
    serving.spawn(async move { axum::serve(listener, routes).await.unwrap() });

    let clock = SteadyClock::shared();
    let settings = CrmSettings {
        secret: "s".into(),
        today: jiff::civil::date(2026, 11, 24),
        time_zone: TimeZone::UTC,
        limit: BucketLimit::DEMO,
        clock: Arc::clone(&clock),
    };
    let crm = Crm::new(&company, settings);
    let look_at = vec![LookAt { what: "web interface".into(), address: base_url.clone(), login: "lead / demo".into() }];
    let addresses = DemoAddresses { base_url, pbx_token: "pbx-token".into(), viewer_token: "viewer-token".into(), look_at };
    let options = DemoOptions {
        speed: "1500".parse().unwrap(),
        once: Some(calls),
        seed: 5,
        time_zone: TimeZone::get("Europe/Moscow").unwrap(),
    };
    let parts = DemoParts { company, crm: crm.clone(), clock, stop: CancellationToken::new() };
    let mut out = Vec::new();
    let summary = run(addresses, options, parts, (&mut out, face)).await.unwrap();
    (String::from_utf8(out).unwrap(), summary, crm)
}

#[tokio::test]
async fn once_prints_sentences_and_a_summary_without_a_terminal() {
    let (text, summary, crm) = shown(30, Face::Plain).await;
    let totals = summary.totals();
    assert_eq!((totals.calls, totals.hook_failures, totals.in_flight), (30, 0, 0), "{text}");
    assert_eq!(totals.answered + totals.hung_up + totals.fallback, 30, "{text}");
    assert!(!text.contains('\u{1b}'), "no control characters without a terminal");
    assert!(text.contains("share 25.0 %, 1.4 calls behind; answered after"), "{text}");
    assert!(text.contains("14:00:0"), "times of the viewer's zone");
    assert!(text.lines().all(|line| !line.contains("+70005")), "callers are masked");
    // 11/35 of the company, half of the office, one of six: 2.6 %; received all 5 of 5.
    let darcel = text.lines().rfind(|line| line.starts_with("Darcel Schlecht")).unwrap();
    let cells: Vec<&str> = darcel.split_whitespace().collect();
    assert_eq!(cells, ["Darcel", "Schlecht", "349", "3", "304", "132", "5", "2.6", "%", "100.0", "%", "+97.4"]);
    assert!(text.contains("Largest difference between target and actual: Darcel Schlecht with +97.4 points, 4.9 calls of 5."));
    assert!(text.contains("lead / demo"));
    assert!(crm.totals().deals > 8800, "conversations open deals");
}

#[tokio::test]
async fn a_terminal_gets_its_own_screen_and_is_given_back() {
    let (text, ..) = shown(2, Face::Terminal { colour: false, size: || (100, 50) }).await;
    let (open, close) = ("\u{1b}[?1049h\u{1b}[?25l", "\u{1b}[?25h\u{1b}[?1049l");
    let screen = text.strip_prefix(open).expect("the second screen first");
    let (screen, after) = screen.split_once(close).expect("and the first one back");
    assert!(screen.contains("Darcel Schlecht") && screen.contains("Ctrl-C ends"));
    assert!(after.starts_with("Meritline demo: 2 calls to 35 agents, 6 teams, 3 offices"), "{after}");
    assert!(!after.contains('\u{1b}'), "NO_COLOR: the summary is plain");
}
