//! HTTP clients: one pooled client per TLS configuration, keys out of files.

use std::{
    collections::BTreeMap,
    fs,
    io::Read,
    path::{Path, PathBuf},
    time::Duration,
};

use reqwest::{Certificate, Client, Url, header::HeaderValue};

use crate::{
    error::LlmError,
    settings::{EndpointSettings, LlmSettings},
};

/// Longest key file in bytes.
const KEY_MAX_BYTES: u64 = 8_192;

/// Longest certificate file in bytes.
const CA_MAX_BYTES: u64 = 4 << 20;

/// How long a connection may lie idle. Most servers close theirs after 60–75 s; closing first
/// avoids the race.
const POOL_IDLE: Duration = Duration::from_secs(50);

/// TCP keep-alive finds a peer that vanished while a model thinks.
const TCP_KEEP_ALIVE: Duration = Duration::from_secs(30);

/// What makes two endpoints need clients of their own.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct ClientKey {
    tls: bool,
    ca_file: Option<PathBuf>,
    http2_prior_knowledge: bool,
}

/// Builds clients and hands the same one to endpoints of the same TLS configuration.
#[derive(Default)]
pub(crate) struct Clients {
    built: BTreeMap<ClientKey, Client>,
}

impl Clients {
    /// # Errors
    /// An unreadable certificate file, or TLS roots that don't load.
    pub(crate) fn client_for(
        &mut self,
        endpoint: &EndpointSettings,
        url: &Url,
        settings: &LlmSettings,
    ) -> Result<Client, LlmError> {
        let key = ClientKey {
            tls: url.scheme() == "https",
            ca_file: endpoint.ca_file.clone(),
            http2_prior_knowledge: endpoint.http2_prior_knowledge,
        };
        if let Some(client) = self.built.get(&key) {
            return Ok(client.clone());
        }
        let client = build(endpoint, &key, settings)?;
        self.built.insert(key, client.clone());
        Ok(client)
    }
}

fn build(
    endpoint: &EndpointSettings,
    key: &ClientKey,
    settings: &LlmSettings,
) -> Result<Client, LlmError> {
    // An error says that a provider is installed already, which is all that is wanted.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = Client::builder()
        .user_agent(concat!("eventplanner/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(settings.connect_timeout)
        .pool_max_idle_per_host(settings.max_connections)
        .pool_idle_timeout(POOL_IDLE)
        .tcp_keepalive(TCP_KEEP_ALIVE)
        .tcp_nodelay(true)
        // A redirect would carry prompt and key to another place.
        .redirect(reqwest::redirect::Policy::none())
        // Prompts stay between this machine and the server that the settings name.
        .no_proxy();
    if key.http2_prior_knowledge {
        builder = builder.http2_prior_knowledge();
    }
    if let Some(path) = &key.ca_file {
        builder = builder.tls_certs_merge(certificates(endpoint, path)?);
    } else if !key.tls {
        // Plain HTTP needs no roots: loading the system's takes time and memory.
        builder = builder.tls_certs_only([]);
    }
    builder.build().map_err(|source| LlmError::Client { endpoint: endpoint.name.clone(), source })
}

fn certificates(endpoint: &EndpointSettings, path: &Path) -> Result<Vec<Certificate>, LlmError> {
    let name = || endpoint.name.clone();
    let pem = read_bounded(path, CA_MAX_BYTES).map_err(|source| LlmError::CaFile {
        endpoint: name(),
        path: path.to_owned(),
        source,
    })?;
    let problem = match Certificate::from_pem_bundle(&pem) {
        Ok(certificates) if !certificates.is_empty() => return Ok(certificates),
        Ok(_) => "no `BEGIN CERTIFICATE` line".to_owned(),
        Err(e) => e.to_string(),
    };
    Err(LlmError::CaText { endpoint: name(), path: path.to_owned(), problem })
}

/// The `Authorization` header out of the endpoint's key file; marked so that it is never printed.
/// A relative path is looked up in `credentials`, the directory of systemd's credentials, where
/// the service has any.
///
/// # Errors
/// A file that can't be read, or holds anything but one line of printable ASCII.
pub(crate) fn authorization(
    endpoint: &EndpointSettings,
    credentials: Option<&Path>,
) -> Result<Option<HeaderValue>, LlmError> {
    let Some(path) = &endpoint.api_key_file else { return Ok(None) };
    let path = match credentials {
        Some(directory) if path.is_relative() => directory.join(path),
        _ => path.clone(),
    };
    let name = || endpoint.name.clone();
    let bytes = read_bounded(&path, KEY_MAX_BYTES).map_err(|source| LlmError::KeyFile {
        endpoint: name(),
        path: path.clone(),
        source,
    })?;
    let key = std::str::from_utf8(&bytes).map(str::trim).unwrap_or_default();
    let well_formed = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_graphic());
    let header = HeaderValue::from_str(&format!("Bearer {key}"));
    match header {
        Ok(mut header) if well_formed => {
            header.set_sensitive(true);
            Ok(Some(header))
        }
        _ => Err(LlmError::KeyText { endpoint: name(), path }),
    }
}

/// Reads a file of at most `max` bytes; a longer one is an error, not a prefix.
fn read_bounded(path: &Path, max: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(max + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > max {
        return Err(std::io::Error::other(format!("it is longer than {max} bytes")));
    }
    Ok(bytes)
}

/// The endpoint's address without a trailing slash or `/v1`; no user, query or fragment.
///
/// # Errors
/// Anything else than a plain http or https address.
pub(crate) fn base_url(endpoint: &EndpointSettings) -> Result<Url, LlmError> {
    let refuse = || LlmError::BaseUrl { endpoint: endpoint.name.clone() };
    let text = endpoint.base_url.trim().trim_end_matches('/');
    let text = text.strip_suffix("/v1").unwrap_or(text);
    let url = Url::parse(text).map_err(|_| refuse())?;
    let plain = matches!(url.scheme(), "http" | "https")
        && url.host_str().is_some()
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    if plain { Ok(url) } else { Err(refuse()) }
}

/// `base` with `path` (no leading slash) behind it.
pub(crate) fn join(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    let front = base.path().trim_end_matches('/').to_owned();
    url.set_path(&format!("{front}/{path}"));
    url
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::settings::ServerKind;

    fn endpoint(url: &str) -> EndpointSettings {
        EndpointSettings::new("one", ServerKind::OpenAi, url, "m")
    }

    #[test]
    fn addresses_are_cleaned_or_refused() {
        for (given, want) in [
            ("http://127.0.0.1:11434", "http://127.0.0.1:11434/api/chat"),
            ("http://localhost:8000/v1/", "http://localhost:8000/api/chat"),
            ("https://host/llm", "https://host/llm/api/chat"),
        ] {
            let url = join(&base_url(&endpoint(given)).unwrap(), "api/chat");
            assert_eq!(url.as_str(), want);
        }
        for bad in ["", "localhost:11434", "ftp://x", "http://u:p@x", "http://x?key=1", "unix:/x"] {
            let error = base_url(&endpoint(bad)).unwrap_err().to_string();
            assert!(!error.contains("u:p"), "{error}");
        }
    }

    #[test]
    fn a_key_is_read_and_never_shown() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        writeln!(file, "sk-secret").unwrap();
        let mut settings = endpoint("http://x");
        settings.api_key_file = Some(file.path().to_owned());
        let header = authorization(&settings, None).unwrap().unwrap();
        assert_eq!(header.as_bytes(), b"Bearer sk-secret");
        assert!(!format!("{header:?}").contains("secret"));
        let credential = file.path().file_name().unwrap();
        let by_name =
            EndpointSettings { api_key_file: Some(credential.into()), ..settings.clone() };
        assert!(authorization(&by_name, file.path().parent()).unwrap().is_some(), "a credential");
        writeln!(file, "two lines").unwrap();
        let error = authorization(&settings, None).unwrap_err().to_string();
        assert!(error.contains("holds no key") && !error.contains("secret"), "{error}");
        settings.api_key_file = Some("/nowhere/key".into());
        assert!(matches!(authorization(&settings, None), Err(LlmError::KeyFile { .. })));
    }

    #[test]
    fn endpoints_of_one_tls_configuration_share_a_client() {
        let mut clients = Clients::default();
        let settings = LlmSettings::default();
        for url in ["http://a:1", "http://b:2"] {
            let endpoint = endpoint(url);
            clients.client_for(&endpoint, &base_url(&endpoint).unwrap(), &settings).unwrap();
        }
        assert_eq!(clients.built.len(), 1);
    }
}
