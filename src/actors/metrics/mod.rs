//! Metrics: looks at everything once a cycle, lets the alert rules judge, logs their transitions,
//! stores the figures whose trends the report shows.
//!
//! State owned: the alert rules' state, the figures of the last cycles. Peers: reads counters of
//! VendorSearch and LlmGateway, the supervisors, the pool, the machine. Bound: one cycle at a
//! time, `REPORTS_AT_ONCE` reports that wait for their span. A restart loses which alerts fire:
//! they fire again when their condition has lasted anew.

pub(crate) mod look;
pub(crate) mod query_figures;

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use actix::{Actor, AsyncContext, Context, Handler, Message, ResponseFuture};
use jiff::Timestamp;
use look::Sources;
use slog::warn;
use tokio::sync::{Mutex, Semaphore};

use crate::{
    supervision::{DeathNotice, Envelope},
    task_spawner::TaskSpawner,
    vendor_search::database_use,
    verification::Verifier,
};
use store::MetricRow;
use telemetry::{
    Snapshot, SystemSampler, Window,
    alerts::{AlertBook, AlertSettings, log::log_alert},
    figures::metrics,
    report::{
        Report, ReportLimits,
        trends::{self, Trend},
    },
    settings::MetricsSettings,
};
use wire::{Alerts, ApiError, ErrorCode, OptimizationsView};

/// Reports that may wait for their span at once.
const REPORTS_AT_ONCE: usize = 8;
/// Between two deletions of old figures.
const PRUNE_EVERY: Duration = Duration::from_secs(3_600);

/// Firing alerts, and those that were resolved.
pub struct GetAlerts;

impl Message for GetAlerts {
    type Result = Result<Alerts, ApiError>;
}

/// All figures in Prometheus's text format, taken now.
pub struct GetPrometheus;

impl Message for GetPrometheus {
    type Result = Result<String, ApiError>;
}

/// What a report spans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportSpan {
    SinceStart,
    /// Since the cycle before the last one: at least one whole interval.
    LastCycle,
    /// From now on; the answer comes when it is over.
    Next(Duration),
}

/// How the daemon has done, with advice.
pub struct GetReport(pub ReportSpan);

impl Message for GetReport {
    type Result = Result<Report, ApiError>;
}

/// The alerts' thresholds changed; what fires goes on firing until a measurement clears it.
pub(crate) struct SetAlerts(pub AlertSettings);

impl Message for SetAlerts {
    type Result = Result<(), ApiError>;
}

/// Measures every tuned mechanism with it and without it, so many times each.
pub struct VerifyMechanisms {
    pub samples: u32,
}

impl Message for VerifyMechanisms {
    type Result = Result<OptimizationsView, ApiError>;
}

/// All figures at one moment.
struct Moment {
    figures: Snapshot,
    at: Instant,
}

/// What a cycle needs and keeps.
struct Watch {
    book: AlertBook,
    sampler: SystemSampler,
    /// Of the last cycle, and of the one before.
    last: Moment,
    before: Moment,
    limits: ReportLimits,
    keep_days: u32,
    pruned: Option<Instant>,
}

pub struct Metrics {
    sources: Sources,
    watch: Arc<Mutex<Watch>>,
    waiting_reports: Arc<Semaphore>,
    verifier: Verifier,
    work: TaskSpawner,
    interval: Duration,
    _death_notice: DeathNotice,
}

/// How often to look, and what to judge by.
#[derive(Clone)]
pub struct MetricsLimits {
    pub metrics: MetricsSettings,
    pub report: ReportLimits,
    /// Whose file system is watched.
    pub state_dir: PathBuf,
}

impl Metrics {
    pub fn new(
        sources: Sources,
        verifier: Verifier,
        work: TaskSpawner,
        limits: MetricsLimits,
        death_notice: DeathNotice,
    ) -> Self {
        let moment = || Moment { figures: sources.telemetry.snapshot(), at: Instant::now() };
        let watch = Watch {
            book: AlertBook::new(&limits.report.alerts),
            sampler: SystemSampler::new(&limits.state_dir),
            last: moment(),
            before: moment(),
            limits: limits.report,
            keep_days: limits.metrics.keep_days,
            pruned: None,
        };
        Self {
            watch: Arc::new(Mutex::new(watch)),
            waiting_reports: Arc::new(Semaphore::new(REPORTS_AT_ONCE)),
            interval: limits.metrics.interval,
            sources,
            verifier,
            work,
            _death_notice: death_notice,
        }
    }
}

impl Actor for Metrics {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Context<Self>) {
        context.run_interval(self.interval, |metrics, _| {
            let (sources, watch) = (metrics.sources.clone(), metrics.watch.clone());
            drop(metrics.work.spawn(async move { cycle(&sources, &watch).await }));
        });
    }
}

impl Handler<Envelope<Self>> for Metrics {
    type Result = ();

    fn handle(&mut self, envelope: Envelope<Self>, context: &mut Context<Self>) {
        envelope.open(self, context);
    }
}

impl Handler<GetAlerts> for Metrics {
    type Result = ResponseFuture<Result<Alerts, ApiError>>;

    fn handle(&mut self, _: GetAlerts, _: &mut Context<Self>) -> Self::Result {
        let watch = self.watch.clone();
        self.work.run("metrics", async move {
            let watch = watch.lock().await;
            let (firing, recent) = (watch.book.firing().cloned(), watch.book.recent().cloned());
            Ok(Alerts { firing: firing.collect(), recent: recent.collect() })
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
            sources.look(&mut watch.lock().await.sampler).await;
            Ok(sources.telemetry.prometheus())
        })
    }
}

impl Handler<GetReport> for Metrics {
    type Result = ResponseFuture<Result<Report, ApiError>>;

    fn handle(&mut self, GetReport(span): GetReport, _: &mut Context<Self>) -> Self::Result {
        let (sources, watch) = (self.sources.clone(), self.watch.clone());
        let places = self.waiting_reports.clone();
        self.work.run("metrics", async move {
            let earlier = match span {
                ReportSpan::Next(span) => Some(wait_out(&sources, &watch, &places, span).await?),
                _ => None,
            };
            report(&sources, &mut *watch.lock().await, span, earlier).await
        })
    }
}

impl Handler<VerifyMechanisms> for Metrics {
    type Result = ResponseFuture<Result<OptimizationsView, ApiError>>;

    fn handle(&mut self, wanted: VerifyMechanisms, _: &mut Context<Self>) -> Self::Result {
        let verifier = self.verifier.clone();
        self.work.run("metrics", async move { verifier.optimizations(wanted.samples).await })
    }
}

/// Looks, judges, logs what changed, stores the main figures. A cycle that meets a running one is
/// left out.
async fn cycle(sources: &Sources, watch: &Mutex<Watch>) {
    let Ok(mut watch) = watch.try_lock() else { return };
    let watch = &mut *watch;
    sources.look(&mut watch.sampler).await;
    sources.count_vendors().await;
    let figures = sources.telemetry.snapshot();
    let window = Window::between(&watch.last.figures, &figures, watch.last.at.elapsed());
    let now = Timestamp::now();
    for transition in watch.book.evaluate(&window, now) {
        log_alert(&sources.log, &transition);
        let (alert, is_firing) = (&transition.alert, transition.is_firing());
        for severity in ["warning", "critical"] {
            let value = is_firing && alert.severity.as_str() == severity;
            let labels = [&*alert.alert, severity];
            sources.telemetry.gauge(metrics::ALERTS_FIRING, &labels, f64::from(u8::from(value)));
        }
    }
    watch.before = std::mem::replace(&mut watch.last, Moment { figures, at: Instant::now() });
    let row = |(name, value): (&str, f64)| MetricRow { at: now, name: name.to_owned(), value };
    let rows: Vec<MetricRow> = trends::values(&window).map(row).collect();
    if let Err(error) = sources.store.add_metrics(&rows).await {
        warn!(sources.log, "metrics were not stored"; "error" => %error);
    }
    if watch.pruned.is_none_or(|at| at.elapsed() >= PRUNE_EVERY) {
        watch.pruned = Some(Instant::now());
        let age = Duration::from_secs(86_400 * u64::from(watch.keep_days));
        if let Err(error) = sources.store.prune_metrics(&trends::names(), now - age).await {
            warn!(sources.log, "old metrics were not deleted"; "error" => %error);
        }
    }
}

/// The figures as the span begins, once it is over.
async fn wait_out(
    sources: &Sources,
    watch: &Mutex<Watch>,
    places: &Semaphore,
    span: Duration,
) -> Result<Moment, ApiError> {
    let busy = |_| ApiError::new(ErrorCode::Busy, "other reports wait for their span");
    let _place = places.try_acquire().map_err(busy)?;
    sources.look(&mut watch.lock().await.sampler).await;
    let earlier = Moment { figures: sources.telemetry.snapshot(), at: Instant::now() };
    tokio::time::sleep(span).await;
    Ok(earlier)
}

async fn report(
    sources: &Sources,
    watch: &mut Watch,
    span: ReportSpan,
    earlier: Option<Moment>,
) -> Result<Report, ApiError> {
    sources.look(&mut watch.sampler).await;
    let figures = sources.telemetry.snapshot();
    let window = match (span, &earlier) {
        (_, Some(then)) => Window::between(&then.figures, &figures, then.at.elapsed()),
        (ReportSpan::LastCycle, None) => {
            let then = &watch.before;
            Window::between(&then.figures, &figures, then.at.elapsed())
        }
        // All figures count from the daemon's start.
        _ => Window::between(&Snapshot::default(), &figures, sources.began.elapsed()),
    };
    let firing = watch.book.firing().cloned().collect();
    let now = Timestamp::now();
    let trends = trends(sources, now).await;
    let mut report = Report::new(now, &window, firing, trends, &watch.limits);
    report.database.server = database_use::server_part(&sources.store).await;
    Ok(report)
}

/// None where the database doesn't answer: a report is wanted all the more then.
async fn trends(sources: &Sources, now: Timestamp) -> Vec<Trend> {
    match sources.store.metric_means(&trends::names(), &trends::SPANS, now).await {
        Ok(means) => trends::trends(&means),
        Err(error) => {
            warn!(sources.log, "trends could not be read"; "error" => %error);
            Vec::new()
        }
    }
}
