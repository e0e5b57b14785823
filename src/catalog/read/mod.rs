//! Reads vendor files as a stream: one row at a time, each with its number and what is wrong.

pub(crate) mod bounded_input;
pub(crate) mod check;
pub(crate) mod csv_columns;
pub(crate) mod fields;
#[cfg(test)]
pub(crate) mod parser_properties;
pub(crate) mod raw;
pub(crate) mod split;

use std::{
    collections::HashMap,
    io::{self, BufReader, Read},
};

use bounded_input::{Limited, WithoutBom};
use csv_columns::Header;
use fields::{RawVendor, check};
use split::{ArrayElements, Lines, Piece, ROW_MAX_BYTES};

use model::{FieldError, FieldErrors, Vendor};
use wire::ImportFormat;

/// Rows that one file may have; what is remembered of each is a few bytes.
pub(crate) const ROWS_MAX: usize = 10_000_000;
const BUFFER_BYTES: usize = 64 * 1024;
/// Columns that a CSV may have: all known ones, and room for contacts.
const COLUMNS_MAX: usize = 128;

/// One vendor of a file.
#[derive(Debug)]
pub struct Row {
    /// From 1; a CSV's header is row 0.
    pub number: usize,
    pub result: Result<Vendor, FieldErrors>,
    /// Nothing after this row could be read, so that not even an import that skips bad rows may
    /// take the file. Always with an error, and always the last row.
    pub fatal: bool,
}

/// Reads a vendor file. Holds one row (at most 1 MiB) and some bytes per id at a time.
///
/// A broken row costs itself: the next one is read all the same, as long as the file's structure
/// lets rows be told apart. An id that was met before is an error of the later row.
pub fn reader<R: Read>(format: ImportFormat, input: R) -> impl Iterator<Item = Row> + use<R> {
    let input = WithoutBom::new(input);
    let rows = match format {
        ImportFormat::Json => {
            Rows::Json(ArrayElements::new(BufReader::with_capacity(BUFFER_BYTES, input)))
        }
        ImportFormat::Ndjson => {
            Rows::Ndjson(Lines::new(BufReader::with_capacity(BUFFER_BYTES, input)))
        }
        ImportFormat::Csv => Rows::csv(input),
    };
    VendorReader { rows, number: 0, done: false, seen: HashMap::new() }
}

struct VendorReader<R: Read> {
    rows: Rows<R>,
    number: usize,
    done: bool,
    /// Row numbers by the hash of the id: 64 bits, so that a false alarm among ten million rows
    /// has a chance of one in 400,000.
    seen: HashMap<u64, usize>,
}

impl<R: Read> Iterator for VendorReader<R> {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        if self.done {
            return None;
        }
        let (number, fatal, result) = match self.rows.next_row() {
            Ok(None) => {
                self.done = true;
                return None;
            }
            Ok(Some(_)) if self.number == ROWS_MAX => {
                let message = format!("has more than {ROWS_MAX} rows");
                (self.number + 1, true, Err(file_error(message, "split the file").into()))
            }
            Ok(Some(read)) => {
                self.number += 1;
                (self.number, false, read.and_then(check).and_then(|vendor| self.once(vendor)))
            }
            Err(Unreadable { header, errors }) => {
                (if header { 0 } else { self.number + 1 }, true, Err(errors))
            }
        };
        self.done = fatal;
        Some(Row { number, result, fatal })
    }
}

impl<R: Read> VendorReader<R> {
    fn once(&mut self, vendor: Vendor) -> Result<Vendor, FieldErrors> {
        let digest = blake3::hash(vendor.id.as_str().as_bytes());
        let mut first_bytes = [0; 8];
        first_bytes.copy_from_slice(&digest.as_bytes()[..8]);
        match self.seen.insert(u64::from_le_bytes(first_bytes), self.number) {
            None => Ok(vendor),
            Some(earlier) => {
                let message =
                    format!("`{}` stands in rows {earlier} and {}", vendor.id, self.number);
                let hint = "give each vendor an id of its own, or remove one of the rows";
                Err(FieldError::new("external_id", message, hint).into())
            }
        }
    }
}

/// The rest of the file is lost.
struct Unreadable {
    header: bool,
    errors: FieldErrors,
}

impl Unreadable {
    fn rest(message: impl Into<String>, hint: &str) -> Self {
        Self { header: false, errors: file_error(message, hint).into() }
    }
}

fn file_error(message: impl Into<String>, hint: &str) -> FieldError {
    FieldError::new(".", message, hint)
}

impl From<io::Error> for Unreadable {
    fn from(error: io::Error) -> Self {
        Self::rest(format!("the file could not be read: {error}"), "read it again")
    }
}

enum Rows<R: Read> {
    Json(ArrayElements<BufReader<WithoutBom<R>>>),
    Ndjson(Lines<BufReader<WithoutBom<R>>>),
    Csv { reader: Box<csv::Reader<Limited<R>>>, header: Option<Header> },
}

impl<R: Read> Rows<R> {
    fn csv(input: WithoutBom<R>) -> Self {
        let reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .buffer_capacity(BUFFER_BYTES)
            .from_reader(Limited { input, left: 0 });
        Self::Csv { reader: Box::new(reader), header: None }
    }

    /// The next row's shape; `None` at the end.
    fn next_row(&mut self) -> Result<Option<Result<RawVendor, FieldErrors>>, Unreadable> {
        let piece = match self {
            Self::Json(elements) => elements.next_piece()?,
            Self::Ndjson(lines) => lines.next_piece()?,
            Self::Csv { reader, header } => {
                if header.is_none() {
                    match csv_record(reader)? {
                        None => return Err(Unreadable::rest("is empty", "write a header line")),
                        Some(record) => *header = Some(csv_header(&record)?),
                    }
                }
                let (Some(header), Some(record)) = (header, csv_record(reader)?) else {
                    return Ok(None);
                };
                return Ok(Some(header.object(record.iter()).and_then(RawVendor::from_object)));
            }
        };
        match piece {
            Piece::Row(text) => Ok(Some(RawVendor::from_json(&text))),
            Piece::TooLong => {
                let message = format!("has more than {ROW_MAX_BYTES} bytes");
                Ok(Some(Err(file_error(message, "shorten this vendor's record").into())))
            }
            Piece::Broken(message) => {
                let hint = "write a JSON array of objects, or one object per line";
                Err(Unreadable::rest(message, hint))
            }
            Piece::End => Ok(None),
        }
    }
}

fn csv_header(record: &csv::ByteRecord) -> Result<Header, Unreadable> {
    let parsed = if record.len() > COLUMNS_MAX {
        let message = format!("the header has {} columns", record.len());
        Err(file_error(message, "see the columns of a vendor file in the README").into())
    } else {
        Header::parse(record.iter())
    };
    parsed.map_err(|errors| Unreadable { header: true, errors })
}

fn csv_record<R: Read>(
    reader: &mut csv::Reader<Limited<R>>,
) -> Result<Option<csv::ByteRecord>, Unreadable> {
    reader.get_mut().left = ROW_MAX_BYTES + BUFFER_BYTES;
    let mut record = csv::ByteRecord::new();
    match reader.read_byte_record(&mut record) {
        Ok(true) => Ok(Some(record)),
        Ok(false) => Ok(None),
        Err(error) => {
            Err(Unreadable::rest(error.to_string(), "look for a quote that is not closed"))
        }
    }
}

#[cfg(test)]
mod tests;
