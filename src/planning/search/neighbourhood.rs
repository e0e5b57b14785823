//! A combination as its moves see it, and prices for its use.

use super::beam::Position;
use crate::proof::{bound::Dual, reduced_problem::ReducedProblem};

/// A combination with what its moves need to know.
pub(crate) struct Neighbourhood {
    pub(crate) seats: Vec<Position>,
    pub used: Vec<f64>,
    /// By place and label: pairs with all other seats.
    pub sums: Vec<Vec<f64>>,
}

impl Neighbourhood {
    pub(crate) fn new(compact: &ReducedProblem, seats: Vec<Position>) -> Self {
        let mut sums: Vec<Vec<f64>> =
            compact.places.iter().map(|place| vec![0.0; place.labels.len()]).collect();
        for (p, sums) in sums.iter_mut().enumerate() {
            for &other in compact.pairs.neighbours(p) {
                compact.pairs.add(other, seats[other].label, p, sums);
            }
        }
        let sum = |d: usize| seats.iter().map(|seat| seat.usage[d]).sum();
        let used = (0..compact.dimensions()).map(sum).collect();
        Self { seats, used, sums }
    }

    /// What a place adds now: its value and its pairs.
    pub(crate) fn part(&self, p: usize) -> f64 {
        self.seats[p].value + self.sums[p][self.seats[p].label]
    }

    pub(crate) fn pair(&self, compact: &ReducedProblem, a: usize, b: usize) -> f64 {
        let mut pairs = vec![0.0; self.sums[b].len()];
        compact.pairs.add(a, self.seats[a].label, b, &mut pairs);
        pairs[self.seats[b].label]
    }
}

/// The multipliers times a factor; where no limit binds, thrift still has some price.
pub(crate) fn prices(compact: &ReducedProblem, dual: &Dual, factor: f64) -> Vec<f64> {
    let price = |(multiplier, limit): (&f64, &f64)| {
        let least = if factor > 1.0 && *limit > 0.0 { 1e-4 * compact.scale / limit } else { 0.0 };
        factor * multiplier.max(least)
    };
    dual.multipliers.iter().zip(&compact.limits).map(price).collect()
}
