//! Writes vendor files that [`crate::reader`] reads.

use std::{
    borrow::Borrow,
    io::{self, Write},
};

use crate::read::csv_columns;
use model::Vendor;
use wire::ImportFormat;

/// Writes vendors as a stream: JSON as an array with one vendor per line, NDJSON, or CSV with
/// every column.
///
/// # Errors
/// What `output` refuses.
pub fn write<V: Borrow<Vendor>>(
    format: ImportFormat,
    vendors: impl IntoIterator<Item = V>,
    mut output: impl Write,
) -> io::Result<()> {
    match format {
        ImportFormat::Csv => {
            let mut writer = csv::Writer::from_writer(output);
            writer.write_record(csv_columns::names())?;
            for vendor in vendors {
                writer.write_record(csv_columns::record(vendor.borrow())?)?;
            }
            writer.flush()
        }
        ImportFormat::Ndjson => {
            for vendor in vendors {
                serde_json::to_writer(&mut output, vendor.borrow())?;
                output.write_all(b"\n")?;
            }
            output.flush()
        }
        ImportFormat::Json => {
            output.write_all(b"[")?;
            for (i, vendor) in vendors.into_iter().enumerate() {
                output.write_all(if i == 0 { b"\n" } else { b",\n" })?;
                serde_json::to_writer(&mut output, vendor.borrow())?;
            }
            output.write_all(b"\n]\n")?;
            output.flush()
        }
    }
}
