//! Who sees what of scores, what they rest on, and requests that would change nothing.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_sees_the_own_score_and_not_the_teams() {
    let desk = Desk::open(Exposure::Opportunities).await;
    desk.pull([record("anna", 20, 10), record("boris", 20, 5)].concat()).await;
    let client = &desk.service.client;
    let scores = client.read("scores", &desk.anna).expect(200).await.json();
    let seen: Vec<&str> = scores["agents"].as_array().unwrap().iter().map(|agent| agent["agent"].as_str().unwrap()).collect();
    assert_eq!(seen, ["anna"]);
    assert_eq!((&scores["pool"], &scores["unmapped_users"]), (&Value::Null, &json!([])));
    assert_eq!(client.read("scores/versions", &desk.anna).expect(403).await.code(), "forbidden");
    for role in [Role::SalesLead, Role::Operator, Role::CrmAdmin, Role::Viewer] {
        let token = desk.service.token("acme", role, None).await;
        assert_eq!(client.read("scores", &token).expect(200).await.json()["agents"].as_array().unwrap().len(), 2);
        client.read("scores/versions", &token).expect(200).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_left_out_and_what_all_are_compared_with_is_shown() {
    let desk = Desk::open(Exposure::Opportunities).await;
    let deal = |row: Value| -> Deal { serde_json::from_value(row).unwrap() };
    let further = [
        json!({"deal": "returned", "user": "user-anna", "status": "won", "amount": "100.00", "returned_amount": "100.00",
               "opened_at": "2026-11-10T09:00:00Z", "closed_at": "2026-11-20T09:00:00Z"}),
        json!({"deal": "undated", "user": "user-anna", "status": "lost"}),
        json!({"deal": "ownerless", "status": "lost", "closed_at": "2026-11-20T09:00:00Z"}),
        json!({"deal": "stranger", "user": "user-zoe", "status": "lost", "closed_at": "2026-11-20T09:00:00Z"}),
        json!({"deal": "old", "user": "user-anna", "status": "open", "opened_at": "2026-10-01T09:00:00Z"}),
    ];
    let all = [record("anna", 20, 10), record("boris", 20, 10), further.into_iter().map(deal).collect()].concat();
    assert!(desk.pull(all).await);
    let scores = desk.read("scores").await;
    let note = |name: &str| scores["notes"][name].as_u64().unwrap_or_else(|| panic!("no {name}: {}", scores["notes"]));
    let told = ["returned_contracts", "undated_deals", "ownerless_deals", "overdue_open_deals", "unmapped_users_total"].map(note);
    assert_eq!(told, [1, 1, 1, 1, 1]);
    let none =
        ["linked_duplicates", "other_agents_deals", "open_deals_without_start", "calls_too_young", "tagged_calls"].map(note);
    assert_eq!(none, [0; 5]);
    // 20 contracts of 43 deals: 40 recorded, one returned, one undated, one overdue.
    let pool = &scores["pool"];
    assert_eq!((&pool["contracts_closed"], &pool["opportunities"]), (&json!(20), &json!(43)));
    assert!((0.4..0.5).contains(&pool["base_rate"].as_f64().unwrap()), "{pool}");
    assert_eq!((&pool["median_amount"], &pool["cap"]), (&json!("100.000000"), &json!("300.000000")));
    assert_eq!((&pool["revenue"], &pool["mean_capped_amount"]), (&json!("2000.000000"), &json!("100.000000")));
    assert_eq!(pool["median_days_to_close"], json!(10.0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_exclusion_that_would_take_out_nothing_is_refused() {
    let call = |id: &str| json!({"subject": {"what": "call", "connection": "pbx", "call": id}, "reason": "a colleague"});
    let desk = Desk::open(Exposure::Opportunities).await;
    desk.service.client.ask(&json!({"call_id": "c-1", "called": "+74951112233"})).expect(200).await;
    let problem = desk.send("POST", "exclusions", call("c-1"), 422).await;
    assert!(problem["detail"].as_str().unwrap().contains("no policy counts conversions from calls"), "{problem}");

    let desk = Desk::open(Exposure::Calls).await;
    desk.service.client.ask(&json!({"call_id": "c-1", "called": "+74951112233"})).expect(200).await;
    let problem = desk.send("POST", "exclusions", call("c-2"), 404).await;
    assert!(problem["detail"].as_str().unwrap().contains("`pbx` has told of no call `c-2`"), "{problem}");
    desk.send("POST", "exclusions", call("c-1"), 200).await;
    let mut lifted = call("c-1");
    lifted["lifted"] = json!(true);
    desk.send("POST", "exclusions", lifted, 200).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pin_without_a_version_is_refused_and_lets_nothing_go() {
    let desk = Desk::open(Exposure::Opportunities).await;
    desk.pull(record("anna", 20, 10)).await;
    desk.send("PUT", "pin", json!({"version": 1}), 200).await;
    let problem = desk.send("PUT", "pin", json!({}), 422).await;
    assert!(problem["detail"].as_str().unwrap().contains("version"), "{problem}");
    assert_eq!(desk.read("scores/versions").await["pinned"], 1);
}
