//! What went wrong below, as the caller of an actor can act on it.

use super::supervision::AskError;
use crate::{
    control::{ApiError, ErrorCode, Refusal},
    store::{RowError, StoreError},
};

/// Refused rows that one answer lists; the message counts all.
pub const LISTED_ROWS_MAX: usize = 100;

impl From<AskError> for ApiError {
    fn from(error: AskError) -> Self {
        let code = match error {
            AskError::Busy { .. } => ErrorCode::Busy,
            AskError::Restarting { .. } => ErrorCode::Unavailable,
            AskError::Panicked { .. } => ErrorCode::Internal,
        };
        Self::new(code, error.to_string())
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        let message = error.to_string();
        match error {
            StoreError::NoSuchPlan { .. } => {
                Self::new(ErrorCode::NotFound, message).with_hint("`plan list` shows all plans")
            }
            StoreError::NoSuchVendor { .. } => Self::new(ErrorCode::NotFound, message),
            StoreError::Unstorable { .. } => Self::new(ErrorCode::Invalid, message),
            StoreError::KeyReused { .. } => Self::new(ErrorCode::KeyReused, message),
            StoreError::NotEnded { .. }
            | StoreError::WrongState { .. }
            | StoreError::Fenced { .. } => Self::new(ErrorCode::WrongState, message),
            StoreError::Superseded { successor: other, .. }
            | StoreError::BookedElsewhere { holder: other, .. } => {
                let hint = format!("see `plan show {other}`; select or replan for that one");
                Self::new(ErrorCode::WrongState, message).with_hint(hint)
            }
            StoreError::Taken { .. } | StoreError::HoldLost { .. } => {
                Self::new(ErrorCode::Taken, message)
                    .with_hint("select another option, or submit the request again")
            }
            StoreError::Crowded { .. } => {
                Self::new(ErrorCode::Busy, message).with_hint("try again in a moment")
            }
            ref e if e.is_outage() || e.is_transient() => {
                Self::new(ErrorCode::Unavailable, message).with_hint("try again in a moment")
            }
            _ => Self::new(ErrorCode::Internal, message),
        }
    }
}

/// The answer to a vendor file with refused rows: nothing was imported.
pub fn refused_rows(rows: &[RowError]) -> ApiError {
    let refused = rows.iter().take(LISTED_ROWS_MAX).map(|row| Refusal {
        row: Some(row.row as u64),
        field: row.error.field.clone(),
        message: row.error.message.clone(),
        hint: row.error.hint.clone(),
    });
    let plural = if rows.len() == 1 { "row is" } else { "rows are" };
    ApiError {
        refused: refused.collect(),
        ..ApiError::new(
            ErrorCode::Invalid,
            format!("{} {plural} refused; nothing was imported", rows.len()),
        )
        .with_hint("mend them, or import the others with --skip-invalid")
    }
}
