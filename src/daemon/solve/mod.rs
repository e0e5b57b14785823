//! `eventplannerd solve`: an abstract problem in, its answer out. No daemon, no database.

pub(crate) mod problem_reader;

use std::time::{Duration, Instant};

use problem_reader::read_problem;

use crate::{cli::SolveArgs, service::exit::Failed};
use model::StopReason;
use planning::{problem_file::AnswerFile, search::Search, settings::SearchSettings};

/// Prints the answer as one JSON document.
pub(crate) fn solve(args: &SolveArgs) -> Result<(), Failed> {
    let loaded = read_problem(&args.file)?;
    let settings = settings(args);
    let start = Instant::now();
    // Any combination will do: a problem file knows no timeline.
    let mut accept = |_: &_| true;
    let mut search = Search::new(&loaded.problem, &settings, args.seed);
    while search.round(&mut accept).stopped.is_none() {}
    if settings.proof && settings.proof_nodes > 0 {
        let proof_start = Instant::now();
        let limit = Duration::from_millis(settings.proof_ms);
        search.prove(&mut accept, &mut || {
            (proof_start.elapsed() >= limit).then_some(StopReason::Deadline)
        });
    }
    let elapsed_ms = start.elapsed().as_secs_f64() * 1_000.0;
    let answer = AnswerFile::new(&search.finish(), &loaded, elapsed_ms);
    let text = serde_json::to_string(&answer)?;
    crate::print(&format!("{text}\n"))
}

fn settings(args: &SolveArgs) -> SearchSettings {
    let usual = SearchSettings::default();
    SearchSettings {
        beam_width: args.beam_width.map_or(usual.beam_width, usize::from),
        max_rounds: args.rounds.unwrap_or(usual.max_rounds),
        early_termination: !args.no_early_termination,
        convergence: !args.no_convergence,
        proof_nodes: args.proof_nodes.unwrap_or(usual.proof_nodes),
        proof_ms: args.proof_ms.unwrap_or(usual.proof_ms),
        ..usual
    }
}
