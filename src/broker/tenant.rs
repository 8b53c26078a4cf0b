//! Running workspaces: each with its own shares, caller cache and background tasks, so that none sees or slows another.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arc_swap::ArcSwap;

use super::caller_lookup::CallerLookup;
use super::hook::HookEndpoint;
use super::permits::Permits;
use super::refresh_scores::ScoreBook;
use super::supervise::Tasks;
use crate::core::ids::{ConnectionId, WorkspaceId};
use crate::core::shares::share_board::ShareBoard;
use crate::core::workspace::Workspace;

/// Who knows callers in a workspace.
#[derive(Clone)]
pub struct Directory {
    /// The CRM connection that is asked.
    pub connection: ConnectionId,
    /// The cache in front of it.
    pub lookup: CallerLookup,
}

/// One running workspace, at one version of its document.
pub struct Tenant {
    /// The checked document.
    pub workspace: Arc<Workspace>,
    /// The version of the document.
    pub revision: u64,
    /// Published shares, swapped as a whole.
    pub shares: ArcSwap<ShareBoard>,
    /// Scores and the plans of shares, by policy.
    pub scores: ScoreBook,
    /// Where hooks are received, by PBX connection; a disabled one is missing here.
    pub hooks: HashMap<ConnectionId, HookEndpoint>,
    /// Who knows callers, if a CRM connection does.
    pub directory: Option<Directory>,
    /// Connections that cannot be used (a secret is missing), and why.
    pub disabled: BTreeMap<ConnectionId, String>,
    /// Its own places; a newer version of the workspace goes on with the same.
    pub permits: Arc<Permits>,
    /// Held from asking whether an agent may rest until the rest is set: of two who ask at once, one must see the other go.
    pub rest_turn: tokio::sync::Mutex<()>,
    /// Its background tasks; they end when the workspace changes or goes.
    pub tasks: Tasks,
}

/// All running workspaces. Readers never wait.
#[derive(Default)]
pub struct Tenants {
    by_id: ArcSwap<HashMap<WorkspaceId, Arc<Tenant>>>,
}

impl Tenants {
    /// The running workspace with this id.
    pub fn find(&self, id: &str) -> Option<Arc<Tenant>> {
        self.by_id.load().get(id).cloned()
    }

    /// All of them.
    pub fn all(&self) -> Vec<Arc<Tenant>> {
        self.by_id.load().values().cloned().collect()
    }

    /// Puts a workspace in place of its former version; gives that.
    pub fn install(&self, tenant: &Arc<Tenant>) -> Option<Arc<Tenant>> {
        let id = tenant.workspace.id.clone();
        let before = self.by_id.rcu(|known| {
            let mut next = HashMap::clone(known);
            next.insert(id.clone(), Arc::clone(tenant));
            next
        });
        before.get(&id).cloned()
    }

    /// Takes a workspace away; gives it.
    pub fn remove(&self, id: &WorkspaceId) -> Option<Arc<Tenant>> {
        let before = self.by_id.rcu(|known| {
            let mut next = HashMap::clone(known);
            next.remove(id);
            next
        });
        before.get(id).cloned()
    }
}
