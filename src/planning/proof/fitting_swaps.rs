//! The local search of a fitting: quick where something keeps the limits, and proves nothing.

use super::{
    fitting::{Fitter, Group, ROUNDING, USES_PER_NODE, dot},
    incumbent::NodeBudget,
};

/// Swaps of the local search.
const SWAPS: usize = 400;
/// A place that was changed rests for so many swaps.
const REST: usize = 3;
/// What the local search multiplies the price of an exceeded limit by.
const RAISE: f64 = 1.3;

impl Fitter<'_> {
    /// The local search: from the cheapest, the swap that exceeds the limits least at the present
    /// prices; where none gains, what is exceeded gets dearer.
    pub(crate) fn swapped(
        &self,
        groups: &[Group],
        room: &[f64],
        prices: &[f64],
        node_budget: &mut NodeBudget,
    ) -> Option<Vec<usize>> {
        let mut prices: Vec<f64> = prices.iter().map(|price| price + 1e-3).collect();
        let cheapest = |group: &Group| {
            let cost = |item: &usize| dot(&prices, self.share(group.place, *item));
            group.items.iter().copied().min_by(|a, b| cost(a).total_cmp(&cost(b)))
        };
        let mut items: Vec<usize> = groups.iter().map(cheapest).collect::<Option<_>>()?;
        if !self.stand_together(groups, &items) {
            return None;
        }
        let mut rests_until = vec![0; groups.len()];
        let size: usize = groups.iter().map(|group| group.items.len()).sum();
        for swap in 1..=SWAPS {
            if !node_budget.spend(1 + (size * prices.len() / USES_PER_NODE) as u64) {
                return None;
            }
            let mut over: Vec<f64> = room.iter().map(|room| -room).collect();
            for (group, item) in groups.iter().zip(&items) {
                let share = self.share(group.place, *item);
                over.iter_mut().zip(share).for_each(|(sum, own)| *sum += own);
            }
            if over.iter().all(|over| *over <= ROUNDING) {
                return Some(items);
            }
            let excess = |over: &mut dyn Iterator<Item = f64>| -> f64 {
                over.zip(&prices).map(|(over, price)| over.max(0.0) * price).sum()
            };
            let now = excess(&mut over.iter().copied());
            let mut best: Option<(f64, usize, usize)> = None;
            for (g, group) in groups.iter().enumerate() {
                if rests_until[g] > swap {
                    continue;
                }
                let old = self.share(group.place, items[g]);
                for &item in group.items.iter().filter(|item| **item != items[g]) {
                    let new = self.share(group.place, item);
                    let then =
                        over.iter().zip(old).zip(new).map(|((sum, old), new)| sum - old + new);
                    let value = excess(&mut { then });
                    if best.is_some_and(|best| value >= best.0) {
                        continue;
                    }
                    let others = groups.iter().zip(&items).enumerate().filter(|(o, _)| *o != g);
                    let mut others = others.map(|(_, (group, item))| (group.place, *item));
                    if self.has_exclusions && others.any(|o| self.clash((group.place, item), o)) {
                        continue;
                    }
                    best = Some((value, g, item));
                }
            }
            let (value, g, item) = best?;
            items[g] = item;
            rests_until[g] = swap + REST;
            if value >= now {
                let raised = prices.iter_mut().zip(&over).filter(|(_, over)| **over > 0.0);
                raised.for_each(|(price, _)| *price *= RAISE);
            }
        }
        None
    }
}
