//! The yardstick for `hooks.sh`: a bare axum server that reads a JSON body and sends it back.

#![allow(missing_docs, clippy::allow_attributes, clippy::unwrap_used, reason = "a benchmark may stop at once")]

use axum::Json;
use axum::routing::post;

fn main() {
    // `cargo bench` adds an argument of its own.
    let address = std::env::args().nth(1).filter(|argument| argument.contains(':')).unwrap_or("127.0.0.1:8091".to_owned());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(&address).await.unwrap();
        let echo = post(|Json(body): Json<serde_json::Value>| async { Json(body) });
        axum::serve(listener, axum::Router::new().route("/{*path}", echo)).await.unwrap();
    });
}
