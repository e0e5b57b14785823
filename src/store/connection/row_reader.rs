//! Reads a row's columns from left to right.

use tokio_postgres::{Row, types::FromSql};

use crate::StoreError;

/// A cursor over one row: the order of reading is the order of the select list.
pub(crate) struct RowReader<'r> {
    row: &'r Row,
    next: usize,
    what: &'static str,
}

impl<'r> RowReader<'r> {
    /// `what` names the row in errors, e.g. `a plan`.
    pub(crate) fn of(row: &'r Row, what: &'static str) -> Self {
        Self { row, next: 0, what }
    }

    pub(crate) fn take<T: FromSql<'r>>(&mut self) -> Result<T, StoreError> {
        let index = self.next;
        self.next += 1;
        self.row.try_get(index).map_err(|error| StoreError::corrupt(self.what, error))
    }

    /// A column that holds JSON.
    pub(crate) fn json<T: serde::de::DeserializeOwned>(&mut self) -> Result<T, StoreError> {
        let value: serde_json::Value = self.take()?;
        serde_json::from_value(value).map_err(|error| self.corrupt(error))
    }

    pub(crate) fn json_opt<T: serde::de::DeserializeOwned>(
        &mut self,
    ) -> Result<Option<T>, StoreError> {
        let value: Option<serde_json::Value> = self.take()?;
        value.map(serde_json::from_value).transpose().map_err(|error| self.corrupt(error))
    }

    /// A text column that is read into a checked type.
    pub(crate) fn parsed<T>(&mut self) -> Result<T, StoreError>
    where
        T: std::str::FromStr,
        T::Err: std::fmt::Display,
    {
        let text: &str = self.take()?;
        text.parse().map_err(|error| self.corrupt(error))
    }

    pub(crate) fn corrupt(&self, cause: impl std::fmt::Display) -> StoreError {
        StoreError::corrupt(self.what, cause)
    }
}
