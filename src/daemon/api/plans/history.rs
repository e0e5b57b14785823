//! What happened, over all plans.

use actix_web::{HttpResponse, web::Data};

use crate::{
    api::body::{Params, page_limit},
    serving::{context::Context, failure::Answer},
};
use store::HISTORY_LIMIT_MAX;
use wire::{History, HistoryQuery};

pub(crate) async fn history(context: Data<Context>, Params(query): Params<HistoryQuery>) -> Answer {
    page_limit(query.limit, HISTORY_LIMIT_MAX)?;
    let entries = context.store.history(&query).await?;
    Ok(HttpResponse::Ok().json(History { entries }))
}
