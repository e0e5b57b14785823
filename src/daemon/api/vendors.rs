//! Vendors: search, generate, count.

use actix_web::{HttpResponse, web::Data};

use super::body::{Json, Params};
use crate::serving::{
    context::Context,
    failure::Answer,
    peer::{Admin, Peer},
};
use actors::vendor_search::messages::{GetVendorStats, ImportGenerated, SearchVendors};
use wire::{GenerateVendors, ImportReport, VendorList, VendorQuery, VendorStats};

pub(super) async fn search(context: Data<Context>, Params(query): Params<VendorQuery>) -> Answer {
    let vendors = context.actors.vendors.ask(SearchVendors(query)).await?;
    Ok(HttpResponse::Ok().json(VendorList { vendors }))
}

pub(super) async fn generate(
    context: Data<Context>,
    _: Admin,
    peer: Peer,
    Json(wanted): Json<GenerateVendors>,
) -> Answer {
    let report: ImportReport =
        context.actors.vendors.ask(ImportGenerated { wanted, uid: peer.uid }).await?;
    Ok(HttpResponse::Ok().json(report))
}

pub(super) async fn stats(context: Data<Context>) -> Answer {
    let stats: VendorStats = context.actors.vendors.ask(GetVendorStats).await?;
    Ok(HttpResponse::Ok().json(stats))
}
