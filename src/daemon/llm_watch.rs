//! What the LLM gateway tells, as log lines; and its warm-up at the start.

use slog::{Logger, debug, info, o, warn};
use tokio::sync::mpsc;

use crate::{
    actors::{Actors, llm_gateway::WarmUp},
    llm::{BreakerState, GatewayEvent, ModelState, ModelStatus},
    telemetry::events::{LLM_BREAKER_CLOSED, LLM_BREAKER_OPENED, LLM_WARM, LLM_WARM_FAILED},
};

/// Logs until the gateway is gone.
pub async fn log_events(mut events: mpsc::Receiver<GatewayEvent>, log: Logger) {
    let log = log.new(o!("actor" => "llm_gateway"));
    while let Some(event) = events.recv().await {
        log_event(&log, &event);
    }
}

/// Loads the configured models while everything else already works: a plan that comes meanwhile
/// waits for its model, or is answered by the rules.
pub async fn warm_up(actors: Actors, log: Logger) {
    let log = log.new(o!("actor" => "llm_gateway"));
    match actors.llm.ask(WarmUp).await {
        Ok(models) => models.iter().for_each(|model| log_model(&log, model)),
        Err(error) => warn!(log, "models were not warmed up: {}", error),
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
        GatewayEvent::EndpointFailed { endpoint, task, failure } => {
            warn!(log, "the LLM server {} gave up on a request", endpoint;
                "task" => task.as_str(), "error" => failure.to_string());
        }
        GatewayEvent::Retrying { endpoint, failure, wait } => {
            debug!(log, "the LLM server {} is asked once more", endpoint;
                "error" => failure.to_string(), "wait_ms" => wait.as_millis() as u64);
        }
        GatewayEvent::ModelChanged { endpoint, model, state } => {
            debug!(log, "a model's state changed"; "endpoint" => endpoint, "model" => model,
                "state" => state.as_str());
        }
    }
}

fn log_model(log: &Logger, model: &ModelStatus) {
    if model.state == ModelState::Ready {
        let ms = model.warm_up.unwrap_or_default().as_millis() as u64;
        info!(log, "a model is loaded"; LLM_WARM, "endpoint" => &model.endpoint,
            "model" => &model.model, "ms" => ms);
    } else {
        let error = model.state.advice().unwrap_or(model.state.as_str());
        warn!(log, "a model could not be loaded"; LLM_WARM_FAILED,
            "endpoint" => &model.endpoint, "error" => error);
    }
}
