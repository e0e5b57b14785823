//! Any bytes are rows, each one a vendor or refused; the reader comes to an end.
#![no_main]

use eventplanner::catalog::{Format, reader};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let [kind, bytes @ ..] = input else { return };
    let format = [Format::Json, Format::Ndjson, Format::Csv][usize::from(*kind) % 3];
    let rows = reader(format, bytes).count();
    // A row takes a byte at least.
    assert!(rows <= bytes.len() + 1);
});
