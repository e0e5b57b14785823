//! Starts every actor under its supervisor, peers first.

use std::{sync::Arc, time::Instant};

use tokio::sync::{Semaphore, mpsc, watch};

use crate::{
    coordinator::{BeamCoordinator, service::PlanService, submit_gate::SubmitGate},
    dispatch::{
        Dispatcher, Duty, SharedAcrossRestarts, fleet::PeerListener, housekeeping::keep_house,
        runs::Runs,
    },
    llm_gateway::{LlmGateway, ResizeResponses, figures::observe_times, reply_keeper::ReplyKeeper},
    metrics::{Metrics, MetricsLimits, SetAlerts, look::Sources},
    run::{context::RunContext, event_hub::PlanEvents, round_zero::Peers},
    supervision::{Handle, JITTER, Policy, supervise},
    task_spawner::TaskSpawner,
    vendor_search::{VendorSearch, messages::ResizeQueries, query_cache::QueryCache},
    verification::{Verifier, VerifierSettings},
};
use llm::Gateway;
use resilience::Backoff;
use settings::{Settings, SupervisionSettings};
use store::{PeerEvent, Store, settings::DatabaseSettings};
use telemetry::{LogHandle, Telemetry, report::ReportLimits};
use wire::{ActorStatus, ApiError};

/// What the actors are built from. All of it outlives every generation of every actor.
pub struct Foundation {
    pub store: Store,
    pub gateway: Gateway,
    pub keeper: ReplyKeeper,
    pub telemetry: Telemetry,
    /// The process's runtime and log.
    pub work: TaskSpawner,
    pub log_handle: LogHandle,
    /// As the store was opened with them: with the address that is in use.
    pub database: DatabaseSettings,
    /// This process's name in leases; nobody else has ever had it.
    pub owner: String,
    /// What the other daemons tell, where there may be any.
    pub peer_events: Option<mpsc::Receiver<PeerEvent>>,
}

/// How to reach the actors. Cheap to clone.
#[derive(Clone)]
pub struct Actors {
    pub coordinator: Handle<BeamCoordinator>,
    pub vendors: Handle<VendorSearch>,
    pub llm: Handle<LlmGateway>,
    pub metrics: Handle<Metrics>,
    /// The figures that all of them, and the control server, count into.
    pub telemetry: Telemetry,
    /// Where submissions are turned away before any actor is asked.
    pub gate: SubmitGate,
    /// Whether plans are claimed.
    pub duty: watch::Receiver<Duty>,
    /// True while draining with nothing left.
    pub idle: watch::Receiver<bool>,
    /// The settings in force.
    live: Arc<watch::Sender<Arc<Settings>>>,
}

impl Actors {
    /// Starts them all. Call it on the thread of the actix system. The name of an actor that is
    /// given up goes to `escalate`; the process is to end then.
    pub fn start(
        foundation: Foundation,
        settings: &Settings,
        escalate: &mpsc::Sender<&'static str>,
    ) -> Self {
        let Foundation { store, gateway, keeper, telemetry, work, owner, peer_events, .. } =
            foundation;
        let (log_handle, opened) = (foundation.log_handle, foundation.database);
        let policy = policy(&settings.supervision);
        let (live, now) = watch::channel(Arc::new(settings.clone()));
        let log = work.log.clone();

        let searched = (store.clone(), work.clone(), telemetry.clone());
        let settings_of_cache = now.clone();
        let for_runs = Policy { capacity: room_for_runs(settings), ..policy };
        let vendors =
            supervise("vendor_search", for_runs, &log, escalate.clone(), move |death_notice| {
                let database = settings_of_cache.borrow().database.clone();
                let cache = database
                    .query_cache
                    .then(|| QueryCache::new(database.query_cache_size, database.query_cache_ttl));
                let (store, work, telemetry) = searched.clone();
                VendorSearch::new(store, work, telemetry, cache, death_notice)
            });

        observe_times(&gateway, &telemetry);
        let shared = (work.clone(), telemetry.clone());
        let llm = supervise("llm_gateway", for_runs, &log, escalate.clone(), move |death_notice| {
            let (work, telemetry) = shared.clone();
            LlmGateway::new(gateway.clone(), keeper.clone(), work, telemetry, death_notice)
        });

        let peers = Peers { vendors: vendors.clone(), llm: llm.clone() };
        let across_restarts = SharedAcrossRestarts::new(now.clone());
        let (duty, idle) = (across_restarts.duty.subscribe(), across_restarts.idle.subscribe());
        let events = PlanEvents::default();
        work.spawn(keep_house(store.clone(), now.clone(), work.clone()));
        if let Some(peer_events) = peer_events {
            let listener = PeerListener {
                store: store.clone(),
                events: events.clone(),
                vendors: vendors.clone(),
                wake: across_restarts.wake.clone(),
                telemetry: telemetry.clone(),
                work: work.clone(),
            };
            work.spawn(listener.listen(peer_events));
        }
        let context = RunContext {
            store: store.clone(),
            work: work.clone(),
            peers: peers.clone(),
            events,
            telemetry: telemetry.clone(),
            settings: now.borrow().clone(),
            owner: owner.into(),
            cores: Arc::new(Semaphore::new(cores())),
        };
        let gate = SubmitGate::new(store.clone(), now.clone(), telemetry.clone(), work.clone());
        let submit_gate = gate.clone();
        let coordinator =
            supervise("beam_coordinator", policy, &log, escalate.clone(), move |death_notice| {
                let runs = Runs::default();
                let service = PlanService::new(
                    context.clone(),
                    runs.clone(),
                    across_restarts.clone(),
                    gate.clone(),
                );
                let dispatcher = Dispatcher::start(context.clone(), runs, &across_restarts);
                BeamCoordinator::new(service, dispatcher, context.work.clone(), death_notice)
            });

        let settings_now = now.clone();
        let shared = telemetry.clone();
        let seen = (vendors.clone(), llm.clone(), coordinator.clone());
        let verifier = Verifier {
            store: store.clone(),
            vendors: vendors.clone(),
            coordinator: coordinator.clone(),
            settings: Arc::new(verifier_settings(settings, opened)),
            turn: Arc::new(Semaphore::new(1)),
        };
        let sources = Sources {
            store,
            peers,
            telemetry,
            log_handle,
            actors: Arc::new(move || vec![seen.0.status(), seen.1.status(), seen.2.status()]),
            began: Instant::now(),
            log: log.new(slog::o!("actor" => "metrics")),
        };
        let metrics = supervise("metrics", policy, &log, escalate.clone(), move |death_notice| {
            let limits = metrics_limits(&settings_now.borrow());
            Metrics::new(sources.clone(), verifier.clone(), work.clone(), limits, death_notice)
        });
        Self {
            coordinator,
            vendors,
            llm,
            metrics,
            telemetry: shared,
            gate: submit_gate,
            duty,
            idle,
            live: Arc::new(live),
        }
    }

    /// The settings in force.
    pub fn settings(&self) -> Arc<Settings> {
        self.live.borrow().clone()
    }

    /// Puts changed settings into force, as far as they can be changed while the daemon runs.
    /// Runs under way go on with theirs.
    ///
    /// # Errors
    /// An actor that restarts at this moment; it comes back with the changed settings.
    pub async fn reconfigure(&self, settings: Arc<Settings>) -> Result<(), ApiError> {
        // First the room: the coordinator may claim more as soon as it sees the settings.
        let room = room_for_runs(&settings);
        self.vendors.resize(room);
        self.llm.resize(room);
        self.live.send_replace(settings.clone());
        let database = &settings.database;
        let (size, ttl) = (database.query_cache_size, database.query_cache_ttl);
        self.vendors.ask(ResizeQueries { size, ttl }).await?;
        let llm = &settings.llm;
        let (size, ttl) = (llm.response_cache_size, llm.response_cache_ttl);
        self.llm.ask(ResizeResponses { size, ttl }).await?;
        self.metrics.ask(SetAlerts(settings.alerts.clone())).await
    }

    /// Does a test's harm to an actor; false where there is none of that name.
    #[cfg(any(debug_assertions, feature = "fault-injection"))]
    pub fn inject(&self, actor: &str, fault: crate::supervision::Fault) -> bool {
        match actor {
            "vendor_search" => self.vendors.inject(fault),
            "llm_gateway" => self.llm.inject(fault),
            "beam_coordinator" => self.coordinator.inject(fault),
            "metrics" => self.metrics.inject(fault),
            _ => return false,
        }
        true
    }

    pub fn status(&self) -> Vec<ActorStatus> {
        vec![
            self.vendors.status(),
            self.llm.status(),
            self.coordinator.status(),
            self.metrics.status(),
        ]
    }
}

fn metrics_limits(settings: &Settings) -> MetricsLimits {
    MetricsLimits {
        metrics: settings.metrics,
        report: ReportLimits {
            alerts: settings.alerts.clone(),
            query_cache_size: settings.database.query_cache_size,
            response_cache_size: settings.llm.response_cache_size,
            max_plans_in_flight: settings.workflow.max_plans_in_flight,
            max_queued_plans: settings.admission.max_queued_plans,
        },
        state_dir: settings.paths.state_dir.clone(),
    }
}

fn verifier_settings(settings: &Settings, opened: DatabaseSettings) -> VerifierSettings {
    VerifierSettings {
        database: opened,
        llm: settings.llm.clone(),
        search: settings.search,
        max_parallel_agents: settings.workflow.max_parallel_agents,
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Requests that an actor admits which runs ask: each run may wait for one answer of it, and
/// callers of their own have the usual room.
fn room_for_runs(settings: &Settings) -> usize {
    policy(&settings.supervision).capacity.saturating_add(settings.workflow.max_plans_in_flight)
}

fn policy(settings: &SupervisionSettings) -> Policy {
    Policy {
        max_restarts: settings.max_restarts as usize,
        window: settings.restart_window,
        backoff: Backoff { first: settings.backoff, max: settings.backoff_max, jitter: JITTER },
        heartbeat_timeout: settings.heartbeat_timeout,
        ..Policy::default()
    }
}
