//! The proof phase of a search, and the certificate that comes of it.

use super::certificate::{Certificate, Evidence};
use super::diversity::{Picked, Placed};
use super::outcome::PROVEN_GAP;
use super::problem::Combination;
use super::proof::Prover;
use super::search::{Search, bound_of};
use super::target::{Allowance, Goal, Target};
use super::verdict::{Accept, Judge, Verdict};
use crate::model::StopReason;

/// How often the search for one option begins anew at once for a no-good that it learned; later
/// ones count from its end on.
const RESTARTS_MAX: u32 = 64;

impl Search<'_> {
    /// The proof phase: at most `settings.proof_nodes`; `interrupted` is polled now and then, and
    /// its reason ends the phase at once.
    pub fn prove<V: Into<Verdict>>(
        &mut self,
        accept: &mut dyn FnMut(&Combination) -> V,
        interrupted: &mut dyn FnMut() -> Option<StopReason>,
    ) {
        if self.settings.proof {
            self.prove_within(&mut |chosen| accept(chosen).into(), interrupted);
        }
    }

    fn prove_within(
        &mut self,
        accept: &mut Accept<'_>,
        interrupted: &mut dyn FnMut() -> Option<StopReason>,
    ) {
        let mut allowance = Allowance::new(self.settings.proof_nodes, interrupted);
        let problem = self.scorer.problem();
        let mut picked = Picked::default();
        let mut exhausted = true;
        while exhausted && picked.options.len() < problem.options {
            let mut found = None;
            for least in (1..=problem.min_difference.max(1)).rev() {
                let (best, done) = self.prove_option(&picked, least, accept, &mut allowance);
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
            picked.fewer_differences |=
                !picked.options.is_empty() && least < problem.min_difference;
            picked.options.push(placed);
        }
        let ended = allowance.ended();
        self.cut_short = ended.is_some();
        self.stopped = ended.or(self.stopped);
        if exhausted {
            self.proven = Some(picked);
        } else if ended.is_none() && picked.options.is_empty() {
            self.polish(accept);
        }
        if self.bound - self.best().unwrap_or(f64::NEG_INFINITY) < PROVEN_GAP
            || self.bound == f64::NEG_INFINITY
        {
            self.stopped = Some(StopReason::ProvenOptimal);
        }
    }

    /// Evidence for the bound as it stands.
    pub fn certificate(&self) -> Certificate {
        let problem = self.scorer.problem();
        let strategies = self.compacts.iter().zip(&self.duals);
        let evidence = strategies
            .map(|(compact, dual)| {
                Evidence::new((problem, &self.nogoods), &self.columns, compact, dual)
            })
            .collect();
        let refused = self.refusals.to_vec();
        // Of those that the evidence was built with.
        let nogoods = self.refusals.learned()[..self.reduced_without.1].to_vec();
        Certificate { best_possible: self.bound, evidence, refused, nogoods }
    }

    /// The best that differs from the picked options in `least` places, and whether that is
    /// proven. The first option's search also lowers the bound.
    fn prove_option(
        &mut self,
        picked: &Picked,
        least: usize,
        accept: &mut Accept<'_>,
        allowance: &mut Allowance,
    ) -> (Option<Placed>, bool) {
        let others = &picked.options;
        let mut restarts = RESTARTS_MAX;
        loop {
            let best = self.pool.best_differing(others, least).cloned();
            let goal = Goal { others, least };
            let mut target = Target::new(&self.scorer, best);
            let mut judge = Judge::new(accept, &mut self.refusals);
            judge.begins_anew = restarts > 0;
            let mut open = f64::NEG_INFINITY;
            for (compact, dual) in self.compacts.iter().zip(&self.duals) {
                if !compact.infeasible && !judge.is_to_begin_anew() {
                    let mut prover = Prover::new(compact, dual, &target, &self.nogoods);
                    open = open.max(prover.run(goal, &mut target, &mut judge, allowance));
                }
            }
            let begins_anew = judge.is_to_begin_anew();
            let best = target.into_best();
            let refused = judge.refused_value;
            if let Some(best) = &best {
                self.pool.insert(&self.scorer, best.clone());
            }
            // What the reduction dropped for a combination refused since is worth less than that.
            let again = self.restore_if_refused();
            if again {
                self.bound = self.bound.min(bound_of(&self.compacts, &self.duals));
            }
            if begins_anew {
                restarts -= 1;
                continue;
            }
            let cut = open > f64::NEG_INFINITY;
            if picked.options.is_empty() {
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
