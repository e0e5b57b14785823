//! Labels: who could stand in a place, as far as the other places care.
//!
//! Candidates of one label have equal pair values, the same second place and the same forbidden
//! partners, so what holds between two places is decided by their labels. A candidate that fills a
//! second place has a label in both: in its own place it carries value and use, in the second it
//! stands as a twin that carries nothing and fits to nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::reduction::Reduced;
use crate::problem::{CandidateIndex, CategoryIndex, Problem, equivalence::EquivalenceClasses};

/// What a label means for the other places.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LabelKind {
    /// A candidate of the place's own category.
    Own,
    /// A candidate of the place's own category that fills this other one as well.
    Both(CategoryIndex),
    /// The second place of a candidate of that category.
    Twin(CategoryIndex),
    Empty,
}

#[derive(Clone, Debug)]
pub struct Label {
    pub kind: LabelKind,
    /// Row of pair values.
    pub row: u32,
    /// Class of forbidden partners; 0 has none.
    pub class: u32,
    /// Of the place's items; a twin's and an empty place's is one item of no value and no use.
    pub items: Range<usize>,
}

/// Stands for the candidate of an item that is nobody of the place's own.
pub const NOBODY: CandidateIndex = CandidateIndex::MAX;

/// One place: its labels and their items.
#[derive(Clone, Debug, Default)]
pub struct Place {
    pub labels: Vec<Label>,
    /// By item.
    pub candidate: Vec<CandidateIndex>,
    /// By item.
    pub value: Vec<f64>,
    /// By item and limit, item-major.
    pub usage: Vec<f64>,
}

impl Place {
    /// The place of a category with what the reduction keeps under a strategy.
    pub fn new(
        problem: &Problem,
        classes: &EquivalenceClasses,
        reduced: &Reduced,
        strategy: usize,
        category: CategoryIndex,
    ) -> Self {
        let own = &problem.categories[category].candidates;
        let mut groups: BTreeMap<(LabelKind, u32, u32), Vec<CandidateIndex>> = BTreeMap::new();
        for &x in reduced.kept(strategy, category) {
            let key = classes.key((category, x));
            let kind = key.also_fills.map_or(LabelKind::Own, LabelKind::Both);
            groups.entry((kind, key.row, key.class)).or_default().push(x);
        }
        let mut place = Self::default();
        for ((kind, row, class), group) in groups {
            let start = place.len();
            for x in group {
                let usage: Vec<f64> = own.usage(x).collect();
                place.push(x, own.value(x, strategy), &usage);
            }
            place.labels.push(Label { kind, row, class, items: start..place.len() });
        }
        for p in 0..problem.categories.len() {
            let keys = reduced.kept(strategy, p).iter().map(|&x| classes.key((p, x)));
            let twins: BTreeSet<u32> =
                keys.filter(|key| key.also_fills == Some(category)).map(|key| key.row).collect();
            twins.into_iter().for_each(|row| place.push_nobody(LabelKind::Twin(p), row, problem));
        }
        if !problem.categories[category].required {
            place.push_nobody(LabelKind::Empty, classes.rows.empty(), problem);
        }
        place
    }

    /// Items.
    pub fn len(&self) -> usize {
        self.candidate.len()
    }

    pub fn is_empty(&self) -> bool {
        self.candidate.is_empty()
    }

    /// Use of an item per limit.
    pub(crate) fn use_of(&self, item: usize, dimensions: usize) -> &[f64] {
        &self.usage[item * dimensions..(item + 1) * dimensions]
    }

    /// Value of an item less the price of its use.
    pub(crate) fn reduced_value(&self, item: usize, multipliers: &[f64]) -> f64 {
        let usage = self.use_of(item, multipliers.len());
        self.value[item] - multipliers.iter().zip(usage).map(|(m, u)| m * u).sum::<f64>()
    }

    /// Per label, the best value less the price of use.
    pub(crate) fn label_values(&self, multipliers: &[f64]) -> Vec<f64> {
        let best = |label: &Label| {
            let values = label.items.clone().map(|item| self.reduced_value(item, multipliers));
            values.fold(f64::NEG_INFINITY, f64::max)
        };
        self.labels.iter().map(best).collect()
    }

    /// The least use per limit over some items; infinite where there are none.
    pub(crate) fn least_use(
        &self,
        items: impl Iterator<Item = usize>,
        dimensions: usize,
    ) -> Vec<f64> {
        let mut least = vec![f64::INFINITY; dimensions];
        for item in items {
            let usage = self.use_of(item, dimensions);
            least.iter_mut().zip(usage).for_each(|(least, own)| *least = least.min(*own));
        }
        least
    }

    /// Keeps some items, told by label and item; labels that lose all of theirs go.
    pub fn retain(&mut self, dimensions: usize, keep: impl Fn(usize, usize) -> bool) {
        let old = std::mem::take(self);
        for (l, label) in old.labels.iter().enumerate() {
            let start = self.len();
            for item in label.items.clone().filter(|&item| keep(l, item)) {
                self.push(old.candidate[item], old.value[item], old.use_of(item, dimensions));
            }
            if self.len() > start {
                self.labels.push(Label { items: start..self.len(), ..label.clone() });
            }
        }
    }

    fn push(&mut self, candidate: CandidateIndex, value: f64, usage: &[f64]) {
        self.candidate.push(candidate);
        self.value.push(value);
        self.usage.extend(usage);
    }

    fn push_nobody(&mut self, kind: LabelKind, row: u32, problem: &Problem) {
        let start = self.len();
        self.push(NOBODY, 0.0, &vec![0.0; problem.limits.len()]);
        self.labels.push(Label { kind, row, class: 0, items: start..start + 1 });
    }
}
