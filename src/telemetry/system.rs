//! The machine and the daemon itself: CPU, memory, descriptors, threads.

use sysinfo::{CpuRefreshKind, MemoryRefreshKind, ProcessRefreshKind, ProcessesToUpdate, System};

use super::{
    Telemetry,
    metrics::{CPU_RATIO, MEMORY_TOTAL, MEMORY_USED, PROCESS_FDS, PROCESS_MEMORY, PROCESS_THREADS},
};

/// What was seen at one look.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct SystemSample {
    /// Of all cores, since the last look.
    pub cpu_percent: f64,
    pub memory_used_bytes: u64,
    pub memory_total_bytes: u64,
    /// Of the daemon.
    pub resident_bytes: u64,
    /// Of the daemon; None where /proc doesn't tell.
    pub open_files: Option<u64>,
    pub threads: Option<u64>,
}

impl SystemSample {
    pub fn memory_percent(&self) -> f64 {
        100.0 * self.memory_used_bytes as f64 / (self.memory_total_bytes.max(1)) as f64
    }

    /// Sets the gauges.
    pub fn record(&self, telemetry: &Telemetry) {
        telemetry.gauge(CPU_RATIO, &[], self.cpu_percent / 100.0);
        telemetry.gauge(MEMORY_USED, &[], self.memory_used_bytes as f64);
        telemetry.gauge(MEMORY_TOTAL, &[], self.memory_total_bytes as f64);
        telemetry.gauge(PROCESS_MEMORY, &[], self.resident_bytes as f64);
        for (metric, count) in [(PROCESS_FDS, self.open_files), (PROCESS_THREADS, self.threads)] {
            if let Some(count) = count {
                telemetry.gauge(metric, &[], count as f64);
            }
        }
    }
}

/// Looks at the machine; CPU use is that between two looks.
#[derive(Debug)]
pub struct SystemSampler {
    /// None on a platform that sysinfo does not know.
    system: Option<System>,
}

impl SystemSampler {
    /// Takes the first look, so that the first sample has something to count from.
    pub fn new() -> Self {
        let mut system = System::new().ok();
        if let Some(system) = &mut system {
            system.refresh_cpu_list(CpuRefreshKind::nothing().with_usage());
        }
        Self { system }
    }

    /// Reads some files of /proc: a millisecond or two. None where there is nothing to read.
    pub fn sample(&mut self) -> Option<SystemSample> {
        let system = self.system.as_mut()?;
        system.refresh_cpu_specifics(CpuRefreshKind::nothing().with_usage());
        system.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
        let own = sysinfo::get_current_pid().ok()?;
        system.refresh_processes_specifics(
            ProcessesToUpdate::Some(&[own]),
            false,
            ProcessRefreshKind::nothing().with_memory().without_tasks(),
        );
        let entries = |dir: &str| Some(std::fs::read_dir(dir).ok()?.count() as u64);
        Some(SystemSample {
            cpu_percent: f64::from(system.global_cpu_usage()).clamp(0.0, 100.0),
            memory_used_bytes: system.used_memory(),
            memory_total_bytes: system.total_memory(),
            resident_bytes: system.process(own)?.memory(),
            open_files: entries("/proc/self/fd"),
            threads: entries("/proc/self/task"),
        })
    }
}

impl Default for SystemSampler {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_holds_this_process_and_machine() {
        let sample = SystemSampler::new().sample().unwrap();
        assert!(sample.resident_bytes > 0 && sample.resident_bytes < sample.memory_total_bytes);
        assert!((0.0..=100.0).contains(&sample.memory_percent()));
        assert!(sample.open_files.is_some_and(|count| count > 0));
        assert!(sample.threads.is_some_and(|count| count > 0));
        let telemetry = Telemetry::default();
        sample.record(&telemetry);
        let threads = telemetry.snapshot().gauge(PROCESS_THREADS, |_| true);
        assert_eq!(threads, sample.threads.map(|count| count as f64));
    }
}
