//! The shares a group publishes, as a function of time: how they follow changed scores, and what becomes of them when scores
//! grow stale.
//!
//! A plan says where shares started, where they go and since when; nothing has to run for them to move, so a restart,
//! another replica and a replay see the same shares at the same instant. It must not compute targets: that is `target_share`.
//!
//! ```text
//! fresh scores:  published = target + (start - target) * 2^(-(now - since) / smoothing)
//! stale scores:  published = base + (last - base) * 2^(-(now - became stale) / smoothing)
//! ```
//!
//! Where `last` is what was published when the scores became stale: between base and it, nobody ever gets more than the
//! larger of the two.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::target_share::{MemberTarget, ShareTargets};
use crate::core::ids::MemberId;

/// Scores older than this, in seconds, are no longer followed: 24 hours.
pub const STALE_AFTER_SECONDS: u64 = 24 * 60 * 60;

/// Base shares nearer to each other than this are the same: they are typed numbers, divided by their sum.
const SAME_BASE: f64 = 1e-9;

/// The published share of each member of a group, at any time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SharePlan {
    /// In the order of the group's members.
    pub members: Vec<PlannedShare>,
    /// When the shares started to move.
    pub since: Timestamp,
    /// Half-life of the way, in seconds; 0 means at once.
    pub smoothing_seconds: u64,
    /// How old the scores are that targets were bent by; none when no score plays a part.
    #[serde(default)]
    pub scores_as_of: Option<Timestamp>,
    /// Age in seconds at which scores become stale.
    #[serde(default = "stale_after_seconds")]
    pub stale_after_seconds: u64,
}

/// One member's way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlannedShare {
    /// Who.
    pub member: MemberId,
    /// Share by typed base alone.
    pub base: f64,
    /// Where the share goes.
    pub target: f64,
    /// Where it was at `since`.
    pub start: f64,
}

fn stale_after_seconds() -> u64 {
    STALE_AFTER_SECONDS
}

impl SharePlan {
    /// The plan from `now` on, given the one in use.
    ///
    /// Shares move smoothly only when nothing but scores changed: `only_scores_changed` says so of the policy, and the plan
    /// itself sees whether members, their bases or the smoothing changed, or whether there were no scores before (the first
    /// table). In all these cases the targets are published at once; except that scores which are already stale have no say,
    /// so the base shares are.
    pub fn follow(previous: Option<&SharePlan>, targets: &ShareTargets, now: Timestamp, only_scores_changed: bool) -> Self {
        let smooth_from = previous.filter(|plan| only_scores_changed && plan.scores_as_of.is_some()).and_then(|plan| {
            let published = plan.published_by_member(now);
            (plan.smoothing_seconds == targets.smoothing_seconds && has_the_bases_of(&published, targets)).then_some(published)
        });
        let stale = targets.scores_as_of.is_some_and(|as_of| seconds_between(as_of, now) > STALE_AFTER_SECONDS as f64);
        let start = |member: &MemberTarget| match smooth_from.as_ref().and_then(|published| published.get(&member.member)) {
            Some((_, share)) => *share,
            None if stale => member.base,
            None => member.target,
        };
        let members = targets
            .members
            .iter()
            .map(|member| PlannedShare {
                start: start(member),
                member: member.member.clone(),
                base: member.base,
                target: member.target,
            })
            .collect();
        Self {
            members,
            since: now,
            smoothing_seconds: targets.smoothing_seconds,
            scores_as_of: targets.scores_as_of,
            stale_after_seconds: STALE_AFTER_SECONDS,
        }
    }

    /// The plan as it stands once something set by hand changed the targets from `was` to `is`, scores being the same: the change holds at
    /// once, and what is still to go of the way to changed scores stays to be gone.
    ///
    /// None where smoothing has no say, so that targets are published at once ([`SharePlan::follow`]): other members, typed bases or
    /// smoothing, no scores before, or stale ones.
    pub fn set_by_hand(&self, was: &ShareTargets, is: &ShareTargets, now: Timestamp) -> Option<Self> {
        let published = self.published_by_member(now);
        let smooth = self.scores_as_of.is_some() && !self.is_stale(now) && self.smoothing_seconds == was.smoothing_seconds;
        if !smooth || !has_the_bases_of(&published, was) {
            return None;
        }
        let targets: HashMap<&MemberId, f64> = self.members.iter().map(|planned| (&planned.member, planned.target)).collect();
        let to_go: Vec<f64> = is
            .members
            .iter()
            .map(|member| Some(published.get(&member.member)?.1 - targets.get(&member.member)?))
            .collect::<Option<_>>()?;
        // Nobody's share falls below 0: all come nearer to their targets then.
        let part = |(member, to_go): (&MemberTarget, &f64)| if *to_go < 0.0 { member.target / -to_go } else { 1.0 };
        let part = is.members.iter().zip(&to_go).map(part).fold(1.0, f64::min);
        let planned = |(member, to_go): (&MemberTarget, f64)| PlannedShare {
            member: member.member.clone(),
            base: member.base,
            target: member.target,
            start: member.target + part * to_go,
        };
        Some(Self { members: is.members.iter().zip(to_go).map(planned).collect(), since: now, ..self.clone() })
    }

    /// The same, for scores that somebody chose: they never grow stale.
    #[must_use]
    pub fn held(mut self) -> Self {
        self.stale_after_seconds = u64::MAX;
        self
    }

    /// The share of each member at a moment, in the order of [`SharePlan::members`]; they sum to 1 (to 0 when nobody has a
    /// base). Before `since` it is what it was then.
    pub fn published(&self, now: Timestamp) -> Vec<f64> {
        let way = self.way(now);
        self.members.iter().map(|member| way.share(member)).collect()
    }

    /// The share of one member at a moment; none for somebody who is no member.
    pub fn published_of(&self, member: &MemberId, now: Timestamp) -> Option<f64> {
        let way = self.way(now);
        self.members.iter().find(|planned| planned.member == *member).map(|planned| way.share(planned))
    }

    /// Whether the scores are too old to be followed.
    pub fn is_stale(&self, now: Timestamp) -> bool {
        self.scores_as_of.is_some_and(|as_of| seconds_between(as_of, now) > self.stale_after_seconds as f64)
    }

    fn way(&self, now: Timestamp) -> Way {
        let now = now.max(self.since);
        let Some(as_of) = self.scores_as_of.filter(|_| self.is_stale(now)) else {
            return Way { to_target_left: self.left_after(seconds_between(self.since, now)), to_base_left: 1.0 };
        };
        // Ages of the scores: when the way began, and when it turned towards base.
        let age_at_start = seconds_between(as_of, self.since);
        let age_at_turn = age_at_start.max(self.stale_after_seconds as f64);
        let fresh_seconds = age_at_turn - age_at_start;
        Way {
            to_target_left: if fresh_seconds > 0.0 { self.left_after(fresh_seconds) } else { 1.0 },
            to_base_left: self.left_after(seconds_between(as_of, now) - age_at_turn),
        }
    }

    /// What is left of a way after some time.
    fn left_after(&self, seconds: f64) -> f64 {
        left_of_way(seconds, self.smoothing_seconds)
    }

    /// Base and published share.
    fn published_by_member(&self, now: Timestamp) -> HashMap<&MemberId, (f64, f64)> {
        let way = self.way(now);
        self.members.iter().map(|planned| (&planned.member, (planned.base, way.share(planned)))).collect()
    }
}

/// What is left after some seconds of a share's way to its target: `2^(-seconds / smoothing)`; nothing without smoothing.
pub fn left_of_way(seconds: f64, smoothing_seconds: u64) -> f64 {
    if smoothing_seconds == 0 { 0.0 } else { (-seconds / smoothing_seconds as f64).exp2() }
}

fn has_the_bases_of(published: &HashMap<&MemberId, (f64, f64)>, targets: &ShareTargets) -> bool {
    let same =
        |target: &MemberTarget| published.get(&target.member).is_some_and(|(base, _)| (base - target.base).abs() < SAME_BASE);
    published.len() == targets.members.len() && targets.members.iter().all(same)
}

/// How much of the way to the target, and then of the way to base, is still to go.
#[derive(Debug, Clone, Copy)]
struct Way {
    to_target_left: f64,
    to_base_left: f64,
}

impl Way {
    fn share(&self, member: &PlannedShare) -> f64 {
        let followed = member.target + (member.start - member.target) * self.to_target_left;
        member.base + (followed - member.base) * self.to_base_left
    }
}

fn seconds_between(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64()
}
