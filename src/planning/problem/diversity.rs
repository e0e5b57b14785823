//! Options that differ: the pool of accepted solutions and the pick of the best ones among them.

use super::{
    CandidateIndex, CategoryIndex, Problem, Solution,
    candidates::Candidates,
    equivalence::Member,
    score::{Occupant, Scorer, difference},
};

/// Solutions that the pool keeps per tier once it overflows: enough that one which differs from
/// the options before it is among them; exactness doesn't rest on it, the proof finds the rest.
const TIER_SIZE: usize = 32;

/// A solution with who stands in each place.
#[derive(Clone, Debug)]
pub(crate) struct Placed {
    pub solution: Solution,
    pub places: Vec<Occupant>,
    /// `places`, with one candidate for all roles of a vendor: what a difference is counted by.
    vendors: Vec<Occupant>,
}

impl Placed {
    /// `None` where two stand in one place.
    pub(crate) fn new(scorer: &Scorer, solution: Solution) -> Option<Self> {
        let places = scorer.occupants(&solution.chosen)?;
        let vendor = |(category, candidate): (CategoryIndex, CandidateIndex)| {
            let known = &scorer.problem().categories[category].candidates;
            (category, known.same_as(candidate).unwrap_or(candidate))
        };
        let vendors = places.iter().map(|occupant| occupant.map(vendor)).collect();
        Some(Self { solution, places, vendors })
    }

    /// In how many places it differs from the nearest of the others; `usize::MAX` where there are
    /// none: whoever is first owes no difference to anybody.
    pub(crate) fn least_difference(&self, others: &[Self]) -> usize {
        let nearest = others.iter().map(|other| difference(&self.vendors, &other.vendors)).min();
        nearest.unwrap_or(usize::MAX)
    }

    /// In how many of the places that a candidate takes, its vendor stands there already.
    pub(crate) fn shares_with(
        &self,
        (category, candidate): Member,
        candidates: &Candidates,
    ) -> usize {
        let vendor = (category, candidates.same_as(candidate).unwrap_or(candidate));
        let also = candidates.also_fills(candidate);
        let places = [Some(category), also].into_iter().flatten();
        places.filter(|&place| self.vendors[place] == Some(vendor)).count()
    }

    /// Whether nobody stands in the place.
    pub(crate) fn leaves_empty(&self, place: CategoryIndex) -> bool {
        self.vendors[place].is_none()
    }
}

/// The differences that options may be asked for, the most first: no two differ in more places
/// than there are.
pub(crate) fn differences(problem: &Problem) -> impl Iterator<Item = usize> + use<> {
    (1..=problem.min_difference.min(problem.categories.len()).max(1)).rev()
}

/// Options picked one after the other.
#[derive(Clone, Debug, Default)]
pub(crate) struct Picked {
    pub options: Vec<Placed>,
    /// By option: in how many places it was asked to differ from those before; the first one's
    /// says nothing.
    pub least: Vec<usize>,
    /// Some pair differs in fewer places than wanted.
    pub fewer_differences: bool,
}

impl Picked {
    /// Adds the next option, which was asked to differ in `least` places.
    pub(crate) fn push(&mut self, placed: Placed, least: usize, problem: &Problem) {
        self.fewer_differences |= !self.options.is_empty() && least < problem.min_difference;
        self.options.push(placed);
        self.least.push(least);
    }
}

/// Accepted solutions, the best first. Bounded: on overflow it keeps the best of all, and for each
/// option the best that differ enough from the options before it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pool {
    sorted: Vec<Placed>,
}

impl Pool {
    pub(crate) fn insert(&mut self, scorer: &Scorer, placed: Placed) {
        let spot =
            self.sorted.binary_search_by(|have| scorer.compare(&have.solution, &placed.solution));
        if let Err(spot) = spot {
            self.sorted.insert(spot, placed);
        }
        let problem = scorer.problem();
        if self.sorted.len() > 4 * TIER_SIZE * (problem.options + 1) {
            self.shrink(problem);
        }
    }

    pub(crate) fn contains(&self, scorer: &Scorer, solution: &Solution) -> bool {
        self.sorted.binary_search_by(|have| scorer.compare(&have.solution, solution)).is_ok()
    }

    pub(crate) fn best(&self) -> Option<&Placed> {
        self.sorted.first()
    }

    /// The best that differs from all of `others` in at least `least` places.
    pub(crate) fn best_differing(&self, others: &[Placed], least: usize) -> Option<&Placed> {
        self.sorted.iter().find(|placed| placed.least_difference(others) >= least)
    }

    /// Greedily the best options of this pool; fewer differences only where nothing else is here.
    pub(crate) fn pick(&self, problem: &Problem) -> Picked {
        let mut picked = Picked::default();
        while picked.options.len() < problem.options {
            let Some((placed, least)) = self.next_option(&picked.options, problem) else { break };
            picked.push(placed.clone(), least, problem);
        }
        picked
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Placed> {
        self.sorted.iter()
    }

    /// The best that differs in as many places from those before as anything here does, up to
    /// what is wanted.
    pub(crate) fn next_option(
        &self,
        before: &[Placed],
        problem: &Problem,
    ) -> Option<(&Placed, usize)> {
        differences(problem).find_map(|least| Some((self.best_differing(before, least)?, least)))
    }

    fn shrink(&mut self, problem: &Problem) {
        let picked = self.pick(problem);
        let wanted = differences(problem).next().unwrap_or(1);
        let mut room = vec![TIER_SIZE; picked.options.len() + 1];
        self.sorted.retain(|placed| {
            // Tier j holds what differs enough from the first j options.
            let mut kept = false;
            for (tier, room) in room.iter_mut().enumerate() {
                let option = picked.options.get(tier);
                let is_option = option.is_some_and(|option| placed.places == option.places);
                let least = picked.least.get(tier).copied().unwrap_or(wanted);
                let fits = placed.least_difference(&picked.options[..tier]) >= least;
                if is_option || (fits && *room > 0) {
                    *room = room.saturating_sub(1);
                    kept = true;
                }
            }
            kept
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::{Candidate, Problem, ProblemCategory};

    #[test]
    fn two_roles_of_one_vendor_are_no_difference() {
        let candidate = |also_fills, same_as| Candidate {
            value: vec![0.1],
            usage: vec![1.0],
            signature: 0,
            also_fills,
            same_as,
        };
        let venue = vec![candidate(None, None), candidate(Some(1), Some(0))];
        let caterer = vec![candidate(None, None)];
        let category = |candidates: Vec<Candidate>| ProblemCategory {
            required: true,
            candidates: candidates.into_iter().collect(),
        };
        let problem = Problem {
            strategies: 1,
            categories: vec![category(venue), category(caterer)],
            limits: vec![10.0],
            pair_value: vec![vec![0.0]],
            forbidden_pairs: Vec::new(),
            nogoods: Vec::new(),
            options: 3,
            min_difference: 2,
        };
        let scorer = Scorer::new(&problem);
        let placed = |chosen| Placed::new(&scorer, scorer.solution(&chosen).unwrap()).unwrap();
        let rental = placed(vec![Some(0), Some(0)]);
        let catering = placed(vec![Some(1), None]);
        assert_eq!(rental.least_difference(&[catering]), 1);
    }
}
