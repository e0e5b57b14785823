//! The reduced problem under one strategy, as the bound and the proof read it.

use super::{
    labels::{Label, LabelKind, NOBODY, Place},
    pairs::{Pairs, fits, may_clash},
    reduction::Reduced,
};
use crate::problem::{
    diversity::Placed,
    equivalence::{EquivalenceClasses, Member},
    no_goods::NoGoods,
    score::Scorer,
};

/// Rounds of dropping items that fit beside no other; each can make more of them. Dropping is a
/// saving only, so it may end early; each round costs a look at every pair of labels.
const FIT_ROUNDS: usize = 4;
/// Relative rounding that a sum of uses is granted where it is not exact: thousands of additions
/// of 2^-53 each.
const ROUNDING: f64 = 1e-12;

/// Places with labels and items, pairs, limits. Uses and limits are counted from the least that
/// each place uses anyway: that keeps prices times limits small, and with them rounding errors.
#[derive(Clone, Debug)]
pub struct ReducedProblem {
    pub strategy: usize,
    pub places: Vec<Place>,
    pub pairs: Pairs,
    pub limits: Vec<f64>,
    /// What was taken off, by place and limit.
    base: Vec<Vec<f64>>,
    /// Largest sum of values in absolute terms.
    pub scale: f64,
    /// No combination is feasible: some place has nobody left.
    pub infeasible: bool,
}

impl ReducedProblem {
    /// The problem of `scorer` under one strategy. `nogoods`, `classes` and `reduced` were made of
    /// the same problem, the classes with the same no-goods: labels rest on them.
    ///
    /// Keeps every feasible combination of the reduction, and its order; `infeasible` where there
    /// is none for sure.
    ///
    /// # Panics
    /// Where the parts belong to different problems, or there is no such strategy.
    pub fn new(
        (scorer, nogoods): (&Scorer, &NoGoods),
        classes: &EquivalenceClasses,
        reduced: &Reduced,
        strategy: usize,
    ) -> Self {
        let problem = scorer.problem();
        let n = problem.categories.len();
        debug_assert!(strategy < problem.strategies && classes.categories.len() == n);
        let mut places: Vec<Place> =
            (0..n).map(|c| Place::new(problem, classes, reduced, strategy, c)).collect();
        let mut limits: Vec<f64> = scorer.limits().to_vec();
        for _ in 0..FIT_ROUNDS {
            if !drop_unfit((scorer, nogoods), &mut places, &limits) {
                break;
            }
        }
        let infeasible = places.iter().any(Place::is_empty);
        let dimensions = limits.len();
        let base: Vec<Vec<f64>> = if infeasible {
            vec![vec![0.0; dimensions]; n]
        } else {
            places.iter().map(|p| p.least_use(0..p.len(), dimensions)).collect()
        };
        for (place, base) in places.iter_mut().zip(&base) {
            for (at, used) in place.usage.iter_mut().enumerate() {
                *used -= base[at % dimensions];
            }
        }
        for (d, limit) in limits.iter_mut().enumerate() {
            let rounding = if scorer.is_exact(d) { 0.0 } else { ROUNDING * limit.abs() };
            let least: f64 = base.iter().map(|base| base[d]).sum();
            let most: f64 = places.iter().map(|p| most_use(p, dimensions, d)).sum();
            // What uses the most of everything must fit, in whatever order its uses are added.
            let rounding_of_most = if scorer.is_exact(d) { 0.0 } else { ROUNDING * most };
            *limit = (*limit - least + rounding).min(most + rounding_of_most);
        }
        let pairs = if infeasible {
            Pairs::default()
        } else {
            Pairs::new(scorer, nogoods, &classes.rows, &places)
        };
        debug_assert!(places.iter().all(|p| p.usage.len() == p.len() * dimensions));
        Self { strategy, places, pairs, limits, base, scale: scorer.scale(), infeasible }
    }

    /// The same with a further limit for each of `others`: how many places may hold what it has
    /// there, so that `least` places differ. Values and labels stay, so a dual of this one bounds
    /// that one as well. `None` where no combination can differ in so many places.
    ///
    /// `others` are solutions of the same problem, `scorer` its scorer. Without any limit there are
    /// no further ones either: the caller must look at the differences itself.
    pub(crate) fn apart(&self, scorer: &Scorer, others: &[Placed], least: usize) -> Option<Self> {
        let n = self.places.len();
        let dimensions = self.dimensions();
        // The first limit is special, it decides ties: where there is none, none may become it.
        let others = if dimensions == 0 { &[] } else { others };
        let mut wide = self.clone();
        for (p, place) in wide.places.iter_mut().enumerate() {
            let candidates = &scorer.problem().categories[p].candidates;
            let narrow = std::mem::take(&mut place.usage);
            for label in &place.labels {
                for item in label.items.clone() {
                    place.usage.extend(&narrow[item * dimensions..(item + 1) * dimensions]);
                    let x = place.candidate[item];
                    place.usage.extend(others.iter().map(|other| match label.kind {
                        LabelKind::Twin(_) => 0.0,
                        LabelKind::Empty => f64::from(u8::from(other.leaves_empty(p))),
                        _ => other.shares_with((p, x), candidates) as f64,
                    }));
                }
            }
        }
        let all = dimensions + others.len();
        wide.limits.extend(others.iter().map(|_| n as f64 - least as f64));
        for (place, base) in wide.places.iter_mut().zip(&mut wide.base) {
            let least = place.least_use(0..place.len(), all).split_off(dimensions);
            for (at, used) in place.usage.iter_mut().enumerate() {
                if at % all >= dimensions {
                    *used -= least[at % all - dimensions];
                }
            }
            for (limit, least) in wide.limits[dimensions..].iter_mut().zip(&least) {
                *limit -= least;
            }
            base.extend(least);
        }
        wide.limits[dimensions..].iter().all(|limit| *limit >= 0.0).then_some(wide)
    }

    /// Number of limits.
    pub fn dimensions(&self) -> usize {
        self.limits.len()
    }

    /// Items of all places.
    pub fn size(&self) -> usize {
        self.places.iter().map(Place::len).sum()
    }

    /// A total use of the first limit as this problem counts it.
    pub fn first_use(&self, total: f64) -> f64 {
        total - self.base.iter().filter_map(|base| base.first()).sum::<f64>()
    }

    /// A candidate's use in a place as this problem counts it; `usage` is per limit.
    ///
    /// # Panics
    /// Where there is no such place.
    pub(crate) fn own_use(&self, place: usize, usage: impl Iterator<Item = f64>) -> Vec<f64> {
        usage.zip(&self.base[place]).map(|(used, base)| used - base).collect()
    }

    /// What rounding can add to or take from a bound with this credit: one rounding per place and
    /// pair sum, and some.
    pub(crate) fn rounding(&self, credit: f64) -> f64 {
        (2 * self.places.len() + 8) as f64 * f64::EPSILON * (self.scale + credit.abs())
    }

    /// The label that a candidate of the place would have, though it is not kept itself; `None`
    /// where none like it is kept.
    ///
    /// # Panics
    /// Where there is no such candidate.
    pub(crate) fn label_like(&self, classes: &EquivalenceClasses, member: Member) -> Option<usize> {
        let key = classes.key(member);
        let kind = key.also_fills.map_or(LabelKind::Own, LabelKind::Both);
        let labels = &self.places[member.0].labels;
        labels.iter().position(|l| (l.kind, l.row, l.class) == (kind, key.row, key.class))
    }

    /// The label of a place that a candidate of another category fills; `None` where no candidate
    /// like it is kept.
    ///
    /// # Panics
    /// Where there is no such place or candidate.
    pub(crate) fn twin_of(
        &self,
        classes: &EquivalenceClasses,
        place: usize,
        member: Member,
    ) -> Option<usize> {
        let row = classes.key(member).row;
        let labels = &self.places[place].labels;
        labels.iter().position(|l| l.kind == LabelKind::Twin(member.0) && l.row == row)
    }

    /// The candidate of an item; `None` for a twin and for an empty place.
    ///
    /// # Panics
    /// Where there is no such place or item.
    pub fn candidate(&self, place: usize, item: usize) -> Option<u32> {
        Some(self.places[place].candidate[item]).filter(|&x| x != NOBODY)
    }
}

/// Drops items that exceed a limit even beside the cheapest of all other places; true where any went.
fn drop_unfit(
    (scorer, nogoods): (&Scorer, &NoGoods),
    places: &mut [Place],
    limits: &[f64],
) -> bool {
    let dimensions = limits.len();
    let before: Vec<Place> = places.to_vec();
    let labels: Vec<Vec<Vec<f64>>> = before
        .iter()
        .map(|p| p.labels.iter().map(|l| p.least_use(l.items.clone(), dimensions)).collect())
        .collect();
    let least: Vec<Vec<f64>> = before.iter().map(|p| p.least_use(0..p.len(), dimensions)).collect();
    let mut dropped = false;
    for (i, p) in places.iter_mut().enumerate() {
        let clashes: Vec<bool> = before
            .iter()
            .enumerate()
            .map(|(j, q)| j != i && may_clash(i, &before[i], j, q))
            .collect();
        let rest = |label: &Label| {
            let mut rest = vec![0.0; dimensions];
            for (j, q) in before.iter().enumerate().filter(|&(j, _)| j != i) {
                let own = if clashes[j] {
                    let beside = q.labels.iter().zip(&labels[j]).filter(|(other, _)| {
                        fits((scorer, nogoods), i, (&before[i], label), j, (q, other))
                    });
                    least_of(beside.map(|(_, used)| used), dimensions)
                } else {
                    least[j].clone()
                };
                rest.iter_mut().zip(&own).for_each(|(rest, own)| *rest += own);
            }
            rest
        };
        let rest: Vec<Vec<f64>> = before[i].labels.iter().map(rest).collect();
        p.retain(dimensions, |l, item| {
            let usage = before[i].use_of(item, dimensions);
            let rounding =
                |d: usize| if scorer.is_exact(d) { 0.0 } else { ROUNDING * limits[d].abs() };
            (0..dimensions).all(|d| usage[d] + rest[l][d] <= limits[d] + rounding(d))
        });
        dropped |= p.len() < before[i].len();
    }
    dropped
}

fn least_of<'u>(uses: impl Iterator<Item = &'u Vec<f64>>, dimensions: usize) -> Vec<f64> {
    let mut least = vec![f64::INFINITY; dimensions];
    for used in uses {
        least.iter_mut().zip(used).for_each(|(least, own)| *least = least.min(*own));
    }
    least
}

fn most_use(place: &Place, dimensions: usize, d: usize) -> f64 {
    place.usage.iter().skip(d).step_by(dimensions).copied().fold(0.0, f64::max)
}
