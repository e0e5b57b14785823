//! Upper bounds on the value of every feasible combination: the Lagrangian of the limits.
//!
//! For any multipliers λ ≥ 0 and any feasible combination, value ≤ Σ (value − λ·use) + λ·limits,
//! and each category's part is at most its own maximum. Pairs are bounded by the largest pair value.

use super::problem::{Candidate, Problem};
use super::reduce::Reduced;
use super::score::Scorer;

/// Steps of the multiplier search.
const STEPS: usize = 200;

/// Multipliers of one strategy and what follows from them.
#[derive(Clone, Debug)]
pub struct Dual {
    pub strategy: usize,
    /// Value per unit of each limit.
    pub multipliers: Vec<f64>,
    /// Σ multiplier × limit.
    pub credit: f64,
    /// Per category, the most that its place can add.
    pub most: Vec<f64>,
    /// The most that one pair of places can add; ≥ 0.
    pub pair_most: f64,
    /// No combination is worth more under this strategy.
    pub bound: f64,
}

impl Dual {
    pub fn new(scorer: &Scorer, reduced: &Reduced, strategy: usize) -> Self {
        let problem = scorer.problem();
        let n = problem.categories.len() as f64;
        let pair_most = problem.pair_value.iter().flatten().copied().fold(0.0, f64::max);
        let pairs = pair_most * n * (n - 1.0) / 2.0;
        let lists = lists(problem, reduced, strategy);
        let optional: Vec<bool> = (0..lists.len()).map(|c| may_stay_empty(problem, c)).collect();
        let limits = finite_limits(scorer, &lists);
        let mut multipliers = vec![0.0; limits.len()];
        let mut best = evaluate(&lists, &optional, &limits, strategy, &multipliers);
        let mut length = 1.0;
        let mut trial = best.clone();
        for _ in 0..STEPS {
            let slope: Vec<f64> = trial.used.iter().zip(&limits).map(|(u, l)| u - l).collect();
            let norm: f64 = slope.iter().zip(&limits).map(|(g, l)| (g / l.max(1.0)).powi(2)).sum();
            if norm <= 0.0 {
                break;
            }
            for ((multiplier, slope), limit) in multipliers.iter_mut().zip(&slope).zip(&limits) {
                let unit = limit.max(1.0);
                let step =
                    length * scorer.scale().max(f64::MIN_POSITIVE) * slope / unit / norm.sqrt();
                *multiplier = (*multiplier + step / unit).max(0.0);
            }
            trial = evaluate(&lists, &optional, &limits, strategy, &multipliers);
            if trial.bound < best.bound {
                best = trial.clone();
            } else {
                length *= 0.93;
            }
        }
        let credit = best.multipliers.iter().zip(&limits).map(|(m, l)| m * l).sum();
        Self {
            strategy,
            credit,
            bound: best.bound + pairs,
            multipliers: best.multipliers,
            most: best.most,
            pair_most,
        }
    }

    /// Value less the price of its use.
    pub fn reduced_value(&self, candidate: &Candidate) -> f64 {
        let price: f64 = self.multipliers.iter().zip(&candidate.usage).map(|(m, u)| m * u).sum();
        candidate.value[self.strategy] - price
    }
}

/// Whether a category's place may hold nobody of its own: it is optional, or another category's
/// candidate can fill it.
pub fn may_stay_empty(problem: &Problem, category: usize) -> bool {
    !problem.categories[category].required
        || problem
            .categories
            .iter()
            .any(|c| c.candidates.iter().any(|x| x.also_fills == Some(category)))
}

#[derive(Clone)]
struct Trial {
    multipliers: Vec<f64>,
    most: Vec<f64>,
    used: Vec<f64>,
    bound: f64,
}

fn lists<'p>(problem: &'p Problem, reduced: &Reduced, strategy: usize) -> Vec<Vec<&'p Candidate>> {
    let category = |c: usize| {
        let kept = reduced.kept(strategy, c).iter();
        kept.map(|&x| &problem.categories[c].candidates[x as usize]).collect()
    };
    (0..problem.categories.len()).map(category).collect()
}

/// Limits; one that can't bind is its largest possible use.
fn finite_limits(scorer: &Scorer, lists: &[Vec<&Candidate>]) -> Vec<f64> {
    let most = |d: usize| -> f64 {
        lists.iter().map(|list| list.iter().map(|x| x.usage[d]).fold(0.0, f64::max)).sum()
    };
    scorer.limits().iter().enumerate().map(|(d, &limit)| limit.min(most(d))).collect()
}

fn evaluate(
    lists: &[Vec<&Candidate>],
    optional: &[bool],
    limits: &[f64],
    strategy: usize,
    multipliers: &[f64],
) -> Trial {
    let mut used = vec![0.0; limits.len()];
    let mut most = Vec::with_capacity(lists.len());
    for (list, &optional) in lists.iter().zip(optional) {
        let start = if optional { 0.0 } else { f64::NEG_INFINITY };
        let mut best: (f64, Option<&Candidate>) = (start, None);
        for candidate in list {
            let price: f64 = multipliers.iter().zip(&candidate.usage).map(|(m, u)| m * u).sum();
            let value = candidate.value[strategy] - price;
            if value > best.0 {
                best = (value, Some(candidate));
            }
        }
        if let Some(candidate) = best.1 {
            used.iter_mut().zip(&candidate.usage).for_each(|(sum, own)| *sum += own);
        }
        most.push(best.0);
    }
    let credit: f64 = multipliers.iter().zip(limits).map(|(m, l)| m * l).sum();
    let bound = most.iter().sum::<f64>() + credit;
    Trial { multipliers: multipliers.to_vec(), most, used, bound }
}
