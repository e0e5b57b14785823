//! Calls for administrators only.

use actix_web::{HttpResponse, web::Data};
use serde_json::json;

use super::{Answer, Context};
use crate::daemon::peer::Admin;

/// 202: the daemon stops in good order after the reply.
pub async fn stop(context: Data<Context>, _: Admin) -> Answer {
    context.stop.notify_one();
    Ok(HttpResponse::Accepted().json(json!({"state": "stopping", "pid": std::process::id()})))
}
