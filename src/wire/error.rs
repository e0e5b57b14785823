//! The error document of the control API, and what it means as HTTP status and exit code.

use std::fmt;

use serde::{Deserialize, Serialize};

use model::{FieldError, FieldErrors, VendorChange, Violation};

/// What went wrong, as a caller can act on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// The input is wrong; `field` and `hint` say where and what to write.
    Invalid,
    TooLarge,
    /// The caller may not do this.
    Denied,
    NotFound,
    MethodNotAllowed,
    /// The plan's state doesn't allow it.
    WrongState,
    /// Another plan holds that vendor at that time.
    Taken,
    /// The option's vendors are no longer as it was made of them, or it no longer meets the
    /// request's constraints; `changes` and `violations` say in what.
    Stale,
    /// The event's time has passed.
    Expired,
    /// The idempotency key came before with another document.
    KeyReused,
    /// Every place in the queue is taken: try again soon.
    Busy,
    /// The body or the work took too long.
    Timeout,
    /// Something that the daemon needs is down.
    Unavailable,
    /// A bug or a broken disk: the daemon's log says more.
    Internal,
    /// A code of a newer daemon.
    #[serde(other)]
    Unknown,
}

impl ErrorCode {
    /// As in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::TooLarge => "too_large",
            Self::Denied => "denied",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::WrongState => "wrong_state",
            Self::Taken => "taken",
            Self::Stale => "stale",
            Self::Expired => "expired",
            Self::KeyReused => "key_reused",
            Self::Busy => "busy",
            Self::Timeout => "timeout",
            Self::Unavailable => "unavailable",
            Self::Internal => "internal",
            Self::Unknown => "unknown",
        }
    }

    pub const fn http_status(self) -> u16 {
        match self {
            Self::Invalid => 400,
            Self::Denied => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::Timeout => 408,
            Self::WrongState | Self::Taken | Self::Stale | Self::Expired | Self::KeyReused => 409,
            Self::TooLarge => 413,
            Self::Internal | Self::Unknown => 500,
            Self::Busy | Self::Unavailable => 503,
        }
    }

    /// Exit code of `eventplannerctl`: 1 failed, 4 denied, 5 busy, 6 timed out. (0 is success,
    /// 2 a wrong command line, 3 no daemon.)
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Denied => 4,
            Self::Busy => 5,
            Self::Timeout => 6,
            _ => 1,
        }
    }

    /// Seconds for `Retry-After`, where waiting helps.
    pub const fn retry_after_s(self) -> Option<u32> {
        match self {
            Self::Busy => Some(1),
            Self::Unavailable => Some(5),
            _ => None,
        }
    }
}

/// One refused field of a document, or of a row of a vendor file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// 1-based number of the row in a vendor file; absent for other documents.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub row: Option<u64>,
    pub field: String,
    pub message: String,
    pub hint: String,
}

impl From<FieldError> for Refusal {
    fn from(error: FieldError) -> Self {
        Self { row: None, field: error.field, message: error.message, hint: error.hint }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(row) = self.row {
            write!(f, "row {row}: ")?;
        }
        write!(f, "{}: {}; {}", self.field, self.message, self.hint)
    }
}

/// Why a call failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiError {
    pub code: ErrorCode,
    /// Lowercase: what failed, with what.
    pub message: String,
    /// Path of the (first) refused field.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub field: Option<String>,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub hint: Option<String>,
    /// Every refused field where a document was refused, the first one included.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub refused: Vec<Refusal>,
    /// Of `stale`.
    #[serde(flatten, skip_serializing_if = "Option::is_none", default)]
    pub stale: Option<Box<Stale>>,
}

/// In what an option is out of date.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stale {
    /// Per vendor and field, old and new.
    pub changes: Vec<VendorChange>,
    /// What keeps the option from being booked as things are now; empty: the changes can be
    /// accepted.
    pub violations: Vec<Violation>,
}

/// The body of every reply that isn't a success.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorDocument {
    pub error: ApiError,
}

impl ApiError {
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        let (message, refused) = (message.into(), Vec::new());
        Self { code, message, field: None, hint: None, refused, stale: None }
    }

    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// A refused query parameter, path segment or header.
    pub fn invalid(
        field: impl Into<String>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        FieldErrors::from(FieldError::new(field, message, hint)).into()
    }
}

impl From<FieldErrors> for ApiError {
    fn from(errors: FieldErrors) -> Self {
        let refused: Vec<Refusal> = errors.0.into_iter().map(Refusal::from).collect();
        let Some(first) = refused.first().cloned() else {
            return Self::new(ErrorCode::Invalid, "the document was refused");
        };
        Self {
            code: ErrorCode::Invalid,
            message: first.message,
            field: Some(first.field),
            hint: Some(first.hint),
            refused,
            stale: None,
        }
    }
}

impl fmt::Display for ApiError {
    /// `field: message; hint`, one line for each refused field.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_first_refusal =
            self.refused.first().is_some_and(|refusal| refusal.message == self.message);
        if !is_first_refusal {
            if let Some(field) = &self.field {
                write!(f, "{field}: ")?;
            }
            f.write_str(&self.message)?;
            if let Some(hint) = &self.hint {
                write!(f, "; {hint}")?;
            }
        }
        for (i, refusal) in self.refused.iter().enumerate() {
            if i > 0 || !is_first_refusal {
                f.write_str("\n")?;
            }
            refusal.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for ApiError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_refused_fields_are_told_once() {
        let mut errors = FieldErrors::default();
        errors.push("guests", "is 0", "write at least 1");
        errors.push("date", "lies in the past", "write a later day");
        let error = ApiError::from(errors);
        assert_eq!(error.field.as_deref(), Some("guests"));
        assert_eq!(
            error.to_string(),
            "guests: is 0; write at least 1\ndate: lies in the past; write a later day"
        );
    }

    #[test]
    fn an_error_survives_the_wire_and_a_newer_code_is_read() {
        let plain = ApiError::new(ErrorCode::NotFound, "no plan x").with_hint("see `plan list`");
        let text = serde_json::to_string(&ErrorDocument { error: plain.clone() }).unwrap();
        assert_eq!(
            text,
            r#"{"error":{"code":"not_found","message":"no plan x","hint":"see `plan list`"}}"#
        );
        assert_eq!(serde_json::from_str::<ErrorDocument>(&text).unwrap().error, plain);
        let newer = text.replace("not_found", "eaten_by_dog");
        let newer: ErrorDocument = serde_json::from_str(&newer).unwrap();
        assert_eq!((newer.error.code, newer.error.code.exit_code()), (ErrorCode::Unknown, 1));
    }

    #[test]
    fn what_changed_survives_the_wire() {
        let change = VendorChange {
            category: "venue".into(),
            vendor: "v".into(),
            name: "Hall".into(),
            field: "capacity.max".into(),
            old: Some("300".into()),
            new: None,
        };
        let stale = Stale { changes: vec![change], violations: vec![] };
        let mut error = ApiError::new(ErrorCode::Stale, "option 1 is out of date");
        error.stale = Some(Box::new(stale));
        let text = serde_json::to_string(&error).unwrap();
        assert!(text.contains(r#""changes":[{"category":"venue","vendor":"v","name":"Hall","#));
        assert_eq!(serde_json::from_str::<ApiError>(&text).unwrap(), error);
    }

    #[test]
    fn rows_stand_behind_the_headline() {
        let error = ApiError {
            code: ErrorCode::Invalid,
            message: "1 of 3 rows is wrong; nothing was imported".into(),
            field: None,
            hint: Some("mend it, or import the others with --skip-invalid".into()),
            refused: vec![Refusal {
                row: Some(2),
                field: "rating".into(),
                message: "is NaN".into(),
                hint: "write 0–5".into(),
            }],
            stale: None,
        };
        assert_eq!(error.to_string().lines().nth(1), Some("row 2: rating: is NaN; write 0–5"));
    }
}
