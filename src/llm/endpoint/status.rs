//! How the endpoints and their models stand.

use super::{breaker::BreakerState, endpoint_queue::Occupancy};
use crate::settings::ServerKind;

/// What is known of a model on its server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ModelState {
    /// Not asked yet.
    #[default]
    Unknown,
    /// There, but not in memory: the first call will load it.
    Unloaded,
    Loading,
    Ready,
    /// The server doesn't have it; `remedy` is the command to run or the setting to mend.
    Absent {
        remedy: String,
    },
    /// The server has it, but it can't do what is asked of it; `remedy` says what to set.
    Unfit {
        remedy: String,
    },
    /// The server doesn't answer as it should.
    Unreachable {
        problem: String,
    },
}

impl ModelState {
    /// The names of all states.
    pub const NAMES: [&'static str; 7] =
        ["unknown", "unloaded", "loading", "ready", "absent", "unfit", "unreachable"];

    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Unloaded => "unloaded",
            Self::Loading => "loading",
            Self::Ready => "ready",
            Self::Absent { .. } => "absent",
            Self::Unfit { .. } => "unfit",
            Self::Unreachable { .. } => "unreachable",
        }
    }

    /// What to do about it, where there is something to do.
    pub fn advice(&self) -> Option<&str> {
        match self {
            Self::Absent { remedy } | Self::Unfit { remedy } => Some(remedy),
            Self::Unreachable { problem } => Some(problem),
            Self::Unknown | Self::Unloaded | Self::Loading | Self::Ready => None,
        }
    }
}

/// The model of one endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelStatus {
    pub endpoint: String,
    pub model: String,
    pub state: ModelState,
    /// How long the last warm-up took.
    pub warm_up: Option<std::time::Duration>,
    /// The longest context that the model, or the server's place for a request, has; where the
    /// server tells.
    pub context_tokens: Option<u32>,
    /// The context that it is asked for.
    pub num_ctx: u32,
}

impl ModelStatus {
    /// What to do about it, where there is something to do.
    pub fn advice(&self) -> Option<String> {
        let too_long = self.context_tokens.filter(|tokens| *tokens < self.num_ctx);
        let of_state = self.state.advice().map(str::to_owned);
        let shorter = |tokens: u32| {
            format!("set `num_ctx` to at most {tokens}, or give the server a longer context")
        };
        of_state.or_else(|| too_long.map(shorter))
    }
}

/// One endpoint as `llm status` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointStatus {
    pub name: String,
    pub kind: ServerKind,
    pub base_url: String,
    pub parallel: usize,
    pub weight: u32,
    pub breaker: BreakerState,
    pub occupancy: Occupancy,
    pub model: ModelStatus,
}
