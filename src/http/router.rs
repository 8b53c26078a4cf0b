//! Which path is served by what.

use axum::Router;
use axum::response::IntoResponse;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::api::{
    agents, brake, callbacks, connections, decisions, events, experiment, notices, own_say, scores, share_explanation, shares,
    tags,
};
use super::problem::{Code, Problem};
use super::state::AppState;
use super::{hooks, operations};

/// The head of the API document; paths and schemas come from the handlers.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Meritline",
        description = "Answers a PBX in mid-call whom to ring, by performance-weighted percentage distribution.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    paths(hooks::document::decision, hooks::document::events),
    modifiers(&Security),
    security(("token" = []))
)]
struct Document;

struct Security;

impl utoipa::Modify for Security {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
    }
}

fn described() -> OpenApiRouter<AppState> {
    let api = OpenApiRouter::new()
        .routes(routes!(agents::list_agents))
        .routes(routes!(agents::put_presence))
        .routes(routes!(own_say::put_load))
        .routes(routes!(own_say::post_one_more))
        .routes(routes!(own_say::post_rest))
        .routes(routes!(own_say::post_pause_after_call))
        .routes(routes!(own_say::delete_pause_after_call))
        .routes(routes!(notices::list_notices))
        .routes(routes!(scores::list_scores))
        .routes(routes!(scores::corrections::post_correction))
        .routes(routes!(scores::exclusions::list_exclusions))
        .routes(routes!(scores::exclusions::post_exclusion))
        .routes(routes!(scores::objections::list_objections))
        .routes(routes!(scores::objections::post_objection))
        .routes(routes!(scores::objections::post_answer))
        .routes(routes!(scores::versions::list_versions))
        .routes(routes!(scores::versions::put_pin))
        .routes(routes!(scores::versions::post_accept))
        .routes(routes!(scores::explanation::explain_score))
        .routes(routes!(shares::group_shares))
        .routes(routes!(share_explanation::explain_group_shares))
        .routes(routes!(brake::show_brake))
        .routes(routes!(brake::put_brake))
        .routes(routes!(experiment::show_experiment))
        .routes(routes!(experiment::compare_spans))
        .routes(routes!(decisions::list_decisions))
        .routes(routes!(decisions::explain_decision))
        .routes(routes!(events::list_events))
        .routes(routes!(callbacks::list_callbacks))
        .routes(routes!(callbacks::post_callback))
        .routes(routes!(callbacks::put_callback_agent))
        .routes(routes!(tags::put_tag))
        .routes(routes!(tags::list_tag_rates))
        .routes(routes!(connections::list_connections))
        .routes(routes!(connections::list_inbox));
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(operations::healthz))
        .routes(routes!(operations::readyz))
        .routes(routes!(operations::metrics))
        .routes(routes!(operations::openapi))
        .routes(routes!(operations::schema))
        .merge(api)
}

/// The API document as the handlers describe it.
pub fn document() -> utoipa::openapi::OpenApi {
    described().split_for_parts().1
}

/// Everything that is served, apart from hooks.
pub fn router(state: AppState) -> Router {
    let (described, _) = described().split_for_parts();
    described
        .fallback(|| async {
            Problem::new(Code::NotFound, "There is nothing at this address; see /openapi.yaml.").into_response()
        })
        .method_not_allowed_fallback(|| async {
            Problem::new(Code::MethodNotAllowed, "This address takes another method; see /openapi.yaml.").into_response()
        })
        .with_state(state)
}
