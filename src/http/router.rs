//! Which path is served by what.

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::api::{agents, connections, decisions, events, scores, shares};
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
        .routes(routes!(decisions::list_decisions))
        .routes(routes!(decisions::explain_decision))
        .routes(routes!(events::list_events))
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
        .layer(from_fn_with_state(state.clone(), hold_api_permit))
        .fallback(|| async {
            Problem::new(Code::NotFound, "There is nothing at this address; see /openapi.yaml.").into_response()
        })
        .method_not_allowed_fallback(|| async {
            Problem::new(Code::MethodNotAllowed, "This address takes another method; see /openapi.yaml.").into_response()
        })
        .with_state(state)
}

/// Reading must never crowd out hooks: it has its own, smaller number of places. Whether we are alive is always told.
async fn hold_api_permit(axum::extract::State(state): axum::extract::State<AppState>, request: Request, next: Next) -> Response {
    if !request.uri().path().starts_with("/api/") {
        return next.run(request).await;
    }
    match state.permits.api.try_acquire() {
        Ok(_permit) => next.run(request).await,
        Err(_) => Problem::new(Code::Overloaded, "Too many requests at once: try again in a second.").into_response(),
    }
}
