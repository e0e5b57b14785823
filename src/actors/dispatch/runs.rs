//! The runs under way in this daemon, for those who must reach one.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;

use crate::run::context::Interrupt;
use model::PlanId;
use store::Plan;

/// A run under way.
struct Run {
    run_number: i64,
    /// Its plan may be what killed the daemons before.
    is_suspect: bool,
    interrupt: watch::Sender<Option<Interrupt>>,
}

/// Cheap to clone; all clones share the runs.
#[derive(Clone, Default)]
pub struct Runs {
    running: Arc<Mutex<BTreeMap<PlanId, Run>>>,
}

impl Runs {
    /// A run begins; it ends early when the receiver holds why.
    pub fn begin(&self, plan: &Plan, is_suspect: bool) -> watch::Receiver<Option<Interrupt>> {
        let (interrupt, interrupted) = watch::channel(None);
        let run = Run { run_number: plan.run_number, is_suspect, interrupt };
        self.locked().insert(plan.id, run);
        interrupted
    }

    /// A run has ended, unless a later run of the same plan has taken its place.
    pub fn end(&self, plan: PlanId, run_number: i64) {
        let mut running = self.locked();
        if running.get(&plan).is_some_and(|run| run.run_number == run_number) {
            running.remove(&plan);
        }
    }

    /// Ends a plan's run early, whatever its number; false where it isn't one of ours.
    pub fn interrupt(&self, plan: PlanId, why: Interrupt) -> bool {
        let running = self.locked();
        let run = running.get(&plan);
        run.map(|run| run.interrupt.send_replace(Some(why))).is_some()
    }

    /// Ends this very run early.
    pub(crate) fn interrupt_run(&self, plan: PlanId, run_number: i64, why: Interrupt) {
        if let Some(run) = self.locked().get(&plan).filter(|run| run.run_number == run_number) {
            run.interrupt.send_replace(Some(why));
        }
    }

    pub(crate) fn interrupt_all(&self, why: Interrupt) {
        for run in self.locked().values() {
            run.interrupt.send_replace(Some(why));
        }
    }

    pub(crate) fn has_suspect(&self) -> bool {
        self.locked().values().any(|run| run.is_suspect)
    }

    /// Plans and run numbers.
    pub fn all(&self) -> Vec<(PlanId, i64)> {
        self.locked().iter().map(|(plan, run)| (*plan, run.run_number)).collect()
    }

    fn locked(&self) -> MutexGuard<'_, BTreeMap<PlanId, Run>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
