//! `meritline demo`: everything in one process on loopback, from nothing.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use jiff::tz::TimeZone;
use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::logging;
use super::token;
use crate::broker::ports::Clock;
use crate::broker::store::{Store, WorkspaceChange};
use crate::config::Settings;
use crate::core::ids::WorkspaceId;
use crate::demo::company::Company;
use crate::demo::crm::{self, BucketLimit, Crm, CrmSettings};
use crate::demo::screen::LookAt;
use crate::demo::workspace_text::{CRM_SECRET_NAME, PBX_CONNECTION, PBX_TOKEN_NAME, TIME_ZONE, WORKSPACE, workspace_yaml};
use crate::demo::{self, DemoAddresses, DemoOptions, DemoParts, Face, Speed};
use crate::http::access::Role;
use crate::integration::secrets::{EnvAndFiles, Secrets};
use crate::service::clock::{RandomIds, SystemClock, random_token};
use crate::service::settings_check::Integrations;
use crate::service::stored_document::StoredDocument;
use crate::service::{self, RunningService, ServiceLimits, ServiceParts};
use crate::store::sqlite::SqliteStore;
use crate::workspace_file;

/// Arguments of `demo`.
#[derive(Debug, clap::Args)]
pub struct DemoArguments {
    /// How many times faster than real the demo's day passes
    #[arg(long, default_value = "20", value_name = "N")]
    speed: Speed,
    /// This many calls, then a summary and exit code 0 (for scripts)
    #[arg(long, value_name = "CALLS", num_args = 0..=1, default_missing_value = "150")]
    once: Option<u64>,
    /// Where to listen
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDRESS")]
    listen: String,
}

/// A folder for the demo's store that goes when the demo ends.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> anyhow::Result<Self> {
        let folder = std::env::temp_dir().join(format!("meritline-demo-{}", uuid::Uuid::new_v4().simple()));
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
        Ok(Self(folder))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What is left is in the system's folder for such things.
        let _removed = std::fs::remove_dir_all(&self.0);
    }
}

/// The secrets of one demo.
struct Logins {
    pbx: String,
    crm: String,
}

/// Runs the demo until its calls are over or Ctrl-C.
pub async fn run(arguments: DemoArguments) -> anyhow::Result<ExitCode> {
    logging::start(&Settings { log: "error".to_owned(), ..Settings::default() });
    let scratch = Scratch::new()?;
    let company = Arc::new(Company::load()?);
    let logins = Logins { pbx: random_token(), crm: random_token() };
    let stop = CancellationToken::new();
    let (crm, crm_base) = start_crm(&company, &logins, &stop).await?;
    let store = SqliteStore::connect(&format!("sqlite://{}", scratch.0.join("demo.db").display())).await?;
    let yaml = workspace_yaml(&company, &crm_base, arguments.speed);
    apply(&*store, &yaml, &scratch.0).await?;
    let sales_lead = token::create(&*store, WorkspaceId::from(WORKSPACE), Role::SalesLead, None).await?;
    let viewer = token::create(&*store, WorkspaceId::from(WORKSPACE), Role::Viewer, None).await?;
    let service = start_service(store, &arguments.listen, &logins).await?;
    wait_for_scores(&service).await?;
    let base_url = format!("http://{}", service.address);
    let addresses = DemoAddresses {
        look_at: look_at(&base_url, &crm_base, &sales_lead, &logins),
        base_url,
        pbx_token: SecretString::from(logins.pbx.clone()),
        viewer_token: SecretString::from(viewer),
    };
    let time_zone = TimeZone::get(TIME_ZONE).unwrap_or(TimeZone::UTC);
    let options = DemoOptions { speed: arguments.speed, once: arguments.once, seed: 20_261, time_zone };
    let parts = DemoParts { company, crm, clock: Arc::new(SystemClock), stop: stop.clone() };
    let face = Face::of_stdout(std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()));
    let stopped = stop.clone();
    let on_signal = service_signal(stopped);
    let mut screen = std::io::stdout();
    let shown = tokio::select! {
        shown = demo::run(addresses, options, parts, (&mut screen, face)) => shown,
        never = on_signal => match never {},
    };
    stop.cancel();
    service.stop(Duration::ZERO).await;
    drop(scratch);
    let summary = shown?;
    let all_answered = summary.totals().hook_failures == 0;
    Ok(if all_answered { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// Ends the demo in order at Ctrl-C; never ends by itself.
async fn service_signal(stop: CancellationToken) -> std::convert::Infallible {
    if tokio::signal::ctrl_c().await.is_ok() {
        stop.cancel();
    }
    std::future::pending().await
}

async fn start_crm(company: &Company, logins: &Logins, stop: &CancellationToken) -> anyhow::Result<(Crm, String)> {
    let time_zone = TimeZone::get(TIME_ZONE).unwrap_or(TimeZone::UTC);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let settings = CrmSettings {
        secret: SecretString::from(logins.crm.clone()),
        today: clock.now().to_zoned_datetime(time_zone.clone()).date(),
        time_zone,
        limit: BucketLimit::DEMO,
        clock,
    };
    let crm = Crm::new(company, settings);
    let listener = TcpListener::bind("127.0.0.1:0").await.context("cannot listen for the demo's CRM")?;
    let base = format!("http://{}", listener.local_addr()?);
    let served = crm::serve(listener, crm.clone(), stop.clone());
    let tasks = crate::broker::supervise::Tasks::default();
    tasks.spawn("demo CRM", async move {
        if let Err(error) = served.await {
            tracing::error!(%error, "the demo's CRM ended");
        }
    });
    Ok((crm, base))
}

async fn apply(store: &dyn Store, yaml: &str, folder: &Path) -> anyhow::Result<()> {
    let checked = workspace_file::read(yaml, "demo workspace", &Integrations).map_err(|problems| {
        let texts: Vec<String> = problems.iter().map(ToString::to_string).collect();
        anyhow::anyhow!("the demo's own workspace is not sound:\n{}", texts.join("\n"))
    })?;
    std::fs::write(folder.join("workspace.yaml"), yaml)?;
    let id = checked.workspace.id.clone();
    let stored = StoredDocument { applied_from: folder.to_owned(), workspace: checked.document };
    let document = stored.write().map_err(anyhow::Error::msg)?;
    let change = WorkspaceChange { id, based_on: 0, document, credit_resets: Vec::new() };
    store.apply_workspaces(vec![change], SystemClock.now()).await?;
    Ok(())
}

async fn start_service(store: Arc<SqliteStore>, listen: &str, logins: &Logins) -> anyhow::Result<RunningService> {
    let listener = TcpListener::bind(listen).await.with_context(|| format!("cannot listen on {listen}"))?;
    let known = [(PBX_TOKEN_NAME, logins.pbx.clone()), (CRM_SECRET_NAME, logins.crm.clone())];
    let secrets = move |root: &Path| -> Arc<dyn Secrets> {
        let known = known.clone();
        let env = move |name: &str| known.iter().find(|(known, _)| *known == name).map(|(_, secret)| secret.clone());
        Arc::new(EnvAndFiles { env: Box::new(env), files_root: root.to_owned() })
    };
    let parts = ServiceParts {
        store,
        clock: Arc::new(SystemClock),
        ids: Arc::new(RandomIds::default()),
        secrets: Arc::new(secrets),
        // The demo's CRM lives on this machine.
        outbound_allow: vec!["127.0.0.0/8".parse()?],
        public_url: None,
        files_root: None,
        limits: ServiceLimits::default(),
    };
    Ok(service::start(parts, listener).await?)
}

/// The first pull brings some thousand deals; calls wait for it, so that the first of them already follows results.
async fn wait_for_scores(service: &RunningService) -> anyhow::Result<()> {
    eprintln!("Pulling deals from the demo's CRM ...");
    for _ in 0..600 {
        let tenant = service.tenants.find(WORKSPACE).context("the demo's workspace did not start")?;
        let scored = tenant.workspace.policies.iter().filter(|policy| policy.score.is_some());
        if scored.into_iter().all(|policy| tenant.scores.policy(&policy.id).is_some_and(|scores| scores.table.is_some())) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    anyhow::bail!("no scores after a minute: the demo's CRM could not be pulled")
}

fn look_at(base_url: &str, crm_base: &str, sales_lead: &str, logins: &Logins) -> Vec<LookAt> {
    let api = format!("{base_url}/api/v1/workspaces/{WORKSPACE}");
    let place = |what: &str, address: String, login: &str| LookAt { what: what.to_owned(), address, login: login.to_owned() };
    vec![
        place("scores", format!("{api}/scores"), sales_lead),
        place("decisions", format!("{api}/decisions"), sales_lead),
        place("hooks", format!("{base_url}/hooks/{WORKSPACE}/{PBX_CONNECTION}/decision"), &logins.pbx),
        place("API document", format!("{base_url}/openapi.yaml"), ""),
        place("metrics", format!("{base_url}/metrics"), ""),
        place("the demo's CRM", crm_base.to_owned(), ""),
    ]
}
