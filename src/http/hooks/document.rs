//! The native dialect's hooks in the API document. The handlers are shared by all dialects, so the document is written
//! beside them; bodies are those of `schemas/`.

use crate::http::problem::Problem;

/// Whom to ring? The body is `schemas/decision-request.schema.json`, the answer `schemas/decision.schema.json`.
#[utoipa::path(
    post,
    path = "/hooks/{workspace}/{connection}/decision",
    tag = "hooks",
    params(
        ("workspace" = String, Path, description = "The workspace's id"),
        ("connection" = String, Path, description = "A connection with integration `pbx/native`")
    ),
    request_body = serde_json::Value,
    responses((status = 200, body = serde_json::Value), (status = "default", body = Problem, content_type = "application/problem+json"))
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
    request_body = serde_json::Value,
    responses((status = 200, body = serde_json::Value), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
#[expect(dead_code, reason = "describes what `receive` serves")]
pub(crate) fn events() {}
