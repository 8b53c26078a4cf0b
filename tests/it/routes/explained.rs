//! A lead sees what became of a call, and why it did not take an earlier route.

use meritline::http::access::Role;
use serde_json::{Value, json};

use super::{CALLER, OTHER, service};
use crate::support::service::TestService;

const ROUTES: &str = r#"
  - {id: kazan, called: ["+78431112233"], group: first, fallback: {number: "+74951112200"}}
  - {id: step, operation: overflow, reject: {}}
  - {id: vips, when: {list: vip}, group: first, fallback: {number: "+74951112200"}}
  - {id: night, when: {hours: {id: office, open: false}}, branch: night}
  - {id: known, when: {caller: known}, group: first, fallback: {number: "+74951112200"}}
  - {id: leads, when: {segment: lead}, group: first, fallback: {number: "+74951112200"}}
  - {id: main, group: second, fallback: {number: "+74951112200"}}"#;

async fn explained(service: &TestService, call: &str, caller: Option<&str>) -> Value {
    let lead = service.token("acme", Role::SalesLead, None).await;
    let answer = service.answered(call, caller).await;
    let path = format!("decisions/{}", answer["decision_id"].as_str().unwrap());
    service.client.read(&path, &lead).expect(200).await.json()
}

fn conditions(explained: &Value) -> Vec<(String, String)> {
    let passed = explained["route"]["passed"].as_array().unwrap();
    let text = |item: &Value, key: &str| item[key].as_str().unwrap().to_owned();
    passed.iter().map(|item| (text(item, "route"), text(item, "condition"))).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(route, condition)| ((*route).to_owned(), (*condition).to_owned())).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_earlier_route_is_there_with_the_first_condition_that_failed() {
    let service = service(ROUTES).await;
    let told = explained(&service, "c-1", Some(OTHER)).await;
    assert_eq!(told["route"]["route"], "main");
    assert_eq!(told["route"]["caller_standing"], "unknown");
    assert_eq!(told["decision"]["outcome"], "ring");
    assert_eq!(told["route"]["sentence"], "Route `main` rings group `second`.");
    let expected = [
        ("kazan", "called"),
        ("step", "operation"),
        ("vips", "list"),
        ("night", "hours"),
        ("known", "caller"),
        ("leads", "segment"),
    ];
    assert_eq!(conditions(&told), pairs(&expected));
    assert_eq!(told["route"]["passed"][4]["sentence"], "`known` asks for other callers; this one is unknown to the CRM.");

    // Whom a list names passes two.
    let vip = explained(&service, "c-2", Some(CALLER)).await;
    assert_eq!((vip["route"]["route"].clone(), conditions(&vip)), (json!("vips"), pairs(&expected[..2])));
    // In silence the CRM's routes are passed over for want of a word.
    service.site.directory.set_mood(crate::support::fakes::Mood::Errors);
    let unsure = explained(&service, "c-3", Some("+79163334455")).await;
    assert_eq!(conditions(&unsure)[4..], pairs(&[("known", "no_word"), ("leads", "no_word")]));
    assert_eq!(unsure["route"]["caller_standing"], "unsure");
    let list = service.client.read("decisions", &service.token("acme", Role::SalesLead, None).await).expect(200).await.json();
    assert!(list["items"].as_array().unwrap().iter().all(|item| item["outcome"] == "ring" && item["branch"].is_null()));
}

/// What was recorded stays; what the file says now is not taken for what it said then.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_reasons_are_those_of_the_moment() {
    let mut service = service(ROUTES).await;
    let answer = service.answered("c-1", Some(OTHER)).await;
    let other = super::workspace(
        r#"
  - {id: new, group: first, fallback: {number: "+74951112200"}}
  - {id: main, group: second, fallback: {number: "+74951112200"}}"#,
    );
    service.apply(other).await;
    let lead = service.token("acme", Role::SalesLead, None).await;
    let path = format!("decisions/{}", answer["decision_id"].as_str().unwrap());
    let told = service.client.read(&path, &lead).expect(200).await.json();
    let expected = [("vips", "list"), ("night", "hours"), ("known", "caller"), ("leads", "segment"), ("new", "changed")];
    assert_eq!(conditions(&told), pairs(&expected));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn outcomes_are_told_in_the_list() {
    let service = service(
        r#"
  - {id: spam, when: {list: spam}, reject: {}}
  - {id: night, branch: night}"#,
    )
    .await;
    service.answered("c-1", Some(OTHER)).await;
    service.answered("c-2", Some(CALLER)).await;
    let viewer = service.token("acme", Role::Viewer, None).await;
    let list = service.client.read("decisions", &viewer).expect(200).await.json();
    let told = |at: usize| (list["items"][at]["outcome"].clone(), list["items"][at]["branch"].clone());
    assert_eq!((told(0), told(1)), ((json!("branch"), json!("night")), (json!("reject"), json!(null))));
}
