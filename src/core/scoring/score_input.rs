//! What scores are computed from, besides the deals.
//!
//! Values only: whoever computes scores gathers them, the formulas read them.

use jiff::Timestamp;

use super::exclusions::Exclusions;
use super::handled_call::HandledCall;
use crate::core::policy::ScoreSettings;
use crate::core::working_time::duty_days::OffDutySpan;
use crate::core::workspace::{PolicyIx, Workspace};

/// What scores are computed from, besides the deals.
#[derive(Debug, Clone, Copy)]
pub struct ScoreInput<'a> {
    /// Agents, their CRM users, their absences and the currency.
    pub workspace: &'a Workspace,
    /// Whose pool is compared.
    pub policy: PolicyIx,
    /// The policy's score settings.
    pub settings: &'a ScoreSettings,
    /// Conversations, in any order; read only with [`Exposure::Calls`](crate::core::policy::Exposure::Calls).
    pub handled_calls: &'a [HandledCall],
    /// What shall not count; none excludes nothing.
    pub exclusions: Option<&'a Exclusions>,
    /// When people were set off duty, beside the absences of the document.
    pub off_duty: &'a [OffDutySpan],
    /// When the deals were last known to be current: the oldest of the connections' last good pulls.
    pub as_of: Timestamp,
    /// The moment from which ages are counted.
    pub now: Timestamp,
}

impl<'a> ScoreInput<'a> {
    /// The input for a policy whose deals are current now, with nothing else; none when the policy keeps no scores.
    pub fn of(workspace: &'a Workspace, policy: PolicyIx, now: Timestamp) -> Option<Self> {
        let settings = workspace.policy(policy).score.as_ref()?;
        let (handled_calls, exclusions, off_duty) = (&[], None, &[]);
        Some(Self { workspace, policy, settings, handled_calls, exclusions, off_duty, as_of: now, now })
    }
}
