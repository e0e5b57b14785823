//! Starts every actor under its supervisor, peers first.

use std::{sync::Arc, time::Instant};

use tokio::sync::{Semaphore, mpsc};

use super::{
    beam_coordinator::BeamCoordinator,
    briefing::Peers,
    dispatcher::{Dispatcher, Runs},
    llm_figures::observe_times,
    llm_gateway::LlmGateway,
    metrics::Metrics,
    plan_events::PlanEvents,
    plan_service::PlanService,
    query_cache::QueryCache,
    reply_keeper::ReplyKeeper,
    run_context::{RunContext, RunSettings},
    supervision::{Handle, Policy, supervise},
    vendor_search::VendorSearch,
    work::Work,
};
use crate::{
    config::{Settings, SupervisionSettings},
    control::ActorStatus,
    llm::Gateway,
    store::Store,
    telemetry::{Telemetry, report::ReportLimits},
};

/// What the actors are built from. All of it outlives every generation of every actor.
pub struct Foundation {
    pub store: Store,
    pub gateway: Gateway,
    pub keeper: ReplyKeeper,
    pub telemetry: Telemetry,
    /// The process's runtime and log.
    pub work: Work,
    /// This daemon's name in leases: the same after a restart, and nobody else's.
    pub owner: String,
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
}

impl Actors {
    /// Starts them all. Call it on the thread of the actix system. The name of an actor that is
    /// given up goes to `escalate`; the process is to end then.
    pub fn start(
        foundation: Foundation,
        settings: &Settings,
        escalate: &mpsc::Sender<&'static str>,
    ) -> Self {
        let Foundation { store, gateway, keeper, telemetry, work, owner } = foundation;
        let policy = policy(&settings.supervision);
        let log = work.log.clone();

        let searched = (store.clone(), work.clone(), telemetry.clone());
        let database = settings.database.clone();
        let vendors = supervise("vendor_search", policy, &log, escalate.clone(), move |life| {
            let cache = database
                .query_cache
                .then(|| QueryCache::new(database.query_cache_size, database.query_cache_ttl));
            let (store, work, telemetry) = searched.clone();
            VendorSearch::new(store, work, telemetry, cache, life)
        });

        observe_times(&gateway, &telemetry);
        let shared = (work.clone(), telemetry.clone());
        let llm = supervise("llm_gateway", policy, &log, escalate.clone(), move |life| {
            let (work, telemetry) = shared.clone();
            LlmGateway::new(gateway.clone(), keeper.clone(), work, telemetry, life)
        });

        let peers = Peers { vendors: vendors.clone(), llm: llm.clone() };
        let context = RunContext {
            store: store.clone(),
            work: work.clone(),
            peers: peers.clone(),
            events: PlanEvents::default(),
            telemetry: telemetry.clone(),
            settings: Arc::new(RunSettings {
                search: settings.search,
                workflow: settings.workflow.clone(),
            }),
            owner: owner.into(),
            cores: Arc::new(Semaphore::new(cores())),
        };
        let max_queued = settings.admission.max_queued_plans;
        let coordinator =
            supervise("beam_coordinator", policy, &log, escalate.clone(), move |life| {
                let runs = Runs::default();
                let service = PlanService::new(context.clone(), runs.clone(), max_queued);
                let dispatcher = Dispatcher::start(context.clone(), runs);
                BeamCoordinator::new(service, dispatcher, context.work.clone(), life)
            });

        let cycle = settings.metrics;
        let limits = ReportLimits {
            alerts: settings.alerts.clone(),
            query_cache_size: settings.database.query_cache_size,
            response_cache_size: settings.llm.response_cache_size,
            max_plans_in_flight: settings.workflow.max_plans_in_flight,
        };
        let (shared, began) = (telemetry.clone(), Instant::now());
        let metrics = supervise("metrics", policy, &log, escalate.clone(), move |life| {
            let (store, peers) = (store.clone(), peers.clone());
            let (telemetry, work) = (telemetry.clone(), work.clone());
            let settings = (&cycle, limits.clone());
            Metrics::new(store, peers, telemetry, work, settings, began, life)
        });
        Self { coordinator, vendors, llm, metrics, telemetry: shared }
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

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

fn policy(settings: &SupervisionSettings) -> Policy {
    Policy {
        max_restarts: settings.max_restarts as usize,
        window: settings.restart_window,
        backoff_min: settings.backoff,
        backoff_max: settings.backoff_max,
        heartbeat_timeout: settings.heartbeat_timeout,
        ..Policy::default()
    }
}
