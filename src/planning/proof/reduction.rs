//! Problem reduction: which candidates can stand in one of the best options at all.
//!
//! Per strategy, inside each group, a candidate goes when at least `options` clean others dominate
//! it. Domination is a strict partial order: use not higher in any dimension, value not lower, and
//! a strict edge in first use, value or ordinal, so that putting the dominator in the dominated
//! one's place always wins under `Scorer::compare`.
//!
//! Why `options` layers keep the exact options, whatever the least difference: let X be option k,
//! the best combination that differs enough from the k-1 options before it, and suppose that x in
//! X has `options` dominators. A dominator y that none of the k-1 options holds leaves X with x
//! replaced by y feasible and at least as different from each of them (the only place that changed
//! holds what they don't hold), and it wins over X: a contradiction. At most k-1 < `options`
//! dominators are held by earlier options, so such a y exists. The first `options` dominators of x
//! in any linear extension of the order have fewer dominators themselves, so they are kept.
//!
//! Where a vendor stands in a category in several roles (`same_as`), an earlier option that holds
//! one of them is no different from any of them: each of the k-1 options spoils as many dominators
//! as its vendor has roles, r at most. So `(options - 1) * r + 1` dominators are needed; `options`
//! above stands for r = 1.
//!
//! A group's candidates stand in the same no-goods, so the exchange keeps clear of those as well.
//!
//! Refusals of single combinations break the exchange: X with y might be refused. So a candidate of a refused combination
//! is unclean and does not count as a dominator (it stays a candidate). When the search has ended
//! on a reduction that counts no unclean dominator, a better combination outside of it could be
//! exchanged step by step, with clean dominators only, into a better one inside, which is then
//! not refused: the search would have found it.

use std::collections::{BTreeMap, BTreeSet};

use crate::problem::{
    CandidateIndex, CategoryIndex,
    candidates::Candidates,
    equivalence::{Column, EquivalenceClasses, Member},
    no_goods::NoGoods,
    score::Scorer,
};

/// Groups below this size are sorted whole; larger ones are sifted first.
const SIFT_FROM: usize = 256;
/// Price classes of the sieve.
const SIEVE_CLASSES: usize = 64;
/// Candidates sampled for the price classes.
const SIEVE_SAMPLE: usize = 1024;

/// Kept candidates, ascending, by strategy and category.
#[derive(Clone, Debug, PartialEq)]
pub struct Reduced {
    kept: Vec<Vec<Vec<CandidateIndex>>>,
}

impl Reduced {
    pub fn new(
        (scorer, nogoods): (&Scorer, &NoGoods),
        classes: &EquivalenceClasses,
        unclean: &BTreeSet<Member>,
    ) -> Self {
        let strategies = scorer.problem().strategies;
        let mut kept = vec![Vec::with_capacity(classes.categories.len()); strategies];
        for (category, column) in classes.categories.iter().enumerate() {
            let of_category = &scorer.problem().categories[category].candidates;
            let others = scorer.problem().options.saturating_sub(1);
            let depth = others * most_roles(of_category) + 1;
            for (strategy, kept) in kept.iter_mut().enumerate() {
                let candidates = &scorer.problem().categories[category].candidates;
                let value = candidates.values(strategy);
                let reduction =
                    Reduction { scorer, candidates, column, value, category, unclean, depth };
                kept.push(reduction.run(nogoods));
            }
        }
        Self { kept }
    }

    /// The kept candidates of a category under a strategy, ascending.
    pub fn kept(&self, strategy: usize, category: CategoryIndex) -> &[CandidateIndex] {
        &self.kept[strategy][category]
    }

    /// Candidates kept under a strategy.
    pub fn size(&self, strategy: usize) -> usize {
        self.kept[strategy].iter().map(Vec::len).sum()
    }
}

/// The reduction of one category under one strategy.
struct Reduction<'a, 'p> {
    scorer: &'a Scorer<'p>,
    candidates: &'a Candidates,
    column: &'a Column,
    /// Under the strategy, by candidate.
    value: &'a [f64],
    category: CategoryIndex,
    unclean: &'a BTreeSet<Member>,
    /// Dominators that make a candidate superfluous.
    depth: usize,
}

/// Drops at sight what `options` others of the group dominate: by price class, the value that so
/// many clearly cheaper ones of a sample reach.
#[derive(Clone, Default)]
struct Sieve {
    /// Least use of each class but the first, ascending.
    edges: Vec<f64>,
    bars: Vec<f64>,
}

impl Reduction<'_, '_> {
    fn run(&self, nogoods: &NoGoods) -> Vec<CandidateIndex> {
        let mut kept = Vec::new();
        for group in self.sifted() {
            // All of a group stand in the same no-goods.
            let is_out = |x: &CandidateIndex| nogoods.rule_out((self.category, *x));
            if !nogoods.is_empty() && group.first().is_some_and(is_out) {
                continue;
            }
            self.layers(group, &mut kept);
        }
        kept.sort_unstable();
        kept
    }

    /// By group, the candidates that fit the limits and pass the sieve.
    fn sifted(&self) -> Vec<Vec<CandidateIndex>> {
        let value = self.value;
        let limits = self.scorer.limits();
        let mut groups = vec![Vec::new(); self.column.groups.len()];
        if let [limit] = limits {
            let usage = self.candidates.uses(0);
            let sieves = self.sieves(usage);
            let all = usage.iter().zip(value).zip(&self.column.group).enumerate();
            for (x, ((&used, &value), &group)) in all {
                if used <= *limit && sieves[group as usize].lets_pass(used, value) {
                    groups[group as usize].push(x as CandidateIndex);
                }
            }
            return groups;
        }
        // With several limits, cheaper in the first says nothing about the others.
        for (x, &group) in self.column.group.iter().enumerate() {
            let x = x as CandidateIndex;
            if self.candidates.usage(x).zip(limits).all(|(used, limit)| used <= *limit) {
                groups[group as usize].push(x);
            }
        }
        groups
    }

    /// A sieve for each large group.
    fn sieves(&self, usage: &[f64]) -> Vec<Sieve> {
        let groups = self.column.groups.len();
        let mut sizes = vec![0_usize; groups];
        self.column.group.iter().for_each(|&g| sizes[g as usize] += 1);
        let steps: Vec<usize> =
            sizes.iter().map(|size| size.div_ceil(SIEVE_SAMPLE).max(1)).collect();
        let mut samples: Vec<Vec<CandidateIndex>> = vec![Vec::new(); groups];
        let mut seen = vec![0_usize; groups];
        for (x, &group) in self.column.group.iter().enumerate() {
            let group = group as usize;
            if seen[group] == 0 && sizes[group] >= SIFT_FROM {
                samples[group].push(x as CandidateIndex);
            }
            seen[group] = if seen[group] + 1 == steps[group] { 0 } else { seen[group] + 1 };
        }
        samples.into_iter().map(|sample| self.sieve(sample, usage)).collect()
    }

    fn sieve(&self, mut sample: Vec<CandidateIndex>, usage: &[f64]) -> Sieve {
        if sample.is_empty() {
            return Sieve::default();
        }
        let value = self.value;
        // Cheaper by rounding alone is no strict edge; then the value has to give one.
        let margin = if self.scorer.use_tolerance() > 0.0 { 2.0 * self.scorer.step() } else { 0.0 };
        let depth = self.depth;
        sample.sort_unstable_by(|&a, &b| usage[a as usize].total_cmp(&usage[b as usize]));
        let mut sieve = Sieve { edges: Vec::new(), bars: vec![f64::NEG_INFINITY] };
        let mut cheaper = vec![f64::NEG_INFINITY; depth];
        let mut counted = 0;
        for first in sample.iter().step_by(sample.len().div_ceil(SIEVE_CLASSES)) {
            let edge = usage[*first as usize];
            while usage[sample[counted] as usize] < edge {
                if self.is_clean(sample[counted]) {
                    insert(&mut cheaper, value[sample[counted] as usize]);
                }
                counted += 1;
            }
            sieve.edges.push(edge);
            sieve.bars.push(cheaper[depth - 1] - margin);
        }
        sieve
    }

    /// The exact layers of what is left of a group.
    fn layers(&self, mut group: Vec<CandidateIndex>, kept: &mut Vec<CandidateIndex>) {
        let value = self.value;
        let first = |x: CandidateIndex| self.candidates.usage(x).next().unwrap_or(0.0);
        group.sort_unstable_by(|&a, &b| {
            first(a)
                .total_cmp(&first(b))
                .then_with(|| value[b as usize].total_cmp(&value[a as usize]))
                .then_with(|| a.cmp(&b))
        });
        match self.scorer.limits() {
            [_] => self.layers_of_one_limit(&group, self.candidates.uses(0), kept),
            _ => self.layers_of_many_limits(&group, kept),
        }
    }

    /// In ascending order of use one sweep suffices. Counts of the dominators only those clearly
    /// cheaper, and those of the very same use.
    fn layers_of_one_limit(
        &self,
        group: &[CandidateIndex],
        usage: &[f64],
        kept: &mut Vec<CandidateIndex>,
    ) {
        let value = self.value;
        let depth = self.depth;
        let tolerance = self.scorer.use_tolerance();
        let edge = 2.0 * self.scorer.step();
        // The best values of the clean ones that are clearly cheaper, falling.
        let mut cheaper = vec![f64::NEG_INFINITY; depth];
        let mut counted = 0;
        // The values of the clean ones of the same use so far, falling.
        let mut equal: Vec<f64> = Vec::new();
        let mut equal_use = f64::NEG_INFINITY;
        for &x in group {
            let (used, own) = (usage[x as usize], value[x as usize]);
            if used != equal_use {
                equal.clear();
                equal_use = used;
            }
            while usage[group[counted] as usize] < used - tolerance {
                if self.is_clean(group[counted]) {
                    insert(&mut cheaper, value[group[counted] as usize]);
                }
                counted += 1;
            }
            let clearly_better = equal.partition_point(|&v| v >= own + edge);
            let twins = equal.len() - equal.partition_point(|&v| v > own);
            let above = cheaper.partition_point(|&v| v >= own) + clearly_better + twins;
            if above < depth {
                kept.push(x);
            }
            if self.is_clean(x) {
                equal.push(own);
            }
        }
    }

    /// In ascending order of the first use, those that dominate stand before what they dominate.
    fn layers_of_many_limits(&self, group: &[CandidateIndex], kept: &mut Vec<CandidateIndex>) {
        let depth = self.depth;
        let mut dominators: Vec<CandidateIndex> = Vec::new();
        for &x in group {
            let mut above = 0;
            for i in 0..dominators.len() {
                if self.dominates(dominators[i], x) {
                    // A strong one is likely to dominate the next as well: move it ahead.
                    dominators.swap(i, above);
                    above += 1;
                    if above == depth {
                        break;
                    }
                }
            }
            if above < depth {
                kept.push(x);
                if self.is_clean(x) {
                    dominators.push(x);
                }
            }
        }
    }

    /// The strict partial order of the head comment.
    fn dominates(&self, y: CandidateIndex, x: CandidateIndex) -> bool {
        let value = self.value;
        let (high, low) = (value[y as usize], value[x as usize]);
        let limits = 0..self.scorer.limits().len();
        let uses = |limit: usize| self.candidates.uses(limit);
        let costs_more = |limit: usize| uses(limit)[y as usize] > uses(limit)[x as usize];
        if high < low || limits.clone().any(costs_more) {
            return false;
        }
        let saves = !limits.is_empty()
            && uses(0)[y as usize] < uses(0)[x as usize] - self.scorer.use_tolerance();
        saves || high >= low + 2.0 * self.scorer.step() || (high == low && y < x)
    }

    fn is_clean(&self, x: CandidateIndex) -> bool {
        self.unclean.is_empty() || !self.unclean.contains(&(self.category, x))
    }
}

/// The most roles that one vendor has among the candidates of a category.
fn most_roles(candidates: &Candidates) -> usize {
    let mut roles: BTreeMap<CandidateIndex, usize> = BTreeMap::new();
    for x in 0..candidates.len() as CandidateIndex {
        if let Some(first) = candidates.same_as(x) {
            *roles.entry(first).or_insert(1) += 1;
        }
    }
    roles.into_values().max().unwrap_or(1)
}

impl Sieve {
    /// False for what enough others dominate. Those of a lower class cost less.
    fn lets_pass(&self, used: f64, value: f64) -> bool {
        self.edges.is_empty() || value > self.bars[self.edges.partition_point(|&e| e <= used)]
    }
}

/// Puts a value into a falling list of fixed length.
fn insert(top: &mut [f64], value: f64) {
    let spot = top.partition_point(|&have| have >= value);
    if spot < top.len() {
        top[spot..].rotate_right(1);
        top[spot] = value;
    }
}
