//! The planning core at every size, printed as tables: `cargo bench --bench planning`.
//!
//! Times are wall time of one thread, in milliseconds; the events of `synthetic` stand for loaded
//! vendors. `SEEDS=n` asks for more events per row, `SIZES=a,b` for other sizes.

mod rows;

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use common::synthetic::{Shape, event, event_with};
use eventplanner::{
    model::StopReason,
    planning::{
        problem::{Problem, equivalence::EquivalenceClasses, no_goods::NoGoods, score::Scorer},
        proof::reduction::Reduced,
        search::{Outcome, Search},
        settings::SearchSettings,
    },
};
use rows::{Table, median, p95, spread};

/// Prices at 60, 100 and 160 % of what the budget allows.
const TIGHTNESS: [f64; 3] = [0.6, 1.0, 1.6];
const SIZES: [usize; 5] = [100, 1_000, 10_000, 100_000, 1_000_000];
/// The sample catalog's wedding: four categories of so many vendors.
const SAMPLE: [usize; 4] = [330, 80, 95, 112];
const SAMPLE_SHARES: [f64; 4] = [0.4, 0.4, 0.12, 0.08];
const FIVE_MS: Duration = Duration::from_millis(5);

fn main() {
    let seeds: u64 = number("SEEDS").unwrap_or(5);
    let sizes = sizes();
    // First, while nothing that was freed is there to be used again.
    memory(&sizes);
    growth(&sizes, seeds);
    sample(seeds);
    shapes(seeds);
    after_five_ms(&sizes, seeds);
    mechanisms(seeds);
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

fn sizes() -> Vec<usize> {
    let asked = std::env::var("SIZES").ok();
    let asked = asked.map(|text| text.split(',').filter_map(|size| size.parse().ok()).collect());
    asked.unwrap_or_else(|| SIZES.to_vec())
}

/// One event, timed in parts.
struct Run {
    reduction: f64,
    /// Bounds, rounds and proof.
    search: f64,
    kept: usize,
    outcome: Outcome,
    /// Best value when the rounds ended.
    rounds_best: f64,
}

fn ms(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}

fn run(problem: &Problem, settings: &SearchSettings) -> Run {
    let began = Instant::now();
    let nogoods = NoGoods::new(problem, &[]);
    let columns = EquivalenceClasses::new(problem, &nogoods);
    let scorer = Scorer::new(problem);
    let reduced = Reduced::new((&scorer, &nogoods), &columns, &BTreeSet::new());
    let reduction = ms(began);
    let kept = (0..problem.strategies).map(|s| reduced.size(s)).sum();
    drop((reduced, columns));
    let began = Instant::now();
    let mut search = Search::new(problem, settings, 0);
    let mut accept = |_: &_| true;
    let mut progress = search.round(&mut accept);
    while progress.stopped.is_none() {
        progress = search.round(&mut accept);
    }
    search.prove(&mut accept, &mut || None);
    let outcome = search.finish();
    let search = (ms(began) - reduction).max(0.0);
    Run { reduction, search, kept, outcome, rounds_best: progress.best.unwrap_or(f64::NAN) }
}

fn events(shape: Shape, seeds: u64) -> impl Iterator<Item = Problem> {
    TIGHTNESS.into_iter().flat_map(move |tightness| {
        (0..seeds).map(move |seed| event(Shape { tightness, ..shape }, seed))
    })
}

/// How long a proven plan takes, from 10^2 to 10^6 vendors.
fn growth(sizes: &[usize], seeds: u64) {
    println!("\nproven plans, eight categories, sixteen signatures, three tightnesses x {seeds}");
    println!(
        "targets: reduction <= 2 / 20 / 200, search p95 <= 10 / 20 / 60 at 10^4 / 10^5 / 10^6"
    );
    let mut table = Table::new(&[
        "vendors",
        "kept",
        "reduction median",
        "p95",
        "search median",
        "p95",
        "max",
        "proven",
        "rounds",
    ]);
    for &size in sizes {
        let settings = SearchSettings::default();
        let runs: Vec<Run> =
            events(Shape::of(size, 1.0), seeds).map(|problem| run(&problem, &settings)).collect();
        let of = |get: fn(&Run) -> f64| runs.iter().map(get).collect::<Vec<f64>>();
        let (reduction, search) = (of(|r| r.reduction), of(|r| r.search));
        let proven = runs.iter().filter(|r| r.outcome.options_proven).count();
        table.row(&[
            size.to_string(),
            format!("{:.0}", median(&of(|r| r.kept as f64))),
            format!("{:.2}", median(&reduction)),
            format!("{:.2}", p95(&reduction)),
            format!("{:.2}", median(&search)),
            format!("{:.2}", p95(&search)),
            format!("{:.2}", spread(&search).1),
            format!("{proven}/{}", runs.len()),
            format!("{:.0}", median(&of(|r| f64::from(r.outcome.rounds)))),
        ]);
    }
    table.print();
}

/// A plan of the sample catalog's size; target 10 ms in all.
fn sample(seeds: u64) {
    println!("\na plan of the sample's size, 330 x 80 x 95 x 112, three strategies (target 10)");
    let mut table = Table::new(&["kitchens", "median", "p95", "max", "proven"]);
    for in_house in [0.0, 0.3] {
        let mut total = Vec::new();
        let mut proven = 0;
        for (tightness, seed) in TIGHTNESS.iter().flat_map(|t| (0..4 * seeds).map(move |s| (*t, s)))
        {
            let shape = Shape { strategies: 3, in_house, ..Shape::of(0, tightness) };
            let problem = event_with(shape, &SAMPLE, &SAMPLE_SHARES, seed);
            let run = run(&problem, &SearchSettings::default());
            total.push(run.reduction + run.search);
            proven += usize::from(run.outcome.options_proven);
        }
        table.row(&[
            format!("{:.0} %", 100.0 * in_house),
            format!("{:.2}", median(&total)),
            format!("{:.2}", p95(&total)),
            format!("{:.2}", spread(&total).1),
            format!("{proven}/{}", total.len()),
        ]);
    }
    table.print();
}

/// What makes an event harder: strategies, kitchens of the house, signatures, further limits.
fn shapes(seeds: u64) {
    println!("\n10,000 vendors, other shapes");
    let mut table = Table::new(&[
        "shape",
        "reduction median",
        "search median",
        "p95",
        "max",
        "proven",
        "gap max",
    ]);
    let base = Shape::of(10_000, 1.0);
    let rows: [(&str, Shape); 7] = [
        ("as above", base),
        ("3 strategies", Shape { strategies: 3, ..base }),
        ("3 strategies, 30 % kitchens", Shape { strategies: 3, in_house: 0.3, ..base }),
        ("100 signatures", Shape { areas: 20, styles: 5, ..base }),
        ("2 limits", Shape { limits: 2, ..base }),
        ("3 limits", Shape { limits: 3, ..base }),
        ("5 limits", Shape { limits: 5, ..base }),
    ];
    for (name, shape) in rows {
        let settings = SearchSettings::default();
        let runs: Vec<Run> = events(shape, seeds).map(|problem| run(&problem, &settings)).collect();
        let of = |get: fn(&Run) -> f64| runs.iter().map(get).collect::<Vec<f64>>();
        let proven = runs.iter().filter(|r| r.outcome.options_proven).count();
        let search = of(|r| r.search);
        table.row(&[
            name.to_owned(),
            format!("{:.2}", median(&of(|r| r.reduction))),
            format!("{:.2}", median(&search)),
            format!("{:.2}", p95(&search)),
            format!("{:.2}", spread(&search).1),
            format!("{proven}/{}", runs.len()),
            format!("{:.4}", spread(&of(|r| r.outcome.proven_gap)).1),
        ]);
    }
    table.print();
}

/// The certificate that is there five milliseconds after the reduction.
fn after_five_ms(sizes: &[usize], seeds: u64) {
    println!(
        "\nproven gap 5 ms after the reduction, in percent of the best value (target: median 0.4)"
    );
    let mut table = Table::new(&["vendors", "median", "p95", "max"]);
    for &size in sizes {
        let gaps: Vec<f64> = events(Shape::of(size, 1.0), seeds)
            .map(|problem| {
                let reduction = run(
                    &problem,
                    &SearchSettings { max_rounds: 1, proof: false, ..SearchSettings::default() },
                )
                .reduction;
                let ends = Duration::from_secs_f64(reduction / 1e3) + FIVE_MS;
                let began = Instant::now();
                let settings = SearchSettings::default();
                let mut search = Search::new(&problem, &settings, 0);
                let mut accept = |_: &_| true;
                while search.round(&mut accept).stopped.is_none() && began.elapsed() < ends {}
                search.prove(&mut accept, &mut || {
                    (began.elapsed() >= ends).then_some(StopReason::Deadline)
                });
                let outcome = search.finish();
                100.0 * outcome.proven_gap / outcome.best_possible
            })
            .collect();
        table.row(&[
            size.to_string(),
            format!("{:.3}", median(&gaps)),
            format!("{:.3}", p95(&gaps)),
            format!("{:.3}", spread(&gaps).1),
        ]);
    }
    table.print();
}

/// Each mechanism on and off: what it costs and what it brings.
fn mechanisms(seeds: u64) {
    println!(
        "\nmechanisms, 2,000 vendors, three strategies, three limits; loss: percent below the optimum"
    );
    let mut table = Table::new(&[
        "settings",
        "rounds",
        "scored",
        "ms median",
        "ms p95",
        "loss median",
        "loss max",
        "optimal",
    ]);
    let usual = SearchSettings::default();
    let no_proof = SearchSettings { proof: false, ..usual };
    let patient = SearchSettings { early_termination: false, convergence: false, ..no_proof };
    let rows: [(&str, SearchSettings); 9] = [
        ("defaults", usual),
        ("no proof", no_proof),
        ("no proof, no early termination", SearchSettings { early_termination: false, ..no_proof }),
        ("no proof, no convergence", SearchSettings { convergence: false, ..no_proof }),
        ("no proof, neither", patient),
        ("no proof, neither, no score cache", SearchSettings { score_cache: false, ..patient }),
        ("no proof, neither, k = 1", SearchSettings { beam_width: 1, ..patient }),
        ("no proof, neither, k = 10", SearchSettings { beam_width: 10, ..patient }),
        ("proof, neither", SearchSettings { proof: true, ..patient }),
    ];
    // With one limit the first round mostly finds what the bound proves to be the best.
    let shape = Shape { strategies: 3, limits: 3, ..Shape::of(2_000, 1.0) };
    let problems: Vec<Problem> = events(shape, seeds).collect();
    let best: Vec<f64> = problems.iter().map(|p| run(p, &usual).outcome.options[0].value).collect();
    for (name, settings) in rows {
        let runs: Vec<Run> = problems.iter().map(|problem| run(problem, &settings)).collect();
        let of = |get: fn(&Run) -> f64| runs.iter().map(get).collect::<Vec<f64>>();
        let losses: Vec<f64> = runs
            .iter()
            .zip(&best)
            .map(|(run, best)| {
                let value = if settings.proof {
                    run.outcome.options.first().map_or(0.0, |option| option.value)
                } else {
                    run.rounds_best
                };
                100.0 * (best - value) / best
            })
            .collect();
        let times: Vec<f64> = of(|r| r.search);
        table.row(&[
            name.to_owned(),
            format!("{:.0}", median(&of(|r| f64::from(r.outcome.rounds)))),
            format!("{:.0}", median(&of(|r| r.outcome.combinations_scored as f64))),
            format!("{:.2}", median(&times)),
            format!("{:.2}", p95(&times)),
            format!("{:.3}", median(&losses)),
            format!("{:.3}", spread(&losses).1),
            format!("{}/{}", losses.iter().filter(|loss| **loss < 1e-9).count(), losses.len()),
        ]);
    }
    table.print();
}

/// Resident bytes per candidate of problems with three strategies and one limit: a million
/// candidates each time, so that the allocator's own reserve, some MB, weighs the same.
fn memory(sizes: &[usize]) {
    println!("\nresident bytes per candidate, three strategies, one limit (target 64)");
    let mut table = Table::new(&["vendors", "problems", "problem", "problem and search"]);
    // Kept to the end: freed memory would be used again, and not be counted.
    let mut kept = Vec::new();
    for &size in sizes.iter().filter(|size| **size >= 100_000) {
        let count = 1_000_000_usize.div_ceil(size);
        let before = resident();
        let shape = Shape { strategies: 3, ..Shape::of(size, 1.0) };
        let problems: Vec<Problem> = (1..=count as u64).map(|seed| event(shape, seed)).collect();
        let with_problems = resident();
        let settings = SearchSettings::default();
        let searches: Vec<Search> =
            problems.iter().map(|problem| Search::new(problem, &settings, 0)).collect();
        let with_searches = resident();
        drop(searches);
        kept.push(problems);
        let held = (size * count) as f64;
        let per = |bytes: u64| format!("{:.1}", bytes.saturating_sub(before) as f64 / held);
        let row = [size.to_string(), count.to_string(), per(with_problems), per(with_searches)];
        table.row(&row);
    }
    table.print();
}

/// Bytes of this process in memory (Linux).
fn resident() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = pages.split(' ').nth(1).and_then(|p| p.parse().ok()).unwrap_or(0);
    pages * 4_096
}
