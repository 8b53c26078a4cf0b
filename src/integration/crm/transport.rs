//! What carries requests: the real client, or a script that samples play.

use crate::broker::ports::Boxed;
use crate::outbound::{HttpClient, OutboundError, OutboundReply, OutboundRequest};

/// Sends one request and gives one reply.
pub trait Transport: Send + Sync {
    /// Sends.
    fn send(&self, request: OutboundRequest) -> Boxed<'_, Result<OutboundReply, OutboundError>>;
}

impl Transport for HttpClient {
    fn send(&self, request: OutboundRequest) -> Boxed<'_, Result<OutboundReply, OutboundError>> {
        Box::pin(self.send(request))
    }
}
