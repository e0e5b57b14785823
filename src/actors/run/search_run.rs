//! One plan's search: rounds, checkpoints, proof. Blocking; runs on a thread for CPU work.

use std::{
    cell::LazyCell,
    io,
    time::{Duration, Instant},
};

use super::{
    checkpoint::Checkpoint,
    digest::problem_digest,
    proof_record::{self, CANDIDATES_MAX, NamedProblem},
};
use crate::agents::sourcing::SourcedVendors;
use model::{
    CategoryDef, Infeasibility, Note, PlanOption, Request, Requirements, SearchSummary, Shares,
    StopReason,
};
use planning::{
    assembly::{Assembly, assemble, timetable::Timetable},
    domain::input::PlanningInput,
    engagement::Engagement,
    infeasibility,
    problem::outcome::PROVEN_GAP,
    search::{Outcome, Progress, Search, solve},
    settings::SearchSettings,
    timeline,
};
use store::{Plan, ProofRow};

/// Everything that a plan's search depends on; the result depends on nothing else.
#[derive(Clone)]
pub struct SearchInput {
    pub request: Request,
    pub requirements: Requirements,
    /// The requested categories, in order.
    pub categories: Vec<CategoryDef>,
    pub shares: Vec<Shares>,
    pub(crate) supply: SourcedVendors,
    pub today: jiff::civil::Date,
    /// Of a replanned plan: the option whose vendors are to be kept.
    pub previous: Option<PlanOption>,
}

/// What the agents found out for a search.
pub struct AgentFindings {
    pub requirements: Requirements,
    pub shares: Vec<Shares>,
    pub categories: Vec<CategoryDef>,
    pub(crate) supply: SourcedVendors,
}

impl SearchInput {
    /// `today`: the day of planning, where the event is.
    pub fn new(plan: &Plan, found: AgentFindings, today: jiff::civil::Date) -> Self {
        let AgentFindings { requirements, shares, categories, supply } = found;
        let (request, previous) = (plan.request.clone(), plan.previous.clone());
        Self { request, requirements, categories, shares, supply, today, previous }
    }

    pub fn planning_input(&self) -> PlanningInput<'_> {
        PlanningInput {
            request: &self.request,
            requirements: &self.requirements,
            categories: &self.categories,
            areas: &self.supply.areas,
            shares: &self.shares,
            vendors: (&self.supply.found).into(),
            today: self.today,
        }
    }
}

/// What a search tells while it runs.
pub(crate) enum SearchEvent {
    Round(Progress),
    /// To be stored, so that another daemon can go on from here.
    Checkpoint {
        round: u32,
        checkpoint: Box<Checkpoint>,
    },
    /// The rounds are over; the proof follows.
    RoundsEnded {
        reason: StopReason,
        score_hits: u64,
        score_misses: u64,
    },
}

/// What a search ends with.
pub(crate) enum SearchEnd {
    Found {
        options: Vec<PlanOption>,
        tally: SearchSummary,
        notes: Vec<Note>,
        /// `None` where the problem is too large to be kept.
        proof: io::Result<Option<ProofRow>>,
    },
    /// Proven: no combination of these vendors meets the constraints.
    Infeasible,
    /// Nothing found within the limits, and nothing proven.
    GaveUp { reason: StopReason },
}

/// Runs the whole search.
///
/// `tell` returns false when nobody listens any more; `cancelled` is asked between rounds and
/// during the proof. With a fitting `resume_from` the result is the same as without the break.
pub(crate) fn run(
    input: &SearchInput,
    settings: &SearchSettings,
    checkpoint_interval: u32,
    resume_from: Option<Checkpoint>,
    tell: &mut dyn FnMut(SearchEvent) -> bool,
    cancelled: &dyn Fn() -> bool,
) -> SearchEnd {
    let started = Instant::now();
    let planning_input = input.planning_input();
    let assembly = assemble(&planning_input, settings);
    let digest = LazyCell::new(|| problem_digest(&assembly.problem, &assembly.candidate_ids()));
    let mut timetable = Timetable::new(&assembly);
    let mut accept = |chosen: &planning::problem::Combination| timetable.verdict(chosen);
    let resumed = resume_from.filter(|checkpoint| checkpoint.problem_digest == *digest);
    let mut search = match resumed {
        Some(checkpoint) => Search::resume(&assembly.problem, settings, checkpoint.search),
        None => Search::new(&assembly.problem, settings, input.request.seed),
    };
    let deadline =
        (settings.deadline_ms > 0).then(|| started + Duration::from_millis(settings.deadline_ms));
    let late = || deadline.is_some_and(|deadline| Instant::now() >= deadline);
    let mut ended_by = None;
    let mut rounds_ended_by = StopReason::Deadline;
    loop {
        let progress = search.round(&mut accept);
        if !tell(SearchEvent::Round(progress)) || cancelled() {
            return SearchEnd::GaveUp { reason: StopReason::Cancelled };
        }
        if let Some(reason) = progress.stopped {
            rounds_ended_by = reason;
            break;
        }
        if progress.round % checkpoint_interval.max(1) == 0 {
            let checkpoint =
                Box::new(Checkpoint { problem_digest: digest.clone(), search: search.state() });
            tell(SearchEvent::Checkpoint { round: progress.round, checkpoint });
        }
        if late() {
            ended_by = Some(StopReason::Deadline);
            break;
        }
    }
    let (score_hits, score_misses) = search.score_lookups();
    tell(SearchEvent::RoundsEnded { reason: rounds_ended_by, score_hits, score_misses });
    let proof_ends = Instant::now() + Duration::from_millis(settings.proof_ms);
    let mut interrupted = || {
        if cancelled() {
            return Some(StopReason::Cancelled);
        }
        (late() || Instant::now() >= proof_ends).then_some(StopReason::Deadline)
    };
    search.prove(&mut accept, &mut interrupted);
    let proof = packed_proof(&assembly, input, &search);
    let learned = search.learned().to_vec();
    let mut outcome = search.finish();
    let best = outcome.options.first().map(|best| best.value);
    if let (Some(previous), Some(_)) = (&input.previous, best) {
        let mut problem = assembly.problem_keeping(previous, settings.stability_weight);
        problem.nogoods.extend(learned);
        let seed = input.request.seed;
        let kept = solve(&problem, settings, seed, &mut accept, &mut interrupted);
        outcome = with_options_of(outcome, kept);
    }
    if cancelled() {
        return SearchEnd::GaveUp { reason: StopReason::Cancelled };
    }
    conclude(
        &assembly,
        outcome,
        ended_by,
        Replanned { previous: input.previous.as_ref(), best },
        proof,
    )
}

/// What a replanned plan is compared with.
struct Replanned<'a> {
    previous: Option<&'a PlanOption>,
    /// Fitness of the best plan that keeps nothing for its own sake.
    best: Option<f64>,
}

/// What the bound rests on, packed, where the problem is small enough to be kept.
fn packed_proof(
    assembly: &Assembly,
    input: &SearchInput,
    search: &Search,
) -> io::Result<Option<ProofRow>> {
    let problem = &assembly.problem;
    let candidates: usize = problem.categories.iter().map(|c| c.candidates.len()).sum();
    if candidates > CANDIDATES_MAX {
        return Ok(None);
    }
    let names: Vec<&str> = input.categories.iter().map(|c| c.name.as_str()).collect();
    let ids = assembly.candidate_ids();
    proof_record::pack(problem, &names, &ids, &search.certificate()).map(Some)
}

/// The plain search's bound with the options of the one that keeps bookings, where it found any.
fn with_options_of(plain: Outcome, kept: Outcome) -> Outcome {
    if kept.options.is_empty() {
        return plain;
    }
    Outcome {
        options: kept.options,
        combinations_scored: plain.combinations_scored + kept.combinations_scored,
        cut_short: plain.cut_short || kept.cut_short,
        fewer_differences: kept.fewer_differences,
        least_difference: kept.least_difference,
        options_proven: kept.options_proven,
        ..plain
    }
}

fn conclude(
    assembly: &Assembly,
    outcome: Outcome,
    ended_by: Option<StopReason>,
    replanned: Replanned,
    proof: io::Result<Option<ProofRow>>,
) -> SearchEnd {
    if outcome.options.is_empty() {
        if outcome.feasible == Some(false) {
            return SearchEnd::Infeasible;
        }
        return SearchEnd::GaveUp { reason: outcome.stopped_because };
    }
    let mut options: Vec<PlanOption> = Vec::new();
    for (i, solution) in outcome.options.iter().enumerate() {
        let mut option = assembly.option(solution, i as u32 + 1, options.first());
        if let Some(previous) = replanned.previous {
            option.changes = assembly.changes(&option, previous);
            option.remarks.splice(0..0, assembly.changes_in_words(&option, previous));
        }
        options.push(option);
    }
    assembly.compare(&mut options);
    let fitness = options.first().map_or(0.0, |option| option.fitness);
    // The bound is computed on the decomposed values: the last bits may differ from the formula's.
    let best_possible = outcome.best_possible.max(fitness);
    let stopped_because = match (ended_by, outcome.stopped_because) {
        (_, StopReason::ProvenOptimal) => StopReason::ProvenOptimal,
        (Some(reason), _) => reason,
        (None, reason) => reason,
    };
    let tally = SearchSummary {
        rounds: outcome.rounds,
        combinations_scored: outcome.combinations_scored,
        best_possible,
        proven_gap: best_possible - fitness,
        stopped_because,
        cut_short: outcome.cut_short,
    };
    let mut notes = Vec::new();
    notes.extend(fewer_differences(&outcome, assembly.problem.min_difference));
    notes.extend(price_of_stability(
        replanned.best.filter(|_| replanned.previous.is_some()),
        fitness,
    ));
    SearchEnd::Found { options, tally, notes, proof }
}

/// Says how much the options differ, where that is less than wanted.
fn fewer_differences(outcome: &Outcome, wanted: usize) -> Option<Note> {
    let least = outcome.least_difference.filter(|_| outcome.fewer_differences)?;
    let why = if outcome.options_proven {
        "nothing else that is feasible differs more"
    } else {
        "nothing that differs more was found within the search's limits"
    };
    let places = if least == 1 { "one service" } else { &format!("{least} services") };
    Some(Note {
        code: "fewer_differences".into(),
        message: format!(
            "some options differ from each other in {places}, not in {wanted} \
             (search.min_difference): {why}"
        ),
    })
}

/// Says what keeping bookings costs, where it costs anything.
fn price_of_stability(best: Option<f64>, fitness: f64) -> Option<Note> {
    let best = best.filter(|best| *best - fitness > PROVEN_GAP)?;
    Some(Note {
        code: "bookings_kept".into(),
        message: format!(
            "the best plan without regard to earlier bookings has fitness {best:.4}; keeping what \
             option 1 keeps costs {:.4}",
            best - fitness
        ),
    })
}

/// The problem that a search would be given, with its names.
pub(crate) fn named_problem(input: &SearchInput, settings: &SearchSettings) -> NamedProblem {
    let planning_input = input.planning_input();
    let assembly = assemble(&planning_input, settings);
    NamedProblem::new(&assembly, input)
}

/// Why nothing is feasible; `input` holds every vendor that serves the city, whatever stands
/// against it, and `elsewhere` those of another city to which the event might be moved.
pub(crate) fn explain(input: &SearchInput, elsewhere: Option<&SearchInput>) -> Infeasibility {
    let elsewhere = elsewhere.map(SearchInput::planning_input);
    infeasibility::explain(&input.planning_input(), elsewhere.as_ref(), &mut lay_out)
}

/// Whether some combination of the input's vendors meets its request.
pub(crate) fn can_be_met(input: &SearchInput) -> bool {
    infeasibility::can_be_met(&input.planning_input(), &mut lay_out)
}

/// The first severe conflict of these engagements' timeline, with the facts that clash.
fn lay_out(
    request: &Request,
    categories: &[CategoryDef],
    engagements: &[Engagement<'_>],
) -> Result<(), String> {
    let laid_out = timeline::schedule(request, categories, engagements);
    let high = |conflict: &&timeline::Conflict| conflict.severity == timeline::Severity::High;
    let Some(conflict) = laid_out.conflicts.iter().find(high) else { return Ok(()) };
    let told = |fact: &&String| !conflict.message.contains(fact.as_str());
    let facts: Vec<&str> = conflict.chain.iter().filter(told).map(String::as_str).collect();
    match facts.is_empty() {
        true => Err(conflict.message.clone()),
        false => Err(format!("{} ({})", conflict.message, facts.join("; "))),
    }
}
