//! What a workspace's policies allow, but hardly mean: promises that a phone system cannot be told.

use super::problem::Problems;
use super::{SettingsCheck, Told};
use crate::core::policy::{Policy, WhenAllStopped};
use crate::core::routing::route::Outcome;
use crate::core::workspace::{GroupIx, Workspace};

/// Adds a warning for every such setting.
pub(super) fn warn(workspace: &Workspace, checks: &dyn SettingsCheck, warnings: &mut Problems<'_>) {
    for (at, policy) in workspace.policies.iter().enumerate() {
        promises(workspace, checks, (at, policy), warnings);
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
