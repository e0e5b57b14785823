//! The lazy constraint: combinations that the caller refused are cut off for good.

use std::collections::BTreeSet;

use super::columns::Member;
use super::problem::{Combination, Solution};
use super::score::chosen_candidates;

/// What was refused so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Refusals {
    refused: BTreeSet<Combination>,
    unclean: BTreeSet<Member>,
}

impl Refusals {
    pub fn from_refused(refused: Vec<Combination>) -> Self {
        let unclean = refused.iter().flat_map(chosen_candidates).collect();
        Self { refused: refused.into_iter().collect(), unclean }
    }

    pub fn contains(&self, chosen: &Combination) -> bool {
        self.refused.contains(chosen)
    }

    pub fn is_empty(&self) -> bool {
        self.refused.is_empty()
    }

    /// Ascending.
    pub fn to_vec(&self) -> Vec<Combination> {
        self.refused.iter().cloned().collect()
    }

    /// Candidates that stand in a refused combination.
    pub fn unclean(&self) -> &BTreeSet<Member> {
        &self.unclean
    }

    fn add(&mut self, chosen: &Combination) {
        self.unclean.extend(chosen_candidates(chosen));
        self.refused.insert(chosen.clone());
    }
}

/// Asks the caller, and remembers refusals.
pub struct Judge<'a> {
    accept: &'a mut dyn FnMut(&Combination) -> bool,
    refusals: &'a mut Refusals,
    /// The largest value refused by this judge; `-inf` where nothing was.
    pub refused_value: f64,
}

impl<'a> Judge<'a> {
    pub fn new(
        accept: &'a mut dyn FnMut(&Combination) -> bool,
        refusals: &'a mut Refusals,
    ) -> Self {
        Self { accept, refusals, refused_value: f64::NEG_INFINITY }
    }

    pub fn accepts(&mut self, solution: &Solution) -> bool {
        if self.refusals.contains(&solution.chosen) {
            return false;
        }
        if (self.accept)(&solution.chosen) {
            return true;
        }
        self.refused_value = self.refused_value.max(solution.value);
        self.refusals.add(&solution.chosen);
        false
    }
}
