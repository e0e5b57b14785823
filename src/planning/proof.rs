//! Depth-first branch and bound under one strategy: finds the best combination that differs enough
//! from given ones, or proves that nothing beats the incumbent.

use super::bound::{Dual, may_stay_empty};
use super::diversity::Placed;
use super::problem::{CandidateIndex, CategoryIndex, Combination};
use super::reduce::Reduced;
use super::score::{Occupant, Scorer, chosen_candidates};
use super::verdict::Judge;
use crate::model::StopReason;

/// Nodes between two looks at the caller's clock.
const POLL_NODES: u64 = 1024;

/// What the proof looks for: the best that differs from all of `others` in `least` places.
pub struct Goal<'a> {
    pub others: &'a [Placed],
    pub least: usize,
}

/// What remains to be spent, and who may end it.
pub struct Allowance<'a> {
    pub nodes: u64,
    pub interrupted: &'a mut dyn FnMut() -> Option<StopReason>,
    /// Set once the caller has ended it.
    pub ended: Option<StopReason>,
}

impl Allowance<'_> {
    pub fn is_spent(&self) -> bool {
        self.nodes == 0 || self.ended.is_some()
    }

    fn spend(&mut self) -> bool {
        if self.is_spent() {
            return false;
        }
        self.nodes -= 1;
        if self.nodes.is_multiple_of(POLL_NODES) {
            self.ended = (self.interrupted)();
        }
        self.ended.is_none()
    }
}

/// Searches one strategy; `best` is the incumbent, replaced by what beats it. Returns an upper
/// bound on all that was not searched: `-inf` where the search was exhaustive.
pub fn search_strategy(
    scorer: &Scorer,
    reduced: &Reduced,
    dual: &Dual,
    goal: &Goal,
    best: &mut Option<Placed>,
    judge: &mut Judge,
    allowance: &mut Allowance,
) -> f64 {
    let mut search = Dfs::new(scorer, reduced, dual, goal, best, judge, allowance);
    if search.descend(0) { f64::NEG_INFINITY } else { dual.bound }
}

/// One category on the way down.
struct Level {
    category: CategoryIndex,
    /// By falling reduced value.
    candidates: Vec<CandidateIndex>,
    may_stay_empty: bool,
    /// From this level on: the most that is still to come.
    to_come: f64,
    /// From this level on: the least use per limit.
    least_use: Vec<f64>,
}

struct Dfs<'a, 'j, 'k, 'p> {
    scorer: &'a Scorer<'p>,
    dual: &'a Dual,
    goal: &'a Goal<'a>,
    best: &'a mut Option<Placed>,
    judge: &'a mut Judge<'j>,
    allowance: &'a mut Allowance<'k>,
    levels: Vec<Level>,
    chosen: Combination,
    places: Vec<Occupant>,
    used: Vec<f64>,
    value: f64,
    slack: f64,
}

impl<'a, 'j, 'k, 'p> Dfs<'a, 'j, 'k, 'p> {
    fn new(
        scorer: &'a Scorer<'p>,
        reduced: &Reduced,
        dual: &'a Dual,
        goal: &'a Goal<'a>,
        best: &'a mut Option<Placed>,
        judge: &'a mut Judge<'j>,
        allowance: &'a mut Allowance<'k>,
    ) -> Self {
        let n = scorer.problem().categories.len();
        let dimensions = scorer.limits().len();
        Self {
            levels: levels(scorer, reduced, dual),
            scorer,
            dual,
            goal,
            best,
            judge,
            allowance,
            chosen: vec![None; n],
            places: vec![None; n],
            used: vec![0.0; dimensions],
            value: 0.0,
            slack: 0.05 * scorer.step(),
        }
    }

    /// Whether everything below was searched or excluded.
    fn descend(&mut self, depth: usize) -> bool {
        if !self.allowance.spend() {
            return false;
        }
        if depth == self.levels.len() {
            self.visit_leaf();
            return true;
        }
        if !self.may_improve(depth) {
            return true;
        }
        let category = self.levels[depth].category;
        if self.levels[depth].may_stay_empty && !self.descend(depth + 1) {
            return false;
        }
        if self.places[category].is_some() {
            return true;
        }
        for i in 0..self.levels[depth].candidates.len() {
            let candidate = self.levels[depth].candidates[i];
            let value = self.value;
            if self.put(category, candidate) {
                let done = self.descend(depth + 1);
                self.take_back(category, candidate);
                // Not by subtraction: rounding errors would add up.
                self.value = value;
                if !done {
                    return false;
                }
            }
        }
        true
    }

    fn may_improve(&self, depth: usize) -> bool {
        let level = &self.levels[depth];
        let fits = self
            .used
            .iter()
            .zip(&level.least_use)
            .zip(self.scorer.limits())
            .all(|((used, least), limit)| used + least <= limit * (1.0 + 1e-12));
        if !fits {
            return false;
        }
        let Some(best) = &*self.best else { return true };
        let price: f64 =
            self.dual.multipliers.iter().zip(&self.used).map(|(m, used)| m * used).sum();
        let bound = self.value + self.dual.credit - price + level.to_come;
        let (bound, have) =
            (self.scorer.key(bound + self.slack), self.scorer.key(best.solution.value));
        bound > have
            || (bound == have
                && self.used.first().zip(level.least_use.first()).is_none_or(|(used, least)| {
                    used + least <= best.solution.usage[0] * (1.0 + 1e-12)
                }))
    }

    /// Puts a candidate into its place or places; false, with nothing changed, where it can't stand.
    fn put(&mut self, category: CategoryIndex, index: CandidateIndex) -> bool {
        let candidate = &self.scorer.problem().categories[category].candidates[index as usize];
        if candidate.also_fills.is_some_and(|place| self.places[place].is_some()) {
            return false;
        }
        let member = (category, index);
        let clashes =
            chosen_candidates(&self.chosen).any(|other| self.scorer.is_forbidden(member, other));
        if clashes {
            return false;
        }
        self.value += candidate.value[self.dual.strategy];
        self.used.iter_mut().zip(&candidate.usage).for_each(|(sum, own)| *sum += own);
        self.chosen[category] = Some(index);
        for place in [Some(category), candidate.also_fills].into_iter().flatten() {
            self.value += self.pairs_with(candidate.signature);
            self.places[place] = Some(member);
        }
        true
    }

    fn take_back(&mut self, category: CategoryIndex, index: CandidateIndex) {
        let candidate = &self.scorer.problem().categories[category].candidates[index as usize];
        for place in [candidate.also_fills, Some(category)].into_iter().flatten() {
            self.places[place] = None;
        }
        self.used.iter_mut().zip(&candidate.usage).for_each(|(sum, own)| *sum -= own);
        self.chosen[category] = None;
    }

    fn pairs_with(&self, signature: u32) -> f64 {
        let problem = self.scorer.problem();
        let row = &problem.pair_value[signature as usize];
        let others = self.places.iter().flatten();
        others
            .map(|&(c, x)| row[problem.categories[c].candidates[x as usize].signature as usize])
            .sum()
    }

    fn visit_leaf(&mut self) {
        let Some(solution) = self.scorer.solution(&self.chosen) else { return };
        let Some(placed) = Placed::new(self.scorer, solution) else { return };
        let beats = self
            .best
            .as_ref()
            .is_none_or(|best| self.scorer.compare(&placed.solution, &best.solution).is_lt());
        let differs = placed.least_difference(self.goal.others) >= self.goal.least;
        if beats && differs && self.judge.accepts(&placed.solution) {
            *self.best = Some(placed);
        }
    }
}

fn levels(scorer: &Scorer, reduced: &Reduced, dual: &Dual) -> Vec<Level> {
    let problem = scorer.problem();
    let n = problem.categories.len();
    let mut order: Vec<CategoryIndex> = (0..n).collect();
    let fills =
        |c: CategoryIndex| problem.categories[c].candidates.iter().any(|x| x.also_fills.is_some());
    order.sort_by_key(|&c| (!fills(c), c));
    let mut levels: Vec<Level> = Vec::with_capacity(n);
    let mut to_come = 0.0;
    let mut least_use = vec![0.0; scorer.limits().len()];
    for (depth, &category) in order.iter().enumerate().rev() {
        let own = &problem.categories[category].candidates;
        let empty = may_stay_empty(problem, category);
        let mut candidates = reduced.kept(dual.strategy, category).to_vec();
        let value = |x: &CandidateIndex| dual.reduced_value(&own[*x as usize]);
        candidates.sort_by(|a, b| value(b).total_cmp(&value(a)).then_with(|| a.cmp(b)));
        // A second place brings its pairs with it, whenever its own turn was.
        let pairs = if fills(category) { depth + n } else { depth };
        to_come += dual.most[category] + pairs as f64 * dual.pair_most;
        for (d, least) in least_use.iter_mut().enumerate() {
            let start = if empty { 0.0 } else { f64::INFINITY };
            *least += candidates.iter().map(|&x| own[x as usize].usage[d]).fold(start, f64::min);
        }
        levels.push(Level {
            category,
            candidates,
            may_stay_empty: empty,
            to_come,
            least_use: least_use.clone(),
        });
    }
    levels.reverse();
    levels
}
