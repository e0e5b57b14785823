//! Limits and switches of the search.

/// Section `search` of the settings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SearchSettings {
    /// Combinations kept per round (k), 1–64.
    pub beam_width: usize,
    /// Rounds at most, 1–100.
    pub max_rounds: u32,
    /// Stop once the best reaches the threshold after the least number of rounds.
    pub early_termination: bool,
    /// Fitness, 0–1.
    pub early_termination_threshold: f64,
    pub min_rounds_before_termination: u32,
    /// Stop once no kept score moved by the threshold over the window.
    pub convergence: bool,
    /// Fitness, 0–1.
    pub convergence_threshold: f64,
    /// Rounds.
    pub convergence_window: u32,
    /// Remember the scores of combinations, so that none is scored twice.
    pub score_cache: bool,
    /// Combinations that the score cache holds at most.
    pub score_cache_size: usize,
    /// Places in which two options must differ.
    pub min_difference: u32,
    /// Fitness that a replanned plan may give up to keep all earlier bookings; each one kept is
    /// worth its share of it.
    pub stability_weight: f64,
    /// Options wanted, 1–10.
    pub options: u32,
    /// Run the proof phase.
    pub proof: bool,
    /// Nodes that the proof may visit: the bound that makes results the same on any machine.
    pub proof_nodes: u64,
    /// Milliseconds after which the proof is cut short: a backstop only.
    pub proof_ms: u64,
    /// Milliseconds for a whole search, 0 for none.
    pub deadline_ms: u64,
}

impl Default for SearchSettings {
    fn default() -> Self {
        Self {
            beam_width: 3,
            max_rounds: 15,
            early_termination: true,
            early_termination_threshold: 0.9,
            min_rounds_before_termination: 3,
            convergence: true,
            convergence_threshold: 0.05,
            convergence_window: 3,
            score_cache: true,
            score_cache_size: 100_000,
            min_difference: 2,
            stability_weight: 0.1,
            options: 3,
            proof: true,
            proof_nodes: 2_000_000,
            proof_ms: 2_000,
            deadline_ms: 60_000,
        }
    }
}
