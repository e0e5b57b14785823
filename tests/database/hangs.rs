//! Servers in trouble that don't die: those that hang, whose answers have an end on this side too,
//! and those whose disk fails.

use std::time::{Duration, Instant};

use eventplanner::store::{Store, StoreError, settings::DatabaseSettings};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use common::{database, raw, small_pool};

const STATEMENT_TIMEOUT: Duration = Duration::from_secs(1);
/// The answer's own deadline, with room for a busy machine.
const ANSWERED_WITHIN: Duration = Duration::from_secs(8);

/// Server processes that stand still until this is dropped.
struct Stopped(Vec<Pid>);

impl Stopped {
    /// All of the pool's in this database.
    async fn all(url: &str) -> Self {
        let client = raw(url).await;
        let sql = "SELECT pid FROM pg_stat_activity
                   WHERE datname = current_database() AND pid <> pg_backend_pid()
                     AND application_name = 'eventplannerd'";
        let pids: Vec<Pid> = client
            .query(sql, &[])
            .await
            .unwrap()
            .iter()
            .map(|row| Pid::from_raw(row.get(0)))
            .collect();
        assert!(!pids.is_empty());
        for pid in &pids {
            kill(*pid, Signal::SIGSTOP).unwrap();
        }
        Self(pids)
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        for pid in &self.0 {
            // It may have ended meanwhile.
            let _ = kill(*pid, Signal::SIGCONT);
        }
    }
}

#[tokio::test]
async fn a_stuck_server_process_costs_its_own_statement_and_no_more() {
    let url = database().await;
    let settings = DatabaseSettings {
        url: url.clone(),
        pool_size: 1,
        max_overflow: 2,
        statement_timeout: STATEMENT_TIMEOUT,
        ..small_pool()
    };
    let store = Store::open(&settings).await.unwrap();
    store.ping().await.unwrap();
    let stopped = Stopped::all(&url).await;

    // The connection was used a moment ago, so nothing tests it before use.
    let asked = Instant::now();
    let error = store.ping().await.unwrap_err();
    assert!(
        matches!(&error, StoreError::Disconnected { cause, .. } if cause.contains("no answer")),
        "{error}"
    );
    assert!(asked.elapsed() >= STATEMENT_TIMEOUT, "{:?}", asked.elapsed());
    // It is given up: others go on while it still hangs.
    store.ping().await.unwrap();
    assert!(asked.elapsed() < ANSWERED_WITHIN, "{:?}", asked.elapsed());
    drop(stopped);
    store.ping().await.unwrap();
}

#[tokio::test]
async fn a_failing_disk_is_told_and_may_pass() {
    let url = database().await;
    let settings = DatabaseSettings { url: url.clone(), ..small_pool() };
    let store = Store::open(&settings).await.unwrap();
    let client = raw(&url).await;
    client
        .batch_execute(
            "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN RAISE EXCEPTION 'the disk fails' USING ERRCODE = '58030'; END $$;
         CREATE TRIGGER fail BEFORE INSERT ON plan FOR EACH ROW EXECUTE FUNCTION fail()",
        )
        .await
        .unwrap();
    let plan = common::fixtures::new_plan(eventplanner::model::PlanId(uuid::Uuid::now_v7()));
    let error = store.submit(&plan).await.unwrap_err();
    assert!(
        matches!(&error, StoreError::Faulty { cause, .. } if cause.contains("the disk fails")),
        "{error}"
    );
    assert!(error.is_transient());
}
