//! Floor 2: the log, the metrics, the alerts and the report.
//!
//! `counters` keeps figures, `snapshot` is what they were at one moment, and a `Window` is what
//! happened between two of them; `alerts`, `exposition` and `report` are pure functions of
//! those. Only `logging`, `system` and the [`Telemetry`] handle touch the outside.

pub mod alerts;
pub mod figures;
pub mod log;
pub mod report;
pub mod settings;

pub use figures::counters::Telemetry;
pub use figures::histogram::Histogram;
pub use figures::snapshot::{Snapshot, Window};
pub use figures::system::{SystemSample, SystemSampler};
pub use log::throttle::Throttle;
pub use log::{LogGuard, LogHandle, LogTarget, start_log};
