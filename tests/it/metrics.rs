//! `/metrics`: what an operator is told that no answer tells.

use std::time::Duration;

use jiff::Timestamp;
use meritline::broker::store::InboxEntry;
use serde_json::json;
use sqlx::Connection;

use crate::crm_trouble;
use crate::support::client::Client;
use crate::support::sample_workspace::SampleWorkspace;
use crate::support::service::{CRM, TestService};
use crate::support::sick_crm::{Health, SickCrm};
use crate::support::whole;

/// The value of a metric, by name and labels as written.
async fn metric(client: &Client, name: &str) -> Option<f64> {
    let text = client.get("/metrics").expect(200).await.text();
    assert!(text.ends_with("# EOF\n") && !text.contains("7916"), "{text}");
    let line = text.lines().find(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(' ')))?;
    Some(line.split_once(' ')?.1.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_for_the_disk_and_what_is_lost_is_counted() {
    let service = TestService::of(SampleWorkspace::one_group("acme", &["anna", "boris"]).build()).await;
    let of = async |name: &str| metric(&service.client, name).await.unwrap();
    for name in ["meritline_decisions_waiting", "meritline_decisions_lost_total", "meritline_inbox_dropped_total"] {
        assert_eq!(of(name).await, 0.0, "{name}");
    }
    let mut holder = service.stall_disk().await;
    for call in ["c-1", "c-2", "c-3"] {
        service.client.ask(&json!({"call_id": call, "called": "+74951112233"})).expect(200).await;
    }
    assert_eq!(of("meritline_decisions_waiting").await, 3.0);
    // More than the queue holds and the writer has taken out of it.
    for count in 0..2000 {
        let entry = InboxEntry {
            connection: "pbx".into(),
            received_at: Timestamp::UNIX_EPOCH,
            code: "test".to_owned(),
            detail: count.to_string(),
            body: String::new(),
        };
        service.store.keep_in_inbox(&"acme".into(), entry);
    }
    assert!((500.0..2000.0).contains(&of("meritline_inbox_dropped_total").await));
    let refusal = "CREATE TRIGGER refusal BEFORE INSERT ON decision_calls WHEN NEW.call_id = 'c-2' BEGIN
        SELECT RAISE(ABORT, 'refused'); END; COMMIT";
    sqlx::raw_sql(refusal).execute(&mut holder).await.unwrap();
    holder.close().await.unwrap();
    service.eventually("nothing waits", async || of("meritline_decisions_waiting").await == 0.0).await;
    assert_eq!(of("meritline_decisions_lost_total").await, 1.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn remembered_callers_are_counted() {
    let service = TestService::of(SampleWorkspace::one_group("acme", &["anna"]).crm(CRM).build()).await;
    for (call, caller) in [("c-1", "+79161234501"), ("c-2", "+79161234502"), ("c-3", "+79161234501")] {
        service.client.ask(&json!({"call_id": call, "caller": caller, "called": "+74951112233"})).expect(200).await;
    }
    let labels = r#"{workspace="acme",connection="crm"}"#;
    assert_eq!(metric(&service.client, &format!("meritline_callers_remembered{labels}")).await, Some(2.0));
    assert_eq!(metric(&service.client, &format!("meritline_lookup_breaker_open{labels}")).await, Some(0.0));
}

/// Five failures in a row: the CRM is left alone for a while.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crm_that_is_left_alone_is_seen() {
    let crm = SickCrm::start(Health::Refuses, Vec::new()).await;
    let stage = whole::start(&crm_trouble::workspace(&crm.base)).await;
    let breaker = r#"meritline_lookup_breaker_open{workspace="acme",connection="bitrix"}"#;
    assert_eq!(metric(&stage.client, breaker).await, Some(0.0));
    crm.turns(Health::Error500);
    for last in 0..5 {
        let body = json!({"call_id": format!("c-{last}"), "caller": format!("+7916123450{last}"), "called": "+74951112233"});
        stage.client.post("/hooks/acme/pbx/decision", &body).token("pbx-secret").expect(200).await;
    }
    let open = async || metric(&stage.client, breaker).await.filter(|open| *open == 1.0);
    stage.until("the breaker is open", open).await;
    stage.service.stop(Duration::ZERO).await;
}
