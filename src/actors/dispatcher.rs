//! Claims plans and keeps their runs: at most so many at once, leases renewed, cancellable.

use std::{
    collections::BTreeMap,
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use slog::{Logger, error, warn};
use tokio::{
    sync::{Notify, watch},
    task::{AbortHandle, JoinSet},
    time::{MissedTickBehavior, interval},
};

use super::{
    plan_run,
    run_context::{Interrupt, RunContext},
};
use crate::{
    model::PlanId,
    store::{Plan, Renewed},
    telemetry::{events, metrics},
};

/// Looks for plans that nobody told of: submitted to another daemon, or left by a dead one.
const POLL_EVERY: Duration = Duration::from_millis(500);

/// A run under way.
struct Run {
    run_number: i64,
    interrupt: watch::Sender<Option<Interrupt>>,
}

/// The runs under way, for those who must reach one. Cheap to clone.
#[derive(Clone, Default)]
pub struct Runs {
    running: Arc<Mutex<BTreeMap<PlanId, Run>>>,
    wake: Arc<Notify>,
}

impl Runs {
    /// There is a plan to claim.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// Ends a run early; false where it isn't one of ours.
    pub fn interrupt(&self, plan: PlanId, why: Interrupt) -> bool {
        match self.locked().get(&plan) {
            Some(run) => {
                run.interrupt.send_replace(Some(why));
                true
            }
            None => false,
        }
    }

    fn begin(&self, plan: &Plan) -> watch::Receiver<Option<Interrupt>> {
        let (interrupt, interrupted) = watch::channel(None);
        let run = Run { run_number: plan.run_number, interrupt };
        self.locked().insert(plan.id, run);
        interrupted
    }

    /// Ends a run's entry, unless a later run of the same plan has taken its place.
    fn end(&self, plan: PlanId, run_number: i64) {
        let mut running = self.locked();
        if running.get(&plan).is_some_and(|run| run.run_number == run_number) {
            running.remove(&plan);
        }
    }

    fn all(&self) -> Vec<(PlanId, i64)> {
        self.locked().iter().map(|(plan, run)| (*plan, run.run_number)).collect()
    }

    fn locked(&self) -> MutexGuard<'_, BTreeMap<PlanId, Run>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Owned by the coordinator; its drop ends the claiming and, with it, every run.
pub struct Dispatcher {
    runs: Runs,
    draining: watch::Sender<bool>,
    drained: watch::Receiver<bool>,
    task: AbortHandle,
}

impl Dispatcher {
    /// Starts to claim. `runs` must be the ones that the plan service reaches.
    pub fn start(context: RunContext, runs: Runs) -> Self {
        let (draining, drain) = watch::channel(false);
        let (all_ended, drained) = watch::channel(false);
        let work = context.work.clone();
        let claiming = Claiming { context, runs: runs.clone(), running: JoinSet::new() };
        let task = work.spawn(claiming.run(drain, all_ended)).abort_handle();
        Self { runs, draining, drained, task }
    }

    /// Stops claiming and gives every running plan back; the future ends when none is left.
    pub fn drain(&self) -> impl Future<Output = ()> + Send + 'static {
        self.draining.send_replace(true);
        for (plan, _) in self.runs.all() {
            self.runs.interrupt(plan, Interrupt::Drained);
        }
        let mut drained = self.drained.clone();
        async move {
            // An error means that the claiming has ended, and its runs with it.
            let _ = drained.wait_for(|all_ended| *all_ended).await;
        }
    }
}

impl Drop for Dispatcher {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Claiming {
    context: RunContext,
    runs: Runs,
    running: JoinSet<PlanId>,
}

impl Claiming {
    async fn run(mut self, mut drain: watch::Receiver<bool>, all_ended: watch::Sender<bool>) {
        self.take_over().await;
        let mut poll = interval(POLL_EVERY);
        poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut renewal = interval(self.context.settings.workflow.lease / 3);
        renewal.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut reachable = true;
        while !*drain.borrow() {
            reachable = self.claim(reachable).await;
            tokio::select! {
                () = self.runs.wake.notified() => {}
                _ = poll.tick() => {}
                _ = renewal.tick() => self.renew().await,
                Some(ended) = self.running.join_next() => self.ended(ended),
                _ = drain.changed() => {}
            }
        }
        while let Some(ended) = self.running.join_next().await {
            self.ended(ended);
        }
        all_ended.send_replace(true);
    }

    /// Takes back what this daemon held before it died: nobody else uses its name.
    async fn take_over(&self) {
        let RunContext { store, owner, work, .. } = &self.context;
        if let Err(error) = store.release_leases(owner).await {
            warn!(work.log, "leases of an earlier run were not released"; "error" => %error);
        }
    }

    /// Claims as many plans as there is room for. Answers whether the database did.
    async fn claim(&mut self, was_reachable: bool) -> bool {
        let workflow = &self.context.settings.workflow;
        let room = workflow.max_plans_in_flight.saturating_sub(self.running.len());
        if room == 0 {
            return was_reachable;
        }
        let RunContext { store, owner, work, .. } = &self.context;
        match store.claim(owner, workflow.lease, u32::try_from(room).unwrap_or(u32::MAX)).await {
            Ok(claimed) => {
                for plan in claimed {
                    self.begin(plan);
                }
                true
            }
            Err(error) => {
                // Said once per outage; the poll goes on.
                if was_reachable {
                    error!(work.log, "no plan could be claimed"; events::DATABASE_UNREACHABLE,
                        "error" => %error);
                }
                false
            }
        }
    }

    fn begin(&mut self, plan: Plan) {
        let (id, run_number) = (plan.id, plan.run_number);
        let interrupted = self.runs.begin(&plan);
        let (context, runs) = (self.context.clone(), self.runs.clone());
        let work = self.context.work.clone();
        let run = work.spawn(plan_run::run(context, plan, interrupted));
        self.running.spawn(async move {
            // The guard ends the run with the dispatcher; its panic is logged by `ended`.
            let guard = AbortOnDrop(run.abort_handle());
            let finished = run.await;
            drop(guard);
            runs.end(id, run_number);
            if let Err(panicked) = finished {
                error!(work.log, "a run panicked"; events::PLAN_RETURNED,
                    "plan_id" => %id, "reason" => panicked.to_string());
            }
            id
        });
        self.measure();
    }

    /// A run that is over in the database: it may just be ending here too, or it was taken away.
    fn fenced(&self, (plan, run_number): (PlanId, i64)) {
        if self.runs.all().contains(&(plan, run_number)) {
            self.runs.interrupt(plan, Interrupt::Fenced);
        }
    }

    fn ended(&mut self, ended: Result<PlanId, tokio::task::JoinError>) {
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
            Ok(renewed) => {
                for run in runs {
                    let kept = renewed.iter().find(|kept| (kept.plan, kept.run_number) == run);
                    match kept {
                        Some(Renewed { cancel_requested: true, plan, .. }) => {
                            self.runs.interrupt(*plan, Interrupt::Cancelled);
                        }
                        Some(_) => {}
                        None => self.fenced(run),
                    }
                }
            }
            Err(error) => warn!(work.log, "leases were not renewed"; "error" => %error),
        }
    }
}

struct AbortOnDrop(AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}
