//! What a search tells: its progress, its result, and what it must remember to go on elsewhere.

use serde::{Deserialize, Serialize};

use super::{Combination, Solution, no_goods::NoGood, score_cache::ScoreEntry};
use model::StopReason;

/// A gap below this counts as closed.
pub const PROVEN_GAP: f64 = 1e-9;

/// One round's report.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// Rounds so far.
    pub round: u32,
    pub best: Option<f64>,
    /// No feasible combination is worth more; `-inf` once it is proven that none is feasible.
    pub bound: f64,
    /// Combinations evaluated so far.
    pub scored: u64,
    pub stopped: Option<StopReason>,
}

/// The result of a search.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// Best first; fewer than wanted where fewer were found.
    pub options: Vec<Solution>,
    pub rounds: u32,
    pub combinations_scored: u64,
    /// No feasible combination is worth more; `-inf` where none is feasible.
    pub best_possible: f64,
    /// `best_possible` less the first option's value; infinite where there is no option but
    /// infeasibility is not proven, 0 where it is.
    pub proven_gap: f64,
    pub stopped_because: StopReason,
    /// The caller's clock or cancellation cut the proof short.
    pub cut_short: bool,
    /// Some pair of options differs in fewer places than wanted: because nothing else is feasible,
    /// where `options_proven`, else because nothing else was found.
    pub fewer_differences: bool,
    /// In how many places the two most similar options differ; `None` with less than two.
    pub least_difference: Option<usize>,
    /// False: proven that no combination is feasible. `None`: neither was one found nor is it
    /// proven that there is none.
    pub feasible: Option<bool>,
    /// Every option is proven to be the best under the diversity rule, not only the first.
    pub options_proven: bool,
}

/// What a search must remember to go on elsewhere. Scores are stored as bits, so that no text form
/// can change them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SearchState {
    pub(crate) round: u32,
    pub(crate) seed: u64,
    pub(crate) kept: Vec<Combination>,
    /// Kept scores per round, best first, as bits.
    pub(crate) history: Vec<Vec<u64>>,
    pub(crate) pool: Vec<Combination>,
    pub(crate) refused: Vec<Combination>,
    /// No-goods found, in their order.
    pub(crate) learned: Vec<NoGood>,
    pub(crate) scored: u64,
    pub(crate) scores: Vec<ScoreEntry>,
    pub(crate) stopped: Option<StopReason>,
}
