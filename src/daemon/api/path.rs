//! Ids in paths.

use std::future::{Ready, ready};

use actix_web::{FromRequest, HttpRequest, dev::Payload};

use crate::serving::failure::Failure;
use model::PlanId;
use wire::ApiError;

/// The `{id}` of a plan's path.
pub(crate) struct PlanPath(pub PlanId);

impl FromRequest for PlanPath {
    type Error = Failure;
    type Future = Ready<Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let id = request.match_info().get("id").and_then(|text| text.parse().ok());
        let refused = || ApiError::invalid("id", "is no plan id", "`plan list` shows them");
        ready(id.map(Self).ok_or_else(|| refused().into()))
    }
}
