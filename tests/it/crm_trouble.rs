//! The whole service with a CRM that turns bad: calls are answered, the last good scores stay, the trouble is told.

use std::time::Duration;

use serde_json::json;

use crate::support::sick_crm::{Health, SickCrm, forty_to_ten};
use crate::support::whole::{self, Whole};

pub(crate) fn workspace(crm: &str) -> String {
    format!(
        r#"
workspace: acme
name: ACME Sales
time_zone: Europe/Moscow
default_region: RU
currency: RUB
agents:
  - {{id: anna, name: Anna, numbers: [{{sip: "101"}}], crm_users: {{bitrix: "17"}}}}
  - {{id: boris, name: Boris, numbers: [{{sip: "102"}}], crm_users: {{bitrix: "18"}}}}
groups:
  - {{id: sales, members: [anna, boris], policy: results}}
policies:
  - id: results
    mode: performance
    period: 10h
    count: answered
    score: {{crm: [bitrix], horizon: all, half_life: none, smoothing: "0"}}
routes:
  - {{id: main, called: any, group: sales, fallback: {{number: "+74951112200"}}}}
connections:
  - {{id: pbx, integration: pbx/native, events: full, settings: {{token: "env:PBX_TOKEN"}}}}
  - {{id: bitrix, integration: crm/bitrix24, refresh: 1s, settings: {{portal: "{crm}", user: 1, secret: "env:CRM_SECRET", requests_per_second: 50}}}}
"#
    )
}

impl Whole {
    async fn shares(&self) -> (f64, f64) {
        let shares = self.client.read("groups/sales/shares", "token").expect(200).await.json();
        let target = |at: usize| shares["members"][at]["target"].as_f64().unwrap();
        (target(0), target(1))
    }

    async fn failure(&self) -> Option<String> {
        let connections = self.client.read("connections", "token").expect(200).await.json();
        let bitrix = connections["items"].as_array().unwrap().iter().find(|item| item["connection"] == "bitrix").unwrap().clone();
        bitrix["pull"]["failure"].as_str().map(str::to_owned)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_the_crm_does_calls_follow_the_last_good_scores() {
    let crm = SickCrm::start(Health::Well, forty_to_ten("17", "18")).await;
    let mut stage = whole::start(&workspace(&crm.base)).await;
    let good = stage.until("scores", async || Some(stage.shares().await).filter(|(anna, boris)| anna > boris)).await;
    let troubles = [
        (Health::Error500, "HTTP 500"),
        (Health::Malformed, "it is no JSON"),
        (Health::EmptyBody, "it is no JSON"),
        (Health::WebPage, "a web page came instead of JSON"),
        (Health::Refuses, "refuses our credentials"),
        (Health::Limit429, "asks to wait"),
    ];
    for (trouble, told) in troubles {
        // The poller of a fresh start asks at once; everything known comes from disk.
        crm.turns(trouble);
        stage = stage.restart().await;
        let failure = stage.until(told, async || stage.failure().await.filter(|failure| failure.contains(told))).await;
        assert!(!failure.contains("crm-secret"), "{failure}");
        let decision = stage.decides(&format!("c-{trouble:?}")).await;
        assert_eq!((&decision["reason"], decision["targets"].as_array().unwrap().len()), (&json!("performance"), 2), "{told}");
        let (anna, boris) = stage.shares().await;
        assert!((anna - good.0).abs() < 1e-6 && (boris - good.1).abs() < 1e-6, "{told}: {anna} {boris} was {good:?}");
    }
    crm.turns(Health::Well);
    stage = stage.restart().await;
    stage.until("healing", async || stage.failure().await.is_none().then_some(())).await;
    stage.service.stop(Duration::ZERO).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crm_that_is_bad_from_the_start_leaves_base_shares() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (hanging, garbled) =
        (SickCrm::start(Health::Hangs, Vec::new()).await, SickCrm::start(Health::GarbageRows, Vec::new()).await);
    let starts = [
        // It is still being waited for when the call comes.
        (hanging.base.clone(), None),
        (garbled.base.clone(), Some("none of its 3 rows can be read")),
        (format!("http://{nobody}"), Some("could not reach the CRM")),
    ];
    for (base, told) in starts {
        let stage = whole::start(&workspace(&base)).await;
        match told {
            Some(told) => {
                stage.until(told, async || stage.failure().await.filter(|failure| failure.contains(told)).map(drop)).await
            }
            None => stage.until("a question", async || hanging.was_asked().then_some(())).await,
        }
        let decision = stage.decides("c-1").await;
        assert_eq!((decision["targets"].as_array().unwrap().len(), stage.shares().await), (2, (0.5, 0.5)), "{told:?}");
        assert_eq!(decision["degraded"], json!(["scores_missing"]), "{told:?}");
        stage.service.stop(Duration::ZERO).await;
    }
}
