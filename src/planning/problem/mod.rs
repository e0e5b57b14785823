//! The abstract problem: choose one candidate per category, maximise value within limits.
//!
//! The domain is gone here: categories, candidates and strategies are ordinals. `assembly` makes
//! a problem of a request and its vendors; `problem_file` reads one from a file.

pub mod candidates;
pub(crate) mod diversity;
pub mod equivalence;
pub(crate) mod lazy_constraint;
pub mod no_goods;
pub mod outcome;
pub mod score;
pub mod score_cache;

use candidates::Candidates;
use no_goods::NoGood;
use serde::{Deserialize, Serialize};

/// Ordinal of a category, in category order.
pub(crate) type CategoryIndex = usize;

/// Ordinal of a candidate inside its category. Candidates of a category stand in ascending order
/// of their ids, so comparing ordinals compares ids.
pub(crate) type CandidateIndex = u32;

/// One way to fill a category's place (and, for a venue that caters, a second place).
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// Value per strategy; includes the value in the second place.
    pub value: Vec<f64>,
    /// Use per limit, in the limit's unit; ≥ 0; money first, in minor units (exact in f64 below
    /// 2^53). Includes the use in the second place.
    pub usage: Vec<f64>,
    /// Row of `pair_value`.
    pub signature: u32,
    /// The other category that it fills as well. It then stands in both: each pair of places
    /// adds its pair value, also the pair of its own two places.
    pub also_fills: Option<CategoryIndex>,
    /// The first candidate of the category that is the same vendor in another role. Two options
    /// with these in one place do not differ there.
    pub same_as: Option<CandidateIndex>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProblemCategory {
    pub required: bool,
    /// A skip that has a value is a candidate of zero use.
    pub candidates: Candidates,
}

/// A problem, whose contract [`Problem::is_sound`] tells: whoever makes one keeps it, whoever
/// solves one relies on it.
///
/// Choose exactly one candidate per required and at most one per optional category, such that Σ usage ≤
/// limits in every dimension and neither a forbidden pair nor a no-good is chosen; maximise the best over the
/// strategies of Σ value + Σ pair_value over the unordered pairs of filled places.
///
/// Ties: lower usage of the first limit, then smaller candidates in category order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Problem {
    /// Strategies; every candidate has that many values. At least 1.
    pub strategies: usize,
    pub categories: Vec<ProblemCategory>,
    pub limits: Vec<f64>,
    /// Square, symmetric, by signature.
    pub pair_value: Vec<Vec<f64>>,
    /// Candidates of different categories that exclude each other.
    pub forbidden_pairs: Vec<[(CategoryIndex, CandidateIndex); 2]>,
    /// Candidates that may not be chosen all together.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nogoods: Vec<NoGood>,
    /// Options wanted.
    pub options: usize,
    /// Places in which two options must differ, where anything feasible does.
    pub min_difference: usize,
}

impl Problem {
    /// Whether every ordinal means something: there is a strategy, candidates have a value per
    /// strategy and a use per limit, pair values are square, forbidden pairs and no-goods name
    /// candidates that exist, pairs those of two categories.
    ///
    /// That pair values are symmetric, uses not negative and all numbers finite is part of the
    /// contract too, and not looked at here.
    pub(crate) fn is_sound(&self) -> bool {
        let exists = |(category, candidate): (CategoryIndex, CandidateIndex)| {
            let category = self.categories.get(category);
            category.is_some_and(|category| (candidate as usize) < category.candidates.len())
        };
        let mut categories = self.categories.iter();
        self.strategies > 0
            && categories.all(|c| c.candidates.has_shape(self.strategies, self.limits.len()))
            && self.pair_value.iter().all(|row| row.len() == self.pair_value.len())
            && self.forbidden_pairs.iter().all(|[a, b]| a.0 != b.0 && exists(*a) && exists(*b))
            && self.nogoods.iter().flat_map(NoGood::members).all(exists)
    }
}

/// What stands in each category's place: the chosen candidate of that category; the candidate of
/// another one that also fills it is not repeated here. `None`: skipped, or filled from elsewhere.
pub type Combination = Vec<Option<CandidateIndex>>;

/// A feasible combination and what it is worth.
#[derive(Clone, Debug, PartialEq)]
pub struct Solution {
    pub chosen: Combination,
    /// Under its best strategy.
    pub value: f64,
    pub strategy: usize,
    /// Per limit.
    pub usage: Vec<f64>,
}
