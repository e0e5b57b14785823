//! Commands about the daemon, and about the command line itself.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;

use crate::{
    args::HistoryArgs,
    error::CtlError,
    print_text,
    session::{Session, print},
};
use control::{
    Reply,
    show::{alerts_text, health_text, history_text, llm_text, reloaded_text, status_text},
};
use wire::{
    Alerts, CacheName, FlushCache, Flushed, HealthView, History, HistoryQuery, LlmView, LogLevel,
    Reloaded, StatusView,
};

/// A large model on a slow disk takes minutes to load.
const WARM_UP: Duration = Duration::from_secs(600);

/// Once, or with `watch` again and again; a daemon that restarts meanwhile is waited for.
pub(crate) async fn status(session: &Session, watch: Option<Duration>) -> Result<u8, CtlError> {
    let Some(pause) = watch else {
        show_status(session).await?;
        return Ok(0);
    };
    loop {
        if session.look.terminal && !session.json {
            // Home, and the rest of the screen empty.
            print("\x1b[H\x1b[J")?;
        }
        match show_status(session).await {
            Err(CtlError::Client(error)) if error.is_passing() => eprintln!("{error}"),
            shown => shown?,
        }
        tokio::time::sleep(pause.max(Duration::from_millis(100))).await;
    }
}

async fn show_status(session: &Session) -> Result<(), CtlError> {
    let reply: Reply<StatusView> = session.client.get("/v1/status", &()).await?;
    session.print(&reply, status_text)
}

/// Exit code 1 where the daemon says that it isn't healthy.
pub(crate) async fn health(session: &Session) -> Result<u8, CtlError> {
    let reply: Reply<HealthView> = session.client.get("/v1/health", &()).await?;
    session.print(&reply, |health, _| health_text(health))?;
    Ok(u8::from(!reply.value.healthy))
}

/// Prometheus's text as it is; with `--json` as one JSON string.
pub(crate) async fn metrics(session: &Session) -> Result<u8, CtlError> {
    let text = session.client.get_text("/v1/metrics").await?;
    print_text(session.json, "prometheus", text)?;
    Ok(0)
}

pub(crate) async fn alerts(session: &Session) -> Result<u8, CtlError> {
    let reply: Reply<Alerts> = session.client.get("/v1/alerts", &()).await?;
    session.print(&reply, alerts_text)?;
    Ok(0)
}

pub(crate) async fn history(session: &Session, args: HistoryArgs) -> Result<u8, CtlError> {
    let ago = |span: Option<Duration>| {
        let now = Timestamp::now();
        span.map(|span| now.checked_sub(span).unwrap_or(Timestamp::UNIX_EPOCH))
    };
    let query = HistoryQuery {
        runs: args.runs,
        kind: args.kind,
        agent: args.agent,
        failed: args.failed,
        since: ago(args.since),
        until: ago(args.until),
        limit: args.limit,
    };
    let reply: Reply<History> = session.client.get("/v1/history", &query).await?;
    session.print(&reply, history_text)?;
    Ok(0)
}

/// Text for people; with `--json` as one JSON string.
pub(crate) async fn llm_tune(session: &Session) -> Result<u8, CtlError> {
    let text = session.client.get_text("/v1/llm/tune").await?;
    print_text(session.json, "advice", text)?;
    Ok(0)
}

pub(crate) async fn log_level(session: &Session, level: String) -> Result<u8, CtlError> {
    let body = LogLevel { level };
    let reply: Reply<LogLevel> = session.client.post("/v1/admin/log-level", &body).await?;
    session.print(&reply, |now, _| format!("the log holds {} and above\n", now.level))?;
    Ok(0)
}

pub(crate) async fn flush(session: &Session, cache: CacheName) -> Result<u8, CtlError> {
    let body = FlushCache { cache };
    let reply: Reply<Flushed> = session.client.post("/v1/admin/cache/flush", &body).await?;
    session.print(&reply, |flushed, _| {
        let line = |name, entries: Option<usize>| {
            entries.map_or_else(String::new, |n| format!("{name}: {n} entries forgotten\n"))
        };
        line("query cache", flushed.query) + &line("LLM cache", flushed.llm)
    })?;
    Ok(0)
}

pub(crate) async fn llm_status(session: &Session) -> Result<u8, CtlError> {
    let reply: Reply<LlmView> = session.client.get("/v1/llm", &()).await?;
    session.print(&reply, llm_text)?;
    Ok(0)
}

/// Exit code 1 where a model could not be loaded.
pub(crate) async fn llm_warm(session: &Session) -> Result<u8, CtlError> {
    let client = session.client.with_timeout(session.timeout_or(WARM_UP));
    let reply: Reply<LlmView> = client.post("/v1/admin/llm/warm", &json!({})).await?;
    session.print(&reply, llm_text)?;
    Ok(u8::from(reply.value.endpoints.iter().any(|endpoint| endpoint.model_state != "ready")))
}

pub(crate) async fn reload(session: &Session) -> Result<u8, CtlError> {
    let reply: Reply<Reloaded> = session.client.post("/v1/admin/reload", &json!({})).await?;
    session.print(&reply, |reloaded, _| reloaded_text(reloaded))?;
    Ok(0)
}

pub(crate) async fn stop(session: &Session) -> Result<u8, CtlError> {
    let reply: Reply<serde_json::Value> = session.client.post("/v1/admin/stop", &json!({})).await?;
    session.print(&reply, |_, _| "the daemon is stopping\n".to_owned())?;
    Ok(0)
}
