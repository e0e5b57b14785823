//! The search: rounds of the beam until a stop rule, then the proof phase, then the options.

pub(crate) mod beam;
pub(crate) mod chain;
pub(crate) mod neighbourhood;
pub(crate) mod polish;
pub(crate) mod proving;
pub(crate) mod seeking;
pub(crate) mod starts;

use std::collections::BTreeSet;

use beam::Moves;

use crate::{
    problem::{
        diversity::{Picked, Placed, Pool, differences},
        equivalence::EquivalenceClasses,
        no_goods::{NoGood, NoGoods},
        outcome::PROVEN_GAP,
    },
    proof::{bound::Dual, reduced_problem::ReducedProblem},
};

pub use crate::problem::outcome::{Outcome, Progress, SearchState};
use crate::{
    problem::{
        Combination, Problem, Solution,
        lazy_constraint::{Accept, LazyConstraint, LearnedCuts, Verdict},
        score::Scorer,
        score_cache::ScoreCache,
    },
    proof::reduction::Reduced,
    settings::SearchSettings,
};
use model::StopReason;

/// A search over one problem. Rounds first, then the proof, then `finish`.
pub struct Search<'p> {
    pub(super) scorer: Scorer<'p>,
    pub(super) settings: SearchSettings,
    /// The problem's and those learned, as the classes know them.
    pub(super) nogoods: NoGoods,
    pub(super) classes: EquivalenceClasses,
    pub(super) reduced: Reduced,
    /// By strategy.
    pub(super) compacts: Vec<ReducedProblem>,
    /// By strategy.
    pub(super) duals: Vec<Dual>,
    pub(super) cache: ScoreCache,
    pub(super) pool: Pool,
    pub(super) kept: Vec<Placed>,
    pub(super) history: Vec<Vec<u64>>,
    pub(super) cuts: LearnedCuts,
    /// Members of refused combinations, and learned no-goods, that the reduction was built with.
    pub(super) reduced_without: (usize, usize),
    /// The bound of the undisturbed search.
    first_bound: f64,
    pub(super) seed: u64,
    pub(super) round: u32,
    pub(super) bound: f64,
    pub(super) stopped: Option<StopReason>,
    pub(super) proven: Option<Picked>,
    pub(super) cut_short: bool,
}

impl<'p> Search<'p> {
    pub fn new(problem: &'p Problem, settings: &SearchSettings, seed: u64) -> Self {
        Self::with_refusals(problem, settings, seed, LearnedCuts::default())
    }

    /// Goes on where `state` was taken, on the same problem and settings: the result is the same
    /// as without the break.
    pub fn resume(problem: &'p Problem, settings: &SearchSettings, state: SearchState) -> Self {
        let cuts = LearnedCuts::new(state.refused, state.learned);
        let mut search = Self::with_refusals(problem, settings, state.seed, cuts);
        search.cache.restore(state.scored, state.scores);
        let placed = |chosen: &Combination| {
            let solution = search.scorer.solution(chosen)?;
            Placed::new(&search.scorer, solution)
        };
        let pool: Vec<Placed> = state.pool.iter().filter_map(placed).collect();
        search.kept = state.kept.iter().filter_map(placed).collect();
        for placed in pool {
            search.pool.insert(&search.scorer, placed);
        }
        search.history = state.history;
        search.round = state.round;
        search.stopped = state.stopped;
        if search.stopped == Some(StopReason::ProvenOptimal) && search.pool.best().is_none() {
            search.bound = f64::NEG_INFINITY;
        }
        search
    }

    fn with_refusals(
        problem: &'p Problem,
        settings: &SearchSettings,
        seed: u64,
        cuts: LearnedCuts,
    ) -> Self {
        let nogoods = NoGoods::new(problem, &[]);
        let classes = EquivalenceClasses::new(problem, &nogoods);
        let scorer = Scorer::new(problem);
        let reduced = Reduced::new((&scorer, &nogoods), &classes, &BTreeSet::new());
        let compacts: Vec<ReducedProblem> = (0..problem.strategies)
            .map(|strategy| ReducedProblem::new((&scorer, &nogoods), &classes, &reduced, strategy))
            .collect();
        let duals: Vec<Dual> = compacts.iter().map(Dual::new).collect();
        let bound = bound_of(&compacts, &duals);
        // The multipliers are those of the undisturbed search, whatever was refused since.
        let mut search = Self {
            scorer,
            settings: *settings,
            nogoods,
            classes,
            reduced,
            compacts,
            duals,
            cache: ScoreCache::new(settings.score_cache_size, settings.score_cache),
            pool: Pool::default(),
            kept: Vec::new(),
            history: Vec::new(),
            reduced_without: (0, 0),
            first_bound: bound,
            cuts,
            seed,
            round: 0,
            bound,
            stopped: None,
            proven: None,
            cut_short: false,
        };
        if search.restore_if_refused() {
            search.bound = search.first_bound.min(bound_of(&search.compacts, &search.duals));
        }
        search
    }

    /// The no-goods found so far, beside the problem's own.
    pub fn learned(&self) -> &[NoGood] {
        self.cuts.learned()
    }

    /// Look-ups in the score cache so far: found there, and evaluated.
    pub fn score_lookups(&self) -> (u64, u64) {
        (self.cache.hits(), self.cache.scored())
    }

    /// What `resume` needs.
    pub fn state(&self) -> SearchState {
        let chosen = |placed: &Placed| placed.solution.chosen.clone();
        let (scored, scores) = self.cache.snapshot();
        SearchState {
            round: self.round,
            seed: self.seed,
            kept: self.kept.iter().map(chosen).collect(),
            history: self.history.clone(),
            pool: self.pool.iter().map(chosen).collect(),
            refused: self.cuts.to_vec(),
            learned: self.cuts.learned().to_vec(),
            scored,
            scores,
            stopped: self.stopped,
        }
    }

    /// One round: expand, score, keep k, check, bound, stop? `accept` is the lazy constraint: a
    /// combination that it refuses is cut off for good, and with it whatever the no-goods hold
    /// that it names. After a stop it changes nothing.
    pub fn round<V: Into<Verdict>>(
        &mut self,
        accept: &mut dyn FnMut(&Combination) -> V,
    ) -> Progress {
        if self.stopped.is_none() {
            self.round += 1;
            let found = self.expand();
            let none_fits = found.is_empty();
            let mut accept = |chosen: &Combination| accept(chosen).into();
            self.keep(found, &mut accept);
            if self.round == 1 && none_fits && self.kept.is_empty() {
                self.look_for_start(&mut accept);
            }
            if self.restore_if_refused() {
                self.bound = self.first_bound.min(bound_of(&self.compacts, &self.duals));
            }
            let bits = |placed: &Placed| placed.solution.value.to_bits();
            self.history.push(self.kept.iter().map(bits).collect());
            self.stopped = self.stop_rule();
        }
        Progress {
            round: self.round,
            best: self.best(),
            bound: self.bound,
            scored: self.cache.scored(),
            stopped: self.stopped,
        }
    }

    /// The options and what is known about them.
    pub fn finish(self) -> Outcome {
        let problem = self.scorer.problem();
        let options_proven = self.proven.is_some();
        let picked = self.proven.unwrap_or_else(|| self.pool.pick(problem));
        let infeasible = self.bound == f64::NEG_INFINITY;
        let (feasible, proven_gap) = match picked.options.first() {
            Some(best) => (Some(true), (self.bound - best.solution.value).max(0.0)),
            None if infeasible => (Some(false), 0.0),
            None => (None, f64::INFINITY),
        };
        let least_difference = (1..picked.options.len())
            .map(|k| picked.options[k].least_difference(&picked.options[..k]))
            .min();
        Outcome {
            options: picked.options.into_iter().map(|placed| placed.solution).collect(),
            rounds: self.round,
            combinations_scored: self.cache.scored(),
            best_possible: self.bound,
            proven_gap,
            stopped_because: self.stopped.unwrap_or(StopReason::RoundLimit),
            cut_short: self.cut_short,
            fewer_differences: picked.fewer_differences,
            least_difference,
            feasible,
            options_proven,
        }
    }

    pub(super) fn best(&self) -> Option<f64> {
        self.pool.best().map(|placed| placed.solution.value)
    }

    /// New combinations of this round that are allowed, each once, best first.
    fn expand(&mut self) -> Vec<Solution> {
        let moves: Vec<Moves> = self
            .compacts
            .iter()
            .zip(&self.duals)
            .map(|(compact, dual)| {
                Moves::new(&self.scorer, &self.classes, compact, dual, self.round)
            })
            .collect();
        let mut found: Vec<Combination> = Vec::new();
        if self.kept.is_empty() {
            found.extend(moves.iter().flat_map(Moves::starts));
        }
        for (i, placed) in self.kept.iter().enumerate() {
            let own = placed.solution.strategy;
            let turn = u64::from(self.round) + i as u64 + self.seed % 1024;
            let other = (turn % moves.len() as u64) as usize;
            found.extend(moves[own].neighbours(placed, self.round, turn));
            if other != own {
                found.extend(moves[other].neighbours(placed, self.round, turn));
            }
        }
        found.sort_unstable();
        found.dedup();
        let mut solutions: Vec<Solution> = found
            .iter()
            .filter(|chosen| !self.cuts.contains(chosen))
            .filter_map(|chosen| self.cache.solution(&self.scorer, chosen))
            .collect();
        solutions.sort_by(|a, b| self.scorer.compare(a, b));
        solutions
    }

    /// Keeps the best k that differ enough from each other, as far as there are any.
    fn keep(&mut self, found: Vec<Solution>, accept: &mut Accept<'_>) {
        let mut constraint = LazyConstraint::new(accept, &mut self.cuts);
        let before = std::mem::take(&mut self.kept);
        let mut all: Vec<Placed> =
            found.into_iter().filter_map(|s| Placed::new(&self.scorer, s)).collect();
        all.extend(before);
        all.sort_by(|a, b| self.scorer.compare(&a.solution, &b.solution));
        all.dedup_by(|a, b| a.solution.chosen == b.solution.chosen);
        let width = self.settings.beam_width.max(1);
        for least in differences(self.scorer.problem()) {
            for placed in &all {
                if self.kept.len() == width {
                    break;
                }
                if placed.least_difference(&self.kept) >= least {
                    let known = self.pool.contains(&self.scorer, &placed.solution);
                    if known || constraint.accepts(&placed.solution) {
                        self.kept.push(placed.clone());
                        self.pool.insert(&self.scorer, placed.clone());
                    }
                }
            }
        }
        self.kept.sort_by(|a, b| self.scorer.compare(&a.solution, &b.solution));
    }

    /// The reduction must not count candidates of refused combinations as dominators, and
    /// candidates that the learned no-goods tell apart are no longer alike.
    pub(super) fn restore_if_refused(&mut self) -> bool {
        let (unclean, learned) = (self.cuts.unclean().len(), self.cuts.learned().len());
        if (unclean, learned) == self.reduced_without {
            return false;
        }
        let has_learned = learned > self.reduced_without.1;
        self.reduced_without = (unclean, learned);
        if has_learned {
            let problem = self.scorer.problem();
            self.nogoods = NoGoods::new(problem, self.cuts.learned());
            self.classes = EquivalenceClasses::new(problem, &self.nogoods);
        }
        let rules = (&self.scorer, &self.nogoods);
        let reduced = Reduced::new(rules, &self.classes, self.cuts.unclean());
        let changed = has_learned || reduced != self.reduced;
        if changed {
            self.reduced = reduced;
            for (strategy, (compact, dual)) in
                self.compacts.iter_mut().zip(&mut self.duals).enumerate()
            {
                let rules = (&self.scorer, &self.nogoods);
                *compact = ReducedProblem::new(rules, &self.classes, &self.reduced, strategy);
                *dual = Dual::new(compact);
            }
        }
        changed
    }

    fn stop_rule(&self) -> Option<StopReason> {
        let settings = &self.settings;
        let best = self.best();
        if best.is_some_and(|best| self.bound - best < PROVEN_GAP)
            || self.bound == f64::NEG_INFINITY
        {
            return Some(StopReason::ProvenOptimal);
        }
        if settings.early_termination
            && self.round >= settings.min_rounds_before_termination
            && best.is_some_and(|best| best >= settings.early_termination_threshold)
        {
            return Some(StopReason::EarlyTermination);
        }
        if settings.convergence && self.has_converged() {
            return Some(StopReason::Converged);
        }
        (self.round >= settings.max_rounds).then_some(StopReason::RoundLimit)
    }

    /// No kept score moved by the threshold over the window.
    fn has_converged(&self) -> bool {
        let window = self.settings.convergence_window.max(1) as usize;
        let Some(then) = self.history.len().checked_sub(window + 1) else { return false };
        let (old, new) = (&self.history[then], &self.history[self.history.len() - 1]);
        let moved = |a: &u64, b: &u64| (f64::from_bits(*a) - f64::from_bits(*b)).abs();
        old.len() == new.len()
            && !new.is_empty()
            && old.iter().zip(new).all(|(a, b)| moved(a, b) < self.settings.convergence_threshold)
    }
}

/// The largest of the strategies' bounds; `-inf` where whatever remains excludes each other.
pub(super) fn bound_of(compacts: &[ReducedProblem], duals: &[Dual]) -> f64 {
    let bounds = compacts.iter().zip(duals).map(|(compact, dual)| {
        let is_blocked = !compact.infeasible && dual.bound < compact.pairs.blocked_below();
        if is_blocked { f64::NEG_INFINITY } else { dual.bound }
    });
    bounds.fold(f64::NEG_INFINITY, f64::max)
}

/// All phases in one call.
pub fn solve<V: Into<Verdict>>(
    problem: &Problem,
    settings: &SearchSettings,
    seed: u64,
    accept: &mut dyn FnMut(&Combination) -> V,
    interrupted: &mut dyn FnMut() -> Option<StopReason>,
) -> Outcome {
    let mut search = Search::new(problem, settings, seed);
    while search.round(accept).stopped.is_none() {
        if let Some(reason) = interrupted() {
            search.stopped = Some(reason);
            search.cut_short = true;
            break;
        }
    }
    if search.stopped != Some(StopReason::Cancelled) {
        search.prove(accept, interrupted);
    }
    search.finish()
}
