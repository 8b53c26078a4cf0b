//! Who sees what of scores, what they rest on, and requests that would change nothing.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pin_without_a_version_is_refused_and_lets_nothing_go() {
    let desk = Desk::open(Exposure::Opportunities).await;
    desk.pull(record("anna", 20, 10)).await;
    desk.send("PUT", "pin", json!({"version": 1}), 200).await;
    let problem = desk.send("PUT", "pin", json!({}), 422).await;
    assert!(problem["detail"].as_str().unwrap().contains("version"), "{problem}");
    assert_eq!(desk.read("scores/versions").await["pinned"], 1);
}
