//! How many people a member stands for, and how many of them are there: shares of groups by the number of their people.
//!
//! Published shares follow everybody who can be rung through a member, so that they do not move during a day. A call is shared out
//! by those in the rotation (on duty, not paused; busy or not): of two groups of four, one with a single person there gets a fifth
//! of the calls while the other is complete.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::core::distribution::rotation;
use crate::core::distribution::tally::Tally;
use crate::core::policy::Policy;
use crate::core::proving::rollout;
use crate::core::workspace::{AgentIx, GroupIx, Member, MemberRef, Workspace};

/// What a member's share follows before scores: the typed base where the mode uses it; the number of its people under
/// `head_count`; else the same for everybody. Base 0 keeps a member out under every mode.
pub(in crate::core) fn typed(workspace: &Workspace, policy: &Policy, member: &Member) -> f64 {
    use crate::core::policy::Mode;
    match policy.mode {
        _ if member.base <= 0.0 => member.base,
        Mode::Percent | Mode::Performance => member.base,
        Mode::HeadCount => people(workspace, member).len() as f64,
        Mode::EqualCalls | Mode::EqualTalkTime => 1.0,
    }
}

/// Everybody who can be rung through a member, each once.
pub fn people(workspace: &Workspace, member: &Member) -> BTreeSet<AgentIx> {
    let mut people = BTreeSet::new();
    rollout::add_people(&workspace.groups, member, &mut people);
    people
}

/// Which part of the people of each member of a group is in the rotation; 1 for a member without people.
pub fn parts_there(tally: &Tally, group: GroupIx, now: Timestamp) -> Vec<f64> {
    let members = tally.workspace().group(group).members.iter().enumerate();
    let part_there = |(position, member): (usize, &Member)| {
        let mut there = Vec::new();
        add_there(tally, group, member, now, &mut there);
        part(there, tally.workspace().head_counts(group).get(position))
    };
    members.map(part_there).collect()
}

/// Those who are there, perhaps named twice, as a part of all.
pub(in crate::core) fn part(mut there: Vec<AgentIx>, all: Option<&usize>) -> f64 {
    there.sort_unstable();
    there.dedup();
    match all {
        None | Some(0) => 1.0,
        Some(all) => there.len() as f64 / *all as f64,
    }
}

fn add_there(tally: &Tally, group: GroupIx, member: &Member, now: Timestamp, there: &mut Vec<AgentIx>) {
    match member.who {
        _ if member.base <= 0.0 => {}
        MemberRef::Agent(agent) => {
            if rotation::standing(tally, group, agent, now).in_rotation() {
                there.push(agent);
            }
        }
        MemberRef::Group(below) => {
            let members = &tally.workspace().group(below).members;
            members.iter().for_each(|member| add_there(tally, below, member, now, there));
        }
    }
}
