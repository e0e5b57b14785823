//! What a combination is worth: its value, its use, whether it is allowed, and which of two wins.

use std::cmp::Ordering;

use super::{
    CandidateIndex, CategoryIndex, Combination, Problem, ProblemCategory, Solution,
    no_goods::NoGoods,
};

/// Two values count as equal when they fall into the same step of this share of the problem's
/// scale (2^-42, 2e-13), so that sums that are equal on paper tie although their last bits differ.
const VALUE_STEP: f64 = 1.0 / (1u64 << 42) as f64;

/// Relative slack of a limit whose uses are not whole numbers: far above what rounding makes of a
/// sum of a thousand uses (some 1e-13), far below what anybody means by a limit.
const LIMIT_TOLERANCE: f64 = 1e-9;

/// Share of a limit below which differences in use are taken for rounding: a thousand additions
/// of 2^-53 each, and room.
const SUM_TOLERANCE: f64 = 1e-12;

/// Largest whole number up to which f64 adds exactly.
const EXACT_LIMIT: f64 = 9_007_199_254_740_992.0;

/// Who stands in a place: a candidate of the place's own category, or one that also fills it.
pub(crate) type Occupant = Option<(CategoryIndex, CandidateIndex)>;

/// Evaluates combinations of one problem. Sums run in category order, so that a combination is
/// worth the same everywhere.
pub struct Scorer<'p> {
    problem: &'p Problem,
    /// Limits with the slack of dimensions that are not whole numbers.
    limits: Vec<f64>,
    exact: Vec<bool>,
    scale: f64,
    step: f64,
    /// Each pair once, the smaller category first, sorted.
    forbidden: Vec<[(CategoryIndex, CandidateIndex); 2]>,
    /// The problem's own.
    nogoods: NoGoods,
}

impl<'p> Scorer<'p> {
    /// Reads all candidates once.
    ///
    /// # Panics
    /// May panic, here or later, where the problem isn't sound ([`Problem::is_sound`]); debug
    /// builds do here.
    pub fn new(problem: &'p Problem) -> Self {
        debug_assert!(problem.is_sound(), "the problem breaks its contract");
        let exact: Vec<bool> = (0..problem.limits.len()).map(|d| is_exact(problem, d)).collect();
        let limits = problem.limits.iter().zip(&exact).map(|(&limit, &exact)| {
            let soft = !exact && limit.is_finite();
            if soft { limit + LIMIT_TOLERANCE * limit.abs() } else { limit }
        });
        let limits = limits.collect();
        let scale = scale_of(problem);
        let step = if scale > 0.0 { scale.log2().ceil().exp2() * VALUE_STEP } else { 1.0 };
        let mut forbidden: Vec<_> = problem
            .forbidden_pairs
            .iter()
            .map(|&[a, b]| if a <= b { [a, b] } else { [b, a] })
            .collect();
        forbidden.sort_unstable();
        forbidden.dedup();
        let nogoods = NoGoods::new(problem, &[]);
        Self { problem, limits, exact, scale, step, forbidden, nogoods }
    }

    /// Differences in the first use up to this may vanish in a sum; 0 where sums are exact.
    pub(crate) fn use_tolerance(&self) -> f64 {
        match (self.exact.first(), self.limits.first()) {
            (Some(false), Some(limit)) => SUM_TOLERANCE * limit.min(EXACT_LIMIT),
            _ => 0.0,
        }
    }

    pub fn problem(&self) -> &'p Problem {
        self.problem
    }

    /// Limits, with the relative slack of dimensions that are not whole numbers.
    pub fn limits(&self) -> &[f64] {
        &self.limits
    }

    /// Whether the sums of this dimension are exact: all uses are whole numbers that add up to
    /// less than 2^53.
    ///
    /// # Panics
    /// Where there is no such limit.
    pub(crate) fn is_exact(&self, dimension: usize) -> bool {
        self.exact[dimension]
    }

    /// No combination's value is larger than this in absolute terms.
    pub fn scale(&self) -> f64 {
        self.scale
    }

    /// Values closer than about this count as equal.
    pub fn step(&self) -> f64 {
        self.step
    }

    /// The step in which a value falls: equal keys tie.
    pub fn key(&self, value: f64) -> f64 {
        (value / self.step).round()
    }

    pub fn forbidden(&self) -> &[[(CategoryIndex, CandidateIndex); 2]] {
        &self.forbidden
    }

    pub(crate) fn is_forbidden(
        &self,
        a: (CategoryIndex, CandidateIndex),
        b: (CategoryIndex, CandidateIndex),
    ) -> bool {
        let pair = if a <= b { [a, b] } else { [b, a] };
        !self.forbidden.is_empty() && self.forbidden.binary_search(&pair).is_ok()
    }

    /// Who stands in each place; `None` as a whole where two stand in one.
    pub fn occupants(&self, chosen: &Combination) -> Option<Vec<Occupant>> {
        occupants(self.problem, chosen)
    }

    /// What a combination uses, per limit.
    ///
    /// # Panics
    /// Where it chooses a candidate that doesn't exist, as do the other methods that read one.
    pub fn usage(&self, chosen: &Combination) -> Vec<f64> {
        let mut usage = vec![0.0; self.limits.len()];
        for (category, candidate) in chosen_candidates(chosen) {
            let uses = self.problem.categories[category].candidates.usage(candidate);
            usage.iter_mut().zip(uses).for_each(|(sum, own)| *sum += own);
        }
        usage
    }

    pub(crate) fn within_limits(&self, usage: &[f64]) -> bool {
        usage.iter().zip(&self.limits).all(|(&used, &limit)| used <= limit)
    }

    /// Σ value + Σ pair value under one strategy; the places are those of [`Self::occupants`].
    ///
    /// # Panics
    /// Where the strategy or an occupant doesn't exist.
    pub fn value(&self, places: &[Occupant], strategy: usize) -> f64 {
        let own: f64 = places
            .iter()
            .enumerate()
            .filter_map(|(place, &occupant)| occupant.filter(|&(category, _)| category == place))
            .map(|(category, candidate)| {
                self.problem.categories[category].candidates.value(candidate, strategy)
            })
            .sum();
        own + self.pairs(places)
    }

    /// The combination with its best strategy (the first among equals), or `None` where it is not
    /// allowed: a required place empty, two in one place, a forbidden pair, a no-good, a limit
    /// exceeded.
    pub fn solution(&self, chosen: &Combination) -> Option<Solution> {
        let places = self.occupants(chosen)?;
        let filled = self.problem.categories.iter().zip(&places);
        if filled.into_iter().any(|(category, place)| category.required && place.is_none()) {
            return None;
        }
        let usage = self.usage(chosen);
        if !self.within_limits(&usage)
            || self.holds_forbidden_pair(chosen)
            || self.nogoods.cut(chosen)
        {
            return None;
        }
        let (strategy, value) = self.best_strategy(&places);
        Some(Solution { chosen: chosen.clone(), value, strategy, usage })
    }

    /// `Less` where `a` wins: larger value, then lower first use, then smaller candidates in
    /// category order.
    pub fn compare(&self, a: &Solution, b: &Solution) -> Ordering {
        self.key(b.value)
            .total_cmp(&self.key(a.value))
            .then_with(|| first_use(a).total_cmp(&first_use(b)))
            .then_with(|| a.chosen.cmp(&b.chosen))
    }

    pub(crate) fn best_strategy(&self, places: &[Occupant]) -> (usize, f64) {
        let mut best = (0, f64::NEG_INFINITY);
        for strategy in 0..self.problem.strategies {
            let value = self.value(places, strategy);
            if value > best.1 {
                best = (strategy, value);
            }
        }
        best
    }

    fn pairs(&self, places: &[Occupant]) -> f64 {
        let signature = |occupant: Occupant| {
            occupant.map(|(category, candidate)| {
                self.problem.categories[category].candidates.signature(candidate) as usize
            })
        };
        let mut sum = 0.0;
        for (place, &occupant) in places.iter().enumerate() {
            let Some(own) = signature(occupant) else { continue };
            let row = &self.problem.pair_value[own];
            for &other in &places[place + 1..] {
                if let Some(other) = signature(other) {
                    sum += row[other];
                }
            }
        }
        sum
    }

    pub(crate) fn holds_forbidden_pair(&self, chosen: &Combination) -> bool {
        if self.forbidden.is_empty() {
            return false;
        }
        let all: Vec<_> = chosen_candidates(chosen).collect();
        all.iter().enumerate().any(|(i, &a)| all[i + 1..].iter().any(|&b| self.is_forbidden(a, b)))
    }
}

/// Who stands in each place; `None` as a whole where two stand in one.
///
/// # Panics
/// Where a candidate is chosen for a category that the problem doesn't have.
pub fn occupants(problem: &Problem, chosen: &Combination) -> Option<Vec<Occupant>> {
    let mut places: Vec<Occupant> = vec![None; problem.categories.len()];
    let mut fill = |place: CategoryIndex, who| places[place].replace(who).is_none();
    for (category, candidate) in chosen_candidates(chosen) {
        if !fill(category, (category, candidate)) {
            return None;
        }
        let also = problem.categories[category].candidates.also_fills(candidate);
        if also.is_some_and(|place| !fill(place, (category, candidate))) {
            return None;
        }
    }
    Some(places)
}

/// In how many places two combinations of one problem differ, by what stands there.
pub fn difference(a: &[Occupant], b: &[Occupant]) -> usize {
    a.iter().zip(b).filter(|(a, b)| a != b).count()
}

/// The candidates that a combination chooses, with their categories, in category order.
pub(crate) fn chosen_candidates(
    chosen: &Combination,
) -> impl Iterator<Item = (CategoryIndex, CandidateIndex)> + '_ {
    chosen.iter().enumerate().filter_map(|(category, &candidate)| Some((category, candidate?)))
}

fn first_use(solution: &Solution) -> f64 {
    solution.usage.first().copied().unwrap_or(0.0)
}

fn is_exact(problem: &Problem, dimension: usize) -> bool {
    let mut sum = 0.0;
    for category in &problem.categories {
        let usage = category.candidates.uses(dimension);
        if usage.iter().any(|used| used.fract() != 0.0) {
            return false;
        }
        sum += usage.iter().copied().fold(0.0, f64::max);
    }
    sum < EXACT_LIMIT
}

fn scale_of(problem: &Problem) -> f64 {
    let largest = |values: &[f64]| values.iter().fold(0.0_f64, |most, v| most.max(v.abs()));
    let own = |category: &ProblemCategory| {
        let columns = (0..problem.strategies).map(|s| largest(category.candidates.values(s)));
        columns.fold(0.0, f64::max)
    };
    let pair = problem.pair_value.iter().map(|row| largest(row)).fold(0.0, f64::max);
    let n = problem.categories.len() as f64;
    problem.categories.iter().map(own).sum::<f64>() + pair * n * (n - 1.0) / 2.0
}
