//! The calls of the control API: decode, one message to an actor, reply. One file per noun.

mod admin;
mod audit;
mod body;
mod import;
mod llm;
mod openapi;
mod path;
mod plans;
mod status;
mod vendors;

pub(crate) use status::problem;

use actix_web::web;

/// The table of routes. Paths that aren't in it, and methods that a path doesn't know, are
/// answered with an error document as well.
pub(crate) fn routes(config: &mut web::ServiceConfig) {
    config
        .service(resource("/v1").route(web::get().to(status::features)))
        .service(
            resource("/v1/plans")
                .route(web::post().to(plans::submit))
                .route(web::get().to(plans::list)),
        )
        .service(resource("/v1/plans/{id}").route(web::get().to(plans::show)))
        .service(
            resource("/v1/plans/{id}/events")
                .route(web::get().to(crate::api::plans::events::watch)),
        )
        .service(resource("/v1/plans/{id}/select").route(web::post().to(plans::select)))
        .service(resource("/v1/plans/{id}/cancel").route(web::post().to(plans::cancel)))
        .service(resource("/v1/plans/{id}/replan").route(web::post().to(plans::replan)))
        .service(resource("/v1/plans/{id}/proof").route(web::get().to(plans::proof)))
        .service(
            resource("/v1/plans/{id}/export").route(web::get().to(crate::api::plans::export::show)),
        )
        .service(resource("/v1/plans/{id}/audit").route(web::get().to(audit::show)))
        .service(resource("/v1/plans/{id}/erase").route(web::post().to(plans::erase)))
        .service(resource("/v1/audit/verify").route(web::get().to(audit::verify)))
        .service(
            resource("/v1/plans/{id}/documents/{name}")
                .route(web::get().to(crate::api::plans::documents::show)),
        )
        .service(resource("/v1/vendors/import").route(web::post().to(import::import)))
        .service(resource("/v1/vendors/generate").route(web::post().to(vendors::generate)))
        .service(resource("/v1/vendors/search").route(web::get().to(vendors::search)))
        .service(resource("/v1/vendors/stats").route(web::get().to(vendors::stats)))
        .service(resource("/v1/status").route(web::get().to(status::status)))
        .service(resource("/v1/health").route(web::get().to(status::health)))
        .service(resource("/v1/metrics").route(web::get().to(status::metrics)))
        .service(resource("/v1/alerts").route(web::get().to(status::alerts)))
        .service(resource("/v1/history").route(web::get().to(crate::api::plans::history::history)))
        .service(resource("/v1/report").route(web::get().to(status::report)))
        .service(resource("/v1/llm/tune").route(web::get().to(llm::tune)))
        .service(resource("/v1/llm").route(web::get().to(llm::status)))
        .service(resource("/v1/admin/llm/warm").route(web::post().to(llm::warm)))
        .service(resource("/v1/admin/cache/flush").route(web::post().to(admin::flush)))
        .service(resource("/v1/admin/log-level").route(web::post().to(admin::log_level)))
        .service(
            resource("/v1/admin/verify/optimizations")
                .route(web::post().to(admin::verify_optimizations)),
        )
        .service(resource("/v1/openapi.json").route(web::get().to(openapi::document)))
        .service(resource("/v1/admin/reload").route(web::post().to(admin::reload)))
        .service(resource("/v1/admin/drain").route(web::post().to(admin::drain)))
        .service(resource("/v1/admin/stop").route(web::post().to(admin::stop)))
        .default_service(web::to(crate::serving::failure::not_found));
    #[cfg(any(debug_assertions, feature = "fault-injection"))]
    config.service(resource("/v1/admin/fault").route(web::post().to(admin::fault)));
}

/// What the TCP listener serves: no one can be told apart there, so nothing can be changed and no
/// plan be listed.
pub(crate) fn read_only_routes(config: &mut web::ServiceConfig) {
    config
        .service(resource("/v1/health").route(web::get().to(status::health)))
        .service(resource("/v1/metrics").route(web::get().to(status::metrics)))
        // Where Prometheus looks unless it is told otherwise.
        .service(resource("/metrics").route(web::get().to(status::metrics)))
        .service(
            resource("/v1/plans/{id}/documents/{name}")
                .route(web::get().to(crate::api::plans::documents::show)),
        );
}

fn resource(path: &str) -> actix_web::Resource {
    web::resource(path).default_service(web::to(crate::serving::failure::method_not_allowed))
}
