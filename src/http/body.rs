//! JSON bodies of the API: what is wrong with one is told as a problem.

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::http::{Method, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use std::time::Duration;

use super::problem::{Code, Problem};
use super::state::AppState;

/// A JSON body as a typed value.
pub struct JsonBody<T>(pub T);

impl<T: DeserializeOwned> FromRequest<AppState> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request<Body>, state: &AppState) -> Result<Self, Problem> {
        let is_json = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).is_some_and(|value| {
            let media_type = value.split(';').next().unwrap_or_default().trim();
            media_type.eq_ignore_ascii_case("application/json")
        });
        if !is_json && request.method() != Method::GET {
            return Err(Problem::new(Code::InvalidBody, "Send the body as JSON, with `Content-Type: application/json`."));
        }
        let limit = state.limits.body_bytes;
        let read = Limited::new(request.into_body(), limit).collect();
        let body = match tokio::time::timeout(Duration::from_millis(u64::from(state.limits.body_ms)), read).await {
            Ok(Ok(body)) => body.to_bytes(),
            Ok(Err(error)) if error.is::<LengthLimitError>() => {
                return Err(Problem::new(Code::BodyTooLarge, format!("The body is larger than {limit} bytes.")));
            }
            Ok(Err(_)) => return Err(Problem::new(Code::MalformedJson, "The connection broke while the body was being sent.")),
            Err(_) => return Err(Problem::new(Code::BodyTimeout, "The body did not arrive in time.")),
        };
        serde_json::from_slice(&body).map(Self).map_err(|error| match error.classify() {
            serde_json::error::Category::Data => Problem::new(Code::InvalidBody, format!("The body cannot be used: {error}.")),
            _ => Problem::new(Code::MalformedJson, format!("The body is not JSON: {error}.")),
        })
    }
}
