//! The whole service with a CRM that turns bad: calls are answered, the last good scores stay, the trouble is told.

use std::path::Path;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use meritline::broker::ports::{Clock, IdSource};
use meritline::broker::store::{Store, StoredToken, WorkspaceChange};
use meritline::broker::supervise::Tasks;
use meritline::http::access::{Role, hash};
use meritline::integration::secrets::{EnvAndFiles, Secrets};
use meritline::service::clock::{RandomIds, SystemClock};
use meritline::service::settings_check::Integrations;
use meritline::service::stored_document::StoredDocument;
use meritline::service::{self, RunningService, ServiceLimits, ServiceParts};
use meritline::store::sqlite::SqliteStore;
use meritline::workspace_file;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::support::client::Client;

const OK: u8 = 0;
const ERROR_500: u8 = 1;
const LIMIT_429: u8 = 2;
const MALFORMED: u8 = 3;
const EMPTY: u8 = 4;
const HANGS: u8 = 5;
const WEB_PAGE: u8 = 6;
const REFUSES: u8 = 7;
const GARBAGE_ROWS: u8 = 8;

/// Anna closed 40 of 50, Boris 10 of 50: amounts are the same.
fn deals() -> Vec<Value> {
    let deal = |id: u32, user: u32, won: bool| {
        json!({"id": id, "assignedById": user, "opportunity": "1000.00", "currencyId": "RUB",
               "stageSemanticId": if won { "S" } else { "F" }, "categoryId": 0, "sourceId": "CALL",
               "createdTime": "2026-11-01T10:00:00+03:00", "movedTime": "2026-11-20T10:00:00+03:00",
               "updatedTime": "2026-11-20T10:00:00+03:00"})
    };
    (1..=100).map(|id| deal(id, if id <= 50 { 17 } else { 18 }, id <= 40 || id > 90)).collect()
}

/// A CRM in Bitrix24's documented form, in any mood.
async fn crm(mood: Arc<AtomicU8>, asked: Arc<Mutex<u32>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let answer = move |body: String| {
        let (mood, asked) = (mood.load(Ordering::SeqCst), Arc::clone(&asked));
        async move {
            *asked.lock().unwrap() += 1;
            reply(mood, &body).await
        }
    };
    let router = axum::Router::new().route("/rest/1/crm-secret/{method}", axum::routing::post(answer));
    Tasks::default().spawn("sick CRM", async move { axum::serve(listener, router).await.unwrap() });
    base
}

async fn reply(mood: u8, body: &str) -> Response {
    let json = |status: StatusCode, body: Value| (status, axum::Json(body)).into_response();
    let asked: Value = serde_json::from_str(body).unwrap_or(Value::Null);
    match mood {
        OK => {
            let after = asked["filter"][">id"].as_u64().unwrap_or(0);
            let since = asked["filter"][">=updatedTime"].as_str().is_some();
            let rows: Vec<Value> =
                deals().into_iter().filter(|deal| !since && deal["id"].as_u64().unwrap() > after).take(50).collect();
            json(StatusCode::OK, json!({"result": {"items": rows}, "time": {}}))
        }
        ERROR_500 => json(StatusCode::INTERNAL_SERVER_ERROR, json!({"error": "INTERNAL_SERVER_ERROR", "error_description": "x"})),
        LIMIT_429 => json(
            StatusCode::TOO_MANY_REQUESTS,
            json!({"error": "OPERATION_TIME_LIMIT", "error_description": "Method is blocked"}),
        ),
        MALFORMED => (StatusCode::OK, r#"{"result": {"items": [{"id": "#).into_response(),
        EMPTY => (StatusCode::OK, "").into_response(),
        HANGS => std::future::pending().await,
        WEB_PAGE => (StatusCode::OK, [("content-type", "text/html")], "<!DOCTYPE html><html>Sign in</html>").into_response(),
        REFUSES => {
            json(StatusCode::UNAUTHORIZED, json!({"error": "expired_token", "error_description": "crm-secret is no more"}))
        }
        _ => {
            let rows = json!([{"id": 1, "assignedById": 17, "opportunity": "a lot", "stageSemanticId": "S"}, 17, null]);
            (StatusCode::OK, Body::from(json!({"result": {"items": rows}}).to_string())).into_response()
        }
    }
}

fn workspace(crm: &str) -> String {
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

struct Stage {
    service: RunningService,
    client: Client,
    folder: tempfile::TempDir,
}

async fn start(folder: tempfile::TempDir, yaml: Option<&str>) -> Stage {
    let store = SqliteStore::connect(&format!("sqlite://{}", folder.path().join("m.db").display())).await.unwrap();
    if let Some(yaml) = yaml {
        let checked = workspace_file::read(yaml, "acme.yaml", &Integrations).unwrap_or_else(|problems| panic!("{problems:?}"));
        let stored = StoredDocument { applied_from: folder.path().to_owned(), workspace: checked.document };
        let document = stored.write().unwrap();
        let change = WorkspaceChange { id: "acme".into(), based_on: 0, document, credit_resets: Vec::new() };
        store.apply_workspaces(vec![change], SystemClock.now()).await.unwrap();
        let token = StoredToken {
            hash: hash("token"),
            workspace: "acme".into(),
            role: Role::CrmAdmin.as_str().to_owned(),
            agent: None,
            created_at: SystemClock.now(),
        };
        store.add_token(token).await.unwrap();
    }
    let secrets = |root: &Path| -> Arc<dyn Secrets> {
        let env = |name: &str| match name {
            "PBX_TOKEN" => Some("pbx-secret".to_owned()),
            "CRM_SECRET" => Some("crm-secret".to_owned()),
            _ => None,
        };
        Arc::new(EnvAndFiles { env: Box::new(env), files_root: root.to_owned() })
    };
    let parts = ServiceParts {
        store,
        clock: Arc::new(SystemClock) as Arc<dyn Clock>,
        ids: Arc::new(RandomIds::default()) as Arc<dyn IdSource>,
        secrets: Arc::new(secrets),
        outbound_allow: vec!["127.0.0.0/8".parse().unwrap()],
        public_url: None,
        files_root: None,
        limits: ServiceLimits::default(),
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let service = service::start(parts, listener).await.unwrap();
    let client = Client::new(service.address);
    Stage { service, client, folder }
}

impl Stage {
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

    async fn until<T>(&self, what: &str, look: impl AsyncFn() -> Option<T>) -> T {
        for _ in 0..600 {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{what}: not within 30 s");
    }

    async fn decides(&self, call: &str) -> Value {
        let body = json!({"call_id": call, "called": "+74951112233"});
        self.client.post("/hooks/acme/pbx/decision", &body).token("pbx-secret").expect(200).await.json()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_the_crm_does_calls_follow_the_last_good_scores() {
    let mood = Arc::new(AtomicU8::new(OK));
    let asked = Arc::new(Mutex::new(0));
    let base = crm(Arc::clone(&mood), Arc::clone(&asked)).await;
    let mut stage = start(tempfile::tempdir().unwrap(), Some(&workspace(&base))).await;
    let good = stage.until("scores", async || Some(stage.shares().await).filter(|(anna, boris)| anna > boris)).await;
    let troubles = [
        (ERROR_500, "HTTP 500"),
        (MALFORMED, "it is no JSON"),
        (EMPTY, "it is no JSON"),
        (WEB_PAGE, "a web page came instead of JSON"),
        (REFUSES, "refuses our credentials"),
        (LIMIT_429, "asks to wait"),
    ];
    for (trouble, told) in troubles {
        // The poller of a fresh start asks at once; everything known comes from disk.
        mood.store(trouble, Ordering::SeqCst);
        stage.service.stop(Duration::ZERO).await;
        stage = start(stage.folder, None).await;
        let failure = stage.until(told, async || stage.failure().await.filter(|failure| failure.contains(told))).await;
        assert!(!failure.contains("crm-secret"), "{failure}");
        let decision = stage.decides(&format!("c-{trouble}")).await;
        assert_eq!((&decision["reason"], decision["targets"].as_array().unwrap().len()), (&json!("performance"), 2), "{told}");
        let (anna, boris) = stage.shares().await;
        assert!((anna - good.0).abs() < 1e-6 && (boris - good.1).abs() < 1e-6, "{told}: {anna} {boris} was {good:?}");
    }
    mood.store(OK, Ordering::SeqCst);
    stage.service.stop(Duration::ZERO).await;
    stage = start(stage.folder, None).await;
    stage.until("healing", async || stage.failure().await.is_none().then_some(())).await;
    stage.service.stop(Duration::ZERO).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crm_that_hangs_or_is_not_there_from_the_start_leaves_base_shares() {
    for trouble in [HANGS, GARBAGE_ROWS] {
        let mood = Arc::new(AtomicU8::new(trouble));
        let base = crm(Arc::clone(&mood), Arc::default()).await;
        let stage = start(tempfile::tempdir().unwrap(), Some(&workspace(&base))).await;
        let decision = stage.decides("c-1").await;
        assert_eq!((decision["targets"].as_array().unwrap().len(), stage.shares().await), (2, (0.5, 0.5)));
        assert_eq!(decision["degraded"], json!(["scores_missing"]));
        stage.service.stop(Duration::ZERO).await;
    }
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let stage = start(tempfile::tempdir().unwrap(), Some(&workspace(&format!("http://{nobody}")))).await;
    let failure = stage.until("failure", async || stage.failure().await).await;
    assert!(failure.contains("could not reach the CRM"), "{failure}");
    assert_eq!(stage.decides("c-1").await["targets"].as_array().unwrap().len(), 2);
    stage.service.stop(Duration::ZERO).await;
}
