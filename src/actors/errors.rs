//! What went wrong below, as the caller of an actor can act on it.

use crate::supervision::AskError;
use store::RowError;
use wire::{ApiError, ErrorCode, Refusal};

/// Refused rows that one answer lists; the message counts all.
pub(crate) const LISTED_ROWS_MAX: usize = 100;

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

/// The answer to a vendor file with refused rows: nothing was imported.
pub(crate) fn refused_rows(rows: &[RowError]) -> ApiError {
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
