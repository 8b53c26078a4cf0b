//! Reads back what the service says of itself, through the same API as anybody: scores, shares, states.
//!
//! It adds up nothing the service has not counted: an agent's share of all calls is the product of the shares along the
//! path from the top group. Fields it does not know are passed over.

use std::collections::HashMap;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::company::{Company, slug};
use super::loopback;
use super::workspace_text::{RESULTS_POLICY, TOP_GROUP};

const TIMEOUT: Duration = Duration::from_secs(3);
/// Pages of one list; more are not asked for.
const PAGES_MAX: usize = 20;

/// What the service says of one agent.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AgentView {
    /// Contracts closed; none before the first scores.
    pub contracts: Option<f64>,
    /// Mean amount of a contract; none without contracts.
    pub average_check: Option<f64>,
    /// The distribution factor, 1 = as the team's average.
    pub score: Option<f64>,
    /// The share of all calls the agent should get, 0 to 1.
    pub target_share: Option<f64>,
    /// The share of all calls the agent got in the period, 0 to 1; none before the first.
    pub actual_share: Option<f64>,
    /// Calls received in the period.
    pub received: f64,
    /// Calls owed by the team; negative when ahead.
    pub owed: Option<f64>,
    /// `free ringing talking wrap_up paused stopped off_duty unknown`.
    pub state: String,
}

/// What the service says of all agents, by the workspace's ids.
pub type View = HashMap<String, AgentView>;

/// Why the service could not be read.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// No connection, or no answer in time.
    #[error("GET {path}: no answer: {source}")]
    Unreachable {
        /// Below the workspace.
        path: String,
        /// What happened.
        source: reqwest::Error,
    },
    /// An HTTP error.
    #[error("GET {path}: HTTP {status}")]
    Refused {
        /// Below the workspace.
        path: String,
        /// The status.
        status: u16,
    },
    /// The reply is not what the API documents.
    #[error("GET {path}: the reply cannot be read: {source}")]
    Malformed {
        /// Below the workspace.
        path: String,
        /// What is wrong.
        source: serde_json::Error,
    },
}

#[derive(Deserialize)]
struct Items<T> {
    items: Vec<T>,
    next: Option<String>,
}

#[derive(Deserialize)]
struct Scores {
    agents: Vec<ScoreRow>,
}

#[derive(Deserialize)]
struct ScoreRow {
    agent: String,
    #[serde(default, deserialize_with = "number")]
    contracts_closed: Option<f64>,
    #[serde(default, deserialize_with = "number")]
    average_check: Option<f64>,
    #[serde(default, deserialize_with = "number")]
    value: Option<f64>,
}

#[derive(Deserialize)]
struct Shares {
    members: Vec<ShareRow>,
}

#[derive(Deserialize)]
struct ShareRow {
    member: String,
    #[serde(default, deserialize_with = "number")]
    target: Option<f64>,
    #[serde(default, deserialize_with = "number")]
    received: Option<f64>,
    #[serde(default, deserialize_with = "number")]
    owed: Option<f64>,
}

#[derive(Deserialize)]
struct AgentRow {
    agent: String,
    #[serde(default)]
    state: String,
}

/// A number, or a decimal as text; null is none.
fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Number(number) => Ok(number.as_f64()),
        Value::String(text) => text.parse().map(Some).map_err(serde::de::Error::custom),
        Value::Null => Ok(None),
        other => Err(serde::de::Error::custom(format!("a number is expected, not {other}"))),
    }
}

/// A reader of the service's API.
pub struct Watch {
    client: reqwest::Client,
    base: String,
    token: SecretString,
    /// (agent, team, office): ids.
    paths: Vec<(String, String, String)>,
}

impl Watch {
    /// `base_url` is the service's address; the token's role may be `viewer`.
    pub fn new(base_url: &str, workspace: &str, token: SecretString, company: &Company) -> reqwest::Result<Self> {
        let paths = company.agents.iter().map(|agent| (agent.id.clone(), agent.team.clone(), slug(&agent.office)));
        Ok(Self {
            client: loopback::client(TIMEOUT)?,
            base: format!("{}/api/v1/workspaces/{workspace}", base_url.trim_end_matches('/')),
            token,
            paths: paths.collect(),
        })
    }

    /// Looks once at everything.
    pub async fn look(&self) -> Result<View, WatchError> {
        let mut view: View = self.paths.iter().map(|(agent, ..)| (agent.clone(), AgentView::default())).collect();
        let scores: Scores = self.get(&format!("scores?policy={RESULTS_POLICY}")).await?;
        for row in scores.agents {
            if let Some(agent) = view.get_mut(&row.agent) {
                (agent.contracts, agent.average_check, agent.score) = (row.contracts_closed, row.average_check, row.value);
            }
        }
        for row in self.list::<AgentRow>("agents").await? {
            if let Some(agent) = view.get_mut(&row.agent) {
                agent.state = row.state;
            }
        }
        let shares = self.shares().await?;
        self.add_shares(&mut view, &shares);
        Ok(view)
    }

    /// The shares of every group, by (group, member).
    async fn shares(&self) -> Result<HashMap<(String, String), ShareRow>, WatchError> {
        let mut groups = vec![TOP_GROUP];
        groups.extend(self.paths.iter().flat_map(|(_, team, office)| [team.as_str(), office.as_str()]));
        groups.sort_unstable();
        groups.dedup();
        let mut all = HashMap::new();
        for group in groups {
            let shares: Shares = self.get(&format!("groups/{group}/shares")).await?;
            all.extend(shares.members.into_iter().map(|row| ((group.to_owned(), row.member.clone()), row)));
        }
        Ok(all)
    }

    fn add_shares(&self, view: &mut View, shares: &HashMap<(String, String), ShareRow>) {
        let row = |group: &str, member: &str| shares.get(&(group.to_owned(), member.to_owned()));
        let target = |group: &str, member: &str| row(group, member)?.target;
        let received = |(agent, team, _): &(String, String, String)| row(team, agent).and_then(|row| row.received).unwrap_or(0.0);
        let all: f64 = self.paths.iter().map(received).sum();
        for path in &self.paths {
            let (agent, team, office) = path;
            let Some(entry) = view.get_mut(agent) else { continue };
            entry.target_share = target(TOP_GROUP, office)
                .zip(target(office, team))
                .zip(target(team, agent))
                .map(|((office, team), agent)| office * team * agent);
            entry.received = received(path);
            entry.actual_share = (all > 0.0).then(|| entry.received / all);
            entry.owed = row(team, agent).and_then(|row| row.owed);
        }
    }

    async fn list<T: DeserializeOwned>(&self, path: &str) -> Result<Vec<T>, WatchError> {
        let mut page: Items<T> = self.get(path).await?;
        let mut items = std::mem::take(&mut page.items);
        for _ in 1..PAGES_MAX {
            let Some(cursor) = page.next.take() else { break };
            page = self.get(&format!("{path}?cursor={cursor}")).await?;
            items.append(&mut page.items);
        }
        Ok(items)
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, WatchError> {
        let unreachable = |source| WatchError::Unreachable { path: path.to_owned(), source };
        let request = self.client.get(format!("{}/{path}", self.base)).bearer_auth(self.token.expose_secret());
        let reply = request.send().await.map_err(unreachable)?;
        let status = reply.status();
        if !status.is_success() {
            return Err(WatchError::Refused { path: path.to_owned(), status: status.as_u16() });
        }
        let body = reply.bytes().await.map_err(unreachable)?;
        serde_json::from_slice(&body).map_err(|source| WatchError::Malformed { path: path.to_owned(), source })
    }
}
