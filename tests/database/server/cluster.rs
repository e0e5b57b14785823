//! The private cluster's life: start, stop, crash, a second daemon.

use std::time::{Duration, Instant};

use common::{Leash, raw, reachable_directory, small_pool, state_directory};
use eventplanner::store::{Cluster, StateLock, StoreError};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

/// Children of a killed server notice it within a moment.
const SOON: Duration = Duration::from_secs(10);

#[tokio::test]
async fn a_cluster_outlives_stops_kills_and_lost_daemons() {
    let directory = reachable_directory();
    let lock = StateLock::acquire(&state_directory(&directory)).unwrap();
    let settings = small_pool();
    let url = |cluster: &Cluster| cluster.url("kept");

    // Made, used, stopped.
    let cluster = Cluster::start(&lock, &settings).await.unwrap();
    let _leash = Leash::new(cluster.process_id(), directory.path());
    cluster.ensure_database("kept", None).await.unwrap();
    cluster.ensure_database("kept", None).await.unwrap();
    let client = raw(&url(&cluster)).await;
    client.batch_execute("CREATE TABLE t (n int); INSERT INTO t VALUES (7)").await.unwrap();
    cluster.stop().await.unwrap();
    assert!(!state_directory(&directory).join("postgres/data/postmaster.pid").exists());

    // Started again, then killed with a stale pid file left behind.
    let started = Instant::now();
    let mut cluster = Cluster::start(&lock, &settings).await.unwrap();
    println!("start of an existing cluster: {:?}", started.elapsed());
    let leash_2 = Leash::new(cluster.process_id(), directory.path().join("none").as_path());
    kill(Pid::from_raw(cluster.process_id()), Signal::SIGKILL).unwrap();
    let killed = Instant::now();
    while cluster.exited().is_none() {
        assert!(killed.elapsed() < SOON, "a killed server is still there");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    drop(cluster);
    drop(leash_2);

    // Recovered; then its daemon goes without a word, and the next one takes the server over.
    let cluster = Cluster::start(&lock, &settings).await.unwrap();
    let first = cluster.process_id();
    let leash_3 = Leash::new(first, directory.path().join("none").as_path());
    let seen: i32 =
        raw(&url(&cluster)).await.query_one("SELECT n FROM t", &[]).await.unwrap().get(0);
    assert_eq!(seen, 7);
    std::mem::forget(cluster);
    let cluster = Cluster::start(&lock, &settings).await.unwrap();
    assert_eq!(cluster.process_id(), first, "a server that fits is taken over");
    std::mem::forget(cluster);

    // One that is too small is replaced.
    let mut larger = settings.clone();
    larger.max_overflow += 100;
    let cluster = Cluster::start(&lock, &larger).await.unwrap();
    assert_ne!(cluster.process_id(), first);
    let leash_4 = Leash::new(cluster.process_id(), directory.path().join("none").as_path());
    cluster.stop().await.unwrap();
    drop((leash_3, leash_4));
}

#[tokio::test]
async fn a_second_daemon_is_refused_by_name() {
    let directory = reachable_directory();
    let _first = StateLock::acquire(&state_directory(&directory)).unwrap();
    let error = StateLock::acquire(&state_directory(&directory)).unwrap_err();
    assert!(matches!(&error, StoreError::Locked { .. }), "{error}");
    assert!(error.to_string().contains(&std::process::id().to_string()), "{error}");
}

#[tokio::test]
async fn a_pid_file_of_another_process_is_no_obstacle() {
    let directory = reachable_directory();
    // Too long a path for a socket in it.
    let state = state_directory(&directory).join("x".repeat(80));
    let lock = StateLock::acquire(&state).unwrap();
    let cluster = Cluster::start(&lock, &small_pool()).await.unwrap();
    let _leash = Leash::new(cluster.process_id(), directory.path());
    let cluster_url = cluster.url("postgres");
    raw(&cluster_url).await.query_one("SELECT 1", &[]).await.unwrap();
    cluster.stop().await.unwrap();
    // As after a crash and a reboot: the id belongs to somebody else now.
    let pid_file = state.join("postgres/data/postmaster.pid");
    std::fs::write(&pid_file, format!("{}\n/nowhere\n", std::process::id())).unwrap();
    let url = cluster_url.parse::<tokio_postgres::Config>().unwrap();
    let tokio_postgres::config::Host::Unix(socket) = &url.get_hosts()[0] else { panic!() };
    std::fs::create_dir(socket).unwrap();
    let lock_file = socket.join(".s.PGSQL.5432.lock");
    std::fs::write(lock_file, format!("{}\n/nowhere\n", std::process::id())).unwrap();
    let cluster = Cluster::start(&lock, &small_pool()).await.unwrap();
    let leash = Leash::new(cluster.process_id(), directory.path().join("none").as_path());
    cluster.stop().await.unwrap();
    drop(leash);
}

#[tokio::test]
async fn nobody_else_can_reach_the_socket() {
    use std::os::unix::fs::MetadataExt;

    let directory = reachable_directory();
    let lock = StateLock::acquire(&state_directory(&directory)).unwrap();
    let cluster = Cluster::start(&lock, &small_pool()).await.unwrap();
    let _leash = Leash::new(cluster.process_id(), directory.path());
    for path in ["postgres", "postgres/data", "postgres/socket"] {
        let meta = std::fs::metadata(state_directory(&directory).join(path)).unwrap();
        assert_eq!(meta.mode() & 0o777, 0o700, "{path}");
        assert!(!nix::unistd::geteuid().is_root() || meta.uid() != 0, "{path} belongs to root");
    }
    let client = raw(&cluster.url("postgres")).await;
    for (name, value) in [("listen_addresses", ""), ("fsync", "on"), ("synchronous_commit", "on")] {
        let sql = "SELECT current_setting($1)";
        let found: String = client.query_one(sql, &[&name]).await.unwrap().get(0);
        assert_eq!(found, value, "{name}");
    }
    cluster.stop().await.unwrap();
}
