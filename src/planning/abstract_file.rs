//! The abstract problem and its answer as documents, so that any solver can be held against this
//! one on the same file. Field names and meaning are a contract. `abstract_check` reads a problem,
//! `abstract_export` writes one.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::problem::{Problem, Solution};
use super::search::Outcome;
use crate::model::StopReason;

/// An id: text or a whole number. Numbers stand before text; both ascend.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Id {
    Number(i64),
    Text(String),
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => f.write_str(text),
        }
    }
}

impl From<&str> for Id {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// A problem file. Fields that it doesn't know are skipped: other solvers annotate the same file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProblemFile {
    pub categories: Vec<CategoryFile>,
    /// Money first, in whole minor units; any others in any unit.
    pub limits: Vec<f64>,
    /// By signature, square and symmetric; left out, all pairs are worth 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pair_value: Option<Vec<Vec<f64>>>,
    #[serde(default)]
    pub forbidden_pairs: Vec<[Id; 2]>,
    /// Candidates that may not be chosen all together.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nogoods: Vec<Vec<Id>>,
    /// How many more there are than a file holds: an answer without them may be too good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nogoods_left_out: Option<u64>,
    #[serde(default = "default_options")]
    pub options: usize,
    #[serde(default = "default_min_difference")]
    pub min_difference: usize,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CategoryFile {
    pub name: String,
    #[serde(default = "default_required")]
    pub required: bool,
    pub candidates: Vec<CandidateFile>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CandidateFile {
    pub id: Id,
    /// Per strategy.
    pub value: Vec<f64>,
    /// Per limit; ≥ 0.
    #[serde(rename = "use")]
    pub usage: Vec<f64>,
    #[serde(default)]
    pub signature: u32,
}

/// A checked problem file.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    pub problem: Problem,
    /// By category and ordinal.
    pub ids: Vec<Vec<Id>>,
}

/// The answer to a problem file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AnswerFile {
    /// Best first; none where nothing is feasible or nothing was found.
    pub options: Vec<OptionFile>,
    /// No feasible combination is worth more; null where none is feasible.
    pub upper_bound: Option<f64>,
    /// `upper_bound` less the first option's value; null where there is no option.
    pub proven_gap: Option<f64>,
    pub stopped_because: StopReason,
    pub rounds: u32,
    pub combinations_scored: u64,
    pub elapsed_ms: f64,
    /// False: proven that no combination is feasible.
    pub feasible: bool,
    /// Every option is proven to be the best under the diversity rule.
    pub options_proven: bool,
    /// Some pair of options differs in fewer places than wanted, because nothing else is feasible.
    pub fewer_differences: bool,
    /// The clock cut the proof short.
    pub cut_short: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OptionFile {
    /// One per category, in its order; null where an optional one stays empty.
    pub ids: Vec<Option<Id>>,
    pub value: f64,
    /// Ordinal of the best strategy.
    pub strategy: usize,
    /// Per limit.
    #[serde(rename = "use")]
    pub usage: Vec<f64>,
}

fn default_options() -> usize {
    3
}

fn default_min_difference() -> usize {
    2
}

fn default_required() -> bool {
    true
}

impl AnswerFile {
    /// The answer in the file's ids; the caller measured the time, in milliseconds.
    pub fn new(outcome: &Outcome, ids: &[Vec<Id>], elapsed_ms: f64) -> Self {
        let option = |solution: &Solution| OptionFile {
            ids: solution
                .chosen
                .iter()
                .zip(ids)
                .map(|(chosen, ids)| chosen.map(|x| ids[x as usize].clone()))
                .collect(),
            value: solution.value,
            strategy: solution.strategy,
            usage: solution.usage.clone(),
        };
        Self {
            options: outcome.options.iter().map(option).collect(),
            upper_bound: Some(outcome.best_possible).filter(|bound| bound.is_finite()),
            proven_gap: Some(outcome.proven_gap)
                .filter(|gap| gap.is_finite() && !outcome.options.is_empty()),
            stopped_because: outcome.stopped_because,
            rounds: outcome.rounds,
            combinations_scored: outcome.combinations_scored,
            elapsed_ms,
            feasible: outcome.feasible,
            options_proven: outcome.options_proven,
            fewer_differences: outcome.fewer_differences,
            cut_short: outcome.cut_short,
        }
    }
}

#[cfg(test)]
#[path = "abstract_file_tests.rs"]
mod tests;
