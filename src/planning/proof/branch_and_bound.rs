//! Depth-first branch and bound over labels under one strategy: finds the best combination that
//! differs enough from given ones, or proves that nothing beats the incumbent.
//!
//! A node fixes the labels of the first places. Its bound: the fixed labels at their best value
//! less the price of use, the pairs among them, and for each open place the best label with its
//! pairs to the fixed ones and its share of the pairs among the open ones. Several sets of
//! multipliers are kept; each bounds, the least counts. Where all labels are fixed, the items are
//! left to `knapsack`.

use super::{
    bound::Dual,
    incumbent::{BoundVerdict, Goal, Incumbent, NodeBudget},
    knapsack::KnapsackLeaf,
    multipliers::{Alive, Multipliers, multiplier_sets, order},
    reduced_problem::ReducedProblem,
};
use crate::problem::{Combination, lazy_constraint::LazyConstraint, no_goods::NoGoods};

/// Pair values that are laid out for the walk; beyond, they are looked up.
const TABLE_MAX: usize = 2_000_000;
/// Labels looked at count as a node together.
const LABELS_PER_NODE: usize = 64;

/// A strategy's branch and bound, built once per goal.
pub(crate) struct Prover<'a> {
    compact: &'a ReducedProblem,
    dual: &'a Dual,
    /// By position: the place.
    order: Vec<usize>,
    alive: Alive,
    sets: Vec<Multipliers>,
    /// By position: where its labels start in `sums`; the last entry is the end.
    offsets: Vec<usize>,
    /// `tables[p * n + q]` for positions p < q: pair value less message, by labels.
    tables: Vec<Vec<f64>>,
    /// By position and label: the share of the pairs with later positions.
    shares: Vec<Vec<f64>>,
    /// By position, label and limit: the least use.
    least_use: Vec<Vec<Vec<f64>>>,
    /// By depth and limit: the least use of all open places.
    open_use: Vec<Vec<f64>>,
    /// By depth: pairs of each label with the fixed ones and its share of those with open places.
    sums: Vec<Vec<f64>>,
    /// By depth and limit: the least use of the fixed labels.
    used: Vec<Vec<f64>>,
    /// By position: the fixed label.
    labels: Vec<usize>,
    nogoods: &'a NoGoods,
    /// By position and label: no-goods over three places or more that its items stand in.
    wide: Vec<Vec<Vec<u32>>>,
}

impl<'a> Prover<'a> {
    /// What can't beat the incumbent is left out.
    pub(crate) fn new(
        compact: &'a ReducedProblem,
        dual: &'a Dual,
        incumbent: &Incumbent,
        nogoods: &'a NoGoods,
    ) -> Self {
        let n = compact.places.len();
        let dimensions = compact.dimensions();
        let order = order(compact);
        let (alive, sets) = multiplier_sets(compact, dual, incumbent, &order);
        let mut offsets = vec![0];
        for &place in &order {
            offsets.push(offsets[offsets.len() - 1] + alive.labels[place].len());
        }
        let least_use: Vec<Vec<Vec<f64>>> = order
            .iter()
            .map(|&p| {
                let least = |items: &Vec<usize>| {
                    compact.places[p].least_use(items.iter().copied(), dimensions)
                };
                alive.items[p].iter().map(least).collect()
            })
            .collect();
        let width = offsets[n];
        let mut prover = Self {
            compact,
            dual,
            open_use: open_use(dimensions, &least_use),
            tables: Vec::new(),
            shares: Vec::new(),
            sums: vec![vec![0.0; width]; n + 1],
            used: vec![vec![0.0; dimensions]; n + 1],
            labels: vec![0; n],
            nogoods,
            wide: wide(compact, nogoods, &order, &alive),
            order,
            alive,
            sets,
            offsets,
            least_use,
        };
        prover.lay_out();
        prover
    }

    /// Searches all; the incumbent is replaced by what beats it. Returns an upper bound on all
    /// that was not searched: `-inf` where the search was exhaustive.
    pub(crate) fn run(
        &mut self,
        goal: Goal,
        incumbent: &mut Incumbent,
        constraint: &mut LazyConstraint,
        node_budget: &mut NodeBudget,
    ) -> f64 {
        if self.alive.items.iter().any(Vec::is_empty) {
            return f64::NEG_INFINITY;
        }
        let mut run =
            Run { goal, incumbent, constraint, node_budget, leaf: KnapsackLeaf::default() };
        let base = self.sets.len() / 2;
        let fixed = vec![0.0; self.sets.len()];
        let (set, bound) = self.bound(&run, 0, &fixed, base);
        if self.is_hopeless(&run, 0, &fixed, bound) {
            return f64::NEG_INFINITY;
        }
        self.descend(&mut run, 0, &fixed, set, bound)
    }

    /// Searches below the fixed labels; returns a bound on what was left unsearched.
    fn descend(
        &mut self,
        run: &mut Run,
        depth: usize,
        fixed: &[f64],
        set: usize,
        bound: f64,
    ) -> f64 {
        if depth == self.order.len() {
            return self.search_leaf(run, fixed, set, bound);
        }
        let span = self.offsets[depth]..self.offsets[depth + 1];
        let values = &self.sets[set].values[span.clone()];
        let terms = values.iter().zip(&self.sums[depth][span]).map(|(value, sum)| value + sum);
        let best = terms.clone().fold(f64::NEG_INFINITY, f64::max);
        let mut children: Vec<(f64, usize)> =
            terms.enumerate().map(|(a, term)| (bound - best + term, a)).collect();
        children.sort_unstable_by(|x, y| y.0.total_cmp(&x.0).then_with(|| x.1.cmp(&y.1)));
        let cost = 1 + (self.offsets[self.order.len()] - self.offsets[depth]) / LABELS_PER_NODE;
        for (i, &(estimate, label)) in children.iter().enumerate() {
            if run.incumbent.verdict(estimate) == BoundVerdict::Worse
                || estimate < self.compact.pairs.blocked_below()
            {
                break;
            }
            if !run.node_budget.spend(cost as u64) {
                return estimate;
            }
            let Some(pairs) = self.fix_label(depth, label) else { continue };
            let at = self.offsets[depth] + label;
            let fixed: Vec<f64> = fixed
                .iter()
                .zip(&self.sets)
                .map(|(sum, set)| sum + set.values[at] + pairs)
                .collect();
            let (set, bound) = self.bound(run, depth + 1, &fixed, set);
            if self.is_hopeless(run, depth + 1, &fixed, bound) {
                continue;
            }
            let left = self.descend(run, depth + 1, &fixed, set, bound);
            if left > f64::NEG_INFINITY {
                // Later children are no better than the next one's estimate.
                return children.get(i + 1).map_or(left, |next| left.max(next.0));
            }
        }
        f64::NEG_INFINITY
    }

    /// Puts a label into the place at this depth and returns its pairs with the fixed ones; `None`
    /// where the limits leave no room for it or a no-good is complete with it.
    fn fix_label(&mut self, depth: usize, label: usize) -> Option<f64> {
        self.labels[depth] = label;
        if self.completes_nogood(depth, label) {
            return None;
        }
        let (before, after) = self.used.split_at_mut(depth + 1);
        for (d, used) in after[0].iter_mut().enumerate() {
            *used = before[depth][d] + self.least_use[depth][label][d];
            if *used + self.open_use[depth + 1][d] > self.compact.limits[d] {
                return None;
            }
        }
        let n = self.order.len();
        let place = self.order[depth];
        let (before, after) = self.sums.split_at_mut(depth + 1);
        let (now, next) = (&before[depth], &mut after[0]);
        next[self.offsets[depth + 1]..].copy_from_slice(&now[self.offsets[depth + 1]..]);
        for position in depth + 1..n {
            let other = self.order[position];
            let span = self.offsets[position]..self.offsets[position + 1];
            let width = span.len();
            if let Some(table) = self.tables.get(depth * n + position) {
                if !table.is_empty() {
                    let row = &table[label * width..(label + 1) * width];
                    next[span].iter_mut().zip(row).for_each(|(sum, pair)| *sum += pair);
                }
            } else {
                let a = self.alive.labels[place][label];
                for (sum, &b) in next[span].iter_mut().zip(&self.alive.labels[other]) {
                    *sum += self.compact.pairs.value(place, a, other, b)
                        - self.dual.message(other, b, place);
                }
            }
        }
        Some(now[self.offsets[depth] + label] - self.shares[depth][label])
    }

    /// Whether the label makes a no-good over three places or more complete. All items of a label
    /// stand in the same ones.
    fn completes_nogood(&self, depth: usize, label: usize) -> bool {
        let Some(own) = self.wide.get(depth).map(|labels| &labels[label]) else { return false };
        own.iter().any(|ordinal| {
            let holds = |position: &usize| {
                self.wide[*position][self.labels[*position]].binary_search(ordinal).is_ok()
            };
            (0..depth).filter(holds).count() + 1 == self.nogoods.arity(*ordinal)
        })
    }

    /// The least bound that the sets of multipliers give, looked for from `start` on, with its set.
    fn bound(&self, run: &Run, depth: usize, fixed: &[f64], start: usize) -> (usize, f64) {
        let mut best = (start, self.bound_at(depth, fixed, start));
        for upwards in [true, false] {
            let mut set = start;
            loop {
                if run.incumbent.verdict(best.1) == BoundVerdict::Worse {
                    return best;
                }
                let next = if upwards { set + 1 } else { set.wrapping_sub(1) };
                if next >= self.sets.len() {
                    break;
                }
                let bound = self.bound_at(depth, fixed, next);
                if bound >= best.1 {
                    break;
                }
                best = (next, bound);
                set = next;
            }
            if best.0 != start {
                break;
            }
        }
        best
    }

    fn bound_at(&self, depth: usize, fixed: &[f64], set: usize) -> f64 {
        let (values, sums) = (&self.sets[set].values, &self.sums[depth]);
        let mut bound = fixed[set] + self.sets[set].credit;
        for span in self.offsets[depth..].windows(2) {
            let labels = values[span[0]..span[1]].iter().zip(&sums[span[0]..span[1]]);
            bound += labels.map(|(value, sum)| value + sum).fold(f64::NEG_INFINITY, f64::max);
        }
        bound
    }

    /// Whether nothing below can beat the incumbent, ties included.
    fn is_hopeless(&self, run: &Run, depth: usize, fixed: &[f64], bound: f64) -> bool {
        if bound < self.compact.pairs.blocked_below() {
            return true;
        }
        match run.incumbent.verdict(bound) {
            BoundVerdict::Worse => true,
            BoundVerdict::Better => false,
            BoundVerdict::Tie => {
                let scorer = run.incumbent.scorer;
                let first = self.compact.first_use(run.incumbent.first_use());
                if self.tie_verdict(run, depth, fixed, first) == BoundVerdict::Worse {
                    return true;
                }
                // What ties in use as well must be smaller in order.
                let no_less_use = self.compact.dimensions() == 0
                    || (scorer.is_exact(0)
                        && self.tie_verdict(run, depth, fixed, first - 1.0) == BoundVerdict::Worse);
                no_less_use && run.incumbent.loses_order(&self.least_combination(depth))
            }
        }
    }

    /// A tie must not use more than the incumbent, so the first limit shrinks to its use.
    fn tie_verdict(&self, run: &Run, depth: usize, fixed: &[f64], first: f64) -> BoundVerdict {
        let bound = |(set, own): (usize, &Multipliers)| {
            let bound = self.bound_at(depth, fixed, set);
            match (own.multipliers.first(), self.compact.limits.first()) {
                (Some(price), Some(limit)) if first < *limit => bound - price * (limit - first),
                _ => bound,
            }
        };
        let least = self.sets.iter().enumerate().map(bound).fold(f64::INFINITY, f64::min);
        run.incumbent.verdict(least)
    }

    /// No combination below is smaller in order.
    fn least_combination(&self, depth: usize) -> Combination {
        let mut least = vec![None; self.order.len()];
        for (position, &place) in self.order.iter().enumerate() {
            let of_label = |items: &Vec<usize>| {
                items.iter().map(|&item| self.compact.candidate(place, item)).min().flatten()
            };
            let items = &self.alive.items[place];
            least[place] = if position < depth {
                of_label(&items[self.labels[position]])
            } else {
                items.iter().map(of_label).min().flatten()
            };
        }
        least
    }

    fn search_leaf(&mut self, run: &mut Run, fixed: &[f64], set: usize, bound: f64) -> f64 {
        let labels = self.labels.iter().zip(&self.offsets);
        let own: f64 = labels.map(|(&a, offset)| self.sets[set].values[offset + a]).sum();
        let items = self.labels.iter().zip(&self.order);
        let items = items.map(|(&a, &place)| (place, self.alive.items[place][a].as_slice()));
        let Run { goal, incumbent, constraint, node_budget, leaf } = run;
        leaf.set(self.compact, fixed[set] - own, items);
        let multipliers = &self.sets[set].multipliers;
        if leaf.search(self.compact, multipliers, *goal, incumbent, constraint, node_budget) {
            f64::NEG_INFINITY
        } else {
            bound
        }
    }

    /// Lays out the pair tables of the walk and the shares with which it starts.
    fn lay_out(&mut self) {
        let n = self.order.len();
        for (position, &place) in self.order.iter().enumerate() {
            let later = &self.order[position + 1..];
            let share = |&a: &usize| self.dual.share(place, a, later.iter().copied());
            self.shares.push(self.alive.labels[place].iter().map(share).collect());
            for (k, &a) in self.alive.labels[place].iter().enumerate() {
                let all = self.compact.pairs.neighbours(place).iter().copied();
                self.sums[0][self.offsets[position] + k] = self.dual.share(place, a, all);
            }
        }
        let size = |(i, j): (usize, usize)| self.alive.labels[i].len() * self.alive.labels[j].len();
        if self.compact.pairs.edges().map(size).sum::<usize>() > TABLE_MAX {
            return;
        }
        self.tables = vec![Vec::new(); n * n];
        for (p, &i) in self.order.iter().enumerate() {
            for (q, &j) in self.order.iter().enumerate().skip(p + 1) {
                if self.compact.pairs.neighbours(i).binary_search(&j).is_err() {
                    continue;
                }
                let table = &mut self.tables[p * n + q];
                for &a in &self.alive.labels[i] {
                    let value = |&b: &usize| {
                        self.compact.pairs.value(i, a, j, b) - self.dual.message(j, b, i)
                    };
                    table.extend(self.alive.labels[j].iter().map(value));
                }
            }
        }
    }
}

/// What is the same for all nodes of one run.
struct Run<'r, 'g, 's, 'p, 'j, 'i> {
    goal: Goal<'g>,
    incumbent: &'r mut Incumbent<'s, 'p>,
    constraint: &'r mut LazyConstraint<'j>,
    node_budget: &'r mut NodeBudget<'i>,
    leaf: KnapsackLeaf,
}

/// Empty where no no-good is that wide.
fn wide(
    compact: &ReducedProblem,
    nogoods: &NoGoods,
    order: &[usize],
    alive: &Alive,
) -> Vec<Vec<Vec<u32>>> {
    let of_label = |place: usize, items: &Vec<usize>| -> Vec<u32> {
        let candidate = items.first().and_then(|&item| compact.candidate(place, item));
        let all = candidate.map_or(&[][..], |candidate| nogoods.of((place, candidate)));
        all.iter().copied().filter(|ordinal| nogoods.arity(*ordinal) > 2).collect()
    };
    let of_place = |&place: &usize| -> Vec<Vec<u32>> {
        alive.items[place].iter().map(|items| of_label(place, items)).collect()
    };
    let all: Vec<Vec<Vec<u32>>> = order.iter().map(of_place).collect();
    if all.iter().flatten().all(Vec::is_empty) { Vec::new() } else { all }
}

fn open_use(dimensions: usize, least_use: &[Vec<Vec<f64>>]) -> Vec<Vec<f64>> {
    let mut open = vec![vec![0.0; dimensions]; least_use.len() + 1];
    for (depth, labels) in least_use.iter().enumerate().rev() {
        for d in 0..dimensions {
            let least = labels.iter().map(|label| label[d]).fold(f64::INFINITY, f64::min);
            open[depth][d] = open[depth + 1][d] + least;
        }
    }
    open
}
