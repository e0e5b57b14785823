//! Calls for administrators only.

use std::time::{Duration, Instant};

use actix_web::{HttpResponse, web::Data};
use serde_json::json;
use slog::{Level, info};
use tokio::time::timeout;

use super::body::Json;
use crate::serving::{
    context::Context,
    failure::{Answer, Failure},
    peer::Admin,
};
use actors::{
    Duty,
    coordinator::{Drain, Resume},
    llm_gateway::FlushResponses,
    metrics::VerifyMechanisms,
    vendor_search::messages::FlushQueries,
};
use telemetry::log::events::{CACHE_FLUSHED, DRAINED, DRAINING, LOG_LEVEL_CHANGED};
use wire::{
    ApiError, CacheName, DrainDaemon, ErrorCode, FlushCache, Flushed, LogLevel, SAMPLES_MAX,
    SAMPLES_MIN, VerifyOptimizations,
};

/// As the setting log.level names them.
const LEVELS: [(&str, Level); 4] = [
    ("error", Level::Error),
    ("warning", Level::Warning),
    ("info", Level::Info),
    ("debug", Level::Debug),
];

pub(super) async fn flush(
    context: Data<Context>,
    _: Admin,
    Json(body): Json<FlushCache>,
) -> Answer {
    let mut flushed = Flushed::default();
    if body.cache != CacheName::Llm {
        flushed.query = Some(context.actors.vendors.ask(FlushQueries).await?);
    }
    if body.cache != CacheName::Query {
        flushed.llm = Some(context.actors.llm.ask(FlushResponses).await?);
    }
    for (cache, entries) in [("query", flushed.query), ("llm", flushed.llm)] {
        if let Some(entries) = entries {
            info!(context.log, "a cache was emptied"; CACHE_FLUSHED, "cache" => cache,
                "entries" => entries);
        }
    }
    Ok(HttpResponse::Ok().json(flushed))
}

pub(super) async fn log_level(
    context: Data<Context>,
    _: Admin,
    Json(body): Json<LogLevel>,
) -> Answer {
    let level = level(&body.level)?;
    let before = context.log_level.level();
    context.log_level.set_level(level);
    let from = LEVELS.iter().find(|(_, known)| *known == before).map(|(name, _)| *name);
    info!(context.log, "the log's level was changed"; LOG_LEVEL_CHANGED,
        "from" => from, "to" => &body.level);
    Ok(HttpResponse::Ok().json(body))
}

/// Takes seconds, with model servers minutes.
pub(crate) async fn verify_optimizations(
    context: Data<Context>,
    _: Admin,
    Json(wanted): Json<VerifyOptimizations>,
) -> Answer {
    let samples = wanted.samples;
    if !(SAMPLES_MIN..=SAMPLES_MAX).contains(&samples) {
        let hint = format!("write {SAMPLES_MIN} to {SAMPLES_MAX}");
        return Err(ApiError::invalid("samples", format!("is {samples}"), hint).into());
    }
    let view = context.actors.metrics.ask(VerifyMechanisms { samples }).await?;
    Ok(HttpResponse::Ok().json(view))
}

/// 202: the daemon stops in good order after the reply.
pub(super) async fn stop(context: Data<Context>, _: Admin) -> Answer {
    context.stop.notify_one();
    Ok(HttpResponse::Accepted().json(json!({"state": "stopping", "pid": std::process::id()})))
}

/// Reads the settings anew; says what changed, and what holds only after a restart.
pub(super) async fn reload(context: Data<Context>, _: Admin) -> Answer {
    Ok(HttpResponse::Ok().json(context.reloader.reload().await?))
}

/// How long the coordinator may take to begin a drain: a new life of it, at the worst.
const DRAIN_BEGINS_WITHIN: Duration = Duration::from_secs(10);

/// 202: no more plans are claimed; `status` says when none runs any more. `undo` claims again.
pub(super) async fn drain(
    context: Data<Context>,
    _: Admin,
    Json(body): Json<DrainDaemon>,
) -> Answer {
    let coordinator = context.actors.coordinator.clone();
    if body.undo {
        coordinator.ask(Resume).await?;
    } else {
        let grace = context.actors.settings().workflow.drain_grace;
        info!(context.log, "draining"; DRAINING, "grace_s" => grace.as_secs());
        let (log, began) = (context.log.clone(), Instant::now());
        actix_web::rt::spawn(async move {
            if coordinator.ask(Drain { grace }).await.is_ok() {
                info!(log, "drained"; DRAINED, "ms" => began.elapsed().as_millis() as u64);
            }
        });
        // A status asked for after the reply must not say `running` still.
        let mut duty = context.actors.duty.clone();
        let begins = duty.wait_for(|duty| *duty == Duty::Draining);
        if !matches!(timeout(DRAIN_BEGINS_WITHIN, begins).await, Ok(Ok(_))) {
            let error = ApiError::new(ErrorCode::Unavailable, "the coordinator does not answer");
            return Err(error.with_hint("try again in a moment").into());
        }
    }
    let state = if body.undo { "running" } else { "draining" };
    Ok(HttpResponse::Accepted().json(json!({"state": state, "pid": std::process::id()})))
}

/// Does a test's harm to an actor; debug builds only.
#[cfg(any(debug_assertions, feature = "fault-injection"))]
pub(super) async fn fault(
    context: Data<Context>,
    _: Admin,
    Json(body): Json<InjectFault>,
) -> Answer {
    if !context.actors.inject(&body.actor, body.fault) {
        return Err(ApiError::invalid("actor", "is unknown", "`status` lists them").into());
    }
    Ok(HttpResponse::Ok().json(json!({"actor": body.actor})))
}

#[cfg(any(debug_assertions, feature = "fault-injection"))]
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct InjectFault {
    actor: String,
    fault: actors::supervision::Fault,
}

fn level(name: &str) -> Result<Level, Failure> {
    let found = LEVELS.iter().find(|(known, _)| *known == name);
    let hint = format!("write {}", LEVELS.map(|(known, _)| known).join(", "));
    let refused = || ApiError::invalid("level", "is unknown", hint);
    found.map(|(_, level)| *level).ok_or_else(|| refused().into())
}
