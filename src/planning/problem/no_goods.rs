//! No-goods: candidates that may not be chosen all together.
//!
//! A no-good holds a set of candidates for each of some categories; a combination that chooses one
//! of each set is cut. One of a single category rules its candidates out, one of two is a block of
//! forbidden pairs. The sets make one statement of what holds for all vendors that are alike.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{CandidateIndex, CategoryIndex, Combination, Problem};

/// A candidate with its category.
type Member = (CategoryIndex, CandidateIndex);

/// Sets of candidates, one of each may not be chosen together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct NoGood {
    /// Categories ascending, each once; candidates ascending, each once, at least one.
    parts: Vec<(CategoryIndex, Vec<CandidateIndex>)>,
}

impl NoGood {
    /// Candidates may come in any order, and for one category in several pieces, which are one set
    /// then. `None` where a set is empty, so that nothing is cut, or where there is no set, so that
    /// everything would be. Whether the candidates exist is the problem's contract.
    pub fn new(
        parts: impl IntoIterator<Item = (CategoryIndex, Vec<CandidateIndex>)>,
    ) -> Option<Self> {
        let mut by_category: BTreeMap<CategoryIndex, Vec<CandidateIndex>> = BTreeMap::new();
        for (category, candidates) in parts {
            by_category.entry(category).or_default().extend(candidates);
        }
        let mut parts: Vec<_> = by_category.into_iter().collect();
        for (_, candidates) in &mut parts {
            candidates.sort_unstable();
            candidates.dedup();
        }
        let cuts = !parts.is_empty() && parts.iter().all(|(_, candidates)| !candidates.is_empty());
        debug_assert!(parts.is_sorted_by(|a, b| a.0 < b.0));
        cuts.then_some(Self { parts })
    }

    /// The same in fewer statements: those that differ in one set alone become one. Together they
    /// cut the same combinations as before; the result is sorted.
    pub fn merged(mut all: Vec<Self>) -> Vec<Self> {
        let axes = all.iter().map(Self::arity).max().unwrap_or(0);
        for axis in 0..axes {
            let mut alike: BTreeMap<
                Vec<(CategoryIndex, Vec<CandidateIndex>)>,
                Vec<CandidateIndex>,
            > = BTreeMap::new();
            for mut nogood in all {
                let Some((_, own)) = nogood.parts.get_mut(axis) else {
                    alike.entry(nogood.parts).or_default();
                    continue;
                };
                let own = std::mem::take(own);
                alike.entry(nogood.parts).or_default().extend(own);
            }
            all = alike
                .into_iter()
                .map(|(mut parts, mut own)| {
                    if let Some((_, emptied)) = parts.get_mut(axis) {
                        own.sort_unstable();
                        own.dedup();
                        *emptied = own;
                    }
                    Self { parts }
                })
                .collect();
        }
        all.sort_unstable();
        all
    }

    /// By category, ascending; the candidates ascend as well.
    pub fn parts(&self) -> &[(CategoryIndex, Vec<CandidateIndex>)] {
        &self.parts
    }

    /// Categories that it names.
    pub fn arity(&self) -> usize {
        self.parts.len()
    }

    /// Whether a combination chooses one of each set. A category that the combination doesn't have
    /// is one that it leaves empty.
    pub fn cuts(&self, chosen: &Combination) -> bool {
        self.parts.iter().all(|(category, candidates)| {
            let own = chosen.get(*category).copied().flatten();
            own.is_some_and(|own| candidates.binary_search(&own).is_ok())
        })
    }

    /// Every candidate that it names.
    pub fn members(&self) -> impl Iterator<Item = Member> + '_ {
        let of = |(category, candidates): &'_ (CategoryIndex, Vec<CandidateIndex>)| {
            let category = *category;
            candidates.clone().into_iter().map(move |x| (category, x))
        };
        self.parts.iter().flat_map(of)
    }

    /// How many lists of single candidates say the same, at least 1; `u64::MAX` stands for more.
    pub fn count(&self) -> u64 {
        let sizes = self.parts.iter().map(|(_, candidates)| candidates.len() as u64);
        sizes.fold(1, u64::saturating_mul)
    }

    /// One of these lists, by its number from 0; numbers from [`Self::count`] on repeat them.
    pub fn list(&self, mut number: u64) -> Vec<Member> {
        let mut list = Vec::with_capacity(self.parts.len());
        for (category, candidates) in &self.parts {
            let size = candidates.len() as u64;
            list.push((*category, candidates[(number % size) as usize]));
            number /= size;
        }
        list
    }
}

/// All no-goods of a problem, and those found since; by ordinal, the problem's first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NoGoods {
    all: Vec<NoGood>,
    /// The ordinals of those that a candidate stands in, ascending.
    of: BTreeMap<Member, Vec<u32>>,
}

impl NoGoods {
    /// The problem's no-goods and those found since, which name candidates of the same problem.
    pub fn new(problem: &Problem, found: &[NoGood]) -> Self {
        let all: Vec<NoGood> = problem.nogoods.iter().chain(found).cloned().collect();
        let mut of: BTreeMap<Member, Vec<u32>> = BTreeMap::new();
        debug_assert!(u32::try_from(all.len()).is_ok(), "ordinals are 4 bytes");
        for (ordinal, nogood) in all.iter().enumerate() {
            for (category, candidates) in &nogood.parts {
                for candidate in candidates {
                    of.entry((*category, *candidate)).or_default().push(ordinal as u32);
                }
            }
        }
        Self { all, of }
    }

    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Categories that the no-good of an ordinal names; of none, more than any has.
    pub fn arity(&self, ordinal: u32) -> usize {
        self.all.get(ordinal as usize).map_or(usize::MAX, NoGood::arity)
    }

    /// The ordinals of those that a candidate stands in, ascending.
    pub fn of(&self, member: Member) -> &[u32] {
        self.of.get(&member).map_or(&[], Vec::as_slice)
    }

    /// The candidates of a category that stand in any, ascending, with their ordinals.
    pub fn members(&self) -> impl Iterator<Item = (Member, &[u32])> {
        self.of.iter().map(|(member, ordinals)| (*member, ordinals.as_slice()))
    }

    /// Whether a candidate can't be chosen at all.
    pub(crate) fn rule_out(&self, member: Member) -> bool {
        self.of(member).iter().any(|ordinal| self.arity(*ordinal) == 1)
    }

    /// Whether two candidates of different categories can't be chosen together.
    pub fn exclude(&self, a: Member, b: Member) -> bool {
        self.share_pair(self.of(a), self.of(b))
    }

    /// Whether two candidates of different categories that stand in these no-goods, each list
    /// ascending as [`Self::of`] tells it, can't be chosen together.
    pub(crate) fn share_pair(&self, a: &[u32], b: &[u32]) -> bool {
        let both = |ordinal: &&u32| b.binary_search(ordinal).is_ok();
        a.iter().filter(both).any(|ordinal| self.arity(*ordinal) == 2)
    }

    /// Whether a combination chooses one of each set of some no-good.
    pub fn cut(&self, chosen: &Combination) -> bool {
        if self.all.is_empty() {
            return false;
        }
        let members =
            chosen.iter().enumerate().filter_map(|(category, own)| Some((category, (*own)?)));
        // The first category of each, so that none is looked at twice.
        let mut begun = members.flat_map(|member| {
            let begins = move |ordinal: &&u32| self.all[**ordinal as usize].parts[0].0 == member.0;
            self.of(member).iter().filter(begins)
        });
        begun.any(|ordinal| self.all[*ordinal as usize].cuts(chosen))
    }
}

#[cfg(test)]
#[path = "no_goods_tests.rs"]
mod tests;
