//! `verify optimizations` on the wire.

use serde::{Deserialize, Serialize};

/// Samples of each kind that a mechanism is judged by, unless the caller says otherwise.
pub const SAMPLES_DEFAULT: u32 = 15;
pub const SAMPLES_MIN: u32 = 3;
pub const SAMPLES_MAX: u32 = 101;

/// Body of `POST /v1/admin/verify/optimizations`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VerifyOptimizations {
    /// With the mechanism off and on each, taking turns.
    #[serde(default = "samples_default")]
    pub samples: u32,
}

const fn samples_default() -> u32 {
    SAMPLES_DEFAULT
}

/// Reply: a row per mechanism.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OptimizationsView {
    /// Asked for; a row says how many it has.
    pub samples: u32,
    pub mechanisms: Vec<Mechanism>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The gain is at least what was promised; where nothing was promised, there is one.
    Pass,
    Fail,
    /// Nothing here to measure it on; `note` says what is missing.
    NotMeasured,
}

impl Verdict {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::NotMeasured => "not measured",
        }
    }
}

/// One mechanism, with it and without it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mechanism {
    pub name: String,
    /// What a sample is: `ms of a vendor query`.
    pub unit: String,
    /// Medians.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub off: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub on: Option<f64>,
    /// (off − on) / off; negative where the mechanism costs more than it brings.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub gain_percent: Option<f64>,
    /// Of the system that this one replaces; the lower end where it was a range.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub promised_percent: Option<f64>,
    pub verdict: Verdict,
    /// Of each kind.
    pub samples: u32,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub note: Option<String>,
}
