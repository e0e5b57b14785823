//! One request at one endpoint: a turn in its queue, tries with their waits, the check of the reply
//! and at most one repair.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use jiff::Timestamp;
use reqwest::{
    Response, StatusCode,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap},
};
use serde_json::Value;
use tokio::time::{sleep, timeout, timeout_at};

use super::{
    Endpoint,
    endpoint_queue::CallPriority,
    event::{Events, GatewayEvent},
    metrics::{Observer, RequestTimes, Spent},
    retry,
    status::ModelState,
};
use crate::{
    failure::{Failure, FailureKind},
    locked,
    servers::{
        body::{self, Body, Bounds},
        http,
        protocol::{self, ChatRequest, Completion},
    },
    settings::LlmSettings,
    tasks::{
        Reply, Task,
        check::{Refusal, check},
        prompts::{self, Message},
    },
};

/// Bytes of an error reply that are read, to tell loading from broken.
const ERROR_BODY_MAX: usize = 4_096;

/// While a model loads, a wait between tries at most.
const LOADING_WAIT_MAX: Duration = Duration::from_secs(1);

/// Tries while a model loads; `timeout` bounds them too.
const LOADING_TRIES_MAX: u32 = 600;

/// Calls whose first connection ends are made once more at once, beside `retries`.
const STALE_TRIES_MAX: u32 = 1;

/// Everything a request at an endpoint needs.
pub(crate) struct Upstream<'a> {
    pub endpoint: &'a Endpoint,
    pub settings: &'a LlmSettings,
    pub events: &'a Events,
    pub call_priority: &'a CallPriority,
    /// Draws of jitter so far, and their seed.
    pub jitter: &'a AtomicU64,
    pub seed: u64,
    pub observer: Option<&'a Observer>,
}

impl Upstream<'_> {
    /// Asks and checks. Dropping the future cancels the call upstream.
    ///
    /// # Errors
    /// Why this endpoint has no valid reply; what to count and to log is counted and told.
    pub(crate) async fn ask(&self, task: &Task, schema: &Value) -> Result<Arc<Reply>, Failure> {
        let started = Instant::now();
        let mut spent = Spent::default();
        let result = self.admitted(task, schema, &mut spent).await;
        let (endpoint, total) = (&self.endpoint.settings, started.elapsed());
        if let Some(observe) = self.observer {
            observe(&RequestTimes {
                endpoint: &endpoint.name,
                model: &endpoint.model,
                succeeded: result.is_ok(),
                queue: spent.queue,
                first_byte: spent.first_byte,
                total,
                overhead: spent.overhead(total),
            });
        }
        let mut metrics = locked(&self.endpoint.metrics);
        metrics.request(result.is_ok(), total, spent);
        if let Err(failure) = &result {
            if spent.upstream.is_zero() {
                // Calls count their own failures; this request never became one.
                metrics.failure(failure);
            }
            drop(metrics);
            self.events.tell(GatewayEvent::EndpointFailed {
                endpoint: endpoint.name.clone(),
                task: task.kind(),
                failure: failure.clone(),
            });
        }
        result
    }

    async fn admitted(
        &self,
        task: &Task,
        schema: &Value,
        spent: &mut Spent,
    ) -> Result<Arc<Reply>, Failure> {
        if self.endpoint.is_shut() {
            return Err(Failure::from(FailureKind::BreakerOpen));
        }
        let queued = Instant::now();
        let entered = self.endpoint.queue.admit(self.call_priority).await;
        spent.queue = queued.elapsed();
        let permit = entered.map_err(Failure::from)?;
        let until = Instant::now() + self.settings.timeout;
        let reply = self.converse(task, schema, until, spent).await?;
        permit.served();
        Ok(Arc::new(reply))
    }

    /// The first reply, and where it is refused, one repair.
    async fn converse(
        &self,
        task: &Task,
        schema: &Value,
        until: Instant,
        spent: &mut Spent,
    ) -> Result<Reply, Failure> {
        let mut messages = prompts::messages(task, self.endpoint.pinned.num_ctx);
        let first = self.call(task, schema, &messages, until, spent).await?;
        let refusal = match check(&first.text, task) {
            Ok(reply) => return Ok(reply),
            Err(refusal) => refusal,
        };
        self.note_refusal(&refusal);
        locked(&self.endpoint.metrics).repair();
        messages.extend(prompts::repair(&first.text, &refusal.quote));
        let second = self.call(task, schema, &messages, until, spent).await?;
        check(&second.text, task).map_err(|refusal| {
            self.note_refusal(&refusal);
            refusal.failure
        })
    }

    fn note_refusal(&self, refusal: &Refusal) {
        locked(&self.endpoint.metrics).failure(&refusal.failure);
    }

    /// Tries until there is a reply, `retries` are used up, or waiting makes no sense.
    async fn call(
        &self,
        task: &Task,
        schema: &Value,
        messages: &[Message],
        until: Instant,
        spent: &mut Spent,
    ) -> Result<Completion, Failure> {
        let body = self.body(task, schema, messages)?;
        let (mut tries, mut loading, mut stale) = (0, 0, 0);
        let mut before: Option<Failure> = None;
        loop {
            let tried = self.try_once(body.clone(), before.as_ref(), until, spent).await;
            let failure = match tried {
                Ok(completion) => return Ok(completion),
                // That the breaker has opened meanwhile explains nothing.
                Err(failure) if failure.kind == FailureKind::BreakerOpen => {
                    return Err(before.unwrap_or(failure));
                }
                Err(failure) => failure,
            };
            let (count, max) = match failure.kind {
                FailureKind::Loading => (&mut loading, LOADING_TRIES_MAX),
                FailureKind::StaleConnection => (&mut stale, STALE_TRIES_MAX),
                _ => (&mut tries, self.settings.retries),
            };
            if !failure.kind.is_retryable() || *count >= max {
                return Err(failure);
            }
            let draw = self.jitter.fetch_add(1, Ordering::Relaxed);
            let wait = retry::wait_before(*count, failure.retry_after, self.seed ^ draw);
            let wait = match failure.kind {
                FailureKind::Loading => wait.min(LOADING_WAIT_MAX),
                FailureKind::StaleConnection => Duration::ZERO,
                _ => wait,
            };
            *count += 1;
            let (_, deadline) = self.call_priority.get();
            let too_long = wait > retry::RETRY_WAIT_MAX;
            if too_long || Instant::now() + wait >= until.min(deadline) {
                return Err(failure);
            }
            self.back_off(failure.clone(), wait, spent).await;
            before = Some(failure);
        }
    }

    async fn back_off(&self, failure: Failure, wait: Duration, spent: &mut Spent) {
        locked(&self.endpoint.metrics).retry();
        let endpoint = self.endpoint.settings.name.clone();
        self.events.tell(GatewayEvent::Retrying { endpoint, failure, wait });
        sleep(wait).await;
        spent.backoff += wait;
    }

    fn body(&self, task: &Task, schema: &Value, messages: &[Message]) -> Result<Vec<u8>, Failure> {
        let endpoint = &self.endpoint.settings;
        let request = ChatRequest {
            model: &endpoint.model,
            messages,
            schema,
            name: task.kind().as_str(),
            max_tokens: task.kind().max_tokens(),
            pinned: self.endpoint.pinned,
        };
        protocol::call_body(endpoint, &request)
    }

    /// One HTTP call, under the breaker's eyes and within `until`. `before`: how the last try
    /// failed. That the first one's connection ends is nobody's fault: the server may just have
    /// closed a kept one.
    async fn try_once(
        &self,
        body: Vec<u8>,
        before: Option<&Failure>,
        until: Instant,
        spent: &mut Spent,
    ) -> Result<Completion, Failure> {
        let guard = self
            .endpoint
            .pass(self.events)
            .ok_or_else(|| Failure::from(FailureKind::BreakerOpen))?;
        let started = Instant::now();
        let exchange = timeout_at(until.into(), self.exchange(body, started)).await;
        spent.upstream += started.elapsed();
        let result = match exchange {
            Err(_) => Err(Failure::from(FailureKind::TotalTimeout)),
            Ok(Err(failure)) if before.is_none() && failure.kind == FailureKind::Disconnected => {
                Err(Failure::from(FailureKind::StaleConnection))
            }
            Ok(result) => result,
        };
        guard.end(result.as_ref().err().map(|failure| failure.kind.blame()));
        let mut metrics = locked(&self.endpoint.metrics);
        metrics.call();
        match &result {
            Ok(completion) => {
                spent.first_byte = Some(completion.first_byte);
                metrics.tokens(completion.tokens_in, completion.tokens_out);
            }
            Err(failure) => metrics.failure(failure),
        }
        result
    }

    async fn exchange(&self, body: Vec<u8>, started: Instant) -> Result<Completion, Failure> {
        let endpoint = &self.endpoint.settings;
        let url = http::join(&self.endpoint.base, protocol::call_path(endpoint));
        let mut request = self.endpoint.client.post(url).header(CONTENT_TYPE, "application/json");
        if let Some(key) = &self.endpoint.authorization {
            request = request.header(AUTHORIZATION, key.clone());
        }
        self.endpoint.called_now();
        let response = timeout(self.settings.first_byte_timeout, request.body(body).send())
            .await
            .map_err(|_| Failure::from(FailureKind::FirstByteTimeout))?
            .map_err(|e| send_failure(&e))?;
        if response.status() != StatusCode::OK {
            return Err(self.refused(response).await);
        }
        if !has_type(response.headers(), protocol::reply_type(endpoint.kind)) {
            return Err(Failure::from(FailureKind::ContentType));
        }
        let bounds = Bounds {
            first_byte: self.settings.first_byte_timeout,
            idle: self.settings.idle_timeout,
            text: self.settings.max_reply_bytes,
        };
        let mut body = Body::new(response, bounds, started);
        let completion = protocol::read_reply(endpoint.kind, &mut body, bounds.text).await?;
        body.finish().await;
        Ok(completion)
    }

    /// What a reply without success means.
    async fn refused(&self, response: Response) -> Failure {
        let status = response.status();
        let text = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
        let asked =
            retry::retry_after(text("retry-after-ms"), text("retry-after"), Timestamp::now());
        let code = status.as_u16();
        let kind = match code {
            300..=399 => FailureKind::Redirect,
            401 | 403 => FailureKind::Unauthorized,
            404 => FailureKind::ModelAbsent,
            429 => FailureKind::RateLimited,
            500..=599 => FailureKind::ServerError,
            200..=299 => FailureKind::BadStream,
            _ => FailureKind::ClientError,
        };
        let body = body::beginning(response, ERROR_BODY_MAX, self.settings.idle_timeout).await;
        let is_loading = code == 503 && body.to_ascii_lowercase().contains("loading");
        let kind = if is_loading { FailureKind::Loading } else { kind };
        let mut failure = Failure { retry_after: asked, ..Failure::status(kind, code) };
        if kind == FailureKind::ClientError && is_context_overflow(&body) {
            let advice = "the prompt is longer than the server's context; see `num_ctx`";
            failure.detail = Some(advice.to_owned());
        }
        if kind == FailureKind::ModelAbsent {
            let remedy = self.endpoint.absent_remedy();
            failure.detail = Some(remedy.clone());
            self.endpoint.set_model(ModelState::Absent { remedy }, None, self.events);
        }
        failure
    }
}

fn has_type(headers: &HeaderMap, wanted: &str) -> bool {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind = value.and_then(|value| value.split(';').next()).map(str::trim);
    kind.is_some_and(|kind| kind.eq_ignore_ascii_case(wanted))
}

/// Whether an error's body names its cause as llama.cpp or OpenAI's protocol does. Its text may
/// quote the prompt and goes no further.
fn is_context_overflow(body: &str) -> bool {
    ["exceed_context_size_error", "context_length_exceeded"].iter().any(|code| body.contains(code))
}

/// What kept a request from getting a response's head.
pub(crate) fn send_failure(error: &reqwest::Error) -> Failure {
    if !error.is_connect() {
        return Failure::from(FailureKind::Disconnected);
    }
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        if error.is::<rustls::Error>() {
            return Failure::from(FailureKind::Tls);
        }
        // An io error's `source` skips the error that it wraps.
        let wrapped = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        cause = wrapped.map_or_else(|| error.source(), |inner| Some(inner));
    }
    Failure::from(FailureKind::Connect)
}
