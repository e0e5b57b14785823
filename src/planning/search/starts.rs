//! Where the beam begins: greedy combinations at several prices, brought within the limits.

use super::{
    beam::{Moves, Position},
    neighbourhood::{Neighbourhood, prices},
};
use crate::{problem::Combination, proof::labels::LabelKind};

/// Multiples of the best multipliers at which starts are built: from "money is no object" (0) to
/// nothing but thrift (10,000), and close together above 1, where what a start costs first falls
/// within the limits.
const START_FACTORS: [f64; 13] =
    [0.0, 0.7, 0.9, 1.0, 1.03, 1.08, 1.15, 1.3, 1.6, 2.5, 5.0, 20.0, 1e4];
/// Swaps that a start may take to get within the limits, per place: each place may change a few
/// times; a start that needs more is given up, others are nearer.
const REPAIRS_PER_PLACE: usize = 3;

impl Moves<'_, '_> {
    /// Combinations to begin with; not all are feasible.
    pub(crate) fn starts(&self) -> Vec<Combination> {
        if self.compact.infeasible {
            return Vec::new();
        }
        let n = self.compact.places.len();
        let mut starts: Vec<Combination> = Vec::new();
        let mut any_fits = false;
        for factor in START_FACTORS {
            let positions = self.construct(&prices(self.compact, self.dual, factor));
            any_fits |= self.excess(&self.used(&positions)) == 0.0;
            starts.push(self.combination(&positions));
            if factor >= 1.0 && !any_fits {
                let repaired = self.repair(positions, REPAIRS_PER_PLACE * n);
                starts.push(self.combination(&repaired));
            }
        }
        starts
    }

    /// Greedy: the places one after the other, each with the best at these prices beside the ones
    /// before and its share of the pairs with the ones to come.
    fn construct(&self, prices: &[f64]) -> Vec<Position> {
        let n = self.compact.places.len();
        let mut sums: Vec<Vec<f64>> =
            self.compact.places.iter().map(|p| vec![0.0; p.labels.len()]).collect();
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by_key(|&p| {
            let ties = self.compact.places[p].labels.iter();
            (!ties.clone().any(|l| matches!(l.kind, LabelKind::Both(_))), p)
        });
        let mut positions: Vec<Option<Position>> = vec![None; n];
        for (k, &p) in order.iter().enumerate() {
            let place = &self.compact.places[p];
            let mut best = (f64::NEG_INFINITY, 0, 0);
            for (label, l) in place.labels.iter().enumerate() {
                let share = self.dual.share(p, label, order[k + 1..].iter().copied());
                for item in l.items.clone() {
                    let value = place.reduced_value(item, prices) + sums[p][label] + share;
                    if value > best.0 {
                        best = (value, label, item);
                    }
                }
            }
            let (_, label, item) = best;
            for &other in &order[k + 1..] {
                self.compact.pairs.add(p, label, other, &mut sums[other]);
            }
            positions[p] = Some(self.position(p, label, item));
        }
        positions.into_iter().flatten().collect()
    }

    /// Swaps that bring the use nearer to the limits, the mildest first.
    pub(crate) fn repair(&self, mut positions: Vec<Position>, most: usize) -> Vec<Position> {
        for _ in 0..most {
            let neighbourhood = Neighbourhood::new(self.compact, positions.clone());
            let excess = self.excess(&neighbourhood.used);
            if excess == 0.0 {
                break;
            }
            let mut best: Option<(f64, usize, usize, usize)> = None;
            for (p, place) in self.compact.places.iter().enumerate() {
                for (label, l) in place.labels.iter().enumerate() {
                    if neighbourhood.sums[p][label] < self.compact.pairs.blocked_below() {
                        continue;
                    }
                    for item in l.items.clone() {
                        let own = place.use_of(item, self.compact.dimensions());
                        let used: Vec<f64> = neighbourhood
                            .used
                            .iter()
                            .zip(own)
                            .zip(&neighbourhood.positions[p].usage)
                            .map(|((used, new), old)| used + new - old)
                            .collect();
                        let saved = excess - self.excess(&used);
                        if saved <= 0.0 {
                            continue;
                        }
                        let loss = neighbourhood.part(p)
                            - place.value[item]
                            - neighbourhood.sums[p][label];
                        // Value lost per excess removed; what gains value comes first.
                        let rate = if loss > 0.0 { loss / saved } else { loss * saved };
                        if best.is_none_or(|best| rate < best.0) {
                            best = Some((rate, p, label, item));
                        }
                    }
                }
            }
            let Some((_, p, label, item)) = best else { break };
            positions[p] = self.position(p, label, item);
        }
        positions
    }

    /// By how much use exceeds the limits, in shares of the limits, summed.
    pub(crate) fn excess(&self, used: &[f64]) -> f64 {
        let over = |(used, limit): (&f64, &f64)| {
            let (over, unit) = (used - limit, if *limit > 0.0 { *limit } else { 1.0 });
            if over > 0.0 { over / unit } else { 0.0 }
        };
        used.iter().zip(&self.compact.limits).map(over).sum()
    }

    pub(crate) fn used(&self, positions: &[Position]) -> Vec<f64> {
        let sum = |d: usize| positions.iter().map(|position| position.usage[d]).sum();
        (0..self.compact.dimensions()).map(sum).collect()
    }
}
