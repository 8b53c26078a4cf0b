//! Replies in the CRM's documented form: `{"result": ..., "time": {...}}`, errors as `{"error", "error_description"}`.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

/// An error as documented: HTTP status, code, text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RestError {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    pub(super) text: String,
}

impl RestError {
    pub(super) fn invalid(text: String) -> Self {
        Self { status: StatusCode::BAD_REQUEST, code: "INVALID_ARG_VALUE", text }
    }

    pub(super) fn new(status: StatusCode, code: &'static str, text: &str) -> Self {
        Self { status, code, text: text.to_owned() }
    }
}

impl IntoResponse for RestError {
    fn into_response(self) -> Response {
        reply(self.status, &json!({"error": self.code, "error_description": self.text}))
    }
}

/// What a method gives: the result, and how many there are in all where the method counts.
pub(super) struct Found {
    pub(super) result: Value,
    pub(super) total: Option<usize>,
    pub(super) next: Option<usize>,
}

impl Found {
    pub(super) fn only(result: Value) -> Self {
        Self { result, total: None, next: None }
    }

    /// The documented envelope. `started` and `finished` are of the same clock.
    pub(super) fn into_reply(self, started: Timestamp, finished: Timestamp, zone: &TimeZone) -> Response {
        let mut body = serde_json::Map::new();
        body.insert("result".to_owned(), self.result);
        if let Some(next) = self.next {
            body.insert("next".to_owned(), next.into());
        }
        if let Some(total) = self.total {
            body.insert("total".to_owned(), total.into());
        }
        let seconds = |at: Timestamp| at.as_microsecond() as f64 / 1e6;
        let duration = finished.duration_since(started).as_secs_f64();
        body.insert(
            "time".to_owned(),
            json!({
                "start": seconds(started), "finish": seconds(finished), "duration": duration, "processing": duration,
                "date_start": iso(started, zone), "date_finish": iso(finished, zone), "operating": 0,
            }),
        );
        reply(StatusCode::OK, &Value::Object(body))
    }
}

/// `2026-11-24T00:00:00+03:00`, in the portal's zone.
pub(super) fn iso(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned_datetime(zone.clone()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

fn reply(status: StatusCode, body: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json; charset=utf-8")], body.to_string()).into_response()
}
