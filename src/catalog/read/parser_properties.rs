//! What holds for any bytes that a caller sends: the fuzz targets' properties, on random bytes
//! and on good documents with a few bytes bent.

use jiff::Timestamp;
use proptest::prelude::*;

use crate::reader;
use model::{ERRORS_MAX, FieldErrors, Request};
use wire::ImportFormat;

const REQUEST: &[u8] = include_bytes!("../../../etc/sample/wedding.json");
const VENDORS: &[u8] = include_bytes!("../../../etc/sample/vendors.json");
/// Bytes of the vendor file that are bent: some rows.
const VENDORS_PART: usize = 6_000;
/// 2027-06-01.
const NOW: i64 = 1_811_808_000;

/// A document with bytes replaced, taken out or doubled at some places.
fn bent(document: &'static [u8]) -> impl Strategy<Value = Vec<u8>> {
    let change = (0..document.len(), 0_u8..3, any::<u8>());
    proptest::collection::vec(change, 0..6).prop_map(move |changes| {
        let mut bytes = document.to_vec();
        for (at, how, byte) in changes {
            let at = at.min(bytes.len().saturating_sub(1));
            match how {
                0 => bytes[at] = byte,
                1 => drop(bytes.remove(at)),
                _ => bytes.insert(at, byte),
            }
        }
        bytes
    })
}

fn hold_request(bytes: &[u8]) {
    let now = Timestamp::from_second(NOW).unwrap();
    if let Err(errors) = Request::parse(bytes, now) {
        hold_errors(errors);
    }
}

fn hold_errors(errors: FieldErrors) {
    assert!((1..=ERRORS_MAX).contains(&errors.0.len()));
    for error in errors.0 {
        assert!(!error.field.is_empty() && !error.message.is_empty(), "{error:?}");
        let length = error.field.len() + error.message.len() + error.hint.len();
        assert!(length < 4_000, "an error doesn't repeat its document");
    }
}

fn hold_vendors(bytes: &[u8]) {
    for format in [ImportFormat::Json, ImportFormat::Ndjson, ImportFormat::Csv] {
        let mut rows = 0;
        let mut ended = false;
        for row in reader(format, bytes) {
            assert!(!ended, "a fatal row is the last one");
            assert!(row.result.is_err() || !row.fatal);
            ended = row.fatal;
            rows += 1;
            if let Err(errors) = row.result {
                hold_errors(errors);
            }
        }
        // A row takes a byte at least.
        assert!(rows <= bytes.len() + 1, "{rows} rows in {} bytes", bytes.len());
    }
}

#[test]
fn what_the_fuzzer_found_stays_mended() {
    hold_request(br#"{"":1}"#);
    hold_vendors(b",");
    hold_vendors(&[b','; 10_000]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_a_request_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        hold_request(&bytes);
        hold_vendors(&bytes);
    }

    #[test]
    fn a_bent_request_is_a_request_or_refused(bytes in bent(REQUEST)) {
        hold_request(&bytes);
    }

    #[test]
    fn a_bent_vendor_file_comes_to_an_end(bytes in bent(&VENDORS[..VENDORS_PART])) {
        hold_vendors(&bytes);
    }
}
