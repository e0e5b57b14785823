//! One run of a plan: from its claim to its options, or from its selection to its documents.
//!
//! Every write names the claim's run number, so that a run that lost its lease changes nothing.

use std::time::{Duration, Instant};

use slog::{Logger, error, info, o, warn};
use tokio::sync::watch;

use super::{
    blueprint_run, plan_search,
    run_context::{Interrupt, RunContext, RunError},
};
use crate::{
    model::PlanState,
    store::{Patch, Plan, StoreError, Transition},
    telemetry::{events, metrics},
};

/// Claims of a plan without a step forward after which it is given up: it may be what kills its
/// workers.
const ATTEMPTS_MAX: u32 = 3;
/// Before a plan that failed for a passing reason is claimed again; times the attempt.
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// Brings a claimed plan to its next state that waits for somebody, or to its end.
pub async fn run(
    context: RunContext,
    plan: Plan,
    mut interrupted: watch::Receiver<Option<Interrupt>>,
) {
    let started = Instant::now();
    let id = plan.id;
    let log = context.work.log.new(o!("actor" => "beam_coordinator", "plan_id" => id.to_string()));
    info!(log, "work on a plan begins"; events::PLAN_CLAIMED, "attempt" => plan.attempts);
    context.events.tell_stored(&context.store, id).await;
    let limit = context.settings.workflow.workflow_timeout;
    let outcome = if plan.cancel_requested {
        Err(RunError::Interrupted(Interrupt::Cancelled))
    } else if plan.attempts > ATTEMPTS_MAX {
        Err(RunError::Final(format!("given up after {ATTEMPTS_MAX} attempts without a result")))
    } else {
        let stage = one_stage(&context, &plan, &log);
        tokio::select! {
            done = tokio::time::timeout(limit, stage) => done.unwrap_or_else(|_| {
                let seconds = limit.as_secs();
                Err(RunError::Final(format!("took longer than workflow_timeout, {seconds} s")))
            }),
            why = first_interrupt(&mut interrupted) => Err(RunError::Interrupted(why)),
        }
    };
    let ended = match outcome {
        Ok(state) => Ok(Some(state)),
        Err(error) => settle(&context, &plan, error, &log).await,
    };
    match ended {
        Ok(Some(state)) => measure(&context, plan.state, state, started.elapsed()),
        Ok(None) => {}
        // The lease runs out, and the next claim sees to it.
        Err(error) => warn!(log, "a plan's end was not stored"; events::PLAN_RETURNED,
            "reason" => error.to_string()),
    }
    context.events.tell_stored(&context.store, id).await;
}

async fn one_stage(context: &RunContext, plan: &Plan, log: &Logger) -> Result<PlanState, RunError> {
    if plan.state == PlanState::Writing {
        blueprint_run::write(context, plan, log).await
    } else {
        plan_search::search(context, plan, log).await
    }
}

/// Waits for an interrupt; for ever where nobody can send one any more.
async fn first_interrupt(interrupted: &mut watch::Receiver<Option<Interrupt>>) -> Interrupt {
    let why = interrupted.wait_for(Option::is_some).await.map(|why| *why);
    match why {
        Ok(why) => why.unwrap_or(Interrupt::Fenced),
        Err(_) => std::future::pending().await,
    }
}

/// Stores how a run without a result ended; the plan's new final state, if it has one.
async fn settle(
    context: &RunContext,
    plan: &Plan,
    error: RunError,
    log: &Logger,
) -> Result<Option<PlanState>, StoreError> {
    let give_back = async |delay: Duration, reason: &str| {
        info!(log, "a plan goes back to the queue"; events::PLAN_RETURNED, "reason" => reason);
        context.store.release(plan.id, plan.run_number, delay, reason).await.map(|()| None)
    };
    match error {
        RunError::NotOurs | RunError::Interrupted(Interrupt::Fenced) => {
            warn!(log, "a plan is somebody else's now"; events::PLAN_RETURNED,
                "reason" => "the lease was lost");
            Ok(None)
        }
        RunError::Interrupted(Interrupt::Drained) => give_back(Duration::ZERO, "drained").await,
        RunError::Interrupted(Interrupt::Cancelled) => {
            info!(log, "a plan was cancelled"; events::PLAN_CANCELLED);
            end(context, plan, PlanState::Cancelled, None).await.map(Some)
        }
        RunError::Passing(reason) if plan.attempts < ATTEMPTS_MAX => {
            give_back(RETRY_DELAY * plan.attempts.max(1), &reason).await
        }
        RunError::Passing(reason) | RunError::Final(reason) => {
            error!(log, "a plan failed"; events::PLAN_FAILED, "error" => &reason);
            end(context, plan, PlanState::Failed, Some(&reason)).await.map(Some)
        }
    }
}

async fn end(
    context: &RunContext,
    plan: &Plan,
    to: PlanState,
    error: Option<&str>,
) -> Result<PlanState, StoreError> {
    let patch = Patch { error, ..Patch::default() };
    let change = Transition::new(plan.id, plan.run_number, plan.state, to).with(patch);
    context.store.transition(&change).await.map(|_| to)
}

fn measure(context: &RunContext, from: PlanState, to: PlanState, took: Duration) {
    let telemetry = &context.telemetry;
    if from == PlanState::Writing {
        telemetry.observe(metrics::BLUEPRINT_SECONDS, &[], took);
    } else {
        telemetry.observe(metrics::WORKFLOW_SECONDS, &[to.as_str()], took);
    }
    if to.is_final() {
        telemetry.inc(metrics::PLANS_FINISHED, &[to.as_str()]);
    }
}
