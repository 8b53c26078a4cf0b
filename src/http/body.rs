//! Bodies of requests, bounded in size and time; JSON bodies of the API, with what is wrong told as a problem.

use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{FromRequest, Request};
use axum::http::{Method, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::{DeserializeOwned, IgnoredAny};
use tokio::time::Instant;

use super::problem::{Code, Problem};
use super::state::AppState;
use crate::broker::supervise::Tasks;

/// How much of a body that is too large is still read, so that its sender gets to the answer.
const DISCARDED_MAX: u64 = 64 * 1024 * 1024;

/// For how long it is read.
const DISCARD_TIMEOUT: Duration = Duration::from_secs(5);

/// Why a body was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BodyFault {
    /// It is larger than the limit.
    TooLarge,
    /// The connection broke.
    Broken,
    /// It did not arrive in time.
    Late,
}

/// Reads a body of at most `limit` bytes until an instant.
///
/// What is too large is refused at once and discarded in the background: a connection that is closed while its peer still
/// sends is reset, and a reset takes the answer with it.
pub(super) async fn read(mut body: Body, limit: usize, until: Instant, tasks: &Tasks) -> Result<Bytes, BodyFault> {
    match tokio::time::timeout_at(until, Limited::new(&mut body, limit).collect()).await {
        Ok(Ok(read)) => Ok(read.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            tasks.spawn_until_stop("discard a body", discard(body));
            Err(BodyFault::TooLarge)
        }
        Ok(Err(_)) => Err(BodyFault::Broken),
        Err(_) => Err(BodyFault::Late),
    }
}

async fn discard(mut body: Body) {
    let rest = async {
        let mut discarded = 0;
        while discarded < DISCARDED_MAX
            && let Some(Ok(frame)) = body.frame().await
        {
            discarded += frame.data_ref().map_or(0, |data| data.len() as u64);
        }
    };
    // Either way the connection ends here: nobody waits for it.
    let _ended = tokio::time::timeout(DISCARD_TIMEOUT, rest).await;
}

/// A JSON body as a typed value. Without a body, or with null, all fields are absent: right where each may be.
pub struct JsonBody<T>(pub T);

impl<T: DeserializeOwned> FromRequest<AppState> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request<Body>, state: &AppState) -> Result<Self, Problem> {
        let is_json = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).is_some_and(|value| {
            let media_type = value.split(';').next().unwrap_or_default().trim();
            media_type.eq_ignore_ascii_case("application/json")
        });
        let (is_get, has_body) = (request.method() == Method::GET, !request.body().is_end_stream());
        if !is_json && !is_get && has_body {
            return Err(Problem::new(Code::InvalidBody, "Send the body as JSON, with `Content-Type: application/json`."));
        }
        let limit = state.limits.body_bytes;
        let until = Instant::now() + Duration::from_millis(u64::from(state.limits.body_ms));
        let body = read(request.into_body(), limit, until, &state.tasks).await.map_err(|fault| match fault {
            BodyFault::TooLarge => Problem::new(Code::BodyTooLarge, format!("The body is larger than {limit} bytes.")),
            BodyFault::Broken => Problem::new(Code::MalformedJson, "The connection broke while the body was being sent."),
            BodyFault::Late => Problem::new(Code::BodyTimeout, "The body did not arrive in time."),
        })?;
        if matches!(body.trim_ascii(), b"" | b"null") {
            return serde_json::from_slice(b"{}").map(Self).map_err(|error| {
                let what = error.to_string();
                let what = what.split(" at line").next().unwrap_or_default();
                Problem::new(Code::InvalidBody, format!("The request has no body: {what}. Send it as a JSON object."))
            });
        }
        serde_json::from_slice(&body).map(Self).map_err(|error| {
            // A null where a word is expected is told as a fault of syntax.
            if error.is_data() || serde_json::from_slice::<IgnoredAny>(&body).is_ok() {
                Problem::new(Code::InvalidBody, format!("The body cannot be used: {error}."))
            } else {
                Problem::new(Code::MalformedJson, format!("The body is not JSON: {error}."))
            }
        })
    }
}
