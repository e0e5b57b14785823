//! The walk of a certificate's check over what the maxima don't exclude: first the kinds of the
//! places, then the candidates of each tuple of kinds.

use super::{
    check::{Case, Item, least_use},
    pair_value, together,
};
use crate::problem::Combination;

/// What is left of the steps, and what was evaluated.
pub(crate) struct Steps {
    left: u64,
    pub examined: u64,
}

impl Steps {
    pub(crate) fn new(left: u64) -> Self {
        Self { left, examined: 0 }
    }

    fn spend(&mut self, steps: u64) -> bool {
        self.left = self.left.saturating_sub(steps);
        self.left > 0
    }
}

/// The walk over the kinds of the places, and below each tuple of kinds over the items.
pub(crate) struct Walk<'c, 'a> {
    case: &'c Case<'a>,
    /// Σ multipliers × limits per set of multipliers.
    credits: Vec<f64>,
    /// By set, place and kind: the most that an item is worth; `-inf` for a kind without any.
    most: Vec<Vec<Vec<f64>>>,
    /// By place and kind: what the kind's pairs with the fixed places fall short of its messages.
    short: Vec<Vec<Vec<f64>>>,
    /// By place and kind: items, by falling worth at the main multipliers.
    items: Vec<Vec<Vec<Item>>>,
    /// From this place on, per limit: the least use.
    least: Vec<Vec<f64>>,
}

impl<'c, 'a> Walk<'c, 'a> {
    pub(crate) fn new(case: &'c Case<'a>) -> Self {
        let n = case.items.len();
        let sets = &case.evidence.multipliers;
        let kinds = |place: usize| case.evidence.kinds[place].len();
        let mut items: Vec<Vec<Vec<Item>>> = (0..n).map(|p| vec![Vec::new(); kinds(p)]).collect();
        for (place, all) in case.items.iter().enumerate() {
            for item in all {
                items[place][item.kind].push(item.clone());
            }
        }
        let most = sets.iter().map(|set| {
            let of_kind = |(place, items): (usize, &Vec<Item>)| {
                let worth = items.iter().map(|item| case.worth(place, item, set));
                worth.fold(f64::NEG_INFINITY, f64::max)
            };
            let of_place = |(place, kinds): (usize, &Vec<Vec<Item>>)| {
                kinds.iter().map(|items| of_kind((place, items))).collect()
            };
            items.iter().enumerate().map(of_place).collect()
        });
        let most = most.collect();
        let dimensions = case.limits.len();
        let mut least = vec![vec![0.0; dimensions]; n + 1];
        for place in (0..n).rev() {
            let own = least_use(&case.items[place], dimensions);
            for d in 0..dimensions {
                least[place][d] = least[place + 1][d] + own[d];
            }
        }
        let credit = |set: &Vec<f64>| set.iter().zip(&case.limits).map(|(m, l)| m * l).sum();
        let short = vec![(0..n).map(|p| vec![0.0; kinds(p)]).collect(); n + 1];
        Self { case, credits: sets.iter().map(credit).collect(), most, short, items, least }
    }

    /// Evaluates every combination that isn't excluded; false where the steps ran out.
    ///
    /// # Errors
    /// A combination that is worth more than claimed.
    pub(crate) fn run(mut self, steps: &mut Steps) -> Result<bool, String> {
        let mut fixed = vec![usize::MAX; self.items.len()];
        self.kinds(0, &mut fixed, 0.0, steps)
    }

    /// Fixes the kind of one place after the other. `fallen`: what the pairs among the fixed
    /// places fall short of their messages, at most 0.
    fn kinds(
        &mut self,
        place: usize,
        fixed: &mut [usize],
        fallen: f64,
        steps: &mut Steps,
    ) -> Result<bool, String> {
        let (case, n) = (self.case, self.items.len());
        if place == n {
            return self.leaf(fixed, fallen, steps);
        }
        for kind in 0..self.items[place].len() {
            if self.items[place][kind].is_empty() {
                continue;
            }
            if !steps.spend(1 + (n - place) as u64) {
                return Ok(false);
            }
            let with = &case.evidence.kinds[place][kind];
            let clash = (0..place).any(|other| {
                let identity = &case.evidence.kinds[other][fixed[other]].identity;
                let sample = case.samples[place][kind];
                !together((other, identity), (place, &with.identity), sample, case.nogoods)
            });
            if clash || self.completes_nogood(place, kind, fixed) {
                continue;
            }
            fixed[place] = kind;
            let fallen = fallen + self.short[place][place][kind];
            self.spread(place, kind);
            if self.bound(place, fixed, fallen) > case.claim
                && !self.kinds(place + 1, fixed, fallen, steps)?
            {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether one of each set of a no-good stands in the places up to this one.
    fn completes_nogood(&self, place: usize, kind: usize, fixed: &[usize]) -> bool {
        let kinds = &self.case.evidence.kinds;
        kinds[place][kind].identity.nogoods.iter().any(|ordinal| {
            let holds = |other: &usize| {
                let own = &kinds[*other][fixed[*other]].identity.nogoods;
                own.binary_search(ordinal).is_ok()
            };
            (0..place).filter(holds).count() + 1 == self.case.nogoods.arity(*ordinal)
        })
    }

    /// Adds to every open kind what its pair with the newly fixed one falls short.
    fn spread(&mut self, place: usize, kind: usize) {
        let (problem, kinds) = (self.case.problem, &self.case.evidence.kinds);
        let own = &kinds[place][kind];
        let (before, after) = self.short.split_at_mut(place + 1);
        for open in place + 1..kinds.len() {
            for (k, other) in kinds[open].iter().enumerate() {
                let value = pair_value(problem, &own.identity, &other.identity);
                let short = value - own.messages[open] - other.messages[place];
                after[0][open][k] = before[place][open][k] + short;
            }
        }
    }

    /// The least bound that any set of multipliers gives for what is fixed up to `place`.
    fn bound(&self, place: usize, fixed: &[usize], fallen: f64) -> f64 {
        let short = &self.short[place + 1];
        let of_set = |(set, credit): (&Vec<Vec<f64>>, &f64)| {
            let fixed: f64 = (0..=place).map(|p| set[p][fixed[p]]).sum();
            let open: f64 = (place + 1..set.len())
                .map(|p| {
                    let sums = set[p].iter().zip(&short[p]).map(|(most, short)| most + short);
                    sums.fold(f64::NEG_INFINITY, f64::max)
                })
                .sum();
            credit + fallen + fixed + open
        };
        self.most.iter().zip(&self.credits).map(of_set).fold(f64::INFINITY, f64::min)
    }

    /// All kinds are fixed: evaluates the items that their bound doesn't exclude.
    fn leaf(&self, fixed: &[usize], fallen: f64, steps: &mut Steps) -> Result<bool, String> {
        let (case, n) = (self.case, fixed.len());
        let total = |set: usize| -> f64 {
            self.credits[set] + (0..n).map(|p| self.most[set][p][fixed[p]]).sum::<f64>()
        };
        let set = (0..self.credits.len()).min_by(|a, b| total(*a).total_cmp(&total(*b)));
        let set = set.unwrap_or(0);
        let bound = total(set) + fallen;
        let multipliers = &case.evidence.multipliers[set];
        let mut lists: Vec<Vec<(f64, &Item)>> = Vec::with_capacity(n);
        for (place, &kind) in fixed.iter().enumerate() {
            let most = self.most[set][place][kind];
            let items = self.items[place][kind].iter();
            let mut list: Vec<(f64, &Item)> = items
                .map(|item| (case.worth(place, item, multipliers) - most, item))
                .filter(|(fall, _)| bound + fall > case.claim)
                .collect();
            list.sort_by(|a, b| b.0.total_cmp(&a.0));
            lists.push(list);
        }
        let chosen = vec![None; n];
        let mut leaf = KnapsackLeaf { case, lists, least: &self.least, chosen, steps };
        leaf.below(0, bound, &vec![0.0; case.limits.len()])
    }
}

/// The items of one tuple of kinds.
struct KnapsackLeaf<'t, 'a> {
    case: &'t Case<'a>,
    /// By place: what each falls short of its kind's best, at most 0, falling.
    lists: Vec<Vec<(f64, &'t Item)>>,
    least: &'t [Vec<f64>],
    chosen: Combination,
    steps: &'t mut Steps,
}

impl KnapsackLeaf<'_, '_> {
    fn below(&mut self, place: usize, bound: f64, used: &[f64]) -> Result<bool, String> {
        if place == self.lists.len() {
            self.steps.examined += 1;
            return match self.case.value(&self.chosen) {
                Some(value) if value > self.case.claim => {
                    Err(format!("combination {:?} is worth {value}", self.chosen))
                }
                _ => Ok(true),
            };
        }
        for at in 0..self.lists[place].len() {
            let (fall, item) = self.lists[place][at];
            if bound + fall <= self.case.claim {
                break;
            }
            if !self.steps.spend(1) {
                return Ok(false);
            }
            let now: Vec<f64> = used.iter().zip(&item.usage).map(|(sum, own)| sum + own).collect();
            let rest = now.iter().zip(&self.least[place + 1]);
            if rest.zip(&self.case.limits).any(|((now, rest), limit)| now + rest > *limit) {
                continue;
            }
            self.chosen[place] = item.candidate;
            if !self.below(place + 1, bound + fall, &now)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
