//! The whole service as `serve` starts it, in this process: a file, whoever is stored in it, connections, pollers.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use meritline::broker::ports::{Clock, IdSource};
use meritline::broker::store::{Store, StoredToken, WorkspaceChange};
use meritline::http::access::{Role, hash};
use meritline::integration::secrets::{EnvAndFiles, Secrets};
use meritline::service::clock::{RandomIds, SystemClock};
use meritline::service::settings_check::Integrations;
use meritline::service::stored_document::StoredDocument;
use meritline::service::{self, RunningService, ServiceLimits, ServiceParts};
use meritline::store::sqlite::SqliteStore;
use meritline::workspace_file;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::client::Client;

/// The environment: what `env:` finds.
pub(crate) const SECRETS: [(&str, &str); 2] = [("PBX_TOKEN", "pbx-secret"), ("CRM_SECRET", "crm-secret")];

/// A service that runs, with a token `token` of a CRM admin for workspace `acme`.
pub(crate) struct Whole {
    pub(crate) service: RunningService,
    pub(crate) client: Client,
    folder: tempfile::TempDir,
}

/// Starts it on a new file with this workspace file applied.
pub(crate) async fn start(yaml: &str) -> Whole {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let checked = workspace_file::read(yaml, "acme.yaml", &Integrations).unwrap_or_else(|problems| panic!("{problems:?}"));
    let stored = StoredDocument { applied_from: folder.path().to_owned(), workspace: checked.document };
    let document = stored.write().unwrap();
    let change = WorkspaceChange { id: "acme".into(), based_on: 0, document, credit_resets: Vec::new() };
    store.apply_workspaces(vec![change], SystemClock.now()).await.unwrap();
    let token = StoredToken {
        hash: hash("token"),
        workspace: "acme".into(),
        role: Role::CrmAdmin.as_str().to_owned(),
        agent: None,
        created_at: SystemClock.now(),
    };
    store.add_token(token).await.unwrap();
    serve(store, folder).await
}

async fn open(folder: &Path) -> Arc<SqliteStore> {
    SqliteStore::connect(&format!("sqlite://{}", folder.join("m.db").display())).await.unwrap()
}

async fn serve(store: Arc<SqliteStore>, folder: tempfile::TempDir) -> Whole {
    let secrets = |root: &Path| -> Arc<dyn Secrets> {
        let env = |name: &str| SECRETS.iter().find(|(known, _)| *known == name).map(|(_, secret)| (*secret).to_owned());
        Arc::new(EnvAndFiles { env: Box::new(env), files_root: root.to_owned() })
    };
    let parts = ServiceParts {
        store,
        clock: Arc::new(SystemClock) as Arc<dyn Clock>,
        ids: Arc::new(RandomIds::default()) as Arc<dyn IdSource>,
        secrets: Arc::new(secrets),
        outbound_allow: vec!["127.0.0.0/8".parse().unwrap()],
        public_url: None,
        files_root: None,
        limits: ServiceLimits::default(),
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let service = service::start(parts, listener).await.unwrap();
    let client = Client::new(service.address);
    Whole { service, client, folder }
}

impl Whole {
    /// Stops in order and starts again on the same file.
    pub(crate) async fn restart(self) -> Self {
        let Self { service, folder, .. } = self;
        service.stop(Duration::ZERO).await;
        serve(open(folder.path()).await, folder).await
    }

    /// A decision of connection `pbx`.
    pub(crate) async fn decides(&self, call: &str) -> Value {
        let body = json!({"call_id": call, "called": "+74951112233"});
        self.client.post("/hooks/acme/pbx/decision", &body).token("pbx-secret").expect(200).await.json()
    }

    /// Waits until there is something to find.
    pub(crate) async fn until<T>(&self, what: &str, look: impl AsyncFn() -> Option<T>) -> T {
        for _ in 0..600 {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{what}: not within 30 s");
    }
}
