//! What a score table was computed with, apart from the deals: tells which difference between two tables was to be expected.
//!
//! It computes nothing: what follows from an occasion is `core::scoring::score_judge`'s.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::core::ids::{AgentId, ConnectionId, CrmUserId};
use crate::core::scoring::score_judge::Occasion;
use crate::core::workspace::{PolicyIx, Workspace};

/// What a table was computed with. Stored as JSON: fields are only added, each with a default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ScoreBasis {
    /// A text that differs when other deals count, or for others: connections, filters, what conversions are counted from.
    source: String,
    /// The policy's connections that have ever given deals.
    answered: BTreeSet<ConnectionId>,
    /// Who is whom in those connections, for each agent of the pool.
    users: BTreeMap<AgentId, BTreeMap<ConnectionId, CrmUserId>>,
    /// A text that differs when results weigh otherwise: settings, currency, absences.
    weighing: String,
    /// When what is excluded last changed.
    exclusions_changed_at: Option<Timestamp>,
}

impl ScoreBasis {
    /// Of a policy now. `answered` are the connections that have ever given deals.
    pub fn of(
        workspace: &Workspace,
        policy: PolicyIx,
        answered: BTreeSet<ConnectionId>,
        exclusions_changed_at: Option<Timestamp>,
    ) -> Self {
        let settings = workspace.policy(policy).score.as_ref();
        let source =
            settings.map(|score| format!("{:?} {:?} {:?} {}", score.crm, score.deals, score.exposure, score.min_talk_seconds));
        let is_read = |connection: &ConnectionId| settings.is_some_and(|score| score.crm.contains(connection));
        let agents = || workspace.pool(policy).into_iter().map(|agent| workspace.agent(agent));
        let users = agents().map(|agent| {
            let read = agent.crm_users.iter().filter(|(connection, _)| is_read(connection));
            (agent.id.clone(), read.map(|(connection, user)| (connection.clone(), user.clone())).collect())
        });
        let absences: Vec<_> = agents().map(|agent| &agent.duty.absences).collect();
        let groups = workspace.pooled_groups(policy);
        // Said only where there are some: what was stored before is still the same.
        let groups = if groups.is_empty() { String::new() } else { format!(" {groups:?}") };
        Self {
            source: source.unwrap_or_default(),
            answered,
            users: users.collect(),
            weighing: format!("{settings:?} {} {absences:?}{groups}", workspace.currency),
            exclusions_changed_at,
        }
    }

    /// Why a table is computed with this, given what the one in use was computed with. While a table is kept out
    /// (`is_quarantined`), only another source of results lets the next one in unjudged: else whatever is set by hand would lift
    /// the quarantine.
    pub fn occasion(&self, before: Option<&Self>, is_quarantined: bool) -> Occasion {
        match before {
            Some(before) if !self.has_the_source_of(before) => Occasion::Reconfigured,
            Some(before) if self != before && !is_quarantined => Occasion::Reweighed,
            Some(_) | None => Occasion::Refresh,
        }
    }

    /// Whoever came or went changes no contract of those who stayed.
    fn has_the_source_of(&self, before: &Self) -> bool {
        let stayed = |(agent, users)| before.users.get(agent).is_none_or(|known| known == users);
        self.source == before.source && self.answered == before.answered && self.users.iter().all(stayed)
    }
}
