//! The real service in this process: its router and listener on a free port, a SQLite file of its own, and fakes for
//! clock, ids and CRM. Tests talk HTTP to it.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use meritline::broker::caller_lookup::{CallerLookup, LookupLimits};
use meritline::broker::decide::Decider;
use meritline::broker::hook::HookEndpoint;
use meritline::broker::permits::{InFlightMax, Permits};
use meritline::broker::ports::{CallerDirectory, Clock, IdSource};
use meritline::broker::refresh_scores::{self, ScoreBook};
use meritline::broker::store::{Store, StoreError, StoredToken};
use meritline::broker::supervise::Tasks;
use meritline::broker::tenant::{Directory, Tenant, Tenants};
use meritline::core::ids::AgentId;
use meritline::core::shares::share_board::ShareBoard;
use meritline::core::workspace::{Connection, ConnectionKind, Workspace};
use meritline::http::access::{Role, hash};
use meritline::http::serve::serve;
use meritline::http::state::{Handles, HttpLimits, Readiness};
use meritline::integration::pbx::{ConfiguredDialect, Dialect, registry};
use meritline::store::sqlite::SqliteStore;
use meritline::telemetry::metrics::Metrics;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, SqliteConnection};
use tokio::net::TcpListener;

use super::client::Client;
use super::fakes::{CountedIds, FakeDirectory, ManualClock};

/// The id of the CRM connection that knows callers, where a workspace has one.
pub(crate) const CRM: &str = "crm";

/// What outlives a restart: the file, the time, the ids given, the CRM.
#[derive(Clone)]
pub(crate) struct Site {
    folder: Arc<tempfile::TempDir>,
    workspaces: Vec<Arc<Workspace>>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) directory: Arc<FakeDirectory>,
    pub(crate) ids: Arc<CountedIds>,
    /// Bounds and ages of the caller cache.
    pub(crate) lookup: LookupLimits,
    /// How many requests may run at once; one workspace gets half.
    pub(crate) in_flight_max: InFlightMax,
    /// How long a body other than a decision hook's may take to arrive, in milliseconds.
    pub(crate) body_ms: u32,
}

impl Site {
    pub(crate) fn new(workspaces: Vec<Arc<Workspace>>) -> Self {
        Self {
            folder: Arc::new(tempfile::tempdir().unwrap()),
            workspaces,
            clock: Arc::new(ManualClock::new()),
            directory: Arc::new(FakeDirectory::new()),
            ids: Arc::default(),
            lookup: LookupLimits::default(),
            in_flight_max: InFlightMax { decisions: 512, events: 1024, api: 64 },
            body_ms: 10_000,
        }
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.folder.path().join("meritline.db")
    }

    /// Starts the service; it answers when this returns.
    pub(crate) async fn start(self) -> TestService {
        let store: Arc<dyn Store> = SqliteStore::connect(&format!("sqlite://{}", self.file().display())).await.unwrap();
        let tasks = Tasks::default();
        let tenants = Arc::new(Tenants::default());
        for workspace in &self.workspaces {
            tenants.install(&self.tenant(&store, workspace, &tasks).await);
        }
        let state = Arc::new(Handles {
            tenants: Arc::clone(&tenants),
            store: Arc::clone(&store),
            clock: Arc::clone(&self.clock) as Arc<dyn Clock>,
            ids: Arc::clone(&self.ids) as Arc<dyn IdSource>,
            decider: Arc::new(Decider::new(Arc::clone(&store), Arc::clone(&self.ids) as Arc<dyn IdSource>)),
            metrics: Metrics::new(),
            limits: HttpLimits { body_bytes: 1024 * 1024, body_ms: self.body_ms },
            permits: Arc::new(Permits::new(self.in_flight_max)),
            readiness: Arc::new(Readiness::default()),
            tasks: tasks.clone(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tasks.spawn("listener", serve(listener, state, tasks.clone()));
        TestService { client: Client::new(address), address, store, tenants, tasks, site: self }
    }

    async fn tenant(&self, store: &Arc<dyn Store>, workspace: &Arc<Workspace>, tasks: &Tasks) -> Arc<Tenant> {
        let now = self.clock.now();
        store.open(Arc::clone(workspace), now).await.unwrap();
        let tasks = tasks.child();
        let pbx =
            workspace.connections.iter().filter_map(|connection| Some((connection.id.clone(), endpoint(workspace, connection)?)));
        let directory = workspace.connections.iter().find(|connection| connection.id.as_str() == CRM).map(|crm| {
            let fake = Arc::clone(&self.directory) as Arc<dyn CallerDirectory>;
            Directory { connection: crm.id.clone(), lookup: CallerLookup::new(fake, self.lookup, tasks.clone()) }
        });
        let tenant = Arc::new(Tenant {
            workspace: Arc::clone(workspace),
            revision: 1,
            shares: ArcSwap::from_pointee(ShareBoard::of_base(workspace)),
            scores: ScoreBook::default(),
            hooks: pbx.collect::<HashMap<_, _>>(),
            directory,
            disabled: BTreeMap::new(),
            permits: Arc::new(Permits::new(self.in_flight_max.of_one_workspace())),
            rest_turn: Default::default(),
            tasks,
        });
        refresh_scores::restore(store, &tenant, now).await.unwrap();
        tenant
    }
}

/// The secret of a PBX connection: another one for every connection of every workspace.
pub(crate) fn secret(workspace: &str, connection: &str) -> String {
    format!("secret-of-{workspace}-{connection}")
}

fn endpoint(workspace: &Workspace, connection: &Connection) -> Option<HookEndpoint> {
    let ConnectionKind::Pbx { deadline_ms, .. } = connection.kind else { return None };
    let manifest = registry::find(&connection.integration).unwrap();
    let secret: secrecy::SecretString = secret(workspace.id.as_str(), connection.id.as_str()).into();
    let dialect = ConfiguredDialect {
        dialect: Arc::new(Dialect::build(connection, &manifest).unwrap()),
        default_region: workspace.default_region.clone(),
        hook_url: format!("https://meritline.example/hooks/{}/{}", workspace.id, connection.id),
        secret: secret.clone(),
    };
    Some(HookEndpoint { dialect: Arc::new(dialect), secret, deadline_ms })
}

/// A service that runs.
pub(crate) struct TestService {
    pub(crate) client: Client,
    pub(crate) address: std::net::SocketAddr,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) tenants: Arc<Tenants>,
    pub(crate) site: Site,
    tasks: Tasks,
}

impl TestService {
    /// One workspace, everything usual.
    pub(crate) async fn of(workspace: Arc<Workspace>) -> Self {
        Site::new(vec![workspace]).start().await
    }

    /// Goes on with another version of a workspace, as after an applied file.
    pub(crate) async fn apply(&mut self, workspace: Arc<Workspace>) {
        self.tenants.install(&self.site.tenant(&self.store, &workspace, &self.tasks).await);
        self.site.workspaces.retain(|known| known.id != workspace.id);
        self.site.workspaces.push(workspace);
    }

    /// Makes a token for the API.
    pub(crate) async fn token(&self, workspace: &str, role: Role, agent: Option<&str>) -> String {
        let text = format!("token-{workspace}-{}-{}", role.as_str(), agent.unwrap_or_default());
        let token = StoredToken {
            hash: hash(&text),
            workspace: workspace.into(),
            role: role.as_str().to_owned(),
            agent: agent.map(AgentId::from),
            created_at: self.site.clock.now(),
        };
        match self.store.add_token(token).await {
            // Asked for again: it is the same token.
            Ok(()) | Err(StoreError::Conflict(_)) => {}
            Err(error) => panic!("no token: {error}"),
        }
        text
    }

    /// Waits until something holds that comes about in the background.
    pub(crate) async fn eventually(&self, what: &str, holds: impl AsyncFn() -> bool) {
        for _ in 0..600 {
            if holds().await {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{what}: not within 30 s");
    }

    /// Locks the file, as another process might: for the writer a disk that does not answer until this is closed.
    pub(crate) async fn stall_disk(&self) -> SqliteConnection {
        let mut holder = SqliteConnectOptions::new().filename(self.site.file()).connect().await.unwrap();
        sqlx::query("BEGIN IMMEDIATE").execute(&mut holder).await.unwrap();
        holder
    }

    /// Stops in order and starts again on the same file.
    pub(crate) async fn restart(self) -> Self {
        let Self { client, store, site, tasks, tenants, .. } = self;
        drop((client, tenants));
        tasks.stop().await;
        store.shut_down().await;
        drop(store);
        site.start().await
    }
}
