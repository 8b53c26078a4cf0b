//! Requests of a connection: base address and headers with their secrets, budget, retries.
//!
//! The only place where secrets are in the clear; nothing that leaves it as text holds one.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use url::Url;

use super::budget::{Budget, Lane};
use super::classify::{Classifier, Verdict};
use super::manifest::{Method, RequestSpec};
use super::transport::Transport;
use crate::broker::ports::SourceError;
use crate::integration::expression::{Tree, scalar_text};
use crate::outbound::{OutboundError, OutboundRequest};

/// The largest answer, in bytes.
const ANSWER_BYTES_MAX: usize = 8 * 1024 * 1024;
/// The longest text of a CRM that is repeated, in characters.
const TEXT_CHARS_MAX: usize = 300;

/// How long a pull bears a CRM that fails in the middle of it.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Tries of one request.
    pub tries: u32,
    /// The pause after a first failure is twice this, and doubles.
    pub pause: Duration,
    /// A longer wait ends the pull; the poller comes back later.
    pub wait_max: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { tries: 4, pause: Duration::from_millis(500), wait_max: Duration::from_secs(30) }
    }
}

/// A request, compiled.
#[derive(Debug, Clone)]
pub(super) struct Request {
    method: Method,
    path: Tree,
    query: Tree,
    json: Option<Tree>,
}

impl Request {
    pub(super) fn compile(spec: &RequestSpec) -> Result<Self, String> {
        Ok(Self {
            method: spec.method,
            path: Tree::compile(&Value::String(spec.path.clone()))?,
            query: Tree::compile(&spec.query)?,
            json: if spec.json.is_null() { None } else { Some(Tree::compile(&spec.json)?) },
        })
    }
}

/// Where requests of a connection go, and how often.
pub(super) struct Link {
    pub(super) transport: Arc<dyn Transport>,
    pub(super) base: SecretString,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) secrets: Secretive,
    pub(super) classifier: Classifier,
    pub(super) budget: Budget,
    pub(super) timeout: Duration,
    pub(super) patience: Patience,
}

/// Takes secrets out of texts.
#[derive(Clone, Default)]
pub(super) struct Secretive(pub(super) Vec<SecretString>);

impl Secretive {
    /// The text without secrets and without anything that a terminal would obey, not longer than a line or two.
    pub(super) fn clean(&self, text: &str) -> String {
        let text = self.0.iter().fold(text.to_owned(), |text, secret| text.replace(secret.expose_secret(), "***"));
        text.chars().filter(|c| !c.is_control()).take(TEXT_CHARS_MAX).collect()
    }

    pub(super) fn error(&self, error: SourceError) -> SourceError {
        match error {
            SourceError::Unreachable(text) => SourceError::Unreachable(self.clean(&text)),
            SourceError::RateLimited { retry_after_seconds, detail } => {
                SourceError::RateLimited { retry_after_seconds, detail: self.clean(&detail) }
            }
            SourceError::Refused(text) => SourceError::Refused(self.clean(&text)),
            SourceError::Failed(text) => SourceError::Failed(self.clean(&text)),
            SourceError::Malformed(text) => SourceError::Malformed(self.clean(&text)),
            SourceError::Configuration(text) => SourceError::Configuration(self.clean(&text)),
        }
    }
}

/// One question to the CRM.
pub(super) struct Ask<'a> {
    pub(super) request: &'a Request,
    pub(super) scope: &'a Map<String, Value>,
    pub(super) lane: Lane,
    pub(super) timeout: Duration,
    /// The wall clock, where it is known.
    pub(super) now: Option<Timestamp>,
}

impl Link {
    /// Asks, and asks again where that may help and nobody is on the line. None: the CRM has nothing.
    pub(super) async fn ask(&self, ask: &Ask<'_>) -> Result<Option<Value>, SourceError> {
        let mut tries = 0;
        loop {
            tries += 1;
            let error = match self.once(ask).await {
                Verdict::Answer(answer) => return Ok(Some(answer)),
                Verdict::Empty => return Ok(None),
                Verdict::Lasting(error) => return Err(self.secrets.error(error)),
                Verdict::Passing(error) => error,
            };
            let wait = match &error {
                SourceError::RateLimited { retry_after_seconds, .. } => Duration::from_secs(*retry_after_seconds),
                _ => self.patience.pause.saturating_mul(1 << tries.min(6)),
            };
            let again = ask.lane == Lane::Pull && tries < self.patience.tries && wait <= self.patience.wait_max;
            if !again {
                return Err(self.secrets.error(error));
            }
            tokio::time::sleep(wait).await;
        }
    }

    async fn once(&self, ask: &Ask<'_>) -> Verdict {
        if let Err(wait) = self.budget.take(ask.lane).await {
            let retry_after_seconds = wait.as_secs() + 1;
            let detail = "our budget of requests is spent".to_owned();
            return Verdict::Passing(SourceError::RateLimited { retry_after_seconds, detail });
        }
        let request = match self.request(ask) {
            Ok(request) => request,
            Err(detail) => return Verdict::Lasting(SourceError::Configuration(detail)),
        };
        match self.transport.send(request).await {
            Ok(reply) => {
                let verdict = self.classifier.verdict(&reply, ask.now);
                if let Verdict::Passing(SourceError::RateLimited { retry_after_seconds, .. }) = &verdict {
                    self.budget.leave_alone(Duration::from_secs(*retry_after_seconds));
                }
                verdict
            }
            Err(error) => unanswered(&error),
        }
    }

    fn request(&self, ask: &Ask<'_>) -> Result<OutboundRequest, String> {
        let Request { method, path, query, json } = ask.request;
        let path = path.value(ask.scope)?;
        let path = path.as_str().ok_or("the path of a request is no text")?;
        let mut url = Url::parse(&format!("{}{path}", self.base.expose_secret())).map_err(|error| format!("address: {error}"))?;
        if let Value::Object(query) = query.value(ask.scope)? {
            let mut pairs = url.query_pairs_mut();
            for (name, value) in &query {
                pairs.append_pair(name, &scalar_text(value).unwrap_or_else(|| value.to_string()));
            }
        }
        let json = json.as_ref().map(|json| json.value(ask.scope)).transpose()?;
        Ok(OutboundRequest {
            method: match method {
                Method::Get => reqwest::Method::GET,
                Method::Post => reqwest::Method::POST,
            },
            url,
            headers: self.headers.clone(),
            json: json.map(|json| json.to_string()),
            timeout: ask.timeout,
            body_bytes_max: ANSWER_BYTES_MAX,
            redirects_max: 0,
        })
    }
}

/// What no answer means.
pub(super) fn unanswered(error: &OutboundError) -> Verdict {
    let text = error.to_string();
    match error {
        OutboundError::Forbidden(_) => Verdict::Lasting(SourceError::Configuration(text)),
        OutboundError::Redirected { .. } => Verdict::Lasting(SourceError::Failed(text)),
        OutboundError::TooLarge { .. } => Verdict::Lasting(SourceError::Malformed(text)),
        OutboundError::Connect(_) | OutboundError::Timeout { .. } | OutboundError::Broken(_) => {
            Verdict::Passing(SourceError::Unreachable(text))
        }
    }
}
