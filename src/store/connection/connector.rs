//! How this process reaches the database: its address, the session's limits, encryption.

use std::{path::Path, sync::Arc, time::Duration};

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use tokio_postgres::{Client, Config, Connection, Socket, config::SslMode, tls::MakeTlsConnect};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::{StoreError, error::describe, settings::DatabaseSettings};

/// One attempt to connect.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The server's own limit on a statement speaks first; past this much more, the server hangs or
/// the way to it is broken.
const ANSWER_GRACE: Duration = Duration::from_secs(2);
/// A peer that vanished without a word is noticed after some 25 s of silence on an idle TCP
/// connection, and after 30 s where something sent was never acknowledged.
const KEEPALIVES_IDLE: Duration = Duration::from_secs(10);
const KEEPALIVES_INTERVAL: Duration = Duration::from_secs(5);
const KEEPALIVES_RETRIES: u32 = 3;
const TCP_USER_TIMEOUT: Duration = Duration::from_secs(30);

/// What drives a connection, and hears its notifications.
pub(crate) type Driven = Connection<Socket, <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream>;

/// Address, limits and encryption, checked once; cheap to clone.
#[derive(Clone)]
pub(crate) struct Connector {
    config: Config,
    tls: MakeRustlsConnect,
    limits: Arc<str>,
    answer_deadline: Option<Duration>,
}

impl Connector {
    /// # Errors
    /// `Refused` for an address that can't be read, and for certificates that can't.
    pub(crate) fn new(settings: &DatabaseSettings) -> Result<Self, StoreError> {
        let mut config: Config = settings
            .url
            .parse()
            .map_err(|e: tokio_postgres::Error| StoreError::Refused { cause: describe(&e) })?;
        // Encryption without a look at the certificate protects from nobody who can answer in
        // the server's place: it is all or nothing.
        let encrypted = config.get_ssl_mode() == SslMode::Require || settings.tls_ca.is_some();
        config.ssl_mode(if encrypted { SslMode::Require } else { SslMode::Disable });
        config.connect_timeout(CONNECT_TIMEOUT);
        config.keepalives_idle(KEEPALIVES_IDLE).keepalives_interval(KEEPALIVES_INTERVAL);
        config.keepalives_retries(KEEPALIVES_RETRIES).tcp_user_timeout(TCP_USER_TIMEOUT);
        if config.get_application_name().is_none() {
            config.application_name("eventplannerd");
        }
        let limits = session_limits(settings);
        // A pooler that hands out its connections per transaction refuses such options; there,
        // each transaction sets its own limits.
        if settings.prepared_statements {
            let given = config.get_options().unwrap_or_default().to_owned();
            let added = limits.iter().map(|(name, value)| format!(" -c {name}={value}"));
            config.options(format!("{given}{}", added.collect::<String>()).trim_start());
        }
        let set = limits.iter().map(|(name, value)| format!("SET LOCAL {name} = '{value}';"));
        let limits = set.collect::<String>().into();
        let limit = settings.statement_timeout;
        let answer_deadline = (!limit.is_zero()).then(|| limit.saturating_add(ANSWER_GRACE));
        let tls = tls(encrypted, settings.tls_ca.as_deref())?;
        Ok(Self { config, tls, limits, answer_deadline })
    }

    /// As [`Self::new`], for work that takes longer than any query may: migrations, indexes.
    pub(crate) fn without_limits(settings: &DatabaseSettings) -> Result<Self, StoreError> {
        let unlimited = DatabaseSettings {
            statement_timeout: Duration::ZERO,
            lock_timeout: Duration::ZERO,
            idle_timeout: Duration::ZERO,
            ..settings.clone()
        };
        Self::new(&unlimited)
    }

    /// A connection of its own, driven by a task that ends with it.
    pub(crate) async fn connect(&self) -> Result<Client, tokio_postgres::Error> {
        let (client, connection) = self.config.connect(self.tls.clone()).await?;
        // The task's error also reaches whoever uses the client.
        tokio::spawn(connection);
        Ok(client)
    }

    /// A connection whose messages the caller drives itself.
    pub(crate) async fn connect_raw(&self) -> Result<(Client, Driven), tokio_postgres::Error> {
        self.config.connect(self.tls.clone()).await
    }

    /// The same address with another limit on statements.
    pub(crate) fn with_statement_timeout(&self, limit: Duration) -> Self {
        let mut config = self.config.clone();
        let given = config.get_options().unwrap_or_default().to_owned();
        config.options(format!("{given} -c statement_timeout={}", limit.as_millis()));
        Self { config, ..self.clone() }
    }

    pub(crate) const fn config(&self) -> &Config {
        &self.config
    }

    pub(crate) fn tls(&self) -> MakeRustlsConnect {
        self.tls.clone()
    }

    /// How long a statement's answer may take, as the caller sees it.
    pub(crate) const fn answer_deadline(&self) -> Option<Duration> {
        self.answer_deadline
    }

    /// Sets the session's limits inside a transaction.
    pub(crate) fn limits(&self) -> Arc<str> {
        self.limits.clone()
    }
}

/// In milliseconds where they are times.
fn session_limits(settings: &DatabaseSettings) -> [(&'static str, String); 5] {
    let ms = |time: Duration| time.as_millis().to_string();
    [
        ("statement_timeout", ms(settings.statement_timeout)),
        ("lock_timeout", ms(settings.lock_timeout)),
        ("idle_in_transaction_session_timeout", ms(settings.idle_timeout)),
        ("timezone", "UTC".to_owned()),
        // Compiling a plan costs more than any query here takes.
        ("jit", "off".to_owned()),
    ]
}

/// The certificates of `ca` (PEM) are trusted, or else the system's.
fn tls(encrypted: bool, ca: Option<&Path>) -> Result<MakeRustlsConnect, StoreError> {
    let refused = |cause: String| StoreError::Refused { cause };
    let mut roots = RootCertStore::empty();
    // Loading the system's takes time and memory, so it is left out where nothing is encrypted.
    match ca {
        Some(path) => {
            let unreadable = |error| refused(format!("tls_ca {}: {error}", path.display()));
            let certificates = CertificateDer::pem_file_iter(path).map_err(unreadable)?;
            for certificate in certificates {
                let certificate = certificate.map_err(unreadable)?;
                roots
                    .add(certificate)
                    .map_err(|error| refused(format!("tls_ca {}: {error}", path.display())))?;
            }
            if roots.is_empty() {
                let cause = format!("tls_ca {}: holds no certificate in PEM", path.display());
                return Err(refused(cause));
            }
        }
        None if encrypted => {
            let found = rustls_native_certs::load_native_certs();
            roots.add_parsable_certificates(found.certs);
            if roots.is_empty() {
                let cause = "the system trusts no certificate; set database.tls_ca".to_owned();
                return Err(refused(cause));
            }
        }
        None => {}
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| refused(format!("TLS: {error}")))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}
