//! What is left before something is full.

use serde::Serialize;

use super::ReportLimits;
use crate::{
    Window,
    figures::metrics::{
        CPU_RATIO, DATABASE_CONNECTIONS, DATABASE_CONNECTIONS_LIMIT, DISK_FREE, MEMORY_TOTAL,
        MEMORY_USED, Metric, PLANS_QUEUED, PROCESS_FDS, PROCESS_MAX_FDS, WORKFLOW_SECONDS,
    },
};

/// Room that is left. What was not measured is absent.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct CapacityPart {
    /// Plans that came to their options, or to an end without any, in the window.
    pub(crate) plans_per_hour: Option<f64>,
    /// With `workflow.max_plans_in_flight` plans at a time, each taking what it takes now.
    pub(crate) plans_per_hour_possible: Option<f64>,
    /// Of `admission.max_queued_plans`.
    pub(crate) queue_places: Option<u64>,
    pub cpu_percent: Option<f64>,
    pub memory_bytes: Option<u64>,
    /// On the state directory's file system.
    pub(crate) disk_bytes: Option<u64>,
    /// Of the pool's largest size.
    pub(crate) database_connections: Option<u64>,
    pub(crate) open_files: Option<u64>,
}

/// What is left at the end of the window.
pub(crate) fn capacity(window: &Window, limits: &ReportLimits) -> CapacityPart {
    let gauge = |metric: Metric| window.figures.gauge(metric, |_| true);
    let left = |limit: Option<f64>, used: Option<f64>| Some((limit? - used?).max(0.0) as u64);
    let hours = window.length.as_secs_f64() / 3_600.0;
    let plans = window.figures.histogram(WORKFLOW_SECONDS);
    let mean = plans.mean_seconds().filter(|mean| *mean > 0.0);
    let used = window.figures.gauge(DATABASE_CONNECTIONS, |labels| labels[0] == "used");
    CapacityPart {
        plans_per_hour: (hours > 0.0).then(|| plans.count() as f64 / hours),
        plans_per_hour_possible: mean
            .map(|mean| 3_600.0 / mean * limits.max_plans_in_flight as f64),
        queue_places: left(Some(limits.max_queued_plans as f64), gauge(PLANS_QUEUED)),
        cpu_percent: gauge(CPU_RATIO).map(|ratio| 100.0 * (1.0 - ratio)),
        memory_bytes: left(gauge(MEMORY_TOTAL), gauge(MEMORY_USED)),
        disk_bytes: gauge(DISK_FREE).map(|free| free as u64),
        database_connections: left(gauge(DATABASE_CONNECTIONS_LIMIT), used),
        open_files: left(gauge(PROCESS_MAX_FDS), gauge(PROCESS_FDS)),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{Snapshot, Telemetry};

    #[test]
    fn room_is_what_the_limits_leave() {
        let telemetry = Telemetry::default();
        telemetry.gauge(PLANS_QUEUED, &[], 30.0);
        telemetry.gauge(DATABASE_CONNECTIONS, &["used"], 12.0);
        telemetry.gauge(DATABASE_CONNECTIONS, &["idle"], 8.0);
        telemetry.gauge(DATABASE_CONNECTIONS_LIMIT, &[], 60.0);
        for _ in 0..10 {
            telemetry.observe_seconds(WORKFLOW_SECONDS, &["awaiting_selection"], 2.0);
        }
        let minute = Duration::from_secs(60);
        let window = Window::between(&Snapshot::default(), &telemetry.snapshot(), minute);
        let limits = ReportLimits {
            max_plans_in_flight: 8,
            max_queued_plans: 100,
            ..ReportLimits::default()
        };
        let left = capacity(&window, &limits);
        assert_eq!(
            (left.plans_per_hour, left.plans_per_hour_possible),
            (Some(600.0), Some(14_400.0))
        );
        assert_eq!((left.queue_places, left.database_connections), (Some(70), Some(48)));
        assert_eq!((left.cpu_percent, left.disk_bytes), (None, None));
    }
}
