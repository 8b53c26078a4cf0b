//! Serves connections: bounded in number, headers bounded in time, ended in order when the service stops.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tower::ServiceExt;

use super::hooks;
use super::router::router;
use super::state::AppState;

use crate::broker::supervise::Tasks;

/// How many connections may be open at once.
const CONNECTIONS_MAX: usize = 4096;

/// How long the head of a request may take to arrive.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// How long requests that run when the service stops may take to end.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);

/// Accepts connections until the tasks stop; each is one of them.
pub async fn serve(listener: TcpListener, state: AppState, tasks: Tasks) {
    let front = Front { router: router(Arc::clone(&state)), state };
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
                let (front, tasks_of_connection) = (front.clone(), tasks.clone());
                tasks.spawn("connection", async move {
                    converse(stream, front, &tasks_of_connection).await;
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

/// Takes hooks out before the router: they are nearly all of the traffic, and somebody is on the line.
#[derive(Clone)]
struct Front {
    state: AppState,
    router: Router,
}

impl Front {
    async fn answer(self, request: Request<Incoming>) -> Result<Response, Infallible> {
        let request = request.map(Body::new);
        if hooks::is_hook(request.uri().path()) {
            return Ok(hooks::receive(&self.state, request).await);
        }
        self.router.oneshot(request).await
    }
}

async fn converse(stream: TcpStream, front: Front, tasks: &Tasks) {
    // A PBX waits for each answer: never hold one back to fill a packet.
    let _best_effort = stream.set_nodelay(true);
    let service = service_fn(move |request| front.clone().answer(request));
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
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
