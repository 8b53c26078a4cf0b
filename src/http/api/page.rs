//! Pages of lists.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::broker::store::PageRequest;
use crate::http::problem::{Code, Problem};
use crate::http::state::AppState;

/// What of a list is wanted.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// Where to start: `next` of the page before; absent for the newest.
    pub cursor: Option<String>,
    /// At most so many items.
    #[param(minimum = 1, maximum = 500, default = 50)]
    pub limit: Option<usize>,
    /// Only this call's.
    pub call: Option<String>,
}

impl PageQuery {
    /// The page asked for.
    pub fn page(self) -> Result<PageRequest, Problem> {
        let limit = self.limit.unwrap_or(50);
        if !(1..=500).contains(&limit) {
            return Err(Problem::new(Code::InvalidParameter, "`limit` must be from 1 to 500."));
        }
        Ok(PageRequest { cursor: self.cursor, limit, call: self.call.map(Into::into) })
    }
}

/// The query of a request as a typed value; what is wrong with it is told as a problem.
pub struct Query<T>(pub T);

impl<T: serde::de::DeserializeOwned> FromRequestParts<AppState> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, Problem> {
        match axum::extract::Query::<T>::try_from_uri(&parts.uri) {
            Ok(axum::extract::Query(query)) => Ok(Self(query)),
            Err(error) => Err(Problem::new(Code::InvalidParameter, format!("The query cannot be used: {}.", error.body_text()))),
        }
    }
}
