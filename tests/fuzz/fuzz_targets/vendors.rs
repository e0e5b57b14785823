//! Any bytes are rows, each one a vendor or refused; the reader comes to an end.
#![no_main]

use eventplanner::{catalog::reader, model::ERRORS_MAX, wire::ImportFormat};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let [kind, bytes @ ..] = input else { return };
    let format = [ImportFormat::Json, ImportFormat::Ndjson, ImportFormat::Csv][usize::from(*kind) % 3];
    let mut rows = 0;
    for row in reader(format, bytes) {
        rows += 1;
        if let Err(errors) = row.result {
            let errors = errors.0;
            assert!((1..=ERRORS_MAX).contains(&errors.len()));
            assert!(errors.iter().all(|e| !e.field.is_empty() && !e.message.is_empty()));
            // An answer doesn't repeat its document.
            assert!(errors.iter().all(|e| e.field.len() + e.message.len() + e.hint.len() < 4_000));
        }
    }
    // A row takes a byte at least.
    assert!(rows <= bytes.len() + 1);
});
