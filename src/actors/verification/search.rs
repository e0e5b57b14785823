//! The search's mechanisms, on the problems of stored plans: early termination, convergence,
//! score cache, compression of checkpoints. Blocking: CPU work.

use std::time::Instant;

use super::{
    VerifierSettings,
    database::ms,
    samples::{Claim, Comparison},
};
use crate::{
    actors::checkpoint::Checkpoint,
    planning::{
        abstract_file::ProblemFile, problem::Problem, search::Search, settings::SearchSettings,
    },
};

const EARLY: Claim =
    Claim { name: "early termination", unit: "ms of a search's rounds", promised: Some(20.0) };
const CONVERGENCE: Claim =
    Claim { name: "convergence", unit: "ms of a search's rounds", promised: Some(15.0) };
const SCORE_CACHE: Claim =
    Claim { name: "score cache", unit: "ms of a search's rounds", promised: None };
const COMPRESSION: Claim =
    Claim { name: "state compression", unit: "bytes of a checkpoint", promised: Some(30.0) };

pub fn compare(
    settings: &VerifierSettings,
    problems: Vec<ProblemFile>,
    samples: u32,
) -> Vec<Comparison> {
    let loaded: Vec<Problem> =
        problems.into_iter().filter_map(|file| Some(file.into_problem().ok()?.problem)).collect();
    if loaded.is_empty() {
        let note = "no searched plan in the database; submit one";
        let claims = [EARLY, CONVERGENCE, SCORE_CACHE, COMPRESSION];
        return claims.map(|claim| Comparison::not_measured(claim, note)).to_vec();
    }
    // Without the other mechanisms a search goes to its last round: each is seen alone.
    let alone = SearchSettings {
        early_termination: false,
        convergence: false,
        score_cache: true,
        ..settings.search
    };
    vec![
        rounds(EARLY, &loaded, samples, (&alone, &with(alone, |s| s.early_termination = true))),
        rounds(CONVERGENCE, &loaded, samples, (&alone, &with(alone, |s| s.convergence = true))),
        rounds(SCORE_CACHE, &loaded, samples, (&with(alone, |s| s.score_cache = false), &alone)),
        compression(&loaded, samples, &alone),
    ]
}

fn with(mut settings: SearchSettings, change: impl FnOnce(&mut SearchSettings)) -> SearchSettings {
    change(&mut settings);
    settings
}

fn rounds(
    claim: Claim,
    problems: &[Problem],
    samples: u32,
    (off, on): (&SearchSettings, &SearchSettings),
) -> Comparison {
    let mut compared = Comparison::new(claim);
    let (mut rounds_off, mut rounds_on) = (0, 0);
    for problem in problems.iter().cycle().take(samples as usize) {
        let (without, count_off) = search(problem, off);
        let (with, count_on) = search(problem, on);
        compared.add(without, with);
        (rounds_off, rounds_on) = (rounds_off + count_off, rounds_on + count_on);
    }
    let plans = problems.len().min(samples as usize);
    let mut note = format!("{rounds_off} rounds without, {rounds_on} with, of {plans} plans");
    if claim.promised.is_some() && rounds_off == rounds_on {
        note += "; these plans give it nothing to stop at: see its threshold in section search";
    }
    compared.with_note(note)
}

/// Milliseconds and rounds; the proof, which every search is followed by, left out.
fn search(problem: &Problem, settings: &SearchSettings) -> (f64, u32) {
    let began = Instant::now();
    let mut search = Search::new(problem, settings, 0);
    loop {
        let progress = search.round(&mut |_| true);
        if progress.stopped.is_some() {
            return (ms(began.elapsed()), progress.round);
        }
    }
}

fn compression(problems: &[Problem], samples: u32, settings: &SearchSettings) -> Comparison {
    let mut compared = Comparison::new(COMPRESSION);
    for problem in problems.iter().cycle().take(samples as usize) {
        let mut search = Search::new(problem, settings, 0);
        search.round(&mut |_| true);
        let checkpoint = Checkpoint { problem_digest: String::new(), search: search.state() };
        let (plain, packed) = (checkpoint.pack(false), checkpoint.pack(true));
        if let (Ok(plain), Ok(packed)) = (plain, packed) {
            compared.add(plain.body.len() as f64, packed.body.len() as f64);
        }
    }
    compared
}
