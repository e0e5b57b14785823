//! How `eventplannerd` ends when it fails: what it says, and its exit code.

use control::{ClientError, SaveError};
use llm::LlmError;
use settings::SettingsError;
use store::StoreError;

/// Failed for a reason that has no code of its own.
pub(crate) const FAILED: u8 = 1;
/// As for a wrong command line: starting again doesn't help.
pub(crate) const CONFIGURATION: u8 = 2;
/// EX_UNAVAILABLE of sysexits.h.
const DATABASE: u8 = 69;
/// EX_SOFTWARE: an actor failed too often.
const ESCALATED: u8 = 70;
/// EX_TEMPFAIL: another daemon is where this one wants to be.
pub(crate) const OCCUPIED: u8 = 75;

/// The end of a command.
#[derive(Debug)]
pub(crate) struct Failed {
    /// Lowercase, one error per line.
    pub message: String,
    pub code: u8,
}

impl Failed {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), code: FAILED }
    }

    /// Refused input: a line per field.
    pub(crate) fn lines(message: String) -> Self {
        Self::new(message)
    }

    pub(crate) fn configuration(message: impl Into<String>) -> Self {
        Self { message: message.into(), code: CONFIGURATION }
    }

    pub(crate) fn database(message: impl Into<String>) -> Self {
        Self { message: message.into(), code: DATABASE }
    }

    pub(crate) fn escalated(actor: &str) -> Self {
        let message = format!("the actor {actor} failed too often; the log says why");
        Self { message, code: ESCALATED }
    }

    /// Writes the error to standard error, each line as `error: …`.
    pub(crate) fn report(&self) {
        for line in self.message.lines() {
            eprintln!("error: {line}");
        }
    }
}

impl From<SettingsError> for Failed {
    fn from(error: SettingsError) -> Self {
        Self::configuration(error.to_string())
    }
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Self {
        let code = match error {
            StoreError::Locked { .. } => OCCUPIED,
            StoreError::Io { .. } => FAILED,
            _ => DATABASE,
        };
        Self { message: error.to_string(), code }
    }
}

impl From<LlmError> for Failed {
    fn from(error: LlmError) -> Self {
        Self::configuration(format!("llm.endpoints: {error}"))
    }
}

impl From<ClientError> for Failed {
    fn from(error: ClientError) -> Self {
        Self::new(error.to_string())
    }
}

impl From<SaveError> for Failed {
    fn from(error: SaveError) -> Self {
        Self::new(error.to_string())
    }
}

impl From<std::io::Error> for Failed {
    fn from(error: std::io::Error) -> Self {
        Self::new(error.to_string())
    }
}

impl From<serde_json::Error> for Failed {
    fn from(error: serde_json::Error) -> Self {
        Self::new(format!("cannot write JSON: {error}"))
    }
}
