//! Commands about the daemon, and about the command line itself.

use std::{path::Path, time::Duration};

use jiff::Timestamp;
use serde_json::json;

use super::{
    args::HistoryArgs,
    error::CtlError,
    session::{Session, print},
};
use crate::control::{
    Alerts, CacheName, FlushCache, Flushed, HealthView, History, HistoryQuery, LlmView, LogLevel,
    Reloaded, Reply, ReportFormat, SaveError, StatusView, save_document,
    show::{alerts_text, health_text, history_text, llm_text, reloaded_text, status_text},
};

/// A large model on a slow disk takes minutes to load.
const WARM_UP: Duration = Duration::from_secs(600);

pub async fn status(session: &Session) -> Result<u8, CtlError> {
    let reply: Reply<StatusView> = session.client.get("/v1/status", &()).await?;
    session.print(&reply, status_text)?;
    Ok(0)
}

/// Exit code 1 where the daemon says that it isn't healthy.
pub async fn health(session: &Session) -> Result<u8, CtlError> {
    let reply: Reply<HealthView> = session.client.get("/v1/health", &()).await?;
    session.print(&reply, |health, _| health_text(health))?;
    Ok(u8::from(!reply.value.healthy))
}

/// Prometheus's text as it is; with `--json` as one JSON string.
pub async fn metrics(session: &Session) -> Result<u8, CtlError> {
    let text = session.client.get_text("/v1/metrics").await?;
    print(&if session.json { format!("{}\n", json!({"prometheus": text})) } else { text })?;
    Ok(0)
}

pub async fn alerts(session: &Session) -> Result<u8, CtlError> {
    let reply: Reply<Alerts> = session.client.get("/v1/alerts", &()).await?;
    session.print(&reply, alerts_text)?;
    Ok(0)
}

pub async fn history(session: &Session, args: HistoryArgs) -> Result<u8, CtlError> {
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

/// As text, Markdown or, with `--json`, JSON; on standard output or in a file.
pub async fn report(
    session: &Session,
    markdown: bool,
    output: Option<&Path>,
) -> Result<u8, CtlError> {
    let format = match (markdown, session.json) {
        (true, _) => ReportFormat::Markdown,
        (false, true) => ReportFormat::Json,
        (false, false) => ReportFormat::Text,
    };
    let path = format!("/v1/report?format={}", format.as_str());
    let text = format!("{}\n", session.client.get_text(&path).await?.trim_end());
    let Some(file) = output else {
        let wrapped = session.json && markdown;
        print(&if wrapped { format!("{}\n", json!({"report": text})) } else { text })?;
        return Ok(0);
    };
    let dir = file.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let path = save_document(dir, &name, &text)?;
    let shown = path.display().to_string();
    print(&if session.json { format!("{}\n", json!({"report": shown})) } else { shown + "\n" })?;
    Ok(0)
}

/// Text for people; with `--json` as one JSON string.
pub async fn llm_tune(session: &Session) -> Result<u8, CtlError> {
    let text = session.client.get_text("/v1/llm/tune").await?;
    print(&if session.json { format!("{}\n", json!({"advice": text})) } else { text })?;
    Ok(0)
}

pub async fn log_level(session: &Session, level: String) -> Result<u8, CtlError> {
    let body = LogLevel { level };
    let reply: Reply<LogLevel> = session.client.post("/v1/admin/log-level", &body).await?;
    session.print(&reply, |now, _| format!("the log holds {} and above\n", now.level))?;
    Ok(0)
}

pub async fn flush(session: &Session, cache: CacheName) -> Result<u8, CtlError> {
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

pub async fn llm_status(session: &Session) -> Result<u8, CtlError> {
    let reply: Reply<LlmView> = session.client.get("/v1/llm", &()).await?;
    session.print(&reply, llm_text)?;
    Ok(0)
}

/// Exit code 1 where a model could not be loaded.
pub async fn llm_warm(session: &Session) -> Result<u8, CtlError> {
    let client = session.client.with_timeout(session.timeout_or(WARM_UP));
    let reply: Reply<LlmView> = client.post("/v1/admin/llm/warm", &json!({})).await?;
    session.print(&reply, llm_text)?;
    Ok(u8::from(reply.value.endpoints.iter().any(|endpoint| endpoint.model_state != "ready")))
}

pub async fn reload(session: &Session) -> Result<u8, CtlError> {
    let reply: Reply<Reloaded> = session.client.post("/v1/admin/reload", &json!({})).await?;
    session.print(&reply, |reloaded, _| reloaded_text(reloaded))?;
    Ok(0)
}

pub async fn stop(session: &Session) -> Result<u8, CtlError> {
    let reply: Reply<serde_json::Value> = session.client.post("/v1/admin/stop", &json!({})).await?;
    session.print(&reply, |_, _| "the daemon is stopping\n".to_owned())?;
    Ok(0)
}

pub fn completions(shell: clap_complete::Shell) -> Result<u8, CtlError> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut super::command(), "eventplannerctl", &mut script);
    print(&String::from_utf8_lossy(&script))?;
    Ok(0)
}

/// One page for standard output, or one per command in a directory.
pub fn man(output: Option<&Path>) -> Result<u8, CtlError> {
    let command = super::command();
    let Some(dir) = output else {
        let mut page = Vec::new();
        clap_mangen::Man::new(command).render(&mut page).map_err(CtlError::Print)?;
        print(&String::from_utf8_lossy(&page))?;
        return Ok(0);
    };
    let failed = |source| SaveError::Io { what: "write", path: dir.to_owned(), source };
    std::fs::create_dir_all(dir).map_err(failed)?;
    clap_mangen::generate_to(command, dir).map_err(failed)?;
    Ok(0)
}
