//! HTTP to this machine: the demo's PBX and its screen talk to the service like anybody else, over a real socket.

use std::time::Duration;

/// A client that ignores proxies and gives up after `timeout`.
pub(super) fn client(timeout: Duration) -> reqwest::Result<reqwest::Client> {
    // Fails only when one is installed already, and then there is nothing to do.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().timeout(timeout).pool_max_idle_per_host(128).tcp_nodelay(true).build()
}
