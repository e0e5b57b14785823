//! The search's mechanisms, on the problems of stored plans: early termination, convergence,
//! score cache, compression of checkpoints. Blocking: CPU work.

use std::time::Instant;

use super::{
    VerifierSettings,
    database::ms,
    samples::{Claim, Comparison},
};
use crate::run::checkpoint::Checkpoint;
use planning::{problem::Problem, search::Search, settings::SearchSettings};

const EARLY: Claim =
    Claim { name: "early termination", unit: "ms of a search's rounds", promised: Some(20.0) };
const CONVERGENCE: Claim =
    Claim { name: "convergence", unit: "ms of a search's rounds", promised: Some(15.0) };
const SCORE_CACHE: Claim =
    Claim { name: "score cache", unit: "ms of a search's rounds", promised: None };
const COMPRESSION: Claim =
    Claim { name: "state compression", unit: "bytes of a checkpoint", promised: Some(30.0) };

pub(super) fn compare(
    settings: &VerifierSettings,
    problems: Vec<Problem>,
    samples: u32,
) -> Vec<Comparison> {
    if problems.is_empty() {
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
    let all: Vec<&Problem> = problems.iter().collect();
    vec![
        early_termination(&problems, samples, &alone),
        rounds(CONVERGENCE, &all, samples, (&alone, &with(alone, |s| s.convergence = true))),
        rounds(SCORE_CACHE, &all, samples, (&with(alone, |s| s.score_cache = false), &alone)),
        compression(&problems, samples, &alone),
    ]
}

fn with(mut settings: SearchSettings, change: impl FnOnce(&mut SearchSettings)) -> SearchSettings {
    change(&mut settings);
    settings
}

/// On the plans whose rounds reach the threshold, where there are any: nothing could end the
/// others' rounds early.
fn early_termination(problems: &[Problem], samples: u32, alone: &SearchSettings) -> Comparison {
    let threshold = alone.early_termination_threshold;
    let (mut reaching, mut others, mut best_of_all) = (Vec::new(), Vec::new(), f64::MIN);
    for problem in problems {
        let best = search(problem, alone).best;
        best_of_all = best_of_all.max(best.unwrap_or(f64::MIN));
        let side =
            if best.is_some_and(|best| best >= threshold) { &mut reaching } else { &mut others };
        side.push(problem);
    }
    let on = with(*alone, |s| s.early_termination = true);
    let measured = if reaching.is_empty() { &others } else { &reaching };
    let compared = rounds(EARLY, measured, samples, (alone, &on));
    let plans = |count: usize| format!("{count} plan{}", if count == 1 { "" } else { "s" });
    let (all, setting) = (plans(problems.len()), "search.early_termination_threshold");
    compared.with_more(match reaching.len() {
        0 if best_of_all == f64::MIN => format!("{all}, none with an option: none can end early"),
        0 => format!(
            "the best option of {all} has {best_of_all:.3}: nothing reached {setting}, \
             {threshold}, and no search could end early; a threshold below it would let them"
        ),
        n if n < problems.len() => format!(
            "measured on {} of {all}, which reach {setting}, {threshold}; the others can't end early",
            plans(n)
        ),
        _ => format!("all of {all} reach {setting}, {threshold}"),
    })
}

fn rounds(
    claim: Claim,
    problems: &[&Problem],
    samples: u32,
    (off, on): (&SearchSettings, &SearchSettings),
) -> Comparison {
    let mut compared = Comparison::new(claim);
    let (mut rounds_off, mut rounds_on) = (0, 0);
    for problem in problems.iter().cycle().take(samples as usize) {
        let (without, with) = (search(problem, off), search(problem, on));
        compared.add(without.ms, with.ms);
        (rounds_off, rounds_on) = (rounds_off + without.rounds, rounds_on + with.rounds);
    }
    let counted = format!("{rounds_off} rounds without, {rounds_on} with, over {samples} searches");
    compared.with_note(match claim.promised.is_some() && rounds_off == rounds_on {
        true => format!("{counted}: it ended none earlier"),
        false => counted,
    })
}

/// A search's rounds; the proof, which every search is followed by, left out.
struct Rounds {
    ms: f64,
    rounds: u32,
    /// Value of the best combination.
    best: Option<f64>,
}

fn search(problem: &Problem, settings: &SearchSettings) -> Rounds {
    let began = Instant::now();
    let mut search = Search::new(problem, settings, 0);
    loop {
        let progress = search.round(&mut |_| true);
        if progress.stopped.is_some() {
            let ms = ms(began.elapsed());
            return Rounds { ms, rounds: progress.round, best: progress.best };
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
