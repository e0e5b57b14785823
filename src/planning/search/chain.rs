//! When the polish runs, and from where: so that whatever ends a search, its best was polished, and
//! a search that may take longer never ends worse.
//!
//! The polish works in steps, each due at a mark of the proof's nodes. Where a step begins is
//! settled at the mark before: with the best that polish and proof knew then. So a search that ends
//! between two marks can begin the next step early, and what it finds in a part of it a longer
//! search finds as well. The first step begins with a combination that neither rounds nor proof
//! have a hand in.

use super::{
    beam::{Moves, Position},
    polish::Polish,
};
use crate::{
    problem::{
        Combination, Solution, diversity::Placed, equivalence::EquivalenceClasses, score::Scorer,
    },
    proof::{bound::Dual, reduced_problem::ReducedProblem},
};

/// The first mark, in nodes; the next ones are twice as far each, up to `MARKS_APART` nodes apart.
/// Most searches close their proof before it, and never polish.
const FIRST_MARK: u64 = 500_000;
const MARKS_APART: u64 = 2_000_000;
/// Combinations that are looked at for each node of the proof, over all strategies; one costs a
/// third of a node's time.
const COMBINATIONS_PER_NODE: u64 = 2;
/// After the caller's clock has ended the proof, a step still gets this share of the nodes' work:
/// with `COMBINATIONS_PER_NODE` about a twelfth of the time that the proof took.
const GRACE_SHARE: u64 = 8;
/// Combinations that a last step gets at least: some milliseconds.
const GRACE_LEAST: u64 = 100_000;

/// Combinations that are looked at for each further option.
const OTHERS: u64 = 30_000;

/// A search's parts that the polish reads.
#[derive(Clone, Copy)]
pub(crate) struct Parts<'a, 'p> {
    pub scorer: &'a Scorer<'p>,
    pub classes: &'a EquivalenceClasses,
    /// By strategy.
    pub compacts: &'a [ReducedProblem],
    /// By strategy.
    pub duals: &'a [Dual],
    pub round: u32,
}

/// Who ended the proof before it was through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// Its nodes were spent.
    Nodes,
    Clock,
}

/// One search's polish.
#[derive(Debug, Default)]
pub(crate) struct Chain {
    /// Steps that were made.
    steps: u64,
    /// Where the next step begins; `None` before the first one, which begins with a greedy start.
    start: Option<Combination>,
    /// Where the first step begins if no greedy start keeps the limits.
    first: Option<Combination>,
    best: Option<Solution>,
    /// What the steps found, the last ones last: the best of each strategy.
    found: Vec<Combination>,
}

impl Chain {
    /// `known`: the best that was known before the proof began.
    pub(crate) fn new(known: Option<&Placed>) -> Self {
        Self { first: known.map(|placed| placed.solution.chosen.clone()), ..Self::default() }
    }

    /// Makes the steps that are due after so many nodes; `known` is the proof's best.
    pub(crate) fn advance(&mut self, parts: Parts, seed: u64, spent: u64, known: Option<&Placed>) {
        while spent >= mark(self.steps) {
            let nodes = mark(self.steps) - self.last_mark();
            self.step(parts, seed, nodes * COMBINATIONS_PER_NODE);
            self.steps += 1;
            self.best = [self.best.take(), known.map(|placed| placed.solution.clone())]
                .into_iter()
                .flatten()
                .min_by(|a, b| parts.scorer.compare(a, b));
            self.start = self.best.as_ref().map(|best| best.chosen.clone());
        }
    }

    /// The last step, which the end of the proof cuts short.
    pub(crate) fn finish(&mut self, parts: Parts, seed: u64, spent: u64, cut: Cut) {
        let nodes = match cut {
            Cut::Nodes => spent.saturating_sub(self.last_mark()),
            Cut::Clock => spent / GRACE_SHARE,
        };
        let most = (mark(self.steps) - self.last_mark()) * COMBINATIONS_PER_NODE;
        let left = (nodes * COMBINATIONS_PER_NODE).max(GRACE_LEAST).min(most);
        self.step(parts, seed, left);
    }

    /// What was found, the latest first.
    pub(crate) fn take_found(&mut self) -> Vec<Combination> {
        let mut found = std::mem::take(&mut self.found);
        found.reverse();
        found
    }

    fn last_mark(&self) -> u64 {
        self.steps.checked_sub(1).map_or(0, mark)
    }

    fn step(&mut self, parts: Parts, seed: u64, left: u64) {
        let left = left / parts.compacts.len().max(1) as u64;
        for (compact, dual) in parts.compacts.iter().zip(parts.duals) {
            if compact.infeasible {
                continue;
            }
            let moves = Moves::new(parts.scorer, parts.classes, compact, dual, parts.round);
            let positions = match &self.start {
                Some(chosen) => positions_of(&moves, parts.scorer, chosen),
                None => first_positions(&moves)
                    .or_else(|| positions_of(&moves, parts.scorer, self.first.as_ref()?)),
            };
            let Some(positions) = positions else { continue };
            let dice = seed.wrapping_add(self.steps.wrapping_mul(0x9e37_79b9));
            let polish = Polish::new(compact, dual, &moves, dice, left);
            let chosen = moves.combination(&polish.run(positions));
            if let Some(solution) = parts.scorer.solution(&chosen) {
                let beats = |best: &Solution| parts.scorer.compare(&solution, best).is_lt();
                if self.best.as_ref().is_none_or(beats) {
                    self.found.push(chosen);
                    self.best = Some(solution);
                }
            }
        }
    }
}

/// What the polish makes of an option that must differ from others.
/// Nothing where the strategy's reduction dropped one of its candidates.
pub(crate) fn polished_apart(
    parts: Parts,
    now: &Placed,
    (others, least): (&[Placed], usize),
    seed: u64,
) -> Vec<Combination> {
    let mut found = Vec::new();
    let left = OTHERS / parts.compacts.len().max(1) as u64;
    for (compact, dual) in parts.compacts.iter().zip(parts.duals) {
        if compact.infeasible {
            continue;
        }
        let Some(wide) = compact.apart(parts.scorer, others, least) else { continue };
        let dual = dual.widened(&wide);
        let moves = Moves::new(parts.scorer, parts.classes, &wide, &dual, parts.round);
        // A candidate that this strategy's reduction dropped has no use of the further limits.
        let positions = moves
            .positions(now)
            .filter(|positions| positions.iter().all(|position| position.item.is_some()));
        let Some(positions) = positions else { continue };
        found
            .push(moves.combination(&Polish::new(&wide, &dual, &moves, seed, left).run(positions)));
    }
    found
}

/// The nodes after which a step is due, from step 0.
fn mark(step: u64) -> u64 {
    let doublings = u64::from((MARKS_APART / FIRST_MARK).ilog2());
    if step <= doublings {
        FIRST_MARK << step
    } else {
        (step - doublings + 1).saturating_mul(MARKS_APART)
    }
}

fn positions_of(moves: &Moves, scorer: &Scorer, chosen: &Combination) -> Option<Vec<Position>> {
    moves.positions(&Placed::new(scorer, scorer.solution(chosen)?)?)
}

/// The best of the greedy starts.
fn first_positions(moves: &Moves) -> Option<Vec<Position>> {
    let scorer = moves.scorer;
    let starts = moves.starts().into_iter().filter_map(|chosen| scorer.solution(&chosen));
    let best = starts.min_by(|a, b| scorer.compare(a, b))?;
    moves.positions(&Placed::new(scorer, best)?)
}
