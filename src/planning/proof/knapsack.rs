//! The innermost search: all labels are fixed, so the pairs are, and what remains is a
//! multiple-choice knapsack: one item per place within the limits.

use super::{
    incumbent::{BoundVerdict, Goal, Incumbent, NodeBudget},
    reduced_problem::ReducedProblem,
};
use crate::problem::{
    Combination, diversity::Placed, lazy_constraint::LazyConstraint, score::Scorer,
};

/// Halvings of the price's interval for one leaf: the price is known to a 256th then, and a leaf
/// is too small to be worth more.
const HALVINGS: usize = 8;
/// Items looked at count as a node together, so that a node costs about the same time everywhere.
const ITEMS_PER_NODE: usize = 16;

/// One place's choice.
#[derive(Default)]
struct Group {
    place: usize,
    items: Vec<Choice>,
    /// From this group on, per limit: the least use.
    least_use: Vec<f64>,
    /// From this group on: the most reduced value.
    most: f64,
}

#[derive(Clone, Copy)]
struct Choice {
    item: usize,
    reduced: f64,
}

/// Reusable buffers of the innermost search.
#[derive(Default)]
pub(crate) struct KnapsackLeaf {
    groups: Vec<Group>,
    /// The pairs among the fixed labels.
    pairs: f64,
    /// By depth: the chosen item.
    chosen: Vec<usize>,
}

impl KnapsackLeaf {
    /// The places with the items of their fixed labels.
    pub(crate) fn set<'i>(
        &mut self,
        compact: &ReducedProblem,
        pairs: f64,
        groups: impl Iterator<Item = (usize, &'i [usize])>,
    ) {
        self.pairs = pairs;
        let n = compact.places.len();
        self.groups.resize_with(n, Group::default);
        self.chosen.resize(n, 0);
        for (group, (place, items)) in self.groups.iter_mut().zip(groups) {
            group.place = place;
            group.items.clear();
            group.items.extend(items.iter().map(|&item| Choice { item, reduced: 0.0 }));
        }
    }

    /// Searches the leaf; false where the node budget or a new no-good ended it.
    pub(crate) fn search(
        &mut self,
        compact: &ReducedProblem,
        multipliers: &[f64],
        goal: Goal,
        incumbent: &mut Incumbent,
        constraint: &mut LazyConstraint,
        node_budget: &mut NodeBudget,
    ) -> bool {
        let size: usize = self.groups.iter().map(|g| g.items.len()).sum();
        if !node_budget.spend(1 + (size / ITEMS_PER_NODE) as u64) {
            return false;
        }
        let multipliers = self.sharpen(compact, multipliers);
        let credit: f64 = multipliers.iter().zip(&compact.limits).map(|(m, l)| m * l).sum();
        let most = self.price(compact, &multipliers);
        let credit = credit + compact.rounding(credit);
        let bound = self.pairs + credit + most;
        if incumbent.verdict(bound) == BoundVerdict::Worse {
            return true;
        }
        for group in &mut self.groups {
            let best = group.items[0].reduced;
            group
                .items
                .retain(|c| incumbent.verdict(bound - best + c.reduced) != BoundVerdict::Worse);
        }
        self.groups.sort_by_key(|g| (g.items.len(), g.place));
        self.accumulate(compact);
        let mut walk = Walk { compact, goal, incumbent, constraint, node_budget };
        let used = vec![0.0; compact.dimensions()];
        self.descend(&mut walk, 0, self.pairs, self.pairs + credit, &used)
    }

    /// One limit: multipliers that bound this leaf better.
    fn sharpen(&self, compact: &ReducedProblem, start: &[f64]) -> Vec<f64> {
        let [price] = start else { return start.to_vec() };
        let exceeds = |price: f64| {
            let mut used = 0.0;
            for group in &self.groups {
                let place = &compact.places[group.place];
                let mut best = (f64::NEG_INFINITY, 0.0);
                for choice in &group.items {
                    let usage = place.usage[choice.item];
                    let value = place.value[choice.item] - price * usage;
                    if value > best.0 {
                        best = (value, usage);
                    }
                }
                used += best.1;
            }
            used > compact.limits[0]
        };
        let (mut low, mut high) = if exceeds(*price) {
            (*price, 4.0 * price)
        } else if exceeds(0.25 * price) {
            (0.25 * price, *price)
        } else {
            (0.0, 0.25 * price)
        };
        for _ in 0..HALVINGS {
            let middle = 0.5 * (low + high);
            if exceeds(middle) { low = middle } else { high = middle }
        }
        vec![high]
    }

    /// Prices the items and sorts each group by falling reduced value; returns the groups' most.
    fn price(&mut self, compact: &ReducedProblem, multipliers: &[f64]) -> f64 {
        let mut most = 0.0;
        for group in &mut self.groups {
            let place = &compact.places[group.place];
            for choice in &mut group.items {
                choice.reduced = place.reduced_value(choice.item, multipliers);
            }
            group.items.sort_unstable_by(|a, b| {
                b.reduced.total_cmp(&a.reduced).then_with(|| a.item.cmp(&b.item))
            });
            most += group.items[0].reduced;
        }
        most
    }

    fn accumulate(&mut self, compact: &ReducedProblem) {
        let dimensions = compact.dimensions();
        let mut most = 0.0;
        let mut least_use = vec![0.0; dimensions];
        for group in self.groups.iter_mut().rev() {
            let place = &compact.places[group.place];
            most += group.items.first().map_or(f64::NEG_INFINITY, |c| c.reduced);
            for (d, least) in least_use.iter_mut().enumerate() {
                let uses = group.items.iter().map(|c| place.use_of(c.item, dimensions)[d]);
                *least += uses.fold(f64::INFINITY, f64::min);
            }
            group.most = most;
            group.least_use.clone_from(&least_use);
        }
    }

    /// `value` is what is chosen so far with the pairs, `reduced` the same less the price of use,
    /// with the credit.
    fn descend(
        &mut self,
        walk: &mut Walk,
        depth: usize,
        value: f64,
        reduced: f64,
        used: &[f64],
    ) -> bool {
        if depth == self.groups.len() {
            self.visit(walk, value);
            return true;
        }
        let (place, most) = (self.groups[depth].place, self.groups[depth].most);
        let rest = self.groups.get(depth + 1).map_or(0.0, |g| g.most);
        if walk.incumbent.verdict(reduced + most) == BoundVerdict::Worse {
            return true;
        }
        let dimensions = walk.compact.dimensions();
        let mut now = vec![0.0; dimensions];
        for i in 0..self.groups[depth].items.len() {
            let choice = self.groups[depth].items[i];
            if walk.incumbent.verdict(reduced + choice.reduced + rest) == BoundVerdict::Worse {
                break;
            }
            if !walk.node_budget.spend(1) {
                return false;
            }
            let own = walk.compact.places[place].use_of(choice.item, dimensions);
            now.iter_mut().zip(used).zip(own).for_each(|((now, used), own)| *now = used + own);
            let next = self.groups.get(depth + 1);
            let fits = now
                .iter()
                .zip(&walk.compact.limits)
                .enumerate()
                .all(|(d, (now, limit))| now + next.map_or(0.0, |g| g.least_use[d]) <= *limit);
            if !fits {
                continue;
            }
            self.chosen[depth] = choice.item;
            let value = value + walk.compact.places[place].value[choice.item];
            if !self.descend(walk, depth + 1, value, reduced + choice.reduced, &now)
                || walk.constraint.should_restart()
            {
                return false;
            }
        }
        true
    }

    fn visit(&self, walk: &mut Walk, value: f64) {
        if walk.incumbent.verdict(value) == BoundVerdict::Worse {
            return;
        }
        let mut chosen: Combination = vec![None; self.groups.len()];
        for (group, &item) in self.groups.iter().zip(&self.chosen) {
            chosen[group.place] = walk.compact.candidate(group.place, item);
        }
        let scorer: &Scorer = walk.incumbent.scorer;
        let Some(solution) = scorer.solution(&chosen) else { return };
        let beats = walk
            .incumbent
            .best()
            .is_none_or(|best| scorer.compare(&solution, &best.solution).is_lt());
        if !beats {
            return;
        }
        let Some(placed) = Placed::new(scorer, solution) else { return };
        if placed.least_difference(walk.goal.others) >= walk.goal.least
            && walk.constraint.accepts(&placed.solution)
        {
            walk.incumbent.replace(placed);
        }
    }
}

/// What is the same for all nodes of one leaf.
struct Walk<'w, 'g, 's, 'p, 'j, 'i> {
    compact: &'w ReducedProblem,
    goal: Goal<'g>,
    incumbent: &'w mut Incumbent<'s, 'p>,
    constraint: &'w mut LazyConstraint<'j>,
    node_budget: &'w mut NodeBudget<'i>,
}
