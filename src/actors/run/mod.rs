//! One run of a plan: from its claim to its options, or from its selection to its documents.
//!
//! Every write names the claim's run number, so that a run that lost its lease changes nothing.

pub(crate) mod agent_runs;
pub(crate) mod blueprint_stage;
pub(crate) mod checkpoint;
pub(crate) mod context;
pub(crate) mod digest;
pub(crate) mod event_hub;
pub(crate) mod explanation;
pub(crate) mod proof_record;
pub(crate) mod round_zero;
pub(crate) mod search_run;
pub(crate) mod search_stage;

use std::time::{Duration, Instant};

use agent_runs::AgentRuns;
use context::{Interrupt, RunContext, RunError, agent_event};
use slog::{Logger, error, info, o, warn};
use tokio::sync::watch;

use model::PlanState;
use store::{AgentRun, GiveBack, Patch, Plan, StoreError, Transition};
use telemetry::{figures::metrics, log::events};

/// Runs that failed through the plan's own doing, one after the other, after which it is given up.
const FAILURES_MAX: u32 = 3;
/// Runs that ended with their daemon after which it is given up: it is what kills them. A plan
/// that was only near a killer has cleared itself by then (see `SUSPECT_CRASHES`).
const CRASHES_MAX: u32 = 5;
/// Claims without a step forward after which a plan is given up, whatever stood in its way.
const ATTEMPTS_MAX: u32 = 50;
/// Before a plan that did not get on is claimed again; times the attempt, up to the maximum.
const RETRY_DELAY: Duration = Duration::from_secs(1);
const RETRY_DELAY_MAX: Duration = Duration::from_secs(30);
/// Between two tries to store how a run ended while the database is away. They go on for as long
/// as the lease: then the plan is somebody else's.
const SETTLE_EVERY: Duration = Duration::from_millis(250);

/// Brings a claimed plan to its next state that waits for somebody, or to its end.
pub(crate) async fn run(
    context: RunContext,
    plan: Plan,
    mut interrupted: watch::Receiver<Option<Interrupt>>,
) {
    let started = Instant::now();
    let id = plan.id;
    let log = log_of(&context, &plan);
    info!(log, "work on a plan begins"; events::PLAN_CLAIMED, "attempt" => plan.attempts);
    context.events.tell_stored(&context.store, id).await;
    let limit = context.settings.workflow.workflow_timeout;
    let agents = AgentRuns::new(&context, id, &log);
    let outcome = if plan.cancel_requested {
        Err(RunError::Interrupted(Interrupt::Cancelled))
    } else if let Some(reason) = hopeless(&plan) {
        Err(RunError::Final(reason))
    } else {
        let stage = one_stage(&context, &plan, &log, &agents);
        tokio::select! {
            done = tokio::time::timeout(limit, stage) => done.unwrap_or_else(|_| {
                let seconds = limit.as_secs();
                Err(RunError::Final(format!("took longer than workflow_timeout, {seconds} s")))
            }),
            why = first_interrupt(&mut interrupted) => Err(RunError::Interrupted(why)),
        }
    };
    match outcome {
        Ok(state) => measure(&context, plan.state, state, started.elapsed()),
        Err(error) => {
            if let Some(state) = settle(&context, &plan, error, &agents.ended(), &log).await {
                measure(&context, plan.state, state, started.elapsed());
            }
        }
    }
    context.events.tell_stored(&context.store, id).await;
}

/// What is left to do for a run that panicked: a bug that its plan brings out, perhaps each time.
pub(crate) async fn panicked(context: &RunContext, plan: &Plan, panic: &str) {
    let log = log_of(context, plan);
    error!(log, "a run panicked"; events::ACTOR_PANICKED, "panic" => panic);
    let error = RunError::Failed(format!("the run panicked: {panic}"));
    settle(context, plan, error, &[], &log).await;
    context.events.tell_stored(&context.store, plan.id).await;
}

fn log_of(context: &RunContext, plan: &Plan) -> Logger {
    context.work.log.new(o!("actor" => "beam_coordinator", "plan_id" => plan.id.to_string()))
}

/// Why a plan is not tried once more.
fn hopeless(plan: &Plan) -> Option<String> {
    if plan.crashes >= CRASHES_MAX {
        return Some(format!("given up: {CRASHES_MAX} daemons ended while they worked on it"));
    }
    let spent = plan.attempts > ATTEMPTS_MAX;
    spent.then(|| format!("given up after {ATTEMPTS_MAX} attempts without a result"))
}

async fn one_stage(
    context: &RunContext,
    plan: &Plan,
    log: &Logger,
    agents: &AgentRuns,
) -> Result<PlanState, RunError> {
    if plan.state == PlanState::Writing {
        blueprint_stage::write(context, plan, log, agents).await
    } else {
        search_stage::search(context, plan, log, agents).await
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

/// Stores how a run without a result ended, and tries again while the database is away; the
/// plan's new final state, if it has one.
async fn settle(
    context: &RunContext,
    plan: &Plan,
    error: RunError,
    agent_runs: &[AgentRun],
    log: &Logger,
) -> Option<PlanState> {
    let verdict = verdict(plan, error);
    say(log, &verdict);
    let deadline = Instant::now() + context.settings.workflow.lease;
    let mut from = plan.state;
    // Whoever cancelled the plan stored that; what its agents did is still to be added.
    let mut is_cancelled = false;
    loop {
        let stored = match &verdict {
            Verdict::Drop => return None,
            Verdict::GiveBack { delay, reason, failed } => {
                let back = GiveBack { delay: *delay, reason, failed: *failed, agent_runs };
                context.store.release(plan.id, plan.run_number, back).await.map(|()| None)
            }
            Verdict::End { to, error } => {
                let patch = Patch {
                    error: error.as_deref(),
                    events: agent_runs.iter().map(agent_event).collect(),
                    agent_runs,
                    ..Patch::default()
                };
                if is_cancelled {
                    let added = context.store.record(plan.id, plan.run_number, patch).await;
                    added.map(|_| None)
                } else {
                    let change = Transition::new(plan.id, plan.run_number, from, *to).with(patch);
                    context.store.transition(&change).await.map(|_| Some(*to))
                }
            }
        };
        match stored {
            Ok(state) => return state,
            Err(error) if error.is_outage() || error.is_transient() => {
                if Instant::now() >= deadline {
                    warn!(log, "a plan's end was not stored"; events::PLAN_RETURNED,
                        "reason" => error.to_string());
                    return None;
                }
                tokio::time::sleep(SETTLE_EVERY).await;
            }
            // Its options were stored just before the wish to cancel it was heard.
            Err(StoreError::WrongState { found: PlanState::AwaitingSelection, .. })
                if verdict.cancels() && from == PlanState::Running =>
            {
                from = PlanState::AwaitingSelection;
            }
            // As whoever interrupted it had stored it.
            Err(StoreError::WrongState { found: PlanState::Cancelled, .. })
                if verdict.cancels() =>
            {
                if agent_runs.is_empty() {
                    return None;
                }
                is_cancelled = true;
            }
            // Fenced, or cancelled meanwhile: somebody else's.
            Err(error) => {
                warn!(log, "a plan's end was not stored"; events::PLAN_RETURNED,
                    "reason" => error.to_string());
                return None;
            }
        }
    }
}

/// What becomes of a plan whose run had no result.
#[derive(Debug)]
enum Verdict {
    /// Somebody else has it.
    Drop,
    GiveBack {
        delay: Duration,
        reason: String,
        /// Through the plan's own doing.
        failed: bool,
    },
    End {
        to: PlanState,
        error: Option<String>,
    },
}

impl Verdict {
    const fn cancels(&self) -> bool {
        matches!(self, Self::End { to: PlanState::Cancelled, .. })
    }
}

fn verdict(plan: &Plan, error: RunError) -> Verdict {
    let back = |reason, failed| {
        let delay = (RETRY_DELAY * plan.attempts.max(1)).min(RETRY_DELAY_MAX);
        Verdict::GiveBack { delay, reason, failed }
    };
    match error {
        RunError::NotOurs | RunError::Interrupted(Interrupt::Fenced) => Verdict::Drop,
        RunError::Interrupted(Interrupt::Drained) => {
            Verdict::GiveBack { delay: Duration::ZERO, reason: "drained".into(), failed: false }
        }
        RunError::Interrupted(Interrupt::Cancelled) => {
            Verdict::End { to: PlanState::Cancelled, error: None }
        }
        RunError::Passing(reason) => back(reason, false),
        RunError::Failed(reason) if plan.failures + 1 < FAILURES_MAX => back(reason, true),
        RunError::Failed(reason) => {
            let reason = format!("failed {FAILURES_MAX} times; the last time: {reason}");
            Verdict::End { to: PlanState::Failed, error: Some(reason) }
        }
        RunError::Final(reason) => Verdict::End { to: PlanState::Failed, error: Some(reason) },
    }
}

fn say(log: &Logger, verdict: &Verdict) {
    match verdict {
        Verdict::Drop => warn!(log, "a plan is somebody else's now"; events::PLAN_RETURNED,
            "reason" => "the lease was lost"),
        Verdict::GiveBack { reason, .. } => info!(log, "a plan goes back to the queue";
            events::PLAN_RETURNED, "reason" => reason),
        Verdict::End { to: PlanState::Cancelled, .. } => {
            info!(log, "a plan was cancelled"; events::PLAN_CANCELLED);
        }
        Verdict::End { error, .. } => {
            error!(log, "a plan failed"; events::PLAN_FAILED, "error" => error);
        }
    }
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
