//! Problems made from seeds, and what is right about them by counting out: nothing of the search
//! is used here.

use common::dice::Dice;
use eventplanner::planning::problem::{Candidate, Combination, Problem, ProblemCategory};

/// Adds exactly: sums of these are the same in any order.
fn value(dice: &mut Dice, coarse: bool) -> f64 {
    if coarse { dice.below(3) as f64 / 4.0 } else { dice.below(4_096) as f64 / 4_096.0 }
}

/// A problem with so many categories, small enough to be counted out: optional categories,
/// candidates that fill a second place, vendors in two roles, forbidden pairs, ties.
pub fn problem(seed: u64, categories: usize, min_difference: usize, options: usize) -> Problem {
    let mut dice = Dice(seed);
    let coarse = dice.hit(3);
    let strategies = 1 + dice.below(2) as usize;
    let dimensions = 1 + dice.below(2) as usize;
    let kinds = 1 + dice.below(3) as usize;
    let most = [24, 14, 7, 5, 4, 3, 3, 2][categories - 1];
    let second = (categories > 1 && dice.hit(2)).then(|| dice.below(categories as u64) as usize);
    let mut pair_value = vec![vec![0.0; kinds]; kinds];
    for (a, b) in (0..kinds).flat_map(|a| (a..kinds).map(move |b| (a, b))) {
        let value = value(&mut dice, coarse) / 8.0;
        (pair_value[a][b], pair_value[b][a]) = (value, value);
    }
    let mut all = Vec::new();
    for c in 0..categories {
        let mut candidates: Vec<Candidate> = Vec::new();
        for x in 0..1 + dice.below(most) {
            let mut candidate = Candidate {
                value: (0..strategies).map(|_| value(&mut dice, coarse)).collect(),
                usage: (0..dimensions)
                    .map(|_| dice.below(if coarse { 3 } else { 40 }) as f64)
                    .collect(),
                signature: dice.below(kinds as u64) as u32,
                also_fills: None,
                same_as: None,
            };
            if second.is_some_and(|place| place != c && c == (place + 1) % categories) {
                candidate.also_fills = second.filter(|_| dice.hit(2));
                // The one before in its other role.
                let before =
                    candidates.last().filter(|b| b.also_fills.is_none() && b.same_as.is_none());
                if candidate.also_fills.is_some() && before.is_some() && dice.hit(2) {
                    candidate.same_as = Some(x as u32 - 1);
                }
            }
            candidates.push(candidate);
        }
        let candidates = candidates.into_iter().collect();
        all.push(ProblemCategory { required: !dice.hit(4), candidates });
    }
    let share = 2 + dice.below(8);
    let limits = (0..dimensions)
        .map(|d| {
            let dearest =
                |c: &ProblemCategory| c.candidates.uses(d).iter().copied().fold(0.0, f64::max);
            (all.iter().map(dearest).sum::<f64>() * share as f64 / 8.0).floor()
        })
        .collect();
    let mut forbidden_pairs = Vec::new();
    for _ in 0..if categories > 1 { dice.below(3) } else { 0 } {
        let a = dice.below(categories as u64) as usize;
        let b = (a + 1) % categories;
        let one =
            |dice: &mut Dice, c: usize| (c, dice.below(all[c].candidates.len() as u64) as u32);
        forbidden_pairs.push([one(&mut dice, a), one(&mut dice, b)]);
    }
    Problem {
        strategies,
        categories: all,
        limits,
        pair_value,
        forbidden_pairs,
        nogoods: Vec::new(),
        options,
        min_difference,
    }
}

/// A feasible combination, by the problem's text.
pub struct Counted {
    pub chosen: Combination,
    pub value: f64,
    first_use: f64,
    /// By place: the vendor there, by its category and first role.
    vendors: Vec<Option<(usize, u32)>>,
}

/// All feasible combinations, the best first: more value, then less of the first limit, then
/// smaller candidates.
pub fn count_out(problem: &Problem) -> Vec<Counted> {
    let mut all = Vec::new();
    let mut chosen: Combination = Vec::new();
    choose(problem, &mut chosen, &mut all);
    all.sort_by(|a, b| {
        b.value
            .total_cmp(&a.value)
            .then(a.first_use.total_cmp(&b.first_use))
            .then_with(|| a.chosen.cmp(&b.chosen))
    });
    all
}

fn choose(problem: &Problem, chosen: &mut Combination, all: &mut Vec<Counted>) {
    let Some(category) = problem.categories.get(chosen.len()) else {
        return all.extend(counted(problem, chosen));
    };
    let nobody_and_all = std::iter::once(None).chain(category.candidates.indices().map(Some));
    for one in nobody_and_all {
        chosen.push(one);
        choose(problem, chosen, all);
        chosen.pop();
    }
}

pub fn counted(problem: &Problem, chosen: &Combination) -> Option<Counted> {
    let n = problem.categories.len();
    let mut vendors = vec![None; n];
    let mut kinds = vec![None; n];
    let mut used = vec![0.0; problem.limits.len()];
    let mut values = vec![0.0; problem.strategies];
    for (c, x) in chosen.iter().enumerate().filter_map(|(c, x)| Some((c, (*x)?))) {
        let one = problem.categories[c].candidates.iter().nth(x as usize)?;
        for place in [Some(c), one.also_fills].into_iter().flatten() {
            if vendors[place].replace((c, one.same_as.unwrap_or(x))).is_some() {
                return None;
            }
            kinds[place] = Some(one.signature as usize);
        }
        used.iter_mut().zip(&one.usage).for_each(|(sum, own)| *sum += own);
        values.iter_mut().zip(&one.value).for_each(|(sum, own)| *sum += own);
    }
    let holds = |&(c, x): &(usize, u32)| chosen[c] == Some(x);
    let missing = problem.categories.iter().zip(&vendors).any(|(c, v)| c.required && v.is_none());
    if missing
        || used.iter().zip(&problem.limits).any(|(used, limit)| used > limit)
        || problem.forbidden_pairs.iter().any(|pair| pair.iter().all(holds))
    {
        return None;
    }
    let mut value = values.into_iter().fold(f64::NEG_INFINITY, f64::max);
    for (i, a) in kinds.iter().enumerate() {
        for b in &kinds[i + 1..] {
            if let (Some(a), Some(b)) = (a, b) {
                value += problem.pair_value[*a][*b];
            }
        }
    }
    Some(Counted { chosen: chosen.clone(), value, first_use: used[0], vendors })
}

pub fn difference(a: &Counted, b: &Counted) -> usize {
    a.vendors.iter().zip(&b.vendors).filter(|(a, b)| a != b).count()
}

/// The best; the best that differs from it as wanted; the best that differs so from both …; fewer
/// differences only where nothing else is feasible, and then as many as there can be.
pub fn by_the_rule<'a>(problem: &Problem, all: &'a [Counted]) -> (Vec<&'a Counted>, bool) {
    let mut options: Vec<&Counted> = all.first().into_iter().collect();
    let mut fewer = false;
    while !options.is_empty() && options.len() < problem.options {
        let differs = |one: &&Counted, least: usize| {
            options.iter().all(|option| difference(one, option) >= least)
        };
        let next = (1..=problem.min_difference)
            .rev()
            .find_map(|least| Some((all.iter().find(|one| differs(one, least))?, least)));
        let Some((next, least)) = next else { break };
        fewer |= least < problem.min_difference;
        options.push(next);
    }
    (options, fewer)
}

/// OR-library's kind of multiple-choice knapsack: values that follow the uses, many limits, each at
/// half of what the classes use between their least and their most.
pub fn knapsack(classes: usize, items: usize, limits: usize, seed: u64) -> Problem {
    let mut dice = Dice(seed);
    let mut totals = vec![0.0; limits];
    let mut categories = Vec::new();
    for _ in 0..classes {
        let mut item = || {
            let usage: Vec<f64> = (0..limits).map(|_| dice.below(50) as f64).collect();
            let value = usage.iter().sum::<f64>() / limits as f64 + dice.below(20) as f64;
            Candidate { value: vec![value], usage, signature: 0, also_fills: None, same_as: None }
        };
        let own: Vec<Candidate> = (0..items).map(|_| item()).collect();
        for (d, total) in totals.iter_mut().enumerate() {
            let uses = || own.iter().map(|item| item.usage[d]);
            *total += (uses().fold(0.0, f64::max) + uses().fold(f64::INFINITY, f64::min)) / 2.0;
        }
        categories.push(ProblemCategory { required: true, candidates: own.into_iter().collect() });
    }
    Problem {
        strategies: 1,
        categories,
        limits: totals,
        pair_value: vec![vec![0.0]],
        forbidden_pairs: Vec::new(),
        nogoods: Vec::new(),
        options: 3,
        min_difference: 2,
    }
}

/// Candidates of random uses: no few of them dominate the others, so that the limits together decide.
pub fn tight(categories: usize, candidates: usize, limits: &[f64], seed: u64) -> Problem {
    let mut dice = Dice(seed);
    let mut candidate = || Candidate {
        value: vec![value(&mut dice, false) / 8.0],
        usage: limits.iter().map(|_| 1.0 + dice.below(1_000) as f64).collect(),
        signature: 0,
        also_fills: None,
        same_as: None,
    };
    let mut category = || {
        let candidates = (0..candidates).map(|_| candidate()).collect();
        ProblemCategory { required: true, candidates }
    };
    Problem {
        strategies: 1,
        categories: (0..categories).map(|_| category()).collect(),
        limits: limits.to_vec(),
        pair_value: vec![vec![0.0]],
        forbidden_pairs: Vec::new(),
        nogoods: Vec::new(),
        options: 3,
        min_difference: 2,
    }
}
