//! Any bytes are a request or a list of refused fields, each with a path and a remedy.
#![no_main]

use eventplanner::model::{ERRORS_MAX, Request};
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Err(errors) = Request::parse(bytes, Timestamp::UNIX_EPOCH) {
        let errors = errors.0;
        assert!((1..=ERRORS_MAX).contains(&errors.len()));
        assert!(errors.iter().all(|e| !e.field.is_empty() && !e.message.is_empty()));
        // An answer doesn't repeat its document.
        assert!(errors.iter().all(|e| e.field.len() + e.message.len() + e.hint.len() < 4_000));
    }
});
