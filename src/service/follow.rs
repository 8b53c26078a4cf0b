//! Keeps the running workspaces in line with the stored ones: what is applied elsewhere runs here within two seconds.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use super::install::{Surroundings, ToInstall, install};
use super::settings_check::Integrations;
use super::stored_document::StoredDocument;
use crate::broker::store::{StoreError, StoredWorkspace};
use crate::broker::supervise::Tasks;
use crate::broker::tenant::Tenants;
use crate::core::ids::WorkspaceId;
use crate::http::state::Readiness;

/// How often the store is asked whether any workspace changed.
const LOOK_EVERY: Duration = Duration::from_millis(700);

/// Follows the stored workspaces.
pub struct Follower {
    /// What workspaces are built with.
    pub around: Surroundings,
    /// The running ones.
    pub tenants: Arc<Tenants>,
    /// Where disabled connections are told.
    pub readiness: Arc<Readiness>,
    /// Background work of workspaces.
    pub tasks: Tasks,
}

impl Follower {
    /// Follows until stopped (by dropping).
    pub async fn run(self, mut seen: u64) {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            match self.around.store.workspaces_revision().await {
                Ok(revision) if revision == seen => {}
                Ok(_) => match self.catch_up().await {
                    Ok(revision) => seen = revision,
                    Err(error) => tracing::error!(%error, "changed workspaces could not be taken up; trying again"),
                },
                Err(error) => tracing::error!(%error, "the store could not be asked for changed workspaces; trying again"),
            }
        }
    }

    /// Takes up every stored workspace as it is now; gives the revision that was taken up.
    pub async fn catch_up(&self) -> Result<u64, StoreError> {
        let revision = self.around.store.workspaces_revision().await?;
        let stored = self.around.store.workspaces().await?;
        let here: HashSet<&WorkspaceId> = stored.iter().map(|workspace| &workspace.id).collect();
        for tenant in self.tenants.all() {
            if !here.contains(&tenant.workspace.id) {
                self.tenants.remove(&tenant.workspace.id);
                tenant.tasks.stop().await;
                self.around.store.close(&tenant.workspace.id).await;
                self.tell(&tenant.workspace.id, Vec::new());
                tracing::info!(workspace = %tenant.workspace.id, "a workspace was removed");
            }
        }
        for workspace in &stored {
            let running = self.tenants.find(workspace.id.as_str());
            if running.is_none_or(|running| running.revision != workspace.revision) {
                self.take_up(workspace).await?;
            }
        }
        Ok(revision)
    }

    async fn take_up(&self, stored: &StoredWorkspace) -> Result<(), StoreError> {
        let wanted = match read(stored) {
            Ok(wanted) => wanted,
            Err(why) => {
                tracing::error!(workspace = %stored.id, %why, "a stored workspace cannot be used; its last version keeps running");
                self.tell(&stored.id, vec![format!("{}: stored workspace cannot be used: {why}", stored.id)]);
                return Ok(());
            }
        };
        // The former version's background work ends first: two pollers of one connection would spend its budget twice.
        let former = self.tenants.find(stored.id.as_str());
        if let Some(former) = &former {
            former.tasks.stop().await;
        }
        let tenant = install(&self.around, wanted, former.as_deref(), self.tasks.child()).await?;
        self.tenants.install(&tenant);
        let disabled = tenant.disabled.iter().map(|(connection, why)| format!("{}/{connection}: disabled: {why}", stored.id));
        self.tell(&stored.id, disabled.collect());
        tracing::info!(workspace = %stored.id, revision = stored.revision, "a workspace runs");
        Ok(())
    }

    fn tell(&self, workspace: &WorkspaceId, warnings: Vec<String>) {
        let mut told: std::sync::MutexGuard<'_, BTreeMap<String, Vec<String>>> =
            self.readiness.warnings.lock().unwrap_or_else(PoisonError::into_inner);
        told.insert(workspace.to_string(), warnings);
    }
}

fn read(stored: &StoredWorkspace) -> Result<ToInstall, String> {
    let document = StoredDocument::read(&stored.document)?;
    let workspace = document.workspace.build(&Integrations).map_err(|problems| {
        let texts: Vec<String> = problems.iter().map(ToString::to_string).collect();
        texts.join("; ")
    })?;
    Ok(ToInstall { workspace: Arc::new(workspace), revision: stored.revision, applied_from: document.applied_from })
}
