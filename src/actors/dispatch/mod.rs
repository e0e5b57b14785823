//! Claims plans and keeps their runs: at most so many at once, leases renewed, cancellable.

pub(crate) mod admission;
pub(crate) mod fleet;
pub(crate) mod housekeeping;
pub(crate) mod runs;

use std::{
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use runs::Runs;
use slog::{Logger, error, warn};
use tokio::{
    sync::{Notify, watch},
    task::{AbortHandle, JoinSet},
    time::{Interval, MissedTickBehavior, interval, timeout},
};
use tokio_util::task::AbortOnDropHandle;

use crate::run::{
    self,
    context::{Interrupt, RunContext},
};
use model::PlanId;
use settings::Settings;
use store::{Claim, Plan, Renewed, SUSPECT_CRASHES};
use telemetry::{figures::metrics, log::events};

/// Looks for plans that were not told of: a notification was lost, a delay has passed, a lease ran
/// out.
const POLL_EVERY: Duration = Duration::from_millis(500);
/// A suspect is run only once this process has lived so long, twice as long with each further
/// crash: where daemons die young for another reason, no plan is to be blamed for it. It also
/// keeps a plan that does kill its daemons from using up the service manager's restarts.
const STEADY_AFTER: Duration = Duration::from_secs(5);
/// Runs are interrupted again and again until they have ended: one may just be beginning.
const INTERRUPT_EVERY: Duration = Duration::from_millis(100);

/// Whether plans are claimed. Outlives every generation of the coordinator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duty {
    Claiming,
    /// What runs is brought to its end, or given back; nothing new is begun.
    Draining,
}

/// What one generation's dispatcher shares with the next one's.
#[derive(Clone)]
pub struct SharedAcrossRestarts {
    /// There may be a plan to claim.
    pub(crate) wake: Arc<Notify>,
    pub duty: watch::Sender<Duty>,
    /// True while draining with nothing left.
    pub idle: watch::Sender<bool>,
    pub settings: watch::Receiver<Arc<Settings>>,
    /// When the daemon started.
    since: Instant,
    /// Ends the claiming of the generation before: one that froze never drops its dispatcher.
    former: Arc<Mutex<Option<AbortHandle>>>,
}

impl SharedAcrossRestarts {
    pub fn new(settings: watch::Receiver<Arc<Settings>>) -> Self {
        let (duty, _) = watch::channel(Duty::Claiming);
        let (idle, _) = watch::channel(false);
        let since = Instant::now();
        Self { wake: Arc::default(), duty, idle, settings, since, former: Arc::default() }
    }
}

/// Owned by the coordinator; its drop ends the claiming and, with it, every run.
pub struct Dispatcher {
    runs: Runs,
    shared: SharedAcrossRestarts,
    _claiming: AbortOnDropHandle<()>,
}

impl Dispatcher {
    /// Starts to claim. `runs` must be the ones that the plan service reaches.
    pub fn start(context: RunContext, runs: Runs, shared: &SharedAcrossRestarts) -> Self {
        let work = context.work.clone();
        let claiming = Claiming {
            context,
            runs: runs.clone(),
            shared: shared.clone(),
            running: JoinSet::new(),
            reachable: true,
        };
        let claiming = AbortOnDropHandle::new(work.spawn(claiming.run()));
        let former = {
            let mut slot = shared.former.lock().unwrap_or_else(PoisonError::into_inner);
            slot.replace(claiming.abort_handle())
        };
        if let Some(former) = former {
            former.abort();
        }
        Self { runs, shared: shared.clone(), _claiming: claiming }
    }

    /// Claims again.
    pub fn resume(&self) {
        self.shared.duty.send_replace(Duty::Claiming);
    }

    /// Stops claiming. What runs may go on for `grace`, then it is given back; the future ends
    /// when nothing is left.
    pub fn drain(&self, grace: Duration) -> impl Future<Output = ()> + Send + 'static {
        let (runs, idle) = (self.runs.clone(), self.shared.idle.clone());
        // Before the duty: nobody may see the idleness of an earlier drain.
        idle.send_replace(false);
        self.shared.duty.send_replace(Duty::Draining);
        let mut idle = idle.subscribe();
        async move {
            // An error means that the claiming has ended, and its runs with it.
            let mut patience = grace;
            while timeout(patience, idle.wait_for(|idle| *idle)).await.is_err() {
                runs.interrupt_all(Interrupt::Drained);
                patience = INTERRUPT_EVERY;
            }
        }
    }
}

struct Claiming {
    context: RunContext,
    runs: Runs,
    shared: SharedAcrossRestarts,
    running: JoinSet<()>,
    /// Whether the database answered last time.
    reachable: bool,
}

impl Claiming {
    async fn run(mut self) {
        self.take_over().await;
        let mut duty = self.shared.duty.subscribe();
        let mut poll = interval(POLL_EVERY);
        poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut settings = self.shared.settings.clone();
        let mut renewal = self.renewal();
        loop {
            let draining = *duty.borrow_and_update() == Duty::Draining;
            self.context.settings = settings.borrow_and_update().clone();
            if !draining {
                self.claim().await;
            }
            self.shared.idle.send_replace(draining && self.running.is_empty());
            tokio::select! {
                () = self.shared.wake.notified() => {}
                _ = poll.tick() => {}
                _ = renewal.tick() => self.renew().await,
                Some(ended) = self.running.join_next() => self.ended(ended),
                // An error means that the daemon is ending: so does this task.
                changed = duty.changed() => if changed.is_err() { return },
                _ = settings.changed() => renewal = self.renewal(),
            }
            // All that have ended make room for one claim together.
            while let Some(ended) = self.running.try_join_next() {
                self.ended(ended);
            }
        }
    }

    /// Three tries per lease. The first tick comes at once.
    fn renewal(&self) -> Interval {
        let lease = self.shared.settings.borrow().workflow.lease;
        let mut renewal = interval(lease / 3);
        renewal.set_missed_tick_behavior(MissedTickBehavior::Delay);
        renewal
    }

    /// Takes back what the former generation was working on: nobody else uses this name.
    async fn take_over(&self) {
        let RunContext { store, owner, work, .. } = &self.context;
        if let Err(error) = store.release_leases(owner).await {
            warn!(work.log, "leases of an earlier run were not released"; "error" => %error);
        }
    }

    /// Claims as many plans as there is room for.
    async fn claim(&mut self) {
        let workflow = &self.context.settings.workflow;
        let room = workflow.max_plans_in_flight.saturating_sub(self.running.len());
        if room == 0 {
            return;
        }
        let RunContext { store, owner, work, .. } = &self.context;
        let claim = Claim {
            owner,
            lease: workflow.lease,
            limit: u32::try_from(room).unwrap_or(u32::MAX),
            suspect_crashes: match self.runs.has_suspect() {
                true => 0,
                false => suspect_crashes(self.shared.since.elapsed()),
            },
        };
        match store.claim(claim).await {
            Ok(claimed) => {
                self.reachable = true;
                for plan in claimed {
                    self.begin(plan);
                }
            }
            Err(error) => {
                // Said once per outage; the poll goes on.
                if std::mem::take(&mut self.reachable) {
                    error!(work.log, "no plan could be claimed"; events::DATABASE_UNREACHABLE,
                        "error" => %error);
                }
            }
        }
    }

    fn begin(&mut self, plan: Plan) {
        let (id, run_number) = (plan.id, plan.run_number);
        let interrupted = self.runs.begin(&plan, plan.crashes >= SUSPECT_CRASHES);
        let (context, runs) = (self.context.clone(), self.runs.clone());
        let run = run::run(context.clone(), plan.clone(), interrupted);
        // Ends with the dispatcher.
        let run = AbortOnDropHandle::new(context.work.spawn(run));
        self.running.spawn(async move {
            if let Err(panicked) = run.await {
                run::panicked(&context, &plan, &panicked.to_string()).await;
            }
            runs.end(id, run_number);
        });
        self.measure();
    }

    fn ended(&mut self, ended: Result<(), tokio::task::JoinError>) {
        if let Err(error) = ended {
            let log: &Logger = &self.context.work.log;
            error!(log, "a run's keeper failed"; "error" => error.to_string());
        }
        self.measure();
    }

    fn measure(&self) {
        let running = self.running.len() as f64;
        self.context.telemetry.gauge(metrics::PLANS_IN_FLIGHT, &[], running);
    }

    /// Renews all leases at once; a run whose lease is lost is told to drop its work.
    async fn renew(&self) {
        let runs = self.runs.all();
        let RunContext { store, owner, work, settings, .. } = &self.context;
        match store.renew_leases(owner, settings.workflow.lease, &runs).await {
            Ok(renewed) => self.heed(&runs, &renewed),
            Err(error) => warn!(work.log, "leases were not renewed"; "error" => %error),
        }
    }

    fn heed(&self, runs: &[(PlanId, i64)], renewed: &[Renewed]) {
        for Renewed { plan, .. } in renewed.iter().filter(|kept| kept.cancel_requested) {
            self.runs.interrupt(*plan, Interrupt::Cancelled);
        }
        for (plan, run_number) in runs {
            let is_kept = |kept: &Renewed| (kept.plan, kept.run_number) == (*plan, *run_number);
            // It may just be ending here too, or it was taken away.
            if !renewed.iter().any(is_kept) {
                self.runs.interrupt_run(*plan, *run_number, Interrupt::Fenced);
            }
        }
    }
}

/// Crashes that a suspect may have for a process of this age to run it; 0 for none.
fn suspect_crashes(age: Duration) -> u32 {
    let spans = age.as_secs() / STEADY_AFTER.as_secs();
    spans.checked_ilog2().map_or(0, |doublings| SUSPECT_CRASHES + doublings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_process_dares_more() {
        let at = |seconds| suspect_crashes(Duration::from_secs(seconds));
        assert_eq!([0, 4, 5, 9, 10, 19, 20, 39, 40].map(at), [0, 0, 2, 2, 3, 3, 4, 4, 5]);
    }
}
