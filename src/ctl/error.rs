//! What `eventplannerctl` says when it fails, and with which exit code.

use std::{io, path::PathBuf};

use control::{
    ClientError, SaveError,
    show::{Look, stale_text},
};
use wire::{ApiError, ErrorCode, ErrorDocument};

#[derive(Debug, thiserror::Error)]
pub(crate) enum CtlError {
    #[error(transparent)]
    Client(#[from] ClientError),
    /// Part of the document stands on standard output already.
    #[error("{0}; what was printed is not the whole document")]
    BrokenOff(ClientError),
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
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::Failed(ApiError::new(ErrorCode::Internal, message))
    }

    /// For a body that failed; `begun`: some of it was printed.
    pub(crate) fn of_body(error: ClientError, begun: bool) -> Self {
        if begun { Self::BrokenOff(error) } else { Self::Client(error) }
    }

    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Client(error) | Self::BrokenOff(error) => error.exit_code(),
            Self::Failed(error) => error.code.exit_code(),
            Self::Save(_) | Self::Read { .. } | Self::Print(_) => 1,
        }
    }

    /// Plain text on standard error, a line per refused field; with `--json` the error document
    /// on standard output too, so that there is always exactly one.
    pub(crate) fn report(&self, json: bool) {
        for line in self.to_string().lines() {
            eprintln!("error: {line}");
        }
        if let Some(stale) = self.to_document().error.stale {
            eprint!("{}", stale_text(&stale, Look::of_stderr()));
        }
        // A second document behind half a one would help nobody.
        if json && !matches!(self, Self::BrokenOff(_)) {
            let document = serde_json::to_string(&self.to_document()).unwrap_or_default();
            println!("{document}");
        }
    }

    fn to_document(&self) -> ErrorDocument {
        let code = match self {
            Self::Client(error) | Self::BrokenOff(error) => return error.to_document(),
            Self::Failed(error) => return ErrorDocument { error: error.clone() },
            Self::Read { .. } => ErrorCode::Invalid,
            Self::Save(_) | Self::Print(_) => ErrorCode::Internal,
        };
        ErrorDocument { error: ApiError::new(code, self.to_string()) }
    }
}
