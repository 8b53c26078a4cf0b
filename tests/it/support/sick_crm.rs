//! A CRM in Bitrix24's documented form that shows what it is told to, or falls ill.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use meritline::broker::supervise::Tasks;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// How the CRM answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Health {
    /// As documented.
    Well,
    /// With an error of its own.
    Error500,
    /// That it was asked too often.
    Limit429,
    /// With JSON that breaks off.
    Malformed,
    /// With an empty body.
    EmptyBody,
    /// Never.
    Hangs,
    /// With a page to sign in.
    WebPage,
    /// That the credentials are no more.
    Refuses,
    /// With rows of which none is a deal.
    GarbageRows,
}

/// The CRM. Its secret is `crm-secret`, its user 1.
pub(crate) struct SickCrm {
    /// Where it is.
    pub(crate) base: String,
    shown: Arc<Shown>,
}

struct Shown {
    asked: AtomicBool,
    health: Mutex<Health>,
    deals: Mutex<Vec<Value>>,
}

impl SickCrm {
    /// Starts it on a free port, showing these deals.
    pub(crate) async fn start(health: Health, deals: Vec<Value>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let shown = Arc::new(Shown { asked: AtomicBool::new(false), health: Mutex::new(health), deals: Mutex::new(deals) });
        let of_server = Arc::clone(&shown);
        let answer = move |body: String| {
            let shown = Arc::clone(&of_server);
            async move { shown.reply(&body).await }
        };
        let router = axum::Router::new().route("/rest/1/crm-secret/{method}", axum::routing::post(answer));
        Tasks::default().spawn("sick CRM", async move { axum::serve(listener, router).await.unwrap() });
        Self { base, shown }
    }

    /// Answers otherwise from now on.
    pub(crate) fn turns(&self, health: Health) {
        *self.shown.health.lock().unwrap() = health;
    }

    /// Whether anything was asked.
    pub(crate) fn was_asked(&self) -> bool {
        self.shown.asked.load(Ordering::SeqCst)
    }

    /// Shows other deals from now on.
    pub(crate) fn shows(&self, deals: Vec<Value>) {
        *self.shown.deals.lock().unwrap() = deals;
    }
}

impl Shown {
    async fn reply(&self, body: &str) -> Response {
        self.asked.store(true, Ordering::SeqCst);
        let json = |status: StatusCode, body: Value| (status, axum::Json(body)).into_response();
        let health = *self.health.lock().unwrap();
        match health {
            Health::Well => json(StatusCode::OK, json!({"result": {"items": self.page(body)}, "time": {}})),
            Health::Error500 => {
                json(StatusCode::INTERNAL_SERVER_ERROR, json!({"error": "INTERNAL_SERVER_ERROR", "error_description": "x"}))
            }
            Health::Limit429 => json(
                StatusCode::TOO_MANY_REQUESTS,
                json!({"error": "OPERATION_TIME_LIMIT", "error_description": "Method is blocked"}),
            ),
            Health::Malformed => (StatusCode::OK, r#"{"result": {"items": [{"id": "#).into_response(),
            Health::EmptyBody => (StatusCode::OK, "").into_response(),
            Health::Hangs => std::future::pending().await,
            Health::WebPage => {
                (StatusCode::OK, [("content-type", "text/html")], "<!DOCTYPE html><html>Sign in</html>").into_response()
            }
            Health::Refuses => {
                json(StatusCode::UNAUTHORIZED, json!({"error": "expired_token", "error_description": "crm-secret is no more"}))
            }
            Health::GarbageRows => {
                let rows = json!([{"id": 1, "assignedById": 17, "opportunity": "a lot", "stageSemanticId": "S"}, 17, null]);
                json(StatusCode::OK, json!({"result": {"items": rows}}))
            }
        }
    }

    /// 50 deals after the last; of those that changed of late there are none.
    fn page(&self, body: &str) -> Vec<Value> {
        let asked: Value = serde_json::from_str(body).unwrap_or(Value::Null);
        let after = asked["filter"][">id"].as_u64().unwrap_or(0);
        if asked["filter"][">=updatedTime"].is_string() {
            return Vec::new();
        }
        let deals = self.deals.lock().unwrap();
        deals.iter().filter(|deal| deal["id"].as_u64().unwrap() > after).take(50).cloned().collect()
    }
}

/// A closed deal: opened on 1 November 2026, won or lost on the 20th.
pub(crate) fn deal(id: u32, user: &str, won: bool, amount: &str) -> Value {
    json!({"id": id, "assignedById": user, "opportunity": amount, "currencyId": "RUB",
           "stageSemanticId": if won { "S" } else { "F" }, "categoryId": 0, "sourceId": "CALL",
           "createdTime": "2026-11-01T10:00:00+03:00", "movedTime": "2026-11-20T10:00:00+03:00",
           "updatedTime": "2026-11-20T10:00:00+03:00"})
}

/// A hundred deals of the same amount: the first user won 40 of 50, the second 10 of 50.
pub(crate) fn forty_to_ten(first: &str, second: &str) -> Vec<Value> {
    let deal = |id: u32| deal(id, if id <= 50 { first } else { second }, id <= 40 || id > 90, "1000.00");
    (1..=100).map(deal).collect()
}
