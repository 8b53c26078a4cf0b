//! From a stored workspace to a running one: dialects, caller directory, pollers, shares.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use secrecy::SecretString;

use crate::broker::assign_callbacks::CallbackAssigner;
use crate::broker::caller_lookup::{CallerLookup, LookupLimits};
use crate::broker::hook::HookEndpoint;
use crate::broker::permits::{InFlightMax, Permits};
use crate::broker::poll_deals::Poller;
use crate::broker::ports::{CallerDirectory, Clock, DealSource, IdSource};
use crate::broker::refresh_scores::{self, SHARES_STEP_SECONDS, ScoreBook};
use crate::broker::store::{Store, StoreError};
use crate::broker::supervise::Tasks;
use crate::broker::tenant::{Directory, Tenant};
use crate::core::ids::ConnectionId;
use crate::core::shares::share_board::ShareBoard;
use crate::core::workspace::{Connection, ConnectionKind, Workspace};
use crate::integration::crm::{Connector, ConnectorContext, Patience};
use crate::integration::pbx::{self, ConfiguredDialect, Dialect};
use crate::integration::secrets::Secrets;
use crate::outbound::HttpClient;
use crate::telemetry::metrics::{ConnectionLabels, IdLabel, Metrics, OutcomeLabels};

/// What every running workspace is built with.
#[derive(Clone)]
pub struct Surroundings {
    /// The store.
    pub store: Arc<dyn Store>,
    /// The wall clock.
    pub clock: Arc<dyn Clock>,
    /// Where ids come from.
    pub ids: Arc<dyn IdSource>,
    /// Resolves `env:` and `file:` references, files below a folder.
    pub secrets: Arc<SecretsBelow>,
    /// The one HTTP client.
    pub http: HttpClient,
    /// What is counted.
    pub metrics: Metrics,
    /// The address that PBXs call, without a slash at the end.
    pub public_url: String,
    /// Where files of connections may lie; none means the folder each workspace file was applied from.
    pub files_root: Option<PathBuf>,
    /// How many requests of one workspace run at once.
    pub in_flight_max: InFlightMax,
}

/// Makes a resolver of secrets whose files lie below a folder.
pub type SecretsBelow = dyn Fn(&Path) -> Arc<dyn Secrets> + Send + Sync;

/// A checked workspace to run.
pub struct ToInstall {
    /// The workspace.
    pub workspace: Arc<Workspace>,
    /// The version of its document.
    pub revision: u64,
    /// The folder its file was applied from.
    pub applied_from: PathBuf,
}

struct CrmConnection {
    id: ConnectionId,
    refresh_seconds: u32,
    connector: Arc<Connector>,
}

/// Prepares a workspace and starts its background work among `tasks`. `former` is its version that ran until now.
pub async fn install(
    around: &Surroundings,
    wanted: ToInstall,
    former: Option<&Tenant>,
    tasks: Tasks,
) -> Result<Arc<Tenant>, StoreError> {
    let now = around.clock.now();
    let ToInstall { workspace, revision, applied_from } = wanted;
    let files_root = around.files_root.clone().unwrap_or(applied_from);
    let place = Place { around, workspace: &workspace, secrets: (around.secrets)(&files_root), files_root };
    around.store.open(Arc::clone(&workspace), now).await?;
    let mut disabled = BTreeMap::new();
    let hooks = place.endpoints(&mut disabled);
    let crm = place.connectors(&mut disabled);
    let directory = crm.iter().find(|crm| crm.connector.looks_up()).map(|crm| Directory {
        connection: crm.id.clone(),
        lookup: CallerLookup::new(Arc::clone(&crm.connector) as Arc<dyn CallerDirectory>, LookupLimits::default(), tasks.clone()),
    });
    let shares = ArcSwap::from_pointee(ShareBoard::of_base(&workspace));
    // The former version's requests still run in its places.
    let permits = former.map_or_else(|| Arc::new(Permits::new(around.in_flight_max)), |former| Arc::clone(&former.permits));
    let (scores, rest_turn) = (ScoreBook::default(), tokio::sync::Mutex::default());
    let tenant = Arc::new(Tenant { workspace, revision, shares, scores, hooks, directory, disabled, permits, rest_turn, tasks });
    refresh_scores::restore(&around.store, &tenant, now).await?;
    for crm in crm {
        start_poller(around, &tenant, crm);
    }
    start_share_steps(around, &tenant);
    let callbacks = CallbackAssigner {
        store: Arc::clone(&around.store),
        clock: Arc::clone(&around.clock),
        ids: Arc::clone(&around.ids),
        tenant: Arc::clone(&tenant),
    };
    tenant.tasks.spawn_until_stop("callbacks", callbacks.run());
    Ok(tenant)
}

/// One workspace with what its connections are built from.
struct Place<'a> {
    around: &'a Surroundings,
    workspace: &'a Workspace,
    secrets: Arc<dyn Secrets>,
    files_root: PathBuf,
}

impl Place<'_> {
    fn endpoints(&self, disabled: &mut BTreeMap<ConnectionId, String>) -> HashMap<ConnectionId, HookEndpoint> {
        let mut endpoints = HashMap::new();
        for connection in &self.workspace.connections {
            let ConnectionKind::Pbx { deadline_ms, .. } = connection.kind else { continue };
            match self.endpoint(connection, deadline_ms) {
                Ok(endpoint) => drop(endpoints.insert(connection.id.clone(), endpoint)),
                Err(why) => self.disable(connection, why, disabled),
            }
        }
        endpoints
    }

    fn endpoint(&self, connection: &Connection, deadline_ms: u32) -> Result<HookEndpoint, String> {
        let manifest = pbx::registry::find(&connection.integration).map_err(|error| error.to_string())?;
        let secret = self.secret(connection, &manifest.secret.setting)?;
        let dialect = Dialect::build(connection, &manifest).map_err(|error| error.to_string())?;
        let configured = ConfiguredDialect {
            dialect: Arc::new(dialect),
            default_region: self.workspace.default_region.clone(),
            hook_url: format!("{}/hooks/{}/{}", self.around.public_url, self.workspace.id, connection.id),
            secret: secret.clone(),
        };
        Ok(HookEndpoint { dialect: Arc::new(configured), secret, deadline_ms })
    }

    fn secret(&self, connection: &Connection, setting: &str) -> Result<SecretString, String> {
        let reference = connection.settings.get(setting).and_then(serde_json::Value::as_str);
        let reference = reference.ok_or_else(|| format!("its setting `{setting}` is missing"))?;
        self.secrets.resolve(reference).map_err(|error| format!("setting `{setting}`: {error}"))
    }

    fn connectors(&self, disabled: &mut BTreeMap<ConnectionId, String>) -> Vec<CrmConnection> {
        let mut found = Vec::new();
        for connection in &self.workspace.connections {
            let ConnectionKind::Crm { refresh_seconds } = connection.kind else { continue };
            let context = ConnectorContext {
                http: Arc::new(self.around.http.clone()),
                secrets: &*self.secrets,
                files_root: self.files_root.clone(),
                time_zone: self.workspace.time_zone.clone(),
                default_region: self.workspace.default_region.clone(),
                currency: self.workspace.currency,
                patience: Patience::default(),
            };
            match Connector::build(connection, context) {
                Ok(connector) => {
                    found.push(CrmConnection { id: connection.id.clone(), refresh_seconds, connector: Arc::new(connector) });
                }
                Err(error) => self.disable(connection, error.to_string(), disabled),
            }
        }
        found
    }

    fn disable(&self, connection: &Connection, why: String, disabled: &mut BTreeMap<ConnectionId, String>) {
        tracing::warn!(workspace = %self.workspace.id, connection = %connection.id, %why, "a connection is disabled");
        disabled.insert(connection.id.clone(), why);
    }
}

fn start_poller(around: &Surroundings, tenant: &Arc<Tenant>, crm: CrmConnection) {
    let metrics = around.metrics.clone();
    let (workspace, connection) = (IdLabel::from(&tenant.workspace.id), IdLabel::from(&crm.id));
    let on_pull = move |succeeded: bool, at: jiff::Timestamp| {
        let outcome = if succeeded { "ok" } else { "failed" };
        let labels = OutcomeLabels { workspace: workspace.clone(), connection: connection.clone(), outcome };
        metrics.pulls.get_or_create(&labels).inc();
        if succeeded {
            let labels = ConnectionLabels { workspace: workspace.clone(), connection: connection.clone() };
            metrics.pulled_at.get_or_create(&labels).set(at.as_duration().as_secs_f64());
        }
    };
    let poller = Poller {
        store: Arc::clone(&around.store),
        clock: Arc::clone(&around.clock),
        tenant: Arc::clone(tenant),
        connection: crm.id,
        source: crm.connector as Arc<dyn DealSource>,
        refresh_seconds: crm.refresh_seconds,
        on_pull: Arc::new(on_pull),
    };
    tenant.tasks.spawn_until_stop("deal poller", poller.run());
}

/// Published shares move with time and by hand; they are taken anew every few seconds.
fn start_share_steps(around: &Surroundings, tenant: &Arc<Tenant>) {
    let (store, clock, tenant_of_task) = (Arc::clone(&around.store), Arc::clone(&around.clock), Arc::clone(tenant));
    tenant.tasks.spawn_until_stop("share steps", async move {
        let mut step = tokio::time::interval(std::time::Duration::from_secs(SHARES_STEP_SECONDS));
        loop {
            step.tick().await;
            if let Err(error) = refresh_scores::step(&store, &tenant_of_task, clock.now()).await {
                tracing::error!(%error, "shares could not follow what was set by hand; trying again");
            }
        }
    });
}
