//! Whether anything keeps the limits at all: a start where the greedy ones exceed them, or the proof
//! that there is none.
//!
//! For prices λ ≥ 0 of the limits, whatever keeps them costs at most λ·limits; where the cheapest
//! of every place cost more together, nothing keeps them. The best prices come of subgradient steps
//! (the bound is that of the linear relaxation); who exceeds λ·limits even beside the cheapest of
//! all others goes. What is left is searched place by place, the smallest choice first, with the
//! same bound below each choice; before that a local search raises the prices of what it exceeds.

use super::{incumbent::NodeBudget, reduced_problem::ReducedProblem};
use crate::problem::Combination;

/// Steps of the prices for the whole problem, and below each choice.
const ROOT_STEPS: usize = 300;
const STEPS: usize = 16;
/// Uses looked at that count as a node together.
pub(crate) const USES_PER_NODE: usize = 128;
/// Combinations that the caller may refuse before the search is given up.
const REFUSALS_MAX: usize = 64;
/// In shares of the limits: beyond what rounding can make of a sum.
pub(crate) const ROUNDING: f64 = 1e-11;

/// What came of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Fitting {
    /// The caller took what it was shown.
    Found,
    /// Proven: nothing keeps the limits.
    Excluded,
    /// The node_budget was spent, or everything found was refused.
    Open,
}

/// Candidates of a place that may still stand there.
#[derive(Clone)]
pub(crate) struct Group {
    pub place: usize,
    pub items: Vec<usize>,
}

/// What a bound says.
enum Bound {
    Excluded,
    /// The cheapest of all places keep the limits together: item by group.
    Fits(Vec<usize>),
    Open,
}

/// Whom a bound may drop.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Drops {
    Unfit,
    /// So that its prices alone say it all.
    Nobody,
}

/// A search for what keeps the limits of a compact.
pub(crate) struct Fitter<'a> {
    compact: &'a ReducedProblem,
    /// By place: uses in shares of the limits, item-major.
    shares: Vec<Vec<f64>>,
    /// By place and item.
    label_of: Vec<Vec<usize>>,
    pub(crate) has_exclusions: bool,
    /// By place: the item that is fixed.
    fixed: Vec<Option<usize>>,
    refused: usize,
}

impl<'a> Fitter<'a> {
    pub(crate) fn new(compact: &'a ReducedProblem) -> Self {
        let dimensions = compact.dimensions();
        let unit = |d: usize| if compact.limits[d] > 0.0 { compact.limits[d] } else { 1.0 };
        let shares = compact.places.iter().map(|place| {
            let share = |(at, used): (usize, &f64)| used / unit(at % dimensions);
            place.usage.iter().enumerate().map(share).collect()
        });
        let label_of = compact.places.iter().map(|place| {
            let labels = place.labels.iter().enumerate();
            labels.flat_map(|(l, label)| label.items.clone().map(move |_| l)).collect()
        });
        Self {
            shares: shares.collect(),
            label_of: label_of.collect(),
            has_exclusions: compact.pairs.has_exclusions(),
            fixed: vec![None; compact.places.len()],
            refused: 0,
            compact,
        }
    }

    /// Shows combinations that keep the limits to `visit` until it takes one.
    pub(crate) fn run(
        &mut self,
        visit: &mut dyn FnMut(&Combination) -> bool,
        node_budget: &mut NodeBudget,
    ) -> Fitting {
        if self.compact.infeasible {
            return Fitting::Excluded;
        }
        let mut groups = self.groups();
        let (room, mut prices) = (self.room(), self.first_prices());
        if prices.is_empty() {
            return Fitting::Open;
        }
        match self.bound(&mut groups, &room, &mut prices, (ROOT_STEPS, Drops::Unfit), node_budget) {
            Bound::Excluded => return Fitting::Excluded,
            Bound::Fits(items) if self.show(&groups, &items, visit) => return Fitting::Found,
            _ => {}
        }
        if let Some(items) = self.swapped(&groups, &room, &prices, node_budget)
            && self.show(&groups, &items, visit)
        {
            return Fitting::Found;
        }
        match self.descend(groups, &room, &prices, visit, node_budget) {
            Fitting::Excluded if self.refused > 0 => Fitting::Open,
            fitting => fitting,
        }
    }

    /// Prices per unit of each limit at which the cheapest of all places cost more than the limits,
    /// where the first bound finds such.
    pub(crate) fn multipliers(&self, node_budget: &mut NodeBudget) -> Option<Vec<f64>> {
        if self.compact.infeasible {
            return None;
        }
        let (mut groups, mut prices) = (self.groups(), self.first_prices());
        let steps = (ROOT_STEPS, Drops::Nobody);
        let bound = self.bound(&mut groups, &self.room(), &mut prices, steps, node_budget);
        let per_unit =
            |(price, limit): (&f64, &f64)| price / if *limit > 0.0 { *limit } else { 1.0 };
        matches!(bound, Bound::Excluded)
            .then(|| prices.iter().zip(&self.compact.limits).map(per_unit).collect())
    }

    fn groups(&self) -> Vec<Group> {
        let places = self.compact.places.iter().enumerate();
        places.map(|(place, own)| Group { place, items: (0..own.len()).collect() }).collect()
    }

    /// Of each limit, in its own shares.
    fn room(&self) -> Vec<f64> {
        self.compact.limits.iter().map(|&limit| if limit > 0.0 { 1.0 } else { limit }).collect()
    }

    fn first_prices(&self) -> Vec<f64> {
        let dimensions = self.compact.dimensions();
        vec![1.0 / dimensions as f64; dimensions]
    }

    pub(crate) fn share(&self, place: usize, item: usize) -> &[f64] {
        let dimensions = self.compact.dimensions();
        &self.shares[place][item * dimensions..(item + 1) * dimensions]
    }

    /// Raises the prices' bound step by step; drops whoever it excludes.
    fn bound(
        &self,
        groups: &mut [Group],
        room: &[f64],
        prices: &mut Vec<f64>,
        (steps, drops): (usize, Drops),
        node_budget: &mut NodeBudget,
    ) -> Bound {
        let mut best = (f64::NEG_INFINITY, prices.clone());
        let mut length = 1.0;
        let mut costs: Vec<f64> = Vec::new();
        for _ in 0..steps {
            let size: usize = groups.iter().map(|group| group.items.len()).sum();
            if !node_budget.spend(1 + (size * prices.len() / USES_PER_NODE) as u64) {
                break;
            }
            if drops == Drops::Unfit && self.drop_unfit(groups, room) {
                return Bound::Excluded;
            }
            costs.clear();
            let mut cheapest = Vec::with_capacity(groups.len());
            let mut used = vec![0.0; prices.len()];
            for group in groups.iter() {
                let mut least = (f64::INFINITY, 0);
                for &item in &group.items {
                    let share = self.share(group.place, item);
                    let cost: f64 = prices.iter().zip(share).map(|(p, s)| p * s).sum();
                    if cost < least.0 {
                        least = (cost, item);
                    }
                    costs.push(cost);
                }
                let share = self.share(group.place, least.1);
                used.iter_mut().zip(share).for_each(|(sum, own)| *sum += own);
                cheapest.push(least);
            }
            let value = cheapest.iter().map(|least| least.0).sum::<f64>() - dot(prices, room);
            if value > ROUNDING {
                return Bound::Excluded;
            }
            let slope: Vec<f64> = used.iter().zip(room).map(|(used, room)| used - room).collect();
            // What just fills a limit may seem to exceed it; the visitor sums exactly.
            if slope.iter().all(|over| *over <= ROUNDING) {
                let items: Vec<usize> = cheapest.iter().map(|least| least.1).collect();
                if self.stand_together(groups, &items) {
                    return Bound::Fits(items);
                }
            }
            let mut costs = costs.iter();
            let droppable = if drops == Drops::Unfit { &mut *groups } else { &mut [] };
            for (group, least) in droppable.iter_mut().zip(&cheapest) {
                let most = least.0 - value + ROUNDING;
                group.items.retain(|_| costs.next().is_some_and(|cost| *cost <= most));
            }
            if value > best.0 {
                best = (value, prices.clone());
            } else {
                length *= 0.95;
            }
            // Towards a bound just above nothing, the length that would get there were it linear.
            let norm: f64 = slope.iter().map(|s| s * s).sum();
            if norm == 0.0 {
                break;
            }
            let step = length * (1e-6 + 1.05 * -value.min(0.0)) / norm;
            for (price, slope) in prices.iter_mut().zip(&slope) {
                *price = (*price + step * slope).max(0.0);
            }
            let sum: f64 = prices.iter().sum();
            if sum <= 0.0 {
                break;
            }
            prices.iter_mut().for_each(|price| *price /= sum);
        }
        *prices = best.1;
        Bound::Open
    }

    /// Drops whoever exceeds a limit even beside the least use of all others; true where nobody is
    /// left for some place.
    fn drop_unfit(&self, groups: &mut [Group], room: &[f64]) -> bool {
        for (d, room) in room.iter().enumerate() {
            let use_of = |place: usize, item: usize| self.share(place, item)[d];
            let least = |group: &Group| {
                let uses = group.items.iter().map(|&item| use_of(group.place, item));
                uses.fold(f64::INFINITY, f64::min)
            };
            let leasts: Vec<f64> = groups.iter().map(least).collect();
            let spare = room + ROUNDING - leasts.iter().sum::<f64>();
            for (group, least) in groups.iter_mut().zip(&leasts) {
                let place = group.place;
                group.items.retain(|&item| use_of(place, item) - least <= spare);
                if group.items.is_empty() {
                    return true;
                }
            }
        }
        false
    }

    fn descend(
        &mut self,
        mut groups: Vec<Group>,
        room: &[f64],
        prices: &[f64],
        visit: &mut dyn FnMut(&Combination) -> bool,
        node_budget: &mut NodeBudget,
    ) -> Fitting {
        let smallest = (0..groups.len()).min_by_key(|&g| (groups[g].items.len(), groups[g].place));
        let Some(smallest) = smallest else { return Fitting::Excluded };
        let Group { place, items } = groups.swap_remove(smallest);
        let cost = |item: &usize| dot(prices, self.share(place, *item));
        let mut children: Vec<(f64, usize)> = items.iter().map(|i| (cost(i), *i)).collect();
        children.sort_by(|a, b| a.0.total_cmp(&b.0));
        for (_, item) in children {
            self.fixed[place] = Some(item);
            let left =
                self.below(groups.clone(), (place, item), room, prices, (visit, node_budget));
            self.fixed[place] = None;
            if left != Fitting::Excluded {
                return left;
            }
        }
        Fitting::Excluded
    }

    /// What is below a choice.
    fn below(
        &mut self,
        mut groups: Vec<Group>,
        (place, item): (usize, usize),
        room: &[f64],
        prices: &[f64],
        (visit, node_budget): (&mut dyn FnMut(&Combination) -> bool, &mut NodeBudget),
    ) -> Fitting {
        let share = self.share(place, item);
        let room: Vec<f64> = room.iter().zip(share).map(|(room, own)| room - own).collect();
        if self.has_exclusions {
            let label = self.label_of[place][item];
            for group in &mut groups {
                let labels = &self.label_of[group.place];
                let pairs = &self.compact.pairs;
                group.items.retain(|&i| !pairs.excludes(place, label, group.place, labels[i]));
            }
        }
        if groups.iter().any(|group| group.items.is_empty()) {
            return Fitting::Excluded;
        }
        let mut prices = prices.to_vec();
        match self.bound(&mut groups, &room, &mut prices, (STEPS, Drops::Unfit), node_budget) {
            Bound::Excluded => return Fitting::Excluded,
            Bound::Fits(items) => {
                if self.show(&groups, &items, visit) {
                    return Fitting::Found;
                }
            }
            Bound::Open if node_budget.left() == 0 => return Fitting::Open,
            Bound::Open => {}
        }
        if self.refused >= REFUSALS_MAX {
            return Fitting::Open;
        }
        self.descend(groups, &room, &prices, visit, node_budget)
    }

    /// Shows the fixed items with those of the groups.
    fn show(
        &mut self,
        groups: &[Group],
        items: &[usize],
        visit: &mut dyn FnMut(&Combination) -> bool,
    ) -> bool {
        let mut all = self.fixed.clone();
        groups.iter().zip(items).for_each(|(group, item)| all[group.place] = Some(*item));
        let one = |(place, item): (usize, &Option<usize>)| self.compact.candidate(place, (*item)?);
        let taken = visit(&all.iter().enumerate().map(one).collect());
        self.refused += usize::from(!taken);
        taken
    }

    /// Whether no two of these exclude each other.
    pub(crate) fn stand_together(&self, groups: &[Group], items: &[usize]) -> bool {
        let all: Vec<(usize, usize)> =
            groups.iter().map(|g| g.place).zip(items.iter().copied()).collect();
        let clash = |i: usize| all[i + 1..].iter().any(|other| self.clash(all[i], *other));
        !self.has_exclusions || !(0..all.len()).any(clash)
    }

    pub(crate) fn clash(&self, (i, x): (usize, usize), (j, y): (usize, usize)) -> bool {
        self.compact.pairs.excludes(i, self.label_of[i][x], j, self.label_of[j][y])
    }
}

pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
