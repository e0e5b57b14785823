//! The moves of the beam: starts at several price levels, swaps, pair swaps, and budget moves (a
//! pair swap that spends in one place what it saves in another). Moves are estimated from the
//! reduced problem; whether one is any good is for the score to say.

use super::neighbourhood::{Neighbourhood, prices};
use crate::{
    problem::{Combination, diversity::Placed, equivalence::EquivalenceClasses, score::Scorer},
    proof::{
        bound::Dual,
        labels::{Label, LabelKind},
        reduced_problem::ReducedProblem,
    },
};

/// Price levels of the shortlists, as multiples of the best price: what is best to spend, to keep,
/// and to save. 1 is what the dual says; a factor of 2.5 either way reaches what it misprices, the
/// proof finds what they miss.
const LEVELS: [f64; 3] = [0.4, 1.0, 2.5];
/// Candidates per label and level that moves look at in the first round; one more each round:
/// the best, and another to hold it against.
const FIRST_DEPTH: usize = 2;
/// Candidates per place in a pair swap in the first round; one more each round. Two for each of
/// the three levels.
const FIRST_PAIR_WIDTH: usize = 6;
/// Moves per combination that are scored in the first round, and how many more each round: eight
/// and two for each of a wedding's eight places, so that early rounds are quick and later ones
/// thorough.
const FIRST_MOVES: usize = 64;
const MORE_MOVES: usize = 16;
/// Place pairs that one combination's pair swaps look at; on larger problems each round looks at
/// other ones.
const PLACE_PAIRS: usize = 1_000;

/// Builds moves under one strategy.
pub(crate) struct Moves<'a, 'p> {
    pub(crate) scorer: &'a Scorer<'p>,
    pub(crate) classes: &'a EquivalenceClasses,
    pub(crate) compact: &'a ReducedProblem,
    pub(crate) dual: &'a Dual,
    /// By place, label and level: items by falling value less the price of use.
    pub(crate) heads: Vec<Vec<Vec<Vec<usize>>>>,
}

/// Who stands where, as the compact sees it.
#[derive(Clone)]
pub(crate) struct Position {
    pub label: usize,
    pub item: Option<usize>,
    pub value: f64,
    pub usage: Vec<f64>,
}

impl<'a, 'p> Moves<'a, 'p> {
    pub(crate) fn new(
        scorer: &'a Scorer<'p>,
        classes: &'a EquivalenceClasses,
        compact: &'a ReducedProblem,
        dual: &'a Dual,
        round: u32,
    ) -> Self {
        let depth = FIRST_DEPTH + round as usize;
        let levels: Vec<Vec<f64>> =
            LEVELS.iter().map(|factor| prices(compact, dual, *factor)).collect();
        let heads = compact
            .places
            .iter()
            .map(|place| {
                let of_label = |label: &Label| -> Vec<Vec<usize>> {
                    let of_level = |prices: &Vec<f64>| {
                        let value = |item: &usize| place.reduced_value(*item, prices);
                        best_of(label.items.clone(), depth, value)
                    };
                    levels.iter().map(of_level).collect()
                };
                place.labels.iter().map(of_label).collect()
            })
            .collect();
        Self { scorer, classes, compact, dual, heads }
    }

    /// The most promising neighbours of a combination in the given round, from 1; later rounds look
    /// further. `turn` varies which place pairs a large problem looks at.
    pub(crate) fn neighbours(&self, placed: &Placed, round: u32, turn: u64) -> Vec<Combination> {
        let Some(positions) = self.positions(placed) else { return Vec::new() };
        let neighbourhood = Neighbourhood::new(self.compact, positions);
        let mut found: Vec<(f64, Vec<(usize, usize)>)> = Vec::new();
        self.swaps(&neighbourhood, &mut found);
        self.pair_swaps(&neighbourhood, FIRST_PAIR_WIDTH + round as usize, turn, &mut found);
        let most = FIRST_MOVES + MORE_MOVES * round as usize;
        let order =
            |a: &(f64, Vec<_>), b: &(f64, Vec<_>)| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1));
        if found.len() > most {
            found.select_nth_unstable_by(most, order);
            found.truncate(most);
        }
        found.into_iter().map(|(_, changes)| self.changed(placed, &changes)).collect()
    }

    fn swaps(&self, neighbourhood: &Neighbourhood, found: &mut Vec<(f64, Vec<(usize, usize)>)>) {
        for (p, place) in self.compact.places.iter().enumerate() {
            for (label, sum) in neighbourhood.sums[p].iter().enumerate() {
                for &item in self.heads[p][label].iter().flatten() {
                    let gain = place.value[item] + sum - neighbourhood.part(p);
                    self.note(neighbourhood, gain, vec![(p, item)], found);
                }
            }
        }
    }

    fn pair_swaps(
        &self,
        neighbourhood: &Neighbourhood,
        width: usize,
        turn: u64,
        found: &mut Vec<(f64, Vec<(usize, usize)>)>,
    ) {
        let n = self.compact.places.len();
        let all: Vec<(usize, usize)> =
            (0..n).flat_map(|a| (a + 1..n).map(move |b| (a, b))).collect();
        let stride = all.len().div_ceil(PLACE_PAIRS).max(1);
        for &(a, b) in all.iter().skip(turn as usize % stride).step_by(stride) {
            let sums_a = self.sums_without(neighbourhood, a, b);
            let sums_b = self.sums_without(neighbourhood, b, a);
            let list_a = self.shortlist(a, &sums_a, width);
            let list_b = self.shortlist(b, &sums_b, width);
            let mut pairs = vec![0.0; sums_b.len()];
            let now = neighbourhood.part(a) + neighbourhood.part(b)
                - neighbourhood.pair(self.compact, a, b);
            for &(x, label_x) in &list_a {
                pairs.fill(0.0);
                self.compact.pairs.add(a, label_x, b, &mut pairs);
                for &(y, label_y) in &list_b {
                    let then = self.compact.places[a].value[x]
                        + self.compact.places[b].value[y]
                        + sums_a[label_x]
                        + sums_b[label_y]
                        + pairs[label_y];
                    self.note(neighbourhood, then - now, vec![(a, x), (b, y)], found);
                }
            }
        }
    }

    /// Pairs of each label of place `p` with all positions but its own and that of `other`.
    fn sums_without(&self, neighbourhood: &Neighbourhood, p: usize, other: usize) -> Vec<f64> {
        let mut pairs = vec![0.0; neighbourhood.sums[p].len()];
        self.compact.pairs.add(other, neighbourhood.positions[other].label, p, &mut pairs);
        neighbourhood.sums[p].iter().zip(&pairs).map(|(sum, pair)| sum - pair).collect()
    }

    /// Items of a place that are best at one of the price levels beside the given pair sums.
    fn shortlist(&self, p: usize, sums: &[f64], width: usize) -> Vec<(usize, usize)> {
        let place = &self.compact.places[p];
        let mut list: Vec<(usize, usize)> = Vec::new();
        for (level, factor) in LEVELS.iter().enumerate() {
            let prices = prices(self.compact, self.dual, *factor);
            let all = self.heads[p]
                .iter()
                .enumerate()
                .flat_map(|(label, levels)| levels[level].iter().map(move |&item| (item, label)));
            let value =
                |&(item, label): &(usize, usize)| place.reduced_value(item, &prices) + sums[label];
            list.extend(best_of(all, width.div_ceil(LEVELS.len()), value));
        }
        list.sort_unstable();
        list.dedup();
        list.retain(|&(_, label)| sums[label] > self.compact.pairs.blocked_below());
        list
    }

    /// Notes a move with its gain in value, where it fits.
    fn note(
        &self,
        neighbourhood: &Neighbourhood,
        gain: f64,
        changes: Vec<(usize, usize)>,
        found: &mut Vec<(f64, Vec<(usize, usize)>)>,
    ) {
        if gain < self.compact.pairs.blocked_below() {
            return;
        }
        if changes.iter().all(|&(p, item)| neighbourhood.positions[p].item == Some(item)) {
            return;
        }
        let dimensions = self.compact.dimensions();
        let fits = (0..dimensions).all(|d| {
            let change: f64 = changes
                .iter()
                .map(|&(p, item)| {
                    self.compact.places[p].use_of(item, dimensions)[d]
                        - neighbourhood.positions[p].usage[d]
                })
                .sum();
            neighbourhood.used[d] + change <= self.compact.limits[d]
        });
        if fits {
            found.push((gain, changes));
        }
    }

    fn changed(&self, placed: &Placed, changes: &[(usize, usize)]) -> Combination {
        let mut chosen = placed.solution.chosen.clone();
        for &(p, item) in changes {
            chosen[p] = self.compact.candidate(p, item);
        }
        chosen
    }

    pub(crate) fn position(&self, p: usize, label: usize, item: usize) -> Position {
        let place = &self.compact.places[p];
        let usage = place.use_of(item, self.compact.dimensions()).to_vec();
        Position { label, item: Some(item), value: place.value[item], usage }
    }

    /// Where the combination sits in this compact; `None` where it has no label for someone. A
    /// candidate may be missing itself: each strategy keeps its own.
    pub(crate) fn positions(&self, placed: &Placed) -> Option<Vec<Position>> {
        let position = |p: usize| {
            let place = &self.compact.places[p];
            match (placed.solution.chosen[p], placed.places[p]) {
                (Some(x), _) => {
                    let label = self.compact.label_like(self.classes, (p, x))?;
                    let mut items = place.labels[label].items.clone();
                    if let Some(item) = items.find(|&item| place.candidate[item] == x) {
                        return Some(self.position(p, label, item));
                    }
                    let candidates = &self.scorer.problem().categories[p].candidates;
                    let value = candidates.value(x, self.compact.strategy);
                    let usage = self.compact.own_use(p, candidates.usage(x));
                    Some(Position { label, item: None, value, usage })
                }
                (None, Some(from)) => {
                    let label = self.compact.twin_of(self.classes, p, from)?;
                    Some(self.position(p, label, place.labels[label].items.start))
                }
                (None, None) => {
                    let label = place.labels.iter().position(|l| l.kind == LabelKind::Empty)?;
                    Some(self.position(p, label, place.labels[label].items.start))
                }
            }
        };
        (0..self.compact.places.len()).map(position).collect()
    }

    pub(crate) fn combination(&self, positions: &[Position]) -> Combination {
        let candidate =
            |(p, position): (usize, &Position)| self.compact.candidate(p, position.item?);
        positions.iter().enumerate().map(candidate).collect()
    }
}

/// The `most` largest by `value`, falling; equals in their given order.
fn best_of<T>(all: impl Iterator<Item = T>, most: usize, value: impl Fn(&T) -> f64) -> Vec<T> {
    let mut best: Vec<(f64, T)> = Vec::with_capacity(most + 1);
    for one in all {
        let own = value(&one);
        if best.len() == most && best.last().is_some_and(|worst| own <= worst.0) {
            continue;
        }
        let spot = best.partition_point(|have| have.0 >= own);
        best.insert(spot, (own, one));
        best.truncate(most);
    }
    best.into_iter().map(|(_, one)| one).collect()
}
