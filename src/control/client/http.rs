//! The HTTP client that speaks over the socket.

use std::{path::Path, time::Duration};

use reqwest::{Client, ClientBuilder, redirect};

/// How long a daemon may take to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// # Errors
/// The client can't be built, in words.
pub(crate) fn client(socket: &Path) -> Result<Client, String> {
    let builder = Client::builder()
        .unix_socket(socket)
        .no_proxy()
        .http1_only()
        .connect_timeout(CONNECT_TIMEOUT)
        .redirect(redirect::Policy::none());
    without_tls(builder)?.build().map_err(|error| super::root_cause(&error))
}

#[cfg(not(feature = "beside-tls"))]
fn without_tls(builder: ClientBuilder) -> Result<ClientBuilder, String> {
    Ok(builder)
}

/// Nothing here speaks TLS: an empty store of roots spares reading the system's.
#[cfg(feature = "beside-tls")]
fn without_tls(builder: ClientBuilder) -> Result<ClientBuilder, String> {
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    Ok(builder.tls_backend_preconfigured(tls))
}
