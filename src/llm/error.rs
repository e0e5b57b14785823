//! Settings that no gateway can be built of.

use std::path::PathBuf;

/// Why [`crate::Gateway::new`] refuses its settings.
#[derive(Debug, thiserror::Error)]
pub enum LlmError {
    /// The address itself is not shown: it may hold a password.
    #[error(
        "endpoint `{endpoint}`: `base_url` is no plain http or https address; write e.g. http://127.0.0.1:11434"
    )]
    BaseUrl { endpoint: String },
    #[error("endpoint name `{endpoint}` is {problem}; give each endpoint its own name")]
    Name { endpoint: String, problem: &'static str },
    #[error("endpoint `{endpoint}`: the key file {path} cannot be read: {source}")]
    KeyFile { endpoint: String, path: PathBuf, source: std::io::Error },
    #[error(
        "endpoint `{endpoint}`: the key file {path} holds no key; write the key alone, on one line"
    )]
    KeyText { endpoint: String, path: PathBuf },
    #[error("endpoint `{endpoint}`: the certificate file {path} cannot be read: {source}")]
    CaFile { endpoint: String, path: PathBuf, source: std::io::Error },
    #[error("endpoint `{endpoint}`: {path} holds no PEM certificate: {problem}")]
    CaText { endpoint: String, path: PathBuf, problem: String },
    #[error("endpoint `{endpoint}`: the HTTP client cannot be built: {source}")]
    Client { endpoint: String, source: reqwest::Error },
}
