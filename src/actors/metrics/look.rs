//! What the Metrics actor looks at: each look brings the gauges, and the counters that somebody
//! else keeps, up to date.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use slog::{Logger, debug};

use crate::{
    llm_gateway::{GetLlmStatus, figures},
    run::round_zero::Peers,
    vendor_search::messages::GetQueryCounters,
};
use model::PlanState;
use store::Store;
use telemetry::{LogHandle, SystemSampler, Telemetry, figures::metrics, log::events};
use wire::ActorStatus;

/// A database that takes longer to say that it is there is as good as away.
const PING_TIMEOUT: Duration = Duration::from_secs(2);

/// Where the figures come from.
#[derive(Clone)]
pub struct Sources {
    pub store: Store,
    pub(crate) peers: Peers,
    pub telemetry: Telemetry,
    pub log_handle: LogHandle,
    /// Asks the supervisors.
    pub actors: Arc<dyn Fn() -> Vec<ActorStatus> + Send + Sync>,
    /// When the daemon started.
    pub began: Instant,
    pub log: Logger,
}

impl Sources {
    /// A peer that does not answer leaves its figures as they were: missing data resolves no
    /// alert.
    pub async fn look(&self, sampler: &mut SystemSampler) {
        self.look_at_system(sampler);
        self.look_at_actors();
        self.look_at_database().await;
        self.look_at_llm().await;
    }

    fn look_at_system(&self, sampler: &mut SystemSampler) {
        let telemetry = &self.telemetry;
        telemetry.gauge(metrics::BUILD_INFO, &[env!("CARGO_PKG_VERSION")], 1.0);
        telemetry.gauge(metrics::UPTIME, &[], self.began.elapsed().as_secs_f64());
        telemetry.set_total(metrics::LOG_DROPPED, &[], self.log_handle.dropped());
        if let Some(sample) = sampler.sample() {
            sample.record(telemetry);
            debug!(self.log, "a look at the system"; events::METRICS_CYCLE,
                "cpu_percent" => sample.cpu_percent, "memory_percent" => sample.memory_percent(),
                "resident_bytes" => sample.resident_bytes);
        }
    }

    fn look_at_actors(&self) {
        for actor in (self.actors)() {
            let name = [actor.name.as_str()];
            self.telemetry.set_total(metrics::ACTOR_RESTARTS, &name, actor.restarts);
            self.telemetry.set_total(metrics::ACTOR_REFUSED, &name, actor.refused);
            self.telemetry.gauge(metrics::ACTOR_MAILBOX, &name, actor.mailbox as f64);
            self.telemetry.gauge(metrics::ACTOR_QUEUED, &name, actor.in_flight as f64);
        }
    }

    async fn look_at_database(&self) {
        let telemetry = &self.telemetry;
        let answers = tokio::time::timeout(PING_TIMEOUT, self.store.ping()).await;
        let up = matches!(answers, Ok(Ok(())));
        telemetry.gauge(metrics::DATABASE_UP, &[], f64::from(u8::from(up)));
        let pool = self.store.pool_status();
        telemetry.gauge(metrics::DATABASE_WAITING, &[], pool.waiting as f64);
        telemetry.gauge(metrics::DATABASE_CONNECTIONS, &["used"], f64::from(pool.in_use));
        let idle = pool.open.saturating_sub(pool.in_use);
        telemetry.gauge(metrics::DATABASE_CONNECTIONS, &["idle"], f64::from(idle));
        telemetry.gauge(metrics::DATABASE_CONNECTIONS_LIMIT, &[], f64::from(pool.limit));
        telemetry.set_total(metrics::DATABASE_ERRORS, &["connect"], pool.connection_errors);
        telemetry.set_total(metrics::DATABASE_ERRORS, &["checkout_timeout"], pool.timeouts);
        if let Ok(counts) = self.store.plan_counts().await {
            let queued = counts.iter().find(|(state, _)| *state == PlanState::Queued);
            telemetry.gauge(metrics::PLANS_QUEUED, &[], queued.map_or(0, |q| q.1) as f64);
        }
        if let Ok(cache) = self.peers.vendors.ask(GetQueryCounters).await {
            telemetry.set_total(metrics::QUERY_CACHE, &["hit"], cache.hits);
            telemetry.set_total(metrics::QUERY_CACHE, &["miss"], cache.misses);
            telemetry.set_total(metrics::QUERY_CACHE_COALESCED, &[], cache.coalesced);
            telemetry.set_total(metrics::QUERY_CACHE_INVALIDATED, &[], cache.invalidations);
            telemetry.gauge(metrics::QUERY_CACHE_ENTRIES, &[], cache.entries as f64);
        }
    }

    async fn look_at_llm(&self) {
        if let Ok(status) = self.peers.llm.ask(GetLlmStatus).await {
            figures::record(&self.telemetry, &status);
        }
    }

    /// Counting vendors reads the whole table: once a cycle, not at every look.
    pub(crate) async fn count_vendors(&self) {
        if let Ok(counts) = self.store.vendor_counts().await {
            let all: u64 = counts.iter().map(|count| count.vendors).sum();
            self.telemetry.gauge(metrics::VENDORS, &[], all as f64);
        }
    }
}
