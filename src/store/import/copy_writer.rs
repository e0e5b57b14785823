//! Rows on their way into a table: COPY's binary form.
//!
//! The driver's own writer sends 4 KB at a time, which wakes driver and server for every fifth
//! vendor; this one sends what keeps both busy.

use std::pin::Pin;

use bytes::{Bytes, BytesMut};
use futures_util::SinkExt;
use tokio_postgres::{
    Client, CopyInSink,
    types::{IsNull, ToSql, Type},
};

/// Bytes that are sent together.
const SEND_BYTES: usize = 256 << 10;
const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";
/// Stands for NULL where a length is expected, and for the end where a number of columns is.
const NONE: i32 = -1;

/// Dropped before [`CopyWriter::finish`], the server takes none of its rows.
pub(crate) struct CopyWriter<'t> {
    sink: Pin<Box<CopyInSink<Bytes>>>,
    types: &'t [Type],
    buffer: BytesMut,
}

impl<'t> CopyWriter<'t> {
    /// `sql` is a COPY … FROM STDIN BINARY of columns of these types.
    pub(crate) async fn begin(
        client: &Client,
        sql: &str,
        types: &'t [Type],
    ) -> Result<Self, tokio_postgres::Error> {
        let sink = Box::pin(client.copy_in(sql).await?);
        let mut buffer = BytesMut::with_capacity(SEND_BYTES + (SEND_BYTES >> 2));
        buffer.extend_from_slice(SIGNATURE);
        // No flags, no more header.
        buffer.extend_from_slice(&[0; 8]);
        Ok(Self { sink, types, buffer })
    }

    /// Takes a row: one value for each column.
    ///
    /// # Errors
    /// A value that its column can't hold leaves the row out; the rows before it stay.
    pub(crate) fn add(&mut self, values: &[&(dyn ToSql + Sync)]) -> Result<(), String> {
        let row = self.buffer.len();
        self.append(values).inspect_err(|_| self.buffer.truncate(row))
    }

    /// Sends the rows taken so far, where they are enough to keep the server busy.
    pub(crate) async fn send_if_full(&mut self) -> Result<(), tokio_postgres::Error> {
        if self.buffer.len() >= SEND_BYTES {
            let full = self.buffer.split().freeze();
            self.sink.send(full).await?;
            self.buffer.reserve(SEND_BYTES + (SEND_BYTES >> 2));
        }
        Ok(())
    }

    /// Rows written.
    pub(crate) async fn finish(mut self) -> Result<u64, tokio_postgres::Error> {
        self.buffer.extend_from_slice(&(NONE as i16).to_be_bytes());
        self.sink.send(self.buffer.split().freeze()).await?;
        self.sink.as_mut().finish().await
    }

    fn append(&mut self, values: &[&(dyn ToSql + Sync)]) -> Result<(), String> {
        let columns = i16::try_from(values.len()).map_err(|error| error.to_string())?;
        self.buffer.extend_from_slice(&columns.to_be_bytes());
        for (value, of) in values.iter().zip(self.types) {
            let at = self.buffer.len();
            self.buffer.extend_from_slice(&NONE.to_be_bytes());
            let is_null =
                value.to_sql_checked(of, &mut self.buffer).map_err(|error| error.to_string())?;
            if matches!(is_null, IsNull::No) {
                let bytes = i32::try_from(self.buffer.len() - at - 4);
                let bytes = bytes.map_err(|error| error.to_string())?;
                self.buffer[at..at + 4].copy_from_slice(&bytes.to_be_bytes());
            }
        }
        Ok(())
    }
}
