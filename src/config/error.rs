//! What can be wrong with the settings.

use std::{fmt, path::PathBuf};

/// One setting that is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Dotted: `database.pool_size`.
    pub key: String,
    /// What is wrong with it and what is expected.
    pub message: String,
    /// The file or the environment variable it came from; empty for a default.
    pub source: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.message)?;
        if self.source.is_empty() { Ok(()) } else { write!(f, " (from {})", self.source) }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    #[error("cannot read settings file {}: {source}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("settings file {} is larger than {limit} bytes", path.display())]
    TooLarge { path: PathBuf, limit: u64 },
    #[error("{origin} is no valid TOML:\n{cause}")]
    Syntax { origin: String, cause: String },
    #[error("no profile `{name}`: name one of {known}, or a path")]
    UnknownProfile { name: String, known: String },
    /// All refused settings at once, by key.
    #[error("{}", list(.0))]
    Invalid(Vec<Problem>),
}

fn list(problems: &[Problem]) -> String {
    let lines: Vec<String> = problems.iter().map(Problem::to_string).collect();
    lines.join("\n")
}
