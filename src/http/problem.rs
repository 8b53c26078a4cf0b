//! What goes wrong, as RFC 9457 problem details with stable codes. Internal detail is logged, never sent.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::broker::store::StoreError;

/// The stable codes of our own problems. Hooks add those of their dialect's faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// Unknown workspace, unknown connection, wrong or missing secret: deliberately the same.
    Unauthorized,
    /// The token's role may not do this.
    Forbidden,
    /// The thing does not exist.
    NotFound,
    /// The path exists, the method does not.
    MethodNotAllowed,
    /// A path or query parameter cannot be used.
    InvalidParameter,
    /// The body is not JSON.
    MalformedJson,
    /// The body is JSON, but not what is expected.
    InvalidBody,
    /// It makes sense, but not as things stand now.
    NotNow,
    /// The body is larger than allowed.
    BodyTooLarge,
    /// The body did not arrive in time.
    BodyTimeout,
    /// None of the events could be used.
    EventsRejected,
    /// Too much at once.
    Overloaded,
    /// The store cannot be written or read.
    StoreUnavailable,
    /// A fault of ours.
    Internal,
}

impl Code {
    /// Every code there is.
    pub const ALL: [Code; 14] = [
        Code::Unauthorized,
        Code::Forbidden,
        Code::NotFound,
        Code::MethodNotAllowed,
        Code::InvalidParameter,
        Code::MalformedJson,
        Code::InvalidBody,
        Code::NotNow,
        Code::BodyTooLarge,
        Code::BodyTimeout,
        Code::EventsRejected,
        Code::Overloaded,
        Code::StoreUnavailable,
        Code::Internal,
    ];

    /// The code as text.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::InvalidParameter => "invalid_parameter",
            Self::MalformedJson => "malformed_json",
            Self::InvalidBody => "invalid_body",
            Self::NotNow => "not_now",
            Self::BodyTooLarge => "body_too_large",
            Self::BodyTimeout => "body_timeout",
            Self::EventsRejected => "events_rejected",
            Self::Overloaded => "overloaded",
            Self::StoreUnavailable => "store_unavailable",
            Self::Internal => "internal",
        }
    }

    fn status(self) -> StatusCode {
        match self {
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::InvalidParameter | Self::MalformedJson => StatusCode::BAD_REQUEST,
            Self::InvalidBody | Self::EventsRejected => StatusCode::UNPROCESSABLE_ENTITY,
            Self::NotNow => StatusCode::CONFLICT,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::BodyTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::Overloaded | Self::StoreUnavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Unauthorized => "Not authorized",
            Self::Forbidden => "Not allowed for this role",
            Self::NotFound => "Not found",
            Self::MethodNotAllowed => "Method not allowed",
            Self::InvalidParameter => "Invalid parameter",
            Self::MalformedJson => "Malformed JSON",
            Self::InvalidBody => "Invalid body",
            Self::NotNow => "Not possible now",
            Self::BodyTooLarge => "Body too large",
            Self::BodyTimeout => "Body did not arrive in time",
            Self::EventsRejected => "No event could be used",
            Self::Overloaded => "Overloaded",
            Self::StoreUnavailable => "Store not available",
            Self::Internal => "Internal error",
        }
    }
}

/// One rejected event of a batch, in a problem or beside accepted ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct RejectedEvent {
    /// Its position in the request, from 0.
    pub index: usize,
    /// The stable code.
    pub code: String,
    /// What is wrong and what to do.
    pub detail: String,
}

/// A problem, as sent (RFC 9457).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Problem {
    /// `urn:meritline:problem:<code>`.
    #[serde(rename = "type")]
    pub problem_type: String,
    /// What kind of problem, for people.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened, where, and what to do next.
    pub detail: String,
    /// The stable code.
    pub code: String,
    /// Events that could not be used.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rejected: Vec<RejectedEvent>,
    #[serde(skip)]
    #[schema(ignore)]
    retry_after_seconds: Option<u64>,
}

impl Problem {
    /// A problem with this code.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        // Who is turned away for a crowd is told when to come again.
        let retry_after_seconds = (code == Code::Overloaded).then_some(1);
        Self {
            problem_type: format!("urn:meritline:problem:{}", code.as_str()),
            title: code.title().to_owned(),
            status: code.status().as_u16(),
            detail: detail.into(),
            code: code.as_str().to_owned(),
            rejected: Vec::new(),
            retry_after_seconds,
        }
    }

    /// The problem that tells a fault of a hook, by the dialect's code and status.
    pub fn of_hook_fault(code: &str, status: u16, detail: String) -> Self {
        Self {
            problem_type: format!("urn:meritline:problem:{code}"),
            title: "The hook cannot be understood".to_owned(),
            status,
            detail,
            code: code.to_owned(),
            rejected: Vec::new(),
            retry_after_seconds: None,
        }
    }

    /// The one answer to an unknown workspace, an unknown connection and a wrong secret.
    pub fn unauthorized() -> Self {
        Self::new(
            Code::Unauthorized,
            "Check the workspace and the connection in the address, and the secret or token sent with it.",
        )
    }

    /// Adds the events that could not be used.
    #[must_use]
    pub fn with_rejected(mut self, rejected: Vec<RejectedEvent>) -> Self {
        self.rejected = rejected;
        self
    }

    /// The problem as JSON.
    pub fn body(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_else(|_| b"{}".to_vec())
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Overloaded { retry_after_seconds, .. } => {
                let detail = format!("Too many writes wait. Nothing was stored: send it again in {retry_after_seconds} s.");
                Self { retry_after_seconds: Some(retry_after_seconds), ..Self::new(Code::Overloaded, detail) }
            }
            StoreError::Unavailable(_) => {
                tracing::error!(%error, "a request was refused because the store is not available");
                let detail = "The store cannot be reached or written. Nothing was stored: send it again later.";
                Self { retry_after_seconds: Some(5), ..Self::new(Code::StoreUnavailable, detail) }
            }
            StoreError::Conflict(_) | StoreError::Corrupt(_) => {
                tracing::error!(%error, "a request failed inside");
                Self::new(Code::Internal, "Something failed inside; the log says what.")
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, self.body()).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = self.retry_after_seconds {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
