//! Metrics: looks at the system and at its peers once a cycle, and lets the alert rules judge.
//!
//! State owned: the alert rules' state, the figures of the last cycle. Peers: reads counters of
//! VendorSearch and LlmGateway, the pool, the machine. Bound: one cycle at a time. A restart loses
//! which alerts fire: they fire again when their condition has lasted anew.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use actix::{Actor, AsyncContext, Context, Handler, Message, ResponseFuture};
use jiff::Timestamp;
use serde_json::{Value, json};
use slog::{Logger, debug, error, info, o, warn};
use tokio::sync::Mutex;

use super::{
    briefing::Peers,
    database_use, llm_figures,
    llm_gateway::GetLlmStatus,
    supervision::{Heartbeat, Lifeline},
    vendor_search::GetQueryCounters,
    work::Work,
};
use crate::{
    control::ApiError,
    model::PlanState,
    store::{MetricRow, Store},
    telemetry::{
        Snapshot, SystemSampler, Telemetry, Window,
        alert_rules::AlertBook,
        alerts::{Severity, Transition, TransitionState},
        events, metrics,
        report::{Report, ReportLimits},
        settings::{AlertSettings, MetricsSettings},
    },
};

/// A database that takes longer to say that it is there is as good as away.
const PING_TIMEOUT: Duration = Duration::from_secs(2);

/// Firing alerts, and those that were resolved.
pub struct GetAlerts;

impl Message for GetAlerts {
    type Result = Result<Value, ApiError>;
}

/// All figures in Prometheus's text format, taken now.
pub struct GetPrometheus;

impl Message for GetPrometheus {
    type Result = Result<String, ApiError>;
}

/// How the daemon has done since its start, with advice.
pub struct GetReport;

impl Message for GetReport {
    type Result = Result<Report, ApiError>;
}

/// The alerts' thresholds changed; what fires goes on firing until a measurement clears it.
pub struct SetAlerts(pub AlertSettings);

impl Message for SetAlerts {
    type Result = Result<(), ApiError>;
}

/// One look at everything. The actor sends it to itself; a caller may ask for one too.
pub struct Cycle;

impl Message for Cycle {
    type Result = Result<(), ApiError>;
}

/// What a cycle needs and keeps.
struct Watch {
    book: AlertBook,
    sampler: SystemSampler,
    last: Snapshot,
    last_at: Instant,
    limits: ReportLimits,
    /// When the daemon started.
    began: Instant,
}

/// What a cycle looks at.
#[derive(Clone)]
struct Sources {
    store: Store,
    peers: Peers,
    telemetry: Telemetry,
    log: Logger,
}

pub struct Metrics {
    sources: Sources,
    watch: Arc<Mutex<Watch>>,
    work: Work,
    interval: Duration,
    _lifeline: Lifeline,
}

impl Metrics {
    pub fn new(
        store: Store,
        peers: Peers,
        telemetry: Telemetry,
        work: Work,
        settings: (&MetricsSettings, ReportLimits),
        began: Instant,
        lifeline: Lifeline,
    ) -> Self {
        let (metrics, limits) = settings;
        let watch = Watch {
            book: AlertBook::new(&limits.alerts),
            sampler: SystemSampler::new(),
            last: telemetry.snapshot(),
            last_at: Instant::now(),
            limits,
            began,
        };
        let log = work.log.new(o!("actor" => "metrics"));
        Self {
            sources: Sources { store, peers, telemetry, log },
            watch: Arc::new(Mutex::new(watch)),
            work,
            interval: metrics.interval,
            _lifeline: lifeline,
        }
    }
}

impl Actor for Metrics {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Context<Self>) {
        context.run_interval(self.interval, |metrics, _| {
            let (sources, watch) = (metrics.sources.clone(), metrics.watch.clone());
            drop(metrics.work.spawn(async move { sources.cycle(&watch).await }));
        });
    }
}

impl Handler<Heartbeat> for Metrics {
    type Result = ();

    fn handle(&mut self, heartbeat: Heartbeat, context: &mut Context<Self>) {
        heartbeat.answer::<Self>(context);
    }
}

impl Handler<GetAlerts> for Metrics {
    type Result = ResponseFuture<Result<Value, ApiError>>;

    fn handle(&mut self, _: GetAlerts, _: &mut Context<Self>) -> Self::Result {
        let watch = self.watch.clone();
        self.work.run("metrics", async move {
            let watch = watch.lock().await;
            let firing: Vec<Value> = watch.book.firing().map(|alert| json!(alert)).collect();
            let recent: Vec<Value> = watch
                .book
                .recent()
                .map(|(alert, resolved_at)| json!({"alert": alert, "resolved_at": resolved_at}))
                .collect();
            Ok(json!({"firing": firing, "recent": recent}))
        })
    }
}

impl Handler<SetAlerts> for Metrics {
    type Result = ResponseFuture<Result<(), ApiError>>;

    fn handle(&mut self, SetAlerts(alerts): SetAlerts, _: &mut Context<Self>) -> Self::Result {
        let watch = self.watch.clone();
        self.work.run("metrics", async move {
            let mut watch = watch.lock().await;
            watch.book.reconfigure(&alerts);
            watch.limits.alerts = alerts;
            Ok(())
        })
    }
}

impl Handler<GetPrometheus> for Metrics {
    type Result = ResponseFuture<Result<String, ApiError>>;

    fn handle(&mut self, _: GetPrometheus, _: &mut Context<Self>) -> Self::Result {
        let (sources, watch) = (self.sources.clone(), self.watch.clone());
        self.work.run("metrics", async move {
            sources.look(&mut *watch.lock().await).await;
            Ok(sources.telemetry.prometheus())
        })
    }
}

impl Handler<GetReport> for Metrics {
    type Result = ResponseFuture<Result<Report, ApiError>>;

    fn handle(&mut self, _: GetReport, _: &mut Context<Self>) -> Self::Result {
        let (sources, watch) = (self.sources.clone(), self.watch.clone());
        self.work.run("metrics", async move {
            let mut watch = watch.lock().await;
            sources.look(&mut watch).await;
            // All figures count from the daemon's start.
            let figures = sources.telemetry.snapshot();
            let window = Window::between(&Snapshot::default(), &figures, watch.began.elapsed());
            let firing = watch.book.firing().cloned().collect();
            let mut report = Report::new(Timestamp::now(), &window, firing, &watch.limits);
            report.database.server = database_use::server_part(&sources.store).await;
            Ok(report)
        })
    }
}

impl Handler<Cycle> for Metrics {
    type Result = ResponseFuture<Result<(), ApiError>>;

    fn handle(&mut self, _: Cycle, _: &mut Context<Self>) -> Self::Result {
        let (sources, watch) = (self.sources.clone(), self.watch.clone());
        self.work.run("metrics", async move {
            sources.cycle(&watch).await;
            Ok(())
        })
    }
}

impl Sources {
    /// Looks, judges, logs what changed, stores the main figures. A cycle that meets a running
    /// one is left out.
    async fn cycle(&self, watch: &Mutex<Watch>) {
        let Ok(mut watch) = watch.try_lock() else { return };
        self.look(&mut watch).await;
        let figures = self.telemetry.snapshot();
        let window = Window::between(&watch.last, &figures, watch.last_at.elapsed());
        let now = Timestamp::now();
        for transition in watch.book.evaluate(&window, now) {
            log_alert(&self.log, &transition);
        }
        (watch.last, watch.last_at) = (figures, Instant::now());
        if let Err(error) = self.store.add_metrics(&rows(&window, now)).await {
            warn!(self.log, "metrics were not stored"; "error" => %error);
        }
    }

    /// Brings the gauges up to date. A peer that does not answer leaves its figures as they were:
    /// missing data resolves no alert.
    async fn look(&self, watch: &mut Watch) {
        let telemetry = &self.telemetry;
        if let Some(sample) = watch.sampler.sample() {
            sample.record(telemetry);
            debug!(self.log, "a look at the system"; events::METRICS_CYCLE,
                "cpu_percent" => sample.cpu_percent, "memory_percent" => sample.memory_percent(),
                "resident_bytes" => sample.resident_bytes);
        }
        telemetry.gauge(metrics::BUILD_INFO, &[env!("CARGO_PKG_VERSION")], 1.0);
        telemetry.gauge(metrics::UPTIME, &[], watch.began.elapsed().as_secs_f64());
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
        if let Ok(status) = self.peers.llm.ask(GetLlmStatus).await {
            llm_figures::record(telemetry, &status);
        }
    }
}

/// The figures whose trends the report shows.
fn rows(window: &Window, at: Timestamp) -> Vec<MetricRow> {
    let figures = &window.figures;
    let workflow = figures.histogram(metrics::WORKFLOW_SECONDS);
    let values = [
        ("cpu_ratio", figures.gauge(metrics::CPU_RATIO, |_| true)),
        ("process_memory_bytes", figures.gauge(metrics::PROCESS_MEMORY, |_| true)),
        ("plans_finished", Some(figures.counter(metrics::PLANS_FINISHED, |_| true) as f64)),
        ("workflow_seconds_mean", workflow.mean_seconds()),
        ("query_cache_hit_percent", window.hit_percent(metrics::QUERY_CACHE).map(|(p, _)| p)),
        ("llm_cache_hit_percent", window.hit_percent(metrics::LLM_CACHE).map(|(p, _)| p)),
    ];
    let row = |(name, value): (&str, Option<f64>)| {
        let value = value?;
        Some(MetricRow { at, name: name.to_owned(), value, labels: None })
    };
    values.into_iter().filter_map(row).collect()
}

/// An alert's line: on transitions, and as a reminder.
fn log_alert(log: &Logger, transition: &Transition) {
    let alert = &transition.alert;
    let reminder = transition.state == TransitionState::Reminder;
    let state = match transition.state {
        TransitionState::Resolved => "resolved",
        TransitionState::Firing | TransitionState::Reminder => "firing",
    };
    let log = log.new(o!(
        "alert" => alert.alert,
        "state" => state,
        "severity" => alert.severity.as_str(),
        "value" => alert.value,
        "threshold" => alert.threshold,
        "since" => alert.since.to_string(),
        "count" => alert.count,
        "fingerprint" => alert.fingerprint.clone(),
        "runbook" => alert.runbook,
        "reminder" => reminder,
    ));
    match (transition.state, alert.severity) {
        (TransitionState::Resolved, _) => info!(log, "an alert was resolved"; events::ALERT),
        (_, Severity::Critical) => error!(log, "an alert fires"; events::ALERT),
        _ => warn!(log, "an alert fires"; events::ALERT),
    }
}
