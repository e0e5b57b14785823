//! The proof phase of a search, and the certificate that comes of it.

use std::cell::RefCell;

use super::{
    Search, bound_of,
    chain::{Chain, Cut, Parts, polished_apart},
    seeking::{Sought, seek},
};
use crate::{
    certificate::{Certificate, Evidence},
    problem::{
        Combination,
        diversity::{Picked, Placed, differences},
        lazy_constraint::{Accept, LazyConstraint, Verdict},
        outcome::PROVEN_GAP,
    },
    proof::{
        branch_and_bound::Prover,
        incumbent::{Goal, Incumbent, NodeBudget, PhaseNodes},
    },
};
use model::StopReason;

/// Asked now and then; its reason ends the phase at once.
type Interrupted<'i> = dyn FnMut() -> Option<StopReason> + 'i;

/// How often the search for one option restarts at once for a no-good that it learned; later
/// ones count from its end on.
const RESTARTS_MAX: u32 = 64;

/// What one proof phase has to spend, and what works beside it.
struct Phase {
    nodes: PhaseNodes,
    chain: Chain,
}

impl Search<'_> {
    /// The proof phase: at most `settings.proof_nodes`; `interrupted` is polled now and then, and
    /// its reason ends the phase at once, but for a last polish of what is known: about a twelfth
    /// of the time that the proof took. Where it was cancelled, nothing more is done.
    pub fn prove<V: Into<Verdict>>(
        &mut self,
        accept: &mut dyn FnMut(&Combination) -> V,
        interrupted: &mut Interrupted,
    ) {
        if self.settings.proof {
            self.prove_within(&mut |chosen| accept(chosen).into(), interrupted);
        }
    }

    fn prove_within(&mut self, accept: &mut Accept<'_>, interrupted: &mut Interrupted) {
        let problem = self.scorer.problem();
        let nodes = PhaseNodes::new(self.settings.proof_nodes);
        let mut phase = Phase { nodes, chain: Chain::new(self.pool.best()) };
        let mut picked = Picked::default();
        let mut exhausted = true;
        while exhausted && picked.options.len() < problem.options {
            let mut found = None;
            for least in differences(problem) {
                let (best, done) =
                    self.prove_option(&picked.options, least, accept, (&mut phase, interrupted));
                exhausted &= done;
                found = best.map(|placed| (placed, least));
                if found.is_some() || !exhausted || picked.options.is_empty() {
                    break;
                }
            }
            if !exhausted {
                break;
            }
            let Some((placed, least)) = found else { break };
            picked.push(placed, least, problem);
        }
        let ended = phase.nodes.ended();
        self.cut_short = ended.is_some() || (self.cut_short && !exhausted);
        self.stopped = ended.or(self.stopped);
        if exhausted {
            self.proven = Some(picked);
        } else if ended != Some(StopReason::Cancelled) && self.settings.proof_nodes > 0 {
            if picked.options.is_empty() {
                let cut = if ended.is_some() { Cut::Clock } else { Cut::Nodes };
                phase.chain.finish(self.parts(), self.seed, phase.nodes.spent(), cut);
                self.take_in(phase.chain.take_found(), accept);
            }
            self.polish_others(picked.options.len().max(1), accept);
        }
        if self.bound - self.best().unwrap_or(f64::NEG_INFINITY) < PROVEN_GAP
            || self.bound == f64::NEG_INFINITY
        {
            self.stopped = Some(StopReason::ProvenOptimal);
        }
    }

    fn parts(&self) -> Parts<'_, '_> {
        Parts {
            scorer: &self.scorer,
            classes: &self.classes,
            compacts: &self.compacts,
            duals: &self.duals,
            round: self.round,
        }
    }

    /// Puts combinations into the pool, as far as they are allowed.
    pub(crate) fn take_in(&mut self, found: Vec<Combination>, accept: &mut Accept<'_>) {
        let mut constraint = LazyConstraint::new(accept, &mut self.cuts);
        for chosen in found {
            let solution = self.scorer.solution(&chosen);
            let placed = solution.and_then(|solution| Placed::new(&self.scorer, solution));
            if let Some(placed) = placed.filter(|p| constraint.accepts(&p.solution)) {
                self.pool.insert(&self.scorer, placed);
            }
        }
    }

    /// Improves the options from this one on, each beside those before it as they are now.
    fn polish_others(&mut self, first: usize, accept: &mut Accept<'_>) {
        let problem = self.scorer.problem();
        for option in first..problem.options {
            let picked = self.pool.pick(problem);
            let Some(now) = picked.options.get(option) else { return };
            let (others, least) = (&picked.options[..option], picked.least[option]);
            let found = polished_apart(self.parts(), now, (others, least), self.seed);
            self.take_in(found, accept);
        }
    }

    /// Evidence for the bound as it stands.
    pub fn certificate(&self) -> Certificate {
        let problem = self.scorer.problem();
        let strategies = self.compacts.iter().zip(&self.duals);
        let evidence = strategies
            .map(|(compact, dual)| {
                Evidence::new((problem, &self.nogoods), &self.classes, compact, dual)
            })
            .collect();
        let refused = self.cuts.to_vec();
        let is_infeasible = self.bound == f64::NEG_INFINITY;
        let excluding = is_infeasible.then(|| self.excluding_multipliers()).flatten();
        // Of those that the evidence was built with.
        let nogoods = self.cuts.learned()[..self.reduced_without.1].to_vec();
        Certificate { best_possible: self.bound, evidence, refused, nogoods, excluding }
    }

    /// Looks for any combination that differs enough from the others; false where there is none.
    fn first_differing(
        &mut self,
        others: &[Placed],
        least: usize,
        accept: &mut Accept<'_>,
        (phase, interrupted): (&mut Phase, &mut Interrupted),
    ) -> bool {
        for _ in 0..=RESTARTS_MAX {
            let Some(compact) = self.compacts.first() else { return true };
            // The other half is for the search by value, should this one come to no end.
            let (mut phase_nodes, rest) = phase.nodes.halves();
            let mut poll = |_| interrupted();
            let mut node_budget = NodeBudget::new(&mut phase_nodes, &mut poll);
            let mut constraint = LazyConstraint::new(accept, &mut self.cuts);
            let sought =
                seek(&self.scorer, compact, (others, least), &mut constraint, &mut node_budget);
            phase.nodes = phase_nodes.with(rest);
            match sought {
                Sought::Found(placed) => {
                    self.pool.insert(&self.scorer, *placed);
                    return true;
                }
                Sought::Excluded => return false,
                // What was refused meanwhile is cut off now.
                Sought::Open if self.restore_if_refused() => {}
                Sought::Open => return true,
            }
        }
        true
    }

    /// The best that differs from the others in `least` places, and whether that is proven. The
    /// first option's search also lowers the bound.
    fn prove_option(
        &mut self,
        others: &[Placed],
        least: usize,
        accept: &mut Accept<'_>,
        (phase, interrupted): (&mut Phase, &mut Interrupted),
    ) -> (Option<Placed>, bool) {
        if self.pool.best_differing(others, least).is_none()
            && !self.first_differing(others, least, accept, (phase, interrupted))
        {
            if others.is_empty() {
                self.bound = f64::NEG_INFINITY;
            }
            return (None, true);
        }
        let mut restarts = RESTARTS_MAX;
        loop {
            let best = self.pool.best_differing(others, least).cloned();
            let goal = Goal { others, least };
            let board = RefCell::new(None);
            let mut incumbent = Incumbent::new(&self.scorer, best).shown_on(&board);
            let mut constraint = LazyConstraint::new(accept, &mut self.cuts);
            constraint.may_restart = restarts > 0;
            let parts = Parts {
                scorer: &self.scorer,
                classes: &self.classes,
                compacts: &self.compacts,
                duals: &self.duals,
                round: self.round,
            };
            let seed = self.seed;
            let (phase_nodes, chain) = (&mut phase.nodes, &mut phase.chain);
            let mut poll = |spent: u64| {
                let ended = interrupted();
                if ended.is_none() && others.is_empty() {
                    chain.advance(parts, seed, spent, board.borrow().as_ref());
                }
                ended
            };
            let mut node_budget = NodeBudget::new(phase_nodes, &mut poll);
            let mut open = f64::NEG_INFINITY;
            for (compact, dual) in self.compacts.iter().zip(&self.duals) {
                if compact.infeasible || constraint.should_restart() {
                    continue;
                }
                // Without anything to beat, value prunes nothing: then the difference has to.
                let apart = (!others.is_empty() && incumbent.best().is_none())
                    .then(|| compact.apart(&self.scorer, others, least));
                match apart {
                    Some(None) => {}
                    Some(Some(wide)) => {
                        let dual = dual.widened(&wide);
                        let mut prover = Prover::new(&wide, &dual, &incumbent, &self.nogoods);
                        open = open.max(prover.run(
                            goal,
                            &mut incumbent,
                            &mut constraint,
                            &mut node_budget,
                        ));
                    }
                    None => {
                        let mut prover = Prover::new(compact, dual, &incumbent, &self.nogoods);
                        open = open.max(prover.run(
                            goal,
                            &mut incumbent,
                            &mut constraint,
                            &mut node_budget,
                        ));
                    }
                }
            }
            let should_restart = constraint.should_restart();
            let best = incumbent.into_best();
            let refused = constraint.refused_value;
            if let Some(best) = &best {
                self.pool.insert(&self.scorer, best.clone());
            }
            // What the reduction dropped for a combination refused since is worth less than that.
            let again = self.restore_if_refused();
            if again {
                self.bound = self.bound.min(bound_of(&self.compacts, &self.duals));
            }
            if should_restart {
                restarts -= 1;
                continue;
            }
            let cut = open > f64::NEG_INFINITY;
            if others.is_empty() {
                let value = best.as_ref().map_or(f64::NEG_INFINITY, |b| b.solution.value);
                let beyond = if again { refused } else { f64::NEG_INFINITY };
                self.bound = self.bound.min(open.max(value).max(beyond));
            }
            if cut || !again {
                return (best, !cut);
            }
        }
    }
}
