//! Encrypted connections to a real server over TCP, and what is refused.

use std::{
    fs,
    net::TcpListener,
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use common::{reachable_directory, small_pool};
use eventplanner::store::{Cluster, StateLock, Store, StoreError, settings::DatabaseSettings};
use nix::{
    sys::signal::{Signal, kill},
    unistd::{Pid, User, chown, geteuid},
};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

const START_LIMIT: Duration = Duration::from_secs(60);

/// A server on a loopback port; it ends with the test.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = kill(Pid::from_raw(self.0.id() as i32), Signal::SIGQUIT);
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn encrypted_with_a_certificate_that_is_checked_or_not_at_all() {
    let directory = reachable_directory();
    let lock = StateLock::acquire(directory.path()).unwrap();
    let cluster = Cluster::start(&lock, &small_pool()).await.unwrap();
    cluster.ensure_database("tls", None).await.unwrap();
    cluster.stop().await.unwrap();

    let (ca, stranger) = (authority(), authority());
    let ca_file = directory.path().join("ca.pem");
    fs::write(&ca_file, ca.pem()).unwrap();
    let stranger_file = directory.path().join("stranger.pem");
    fs::write(&stranger_file, stranger.pem()).unwrap();
    let (port, _server) = serve(directory.path(), &ca);

    let settings = |query: &str, tls_ca: Option<&PathBuf>| DatabaseSettings {
        url: format!("postgresql://eventplanner@localhost:{port}/tls{query}"),
        tls_ca: tls_ca.cloned(),
        ..small_pool()
    };
    let began = Instant::now();
    let store = loop {
        match Store::open(&settings("", Some(&ca_file))).await {
            Ok(store) => break store,
            Err(error) => {
                assert!(error.is_outage(), "{error}");
                assert!(began.elapsed() < START_LIMIT, "{error}");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    };
    assert_eq!(store.categories().await.unwrap().len(), 8);

    // What each way of asking gives: the server takes encrypted connections only.
    for (query, ca, said) in [
        ("?sslmode=require", Some(&stranger_file), "invalid peer certificate"),
        ("?sslmode=require", None, "invalid peer certificate"),
        ("", None, "no encryption"),
        ("?sslmode=disable", None, "no encryption"),
        ("", Some(&directory.path().join("none.pem")), "none.pem"),
    ] {
        let error = Store::open(&settings(query, ca)).await.map(drop).unwrap_err();
        let text = error.to_string();
        assert!(text.contains(said), "{query} {ca:?}: {text}");
        assert!(!matches!(error, StoreError::Exhausted { .. }), "{text}");
    }
    // By another name than the certificate's.
    let mut other = settings("", Some(&ca_file));
    other.url = other.url.replace("localhost", "127.0.0.1");
    let error = Store::open(&other).await.map(drop).unwrap_err().to_string();
    assert!(error.contains("certificate"), "{error}");
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// Starts the cluster's server by hand: a private one has no port.
fn serve(directory: &Path, ca: &CertifiedIssuer<'_, KeyPair>) -> (u16, Server) {
    let data = directory.join("postgres/data");
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, ca).unwrap();
    fs::write(data.join("server.crt"), certificate.pem()).unwrap();
    fs::write(data.join("server.key"), key.serialize_pem()).unwrap();
    fs::set_permissions(data.join("server.key"), fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(data.join("pg_hba.conf"), "hostssl all all 127.0.0.1/32 trust\n").unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut command = Command::new(server_binary());
    command.arg("-D").arg(&data).args(["-c", "listen_addresses=127.0.0.1", "-c", "ssl=on"]);
    command.arg("-c").arg(format!("port={port}")).args(["-c", "unix_socket_directories="]);
    command.current_dir(directory).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if geteuid().is_root() {
        // The owner of the data, since PostgreSQL does not run as root.
        let owner = ["postgres", "nobody"].iter().find_map(|name| User::from_name(name).unwrap());
        let owner = owner.unwrap();
        for file in ["server.crt", "server.key", "pg_hba.conf"] {
            chown(&data.join(file), Some(owner.uid), Some(owner.gid)).unwrap();
        }
        command.uid(owner.uid.as_raw()).gid(owner.gid.as_raw());
    }
    (port, Server(command.spawn().unwrap()))
}

/// Debian's, the newest; else the one of the PATH.
fn server_binary() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let binaries = versions.map(|entry| entry.path().join("bin/postgres"));
    binaries.filter(|path| path.exists()).max().unwrap_or_else(|| "postgres".into())
}
