//! The service put together: store, workspaces, background work, HTTP. The only place that knows all adapters.

pub mod clock;
pub mod follow;
pub mod install;
pub mod settings_check;
pub mod stored_document;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use ipnet::IpNet;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::broker::decide::Decider;
use crate::broker::ports::{Clock, IdSource};
use crate::broker::store::{Store, StoreError};
use crate::broker::supervise::Tasks;
use crate::broker::tenant::Tenants;
use crate::http::serve::serve;
use crate::http::state::{Handles, HttpLimits, Permits, Readiness};
use crate::outbound::HttpClient;
use crate::telemetry::metrics::Metrics;

use follow::Follower;
use install::{SecretsBelow, Surroundings};

/// What a service is started with.
pub struct ServiceParts {
    /// The store.
    pub store: Arc<dyn Store>,
    /// The wall clock.
    pub clock: Arc<dyn Clock>,
    /// Where ids come from.
    pub ids: Arc<dyn IdSource>,
    /// Resolves `env:` and `file:` references, files below a folder.
    pub secrets: Arc<SecretsBelow>,
    /// Private address ranges that connectors may reach.
    pub outbound_allow: Vec<IpNet>,
    /// The address that PBXs call; none means `http://{listen}`.
    pub public_url: Option<String>,
    /// Where files of connections may lie; none means the folder each workspace file was applied from.
    pub files_root: Option<PathBuf>,
    /// Sizes.
    pub limits: ServiceLimits,
}

/// How much a service takes at once.
#[derive(Debug, Clone, Copy)]
pub struct ServiceLimits {
    /// Bytes of a body.
    pub body_bytes: usize,
    /// How long a body other than a decision hook's may take to arrive, in milliseconds.
    pub body_ms: u32,
    /// Decision hooks at once; beyond that they get the fallback.
    pub decisions_in_flight_max: usize,
    /// Requests of events at once; beyond that they get 503.
    pub events_in_flight_max: usize,
    /// Requests of the API at once; beyond that they get 503.
    pub api_in_flight_max: usize,
}

impl Default for ServiceLimits {
    fn default() -> Self {
        Self {
            body_bytes: 1024 * 1024,
            body_ms: 10_000,
            decisions_in_flight_max: 512,
            events_in_flight_max: 1024,
            api_in_flight_max: 64,
        }
    }
}

/// A service that runs.
pub struct RunningService {
    /// Where it listens.
    pub address: SocketAddr,
    /// The running workspaces.
    pub tenants: Arc<Tenants>,
    /// What is counted.
    pub metrics: Metrics,
    store: Arc<dyn Store>,
    readiness: Arc<Readiness>,
    tasks: Tasks,
}

/// Starts the service on a listener; it answers when this returns.
pub async fn start(parts: ServiceParts, listener: TcpListener) -> Result<RunningService, StoreError> {
    let address = listener.local_addr().map_err(|error| StoreError::Unavailable(format!("no address to listen on: {error}")))?;
    let (tasks, tenants, metrics) = (Tasks::default(), Arc::new(Tenants::default()), Metrics::new());
    let readiness = Arc::new(Readiness::default());
    let public_url = parts.public_url.unwrap_or_else(|| format!("http://{address}"));
    let around = Surroundings {
        store: Arc::clone(&parts.store),
        clock: Arc::clone(&parts.clock),
        secrets: parts.secrets,
        http: HttpClient::new(parts.outbound_allow),
        metrics: metrics.clone(),
        public_url: public_url.trim_end_matches('/').to_owned(),
        files_root: parts.files_root,
    };
    let follower = Follower { around, tenants: Arc::clone(&tenants), readiness: Arc::clone(&readiness), tasks: tasks.clone() };
    let seen = follower.catch_up().await?;
    tasks.spawn_until_stop("workspace follower", follower.run(seen));
    let limits = parts.limits;
    let state = Arc::new(Handles {
        tenants: Arc::clone(&tenants),
        store: Arc::clone(&parts.store),
        clock: parts.clock,
        ids: Arc::clone(&parts.ids),
        decider: Arc::new(Decider::new(Arc::clone(&parts.store), parts.ids)),
        metrics: metrics.clone(),
        limits: HttpLimits { body_bytes: limits.body_bytes, body_ms: limits.body_ms },
        permits: Arc::new(Permits {
            decisions: Semaphore::new(limits.decisions_in_flight_max),
            events: Semaphore::new(limits.events_in_flight_max),
            api: Semaphore::new(limits.api_in_flight_max),
        }),
        readiness: Arc::clone(&readiness),
        tasks: tasks.clone(),
    });
    tasks.spawn("listener", serve(listener, state, tasks.clone()));
    Ok(RunningService { address, tenants, metrics, store: parts.store, readiness, tasks })
}

impl RunningService {
    /// Stops in order: not ready, then no new connections, then background work, then the store. `drain` is how long to
    /// keep serving after `/readyz` says no, so that a balancer notices.
    pub async fn stop(self, drain: Duration) {
        self.readiness.stopping.store(true, Ordering::Relaxed);
        tokio::time::sleep(drain).await;
        self.tasks.stop().await;
        for tenant in self.tenants.all() {
            tenant.tasks.stop().await;
        }
        self.store.shut_down().await;
    }
}
