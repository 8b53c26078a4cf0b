//! The native dialect's hooks in the API document. The handlers are shared by all dialects, so the document is written
//! beside them; bodies are those of `schemas/`.

use serde::Serialize;
use utoipa::openapi::schema::{ArrayBuilder, OneOfBuilder, Schema};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

use crate::http::problem::{Problem, RejectedEvent};

/// One event, or an array of them.
pub(crate) struct EventsBody;

impl PartialSchema for EventsBody {
    fn schema() -> RefOr<Schema> {
        let one = || Ref::new("schemas/call-event.schema.json");
        let many = ArrayBuilder::new().items(one()).max_items(Some(1000));
        RefOr::T(Schema::OneOf(OneOfBuilder::new().item(one()).item(many).build()))
    }
}

impl ToSchema for EventsBody {}

/// What became of the events of a request.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EventsAccepted {
    /// Stored now; they are on disk.
    accepted: usize,
    /// Known before; counted once.
    duplicates: usize,
    /// Those that could not be used.
    rejected: Vec<RejectedEvent>,
}

/// Whom to ring? The body is `schemas/decision-request.schema.json`, the answer `schemas/decision.schema.json`.
#[utoipa::path(
    post,
    path = "/hooks/{workspace}/{connection}/decision",
    tag = "hooks",
    params(
        ("workspace" = String, Path, description = "The workspace's id"),
        ("connection" = String, Path, description = "A connection with integration `pbx/native`")
    ),
    request_body = ref("schemas/decision-request.schema.json"),
    responses(
        (status = 200, body = ref("schemas/decision.schema.json")),
        (status = "default", body = Problem, content_type = "application/problem+json")
    )
)]
#[expect(dead_code, reason = "describes what `receive` serves")]
pub(crate) fn decision() {}

/// What happened: one event or an array of up to 1000, each `schemas/call-event.schema.json`.
#[utoipa::path(
    post,
    path = "/hooks/{workspace}/{connection}/events",
    tag = "hooks",
    params(
        ("workspace" = String, Path, description = "The workspace's id"),
        ("connection" = String, Path, description = "A connection with integration `pbx/native`")
    ),
    request_body = inline(EventsBody),
    responses(
        (status = 200, body = EventsAccepted),
        (status = "default", body = Problem, content_type = "application/problem+json")
    )
)]
#[expect(dead_code, reason = "describes what `receive` serves")]
pub(crate) fn events() {}
