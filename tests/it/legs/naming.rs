//! Who is meant: an id, an extension, a number in any spelling, the PBX's own id beside a number; for whoever hands a call on and for
//! whoever takes it over.

use meritline::http::access::Role;
use serde_json::{Value, json};

use crate::support::sample_workspace::SampleWorkspace;
use crate::support::service::{TestService, secret};

const AT: &str = "2026-11-23T06:00:00Z";
const OUTSIDE: &str = "+74951112200";

/// Anna has extension 100, boris 101, clara 102; boris has a mobile, too.
async fn three() -> (TestService, String) {
    let workspace = SampleWorkspace::one_group("acme", &["anna", "boris", "clara"]).mobile("boris", "+79161112233");
    let service = TestService::of(workspace.all_dialects().build()).await;
    let token = service.token("acme", Role::SalesLead, None).await;
    (service, token)
}

async fn states(service: &TestService, token: &str) -> Vec<String> {
    let agents = service.client.read("agents", token).expect(200).await.json();
    agents["items"].as_array().unwrap().iter().map(|agent| agent["state"].as_str().unwrap().to_owned()).collect()
}

async fn tell(service: &TestService, mut event: Value) {
    event["at"] = json!(AT);
    service.client.tell(&event).expect(200).await;
}

/// Anna talks; the event of a leg that is hers.
async fn anna_talks(service: &TestService) {
    tell(service, json!({"event_id": "a", "call_id": "c-1", "type": "answered", "agent": "anna"})).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_of_an_outside_leg_is_not_the_end_of_the_call() {
    let (service, token) = three().await;
    anna_talks(&service).await;
    tell(&service, json!({"event_id": "x", "call_id": "c-1", "type": "ended", "number": OUTSIDE})).await;
    assert_eq!(states(&service, &token).await[0], "talking");
    tell(&service, json!({"event_id": "y", "call_id": "c-1", "type": "ended"})).await;
    assert_eq!(states(&service, &token).await[0], "free");
}

async fn tell_uis(service: &TestService, event: &Value) {
    let path = format!("/hooks/acme/uis/events?token={}", secret("acme", "uis"));
    service.client.post(&path, event).expect(200).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_of_an_outside_leg_is_not_the_end_of_the_call_of_a_foreign_dialect() {
    let (service, token) = three().await;
    let of = |name: &str, number: &str| {
        json!({"notification_name": name, "notification_time": "2026-11-23 09:00:00", "call_session_id": 1,
               "employee_phone_number": number})
    };
    tell_uis(&service, &of("Начало разговора", "100")).await;
    tell_uis(&service, &of("Окончание разговора", "74951112200")).await;
    assert_eq!(states(&service, &token).await, ["talking", "free", "free"]);
    tell_uis(&service, &of("Окончание разговора", "100")).await;
    assert_eq!(states(&service, &token).await, ["free", "free", "free"]);
}

/// The employee's id is an agent's, the number is one that nobody has (a softphone's); and the other way round.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_employee_is_found_by_id_though_the_number_is_unknown_and_by_number_though_the_id_is() {
    let (service, token) = three().await;
    let of = |call: u32, name: &str, id: &str, number: &str| {
        json!({"notification_name": name, "notification_time": "2026-11-23 09:00:00", "call_session_id": call,
               "employee_id": id, "employee_phone_number": number})
    };
    tell_uis(&service, &of(1, "Начало разговора", "anna", "0742019")).await;
    assert_eq!(states(&service, &token).await, ["talking", "free", "free"]);
    tell_uis(&service, &of(2, "Начало разговора", "981733", "8 916 111-22-33")).await;
    assert_eq!(states(&service, &token).await, ["talking", "talking", "free"]);
    // The employee's id reads like clara's extension, the number is boris's: a number is meant as a number.
    tell_uis(&service, &of(2, "Окончание разговора", "102", "101")).await;
    assert_eq!(states(&service, &token).await, ["talking", "free", "free"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_takes_a_call_over_is_found_by_id_extension_and_number() {
    for to in ["boris", "101", "8 (916) 111-22-33"] {
        let (service, token) = three().await;
        anna_talks(&service).await;
        tell(&service, json!({"event_id": "t", "call_id": "c-1", "type": "transferred", "number": "100", "to_agent": to})).await;
        assert_eq!(states(&service, &token).await, ["free", "talking", "free"], "{to}");
        let events = service.client.read("events", &token).expect(200).await.json();
        let told = &events["items"][0];
        let named = (&told["agent"], &told["number"], &told["to_agent"], &told["unknown_agent"]);
        assert_eq!(named, (&json!("anna"), &json!("100"), &json!("boris"), &json!(false)), "{to}");
        // Boris is busy for the next call; nobody else rang.
        let next = service.client.ask(&json!({"call_id": "c-2", "called": "+74951112233"})).expect(200).await.agents();
        assert!(!next.contains(&"boris".to_owned()), "{next:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transfer_to_nobody_named_is_refused_with_what_is_missing() {
    let (service, _) = three().await;
    let transfer = json!({"event_id": "t", "call_id": "c-1", "type": "transferred", "agent": "anna", "at": AT});
    let refused = service.client.tell(&transfer).expect(422).await.json();
    let fault = &refused["rejected"][0];
    assert_eq!((&fault["code"], &fault["index"]), (&json!("missing_field"), &json!(0)), "{refused}");
    assert!(fault["detail"].as_str().unwrap().contains("to_agent"), "{refused}");
}
