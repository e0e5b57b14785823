//! The abstract problem and its answer as documents, so that any solver can be held against this
//! one on the same file. Field names and meaning are a contract. `abstract_check` reads a problem
//! within the bounds of `abstract_bounds`, `abstract_ties` folds its ties, `abstract_export` writes
//! one.

pub(crate) mod blends;
pub(crate) mod bounds;
pub(crate) mod check;
pub mod export;
pub(crate) mod ids;
pub(crate) mod ties;

use std::collections::BTreeMap;
use std::fmt;

use bounds::{
    CANDIDATES_MAX, CATEGORIES_MAX, FORBIDDEN_PAIRS_MAX, LIMITS_MAX, NOGOODS_MAX, SIGNATURES_MAX,
    STRATEGIES_MAX, Strict, TIES_MAX, list, objects, table,
};
use serde::de::{Deserializer, Error, Visitor};
use serde::{Deserialize, Serialize};

use crate::{
    problem::{Combination, Problem, Solution, equivalence::Member, score::chosen_candidates},
    search::Outcome,
};
use model::StopReason;

/// An id: text or a whole number. Numbers stand before text; both ascend.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
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

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(IdVisitor)
    }
}

struct IdVisitor;

impl Visitor<'_> for IdVisitor {
    type Value = Id;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an id: text or a whole number")
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Id, E> {
        Ok(Id::Number(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Id, E> {
        let large = |_| E::custom(format!("the number {number} is too large for an id"));
        i64::try_from(number).map(Id::Number).map_err(large)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Id, E> {
        Ok(Id::Text(text.to_owned()))
    }
}

/// A problem file. Fields that it doesn't know are skipped: other solvers annotate the same file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProblemFile {
    #[serde(deserialize_with = "objects::<_, _, CATEGORIES_MAX>")]
    pub categories: Vec<CategoryFile>,
    /// Money first, in whole minor units; any others in any unit.
    #[serde(deserialize_with = "list::<_, _, LIMITS_MAX>")]
    pub limits: Vec<f64>,
    /// By signature, square and symmetric; left out, all pairs are worth 0.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "table::<_, SIGNATURES_MAX>"
    )]
    pub pair_value: Option<Vec<Vec<f64>>>,
    #[serde(default, deserialize_with = "list::<_, _, FORBIDDEN_PAIRS_MAX>")]
    pub forbidden_pairs: Vec<[Id; 2]>,
    /// Candidates that are chosen both or neither; each pair is worth what its signatures say.
    #[serde(default, deserialize_with = "list::<_, _, TIES_MAX>")]
    pub ties: Vec<[Id; 2]>,
    /// Candidates that may not be chosen all together.
    #[serde(default, deserialize_with = "list::<_, _, NOGOODS_MAX>")]
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
    #[serde(deserialize_with = "objects::<_, _, CANDIDATES_MAX>")]
    pub candidates: Vec<CandidateFile>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CandidateFile {
    pub id: Id,
    /// Per strategy.
    #[serde(deserialize_with = "list::<_, _, STRATEGIES_MAX>")]
    pub value: Vec<f64>,
    /// Per limit; ≥ 0.
    #[serde(rename = "use", deserialize_with = "list::<_, _, LIMITS_MAX>")]
    pub usage: Vec<f64>,
    #[serde(default)]
    pub signature: u32,
    /// The candidate of the same category that is the same vendor in another role: two options
    /// with these in one place do not differ there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub same_as: Option<Id>,
}

impl ProblemFile {
    /// As `deserialize`, but nothing stands for an object except one.
    ///
    /// # Errors
    /// The first thing of another shape or beyond a bound.
    pub fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Strict::deserialize(deserializer).map(|Strict(file)| file)
    }
}

/// A checked problem file.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    pub problem: Problem,
    pub ids: Ids,
}

/// The file's ids behind a problem's ordinals.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ids {
    /// By category and ordinal; `None` stands for an empty place.
    pub own: Vec<Vec<Option<Id>>>,
    /// Whom a candidate that fills a second place was tied to there.
    pub second: BTreeMap<Member, Id>,
}

impl Ids {
    /// By place: the id of who stands there.
    fn placed(&self, problem: &Problem, chosen: &Combination) -> Vec<Option<Id>> {
        let mut places = vec![None; chosen.len()];
        for (category, x) in chosen_candidates(chosen) {
            places[category].clone_from(&self.own[category][x as usize]);
            let second = problem.categories[category].candidates.also_fills(x);
            if let Some(second) = second {
                places[second] = self.second.get(&(category, x)).cloned();
            }
        }
        places
    }
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
    /// True where there is an option; false: proven that no combination is feasible; null: unknown,
    /// for nothing was found and nothing proven.
    pub feasible: Option<bool>,
    /// Every option is proven to be the best under the diversity rule.
    pub options_proven: bool,
    /// Some pair of options differs in fewer places than wanted: because nothing else is feasible,
    /// where `options_proven`, else because nothing else was found.
    pub fewer_differences: bool,
    /// The clock cut the proof short.
    pub cut_short: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OptionFile {
    /// One per category, in its order; null where an optional one stays empty. Both of a tie stand
    /// in their places.
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
    pub fn new(outcome: &Outcome, loaded: &Loaded, elapsed_ms: f64) -> Self {
        let option = |solution: &Solution| OptionFile {
            ids: loaded.ids.placed(&loaded.problem, &solution.chosen),
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
mod tests;
