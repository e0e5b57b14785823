//! A plan's documents.

use actix_web::{HttpRequest, HttpResponse, web::Data};

use super::{Answer, Context, path::PlanPath};
use crate::{actors::beam_coordinator::GetDocument, control::DocumentView};

/// The document itself, under its media type.
pub async fn show(context: Data<Context>, PlanPath(id): PlanPath, request: HttpRequest) -> Answer {
    let name = request.match_info().query("name").to_owned();
    let document: DocumentView = context.actors.coordinator.ask(GetDocument { id, name }).await?;
    Ok(HttpResponse::Ok().content_type(document.media_type).body(document.body))
}
