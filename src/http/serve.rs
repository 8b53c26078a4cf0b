//! Serves connections: bounded in number, headers bounded in time, ended in order when the service stops.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use crate::broker::supervise::Tasks;

/// How many connections may be open at once.
const CONNECTIONS_MAX: usize = 4096;

/// How long the head of a request may take to arrive.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// How long requests that run when the service stops may take to end.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);

/// Accepts connections until the tasks stop; each is one of them.
pub async fn serve(listener: TcpListener, router: Router, tasks: Tasks) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let stopping = tasks.stopping();
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let accepted = tokio::select! {
            () = stopping.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                let (router, tasks_of_connection) = (router.clone(), tasks.clone());
                tasks.spawn("connection", async move {
                    converse(stream, router, &tasks_of_connection).await;
                    drop(place);
                });
            }
            Err(error) => {
                // Out of file handles, most likely: give the others a moment to end.
                tracing::error!(%error, "a connection could not be accepted; trying again");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn converse(stream: TcpStream, router: Router, tasks: &Tasks) {
    // A PBX waits for each answer: never hold one back to fill a packet.
    let _best_effort = stream.set_nodelay(true);
    let service = TowerToHyperService::new(router);
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).max_headers(64);
    let connection = server.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let stopping = tasks.stopping();
    tokio::select! {
        ended = connection.as_mut() => {
            if let Err(error) = ended {
                tracing::debug!(%error, "a connection ended early");
            }
        }
        () = stopping.cancelled() => {
            connection.as_mut().graceful_shutdown();
            let _ended = tokio::time::timeout(DRAIN_TIMEOUT, connection).await;
        }
    }
}
