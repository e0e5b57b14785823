//! Looks after the LLM servers: warm-up at the start, health, keep-alive while plans wait, replies
//! that outlive a restart; and tells as log lines what the gateway tells.

use std::time::Duration;

use slog::{Logger, debug, info, o, warn};
use tokio::{
    runtime::Runtime,
    sync::mpsc,
    task::JoinHandle,
    time::{MissedTickBehavior, interval},
};

use actors::{
    Actors,
    llm_gateway::{CheckHealth, KeepWarm, SaveReplies, WarmUp, reply_keeper::ReplyKeeper},
};
use llm::{
    BreakerState, EndpointStatus, FailureKind, GatewayEvent, ModelState, settings::LlmSettings,
};
use model::PlanState;
use store::Store;
use telemetry::log::events::{LLM_BREAKER_CLOSED, LLM_BREAKER_OPENED, LLM_WARM, LLM_WARM_FAILED};

/// What a kill may cost of the kept replies.
const SAVE_EVERY: Duration = Duration::from_secs(60);

/// Between two looks at whether plans wait, at most; at least a second.
const KEEP_WARM_EVERY_MAX: Duration = Duration::from_secs(60);

/// How long a save may hold up the daemon's end.
const SAVE_LIMIT: Duration = Duration::from_secs(5);

/// Runs until the process ends. Plans that come during a warm-up wait for their model, or are
/// answered by the rules.
pub(crate) async fn look_after(actors: Actors, store: Store, settings: LlmSettings, log: Logger) {
    let log = log.new(o!("actor" => "llm_gateway"));
    if settings.endpoints.is_empty() {
        return;
    }
    tokio::join!(
        watch_health(&actors, &settings, &log),
        keep_warm(&actors, &store, &settings),
        keep_replies(&actors, &settings, &log)
    );
}

async fn warm_up(actors: Actors, log: Logger) {
    if let Err(error) = actors.llm.ask(WarmUp).await {
        warn!(log, "models were not warmed up: {}", error);
    }
}

/// Models are loaded at the start and when a server comes back without them; aside, since that may
/// take minutes.
async fn watch_health(actors: &Actors, settings: &LlmSettings, log: &Logger) {
    let mut every = every(settings.health_interval);
    let mut before = Vec::new();
    let start_warm_up = || tokio::spawn(warm_up(actors.clone(), log.clone()));
    let mut warming = settings.warm_up.then(start_warm_up);
    loop {
        every.tick().await;
        // An actor that restarts is asked again at the next tick.
        let Ok(now) = actors.llm.ask(CheckHealth).await else { continue };
        let is_free = warming.as_ref().is_none_or(JoinHandle::is_finished);
        if settings.warm_up && is_free && one_is_back(&before, &now) {
            warming = Some(start_warm_up());
        }
        before = now;
    }
}

/// Whether a server that did not answer does so now.
fn one_is_back(before: &[EndpointStatus], now: &[EndpointStatus]) -> bool {
    let is_gone =
        |status: &EndpointStatus| matches!(status.model.state, ModelState::Unreachable { .. });
    before.iter().zip(now).any(|(before, now)| is_gone(before) && !is_gone(now))
}

/// Plans that wait or run will need the models: they are to stay in memory.
async fn keep_warm(actors: &Actors, store: &Store, settings: &LlmSettings) {
    if settings.keep_alive.is_zero() {
        return;
    }
    let often = (settings.keep_alive / 4).clamp(Duration::from_secs(1), KEEP_WARM_EVERY_MAX);
    let mut every = every(often);
    loop {
        every.tick().await;
        if plans_will_ask(store).await {
            let _ = actors.llm.ask(KeepWarm).await;
        }
    }
}

async fn plans_will_ask(store: &Store) -> bool {
    let unfinished = [PlanState::Queued, PlanState::Running, PlanState::Writing];
    let counts = store.plan_counts().await.unwrap_or_default();
    counts.iter().any(|(state, count)| *count > 0 && unfinished.contains(state))
}

async fn keep_replies(actors: &Actors, settings: &LlmSettings, log: &Logger) {
    if !(settings.response_cache && settings.response_cache_persistent) {
        return;
    }
    let mut every = every(SAVE_EVERY);
    // At once there is nothing to save.
    every.tick().await;
    loop {
        every.tick().await;
        save_replies(actors, log).await;
    }
}

fn every(period: Duration) -> tokio::time::Interval {
    let mut every = interval(period);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    every
}

/// Brings replies of an earlier run back. Without them the daemon works as well, only slower.
pub(crate) async fn restore(keeper: &ReplyKeeper, work: &Runtime, log: &Logger) {
    let keeper = keeper.clone();
    match work.spawn(async move { keeper.restore().await }).await {
        Ok(Ok(0)) => {}
        Ok(Ok(count)) => info!(log, "{} kept LLM replies are back", count),
        Ok(Err(error)) => warn!(log, "kept LLM replies were not read"; "error" => %error),
        Err(error) => warn!(log, "kept LLM replies were not read"; "error" => %error),
    }
}

/// Stores the replies that came since the last save.
pub(crate) async fn save_replies(actors: &Actors, log: &Logger) {
    match tokio::time::timeout(SAVE_LIMIT, actors.llm.ask(SaveReplies)).await {
        Ok(Ok(count)) => debug!(log, "{} LLM replies were kept", count),
        Ok(Err(error)) => warn!(log, "LLM replies were not kept: {}", error),
        Err(_) => warn!(log, "LLM replies were not kept in time"),
    }
}

/// Logs until the gateway is gone.
pub(crate) async fn log_events(mut events: mpsc::Receiver<GatewayEvent>, log: Logger) {
    let log = log.new(o!("actor" => "llm_gateway"));
    while let Some(event) = events.recv().await {
        log_event(&log, &event);
    }
}

fn log_event(log: &Logger, event: &GatewayEvent) {
    match event {
        GatewayEvent::BreakerChanged { endpoint, state: BreakerState::Open } => {
            warn!(log, "an LLM server is left alone for a while"; LLM_BREAKER_OPENED,
                "endpoint" => endpoint);
        }
        GatewayEvent::BreakerChanged { endpoint, state: BreakerState::Closed } => {
            info!(log, "an LLM server is asked again"; LLM_BREAKER_CLOSED, "endpoint" => endpoint);
        }
        GatewayEvent::BreakerChanged { state: BreakerState::HalfOpen, .. } => {}
        // Its opening was told, and each answer of the rules is.
        GatewayEvent::EndpointFailed { failure, .. }
            if failure.kind == FailureKind::BreakerOpen => {}
        GatewayEvent::EndpointFailed { endpoint, task, failure } => {
            warn!(log, "the LLM server {} gave up on a request", endpoint;
                "task" => task.as_str(), "error" => failure.to_string());
        }
        GatewayEvent::Retrying { endpoint, failure, wait } => {
            debug!(log, "the LLM server {} is asked once more", endpoint;
                "error" => failure.to_string(), "wait_ms" => wait.as_millis() as u64);
        }
        GatewayEvent::ModelChanged { endpoint, model, state, took } => {
            log_model(log, endpoint, model, state, *took);
        }
    }
}

fn log_model(
    log: &Logger,
    endpoint: &str,
    model: &str,
    state: &ModelState,
    took: Option<Duration>,
) {
    match (state, took) {
        (ModelState::Ready, Some(took)) => {
            info!(log, "a model is loaded"; LLM_WARM, "endpoint" => endpoint, "model" => model,
                "ms" => took.as_millis() as u64);
        }
        (
            ModelState::Absent { remedy: why }
            | ModelState::Unfit { remedy: why }
            | ModelState::Unreachable { problem: why },
            _,
        ) => {
            warn!(log, "the model {} cannot be used", model; LLM_WARM_FAILED,
                "endpoint" => endpoint, "error" => why);
        }
        _ => debug!(log, "a model's state changed"; "endpoint" => endpoint, "model" => model,
            "state" => state.as_str()),
    }
}
