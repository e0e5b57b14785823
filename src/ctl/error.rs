//! What `eventplannerctl` says when it fails, and with which exit code.

use std::{io, path::PathBuf};

use crate::control::{
    ApiError, ClientError, ErrorCode, ErrorDocument, SaveError,
    show::{Look, stale_text},
};

#[derive(Debug, thiserror::Error)]
pub enum CtlError {
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error("{0}; choose another directory with --output")]
    Save(#[from] SaveError),
    #[error("cannot read {}: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("cannot write to standard output: {0}")]
    Print(io::Error),
    #[error("{0}")]
    Failed(ApiError),
}

impl CtlError {
    pub fn failed(message: impl Into<String>) -> Self {
        Self::Failed(ApiError::new(ErrorCode::Internal, message))
    }

    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Client(error) => error.exit_code(),
            Self::Failed(error) => error.code.exit_code(),
            Self::Save(_) | Self::Read { .. } | Self::Print(_) => 1,
        }
    }

    /// Plain text on standard error, a line per refused field; with `--json` the error document
    /// on standard output too, so that there is always exactly one.
    pub fn report(&self, json: bool) {
        for line in self.to_string().lines() {
            eprintln!("error: {line}");
        }
        if let Some(stale) = self.to_document().error.stale {
            eprint!("{}", stale_text(&stale, Look::of_stderr()));
        }
        if json {
            let document = serde_json::to_string(&self.to_document()).unwrap_or_default();
            println!("{document}");
        }
    }

    fn to_document(&self) -> ErrorDocument {
        let code = match self {
            Self::Client(error) => return error.to_document(),
            Self::Failed(error) => return ErrorDocument { error: error.clone() },
            Self::Read { .. } => ErrorCode::Invalid,
            Self::Save(_) | Self::Print(_) => ErrorCode::Internal,
        };
        ErrorDocument { error: ApiError::new(code, self.to_string()) }
    }
}
