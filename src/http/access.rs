//! Who may do what: bearer tokens with roles, checked by an extractor, so that a handler cannot forget to.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Path};
use axum::http::{HeaderMap, header, request::Parts};
use sha2::{Digest, Sha256};

use super::problem::{Code, Problem};
use super::state::AppState;
use crate::broker::permits::{self, Places};
use crate::broker::tenant::Tenant;
use crate::core::ids::AgentId;

/// What a token or a person may do. Every role reads what `viewer` reads, `agent` too; the functions below say what only
/// some may. Whoever is an agent also sets that agent's own presence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, clap::ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum Role {
    /// Runs the service.
    Operator,
    /// Connects PBX and CRM.
    CrmAdmin,
    /// Tunes weights, reads reports.
    SalesLead,
    /// Answers calls.
    Agent,
    /// Reads.
    Viewer,
}

impl Role {
    /// The role as text.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::CrmAdmin => "crm_admin",
            Self::SalesLead => "sales_lead",
            Self::Agent => "agent",
            Self::Viewer => "viewer",
        }
    }

    /// Reads a role.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Operator, Self::CrmAdmin, Self::SalesLead, Self::Agent, Self::Viewer]
            .into_iter()
            .find(|role| role.as_str() == text)
    }

    /// Whether the role may set any agent's presence.
    pub fn may_set_presence_of_others(self) -> bool {
        match self {
            Self::Operator | Self::SalesLead => true,
            Self::CrmAdmin | Self::Agent | Self::Viewer => false,
        }
    }

    /// Whether the role may put equal shares in place of a policy's.
    pub fn may_brake(self) -> bool {
        match self {
            Self::Operator | Self::SalesLead => true,
            Self::CrmAdmin | Self::Agent | Self::Viewer => false,
        }
    }

    /// Whether the role may correct scores, take things out of them, and choose which version holds.
    pub fn may_correct_scores(self) -> bool {
        match self {
            Self::Operator | Self::SalesLead => true,
            Self::CrmAdmin | Self::Agent | Self::Viewer => false,
        }
    }

    /// Whether the role may see what everybody's results come to; an agent sees the own.
    pub fn may_see_scores_of_others(self) -> bool {
        match self {
            Self::Operator | Self::CrmAdmin | Self::SalesLead | Self::Viewer => true,
            Self::Agent => false,
        }
    }

    /// Whether the role may know beforehand in which blocks an experiment follows the policy.
    pub fn may_see_schedule(self) -> bool {
        match self {
            Self::Operator | Self::CrmAdmin | Self::SalesLead | Self::Viewer => true,
            Self::Agent => false,
        }
    }

    /// Whether the role may see what a sales lead should know of everybody.
    pub fn may_see_notices(self) -> bool {
        match self {
            Self::Operator | Self::CrmAdmin | Self::SalesLead | Self::Viewer => true,
            Self::Agent => false,
        }
    }

    /// Whether the role may see the log of a connection.
    pub fn may_see_inbox(self) -> bool {
        match self {
            Self::Operator | Self::CrmAdmin => true,
            Self::SalesLead | Self::Agent | Self::Viewer => false,
        }
    }

    /// Whether the role may see callers' numbers in full.
    pub fn may_see_callers(self) -> bool {
        match self {
            Self::Operator | Self::CrmAdmin | Self::SalesLead => true,
            Self::Agent | Self::Viewer => false,
        }
    }
}

/// Who asks, in which workspace. Taking this as an argument is what makes a handler ask for a token.
pub struct Reader {
    /// The running workspace of the path, which is the token's.
    pub tenant: Arc<Tenant>,
    /// What the token may do.
    pub role: Role,
    /// For role `agent`: who.
    pub agent: Option<AgentId>,
    /// Reading must never crowd out hooks, nor one workspace's readers those of another. Held as long as the request runs.
    _places: Places,
}

impl FromRequestParts<AppState> for Reader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let Path(path) = Path::<std::collections::HashMap<String, String>>::from_request_parts(parts, state)
            .await
            .map_err(|error| Problem::new(Code::InvalidParameter, error.to_string()))?;
        let refuse = || {
            state.metrics.unauthorized.inc();
            Problem::unauthorized()
        };
        let token = bearer(&parts.headers).ok_or_else(refuse)?;
        let stored = state.store.token(&hash(token)).await?.ok_or_else(refuse)?;
        let workspace = path.get("workspace").ok_or_else(refuse)?;
        if stored.workspace.as_str() != workspace {
            return Err(refuse());
        }
        let tenant = state.tenants.find(workspace).ok_or_else(refuse)?;
        let role = Role::parse(&stored.role).ok_or_else(refuse)?;
        // Only now: strangers take no places, and learn nothing about who has how many.
        let places = permits::take(&tenant.permits.api, &state.permits.api)
            .ok_or_else(|| Problem::new(Code::Overloaded, "Too many requests at once: try again in a second."))?;
        Ok(Self { tenant, role, agent: stored.agent, _places: places })
    }
}

/// The bearer token of a request.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The stored form of a token: SHA-256 (a token has 256 random bits, so that nothing slower is needed).
pub fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}
