//! What can go wrong between a caller and the daemon, by what the caller can do about it.

use std::path::PathBuf;

use wire::{ApiError, ErrorCode, ErrorDocument};

/// Why a call had no good reply.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error("no daemon listens on {}: {reason}; start one with `eventplannerd run`", socket.display())]
    NotRunning { socket: PathBuf, reason: String },
    #[error(
        "the socket {} may not be opened by this user; join its group, or use sudo",
        socket.display()
    )]
    SocketDenied { socket: PathBuf },
    #[error("no reply within {seconds:.1}s while {doing}; allow more with --timeout")]
    TimedOut { seconds: f64, doing: String },
    #[error("the event stream was silent for {seconds:.1}s, without a heartbeat: the daemon hangs")]
    Silent { seconds: f64 },
    #[error("the connection broke while {doing}: {reason}")]
    Broken { doing: String, reason: String },
    #[error("the daemon's reply cannot be read: {0}; are daemon and client of one version?")]
    BadReply(String),
    #[error(transparent)]
    Api(#[from] ApiError),
}

impl ClientError {
    /// As [`ErrorCode::exit_code`], and 3 where no daemon runs.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::NotRunning { .. } => 3,
            Self::SocketDenied { .. } => ErrorCode::Denied.exit_code(),
            Self::TimedOut { .. } | Self::Silent { .. } => ErrorCode::Timeout.exit_code(),
            Self::Api(error) => error.code.exit_code(),
            Self::Broken { .. } | Self::BadReply(_) => 1,
        }
    }

    /// Whether the daemon may only be on its way up or down.
    pub const fn is_passing(&self) -> bool {
        matches!(
            self,
            Self::NotRunning { .. }
                | Self::TimedOut { .. }
                | Self::Silent { .. }
                | Self::Broken { .. }
        )
    }

    /// As the daemon would have written it.
    pub fn to_document(&self) -> ErrorDocument {
        let code = match self {
            Self::Api(error) => return ErrorDocument { error: error.clone() },
            Self::NotRunning { .. } => ErrorCode::Unavailable,
            Self::SocketDenied { .. } => ErrorCode::Denied,
            Self::TimedOut { .. } | Self::Silent { .. } => ErrorCode::Timeout,
            Self::Broken { .. } | Self::BadReply(_) => ErrorCode::Internal,
        };
        ErrorDocument { error: ApiError::new(code, self.to_string()) }
    }
}
