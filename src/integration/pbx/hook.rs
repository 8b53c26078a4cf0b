//! A hook as it came over HTTP and the reply that goes back: plain values, no framework.

use std::borrow::Cow;
use std::fmt;

use jiff::Timestamp;
use serde_json::{Map, Value};

/// One request to `/hooks/{workspace}/{connection}/{*rest}`. Everything in it comes from strangers.
#[derive(Clone, Copy)]
pub struct HookRequest<'a> {
    /// The HTTP method, in capitals.
    pub method: &'a str,
    /// What follows the connection in the path, percent-decoded or not, with or without slashes around it.
    pub rest_path: &'a str,
    /// The query as it came, without the question mark; empty when there is none.
    pub query: &'a str,
    /// Finds a header by its name in small letters.
    pub header: &'a (dyn Fn(&str) -> Option<&'a str> + Sync),
    /// The `Content-Type` header.
    pub content_type: Option<&'a str>,
    /// The body as it came; its size is bounded by the caller.
    pub body: &'a [u8],
    /// When it was received.
    pub received_at: Timestamp,
}

impl fmt::Debug for HookRequest<'_> {
    /// Leaves out path, query and body: they hold secrets and personal data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HookRequest")
            .field("method", &self.method)
            .field("content_type", &self.content_type)
            .field("body_bytes", &self.body.len())
            .field("received_at", &self.received_at)
            .finish_non_exhaustive()
    }
}

impl<'a> HookRequest<'a> {
    /// The path segments of the rest that are not empty.
    pub(super) fn segments(&self) -> impl Iterator<Item = &'a str> {
        self.rest_path.split('/').filter(|segment| !segment.is_empty())
    }

    /// The last value of a query parameter.
    pub(super) fn query_parameter(&self, name: &str) -> Option<Cow<'a, str>> {
        url::form_urlencoded::parse(self.query.as_bytes()).filter(|(key, _)| key == name).map(|(_, value)| value).last()
    }
}

/// What a hook asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HookKind {
    /// Whom to ring?
    Decision,
    /// This happened.
    Events,
}

/// What an answer must repeat of the question (the id of a JSON-RPC call). Taken from the hook at hand, never stored: a
/// retry may carry another one.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Echo(pub(super) Map<String, Value>);

/// The answer to a hook, ready to be written.
#[derive(Clone, PartialEq, Eq)]
pub struct HookReply {
    /// HTTP status.
    pub status: u16,
    /// `Content-Type`.
    pub content_type: &'static str,
    /// The body.
    pub body: Vec<u8>,
}

impl HookReply {
    pub(super) const JSON: &'static str = "application/json";

    /// A JSON body.
    pub(super) fn json(status: u16, value: &impl serde::Serialize) -> Self {
        let mut body = Vec::with_capacity(1024);
        // A value made of maps with text keys, texts and finite numbers always serializes.
        if serde_json::to_writer(&mut body, value).is_err() {
            body = b"{}".to_vec();
        }
        Self { status, content_type: Self::JSON, body }
    }
}

impl fmt::Debug for HookReply {
    /// Leaves out the body: it holds phone numbers, and secrets where an answer names our own address.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HookReply {{ status: {}, content_type: {}, body_bytes: {} }}", self.status, self.content_type, self.body.len())
    }
}
