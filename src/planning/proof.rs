//! Depth-first branch and bound over labels under one strategy: finds the best combination that
//! differs enough from given ones, or proves that nothing beats the incumbent.
//!
//! A node fixes the labels of the first places. Its bound: the fixed labels at their best value
//! less the price of use, the pairs among them, and for each open place the best label with its
//! pairs to the fixed ones and its share of the pairs among the open ones. Several multipliers
//! ("rungs") are kept; each bounds, the least counts. A full tuple of labels is left to `tuple`.

use super::bound::Dual;
use super::labels::{Model, NOBODY};
use super::problem::Combination;
use super::target::{Allowance, Goal, Outlook, Target};
use super::tuple::Tuple;
use super::verdict::Judge;

/// Rungs as multiples of the best multipliers.
const RUNGS: [f64; 7] = [0.6, 0.75, 0.88, 1.0, 1.15, 1.4, 2.0];
/// The rung of the best multipliers.
const BASE: usize = 3;

/// One set of multipliers and what the labels are worth at it.
pub struct Rung {
    pub multipliers: Vec<f64>,
    /// Σ multiplier × limit.
    pub credit: f64,
    /// By place and label: the best value less the price of use; `-inf` where no item is left.
    values: Vec<Vec<f64>>,
    /// By depth, position and label: values plus shares of the pairs among open places.
    hopes: Vec<Vec<Vec<f64>>>,
}

/// A strategy's branch and bound; built once per goal.
pub struct Prover<'a> {
    model: &'a Model,
    /// By position: the place.
    order: Vec<usize>,
    /// By place and label: the items that can be part of something better than the incumbent.
    alive: Vec<Vec<Vec<usize>>>,
    rungs: Vec<Rung>,
    /// By depth: the pairs among open places that no share covers.
    remainders: Vec<f64>,
    /// By place, label and limit: the least use.
    least_use: Vec<Vec<Vec<f64>>>,
    /// By depth and limit: the least use of all open places.
    open_use: Vec<Vec<f64>>,
    /// By depth, position and label: pairs with the fixed labels.
    sums: Vec<Vec<Vec<f64>>>,
    /// By position: the fixed label.
    labels: Vec<usize>,
}

impl<'a> Prover<'a> {
    /// `target` holds the incumbent already: what can't beat it is left out.
    pub fn new(model: &'a Model, dual: &Dual, target: &Target) -> Self {
        let n = model.places.len();
        let order = order(model);
        let mut ladder: Vec<Vec<f64>> = RUNGS
            .iter()
            .map(|factor| dual.multipliers.iter().map(|m| m * factor).collect())
            .collect();
        if dual.multipliers.iter().all(|&m| m == 0.0) {
            ladder.truncate(1);
        }
        if target.best().is_some() && model.dimensions() > 0 {
            // A tie in value is decided by use: to the incumbent's use the limit shrinks.
            let mut limits = model.limits.clone();
            limits[0] = limits[0].min(target.first_use());
            ladder.push(dual.multipliers_for(model, &limits));
        }
        let mut alive: Vec<Vec<Vec<usize>>> = model
            .places
            .iter()
            .map(|place| place.labels.iter().map(|l| l.items.clone().collect()).collect())
            .collect();
        let shares = shares(model, dual, &order);
        let remainders: Vec<f64> =
            (0..=n).map(|depth| remainders(model, dual, &order[depth..])).collect();
        let mut rungs: Vec<Rung> = Vec::new();
        for multipliers in ladder {
            let rung = Rung::new(model, multipliers, &alive, &order, &shares);
            rung.fix(model, &order, remainders[0], target, &mut alive);
            rungs.push(rung);
        }
        for rung in &mut rungs {
            *rung = Rung::new(model, rung.multipliers.clone(), &alive, &order, &shares);
        }
        let least_use = least_use(model, &alive);
        let open_use = open_use(model, &order, &least_use);
        let width = |position: &usize| model.places[*position].labels.len();
        let level: Vec<Vec<f64>> = order.iter().map(|p| vec![0.0; width(p)]).collect();
        Self {
            model,
            alive,
            rungs,
            remainders,
            least_use,
            open_use,
            sums: vec![level; n + 1],
            labels: vec![0; n],
            order,
        }
    }

    /// Searches all; the target's incumbent is replaced by what beats it. Returns an upper bound
    /// on all that was not searched: `-inf` where the search was exhaustive.
    pub fn run(
        &mut self,
        goal: Goal,
        target: &mut Target,
        judge: &mut Judge,
        allowance: &mut Allowance,
    ) -> f64 {
        let mut run = Run { goal, target, judge, allowance, tuple: Tuple::default() };
        let base = BASE.min(self.rungs.len() - 1);
        let fixed = vec![0.0; self.rungs.len()];
        let (rung, bound) = self.bound(&run, 0, &fixed, base);
        if self.is_hopeless(&run, 0, &fixed, bound) {
            return f64::NEG_INFINITY;
        }
        self.descend(&mut run, 0, &fixed, rung, bound)
    }

    /// Searches below the fixed labels; returns a bound on what was left unsearched.
    fn descend(
        &mut self,
        run: &mut Run,
        depth: usize,
        fixed: &[f64],
        rung: usize,
        bound: f64,
    ) -> f64 {
        if depth == self.order.len() {
            return self.search_tuple(run, fixed, rung, bound);
        }
        let place = self.order[depth];
        let hopes = &self.rungs[rung].hopes[depth][depth];
        let sums = &self.sums[depth][depth];
        let terms: Vec<f64> = hopes.iter().zip(sums).map(|(hope, sum)| hope + sum).collect();
        let best = terms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let mut children: Vec<(f64, usize)> = terms
            .iter()
            .enumerate()
            .filter(|&(a, _)| !self.alive[place][a].is_empty())
            .map(|(a, term)| (bound - best + term, a))
            .collect();
        children.sort_unstable_by(|x, y| y.0.total_cmp(&x.0).then_with(|| x.1.cmp(&y.1)));
        for (i, &(estimate, label)) in children.iter().enumerate() {
            if run.target.outlook(estimate) == Outlook::Worse
                || estimate < self.model.blocked_below()
            {
                break;
            }
            if !run.allowance.spend(1) {
                return estimate;
            }
            if !self.fix_label(depth, label) {
                continue;
            }
            let pairs = self.sums[depth][depth][label];
            let fixed: Vec<f64> = fixed
                .iter()
                .zip(&self.rungs)
                .map(|(sum, rung)| sum + rung.values[place][label] + pairs)
                .collect();
            let (rung, bound) = self.bound(run, depth + 1, &fixed, rung);
            if self.is_hopeless(run, depth + 1, &fixed, bound) {
                continue;
            }
            let left = self.descend(run, depth + 1, &fixed, rung, bound);
            if left > f64::NEG_INFINITY {
                // Later children are no better than the next one's estimate.
                return children.get(i + 1).map_or(left, |next| left.max(next.0));
            }
        }
        f64::NEG_INFINITY
    }

    /// Puts a label into the place at this depth; false where the limits leave no room for it.
    fn fix_label(&mut self, depth: usize, label: usize) -> bool {
        self.labels[depth] = label;
        for (d, limit) in self.model.limits.iter().enumerate() {
            let fixed = self.labels[..=depth].iter().zip(&self.order);
            let used: f64 = fixed.map(|(&a, &place)| self.least_use[place][a][d]).sum();
            if used + self.open_use[depth + 1][d] > *limit * (1.0 + 1e-12) {
                return false;
            }
        }
        let (before, after) = self.sums.split_at_mut(depth + 1);
        let place = self.order[depth];
        for (position, &other) in self.order.iter().enumerate().skip(depth + 1) {
            let sums = &mut after[0][position];
            sums.copy_from_slice(&before[depth][position]);
            self.model.add_pairs(place, label, other, sums);
        }
        true
    }

    /// The least bound found on the ladder, beginning at a rung, and its rung.
    fn bound(&self, run: &Run, depth: usize, fixed: &[f64], start: usize) -> (usize, f64) {
        let mut best = (start, self.bound_at(depth, fixed, start));
        for upwards in [true, false] {
            let mut rung = start;
            loop {
                if run.target.outlook(best.1) == Outlook::Worse {
                    return best;
                }
                let next = if upwards { rung + 1 } else { rung.wrapping_sub(1) };
                if next >= self.rungs.len() {
                    break;
                }
                let bound = self.bound_at(depth, fixed, next);
                if bound >= best.1 {
                    break;
                }
                best = (next, bound);
                rung = next;
            }
            if best.0 != start {
                break;
            }
        }
        best
    }

    fn bound_at(&self, depth: usize, fixed: &[f64], rung: usize) -> f64 {
        let hopes = &self.rungs[rung].hopes[depth];
        let sums = &self.sums[depth];
        let mut bound = fixed[rung] + self.rungs[rung].credit + self.remainders[depth];
        for (hopes, sums) in hopes.iter().zip(sums).skip(depth) {
            let best = hopes.iter().zip(sums).map(|(hope, sum)| hope + sum);
            bound += best.fold(f64::NEG_INFINITY, f64::max);
        }
        bound
    }

    /// Whether nothing below can beat the incumbent, ties included.
    fn is_hopeless(&self, run: &Run, depth: usize, fixed: &[f64], bound: f64) -> bool {
        if bound < self.model.blocked_below() {
            return true;
        }
        match run.target.outlook(bound) {
            Outlook::Worse => true,
            Outlook::Better => false,
            Outlook::Tie => {
                // A tie must use no more than the incumbent: the first limit shrinks to that.
                let tie = |use_below: f64| {
                    (0..self.rungs.len())
                        .map(|rung| self.bound_with_first(depth, fixed, rung, use_below))
                        .fold(f64::INFINITY, f64::min)
                };
                let first = run.target.first_use();
                run.target.outlook(tie(first)) == Outlook::Worse
                    || (run.target.scorer.problem().limits.is_empty()
                        || (run.target.scorer.is_exact(0)
                            && run.target.outlook(tie(first - 1.0)) == Outlook::Worse))
                        && run.target.loses_order(&self.least_combination(depth))
            }
        }
    }

    fn bound_with_first(&self, depth: usize, fixed: &[f64], rung: usize, first: f64) -> f64 {
        let bound = self.bound_at(depth, fixed, rung);
        match (self.rungs[rung].multipliers.first(), self.model.limits.first()) {
            (Some(price), Some(limit)) if first < *limit => bound - price * (limit - first),
            _ => bound,
        }
    }

    /// No combination below is smaller in order.
    fn least_combination(&self, depth: usize) -> Combination {
        let mut least = vec![None; self.order.len()];
        for (position, &place) in self.order.iter().enumerate() {
            let of_label = |a: usize| {
                let items = self.alive[place][a].iter();
                items
                    .map(|&item| {
                        Some(self.model.places[place].candidate[item]).filter(|&x| x != NOBODY)
                    })
                    .min()
            };
            least[place] = if position < depth {
                of_label(self.labels[position]).flatten()
            } else {
                (0..self.alive[place].len()).filter_map(of_label).min().flatten()
            };
        }
        least
    }

    fn search_tuple(&mut self, run: &mut Run, fixed: &[f64], rung: usize, bound: f64) -> f64 {
        let pairs = {
            let values = &self.rungs[rung].values;
            let own: f64 =
                self.labels.iter().zip(&self.order).map(|(&a, &place)| values[place][a]).sum();
            fixed[rung] - own
        };
        let groups = self.labels.iter().zip(&self.order);
        run.tuple.set(self.model, groups.map(|(&a, &p)| (p, self.alive[p][a].as_slice())));
        let Run { goal, target, judge, allowance, tuple } = run;
        let done = tuple.search(
            self.model,
            &self.rungs[rung].multipliers,
            pairs,
            *goal,
            target,
            judge,
            allowance,
        );
        if done { f64::NEG_INFINITY } else { bound }
    }
}

/// What is the same for all nodes of one run.
struct Run<'r, 'g, 's, 'p, 'j, 'i> {
    goal: Goal<'g>,
    target: &'r mut Target<'s, 'p>,
    judge: &'r mut Judge<'j>,
    allowance: &'r mut Allowance<'i>,
    tuple: Tuple,
}

impl Rung {
    fn new(
        model: &Model,
        multipliers: Vec<f64>,
        alive: &[Vec<Vec<usize>>],
        order: &[usize],
        shares: &[Vec<Vec<f64>>],
    ) -> Self {
        let credit = multipliers.iter().zip(&model.limits).map(|(m, l)| m * l).sum();
        let values: Vec<Vec<f64>> = model
            .places
            .iter()
            .zip(alive)
            .map(|(place, labels)| {
                let best = |items: &Vec<usize>| {
                    let values = items.iter().map(|&item| place.reduced_value(item, &multipliers));
                    values.fold(f64::NEG_INFINITY, f64::max)
                };
                labels.iter().map(best).collect()
            })
            .collect();
        let hopes = shares
            .iter()
            .map(|level| {
                let hopes = |(shares, place): (&Vec<f64>, &usize)| {
                    shares.iter().zip(&values[*place]).map(|(s, v): (&f64, &f64)| s + v).collect()
                };
                level.iter().zip(order).map(hopes).collect()
            })
            .collect();
        Self { multipliers, credit, values, hopes }
    }

    /// Reduced-cost fixing: drops the items that the root's bound excludes.
    fn fix(
        &self,
        model: &Model,
        order: &[usize],
        remainder: f64,
        target: &Target,
        alive: &mut [Vec<Vec<usize>>],
    ) {
        let most = |hopes: &Vec<f64>| hopes.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let best: Vec<f64> = self.hopes[0].iter().map(most).collect();
        let root = self.credit + remainder + best.iter().sum::<f64>();
        for (position, &place) in order.iter().enumerate() {
            for (a, items) in alive[place].iter_mut().enumerate() {
                let label = root - best[position] + self.hopes[0][position][a];
                items.retain(|&item| {
                    let value = model.places[place].reduced_value(item, &self.multipliers);
                    let bound = label - (self.values[place][a] - value);
                    target.outlook(bound) != Outlook::Worse
                });
            }
        }
    }
}

/// The places in the order in which the search fixes them: those tied by second places first,
/// then those with most to decide.
fn order(model: &Model) -> Vec<usize> {
    use super::labels::Role;
    let tied = |place: usize| {
        model.places[place].labels.iter().any(|l| !matches!(l.role, Role::Own | Role::Empty))
    };
    let mut order: Vec<usize> = (0..model.places.len()).collect();
    order.sort_by_key(|&p| (!tied(p), model.places[p].labels.len() == 1, p));
    order
}

/// By depth, position and label: the share of the pairs among the places open at that depth.
fn shares(model: &Model, dual: &Dual, order: &[usize]) -> Vec<Vec<Vec<f64>>> {
    (0..=order.len())
        .map(|depth| {
            let share = |(position, &place): (usize, &usize)| {
                let labels = 0..model.places[place].labels.len();
                let open = |a| dual.share(place, a, order[depth..].iter().copied());
                labels.map(|a| if position < depth { 0.0 } else { open(a) }).collect()
            };
            order.iter().enumerate().map(share).collect()
        })
        .collect()
}

fn remainders(model: &Model, dual: &Dual, open: &[usize]) -> f64 {
    let pairs =
        open.iter().enumerate().flat_map(|(k, &i)| open[k + 1..].iter().map(move |&j| (i, j)));
    pairs.map(|(i, j)| dual.remainder(model, i.min(j), i.max(j))).sum()
}

fn least_use(model: &Model, alive: &[Vec<Vec<usize>>]) -> Vec<Vec<Vec<f64>>> {
    let dimensions = model.dimensions();
    let of = |place: &super::labels::Place, items: &Vec<usize>| {
        let mut least = vec![f64::INFINITY; dimensions];
        for &item in items {
            let usage = place.use_of(item, dimensions);
            least.iter_mut().zip(usage).for_each(|(least, own)| *least = least.min(*own));
        }
        least
    };
    let places = model.places.iter().zip(alive);
    places.map(|(place, labels)| labels.iter().map(|items| of(place, items)).collect()).collect()
}

fn open_use(model: &Model, order: &[usize], least_use: &[Vec<Vec<f64>>]) -> Vec<Vec<f64>> {
    let least = |place: usize, d: usize| {
        least_use[place].iter().map(|label| label[d]).fold(f64::INFINITY, f64::min)
    };
    let of = |depth: usize| {
        let sum = |d| order[depth..].iter().map(|&place| least(place, d)).sum();
        (0..model.dimensions()).map(sum).collect()
    };
    (0..=order.len()).map(of).collect()
}
