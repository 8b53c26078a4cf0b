//! Whether the orders of `guard.when_all_stopped` name groups that exist and never lead back to where they began.
//!
//! A call goes from a group to the groups its policy names, and from there to those their policies name: a circle would never end.

use crate::core::policy::WhenAllStopped;
use crate::core::workspace::{Fault, FaultKind, Group, Noun, WorkspaceParts};

/// Adds what is wrong to `faults`.
pub(in crate::core) fn check(parts: &WorkspaceParts, groups: &[Group], faults: &mut Vec<Fault>) {
    let pointer = |policy: usize, entry: usize| format!("/policies/{policy}/guard/when_all_stopped/{entry}/group");
    let before = faults.len();
    for (policy_at, policy) in parts.policies.iter().enumerate() {
        for (at, entry) in policy.guard.when_all_stopped.iter().enumerate() {
            let WhenAllStopped::Group(id) = entry else { continue };
            if !parts.groups.iter().any(|group| group.id == *id) {
                let kind = FaultKind::Unknown { id: id.to_string(), wanted: "a group", noun: Noun::Group };
                faults.push(Fault { pointer: pointer(policy_at, at), kind });
            }
        }
    }
    if faults.len() > before {
        return;
    }
    let named = |group: usize| -> Vec<(usize, usize)> {
        let Some(policy) = groups.get(group).and_then(|group| parts.policies.get(group.policy.0 as usize)) else {
            return Vec::new();
        };
        let entries = policy.guard.when_all_stopped.iter().enumerate();
        let to = |(at, entry): (usize, &WhenAllStopped)| match entry {
            WhenAllStopped::Group(id) => Some((at, groups.iter().position(|group| group.id == *id)?)),
            WhenAllStopped::Fallback | WhenAllStopped::LeastOver | WhenAllStopped::Callback => None,
        };
        entries.filter_map(to).collect()
    };
    for start in 0..groups.len() {
        let Some((path, entry)) = circle(start, &named) else { continue };
        let ring: Vec<&str> = path.iter().filter_map(|at| groups.get(*at)).map(|group| group.id.as_str()).collect();
        let (Some(group), Some(first)) = (groups.get(start), ring.first()) else { continue };
        let text = format!(
            "when everybody in group `{first}` rests, its calls would come back to it: {}; leave that group out, or give it a policy \
             with another order",
            ring.join(" > ")
        );
        faults.push(Fault { pointer: pointer(group.policy.0 as usize, entry), kind: FaultKind::Refused(text) });
        return;
    }
}

/// A way from a group back to itself, and the entry of its order that it begins with.
fn circle(start: usize, named: &dyn Fn(usize) -> Vec<(usize, usize)>) -> Option<(Vec<usize>, usize)> {
    let mut seen = Vec::new();
    let mut open: Vec<(Vec<usize>, usize)> = named(start).into_iter().map(|(entry, to)| (vec![start, to], entry)).collect();
    while let Some((path, entry)) = open.pop() {
        let last = *path.last()?;
        if last == start {
            return Some((path, entry));
        }
        if seen.contains(&last) {
            continue;
        }
        seen.push(last);
        open.extend(named(last).into_iter().map(|(_, to)| (path.iter().copied().chain([to]).collect(), entry)));
    }
    None
}
