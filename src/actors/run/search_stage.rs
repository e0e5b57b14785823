//! The search stage of a run: round 0, rounds with checkpoints, proof, and what came of it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use jiff::Timestamp;
use slog::{Logger, debug, info};
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use super::{
    agent_runs::AgentRuns,
    checkpoint::{self, Checkpoint},
    context::{RunContext, RunError, agent_event},
    digest::{PlanContent, plan_digest},
    explanation::explain,
    round_zero::RoundZero,
    search_run::{self, AgentFindings, SearchEnd, SearchEvent, SearchInput},
};
use model::{
    Infeasibility, Note, PlanOption, PlanState, Request, SearchSummary, StopReason, clock_changes,
};
use planning::{domain::basis, search::Progress};
use store::{AgentRun, Plan, PlanResult, ProofRow, RoundFigures, SearchOutcome};
use telemetry::{figures::metrics, log::events};
use wire::PlanEvent;

/// Events of a search that may wait for the database; the search waits when they are more.
const SEARCH_EVENTS_WAITING: usize = 4;

/// Runs a plan's agents and its search, and stores the outcome. Dropped when the run is
/// interrupted; the search's thread then stops at its next look.
pub(crate) async fn search(
    context: &RunContext,
    plan: &Plan,
    log: &Logger,
    agents: &AgentRuns,
) -> Result<PlanState, RunError> {
    let started = Instant::now();
    let today = Timestamp::now().to_zoned(plan.request.time.zone()).date();
    let limits = context.agent_limits(plan.id);
    let round_zero = context.peers.run_round_zero(plan, today, limits, agents).await?;
    let RoundZero { requirements, shares, categories, supply, notes } = round_zero;
    let notes = [notes, clock_notes(&plan.request)].concat();
    // A first run has nothing to go on from.
    let resume_from = match plan.run_number {
        ..=1 => None,
        _ => newest_checkpoint(context, plan, log).await?,
    };
    let closed = |_| RunError::Passing("the daemon is stopping".into());
    let core = context.cores.clone().acquire_owned().await.map_err(closed)?;
    let found = AgentFindings { requirements, shares, categories, supply };
    let input = Arc::new(SearchInput::new(plan, found, today));
    let mut history = Vec::new();
    let end =
        run_search(context, plan, log, (input.clone(), core), resume_from, &mut history).await?;
    let runs = agents.ended();
    let finished = Finished { context, plan, log, input: &input, runs: &runs, started };
    match end {
        SearchEnd::Found { options, tally, notes: found, proof } => {
            let notes = [notes, found].concat();
            let proof =
                proof.map_err(|e| RunError::Final(format!("a proof could not be packed: {e}")))?;
            finished.options(options, tally, notes, (history, proof)).await
        }
        SearchEnd::Infeasible => {
            let infeasibility = founded(explain(context, plan, &input).await?)?;
            finished.infeasible(infeasibility, notes, history).await
        }
        SearchEnd::GaveUp { reason } => Err(RunError::Final(undecided(reason))),
    }
}

/// What a plan says where the search ended with nothing found and nothing proven.
fn undecided(reason: StopReason) -> String {
    format!(
        "options were neither found nor excluded: the search ended ({reason}) without one that meets \
         every constraint, and without a proof that there is none. Nothing is wrong with the request \
         as far as is known; raise search.proof_nodes and search.proof_ms (search.deadline_ms for the \
         whole search) and submit it again, or ask for less"
    )
}

/// An explanation that names what stands against the request. Without any conflict, the search's
/// proof and the explanation contradict each other (or the vendors changed in between: then another
/// try will see them), and nothing is claimed.
fn founded(infeasibility: Infeasibility) -> Result<Infeasibility, RunError> {
    if infeasibility.conflicts.is_empty() {
        return Err(RunError::Failed(
            "internal error: the search excluded every option, but no constraint stands against the \
             request; whether it can be met is not known. Please report this with the output of \
             `eventplannerctl plan export`"
                .into(),
        ));
    }
    Ok(infeasibility)
}

/// What the event's local times don't say by themselves.
fn clock_notes(request: &Request) -> Vec<Note> {
    let told = clock_changes(request.time.window(), &request.time.zone());
    let note = |message| Note { code: Note::CLOCK_CHANGE.into(), message };
    told.into_iter().map(note).collect()
}

/// Runs the search on a thread of its own; stores its checkpoints and tells its rounds as they
/// come.
async fn run_search(
    context: &RunContext,
    plan: &Plan,
    log: &Logger,
    (input, core): (Arc<SearchInput>, OwnedSemaphorePermit),
    resume_from: Option<Checkpoint>,
    history: &mut Vec<RoundFigures>,
) -> Result<SearchEnd, RunError> {
    let began = Instant::now();
    let (tell, mut told) = mpsc::channel(SEARCH_EVENTS_WAITING);
    let cancelled = Cancelled::default();
    let (settings, flag) = (context.settings.clone(), cancelled.0.clone());
    let computing = context.work.compute(move || {
        // Held until the thread ends, also where nobody waits for it any more.
        let _core = core;
        search_run::run(
            &input,
            &settings.search,
            settings.workflow.checkpoint_interval_rounds,
            resume_from,
            &mut |event| tell.blocking_send(event).is_ok(),
            &|| flag.load(Ordering::Relaxed),
        )
    });
    let telling = async {
        while let Some(event) = told.recv().await {
            match event {
                SearchEvent::Round(progress) => {
                    remember(history, progress, context.settings.workflow.history);
                    tell_round(context, plan, log, progress);
                }
                SearchEvent::Checkpoint { round, checkpoint } => {
                    save(context, plan, log, round, &checkpoint).await?;
                }
                SearchEvent::RoundsEnded { reason, score_hits, score_misses } => {
                    let telemetry = &context.telemetry;
                    telemetry.inc(metrics::ROUNDS_ENDED, &[reason.as_str()]);
                    telemetry.add(metrics::SCORE_CACHE, &["hit"], score_hits);
                    telemetry.add(metrics::SCORE_CACHE, &["miss"], score_misses);
                }
            }
        }
        Ok::<(), RunError>(())
    };
    let (ended, told) = tokio::join!(computing, telling);
    told?;
    context.telemetry.observe(metrics::SEARCH_SECONDS, &[], began.elapsed());
    ended.map_err(|panicked| RunError::Failed(format!("the search failed: {panicked}")))
}

/// Tells the search's thread to stop when the run that waits for it is dropped.
#[derive(Default)]
struct Cancelled(Arc<AtomicBool>);

impl Drop for Cancelled {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn figures(progress: Progress) -> RoundFigures {
    RoundFigures {
        round: progress.round,
        best: progress.best,
        bound: Some(progress.bound).filter(|bound| bound.is_finite()),
        scored: progress.scored,
    }
}

fn remember(history: &mut Vec<RoundFigures>, progress: Progress, keep: usize) {
    if history.len() >= keep.max(1) {
        history.remove(0);
    }
    history.push(figures(progress));
}

fn tell_round(context: &RunContext, plan: &Plan, log: &Logger, progress: Progress) {
    let RoundFigures { round, best, bound, .. } = figures(progress);
    context.telemetry.inc(metrics::SEARCH_ROUNDS, &[]);
    debug!(log, "a round ended"; events::PLAN_ROUND, "round" => round, "best" => best,
        "best_possible" => bound);
    let event = PlanEvent {
        seq: 0,
        at: Timestamp::now(),
        kind: "round_finished".into(),
        state: None,
        round: Some(round),
        best,
        bound,
        message: None,
    };
    context.events.publish(plan.id, event);
}

async fn save(
    context: &RunContext,
    plan: &Plan,
    log: &Logger,
    round: u32,
    checkpoint: &Checkpoint,
) -> Result<(), RunError> {
    let workflow = &context.settings.workflow;
    let packed = checkpoint
        .pack(workflow.compress_checkpoints)
        .map_err(|error| RunError::Final(format!("a checkpoint could not be packed: {error}")))?;
    let bytes = packed.body.len();
    context.telemetry.inc(metrics::CHECKPOINTS, &[]);
    context.telemetry.add(metrics::CHECKPOINT_BYTES, &["plain"], packed.plain_bytes as u64);
    context.telemetry.add(metrics::CHECKPOINT_BYTES, &["stored"], bytes as u64);
    let row = store::Checkpoint {
        round,
        version: checkpoint::VERSION,
        codec: packed.codec.as_str().to_owned(),
        body: packed.body,
    };
    let keep = u32::try_from(workflow.history).unwrap_or(u32::MAX);
    context.store.save_checkpoint(plan.id, plan.run_number, &row, keep).await?;
    debug!(log, "a checkpoint was stored"; events::PLAN_CHECKPOINT, "round" => round,
        "bytes" => bytes);
    Ok(())
}

async fn newest_checkpoint(
    context: &RunContext,
    plan: &Plan,
    log: &Logger,
) -> Result<Option<Checkpoint>, RunError> {
    let Some(row) = context.store.newest_checkpoint(plan.id).await? else { return Ok(None) };
    let unpacked = Checkpoint::unpack(row.version, &row.codec, &row.body);
    if unpacked.is_some() {
        context.telemetry.inc(metrics::PLANS_RESUMED, &[]);
        info!(log, "a plan goes on from its checkpoint"; events::PLAN_RESUMED,
            "round" => row.round);
    }
    Ok(unpacked)
}

/// A search that came to an end.
struct Finished<'a> {
    context: &'a RunContext,
    plan: &'a Plan,
    log: &'a Logger,
    input: &'a SearchInput,
    runs: &'a [AgentRun],
    started: Instant,
}

impl Finished<'_> {
    async fn options(
        self,
        options: Vec<PlanOption>,
        tally: SearchSummary,
        notes: Vec<Note>,
        (history, proof): (Vec<RoundFigures>, Option<ProofRow>),
    ) -> Result<PlanState, RunError> {
        let telemetry = &self.context.telemetry;
        telemetry.inc(metrics::SEARCH_STOPS, &[tally.stopped_because.as_str()]);
        telemetry.add(metrics::COMBINATIONS_SCORED, &[], tally.combinations_scored);
        info!(self.log, "the options are ready"; events::PLAN_OPTIONS_READY,
            "rounds" => tally.rounds, "combinations_scored" => tally.combinations_scored,
            "proven_gap" => tally.proven_gap, "stopped_because" => tally.stopped_because.as_str(),
            "options" => options.len(), "ms" => self.started.elapsed().as_millis() as u64);
        let digest = self.digest(&options, Some(&tally), None);
        let basis = basis::of_options(&self.input.planning_input(), &options);
        let result = PlanResult { options, tally: Some(tally), notes, digest, history, basis };
        self.store(PlanState::AwaitingSelection, &result, None, proof).await
    }

    async fn infeasible(
        self,
        infeasibility: Infeasibility,
        notes: Vec<Note>,
        history: Vec<RoundFigures>,
    ) -> Result<PlanState, RunError> {
        info!(self.log, "the request can't be met"; events::PLAN_INFEASIBLE,
            "conflicts" => infeasibility.conflicts.len());
        let digest = self.digest(&[], None, Some(&infeasibility));
        let (options, basis) = (Vec::new(), Vec::new());
        let result = PlanResult { options, tally: None, notes, digest, history, basis };
        self.store(PlanState::Infeasible, &result, Some(&infeasibility), None).await
    }

    fn digest(
        &self,
        options: &[PlanOption],
        tally: Option<&SearchSummary>,
        infeasibility: Option<&Infeasibility>,
    ) -> String {
        let content = PlanContent {
            requirements: &self.input.requirements,
            shares: &self.input.shares,
            options,
            tally,
            infeasibility,
        };
        plan_digest(&self.plan.request, &content)
    }

    async fn store(
        self,
        to: PlanState,
        result: &PlanResult,
        infeasibility: Option<&Infeasibility>,
        proof: Option<ProofRow>,
    ) -> Result<PlanState, RunError> {
        let outcome = SearchOutcome {
            plan: self.plan.id,
            run_number: self.plan.run_number,
            to,
            requirements: &self.input.requirements,
            shares: &self.input.shares,
            result,
            infeasibility,
            events: self.runs.iter().map(agent_event).collect(),
            agent_runs: self.runs,
            proof,
        };
        self.context.store.conclude(outcome).await?;
        Ok(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_explanation_without_a_conflict_is_an_internal_error() {
        let Err(RunError::Failed(said)) = founded(Infeasibility::default()) else {
            panic!("nothing may be claimed");
        };
        assert!(said.contains("internal error") && said.contains("not known"), "{said}");
        let named =
            Infeasibility { conflicts: vec!["too dear".into()], ..Infeasibility::default() };
        assert_eq!(founded(named.clone()).ok(), Some(named));
    }

    #[test]
    fn what_is_not_known_is_said_so_with_what_to_do() {
        let said = undecided(StopReason::Deadline);
        for word in
            ["neither found nor excluded", "deadline", "search.proof_nodes", "search.proof_ms"]
        {
            assert!(said.contains(word), "{word}: {said}");
        }
    }
}
