//! Sends one request and reads one reply, within limits.

use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, HeaderMap, HeaderName, HeaderValue, LOCATION};
use reqwest::{Client, Method, Response, StatusCode};
use url::{Host, Url};

use super::addresses::{AddressGuard, Forbidden};

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(1);

/// A request.
#[derive(Debug, Clone)]
pub struct OutboundRequest {
    /// The method.
    pub method: Method,
    /// Where to.
    pub url: Url,
    /// Headers by name; the value may be a secret.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// A body, as JSON text.
    pub json: Option<String>,
    /// How long everything may take.
    pub timeout: Duration,
    /// The largest body of a reply, in bytes.
    pub body_bytes_max: usize,
    /// How many redirects may be followed.
    pub redirects_max: u8,
}

/// A reply, whatever its status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboundReply {
    /// The status.
    pub status: u16,
    /// The media type, as sent.
    pub content_type: String,
    /// The header `Retry-After`, as sent.
    pub retry_after: Option<String>,
    /// The body, decompressed.
    pub body: Vec<u8>,
}

/// Why there is no reply. No text holds the address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OutboundError {
    /// The address may not be called.
    #[error("the address may not be called: {0}")]
    Forbidden(String),
    /// Nobody answers there.
    #[error("cannot connect: {0}")]
    Connect(String),
    /// It took too long.
    #[error("no answer within {seconds} s")]
    Timeout {
        /// What was allowed.
        seconds: u64,
    },
    /// The connection broke.
    #[error("the connection broke: {0}")]
    Broken(String),
    /// The body is too large.
    #[error("the answer is larger than {bytes_max} bytes")]
    TooLarge {
        /// What was allowed.
        bytes_max: usize,
    },
    /// It sends us elsewhere.
    #[error("it redirects elsewhere ({status}): write the final address into the settings")]
    Redirected {
        /// The status.
        status: u16,
    },
}

/// The client. Cheap to clone.
#[derive(Clone)]
pub struct HttpClient {
    /// Encrypted: public addresses, and private ones allowed.
    https: Client,
    /// In the clear: only addresses allowed.
    http: Client,
    allowed: Arc<[IpNet]>,
}

/// Chooses the one TLS implementation of the process. May be called again.
pub fn install_crypto() {
    // An error says that it was chosen before.
    let _chosen = rustls::crypto::ring::default_provider().install_default();
}

impl HttpClient {
    /// A client that may call public addresses by https, and the private ranges in `allowed`.
    pub fn new(allowed: Vec<IpNet>) -> Self {
        install_crypto();
        let allowed: Arc<[IpNet]> = allowed.into();
        let client = |public: bool| build(AddressGuard { allowed: Arc::clone(&allowed), public });
        Self { https: client(true), http: client(false), allowed: Arc::clone(&allowed) }
    }

    /// Sends and reads.
    pub async fn send(&self, request: OutboundRequest) -> Result<OutboundReply, OutboundError> {
        let seconds = request.timeout.as_secs().max(1);
        match tokio::time::timeout(request.timeout, self.follow(request)).await {
            Ok(done) => done,
            Err(_) => Err(OutboundError::Timeout { seconds }),
        }
    }

    async fn follow(&self, mut request: OutboundRequest) -> Result<OutboundReply, OutboundError> {
        loop {
            let response = self.once(&request).await?;
            if !response.status().is_redirection() || response.status() == StatusCode::NOT_MODIFIED {
                return read(response, request.body_bytes_max).await;
            }
            let refuse = OutboundError::Redirected { status: response.status().as_u16() };
            let target = response.headers().get(LOCATION).and_then(|target| target.to_str().ok());
            let target = target.and_then(|target| request.url.join(target).ok());
            let Some(target) = target.filter(|_| request.redirects_max > 0 && request.method == Method::GET) else {
                return Err(refuse);
            };
            if target.scheme() != "https" && request.url.scheme() == "https" {
                return Err(refuse);
            }
            if target.host() != request.url.host() || target.port_or_known_default() != request.url.port_or_known_default() {
                request.headers.retain(|(name, _)| *name != AUTHORIZATION && *name != COOKIE);
            }
            request.url = target;
            request.redirects_max -= 1;
        }
    }

    async fn once(&self, request: &OutboundRequest) -> Result<Response, OutboundError> {
        let (client, public) = match request.url.scheme() {
            "https" => (&self.https, true),
            "http" => (&self.http, false),
            other => return Err(OutboundError::Forbidden(format!("`{other}` is neither https nor http"))),
        };
        let literal = match request.url.host() {
            Some(Host::Ipv4(address)) => Some(address.into()),
            Some(Host::Ipv6(address)) => Some(address.into()),
            Some(Host::Domain(_)) => None,
            None => return Err(OutboundError::Forbidden("it names no host".to_owned())),
        };
        if let Some(address) = literal {
            let guard = AddressGuard { allowed: Arc::clone(&self.allowed), public };
            guard.check(address).map_err(|Forbidden(why)| OutboundError::Forbidden(why))?;
        }
        let headers: HeaderMap = request.headers.iter().cloned().collect();
        let mut built = client.request(request.method.clone(), request.url.clone()).headers(headers);
        if let Some(json) = &request.json {
            built = built.header(CONTENT_TYPE, "application/json").body(json.clone());
        }
        built.send().await.map_err(|error| told(&error))
    }
}

#[expect(clippy::expect_used, reason = "fails only without a TLS provider, which `new` installs")]
fn build(guard: AddressGuard) -> Client {
    let agent = concat!("meritline/", env!("CARGO_PKG_VERSION"));
    Client::builder()
        .user_agent(agent)
        .connect_timeout(CONNECT)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .dns_resolver(Arc::new(guard))
        .pool_idle_timeout(Duration::from_secs(30))
        .build()
        .expect("a client can be built")
}

async fn read(mut response: Response, bytes_max: usize) -> Result<OutboundReply, OutboundError> {
    let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let (content_type, retry_after) = (header("content-type").unwrap_or_default(), header("retry-after"));
    let status = response.status().as_u16();
    if response.content_length().is_some_and(|length| length > bytes_max as u64) {
        return Err(OutboundError::TooLarge { bytes_max });
    }
    let mut body = Vec::new();
    while let Some(part) = response.chunk().await.map_err(|error| told(&error))? {
        if body.len() + part.len() > bytes_max {
            return Err(OutboundError::TooLarge { bytes_max });
        }
        body.extend_from_slice(&part);
    }
    Ok(OutboundReply { status, content_type, retry_after, body })
}

/// The innermost cause, which holds no address.
fn told(error: &reqwest::Error) -> OutboundError {
    let mut cause: &dyn std::error::Error = error;
    loop {
        if let Some(Forbidden(why)) = cause.downcast_ref::<Forbidden>() {
            return OutboundError::Forbidden(why.clone());
        }
        match cause.source() {
            Some(inner) => cause = inner,
            None => break,
        }
    }
    let why =
        if std::ptr::eq(cause, error as &dyn std::error::Error) { "no cause is known".to_owned() } else { cause.to_string() };
    if error.is_connect() { OutboundError::Connect(why) } else { OutboundError::Broken(why) }
}
