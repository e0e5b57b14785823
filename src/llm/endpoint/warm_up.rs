//! Loading models before they are needed, keeping them loaded, and asking servers how they are.

use std::time::{Duration, Instant};

use reqwest::{
    RequestBuilder, StatusCode,
    header::{AUTHORIZATION, CONTENT_TYPE},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::time::timeout;

use super::{
    Endpoint,
    event::Events,
    model_facts::ModelFacts,
    status::{ModelState, ModelStatus},
    upstream::send_failure,
};
use crate::{
    failure::{Failure, FailureKind},
    servers::{body, http, ollama},
    settings::{LlmSettings, ServerKind},
};
use resilience::Backoff;

/// Longest list of models that is read, in bytes.
const LIST_MAX_BYTES: usize = 1 << 20;

/// How long a health check waits at most.
const HEALTH_MAX: Duration = Duration::from_secs(5);

/// Between two questions to a server that loads a model: the protocol has no event to wait for.
const LOADING: Backoff =
    Backoff { first: Duration::from_millis(50), max: Duration::from_secs(1), jitter: 0.0 };

/// Makes the endpoint's model ready, within `timeout`.
pub(crate) async fn warm_up(
    endpoint: &Endpoint,
    settings: &LlmSettings,
    events: &Events,
) -> ModelStatus {
    let started = Instant::now();
    let work = async {
        match endpoint.settings.kind {
            ServerKind::Ollama => load_ollama(endpoint, settings, events).await,
            ServerKind::OpenAi | ServerKind::Rules => {
                wait_for_openai(endpoint, settings, events).await
            }
        }
    };
    let late = || Err(Failure::from(FailureKind::TotalTimeout));
    let state = match timeout(settings.timeout, work).await.unwrap_or_else(|_| late()) {
        Ok(state) => state,
        Err(failure) => ModelState::Unreachable { problem: failure.to_string() },
    };
    if state == ModelState::Ready {
        endpoint.seen_alive();
    }
    endpoint.set_model(state, Some(started.elapsed()), events);
    endpoint.model_status()
}

/// Refreshes the keep-alive of a model that nobody asked for half of it. A keep-alive of zero
/// means that the model is to leave the memory after each call.
pub(crate) async fn keep_warm(endpoint: &Endpoint, settings: &LlmSettings, events: &Events) {
    let lies_idle = endpoint.idle_for().is_none_or(|idle| idle >= settings.keep_alive / 2);
    let is_due = lies_idle && !settings.keep_alive.is_zero();
    if endpoint.settings.kind == ServerKind::Ollama && is_due {
        warm_up(endpoint, settings, events).await;
    }
}

/// Asks the server how it and its model are; costs it next to nothing.
pub(crate) async fn check(endpoint: &Endpoint, settings: &LlmSettings, events: &Events) {
    let asked = async {
        match endpoint.settings.kind {
            ServerKind::Ollama => check_ollama(endpoint, settings).await,
            ServerKind::OpenAi | ServerKind::Rules => check_openai(endpoint, settings).await,
        }
    };
    let late = || Err(Failure::from(FailureKind::TotalTimeout));
    let limit = settings.first_byte_timeout.min(HEALTH_MAX);
    let state = match timeout(limit, asked).await.unwrap_or_else(|_| late()) {
        Ok(state) => {
            endpoint.seen_alive();
            state
        }
        Err(failure) => ModelState::Unreachable { problem: failure.to_string() },
    };
    endpoint.set_model(state, None, events);
}

#[derive(Deserialize)]
struct OllamaModels {
    #[serde(default)]
    models: Vec<OllamaModel>,
}

#[derive(Deserialize)]
struct OllamaModel {
    name: String,
}

#[derive(Deserialize)]
struct OpenAiModels {
    #[serde(default)]
    data: Vec<OpenAiModel>,
}

#[derive(Deserialize)]
struct OpenAiModel {
    id: String,
    /// Of vLLM.
    max_model_len: Option<u32>,
    /// Of llama.cpp.
    meta: Option<LlamaCppMeta>,
}

#[derive(Deserialize)]
struct LlamaCppMeta {
    /// Of one slot.
    n_ctx: Option<u32>,
}

async fn load_ollama(
    endpoint: &Endpoint,
    settings: &LlmSettings,
    events: &Events,
) -> Result<ModelState, Failure> {
    if let Some(absent) = absent_in_ollama(endpoint, settings).await? {
        return Ok(absent);
    }
    let facts = model_facts(endpoint, settings).await?;
    endpoint.set_context(facts.context_tokens);
    if facts.completes == Some(false) {
        let remedy = "it writes no text; set `model` to one that can complete".to_owned();
        return Ok(ModelState::Unfit { remedy });
    }
    // A model that is refreshed is there all the while.
    if endpoint.model_status().state != ModelState::Ready {
        endpoint.set_model(ModelState::Loading, None, events);
    }
    let api = endpoint.settings.ollama_api;
    let load = ollama::load_body(api, &endpoint.settings.model, endpoint.pinned);
    endpoint.called_now();
    let (status, _) = post_json(endpoint, settings, ollama::path(api), &load).await?;
    match status.as_u16() {
        200 => Ok(ModelState::Ready),
        404 => Ok(ModelState::Absent { remedy: endpoint.absent_remedy() }),
        code => Err(Failure::status(FailureKind::ServerError, code)),
    }
}

/// What the server tells of its model; nothing where it doesn't.
async fn model_facts(endpoint: &Endpoint, settings: &LlmSettings) -> Result<ModelFacts, Failure> {
    let asked = json!({"model": endpoint.settings.model});
    let (status, text) = post_json(endpoint, settings, "api/show", &asked).await?;
    Ok(if status.is_success() { ModelFacts::read(&text) } else { ModelFacts::default() })
}

async fn check_ollama(endpoint: &Endpoint, settings: &LlmSettings) -> Result<ModelState, Failure> {
    let loaded: OllamaModels = get_json(endpoint, settings, "api/ps").await?;
    if holds(&loaded, &endpoint.settings.model) {
        return Ok(ModelState::Ready);
    }
    Ok(absent_in_ollama(endpoint, settings).await?.unwrap_or(ModelState::Unloaded))
}

async fn absent_in_ollama(
    endpoint: &Endpoint,
    settings: &LlmSettings,
) -> Result<Option<ModelState>, Failure> {
    let pulled: OllamaModels = get_json(endpoint, settings, "api/tags").await?;
    let there = holds(&pulled, &endpoint.settings.model);
    Ok((!there).then(|| ModelState::Absent { remedy: endpoint.absent_remedy() }))
}

/// A name without a tag means the tag `latest`.
fn holds(list: &OllamaModels, model: &str) -> bool {
    let tagged = format!("{model}:latest");
    list.models.iter().any(|known| known.name == model || known.name == tagged)
}

/// Waits until the server has loaded its model: it says 503 until then.
async fn wait_for_openai(
    endpoint: &Endpoint,
    settings: &LlmSettings,
    events: &Events,
) -> Result<ModelState, Failure> {
    let mut waits = LOADING.waits();
    loop {
        let state = check_openai(endpoint, settings).await?;
        if state != ModelState::Loading {
            return Ok(state);
        }
        endpoint.set_model(ModelState::Loading, None, events);
        waits.pause().await;
    }
}

async fn check_openai(endpoint: &Endpoint, settings: &LlmSettings) -> Result<ModelState, Failure> {
    let request = endpoint.client.get(http::join(&endpoint.base, "health"));
    let (status, _) = exchange(endpoint, request, settings).await?;
    match status.as_u16() {
        503 => return Ok(ModelState::Loading),
        // A server without this page is asked for its models all the same.
        200..=299 | 400..=499 => {}
        code => return Err(Failure::status(FailureKind::ServerError, code)),
    }
    let served: OpenAiModels = get_json(endpoint, settings, "v1/models").await?;
    let model = &endpoint.settings.model;
    if let Some(known) = served.data.iter().find(|known| known.id == *model) {
        let of_slot = known.meta.as_ref().and_then(|meta| meta.n_ctx);
        endpoint.set_context(known.max_model_len.or(of_slot));
        return Ok(ModelState::Ready);
    }
    let others: Vec<&str> = served.data.iter().take(5).map(|known| known.id.as_str()).collect();
    let remedy = format!(
        "set `model` to one that the server has ({}), or start it with `{model}`",
        others.join(", ")
    );
    Ok(ModelState::Absent { remedy })
}

async fn get_json<T: for<'de> Deserialize<'de>>(
    endpoint: &Endpoint,
    settings: &LlmSettings,
    path: &str,
) -> Result<T, Failure> {
    let request = endpoint.client.get(http::join(&endpoint.base, path));
    let (status, text) = exchange(endpoint, request, settings).await?;
    match status.as_u16() {
        200 => serde_json::from_str(&text).map_err(|_| Failure::from(FailureKind::BadStream)),
        code @ (401 | 403) => Err(Failure::status(FailureKind::Unauthorized, code)),
        code @ 300..=399 => Err(Failure::status(FailureKind::Redirect, code)),
        code @ 400..=499 => Err(Failure::status(FailureKind::ClientError, code)),
        code => Err(Failure::status(FailureKind::ServerError, code)),
    }
}

async fn post_json(
    endpoint: &Endpoint,
    settings: &LlmSettings,
    path: &str,
    body: &impl Serialize,
) -> Result<(StatusCode, String), Failure> {
    let body = serde_json::to_vec(body)
        .map_err(|e| Failure::detailed(FailureKind::ClientError, e.to_string()))?;
    let request = endpoint.client.post(http::join(&endpoint.base, path));
    exchange(endpoint, request.header(CONTENT_TYPE, "application/json").body(body), settings).await
}

/// Status and body of a short call. Loading a model holds the head back, so the caller's total
/// time is the only bound.
async fn exchange(
    endpoint: &Endpoint,
    mut request: RequestBuilder,
    settings: &LlmSettings,
) -> Result<(StatusCode, String), Failure> {
    if let Some(key) = &endpoint.authorization {
        request = request.header(AUTHORIZATION, key.clone());
    }
    let again = request.try_clone();
    let response = match (request.send().await, again) {
        (Ok(response), _) => response,
        // The server may just have closed a kept connection.
        (Err(error), Some(again)) if send_failure(&error).kind == FailureKind::Disconnected => {
            again.send().await.map_err(|e| send_failure(&e))?
        }
        (Err(error), _) => return Err(send_failure(&error)),
    };
    let status = response.status();
    Ok((status, body::beginning(response, LIST_MAX_BYTES, settings.idle_timeout).await))
}
