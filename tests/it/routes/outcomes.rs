//! What each PBX is told of outcomes besides ringing, over the wire.

use serde_json::{Value, json};

use super::{CALLER, service};
use crate::support::service::{TestService, secret};

const REJECT: &str = "\n  - {id: spam, reject: {}}";
const BRANCH: &str = "\n  - {id: night, branch: night, fallback: {number: \"+74951112200\"}}";
const CALLBACK: &str = "\n  - {id: later, callback: {group: sales}, fallback: {number: \"+74951112200\"}}";

pub(super) async fn uis(service: &TestService) -> Value {
    let token = secret("acme", "uis");
    let path = format!("/hooks/acme/uis?token={token}&call_session_id=981&numa=79161234567&numb=74951112233");
    service.client.get(&path).expect(200).await.json()
}

/// The numbers that Exolve is to ring.
pub(super) async fn exolve(service: &TestService) -> Value {
    let token = secret("acme", "exolve");
    let body = json!({"id": "7", "jsonrpc": "2.0", "method": "getControlCallFollowMe",
        "params": {"sip_id": "74951112233", "numberA": "79161234567", "call_sid": "sid-1"}});
    let answer = service.client.post(&format!("/hooks/acme/exolve?token={token}"), &body).expect(200).await.json();
    let legs = answer["result"]["followme_struct"][1].as_array().unwrap();
    legs.iter().map(|leg| leg["REDIRECT_NUMBER"].clone()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_call_names_nobody() {
    let service = service(REJECT).await;
    let answer = service.answered("c-1", Some(CALLER)).await;
    let told = |key: &str| answer[key].clone();
    assert_eq!((told("outcome"), told("targets"), told("fallback")), (json!("reject"), json!([]), json!(null)));
    assert_eq!(uis(&service).await, json!({"returned_code": "refuse"}));
    assert_eq!(exolve(&service).await, json!([]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_branch_is_named_where_there_are_branches() {
    let service = service(BRANCH).await;
    let answer = service.answered("c-1", Some(CALLER)).await;
    assert_eq!((answer["outcome"].clone(), answer["branch"].clone()), (json!("branch"), json!("night")));
    assert_eq!(uis(&service).await, json!({"returned_code": "night_menu"}));
    assert_eq!(exolve(&service).await, json!(["74951112200"]), "no branches there: the fallback");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_promised_call_rings_nobody_now() {
    let service = service(CALLBACK).await;
    let answer = service.answered("c-1", Some(CALLER)).await;
    assert_eq!((answer["outcome"].clone(), answer["reason"].clone()), (json!("callback"), json!("callback")));
    assert_eq!(answer["targets"], json!([]));
    assert_eq!(uis(&service).await, json!({"returned_code": "we_call"}));
    assert_eq!(exolve(&service).await, json!(["74951112200"]));
}

/// While the store does not answer, what a route says without a choice is said all the same; but no call is promised that nobody would
/// remember.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_much_at_once_changes_no_outcome_but_a_promise() {
    for (routes, outcome) in [(REJECT, "reject"), (BRANCH, "branch"), (CALLBACK, "ring")] {
        let mut site = crate::support::service::Site::new(vec![super::workspace(routes)]);
        site.in_flight_max.decisions = 0;
        let service = site.start().await;
        let answer = service.answered("c-1", Some(CALLER)).await;
        assert_eq!((answer["outcome"].clone(), answer["degraded"].clone()), (json!(outcome), json!(["overload"])));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_route_there_is_no_outcome() {
    let service = service("\n  - {id: other, called: [\"+78431112233\"], reject: {}}").await;
    let answer = service.answered("c-1", Some(CALLER)).await;
    assert_eq!((answer["outcome"].clone(), answer["reason"].clone()), (json!("none"), json!("no_route")));
}
