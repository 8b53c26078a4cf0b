//! Warns of what no named connection can ever supply: a metric that says nothing of anybody, an experiment that proves nothing.

use super::problem::Problems;
use super::{SettingsCheck, Supplied};
use crate::core::metric::Metric;
use crate::core::workspace::{Connection, ConnectionKind, Workspace};

/// Adds a warning for every such setting.
pub(super) fn warn(workspace: &Workspace, checks: &dyn SettingsCheck, warnings: &mut Problems<'_>) {
    for (at, policy) in workspace.policies.iter().enumerate() {
        let is_read = |connection: &&Connection| match (&policy.score, connection.kind) {
            (_, ConnectionKind::Pbx { .. }) => false,
            (Some(score), ConnectionKind::Crm { .. }) => score.crm.contains(&connection.id),
            (None, ConnectionKind::Crm { .. }) => true,
        };
        let read: Vec<&Connection> = workspace.connections.iter().filter(is_read).collect();
        let supplied = read.iter().map(|connection| checks.supplied(&connection.integration, &connection.settings));
        // What one of them supplies cannot be told: nothing is said then.
        let Some(supplied) = supplied.collect::<Option<Vec<Supplied>>>() else { continue };
        let names: Vec<String> = read.iter().map(|connection| format!("`{}`", connection.id)).collect();
        let names = names.join(", ");
        for metric in policy.score.iter().flat_map(|score| &score.metrics) {
            let Metric::Supplied(name) = &metric.metric else { continue };
            if !supplied.iter().any(|one| one.metrics.iter().any(|known| **known == **name)) {
                let message = format!(
                    "none of the policy's connections ({names}) supplies `{name}`, so everybody counts as average in it: map it in \
                     `metrics` of a connection's settings, or leave it out"
                );
                warnings.push(&format!("/policies/{at}/score/metrics/{name}"), message);
            }
        }
        if read.is_empty() {
            if policy.rollout.experiment.is_some() {
                let message = "there is no CRM connection, so no contract is known and the experiment can never prove anything";
                warnings.push(&format!("/policies/{at}/experiment"), message);
            }
            continue;
        }
        if policy.rollout.experiment.is_some() && !supplied.iter().any(|one| one.contact_phones) {
            let message = format!(
                "none of the policy's connections ({names}) supplies phone numbers of contacts, so no contract can be matched with a \
                 call and the experiment can never prove anything: map `contact_phones`, or compare by hand"
            );
            warnings.push(&format!("/policies/{at}/experiment"), message);
        }
    }
}
