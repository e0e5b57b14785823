//! Behind a real PgBouncer in transaction mode: nothing may rest on which server connection a
//! statement meets. Where it is not installed the test says so; in CI it must be.

use std::{
    env, fs,
    io::{self, Write},
    net::{TcpListener, TcpStream},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use common::{
    fixtures::{
        choose, claim, full_vendor, import, sourced, sourcing, submit, touched, vendor,
        waiting_plan, window,
    },
    raw, reachable_directory, small_pool,
};
use eventplanner::{
    model::{Vendor, VendorId},
    store::{
        Changes, Cluster, Selected, StateLock, Store, StoreError, VendorFilter,
        settings::DatabaseSettings,
    },
};
use nix::unistd::{User, chown, geteuid};
use tokio_postgres::config::Host;

const START_LIMIT: Duration = Duration::from_secs(30);
/// Connections to the server that all clients share.
const SERVER_CONNECTIONS: u32 = 3;

struct Bouncer(Child);

impl Drop for Bouncer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Where PgBouncer is; `None`, said past the test harness, where it is not installed outside of CI.
fn program() -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    // Debian puts it where only root's PATH leads.
    let found = env::split_paths(&path)
        .chain([PathBuf::from("/usr/sbin")])
        .map(|folder| folder.join("pgbouncer"))
        .find(|program| program.exists());
    let hint = "PgBouncer is not installed; ./etc/setup.sh --with-pgbouncer installs it";
    if found.is_none() {
        assert!(env::var_os("CI").is_none(), "{hint}");
        // The harness hides what a test prints; this must be seen.
        let mut seen = io::stderr().lock();
        seen.write_all(format!("NOT TESTED: {hint}\n").as_bytes()).unwrap();
    }
    found
}

/// In front of a cluster's database `pooled`; returns its port.
fn bounce(program: &Path, directory: &Path, url: &str) -> (u16, Bouncer) {
    let config: tokio_postgres::Config = url.parse().unwrap();
    let Some(Host::Unix(socket)) = config.get_hosts().first() else { panic!("{url}") };
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let file = directory.join("pgbouncer.ini");
    let text = format!(
        "[databases]\n\
         pooled = host={} port=5432 dbname=pooled user=eventplanner\n\
         [pgbouncer]\n\
         listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n\
         auth_type = any\npool_mode = transaction\nmax_client_conn = 200\n\
         default_pool_size = {SERVER_CONNECTIONS}\nlogfile =\n",
        socket.display()
    );
    fs::write(&file, text).unwrap();
    let mut command = Command::new(program);
    command.arg(&file).current_dir("/").stdin(Stdio::null()).stdout(Stdio::null());
    command.stderr(Stdio::null());
    if geteuid().is_root() {
        // It doesn't run as root either, and the server knows its own user.
        let user = ["postgres", "nobody"].iter().find_map(|name| User::from_name(name).unwrap());
        let user = user.unwrap();
        chown(&file, Some(user.uid), Some(user.gid)).unwrap();
        command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
    }
    let bouncer = Bouncer(command.spawn().unwrap());
    let began = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(began.elapsed() < START_LIMIT, "PgBouncer does not answer");
        std::thread::sleep(Duration::from_millis(10));
    }
    (port, bouncer)
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_works_behind_a_pooler_in_transaction_mode() {
    let Some(program) = program() else { return };
    let directory = reachable_directory();
    let lock = StateLock::acquire(directory.path()).unwrap();
    let cluster = Cluster::start(&lock, &small_pool()).await.unwrap();
    cluster.ensure_database("pooled", None).await.unwrap();
    let (port, _bouncer) = bounce(&program, directory.path(), &cluster.url("pooled"));
    let settings = DatabaseSettings {
        url: format!("postgresql://eventplanner@127.0.0.1:{port}/pooled"),
        prepared_statements: false,
        lock_timeout: Duration::from_millis(500),
        checkout_timeout: Duration::from_secs(60),
        ..small_pool()
    };
    // Two daemons that start together migrate once, and no lock stays with the pooler.
    let (one, two) = tokio::join!(Store::open(&settings), Store::open(&settings));
    let (store, other) = (Arc::new(one.unwrap()), two.unwrap());
    assert_eq!(store.missing_indexes().await.unwrap(), [""; 0]);
    let direct = raw(&cluster.url("pooled")).await;
    let locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'";
    assert_eq!(direct.query_one(locks, &[]).await.unwrap().get::<_, i64>(0), 0);

    let (_, seen) = other.changes_since(None).await.unwrap();
    import(&store, &[full_vendor("f"), vendor("a", "venue", "Bengaluru")]).await;
    let (changes, _) = other.changes_since(Some(seen)).await.unwrap();
    let everywhere = eventplanner::store::Touched { city: None, ..touched("venue", "") };
    assert_eq!(changes, Changes::Only(vec![touched("venue", "bengaluru"), everywhere]));
    assert!(store.join_fleet("d".to_owned()).is_none(), "a pooler passes nothing on");

    let crowd: Vec<Vendor> =
        (0..40).map(|n| vendor(&format!("v{n}"), "caterer", "Mysuru")).collect();
    import(&store, &crowd).await;
    let mut waiting = Vec::new();
    for _ in 0..40 {
        waiting.push(waiting_plan(&store).await.0);
    }
    // Many more clients than server connections, transactions and single statements mixed.
    let rounds = waiting.into_iter().enumerate().map(|(n, plan)| {
        let store = store.clone();
        tokio::spawn(async move {
            let id = format!("v{n}");
            assert_eq!(store.vendors_by_ids(&[VendorId::from(&*id)]).await.unwrap().len(), 1);
            assert_eq!(sourced(&store, &sourcing()).await, ["a", "f"]);
            submit(&store).await;
            let vendors = [(VendorId::from(&*id), window(10, 18))];
            let held = choose(&store, (plan, 1), &vendors, Duration::from_secs(600)).await;
            assert!(matches!(held, Ok(Selected::Now)), "{held:?}");
            assert_eq!(store.bookings(plan).await.unwrap().len(), 1);
        })
    });
    for round in rounds.collect::<Vec<_>>() {
        round.await.unwrap();
    }
    let filter = VendorFilter { city: Some("mysuru".into()), ..VendorFilter::default() };
    let found: Vec<Vendor> = store.search_vendors(&filter).await.unwrap();
    assert_eq!(found.len(), 40);
    // Those that were submitted, and those that are to be written.
    assert_eq!(store.claim(claim("d", Duration::from_secs(60), 100)).await.unwrap().len(), 80);

    // Each transaction sets its own limits, whichever connection it meets.
    let table = "BEGIN; LOCK TABLE vendor IN ACCESS EXCLUSIVE MODE";
    direct.batch_execute(table).await.unwrap();
    for _ in 0..2 * SERVER_CONNECTIONS {
        let error = store.source(&sourcing()).await.unwrap_err();
        assert!(matches!(&error, StoreError::TimedOut { cause, .. } if cause.contains("lock")));
    }
    direct.batch_execute("COMMIT").await.unwrap();
    assert_eq!(sourced(&store, &sourcing()).await, ["a", "f"]);
    let mut prepared = settings.clone();
    prepared.prepared_statements = true;
    let error = Store::open(&prepared).await.map(drop).unwrap_err().to_string();
    assert!(error.contains("startup parameter"), "{error}");
    drop((store, other));
    cluster.stop().await.unwrap();
}
