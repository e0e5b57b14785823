//! The pool under trouble: no server, no room, killed backends.

use std::time::{Duration, Instant};

use common::{database, open, raw, small_pool};
use eventplanner::store::{Store, StoreError, settings::DatabaseSettings};

#[tokio::test]
async fn an_absent_server_is_named_as_such() {
    let directory = tempfile::tempdir().unwrap();
    let host = directory.path().to_str().unwrap().to_owned();
    let url = format!("postgresql://nobody@/nowhere?host={host}");
    let settings = DatabaseSettings { url, ..small_pool() };
    let error = Store::open(&settings).await.map(drop).unwrap_err();
    assert!(matches!(error, StoreError::Unreachable { .. }), "{error}");
    let settings = DatabaseSettings { url: "mysql://x".into(), ..small_pool() };
    let error = Store::open(&settings).await.map(drop).unwrap_err();
    assert!(matches!(error, StoreError::Refused { .. }), "{error}");
}

#[tokio::test]
async fn a_vanished_database_is_told_before_the_time_limit() {
    let url = database().await;
    let settings = DatabaseSettings {
        url: url.clone(),
        pool_size: 1,
        max_overflow: 0,
        checkout_timeout: Duration::from_secs(20),
        ..small_pool()
    };
    let store = Store::open(&settings).await.unwrap();
    store.ping().await.unwrap();
    let (name, _) = url.rsplit_once('?').unwrap();
    let (_, name) = name.rsplit_once('/').unwrap();
    let server = raw(&url.replace(&format!("/{name}?"), "/postgres?")).await;
    server.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await.unwrap();

    let asked = Instant::now();
    let mut last = store.ping().await.unwrap_err();
    // The first may meet the connection while it dies.
    if matches!(last, StoreError::Disconnected { .. }) {
        last = store.ping().await.unwrap_err();
    }
    assert!(matches!(&last, StoreError::Refused { cause } if cause.contains(name)), "{last}");
    assert!(asked.elapsed() < Duration::from_secs(5));
    assert!(store.pool_status().connection_errors > 0);
}

#[tokio::test]
async fn a_killed_backend_costs_at_most_its_own_query() {
    let url = database().await;
    let store = open(url.clone()).await;
    let client = raw(&url).await;
    for _ in 0..5 {
        store.ping().await.unwrap();
        let sql = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                   WHERE datname = current_database() AND pid <> pg_backend_pid()";
        client.query_one(sql, &[]).await.unwrap();
        // A connection that was used a moment ago is not tested: it may take one query down.
        let mut tries = 0;
        while let Err(error) = store.ping().await {
            assert!(matches!(error, StoreError::Disconnected { .. }), "{error}");
            tries += 1;
            assert!(tries <= store.pool_status().limit, "{error}");
        }
    }
}

#[tokio::test]
async fn a_full_pool_says_so() {
    let url = database().await;
    let settings = DatabaseSettings {
        url: url.clone(),
        pool_size: 1,
        max_overflow: 0,
        checkout_timeout: Duration::from_millis(200),
        ..small_pool()
    };
    let store = Store::open(&settings).await.unwrap();
    let held = store.begin_import().await.unwrap();
    let error = store.ping().await.unwrap_err();
    assert!(matches!(error, StoreError::Exhausted { in_use: 1, .. }), "{error}");
    assert!(error.is_transient());
    drop(held);
    // The connection of a dropped import is closed, and another one takes its place.
    store.ping().await.unwrap();
}

#[tokio::test]
async fn a_time_limit_stops_a_wait_for_a_lock() {
    let url = database().await;
    let settings = DatabaseSettings {
        url: url.clone(),
        lock_timeout: Duration::from_millis(100),
        ..small_pool()
    };
    let store = Store::open(&settings).await.unwrap();
    let first = store.begin_import().await.unwrap();
    let error = store.begin_import().await.map(drop).unwrap_err();
    assert!(matches!(error, StoreError::TimedOut { .. }), "{error}");
    drop(first);
}

#[tokio::test]
async fn statements_also_run_unprepared() {
    let settings =
        DatabaseSettings { url: database().await, prepared_statements: false, ..small_pool() };
    let store = Store::open(&settings).await.unwrap();
    common::fixtures::import(&store, &[common::fixtures::full_vendor("v")]).await;
    let plan = common::fixtures::submit(&store).await;
    let claimed =
        store.claim(common::fixtures::claim("d", Duration::from_secs(60), 10)).await.unwrap();
    assert_eq!(claimed[0].id, plan);
    assert_eq!(store.categories().await.unwrap().len(), 8);
}
