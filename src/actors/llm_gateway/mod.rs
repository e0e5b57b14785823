//! LlmGateway: the one way to the LLM servers.
//!
//! State owned: none beyond the shared [`Gateway`] (its cache, breakers and connections outlive a
//! restart, since no panic of a handler can leave them half changed). Peers: the coordinator asks,
//! the metrics actor reads counters, the daemon's watch looks after servers and kept replies.
//! Bound: the supervisor's capacity, then the gateway's own queue. A restart loses nothing but the
//! requests under way, whose callers get an error.

pub mod figures;
pub mod reply_keeper;

use std::time::{Duration, Instant};

use actix::{Actor, Context, Handler, Message, ResponseFuture};
use figures::{LlmStatus, count_fallback};
use reply_keeper::ReplyKeeper;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{
    supervision::{DeathNotice, Envelope},
    task_spawner::TaskSpawner,
};
use llm::{Answer, EndpointStatus, Gateway, ModelStatus, Priority, Task};
use telemetry::Telemetry;
use wire::ApiError;

/// Independent questions of one plan, as one batch; the answers come back in the same order. None
/// fails: the built-in rules answer what no server did.
pub(crate) struct Ask {
    tasks: Vec<Task>,
    priority: Priority,
    deadline: Instant,
    /// The caller has left: calls to servers that nobody else waits for end.
    abandoned: CancellationToken,
}

impl Ask {
    /// The guard is the caller's: its drop takes the question back.
    pub(crate) fn new(
        tasks: Vec<Task>,
        priority: Priority,
        deadline: Instant,
    ) -> (Self, DropGuard) {
        let abandoned = CancellationToken::new();
        let caller = abandoned.clone().drop_guard();
        (Self { tasks, priority, deadline, abandoned }, caller)
    }
}

impl Message for Ask {
    type Result = Result<Vec<Answer>, ApiError>;
}

/// Loads every configured model with the options of real calls.
pub struct WarmUp;

impl Message for WarmUp {
    type Result = Result<Vec<ModelStatus>, ApiError>;
}

/// Asks every server how it is, without work for its model.
pub struct CheckHealth;

impl Message for CheckHealth {
    type Result = Result<Vec<EndpointStatus>, ApiError>;
}

/// Refreshes the keep-alive of models that were not asked for a while.
pub struct KeepWarm;

impl Message for KeepWarm {
    type Result = Result<(), ApiError>;
}

/// Stores the replies that came since the last save, where they are to outlive a restart.
/// Answers how many.
pub struct SaveReplies;

impl Message for SaveReplies {
    type Result = Result<usize, ApiError>;
}

pub struct GetLlmStatus;

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
pub(crate) struct ResizeResponses {
    pub size: usize,
    pub ttl: Duration,
}

impl Message for ResizeResponses {
    type Result = Result<(), ApiError>;
}

pub struct LlmGateway {
    gateway: Gateway,
    keeper: ReplyKeeper,
    work: TaskSpawner,
    telemetry: Telemetry,
    _death_notice: DeathNotice,
}

impl LlmGateway {
    pub fn new(
        gateway: Gateway,
        keeper: ReplyKeeper,
        work: TaskSpawner,
        telemetry: Telemetry,
        death_notice: DeathNotice,
    ) -> Self {
        Self { gateway, keeper, work, telemetry, _death_notice: death_notice }
    }
}

impl Actor for LlmGateway {
    type Context = Context<Self>;
}

impl Handler<Envelope<Self>> for LlmGateway {
    type Result = ();

    fn handle(&mut self, envelope: Envelope<Self>, context: &mut Context<Self>) {
        envelope.open(self, context);
    }
}

impl Handler<Ask> for LlmGateway {
    type Result = ResponseFuture<Result<Vec<Answer>, ApiError>>;

    fn handle(&mut self, message: Ask, _: &mut Context<Self>) -> Self::Result {
        let (gateway, telemetry) = (self.gateway.clone(), self.telemetry.clone());
        let Ask { tasks, priority, deadline, abandoned } = message;
        self.work.run_unless_abandoned("llm_gateway", abandoned, async move {
            let answers = gateway.answer_batch(tasks, priority, deadline).await;
            answers.iter().for_each(|answer| count_fallback(&telemetry, answer));
            Ok(answers)
        })
    }
}

impl Handler<WarmUp> for LlmGateway {
    type Result = ResponseFuture<Result<Vec<ModelStatus>, ApiError>>;

    fn handle(&mut self, _: WarmUp, _: &mut Context<Self>) -> Self::Result {
        let gateway = self.gateway.clone();
        self.work.run("llm_gateway", async move { Ok(gateway.warm_up().await) })
    }
}

impl Handler<CheckHealth> for LlmGateway {
    type Result = ResponseFuture<Result<Vec<EndpointStatus>, ApiError>>;

    fn handle(&mut self, _: CheckHealth, _: &mut Context<Self>) -> Self::Result {
        let gateway = self.gateway.clone();
        self.work.run("llm_gateway", async move { Ok(gateway.check_health().await) })
    }
}

impl Handler<KeepWarm> for LlmGateway {
    type Result = ResponseFuture<Result<(), ApiError>>;

    fn handle(&mut self, _: KeepWarm, _: &mut Context<Self>) -> Self::Result {
        let gateway = self.gateway.clone();
        self.work.run("llm_gateway", async move {
            gateway.keep_warm().await;
            Ok(())
        })
    }
}

impl Handler<SaveReplies> for LlmGateway {
    type Result = ResponseFuture<Result<usize, ApiError>>;

    fn handle(&mut self, _: SaveReplies, _: &mut Context<Self>) -> Self::Result {
        let keeper = self.keeper.clone();
        self.work.run("llm_gateway", async move { Ok(keeper.save().await?) })
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
    type Result = ResponseFuture<Result<usize, ApiError>>;

    fn handle(&mut self, _: FlushResponses, _: &mut Context<Self>) -> Self::Result {
        let keeper = self.keeper.clone();
        self.work.run("llm_gateway", async move { Ok(keeper.flush().await?) })
    }
}

impl Handler<ResizeResponses> for LlmGateway {
    type Result = Result<(), ApiError>;

    fn handle(&mut self, message: ResizeResponses, _: &mut Context<Self>) -> Self::Result {
        self.gateway.resize_cache(message.size, message.ttl);
        Ok(())
    }
}
