//! BeamCoordinator: takes plans in, works on them, and answers for them.
//!
//! State owned: the runs under way (inside [`Dispatcher`]); everything else lies in PostgreSQL.
//! Peers: VendorSearch and LlmGateway, through the agents. Bound: the supervisor's capacity for
//! requests, `workflow.max_plans_in_flight` for runs, `admission.max_queued_plans` for the queue.
//! A restart loses the runs' progress since their last checkpoint: the next generation claims the
//! plans again and goes on from there.

use std::time::Duration;

use actix::{Actor, Context, Handler, Message, ResponseFuture};
use tokio::sync::broadcast;

use super::{
    dispatcher::Dispatcher,
    plan_service::PlanService,
    supervision::{Heartbeat, Lifeline, Posted},
    work::Work,
};
use crate::{
    control::{ApiError, DocumentView, PlanEvent, PlanList, PlanView, ProofView, Replan},
    model::PlanId,
    planning::abstract_file::ProblemFile,
    store::PlanFilter,
};

/// A client's document. Answered after its commit.
pub struct SubmitPlan {
    pub document: Vec<u8>,
    /// The same key with the same document yields the same plan.
    pub idempotency_key: Option<String>,
    /// Higher goes first; 0 for most.
    pub priority: i16,
    pub uid: u32,
}

/// A plan that is kept from now on; `created` is false where the key had made it before.
pub struct Submitted {
    pub plan: PlanView,
    pub created: bool,
}

pub struct GetPlan {
    pub id: PlanId,
}

/// Newest first.
pub struct ListPlans {
    /// All of it must hold. `limit`: 1–1,000; `after` is left to `before`.
    pub filter: PlanFilter,
    /// Only plans older than this one.
    pub before: Option<PlanId>,
}

/// Takes one of a plan's options: holds its vendors and has the blueprint written.
pub struct SelectOption {
    pub id: PlanId,
    pub number: u32,
    pub uid: u32,
}

pub struct CancelPlan {
    pub id: PlanId,
    pub uid: u32,
}

pub struct GetDocument {
    pub id: PlanId,
    pub name: String,
}

/// A new plan for an earlier one's event under changed circumstances. Answered after its commit.
pub struct ReplanPlan {
    pub id: PlanId,
    pub change: Replan,
    pub idempotency_key: Option<String>,
    pub uid: u32,
}

/// What a plan's bound rests on, checked anew.
pub struct GetProof {
    pub id: PlanId,
}

/// A plan's problem as any solver can read it.
pub struct ExportProblem {
    pub id: PlanId,
}

/// What happened to a plan after event `after`, and what happens from now on.
pub struct WatchPlan {
    pub id: PlanId,
    pub after: u64,
}

pub struct Watched {
    pub past: Vec<PlanEvent>,
    pub live: broadcast::Receiver<PlanEvent>,
}

/// Stops claiming. What runs may go on for `grace`, then it is given back. Answered when nothing
/// runs any more.
pub struct Drain {
    pub grace: Duration,
}

/// Claims again.
pub struct Resume;

pub struct BeamCoordinator {
    service: PlanService,
    dispatcher: Dispatcher,
    work: Work,
    _lifeline: Lifeline,
}

impl BeamCoordinator {
    pub fn new(
        service: PlanService,
        dispatcher: Dispatcher,
        work: Work,
        lifeline: Lifeline,
    ) -> Self {
        Self { service, dispatcher, work, _lifeline: lifeline }
    }
}

impl Actor for BeamCoordinator {
    type Context = Context<Self>;
}

impl Handler<Heartbeat> for BeamCoordinator {
    type Result = ();

    fn handle(&mut self, heartbeat: Heartbeat, context: &mut Context<Self>) {
        heartbeat.answer::<Self>(context);
    }
}

impl Handler<Posted<Self>> for BeamCoordinator {
    type Result = ();

    fn handle(&mut self, posted: Posted<Self>, context: &mut Context<Self>) {
        posted.begin(self, context);
    }
}

/// A message that one call of the plan service answers.
macro_rules! served_by {
    ($($message:ident => $call:ident -> $answer:ty;)*) => {$(
        impl Message for $message {
            type Result = Result<$answer, ApiError>;
        }

        impl Handler<$message> for BeamCoordinator {
            type Result = ResponseFuture<Result<$answer, ApiError>>;

            fn handle(&mut self, message: $message, _: &mut Context<Self>) -> Self::Result {
                let service = self.service.clone();
                self.work.run("beam_coordinator", async move { service.$call(message).await })
            }
        }
    )*};
}

served_by! {
    SubmitPlan => submit -> Submitted;
    GetPlan => get -> PlanView;
    ListPlans => list -> PlanList;
    SelectOption => select -> PlanView;
    CancelPlan => cancel -> PlanView;
    GetDocument => document -> DocumentView;
    ReplanPlan => replan -> Submitted;
    GetProof => proof -> ProofView;
    ExportProblem => export -> ProblemFile;
    WatchPlan => watch -> Watched;
}

impl Message for Drain {
    type Result = Result<(), ApiError>;
}

impl Handler<Drain> for BeamCoordinator {
    type Result = ResponseFuture<Result<(), ApiError>>;

    fn handle(&mut self, message: Drain, _: &mut Context<Self>) -> Self::Result {
        let drained = self.dispatcher.drain(message.grace);
        self.work.run("beam_coordinator", async move {
            drained.await;
            Ok(())
        })
    }
}

impl Message for Resume {
    type Result = Result<(), ApiError>;
}

impl Handler<Resume> for BeamCoordinator {
    type Result = Result<(), ApiError>;

    fn handle(&mut self, _: Resume, _: &mut Context<Self>) -> Self::Result {
        self.dispatcher.resume();
        Ok(())
    }
}
