//! Talks HTTP to the service and holds every reply against the contract.

use std::net::SocketAddr;
use std::time::Duration;

use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::contract;
use super::service::secret;

/// A client of one service.
#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    base: String,
}

impl Client {
    pub(crate) fn new(address: SocketAddr) -> Self {
        let _installed_before = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(30)).build().unwrap();
        Self { http, base: format!("http://{address}") }
    }

    /// A request of any kind.
    pub(crate) fn call(&self, method: &str, path: &str) -> Call {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        Call { request: self.http.request(method.clone(), format!("{}{path}", self.base)), method, path: path.to_owned() }
    }

    pub(crate) fn get(&self, path: &str) -> Call {
        self.call("GET", path)
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Call {
        self.call("POST", path).json(body)
    }

    pub(crate) fn put(&self, path: &str, body: &Value) -> Call {
        self.call("PUT", path).json(body)
    }

    /// A question of workspace `acme`'s connection `pbx`, in the native dialect.
    pub(crate) fn ask(&self, body: &Value) -> Call {
        self.post("/hooks/acme/pbx/decision", body).token(&secret("acme", "pbx"))
    }

    /// Events of workspace `acme`'s connection `pbx`.
    pub(crate) fn tell(&self, events: &Value) -> Call {
        self.post("/hooks/acme/pbx/events", events).token(&secret("acme", "pbx"))
    }

    /// Reads something of workspace `acme`.
    pub(crate) fn read(&self, path: &str, token: &str) -> Call {
        self.get(&format!("/api/v1/workspaces/acme/{path}")).token(token)
    }
}

/// A request in the making.
pub(crate) struct Call {
    request: reqwest::RequestBuilder,
    method: Method,
    path: String,
}

impl Call {
    pub(crate) fn token(self, token: &str) -> Self {
        Self { request: self.request.bearer_auth(token), ..self }
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.bytes("application/json", body.to_string().into_bytes())
    }

    pub(crate) fn bytes(self, content_type: &str, body: impl Into<reqwest::Body>) -> Self {
        Self { request: self.request.header("content-type", content_type).body(body), ..self }
    }

    /// Sends it to somebody who may be gone.
    pub(crate) async fn try_send(self) -> Result<u16, reqwest::Error> {
        Ok(self.request.send().await?.status().as_u16())
    }

    /// Sends it; a reply with another status, or one that is not what the contract says, fails the test.
    pub(crate) async fn expect(self, status: u16) -> Answer {
        let at = format!("{} {}", self.method, self.path);
        let answer = self.send().await;
        assert_eq!(answer.status, status, "{at} answered {}: {}", answer.status, answer.text());
        answer
    }

    /// Sends it; a reply that is not what the contract says fails the test.
    pub(crate) async fn send(self) -> Answer {
        let Self { request, method, path } = self;
        let sent = Instant::now();
        let response = request.send().await.unwrap_or_else(|error| panic!("{method} {path}: no reply: {error:?}"));
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.bytes().await.unwrap().to_vec();
        let answer = Answer { status, headers, body, took: sent.elapsed() };
        let plain_path = path.split('?').next().unwrap_or_default();
        if !is_foreign(plain_path) || answer.media_type() == "application/problem+json" {
            contract::check_reply(method.as_str(), plain_path, status, answer.media_type(), &answer.body);
        }
        answer
    }
}

/// Posts a body to a hook of workspace `acme`'s connection `pbx`, a byte every 100 ms; gives what is answered meanwhile.
pub(crate) async fn drip(address: SocketAddr, path: &str, body: &str) -> String {
    let mut socket = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        secret("acme", "pbx"),
        body.len()
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    let (mut reading, mut writing) = socket.into_split();
    let drip = async {
        for byte in body.as_bytes() {
            if writing.write_all(&[*byte]).await.is_err() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        std::future::pending::<()>().await;
    };
    let mut answer = vec![0; 4096];
    let read = async { reading.read(&mut answer).await.unwrap() };
    let length = tokio::select! {
        length = tokio::time::timeout(Duration::from_secs(5), read) => length.expect("an answer long before the body is whole"),
        () = drip => unreachable!(),
    };
    String::from_utf8_lossy(&answer[..length]).into_owned()
}

/// Whether a hook speaks a dialect of somebody else; its replies are not ours to document.
fn is_foreign(path: &str) -> bool {
    let mut parts = path.split('/').skip(1);
    parts.next() == Some("hooks") && parts.nth(1).is_some_and(|connection| matches!(connection, "uis" | "exolve"))
}

/// A reply.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    /// From sending to the last byte.
    pub(crate) took: Duration,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("not JSON ({error}): {}", self.text()))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn media_type(&self) -> &str {
        self.headers.get("content-type").map_or("", |value| value.to_str().unwrap())
    }

    /// The agents of a native decision, in order.
    pub(crate) fn agents(&self) -> Vec<String> {
        let decision = self.json();
        let targets = decision["targets"].as_array().unwrap_or_else(|| panic!("no decision: {decision}"));
        targets.iter().map(|target| target["agent"].as_str().unwrap().to_owned()).collect()
    }

    /// The code of a problem.
    pub(crate) fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_else(|| panic!("no problem: {}", self.text())).to_owned()
    }
}
