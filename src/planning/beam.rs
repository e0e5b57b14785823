//! The moves of the beam: starts, swaps, pair swaps and budget moves. Whether they are any good is
//! for the score to say.

use super::bound::Dual;
use super::diversity::Placed;
use super::problem::{Candidate, CandidateIndex, CategoryIndex, Combination, Problem};
use super::reduce::Reduced;
use super::score::{Occupant, Scorer};

/// Multiples of the best multiplier at which starts are built: from "money is no object" to thrift.
const PRICE_FACTORS: [f64; 7] = [0.0, 0.5, 1.0, 1.5, 2.5, 5.0, 1e6];
/// Shortlist per category in the first round; each further round looks `WIDER` further.
const FIRST_WIDTH: usize = 12;
const WIDER: usize = 6;
/// Shortlist per category of a pair swap, likewise.
const PAIR_WIDTH: usize = 3;
const PAIR_WIDER: usize = 1;
/// Ways to fill a hole that a move leaves.
const REFILLS: usize = 3;

/// Builds moves for one problem.
pub struct Moves<'a, 'p> {
    pub scorer: &'a Scorer<'p>,
    pub reduced: &'a Reduced,
    pub duals: &'a [Dual],
}

impl Moves<'_, '_> {
    /// Combinations to begin with, per strategy and price level; not all are feasible.
    pub fn starts(&self) -> Vec<Combination> {
        let mut starts = Vec::new();
        for strategy in 0..self.duals.len() {
            for factor in PRICE_FACTORS {
                starts.push(self.construct(strategy, factor));
            }
        }
        starts
    }

    /// Neighbours of a combination in the given round (from 1); later rounds look further.
    pub fn neighbours(&self, placed: &Placed, strategy: usize, round: u32) -> Vec<Combination> {
        let wider = round.saturating_sub(1) as usize;
        let width = FIRST_WIDTH + WIDER * wider;
        let pair_width = PAIR_WIDTH + PAIR_WIDER * wider;
        let lists: Vec<Vec<CandidateIndex>> = (0..self.problem().categories.len())
            .map(|category| self.shortlist(strategy, &placed.places, category, width))
            .collect();
        let mut found = Vec::new();
        for (category, list) in lists.iter().enumerate() {
            for &candidate in list {
                self.place(strategy, placed, &[(category, candidate)], &mut found);
            }
            self.empty(placed, category, &mut found);
        }
        for (a, list_a) in lists.iter().enumerate() {
            for (b, list_b) in lists.iter().enumerate().skip(a + 1) {
                for &x in list_a.iter().take(pair_width) {
                    for &y in list_b.iter().take(pair_width) {
                        self.place(strategy, placed, &[(a, x), (b, y)], &mut found);
                    }
                }
            }
        }
        found
    }

    fn problem(&self) -> &Problem {
        self.scorer.problem()
    }

    fn candidate(&self, category: CategoryIndex, index: CandidateIndex) -> &Candidate {
        &self.problem().categories[category].candidates[index as usize]
    }

    /// Greedy: the places one after the other, each with the best at this price level.
    fn construct(&self, strategy: usize, factor: f64) -> Combination {
        let problem = self.problem();
        let n = problem.categories.len();
        let fills = |c: CategoryIndex| {
            problem.categories[c].candidates.iter().any(|x| x.also_fills.is_some())
        };
        let mut order: Vec<CategoryIndex> = (0..n).collect();
        order.sort_by_key(|&c| (!fills(c), c));
        let mut chosen = vec![None; n];
        let mut places: Vec<Occupant> = vec![None; n];
        for category in order {
            if places[category].is_some() {
                continue;
            }
            let best = self
                .reduced
                .kept(strategy, category)
                .iter()
                .filter(|&&x| {
                    let also = self.candidate(category, x).also_fills;
                    also.is_none_or(|place| places[place].is_none())
                })
                .map(|&x| (self.worth(strategy, factor, &places, category, x), x))
                .max_by(|a, b| a.0.total_cmp(&b.0).then_with(|| b.1.cmp(&a.1)));
            let Some((worth, x)) = best else { continue };
            if !problem.categories[category].required && worth < 0.0 {
                continue;
            }
            chosen[category] = Some(x);
            places[category] = Some((category, x));
            if let Some(place) = self.candidate(category, x).also_fills {
                places[place] = Some((category, x));
            }
        }
        chosen
    }

    /// Value less the price of its use, with the pairs to who stands already.
    fn worth(
        &self,
        strategy: usize,
        factor: f64,
        places: &[Occupant],
        category: CategoryIndex,
        index: CandidateIndex,
    ) -> f64 {
        let candidate = self.candidate(category, index);
        let limits = self.scorer.limits().iter().zip(&self.duals[strategy].multipliers);
        // Where no limit binds at the best multiplier, thrift still needs some price.
        let price: f64 = limits
            .zip(&candidate.usage)
            .map(|((limit, multiplier), used)| {
                let least = 1e-6 * self.scorer.scale() / limit.max(1.0);
                used * multiplier.max(if factor > 2.0 { least } else { 0.0 })
            })
            .sum();
        let row = &self.problem().pair_value[candidate.signature as usize];
        let pairs: f64 = places
            .iter()
            .enumerate()
            .filter(|&(place, _)| place != category)
            .filter_map(|(_, occupant)| *occupant)
            .map(|(c, x)| row[self.candidate(c, x).signature as usize])
            .sum();
        let places = if candidate.also_fills.is_some() { 2.0 } else { 1.0 };
        candidate.value[strategy] + places * pairs - factor * price
    }

    /// The most promising candidates of a category beside a combination's others.
    fn shortlist(
        &self,
        strategy: usize,
        places: &[Occupant],
        category: CategoryIndex,
        width: usize,
    ) -> Vec<CandidateIndex> {
        let mut list: Vec<(f64, CandidateIndex)> = self
            .reduced
            .kept(strategy, category)
            .iter()
            .map(|&x| (self.worth(strategy, 1.0, places, category, x), x))
            .collect();
        let order = |a: &(f64, CandidateIndex), b: &(f64, CandidateIndex)| {
            b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1))
        };
        if list.len() > width {
            list.select_nth_unstable_by(width, order);
            list.truncate(width);
        }
        list.sort_unstable_by(order);
        list.into_iter().map(|(_, x)| x).collect()
    }

    /// Puts candidates into a combination, takes out whom they displace, and refills the holes.
    fn place(
        &self,
        strategy: usize,
        placed: &Placed,
        wanted: &[(CategoryIndex, CandidateIndex)],
        found: &mut Vec<Combination>,
    ) {
        let mut chosen = placed.solution.chosen.clone();
        let mut places = placed.places.clone();
        let mut new_places: Vec<CategoryIndex> = Vec::new();
        for &(category, index) in wanted {
            let also = self.candidate(category, index).also_fills;
            for place in [Some(category), also].into_iter().flatten() {
                if new_places.contains(&place) {
                    return;
                }
                new_places.push(place);
                if let Some((owner, _)) = places[place] {
                    chosen[owner] = None;
                    places
                        .iter_mut()
                        .filter(|p| p.is_some_and(|(c, _)| c == owner))
                        .for_each(|p| *p = None);
                }
            }
        }
        for &(category, index) in wanted {
            chosen[category] = Some(index);
            places[category] = Some((category, index));
            if let Some(place) = self.candidate(category, index).also_fills {
                places[place] = Some((category, index));
            }
        }
        if chosen == placed.solution.chosen {
            return;
        }
        let holes: Vec<CategoryIndex> = (0..places.len())
            .filter(|&c| places[c].is_none() && self.problem().categories[c].required)
            .collect();
        if holes.is_empty() {
            found.push(chosen);
            return;
        }
        for nth in 0..REFILLS {
            let mut filled = chosen.clone();
            let mut now = places.clone();
            for &hole in &holes {
                let own = |x: &CandidateIndex| self.candidate(hole, *x).also_fills.is_none();
                let list = self.shortlist(strategy, &now, hole, FIRST_WIDTH);
                if let Some(x) = list.into_iter().filter(own).nth(nth) {
                    filled[hole] = Some(x);
                    now[hole] = Some((hole, x));
                }
            }
            found.push(filled);
        }
    }

    /// Leaves an optional place empty.
    fn empty(&self, placed: &Placed, category: CategoryIndex, found: &mut Vec<Combination>) {
        if placed.solution.chosen[category].is_some()
            && !self.problem().categories[category].required
        {
            let mut chosen = placed.solution.chosen.clone();
            chosen[category] = None;
            found.push(chosen);
        }
    }
}
