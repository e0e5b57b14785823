//! Problem reduction: which candidates can stand in one of the best options at all.
//!
//! Per strategy and category, inside groups of candidates that are the same to everybody else
//! (equal signature, equal second place, equal forbidden partners), a candidate goes when at least
//! `options` clean others dominate it. Domination is a strict partial order: use not higher in any
//! dimension, value not lower, and a strict edge in first use, value or ordinal, so that putting
//! the dominator in the dominated one's place always wins under `Scorer::compare`.
//!
//! Why `options` layers keep the exact options, whatever the least difference: let X be option k,
//! the best combination that differs enough from the k-1 options before it, and suppose that x in
//! X has `options` dominators. A dominator y that none of the k-1 options holds leaves X with x
//! replaced by y feasible and at least as different from each of them (the only place that changed
//! holds what they don't hold), and it wins over X: a contradiction. At most k-1 < `options`
//! dominators are held by earlier options, so such a y exists. The first `options` dominators of x
//! in any linear extension of the order have fewer dominators themselves, so they are kept.
//!
//! Refusals break the exchange: X with y might be refused. So a candidate of a refused combination
//! is unclean and does not count as a dominator (it stays a candidate). When the search has ended
//! on a reduction that counts no unclean dominator, a better combination outside of it could be
//! exchanged step by step, with clean dominators only, into a better one inside, which is then
//! not refused: the search would have found it.

use std::collections::{BTreeMap, BTreeSet};

use super::labels::Rows;
use super::problem::{CandidateIndex, CategoryIndex};
use super::score::Scorer;

/// A candidate with its category.
pub type Member = (CategoryIndex, CandidateIndex);

/// Kept candidates, ascending, by strategy and category.
#[derive(Clone, Debug, PartialEq)]
pub struct Reduced {
    kept: Vec<Vec<Vec<CandidateIndex>>>,
}

impl Reduced {
    pub fn new(scorer: &Scorer, rows: &Rows, unclean: &BTreeSet<Member>) -> Self {
        let problem = scorer.problem();
        let classes = forbidden_classes(scorer);
        let kept = (0..problem.strategies)
            .map(|strategy| {
                (0..problem.categories.len())
                    .map(|category| {
                        reduce_category(scorer, rows, strategy, category, &classes, unclean)
                    })
                    .collect()
            })
            .collect();
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

fn reduce_category(
    scorer: &Scorer,
    rows: &Rows,
    strategy: usize,
    category: CategoryIndex,
    classes: &BTreeMap<Member, usize>,
    unclean: &BTreeSet<Member>,
) -> Vec<CandidateIndex> {
    let candidates = &scorer.problem().categories[category].candidates;
    let mut groups: BTreeMap<_, Vec<CandidateIndex>> = BTreeMap::new();
    for (index, candidate) in candidates.iter().enumerate() {
        let index = index as CandidateIndex;
        if !scorer.within_limits(&candidate.usage) {
            continue;
        }
        let class = classes.get(&(category, index)).copied().unwrap_or(0);
        groups
            .entry((rows.of(candidate.signature), candidate.also_fills, class))
            .or_default()
            .push(index);
    }
    let first = |x: CandidateIndex| candidates[x as usize].usage.first().copied().unwrap_or(0.0);
    let value = |x: CandidateIndex| candidates[x as usize].value[strategy];
    let depth = scorer.problem().options.max(1);
    let mut all = Vec::new();
    for mut group in groups.into_values() {
        group.sort_unstable_by(|&a, &b| {
            first(a)
                .total_cmp(&first(b))
                .then_with(|| value(b).total_cmp(&value(a)))
                .then_with(|| a.cmp(&b))
        });
        let mut dominators: Vec<CandidateIndex> = Vec::new();
        for x in group {
            let above = dominators
                .iter()
                .filter(|&&y| dominates(scorer, strategy, category, y, x))
                .take(depth)
                .count();
            if above < depth {
                all.push(x);
                if !unclean.contains(&(category, x)) {
                    dominators.push(x);
                }
            }
        }
    }
    all.sort_unstable();
    all
}

/// The strict partial order of the head comment.
fn dominates(
    scorer: &Scorer,
    strategy: usize,
    category: CategoryIndex,
    y: CandidateIndex,
    x: CandidateIndex,
) -> bool {
    let candidates = &scorer.problem().categories[category].candidates;
    let (better, worse) = (&candidates[y as usize], &candidates[x as usize]);
    let (high, low) = (better.value[strategy], worse.value[strategy]);
    if high < low || better.usage.iter().zip(&worse.usage).any(|(own, other)| own > other) {
        return false;
    }
    let saved = match (better.usage.first(), worse.usage.first()) {
        // Rounding may swallow a tiny difference in a sum of fractions.
        (Some(own), Some(other)) if !scorer.is_exact(0) => {
            *own < other - 1e-12 * scorer.limits()[0]
        }
        (Some(own), Some(other)) => own < other,
        _ => false,
    };
    saved || high >= low + 2.0 * scorer.step() || (high == low && y < x)
}

/// Candidates of equal forbidden partners share a class; 0 is nobody's.
pub fn forbidden_classes(scorer: &Scorer) -> BTreeMap<Member, usize> {
    let mut partners: BTreeMap<Member, Vec<Member>> = BTreeMap::new();
    for &[a, b] in scorer.forbidden() {
        partners.entry(a).or_default().push(b);
        partners.entry(b).or_default().push(a);
    }
    let mut classes: BTreeMap<Vec<Member>, usize> = BTreeMap::new();
    partners
        .into_iter()
        .map(|(member, mut others)| {
            others.sort_unstable();
            let next = classes.len() + 1;
            (member, *classes.entry(others).or_insert(next))
        })
        .collect()
}
