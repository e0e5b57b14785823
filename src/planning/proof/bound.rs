//! Upper bounds on the value of every feasible combination under one strategy.
//!
//! Two relaxations at once. The limits get prices: for multipliers λ ≥ 0 and any feasible
//! combination, value ≤ Σ (value − λ·use) + λ·limits. The pairs are shared out: each pair value
//! splits into a message to either place and a rest, pair(a, b) = m_ij(a) + m_ji(b) + rest with
//! rest ≤ 0 everywhere, so the sum over all places of the best (value − λ·use + messages) is no
//! less than the best sum. Messages are those of max-product linear programming (Globerson and
//! Jaakkola 2007), whose updates never raise the bound; multipliers follow by bisection of the
//! slope (one limit) or subgradient steps (several), in turns with the messages.

use super::reduced_problem::ReducedProblem;

/// Turns of messages and multipliers at the start. Any number leaves the bound valid, since the
/// best turn is kept; branching makes up for what further ones would tighten.
const TURNS: usize = 12;
/// Label pairs that one refinement visits at most, on the safe side; it bounds the turns on large
/// tables.
const PAIR_VISITS: usize = 16_000_000;
/// From this many labels on, the best partner is sought in falling order of beliefs.
const SORT_FROM: usize = 32;
/// Halvings of the multiplier's interval.
const HALVINGS: usize = 48;
/// Subgradient steps per turn where there are several limits.
const STEPS: usize = 60;

/// Multipliers, messages and the bound that follows from them.
#[derive(Clone, Debug)]
pub(crate) struct Dual {
    /// Value per unit of each limit.
    pub multipliers: Vec<f64>,
    /// `messages[i * n + j][a]`: what the pair of places i, j gives to label a of place i; empty
    /// where the pair does not matter.
    messages: Vec<Vec<f64>>,
    places: usize,
    /// No combination is worth more; `-inf` where none is feasible.
    pub bound: f64,
    /// Length of subgradient steps, as a share of the scale; shrinks.
    step: f64,
}

impl Dual {
    pub(crate) fn new(compact: &ReducedProblem) -> Self {
        let n = compact.places.len();
        let mut messages = vec![Vec::new(); n * n];
        if !compact.infeasible {
            for (i, j) in compact.pairs.edges() {
                messages[i * n + j] = vec![0.0; compact.places[i].labels.len()];
                messages[j * n + i] = vec![0.0; compact.places[j].labels.len()];
            }
        }
        let mut dual = Self {
            multipliers: vec![0.0; compact.dimensions()],
            messages,
            places: n,
            bound: f64::NEG_INFINITY,
            step: 0.1,
        };
        if !compact.infeasible {
            // Messages first see the labels at their best price, not at no price.
            dual.price(compact, &compact.limits);
            dual.bound = f64::INFINITY;
            dual.refine(compact, TURNS);
        }
        dual
    }

    /// Tightens the bound by some more turns; never loosens it.
    pub(crate) fn refine(&mut self, compact: &ReducedProblem, turns: usize) {
        if compact.infeasible {
            return;
        }
        let turns = turns.min(PAIR_VISITS / compact.pairs.visits().max(1)).max(1);
        let mut best = self.clone();
        for _ in 0..turns {
            self.pass_messages(compact);
            self.price(compact, &compact.limits);
            self.bound = self.evaluate(compact);
            if self.bound < best.bound {
                best.take_over(self);
            }
        }
        best.step = self.step;
        *self = best;
    }

    /// For the same places and labels with further limits, which bear no price.
    pub(crate) fn widened(&self, compact: &ReducedProblem) -> Self {
        let mut wide = self.clone();
        wide.multipliers.resize(compact.dimensions(), 0.0);
        wide
    }

    /// As an assignment, in the memory that is there already.
    fn take_over(&mut self, other: &Self) {
        self.multipliers.clone_from(&other.multipliers);
        self.messages.clone_from(&other.messages);
        self.bound = other.bound;
    }

    /// What label `a` of place `i` gets from its pairs with the given places.
    pub(crate) fn share(&self, i: usize, a: usize, others: impl Iterator<Item = usize>) -> f64 {
        let messages = others.map(|j| &self.messages[i * self.places + j]);
        messages.filter(|m| !m.is_empty()).map(|m| m[a]).sum()
    }

    /// What the pair of places `i` and `j` gives to label `a` of place `i`.
    pub(crate) fn message(&self, i: usize, a: usize, j: usize) -> f64 {
        self.messages[i * self.places + j].get(a).copied().unwrap_or(0.0)
    }

    /// The best multipliers for other limits, with these messages.
    pub(crate) fn multipliers_for(&self, compact: &ReducedProblem, limits: &[f64]) -> Vec<f64> {
        let mut other = self.clone();
        other.price(compact, limits);
        other.multipliers
    }

    fn evaluate(&self, compact: &ReducedProblem) -> f64 {
        let credit: f64 = self.multipliers.iter().zip(&compact.limits).map(|(m, l)| m * l).sum();
        let best = |beliefs: Vec<f64>| beliefs.into_iter().fold(f64::NEG_INFINITY, f64::max);
        let own: f64 = (0..self.places).map(|i| best(self.beliefs(compact, i))).sum();
        credit + own + compact.rounding(credit)
    }

    /// By label: best value less the price of use, with all messages.
    fn beliefs(&self, compact: &ReducedProblem, i: usize) -> Vec<f64> {
        let mut beliefs = compact.places[i].label_values(&self.multipliers);
        for &j in compact.pairs.neighbours(i) {
            let messages = &self.messages[i * self.places + j];
            beliefs.iter_mut().zip(messages).for_each(|(belief, message)| *belief += message);
        }
        beliefs
    }

    /// One sweep over all pairs of places.
    fn pass_messages(&mut self, compact: &ReducedProblem) {
        let mut beliefs: Vec<Vec<f64>> =
            (0..self.places).map(|i| self.beliefs(compact, i)).collect();
        for (i, j) in compact.pairs.edges() {
            self.pass_between(compact, i, j, &mut beliefs);
        }
    }

    fn pass_between(
        &mut self,
        compact: &ReducedProblem,
        i: usize,
        j: usize,
        beliefs: &mut [Vec<f64>],
    ) {
        let (to_i, to_j) = (i * self.places + j, j * self.places + i);
        let without = |beliefs: &[f64], messages: &[f64]| -> Vec<f64> {
            beliefs.iter().zip(messages).map(|(b, m)| b - m).collect()
        };
        let own = without(&beliefs[i], &self.messages[to_i]);
        let other = without(&beliefs[j], &self.messages[to_j]);
        let (best_own, best_other) = if own.len().max(other.len()) < SORT_FROM {
            best_partners(compact, (i, &own), (j, &other))
        } else {
            let best_own = best_partners_sorted(compact, (i, own.len()), (j, &other));
            (best_own, best_partners_sorted(compact, (j, other.len()), (i, &own)))
        };
        let half = |best: &[f64], without: &[f64]| -> Vec<f64> {
            best.iter().zip(without).map(|(m, w)| 0.5 * (m - w)).collect()
        };
        self.messages[to_i] = half(&best_own, &own);
        self.messages[to_j] = half(&best_other, &other);
        for (place, without, at) in [(i, &own, to_i), (j, &other, to_j)] {
            let sums = without.iter().zip(&self.messages[at]).map(|(w, m)| w + m);
            beliefs[place] = sums.collect();
        }
    }

    /// The multipliers that make the bound least for these messages, or nearly so.
    fn price(&mut self, compact: &ReducedProblem, limits: &[f64]) {
        let shares = |i: usize| -> Vec<f64> {
            let all = compact.pairs.neighbours(i);
            let share = |a| self.share(i, a, all.iter().copied());
            (0..compact.places[i].labels.len()).map(share).collect()
        };
        let shares = (0..self.places).map(shares).collect();
        let slope = Slope { compact, limits, shares };
        match limits {
            [] => {}
            [limit] => self.multipliers = vec![slope.bisect(*limit)],
            _ => self.multipliers = slope.descend(&self.multipliers, &mut self.step),
        }
    }
}

/// For each label of either place, the most that a partner in the other place brings.
fn best_partners(
    compact: &ReducedProblem,
    (i, own): (usize, &[f64]),
    (j, other): (usize, &[f64]),
) -> (Vec<f64>, Vec<f64>) {
    let mut best_own = Vec::with_capacity(own.len());
    let mut best_other = vec![f64::NEG_INFINITY; other.len()];
    let mut row = vec![0.0; other.len()];
    for (a, &value) in own.iter().enumerate() {
        row.fill(0.0);
        compact.pairs.add(i, a, j, &mut row);
        let mut best = f64::NEG_INFINITY;
        for ((pair, with), best_with) in row.iter().zip(other).zip(&mut best_other) {
            best = best.max(pair + with);
            *best_with = best_with.max(pair + value);
        }
        best_own.push(best);
    }
    (best_own, best_other)
}

/// As `best_partners` for place `i` alone. Beliefs differ by more than pairs do, so the first few
/// partners in falling order decide.
fn best_partners_sorted(
    compact: &ReducedProblem,
    (i, labels): (usize, usize),
    (j, other): (usize, &[f64]),
) -> Vec<f64> {
    let mut order: Vec<usize> = (0..other.len()).collect();
    order.sort_unstable_by(|&a, &b| other[b].total_cmp(&other[a]));
    (0..labels)
        .map(|a| {
            let most = compact.pairs.most(i, a);
            let mut best = f64::NEG_INFINITY;
            for &b in &order {
                if other[b] + most <= best {
                    break;
                }
                best = best.max(other[b] + compact.pairs.value(i, a, j, b));
            }
            best
        })
        .collect()
}

/// The bound as a function of the multipliers.
struct Slope<'a> {
    compact: &'a ReducedProblem,
    limits: &'a [f64],
    /// By place and label.
    shares: Vec<Vec<f64>>,
}

impl Slope<'_> {
    /// The bound at these multipliers, and the use of the items that attain it.
    fn at(&self, multipliers: &[f64]) -> (f64, Vec<f64>) {
        let dimensions = multipliers.len();
        let mut bound: f64 = multipliers.iter().zip(self.limits).map(|(m, l)| m * l).sum();
        let mut used = vec![0.0; dimensions];
        for (place, shares) in self.compact.places.iter().zip(&self.shares) {
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

    /// As [`Self::at`] for the one limit there is: the use alone, asked for many times.
    fn use_at(&self, price: f64) -> f64 {
        let mut used = 0.0;
        for (place, shares) in self.compact.places.iter().zip(&self.shares) {
            let (mut best, mut best_use) = (f64::NEG_INFINITY, place.usage[0]);
            for (label, share) in place.labels.iter().zip(shares) {
                let items = label.items.clone();
                for (value, usage) in place.value[items.clone()].iter().zip(&place.usage[items]) {
                    let reduced = share + (value - price * usage);
                    if reduced > best {
                        (best, best_use) = (reduced, *usage);
                    }
                }
            }
            used += best_use;
        }
        used
    }

    /// One limit: the slope is limit − use, and use falls as the price rises.
    fn bisect(&self, limit: f64) -> f64 {
        let exceeds = |price: f64| self.use_at(price) > limit;
        if !exceeds(0.0) {
            return 0.0;
        }
        let mut high = self.compact.scale / limit.max(1.0);
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
        if self.at(&[low]).0 < self.at(&[high]).0 { low } else { high }
    }

    fn descend(&self, start: &[f64], length: &mut f64) -> Vec<f64> {
        // Prices move in shares of scale over limit.
        let unit: Vec<f64> = self.limits.iter().map(|&l| if l > 0.0 { l } else { 1.0 }).collect();
        let mut now = start.to_vec();
        let (mut bound, mut used) = self.at(&now);
        let mut best = (bound, now.clone());
        for _ in 0..STEPS {
            let slope: Vec<f64> = used
                .iter()
                .zip(self.limits)
                .zip(unit.iter().zip(&now))
                .map(|((used, limit), (unit, price))| {
                    let slope = (used - limit) / unit;
                    if slope < 0.0 && *price == 0.0 { 0.0 } else { slope }
                })
                .collect();
            let norm = slope.iter().map(|g| g * g).sum::<f64>().sqrt();
            if norm == 0.0 {
                break;
            }
            for ((price, slope), unit) in now.iter_mut().zip(&slope).zip(&unit) {
                *price = (*price + *length * self.compact.scale * slope / norm / unit).max(0.0);
            }
            (bound, used) = self.at(&now);
            if bound < best.0 {
                best = (bound, now.clone());
            } else {
                *length *= 0.95;
            }
        }
        best.1
    }
}
