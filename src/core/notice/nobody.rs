//! Nobody of a group can be rung while calls come: told for as long as it is so.

use jiff::{SignedDuration, Timestamp};

use super::{Notice, NoticeKind, Scene};
use crate::core::distribution::rotation;
use crate::core::record::MemberStanding;
use crate::core::routing::route::Outcome;
use crate::core::working_time::shifts::{self, AtWork};
use crate::core::workspace::{AgentIx, GroupIx, MemberRef, Route, Workspace};

/// Calls come while the last of them is younger than this.
const CALLS_COME_MINUTES: i64 = 60;

/// How the people of a group stand.
#[derive(Default)]
struct Standing {
    can_be_rung: usize,
    paused: usize,
    off_duty: usize,
    outside_hours: usize,
    stopped: usize,
    /// When the last of them was set off duty or paused, as far as somebody set it.
    left_at: Option<Timestamp>,
}

/// One notice for a group with a route. Where somebody is on duty, any call of the last hour is reason enough; where all are off
/// duty, only one that found nobody: whose shift has just ended is expected to be gone.
pub(super) fn nobody_to_ring(scene: &Scene<'_>, found: &mut Vec<Notice>) {
    let workspace = scene.workspace();
    for group in scene.groups() {
        let routes: Vec<&Route> = workspace.routes.iter().filter(|route| rings(route, group)).collect();
        let standing = Standing::of(scene, group);
        if routes.is_empty() || standing.can_be_rung > 0 {
            continue;
        }
        let calls = Calls::of(scene, &routes);
        if standing.paused + standing.off_duty == 0 && standing.stopped > 0 {
            // Told as `everybody_rests`.
            continue;
        }
        if standing.paused + standing.off_duty + standing.stopped == 0 && standing.outside_hours > 0 {
            // The shift is over for everybody: nobody is expected.
            continue;
        }
        let is_all_off_duty = standing.paused + standing.stopped == 0;
        if if is_all_off_duty { calls.first_lost.is_none() } else { !calls.any } {
            continue;
        }
        found.push(Notice {
            kind: NoticeKind::NobodyToRing,
            since: standing.left_at.or(calls.first_lost).unwrap_or(scene.now),
            agent: None,
            group: Some(workspace.group(group).id.clone()),
            policy: None,
            text: text(workspace, group, &standing, &routes),
        });
    }
}

impl Standing {
    fn of(scene: &Scene<'_>, group: GroupIx) -> Self {
        let mut standing = Self::default();
        for agent in people_of(scene.workspace(), group) {
            standing.add(scene, agent);
        }
        standing
    }

    fn add(&mut self, scene: &Scene<'_>, agent: AgentIx) {
        let stands = || {
            rotation::groups_of(scene.workspace(), agent).map(|group| rotation::standing(scene.tally, group, agent, scene.now))
        };
        let counter = if stands().any(MemberStanding::in_rotation) {
            &mut self.can_be_rung
        } else {
            match stands().next() {
                Some(MemberStanding::Stopped) => &mut self.stopped,
                Some(MemberStanding::Paused | MemberStanding::PlannedBreak | MemberStanding::ShiftEnding) => &mut self.paused,
                Some(MemberStanding::Free | MemberStanding::Busy | MemberStanding::Reserved) => &mut self.can_be_rung,
                _ if matches!(shifts::at_work(scene.tally, agent, scene.now), AtWork::Off { .. }) => &mut self.outside_hours,
                Some(MemberStanding::OffDuty | MemberStanding::OutsideHours | MemberStanding::NoShare) | None => {
                    &mut self.off_duty
                }
            }
        };
        *counter += 1;
        let set_at = scene.tally.agent(agent).set_by_hand(scene.now).map(|presence| presence.set_at);
        self.left_at = self.left_at.max(set_at.filter(|at| *at <= scene.now));
    }
}

/// Whether a route's calls are rung among the people of a group.
fn rings(route: &Route, group: GroupIx) -> bool {
    match &route.outcome {
        Outcome::Ring { group: rung } => *rung == group,
        Outcome::Callback { .. } | Outcome::Reject | Outcome::Branch { .. } => false,
    }
}

/// Everybody who is rung through a group or a group inside it.
fn people_of(workspace: &Workspace, group: GroupIx) -> Vec<AgentIx> {
    let members = workspace.group(group).members.iter().filter(|member| member.base > 0.0);
    let mut people: Vec<AgentIx> = members
        .flat_map(|member| match member.who {
            MemberRef::Agent(agent) => vec![agent],
            MemberRef::Group(below) => people_of(workspace, below),
        })
        .collect();
    people.sort_unstable();
    people.dedup();
    people
}

/// The calls of the last hour through some routes.
struct Calls {
    any: bool,
    /// The first that found nobody.
    first_lost: Option<Timestamp>,
}

impl Calls {
    fn of(scene: &Scene<'_>, routes: &[&Route]) -> Self {
        let since = scene.now.checked_sub(SignedDuration::from_mins(CALLS_COME_MINUTES)).unwrap_or(Timestamp::MIN);
        let through = |route: &Option<_>| routes.iter().any(|known| Some(&known.id) == route.as_ref());
        let recent = scene.tally.recent().iter().map(|(_, call)| call);
        let of_routes = recent.filter(|call| call.calls_back.is_none() && call.asked_at > since && through(&call.route));
        of_routes.fold(Self { any: false, first_lost: None }, |known, call| {
            let lost = call.offered.is_none().then_some(call.asked_at);
            Self { any: true, first_lost: known.first_lost.into_iter().chain(lost).min() }
        })
    }
}

fn text(workspace: &Workspace, group: GroupIx, standing: &Standing, routes: &[&Route]) -> String {
    let Standing { paused, off_duty, outside_hours, stopped, .. } = standing;
    let outside = (outside_hours, "outside working hours");
    let counts = [(paused, "paused"), (off_duty, "off duty"), outside, (stopped, "stopped by the guard")];
    let who: Vec<String> = counts.iter().filter(|(count, _)| **count > 0).map(|(count, how)| format!("{count} {how}")).collect();
    let who = if who.is_empty() { "it has no people".to_owned() } else { who.join(", ") };
    let to_nobody: Vec<String> =
        routes.iter().filter(|route| route.fallback.is_none()).map(|route| format!("`{}`", route.id)).collect();
    let (calls, further) = match to_nobody.as_slice() {
        [] => ("calls go to the fallback".to_owned(), ""),
        all if all.len() == routes.len() => ("calls go to nobody".to_owned(), ", or give the route a `fallback`"),
        some => (format!("calls of route {} go to nobody, others to the fallback", some.join(", ")), ", or give it a `fallback`"),
    };
    format!("Nobody can be rung in group `{}` now ({who}); {calls}: bring somebody in{further}.", workspace.group(group).id)
}
