//! A local search beside the proof, for what the proof has to leave open: three places at a time are
//! chosen again beside all others, from where that ends a few places are shaken, and it goes on from
//! there. Bounded in combinations; when it runs, from where and how long is the business of
//! `chain`.

use super::{
    beam::{Moves, Position},
    neighbourhood::{Neighbourhood, prices},
};
use crate::proof::{bound::Dual, reduced_problem::ReducedProblem};

/// Price levels at which a place's choices are ranked: those of the beam.
const LEVELS: [f64; 3] = [0.4, 1.0, 2.5];
/// Choices of a place per level: with three levels at most 12 for a place, 1,728 for a trio.
const CHOICES: usize = 4;
/// Places that are shaken at a time: one more than a trio can put back.
const SHAKEN: u64 = 4;
/// Swaps that may bring a shaken combination back within the limits.
const REPAIRS: usize = 24;
/// Trios without a gain after which a combination counts as the best around: more than there are
/// among 29 places.
const QUIET_MAX: usize = 4_000;
/// What a shake costs at least, in combinations, so that shaking ends.
const SHAKE_COST: u64 = 1_000;

pub(crate) struct Polish<'a, 'm, 'p> {
    compact: &'a ReducedProblem,
    moves: &'m Moves<'a, 'p>,
    /// By level.
    prices: Vec<Vec<f64>>,
    dice: u64,
    left: u64,
}

/// A choice for a place: label, item, and the value with all pairs outside of the trio.
#[derive(Clone, Copy)]
struct Choice {
    label: usize,
    item: usize,
    value: f64,
}

impl<'a, 'm, 'p> Polish<'a, 'm, 'p> {
    /// `left`: the combinations that it may look at. More of them never end worse, from the same
    /// positions and random draws.
    pub(crate) fn new(
        compact: &'a ReducedProblem,
        dual: &Dual,
        moves: &'m Moves<'a, 'p>,
        dice: u64,
        left: u64,
    ) -> Self {
        let prices = LEVELS.iter().map(|level| prices(compact, dual, *level)).collect();
        Self { compact, moves, prices, dice, left }
    }

    /// No worse than the positions that it is given.
    pub(crate) fn run(mut self, positions: Vec<Position>) -> Vec<Position> {
        let mut best = self.descend(positions);
        while self.left > 0 && self.compact.places.len() > 3 {
            self.left = self.left.saturating_sub(SHAKE_COST);
            let shaken = self.shaken(&best);
            let repaired = self.moves.repair(shaken, REPAIRS);
            if self.moves.excess(&self.moves.used(&repaired)) > 0.0 {
                continue;
            }
            let found = self.descend(repaired);
            if self.total(&found) > self.total(&best) {
                best = found;
            }
        }
        best
    }

    fn total(&self, positions: &[Position]) -> f64 {
        let neighbourhood = Neighbourhood::new(self.compact, positions.to_vec());
        let own: f64 = positions.iter().map(|position| position.value).sum();
        let pairs: f64 =
            positions.iter().enumerate().map(|(p, s)| neighbourhood.sums[p][s.label]).sum();
        // Each pair stands in the sums of both its places.
        own + pairs / 2.0
    }

    /// Chooses trios again and again until none of many gains anything.
    fn descend(&mut self, positions: Vec<Position>) -> Vec<Position> {
        let n = self.compact.places.len();
        let mut neighbourhood = Neighbourhood::new(self.compact, positions);
        if n < 3 {
            return neighbourhood.positions;
        }
        let all = n * (n - 1) * (n - 2) / 6;
        let mut quiet = 0;
        while quiet < (3 * all).min(QUIET_MAX) && self.left > 0 {
            let trio = self.trio(n);
            match self.best_trio(&neighbourhood, trio) {
                Some(chosen) => {
                    let mut positions = neighbourhood.positions;
                    for (p, choice) in trio.into_iter().zip(chosen) {
                        positions[p] = self.moves.position(p, choice.label, choice.item);
                    }
                    neighbourhood = Neighbourhood::new(self.compact, positions);
                    quiet = 0;
                }
                None => quiet += 1,
            }
        }
        neighbourhood.positions
    }

    /// Three different places of n ≥ 3, by the dice.
    fn trio(&mut self, n: usize) -> [usize; 3] {
        let first = self.roll(n as u64) as usize;
        let second = (first + 1 + self.roll(n as u64 - 1) as usize) % n;
        let (low, high) = (first.min(second), first.max(second));
        let third = self.roll(n as u64 - 2) as usize;
        // Steps over the two that are taken.
        let third = third + usize::from(third >= low);
        [first, second, third + usize::from(third >= high)]
    }

    /// The best choice for three places beside all others, where it is better than the present one.
    fn best_trio(
        &mut self,
        neighbourhood: &Neighbourhood,
        trio: [usize; 3],
    ) -> Option<[Choice; 3]> {
        let lists = trio.map(|p| self.choices(neighbourhood, p, trio));
        let dimensions = self.compact.dimensions();
        let mut rest = neighbourhood.used.clone();
        for p in trio {
            rest.iter_mut()
                .zip(&neighbourhood.positions[p].usage)
                .for_each(|(sum, own)| *sum -= own);
        }
        let pair = |p: usize, a: &Choice, q: usize, b: &Choice| {
            self.compact.pairs.value(p, a.label, q, b.label)
        };
        let use_of = |p: usize, c: &Choice| self.compact.places[p].use_of(c.item, dimensions);
        let mut best = self.present(neighbourhood, trio) + 1e-12 * self.compact.scale;
        let mut found = None;
        let limits = &self.compact.limits;
        for a in &lists[0] {
            let with_a: Vec<f64> =
                rest.iter().zip(use_of(trio[0], a)).map(|(s, u)| s + u).collect();
            for b in &lists[1] {
                let two = a.value + b.value + pair(trio[0], a, trio[1], b);
                let with_b: Vec<f64> =
                    with_a.iter().zip(use_of(trio[1], b)).map(|(s, u)| s + u).collect();
                self.left = self.left.saturating_sub(lists[2].len() as u64);
                for c in &lists[2] {
                    let pairs = pair(trio[0], a, trio[2], c) + pair(trio[1], b, trio[2], c);
                    let value = two + c.value + pairs;
                    if value <= best {
                        continue;
                    }
                    let used = with_b.iter().zip(use_of(trio[2], c));
                    if used.zip(limits).all(|((sum, own), limit)| sum + own <= *limit) {
                        best = value;
                        found = Some([*a, *b, *c]);
                    }
                }
            }
        }
        found
    }

    /// What the trio is worth now, its pairs with all others included.
    fn present(&self, neighbourhood: &Neighbourhood, trio: [usize; 3]) -> f64 {
        let parts: f64 = trio.iter().map(|&p| neighbourhood.part(p)).sum();
        let twice: f64 = [(0, 1), (0, 2), (1, 2)]
            .iter()
            .map(|&(i, j)| neighbourhood.pair(self.compact, trio[i], trio[j]))
            .sum();
        parts - twice
    }

    /// The best of a place at each price level.
    fn choices(&self, neighbourhood: &Neighbourhood, p: usize, trio: [usize; 3]) -> Vec<Choice> {
        let place = &self.compact.places[p];
        let mut sums = neighbourhood.sums[p].clone();
        let mut inside = vec![0.0; sums.len()];
        for other in trio.into_iter().filter(|other| *other != p) {
            self.compact.pairs.add(other, neighbourhood.positions[other].label, p, &mut inside);
        }
        sums.iter_mut().zip(&inside).for_each(|(sum, own)| *sum -= own);
        let mut all: Vec<Choice> = Vec::new();
        for prices in &self.prices {
            let mut best: Vec<(f64, Choice)> = Vec::with_capacity(CHOICES + 1);
            for (label, l) in place.labels.iter().enumerate() {
                if sums[label] < self.compact.pairs.blocked_below() {
                    continue;
                }
                for item in l.items.clone() {
                    let rank = place.reduced_value(item, prices) + sums[label];
                    if best.len() == CHOICES && best.last().is_some_and(|b| rank <= b.0) {
                        continue;
                    }
                    let spot = best.partition_point(|b| b.0 >= rank);
                    let value = place.value[item] + sums[label];
                    best.insert(spot, (rank, Choice { label, item, value }));
                    best.truncate(CHOICES);
                }
            }
            all.extend(best.into_iter().map(|(_, choice)| choice));
        }
        all.sort_by_key(|choice| choice.item);
        all.dedup_by_key(|choice| choice.item);
        all
    }

    /// Some places with other items, drawn at random.
    fn shaken(&mut self, positions: &[Position]) -> Vec<Position> {
        let mut positions = positions.to_vec();
        for _ in 0..SHAKEN {
            let p = self.roll(positions.len() as u64) as usize;
            let place = &self.compact.places[p];
            let item = self.roll(place.len() as u64) as usize;
            let label = place.labels.iter().position(|l| l.items.contains(&item)).unwrap_or(0);
            positions[p] = self.moves.position(p, label, item);
        }
        positions
    }

    /// SplitMix64, below `n` > 0.
    fn roll(&mut self, n: u64) -> u64 {
        self.dice = self.dice.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.dice;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n.max(1)
    }
}
