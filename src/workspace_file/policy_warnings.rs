//! What a workspace's policies allow, but hardly mean: promises that a phone system cannot be told, mobile callers who wait longer.

use serde_json::Value;

use super::problem::Problems;
use super::{SettingsCheck, Told};
use crate::core::policy::{Dialling, Policy, WhenAllStopped};
use crate::core::routing::route::Outcome;
use crate::core::workspace::{GroupIx, Workspace};

/// Adds a warning for every such setting.
pub(super) fn warn(workspace: &Workspace, file: &Value, checks: &dyn SettingsCheck, warnings: &mut Problems<'_>) {
    for (at, policy) in workspace.policies.iter().enumerate() {
        promises(workspace, checks, (at, policy), warnings);
        mobile_callers(&policy.dialling, &format!("/policies/{at}/dialling/mobile_callers"), file, warnings);
    }
}

/// Who calls from a mobile phone waits less: a longer wait is hardly meant.
fn mobile_callers(dialling: &Dialling, pointer: &str, file: &Value, warnings: &mut Problems<'_>) {
    let Some(mobile) = dialling.mobile_callers else { return };
    let (rings, targets) = (format!("{pointer}/ring_seconds"), format!("{pointer}/targets_max"));
    if mobile.ring_seconds > dialling.ring_seconds {
        let message = format!(
            "callers on a mobile phone, who wait less, would be rung for {} s a target, others for {} s: name at most {}",
            mobile.ring_seconds, dialling.ring_seconds, dialling.ring_seconds
        );
        warnings.push(if file.pointer(&rings).is_some() { &rings } else { pointer }, message);
    }
    // The usual figure is no more than others get: it was not asked for.
    if mobile.targets_max > dialling.targets_max && file.pointer(&targets).is_some() {
        let message = format!(
            "no caller gets more than the {} targets of `dialling.targets_max`, so {} means nothing: name fewer",
            dialling.targets_max, mobile.targets_max
        );
        warnings.push(&targets, message);
    }
}

/// A promise in place of a rest, where it can come to one: the order of a route's own group counts.
fn promises(workspace: &Workspace, checks: &dyn SettingsCheck, (at, policy): (usize, &Policy), warnings: &mut Problems<'_>) {
    let Some(entry) = policy.guard.when_all_stopped.iter().position(|entry| *entry == WhenAllStopped::Callback) else { return };
    let mut rung = workspace.routes.iter().filter_map(|route| match &route.outcome {
        Outcome::Ring { group } => Some(*group),
        Outcome::Reject | Outcome::Branch { .. } | Outcome::Callback { .. } => None,
    });
    let Some(group) = rung.find(|group: &GroupIx| workspace.policy_of(*group).id == policy.id) else { return };
    let outcome = Outcome::Callback { group: workspace.group(group).id.clone() };
    for connection in &workspace.connections {
        match checks.tells(&connection.integration, &connection.settings, &outcome) {
            Told::Instead(message) | Told::Lacking(message) => {
                let pointer = format!("/policies/{at}/guard/when_all_stopped/{entry}");
                warnings.push(&pointer, format!("connection `{}`: {message}", connection.id));
            }
            Told::AsMeant => {}
        }
    }
}
