//! `/readyz`: whether requests should be sent here, and what an operator should look at.

use std::time::Duration;

use serde_json::{Value, json};
use sqlx::Connection;

use crate::support::sample_workspace::SampleWorkspace;
use crate::support::service::TestService;
use crate::support::whole;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_cannot_write_is_alive_but_not_ready() {
    let service = TestService::of(SampleWorkspace::one_group("acme", &["anna"]).build()).await;
    let ready = json!({"ready": true, "reason": null, "warnings": []});
    assert_eq!(service.client.get("/readyz").expect(200).await.json(), ready);
    let holder = service.stall_disk().await;
    let told = service.client.get("/readyz").expect(503).await.json();
    let reason = "the store is not available: the disk did not answer within 1000 ms";
    assert_eq!(told, json!({"ready": false, "reason": reason, "warnings": []}));
    service.client.get("/healthz").expect(200).await;
    holder.close().await.unwrap();
    service.eventually("it is ready again", async || service.client.get("/readyz").send().await.status == 200).await;
}

/// A connection whose secret is missing is off, and said to be; the others work.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_secret_disables_its_connection_alone_and_is_told() {
    let yaml = r#"
workspace: acme
name: ACME Sales
time_zone: Europe/Moscow
default_region: RU
currency: RUB
agents:
  - {id: anna, name: Anna, numbers: [{sip: "101"}]}
groups:
  - {id: sales, members: [anna], policy: even}
policies:
  - {id: even, mode: equal_calls, period: 10h, count: answered}
routes:
  - {id: main, called: any, group: sales, fallback: {number: "+74951112200"}}
connections:
  - {id: pbx, integration: pbx/native, events: full, settings: {token: "env:PBX_TOKEN"}}
  - {id: second, integration: pbx/native, events: full, settings: {token: "env:NOT_THERE"}}
  - {id: bitrix, integration: crm/bitrix24, settings: {portal: "http://127.0.0.1:9", user: 1, secret: "env:NOT_THERE_EITHER"}}
"#;
    let stage = whole::start(yaml).await;
    let readyz = stage.client.get("/readyz").expect(200).await.json();
    assert_eq!(readyz["ready"], true);
    let warnings: Vec<&str> = readyz["warnings"].as_array().unwrap().iter().map(|warning| warning.as_str().unwrap()).collect();
    let [bitrix, second] = warnings.as_slice() else { panic!("{readyz}") };
    for (warning, begins, names) in [
        (bitrix, "acme/bitrix: disabled: setting `secret`: ", "NOT_THERE_EITHER"),
        (second, "acme/second: disabled: setting `token`: ", "NOT_THERE"),
    ] {
        assert!(warning.starts_with(begins) && warning.contains(names), "{warning}");
    }
    let connections = stage.client.read("connections", "token").expect(200).await.json();
    let enabled: Vec<(&Value, &Value)> =
        connections["items"].as_array().unwrap().iter().map(|item| (&item["connection"], &item["enabled"])).collect();
    let expected = [("pbx", true), ("second", false), ("bitrix", false)].map(|(id, enabled)| (json!(id), json!(enabled)));
    assert_eq!(enabled, expected.iter().map(|(id, enabled)| (id, enabled)).collect::<Vec<_>>());
    let body = json!({"call_id": "c-1", "called": "+74951112233"});
    for guess in ["env:NOT_THERE", ""] {
        stage.client.post("/hooks/acme/second/decision", &body).token(guess).expect(401).await;
    }
    assert_eq!(stage.decides("c-1").await["targets"][0]["agent"], "anna");
    stage.service.stop(Duration::ZERO).await;
}
