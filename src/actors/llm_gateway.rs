//! LlmGateway: the one way to the LLM servers.
//!
//! State owned: none beyond the shared [`Gateway`] (its cache, breakers and connections outlive a
//! restart, since no panic of a handler can leave them half changed). Peers: the coordinator asks,
//! the metrics actor reads counters. Bound: the supervisor's capacity, then the gateway's own
//! queue. A restart loses nothing but the requests under way, whose callers get an error.

use std::time::{Duration, Instant};

use actix::{Actor, Context, Handler, Message, ResponseFuture};

use super::{
    supervision::{Heartbeat, Lifeline},
    work::Work,
};
use crate::{
    control::ApiError,
    llm::{Answer, EndpointStatus, Gateway, LlmCounters, ModelStatus, Priority, Task},
    telemetry::{Telemetry, metrics},
};

/// Independent questions of one plan; the answers come back in the same order. None fails: the
/// built-in rules answer what no server did.
pub struct Ask {
    pub tasks: Vec<Task>,
    pub priority: Priority,
    pub deadline: Instant,
}

impl Message for Ask {
    type Result = Result<Vec<Answer>, ApiError>;
}

/// Loads every configured model with the options of real calls.
pub struct WarmUp;

impl Message for WarmUp {
    type Result = Result<Vec<ModelStatus>, ApiError>;
}

pub struct GetLlmStatus;

/// How the gateway and its endpoints are.
pub struct LlmStatus {
    pub endpoints: Vec<EndpointStatus>,
    pub counters: LlmCounters,
}

impl Message for GetLlmStatus {
    type Result = Result<LlmStatus, ApiError>;
}

/// Asks which settings of the servers fit this gateway's.
pub struct GetTuning;

impl Message for GetTuning {
    type Result = Result<String, ApiError>;
}

/// Empties the response cache; answers how many entries it had.
pub struct FlushResponses;

impl Message for FlushResponses {
    type Result = Result<usize, ApiError>;
}

/// The response cache's bounds changed.
pub struct ResizeResponses {
    pub size: usize,
    pub ttl: Duration,
}

impl Message for ResizeResponses {
    type Result = Result<(), ApiError>;
}

pub struct LlmGateway {
    gateway: Gateway,
    work: Work,
    telemetry: Telemetry,
    _lifeline: Lifeline,
}

impl LlmGateway {
    pub fn new(gateway: Gateway, work: Work, telemetry: Telemetry, lifeline: Lifeline) -> Self {
        Self { gateway, work, telemetry, _lifeline: lifeline }
    }
}

impl Actor for LlmGateway {
    type Context = Context<Self>;
}

impl Handler<Heartbeat> for LlmGateway {
    type Result = ();

    fn handle(&mut self, heartbeat: Heartbeat, context: &mut Context<Self>) {
        heartbeat.answer::<Self>(context);
    }
}

impl Handler<Ask> for LlmGateway {
    type Result = ResponseFuture<Result<Vec<Answer>, ApiError>>;

    fn handle(&mut self, message: Ask, _: &mut Context<Self>) -> Self::Result {
        let (gateway, telemetry) = (self.gateway.clone(), self.telemetry.clone());
        self.work.run("llm_gateway", async move {
            let Ask { tasks, priority, deadline } = message;
            let answers = gateway.answer_batch(tasks, priority, deadline).await;
            answers.iter().for_each(|answer| count(&telemetry, answer));
            Ok(answers)
        })
    }
}

/// Counts the time of an answer that a server gave, and an answer of the rules in its place.
fn count(telemetry: &Telemetry, answer: &Answer) {
    // The rules have no model.
    if answer.model.is_some() && !answer.cached {
        telemetry.observe(metrics::LLM_SECONDS, &[&answer.server], answer.elapsed);
    }
    if answer.model.is_none() && answer.fallback.is_some() {
        telemetry.inc(metrics::LLM_FALLBACKS, &["no_server_answered"]);
    }
}

impl Handler<WarmUp> for LlmGateway {
    type Result = ResponseFuture<Result<Vec<ModelStatus>, ApiError>>;

    fn handle(&mut self, _: WarmUp, _: &mut Context<Self>) -> Self::Result {
        let gateway = self.gateway.clone();
        self.work.run("llm_gateway", async move { Ok(gateway.warm_up().await) })
    }
}

impl Handler<GetLlmStatus> for LlmGateway {
    type Result = Result<LlmStatus, ApiError>;

    fn handle(&mut self, _: GetLlmStatus, _: &mut Context<Self>) -> Self::Result {
        Ok(LlmStatus { endpoints: self.gateway.status(), counters: self.gateway.counters() })
    }
}

impl Handler<GetTuning> for LlmGateway {
    type Result = Result<String, ApiError>;

    fn handle(&mut self, _: GetTuning, _: &mut Context<Self>) -> Self::Result {
        Ok(self.gateway.tune())
    }
}

impl Handler<FlushResponses> for LlmGateway {
    type Result = Result<usize, ApiError>;

    fn handle(&mut self, _: FlushResponses, _: &mut Context<Self>) -> Self::Result {
        Ok(self.gateway.flush_cache())
    }
}

impl Handler<ResizeResponses> for LlmGateway {
    type Result = Result<(), ApiError>;

    fn handle(&mut self, message: ResizeResponses, _: &mut Context<Self>) -> Self::Result {
        self.gateway.resize_cache(message.size, message.ttl);
        Ok(())
    }
}
