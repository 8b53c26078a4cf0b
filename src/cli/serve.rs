//! `meritline serve`: the service, until a signal.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use super::logging;
use super::open::{self, SettingsFile};
use crate::service::clock::{RandomIds, SystemClock};
use crate::service::{self, ServiceLimits, ServiceParts};

/// How long to keep serving after `/readyz` says no, so that a balancer notices.
const DRAIN: Duration = Duration::from_secs(3);

/// Arguments of `serve`.
#[derive(Debug, clap::Args)]
pub struct ServeArguments {
    #[command(flatten)]
    settings: SettingsFile,
}

/// Serves until SIGTERM or SIGINT; a second signal ends at once.
pub async fn run(arguments: ServeArguments) -> anyhow::Result<ExitCode> {
    let settings = arguments.settings.read()?;
    logging::start(&settings);
    let store = open::store(&settings).await?;
    let listener = TcpListener::bind(&settings.listen).await;
    let listener = listener.with_context(|| format!("cannot listen on {}: is another process there?", settings.listen))?;
    let parts = ServiceParts {
        store,
        clock: Arc::new(SystemClock),
        ids: Arc::new(RandomIds::default()),
        secrets: Arc::new(|root: &Path| open::secrets(root)),
        outbound_allow: settings.outbound_allow,
        public_url: settings.public_url,
        files_root: settings.files_root,
        limits: ServiceLimits::default(),
    };
    let running = service::start(parts, listener).await.context("cannot start the service")?;
    let workspaces = running.tenants.all().len();
    tracing::info!(address = %running.address, workspaces, "Meritline serves");
    if workspaces == 0 {
        tracing::info!("there is no workspace yet: `meritline workspace apply FILE` sets one up; it runs within two seconds");
    }
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping; a second signal ends at once");
    tokio::select! {
        () = running.stop(DRAIN) => {}
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(ExitCode::SUCCESS)
}
