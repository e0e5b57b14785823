//! The checked settings, section by section. Sections that a lower room needs are that room's.

use std::{path::PathBuf, time::Duration};

use llm::settings::LlmSettings;
use planning::settings::SearchSettings;
use store::settings::DatabaseSettings;
use telemetry::{
    alerts::AlertSettings,
    settings::{LogSettings, MetricsSettings},
};

const DAY: Duration = Duration::from_secs(86_400);

/// Everything that can be set, in range. Made by [`Settings::load`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// The profile that was laid over the file, if any.
    pub profile: Option<String>,
    pub paths: PathSettings,
    pub database: DatabaseSettings,
    pub llm: LlmSettings,
    pub search: SearchSettings,
    pub workflow: WorkflowSettings,
    pub plans: PlanSettings,
    pub admission: AdmissionSettings,
    pub supervision: SupervisionSettings,
    pub control: ControlSettings,
    pub log: LogSettings,
    pub metrics: MetricsSettings,
    pub alerts: AlertSettings,
}

/// Section `paths`: where things lie. Both are absolute once loaded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PathSettings {
    /// What must outlive a restart: the private database cluster.
    pub state_dir: PathBuf,
    /// What need not: the control socket, the cluster's socket.
    pub runtime_dir: PathBuf,
}

/// Section `workflow`: how one plan is worked on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkflowSettings {
    /// Rounds between two checkpoints, 1–100.
    pub checkpoint_interval_rounds: u32,
    pub compress_checkpoints: bool,
    /// Agents that don't depend on each other run at the same time.
    pub parallel_agents: bool,
    /// Agents of one plan at once, 1–32.
    pub max_parallel_agents: usize,
    /// One run of one agent, 1 s–1 h.
    pub agent_timeout: Duration,
    /// From claim to three options, 1 s–24 h.
    pub workflow_timeout: Duration,
    /// Rounds of a search whose figures are kept with the plan, 1–1,000.
    pub history: usize,
    /// Plans worked on at once, 1–4,096.
    pub max_plans_in_flight: usize,
    /// How long a claimed plan stays claimed without a renewal, 5 s–1 h.
    pub lease: Duration,
    /// How long selected vendors are held for a plan, 1 min–1 year.
    pub hold: Duration,
    /// How long running plans may go on once the daemon is to drain or stop, 0–1 h.
    pub drain_grace: Duration,
    /// How far computations stand back for whatever else runs, as in nice(2), 0–19.
    pub nice: u32,
}

impl Default for WorkflowSettings {
    fn default() -> Self {
        Self {
            checkpoint_interval_rounds: 3,
            compress_checkpoints: true,
            parallel_agents: true,
            max_parallel_agents: 3,
            agent_timeout: Duration::from_secs(240),
            workflow_timeout: Duration::from_secs(1_200),
            history: 50,
            max_plans_in_flight: 16,
            lease: Duration::from_secs(30),
            hold: 14 * DAY,
            drain_grace: Duration::from_secs(10),
            nice: 10,
        }
    }
}

/// Section `plans`: how long they are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlanSettings {
    /// Days that a plan is kept after its end, 1–36,500.
    pub keep_days: u32,
}

impl Default for PlanSettings {
    fn default() -> Self {
        Self { keep_days: 365 }
    }
}

/// Section `admission`: what is taken in before it is worked on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdmissionSettings {
    /// Plans that may wait in the database, 1–1,000,000; further ones are answered `busy`.
    pub max_queued_plans: u64,
    /// The same for each client, by user id, 1–1,000,000.
    pub max_queued_plans_per_client: u64,
}

impl Default for AdmissionSettings {
    fn default() -> Self {
        Self { max_queued_plans: 10_000, max_queued_plans_per_client: 5_000 }
    }
}

/// Section `supervision`: what happens to an actor that fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SupervisionSettings {
    /// Restarts within `restart_window` after which the daemon ends, 1–100.
    pub max_restarts: u32,
    pub restart_window: Duration,
    /// Before the first restart; doubles up to `backoff_max`, with jitter.
    pub backoff: Duration,
    pub backoff_max: Duration,
    /// A critical actor whose heartbeat is older keeps the systemd watchdog unfed, 1 s–10 min.
    pub heartbeat_timeout: Duration,
}

impl Default for SupervisionSettings {
    fn default() -> Self {
        Self {
            max_restarts: 5,
            restart_window: Duration::from_secs(10),
            backoff: Duration::from_millis(100),
            backoff_max: Duration::from_secs(5),
            heartbeat_timeout: Duration::from_secs(20),
        }
    }
}

/// Section `control`: the Unix socket that `eventplannerctl` talks to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControlSettings {
    /// At most 107 bytes, the kernel's limit for a socket's path.
    pub socket: PathBuf,
    /// Permission bits.
    pub socket_mode: u32,
    /// Group that owns the socket; empty: the daemon's own.
    pub socket_group: String,
    /// Users beside root and the daemon's own who may give admin commands.
    pub admin_uids: Vec<u32>,
    /// Connections at once, 1–10,000.
    pub max_connections: usize,
    /// Bytes of a request's body, 1 KiB–256 MiB.
    pub body_limit: usize,
    /// For the head of a request to arrive, 100 ms–5 min.
    pub header_timeout: Duration,
    /// Between two requests of one connection, 1 s–1 h.
    pub idle_timeout: Duration,
    /// Loopback address and port of the read-only TCP listener; empty: none.
    pub tcp_listen: String,
}

impl Default for ControlSettings {
    fn default() -> Self {
        Self {
            socket: PathBuf::new(),
            socket_mode: 0o660,
            socket_group: String::new(),
            admin_uids: Vec::new(),
            max_connections: 256,
            body_limit: 16 * 1_024 * 1_024,
            header_timeout: Duration::from_secs(5),
            idle_timeout: Duration::from_secs(75),
            tcp_listen: String::new(),
        }
    }
}
