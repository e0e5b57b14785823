//! The machine and the daemon itself: CPU, memory, disk, descriptors, threads.

use std::path::{Path, PathBuf};

use nix::sys::{
    resource::{Resource, getrlimit},
    statvfs::statvfs,
};
use sysinfo::{CpuRefreshKind, MemoryRefreshKind, ProcessRefreshKind, ProcessesToUpdate, System};

use super::metrics::{
    CPU_RATIO, DISK_FREE, DISK_SIZE, MEMORY_TOTAL, MEMORY_USED, PROCESS_FDS, PROCESS_MAX_FDS,
    PROCESS_MEMORY, PROCESS_THREADS,
};
use crate::Telemetry;

/// What was seen at one look.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct SystemSample {
    /// Of all cores, since the last look.
    pub cpu_percent: f64,
    pub(crate) memory_used_bytes: u64,
    pub(crate) memory_total_bytes: u64,
    /// Of the daemon.
    pub resident_bytes: u64,
    /// Of the daemon; None where /proc doesn't tell.
    pub(crate) open_files: Option<u64>,
    pub(crate) max_open_files: Option<u64>,
    pub threads: Option<u64>,
    /// Free bytes and size of the state directory's file system; None where it can't be asked.
    pub disk: Option<(u64, u64)>,
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
        for (metric, count) in [
            (PROCESS_FDS, self.open_files),
            (PROCESS_MAX_FDS, self.max_open_files),
            (PROCESS_THREADS, self.threads),
            (DISK_FREE, self.disk.map(|(free, _)| free)),
            (DISK_SIZE, self.disk.map(|(_, size)| size)),
        ] {
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
    /// Whose file system is looked at.
    state_dir: PathBuf,
}

impl SystemSampler {
    /// Takes the first look, so that the first sample has something to count from.
    pub fn new(state_dir: &Path) -> Self {
        let mut system = System::new().ok();
        if let Some(system) = &mut system {
            system.refresh_cpu_list(CpuRefreshKind::nothing().with_usage());
        }
        Self { system, state_dir: state_dir.to_owned() }
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
            max_open_files: getrlimit(Resource::RLIMIT_NOFILE).ok().map(|(soft, _)| soft),
            threads: entries("/proc/self/task"),
            disk: statvfs(&self.state_dir).ok().map(|disk| {
                let bytes = |blocks: u64| blocks.saturating_mul(disk.fragment_size());
                (bytes(disk.blocks_available()), bytes(disk.blocks()))
            }),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_holds_this_process_and_machine() {
        let sample = SystemSampler::new(Path::new("/")).sample().unwrap();
        assert!(sample.resident_bytes > 0 && sample.resident_bytes < sample.memory_total_bytes);
        assert!((0.0..=100.0).contains(&sample.memory_percent()));
        assert!(sample.open_files.is_some_and(|count| count > 0));
        assert!(sample.threads.is_some_and(|count| count > 0));
        assert!(sample.max_open_files >= sample.open_files);
        assert!(sample.disk.is_some_and(|(free, size)| free <= size && size > 0));
        let telemetry = Telemetry::default();
        sample.record(&telemetry);
        let threads = telemetry.snapshot().gauge(PROCESS_THREADS, |_| true);
        assert_eq!(threads, sample.threads.map(|count| count as f64));
    }
}
