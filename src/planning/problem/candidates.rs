//! The candidates of a category, column by column: 8 bytes per value and use, 4 for the signature,
//! next to nothing for what few of them have.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Candidate, CandidateIndex, CategoryIndex};

/// Candidates in ascending order of their ids, each with as many values and uses as the first one.
///
/// # Panics
/// Whatever asks for a candidate by its ordinal panics past [`Candidates::len`], and for a value
/// past the last strategy.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Candidates {
    /// By strategy and candidate.
    value: Vec<Vec<f64>>,
    /// By limit and candidate.
    usage: Vec<Vec<f64>>,
    signature: Vec<u32>,
    /// Those that fill a second place.
    also_fills: BTreeMap<CandidateIndex, CategoryIndex>,
    /// Those that are the same vendor as another one.
    same_as: BTreeMap<CandidateIndex, CandidateIndex>,
}

impl Candidates {
    pub fn len(&self) -> usize {
        self.signature.len()
    }

    pub fn is_empty(&self) -> bool {
        self.signature.is_empty()
    }

    pub fn indices(&self) -> std::ops::Range<CandidateIndex> {
        0..self.len() as CandidateIndex
    }

    /// By candidate.
    pub fn values(&self, strategy: usize) -> &[f64] {
        self.value.get(strategy).map_or(&[], Vec::as_slice)
    }

    /// By candidate.
    pub fn uses(&self, limit: usize) -> &[f64] {
        self.usage.get(limit).map_or(&[], Vec::as_slice)
    }

    pub fn value(&self, candidate: CandidateIndex, strategy: usize) -> f64 {
        self.value[strategy][candidate as usize]
    }

    /// Per limit.
    pub fn usage(&self, candidate: CandidateIndex) -> impl Iterator<Item = f64> + '_ {
        self.usage.iter().map(move |column| column[candidate as usize])
    }

    pub fn signature(&self, candidate: CandidateIndex) -> u32 {
        self.signature[candidate as usize]
    }

    pub fn also_fills(&self, candidate: CandidateIndex) -> Option<CategoryIndex> {
        // Most categories have none.
        if self.also_fills.is_empty() { None } else { self.also_fills.get(&candidate).copied() }
    }

    /// Those that fill a second place, with it.
    pub fn filling(&self) -> impl Iterator<Item = (CandidateIndex, CategoryIndex)> + '_ {
        self.also_fills.iter().map(|(candidate, place)| (*candidate, *place))
    }

    pub fn same_as(&self, candidate: CandidateIndex) -> Option<CandidateIndex> {
        if self.same_as.is_empty() { None } else { self.same_as.get(&candidate).copied() }
    }

    /// Adds to every value of a candidate.
    pub(crate) fn add_value(&mut self, candidate: CandidateIndex, bonus: f64) {
        self.value.iter_mut().for_each(|column| column[candidate as usize] += bonus);
    }

    /// A copy of one.
    pub fn get(&self, candidate: CandidateIndex) -> Candidate {
        Candidate {
            value: self.value.iter().map(|column| column[candidate as usize]).collect(),
            usage: self.usage(candidate).collect(),
            signature: self.signature(candidate),
            also_fills: self.also_fills(candidate),
            same_as: self.same_as(candidate),
        }
    }

    /// Copies, in order.
    pub fn iter(&self) -> impl Iterator<Item = Candidate> + '_ {
        self.indices().map(|candidate| self.get(candidate))
    }

    /// Whether each has so many values and uses.
    pub(crate) fn has_shape(&self, strategies: usize, limits: usize) -> bool {
        self.is_empty() || (self.value.len() == strategies && self.usage.len() == limits)
    }

    fn push(&mut self, candidate: Candidate) {
        let index = self.len() as CandidateIndex;
        if index == 0 {
            self.value = vec![Vec::new(); candidate.value.len()];
            self.usage = vec![Vec::new(); candidate.usage.len()];
        }
        debug_assert!(self.has_shape(candidate.value.len(), candidate.usage.len()));
        self.value.iter_mut().zip(&candidate.value).for_each(|(column, v)| column.push(*v));
        self.usage.iter_mut().zip(&candidate.usage).for_each(|(column, u)| column.push(*u));
        self.signature.push(candidate.signature);
        self.also_fills.extend(candidate.also_fills.map(|place| (index, place)));
        self.same_as.extend(candidate.same_as.map(|first| (index, first)));
    }
}

impl FromIterator<Candidate> for Candidates {
    fn from_iter<I: IntoIterator<Item = Candidate>>(all: I) -> Self {
        let mut candidates = Self::default();
        all.into_iter().for_each(|candidate| candidates.push(candidate));
        let columns = candidates.value.iter_mut().chain(&mut candidates.usage);
        columns.for_each(Vec::shrink_to_fit);
        candidates.signature.shrink_to_fit();
        candidates
    }
}
