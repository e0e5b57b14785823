//! A plan's documents.

use actix_web::{HttpRequest, HttpResponse, web::Data};

use crate::{
    api::path::PlanPath,
    serving::{context::Context, failure::Answer},
};
use actors::coordinator::GetDocument;
use wire::Document;

/// The document itself, under its media type.
pub(crate) async fn show(
    context: Data<Context>,
    PlanPath(id): PlanPath,
    request: HttpRequest,
) -> Answer {
    let name = request.match_info().query("name").to_owned();
    let document: Document = context.actors.coordinator.ask(GetDocument { id, name }).await?;
    Ok(HttpResponse::Ok().content_type(document.media_type).body(document.body))
}
