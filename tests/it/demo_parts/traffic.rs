//! The PBX's traffic against a service of a few lines that keeps what it is told.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use meritline::demo::Speed;
use meritline::demo::call_script::{CallScript, PickUp};
use meritline::demo::company::Company;
use meritline::demo::hooks::Hooks;
use meritline::demo::traffic::{Exchange, Happening, TrafficSettings, What, run};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::SteadyClock;

#[derive(Clone)]
pub struct FakeService {
    targets: Arc<Vec<Value>>,
    questions: Arc<Mutex<Vec<Value>>>,
    events: Arc<Mutex<Vec<Value>>>,
}

impl FakeService {
    pub fn ringing(agents: &[&str]) -> Self {
        let target = |agent: &&str| {
            json!({"agent": agent, "name": agent, "stage": "free", "share": 0.25, "ring_seconds": 1,
                   "numbers": [{"kind": "sip", "value": "101"}], "a_later_field": true})
        };
        Self { targets: Arc::new(agents.iter().map(target).collect()), questions: Arc::default(), events: Arc::default() }
    }

    pub fn routes(&self) -> axum::Router {
        axum::Router::new()
            .route("/hooks/demo/pbx/decision", post(decision))
            .route("/hooks/demo/pbx/events", post(events))
            .with_state(self.clone())
    }

    pub async fn serve(&self) -> (String, tokio::task::JoinSet<()>) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let mut serving = tokio::task::JoinSet::new();
        let routes = self.routes();
        serving.spawn(async move { axum::serve(listener, routes).await.unwrap() });
        (base, serving)
    }
}

fn allowed(headers: &HeaderMap) -> bool {
    headers.get("authorization").is_some_and(|value| value == "Bearer pbx-token")
}

async fn decision(State(service): State<FakeService>, headers: HeaderMap, body: Bytes) -> (StatusCode, String) {
    if !allowed(&headers) {
        return (StatusCode::UNAUTHORIZED, "no".to_owned());
    }
    let question: Value = serde_json::from_slice(&body).unwrap();
    let answer = json!({"decision_id": "d", "call_id": question["call_id"], "attempt": 1, "reason": "performance",
        "targets": *service.targets, "fallback": {"number": "+70001001000"}, "caller": {"known": false, "name": null},
        "scores_age_seconds": 3, "degraded": []});
    service.questions.lock().unwrap().push(question);
    (StatusCode::OK, answer.to_string())
}

async fn events(State(service): State<FakeService>, headers: HeaderMap, body: Bytes) -> (StatusCode, String) {
    if !allowed(&headers) {
        return (StatusCode::UNAUTHORIZED, "no".to_owned());
    }
    let told: Vec<Value> = serde_json::from_slice(&body).unwrap();
    let reply = json!({"accepted": told.len(), "duplicates": 0, "rejected": []}).to_string();
    service.events.lock().unwrap().extend(told);
    (StatusCode::OK, reply)
}

async fn happenings_of(service: &FakeService, settings: TrafficSettings, token: &str) -> Vec<Happening> {
    let (base, _serving) = service.serve().await;
    let (sender, mut heard) = mpsc::channel(64);
    let exchange = Exchange {
        hooks: Hooks::new(&base, "demo", "pbx", token.into()).unwrap(),
        contacts: Company::load().unwrap().contacts,
        clock: SteadyClock::shared(),
        happenings: sender,
    };
    let mut all = Vec::new();
    let listen = async {
        while let Some(happening) = heard.recv().await {
            all.push(happening);
        }
    };
    tokio::join!(run(settings, exchange, CancellationToken::new()), listen);
    all
}

fn fast(calls: u64) -> TrafficSettings {
    TrafficSettings { seed: 7, speed: "2000".parse().unwrap(), calls_per_hour: 240.0, calls: Some(calls) }
}

#[tokio::test]
async fn every_call_follows_the_order_of_its_answer_and_tells_each_step_once() {
    let service = FakeService::ringing(&["anna", "boris", "clara", "dora", "egor", "fedor"]);
    let happenings = happenings_of(&service, fast(40), "pbx-token").await;
    let events = service.events.lock().unwrap().clone();
    let ids: BTreeSet<&str> = events.iter().map(|event| event["event_id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), events.len(), "no event twice");
    assert_eq!(service.questions.lock().unwrap().len(), 40);

    let order = ["anna", "boris", "clara", "dora", "egor", "fedor"];
    let mut calls: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
    for event in &events {
        let step = (event["type"].as_str().unwrap(), event["agent"].as_str().unwrap_or(""));
        calls.entry(event["call_id"].as_str().unwrap()).or_default().push(step);
    }
    assert_eq!(calls.len(), 40);
    for (call, steps) in &calls {
        assert_eq!(steps.first(), Some(&("started", "")), "{call}");
        assert_eq!(steps.last(), Some(&("ended", "")), "{call}");
        let tried: Vec<&str> =
            steps.iter().filter(|(what, _)| ["offered", "busy"].contains(what)).map(|(_, agent)| *agent).collect();
        assert_eq!(tried, order[..tried.len()], "{call}: {steps:?}");
        let answered = steps.iter().filter(|(what, _)| *what == "answered").count();
        assert!(answered <= 1, "{call}: {steps:?}");
        // Whatever rang, ended: in a conversation, unanswered, or withdrawn.
        for (_, agent) in steps.iter().filter(|(what, _)| *what == "offered") {
            assert!(steps.iter().any(|(what, who)| who == agent && ["answered", "missed", "cancelled"].contains(what)));
        }
    }
    let count = |of: fn(&What) -> bool| happenings.iter().filter(|happening| of(&happening.what)).count();
    let answered = count(|what| matches!(what, What::Answered { .. }));
    assert_eq!(answered, count(|what| matches!(what, What::Ended { .. })));
    assert_eq!(answered, events.iter().filter(|event| event["type"] == "answered").count());
    let over = answered + count(|what| matches!(what, What::HungUp { .. } | What::Fallback { .. }));
    assert_eq!(over, 40, "each call is answered, given up, or sent to the backup number");
}

#[tokio::test]
async fn a_call_nobody_can_take_goes_to_the_backup_number() {
    let service = FakeService::ringing(&[]);
    let happenings = happenings_of(&service, fast(3), "pbx-token").await;
    let number = Some("+70001001000".to_owned());
    let fallbacks = happenings.iter().filter(|h| h.what == What::Fallback { targets: 0, number: number.clone() });
    assert_eq!(fallbacks.count(), 3);
    let service = FakeService::ringing(&["anna"]);
    let busy = happenings_of(&service, TrafficSettings { calls_per_hour: 1e6, ..fast(8) }, "pbx-token").await;
    assert!(busy.iter().any(|h| matches!(&h.what, What::Busy { target } if target.agent == "anna")));
    assert!(busy.iter().any(|h| matches!(h.what, What::Fallback { targets: 1, .. })));
}

#[tokio::test]
async fn a_refused_hook_is_told_not_hidden() {
    let service = FakeService::ringing(&["anna"]);
    let happenings = happenings_of(&service, fast(2), "guess").await;
    assert_eq!(happenings.len(), 2);
    for happening in happenings {
        assert!(matches!(&happening.what, What::HookFailed { decision: true, error } if error.contains("401")), "{happening:?}");
    }
}

/// The conversation of the drawn call, at two speeds: its time on the wire is the script's divided by the speed.
#[tokio::test]
async fn talk_takes_the_speed_into_account() {
    for (speed, text) in [(1000.0, "1000"), (250.0, "250")] {
        let service = FakeService::ringing(&["anna", "boris", "clara"]);
        let settings = TrafficSettings { seed: 3, speed: text.parse().unwrap(), calls_per_hour: 1e6, calls: Some(1) };
        happenings_of(&service, settings, "pbx-token").await;
        let script = CallScript::draw(3, 1, &Company::load().unwrap().contacts);
        let events = service.events.lock().unwrap().clone();
        let at = |what: &str| -> jiff::Timestamp {
            events.iter().find(|event| event["type"] == what).unwrap()["at"].as_str().unwrap().parse().unwrap()
        };
        let talked = at("ended").duration_since(at("answered")).as_secs_f64();
        let due = script.talk_seconds / speed;
        assert!(talked >= due - 0.002 && talked < due + 0.25, "speed {speed}: {talked} s for {due} s");
    }
}

#[tokio::test]
async fn a_stop_ends_the_traffic_at_once() {
    let service = FakeService::ringing(&["anna"]);
    let (base, _serving) = service.serve().await;
    let (sender, mut heard) = mpsc::channel(1024);
    let exchange = Exchange {
        hooks: Hooks::new(&base, "demo", "pbx", "pbx-token".into()).unwrap(),
        contacts: Vec::new(),
        clock: SteadyClock::shared(),
        happenings: sender,
    };
    let stop = CancellationToken::new();
    let settings = TrafficSettings { speed: "1".parse().unwrap(), calls_per_hour: 1e6, calls: None, ..fast(0) };
    let stopped = async {
        heard.recv().await.expect("a first call");
        stop.cancel();
    };
    let both = async { tokio::join!(run(settings, exchange, stop.clone()), stopped) };
    tokio::time::timeout(Duration::from_secs(5), both).await.expect("talks of 300 s do not hold it up");
}

/// Over many drawn calls: rates and means are those the demo states.
#[test]
fn drawn_calls_are_as_stated() {
    let contacts = Company::load().unwrap().contacts;
    let scripts: Vec<CallScript> = (0..20_000).map(|number| CallScript::draw(11, number, &contacts)).collect();
    let share = |of: &dyn Fn(&CallScript) -> bool| scripts.iter().filter(|script| of(script)).count() as f64 / 20_000.0;
    assert!((share(&|script| script.pick_up(0) == PickUp::Never) - 0.12).abs() < 0.01);
    assert!((share(&|script| script.caller.is_none()) - 0.03).abs() < 0.005);
    let known: BTreeSet<&str> = contacts.iter().map(|contact| contact.phone.as_str()).collect();
    let is_known = |script: &CallScript| script.caller.as_deref().is_some_and(|caller| known.contains(caller));
    assert!((share(&is_known) - 0.97 * 0.2).abs() < 0.01);
    assert!((share(&|script| script.called == "+70001001001") - 0.5).abs() < 0.015);
    let mean = scripts.iter().map(|script| script.talk_seconds).sum::<f64>() / 20_000.0;
    assert!((mean - 300.0).abs() < 10.0, "{mean}");
    assert_eq!(scripts[5], CallScript::draw(11, 5, &contacts), "the same seed and number, the same call");
    assert_ne!(scripts[5], CallScript::draw(12, 5, &contacts));
}

#[test]
fn a_speed_that_makes_no_sense_is_refused_with_an_example() {
    for bad in ["0", "-3", "NaN", "inf", "fast", "", "1e9"] {
        let error = bad.parse::<Speed>().expect_err(bad).to_string();
        assert!(error.contains("for example 20"), "{error}");
    }
    assert_eq!("12.5".parse::<Speed>().unwrap().times(), 12.5);
}
