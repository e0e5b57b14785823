//! Where value has nothing to go by yet: a first combination, or the proof that there is none.

use super::Search;
use crate::{
    problem::{
        Combination,
        diversity::Placed,
        lazy_constraint::{Accept, LazyConstraint},
        score::Scorer,
    },
    proof::{
        fitting::{Fitter, Fitting},
        incumbent::{NodeBudget, PhaseNodes},
        reduced_problem::ReducedProblem,
    },
};

/// Nodes for the start that the first round looks for: some ten milliseconds. The proof goes on.
const START_NODES: u64 = 200_000;
/// Nodes for the certificate's multipliers: far more than the steps can spend on any problem.
const MULTIPLIER_NODES: u64 = 10_000_000;

impl Search<'_> {
    /// A combination that keeps the limits, where no greedy start does; the bound is `-inf`
    /// where it is proven that there is none.
    pub(crate) fn look_for_start(&mut self, accept: &mut Accept<'_>) {
        let Some(compact) = self.compacts.first() else { return };
        let mut phase_nodes = PhaseNodes::new(START_NODES);
        let mut poll = |_| None;
        let mut node_budget = NodeBudget::new(&mut phase_nodes, &mut poll);
        let mut constraint = LazyConstraint::new(accept, &mut self.cuts);
        let sought = seek(&self.scorer, compact, (&[], 0), &mut constraint, &mut node_budget);
        match sought {
            Sought::Found(placed) => {
                self.kept.push((*placed).clone());
                self.pool.insert(&self.scorer, *placed);
            }
            Sought::Excluded => self.bound = f64::NEG_INFINITY,
            Sought::Open => {}
        }
    }

    /// Prices per unit of each limit which show that nothing keeps the limits, where a bound
    /// without any branching does.
    pub(crate) fn excluding_multipliers(&self) -> Option<Vec<f64>> {
        let mut phase_nodes = PhaseNodes::new(MULTIPLIER_NODES);
        let mut poll = |_| None;
        let mut node_budget = NodeBudget::new(&mut phase_nodes, &mut poll);
        Fitter::new(self.compacts.first()?).multipliers(&mut node_budget)
    }
}

/// What a search for any combination came to.
pub(crate) enum Sought {
    Found(Box<Placed>),
    /// Proven: there is none.
    Excluded,
    Open,
}

/// Any combination that differs from the others in `least` places. One strategy's compact decides
/// for all: each reduction leaves something feasible where anything is.
pub(crate) fn seek(
    scorer: &Scorer,
    compact: &ReducedProblem,
    (others, least): (&[Placed], usize),
    constraint: &mut LazyConstraint,
    node_budget: &mut NodeBudget,
) -> Sought {
    let Some(wide) = compact.apart(scorer, others, least) else { return Sought::Excluded };
    let mut found = None;
    let mut visit = |chosen: &Combination| {
        let solution = scorer.solution(chosen);
        let placed = solution.and_then(|solution| Placed::new(scorer, solution));
        found = placed.filter(|placed| {
            placed.least_difference(others) >= least && constraint.accepts(&placed.solution)
        });
        found.is_some()
    };
    match Fitter::new(&wide).run(&mut visit, node_budget) {
        Fitting::Excluded => Sought::Excluded,
        Fitting::Found => found.map_or(Sought::Open, |placed| Sought::Found(Box::new(placed))),
        Fitting::Open => Sought::Open,
    }
}
