//! Keeps up with the database beside the requests: learns what other daemons changed, expires
//! holds, lets go of what is old, and builds indexes that are missing.

use std::time::Duration;

use slog::{Logger, info, warn};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use super::cached_sourcing::CachedSourcing;
use store::{Store, StoreError};
use telemetry::log::events;

/// Changes are looked for that often, told of or not: a notification may be lost.
const LOOK_EVERY: Duration = Duration::from_secs(1);
const CLEAN_EVERY: Duration = Duration::from_secs(60);

/// Goes on until it is dropped.
pub async fn watch(store: Store, sourcing: CachedSourcing, log: Logger) {
    let looking = look(&sourcing);
    let cleaning = clean(&store, &log);
    let building = async {
        // A start finds what an earlier life left undone.
        while !store.pool_status().reachable {
            sleep(LOOK_EVERY).await;
        }
        build_indexes(&store, &log).await;
    };
    tokio::join!(looking, cleaning, building);
}

/// Looks once a second, told of changes or not.
async fn look(sourcing: &CachedSourcing) {
    let mut poll = interval(LOOK_EVERY);
    poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        poll.tick().await;
        // While the database is away nothing can be learnt, and nothing is remembered.
        let _ = sourcing.look_for_changes().await;
    }
}

/// Nothing depends on it but disk space and, for expired holds, how soon a vendor that is free
/// again is found.
async fn clean(store: &Store, log: &Logger) {
    let mut turn = interval(CLEAN_EVERY);
    turn.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        turn.tick().await;
        let cleaned = async {
            let expired = store.expire_holds().await?;
            store.prune_changes().await?;
            Ok::<_, StoreError>(expired)
        };
        match cleaned.await {
            Ok(0) | Err(StoreError::Unreachable { .. }) => {}
            Ok(holds) => info!(log, "holds ran out"; events::HOLDS_EXPIRED, "holds" => holds),
            Err(error) => warn!(log, "cleaning up failed"; "error" => %error),
        }
    }
}

/// Builds what is missing, beside everything else.
pub async fn build_indexes(store: &Store, log: &Logger) {
    let started = Instant::now();
    match store.build_indexes().await {
        Ok(0) => {}
        Ok(built) => info!(log, "indexes were built"; events::INDEXES_BUILT,
            "indexes" => built, "ms" => started.elapsed().as_millis() as u64),
        Err(error) => warn!(log, "building indexes failed; the next start goes on";
            "error" => %error),
    }
}
