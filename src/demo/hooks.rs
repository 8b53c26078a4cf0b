//! The demo PBX's side of the hooks: asks for a decision, posts events, in the native dialect over HTTP.
//!
//! It reads only what a PBX needs of an answer and takes no notice of fields it does not know.

use std::time::Duration;

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::loopback;

/// As long as a patient PBX waits for a hook.
const TIMEOUT: Duration = Duration::from_secs(3);

/// A question of the PBX.
#[derive(Debug, Clone, Serialize)]
pub struct Question {
    /// The call.
    pub call_id: String,
    /// E.164; null when withheld.
    pub caller: Option<String>,
    /// The number dialled.
    pub called: String,
    /// The PBX's clock.
    pub at: Timestamp,
}

/// What the PBX reads of an answer.
#[derive(Debug, Clone, Deserialize)]
pub struct Answer {
    /// The decision's id, to look it up.
    pub decision_id: Option<String>,
    /// Why.
    pub reason: String,
    /// Whom to ring, in this order.
    #[serde(default)]
    pub targets: Vec<AnsweredTarget>,
    /// Where to go after that.
    pub fallback: Option<AnsweredFallback>,
    /// What is known of the caller.
    #[serde(default)]
    pub caller: AnsweredCaller,
    /// What the answer had to do without.
    #[serde(default)]
    pub degraded: Vec<String>,
}

/// One agent to ring.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct AnsweredTarget {
    /// The agent's id.
    pub agent: String,
    /// The agent's name.
    #[serde(default)]
    pub name: String,
    /// `free`, or `busy`: ring regardless.
    pub stage: String,
    /// The agent's share of the route's calls, 0 to 1.
    #[serde(default)]
    pub share: f64,
    /// How long to ring, in real seconds.
    pub ring_seconds: f64,
    /// In order of preference; this PBX rings the first.
    #[serde(default)]
    pub numbers: Vec<AnsweredNumber>,
}

/// One way to ring an agent.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct AnsweredNumber {
    /// Extension or E.164.
    pub value: String,
}

/// Where the call goes when nobody takes it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct AnsweredFallback {
    /// Extension or E.164.
    pub number: String,
}

/// The caller as the CRM knows it.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct AnsweredCaller {
    /// Whether a CRM knows the number.
    #[serde(default)]
    pub known: bool,
    /// The contact's name.
    pub name: Option<String>,
}

/// What the PBX tells.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Event {
    /// Unique.
    pub event_id: String,
    /// The call.
    pub call_id: String,
    /// `started offered answered missed busy cancelled ended`.
    #[serde(rename = "type")]
    pub event_type: &'static str,
    /// Who, where it is about an agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// The PBX's clock.
    pub at: Timestamp,
}

/// Why a hook gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum HookError {
    /// No connection, or no answer in time.
    #[error("{path}: no answer: {source}")]
    Unreachable {
        /// `decision` or `events`.
        path: &'static str,
        /// What happened.
        source: reqwest::Error,
    },
    /// An HTTP error.
    #[error("{path}: HTTP {status}: {body}")]
    Refused {
        /// `decision` or `events`.
        path: &'static str,
        /// The status.
        status: u16,
        /// The beginning of the reply.
        body: String,
    },
    /// The reply is no answer of the native dialect.
    #[error("{path}: the reply cannot be read: {source}")]
    Malformed {
        /// `decision` or `events`.
        path: &'static str,
        /// What is wrong.
        source: serde_json::Error,
    },
}

/// A PBX's connection to the service. Cheap to clone.
#[derive(Clone)]
pub struct Hooks {
    client: reqwest::Client,
    base: String,
    token: SecretString,
}

impl Hooks {
    /// `base_url` is the service's address; workspace and connection are ids.
    pub fn new(base_url: &str, workspace: &str, connection: &str, token: SecretString) -> reqwest::Result<Self> {
        let base = format!("{}/hooks/{workspace}/{connection}", base_url.trim_end_matches('/'));
        Ok(Self { client: loopback::client(TIMEOUT)?, base, token })
    }

    /// Asks whom to ring; gives the answer and how long it took.
    pub async fn decide(&self, question: &Question) -> Result<(Answer, Duration), HookError> {
        let asked = Instant::now();
        let body = self.post("decision", question).await?;
        let took = asked.elapsed();
        match serde_json::from_slice(&body) {
            Ok(answer) => Ok((answer, took)),
            Err(source) => Err(HookError::Malformed { path: "decision", source }),
        }
    }

    /// Tells what happened. A second try carries the same ids, so that nothing counts twice.
    pub async fn tell(&self, events: &[Event]) -> Result<(), HookError> {
        match self.post("events", events).await {
            Err(HookError::Unreachable { .. }) => self.post("events", events).await.map(drop),
            done => done.map(drop),
        }
    }

    async fn post<T: Serialize + ?Sized>(&self, path: &'static str, body: &T) -> Result<Vec<u8>, HookError> {
        let unreachable = |source| HookError::Unreachable { path, source };
        let request = self.client.post(format!("{}/{path}", self.base)).bearer_auth(self.token.expose_secret()).json(body);
        let reply = request.send().await.map_err(unreachable)?;
        let status = reply.status();
        let body = reply.bytes().await.map_err(unreachable)?;
        if status.is_success() {
            return Ok(body.into());
        }
        let body = String::from_utf8_lossy(&body).chars().take(200).collect();
        Err(HookError::Refused { path, status: status.as_u16(), body })
    }
}
