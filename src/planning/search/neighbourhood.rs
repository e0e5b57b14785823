//! A combination as its moves see it, and prices for its use.

use super::beam::Position;
use crate::proof::{bound::Dual, reduced_problem::ReducedProblem};

/// A combination with what its moves need to know.
pub(crate) struct Neighbourhood {
    pub positions: Vec<Position>,
    pub used: Vec<f64>,
    /// By place and label: pairs with all other positions.
    pub sums: Vec<Vec<f64>>,
}

impl Neighbourhood {
    pub(crate) fn new(compact: &ReducedProblem, positions: Vec<Position>) -> Self {
        let mut sums: Vec<Vec<f64>> =
            compact.places.iter().map(|place| vec![0.0; place.labels.len()]).collect();
        for (p, sums) in sums.iter_mut().enumerate() {
            for &other in compact.pairs.neighbours(p) {
                compact.pairs.add(other, positions[other].label, p, sums);
            }
        }
        let sum = |d: usize| positions.iter().map(|position| position.usage[d]).sum();
        let used = (0..compact.dimensions()).map(sum).collect();
        Self { positions, used, sums }
    }

    /// What a place adds now: its value and its pairs.
    pub(crate) fn part(&self, p: usize) -> f64 {
        self.positions[p].value + self.sums[p][self.positions[p].label]
    }

    pub(crate) fn pair(&self, compact: &ReducedProblem, a: usize, b: usize) -> f64 {
        let mut pairs = vec![0.0; self.sums[b].len()];
        compact.pairs.add(a, self.positions[a].label, b, &mut pairs);
        pairs[self.positions[b].label]
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
