//! The API's own description.

use actix_web::HttpResponse;

use crate::serving::failure::Answer;

/// OpenAPI 3.1; a test holds it against the routes and the replies.
pub(super) const DOCUMENT: &str = include_str!("../../../etc/openapi.json");

pub(super) async fn document() -> Answer {
    Ok(HttpResponse::Ok().content_type("application/json").body(DOCUMENT))
}
