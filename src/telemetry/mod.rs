//! Floor 2: the log, the metrics, the alerts and the report.
//!
//! `counters` keeps figures, `snapshot` is what they were at one moment, and a `Window` is what
//! happened between two of them; `alerts`, `exposition` and `report` are pure functions of
//! those. Only `logging`, `system` and the [`Telemetry`] handle touch the outside.

pub mod advice;
pub mod alert_log;
pub mod alert_rules;
mod alert_samples;
pub mod alerts;
mod burn_rate;
mod capacity;
mod counters;
pub mod events;
mod exposition;
mod histogram;
mod journal;
mod logging;
pub mod metrics;
pub mod report;
mod report_parts;
mod report_text;
pub mod settings;
mod snapshot;
mod system;
mod throttle;
pub mod trends;

pub use counters::Telemetry;
pub use histogram::Histogram;
pub use logging::{LogGuard, LogHandle, LogTarget, start_log};
pub use snapshot::{Series, Snapshot, Window};
pub use system::{SystemSample, SystemSampler};
pub use throttle::Throttle;
