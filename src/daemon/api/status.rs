//! How the daemon is.

use std::time::Duration;

use actix_web::{HttpResponse, web::Data};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use super::body::Params;
use crate::serving::{context::Context, failure::Answer};
use actors::{
    Duty,
    metrics::{GetAlerts, GetPrometheus, GetReport, ReportSpan},
};
use control::parse_duration;
use wire::{ActorStatus, ApiError, ErrorCode, Features, HealthView, ReportFormat, StatusView};

/// A database that takes longer to say that it is there is as good as away.
const PING_TIMEOUT: Duration = Duration::from_secs(2);

/// Longest span that a report waits out.
const REPORT_MAX: Duration = Duration::from_secs(3_600);

/// Capabilities that a client may look for before it uses them.
const FEATURES: [&str; 24] = [
    "plans",
    "idempotency_keys",
    "long_poll",
    "plan_events",
    "plan_export_problem",
    "plan_documents",
    "vendor_import",
    "vendor_generate",
    "metrics",
    "alerts",
    "report",
    "history",
    "llm",
    "cache_flush",
    "log_level",
    "admin_stop",
    "verify_optimizations",
    "openapi",
    "admin_drain",
    "admin_reload",
    "plan_audit",
    "plan_erase",
    "plan_priority",
    "audit_verify",
];

pub(super) async fn features() -> Answer {
    Ok(HttpResponse::Ok().json(Features {
        name: "eventplannerd".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        api: "v1".to_owned(),
        features: FEATURES.map(str::to_owned).to_vec(),
    }))
}

/// Answers from memory alone, also while everything else is busy or down.
pub(super) async fn status(context: Data<Context>) -> Answer {
    let facts = &context.facts;
    let pool = context.store.pool_status();
    let uptime = Timestamp::now().duration_since(facts.started_at);
    Ok(HttpResponse::Ok().json(StatusView {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        pid: std::process::id(),
        started_at: facts.started_at,
        uptime_seconds: uptime.as_secs().max(0) as u64,
        state: state(&context).to_owned(),
        state_dir: facts.state_dir.display().to_string(),
        memory_bytes: resident_bytes(),
        database: facts.database.to_owned(),
        database_problem: (!pool.reachable)
            .then(|| pool.last_error.unwrap_or_else(|| "not reached yet".to_owned())),
        actors: context.actors.status(),
    }))
}

fn state(context: &Context) -> &'static str {
    let actors = &context.actors;
    match (*context.stopping.borrow(), *actors.duty.borrow(), *actors.idle.borrow()) {
        (true, ..) => "stopping",
        (false, Duty::Draining, false) => "draining",
        (false, Duty::Draining, true) => "drained",
        (false, Duty::Claiming, _) => "running",
    }
}

/// 200 where every actor lives and the database answers, else 503.
pub(super) async fn health(context: Data<Context>) -> Answer {
    let mut problems: Vec<String> = Vec::new();
    match tokio::time::timeout(PING_TIMEOUT, context.store.ping()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => problems.push(error.to_string()),
        Err(_) => problems.push("the database doesn't answer".to_owned()),
    }
    let actors = context.actors.status();
    problems.extend(actors.iter().filter_map(|actor| problem(actor, context.heartbeat_timeout)));
    if !problems.is_empty() {
        return Err(ApiError::new(ErrorCode::Unavailable, problems.join("; ")).into());
    }
    let names = actors.into_iter().map(|actor| actor.name);
    let checks = std::iter::once("database".to_owned()).chain(names).collect();
    Ok(HttpResponse::Ok().json(HealthView { healthy: true, checks }))
}

/// Prometheus's text format.
pub(super) async fn metrics(context: Data<Context>) -> Answer {
    let text = context.actors.metrics.ask(GetPrometheus).await?;
    Ok(HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(text))
}

pub(super) async fn alerts(context: Data<Context>) -> Answer {
    let alerts = context.actors.metrics.ask(GetAlerts).await?;
    // As a value, so that the names of its fields stand sorted, as they always did.
    Ok(HttpResponse::Ok().json(json!(alerts)))
}

/// The report; `?format=text` or `markdown` for people. Since the start, unless `over` names
/// another span: `cycle` for the last look, or e.g. `60s`, which is waited out.
pub(super) async fn report(context: Data<Context>, Params(query): Params<ReportQuery>) -> Answer {
    let span = report_span(query.over.as_deref())?;
    let report = context.actors.metrics.ask(GetReport(span)).await?;
    let text = |media_type, text| HttpResponse::Ok().content_type(media_type).body(text);
    Ok(match query.format {
        ReportFormat::Json => HttpResponse::Ok().json(report),
        ReportFormat::Text => text("text/plain; charset=utf-8", report.to_text()),
        ReportFormat::Markdown => text("text/markdown; charset=utf-8", report.to_markdown()),
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReportQuery {
    #[serde(default)]
    format: ReportFormat,
    over: Option<String>,
}

fn report_span(over: Option<&str>) -> Result<ReportSpan, ApiError> {
    let span = match over {
        None => return Ok(ReportSpan::SinceStart),
        Some("cycle") => return Ok(ReportSpan::LastCycle),
        Some(text) => parse_duration(text)
            .map_err(|message| ApiError::invalid("over", message, "write cycle, or e.g. 60s"))?,
    };
    if span.is_zero() || span > REPORT_MAX {
        let hint = format!("write up to {} s", REPORT_MAX.as_secs());
        return Err(ApiError::invalid("over", "is out of range", hint));
    }
    Ok(ReportSpan::Next(span))
}

/// What is wrong with an actor.
pub(crate) fn problem(actor: &ActorStatus, heartbeat_timeout: Duration) -> Option<String> {
    if actor.state != "running" {
        return Some(format!("actor {} is {}", actor.name, actor.state));
    }
    let age = Duration::from_millis(actor.heartbeat_age_ms);
    let is_stale = age > heartbeat_timeout;
    is_stale.then(|| format!("actor {} gave no sign for {} s", actor.name, age.as_secs()))
}

/// Resident memory of this process; 0 where /proc doesn't say.
fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: Option<u64> = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok());
    let page_bytes = nix::unistd::sysconf(nix::unistd::SysconfVar::PAGE_SIZE).ok().flatten();
    pages.unwrap_or(0) * page_bytes.unwrap_or(4_096) as u64
}
