//! A connection of any dialect, and hooks to put to it.

use jiff::Timestamp;
use meritline::core::workspace::{Connection, ConnectionKind, EventFeed};
use meritline::integration::pbx::{Dialect, HookRequest, registry};
use serde_json::Value;

/// The instant at which hooks are received: 2026-11-23T07:00:00Z.
pub(super) fn received_at() -> Timestamp {
    "2026-11-23T07:00:00Z".parse().unwrap()
}

pub(super) fn connection(integration: &str, settings: Value) -> Connection {
    Connection {
        id: "pbx".into(),
        integration: integration.to_owned(),
        kind: ConnectionKind::Pbx { events: EventFeed::Full, deadline_ms: 300, retry_window_seconds: 5 },
        settings,
    }
}

pub(super) fn dialect(integration: &str) -> Dialect {
    let settings = serde_json::json!({"token": "env:PBX_TOKEN"});
    Dialect::build(&connection(integration, settings), &registry::find(integration).unwrap()).unwrap()
}

/// A hook as a PBX would send it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sent<'a> {
    pub(super) method: &'a str,
    pub(super) rest: &'a str,
    pub(super) query: &'a str,
    pub(super) authorization: Option<&'a str>,
    pub(super) content_type: Option<&'a str>,
    pub(super) body: &'a [u8],
}

impl<'a> Sent<'a> {
    pub(super) fn json(rest: &'a str, body: &'a (impl AsRef<[u8]> + ?Sized)) -> Self {
        Self { method: "POST", rest, query: "", authorization: None, content_type: Some("application/json"), body: body.as_ref() }
    }

    pub(super) fn ask<T>(&self, act: impl FnOnce(&HookRequest<'_>) -> T) -> T {
        let sent = *self;
        let header = move |name: &str| match name {
            "authorization" => sent.authorization,
            "content-type" => sent.content_type,
            _ => None,
        };
        act(&HookRequest {
            method: sent.method,
            rest_path: sent.rest,
            query: sent.query,
            header: &header,
            content_type: sent.content_type,
            body: sent.body,
            received_at: received_at(),
        })
    }
}
