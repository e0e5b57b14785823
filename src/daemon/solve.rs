//! `eventplannerd solve`: an abstract problem in, its answer out. No daemon, no database.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
    time::{Duration, Instant},
};

use super::{cli::SolveArgs, exit::Failed};
use crate::{
    model::StopReason,
    planning::{
        abstract_file::{AnswerFile, ProblemFile},
        search::Search,
        settings::SearchSettings,
    },
};

/// A larger file isn't read: some millions of candidates.
const FILE_MAX_BYTES: u64 = 512 * 1024 * 1024;

/// Prints the answer as one JSON document.
pub fn solve(args: &SolveArgs) -> Result<(), Failed> {
    let file = read(&args.file)?;
    let loaded = file.into_problem().map_err(|errors| Failed::lines(errors.to_string()))?;
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
    let answer = AnswerFile::new(&search.finish(), &loaded.ids, elapsed_ms);
    let text = serde_json::to_string(&answer)?;
    super::print(&format!("{text}\n"))
}

fn read(path: &Path) -> Result<ProblemFile, Failed> {
    let failed = |error: io::Error| Failed::new(format!("cannot read {}: {error}", path.display()));
    let source: Box<dyn Read> = match path.as_os_str() == "-" {
        true => Box::new(io::stdin().lock()),
        false => Box::new(File::open(path).map_err(failed)?),
    };
    let mut text = Vec::new();
    source.take(FILE_MAX_BYTES + 1).read_to_end(&mut text).map_err(failed)?;
    if text.len() as u64 > FILE_MAX_BYTES {
        let limit = FILE_MAX_BYTES >> 20;
        return Err(Failed::new(format!("{} is larger than {limit} MiB", path.display())));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(&text);
    serde_path_to_error::deserialize(&mut deserializer)
        .map_err(|error| Failed::new(format!("{}: {error}", path.display())))
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
