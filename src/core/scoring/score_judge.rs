//! Whether a new score table may replace the one in use.
//!
//! A CRM that suddenly shows something else (a lost permission, a filter, an emptied file, a doubled import) must not turn
//! everybody's calls over before somebody has looked. What is refused is kept out, the table in use stays, and a lead may take
//! the refused one after all. It computes neither scores nor shares.

use std::collections::HashMap;

use super::adjustments::Adjustments;
use super::score_table::ScoreTable;
use crate::core::ids::{AgentId, GroupId, MemberId};
use crate::core::shares::target_share;
use crate::core::workspace::{GroupIx, PolicyIx, Workspace};

/// No target share moves further than this at one refresh.
pub const SHARE_MOVE_MAX: f64 = 0.05;

/// The number of contracts moves by no larger part than this at one refresh.
pub const CONTRACTS_MOVE_MAX: f64 = 0.3;

/// Fewer contracts more are never too many: a young history grows in leaps.
const CONTRACTS_MORE_MIN: u64 = 20;

/// Fewer contracts less are never too few: somebody corrects a mistake.
const CONTRACTS_LESS_MIN: u64 = 3;

/// Moves nearer to each other than this are the same.
const SAME_MOVE: f64 = 1e-9;

/// Why a table is computed anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    /// Deals were pulled or pushed, or time went by; nothing else changed.
    Refresh,
    /// What is excluded, settings, absences or the pool changed: shares are expected to move, the contracts there are stay.
    Reweighed,
    /// The connections, which deals count or who is whom in a CRM changed: other results are expected.
    Reconfigured,
}

/// Whether a new table replaces the one in use.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// It does.
    Accept,
    /// The one in use stays.
    Refuse(RefuseReason),
}

/// What holds while a table is kept out.
const MEANWHILE: &str = "the last scores stay in use until they are 24 hours old, then shares go back to the set ones";

/// Why a new table is not believed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum RefuseReason {
    /// Nobody has a contract any more.
    #[error(
        "the CRM shows no contracts at all, {before} agents had some before; {MEANWHILE}: check what the connection may read, or \
         accept the new scores"
    )]
    Empty {
        /// Agents with contracts in the table in use.
        before: usize,
    },
    /// Too many agents lost all their contracts at once.
    #[error(
        "{gone} of {before} agents with contracts have none any more; {MEANWHILE}: check what the connection may read, or accept \
         the new scores"
    )]
    MostVanished {
        /// Agents who lost all contracts.
        gone: usize,
        /// Agents with contracts in the table in use.
        before: usize,
    },
    /// The number of contracts moved too far at once.
    #[error(
        "the CRM shows {now} contracts where {before} were known, more than 30 % {}; {MEANWHILE}: check the deals, or \
         accept the new scores", if now > before { "more" } else { "less" }
    )]
    ContractsMoved {
        /// Contracts in the table in use.
        before: u64,
        /// Contracts in the new one.
        now: u64,
    },
    /// A target share moved too far at once.
    #[error(
        "the share of `{member}` in group `{group}` would go from {:.1} % to {:.1} %, more than 5 points at once; \
         {MEANWHILE}: check the deals, or accept the new scores", from * 100.0, to * 100.0
    )]
    ShareMoved {
        /// In which group.
        group: GroupId,
        /// Whose share moves furthest.
        member: MemberId,
        /// Target share under the table in use.
        from: f64,
        /// Target share under the new one.
        to: f64,
    },
}

/// Judges a new table's contracts against those of the one in use.
///
/// Contracts of any age are compared, so that results which merely leave the horizon raise no alarm, and only agents who
/// are in both pools, so that somebody who left does not count as vanished. The first table is taken whatever it says.
pub fn judge(previous: Option<&ScoreTable>, next: &ScoreTable, occasion: Occasion) -> Verdict {
    let Some(previous) = previous else { return Verdict::Accept };
    match occasion {
        Occasion::Reconfigured => return Verdict::Accept,
        Occasion::Refresh | Occasion::Reweighed => {}
    }
    let known_now: HashMap<&AgentId, u64> = next.agents.iter().map(|score| (&score.agent, score.contracts_known)).collect();
    let in_both: Vec<(u64, u64)> = previous
        .agents
        .iter()
        .filter_map(|before| Some((before.contracts_known, known_now.get(&before.agent).copied()?)))
        .collect();
    let had_some = || in_both.iter().filter(|(before, _)| *before > 0);
    let before = had_some().count();
    let gone = had_some().filter(|(_, now)| *now == 0).count();
    if before > 0 && next.agents.iter().all(|agent| agent.contracts_known == 0) {
        return Verdict::Refuse(RefuseReason::Empty { before });
    }
    if gone * 2 > before {
        return Verdict::Refuse(RefuseReason::MostVanished { gone, before });
    }
    let contracts = in_both.iter().fold((0, 0), |(before, now), (was, is)| (before + was, now + is));
    if moved_too_far(contracts) {
        return Verdict::Refuse(RefuseReason::ContractsMoved { before: contracts.0, now: contracts.1 });
    }
    Verdict::Accept
}

fn moved_too_far((before, now): (u64, u64)) -> bool {
    #[expect(clippy::cast_precision_loss, reason = "counts of deals")]
    let part = before.abs_diff(now) as f64 / before.max(1) as f64;
    let least = if now > before { CONTRACTS_MORE_MIN } else { CONTRACTS_LESS_MIN };
    before > 0 && part > CONTRACTS_MOVE_MAX && before.abs_diff(now) >= least
}

/// Two tables of one policy to compare.
#[derive(Debug, Clone, Copy)]
pub struct Replacement<'a> {
    /// The table in use.
    pub previous: &'a ScoreTable,
    /// The new one.
    pub next: &'a ScoreTable,
    /// What bends shares besides, under both.
    pub adjustments: &'a Adjustments,
}

/// Judges how far target shares would move. While the table in use knows no contract at all, any first results are taken.
pub fn judge_shares(workspace: &Workspace, policy: PolicyIx, tables: &Replacement<'_>, occasion: Occasion) -> Verdict {
    match occasion {
        Occasion::Reconfigured | Occasion::Reweighed => return Verdict::Accept,
        Occasion::Refresh => {}
    }
    if tables.previous.agents.iter().all(|agent| agent.contracts_known == 0) {
        return Verdict::Accept;
    }
    let groups = (0..).map(GroupIx).take(workspace.groups.len()).filter(|group| workspace.group(*group).policy == policy);
    let moves = groups.flat_map(|group| {
        let targets = |table| target_share::adjusted_targets(workspace, group, Some(table), tables.adjustments).members;
        let pairs = targets(tables.previous).into_iter().zip(targets(tables.next));
        pairs.map(move |(from, to)| (group, from.member, from.target, to.target))
    });
    // Of several the first: two people's shares move by the same when there are no others.
    let furthest = moves.reduce(|a, b| if (b.2 - b.3).abs() > (a.2 - a.3).abs() + SAME_MOVE { b } else { a });
    match furthest {
        Some((group, member, from, to)) if (from - to).abs() > SHARE_MOVE_MAX => {
            Verdict::Refuse(RefuseReason::ShareMoved { group: workspace.group(group).id.clone(), member, from, to })
        }
        Some(_) | None => Verdict::Accept,
    }
}
