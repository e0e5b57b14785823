//! What is wrong with one field of the input, and how to mend it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Characters of a path, of a message and of a hint: an answer doesn't repeat its document.
const PATH_CHARS_MAX: usize = 200;
const TEXT_CHARS_MAX: usize = 300;
/// Refused fields that one answer names.
pub const ERRORS_MAX: usize = 200;

/// One refused field: its path in the document, what is wrong, and the remedy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldError {
    /// Path of the field, e.g. `services.venue.weight` or `anchors[1].at`.
    pub field: String,
    /// Lowercase: what is wrong, with the value that was found.
    pub message: String,
    /// What to write instead.
    pub hint: String,
}

impl FieldError {
    pub fn new(
        field: impl Into<String>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self {
            field: shortened(with_empty_keys(field.into()), PATH_CHARS_MAX),
            message: shortened(message.into(), TEXT_CHARS_MAX),
            hint: shortened(hint.into(), TEXT_CHARS_MAX),
        }
    }
}

/// A path that can be read where a key is empty, too: `client.""`. The document itself is `.`.
fn with_empty_keys(path: String) -> String {
    let has_one = path != "." && path.split('.').any(str::is_empty);
    if !has_one {
        return path;
    }
    let keys = path.split('.').map(|key| if key.is_empty() { "\"\"" } else { key });
    keys.collect::<Vec<&str>>().join(".")
}

/// Its two ends where it is longer than so many characters.
fn shortened(text: String, chars_max: usize) -> String {
    // A character takes a byte at least.
    let chars = if text.len() > chars_max { text.chars().count() } else { 0 };
    if chars <= chars_max {
        return text;
    }
    let half = (chars_max - 1) / 2;
    let head = text.chars().take(half);
    head.chain(['…']).chain(text.chars().skip(chars - half)).collect()
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.field, self.message, self.hint)
    }
}

/// All refused fields of one document; never empty where it is returned as an error.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FieldErrors(pub Vec<FieldError>);

impl FieldErrors {
    /// Notes a refused field and goes on, so that one answer names them all; or the first
    /// [`ERRORS_MAX`], of a document that is nothing but wrong.
    pub fn push(
        &mut self,
        field: impl Into<String>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        if self.0.len() < ERRORS_MAX {
            self.0.push(FieldError::new(field, message, hint));
        }
    }

    /// `Ok(value)` where nothing was refused.
    pub fn into_result<T>(self, value: T) -> Result<T, Self> {
        if self.0.is_empty() { Ok(value) } else { Err(self) }
    }
}

impl From<FieldError> for FieldErrors {
    fn from(error: FieldError) -> Self {
        Self(vec![error])
    }
}

impl fmt::Display for FieldErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, error) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            error.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for FieldErrors {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_keys_can_be_read_and_errors_have_an_end() {
        let mut errors = FieldErrors::default();
        for _ in 0..1_000 {
            errors.push("", "is no column", "remove it");
        }
        assert_eq!((errors.0.len(), &errors.0[0].field[..]), (ERRORS_MAX, r#""""#));
        for (path, shown) in [(".", "."), ("client.", r#"client."""#), ("a.b[1].c", "a.b[1].c")] {
            assert_eq!(FieldError::new(path, "", "").field, shown);
        }
    }

    #[test]
    fn long_texts_keep_their_ends() {
        let long = format!("unknown field `{}`, expected one of `a`", "ä".repeat(9_000));
        let error = FieldError::new("x".repeat(201), long, "y".repeat(300));
        assert_eq!(error.field, format!("{}…{}", "x".repeat(99), "x".repeat(99)));
        assert!(error.message.starts_with("unknown field `ä") && error.message.len() < 700);
        assert!(error.message.ends_with("`, expected one of `a`"), "{}", error.message);
        assert_eq!(error.hint, "y".repeat(300));
    }
}
