//! Decision hooks: what a PBX asks and what it is answered, in each dialect; retries; everything that can be wrong.

use meritline::core::policy::PersonalManager;
use serde_json::{Value, json};

use crate::support::client::{Answer, drip};
use crate::support::sample_workspace::SampleWorkspace;
use crate::support::service::{CRM, TestService, secret};

const CALLED: &str = "+74951112233";
const CALLER: &str = "+79161234567";

fn question(call: &str) -> Value {
    json!({"call_id": call, "caller": CALLER, "called": CALLED})
}

/// Anna should get three calls of four, Boris one.
fn three_to_one() -> SampleWorkspace {
    SampleWorkspace::new("acme")
        .agents(&["anna", "boris"])
        .policy("typed", |policy| policy.personal_manager = PersonalManager::Prefer)
        .group("sales", "typed", &[("anna", 3.0), ("boris", 1.0)])
        .route("main", "sales")
        .mobile("anna", "+79161112233")
        .all_dialects()
        .crm(CRM)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_native_answer_field_by_field() {
    let service = TestService::of(three_to_one().build()).await;
    let mut decision = service.client.ask(&question("c-1")).expect(200).await.json();
    let id = decision["decision_id"].take();
    assert_eq!(id.as_str().unwrap().parse::<uuid::Uuid>().unwrap().get_version_num(), 7);
    let expected = json!({
        "decision_id": null, "call_id": "c-1", "attempt": 1, "reason": "percent",
        "targets": [
            {"agent": "anna", "name": "Agent anna", "stage": "free", "share": 0.75, "ring_seconds": 20,
             "numbers": [{"kind": "sip", "value": "100"}, {"kind": "mobile", "value": "+79161112233"}]},
            {"agent": "boris", "name": "Agent boris", "stage": "free", "share": 0.25, "ring_seconds": 20,
             "numbers": [{"kind": "sip", "value": "101"}]},
        ],
        "fallback": {"number": "+74951112200"},
        "caller": {"known": false, "name": null, "responsible": null, "url": null},
        "scores_age_seconds": null, "degraded": [],
    });
    assert_eq!(decision, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_known_caller_is_named_and_her_manager_comes_first() {
    let service = TestService::of(three_to_one().build()).await;
    service.site.directory.knows(CALLER, "user-boris");
    let answer = service.client.ask(&question("c-1")).expect(200).await;
    assert_eq!(answer.agents(), ["boris", "anna"]);
    assert_eq!(answer.json()["reason"], "personal_manager");
    let caller = json!({"known": true, "name": "Romashka", "responsible": "boris", "url": "https://crm.example/contact/17"});
    assert_eq!(answer.json()["caller"], caller);
}

/// UIS dials every phone of the first target at once and knows no `+`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_uis_answer_field_by_field() {
    let service = TestService::of(three_to_one().build()).await;
    let token = secret("acme", "uis");
    let path = format!("/hooks/acme/uis?token={token}&call_session_id=981&numa=79161234567&numb=74951112233");
    let answer = service.client.get(&path).expect(200).await;
    assert_eq!(answer.json(), json!({"phones": ["100", "79161112233"]}));
}

/// JSON-RPC, sequential: one entry per target in order, then the backup number.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_exolve_answer_field_by_field() {
    let service = TestService::of(three_to_one().build()).await;
    let token = secret("acme", "exolve");
    let body = json!({"id": "7", "jsonrpc": "2.0", "method": "getControlCallFollowMe",
        "params": {"sip_id": "74951112233", "numberA": "79161234567", "call_sid": "sid-1"}});
    let answer = service.client.post(&format!("/hooks/acme/exolve?token={token}"), &body).expect(200).await.json();
    let leg = |order: u32, name: &str, number: &str, ring_seconds: u32| {
        json!({"I_FOLLOW_ORDER": order, "ACTIVE": true, "NAME": name, "REDIRECT_NUMBER": number, "PERIOD": "always",
               "PERIOD_DESCRIPTION": "always", "TIMEOUT": ring_seconds})
    };
    let legs = [leg(1, "Agent anna", "100", 20), leg(2, "Agent boris", "101", 20), leg(3, "fallback", "74951112200", 60)];
    let expected = json!({
        "id": "7", "jsonrpc": "2.0", "sip_id": "74951112233",
        "result": {
            "redirect_type": 2,
            "event_URL": format!("https://meritline.example/hooks/acme/exolve/events?token={token}"),
            "masking": false,
            "followme_struct": [1, legs],
        },
    });
    assert_eq!(answer, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retry_is_answered_byte_for_byte_whatever_else_changed() {
    let service = TestService::of(three_to_one().build()).await;
    let token = service.token("acme", meritline::http::access::Role::Viewer, None).await;
    let shares = async || service.client.read("groups/sales/shares", &token).expect(200).await.json();
    let first = service.client.ask(&question("c-1")).expect(200).await;
    let once = shares().await;
    // One call, 3 : 1, held for Anna: of it she is owed 0.75 - 1 and Boris 0.25.
    let told = |at: usize, name: &str| once["members"][at][name].as_f64().unwrap();
    assert_eq!((told(0, "received"), told(0, "owed"), told(1, "received"), told(1, "owed")), (1.0, -0.25, 0.0, 0.25));
    let changed = json!({"call_id": "c-1", "caller": null, "called": "+70000000000", "exclude": ["anna"]});
    assert_eq!(service.client.ask(&changed).expect(200).await.body, first.body);
    // It counts once.
    assert_eq!(shares().await, once);
    let decisions = service.client.read("decisions", &token).expect(200).await.json();
    assert_eq!(decisions["items"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn retries_at_the_same_moment_get_one_answer() {
    let service = TestService::of(three_to_one().build()).await;
    let mut asked = Vec::new();
    for _ in 0..16 {
        let client = service.client.clone();
        asked.push(async move { client.ask(&question("c-1")).expect(200).await.body });
    }
    let answers = futures_all(asked).await;
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "one question, one answer");
}

async fn futures_all<T: Send + 'static>(asked: Vec<impl Future<Output = T> + Send + 'static>) -> Vec<T> {
    let mut set = tokio::task::JoinSet::new();
    for one in asked {
        set.spawn(one);
    }
    set.join_all().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retry_after_a_restart_gets_the_stored_answer() {
    let service = TestService::of(three_to_one().build()).await;
    let first = service.client.ask(&question("c-1")).expect(200).await;
    let service = service.restart().await;
    assert_eq!(service.client.ask(&question("c-1")).expect(200).await.body, first.body);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_rung_and_who_is_excluded_come_last() {
    let service = TestService::of(three_to_one().build()).await;
    assert_eq!(service.client.ask(&question("c-1")).expect(200).await.agents(), ["anna", "boris"]);
    let missed = json!({"event_id": "e-1", "call_id": "c-1", "type": "missed", "agent": "anna", "at": "2026-11-23T06:00:20Z"});
    service.client.tell(&missed).expect(200).await;
    let again = json!({"call_id": "c-1", "caller": CALLER, "called": CALLED, "attempt": 2});
    let second = service.client.ask(&again).expect(200).await;
    assert_eq!((second.agents(), &second.json()["attempt"]), (vec!["boris".to_owned(), "anna".to_owned()], &json!(2)));
    // Until the call ends Boris is held for it: what was missed was the first attempt.
    let ended = json!({"event_id": "e-2", "call_id": "c-1", "type": "ended", "at": "2026-11-23T06:00:40Z"});
    service.client.tell(&ended).expect(200).await;
    let excluding = json!({"call_id": "c-2", "called": CALLED, "exclude": ["anna"]});
    assert_eq!(service.client.ask(&excluding).expect(200).await.agents(), ["boris", "anna"]);
}

/// UIS says nothing of attempts: what comes within five seconds is a retry, what comes later is the next attempt.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_an_attempt_the_retry_window_decides() {
    let service = TestService::of(three_to_one().build()).await;
    let path = format!("/hooks/acme/uis?token={}&call_session_id=981&numa=79161234567&numb=74951112233", secret("acme", "uis"));
    let first = service.client.get(&path).expect(200).await.body;
    service.site.clock.pass(4);
    assert_eq!(service.client.get(&path).expect(200).await.body, first);
    service.site.clock.pass(6);
    let later = service.client.get(&path).expect(200).await.json();
    assert!(later["phones"].is_array());
    let token = service.token("acme", meritline::http::access::Role::Viewer, None).await;
    let decisions = service.client.read("decisions", &token).expect(200).await.json();
    let attempts: Vec<u64> =
        decisions["items"].as_array().unwrap().iter().map(|item| item["attempt"].as_u64().unwrap()).collect();
    assert_eq!(attempts, [2, 1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_number_has_no_route() {
    let workspace = SampleWorkspace::new("acme")
        .agents(&["anna"])
        .policy("even", |_| {})
        .group("sales", "even", &[("anna", 1.0)])
        .route_for("main", CALLED, "sales", None)
        .all_dialects()
        .build();
    let service = TestService::of(workspace).await;
    let unknown = json!({"call_id": "c-1", "called": "+74950000000"});
    let decision = service.client.ask(&unknown).expect(200).await.json();
    assert_eq!(
        (&decision["reason"], &decision["targets"], &decision["fallback"]),
        (&json!("no_route"), &json!([]), &Value::Null)
    );
    // A UIS step without anything to dial takes its else branch.
    let path = format!("/hooks/acme/uis?token={}&call_session_id=1&numa=79161234567&numb=74950000000", secret("acme", "uis"));
    service.client.get(&path).expect(404).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_not_ask_learns_nothing() {
    let service = TestService::of(three_to_one().build()).await;
    let body = question("c-1");
    let wrong = [
        ("/hooks/nobody/pbx/decision", secret("acme", "pbx")),
        ("/hooks/acme/nothing/decision", secret("acme", "pbx")),
        ("/hooks/acme/pbx/decision", "wrong".to_owned()),
        ("/hooks/acme/crm/decision", secret("acme", "pbx")),
    ];
    let mut bodies = Vec::new();
    for (path, token) in wrong {
        bodies.push(service.client.post(path, &body).token(&token).expect(401).await.body);
    }
    bodies.push(service.client.post("/hooks/acme/pbx/decision", &body).expect(401).await.body);
    assert!(bodies.windows(2).all(|pair| pair[0] == pair[1]), "all refusals are the same");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_read_is_told_and_changes_nothing() {
    let service = TestService::of(three_to_one().build()).await;
    let send = |body: &str| {
        let call = service.client.call("POST", "/hooks/acme/pbx/decision").token(&secret("acme", "pbx"));
        call.bytes("application/json", body.to_owned())
    };
    let told = async |body: &str, status: u16| -> (String, String) {
        let answer: Answer = send(body).expect(status).await;
        (answer.code(), answer.json()["detail"].as_str().unwrap().to_owned())
    };
    assert_eq!(told("{\"call_id\": ", 400).await.0, "malformed_json");
    let (code, detail) = told(r#"{"called": "+74951112233"}"#, 422).await;
    assert_eq!(code, "missing_field");
    assert!(detail.contains("call_id"), "{detail}");
    let (code, detail) = told(r#"{"call_id": "c-1", "called": 17}"#, 422).await;
    assert_eq!(code, "wrong_type");
    assert!(detail.contains("called") && detail.contains("number"), "{detail}");
    assert_eq!(told(r#"{"call_id": "c-1", "called": "+74951112233", "attempt": 0}"#, 422).await.0, "wrong_value");
    assert_eq!(told("[1, 2]", 422).await.0, "wrong_type");
    assert_eq!(told(&"[".repeat(5000), 400).await.0, "malformed_json");
    let big = format!(r#"{{"call_id": "c-1", "called": "{}"}}"#, "1".repeat(10 * 1024 * 1024));
    assert_eq!(told(&big, 413).await.0, "body_too_large");
    service.client.get("/hooks/acme/pbx/decision").token(&secret("acme", "pbx")).expect(405).await;
    service.client.post("/hooks/acme/pbx/nothing", &json!({})).token(&secret("acme", "pbx")).expect(404).await;
    let token = service.token("acme", meritline::http::access::Role::Viewer, None).await;
    assert_eq!(service.client.read("decisions", &token).expect(200).await.json()["items"], json!([]));
}

/// The caller still hears something: the backup number of the route.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_foreign_pbx_sends_wrongly_is_answered_safely_and_kept() {
    let service = TestService::of(three_to_one().build()).await;
    let uis = service.client.get(&format!("/hooks/acme/uis?token={}", secret("acme", "uis"))).expect(200).await;
    assert_eq!(uis.json(), json!({"phones": ["74951112200"]}));
    let exolve = format!("/hooks/acme/exolve?token={}", secret("acme", "exolve"));
    let broken = service.client.call("POST", &exolve).bytes("application/json", "{broken").expect(200).await.json();
    assert!(broken["result"]["followme_struct"].is_array(), "{broken}");
    let token = service.token("acme", meritline::http::access::Role::CrmAdmin, None).await;
    let kept = service.client.read("connections/uis/inbox", &token).expect(200).await.json();
    assert_eq!(kept["items"][0]["code"], "missing_field");
}

/// A body that drips in may not hold a call: the deadline is 300 ms.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_drips_in_is_not_waited_for() {
    let service = TestService::of(three_to_one().build()).await;
    let body = r#"{"call_id": "c-1", "called": "+74951112233", "caller": null}"#;
    let text = drip(service.address, "/hooks/acme/pbx/decision", body).await;
    assert!(text.starts_with("HTTP/1.1 408"), "{text}");
    assert!(text.contains("body_timeout"), "{text}");
}
