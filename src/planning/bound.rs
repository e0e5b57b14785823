//! Upper bounds on the value of every feasible combination under one strategy.
//!
//! Two relaxations at once. The limits get prices: for multipliers λ ≥ 0 and any feasible
//! combination, value ≤ Σ (value − λ·use) + λ·limits. The pairs are shared out: each pair value
//! splits into a message to either place and a remainder, pair(a, b) = m_ij(a) + m_ji(b) + rest,
//! and with rest ≤ 0 everywhere the sum over all places of the best (value − λ·use + messages) is
//! no less than the best sum. Messages are those of max-product linear programming (Globerson and
//! Jaakkola 2007), whose updates never raise the bound; multipliers follow by bisection of the
//! slope (one limit) or subgradient steps (several), in turns with the messages.

use super::labels::Model;

/// Turns of messages and multipliers at the start.
const TURNS: usize = 12;
/// Label pairs that one refinement visits at most; it bounds the turns on large tables.
const PAIR_VISITS: usize = 4_000_000;
/// Halvings of the multiplier's interval.
const HALVINGS: usize = 48;
/// Subgradient steps per turn where there are several limits.
const STEPS: usize = 60;

/// Multipliers, messages and the bound that follows from them.
#[derive(Clone, Debug)]
pub struct Dual {
    /// Value per unit of each limit.
    pub multipliers: Vec<f64>,
    /// `messages[i * n + j][a]`: what the pair of places i, j gives to label a of place i.
    messages: Vec<Vec<f64>>,
    /// No combination is worth more; `-inf` where none is feasible.
    pub bound: f64,
    /// Length of subgradient steps, as a share of the scale; shrinks.
    step: f64,
}

impl Dual {
    pub fn new(model: &Model) -> Self {
        let n = model.places.len();
        let message = |at: usize| {
            let own = at / n != at % n;
            vec![0.0; if own { model.places[at / n].labels.len() } else { 0 }]
        };
        let mut dual = Self {
            multipliers: vec![0.0; model.dimensions()],
            messages: (0..n * n).map(message).collect(),
            bound: f64::NEG_INFINITY,
            step: 0.1,
        };
        if model.infeasible {
            return dual;
        }
        dual.bound = f64::INFINITY;
        // Messages first see the labels at their best price, not at no price.
        dual.price(model, &model.limits);
        dual.refine(model, TURNS);
        dual
    }

    /// Tightens the bound by some more turns; never loosens it.
    pub fn refine(&mut self, model: &Model, turns: usize) {
        if model.infeasible {
            return;
        }
        let turns = turns.min(PAIR_VISITS / model.label_pairs().max(1)).max(1);
        let mut best = self.clone();
        for _ in 0..turns {
            if model.places.len() > 1 {
                self.pass_messages(model);
            }
            self.price(model, &model.limits);
            self.bound = self.evaluate(model, &model.limits);
            if self.bound < best.bound {
                best = self.clone();
            }
        }
        best.step = self.step;
        *self = best;
    }

    /// What label `a` of place `i` gets from its pairs with the given places.
    pub fn share(&self, i: usize, a: usize, others: impl Iterator<Item = usize>) -> f64 {
        let n = self.messages.len().isqrt();
        others.filter(|&j| j != i).map(|j| self.messages[i * n + j][a]).sum()
    }

    /// The best multipliers for other limits, with these messages.
    pub fn multipliers_for(&self, model: &Model, limits: &[f64]) -> Vec<f64> {
        let mut other = self.clone();
        other.price(model, limits);
        other.multipliers
    }

    fn evaluate(&self, model: &Model, limits: &[f64]) -> f64 {
        let n = model.places.len();
        let credit: f64 = self.multipliers.iter().zip(limits).map(|(m, l)| m * l).sum();
        let best = |i: usize| {
            let place = &model.places[i];
            let label = |(a, value): (usize, f64)| value + self.share(i, a, 0..n);
            let values = label_values(place, &self.multipliers);
            values.into_iter().enumerate().map(label).fold(f64::NEG_INFINITY, f64::max)
        };
        credit + (0..n).map(best).sum::<f64>() + self.remainders(model)
    }

    /// Σ over place pairs of the largest remainder, where it is positive: messages that were never
    /// passed leave all of the pair.
    fn remainders(&self, model: &Model) -> f64 {
        let n = model.places.len();
        let mut sum = 0.0;
        for i in 0..n {
            for j in i + 1..n {
                sum += self.remainder(model, i, j);
            }
        }
        sum
    }

    /// The largest of pair − messages over the labels of two places.
    pub fn remainder(&self, model: &Model, i: usize, j: usize) -> f64 {
        let n = model.places.len();
        let (to_i, to_j) = (&self.messages[i * n + j], &self.messages[j * n + i]);
        let mut largest = f64::NEG_INFINITY;
        let mut row = vec![0.0; to_j.len()];
        for (a, own) in to_i.iter().enumerate() {
            row.iter_mut().zip(to_j).for_each(|(rest, other)| *rest = -own - other);
            model.add_pairs(i, a, j, &mut row);
            largest = row.iter().copied().fold(largest, f64::max);
        }
        largest
    }

    /// One sweep over all pairs of places.
    fn pass_messages(&mut self, model: &Model) {
        let n = model.places.len();
        let mut beliefs: Vec<Vec<f64>> = model
            .places
            .iter()
            .map(|place| label_values(place, &self.multipliers))
            .enumerate()
            .map(|(i, mut own)| {
                own.iter_mut().enumerate().for_each(|(a, v)| *v += self.share(i, a, 0..n));
                own
            })
            .collect();
        for i in 0..n {
            for j in i + 1..n {
                self.pass_between(model, i, j, &mut beliefs);
            }
        }
    }

    fn pass_between(&mut self, model: &Model, i: usize, j: usize, beliefs: &mut [Vec<f64>]) {
        let n = model.places.len();
        let without = |beliefs: &[f64], messages: &[f64]| -> Vec<f64> {
            beliefs.iter().zip(messages).map(|(b, m)| b - m).collect()
        };
        let own = without(&beliefs[i], &self.messages[i * n + j]);
        let other = without(&beliefs[j], &self.messages[j * n + i]);
        let mut best_own = vec![f64::NEG_INFINITY; own.len()];
        let mut best_other = vec![f64::NEG_INFINITY; other.len()];
        let mut row = vec![0.0; other.len()];
        for (a, &value) in own.iter().enumerate() {
            row.fill(0.0);
            model.add_pairs(i, a, j, &mut row);
            let mut best = f64::NEG_INFINITY;
            for ((pair, with), best_with) in row.iter().zip(&other).zip(&mut best_other) {
                best = best.max(pair + with);
                *best_with = best_with.max(pair + value);
            }
            best_own[a] = best;
        }
        let half = |best: &[f64], without: &[f64]| -> Vec<f64> {
            best.iter().zip(without).map(|(m, w)| 0.5 * (m - w)).collect()
        };
        self.messages[i * n + j] = half(&best_own, &own);
        self.messages[j * n + i] = half(&best_other, &other);
        for (place, without, at) in [(i, &own, i * n + j), (j, &other, j * n + i)] {
            let sums = without.iter().zip(&self.messages[at]).map(|(w, m)| w + m);
            beliefs[place] = sums.collect();
        }
    }

    /// The multipliers that make the bound least for these messages, or nearly so.
    fn price(&mut self, model: &Model, limits: &[f64]) {
        let n = model.places.len();
        let shares: Vec<Vec<f64>> = (0..n)
            .map(|i| (0..model.places[i].labels.len()).map(|a| self.share(i, a, 0..n)).collect())
            .collect();
        let slope = Slope { model, limits, shares };
        match limits {
            [] => {}
            [limit] => self.multipliers = vec![slope.bisect(*limit)],
            _ => self.multipliers = slope.descend(&self.multipliers, &mut self.step),
        }
    }
}

/// Per label, the best value less the price of its use.
pub fn label_values(place: &super::labels::Place, multipliers: &[f64]) -> Vec<f64> {
    let best = |label: &super::labels::Label| {
        let values = label.items.clone().map(|item| place.reduced_value(item, multipliers));
        values.fold(f64::NEG_INFINITY, f64::max)
    };
    place.labels.iter().map(best).collect()
}

/// The bound as a function of the multipliers.
struct Slope<'a> {
    model: &'a Model,
    limits: &'a [f64],
    /// By place and label.
    shares: Vec<Vec<f64>>,
}

impl Slope<'_> {
    /// Use of the best items at these multipliers, and the bound up to a constant.
    fn at(&self, multipliers: &[f64]) -> (f64, Vec<f64>) {
        let dimensions = multipliers.len();
        let mut bound: f64 = multipliers.iter().zip(self.limits).map(|(m, l)| m * l).sum();
        let mut used = vec![0.0; dimensions];
        for (place, shares) in self.model.places.iter().zip(&self.shares) {
            let mut best = (f64::NEG_INFINITY, 0);
            for (label, share) in place.labels.iter().zip(shares) {
                for item in label.items.clone() {
                    let value = share + place.reduced_value(item, multipliers);
                    if value > best.0 {
                        best = (value, item);
                    }
                }
            }
            bound += best.0;
            let usage = place.use_of(best.1, dimensions);
            used.iter_mut().zip(usage).for_each(|(sum, own)| *sum += own);
        }
        (bound, used)
    }

    /// One limit: the slope is limit − use, and use falls as the price rises.
    fn bisect(&self, limit: f64) -> f64 {
        let exceeds = |price: f64| self.at(&[price]).1[0] > limit;
        if !exceeds(0.0) {
            return 0.0;
        }
        let values = self.model.places.iter().flat_map(|p| &p.value);
        let scale = values.fold(0.0_f64, |m, v| m.max(v.abs()));
        let mut high = (scale / limit.max(1.0)).max(f64::MIN_POSITIVE);
        let mut doublings = 0;
        while exceeds(high) && doublings < HALVINGS {
            high *= 4.0;
            doublings += 1;
        }
        let mut low = 0.0;
        for _ in 0..HALVINGS {
            let middle = 0.5 * (low + high);
            if exceeds(middle) { low = middle } else { high = middle }
        }
        // The end that is proven to be no worse.
        if self.at(&[low]).0 < self.at(&[high]).0 { low } else { high }
    }

    fn descend(&self, start: &[f64], length: &mut f64) -> Vec<f64> {
        let unit: Vec<f64> = self.limits.iter().map(|&l| if l > 0.0 { l } else { 1.0 }).collect();
        let values = self.model.places.iter().flat_map(|p| &p.value);
        let scale = values.fold(0.0_f64, |m, v| m.max(v.abs())).max(f64::MIN_POSITIVE);
        let mut now = start.to_vec();
        let mut best = (self.at(&now).0, now.clone());
        for _ in 0..STEPS {
            let (_, used) = self.at(&now);
            // In relative terms: use over limit less one.
            let slope: Vec<f64> = used
                .iter()
                .zip(&unit)
                .zip(&now)
                .map(|((used, unit), price)| {
                    let slope = used / unit - 1.0;
                    if slope < 0.0 && *price == 0.0 { 0.0 } else { slope }
                })
                .collect();
            let norm = slope.iter().map(|g| g * g).sum::<f64>().sqrt();
            if norm == 0.0 {
                break;
            }
            for ((price, slope), unit) in now.iter_mut().zip(&slope).zip(&unit) {
                *price = (*price + *length * scale * slope / norm / unit).max(0.0);
            }
            let bound = self.at(&now).0;
            if bound < best.0 {
                best = (bound, now.clone());
            } else {
                *length *= 0.95;
            }
        }
        best.1
    }
}
