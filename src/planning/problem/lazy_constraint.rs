//! The lazy constraint: combinations that the caller refused are cut off for good, one by one or
//! by what they have in common.

use std::collections::BTreeSet;

use super::{
    Combination, Solution, equivalence::Member, no_goods::NoGood, score::chosen_candidates,
};

/// No-goods that one search learns at most, so that looking one up per combination stays cheap
/// beside scoring it; each may split the kinds of candidates. Beyond, a
/// refused combination is cut off alone.
const LEARNED_MAX: usize = 512;

/// What the caller says of a combination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Accepted,
    /// This one is refused; others like it may not be.
    Refused,
    /// Refused by one of these no-goods; the others hold as well.
    Cut(Vec<NoGood>),
}

impl From<bool> for Verdict {
    /// Whether it is accepted.
    fn from(accepted: bool) -> Self {
        if accepted { Self::Accepted } else { Self::Refused }
    }
}

/// Asks the caller.
pub(crate) type Accept<'a> = dyn FnMut(&Combination) -> Verdict + 'a;

/// What was refused so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct LearnedCuts {
    refused: BTreeSet<Combination>,
    unclean: BTreeSet<Member>,
    learned: Vec<NoGood>,
}

impl LearnedCuts {
    pub(crate) fn new(refused: Vec<Combination>, learned: Vec<NoGood>) -> Self {
        let unclean = refused.iter().flat_map(chosen_candidates).collect();
        Self { refused: refused.into_iter().collect(), unclean, learned }
    }

    pub(crate) fn contains(&self, chosen: &Combination) -> bool {
        self.refused.contains(chosen) || self.learned.iter().any(|nogood| nogood.cuts(chosen))
    }

    /// Those that were refused alone, ascending.
    pub(crate) fn to_vec(&self) -> Vec<Combination> {
        self.refused.iter().cloned().collect()
    }

    /// Candidates that stand in a combination that was refused alone.
    pub(crate) fn unclean(&self) -> &BTreeSet<Member> {
        &self.unclean
    }

    /// In the order in which they were found.
    pub(crate) fn learned(&self) -> &[NoGood] {
        &self.learned
    }

    fn add(&mut self, chosen: &Combination) {
        self.unclean.extend(chosen_candidates(chosen));
        self.refused.insert(chosen.clone());
    }

    /// Whether one of the no-goods that cut the combination is kept.
    fn learn(&mut self, chosen: &Combination, nogoods: Vec<NoGood>) -> bool {
        if self.learned.len() + nogoods.len() > LEARNED_MAX
            || !nogoods.iter().any(|nogood| nogood.cuts(chosen))
        {
            return false;
        }
        for nogood in nogoods {
            if !self.learned.contains(&nogood) {
                self.learned.push(nogood);
            }
        }
        true
    }
}

/// Asks the caller, and remembers what was refused.
pub(crate) struct LazyConstraint<'a> {
    accept: &'a mut Accept<'a>,
    cuts: &'a mut LearnedCuts,
    /// The largest value refused by this constraint; `-inf` where nothing was.
    pub(crate) refused_value: f64,
    /// Whether what it learns is worth a restart of the search.
    pub(crate) may_restart: bool,
    has_learned: bool,
}

impl<'a> LazyConstraint<'a> {
    pub(crate) fn new(accept: &'a mut Accept<'a>, cuts: &'a mut LearnedCuts) -> Self {
        Self {
            accept,
            cuts,
            refused_value: f64::NEG_INFINITY,
            may_restart: false,
            has_learned: false,
        }
    }

    /// Whether it learned of a no-good: a restart, without all that it cuts, is quicker than
    /// meeting those one by one.
    pub(crate) fn should_restart(&self) -> bool {
        self.may_restart && self.has_learned
    }

    pub(crate) fn accepts(&mut self, solution: &Solution) -> bool {
        let chosen = &solution.chosen;
        if !self.cuts.contains(chosen) {
            match (self.accept)(chosen) {
                Verdict::Accepted => return true,
                Verdict::Cut(nogoods) => match self.cuts.learn(chosen, nogoods) {
                    true => self.has_learned = true,
                    false => self.cuts.add(chosen),
                },
                Verdict::Refused => self.cuts.add(chosen),
            }
        }
        self.refused_value = self.refused_value.max(solution.value);
        false
    }
}
