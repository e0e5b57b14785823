//! What has to be cleared away now and then: plans past their time, holds that ran out.

use std::{sync::Arc, time::Duration};

use slog::{info, warn};
use tokio::sync::watch;

use crate::task_spawner::TaskSpawner;
use settings::Settings;
use store::{Store, StoreError};
use telemetry::log::events;

/// Between two rounds.
const EVERY: Duration = Duration::from_secs(600);
/// Deletions of one round; more are left to the next one.
const BATCHES_MAX: u32 = 100;

/// Clears away until the daemon ends. Each round is a task of its own: one that panics costs
/// only itself.
pub(crate) async fn keep_house(
    store: Store,
    settings: watch::Receiver<Arc<Settings>>,
    work: TaskSpawner,
) {
    let mut every = tokio::time::interval(EVERY);
    loop {
        every.tick().await;
        let keep_days = settings.borrow().plans.keep_days;
        let round = work.spawn(round(store.clone(), keep_days));
        match round.await {
            Ok(Ok(0)) => {}
            Ok(Ok(plans)) => info!(work.log, "plans past their time were deleted";
                events::PLANS_EXPIRED, "plans" => plans, "keep_days" => keep_days),
            Ok(Err(error)) => warn!(work.log, "housekeeping failed"; "error" => %error),
            Err(error) => warn!(work.log, "housekeeping failed"; "error" => error.to_string()),
        }
    }
}

/// Plans deleted.
async fn round(store: Store, keep_days: u32) -> Result<u64, StoreError> {
    store.expire_holds().await?;
    let mut plans = 0;
    for _ in 0..BATCHES_MAX {
        match store.delete_ended_plans(keep_days).await? {
            0 => break,
            deleted => plans += deleted,
        }
    }
    Ok(plans)
}
