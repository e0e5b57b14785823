//! BeamCoordinator: takes plans in, works on them, and answers for them.
//!
//! State owned: the runs under way (inside [`Dispatcher`]); everything else lies in PostgreSQL.
//! Peers: VendorSearch and LlmGateway, through the agents. Bound: the supervisor's capacity for
//! requests, `workflow.max_plans_in_flight` for runs, `admission.max_queued_plans` for the queue.
//! A restart loses the runs' progress since their last checkpoint: the next generation claims the
//! plans again and goes on from there.

pub mod calls;
pub(crate) mod proofs;
pub(crate) mod replan;
pub(crate) mod selecting;
pub(crate) mod service;
pub(crate) mod submit_gate;
pub(crate) mod times;
pub(crate) mod view;

use std::time::Duration;

use actix::{Actor, Context, Handler, Message, ResponseFuture};

pub use calls::{
    CancelPlan, ExportProblem, GetDocument, GetPlan, GetProof, ListPlans, ReplanPlan, SelectOption,
    SubmitPlan, Submitted, WatchPlan, Watched,
};
use service::PlanService;

use crate::{
    dispatch::Dispatcher,
    run::proof_record::NamedProblem,
    supervision::{DeathNotice, Envelope},
    task_spawner::TaskSpawner,
};
use wire::{ApiError, Document, PlanList, PlanView, ProofView};

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
    work: TaskSpawner,
    _death_notice: DeathNotice,
}

impl BeamCoordinator {
    pub fn new(
        service: PlanService,
        dispatcher: Dispatcher,
        work: TaskSpawner,
        death_notice: DeathNotice,
    ) -> Self {
        Self { service, dispatcher, work, _death_notice: death_notice }
    }
}

impl Actor for BeamCoordinator {
    type Context = Context<Self>;
}

impl Handler<Envelope<Self>> for BeamCoordinator {
    type Result = ();

    fn handle(&mut self, envelope: Envelope<Self>, context: &mut Context<Self>) {
        envelope.open(self, context);
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
    GetDocument => document -> Document;
    ReplanPlan => replan -> Submitted;
    GetProof => proof -> ProofView;
    ExportProblem => export -> NamedProblem;
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
