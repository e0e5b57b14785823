//! The store's errors as a caller of the API can act on them.

use crate::StoreError;
use wire::{ApiError, ErrorCode};

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
