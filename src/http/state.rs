//! What every handler shares: cheap handles.

use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::broker::decide::Decider;
use crate::broker::ports::{Clock, IdSource};
use crate::broker::store::Store;
use crate::broker::supervise::Tasks;
use crate::broker::tenant::Tenants;
use crate::telemetry::metrics::Metrics;

/// Cloned per request: one count goes up.
pub type AppState = Arc<Handles>;

/// Handles.
pub struct Handles {
    /// Running workspaces.
    pub tenants: Arc<Tenants>,
    /// The store.
    pub store: Arc<dyn Store>,
    /// The wall clock.
    pub clock: Arc<dyn Clock>,
    /// Where ids come from.
    pub ids: Arc<dyn IdSource>,
    /// Decides hooks.
    pub decider: Arc<Decider>,
    /// What is counted.
    pub metrics: Metrics,
    /// Sizes.
    pub limits: HttpLimits,
    /// How many of each class run at once: a flood of one class cannot starve the others.
    pub permits: Arc<Permits>,
    /// What the operator should know about the running workspaces.
    pub readiness: Arc<Readiness>,
    /// Starts what goes on after an answer; ends with the service.
    pub tasks: Tasks,
}

/// Sizes of what is taken in.
#[derive(Debug, Clone, Copy)]
pub struct HttpLimits {
    /// Bytes of a body.
    pub body_bytes: usize,
    /// How long a body other than a decision hook's may take to arrive, in milliseconds.
    pub body_ms: u32,
}

/// How many requests of a class may run at once.
pub struct Permits {
    /// Decision hooks.
    pub decisions: Semaphore,
    /// Call events.
    pub events: Semaphore,
    /// The API.
    pub api: Semaphore,
}

/// What `/readyz` tells: whether the service is stopping, and which connections are disabled, and why.
#[derive(Debug, Default)]
pub struct Readiness {
    /// Set once the service stops.
    pub stopping: std::sync::atomic::AtomicBool,
    /// `workspace/connection: reason`, by workspace.
    pub warnings: std::sync::Mutex<std::collections::BTreeMap<String, Vec<String>>>,
}
