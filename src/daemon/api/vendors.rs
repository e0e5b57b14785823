//! Vendors: search, generate, count.

use actix_web::{HttpResponse, web::Data};

use super::{
    Answer, Context,
    body::{Json, Params},
};
use crate::{
    actors::vendor_messages::{GetVendorStats, ImportGenerated, SearchVendors},
    control::{GenerateVendors, ImportReport, VendorList, VendorQuery, VendorStats},
    daemon::peer::Admin,
};

pub async fn search(context: Data<Context>, Params(query): Params<VendorQuery>) -> Answer {
    let vendors = context.actors.vendors.ask(SearchVendors(query)).await?;
    Ok(HttpResponse::Ok().json(VendorList { vendors }))
}

pub async fn generate(
    context: Data<Context>,
    _: Admin,
    Json(wanted): Json<GenerateVendors>,
) -> Answer {
    let report: ImportReport = context.actors.vendors.ask(ImportGenerated(wanted)).await?;
    Ok(HttpResponse::Ok().json(report))
}

pub async fn stats(context: Data<Context>) -> Answer {
    let stats: VendorStats = context.actors.vendors.ask(GetVendorStats).await?;
    Ok(HttpResponse::Ok().json(stats))
}
