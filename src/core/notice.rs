//! What a sales lead should know now: sentences computed from the state at an instant.
//!
//! Nothing is stored and nothing is sent: a notice is there for as long as what it tells. Each kind is a function in
//! `SOURCES`; another kind is another function, and what it looks at is a field of [`Scene`].

mod nobody;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::distribution::misses::MissPause;
use super::distribution::roster::Roster;
use super::distribution::rotation::{self, AutomaticPauses, agents_of};
use super::distribution::tally::Tally;
use super::ids::{AgentId, GroupId, PolicyId};
use super::load::feasible_share::GroupCeiling;
use super::load::group_guard::GroupGuard;
use super::load::load_meter;
use super::record::{MemberStanding, Spared};
use super::shares::share_board::ShareBoard;
use super::working_time::shifts::{AtWork, Shifts};
use super::workspace::{AgentIx, GroupIx, MemberRef, Workspace};

/// What a notice is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    /// An agent is paused after misses in a row.
    AutomaticPause,
    /// All who are left in a group should be paused after misses in a row, and so nobody is.
    AutomaticPauseHeldBack,
    /// An agent asked for a pause after the call at hand.
    PauseAsked,
    /// A published share of a group is more than its member can carry at the load of now.
    ShareAboveFeasible,
    /// The load of a group is so high that the guard cannot let one more person rest.
    TeamOverloaded,
    /// The guard has stopped everybody left in a group.
    EverybodyRests,
    /// A PBX's clock is far from ours.
    PbxClock,
    /// A policy's new score table is kept out until a lead takes it.
    ScoresRefused,
    /// Nobody of a group can be rung while calls come.
    NobodyToRing,
}

/// One thing to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// What it is about.
    pub kind: NoticeKind,
    /// Since when it is so.
    pub since: Timestamp,
    /// About whom, if about one.
    pub agent: Option<AgentId>,
    /// In which group, if in one.
    pub group: Option<GroupId>,
    /// Under which policy, if under one.
    pub policy: Option<PolicyId>,
    /// What happened and what to do, in one sentence.
    pub text: String,
}

/// A policy's score table that is kept out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedScores {
    /// Under which policy.
    pub policy: PolicyId,
    /// When it was first refused.
    pub since: Timestamp,
    /// Why, in the words of [`RefuseReason`](super::scoring::score_judge::RefuseReason).
    pub reason: String,
}

/// What notices are computed from.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    /// The distribution state.
    pub tally: &'a Tally,
    /// The published shares.
    pub shares: &'a ShareBoard,
    /// Score tables that are kept out.
    pub refused: &'a [RefusedScores],
    /// The instant.
    pub now: Timestamp,
}

/// One kind of notice: adds what there is to know.
pub type Source = fn(&Scene<'_>, &mut Vec<Notice>);

/// All kinds.
const SOURCES: [Source; 8] = [
    automatic_pauses,
    held_back_pauses,
    asked_pauses,
    shares_above_feasible,
    guards,
    pbx_clocks,
    refused_scores,
    nobody::nobody_to_ring,
];

/// All there is to know, the newest first.
pub fn notices(scene: &Scene<'_>) -> Vec<Notice> {
    let mut found = Vec::new();
    for source in SOURCES {
        source(scene, &mut found);
    }
    found.sort_by_key(|notice| std::cmp::Reverse(notice.since));
    found
}

impl Scene<'_> {
    fn workspace(&self) -> &Workspace {
        self.tally.workspace()
    }

    fn groups(&self) -> impl Iterator<Item = GroupIx> {
        (0..).map(GroupIx).take(self.workspace().groups.len())
    }

    /// The pauses that members of a group who are at work are due, with whether they hold.
    fn due(&self, group: GroupIx) -> (bool, Vec<(AgentIx, MissPause)>) {
        let pauses = AutomaticPauses::in_group(self.tally, group, self.now);
        let shifts = Shifts::in_group(self.tally, group, self.now);
        let works = |agent: &AgentIx| matches!(shifts.at_work(*agent, self.tally.agent(*agent)), AtWork::Yes { .. });
        let due = |agent: AgentIx| Some((agent, pauses.due(self.tally.agent(agent))?));
        (pauses.hold(), agents_of(self.workspace(), group).filter(works).filter_map(due).collect())
    }

    /// The time of day as people of the workspace read it; with the date where it is another day.
    fn clock(&self, at: Timestamp) -> String {
        let zone = &self.workspace().time_zone;
        let (at, now) = (at.to_zoned_datetime(zone.clone()), self.now.to_zoned_datetime(zone.clone()));
        at.strftime(if at.date() == now.date() { "%H:%M" } else { "%Y-%m-%d %H:%M" }).to_string()
    }
}

/// One notice for an agent, however many groups pause the agent: the pause that ends last. Where the agent is still rung through other
/// groups, those that pause are named.
fn automatic_pauses(scene: &Scene<'_>, found: &mut Vec<Notice>) {
    let mut paused: BTreeMap<AgentIx, (MissPause, Vec<GroupIx>)> = BTreeMap::new();
    for group in scene.groups() {
        let (hold, due) = scene.due(group);
        for (agent, pause) in due.into_iter().filter(|_| hold) {
            let (longest, pausing) = paused.entry(agent).or_insert((pause, Vec::new()));
            pausing.push(group);
            if longest.until < pause.until {
                *longest = pause;
            }
        }
    }
    found.extend(paused.into_iter().map(|(agent, (pause, pausing))| {
        let (id, group) = (&scene.workspace().agent(agent).id, |ix: &GroupIx| scene.workspace().group(*ix).id.clone());
        let elsewhere = rotation::groups_of(scene.workspace(), agent).count() > pausing.len();
        let (place, only) = match pausing.as_slice() {
            _ if !elsewhere => (String::new(), None),
            [one] => (format!(" in group `{}`", group(one)), Some(group(one))),
            several => {
                let named: Vec<String> = several.iter().map(|ix| format!("`{}`", group(ix))).collect();
                (format!(" in groups {}", named.join(", ")), None)
            }
        };
        let text = format!(
            "`{id}` is paused{place} until {}: {pause}; ask whether all is well, and set `{id}` to available to end the pause earlier.",
            scene.clock(pause.until)
        );
        Notice { kind: NoticeKind::AutomaticPause, since: pause.since, agent: Some(id.clone()), group: only, policy: None, text }
    }));
}

/// One notice for a group in which no automatic pause holds.
fn held_back_pauses(scene: &Scene<'_>, found: &mut Vec<Notice>) {
    for group in scene.groups() {
        let (hold, due) = scene.due(group);
        let Some(since) = due.iter().map(|(_, pause)| pause.since).max().filter(|_| !hold) else { continue };
        let id = &scene.workspace().group(group).id;
        let told = |(agent, pause): &(AgentIx, MissPause)| format!("`{}` ({pause})", scene.workspace().agent(*agent).id);
        let who: Vec<String> = due.iter().map(told).collect();
        let text = format!(
            "Nobody else takes calls in group `{id}`, so these are still rung though their pause is due: {}; bring somebody in, \
             or see to their phones.",
            who.join(", ")
        );
        let only = match due.as_slice() {
            [(agent, _)] => Some(scene.workspace().agent(*agent).id.clone()),
            _ => None,
        };
        let kind = NoticeKind::AutomaticPauseHeldBack;
        found.push(Notice { kind, since, agent: only, group: Some(id.clone()), policy: None, text });
    }
}

/// Pauses asked for, until the call at hand ends and they begin.
fn asked_pauses(scene: &Scene<'_>, found: &mut Vec<Notice>) {
    for agent in (0..).map(AgentIx).take(scene.workspace().agents.len()) {
        let Some(asked) = scene.tally.agent(agent).pending_pause(scene.now) else { continue };
        let id = &scene.workspace().agent(agent).id;
        let why = asked.reason.as_deref().map(|reason| format!(" ({reason})")).unwrap_or_default();
        let until = asked.until.map(|until| format!(" until {}", scene.clock(until))).unwrap_or_default();
        let text =
            format!("`{id}` asked for a pause{why}{until} after the call at hand: count on one person fewer, or talk it over.");
        let kind = NoticeKind::PauseAsked;
        found.push(Notice { kind, since: asked.asked_at, agent: Some(id.clone()), group: None, policy: None, text });
    }
}

/// One notice for a group with shares that cannot be carried, over the calls that tell so.
fn shares_above_feasible(scene: &Scene<'_>, found: &mut Vec<Notice>) {
    for group in scene.groups() {
        let (Some(load), Some(shares)) = (load_meter::load_now(scene.tally, group, scene.now), scene.shares.group(group)) else {
            continue;
        };
        let (workspace, policy) = (scene.workspace(), &scene.workspace().policy_of(group).id);
        let brake = scene.tally.interventions().equal_shares(policy);
        let published = if brake { workspace.equal_shares(group) } else { &shares.published };
        let ceiling = GroupCeiling { workspace, group, load };
        let Some(told) = ceiling.told(published) else { continue };
        let only = match ceiling.above(published).as_slice() {
            [one] => workspace.group(group).members.get(one.member).and_then(|member| match member.who {
                MemberRef::Agent(agent) => Some(workspace.agent(agent).id.clone()),
                MemberRef::Group(_) => None,
            }),
            _ => None,
        };
        found.push(Notice {
            kind: NoticeKind::ShareAboveFeasible,
            since: load_meter::measured_since(scene.tally, group, scene.now),
            agent: only,
            group: Some(workspace.group(group).id.clone()),
            policy: Some(policy.clone()),
            text: capitalised(&told),
        });
    }
}

/// One notice for a connection whose last event came with a time far from ours.
fn pbx_clocks(scene: &Scene<'_>, found: &mut Vec<Notice>) {
    for connection in &scene.workspace().connections {
        let Some(clock) = scene.tally.pbx_clocks().difference(&connection.id) else { continue };
        let Some(text) = clock.warning(&connection.id) else { continue };
        let since = clock.received_at;
        found.push(Notice { kind: NoticeKind::PbxClock, since, agent: None, group: None, policy: None, text });
    }
}

/// One notice for each policy whose new scores are kept out.
fn refused_scores(scene: &Scene<'_>, found: &mut Vec<Notice>) {
    found.extend(scene.refused.iter().map(|refused| Notice {
        kind: NoticeKind::ScoresRefused,
        since: refused.since,
        agent: None,
        group: None,
        policy: Some(refused.policy.clone()),
        text: format!("New scores of policy `{}` are kept out: {}.", refused.policy, refused.reason),
    }));
}

/// A sentence of its own.
fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).chain(['.']).collect())
}

/// What the guard asks a lead to see to, group by group: a load that cannot be carried, or that nobody is left.
fn guards(scene: &Scene<'_>, found: &mut Vec<Notice>) {
    let workspace = scene.workspace();
    for group in scene.groups() {
        let roster = Roster::of_group(scene.tally, group, scene.now);
        let guard = GroupGuard::in_group(scene.tally, group, &roster, scene.now);
        let id = &workspace.group(group).id;
        if let Some(overload) = guard.overload() {
            let held = guard.eased().iter().filter(|member| member.spared == Some(Spared::TeamOverloaded));
            let told = |agent: AgentIx| format!("`{}`", workspace.agent(agent).id);
            let who: Vec<String> = held.map(|member| told(member.agent)).collect();
            let percent = 100.0 * overload.erlangs / f64::from(overload.left);
            let text = format!(
                "The people of group `{id}` carried {:.1} calls at a time in the last hour; with one fewer the {} left would be busy \
                 {percent:.0} % of the time, so these are still rung though they are due a rest: {}; bring somebody in, or send calls \
                 elsewhere.",
                overload.erlangs,
                overload.left,
                who.join(", ")
            );
            let kind = NoticeKind::TeamOverloaded;
            found.push(Notice { kind, since: overload.since, agent: None, group: Some(id.clone()), policy: None, text });
        }
        found.extend(everybody_rests(scene, group, &guard, &roster));
    }
}

/// A group whose people are all stopped, as far as they are on duty and not paused.
fn everybody_rests(scene: &Scene<'_>, group: GroupIx, guard: &GroupGuard, roster: &Roster<'_>) -> Option<Notice> {
    let workspace = scene.workspace();
    let rules = &workspace.policy_of(group).guard;
    let members = workspace.group(group).members.iter().enumerate().filter(|(_, member)| member.base > 0.0);
    let mut since_us = None;
    for (position, member) in members {
        let MemberRef::Agent(agent) = member.who else { return None };
        let live = scene.tally.agent(agent);
        match guard.over(position, roster.over(agent, live, live.standing(rules, scene.now, None))) {
            MemberStanding::Stopped => since_us = since_us.max(guard.of(position).map(|member| member.eased.since_us)),
            MemberStanding::OffDuty
            | MemberStanding::Paused
            | MemberStanding::NoShare
            | MemberStanding::OutsideHours
            | MemberStanding::PlannedBreak
            | MemberStanding::ShiftEnding => {}
            MemberStanding::Free | MemberStanding::Busy | MemberStanding::Reserved => return None,
        }
    }
    let since = Timestamp::from_microsecond(since_us?).ok()?;
    let id = &workspace.group(group).id;
    let text = format!(
        "Everybody left in group `{id}` rests by the overload guard: calls go where `when_all_stopped` of policy `{}` says; bring somebody \
         in.",
        workspace.policy_of(group).id
    );
    Some(Notice { kind: NoticeKind::EverybodyRests, since, agent: None, group: Some(id.clone()), policy: None, text })
}
