//! A configured dialect as the broker wants it: the port `HookDialect` over [`Dialect`].

use std::borrow::Cow;
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};

use super::dialect::{AnswerContext, Dialect, EventsOutcome};
use super::fault;
use super::hook;
use crate::broker::hook::{DecodedDecision, DecodedEvents, EventFault, HookDialect, HookFault, HookKind, HookRequest};
use crate::core::decision::Decision;
use crate::core::record::EncodedReply;

/// One connection's dialect with what it needs to know of its surroundings.
pub struct ConfiguredDialect {
    /// The dialect as configured.
    pub dialect: Arc<Dialect>,
    /// How national phone numbers are read.
    pub default_region: String,
    /// The public address of this connection's hooks, without a slash at the end.
    pub hook_url: String,
    /// The connection's secret, for answers that name our address for events.
    pub secret: SecretString,
}

impl HookDialect for ConfiguredDialect {
    fn presented_secret<'a>(&self, hook: &HookRequest<'a>) -> Option<Cow<'a, str>> {
        self.dialect.credentials(&request(hook))
    }

    fn kind(&self, hook: &HookRequest<'_>) -> Result<HookKind, HookFault> {
        match self.dialect.classify(&request(hook)) {
            Ok(hook::HookKind::Decision) => Ok(HookKind::Decision),
            Ok(hook::HookKind::Events) => Ok(HookKind::Events),
            Err(fault) => Err(told(&fault)),
        }
    }

    fn decode_decision(self: Arc<Self>, hook: &HookRequest<'_>) -> Result<DecodedDecision, HookFault> {
        let question = self.dialect.decode_decision(&request(hook), &self.default_region).map_err(|fault| told(&fault))?;
        let echo = question.echo;
        let encode = move |decision: &Decision| {
            let context = AnswerContext { hook_url: &self.hook_url, secret: Some(self.secret.expose_secret()), echo: &echo };
            match self.dialect.encode_decision(decision, &context) {
                Ok(reply) => encoded(reply),
                Err(error) => {
                    tracing::error!(%error, "an answer could not be written in the PBX's dialect; the safe answer was sent");
                    let fallback = decision.fallback.as_ref().map(|fallback| fallback.number.as_str());
                    encoded(self.dialect.safe_answer_to(&echo, fallback))
                }
            }
        };
        Ok(DecodedDecision { request: question.request, encode: Box::new(encode) })
    }

    fn decode_events(&self, hook: &HookRequest<'_>) -> Result<DecodedEvents, HookFault> {
        let decoded = self.dialect.decode_events(&request(hook)).map_err(|fault| told(&fault))?;
        let mut events = DecodedEvents { unknown: decoded.unknown.len(), ..DecodedEvents::default() };
        for event in decoded.events {
            match event {
                Ok(event) => events.events.push(event),
                Err(fault) => events.faults.push(EventFault { index: fault.index, code: fault.code, detail: fault.detail }),
            }
        }
        Ok(events)
    }

    fn events_reply(&self, accepted: usize, duplicates: usize, faults: &[EventFault]) -> EncodedReply {
        let rejected = faults
            .iter()
            .map(|fault| fault::EventFault { index: fault.index, code: fault.code, detail: fault.detail.clone() })
            .collect();
        encoded(self.dialect.encode_events_accepted(&EventsOutcome { accepted, duplicates, rejected }))
    }

    fn safe_reply(&self, kind: HookKind, hook: &HookRequest<'_>, fallback: Option<&str>) -> Option<EncodedReply> {
        if self.dialect.reports_problems() {
            return None;
        }
        match kind {
            HookKind::Decision => self.dialect.safe_answer(&request(hook), fallback).map(encoded),
            HookKind::Events => Some(self.events_reply(0, 0, &[])),
        }
    }
}

fn request<'a>(hook: &HookRequest<'a>) -> hook::HookRequest<'a> {
    hook::HookRequest {
        method: hook.method,
        rest_path: hook.rest_path,
        query: hook.query,
        header: hook.header,
        content_type: (hook.header)("content-type"),
        body: hook.body,
        received_at: hook.received_at,
    }
}

fn told(fault: &fault::HookFault) -> HookFault {
    HookFault { code: fault.code(), status: fault.status(), detail: fault.to_string() }
}

fn encoded(reply: hook::HookReply) -> EncodedReply {
    EncodedReply { status: reply.status, content_type: reply.content_type.into(), body: reply.body.into() }
}
