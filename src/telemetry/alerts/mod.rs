//! Alerts as state machines: a value and a time go in, a transition comes out.
//!
//! Each severity of a rule waits (`pending_for`), fires, and stays until its condition was gone
//! for a while (`keep_firing_for`), as Prometheus's rules do. A value that is missing neither
//! lets an alert begin nor end. The rules themselves are the rows of [`ALERTS`].

mod book;
pub(crate) mod burn_rate;
pub mod log;
mod machine;
mod prometheus;
pub(crate) mod samples;
mod table;

pub use book::AlertBook;
pub use prometheus::prometheus_rules;
use serde::Serialize;
pub use table::{ALERTS, AlertSettings, Rule, Thresholds};

use wire::Alert;

/// Which side of its threshold is bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bad {
    Above,
    Below,
}

impl Bad {
    /// As it stands in a sentence.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Above => "above",
            Self::Below => "below",
        }
    }

    /// Whether a value lies on the bad side of a threshold.
    pub fn is_bad(self, value: f64, threshold: f64) -> bool {
        match self {
            Self::Above => value > threshold,
            Self::Below => value < threshold,
        }
    }
}

/// What was measured in a cycle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// In the rule's unit.
    pub value: f64,
    /// Events that the value was made of.
    pub samples: u64,
}

/// A change that is worth a line of the log.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Transition {
    pub state: TransitionState,
    #[serde(flatten)]
    pub alert: Alert,
}

impl Transition {
    /// Whether the alert goes on firing.
    pub fn is_firing(&self) -> bool {
        self.state != TransitionState::Resolved
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TransitionState {
    /// It began, or changed its severity.
    Firing,
    /// Still firing since a while.
    Reminder,
    Resolved,
}
